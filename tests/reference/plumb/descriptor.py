"""A model's description: its bytes, and what they say.

The formats below the classes name each record's fields in the order of the bytes; reading and
writing both follow them.
"""

from dataclasses import dataclass, field
from itertools import product

from .codec import (
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Choice,
    Counted,
    Optional,
    PowerOfTwo,
    Record,
    Several,
    Stream,
)
from .field import Malformed

HIDDEN, COMMITTED, PUBLIC = 0, 1, 2
RANGE, ARGUMENT, VALUE, INPUT = 0, 1, 2, 3
DENSE, CONVOLUTION, DEPTHWISE = 0, 1, 2


def index_bits(n):
    """Return how many bits an index below n has; none for n = 0."""
    return max(n - 1, 0).bit_length()


def indices(dims):
    return product(*(range(n) for n in dims))


@dataclass
class Block:
    """A tensor (batch, channel, height, width) in a column, padded to powers of two."""

    column: int
    number: int
    offset: int
    dims: list

    def row(self, index):
        row = 0
        for i, n in zip(index, self.dims, strict=True):
            row = (row << index_bits(n)) + i
        return self.offset + row

    def size(self):
        return 1 << sum(index_bits(n) for n in self.dims)

    def same_rows(self, other):
        return (self.offset, self.dims) == (other.offset, other.dims)


@dataclass
class Term:
    """One summand of a view: (b, ch, h, w) reads (b, ch, h 2^s_h + l_h, w 2^s_w + l_w)."""

    coefficient: int
    block: int
    height: tuple = (0, 0)
    width: tuple = (0, 0)

    def index(self, index):
        b, c, h, w = index
        return b, c, (h << self.height[0]) + self.height[1], (w << self.width[0]) + self.width[1]


@dataclass
class Exponents:
    """Equation i of a family is weighed by r^(offset + <strides, i>)."""

    offset: int
    strides: list
    dims: list

    def of(self, index):
        return self.offset + sum(s * i for s, i in zip(self.strides, index, strict=True))

    def every_second(self, height, width):
        """Return those of every second row and column, from these on."""
        b, c, h, w = self.strides
        n, channels, rows, columns = self.dims
        return Exponents(
            self.of((0, 0, height, width)),
            [b, c, 2 * h, 2 * w],
            [n, channels, rows // 2, columns // 2],
        )


@dataclass
class Tight:
    """A range below the table's: block = 2^(s - bits) cell."""

    block: int
    bits: int
    exponents: Exponents


@dataclass
class Map:
    """Weights times cells."""

    view: list
    input: list
    weights: int
    weight_bits: int
    kind: int = DENSE
    kernel: list = field(default_factory=list)
    stride: list = field(default_factory=list)
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)

    def weight_dims(self, out):
        """Return the real lengths of the weights' index.

        That is (1, out, channel, height, width) of a dense map, and (row, column, channel, out, 1)
        of a window.
        """
        _, c, h, w = self.input
        if self.kind == DENSE:
            return [1, out, c, h, w]
        return [*self.kernel, c, out if self.kind == CONVOLUTION else 1, 1]

    def position(self, index, out):
        """Return a weight's place in the weight index domain."""
        place = 0
        for i, n in zip(index, self.weight_dims(out), strict=True):
            place = (place << index_bits(n)) + i
        return self.weights + place

    def reach(self, output, weight):
        """Return the cell of the view that a weight meets at an output, None beyond the image."""
        batch, _, oh, ow = output
        if self.kind == DENSE:
            return batch, *weight[2:]
        u, v, c, _, _ = weight
        h = oh * self.stride[0] + u - self.before[0]
        w = ow * self.stride[1] + v - self.before[1]
        if not (0 <= h < self.input[2] and 0 <= w < self.input[3]):
            return None
        return batch, c, h, w

    def products(self, out_dims):
        """Yield (output index, weight index, cell of the view) for every product of the map."""
        every = [range(n) for n in self.weight_dims(out_dims[1])]
        # where an output's own channel is
        own = {DENSE: 1, CONVOLUTION: 3, DEPTHWISE: 2}[self.kind]
        for output in indices(out_dims):
            for weight in product(*every[:own], [output[1]], *every[own + 1 :]):
                cell = self.reach(output, weight)
                if cell is not None:
                    yield output, weight, cell


@dataclass
class Clamp:
    """f(y) = min(max(y, low), high)."""

    low: int
    high: int
    kind: int = 0

    def __call__(self, y):
        return min(max(y, self.low), self.high)


