"""What a circuit is, what it costs, and what a verifier learns, in words and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer._arrays import real_array
from zkinfer._report._compare import Comparison, compare
from zkinfer._report._html import circuit_page
from zkinfer._report._layers import layers
from zkinfer._report._program import program_of
from zkinfer._settings import Visibility
from zkinfer_circuits import check_input

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from zkinfer._artifacts import Circuit
    from zkinfer._progress import OnProgress
    from zkinfer._statement import Statement


def learns(statement: Statement) -> list[str]:
    """Return, a sentence each, what whoever sees a proof learns."""
    found = [
        "the circuit's id, which names the model, its settings and the SRS",
        "the model's architecture and its shapes",
    ]
    if statement.inputs is Visibility.PUBLIC:
        found.append(f"the input, {math.prod(statement.input_shape)} numbers")
    outputs = math.prod(statement.output_shape)
    found.append(
        f"the output, all {outputs} numbers with {precision(statement)[1]}: "
        "more than the winning class; many queries can reveal much about inputs and weights"
    )
    if statement.weights is Visibility.HIDDEN:
        found.append(
            "of the model's numbers: the scales of input and output, the tables of its functions, "
            "and how many bits each layer's weights and sums have, rounded up"
        )
    elif statement.backend == "plumb":
        found.append("the weights: their commitments hide nothing, and anyone may compute them")
    else:
        found.append(
            "the weights, if it guesses them: they are fixed in the key by commitments that bind "
            "but do not hide, and the owner usually publishes them"
        )
    found.append("the context that the proof is bound to")
    return found


def precision(statement: Statement) -> tuple[str, str]:
    """Return in words how precise inputs and outputs are."""
    if statement.input_scale_bits is not None:
        bits = (statement.input_scale_bits, statement.output_scale_bits)
        return (f"{bits[0]} bits after the point", f"{bits[1]} bits after the point")
    units = (statement.input_unit, statement.output_unit)
    least = [f"{float(unit.min()):.3g}" for unit in units]
    return (f"units of {least[0]}", f"units of {least[1]}")


def hides(statement: Statement) -> list[str]:
    """Return, a sentence each, what whoever sees a proof does not learn from it."""
    if statement.inputs is Visibility.PUBLIC:
        hidden = ["the weights"] if statement.weights is Visibility.HIDDEN else []
        return hidden or ["nothing: the input is public"]
    if statement.backend == "plumb":
        weights = ["the weights"] if statement.weights is Visibility.HIDDEN else []
        return [
            "the input, beyond what the output itself says about it",
            *weights,
            "every value inside the network",
        ]
    return [
        "the input, beyond what the output itself says about it; with ezkl this rests on a random "
        "salt that hides counts, not on perfect zero knowledge: how many inner values are "
        "negative or zero shows through, blurred",
        "every value inside the network",
    ]


@dataclass(frozen=True)
class Report:
    """A circuit's report.

    Attributes
    ----------
    data
        Everything in it, as JSON has it.
    """

    data: dict[str, Any]
    _comparison: Comparison | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return a copy of the report for JSON."""
        return dict(self.data)

    def html(self) -> str:
        """Return the report as one HTML page that loads nothing and runs nothing.

        It has plots where the report was made with data.
        """
        return circuit_page(self.data, self._comparison)

    def __str__(self) -> str:
        """Return the report as text."""
        d = self.data
        plumb = d["backend"].startswith("plumb")
        lines = [
            f"circuit        {d['circuit']}",
            f"backend        {d['backend']}",
            f"model          {d['parameters']:,} parameters, {d['macs']:,} MACs, "
            f"input {d['input_shape']}, output {d['output_shape']}",
            f"operators      {', '.join(f'{n} {name}' for name, n in d['operators'])}",
            f"visibility     inputs {d['inputs']}, weights {d['weights']}, outputs {d['outputs']}",
            f"fixed point    inputs {d['input_precision']}, outputs {d['output_precision']}",
            f"size           {d['rows']:,} "
            + (
                f"cells in columns of 2^{d['logrows']} rows"
                if plumb
                else f"rows of 2^{d['logrows']}"
            ),
            f"calibration    {d['samples']} samples: largest error {d['max_abs_error']:.4g} on "
            f"outputs in [{d['output_low']:.4g}, {d['output_high']:.4g}], "
            f"same class {100 * d['agreement']:.1f} %",
            *self._measured(),
            *self._program(),
            f"estimates      proof {d['estimated_prove_s']:.2g} s, "
            f"memory {d['estimated_peak_mb']:,.0f} MB (two cores), "
            f"key {d['estimated_pk_mb']:,.1f} MB, " + f"gas {d['estimated_gas']:,}",
            "SRS            chosen at setup; an UNSAFE one is named so in the circuit id",
            "a verifier learns",
            *(f"  - {text}" for text in d["learns"]),
            "a verifier does not learn",
            *(f"  - {text}" for text in d["hides"]),
        ]
        return "\n".join(lines)

    def _program(self) -> list[str]:
        program = self.data["program"]
        if program is None:
            return ["program        none: the model could not be quantised as one"]
        return [
            f"program        {program['width']} bits, {program['macs']:,} MACs, "
            f"{program['cells']:,} cells, {program['lookups']:,} lookups; "
            f"largest error {program['max_abs_error']:.4g} on the calibration data"
        ]

    def _measured(self) -> list[str]:
        measured = self.data["measured"]
        if measured is None:
            return []
        error = measured["max_abs_error"]
        found = "all refused" if error is None else f"largest error {error:.4g}"
        refused = f", {measured['refused']} out of range" if measured["refused"] else ""
        return [
            f"data           {measured['samples']} samples{refused}: {found}, "
            f"same class {100 * measured['agreement']:.1f} %"
        ]


