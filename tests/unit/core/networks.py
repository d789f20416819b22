"""Tiny dense networks: a descriptor written by hand, weights, and what they compute.

The descriptor's encoding is that of ``prover/core/plumb/src/encoding.rs``.
"""

import struct
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

import zkinfer_core as core
from zkinfer import _curve, _unsafe_srs

RANGE, ARGUMENT, VALUE, INPUT = range(4)
# s: inputs and remainders have 4 bits; K: activations have 6, sign included
RANGE_BITS, VALUE_BITS = 4, 6
HIGH = (1 << (VALUE_BITS - 1)) - 1
WEIGHT_BITS, BIAS_BITS = 3, 4
NUMBER = {"hidden": 0, "committed": 1, "public": 2}


def bits(n):
    return (n - 1).bit_length()


def dims(channels):
    """Return the lengths 1 x channels x 1 x 1, and the bits of an index below each."""
    return struct.pack(">4I4B", 1, channels, 1, 1, 0, bits(channels), 0, 0)


class Writer:
    """Places blocks, exponents and weights one after the other."""

    def __init__(self, log_rows, log_pad, inputs, weights):
        self.log_rows, self.log_pad = log_rows, log_pad
        self.inputs, self.weights = inputs, weights
        self.blocks, self.layers, self.used = [], [], set()
        self.rows = dict.fromkeys((RANGE, ARGUMENT), 0)
        self.exponent = self.weight = 0

    def block(self, column, channels, offset=None):
        """Place channels x 1 x 1 values, aligned; or at an offset, beside others."""
        size = 1 << bits(channels)
        if offset is None:
            offset = -(-self.rows[column] // size) * size
            self.rows[column] = offset + size
        self.blocks.append(struct.pack(">BBI", column, 0, offset) + dims(channels))
        return len(self.blocks) - 1, offset

    def exponents(self, channels):
        """Strides are 2^bits for the batch, which is 1, and 1 for the rest."""
        offset = self.exponent
        self.exponent += 1 << bits(channels)
        return struct.pack(">Q4B", offset, bits(channels), 0, 0, 0) + dims(channels)

    def input(self, channels):
        block, offset = self.block(RANGE, channels)
        link = b"\0"
        if self.inputs == "committed":
            link = struct.pack(">BH", 1, self.block(INPUT, channels, offset)[0])
        self.layers.append(struct.pack(">BH", 0, block) + link + b"\0" + self.exponents(channels))
        return block

    def positions(self, out, size):
        step = out * size
        start = -(-self.weight // step) * step
        self.weight = start + step
        return start

    def dense(self, block, channels, out, last):
        """One map, one limb of remainders, a shift of s."""
        width = 1 << bits(channels)
        weights = self.positions(1 << bits(out), width)
        biases = self.positions(1 << bits(out), 1)
        self.used |= {weights + o * width + c for o in range(out) for c in range(channels)}
        self.used |= {biases + o for o in range(out)}
        view = struct.pack(">BiHBIBI", 1, 1, block, 0, 0, 0, 0)
        maps = struct.pack(">BB", 1, 0) + view
        maps += dims(channels) + struct.pack(">IB", weights, WEIGHT_BITS)
        output, value = b"\0", None
        if not last:
            argument, offset = self.block(ARGUMENT, out)
            output = struct.pack(">BH", 1, argument)
        remainders = struct.pack(">BH", 1, self.block(RANGE, out)[0])
        layer = b"\2" + maps + output + remainders + b"\0" + bytes([RANGE_BITS])
        layer += self.exponents(out) + struct.pack(">IB", biases, BIAS_BITS)
        self.layers.append(layer)
        if not last:
            value, _ = self.block(VALUE, out, offset)
        return value

    def descriptor(self):
        rows = 1 << self.log_rows
        chunks = -(-self.weight // rows)
        salts = []
        if self.weights == "hidden":
            for chunk in range(chunks):
                own = range((chunk + 1) * rows - 1, chunk * rows - 1, -1)
                salts += [k for k in own if k not in self.used][:2]
        input_salts = [rows - 1] if self.inputs == "committed" else []
        virtual = chunks * rows
        masks = [*(rows - 1 - i for i in range(4)), *(virtual + i for i in range(4))]
        relu = struct.pack(">IBBii", 1 << VALUE_BITS, VALUE_BITS, 0, 0, HIGH)
        head = struct.pack(
            ">4sH4BIBBqqBHIB",
            b"PLMB", 3, self.log_rows, self.log_pad, RANGE_BITS, VALUE_BITS, 1,
            NUMBER[self.inputs], NUMBER[self.weights], 0, (1 << RANGE_BITS) - 1, 1, chunks,
            0, RANGE_BITS,
        )  # fmt: skip
        return b"".join(
            (
                head,
                b"\1" + relu,
                b"\1\0",  # one pair of columns, for function 0
                struct.pack(">8I", *masks),
                struct.pack(f">H{len(salts)}I", len(salts), *salts),
                struct.pack(f">H{len(input_salts)}I", len(input_salts), *input_salts),
                struct.pack(">H", len(self.blocks)), *self.blocks,
                struct.pack(">H", len(self.layers)), *self.layers,
            )
        )  # fmt: skip


@dataclass
class Network:
    descriptor: bytes
    weights: list
    x: np.ndarray

    def outputs(self, x=None):
        """Run the network on plain integers."""
        values = self.x if x is None else x
        for layer, ((matrix,), biases) in enumerate(self.weights):
            sums = matrix @ values + biases >> RANGE_BITS
            values = sums if layer == len(self.weights) - 1 else np.clip(sums, 0, HIGH)
        return values.tolist()


def network(widths=(10, 7, 5, 3), *, inputs="hidden", weights="hidden", log_rows=8, log_pad=3):
    """Make a network with weights so small that no activation leaves its range."""
    writer = Writer(log_rows, log_pad, inputs, weights)
    block = writer.input(widths[0])
    layers = [*pairwise(widths)]
    for i, (channels, out) in enumerate(layers):
        block = writer.dense(block, channels, out, last=i == len(layers) - 1)
    random = np.random.default_rng(0)
    values = [
        ([random.integers(-2, 3, (out, channels))], random.integers(-16, 16, out))
        for channels, out in layers
    ]
    return Network(writer.descriptor(), values, random.integers(0, 16, widths[0]))


@cache
def powers(log_size, tau=_unsafe_srs.TAU):
    """Return the bytes of both groups, of a secret that everybody knows."""
    scalars = [pow(tau, i, _curve.R) for i in range(1 << log_size)]
    points = _unsafe_srs._multiples(scalars, _unsafe_srs._window_table())
    g1 = b"".join(_curve.g1_to_bytes(*point) for point in points)
    return g1, _curve.g2_multiply(1) + _curve.g2_multiply(tau)


@cache
def srs(log_size=8):
    return core.Srs.from_bytes(*powers(log_size))
