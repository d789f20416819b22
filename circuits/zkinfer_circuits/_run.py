"""The first rung of the ladder: the network in floating point, as onnxruntime runs it."""

from __future__ import annotations

import importlib
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import InputNotFinite, InputShapeMismatch, InputTypeMismatch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ._import import Model


def check_input(model: Model, x: ArrayLike) -> NDArray[np.float32]:
    """Return `x` as a float32 array of the model's input shape; a copy, with one spelling of 0.

    Parameters
    ----------
    model
        The network.
    x
        Real numbers, of exactly `model.input_shape`, or of it without a leading 1.

    Raises
    ------
    InputTypeMismatch
        The elements are not integers or floating-point numbers.
    InputShapeMismatch
        Another shape, or a ragged list.
    InputNotFinite
        A NaN, an infinity, or a value that becomes one in float32.
    """
    expected = model.input_shape
    try:
        given = np.asarray(x)
    except (ValueError, TypeError) as e:
        raise InputShapeMismatch(expected=expected, got=None) from e
    if given.dtype.kind not in "fiu":
        raise InputTypeMismatch(found=str(given.dtype))
    if given.shape != expected and not (expected[:1] == (1,) and given.shape == expected[1:]):
        raise InputShapeMismatch(expected=expected, got=given.shape)
    with np.errstate(over="ignore"):
        values = given.astype(np.float32)
    if not np.isfinite(values).all():
        flat = int(np.argmax(~np.isfinite(values)))
        index = tuple(int(i) for i in np.unravel_index(flat, values.shape))
        value = float(values[index])
        kind = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        raise InputNotFinite(index=index, kind=kind)
    return np.asarray(values.reshape(expected) + np.float32(0), dtype=np.float32)


def run_float(model: Model, x: ArrayLike) -> NDArray[Any]:
    """Return the network's output on `x`, shape `model.output_shape`, computed in float32.

    Its dtype is `model.output_dtype`.

    Raises
    ------
    InputTypeMismatch, InputShapeMismatch, InputNotFinite
        As `check_input` does.
    """
    (made,) = _session(model.onnx).run(["y"], {"x": check_input(model, x)})
    return np.asarray(made, dtype=model.output_dtype)


@lru_cache(maxsize=8)
def _session(onnx: bytes) -> Any:
    # By name: onnxruntime has no types, and a verifier may not have it at all.
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    # One thread and no rewriting: the same sums in the same order, whatever the machine.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return runtime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
