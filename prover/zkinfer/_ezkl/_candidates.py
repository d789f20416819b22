"""Which ezkl settings to try for a model: a cost model, and the candidates by cost.

ezkl writes every value that it range-checks in `legs` digits to a base, by lookups in a table of
`base` rows, and lays values out in `columns` parallel columns. The rows of a circuit follow from
these and the scale, and time, memory, key and gas follow from rows and columns. ezkl's own
calibration picks tables far larger than small models need.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

from zkinfer._settings import Optimize
from zkinfer._statement import canonical_json

# (base, legs): ranges of 2^24 to 2^42. A range above 2^24 also holds the context's limbs.
_DECOMPOSITIONS = ((4096, 2), (128, 4), (512, 3), (1024, 3), (128, 5), (2048, 3), (128, 6))
SCALES = (7, 8, 10, 12)
# ezkl divides by the scale once a product's scale exceeds this many times the input's. Division is
# range-checked digit by digit, so fewer of them make a smaller circuit, as far as the range allows.
_REBASES = (1, 2, 3)

# Numbers of a salt that every proof range-checks beside its witness (see `_folder.draw_salt`).
SALT_LIMBS = 64
# Of these at least so many are not zero.
_SALT_DIGITS = SALT_LIMBS * 3 // 4
# Each column's digit counts hide behind the salt's: twice this many bits resist a search that meets
# in the middle.
_SALT_BITS = 192

# For each number of columns what was read off ezkl's keys: polynomials in the proving key, and the
# factor of the domain on which quotients are computed.
_POLYNOMIALS = {1: (15, 4), 2: (22, 4), 3: (28, 4), 4: (34, 8)}
# A max pool is a shuffle to ezkl: polynomials that all shuffles together add, and their factor.
_SHUFFLE = (6, 8)
_FIRST = 2
# Measured on the shipped models: one column, each further column, each public input.
_GAS_FIRST = 510_000
_GAS_COLUMN = 153_000
_GAS_INPUT = 2_020
_GAS_SHUFFLE = 166_000

# Rows that ezkl keeps for blinding, with room to spare (see also `canonical_settings`).
_BLINDING_ROWS = 16
_SMALLEST_K = 6
LARGEST_K = 26


@dataclass(frozen=True)
class Cost:
    """What a circuit of 2^k rows in some columns costs; fitted on two cores.

    The proving key holds each polynomial three times: as coefficients, as values, and as values on
    the extended domain. Time and memory are proportional to it but for a start.
    """

    logrows: int
    columns: int
    rows: int
    shuffles: bool = False

    @property
    def proving_key_mb(self) -> float:
        """Size of the backend's proving key in megabytes (10^6 bytes)."""
        polynomials, extension = _POLYNOMIALS.get(self.columns, (10 + 6 * self.columns, 16))
        if self.shuffles:
            polynomials, extension = polynomials + _SHUFFLE[0], max(extension, _SHUFFLE[1])
        return 32 * (1 << self.logrows) * polynomials * (extension + 2) / 1e6

    @property
    def prove_s(self) -> float:
        """Seconds of a proof, the start of its process included."""
        return 0.3 + 0.039 * self.proving_key_mb

    @property
    def peak_mb(self) -> float:
        """Peak memory of a proof's process in megabytes (2^20 bytes)."""
        return 41.0 + 2.4 * self.proving_key_mb

    def gas(self, public_inputs: int) -> int:
        """Return the gas of a verification, whole transaction, Prague's rules."""
        columns = _GAS_COLUMN * (self.columns - 1) + _GAS_SHUFFLE * self.shuffles
        return _GAS_FIRST + columns + _GAS_INPUT * public_inputs

    def weight(self, optimize: Optimize) -> tuple[float, float, int]:
        """Return what candidates are ordered by: the goal, the other, and the rows in use."""
        gas = float(self.gas(0))
        first, second = (gas, self.prove_s) if optimize is Optimize.GAS else (self.prove_s, gas)
        return first, second, self.rows


@dataclass(frozen=True)
class Candidate:
    """Settings that determine an ezkl circuit, the number of rows aside."""

    scale_bits: int
    base: int
    legs: int
    rebase: int = 1
    columns: int = _FIRST

    @property
    def hides_counts(self) -> bool:
        """Whether the salt's digits hide the witness's in every column."""
        digits = _SALT_DIGITS * self.legs // self.columns
        return math.log2(math.comb(self.base + digits - 1, digits)) >= _SALT_BITS

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
            "scale_rebase_multiplier": self.rebase,
            "decomp_base": self.base,
            "decomp_legs": self.legs,
            "num_inner_cols": self.columns,
            "logrows": logrows,
            "check_mode": "unsafe",
        }

    def cost(self, settings: dict[str, Any]) -> Cost:
        """Return what the circuit of these settings costs, from its real number of rows."""
        return self._cost(settings, settings["num_rows"], self.columns)

    def variants(self, settings: dict[str, Any]) -> list[tuple[Cost, Candidate]]:
        """Return this candidate with every number of columns, at the cost that is to be expected.

        Columns share the assignments evenly, so that one run of ezkl's layout tells enough.
        """
        found = []
        for columns in _POLYNOMIALS:
            candidate = replace(self, columns=columns)
            if candidate.hides_counts:
                rows = -(-settings["total_assignments"] // columns)
                found.append((self._cost(settings, rows, columns), candidate))
        return found

    def _cost(self, settings: dict[str, Any], rows: int, columns: int) -> Cost:
        needed: int = max(
            rows,
            self.base,
            settings["total_const_size"],
            settings["total_dynamic_col_size"],
            settings["total_shuffle_col_size"],
        )
        spare = _BLINDING_ROWS + needed // 2048
        logrows = max(_SMALLEST_K, (needed + spare).bit_length())
        return Cost(logrows, columns, rows, settings["num_shuffles"] > 0)


def candidates(scale_bits: int) -> list[Candidate]:
    """Return the candidates of one scale."""
    return [
        Candidate(scale_bits, base, legs, rebase)
        for base, legs in _DECOMPOSITIONS
        for rebase in _REBASES
    ]


def cost_of(settings: dict[str, Any]) -> Cost:
    """Return what a circuit costs by the settings that it has."""
    run_args = settings["run_args"]
    return Cost(
        int(run_args["logrows"]),
        int(run_args["num_inner_cols"]),
        int(settings["num_rows"]),
        settings["num_shuffles"] > 0,
    )


def candidate_of(settings: dict[str, Any]) -> Candidate:
    """Return the candidate that settings were made from."""
    run_args = settings["run_args"]
    return Candidate(
        run_args["input_scale"],
        run_args["decomp_base"],
        run_args["decomp_legs"],
        run_args["scale_rebase_multiplier"],
        run_args["num_inner_cols"],
    )


def canonical_settings(raw: bytes) -> dict[str, Any]:
    """Return ezkl's settings with what it leaves to chance or to the clock put in order.

    Range checks and lookups come in random order and decide the order of columns, so one model
    would get different keys from run to run. Its threads race for the number of rows, by up to one
    in thousands; the number of assignments is certain.
    """
    settings: dict[str, Any] = json.loads(raw)
    columns: int = settings["run_args"]["num_inner_cols"]
    settings["num_rows"] = settings["total_assignments"] // columns
    settings["required_range_checks"].sort()
    settings["required_lookups"].sort(key=canonical_json)
    settings["timestamp"] = 0
    return settings
