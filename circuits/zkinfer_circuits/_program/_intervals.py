"""Bounds of a function on intervals: what stands between two points that were looked at.

Each of these returns a function of two arrays, the ends of intervals, that returns the least and
the greatest value on each. Where the function has a pole, those are infinite, and where it has no
value, NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Ends = tuple[Array, Array]
    Call = Callable[[Array], Array]
    Bounds = Callable[[Array, Array], Ends]

# Beyond this, a float64 does not say well enough where in its period an angle is.
_LARGEST_ANGLE = 1e9
_SLACK = 1e-6


def monotone(call: Call, *turns: float) -> Bounds:
    """Return the bounds of a function that only rises or only falls between some points."""

    def bounds(low: Array, high: Array) -> Ends:
        first, last = call(low), call(high)
        least, most = np.minimum(first, last), np.maximum(first, last)
        for turn in turns:
            value = float(call(np.array(turn)))
            a, b = (value, value) if math.isfinite(value) else (-math.inf, math.inf)
            inside = (low <= turn) & (turn <= high)
            least = np.where(inside, np.minimum(least, a), least)
            most = np.where(inside, np.maximum(most, b), most)
        return least, most

    return bounds


def wave(call: Call, crest: float) -> Bounds:
    """Return the bounds of a cosine whose crests are at `crest` and 2 pi apart."""

    def bounds(low: Array, high: Array) -> Ends:
        least, most = monotone(call)(low, high)
        most = np.where(_meets(low, high, crest, 2 * math.pi), 1.0, most)
        return np.where(_meets(low, high, crest + math.pi, 2 * math.pi), -1.0, least), most

    return bounds


def tangent(low: Array, high: Array) -> Ends:
    """Return the bounds of a tangent."""
    least, most = monotone(np.tan)(low, high)
    pole = _meets(low, high, math.pi / 2, math.pi)
    return np.where(pole, -math.inf, least), np.where(pole, math.inf, most)


def _meets(low: Array, high: Array, first: float, period: float) -> Array:
    """Return whether intervals hold one of the points `first`, `first` + `period`, .."""
    begin, end = (low - first) / period - _SLACK, (high - first) / period + _SLACK
    far = np.maximum(np.abs(low), np.abs(high)) > _LARGEST_ANGLE
    return np.asarray((np.floor(end) >= np.ceil(begin)) | far)


def arithmetic(name: str, left: Bounds, right: Bounds) -> Bounds:
    """Return the bounds of left(x) op right(x), op being "Add", "Sub" or "Mul"."""

    def bounds(low: Array, high: Array) -> Ends:
        (a, b), (c, d) = left(low, high), right(low, high)
        if name == "Add":
            return a + c, b + d
        if name == "Sub":
            return a - d, b - c
        corners = np.stack([a * c, a * d, b * c, b * d])
        return corners.min(axis=0), corners.max(axis=0)

    return bounds
