"""The normal form's bytes back into steps, for who computes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._graph import Fixed, Input, Step, Value

if TYPE_CHECKING:
    from .._import import Model


def steps_of(model: Model) -> tuple[Input, list[Step]]:
    """Return the input and the steps of a model, operands before users; the last is the output."""
    import onnx
    from onnx import helper, numpy_helper

    inferred = onnx.shape_inference.infer_shapes(
        onnx.ModelProto.FromString(model.onnx), strict_mode=True
    )
    graph = inferred.graph
    shapes = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim)
        for v in (*graph.value_info, *graph.output)
    }
    given = Input(model.input_shape)
    values: dict[str, Value] = {t.name: Fixed(numpy_helper.to_array(t)) for t in graph.initializer}
    values[graph.input[0].name] = given
    origins = model.node_names
    steps: list[Step] = []
    for node in graph.node:
        attributes: dict[str, Any] = {}
        for a in node.attribute:
            value = helper.get_attribute_value(a)
            attributes[a.name] = value.decode() if isinstance(value, bytes) else value
        (name,) = node.output
        step = Step(
            node.op_type,
            tuple(values[k] if k else None for k in node.input),
            attributes,
            shapes[name],
            origins[node.name],
        )
        values[name] = step
        steps.append(step)
    return given, steps
