"""Work that is put off as long as it may still be absorbed.

A step of the normal form becomes one of

- `Made`: a node of the real program,
- `Sum`: maps of nodes and a bias, into which factors and terms can still be folded,
- `Curve`: a function of one node's elements, into which further functions can still be composed.

What several steps read is made at once, but for straight lines, which cost nothing to repeat.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph
from .._graph import Fixed
from ._functions import IDENTITY, Function
from ._maps import Dense, LinearMap, Scale
from ._moves import Reshape, Transpose
from ._real import Apply, Input, Linear, RealOp, RealProgram
from ._shared import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .._graph import Input as ModelInput
    from .._graph import Step, Value

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Made:
    """A node of the real program."""

    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Sum:
    """Maps of nodes, and a bias that can be broadcast to the shape."""

    terms: tuple[tuple[LinearMap, int], ...]
    bias: Array
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A function of each element of one node."""

    function: Function
    index: int
    shape: tuple[int, ...]


Lazy = Made | Sum | Curve


class Lowering:
    """One run over the steps: the nodes so far, and what is put off.

    Rules read the operands of the step that is taken, and add nodes under its name.
    """

    def __init__(self, given: ModelInput, steps: Sequence[Step], output: Step) -> None:
        self._nodes: list[Node[RealOp]] = [Node(Input(), (), given.shape, "input")]
        self._lazy: dict[int, Lazy] = {id(given): Made(0, given.shape)}
        self._uses = Counter(id(v) for step in steps for v in step.operands if v is not None)
        self._uses[id(output)] += 1
        self._step = output
        # By identity of what is put off: the step that it is the result of.
        self._origins: dict[int, str] = {}

    def take(self, step: Step, rule: Callable[[Lowering, Step], Lazy]) -> None:
        """Put a step off as its rule says."""
        self._step = step
        made = rule(self, step)
        if self._uses[id(step)] > 1 and not (
            isinstance(made, Curve) and made.function.line is not None
        ):
            made = self.make(made)
        self._lazy[id(step)] = made
        self._origins[id(made)] = step.origin

    def finish(self, step: Step) -> Made:
        """Return the node of a step that was taken; further nodes are added under its name."""
        self._step = step
        return self.make(self._lazy[id(step)])

    def program(self, output: Made, notes: tuple[str, ...]) -> RealProgram:
        """Return the nodes up to one, which is the output."""
        return RealProgram(tuple(self._nodes[: output.index + 1]), notes)

    # Nodes.

    def add(
        self, op: RealOp, sources: Sequence[int], shape: tuple[int, ...], name: str | None = None
    ) -> Made:
        """Add a node, by default under the name of the step that is taken."""
        self._nodes.append(Node(op, tuple(sources), tuple(shape), name or self._step.origin))
        return Made(len(self._nodes) - 1, tuple(shape))

    def moved(self, move: RealOp, value: Lazy, shape: Sequence[int]) -> Made:
        """Add a node that reads one value."""
        return self.add(move, [self.make(value).index], tuple(shape))

    def reshaped(self, value: Lazy, shape: tuple[int, ...]) -> Made:
        """Add a node that gives the elements of a value another shape."""
        return self.moved(Reshape(shape), value, shape)

    def transposed(self, value: Lazy, perm: tuple[int, ...]) -> Made:
        """Add a node whose axis i is axis perm[i] of a value."""
        return self.moved(Transpose(perm), value, [value.shape[p] for p in perm])

    def make(self, value: Lazy) -> Made:
        """Put off no longer: add the node of a value."""
        if isinstance(value, Made):
            return value
        name = self._origins.get(id(value))
        if isinstance(value, Curve) and value.function.line is None:
            return self.add(Apply(value.function), [value.index], value.shape, name)
        total = self.as_sum(value)
        bias = np.asarray(total.bias, dtype=np.float64)
        maps = tuple(each for each, _ in total.terms)
        return self.add(Linear(maps, bias), [i for _, i in total.terms], total.shape, name)

    def as_sum(self, value: Lazy) -> Sum:
        """Return a value as a sum, into which factors and terms can be folded."""
        if isinstance(value, Sum):
            return value
        curve = self.as_curve(value)
        if curve.function.line is None:
            curve = self.as_curve(self.make(curve))
        a, b = curve.function.line or (1.0, 0.0)
        term = Scale(np.array(a, dtype=np.float64), len(curve.shape))
        return Sum(((term, curve.index),), np.array(b, dtype=np.float64), curve.shape)

    def as_curve(self, value: Lazy) -> Curve:
        """Return a value as a function, into which functions can be composed."""
        if isinstance(value, Curve):
            return value
        made = self.make(value)
        return Curve(IDENTITY, made.index, made.shape)

    # Operands.

    def value(self, position: int) -> Lazy:
        """Return an operand that is computed."""
        operand = self._operand(position)
        if isinstance(operand, Fixed):
            raise UnsupportedGraph(
                f"{self._step.op}: operand {position + 1} is constant", place=self.place
            )
        return self._lazy[id(operand)]

    def _operand(self, position: int) -> Value:
        operand = self._step.operands[position]
        if operand is None:
            raise UnsupportedGraph(f"operand {position + 1} is missing", place=self.place)
        return operand

    def constant(self, position: int) -> Array | None:
        """Return an operand that is constant, or None where there is none."""
        operands = self._step.operands
        operand = operands[position] if position < len(operands) else None
        if operand is None:
            return None
        if not isinstance(operand, Fixed):
            raise UnsupportedGraph(
                f"{self._step.op}: operand {position + 1} has to be constant", place=self.place
            )
        array = operand.array
        return array if array.dtype.kind == "i" else array.astype(np.float64)

    def integers(self, position: int) -> list[int]:
        """Return the numbers of a constant operand."""
        found = self.constant(position)
        return [] if found is None else [int(v) for v in found.reshape(-1)]

    @property
    def place(self) -> str:
        """Where the step that is taken stands in the model."""
        return f"node '{self._step.origin}'"

    # What is put off further.

    def applied(self, function: Function, value: Lazy) -> Lazy:
        """Return function(value)."""
        if isinstance(value, Sum) and function.line is not None:
            a, b = function.line
            scaled = self.scaled(value, np.array(a))
            return Sum(scaled.terms, scaled.bias + b, scaled.shape)
        curve = self.as_curve(value)
        return Curve(function.after(curve.function), curve.index, curve.shape)

    def scaled(self, value: Lazy, factor: Array) -> Sum:
        """Return factor * value, of the shape that they are broadcast to."""
        shape = np.broadcast_shapes(value.shape, factor.shape)
        if isinstance(value, Sum) and shape == value.shape:
            maps = [_scaled_map(each, factor, len(shape)) for each, _ in value.terms]
            if all(each is not None for each in maps):
                terms = tuple(
                    (each, i) for each, (_, i) in zip(maps, value.terms, strict=True) if each
                )
                return Sum(terms, value.bias * factor, shape)
        curve = self.as_curve(self.make(value) if isinstance(value, Sum) else value)
        if curve.function.line is None:
            curve = self.as_curve(self.make(curve))
        a, b = curve.function.line or (1.0, 0.0)
        if shape != curve.shape:
            factor = np.broadcast_to(factor, shape)
        term = Scale(np.asarray(factor * a), len(shape))
        return Sum(((term, curve.index),), np.asarray(factor * b), shape)

    def spread(self, value: Lazy, shape: tuple[int, ...]) -> Sum:
        """Return a value, broadcast to a shape."""
        if value.shape == shape:
            return self.as_sum(value)
        return self.scaled(value, np.ones(shape))

    def added(self, left: Lazy, right: Lazy, shape: tuple[int, ...]) -> Sum:
        """Return left + right, both broadcast to a shape."""
        a, b = self.spread(left, shape), self.spread(right, shape)
        return Sum((*a.terms, *b.terms), a.bias + b.bias, shape)

    def unscaled(self, value: Lazy, axis: int) -> tuple[int, Array, Array] | None:
        """Return (node, factor, offset) where value is factor * node + offset along one axis."""
        if isinstance(value, Made):
            return None
        if isinstance(value, Curve):
            if value.function.line is None or value.function.line == (1.0, 0.0):
                return None
            a, b = value.function.line
            return value.index, np.array([a]), np.array([b])
        if len(value.terms) != 1:
            return None
        each, index = value.terms[0]
        if not isinstance(each, Scale) or each.axes or self._nodes[index].shape != value.shape:
            return None
        factor = _along(each.factor, axis, len(value.shape))
        offset = _along(value.bias, axis, len(value.shape))
        return None if factor is None or offset is None else (index, factor, offset)


def _along(array: Array, axis: int, rank: int) -> Array | None:
    """Return a constant as numbers along one axis, or None where it varies along another."""
    shape = (1,) * (rank - array.ndim) + array.shape
    if any(d != 1 for i, d in enumerate(shape) if i != axis):
        return None
    return np.asarray(array, dtype=np.float64).reshape(-1)


def _scaled_map(each: LinearMap, factor: Array, rank: int) -> LinearMap | None:
    """Return the map of which each result is multiplied by a factor, or None."""
    if isinstance(each, Scale):
        fits = factor.size == 1 or not each.axes
        return each.replace(each.factor * factor) if fits else None
    if isinstance(each, Dense):
        columns = _along(factor, rank - 1, rank)
        return None if columns is None else each.replace(each.weight * columns)
    channels = _along(factor, 1, rank)
    if channels is None:
        return None
    return each.replace(each.weight * channels.reshape(-1, *[1] * (each.weight.ndim - 1)))
