"""What once was wrong with programs, each named for what it was."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z


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
