"""One spelling for each network.

Exporters write the same network in many ways: `Flatten` or `Reshape`, attributes spelled out or
left to their defaults, axes as an attribute or as an operand, depending on the operator set.
One rule per operator reads every spelling of operator sets 9 to 22 and makes steps of operator
set 17 of it, so that no version converter is needed, and two exports of one network are equal.
What is computed from constants and shapes alone is computed here, and leaves no step.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._checks import check_operands
from ._errors import ModelMalformed, ModelTooLarge, UnsupportedGraph, UnsupportedTensorType
from ._graph import Fixed, Input, Network, Step, Value, write
from ._rules import RULES
from ._shapes import infer, static_shape
from ._site import Site, called
from ._tensors import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto


# What a file may have computed of its constants, in elements of all results together.
MAX_FOLDED = 2**24


def normalize(graph: GraphProto, opset: int, constants: Mapping[str, NDArray[Any]]) -> Network:
    """Return the normal form of a checked graph.

    Parameters
    ----------
    graph
        With one input of static shape that is no initializer, and one output.
    opset
        The operator set it is written in.
    constants
        Values of initializers and Constant nodes, by tensor name.

    Raises
    ------
    UnsupportedGraph, UnsupportedTensorType, ValueDoesNotFit
        A node is used in a way that has no normal form.
    ModelMalformed, DynamicShape, ModelTooLarge
        The shapes do not fit together, are not known, or exceed their limits.
    """
    given = Input(static_shape(graph.input[0]))
    values: dict[str, Value] = {k: Fixed(v) for k, v in constants.items()}
    values[graph.input[0].name] = given
    used = {operand for node in graph.node for operand in node.input if operand}
    used.add(graph.output[0].name)
    folded = 0
    for i, node in enumerate(graph.node):
        if node.op_type == "Constant":
            continue
        place = f"node '{called(node, i)}'"
        for operand in node.input:
            if operand and operand not in values:
                raise UnsupportedGraph(f"operand '{operand}' is a second output", place=place)
        site = Site(
            op=node.op_type,
            origin=called(node, i),
            place=place,
            opset=opset,
            operands=[values[k] if k else None for k in node.input],
            attributes=_attributes(node),
            outputs=len(node.output),
        )
        if any(isinstance(v, Step) and v.op == "ArgMax" for v in site.operands):
            raise site.refuse("of indices that ArgMax found, which can only be the output")
        if node.op_type != "Where" and any(
            isinstance(v, Step) and v.op == "Greater" for v in site.operands
        ):
            raise site.refuse("of a comparison, which only a Where can read")
        check_operands(site)
        site = replace(site, shapes=infer(node, site.operands, opset))
        if all(v is None or isinstance(v, Fixed) for v in site.operands):
            # Before anything of that size is made.
            folded += sum(math.prod(shape) for shape in site.shapes)
            if folded > MAX_FOLDED:
                raise ModelTooLarge(
                    "elements of computed constants", size=folded, limit=MAX_FOLDED, place=place
                )
        made = RULES[node.op_type](site)
        results = made if isinstance(made, list) else [made]
        for name in node.output[len(results) :]:
            if name in used:
                raise UnsupportedGraph(f"the second output of {node.op_type}", place=place)
        for name, result, shape in zip(node.output, results, site.shapes, strict=False):
            if result.shape != shape:
                raise ModelMalformed(
                    f"{site.op} makes {list(result.shape)}, inferred {list(shape)}", place=place
                )
            if name:
                values[name] = result
    return write(given, _output(graph, values))


def _output(graph: GraphProto, values: Mapping[str, Value]) -> Value:
    """Return the output, of the type that the file says it has."""
    from onnx import TensorProto

    name = graph.output[0].name
    output = values.get(name)
    if output is None:
        raise ModelMalformed("no node makes the output", place=f"tensor '{name}'")
    indices = isinstance(output, Step) and output.op == "ArgMax"
    claimed = graph.output[0].type.tensor_type.elem_type
    if claimed != (TensorProto.INT64 if indices else TensorProto.FLOAT):
        raise UnsupportedTensorType(name, found=type_name(claimed))
    return output


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    found: dict[str, Any] = {}
    for a in node.attribute:
        value = helper.get_attribute_value(a)
        found[a.name] = list(value) if isinstance(value, (list, tuple)) else value
        if isinstance(value, bytes):
            found[a.name] = value.decode("ascii", "replace")
    return found
