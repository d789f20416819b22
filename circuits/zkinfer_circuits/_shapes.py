"""Shapes of a file's tensors, one node at a time, as the onnx package infers them.

Not the whole graph at once: what a shape is computed from (torch writes `x.view(x.size(0), -1)` as
six nodes) is folded on the way, and each size is known to be in bounds before the next is derived
from it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ._errors import DynamicShape, ModelMalformed
from ._graph import Fixed, Step
from ._tensors import check_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto, TypeProto, ValueInfoProto

    from ._graph import Value

# Integers say sizes; the longest list that does is one of the sizes of a Split.
_LONGEST_LIST = 2**12


def static_shape(value: ValueInfoProto) -> tuple[int, ...]:
    """Return the shape of `value`, of at least one element.

    Raises
    ------
    DynamicShape
        Not every dimension is a positive integer.
    ModelTooLarge
        Too many elements.
    """
    return _static(value.type, value.name, lowest=1)


def _static(type_: TypeProto, name: str, *, lowest: int) -> tuple[int, ...]:
    tensor = type_.tensor_type
    if not tensor.HasField("shape"):
        raise DynamicShape(name, ())
    dims: list[int | str] = []
    for d in tensor.shape.dim:
        dims.append(int(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?")
    shape = tuple(d for d in dims if isinstance(d, int) and d >= lowest)
    if len(shape) != len(dims):
        raise DynamicShape(name, dims)
    check_shape(shape, f"tensor '{name}'")
    return shape


def infer(
    node: NodeProto, operands: Sequence[Value | None], opset: int
) -> tuple[tuple[int, ...], ...]:
    """Return the static shapes of the outputs of a Split, and of another node's first output.

    Raises
    ------
    ModelMalformed
        The operands do not fit together.
    DynamicShape
        The shape of an output is not known, or it is empty and no list of integers.
    ModelTooLarge
        An output has too many elements.
    """
    from onnx import TensorProto, helper, numpy_helper, shape_inference

    asked, several = node, node.op_type == "Split"
    if several and not all(node.output):
        # An output left out has a shape all the same, from which that of the next follows.
        asked = type(node)()
        asked.CopyFrom(node)
        asked.output[:] = [name or f"output {i}" for i, name in enumerate(node.output)]
    types: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, operand in zip(node.input, operands, strict=True):
        if operand is None:
            continue
        if isinstance(operand, Fixed):
            kind = helper.np_dtype_to_tensor_dtype(operand.array.dtype)
            if operand.array.dtype.kind == "i" and operand.array.size <= _LONGEST_LIST:
                data[name] = numpy_helper.from_array(operand.array, name)
        else:
            op = operand.op if isinstance(operand, Step) else ""
            kinds = {"ArgMax": TensorProto.INT64, "Greater": TensorProto.BOOL}
            kind = kinds.get(op, TensorProto.FLOAT)
        types[name] = helper.make_tensor_type_proto(kind, operand.shape)
    try:
        made = shape_inference.infer_node_outputs(
            _schema(node.op_type, opset),
            asked,
            types,
            data,
            opset_imports=[helper.make_opsetid("", opset)],
        )
    except Exception as e:
        raise ModelMalformed(f"shapes do not fit together: {e}") from e
    shapes = []
    for name in asked.output if several else asked.output[:1]:
        if name not in made:
            raise DynamicShape(name, ())
        # A list of integers may be empty, as the shape of a scalar is.
        integers = made[name].tensor_type.elem_type in (TensorProto.INT64, TensorProto.INT32)
        shapes.append(_static(made[name], name, lowest=0 if integers else 1))
    return tuple(shapes)


@cache
def _schema(op: str, opset: int) -> Any:
    from onnx import defs

    return defs.get_schema(op, opset, "")
