"""What Plumb's verifier knows of a model beside its commitments, and its one encoding as bytes.

The classes mirror those of the Rust crate `plumb` (prover/core/plumb/src/descriptor.rs), which says
what each field means; the bytes are those of its encoding.rs. Nothing is checked here: whether a
layout is sound is for the crate's checker alone.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")

MAGIC = b"PLMB"
VERSION = 3

Dims = tuple[int, int, int, int]


class Who(enum.IntEnum):
    """Who learns a tensor."""

    HIDDEN = 0
    COMMITTED = 1
    PUBLIC = 2


class Column(enum.IntEnum):
    """The kinds of columns that hold blocks."""

    RANGE = 0
    ARGUMENT = 1
    VALUE = 2
    INPUT = 3


@dataclass(frozen=True, slots=True)
class Block:
    """A tensor (batch, channel, height, width) in a column, each dimension padded."""

    column: Column
    number: int
    offset: int
    dims: Dims


@dataclass(frozen=True, slots=True)
class Select:
    """A coordinate i of a view reads i 2^shift + low."""

    shift: int = 0
    low: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a view: a coefficient times cells of a block."""

    coefficient: int
    block: int
    height: Select = Select()
    width: Select = Select()


View = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Exponents:
    """The powers of r that weigh the equations of one tensor. Strides are powers of two."""

    offset: int
    strides: Dims
    dims: Dims


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a convolution, in height and width."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]

    def fits_once(self, axis: int, length: int) -> bool:
        """Return whether its only place along an axis of this length is at the start."""
        rest = length + self.after[axis] - self.kernel[axis]
        return self.before[axis] == 0 and rest < self.stride[axis]


class Kind(enum.IntEnum):
    """Which products a map sums."""

    DENSE = 0
    CONVOLUTION = 1
    DEPTHWISE = 2


@dataclass(frozen=True, slots=True)
class Map:
    """Weights times cells."""

    kind: Kind
    window: Window | None
    view: View
    input: Dims
    weights: int
    weight_bits: int


@dataclass(frozen=True, slots=True)
class Input:
    """The input, in an argument column."""

    block: int
    link: int | None
    exponents: Exponents


@dataclass(frozen=True, slots=True)
class Combine:
    """``cell = view``."""

    cell: int
    view: View
    exponents: Exponents


@dataclass(frozen=True, slots=True)
class Pooled:
    """Blocks whose cells stand for y by squares, so that the last of each square is its maximum."""

    arguments: int
    values: int


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of maps with its requantisation.

    Its output is a block, or pooled; without either it is the public output.
    """

    maps: tuple[Map, ...]
    output: int | Pooled | None
    remainders: tuple[int, ...]
    shift: int
    exponents: Exponents
    biases: int
    bias_bits: int


@dataclass(frozen=True, slots=True)
class Tight:
    """A range below the table's: ``cell`` and ``block = 2^(s - bits) cell`` are both in it."""

    block: int
    bits: int
    exponents: Exponents


@dataclass(frozen=True, slots=True)
class Output:
    """The public outputs are the cells of a block."""

    view: View
    exponents: Exponents


@dataclass(frozen=True, slots=True)
class Top1:
    """The public output is the first index of the largest cell of a block (batch, n, 1, 1)."""

    view: View
    remainders: tuple[int, ...]
    tight: Tight | None
    exponents: Exponents


Layer = Input | Combine | Linear | Output | Top1


@dataclass(frozen=True, slots=True)
class Slot:
    """Rows of the table column that hold one table."""

    offset: int
    bits: int


@dataclass(frozen=True, slots=True)
class Clamp:
    """``min(max(y, low), high)``."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Table:
    """Any function of a K-bit integer, its 2^K values in order."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function and where its table is."""

    slot: Slot
    kind: Clamp | Table


