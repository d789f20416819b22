"""A5: of equal scores the first wins, in the program and in the model."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import zkinfer_circuits as z


def arg_max(shape, axis, *, inner=None):
    nodes = [] if inner is None else [helper.make_node(inner, ["x"], ["s"], name="scores")]
    scores = "x" if inner is None else "s"
    nodes.append(helper.make_node("ArgMax", [scores], ["y"], name="a", axis=axis, keepdims=0))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT64, None)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return z.load_model(
        onnx.shape_inference.infer_shapes(made, strict_mode=True).SerializeToString()
    )


def first(scores):
    best = 0
    for i, score in enumerate(scores):
        if score > scores[best]:
            best = i
    return best


@pytest.fixture(scope="module")
def program():
    rows = np.random.default_rng(0).uniform(-1, 1, (32, 1, 4)).astype(np.float32)
    return z.compile_program(arg_max((1, 4), 1), rows).program


def test_of_equal_scores_the_first_wins(program):
    x = np.array(list(itertools.product((-2, -1, 0, 1), repeat=4))).reshape(-1, 1, 4)
    found = program.run(x).ravel().tolist()
    assert found == [first(row) for row in x.reshape(-1, 4).tolist()]
    assert program.run(np.full((1, 1, 4), -100)).tolist() == [[0]]


def test_of_scores_made_equal_by_rounding_the_first_wins(program):
    """Apart in float, one integer in the program: its order is that of the integers."""
    unit = float(program.scales[0])
    x = np.array([[[0.1 * unit, 0.4 * unit, 0.2 * unit, -5 * unit]]])
    assert program.run(program.quantize(x)).tolist() == [[0]]


@pytest.mark.parametrize("count", [3, 128, 129, 700])
def test_no_index_is_rounded(count):
    """More scores than an activation has values: the index is whole all the same."""
    rows = np.random.default_rng(1).uniform(-1, 1, (8, 1, count)).astype(np.float32)
    program = z.compile_program(arg_max((1, count), 1, inner="Relu"), rows, width=8).program
    x = np.zeros((count, 1, count), dtype=np.int64)
    x[np.arange(count), 0, np.arange(count)] = 1
    assert program.dequantize(program.run(x)).ravel().tolist() == list(range(count))
    x[:, 0, -1] = 1
    assert program.run(x).ravel().tolist() == list(range(count))


def test_along_an_inner_axis():
    rows = np.random.default_rng(2).uniform(-1, 1, (8, 1, 3, 5)).astype(np.float32)
    program = z.compile_program(arg_max((1, 3, 5), 1), rows).program
    x = np.random.default_rng(3).integers(-1, 2, (40, 1, 3, 5))
    wanted = [[[first(row[0, :, k].tolist()) for k in range(5)]] for row in x]
    assert program.run(x).tolist() == wanted
