"""One spelling for each network.

Exporters write the same network in many ways: `Flatten` or `Reshape`, attributes spelled out or
left to their defaults, axes as an attribute or as an operand, depending on the operator set.
One rule per operator reads every spelling of operator sets 9 to 22 and makes steps of operator
set 17 of it, so that no version converter is needed, and two exports of one network are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import ModelMalformed, UnsupportedGraph
from ._graph import Fixed, Input, Network, Value, write
from ._rules import RULES
from ._site import Site, called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto


def normalize(
    graph: GraphProto,
    opset: int,
    constants: Mapping[str, NDArray[Any]],
    shapes: Mapping[str, tuple[int, ...]],
) -> Network:
    """Return the normal form of a checked graph.

    Parameters
    ----------
    graph
        With one input that is no initializer, and one output.
    opset
        The operator set it is written in.
    constants
        Values of initializers and Constant nodes, by tensor name.
    shapes
        Static shapes of the input and of each other node's first output, by tensor name.

    Raises
    ------
    UnsupportedGraph, UnsupportedTensorType, ValueDoesNotFit
        A node is used in a way that has no normal form.
    """
    name = graph.input[0].name
    given = Input(shapes[name])
    values: dict[str, Value] = {k: Fixed(v) for k, v in constants.items()}
    values[name] = given
    used = {operand for node in graph.node for operand in node.input if operand}
    used.add(graph.output[0].name)
    for i, node in enumerate(graph.node):
        if node.op_type == "Constant":
            continue
        place = f"node '{called(node, i)}'"
        for extra in node.output[1:]:
            if extra in used:
                raise UnsupportedGraph(f"the second output of {node.op_type}", place=place)
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
            shape=shapes[node.output[0]],
        )
        made = RULES[node.op_type](site)
        if made.shape != site.shape:
            raise ModelMalformed(
                f"{site.op} makes {list(made.shape)}, inferred {list(site.shape)}", place=place
            )
        values[node.output[0]] = made
    output = values.get(graph.output[0].name)
    if output is None:
        raise ModelMalformed("no node makes the output", place=f"tensor '{graph.output[0].name}'")
    return write(given, output)


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    found: dict[str, Any] = {}
    for a in node.attribute:
        value = helper.get_attribute_value(a)
        found[a.name] = list(value) if isinstance(value, (list, tuple)) else value
        if isinstance(value, bytes):
            found[a.name] = value.decode("ascii", "replace")
    return found
