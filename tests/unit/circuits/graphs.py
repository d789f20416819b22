"""Small models of a few nodes: written, brought into normal form, run by others."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
ROW, IMAGE = (1, 6), (1, 2, 6, 6)
f32 = np.float32
WEIGHTS = np.ones((2, 1, 3, 3), f32)


def node(op: str, inputs: list[str], outputs: list[str] | None = None, **kw: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs or ["y"], name=kw.pop("name", op.lower()), **kw)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def number(value: int) -> Any:
    return np.array(value, dtype=np.int64)


def model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any] | None = None,
    shape: Any = ROW,
    *,
    opset: int = 17,
    made: int = FLOAT,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", made, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(built.SerializeToString())


def steps(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the normal form's operators and attributes, in order."""
    graph = onnx.ModelProto.FromString(z.load_model(data).onnx).graph
    return [
        (n.op_type, {a.name: helper.get_attribute_value(a) for a in n.attribute})
        for n in graph.node
    ]


def run(data: bytes, x: Any) -> Any:
    # The output's shape is left open above, which onnxruntime does not take.
    made = onnx.shape_inference.infer_shapes(onnx.ModelProto.FromString(data), data_prop=True)
    for each in made.graph.node:
        each.ClearField("name")
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def torch_softplus(reads: str = "x", otherwise: str = "s") -> list[onnx.NodeProto]:
    return [
        node("Softplus", ["x"], ["s"]),
        node("Greater", ["x", "limit"], ["g"]),
        node("Where", ["g", reads, otherwise]),
    ]
