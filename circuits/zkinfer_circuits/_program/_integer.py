"""Operations on integer tensors with exact semantics: what a proof is about.

docs/programs.md has each operation's equation. Every node has proven bounds; where an operation may
leave the bounds that it declares, that is an error of the input, never a wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._maps import LinearMap
from ._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from ._shared import ArgMax, MatMul, Product, WindowMax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Name of the table that compares with a threshold.
AT_LEAST = "at least"
# Accumulators stay below this, far from where int64 or the proof's field would wrap.
LARGEST_ACCUMULATOR = 2**62


@dataclass(frozen=True, eq=False, slots=True)
class Input:
    """The model's input, integers between `low` and `high`."""

    low: int
    high: int


@dataclass(frozen=True, eq=False, slots=True)
class Affine:
    """``y = floor((sum of maps + bias + 2^(shift - 1)) / 2^shift)``; shift 0 divides nothing.

    Attributes
    ----------
    maps
        One of each source; coefficients are integers.
    bias
        Integers that can be broadcast to the shape.
    shift
        Bits that requantisation removes, halves upwards.
    low, high
        y lies between them, or the input is refused.
    bound
        Proven: no sum of absolute values on the way to y reaches it; at most 2^62.
    """

    maps: tuple[LinearMap, ...]
    bias: Array
    shift: int
    low: int
    high: int
    bound: int

    def apply(self, *xs: Array) -> Array:
        """Return y."""
        made = self.bias + np.int64(1 << self.shift >> 1)
        for each, x in zip(self.maps, xs, strict=True):
            made = made + each.apply(x, self.bound)
        # Python's and numpy's >> of a negative integer is a floor.
        return np.asarray(made >> np.int64(self.shift))


@dataclass(frozen=True, eq=False, slots=True)
class Lookup:
    """``y = values[x - low]`` for x from `low` to `low + len(values) - 1`; others are refused.

    Attributes
    ----------
    name
        The function's name, "relu" or "identity" where it is exactly that.
    low
        The least argument.
    values
        The function's values, integers.
    """

    name: str
    low: int
    values: Array

    @property
    def high(self) -> int:
        """The largest argument."""
        return self.low + len(self.values) - 1

    def apply(self, x: Array) -> Array:
        """Return the values."""
        return np.asarray(self.values[x - self.low])


@dataclass(frozen=True, eq=False, slots=True)
class Divide:
    """``y = floor((a 2^bits + floor(b / 2)) / b)`` for a >= 0, b >= 1: the nearest, halves up.

    Attributes
    ----------
    bits
        Bits after the point of the quotient.
    """

    bits: int

    def apply(self, a: Array, b: Array) -> Array:
        """Return the quotients."""
        return np.asarray(((a << np.int64(self.bits)) + (b >> 1)) // b)


@dataclass(frozen=True, eq=False, slots=True)
class InverseSqrt:
    """``y = floor(2^bits / sqrt(v))`` for v >= 1, exactly.

    Attributes
    ----------
    bits
        Bits of the numerator, at most 31.
    """

    bits: int

    def apply(self, v: Array) -> Array:
        """Return the inverse roots: the largest y with y^2 v <= 4^bits."""
        quotient = np.int64(1 << 2 * self.bits) // v
        y = np.asarray(np.sqrt(quotient.astype(np.float64)).astype(np.int64))
        # The root of a rounded float is off by one at most, either way.
        y = np.where(y * y > quotient, y - 1, y)
        return np.where((y + 1) * (y + 1) <= quotient, y + 1, y)


IntegerOp = (
    Input
    | Affine
    | Lookup
    | Product
    | MatMul
    | Divide
    | InverseSqrt
    | WindowMax
    | ArgMax
    | Reshape
    | Transpose
    | Slice
    | Concat
    | Pad
    | Gather
)
