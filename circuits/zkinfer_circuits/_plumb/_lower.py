"""From a program to a plan: its tensors as references, its operations as layers.

An `Affine` becomes a linear layer whose numbers stand in the pair of the first function that is
looked up of them, and cost nothing more then. Look-ups of what stands elsewhere copy it first.
Moves cost nothing, and neither do look-ups that are the identity on what can occur.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import LayoutUnsupported
from .._program._integer import Affine, Input, Lookup
from .._program._moves import Move, Pad
from .._program._shared import ArgMax, WindowMax
from ._descriptor import Clamp, Kind, Term
from ._frames import Frame, frames_of
from ._functions import Total, identity
from ._maps import LARGEST_MATRIX, Operand, dense_maps, framed, matrix_size, written_out
from ._plan import (
    ANY,
    Plan,
    PlanCombine,
    PlanInput,
    PlanLinear,
    PlanMap,
    PlanOutput,
    PlanTop1,
    whole,
)
from ._readers import Readers
from ._refs import NONE, Refs, cells, constants, dense_of, joined, summed
from ._squares import in_squares
from ._windows import larger_of, pooled, slid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._program._integer import IntegerOp
    from .._program._program import Program
    from .._program._shared import Node
    from ._plan import Size
    from ._refs import Group

    Array = NDArray[Any]

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
        self._readers = Readers(program)
        # (block, function) -> the block of the function's values; and those already guarded
        self._looked_up: dict[tuple[int, int], int] = {}
        self._guards: set[int] = set()
        self._at = 0

    def plan(self, input_frame: Array) -> Plan:
        for i, node in enumerate(self._nodes):
            self._at = i
            made = self._input(input_frame) if i == 0 else self._node(node)
            self._made.append(made)
        self._finish()
        if not self._plan.functions:
            # There is a pair of columns at least, for the input.
            self._plan.function(identity(self._program.width))
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

    # Nodes.

    def _node(self, node: Node[IntegerOp]) -> Refs:
        op = node.op
        if isinstance(op, Lookup | Move) and self._readers.passes(self._at):
            return self._moved(node, op)
        match op:
            case Affine():
                return self._affine(op)
            case Lookup():
                wanted = self._readers.totals.get(self._at)
                if wanted is None:
                    raise self._unsupported(self._at, "its table is not one of K-bit integers")
                return self._look_up(self._made[node.sources[0]], wanted)
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
        argument = self._plan.argument(_size(frame), self._function(0))
        self._plan.layers.append(PlanInput(argument))
        self._plan.input_order = frame.reshape(-1)
        return cells(argument, _inverse(frame))

    def _function(self, i: int) -> int:
        """Return the function in whose pair a node's numbers stand."""
        wanted = self._readers.first_function(i)
        return ANY if wanted is None else self._plan.function(wanted.kind)

    def _moved(self, node: Node[IntegerOp], op: Lookup | Move) -> Refs:
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
            index = op.apply(*places)
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
        # What reads nothing but zeros has no maps, and gets one in the flat frame.
        return (maps, biases) if maps or flat else None

    def _linear(self, op: Affine, maps: list[PlanMap], biases: Array, frame: Array) -> Refs:
        node = self._at
        size = _size(frame)
        if self._readers.is_output(node):
            self._add_linear(maps, biases, op.shift, None, size)
            return cells(_PUBLIC, _inverse(frame))
        parts = [slice(0, size[0])]
        if node in self._splits:
            parts = [slice(0, size[0] - 1), slice(size[0] - 1, size[0])]
        found = []
        for part in parts:
            some = [_outputs(each, part) for each in maps]
            length = (part.stop - part.start, *size[1:])
            argument = self._plan.argument(length, self._function(node))
            self._add_linear(some, biases[part], op.shift, argument, length, size[0] > 1)
            found.append(cells(argument, np.arange(math.prod(length))))
        return joined(found).take(_inverse(frame))

    def _add_linear(
        self,
        maps: list[PlanMap],
        biases: Array,
        shift: int,
        cell: int | None,
        size: Size,
        divisible: bool = False,
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
        self._plan.layers.append(
            PlanLinear(tuple(maps), biases, shift, cell, size, self._at, divisible)
        )

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
        group = None if refs.constant.any() else self._one_group(refs)
        if refs.plain and (group is None or group.view == whole(int(refs.block[0, 0]))):
            block = int(refs.block[0, 0])
            if group is not None or not guarded:
                value = self._value_of(block, function)
                if guarded:
                    self._guard(value, function)
                return cells(value, refs.cell[:, 0])
        elif group is not None:
            value = self._plan.combine(group.view, group.size, function)
            if guarded:
                self._guard(value, function)
            return cells(value, group.places).take(_inverse(group.elements))
        value = self._plan.value(self._written(refs, function))
        if guarded:
            self._guard(value, function)
        return cells(value, np.arange(len(refs)))

    def _one_group(self, refs: Refs) -> Group | None:
        """Return the one view that has all the elements and nothing else, or None."""
        groups = list(dense_of(refs, self._sizes))
        if len(groups) != 1 or (groups[0].factor != 1).any():
            return None
        (group,) = groups
        covered = len(np.unique(group.places)) == math.prod(group.size)
        return group if covered else None

    def _value_of(self, block: int, function: int) -> int:
        """Return the block of a function of a whole block."""
        place = self._plan.blocks[block]
        if place.argument is None and place.function == function:
            return self._plan.value(block)
        if (block, function) not in self._looked_up:
            made = self._plan.combine(whole(block), place.size, function)
            self._looked_up[block, function] = made
        return self._looked_up[block, function]

    def _written(self, refs: Refs, function: int | None) -> int:
        """Return a block (n, 1, 1) of elements, made by a layer with weights 0 and 1.

        Parameters
        ----------
        function
            In whose pair they stand; None for the public output.
        """
        n = len(refs)
        read = [math.prod(self._sizes[b]) for b in np.unique(refs.block).tolist() if b != NONE]
        if n * sum(read) > LARGEST_MATRIX:
            raise self._unsupported(self._at, "too many numbers are taken out of order")
        maps, constant = dense_maps(np.eye(n, dtype=np.int64), refs, self._sizes)
        argument = None if function is None else self._plan.argument((n, 1, 1), function)
        self._add_linear(maps, constant, 0, argument, (n, 1, 1))
        return _PUBLIC if argument is None else argument

    def _guard(self, value: int, function: int) -> None:
        """Refuse what has no value: see `Total`."""
        if value in self._guards:
            return
        self._guards.add(value)
        argument = self._plan.argument(self._sizes[value], function)
        self._plan.layers.append(PlanCombine(argument, (Term(-1, value),)))

    # Maxima.

    def _window_max(self, op: WindowMax) -> Refs:
        source = self._nodes[self._at].sources[0]
        refs = self._made[source]
        commuted = self._readers.behind(self._at)
        squares = self._in_squares(op, commuted)
        if squares is not None:
            return squares
        if commuted is not None:
            function = self._plan.function(commuted.kind)
            looked_up = self._look_up(refs, replace(commuted, offset=0))
            return self._known(self._pooled(op, looked_up)).with_owed(function)
        half = 1 << self._program.width - 1
        low, high = self._program.ranges[source]
        if low >= 0:
            made = self._pooled(op, refs)
            return self._known(made) if high < half else made
        # x = max(x, 0) + min(x, 0), and the maximum is the sum of the maxima of both. The
        # difference of 0 and -2^(K-1) is no K-bit integer: where that occurs, at the very end of
        # the range, nothing is proven.
        parts = [
            self._pooled(op, self._look_up(refs, Total(kind, 0, False, False)), signed)
            for kind, signed in ((Clamp(0, half - 1), False), (Clamp(-half, 0), True))
        ]
        return self._known(summed(parts))

    def _in_squares(self, op: WindowMax, commuted: Total | None) -> Refs | None:
        """Return maxima for which a linear layer's own cells are enough, or None."""
        source = self._nodes[self._at].sources[0]
        affine, shape = self._readers.only_of(source), self._nodes[source].shape
        if affine is None or not op.of_squares(shape):
            return None
        # Differences have to be K-bit integers.
        quarter = 1 << self._program.width - 2
        low, high = self._program.ranges[affine]
        if low < -quarter or high >= quarter:
            return None
        relu = self._relu()
        wanted = commuted is not None and commuted.kind == self._plan.functions[relu]
        made = in_squares(self._made[source], shape, self._plan, relu, wanted)
        return made.with_owed(relu) if made is not None and wanted else made

    def _relu(self) -> int:
        return self._plan.function(Clamp(0, (1 << self._program.width - 1) - 1))

    def _known(self, refs: Refs) -> Refs:
        """Note the views of maxima of K-bit integers; return the same references."""
        if not refs.constant.any():
            views = (group.view for group in dense_of(refs, self._sizes))
            # Where a maximum is in no one view, there is a view of one term for each of its cells.
            self._plan.maxima.update(view for view in views if len(view) > 1)
        return refs

    def _pooled(self, op: WindowMax, refs: Refs, signed: bool = False) -> Refs:
        shape = self._nodes[self._nodes[self._at].sources[0]].shape
        relu = self._relu()
        made = pooled(op, refs, shape, self._plan, relu)
        if made is None and not (signed and any(op.pads)):
            made = slid(op, refs, shape, self._plan, relu, self._at)
        if made is None:

            def apart(x: Refs) -> Refs:
                return cells(self._plan.value(self._written(x, relu)), np.arange(len(x)))

            made = larger_of(op, refs, shape, apart)
        return made

    def _arg_max(self, op: ArgMax) -> Refs:
        node = self._nodes[self._at]
        (source,) = node.sources
        shape = self._nodes[source].shape
        if not self._readers.is_output(self._at) or math.prod(node.shape) != 1:
            raise self._unsupported(self._at, "only one index, as the output, has a proof")
        n = shape[op.axis]
        found = self._one_block(self._made[source])
        if found is None or found[0].size != (n, 1, 1) or (found[1] != np.arange(n)).any():
            block = self._written(self._made[source], ANY)
            found = self._one_block(cells(block, np.arange(n)))
        if found is None:
            raise self._unsupported(self._at, "its operand is in no block")
        self._plan.layers.append(PlanTop1(found[0].view, found[0].size))
        return cells(_PUBLIC, np.zeros(1, dtype=np.int64))

    # The output.

    def _finish(self) -> None:
        refs = self._made[-1]
        if not (refs.block == _PUBLIC).any():
            found = self._one_block(refs)
            if found is not None:
                self._plan.layers.append(PlanOutput(found[0].view, found[0].size))
                refs = cells(_PUBLIC, found[1])
            else:
                self._written(refs, None)
                refs = cells(_PUBLIC, np.arange(len(refs)))
        self._plan.output_order = _inverse(refs.cell[:, 0])

    def _one_block(self, refs: Refs) -> tuple[Group, Array] | None:
        """Return the block that elements are, each cell once, and the cell of each element."""
        if not refs.plain:
            return None
        (*rest, group) = dense_of(refs, self._sizes)
        n = math.prod(group.size)
        if rest or len(refs) != n or len(np.unique(group.places)) != n:
            return None
        return group, group.places[_inverse(group.elements)]


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
    if not len(elements):
        return []
    blocks = np.sort(refs.block[elements], axis=1)
    kinds, which = np.unique(blocks, axis=0, return_inverse=True)
    return [elements[which.reshape(-1) == k] for k in range(len(kinds))]


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
