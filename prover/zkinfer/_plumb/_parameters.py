"""Universal parameters as the core takes them, read once a process."""

from __future__ import annotations

from functools import lru_cache

import zkinfer_core as core
from zkinfer import _curve
from zkinfer._errors import SrsMalformed
from zkinfer._parameters._formats import open_powers
from zkinfer._srs import Srs


@lru_cache(maxsize=4)
def core_srs(srs: Srs, k: int) -> core.Srs:
    """Return the first 2^k powers of an SRS; each is checked, and that all are of one secret.

    Raises
    ------
    SrsError
        There are no such powers, or they are damaged.
    """
    path = srs.file(k)
    with open_powers(path) as source:
        points = b"".join(_curve.g1_to_bytes(x, y) for x, y in source.powers(0, 1 << k))
        second = source.one_g2 + source.tau_g2
    try:
        made = core.Srs.from_bytes(points, second)
    except core.SrsRefused as error:
        raise SrsMalformed(str(error), place=f"file '{path}'") from error  # A15
    if made.id != srs.id:
        raise SrsMalformed("the file changed while it was read", place=f"file '{path}'")  # A15
    return made
