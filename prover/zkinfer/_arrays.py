"""Arrays at the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer_circuits import InputTypeMismatch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def real_array(values: ArrayLike) -> NDArray[Any]:
    """Return values as an array.

    Raises
    ------
    InputTypeMismatch
        They are ragged, or no numbers.
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputTypeMismatch(found="something that is no array of numbers") from error
