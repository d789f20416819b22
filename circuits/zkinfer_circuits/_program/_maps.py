"""Linear maps with constant coefficients; each works on floats and on integers alike.

Arrays have one more leading axis than shapes say: the samples of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

# Integers below this are exact as float64, and so is every sum on the way to one.
EXACT_AS_FLOAT = 2**53


def multiply(a: Array, b: Array, bound: int) -> Array:
    """Return the matrix product; `bound` is what no sum of absolute values reaches.

    Products of integers go through float64, where numpy has a fast product, if `bound` says that
    every partial sum in any order is an integer that float64 holds.
    """
    if a.dtype.kind == "f" or bound >= EXACT_AS_FLOAT:
        return np.asarray(np.matmul(a, b))
    return np.asarray(np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.int64))


@dataclass(frozen=True, eq=False, slots=True)
class Dense:
    """``y[.., j] = sum_i x[.., i] weight[.., i, j]``.

    Attributes
    ----------
    weight
        [inputs, outputs], with leading axes where each matrix of a stack has weights of its own.
    """

    weight: Array

    def apply(self, x: Array, bound: int = 0) -> Array:
        """Return the map of x; `bound` as in `multiply`."""
        return multiply(x, self.weight, bound)

    def sums(self, x: Array) -> Array:
        """Return the map with absolute weights, of an x without samples."""
        return np.asarray(np.matmul(x, np.abs(self.weight)))

    @property
    def fan_in(self) -> int:
        """How many inputs one output has."""
        return int(self.weight.shape[-2])

    def replace(self, weight: Array) -> Dense:
        """Return the same map with other coefficients."""
        return Dense(weight)

    def coefficients(self) -> Array:
        """Return the coefficients."""
        return self.weight

    def macs(self, shape: tuple[int, ...]) -> int:
        """Return the multiplications for an output of `shape`."""
        return int(np.prod(shape, dtype=object)) * self.fan_in


@dataclass(frozen=True, eq=False, slots=True)
class Conv:
    """A convolution over the trailing axes of [batch, channels, size..], as ONNX defines it.

    ``y[b, o, p] = sum_(c, k) x[b, c, p * stride + k * dilation - begin] weight[o, c, k]``, where c
    runs over the group of o, and x is 0 outside.

    Attributes
    ----------
    weight
        [outputs, inputs of a group, kernel..].
    strides, dilations
        One for each spatial axis.
    pads
        All begins, then all ends.
    group
        Number of groups.
    """

    weight: Array
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    group: int

    def apply(self, x: Array, bound: int = 0) -> Array:
        """Return the map of x; `bound` as in `multiply`."""
        samples, batch, channels = x.shape[:3]
        outputs, each, *kernel = self.weight.shape
        windows = spread_windows(
            x.reshape(samples * batch, channels, *x.shape[3:]),
            kernel,
            self.strides,
            self.pads,
            self.dilations,
            0,
        )
        # [samples * batch, channels, positions.., kernel..] -> [group, rows, columns]
        n = len(kernel)
        places = windows.shape[2 : 2 + n]
        rows = windows.reshape(samples * batch, self.group, each, *windows.shape[2:])
        order = (1, 0, *range(3, 3 + n), 2, *range(3 + n, 3 + 2 * n))
        flat = rows.transpose(order).reshape(self.group, -1, each * int(np.prod(kernel)))
        matrices = self.weight.reshape(self.group, outputs // self.group, -1).transpose(0, 2, 1)
        made = multiply(flat, matrices, bound)
        made = made.reshape(self.group, samples * batch, *places, outputs // self.group)
        made = np.moveaxis(made, (0, -1), (1, 2))
        return made.reshape(samples, batch, outputs, *places)

    def sums(self, x: Array) -> Array:
        """Return the map with absolute weights, of an x without samples."""
        return np.asarray(self.replace(np.abs(self.weight)).apply(x[None])[0])

    @property
    def fan_in(self) -> int:
        """How many inputs one output has."""
        return int(np.prod(self.weight.shape[1:], dtype=object))

    def replace(self, weight: Array) -> Conv:
        """Return the same map with other coefficients."""
        return Conv(weight, self.strides, self.pads, self.dilations, self.group)

    def coefficients(self) -> Array:
        """Return the coefficients."""
        return self.weight

    def macs(self, shape: tuple[int, ...]) -> int:
        """Return the multiplications for an output of `shape`."""
        return int(np.prod(shape, dtype=object)) * self.fan_in


@dataclass(frozen=True, eq=False, slots=True)
class Scale:
    """``y = sum over axes of factor * x``, both broadcast against each other first.

    Attributes
    ----------
    factor
        Of the rank of the product, or less.
    rank
        Of the product `factor * x`, to which x is brought by leading axes of 1.
    axes
        Axes of the product that are summed up; they stay, with size 1.
    terms
        How many elements one sum has.
    """

    factor: Array
    rank: int
    axes: tuple[int, ...] = ()
    terms: int = 1

    def apply(self, x: Array, bound: int = 0) -> Array:
        """Return the map of x."""
        missing = self.rank - (x.ndim - 1)
        spread = x.reshape(x.shape[0], *[1] * missing, *x.shape[1:])
        made = spread * self.factor
        if self.axes:
            made = made.sum(axis=tuple(a + 1 for a in self.axes), keepdims=True)
        return np.asarray(made)

    def sums(self, x: Array) -> Array:
        """Return the map with absolute coefficients, of an x without samples."""
        return np.asarray(self.replace(np.abs(self.factor)).apply(x[None])[0])

    @property
    def fan_in(self) -> int:
        """How many inputs one output has."""
        return self.terms

    def replace(self, factor: Array) -> Scale:
        """Return the same map with other coefficients."""
        return Scale(factor, self.rank, self.axes, self.terms)

    def coefficients(self) -> Array:
        """Return the coefficients."""
        return self.factor

    def macs(self, shape: tuple[int, ...]) -> int:
        """Return the multiplications for an output of `shape`."""
        return int(np.prod(shape, dtype=object)) * self.terms


LinearMap = Dense | Conv | Scale


def spread_windows(
    x: Array,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    outside: float,
) -> Array:
    """Return a view [.., positions.., kernel..] of the windows over the trailing axes of x.

    Parameters
    ----------
    x
        Any leading axes, then one axis for each of `kernel`.
    kernel, strides, dilations
        One for each spatial axis.
    pads
        All begins, then all ends.
    outside
        What the padding holds.
    """
    n = len(kernel)
    lead = x.ndim - n
    if any(pads):
        widths = [(0, 0)] * lead + list(zip(pads[:n], pads[n:], strict=True))
        x = np.pad(x, widths, constant_values=outside)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
    axes = tuple(range(lead, lead + n))
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
    index = (
        *[slice(None)] * lead,
        *[slice(None, None, s) for s in strides],
        *[slice(None, None, d) for d in dilations],
    )
    return windows[index]
