"""From a program to a plan: its tensors as references, its operations as layers.

An `Affine` becomes a linear layer, and its numbers stand where its reader wants them: if nobody but
look-ups of one function reads them, in a block of arguments of that function; else in one of the
identity, whose values all may read. Look-ups of what stands elsewhere copy it first. Moves cost
nothing, and neither do look-ups that are the identity on what can occur.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import LayoutUnsupported
from .._program._integer import Affine, Input, Lookup
from .._program._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from .._program._shared import ArgMax, WindowMax
from ._descriptor import Clamp, Kind, Term, View
from ._frames import Frame, frames_of
from ._functions import Total, identity, total
from ._maps import LARGEST_MATRIX, Operand, dense_maps, framed, matrix_size, written_out
from ._plan import (
    Plan,
    PlanCombine,
    PlanInput,
    PlanLinear,
    PlanMap,
    PlanOutput,
    PlanTop1,
    whole,
)
from ._refs import NONE, Refs, cells, constants, dense_of, joined, summed
from ._windows import larger_of, pooled, slid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._program._integer import IntegerOp
    from .._program._program import Program
    from .._program._shared import Node
    from ._plan import Size

    Array = NDArray[Any]

_MOVES = (Reshape, Transpose, Slice, Concat, Pad, Gather)
# What the core's checker accepts, in a map, a view or a list of functions, and of layers.
LONGEST_LIST = 64
_MOST_LAYERS = 1 << 12
# References to the public output: cell i is output i.
_PUBLIC = -2


def lower(program: Program, input_frame: Array, splits: frozenset[int]) -> Plan:
    """Return a program's plan.

    Parameters
    ----------
    input_frame
        [channel, height, width]: which element of the flat input is where in its block.
    splits
        Affines whose last output channel gets a block of its own.

    Raises
    ------
    LayoutUnsupported
        An operation has no proof.
    """
    return _Lowering(program, splits).plan(input_frame)


class _Lowering:
    def __init__(self, program: Program, splits: frozenset[int]) -> None:
        self._program = program
        self._nodes = program.nodes
        self._splits = splits
        self._plan = Plan(program.width)
        self._made: list[Refs] = []
        self._readers: list[list[int]] = [[] for _ in program.nodes]
        for i, node in enumerate(program.nodes):
            for source in node.sources:
                self._readers[source].append(i)
        self._totals: dict[int, Total] = {}
        # (block, function) -> the block of the function's values; blocks already guarded
        self._looked_up: dict[tuple[int, int], int] = {}
        self._guards: set[int] = set()
        self._at = 0

    def plan(self, input_frame: Array) -> Plan:
        for i, node in enumerate(self._nodes):
            if isinstance(node.op, Lookup):
                reach = self._program.ranges[node.sources[0]]
                found = total(node.op, reach, self._program.width)
                if found is not None:
                    self._totals[i] = found
        for i, node in enumerate(self._nodes):
            self._at = i
            made = self._input(input_frame) if i == 0 else self._node(node)
            self._made.append(made)
        self._finish()
        self._check_limits()
        return self._plan

    def _check_limits(self) -> None:
        """Refuse what has no encoding, or is more than the core's checker accepts."""
        plan = self._plan
        for layer in plan.layers:
            maps = layer.maps if isinstance(layer, PlanLinear) else ()
            if max((len(maps), *(len(m.view) for m in maps))) > LONGEST_LIST:
                self._at = layer.node if isinstance(layer, PlanLinear) else self._at
                raise self._unsupported(self._at, "it reads numbers from too many places")
        if len(plan.layers) > _MOST_LAYERS or len(plan.functions) > LONGEST_LIST:
            raise self._unsupported(self._at, "there are too many layers or functions before it")

    def _unsupported(self, i: int, reason: str) -> LayoutUnsupported:
        node = self._nodes[i]
        return LayoutUnsupported(op=type(node.op).__name__, node=node.name, reason=reason)

    @property
    def _sizes(self) -> list[Size]:
        return [b.size for b in self._plan.blocks]

    # Who reads a node.

    def _passes(self, i: int) -> bool:
        """Return whether a node's elements are elements of its sources."""
        node = self._nodes[i]
        if isinstance(node.op, Lookup):
            found = self._totals.get(i)
            # With an offset, it is one even so, but numbers change.
            return found is not None and (
                (found.kind, found.offset) == (identity(self._program.width), 0)
            )
        return isinstance(node.op, _MOVES)

    def _only_function(self, i: int) -> Total | None:
        """Return the function of which only look-ups read a node, maxima in between or not."""
        wanted: set[Total] = set()
        if i == len(self._nodes) - 1:
            return None
        for r in self._readers[i]:
            op = self._nodes[r].op
            if r in self._totals and not self._passes(r):
                wanted.add(self._totals[r])
                continue
            found = self._only_function(r) if self._passes(r) or isinstance(op, WindowMax) else None
            if found is None or (isinstance(op, WindowMax) and not found.rising):
                return None
            if found.guarded and not isinstance(op, (Reshape, Transpose)):
                # Guards check whole blocks, and here some cells may be nobody's business.
                return None
            wanted.add(found)
        return wanted.pop() if len(wanted) == 1 else None

    def _is_output(self, i: int) -> bool:
        """Return whether a node is the output, whatever its order and shape."""
        if i == len(self._nodes) - 1:
            return True
        readers = self._readers[i]
        if len(readers) != 1:
            return False
        (r,) = readers
        turned = isinstance(self._nodes[r].op, (Reshape, Transpose))
        return (turned or (self._passes(r) and not isinstance(self._nodes[r].op, _MOVES))) and (
            self._is_output(r)
        )

    # Nodes.

    def _node(self, node: Node[IntegerOp]) -> Refs:
        op = node.op
        if self._passes(self._at):
            return self._moved(node)
        match op:
            case Affine():
                return self._affine(op)
            case Lookup():
                if self._at not in self._totals:
                    raise self._unsupported(self._at, "its table is not one of K-bit integers")
                return self._look_up(self._made[node.sources[0]], self._totals[self._at])
            case WindowMax():
                return self._window_max(op)
            case ArgMax():
                return self._arg_max(op)
            case _:
                raise self._unsupported(self._at, "products of two activations have no proof here")

    def _input(self, frame: Array) -> Refs:
        op = self._nodes[0].op
        half = 1 << self._program.width - 1
        if not isinstance(op, Input) or (op.low, op.high) != (-half, half - 1):
            raise self._unsupported(0, "its range is not that of an activation")
        wanted = self._only_function(0) or next(
            (
                self._totals[r]
                for r in self._readers[0]
                if r in self._totals and not self._passes(r)
            ),
            None,
        )
        function = self._plan.function(wanted.kind) if wanted and not wanted.guarded else ANY
        argument, value = self._plan.pair(_size(frame), function)
        self._plan.layers.append(PlanInput(argument))
        self._plan.input_order = frame.reshape(-1)
        if function != ANY:
            self._looked_up[argument, function] = value
        return cells(argument, _inverse(frame))

    def _moved(self, node: Node[IntegerOp]) -> Refs:
        op = node.op
        sources = [self._made[s] for s in node.sources]
        shapes = [self._nodes[s].shape for s in node.sources]
        if isinstance(op, Lookup):
            return sources[0]
        whole_refs = joined(sources)
        offsets = np.cumsum([0, *(len(s) for s in sources[:-1])])
        places = [
            (np.arange(len(s), dtype=np.int64) + offset).reshape(1, *shape)
            for s, offset, shape in zip(sources, offsets, shapes, strict=True)
        ]
        if isinstance(op, Pad):
            border = len(whole_refs)
            whole_refs = joined([whole_refs, constants(np.array([op.value]))])
            index = Pad(op.widths, border).apply(places[0])
        else:
            index = op.apply(*places)  # type: ignore[union-attr]
        return whole_refs.take(index)

    def _affine(self, op: Affine) -> Refs:
        node = self._nodes[self._at]
        operands = [Operand(self._made[s], self._nodes[s].shape) for s in node.sources]
        for frame in frames_of(node.shape):
            made = self._framed(op, operands, node.shape, frame)
            if made is not None:
                maps, bias = made
                return self._linear(op, maps, bias, frame.index(node.shape))
        raise self._unsupported(
            self._at,
            "it is no dense layer, convolution or depthwise convolution with strides of 1 or 2 and "
            "one bias for each channel, and too large to be written out as a matrix",
        )

    def _framed(
        self, op: Affine, operands: Sequence[Operand], shape: tuple[int, ...], frame: Frame
    ) -> tuple[list[PlanMap], Array] | None:
        """Return an affine's maps in a frame, and a bias for each of its channels."""
        channels, height, width = frame.size(shape)
        flat = height * width == 1
        bias = frame.arrange(np.broadcast_to(op.bias, shape).astype(np.int64))
        if (bias != bias[:, :1, :1]).any():
            return None
        biases = bias[:, 0, 0].copy()
        maps: list[PlanMap] = []
        for each, x in zip(op.maps, operands, strict=True):
            dense = flat and matrix_size(each, x, channels) == 0
            made = None if dense else framed(each, x, shape, frame, self._sizes)
            if made is None:
                if not flat or matrix_size(each, x, channels) > LARGEST_MATRIX:
                    return None
                made = written_out(each, x, shape, op.bound, self._sizes)
            maps += made[0]
            biases = biases + made[1]
        return maps, biases

    def _linear(self, op: Affine, maps: list[PlanMap], biases: Array, frame: Array) -> Refs:
        node = self._at
        size = _size(frame)
        if self._is_output(node):
            self._add_linear(maps, biases, op.shift, None, size)
            return cells(_PUBLIC, _inverse(frame))
        wanted = self._only_function(node)
        kind = wanted.kind if wanted else identity(self._program.width)
        function = self._plan.function(kind)
        parts = [slice(0, size[0])]
        if node in self._splits:
            parts = [slice(0, size[0] - 1), slice(size[0] - 1, size[0])]
        found = []
        for part in parts:
            some = [_outputs(each, part) for each in maps]
            length = (part.stop - part.start, *size[1:])
            argument, value = self._plan.pair(length, function)
            self._add_linear(some, biases[part], op.shift, argument, length)
            block = value
            self._looked_up[argument, function] = value
            found.append(cells(block, np.arange(math.prod(length))))
        refs = joined(found).take(_inverse(frame))
        if wanted is None:
            return refs
        if wanted.guarded:
            for block in np.unique(refs.block).tolist():
                self._guard(block, function)
        return refs.with_owed(function)

    def _add_linear(
        self,
        maps: list[PlanMap],
        biases: Array,
        shift: int,
        cell: int | None,
        size: Size,
    ) -> None:
        if not maps:
            # Nothing but constants: a map of zeros, since a layer has one at least.
            argument = next(b.cell for b in self._plan.layers if isinstance(b, PlanInput))
            shape = self._plan.blocks[argument].size
            made, _ = dense_maps(
                np.zeros((size[0], math.prod(shape)), dtype=np.int64),
                cells(argument, np.arange(math.prod(shape))),
                self._sizes,
            )
            maps = made
        self._plan.layers.append(PlanLinear(tuple(maps), biases, shift, cell, size, self._at))

    # Look-ups.

    def _look_up(self, refs: Refs, wanted: Total) -> Refs:
        """Return a function of each element."""
        function = self._plan.function(wanted.kind)
        parts: list[Refs] = []
        order: list[Array] = []

        def keep(elements: Array, made: Refs) -> None:
            order.append(elements)
            parts.append(made)

        done = refs.owed == function
        if done.any():
            keep(np.flatnonzero(done), refs.take(np.flatnonzero(done)).with_owed(NONE))
        fixed = ~done & (refs.block == NONE).all(axis=1)
        if fixed.any():
            keep(np.flatnonzero(fixed), constants(self._applied(wanted, refs.constant[fixed])))
        rest = np.flatnonzero(~done & ~fixed)
        for elements in _alike(refs, rest):
            keep(elements, self._copied(refs.take(elements), function, wanted.guarded))
        return joined(parts).take(_inverse(np.concatenate(order))).plus(wanted.offset)

    def _applied(self, wanted: Total, values: Array) -> Array:
        if isinstance(wanted.kind, Clamp):
            return np.clip(values, wanted.kind.low, wanted.kind.high)
        table = np.array(wanted.kind.values, dtype=np.int64)
        return np.asarray(table[values + len(table) // 2])

    def _copied(self, refs: Refs, function: int, guarded: bool) -> Refs:
        """Return a function of elements whose cells are in the same blocks."""
        if (refs.owed != NONE).any():
            raise self._unsupported(self._at, "two functions of one number")
        if refs.plain:
            block = int(refs.block[0, 0])
            covered = len(np.unique(refs.cell)) == math.prod(self._sizes[block])
            if covered or not guarded:
                value = self._looked_up.get((block, function))
                if value is None:
                    value = self._combine(whole(block), self._sizes[block], function)
                    self._looked_up[block, function] = value
                if guarded:
                    self._guard(value, function)
                return cells(value, refs.cell[:, 0])
        elif not refs.constant.any():
            groups = list(dense_of(refs, self._sizes))
            if len(groups) == 1 and (groups[0].factor == 1).all() and len(groups[0].view) > 1:
                (group,) = groups
                value = self._combine(group.view, group.size, function)
                if guarded:
                    self._guard(value, function)
                return cells(value, group.places).take(_inverse(group.elements))
        value = self._written(refs, function)
        if guarded:
            self._guard(value, function)
        return cells(value, np.arange(len(refs)))

    def _combine(self, view: View, size: Size, function: int) -> int:
        return self._plan.combine(view, size, function)

    def _written(self, refs: Refs, function: int | None) -> int:
        """Return a block (n, 1, 1) of a function of elements, by a layer with weights 0 and 1."""
        n = len(refs)
        if n * sum(math.prod(self._sizes[b]) for b in np.unique(refs.block) if b >= 0) > (
            LARGEST_MATRIX
        ):
            raise self._unsupported(self._at, "too many numbers are taken out of order")
        maps, constant = dense_maps(np.eye(n, dtype=np.int64), refs, self._sizes)
        if function is None:
            self._add_linear(maps, constant, 0, None, (n, 1, 1))
            return _PUBLIC
        argument, value = self._plan.pair((n, 1, 1), function)
        self._add_linear(maps, constant, 0, argument, (n, 1, 1))
        return value

    def _guard(self, value: int, function: int) -> None:
        """Refuse what has no value: see `Total`."""
        if value in self._guards:
            return
        self._guards.add(value)
        argument, _ = self._plan.pair(self._sizes[value], function)
        self._plan.layers.append(PlanCombine(argument, (Term(-1, value),)))

    # Maxima.

    def _window_max(self, op: WindowMax) -> Refs:
        source = self._nodes[self._at].sources[0]
        refs = self._made[source]
        commuted = self._only_function(self._at)
        if commuted is not None and commuted.rising:
            function = self._plan.function(commuted.kind)
            looked_up = self._look_up(refs, replace(commuted, offset=0))
            return self._pooled(op, looked_up).with_owed(function)
        if self._program.ranges[source][0] >= 0:
            return self._pooled(op, refs)
        # x = max(x, 0) + min(x, 0), and the maximum is the sum of the maxima of both. The
        # difference of 0 and -2^(K-1) is no K-bit integer: where that occurs, at the very end of
        # the range, nothing is proven.
        half = 1 << self._program.width - 1
        parts = [
            self._pooled(op, self._look_up(refs, Total(kind, 0, False, False)), signed)
            for kind, signed in ((Clamp(0, half - 1), False), (Clamp(-half, 0), True))
        ]
        return summed(parts)

    def _pooled(self, op: WindowMax, refs: Refs, signed: bool = False) -> Refs:
        shape = self._nodes[self._nodes[self._at].sources[0]].shape
        width = self._program.width
        relu = self._plan.function(Clamp(0, (1 << width - 1) - 1))
        made = pooled(op, refs, shape, self._plan, relu)
        if made is None and not (signed and any(op.pads)):
            same = self._plan.function(identity(width))
            made = slid(op, refs, shape, self._plan, (relu, same), self._at)
        if made is None:
            made = larger_of(
                op, refs, shape, lambda x: cells(self._written(x, relu), np.arange(len(x)))
            )
        return made

    def _arg_max(self, op: ArgMax) -> Refs:
        node = self._nodes[self._at]
        (source,) = node.sources
        shape = self._nodes[source].shape
        if not self._is_output(self._at) or math.prod(node.shape) != 1:
            raise self._unsupported(self._at, "only one index, as the output, has a proof")
        refs = self._made[source]
        groups = list(dense_of(refs, self._sizes)) if not refs.constant.any() else []
        n = shape[op.axis]
        if not (
            len(groups) == 1
            and (groups[0].factor == 1).all()
            and math.prod(groups[0].size) == n
            and (groups[0].places[_inverse(groups[0].elements)] == np.arange(n)).all()
        ):
            block = self._written(refs, self._plan.function(identity(self._program.width)))
            groups = list(dense_of(cells(block, np.arange(n)), self._sizes))
        self._plan.layers.append(PlanTop1(groups[0].view, groups[0].size))
        return cells(_PUBLIC, np.zeros(1, dtype=np.int64))

    # The output.

    def _finish(self) -> None:
        refs = self._made[-1]
        if not (refs.block == _PUBLIC).any():
            groups = list(dense_of(refs, self._sizes)) if not refs.constant.any() else []
            places = groups[0].places if len(groups) == 1 else np.zeros(0)
            if (
                len(groups) == 1
                and (groups[0].factor == 1).all()
                and len(refs) == math.prod(groups[0].size) == len(np.unique(places))
            ):
                self._plan.layers.append(PlanOutput(groups[0].view, groups[0].size))
                order = places[_inverse(groups[0].elements)]
            else:
                self._written(refs, None)
                order = np.arange(len(refs))
            refs = cells(_PUBLIC, order)
        self._plan.output_order = _inverse(refs.cell[:, 0])


# The function of an input's pair, if none is wanted.
ANY = -1


def _size(frame: Array) -> Size:
    channel, height, width = frame.shape
    return channel, height, width


def _inverse(frame: Array) -> Array:
    """Return for each element its place in an order."""
    flat = frame.reshape(-1)
    made = np.empty(len(flat), dtype=np.int64)
    made[flat] = np.arange(len(flat))
    return made


def _alike(refs: Refs, elements: Array) -> list[Array]:
    """Return elements by the blocks of their cells."""
    found: dict[tuple[int, ...], list[int]] = {}
    for i in elements.tolist():
        found.setdefault(tuple(sorted(refs.block[i].tolist())), []).append(i)
    return [np.array(each, dtype=np.int64) for each in found.values()]


def _outputs(each: PlanMap, part: slice) -> PlanMap:
    """Return the map to some of the output channels."""
    if part.start == 0 and part.stop == len(each.weights):
        return each
    weights = each.weights
    if each.kind is Kind.DEPTHWISE:
        whole_weights = np.zeros((len(weights), *weights.shape), dtype=np.int64)
        diagonal = np.arange(len(weights))
        whole_weights[diagonal, diagonal] = weights
        return PlanMap(Kind.CONVOLUTION, each.window, each.view, each.size, whole_weights[part])
    return PlanMap(each.kind, each.window, each.view, each.size, weights[part])
