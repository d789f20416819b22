"""How far a table of a function can be from the function itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._functions import Function

    Array = NDArray[Any]

# Intervals to one step of a table's argument.
_FINE = 4
_LONGEST = 1 << 22


def deviation(function: Function, unit: float, low: int, table: Array, error: float) -> float:
    """Return what |table[v] - f(v + d)| never exceeds, for every |d| <= error.

    From the bounds of f on each of the intervals, a quarter of a unit long, that d reaches.

    Parameters
    ----------
    function
        f.
    unit
        Distance of two points of the grid.
    low
        The first point is low * unit.
    table
        The table's values as real numbers.
    error
        How far the argument can be off.
    """
    reach = error / unit * _FINE
    if not reach <= _LONGEST:
        return math.inf
    # At least one interval to each side, whose common end is the point itself.
    each_side = max(1, math.ceil(reach))
    first, last = low * _FINE - each_side, (low + len(table) - 1) * _FINE + each_side
    points = np.arange(first, last + 1, dtype=np.float64) * (unit / _FINE)
    least, most = function.between(points[:-1], points[1:])
    if not (np.isfinite(least).all() and np.isfinite(most).all()):
        return math.inf
    lowest = _running(least, 2 * each_side, np.minimum)[::_FINE]
    highest = _running(most, 2 * each_side, np.maximum)[::_FINE]
    return max(float((highest - table).max()), float((table - lowest).max()))


def _running(values: Array, wanted: int, best: Callable[[Array, Array], Array]) -> Array:
    """Return the extreme of each window of `wanted` values, by doubling windows."""
    window, length = values, 1
    while 2 * length <= wanted:
        window = best(window[:-length], window[length:])
        length *= 2
    rest = wanted - length
    return best(window[: len(window) - rest], window[rest:])
