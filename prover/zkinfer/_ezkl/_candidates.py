"""Which ezkl settings to try for a model, smallest circuit first.

ezkl writes every value that it range-checks in `legs` digits to a base, by lookups in a table of
`base` rows. The rows of a circuit, and so its time, memory and key, follow from these and the
scale; its own calibration picks tables far larger than small models need.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from zkinfer._statement import canonical_json

# (base, legs): ranges of 2^21 to 2^42. A range above 2^25 also holds the context's limbs.
_DECOMPOSITIONS = ((128, 4), (512, 3), (1024, 3), (128, 5), (2048, 3), (128, 6))
SCALES = (7, 8, 10, 12)
# Two inner columns gave the smallest proofs, and times within a few percent of the best.
_INNER_COLUMNS = 2
# Rows that ezkl keeps for blinding, with room to spare.
_BLINDING_ROWS = 16
_SMALLEST_K = 6
LARGEST_K = 26


@dataclass(frozen=True)
class Candidate:
    """Settings that determine an ezkl circuit, the number of rows aside."""

    scale_bits: int
    base: int
    legs: int

    @property
    def range_bits(self) -> int:
        """Logarithm of the largest magnitude that the circuit holds."""
        return self.base.bit_length() * self.legs - self.legs

    def run_args(self, logrows: int) -> dict[str, Any]:
        """Return ezkl's run arguments, every one that reveals or weakens anything spelled out."""
        return {
            # The public input and the context are exposed as outputs, so inputs stay private here.
            "input_visibility": "private",
            "output_visibility": "public",
            # "private" parameters bind no model: another model's proof would verify.
            "param_visibility": "fixed",
            "ignore_range_check_inputs_outputs": False,
            "input_scale": self.scale_bits,
            "param_scale": self.scale_bits,
            "decomp_base": self.base,
            "decomp_legs": self.legs,
            "num_inner_cols": _INNER_COLUMNS,
            "logrows": logrows,
            "check_mode": "unsafe",
        }


def candidates(scale_bits: int) -> list[Candidate]:
    """Return the candidates of one scale."""
    return [Candidate(scale_bits, base, legs) for base, legs in _DECOMPOSITIONS]


def needed_logrows(settings: dict[str, Any], candidate: Candidate) -> int:
    """Return the least k such that a circuit with these settings fits 2^k rows."""
    rows: int = max(
        settings["num_rows"],
        candidate.base,
        settings["total_const_size"],
        settings["total_dynamic_col_size"],
        settings["total_shuffle_col_size"],
    )
    return max(_SMALLEST_K, (rows + _BLINDING_ROWS).bit_length())


def canonical_settings(raw: bytes) -> dict[str, Any]:
    """Return ezkl's settings with what it leaves to chance or to the clock put in order.

    Range checks and lookups come in random order and decide the order of columns, so one model
    would get different keys from run to run.
    """
    settings: dict[str, Any] = json.loads(raw)
    settings["required_range_checks"].sort()
    settings["required_lookups"].sort(key=canonical_json)
    settings["timestamp"] = 0
    return settings


def estimate_prove_s(logrows: int) -> float:
    """Return roughly the seconds of a proof on two cores: twice the rows, twice the time."""
    return 0.15 + 0.00022 * (1 << logrows)


def estimate_peak_mb(logrows: int) -> float:
    """Return roughly the peak memory of setup and proof in megabytes."""
    return 80.0 + 0.0215 * (1 << logrows)
