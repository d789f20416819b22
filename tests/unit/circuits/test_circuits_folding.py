"""What is computed from shapes and constants is folded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zkinfer_circuits as z
from tests.unit.circuits.graphs import INT64, ROW, f32, ints, model, node, number


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
