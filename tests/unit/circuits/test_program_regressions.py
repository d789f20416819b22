"""What once was wrong with programs, each named for what it was."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from zkinfer_circuits import _program


def model(nodes, constants, shape, opset=20):
    """Return a loaded model from "x" to "y"; nodes are (operator, operands, result, attributes)."""
    graph = helper.make_graph(
        [helper.make_node(op, reads, [made], name=made, **more) for op, reads, made, more in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True)
    return z.load_model(inferred.SerializeToString())


def largest_error(compiled, x):
    """Return the largest error of an output over the inputs that are not refused."""
    program = compiled.program
    made, refused = program.run_each(program.quantize(x))
    kept = [i for i in range(len(x)) if i not in refused]
    assert kept
    return float(np.abs(program.dequantize(made) - compiled.real.run(x))[kept].max())


THREE = np.array([1.0, -1.0, 0.5]).reshape(3, 1, 1)
LINE = np.linspace(-1.9, 1.9, 4001).reshape(-1, 1, 1)


@pytest.mark.parametrize(
    ("nodes", "constants", "proven"),
    [
        # One unit of the argument is a whole number of periods: the table is zero.
        (
            [("Mul", ["x", "c"], "a", {}), ("Sin", ["a"], "y", {})],
            {"c": np.float32(np.pi * 127)},
            (1.0, 2.1),
        ),
        # A pole between two points of the grid, where the table is finite.
        (
            [("Add", ["x", "c"], "a", {}), ("Reciprocal", ["a"], "y", {})],
            {"c": np.float32(0.0123)},
            (np.inf, np.inf),
        ),
        (
            [("Mul", ["x", "c"], "a", {}), ("Tan", ["a"], "y", {})],
            {"c": np.float32(3)},
            (np.inf, np.inf),
        ),
        # A peak that is narrower than a unit, on a table of zeros.
        (
            [
                *[("Mul", ["x", "k"], "h", {}), ("Sub", ["h", "c"], "g", {})],
                *[("Mul", ["g", "g"], "m", {}), ("Neg", ["m"], "n", {}), ("Exp", ["n"], "y", {})],
            ],
            {"k": np.float32(1000), "c": np.float32(8)},
            (0.99, 2.0),
        ),
        # A jump: exactly its height.
        ([("ThresholdedRelu", ["x"], "y", {"alpha": -1.0})], {}, (0.99, 1.01)),
    ],
    ids=["period of the grid", "pole", "tangent", "narrow peak", "jump"],
)
def test_a_table_that_misses_what_its_function_does_between_the_points(nodes, constants, proven):
    compiled = z.compile_program(model(nodes, constants, (1, 1)), THREE, width=8)
    assert largest_error(compiled, LINE) <= compiled.errors[-1]
    assert proven[0] <= compiled.errors[-1] <= proven[1]


@pytest.mark.parametrize("offset", [0.0, 1e-38])
def test_a_weight_of_any_size_that_multiplies_nothing_but_zeros(offset):
    nodes = [
        ("Clip", ["x", "z", "z"], "a", {}),
        ("MatMul", ["a", "w"], "b", {}),
        ("Add", ["b", "c"], "y", {}),
    ]
    constants = {"z": np.float32(0), "w": np.float32([[3e38]]), "c": np.float32([[offset]])}
    compiled = z.compile_program(model(nodes, constants, (1, 1)), THREE)
    assert largest_error(compiled, THREE) <= compiled.errors[-1]


def test_a_weight_of_any_size_that_meets_nothing_but_padding():
    w = np.full((1, 1, 3), 1e38, dtype=np.float32)
    w[0, 0, 1] = 1e-6
    nodes = [("Conv", ["x", "w"], "y", {"pads": [1, 1]})]
    compiled = z.compile_program(model(nodes, {"w": w}, (1, 1, 1)), THREE[:, None])
    assert largest_error(compiled, THREE[:, None]) <= compiled.errors[-1]


def test_the_product_of_an_exact_zero_and_of_what_nothing_is_proven_of():
    nodes = [
        ("Tan", ["x"], "t", {}),
        ("Mul", ["x", "z"], "zero", {}),
        ("Relu", ["zero"], "r", {}),
        ("Mul", ["r", "t"], "y", {}),
    ]
    tangents = model(nodes, {"z": np.zeros((1, 2), np.float32)}, (1, 2))
    compiled = z.compile_program(tangents, np.array([[[3.0, -3.0]], [[1.0, 0.5]]]), width=8)
    assert compiled.errors[-1] == np.inf
    assert not np.isnan(compiled.errors).any()


def test_a_bound_that_overflows_is_infinite():
    nodes, last = [], "x"
    for i in range(64):
        nodes.append(("LayerNormalization", [last, "s"], f"v{i}", {"epsilon": 1e-12}))
        last = f"v{i}"
    nodes.append(("Relu", [last], "y", {}))
    deep = model(nodes, {"s": np.ones(4, np.float32)}, (1, 4))
    x = np.random.default_rng(0).normal(size=(4, 1, 4))
    assert z.compile_program(deep, x, width=12).errors[-1] == np.inf


def test_one_width_that_is_too_wide_ends_no_search():
    nodes = [("LayerNormalization", ["x", "s"], "y", {})]
    wide = model(nodes, {"s": np.ones(5000, np.float32)}, (1, 5000))
    x = np.random.default_rng(0).normal(size=(2, 1, 5000))
    with pytest.raises(z.AccumulatorTooWide):
        z.compile_program(wide, x, width=13)
    with pytest.raises(z.AccuracyUnreachable):
        z.compile_program(wide, x, max_error=1e-9)


def test_the_error_of_a_small_bias_beside_a_large_scale():
    """Half a unit was added and taken away again, and the error with it."""
    nodes = [
        ("Mul", ["x", "w"], "a", {}),
        ("Add", ["a", "b"], "s", {}),
        ("Slice", ["s", "one", "two", "one"], "y", {}),
    ]
    constants = {
        "w": np.float32([[1, 0.001]]),
        "b": np.float32([[0, 0.75]]),
        **{"one": np.array([1]), "two": np.array([2])},
    }
    x = np.array([[[1e20, 0.1]], [[-1e20, -0.1]]])
    network = model(nodes, constants, (1, 2))
    how = z.compile_program(network, x, width=8).quantization
    coarse = dataclasses.replace(how, shift=0)
    compiled = _program.rebuild_program(network, coarse)
    assert largest_error(compiled, x) <= compiled.errors[-1]
