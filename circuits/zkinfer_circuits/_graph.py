"""The normal form: a network as a directed graph of `Step`, and its one spelling in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelTooLarge, UnsupportedGraph
from ._tensors import MAX_ELEMENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

OPSET = 17
IR_VERSION = 8
# Their later operands are numbers of the layer's kind, and no weights.
_SETTINGS = ("Clip", "Pad", "Pow")


@dataclass(frozen=True, eq=False, slots=True)
class Input:
    """The network's one input."""

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Fixed:
    """A constant."""

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.array.shape


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One operation, and its one result.

    Attributes
    ----------
    op
        An operator of opset 17.
    operands
        What it reads; None for an optional operand left out.
    attributes
        Every attribute that says something, its default included, so that there is one spelling.
    shape
        The result's shape.
    origin
        The node of the file that it was made from.
    """

    op: str
    operands: tuple[Value | None, ...]
    attributes: dict[str, Any]
    shape: tuple[int, ...]
    origin: str


Value = Input | Fixed | Step


@dataclass(frozen=True, slots=True)
class Network:
    """What `write` makes of a graph of steps; the fields are those of `Model`."""

    onnx: bytes
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    output_dtype: str
    parameters: int
    macs: int
    operators: tuple[str, ...]
    nodes: tuple[str, ...]
    origins: tuple[str, ...]


def steps_in_order(output: Value) -> list[Step]:
    """Return the steps that `output` needs, operands before users.

    The order comes from the graph alone, never from names or from the file's own order, and
    whatever the output does not need is left out. No recursion: a file chooses the depth.
    """
    order: list[Step] = []
    seen: set[int] = set()
    stack: list[tuple[Value | None, bool]] = [(output, False)]
    while stack:
        value, done = stack.pop()
        if not isinstance(value, Step):
            continue
        if done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            stack.extend((operand, False) for operand in reversed(value.operands))
    return order


def write(given: Input, output: Value) -> Network:
    """Return the one spelling of the network from `given` to `output`.

    Raises
    ------
    UnsupportedGraph
        The output does not depend on the input, or is the input.
    ModelTooLarge
        The constants together have more than `MAX_ELEMENTS` elements.
    """
    from onnx import TensorProto, helper, numpy_helper

    order = steps_in_order(output)
    if not any(operand is given for step in order for operand in step.operands):
        raise UnsupportedGraph("the output is not computed from the input")
    nodes: list[NodeProto] = []
    names: dict[int, str] = {id(given): "x"}
    constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    written: dict[int, str] = {}
    initializers = []
    parameters = read = 0
    for step in order:
        inputs = []
        for position, operand in enumerate(step.operands):
            if operand is None:
                inputs.append("")
            elif id(operand) in written:
                inputs.append(written[id(operand)])
            elif isinstance(operand, Fixed):
                # Of constants made anew for each user, a small file could ask for any number.
                read += operand.array.size
                if read > MAX_ELEMENTS:
                    raise ModelTooLarge("elements of constants", size=read, limit=MAX_ELEMENTS)
                array = np.ascontiguousarray(operand.array).reshape(operand.array.shape)
                # By content: whether a file shares a constant or repeats it is spelling.
                key = (array.dtype.str, array.shape, array.tobytes())
                if key not in constants:
                    constants[key] = f"c{len(constants)}"
                    initializers.append(numpy_helper.from_array(array, constants[key]))
                    if array.dtype.kind == "f" and not (step.op in _SETTINGS and position):
                        parameters += array.size
                inputs.append(written.setdefault(id(operand), constants[key]))
            else:
                inputs.append(names[id(operand)])
        while inputs and not inputs[-1]:
            inputs.pop()
        name = "y" if step is output else f"t{len(nodes)}"
        names[id(step)] = name
        nodes.append(
            helper.make_node(
                step.op,
                inputs,
                [name],
                name=f"n{len(nodes)}",
                **dict(sorted(step.attributes.items())),
            )
        )
    indices = isinstance(output, Step) and output.op == "ArgMax"
    kind = TensorProto.INT64 if indices else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "zkinfer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given.shape)],
        [helper.make_tensor_value_info("y", kind, output.shape)],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    model.ClearField("producer_name")
    check(model)
    return Network(
        onnx=model.SerializeToString(deterministic=True),
        input_shape=given.shape,
        output_shape=output.shape,
        output_dtype="int64" if indices else "float32",
        parameters=parameters,
        macs=sum(macs(step) for step in order),
        operators=tuple(step.op for step in order),
        nodes=tuple(node.name for node in nodes),
        origins=tuple(step.origin for step in order),
    )


def check(model: Any) -> None:
    """Hold the result against the onnx package's own checker and shape inference.

    Raises
    ------
    UnsupportedGraph
        They disagree with what was written.
    """
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as e:
        raise UnsupportedGraph(f"its normal form fails the ONNX checker: {e}") from e


def macs(step: Step) -> int:
    """Return the multiplications with accumulation of one step."""
    shapes = [operand.shape if operand else () for operand in step.operands]
    size = int(np.prod(step.shape, dtype=object))
    if step.op == "Conv":
        # Weights are [out, in / group, kernel...].
        return size * int(np.prod(shapes[1][1:], dtype=object))
    if step.op == "ConvTranspose":
        # Weights are [in, out / group, kernel...], and each of them meets each input once.
        return int(np.prod(shapes[0], dtype=object)) * int(np.prod(shapes[1][1:], dtype=object))
    if step.op == "Gemm":
        return size * shapes[0][0 if step.attributes["transA"] else 1]
    if step.op == "MatMul":
        return size * shapes[0][-1]
    return 0
