"""Operations that move numbers and compute none; each works on floats and on integers alike.

Axes and shapes are those of one sample; arrays have the samples as one more leading axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Reshape:
    """The same numbers in the same order, in another shape."""

    shape: tuple[int, ...]

    def apply(self, x: Array) -> Array:
        """Return x in the new shape."""
        return x.reshape(x.shape[0], *self.shape)


@dataclass(frozen=True, eq=False, slots=True)
class Transpose:
    """``y[i_0, .., i_n]``: axis j of y is axis ``perm[j]`` of x."""

    perm: tuple[int, ...]

    def apply(self, x: Array) -> Array:
        """Return x with its axes in the new order."""
        return x.transpose(0, *(p + 1 for p in self.perm))


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """``y[.., i, ..] = x[.., start + i * step, ..]`` on every axis."""

    slices: tuple[tuple[int, int, int], ...]

    def apply(self, x: Array) -> Array:
        """Return the part of x."""
        return np.asarray(x[(slice(None), *(slice(*s) for s in self.slices))])


@dataclass(frozen=True, eq=False, slots=True)
class Concat:
    """The operands one after the other along an axis."""

    axis: int

    def apply(self, *xs: Array) -> Array:
        """Return the operands as one."""
        return np.concatenate(xs, axis=self.axis + 1)


@dataclass(frozen=True, eq=False, slots=True)
class Pad:
    """x with constant numbers around it.

    Attributes
    ----------
    widths
        (before, after) for each axis.
    value
        The constant.
    """

    widths: tuple[tuple[int, int], ...]
    value: float

    def apply(self, x: Array) -> Array:
        """Return x with its border."""
        return np.pad(x, ((0, 0), *self.widths), constant_values=self.value)


@dataclass(frozen=True, eq=False, slots=True)
class Gather:
    """``y[.., i, ..] = x[.., indices[i], ..]`` on one axis."""

    axis: int
    indices: tuple[int, ...]

    def apply(self, x: Array) -> Array:
        """Return the chosen parts of x."""
        return np.take(x, np.array(self.indices, dtype=np.int64), axis=self.axis + 1)


Move = Reshape | Transpose | Slice | Concat | Pad | Gather