@dataclass(frozen=True, slots=True)
class MaskCells:
    """Cells of column M that hide what sumcheck A shows of weights and inputs."""

    rows: tuple[int, int, int, int]
    weights: tuple[int, int]
    inputs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A model."""

    log_rows: int
    log_pad: int
    range_bits: int
    value_bits: int
    batch: int
    input_visibility: Who
    weight_visibility: Who
    input_domain: tuple[int, int]
    range_columns: int
    chunks: int
    range_table: Slot
    functions: tuple[Function, ...]
    pairs: tuple[int, ...]
    mask_cells: MaskCells
    salts: tuple[int, ...]
    input_salts: tuple[int, ...]
    blocks: tuple[Block, ...]
    layers: tuple[Layer, ...]

    def to_bytes(self) -> bytes:
        """Return the one encoding."""
        return b"".join(
            (
                MAGIC,
                _u16(VERSION),
                bytes([self.log_rows, self.log_pad, self.range_bits, self.value_bits]),
                _u32(self.batch),
                bytes([self.input_visibility, self.weight_visibility]),
                struct.pack(">2q", *self.input_domain),
                _u8(self.range_columns),
                _u16(self.chunks),
                _slot(self.range_table),
                _list(_u8, self.functions, _function),
                _list(_u8, self.pairs, _u8),
                _words((*self.mask_cells.rows, *self.mask_cells.weights, *self.mask_cells.inputs)),
                _list(_u16, self.salts, _u32),
                _list(_u16, self.input_salts, _u32),
                _list(_u16, self.blocks, _block),
                _list(_u16, self.layers, _layer),
            )
        )


def _u8(v: int) -> bytes:
    return struct.pack(">B", v)


def _u16(v: int) -> bytes:
    return struct.pack(">H", v)


def _u32(v: int) -> bytes:
    return struct.pack(">I", v)


def _words(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _list(count: Callable[[int], bytes], items: Sequence[T], each: Callable[[T], bytes]) -> bytes:
    return count(len(items)) + b"".join(each(item) for item in items)


def _option(item: T | None, each: Callable[[T], bytes]) -> bytes:
    return b"\0" if item is None else b"\1" + each(item)


def _output(output: int | Pooled | None) -> bytes:
    match output:
        case None:
            return _list(_u8, (), _u16)
        case Pooled():
            return _list(_u8, (output.arguments, output.values), _u16)
        case _:
            return _list(_u8, (output,), _u16)


def _slot(s: Slot) -> bytes:
    return struct.pack(">IB", s.offset, s.bits)


def _function(f: Function) -> bytes:
    if isinstance(f.kind, Clamp):
        return _slot(f.slot) + struct.pack(">B2i", 0, f.kind.low, f.kind.high)
    values = f.kind.values
    return _slot(f.slot) + struct.pack(f">BI{len(values)}i", 1, len(values), *values)


def _dims(dims: Dims) -> bytes:
    bits = (max(n - 1, 0).bit_length() for n in dims)
    return struct.pack(">4I4B", *dims, *bits)


def _block(b: Block) -> bytes:
    return struct.pack(">BBI", b.column, b.number, b.offset) + _dims(b.dims)


def _exponents(e: Exponents) -> bytes:
    logs = (n.bit_length() - 1 for n in e.strides)
    return struct.pack(">Q4B", e.offset, *logs) + _dims(e.dims)


def _view(view: View) -> bytes:
    return _list(_u8, view, _term)


def _term(t: Term) -> bytes:
    h, w = t.height, t.width
    return struct.pack(">iHBIBI", t.coefficient, t.block, h.shift, h.low, w.shift, w.low)


def _map(m: Map) -> bytes:
    w = m.window
    window = b"" if w is None else bytes([*w.kernel, *w.stride, *w.before, *w.after])
    return b"".join(
        (
            _u8(m.kind),
            window,
            _view(m.view),
            _dims(m.input),
            struct.pack(">IB", m.weights, m.weight_bits),
        )
    )


def _tight(t: Tight) -> bytes:
    return struct.pack(">HB", t.block, t.bits) + _exponents(t.exponents)


# No input has an exact range below its column's, and no remainder a top limb below its table's: the
# byte says that there is none.
_NOT_TIGHT = b"\0"


def _layer(layer: Layer) -> bytes:
    match layer:
        case Input():
            link = _option(layer.link, _u16)
            return _u8(0) + _u16(layer.block) + link + _NOT_TIGHT + _exponents(layer.exponents)
        case Combine():
            return _u8(1) + _u16(layer.cell) + _view(layer.view) + _exponents(layer.exponents)
        case Linear():
            return b"".join(
                (
                    _u8(2),
                    _list(_u8, layer.maps, _map),
                    _output(layer.output),
                    _list(_u8, layer.remainders, _u16),
                    _NOT_TIGHT,
                    _u8(layer.shift),
                    _exponents(layer.exponents),
                    struct.pack(">IB", layer.biases, layer.bias_bits),
                )
            )
        case Output():
            return _u8(3) + _view(layer.view) + _exponents(layer.exponents)
        case Top1():
            limbs = _list(_u8, layer.remainders, _u16)
            tight = _option(layer.tight, _tight)
            return _u8(4) + _view(layer.view) + limbs + tight + _exponents(layer.exponents)
