"""The yardstick of benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import zkinfer_core as core
from zkinfer._plumb._parameters import core_srs
from zkinfer._srs import srs_of

if TYPE_CHECKING:
    from zkinfer._artifacts import VerifyingKey


def multiplications(vk: VerifyingKey) -> float:
    """Return the seconds that the multi-scalar multiplications of one proof take alone, by ark-ec.

    Raises
    ------
    SrsError
        The powers of the key's SRS are missing or damaged.
    """
    key = cast("core.VerifyingKey", vk.opened)
    log_rows = core.check_descriptor(key.descriptor)["log_rows"]
    return core.msm_seconds(core_srs(srs_of(vk.srs), log_rows), key)
