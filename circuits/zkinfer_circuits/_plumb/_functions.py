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
        What is looked up.
    offset
        What is added to it. A step from 0 to 1 at t is the clamp to [t - 1, t], less t - 1: clamps
        have a closed form, and the verifier reads no table.
    guarded
        Whether some arguments that can occur have no value, or none of K bits: then the function
        gives them `-2^(K-1)`, a value that it takes nowhere else, and whoever looks it up proves
        that the negative of what came out is a K-bit integer. Of K-bit integers only that value has
        no such negative.
    rising
        Whether what is looked up never falls, is nowhere negative, and has a value everywhere.
    """

    kind: FunctionKind
    offset: int
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
    low, high = max(reach[0], op.low), min(reach[1], op.high)
    if low > high or reach[0] < least or reach[1] > greatest:
        return None
    used = np.asarray(op.values, dtype=np.int64)[low - op.low : high - op.low + 1]
    rising = bool((np.diff(used) >= 0).all())
    clamp = _clamp(used, low, least, greatest) if rising and (low, high) == reach else None
    if clamp is not None:
        kind, offset = clamp
        first = min(max(low, kind.low), kind.high)
        return Total(kind, offset, guarded=False, rising=first >= 0)
    inside = (used >= least) & (used <= greatest)
    guarded = (low, high) != reach or not inside.all()
    if guarded and ((used == least).any() or not inside.any()):
        return None
    every = np.arange(least, greatest + 1)
    # Arguments that cannot occur may have any value.
    spread = used[np.clip(every, low, high) - low]
    if guarded:
        known = (every >= low) & (every <= high) & (spread >= least) & (spread <= greatest)
        spread = np.where(known, spread, least)
    rising = rising and not guarded and int(used[0]) >= 0
    return Total(Table(tuple(spread.tolist())), 0, guarded, rising)


def _clamp(values: Array, low: int, least: int, greatest: int) -> tuple[Clamp, int] | None:
    """Return a clamp and an offset whose sum has these rising values from `low` on.

    Of several, the one with fewer bounds.
    """
    at = np.arange(low, low + len(values))
    # Where values rise, they rise as their arguments do; elsewhere a bound holds them.
    rises = np.flatnonzero(np.diff(values))
    offset = int(values[rises[0]] - at[rises[0]]) if len(rises) else int(values[0] - at[0])
    smallest, largest = int(values[0]) - offset, int(values[-1]) - offset
    for bottom, top in (
        (least, greatest),
        (smallest, greatest),
        (least, largest),
        (smallest, largest),
    ):
        if bottom < least or top > greatest:
            continue
        if (np.clip(at, bottom, top) + offset == values).all():
            return Clamp(bottom, top), offset
    return None
