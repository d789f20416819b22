"""What ezkl proves of the operators that the importer reads.

The others have no constraints in ezkl, or constraints for another meaning than ONNX gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zkinfer_circuits import UnsupportedGraph, UnsupportedOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zkinfer_circuits import Model

PROVABLE = frozenset(
    {
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Clip",
        "Concat",
        "Conv",
        "Div",
        "Exp",
        "Gemm",
        "LeakyRelu",
        "MatMul",
        "MaxPool",
        "Mul",
        "Pad",
        "ReduceMean",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Sub",
        "Tanh",
        "Transpose",
    }
)
_NEVER_NEGATIVE = ("Relu", "Sigmoid")


def require_provable(model: Model) -> None:
    """Return if ezkl proves each node of a model as ONNX means it.

    Raises
    ------
    UnsupportedOperator
        There are operators without constraints; all of them are listed.
    UnsupportedGraph
        A supported operator is used in a way that ezkl takes for another.
    """
    import onnx

    proto = onnx.ModelProto.FromString(model.onnx)
    opset = proto.opset_import[0].version
    names = model.node_names
    unsupported = [
        (names[node.name], node.op_type, opset)
        for node in proto.graph.node
        if node.op_type not in PROVABLE
    ]
    if unsupported:
        raise UnsupportedOperator(unsupported)
    makers = {node.output[0]: node.op_type for node in proto.graph.node}
    for node in proto.graph.node:
        reason = _REASONS[node.op_type](node, makers) if node.op_type in _REASONS else None
        if reason is not None:
            raise UnsupportedGraph(f"{node.op_type}: {reason}", place=f"node '{names[node.name]}'")


def _attribute(node: Any, name: str) -> Any:
    from onnx import helper

    return next(helper.get_attribute_value(a) for a in node.attribute if a.name == name)


def _conv(node: Any, makers: Mapping[str, str]) -> str | None:
    dilations = list(_attribute(node, "dilations"))
    return f"dilations {dilations}" if any(d != 1 for d in dilations) else None


def _max_pool(node: Any, makers: Mapping[str, str]) -> str | None:
    # ezkl pads with 0 where ONNX means minus infinity: the same if no value is below 0.
    if any(_attribute(node, "pads")) and makers.get(node.input[0]) not in _NEVER_NEGATIVE:
        return "padding, other than straight after Relu or Sigmoid"
    return None


def _average_pool(node: Any, makers: Mapping[str, str]) -> str | None:
    # ezkl counts the padding in, whatever count_include_pad says.
    if any(_attribute(node, "pads")) and not _attribute(node, "count_include_pad"):
        return "padding without count_include_pad=1"
    return None


def _pad(node: Any, makers: Mapping[str, str]) -> str | None:
    mode = _attribute(node, "mode").decode()
    if mode != "constant":
        return f"mode {mode}"
    return "padding with another number than 0" if len(node.input) > 2 else None


_REASONS: Mapping[str, Callable[[Any, Mapping[str, str]], str | None]] = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "MaxPool": _max_pool,
    "Pad": _pad,
}
