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


def winners(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row's winning class: the first largest output, or a single output's sign."""
    flat = outputs.reshape(len(outputs), -1)
    return (flat[:, 0] > 0).astype(np.int64) if flat.shape[1] == 1 else flat.argmax(axis=1)
