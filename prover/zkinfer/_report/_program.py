"""A circuit's program in its report: what each operation costs, and how far off it is."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer._report._markup import Child, Html, clipped, table, tag
from zkinfer._report._plots import number
from zkinfer_circuits import layers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zkinfer._artifacts import Circuit

_MOST_LAYERS = 300


def program_of(circuit: Circuit, data: NDArray[np.float32] | None) -> dict[str, Any] | None:
    """Return a circuit's program as JSON has it, or None where it has none.

    Parameters
    ----------
    circuit
        The circuit.
    data
        A stack of inputs to measure each layer's error on, or None.
    """
    if circuit.calibration.program is None:
        return None
    compiled = circuit.program
    layers = layers_of(compiled, data)
    return {
        "width": compiled.program.width,
        "max_abs_error": compiled.quantization.max_abs_error,
        "macs": sum(layer.macs for layer in layers),
        "cells": sum(layer.cells for layer in layers),
        "lookups": sum(layer.lookups for layer in layers),
        "notes": list(compiled.program.notes),
        "layers": [
            {
                **asdict(layer),
                "shape": list(layer.shape),
                # JSON has no infinity.
                "error_bound": layer.error_bound if math.isfinite(layer.error_bound) else None,
            }
            for layer in layers
        ],
    }


def program_section(data: dict[str, Any]) -> list[Html]:
    """Return the page's section about a program."""
    program = data["program"]
    if program is None:
        return [tag("p", "The model could not be quantised as a program.", class_="note")]
    text = (
        f"Activations have {program['width']} bits. A proof of this program commits to "
        f"{program['cells']:,} numbers, of which {program['lookups']:,} are looked up in tables. "
        "The bound of a layer is proven for every input in range, so it is far larger than what is "
        "measured."
    )
    head = ["layer", "operation", "result", "shift", "multiplications", "cells", "lookups"]
    head += ["proven range", "seen range", "error bound", "largest error"]
    listed = program["layers"][:_MOST_LAYERS]
    parts = [tag("p", text), *(tag("p", note, class_="note") for note in program["notes"])]
    parts.append(table(head, [_row(layer) for layer in listed], words=3))
    if len(listed) < len(program["layers"]):
        left = f"The first {len(listed):,} of {len(program['layers']):,} operations."
        parts.append(tag("p", left, class_="note"))
    return parts


def _row(layer: dict[str, Any]) -> list[Child]:
    seen = layer["seen_low"] is not None
    return [
        clipped(layer["name"]),
        clipped(layer["operation"]),
        " \u00d7 ".join(map(str, layer["shape"])),
        "" if layer["shift"] is None else str(layer["shift"]),
        f"{layer['macs']:,}" if layer["macs"] else "",
        f"{layer['cells']:,}" if layer["cells"] else "",
        f"{layer['lookups']:,}" if layer["lookups"] else "",
        f"{number(layer['low'])} to {number(layer['high'])}",
        f"{number(layer['seen_low'])} to {number(layer['seen_high'])}" if seen else "",
        "" if layer["error_bound"] is None else number(layer["error_bound"]),
        "" if layer["max_abs_error"] is None else number(layer["max_abs_error"]),
    ]
