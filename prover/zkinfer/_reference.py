"""Shipped models as programs, against float, on data that they were not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer._arrays import winners
from zkinfer_circuits import compile_program, load_model, run_float

if TYPE_CHECKING:
    from zkinfer_models import ModelCard


def measure_reference(card: ModelCard) -> dict[str, Any]:
    """Return how a shipped model's program compares with float.

    Parameters
    ----------
    card
        The model. Where `make data` has brought the whole test set, that is used.

    Returns
    -------
    dict
        ``model``, ``samples``, ``accuracy_float``, ``accuracy_quantized``, ``agreement`` (fraction
        with the same class), ``max_abs_error`` of an output, ``refused`` (inputs out of the
        calibrated range, which count as wrong), and ``width``, the bits of an activation.
    """
    network = load_model(card.onnx_bytes())
    held_out = card.full_test_set() or card.samples()
    compiled = compile_program(
        network, held_out.calibration.reshape(-1, *network.input_shape)
    ).program
    x = held_out.x.reshape(-1, *network.input_shape)
    floats = np.stack([run_float(network, row) for row in x]).reshape(len(x), -1)
    integers, refused = compiled.run_each(compiled.quantize(x))
    made = compiled.dequantize(integers).reshape(len(x), -1)
    ran = np.array([i not in refused for i in range(len(x))])
    right, same = winners(made) == held_out.y, winners(made) == winners(floats)
    return {
        "model": card.id,
        "samples": len(x),
        "accuracy_float": float((winners(floats) == held_out.y).mean()),
        "accuracy_quantized": float((right & ran).mean()),
        "agreement": float((same & ran).mean()),
        "max_abs_error": float(np.abs(made - floats)[ran].max()) if ran.any() else None,
        "refused": len(refused),
        "width": compiled.width,
    }
