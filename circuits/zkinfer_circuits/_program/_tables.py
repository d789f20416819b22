"""How far a table of a function can be from the function itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

_LONGEST = 1 << 20


def deviation(
    function: Callable[[Array], Array], unit: float, low: int, table: Array, error: float
) -> float:
    """Return what |table[v] - f(v + d)| never exceeds, for every |d| <= error.

    The function is looked at on the table's grid, as far as d reaches. Between two points of the
    grid it is taken to stay within their values, but for its curvature: a second difference, which
    is counted in full.

    Parameters
    ----------
    function
        f, of float64 arrays.
    unit
        Distance of two points of the grid.
    low
        The first point is low * unit.
    table
        The table's values as real numbers.
    error
        How far the argument can be off.
    """
    reach = math.ceil(error / unit) + 1 if math.isfinite(error) else _LONGEST + 1
    if reach > _LONGEST:
        return math.inf
    grid = np.arange(low - reach, low + len(table) + reach, dtype=np.float64) * unit
    values = np.asarray(function(grid), dtype=np.float64)
    if not np.isfinite(values).all():
        return math.inf
    highest, lowest = _running(values, reach, np.maximum), _running(values, reach, np.minimum)
    bend = float(np.abs(np.diff(values, 2)).max()) if len(values) > 2 else 0.0
    off = max(float((highest - table).max()), float((table - lowest).max()))
    return off + bend


def _running(values: Array, reach: int, best: Callable[[Array, Array], Array]) -> Array:
    """Return the extreme of each window of 2 reach + 1 values, by doubling windows."""
    window, length = values, 1
    wanted = 2 * reach + 1
    while 2 * length <= wanted:
        window = best(window[:-length], window[length:])
        length *= 2
    rest = wanted - length
    return best(window[: len(window) - rest], window[rest:])
