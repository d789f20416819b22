"""What was measured when a circuit was compiled; describes it, and is no part of its identity."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any, Self

from zkinfer._errors import ArtifactMalformed
from zkinfer._statement import canonical_json
from zkinfer_circuits import Quantization


@dataclass(frozen=True)
class Calibration:
    """Measurements on the calibration data, and the sizes and estimates that follow.

    Attributes
    ----------
    samples
        How many inputs were measured.
    agreement
        Fraction of them with the same winning class in float and quantised (one output: sign).
    max_abs_error
        Largest absolute error of an output against float.
    output_low, output_high
        Range of the float outputs.
    rows, logrows
        Rows that the circuit uses, and the logarithm of the rows that it has.
    decomposition_base, decomposition_legs
        Digits by which values are range-checked.
    estimated_prove_s, estimated_peak_mb
        Time and memory of a proof on two cores, estimated.
    estimated_pk_mb
        Size of the backend's proving key in megabytes (10^6 bytes), estimated.
    estimated_gas
        Gas of a verification on chain, whole transaction, estimated.
    program
        What the model's program is made from; None where it has none.
    """

    samples: int
    agreement: float
    max_abs_error: float
    output_low: float
    output_high: float
    rows: int
    logrows: int
    decomposition_base: int
    decomposition_legs: int
    estimated_prove_s: float
    estimated_peak_mb: float
    estimated_pk_mb: float
    estimated_gas: int
    program: Quantization | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the measurements as JSON has them; the program is left out where there is none."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "program"}
        return found if self.program is None else {**found, "program": self.program.to_json()}

    def to_bytes(self) -> bytes:
        """Return the canonical encoding."""
        return canonical_json(self.to_json())

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str | None = None) -> Self:
        """Parse a canonical encoding.

        Raises
        ------
        ArtifactMalformed
            Not JSON, not these fields with finite numbers, or not the canonical bytes.
        """
        try:
            values = json.loads(data)
            program = values.pop("program", None)
            for field in fields(cls):
                if field.name == "program":
                    continue
                wanted = int if field.type == "int" else float
                value = values[field.name]
                if type(value) is not wanted or not math.isfinite(value) or abs(value) > 1e18:
                    raise ValueError(f"{field.name} is out of limits")
            made = None if program is None else Quantization.from_json(program)
            calibration = cls(**values, program=made)
            if calibration.to_bytes() != data:
                raise ValueError("not the canonical encoding")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = f"its calibration cannot be read: {error}"
            raise ArtifactMalformed(reason, place=place) from error
        return calibration
