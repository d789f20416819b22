"""The quantised program against the float model, on inputs that may leave the circuit's range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zkinfer._arrays import winners
from zkinfer_circuits import InputOutOfRange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zkinfer._artifacts import Circuit
    from zkinfer._progress import OnProgress


@dataclass(frozen=True, eq=False)
class Comparison:
    """Outputs on the same inputs, shape (samples, outputs).

    Attributes
    ----------
    floats
        Of the float model.
    quantised
        Of the quantised program; NaN in the rows of inputs that it refuses as out of range.
    """

    floats: NDArray[np.float64]
    quantised: NDArray[np.float64]

    @property
    def ran(self) -> NDArray[np.bool_]:
        """Which inputs the quantised program took."""
        return np.asarray(~np.isnan(self.quantised).any(axis=1))

    @property
    def refused(self) -> int:
        """How many inputs it refused."""
        return int((~self.ran).sum())

    @property
    def agreement(self) -> float:
        """Fraction with the same winning class; a refused input counts as another one."""
        same = winners(self.floats) == winners(np.nan_to_num(self.quantised))
        return float((same & self.ran).mean())

    @property
    def max_abs_error(self) -> float | None:
        """Largest absolute error of an output on the inputs taken; None where all were refused."""
        ran = self.ran
        if not ran.any():
            return None
        return float(np.abs(self.floats[ran] - self.quantised[ran]).max())

    def accuracy(self, classes: NDArray[np.int64]) -> tuple[float, float]:
        """Return float and quantised accuracy; a refused input counts as wrong."""
        right = winners(np.nan_to_num(self.quantised)) == classes
        return float((winners(self.floats) == classes).mean()), float((right & self.ran).mean())


def compare(
    circuit: Circuit, x: NDArray[np.float32], on_progress: OnProgress | None = None
) -> Comparison:
    """Run a stack of inputs, (samples, *input shape), in float and quantised.

    Raises
    ------
    InputRefused
        An input is not of the model's shape, or not finite.
    """
    floats = circuit.run(x, mode="float").reshape(len(x), -1)

    def quantised(part: NDArray[np.float32]) -> NDArray[np.float64]:
        try:
            made = circuit.evaluate(part, constraints=False, on_progress=on_progress)
        except InputOutOfRange:
            # Nobody says which one it was.
            if len(part) == 1:
                return np.full((1, floats.shape[1]), np.nan)
            half = len(part) // 2
            return np.concatenate([quantised(part[:half]), quantised(part[half:])])
        return made.reshape(len(part), -1)

    return Comparison(floats, quantised(x))
