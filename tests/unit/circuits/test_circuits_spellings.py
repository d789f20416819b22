"""Operators one by one: what spells the same."""

from __future__ import annotations

import numpy as np
import pytest

import zkinfer_circuits as z
from tests.unit.circuits.graphs import (
    FLOAT,
    IMAGE,
    f32,
    ints,
    model,
    node,
    number,
    run,
    torch_softplus,
)

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
