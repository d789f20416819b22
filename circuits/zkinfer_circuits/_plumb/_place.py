"""A plan and its places as a descriptor, and the weights beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._descriptor import (
    Block,
    Column,
    Combine,
    Descriptor,
    Dims,
    Exponents,
    Function,
    Input,
    Linear,
    Map,
    MaskCells,
    Output,
    Pooled,
    Slot,
    Tight,
    Top1,
    Who,
)
from ._numbers import by_rows
from ._pack import LOG_PAD, SALTS, index_bits, limbs_of, padded, weight_blocks
from ._plan import PlanCombine, PlanInput, PlanLinear, PlanOutput, PlanTop1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._descriptor import Layer, View
    from ._pack import Packing
    from ._plan import Plan, PlanLayer, PlanMap, Size

    Array = NDArray[Any]
    Weights = tuple[tuple[Array, ...], Array]

# Widths of hidden weights are multiples of this: everybody learns them, and exact ones would tell
# the size of each layer's largest weight to within a factor of two.
_WIDTH_STEP = 4
# The executor's integers stay below 2^62.
_MOST_SUM_BITS = 62
# What is pooled is a sum of five cells.
_POOLED_BITS = 2


class TooWide(Exception):
    """A sum is not proven to stay below 2^62 at the widths that are published."""

    def __init__(self, node: int) -> None:
        super().__init__(node)
        self.node = node


def build(
    plan: Plan, places: Packing, inputs: Who, weights: Who, batch: int
) -> tuple[Descriptor, tuple[Weights, ...]]:
    """Return the descriptor and each linear layer's weights: those of its maps, and the biases.

    Raises
    ------
    TooWide
        See there.
    """
    return _Builder(plan, places, inputs, weights, batch).build()


class _Builder:
    def __init__(self, plan: Plan, places: Packing, inputs: Who, weights: Who, batch: int) -> None:
        self._plan = plan
        self._places = places
        self._inputs = inputs
        self._weights = weights
        self._batch = batch
        self._blocks: list[Block] = []
        self._exponent = 0
        self._values: list[Weights] = []

    def build(self) -> tuple[Descriptor, tuple[Weights, ...]]:
        plan, places = self._plan, self._places
        for i, b in enumerate(plan.blocks):
            number, offset = places.blocks[i]
            column = Column.ARGUMENT if b.argument is None else Column.VALUE
            self._blocks.append(Block(column, number, offset, self._dims(b.size)))
        layers = tuple(self._layer(i, layer) for i, layer in enumerate(plan.layers))
        rows, half = 1 << places.log_rows, 1 << plan.width - 1
        start = places.chunks << places.log_rows
        committed = self._inputs is Who.COMMITTED
        descriptor = Descriptor(
            log_rows=places.log_rows,
            log_pad=LOG_PAD,
            range_bits=places.range_bits,
            value_bits=plan.width,
            batch=self._batch,
            input_visibility=self._inputs,
            weight_visibility=self._weights,
            input_domain=(-half, half - 1),
            range_columns=places.ranges,
            chunks=places.chunks,
            range_table=Slot(places.tables[0], places.range_bits),
            functions=tuple(
                Function(Slot(at, plan.width), kind)
                for at, kind in zip(places.tables[1:], plan.functions, strict=True)
            ),
            pairs=tuple(places.pairs),
            # The first two rows hide e_W, the others e_X.
            mask_cells=MaskCells(
                (rows - 1, rows - 2, rows - 3, rows - 4), (start, start + 1), (start + 2, start + 3)
            ),
            salts=self._salts() if self._weights is Who.HIDDEN else (),
            # One would do; the second costs nothing.
            input_salts=(rows - 1, rows - 2) if committed else (),
            blocks=tuple(self._blocks),
            layers=layers,
        )
        return by_rows(descriptor), tuple(self._values)

    def _dims(self, size: Size) -> Dims:
        return (self._batch, *size)

    def _family(self, size: Size) -> Exponents:
        """Return powers of r that nothing else has, in the order of padded indices."""
        dims = self._dims(size)
        bits = [index_bits(n) for n in dims]
        strides = [1 << sum(bits[i + 1 :]) for i in range(4)]
        offset = self._exponent
        self._exponent += padded(dims)
        return Exponents(offset, (strides[0], strides[1], strides[2], strides[3]), dims)

    def _layer(self, i: int, layer: PlanLayer) -> Layer:
        match layer:
            case PlanInput():
                link = None
                if self._inputs is Who.COMMITTED:
                    link = self._add(
                        replace(self._blocks[layer.cell], column=Column.INPUT, number=0)
                    )
                return Input(layer.cell, link, self._family(self._plan.blocks[layer.cell].size))
            case PlanCombine():
                size = self._plan.blocks[layer.cell].size
                return Combine(layer.cell, _in_order(layer.view), self._family(size))
            case PlanLinear():
                return self._linear(i, layer)
            case PlanOutput():
                return Output(layer.view, self._family(layer.size))
            case PlanTop1():
                return self._top1(i, layer)

    def _add(self, block: Block) -> int:
        self._blocks.append(block)
        return len(self._blocks) - 1

    def _limbs(self, i: int, size: Size) -> tuple[int, ...]:
        return tuple(
            self._add(Block(Column.RANGE, number, offset, self._dims(size)))
            for number, offset in self._places.remainders.get(i, ())
        )

    def _top1(self, i: int, layer: PlanTop1) -> Top1:
        s, width = self._places.range_bits, self._plan.width
        *limbs, last = self._limbs(i, layer.size)
        bits = width - s * (limbs_of(width, s) - 1)
        if bits == s:
            return Top1(layer.view, (*limbs, last), None, self._family(layer.size))
        tight = Tight(last, bits, self._family(layer.size))
        return Top1(layer.view, tuple(limbs), tight, self._family(layer.size))

    def _linear(self, i: int, layer: PlanLinear) -> Linear:
        s = self._places.range_bits
        shift = limbs_of(layer.shift, s) * s
        raised = shift - layer.shift
        *offsets, biases = self._places.weights[i]
        # Halves round upwards.
        rounded = layer.biases + (1 << layer.shift >> 1)
        widths, bias_bits = self._widths(layer, rounded, raised, shift)
        maps = tuple(
            Map(m.kind, m.window, _in_order(m.view), self._dims(m.size), offset, bits)
            for m, offset, bits in zip(layer.maps, offsets, widths, strict=True)
        )
        factor = np.int64(1 << raised)
        self._values.append(
            (tuple((m.weights * factor).reshape(-1) for m in layer.maps), rounded * factor)
        )
        return Linear(
            maps=maps,
            output=_output(layer),
            remainders=self._limbs(i, layer.size),
            shift=shift,
            exponents=self._family(layer.size),
            biases=biases,
            bias_bits=bias_bits,
        )

    def _widths(
        self, layer: PlanLinear, biases: Array, raised: int, shift: int
    ) -> tuple[list[int], int]:
        """Return the published widths of each map's weights, and of the biases.

        Of hidden weights they are rounded up, less so where sums would become too wide.
        """
        exact = [_bits(m.weights) for m in layer.maps], _bits(biases)
        step = _WIDTH_STEP if self._weights is Who.HIDDEN else 1
        pooled = layer.pooled is not None
        while step:
            widths = [-(-b // step) * step + raised for b in exact[0]]
            bias = -(-exact[1] // step) * step + raised
            total = sum(self._reach(m) << b for m, b in zip(layer.maps, widths, strict=True))
            total += (1 << bias) + (1 << shift + self._plan.width + _POOLED_BITS * pooled)
            if total.bit_length() <= _MOST_SUM_BITS:
                return widths, bias
            step //= 2
        raise TooWide(layer.node)

    def _reach(self, m: PlanMap) -> int:
        """Return what weights of 1 could sum up to."""
        depthwise = m.weights.ndim == 3
        fan_in = math.prod(m.weights.shape[1:]) if not depthwise else m.weights[0].size
        values = sum(abs(t.coefficient) for t in m.view) << self._plan.width - 1
        return fan_in * values

    def _salts(self) -> tuple[int, ...]:
        """Return positions without weights, the last of each chunk."""
        chunks, log_rows = self._places.chunks, self._places.log_rows
        # The padding of a block may reach behind all chunks, though not out of the index domain.
        used = np.zeros(1 << log_rows + index_bits(chunks + 1), dtype=np.bool_)
        for i, layer in enumerate(self._plan.layers):
            if isinstance(layer, PlanLinear):
                offsets = self._places.weights[i]
                for dims, offset in zip(weight_blocks(layer), offsets, strict=True):
                    block = used[offset : offset + padded(dims)]
                    block = block.reshape([1 << index_bits(n) for n in dims])
                    block[tuple(slice(0, n) for n in dims)] = True
        found: list[int] = []
        for chunk, part in enumerate(used.reshape(-1, 1 << log_rows)[:chunks]):
            free = np.flatnonzero(~part)[::-1][:SALTS]
            found += [int(k) + (chunk << log_rows) for k in free]
        return tuple(found)


def _output(layer: PlanLinear) -> int | Pooled | None:
    if layer.cell is None or layer.pooled is None:
        return layer.cell
    return Pooled(layer.cell, layer.pooled)


def _in_order(view: View) -> View:
    """Return a sum in the order in which its neighbours have most in common.

    A verifier on chain uses again what it found for the block, or the shifts, of the term before.
    """
    return tuple(
        sorted(
            view,
            key=lambda t: (t.block, t.height.shift, t.width.shift, t.height.low, t.width.low),
        )
    )


def _bits(values: Array) -> int:
    """Return the least b, at least 1, with all values in [-2^b, 2^b)."""
    if not values.size:
        return 1
    return max(1, int(values.max()).bit_length(), (-int(values.min()) - 1).bit_length())


def flatten(values: Sequence[Weights]) -> int:
    """Return how many weights there are, biases included."""
    return sum(sum(w.size for w in maps) + biases.size for maps, biases in values)
