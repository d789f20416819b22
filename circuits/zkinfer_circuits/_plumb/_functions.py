"""Look-up tables as functions of every K-bit integer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._descriptor import Clamp, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._program._integer import Lookup
    from ._plan import FunctionKind

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Total:
    """A table's function, defined on all K-bit integers.

    Attributes
    ----------
    kind
        The function.
    guarded
        Whether some arguments that can occur have no value: then the function gives them
        `-2^(K-1)`, a value that it takes nowhere else, and whoever looks it up proves that the
        negative of what came out is a K-bit integer. Of K-bit integers only that value has none.
    rising
        Whether it never falls, is nowhere negative, and has a value everywhere.
    """

    kind: FunctionKind
    guarded: bool
    rising: bool


def identity(width: int) -> Clamp:
    """Return the identity on integers of `width` bits."""
    return Clamp(-(1 << width - 1), (1 << width - 1) - 1)


def total(op: Lookup, reach: tuple[int, int], width: int) -> Total | None:
    """Return a look-up's function, or None where Plumb has none.

    Parameters
    ----------
    reach
        The least and the largest argument that can occur, proven.
    width
        K.
    """
    least, greatest = -(1 << width - 1), (1 << width - 1) - 1
    low, high = max(reach[0], least, op.low), min(reach[1], greatest, op.high)
    values = np.asarray(op.values, dtype=np.int64)
    if low > high or reach[0] < least or reach[1] > greatest:
        return None
    used = values[low - op.low : high - op.low + 1]
    if used.min() < least or used.max() > greatest:
        return None
    guarded = (low, high) != reach
    if not guarded:
        clamp = _clamp(used, low, least, greatest)
        rising = bool((np.diff(used) >= 0).all()) and int(used[0]) >= 0
        if clamp is not None:
            return Total(clamp, guarded=False, rising=rising)
    elif used.min() == least:
        return None
    every = np.arange(least, greatest + 1)
    spread = used[np.clip(every, low, high) - low]
    if guarded:
        spread = np.where((every < low) | (every > high), least, spread)
    table = Table(tuple(spread.tolist()))
    rising = not guarded and bool((np.diff(used) >= 0).all()) and int(used[0]) >= 0
    return Total(table, guarded, rising)


def _clamp(values: Array, low: int, least: int, greatest: int) -> Clamp | None:
    """Return the clamp that has these values from `low` on; of several, the one with fewer bounds."""
    at = np.arange(low, low + len(values))
    smallest, largest = int(values.min()), int(values.max())
    for bottom, top in (
        (least, greatest),
        (0, greatest),
        (smallest, greatest),
        (least, largest),
        (smallest, largest),
    ):
        if (np.clip(at, bottom, top) == values).all():
            return Clamp(bottom, top)
    return None