def report(
    circuit: Circuit, data: ArrayLike | None = None, on_progress: OnProgress | None = None
) -> Report:
    """Return a circuit's report; on `data`, a stack of inputs, it measures error and ranges.

    Raises
    ------
    InputRefused
        The data are no stack of at least one of the model's inputs.
    """
    statement, model = circuit.statement, circuit.model
    comparison = rows = None
    if data is not None:
        values = real_array(data)
        # One input alone is a stack of one.
        if values.shape in (model.input_shape, model.input_shape[1:]):
            values = values[None]
        if values.ndim < 1 or not len(values):
            check_input(model, values)  # raises, with both shapes
        rows = np.stack([check_input(model, row) for row in values])
        comparison = compare(circuit, rows, on_progress)
    return Report(
        {
            "circuit": circuit.digest.hex(),
            "backend": f"{statement.backend} {statement.backend_version}",
            "parameters": model.parameters,
            "macs": model.macs,
            "operators": [list(entry) for entry in model.operators],
            "input_shape": list(statement.input_shape),
            "output_shape": list(statement.output_shape),
            "inputs": statement.inputs.value,
            "weights": statement.weights.value,
            "outputs": statement.outputs.value,
            "input_precision": precision(statement)[0],
            "output_precision": precision(statement)[1],
            "public_inputs": statement.public_input_count,
            "learns": learns(statement),
            "hides": hides(statement),
            "measured": None if comparison is None else _summary(comparison),
            "layers": [{**asdict(x), "shape": list(x.shape)} for x in layers(model, rows)],
            **{**circuit.calibration.to_json(), "program": program_of(circuit, rows)},
        },
        comparison,
    )


def _summary(comparison: Comparison) -> dict[str, Any]:
    low, high = float(comparison.floats.min()), float(comparison.floats.max())
    return {
        "samples": len(comparison.floats),
        "refused": comparison.refused,
        "max_abs_error": comparison.max_abs_error,
        "agreement": comparison.agreement,
        "output_low": low,
        "output_high": high,
    }
