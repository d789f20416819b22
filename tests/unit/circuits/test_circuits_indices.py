"""Indices as the output of a model, and nowhere else."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import zkinfer_circuits as z
from tests.unit.circuits.graphs import FLOAT, INT64, f32, ints, model, node, steps


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