@dataclass
class Table:
    """2^K values, from f(-2^(K-1)) on."""

    values: list
    kind: int = 1

    def __call__(self, y):
        return self.values[y + len(self.values) // 2]


@dataclass
class Slot:
    """Rows of the table column that hold one table."""

    offset: int
    bits: int


@dataclass
class Function:
    """A function on K-bit integers."""

    slot: Slot
    kind: Clamp | Table

    def __call__(self, y):
        return self.kind(y)


@dataclass
class Input:
    """The input, and what ties it to the statement."""

    block: int
    link: int | None
    tight: Tight | None
    exponents: Exponents


@dataclass
class Combine:
    """cell = view."""

    cell: int
    view: list
    exponents: Exponents


@dataclass
class Public:
    """The y of a layer are public outputs."""


@dataclass
class Cells:
    """The y of a layer are a block of arguments."""

    block: int


@dataclass
class Pooled:
    """The y of a layer are nowhere, but follow from cells: those of squares of 2 x 2 y.

    With f(z) beside each z, they are

        z00 = y00 - y01
        z10 = y10 - y11
        z01 = (y01 + f(z00)) - (y11 + f(z10))
        z11 = y11 + f(z10) + f(z01)

    For f = ReLU, z11 is the largest y of its square.
    """

    arguments: int
    values: int


# the y at a place of a square: the sum of some of its z, without the sum of some of its f(z)
SQUARE = {
    (1, 1): ([(1, 1)], [(1, 0), (0, 1)]),
    (1, 0): ([(1, 0), (1, 1)], [(1, 0), (0, 1)]),
    (0, 1): ([(0, 1), (1, 1)], [(0, 1), (0, 0)]),
    (0, 0): ([(0, 0), (0, 1), (1, 1)], [(0, 1), (0, 0)]),
}


@dataclass
class Linear:
    """sum of maps + b = 2^S y + rem."""

    maps: list
    output: Public | Cells | Pooled
    remainders: list
    tight: Tight | None
    shift: int
    exponents: Exponents
    biases: int
    bias_bits: int


@dataclass
class Output:
    """The public outputs are cells."""

    view: list
    exponents: Exponents


@dataclass
class Top1:
    """The public outputs are indices: y_idx - y_i - [i < idx] = rem_i, never negative."""

    view: list
    remainders: list
    tight: Tight | None
    exponents: Exponents


@dataclass
class MaskCells:
    """Random cells of M that stand in the virtual chunk: they hide e_W and e_X."""

    rows: list
    weights: list
    inputs: list


@dataclass
class Descriptor:
    """A model."""

    magic: list
    version: int
    log_rows: int
    log_pad: int
    range_bits: int
    value_bits: int
    batch: int
    input_visibility: int
    weight_visibility: int
    input_domain: list
    range_columns: int
    chunks: int
    range_table: Slot
    functions: list
    pairs: list
    mask_cells: MaskCells
    salts: list
    input_salts: list
    blocks: list
    layers: list

    def to_bytes(self):
        return DESCRIPTOR.write(self)

    @classmethod
    def from_bytes(cls, data):
        stream = Stream(data)
        descriptor = DESCRIPTOR.read(stream)
        if (descriptor.magic, descriptor.version) != (MAGIC, VERSION) or stream.position != len(
            data
        ):
            raise Malformed("not a descriptor of this version, or bytes are left over")
        return descriptor


MAGIC, VERSION = list(b"PLMB"), 3


class Lengths:
    """Four lengths, and the bits of an index below each, which must be these."""

    LENGTHS, BITS = Several(U32, U32, U32, U32), Several(U8, U8, U8, U8)

    def read(self, stream):
        dims = self.LENGTHS.read(stream)
        if self.BITS.read(stream) != [index_bits(n) for n in dims]:
            raise Malformed("these are not the bits of the lengths before them")
        return dims

    def write(self, dims):
        return self.LENGTHS.write(dims) + self.BITS.write([index_bits(n) for n in dims])


DIMS = Lengths()
STRIDES = Several(PowerOfTwo(), PowerOfTwo(), PowerOfTwo(), PowerOfTwo())
SELECT = Several(U8, U32)
SLOT = Record(Slot, offset=U32, bits=U8)
EXPONENTS = Record(Exponents, offset=U64, strides=STRIDES, dims=DIMS)
TIGHT = Record(Tight, block=U16, bits=U8, exponents=EXPONENTS)
VIEW = Counted(U8, Record(Term, coefficient=I32, block=U16, height=SELECT, width=SELECT))
FUNCTION = Record(
    Function,
    slot=SLOT,
    kind=Choice(Record(Clamp, low=I32, high=I32), Record(Table, values=Counted(U32, I32))),
)
BLOCK = Record(Block, column=U8, number=U8, offset=U32, dims=DIMS)
_MAP = {"view": VIEW, "input": DIMS, "weights": U32, "weight_bits": U8}
_WINDOW = {name: Several(U8, U8) for name in ("kernel", "stride", "before", "after")}
MAP = Choice(Record(Map, **_MAP), Record(Map, **_WINDOW, **_MAP), Record(Map, **_WINDOW, **_MAP))
DESTINATION = Choice(
    Record(Public), Record(Cells, block=U16), Record(Pooled, arguments=U16, values=U16)
)
LAYER = Choice(
    Record(Input, block=U16, link=Optional(U16), tight=Optional(TIGHT), exponents=EXPONENTS),
    Record(Combine, cell=U16, view=VIEW, exponents=EXPONENTS),
    Record(
        Linear,
        maps=Counted(U8, MAP),
        output=DESTINATION,
        remainders=Counted(U8, U16),
        tight=Optional(TIGHT),
        shift=U8,
        exponents=EXPONENTS,
        biases=U32,
        bias_bits=U8,
    ),
    Record(Output, view=VIEW, exponents=EXPONENTS),
    Record(
        Top1, view=VIEW, remainders=Counted(U8, U16), tight=Optional(TIGHT), exponents=EXPONENTS
    ),
)
DESCRIPTOR = Record(
    Descriptor,
    magic=Several(U8, U8, U8, U8),
    version=U16,
    log_rows=U8,
    log_pad=U8,
    range_bits=U8,
    value_bits=U8,
    batch=U32,
    input_visibility=U8,
    weight_visibility=U8,
    input_domain=Several(I64, I64),
    range_columns=U8,
    chunks=U16,
    range_table=SLOT,
    functions=Counted(U8, FUNCTION),
    pairs=Counted(U8, U8),
    mask_cells=Record(
        MaskCells,
        rows=Several(U32, U32, U32, U32),
        weights=Several(U32, U32),
        inputs=Several(U32, U32),
    ),
    salts=Counted(U16, U32),
    input_salts=Counted(U16, U32),
    blocks=Counted(U16, BLOCK),
    layers=Counted(U16, LAYER),
)
