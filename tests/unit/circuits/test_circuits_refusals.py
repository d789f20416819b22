"""Operators one by one: what has no normal form, and how it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

import zkinfer_circuits as z
from tests.unit.circuits.graphs import (
    IMAGE,
    INT64,
    WEIGHTS,
    f32,
    ints,
    model,
    node,
    number,
    torch_softplus,
)

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
