"""What a circuit is asked to be: visibilities and precision. The statement has no defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEFAULT_ERROR = 0.02


class Visibility(StrEnum):
    """Who learns a tensor."""

    HIDDEN = "hidden"
    """The prover alone; the proof reveals nothing about it beyond the public tensors."""
    COMMITTED = "committed"
    """The prover alone, bound by a hiding commitment that is part of the statement."""
    PUBLIC = "public"
    """Everybody who sees the statement."""


class Optimize(StrEnum):
    """What a backend makes small where it has a choice."""

    BALANCED = "balanced"
    """Both: a proof may take longer where a verification on chain costs much less for it. To ezkl
    it is the time of a proof."""
    TIME = "time"
    """The time of a proof, and with it memory."""
    GAS = "gas"
    """The gas of a verification on chain."""


@dataclass(frozen=True)
class CircuitSettings:
    """Everything that changes the circuit besides the model.

    Parameters
    ----------
    inputs, weights, outputs
        Who learns each of them; there are no defaults.
    optimize
        What to make small where the backend has a choice.
    scale_bits
        Fixed-point precision: a real number v is represented by round(v * 2^scale_bits). None lets
        the backend choose the smallest precision within `max_error` on the calibration data.
    max_error
        Largest accepted absolute error of an output against float on the calibration data, or
        None for 2 % of the outputs' range there.
    """

    inputs: Visibility
    weights: Visibility
    outputs: Visibility
    optimize: Optimize = Optimize.BALANCED
    scale_bits: int | None = None
    max_error: float | None = None

    def largest_error(self, outputs: NDArray[Any]) -> float:
        """Return the largest accepted error, given the float outputs on the calibration data."""
        if self.max_error is not None:
            return self.max_error
        return _DEFAULT_ERROR * max(float(np.ptp(outputs)), float(np.abs(outputs).max()))
