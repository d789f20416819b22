"""Registration: hidden weights are in their ranges, all other positions but the salts are zero.

The protocol of inference on another layout: the same chunks, range columns for the limbs of
W + 2^b, no products in sumcheck A, and one claim in the place of the links. With D positions in all
chunks,

    r^k         ( W(k) + 2^b - sum_l 2^(s l) limb_l(k) ) = 0     k a weight or a bias
    r^(D + k)   W(k) = 0                                         k neither of these, nor a salt
    r^(2D + k)  ( scaled(k) - 2^(s - t) top(k) ) = 0             k a weight or a bias

where the top limb has t bits. Cells of one kind keep the order of their block, cut into parts of
one column. Large parts come first; what falls into pad rows has another place after them.
"""

from copy import copy
from dataclasses import dataclass, replace

from .descriptor import HIDDEN, Slot, index_bits, indices
from .field import P, signed
from .keys import Statement
from .layout import Layout
from .lookups import multiplicities
from .prover import run
from .verifier import replay

DOMAIN = "plumb-register-v1"


@dataclass
class WeightBlock:
    """A tensor of weights or biases in [-2^bits, 2^bits)."""

    start: int
    dims: list
    bits: int

    def size_bits(self):
        return sum(index_bits(n) for n in self.dims)

    def real(self):
        """Return the distances of all real positions from the first."""
        out = []
        for index in indices(self.dims):
            distance = 0
            for i, n in zip(index, self.dims, strict=True):
                distance = (distance << index_bits(n)) + i
            out.append(distance)
        return out

    def parts(self, c):
        """Yield each part of at most 2^c positions that has real ones: its start, and those."""
        size = 1 << min(c, self.size_bits())
        real = self.real()
        for first in range(0, 1 << self.size_bits(), size):
            inside = [i - first for i in real if first <= i < first + size]
            if inside:
                yield self.start + first, inside

    def limbs(self, s):
        """Return how many limbs of s bits W + 2^bits has, and how far the top one is from full."""
        count = -(-(self.bits + 1) // s)
        return count, s * count - (self.bits + 1)


@dataclass
class Cells:
    """Cells of one kind of one part: ((W + 2^bits) >> right) mod 2^s << left."""

    start: int
    inside: list
    size: int
    bits: int
    right: int
    left: int
    place: int = 0


def weight_blocks(layout):
    out = []
    for layer in layout.linear_layers():
        n = layer.exponents.dims[1]
        out += [WeightBlock(m.weights, m.weight_dims(n), m.weight_bits) for m in layer.maps]
        out.append(WeightBlock(layer.biases, [n], layer.bias_bits))
    return out


def rows_needed(blocks, c, s):
    total = 0
    for block in blocks:
        count, short = block.limbs(s)
        positions = len(list(block.parts(c))) << min(c, block.size_bits())
        total += positions * (count + (short > 0))
    return total


def all_cells(blocks, c, s):
    """Return the cells of every part, without places: its limbs, the scaled one before the top."""
    out = []
    for block in blocks:
        count, short = block.limbs(s)
        size, top = 1 << min(c, block.size_bits()), s * (count - 1)
        for start, inside in block.parts(c):
            for right in range(0, s * count, s):
                if right == top and short:
                    out.append(Cells(start, inside, size, block.bits, top, short))
                out.append(Cells(start, inside, size, block.bits, right, 0))
    return out


def place(layout, cells):
    """Give cells their places, counted through all columns; return them and the moved tails."""
    pads = layout.rows - layout.active
    large = sorted((x for x in cells if x.size > pads), key=lambda x: -x.size)
    small = [x for x in cells if x.size <= pads]
    following = 0
    for x in large:
        x.place = following
        following += x.size
        if following % layout.rows == 0:
            tail = [i - (x.size - pads) for i in x.inside if i >= x.size - pads]
            x.inside = [i for i in x.inside if i < x.size - pads]
            if tail:
                start = x.start + x.size - pads
                small.append(replace(x, start=start, inside=tail, size=pads))
    small.sort(key=lambda x: -x.size)
    for x in small:
        if following % layout.rows >= layout.active:
            following = -(-following // layout.rows) * layout.rows
        x.place = following
        following += x.size
    return large + small


class Registration(Layout):
    """The layout of a model's registration."""

    has_products = False

    def __init__(self, model):
        self.model_blocks = weight_blocks(model)
        s = min(range(1, model.c), key=lambda s: rows_needed(self.model_blocks, model.c, s))
        self.cells = place(model, all_cells(self.model_blocks, model.c, s))
        d = model.descriptor
        columns = max((x.place // model.rows + 1 for x in self.cells), default=1)
        super().__init__(
            replace(
                d,
                batch=1,
                input_visibility=HIDDEN,
                range_bits=s,
                range_columns=columns,
                range_table=Slot(0, s),
                functions=[],
                pairs=[],
                layers=[],
            )
        )

    def inputs(self):
        return 0

    def outputs(self):
        return 0

    def terms(self):
        """Yield (coefficient, exponent of r, column, row) of the claim."""
        d, s = self.descriptor, self.descriptor.range_bits
        domain = d.chunks * self.rows
        weights = {b.start + i for b in self.model_blocks for i in b.real()}
        for k in range(domain):
            at = self.chunks[k // self.rows], k % self.rows
            if k in weights:
                yield 1, k, *at
            elif k not in d.salts:
                yield 1, domain + k, *at
        for x in self.cells:
            count = -(-(x.bits + 1) // s)
            short = s * count - (x.bits + 1)
            for i in x.inside:
                k, at = x.start + i, divmod(x.place + i, self.rows)
                if x.left:
                    yield 1, 2 * domain + k, *at
                else:
                    yield -(1 << x.right), k, *at
                    if short and x.right == s * (count - 1):
                        yield -(1 << short), 2 * domain + k, *at

    def constant(self, r):
        """Return what the claim sums to."""
        terms = ((b.bits, b.start + i) for b in self.model_blocks for i in b.real())
        return -sum(pow(r, k, P) << bits for bits, k in terms) % P

    def fill(self, chunks):
        """Return the range columns of these weights."""
        mask = (1 << self.descriptor.range_bits) - 1
        out = [[0] * self.rows for _ in range(self.ranges)]
        for x in self.cells:
            for i in x.inside:
                k = x.start + i
                shifted = signed(chunks[k // self.rows][k % self.rows]) + (1 << x.bits)
                column, row = divmod(x.place + i, self.rows)
                out[column][row] = (shifted >> x.right & mask) << x.left
        return out


def circuit(key):
    """Return the key of the circuit that is a registration."""
    found = copy(key)
    found.layout = Registration(key.layout)
    return found


def statement(key):
    return Statement(key.circuit_id, bytes(32), None, [], [])


def register(key, chunks, random):
    """Return the messages that show the weights to be in their ranges."""
    found = circuit(key)
    columns = found.layout.fill(chunks)
    columns.append(multiplicities(found.layout, columns))
    return run(found, chunks, statement(key), columns, None, random, DOMAIN)


def check_registration(key, proof):
    return replay(circuit(key), proof, statement(key), DOMAIN)
