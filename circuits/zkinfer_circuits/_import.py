"""An ONNX file from a stranger in, a checked `Model` out, or a `ZkinferError`.

The order matters: sizes before reading, structure before values, values before the shape
inference of the onnx package, which is C++ and trusts its input more than a stranger deserves.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._errors import (
    DynamicShape,
    ModelMalformed,
    ModelNotFound,
    ModelTooLarge,
    NonFiniteWeight,
    UnsupportedGraph,
    UnsupportedOperator,
    UnsupportedOpset,
    UnsupportedTensorType,
    ValueDoesNotFit,
)
from ._normalize import normalize
from ._ops import SUPPORTED
from ._site import called
from ._sklearn import has_sklearn, rewrite_sklearn
from ._tensors import check_shape, inline_external, open_regular, read_tensor, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto

LOWEST_OPSET, HIGHEST_OPSET = 9, 22
LOWEST_IR = 3
MAX_NODES = 10_000
MAX_TENSORS = 20_000
MAX_BATCH = 2**16
_LARGEST_INTEGER = 2**31
_DEFAULT_DOMAIN = ("", "ai.onnx")
# What conventionally holds "to the end" (2^63 - 1, -2^63) or a seed, not a size.
_UNBOUNDED = {("Slice", "starts"), ("Slice", "ends"), ("Dropout", "seed")}
_POSITIVE = {"kernel_shape", "strides", "dilations", "group"}


@dataclass(frozen=True, slots=True)
class Model:
    """A checked network in normal form; equal networks have equal `onnx` bytes.

    Attributes
    ----------
    onnx
        A deterministic ModelProto, opset 17: input "x", output "y", float32, static shapes.
    input_shape, output_shape
        Their shapes, the batch dimension included.
    parameters
        Number of float32 weights, each constant counted once, bounds of Clip left out.
    macs
        Multiplications with accumulation in Conv, Gemm and MatMul, for the whole batch.
    operators
        (operator, count) of the normal form, sorted by name.
    nodes
        The normal form's node names, in order.
    origins
        For each of `nodes`, the name of the node in the file it was made from.
    """

    onnx: bytes
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    operators: tuple[tuple[str, int], ...]
    nodes: tuple[str, ...]
    origins: tuple[str, ...]

    @property
    def node_names(self) -> Mapping[str, str]:
        """Read-only mapping of each node name in `onnx` to the name in the file it came from."""
        return MappingProxyType(dict(zip(self.nodes, self.origins, strict=True)))


def load_model(
    source: str | os.PathLike[str] | bytes,
    *,
    batch: int = 1,
    max_bytes: int = 512 * 2**20,
) -> Model:
    """Read, check and normalise an ONNX model.

    Of a scikit-learn classifier, as skl2onnx exports it with a label and probabilities, the scores
    are kept: the decision function, or a forest's probabilities. Its trees compare on a grid of
    2^-7.

    Parameters
    ----------
    source
        Path of an ONNX file, or its bytes.
    batch
        What a leading input dimension left open is fixed to; a fixed one stays as it is.
    max_bytes
        The most bytes of model and external weights together.

    Returns
    -------
    Model
        The same for every spelling of the same network (see `Model.onnx`).

    Raises
    ------
    ModelNotFound, ModelTooLarge, ModelMalformed
        The file itself cannot be used.
    UnsupportedOpset, UnsupportedOperator, UnsupportedGraph, UnsupportedTensorType, DynamicShape
        The model is ONNX, of a kind for which there is no circuit.
    NonFiniteWeight, ValueDoesNotFit, ExternalDataRefused
        A constant of the model cannot be used.
    ValueError
        `batch` is not an integer from 1 to 65536.
    """
    import onnx

    if not isinstance(batch, int) or not 1 <= batch <= MAX_BATCH:
        raise ValueError(f"batch must be an integer from 1 to {MAX_BATCH}, not {batch!r}")
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, folder = bytes(source), None
        if len(data) > max_bytes:
            raise ModelTooLarge("bytes", size=len(data), limit=max_bytes)
    else:
        data, folder = _read_file(Path(source), max_bytes)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as e:
        raise ModelMalformed("not a protobuf of an ONNX model, or truncated") from e
    _check_sizes(model)
    if has_sklearn(model):
        rewrite_sklearn(model)
    opset = _check_structure(model)
    _inline_all(model, folder, max_bytes - len(data))
    constants = _read_constants(model.graph)
    _check_attributes(model.graph, constants)
    try:
        onnx.checker.check_model(model)
    except Exception as e:
        raise ModelMalformed(f"fails the ONNX checker: {e}") from e
    _fix_input(model.graph, batch)
    shapes = _infer_shapes(model)
    network = normalize(model.graph, opset, constants, shapes)
    return Model(
        onnx=network.onnx,
        input_shape=network.input_shape,
        output_shape=network.output_shape,
        parameters=network.parameters,
        macs=network.macs,
        operators=tuple(sorted(Counter(network.operators).items())),
        nodes=network.nodes,
        origins=network.origins,
    )


def _read_file(path: Path, max_bytes: int) -> tuple[bytes, Path]:
    try:
        file = open_regular(path)
    except FileNotFoundError as e:
        raise ModelNotFound(str(path)) from e
    except (OSError, ValueError) as e:
        raise ModelNotFound(str(path), reason="not a regular file, or not readable") from e
    with file:
        about = os.fstat(file.fileno())
        place = f"file '{path}'"
        if about.st_size > max_bytes:
            raise ModelTooLarge("bytes", size=about.st_size, limit=max_bytes, place=place)
        data = file.read(max_bytes + 1)
    # The file may have grown since it was measured.
    if len(data) > max_bytes:
        raise ModelTooLarge("bytes", size=len(data), limit=max_bytes, place=place)
    return data, path.parent


def _check_sizes(model: ModelProto) -> None:
    """Refuse a file of an unknown kind, or with more parts than the rest should have to read."""
    import onnx

    if not model.HasField("graph"):
        raise ModelMalformed("there is no graph in it")
    if not LOWEST_IR <= model.ir_version <= onnx.IR_VERSION:
        raise ModelMalformed(
            f"ir_version {model.ir_version}, known are {LOWEST_IR} to {onnx.IR_VERSION}"
        )
    graph = model.graph
    for what, found, limit in (
        ("nodes", len(graph.node), MAX_NODES),
        ("initializers", len(graph.initializer), MAX_TENSORS),
        ("inputs", len(graph.input), MAX_TENSORS),
        ("outputs", len(graph.output), MAX_TENSORS),
    ):
        if found > limit:
            raise ModelTooLarge(what, size=found, limit=limit)


def _check_structure(model: ModelProto) -> int:
    """Return the opset; everything about the model that needs no value is in order after this."""
    versions = {o.version for o in model.opset_import if o.domain in _DEFAULT_DOMAIN}
    limits = {"lowest": LOWEST_OPSET, "highest": HIGHEST_OPSET}
    if len(versions) != 1:
        raise UnsupportedOpset(None, **limits)
    opset = int(versions.pop())
    if not LOWEST_OPSET <= opset <= HIGHEST_OPSET:
        raise UnsupportedOpset(opset, **limits)
    graph = model.graph
    names = {operator.name for operator in SUPPORTED}
    unsupported = [
        (called(node, i), f"{node.domain}.{node.op_type}" if node.domain else node.op_type, opset)
        for i, node in enumerate(graph.node)
        if node.domain not in _DEFAULT_DOMAIN or node.op_type not in names
    ]
    if unsupported:
        raise UnsupportedOperator(unsupported)
    if model.functions:
        raise UnsupportedGraph("local functions", place=f"function '{model.functions[0].name}'")
    if model.training_info:
        raise UnsupportedGraph("training information in the model")
    if graph.sparse_initializer:
        raise UnsupportedGraph("sparse initializers")
    _check_ends(graph)
    return opset


def _check_ends(graph: GraphProto) -> None:
    """One input that is no initializer, one output, both float32."""
    from onnx import TensorProto

    initializers = {t.name for t in graph.initializer}
    if len(initializers) != len(graph.initializer):
        raise ModelMalformed("two initializers of one name")
    inputs = [v for v in graph.input if v.name not in initializers]
    for what, values in (("input", inputs), ("output", list(graph.output))):
        if len(values) != 1:
            listed = ", ".join(f"'{v.name}'" for v in values[:10])
            raise UnsupportedGraph(f"{len(values)} {what}s ({listed}), one is needed")
        value = values[0]
        if value.type.WhichOneof("value") != "tensor_type":
            raise UnsupportedTensorType(value.name, found=f"an {what} that is no tensor")
        if value.type.tensor_type.elem_type != TensorProto.FLOAT:
            raise UnsupportedTensorType(
                value.name, found=type_name(value.type.tensor_type.elem_type)
            )
    if not inputs[0].type.tensor_type.HasField("shape"):
        raise DynamicShape(inputs[0].name, ())
    # The ONNX checker wants a shape here; whatever it says is inferred anew later on.
    graph.output[0].type.tensor_type.shape.SetInParent()


def _inline_all(model: ModelProto, folder: Path | None, budget: int) -> None:
    tensors = [(t, t.name) for t in model.graph.initializer]
    for i, node in enumerate(model.graph.node):
        tensors += [(a.t, f"{called(node, i)}.{a.name}") for a in node.attribute if a.HasField("t")]
    for tensor, name in tensors:
        budget -= inline_external(tensor, name, folder, budget)


def _read_constants(graph: GraphProto) -> dict[str, NDArray[Any]]:
    """Return the values of all initializers and Constant nodes by tensor name."""
    constants = {t.name: read_tensor(t, t.name) for t in graph.initializer}
    for i, node in enumerate(graph.node):
        if node.op_type == "Constant" and len(node.output) == 1:
            constants[node.output[0]] = _read_constant_node(node, called(node, i))
    return constants


def _read_constant_node(node: NodeProto, name: str) -> NDArray[Any]:
    import numpy as np

    if len(node.attribute) != 1:
        raise ModelMalformed("a Constant needs one value", place=f"node '{name}'")
    a = node.attribute[0]
    if a.name == "value" and a.HasField("t"):
        return read_tensor(a.t, name)
    values: NDArray[Any]
    if a.name in ("value_float", "value_floats"):
        values = np.array(a.f if a.name == "value_float" else a.floats, dtype=np.float32)
        _check_floats(values.reshape(-1).tolist(), name)
        values = np.asarray(values + np.float32(0))
    elif a.name in ("value_int", "value_ints"):
        values = np.array(a.i if a.name == "value_int" else a.ints, dtype=np.int64)
    elif a.name == "sparse_value":
        raise UnsupportedGraph("sparse Constant", place=f"node '{name}'")
    else:
        raise UnsupportedTensorType(name, found=f"Constant with {a.name}")
    values.flags.writeable = False
    return values


def _check_floats(values: list[float], name: str) -> None:
    for i, value in enumerate(values):
        if value != value or value in (float("inf"), -float("inf")):
            kind = "nan" if value != value else "inf" if value > 0 else "-inf"
            raise NonFiniteWeight(name, index=(i,), kind=kind)


def _check_attributes(graph: GraphProto, constants: Mapping[str, NDArray[Any]]) -> None:
    """No attribute or integer operand can upset the shape inference: zero strides divide."""
    for i, node in enumerate(graph.node):
        name = called(node, i)
        place = f"node '{name}'"
        if len({a.name for a in node.attribute}) != len(node.attribute):
            raise ModelMalformed("an attribute is given twice", place=place)
        for a in node.attribute:
            _check_attribute(a, node, name)
        if node.op_type in ("Constant", "Cast"):
            continue
        for k, operand in enumerate(node.input):
            values = constants.get(operand)
            if values is None or values.dtype.kind != "i":
                continue
            if node.op_type == "Slice" and k in (1, 2):
                continue
            listed = values.reshape(-1).tolist()
            _check_integers(listed, place)
            if node.op_type == "Slice" and k == 4 and any(v < 1 for v in listed):
                raise UnsupportedGraph("Slice with a step below 1", place=place)


def _check_attribute(a: AttributeProto, node: NodeProto, name: str) -> None:
    place = f"node '{name}'"
    if a.HasField("g") or a.graphs:
        raise UnsupportedGraph(f"a subgraph in attribute '{a.name}'", place=place)
    if a.ref_attr_name:
        raise UnsupportedGraph(f"attribute '{a.name}' refers to a function's", place=place)
    if node.op_type == "Constant":
        return
    _check_floats([a.f, *a.floats], f"{name}.{a.name}")
    integers = [a.i, *a.ints]
    if (node.op_type, a.name) not in _UNBOUNDED:
        _check_integers(integers, place)
    used = list(a.ints) if a.name != "group" else [a.i]
    if a.name in _POSITIVE and any(v < 1 for v in used):
        raise UnsupportedGraph(f"{a.name} {used[:8]} below 1", place=place)
    if a.name == "pads" and any(v < 0 for v in used):
        raise UnsupportedGraph(f"negative pads {used[:16]}", place=place)


def _check_integers(values: list[int], place: str) -> None:
    for value in values:
        if not -_LARGEST_INTEGER < value < _LARGEST_INTEGER:
            raise ValueDoesNotFit(value, target="a size or index below 2^31", place=place)


def _fix_input(graph: GraphProto, batch: int) -> None:
    """Give the input a static shape, and forget every shape that the file claims for the rest."""
    initializers = {t.name for t in graph.initializer}
    value = next(v for v in graph.input if v.name not in initializers)
    tensor = value.type.tensor_type
    if not tensor.shape.dim:
        raise DynamicShape(value.name, ())
    first = tensor.shape.dim[0]
    if not first.HasField("dim_value"):
        first.dim_value = batch
    _static_shape(value)
    kept = value.SerializeToString()
    del graph.input[:]
    graph.input.add().ParseFromString(kept)
    # A file may claim any shape for its own tensors: infer all of them from the input.
    del graph.value_info[:]
    graph.output[0].type.tensor_type.ClearField("shape")


def _static_shape(value: ValueInfoProto) -> tuple[int, ...]:
    """Return the shape of `value`, of at least one element.

    Raises
    ------
    DynamicShape
        Not every dimension is a positive integer.
    ModelTooLarge
        Too many elements.
    """
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise DynamicShape(value.name, ())
    dims: list[int | str] = []
    for d in tensor.shape.dim:
        dims.append(int(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?")
    shape = tuple(d for d in dims if isinstance(d, int) and d > 0)
    if len(shape) != len(dims):
        raise DynamicShape(value.name, dims)
    check_shape(shape, f"tensor '{value.name}'")
    return shape


def _infer_shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the static shape of the input and of each node's first output, by tensor name."""
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True
        )
    except Exception as e:
        raise ModelMalformed(f"shapes do not fit together: {e}") from e
    graph = inferred.graph
    known = {v.name: v for v in (*graph.value_info, *graph.output, *graph.input)}
    shapes = {v.name: _static_shape(v) for v in graph.input}
    # In order, so that the first tensor too large is met before sizes derived from it wrap.
    for node in graph.node:
        name = node.output[0] if node.output else ""
        if name not in known:
            raise DynamicShape(name, ())
        value = known[name]
        if node.op_type == "Constant":
            continue
        shapes[name] = _static_shape(value)
        if (
            name == graph.output[0].name
            and value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT
        ):
            raise UnsupportedTensorType(name, found=type_name(value.type.tensor_type.elem_type))
    return shapes
