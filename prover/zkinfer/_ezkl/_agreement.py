"""Whether ezkl's settings say what a statement says.

A circuit or a key from a stranger may name one thing in its statement and hold settings for
another: weights that bind nothing, another scale, outputs that are no outputs. Every such
difference is refused where the artefact is read.
"""

from __future__ import annotations

import json
from typing import Any

from zkinfer._errors import ArtifactMalformed
from zkinfer._settings import Visibility
from zkinfer._statement import Statement, canonical_json
from zkinfer_contracts import CONTEXT_LIMBS

# What every circuit of ours has, whatever the model.
_FIXED = {
    "input_visibility": "Private",
    "output_visibility": "Public",
    "param_visibility": "Fixed",
    "ignore_range_check_inputs_outputs": False,
}
_BOUNDS = {
    "logrows": (6, 28),
    "num_inner_cols": (1, 64),
    "decomp_base": (2, 1 << 26),
    "decomp_legs": (1, 64),
    "scale_rebase_multiplier": (1, 64),
}


def settings_of(statement: Statement, data: bytes, *, place: str | None = None) -> dict[str, Any]:
    """Return ezkl's settings, parsed, if they are canonical and agree with a statement.

    Raises
    ------
    ArtifactMalformed
        They are not, or do not; the reason names the field.
    """
    try:
        raw = json.loads(data)
        if canonical_json(raw) != data:
            raise ValueError("not the canonical encoding")
        _check(statement, raw)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        reason = f"its settings do not fit its statement: {error}"
        raise ArtifactMalformed(reason, place=place) from error
    return dict(raw)


def _check(statement: Statement, raw: dict[str, Any]) -> None:
    run_args = raw["run_args"]
    for name, wanted in _FIXED.items():
        _require(name, run_args[name], wanted)
    for name, (low, high) in _BOUNDS.items():
        if type(run_args[name]) is not int or not low <= run_args[name] <= high:
            raise ValueError(f"{name} is {run_args[name]!r}")
    _require("weights", statement.weights, Visibility.PUBLIC)
    _require("outputs", statement.outputs, Visibility.PUBLIC)
    shown: list[tuple[tuple[int, ...], int | None]] = []
    if statement.inputs is Visibility.PUBLIC:
        shown.append((statement.input_shape, statement.input_scale_bits))
    else:
        _require("inputs", statement.inputs, Visibility.HIDDEN)
    shown.append((statement.output_shape, statement.output_scale_bits))
    shown.append(((1, CONTEXT_LIMBS), statement.input_scale_bits))
    _require("version", raw["version"], statement.backend_version)
    _require("input_scale", run_args["input_scale"], statement.input_scale_bits)
    _require("shapes", raw["model_instance_shapes"], [list(shape) for shape, _ in shown])
    _require("output scales", raw["model_output_scales"], [scale for _, scale in shown])


def _require(name: str, got: object, wanted: object) -> None:
    if got != wanted or type(got) is not type(wanted):
        raise ValueError(f"{name} is {got!r}, expected {wanted!r}")
