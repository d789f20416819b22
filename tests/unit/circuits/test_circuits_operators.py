"""Operators one by one: what spells the same, what is folded, what is refused and how."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
ROW, IMAGE = (1, 6), (1, 2, 6, 6)


def node(op: str, inputs: list[str], outputs: list[str] | None = None, **kw: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs or ["y"], name=kw.pop("name", op.lower()), **kw)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def number(value: int) -> Any:
    return np.array(value, dtype=np.int64)


f32 = np.float32


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


# --- one spelling

ERF_GELU = [
    node("Div", ["x", "root"], ["a"]),
    node("Erf", ["a"], ["b"]),
    node("Add", ["b", "one"], ["c"]),
    node("Mul", ["x", "c"], ["d"]),
    node("Mul", ["d", "half"]),
]
TANH_GELU = [
    node("Mul", ["x", "x"], ["a"]),
    node("Mul", ["x", "a"], ["b"]),
    node("Mul", ["kappa", "b"], ["c"]),
    node("Add", ["x", "c"], ["d"]),
    node("Mul", ["beta", "d"], ["e"]),
    node("Tanh", ["e"], ["f"]),
    node("Add", ["one", "f"], ["g"]),
    node("Mul", ["x", "g"], ["h"]),
    node("Mul", ["half", "h"]),
]
NUMBERS = {
    "root": f32(2**0.5),
    "one": f32(1),
    "half": f32(0.5),
    "kappa": f32(0.044715),
    "beta": f32((2 / np.pi) ** 0.5),
}
SLICES = {"s": ints(0), "m": ints(2), "e": ints(6), "a": ints(1)}
SPLIT_AS_SLICES = model(
    [
        node("Slice", ["x", "s", "m", "a"], ["p"]),
        node("Slice", ["x", "m", "e", "a"], ["q"]),
        node("Concat", ["q", "p"], axis=1),
    ],
    SLICES,
)
SWAP = node("Concat", ["q", "p"], axis=1)
VIEW = [
    node("Relu", ["x"], ["r"]),
    node("Shape", ["r"], ["s"]),
    node("Gather", ["s", "zero"], ["n"], axis=0),
    node("Unsqueeze", ["n", "zeros"], ["u"]),
    node("Concat", ["u", "rest"], ["t"], axis=0),
    node("Reshape", ["r", "t"]),
]
BIAS = {"w": np.arange(18, dtype=f32).reshape(2, 1, 3, 3)}


def torch_softplus(reads: str = "x", otherwise: str = "s") -> list[onnx.NodeProto]:
    return [
        node("Softplus", ["x"], ["s"]),
        node("Greater", ["x", "limit"], ["g"]),
        node("Where", ["g", reads, otherwise]),
    ]


SPELLINGS: dict[str, tuple[bytes, bytes]] = {
    "gelu": (model([node("Gelu", ["x"])], opset=20), model(ERF_GELU, NUMBERS)),
    "gelu by tanh": (
        model([node("Gelu", ["x"], approximate="tanh")], opset=20),
        model(TANH_GELU, NUMBERS, opset=13),
    ),
    "gelu by tanh and a cube": (
        model([node("Gelu", ["x"], approximate="tanh")], opset=20),
        model([node("Pow", ["x", "three"], ["b"]), *TANH_GELU[2:]], NUMBERS | {"three": number(3)}),
    ),
    "mish": (
        model([node("Mish", ["x"])], opset=18),
        model(
            [node("Softplus", ["x"], ["a"]), node("Tanh", ["a"], ["b"]), node("Mul", ["x", "b"])]
        ),
    ),
    "softplus": (
        model([node("Softplus", ["x"])]),
        model(torch_softplus(), {"limit": f32(20)}),
    ),
    "hard swish": (
        model([node("HardSwish", ["x"])]),
        model([node("HardSigmoid", ["x"], ["h"], alpha=1 / 6), node("Mul", ["h", "x"])], opset=11),
    ),
    "split by attribute and operand": (
        model([node("Split", ["x"], ["p", "q"], axis=1, split=[2, 4]), SWAP], opset=11),
        model([node("Split", ["x", "n"], ["p", "q"], axis=-1), SWAP], {"n": ints(2, 4)}),
    ),
    "split and slices": (
        model([node("Split", ["x", "n"], ["p", "q"], axis=1), SWAP], {"n": ints(2, 4)}),
        SPLIT_AS_SLICES,
    ),
    "split in equal parts": (
        model([node("Split", ["x"], ["p", "q"], axis=1), SWAP], opset=13),
        model([node("Split", ["x"], ["p", "q"], axis=1, num_outputs=2), SWAP], opset=18),
    ),
    "split in one": (
        model([node("Relu", ["x"], ["r"]), node("Split", ["r"], ["y"], axis=1)]),
        model([node("Relu", ["x"])]),
    ),
    "largest": (
        model([node("ReduceMax", ["x"], axes=[-1], keepdims=0)], opset=11),
        model([node("ReduceMax", ["x", "a"], keepdims=0)], {"a": ints(1)}, opset=18),
    ),
    "relu as maximum": (
        model([node("Relu", ["x"])]),
        model([node("Max", ["z", "x"])], {"z": f32(0)}),
    ),
    "relu as clip": (
        model([node("Relu", ["x"])]),
        model([node("Clip", ["x", "z"])], {"z": f32(0)}),
    ),
    "clip as maximum and minimum": (
        model([node("Clip", ["x", "a", "b"])], {"a": f32(-0.5), "b": f32(0.25)}),
        model(
            [node("Min", ["b", "x"], ["m"]), node("Max", ["m", "a"])],
            {"a": f32(-0.5), "b": np.array([0.25], f32)},
        ),
    ),
    "relu of at most 0.5": (
        model([node("Clip", ["x", "a", "b"])], {"a": f32(0), "b": f32(0.5)}),
        model([node("Relu", ["x"], ["r"]), node("Clip", ["r"], max=0.5)], opset=9),
    ),
    "one slope": (
        model([node("LeakyRelu", ["x"], alpha=0.25)], shape=IMAGE),
        model([node("PRelu", ["x", "s"])], {"s": np.full((1, 1, 1), 0.25, f32)}, IMAGE),
    ),
    "slopes of channels": (
        model([node("PRelu", ["x", "s"])], {"s": np.ones((2, 1, 1), f32)}, IMAGE),
        model([node("PRelu", ["x", "s"])], {"s": np.ones((1, 2, 1, 1), f32)}, IMAGE, opset=9),
    ),
    "square": (
        model([node("Pow", ["x", "e"])], {"e": f32(2)}),
        model([node("Mul", ["x", "x"])]),
    ),
    "square root": (
        model([node("Exp", ["x"], ["a"]), node("Pow", ["a", "e"])], {"e": f32(0.5)}),
        model([node("Exp", ["x"], ["a"]), node("Sqrt", ["a"])]),
    ),
    "reciprocal": (
        model([node("Exp", ["x"], ["a"]), node("Div", ["one", "a"])], {"one": f32(1)}),
        model([node("Exp", ["x"], ["a"]), node("Reciprocal", ["a"])]),
    ),
    "elu as celu": (model([node("Elu", ["x"])]), model([node("Celu", ["x"])])),
    "view": (
        model(VIEW, {"zero": number(0), "zeros": ints(0), "rest": ints(-1)}, IMAGE),
        model([node("Relu", ["x"], ["r"]), node("Flatten", ["r"])], shape=IMAGE),
    ),
    "gather of all": (
        model(
            [node("Relu", ["x"], ["r"]), node("Gather", ["r", "i"], axis=-1)],
            {"i": ints(0, 1, -4, 3, 4, 5)},
        ),
        model([node("Relu", ["x"])]),
    ),
    "gather of the only one": (
        model([node("Relu", ["x"], ["r"]), node("Gather", ["r", "i"], axis=0)], {"i": number(-1)}),
        model([node("Relu", ["x"], ["r"]), node("Squeeze", ["r", "a"])], {"a": ints(0)}),
    ),
    "gather from the end": (
        model([node("Gather", ["x", "i"], axis=1)], {"i": np.array([-1, 2], np.int32)}),
        model([node("Gather", ["x", "i"], axis=-1)], {"i": ints(5, 2)}, opset=9),
    ),
    "expand by nothing": (
        model([node("Relu", ["x"], ["r"]), node("Expand", ["r", "s"])], {"s": ints(1, 1, 1)}),
        model([node("Relu", ["x"], ["r"]), node("Unsqueeze", ["r", "a"])], {"a": ints(0)}),
    ),
    "tile of one": (
        model([node("Tile", ["x", "r"])], {"r": ints(4, 1)}),
        model([node("Expand", ["x", "s"])], {"s": ints(4, 1)}),
    ),
    "transposed convolution": (
        model(
            [node("ConvTranspose", ["x", "w"], strides=[2, 2], output_shape=[12, 12])], BIAS, IMAGE
        ),
        model(
            [
                node(
                    "ConvTranspose",
                    ["x", "w"],
                    **{"strides": [2, 2], "pads": [1, 1, 0, 0], "kernel_shape": [3, 3]},
                    **{"dilations": [1, 1], "group": 1, "output_padding": [0, 0]},
                )
            ],
            BIAS,
            IMAGE,
            opset=22,
        ),
    ),
    "padding with a number": (
        model([node("Pad", ["x"], pads=[0, 1, 0, 0], value=0.1)], opset=10),
        model([node("Pad", ["x", "p", "v"])], {"p": ints(0, 1, 0, 0), "v": f32(0.1)}),
    ),
    "an average over padding that is not there": (
        model([node("AveragePool", ["x"], kernel_shape=[2, 2], count_include_pad=1)], shape=IMAGE),
        model([node("AveragePool", ["x"], kernel_shape=[2, 2])], shape=IMAGE),
    ),
    "a scale computed from the shape": (
        model(
            [
                node("Shape", ["x"], ["s"], start=-1),
                node("Cast", ["s"], ["f"], to=FLOAT),
                node("Add", ["f", "three"], ["g"]),
                node("Sqrt", ["g"], ["q"]),
                node("Reciprocal", ["q"], ["i"]),
                node("Mul", ["i", "x"]),
            ],
            {"three": f32(3)},
        ),
        model([node("Mul", ["x", "i"])], {"i": np.array([1 / f32(3)], f32)}),
    ),
    "a constant of a shape": (
        model(
            [
                node("Shape", ["x"], ["s"]),
                node("ConstantOfShape", ["s"], ["c"]),
                node("Add", ["c", "one"], ["d"]),
                node("Sub", ["x", "d"]),
            ],
            {"one": f32(1)},
        ),
        model([node("Sub", ["x", "c"])], {"c": np.ones((1, 6), f32)}),
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_two_spellings_give_the_same_bytes(name: str) -> None:
    a, b = SPELLINGS[name]
    one, other = z.load_model(a), z.load_model(b)
    assert one.onnx == other.onnx
    assert z.load_model(one.onnx).onnx == one.onnx
    x = np.random.default_rng(1).uniform(-1, 1, one.input_shape).astype(f32)
    for data in (a, b):
        np.testing.assert_allclose(z.run_float(one, x), run(data, x), rtol=1e-5, atol=1e-6)


# --- folding


@pytest.mark.parametrize(
    ("op", "a", "b", "c"),
    [
        ("Add", 2, 3, 5),
        ("Sub", 2, -3, 5),
        ("Mul", -2, -2, 4),
        ("Div", 11, 2, 5),
        ("Div", -7, -2, 3),
        ("Min", 9, 5, 5),
        ("Max", 3, 5, 5),
    ],
)
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_integer_arithmetic_on_shapes(op: str, a: int, b: int, c: int, dtype: Any) -> None:
    nodes = [
        node(op, ["a", "b"], ["c"], name="op"),
        node("Cast", ["c"], ["i"], to=INT64),
        node("Gather", ["x", "i"], axis=1),
    ]
    constants = {"a": np.array([a], dtype), "b": np.array([b], dtype)}
    expected = model([node("Gather", ["x", "i"], axis=1)], {"i": ints(c)})
    assert z.load_model(model(nodes, constants)).onnx == z.load_model(expected).onnx


def test_division_of_integers_is_towards_zero() -> None:
    nodes = [node("Div", ["a", "b"], ["c"]), node("Gather", ["x", "c"], axis=1)]
    found = model(nodes, {"a": number(-7), "b": number(2)})
    expected = model([node("Gather", ["x", "i"], axis=1)], {"i": number(3)})
    assert z.load_model(found).onnx == z.load_model(expected).onnx


def test_half_of_the_features_as_torch_writes_it() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "one", "two"], ["n"]),
        node("Squeeze", ["n", "zeros"], ["m"]),
        node("Div", ["m", "number"], ["h"]),
        node("Mul", ["h", "number"], ["w"]),
        node("Unsqueeze", ["h", "zeros"], ["from"]),
        node("Unsqueeze", ["w", "zeros"], ["to"]),
        node("Slice", ["x", "from", "to", "one"]),
    ]
    constants = {"one": ints(1), "two": ints(2), "zeros": ints(0), "number": number(2)}
    x = np.arange(6, dtype=f32).reshape(ROW)
    assert z.run_float(z.load_model(model(nodes, constants)), x).tolist() == [[3, 4, 5]]


def test_parts_that_are_left_out() -> None:
    # onnxruntime itself crashes on a Split of an output left out.
    data = model([node("Split", ["x", "n"], ["", "y", ""], axis=1)], {"n": ints(1, 2, 3)})
    x = np.arange(6, dtype=f32).reshape(ROW)
    assert z.run_float(z.load_model(data), x).tolist() == [[1, 2]]


# --- indices as the output


def test_the_largest_of_equal_values_is_the_first() -> None:
    data = model([node("ArgMax", ["x"], axis=-1, keepdims=0)], made=INT64)
    made = z.load_model(data)
    assert (made.output_dtype, made.output_shape) == ("int64", (1,))
    assert onnx.ModelProto.FromString(made.onnx).graph.output[0].type.tensor_type.elem_type == INT64
    found = z.run_float(made, f32([[1, 3, 3, 0, 3, 2]]))
    assert (found.tolist(), found.dtype) == ([1], np.int64)
    assert steps(data) == [("ArgMax", {"axis": 1, "keepdims": 0})]
    assert z.load_model(model([node("Relu", ["x"])])).output_dtype == "float32"


def test_indices_that_are_used_or_of_another_kind() -> None:
    found = node("ArgMax", ["x"], ["i"], axis=1)
    for after in (
        node("Cast", ["i"], to=FLOAT),
        node("Reshape", ["i", "s"]),
        node("Add", ["i", "s"]),
        node("Gather", ["x", "i"]),
    ):
        for kind in (FLOAT, INT64):
            with pytest.raises(z.UnsupportedGraph, match="only be the output") as e:
                z.load_model(model([found, after], {"s": ints(1)}, made=kind))
            assert e.value.place == f"node '{after.name}'"
    last = node("ArgMax", ["x"], axis=1, select_last_index=1)
    with pytest.raises(z.UnsupportedGraph, match="last of equal"):
        z.load_model(model([last], made=INT64))
    for nodes, kind in (([node("ArgMax", ["x"], axis=1)], FLOAT), ([node("Relu", ["x"])], INT64)):
        with pytest.raises(z.UnsupportedTensorType) as e:
            z.load_model(model(nodes, made=kind))
        assert e.value.tensor == "y"


# --- refusals

WEIGHTS = np.ones((2, 1, 3, 3), f32)
REFUSED: dict[str, tuple[bytes, type[z.ZkinferError], str]] = {
    "two maxima of tensors": (
        model([node("Exp", ["x"], ["e"]), node("Max", ["x", "e"])]),
        z.UnsupportedGraph,
        "has to be constant",
    ),
    "a maximum of many bounds": (
        model([node("Max", ["x", "c"])], {"c": np.ones(6, f32)}),
        z.UnsupportedGraph,
        "single number",
    ),
    "three operands": (
        model([node("Min", ["x", "c", "c"])], {"c": f32(1)}),
        z.UnsupportedGraph,
        "3 operands",
    ),
    "bounds that cross": (
        model(
            [node("Max", ["x", "b"], ["m"]), node("Min", ["m", "a"])], {"a": f32(0), "b": f32(1)}
        ),
        z.UnsupportedGraph,
        "above upper",
    ),
    "a computed exponent": (model([node("Pow", ["x", "x"])]), z.UnsupportedGraph, "exponent"),
    "exponents": (
        model([node("Pow", ["x", "e"])], {"e": np.ones(6, f32)}),
        z.UnsupportedGraph,
        "exponent",
    ),
    "exponent 0": (model([node("Pow", ["x", "e"])], {"e": f32(0)}), z.UnsupportedGraph, "is 0"),
    "celu of alpha 0": (model([node("Celu", ["x"], alpha=0.0)]), z.UnsupportedGraph, "positive"),
    "a computed slope": (model([node("PRelu", ["x", "x"])]), z.UnsupportedGraph, "constant"),
    "gelu by something": (
        model([node("Gelu", ["x"], approximate="fast")], opset=20),
        z.UnsupportedGraph,
        "approximate fast",
    ),
    "gelu before its time": (model([node("Gelu", ["x"])]), z.ModelMalformed, "checker"),
    "a function of a constant": (
        model([node("Sin", ["c"], ["s"]), node("Add", ["x", "s"])], {"c": f32(1)}),
        z.UnsupportedGraph,
        "is constant",
    ),
    "the root of a negative constant": (
        model([node("Sqrt", ["c"], ["s"]), node("Add", ["x", "s"])], {"c": f32(-1)}),
        z.NonFiniteWeight,
        "nan",
    ),
    "the inverse of nothing": (
        model([node("Reciprocal", ["c"], ["s"]), node("Add", ["x", "s"])], {"c": f32(0)}),
        z.NonFiniteWeight,
        "inf",
    ),
    "division by the integer 0": (
        model(
            [node("Div", ["a", "b"], ["i"]), node("Gather", ["x", "i"])],
            {"a": number(1), "b": number(0)},
        ),
        z.ModelMalformed,
        "by zero",
    ),
    "a product that no 32 bits hold": (
        model(
            [node("Mul", ["a", "a"], ["i"]), node("Gather", ["x", "i"])],
            {"a": np.array(2**16, np.int32)},
        ),
        z.ValueDoesNotFit,
        "int32",
    ),
    "a product that is no size": (
        model([node("Mul", ["a", "a"], ["i"]), node("Gather", ["x", "i"])], {"a": number(2**16)}),
        z.ValueDoesNotFit,
        "2\\^31",
    ),
    "computed statistics": (
        model([node("LayerNormalization", ["x", "x"])]),
        z.UnsupportedGraph,
        "constant",
    ),
    "a scale of another shape": (
        model([node("LayerNormalization", ["x", "s"])], {"s": f32([1])}),
        z.UnsupportedGraph,
        "shape \\[6\\]",
    ),
    "the mean of a normalisation": (
        model(
            [node("LayerNormalization", ["x", "s"], ["n", "m"]), node("Add", ["n", "m"])],
            {"s": np.ones(6, f32)},
        ),
        z.UnsupportedGraph,
        "second output",
    ),
    "a normalisation over no axis": (
        model([node("LayerNormalization", ["x", "s"], axis=2)], {"s": np.ones(6, f32)}),
        z.ModelMalformed,
        "axes",
    ),
    "statistics of 64 bits": (
        model([node("LayerNormalization", ["x", "s"], stash_type=11)], {"s": np.ones(6, f32)}),
        z.UnsupportedGraph,
        "float32",
    ),
    "the largest over an axis that is not there": (
        model([node("ReduceMax", ["x"], axes=[5])]),
        z.ModelMalformed,
        "axes",
    ),
    "computed indices": (
        model([node("Gather", ["x", "x"])]),
        z.ModelMalformed,
        "type",
    ),
    "an index too large": (
        model([node("Gather", ["x", "i"], axis=1)], {"i": ints(6)}),
        z.ModelMalformed,
        "index outside",
    ),
    "an index too small": (
        model([node("Gather", ["x", "i"], axis=1)], {"i": ints(0, -7)}),
        z.ModelMalformed,
        "index outside",
    ),
    "indices in a square": (
        model([node("Gather", ["x", "i"], axis=1)], {"i": ints(0, 1, 2, 3).reshape(2, 2)}),
        z.UnsupportedGraph,
        "2 dimensions",
    ),
    "an axis of Gather": (
        model([node("Gather", ["x", "i"], axis=2)], {"i": ints(0)}),
        z.ModelMalformed,
        "axes",
    ),
    "no indices": (
        model([node("Gather", ["x", "i"], axis=1)], {"i": ints()}),
        z.DynamicShape,
        "shape",
    ),
    "parts that are too few": (
        model([node("Split", ["x", "n"], ["y", "b"], axis=1)], {"n": ints(3, 2)}),
        z.ModelMalformed,
        "parts",
    ),
    "parts for other outputs": (
        model([node("Split", ["x", "n"], ["y", "b"], axis=1)], {"n": ints(2, 2, 2)}),
        z.ModelMalformed,
        "parts",
    ),
    "a negative part": (
        model([node("Split", ["x", "n"], ["y", "b"], axis=1)], {"n": ints(7, -1)}),
        z.ModelMalformed,
        "parts",
    ),
    "parts that are not equal": (
        model([node("Split", ["x"], ["y", "b", "c", "d"], axis=1)]),
        z.ModelMalformed,
        "fit together",
    ),
    "an empty part": (
        model([node("Split", ["x"], ["y", "b", "c", "d"], axis=1, num_outputs=4)], opset=18),
        z.ModelMalformed,
        "4 parts of 6",
    ),
    "a thousand million parts": (
        model([node("Split", ["x"], ["y"], axis=1, num_outputs=2**30)], opset=18),
        z.ModelMalformed,
        "parts",
    ),
    "an axis of Split": (
        model([node("Split", ["x"], ["y"], axis=-3)]),
        z.ModelMalformed,
        "axes",
    ),
    "repeated no times": (
        model([node("Tile", ["x", "r"])], {"r": ints(1, 0)}),
        z.ModelMalformed,
        "repeats",
    ),
    "repeats of other dimensions": (
        model([node("Tile", ["x", "r"])], {"r": ints(2)}),
        z.ModelMalformed,
        "repeats",
    ),
    "expanded to less": (
        model([node("Expand", ["x", "s"])], {"s": ints(1, 3)}),
        z.ModelMalformed,
        "fit together",
    ),
    "expanded to a negative size": (
        model([node("Expand", ["x", "s"])], {"s": ints(1, -6)}),
        z.ModelMalformed,
        "negative",
    ),
    "a computed shape": (
        model([node("Cast", ["x"], ["s"], to=INT64), node("Expand", ["x", "s"])]),
        z.UnsupportedTensorType,
        "INT64",
    ),
    "a step of 0": (
        model(
            [node("Range", ["a", "b", "a"], ["i"]), node("Gather", ["x", "i"])],
            {"a": number(0), "b": number(1)},
        ),
        z.ModelMalformed,
        "step of 0",
    ),
    "a range of floats": (
        model(
            [node("Range", ["a", "b", "b"], ["i"]), node("Add", ["x", "i"])],
            {"a": f32(0), "b": f32(1)},
        ),
        z.UnsupportedTensorType,
        "float32",
    ),
    "two values of a constant": (
        model(
            [
                node(
                    "ConstantOfShape",
                    ["s"],
                    ["c"],
                    value=numpy_helper.from_array(np.ones(2, f32)),
                ),
                node("Add", ["x", "c"]),
            ],
            {"s": ints(6)},
        ),
        z.ModelMalformed,
        "2 elements",
    ),
    "a constant that is no number": (
        model(
            [
                node(
                    "ConstantOfShape",
                    ["s"],
                    ["c"],
                    value=numpy_helper.from_array(np.array([np.nan], f32)),
                ),
                node("Add", ["x", "c"]),
            ],
            {"s": ints(6)},
        ),
        z.NonFiniteWeight,
        "nan",
    ),
    "reflected further than it is wide": (
        model([node("Pad", ["x", "p"], mode="reflect")], {"p": ints(0, 6, 0, 0)}),
        z.UnsupportedGraph,
        "reflects",
    ),
    "wrapped": (
        model([node("Pad", ["x", "p"], mode="wrap")], {"p": ints(0, 1, 0, 0)}, opset=19),
        z.UnsupportedGraph,
        "mode wrap",
    ),
    "a pool with dilations": (
        model([node("MaxPool", ["x"], kernel_shape=[2, 2], dilations=[2, 2])], shape=IMAGE),
        z.UnsupportedGraph,
        "dilations",
    ),
    "computed weights": (
        model([node("ConvTranspose", ["x", "x"])], shape=(2, 2, 3, 3)),
        z.UnsupportedGraph,
        "constant",
    ),
    "an output padding as wide as the strides": (
        model([node("ConvTranspose", ["x", "w"], output_padding=[1, 0])], {"w": WEIGHTS}, IMAGE),
        z.UnsupportedGraph,
        "output_padding",
    ),
    "a negative output padding": (
        model([node("ConvTranspose", ["x", "w"], output_padding=[-1, 0])], {"w": WEIGHTS}, IMAGE),
        z.UnsupportedGraph,
        "output_padding",
    ),
    "an output shape out of reach": (
        model([node("ConvTranspose", ["x", "w"], output_shape=[20, 8])], {"w": WEIGHTS}, IMAGE),
        z.UnsupportedGraph,
        "less than",
    ),
    "an output shape of other dimensions": (
        model([node("ConvTranspose", ["x", "w"], output_shape=[8])], {"w": WEIGHTS}, IMAGE),
        z.ModelMalformed,
        "output_shape",
    ),
    "pads beside an output shape": (
        model(
            [node("ConvTranspose", ["x", "w"], output_shape=[7, 7], pads=[1, 0, 0, 1])],
            {"w": WEIGHTS},
            IMAGE,
        ),
        z.UnsupportedGraph,
        "beside",
    ),
    "other channels": (
        model([node("ConvTranspose", ["x", "w"])], {"w": np.ones((3, 1, 3, 3), f32)}, IMAGE),
        z.ModelMalformed,
        "channels",
    ),
    "other biases": (
        model(
            [node("ConvTranspose", ["x", "w", "b"])], {"w": WEIGHTS, "b": np.ones(2, f32)}, IMAGE
        ),
        z.ModelMalformed,
        "bias",
    ),
    "a group of none": (
        model([node("ConvTranspose", ["x", "w"], group=0)], {"w": WEIGHTS}, IMAGE),
        z.UnsupportedGraph,
        "group",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_normal_form_is_refused(name: str) -> None:
    data, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        z.load_model(data)


# --- sizes

BIG = 2**30
AXIS = numpy_helper.from_array(ints(0))
HOSTILE = {
    "constant": model(
        [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"])], {"s": ints(BIG, BIG)}
    ),
    "many constants": model(
        [
            *(node("ConstantOfShape", ["s"], [f"c{i}"], name=f"n{i}") for i in range(100)),
            node("Relu", ["x"]),
        ],
        {"s": ints(2**13, 2**10)},
    ),
    "constant of many dimensions": model(
        [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"])], {"s": ints(*[1] * 9)}
    ),
    "expand": model([node("Expand", ["x", "s"])], {"s": ints(BIG, 6)}),
    "expand on both sides": model([node("Expand", ["x", "s"])], {"s": ints(2**16, 1)}, (1, 2**16)),
    "expand of a constant": model(
        [node("Expand", ["c", "s"], ["e"]), node("Add", ["x", "e"])],
        {"c": np.ones((1, 6), f32), "s": ints(2**24, 6)},
    ),
    "tile": model([node("Tile", ["x", "r"])], {"r": ints(BIG, BIG)}),
    "tile of a constant": model(
        [node("Tile", ["c", "r"], ["e"]), node("Add", ["x", "e"])],
        {"c": np.ones((1, 6), f32), "r": ints(2**24, 1)},
    ),
    "range": model(
        [node("Range", ["a", "b", "c"], ["i"]), node("Gather", ["x", "i"])],
        {"a": number(0), "b": number(BIG), "c": number(1)},
    ),
    "sum of constants": model(
        [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"])],
        {"a": np.ones((2**13, 1), f32), "b": np.ones((1, 2**13), f32)},
    ),
    "doubled again and again": model(
        [
            *(
                node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0, name=f"n{i}")
                for i in range(60)
            ),
            node("Relu", ["x"]),
        ],
        {"c0": ints(1, 2, 3)},
    ),
    "a list of axes": model(
        [node("ConstantOfShape", ["s"], ["a"], value=AXIS), node("Squeeze", ["x", "a"])],
        {"s": ints(2**20)},
    ),
    "transposed convolution": model(
        [node("ConvTranspose", ["x", "w"], strides=[BIG, BIG], dilations=[BIG, BIG])],
        {"w": WEIGHTS},
        IMAGE,
    ),
    "padding": model([node("Pad", ["x", "p"], mode="edge")], {"p": ints(BIG, BIG, BIG, BIG)}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sizes_are_refused_before_anything_is_made(name: str) -> None:
    start = time.monotonic()
    with pytest.raises(z.ModelTooLarge):
        z.load_model(HOSTILE[name])
    assert time.monotonic() - start < 2


def test_constants_that_are_turned_over_again_and_again() -> None:
    names = ["x", *(f"t{i}" for i in range(300)), "y"]
    nodes = [
        node("ConstantOfShape", ["s"], ["w"]),
        *(
            node("Gemm", [names[i], "w"], [names[i + 1]], name=f"n{i}", transB=1)
            for i in range(301)
        ),
    ]
    with pytest.raises(z.ModelTooLarge, match="elements of constants"):
        z.load_model(model(nodes, {"s": ints(2**12, 2**12)}, (1, 2**12)))


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, 2**31])
@pytest.mark.parametrize(
    ("op", "name"),
    [("Gather", "i"), ("Expand", "i"), ("Tile", "i"), ("Split", "i"), ("ReduceMax", "i")],
)
def test_integers_that_are_no_size(op: str, name: str, value: int) -> None:
    with pytest.raises(z.ValueDoesNotFit) as e:
        z.load_model(model([node(op, ["x", name])], {name: ints(value)}, opset=18))
    assert e.value.value == value


@pytest.mark.parametrize(
    "attributes",
    [{"axis": 2**31}, {"num_outputs": -(2**63)}],
)
def test_attributes_that_are_no_size(attributes: dict[str, int]) -> None:
    with pytest.raises(z.ValueDoesNotFit):
        z.load_model(model([node("Split", ["x"], ["y"], **attributes)], opset=18))


@pytest.mark.parametrize(
    ("nodes", "limit"),
    [
        (torch_softplus(), 19.0),
        (torch_softplus(otherwise="x"), 20.0),
        (torch_softplus(reads="s"), 20.0),
        ([node("Greater", ["x", "limit"], ["g"]), node("Cast", ["g"], to=1)], 20.0),
        ([node("Greater", ["x", "limit"])], 20.0),
    ],
)
def test_comparisons_other_than_softplus_are_refused(nodes: Any, limit: float) -> None:
    with pytest.raises((z.UnsupportedGraph, z.UnsupportedTensorType)):
        z.load_model(model(nodes, {"limit": f32(limit)}))
