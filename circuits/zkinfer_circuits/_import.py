"""An ONNX file from a stranger in, a checked `Model` out, or a `ZkinferError`.

The order matters: sizes before reading, structure before values, values before the shape
inference of the onnx package, which is C++ and trusts its input more than a stranger deserves;
`normalize` does these two node by node.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._checks import check_attributes, check_floats
from ._errors import (
    DynamicShape,
    ModelMalformed,
    ModelNotFound,
    ModelTooLarge,
    UnsupportedGraph,
    UnsupportedOperator,
    UnsupportedOpset,
    UnsupportedTensorType,
)
from ._normalize import normalize
from ._ops import SUPPORTED
from ._shapes import static_shape
from ._site import called
from ._sklearn import has_sklearn, rewrite_sklearn
from ._tensors import inline_external, open_regular, read_tensor, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto

LOWEST_OPSET, HIGHEST_OPSET = 9, 22
LOWEST_IR = 3
MAX_NODES = 10_000
MAX_TENSORS = 20_000
MAX_BATCH = 2**16
_DEFAULT_DOMAIN = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class Model:
    """A checked network in normal form; equal networks have equal `onnx` bytes.

    Attributes
    ----------
    onnx
        A deterministic ModelProto, opset 17: input "x", float32, output "y", static shapes.
    input_shape, output_shape
        Their shapes, the batch dimension included.
    output_dtype
        ``"float32"``, or ``"int64"`` where the last operator is ArgMax.
    parameters
        Number of float32 weights, each constant counted once; bounds of Clip, exponents and the
        values that Pad pads with left out.
    macs
        Multiplications with accumulation in Conv, ConvTranspose, Gemm and MatMul, for the whole
        batch.
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
    output_dtype: str
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
    are kept: the decision function, or a forest's probabilities. Trees, of regressors as well,
    compare on a grid of 2^-7.

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
    check_attributes(model.graph)
    _check_outputs(model.graph)
    try:
        onnx.checker.check_model(model)
    except Exception as e:
        raise ModelMalformed(f"fails the ONNX checker: {e}") from e
    _fix_input(model.graph, batch)
    network = normalize(model.graph, opset, constants)
    return Model(
        onnx=network.onnx,
        input_shape=network.input_shape,
        output_shape=network.output_shape,
        output_dtype=network.output_dtype,
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
    """One float32 input that is no initializer, one output, which may be indices."""
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
        kind = value.type.tensor_type.elem_type
        # Whether the output is of this type is seen when it is made.
        if kind != TensorProto.FLOAT and not (what == "output" and kind == TensorProto.INT64):
            raise UnsupportedTensorType(value.name, found=type_name(kind))
    if not inputs[0].type.tensor_type.HasField("shape"):
        raise DynamicShape(inputs[0].name, ())
    # The ONNX checker wants a shape here; whatever it says is inferred anew later on.
    graph.output[0].type.tensor_type.shape.SetInParent()


def _check_outputs(graph: GraphProto) -> None:
    """No two nodes make one tensor; the onnx checker says so too, but takes seconds to."""
    made = Counter(name for node in graph.node for name in node.output if name)
    for name, count in made.items():
        if count > 1:
            raise ModelMalformed(f"made by {count} nodes", place=f"tensor '{name}'")


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
        check_floats(values.reshape(-1).tolist(), name)
        values = np.asarray(values + np.float32(0))
    elif a.name in ("value_int", "value_ints"):
        values = np.array(a.i if a.name == "value_int" else a.ints, dtype=np.int64)
    elif a.name == "sparse_value":
        raise UnsupportedGraph("sparse Constant", place=f"node '{name}'")
    else:
        raise UnsupportedTensorType(name, found=f"Constant with {a.name}")
    values.flags.writeable = False
    return values


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
    static_shape(value)
    kept = value.SerializeToString()
    del graph.input[:]
    graph.input.add().ParseFromString(kept)
    # A file may claim any shape for its own tensors: infer all of them from the input.
    del graph.value_info[:]
    graph.output[0].type.tensor_type.ClearField("shape")
