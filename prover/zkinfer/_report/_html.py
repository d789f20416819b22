"""A circuit's report as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer._report._markup import Child, Html, bullets, clipped, facts, page, table, tag
from zkinfer._report._plots import number, ranges, scatter
from zkinfer._report._program import program_section

if TYPE_CHECKING:
    from zkinfer._report._compare import Comparison

_MOST_LAYERS = 300
_MOST_RANGES = 60


def circuit_page(data: dict[str, Any], comparison: Comparison | None) -> str:
    """Return the page of a report's data, with plots where there is a comparison."""
    return page(
        "Circuit report",
        tag("h1", "Circuit report"),
        tag("p", f"{data['backend']}, circuit ", tag("code", data["circuit"]), class_="sub"),
        tag("h2", "The circuit"),
        _circuit(data),
        tag("h2", "What a verifier learns"),
        bullets(data["learns"]),
        tag("h3", "What a verifier does not learn"),
        bullets(data["hides"]),
        tag("h2", "Quantised against float"),
        *_accuracy(data, comparison),
        tag("h2", "Layers"),
        *_layers(data),
        tag("h2", "The program"),
        *program_section(data),
        tag("h2", "Estimates"),
        _estimates(data),
        tag("h2", "Universal parameters (SRS)"),
        tag(
            "p",
            "They are chosen when keys are made, not here. Keys on parameters of no known ceremony "
            "have circuit ids that begin with the bytes of the word “unsafe”: whoever knows the "
            "secret of such parameters can forge proofs.",
        ),
        tag(
            "footer",
            "The figures are those in the circuit's file. Believe them for a circuit that you "
            "compiled yourself; for a stranger's, compile the model again.",
        ),
    )


def _shape(shape: list[int]) -> str:
    return " \u00d7 ".join(map(str, shape))


def _circuit(data: dict[str, Any]) -> Html:
    operators = ", ".join(f"{count} {name}" for name, count in data["operators"])
    return facts(
        [
            ("Model", f"{data['parameters']:,} parameters, {data['macs']:,} multiplications"),
            ("Operators", operators),
            ("Input", f"{_shape(data['input_shape'])}, {data['inputs']}"),
            ("Output", f"{_shape(data['output_shape'])}, {data['outputs']}"),
            ("Weights", data["weights"]),
            (
                "Fixed point",
                f"{data['input_precision']} in the input, {data['output_precision']} in the output",
            ),
            ("Size", f"{data['rows']:,} rows used of {1 << data['logrows']:,}"),
            ("Public inputs", f"{data['public_inputs']:,}"),
        ]
    )


def _share(error: float, low: float, high: float) -> str:
    return f"{100 * error / (high - low):.2g} % of their range" if high > low else "constant"


def _row(name: str, found: dict[str, Any]) -> list[Child]:
    low, high, error = found["output_low"], found["output_high"], found["max_abs_error"]
    return [
        name,
        f"{found['samples']:,}",
        f"{number(low)} to {number(high)}",
        "none ran" if error is None else number(error),
        "" if error is None else _share(error, low, high),
        f"{100 * found['agreement']:.1f} %",
    ]


def _accuracy(data: dict[str, Any], comparison: Comparison | None) -> list[Html]:
    rows = [_row("at compile time, calibration data", data)]
    measured = data["measured"]
    if measured is not None:
        rows.append(_row("now, the data given", measured))
    head = ["measured", "samples", "float outputs", "largest error", "of outputs", "same class"]
    parts = [table(head, rows)]
    if measured is None or comparison is None:
        text = (
            "No data was given with this report, so there are no plots of errors and no ranges of "
            "layers: the circuit's file holds only the summary above."
        )
        return [*parts, tag("p", text, class_="note")]
    if measured["refused"]:
        text = (
            f"{measured['refused']:,} of {measured['samples']:,} inputs have values that do not "
            "fit the circuit's range. They cannot be proven, and count as another class above."
        )
        parts.append(tag("p", text, class_="warning"))
    ran = comparison.ran
    floats, quantised = comparison.floats[ran].reshape(-1), comparison.quantised[ran].reshape(-1)
    outputs = scatter(
        "Quantised outputs against float outputs",
        floats,
        quantised,
        ("float output", "quantised output"),
        diagonal=True,
    )
    errors = scatter(
        "Errors of quantised outputs against float outputs",
        floats,
        np.asarray(quantised - floats),
        ("float output", "error"),
        diagonal=False,
    )
    caption = "Every output of every sample; the largest error is circled."
    plots = tag("div", outputs, errors, class_="pair")
    return [*parts, tag("figure", plots, tag("figcaption", caption))]


def _layers(data: dict[str, Any]) -> list[Html]:
    found = data["layers"]
    listed = found[:_MOST_LAYERS]
    macs = max(data["macs"], 1)
    head = ["layer", "operator", "result", "numbers", "multiplications", "share"]
    rows: list[list[Child]] = [
        [
            clipped(layer["name"]),
            layer["operator"],
            _shape(layer["shape"]),
            f"{layer['elements']:,}",
            f"{layer['macs']:,}" if layer["macs"] else "",
            f"{100 * layer['macs'] / macs:.1f} %" if layer["macs"] else "",
        ]
        for layer in listed
    ]
    parts = [table(head, rows, words=3)]
    if len(listed) < len(found):
        text = f"The first {len(listed):,} of {len(found):,} layers."
        parts.append(tag("p", text, class_="note"))
    ranged = [x for x in found if x["low"] is not None and x["high"] is not None]
    if ranged:
        shown = ranged[:_MOST_RANGES]
        title = "Range of each layer's float values on the data given"
        plot = ranges(title, [(f"{x['name']} {x['operator']}", x["low"], x["high"]) for x in shown])
        left_out = "" if len(shown) == len(ranged) else f", the first {len(shown):,} layers"
        parts.append(tag("figure", plot, tag("figcaption", f"{title}{left_out}.")))
    return parts


def _estimates(data: dict[str, Any]) -> Html:
    names = (
        ("estimated_prove_s", "Proof", "s on two cores"),
        ("estimated_peak_mb", "Peak memory", "MB"),
        ("estimated_pk_mb", "Proving key", "MB"),
        ("estimated_proof_bytes", "Proof size", "bytes"),
        ("estimated_gas", "Verification on chain", "gas"),
    )
    return facts(
        [
            (title, f"about {number(float(data[name]))} {unit}")
            for name, title, unit in names
            if data.get(name)
        ]
    )
