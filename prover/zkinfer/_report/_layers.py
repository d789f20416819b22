"""What each layer of a model costs, and what range its values have on data."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer_circuits import check_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zkinfer_circuits import Model


@dataclass(frozen=True)
class Layer:
    """One node of a model in normal form.

    Attributes
    ----------
    name
        Its name in the file that the model was read from: a stranger's text.
    operator
        Its ONNX operator.
    shape
        The shape of its result.
    elements
        How many numbers that is.
    macs
        Multiplications with accumulation.
    low, high
        Range of its float results on the data; None without data, or where it is not finite.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    elements: int
    macs: int
    low: float | None
    high: float | None


def layers(model: Model, data: NDArray[np.float32] | None) -> list[Layer]:
    """Return a model's layers; `data` is a stack of inputs, (samples, *input shape)."""
    import onnx

    proto = onnx.shape_inference.infer_shapes(onnx.ModelProto.FromString(model.onnx))
    graph = proto.graph
    values = {v.name: v for v in (*graph.input, *graph.value_info, *graph.output)}
    shapes = {name: _shape(value) for name, value in values.items()}
    shapes.update({t.name: tuple(t.dims) for t in graph.initializer})
    made = [node.output[0] for node in graph.node]
    found = {} if data is None else _ranges(proto, values, made, model, data)
    listed = []
    for node in graph.node:
        name = node.output[0]
        low, high = found.get(name, (None, None))
        listed.append(
            Layer(
                name=model.node_names.get(node.name, node.name),
                operator=node.op_type,
                shape=shapes[name],
                elements=math.prod(shapes[name]),
                macs=_macs(node, shapes),
                low=low,
                high=high,
            )
        )
    return listed


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(d.dim_value) for d in value.type.tensor_type.shape.dim)


def _macs(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    size = math.prod(shapes[node.output[0]])
    if node.op_type == "Conv":
        # Weights are [out, in / group, kernel...].
        return size * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        # Weights are [in, out / group, kernel...], and each of them meets each input once.
        return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "Gemm":
        turned = any(a.name == "transA" and a.i for a in node.attribute)
        return size * shapes[node.input[0]][0 if turned else 1]
    if node.op_type == "MatMul":
        return size * shapes[node.input[0]][-1]
    return 0


def _ranges(
    proto: Any,
    values: dict[str, Any],
    names: list[str],
    model: Model,
    data: NDArray[np.float32],
) -> dict[str, tuple[float | None, float | None]]:
    """Return each result's least and largest value, as onnxruntime computes them."""
    runtime = importlib.import_module("onnxruntime")
    shown = {value.name for value in proto.graph.output}
    proto.graph.output.extend(values[name] for name in names if name not in shown)
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    low = np.full(len(names), np.inf)
    high = np.full(len(names), -np.inf)
    for x in data:
        results = session.run(names, {"x": check_input(model, x)})
        # A NaN stays one: its layer has no range.
        low = np.minimum(low, [result.min() for result in results])
        high = np.maximum(high, [result.max() for result in results])
    return {
        name: (float(a), float(b)) if np.isfinite([a, b]).all() else (None, None)
        for name, a, b in zip(names, low, high, strict=True)
    }
