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

DEGREE_A, DEGREE_C, DEGREE_D = 4, 2, 2

MASK_GAPS = 4  # rows of G1 that hold zero, so that the coefficients of one variable are aligned


def mask_rows(c, coefficients):
    """Return the rows of the coefficients of both masks: from the last up, but four of them."""
    length_a = mask_length(c, DEGREE_A)
    positions = [3 + j if j < length_a else 4 + j for j in range(coefficients)]
    return [(1 << c) - 1 - position for position in positions]


def sparse_rows(c, coefficients):
    """Return the rows of G1 that are random: the masks', then 4c before them, or all if fewer."""
    rows = 1 << c
    step = rows * 0x9E3779B9 >> 32 | 1  # close to N / 1.618
    before = rows - (coefficients + MASK_GAPS)
    others = [row for i in range(rows) if (row := i * step % rows) < before]
    return [*mask_rows(c, coefficients), *others[: 4 * c]]


class Layout:
    """The layout of a model."""

    has_products = True  # weights meet inputs: a registration has no sumcheck C

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
        self.weight_variables = self.c + index_bits(d.chunks + 1)
        self.mask_lengths = (
            mask_length(self.c, DEGREE_A),
            mask_length(self.weight_variables, DEGREE_C),
        )

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

    def mask_rows(self):
        """Return the rows of G1 that are coefficients of the masks of sumchecks A and C."""
        rows = mask_rows(self.c, sum(self.mask_lengths))
        return rows[: self.mask_lengths[0]], rows[self.mask_lengths[0] :]

    def sparse_rows(self):
        """Return the rows of G1 that are random: coefficients of masks, then what hides D."""
        return sparse_rows(self.c, sum(self.mask_lengths))

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
