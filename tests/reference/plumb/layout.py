"""Which columns there are, in which order, and what follows from a descriptor's numbers.

RC_0 .. FI_0 FO_0 FI_1 FO_1 .. M | H_0 .. HT | G1 G2 | W_0 .. | CIN
"""

import math

from .descriptor import (
    ARGUMENT,
    COMMITTED,
    INPUT,
    RANGE,
    Linear,
    Top1,
    index_bits,
)
from .multilinear import mask_length

# degrees of sumcheck A in the variables of chunks, where it sums products, and in those of rows
DEGREE_OF_CHUNKS, DEGREE_OF_ROWS, DEGREE_D = 2, 4, 2

MASK_GAPS = 3  # rows of G1 that hold zero, so that the coefficients of one variable are aligned


def degrees_a(chunk_variables, c):
    """Return the degree of sumcheck A in each variable."""
    return [DEGREE_OF_CHUNKS] * chunk_variables + [DEGREE_OF_ROWS] * c


def mask_rows(chunk_variables, c):
    """Return the rows of the mask's coefficients.

    From the last row up: zeros, g_0, those of the variables of rows, those of chunks.
    """
    of_rows, of_chunks = DEGREE_OF_ROWS * c, DEGREE_OF_CHUNKS * chunk_variables
    first = MASK_GAPS + 1
    positions = [
        MASK_GAPS,
        *range(first + of_rows, first + of_rows + of_chunks),
        *range(first, first + of_rows),
    ]
    return [(1 << c) - 1 - position for position in positions]


def sparse_rows(chunk_variables, c):
    """Return the rows of G1 that are random: the mask's, then 4c before them."""
    rows = 1 << c
    step = rows * 0x9E3779B9 >> 32 | 1  # close to N / 1.618
    before = rows - (mask_length(degrees_a(chunk_variables, c)) + MASK_GAPS)
    others = [row for i in range(rows) if (row := i * step % rows) < before]
    return [*mask_rows(chunk_variables, c), *others[: 4 * c]]


class Layout:
    """The layout of a model."""

    has_products = True  # weights meet inputs: not in a registration

    def __init__(self, descriptor):
        d = self.descriptor = descriptor
        self.c = d.log_rows
        self.rows = 1 << d.log_rows
        self.active = self.rows - (1 << d.log_pad)
        self.ranges = d.range_columns
        self.lookups = d.range_columns + len(d.pairs)
        self.helpers = (self.lookups + 1) // 2
        # column numbers
        self.m = self.ranges + 2 * len(d.pairs)
        self.phase1 = range(self.m + 1)
        self.phase2 = range(self.m + 1, self.m + 1 + self.helpers + 1)
        self.evaluated = self.phase2.stop
        self.g1, self.g2 = self.evaluated, self.evaluated + 1
        self.chunks = range(self.g2 + 1, self.g2 + 1 + d.chunks)
        self.commits_input = d.input_visibility == COMMITTED
        self.columns = self.chunks.stop + self.commits_input
        # the weight index domain: all chunks and a virtual one
        self.chunk_variables = index_bits(d.chunks + 1) if self.has_products else 0
        self.weight_variables = self.chunk_variables + self.c
        self.degrees_a = degrees_a(self.chunk_variables, self.c)
        self.degrees_d = [DEGREE_D] * self.c

    def column_of(self, block):
        if block.column == RANGE:
            return block.number
        if block.column == INPUT:
            return self.chunks.stop
        return self.ranges + 2 * block.number + (block.column != ARGUMENT)

    def block(self, number):
        return self.descriptor.blocks[number]

    def linear_layers(self):
        return [layer for layer in self.descriptor.layers if isinstance(layer, Linear)]

    def input_layer(self):
        return self.descriptor.layers[0]

    def inputs(self):
        return math.prod(self.block(self.input_layer().block).dims)

    def outputs(self):
        """Return the number of public outputs: cells, or an index for each batch element."""
        dims = self.descriptor.layers[-1].exponents.dims
        return dims[0] if self.is_top1() else math.prod(dims)

    def is_top1(self):
        return isinstance(self.descriptor.layers[-1], Top1)

    def value_domain(self):
        half = 1 << (self.descriptor.value_bits - 1)
        return -half, half - 1

    def output_domain(self):
        """Return the least and the greatest output: activations, or indices of real classes."""
        if self.is_top1():
            return 0, self.descriptor.layers[-1].exponents.dims[1] - 1
        return self.value_domain()

    def values_at_k(self):
        """Return how many values are sent at sumcheck A's point: the columns', then e_W and e_X."""
        return self.evaluated + (2 if self.has_products else 0)

    def mask_rows(self):
        """Return the rows of G1 that are coefficients of the mask of sumcheck A."""
        return mask_rows(self.chunk_variables, self.c)

    def sparse_rows(self):
        """Return the rows of G1 that are random: the mask's coefficients, then what hides D."""
        return sparse_rows(self.chunk_variables, self.c)

    def names(self):
        pairs = range(len(self.descriptor.pairs))
        ranges = [f"RC_{j}" for j in range(self.ranges)]
        functions = [f"{kind}_{j}" for j in pairs for kind in ("FI", "FO")]
        helpers = [f"H_{j}" for j in range(self.helpers)]
        chunks = [f"W_{k}" for k in range(len(self.chunks))]
        return [
            *ranges,
            *functions,
            "M",
            *helpers,
            "HT",
            "G1",
            "G2",
            *chunks,
            *["CIN"] * self.commits_input,
        ]
