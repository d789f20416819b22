"""All that a program is made from besides the model, small enough to be kept with a circuit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

from ._calibrate import LARGEST, Seen
from ._lower import Output

_MOST_SHIFT = 24
WIDTHS = range(4, 17)


@dataclass(frozen=True, slots=True)
class Quantization:
    """What was chosen and seen when a model was quantised; the program follows from it.

    Attributes
    ----------
    width
        Bits of an activation, sign included.
    shift
        The most bits that a requantisation may remove.
    inputs
        Largest absolute value seen of the input: one for all of it, or one for each feature.
    seen
        What each node of the real program was seen to take.
    output
        What the program gives out, as `compile_program` takes it.
    max_abs_error
        Largest error of an output on the calibration data; of an index, the largest error of the
        scores that it is chosen from.
    """

    width: int
    shift: int
    inputs: tuple[float, ...]
    seen: tuple[Seen, ...]
    output: Output
    max_abs_error: float

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON has it."""
        return {
            "inputs": list(self.inputs),
            "max_abs_error": self.max_abs_error,
            "output": self.output,
            "seen": [[s.low, s.high, s.mean_square] for s in self.seen],
            "shift": self.shift,
            "width": self.width,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse a record from a stranger.

        Raises
        ------
        ValueError, TypeError, KeyError
            It is not one, or holds a number out of limits.
        """
        if value.keys() != {"inputs", "max_abs_error", "output", "seen", "shift", "width"}:
            raise ValueError("other fields")
        width, shift = value["width"], value["shift"]
        if type(width) is not int or width not in WIDTHS:
            raise ValueError(f"an activation of {width!r} bits")
        if type(shift) is not int or not 0 <= shift <= _MOST_SHIFT:
            raise ValueError(f"a shift of {shift!r} bits")
        seen = tuple(Seen(_real(a), _real(b), _real(c, LARGEST**2)) for a, b, c in value["seen"])
        if any(s.low > s.high or s.mean_square < 0 for s in seen):
            raise ValueError("a range that is none")
        inputs = tuple(_real(v) for v in value["inputs"])
        if not inputs or min(inputs) < 0:
            raise ValueError("no range of the input")
        output = value["output"]
        if output not in ("scores", "top1"):
            output = _real(output)
        return cls(width, shift, inputs, seen, output, _real(value["max_abs_error"]))


def _real(value: Any, largest: float = LARGEST) -> float:
    if type(value) is not float or not math.isfinite(value) or abs(value) > largest:
        raise ValueError(f"{value!r} is no usable number")
    return value
