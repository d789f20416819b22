"""Sizes that a stranger's operators ask for are refused before anything is made."""

from __future__ import annotations

import time

import numpy as np
import pytest
from onnx import numpy_helper

import zkinfer_circuits as z
from tests.unit.circuits.graphs import IMAGE, WEIGHTS, f32, ints, model, node, number

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
