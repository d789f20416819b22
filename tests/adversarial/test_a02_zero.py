"""A2: comparisons of equals, and zero, have one value, and it is the model's."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from tests.fixtures import integers


def stump(threshold, *, below=0.0, above=1.0):
    """Return a tree that asks x <= threshold, as the importer makes it."""
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        name="tree",
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_featureids=[0, 0, 0],
        nodes_values=[threshold, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[below, above],
    )
    graph = helper.make_graph(
        [tree],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
    )
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8)


def single(*nodes, constants=(), shape=(1, 1)):
    graph = helper.make_graph(
        [*nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made, strict_mode=True)


def compiled(model, largest, width=12):
    shape = z.load_model(model.SerializeToString()).input_shape
    rows = np.linspace(-largest, largest, 97, dtype=np.float32)
    rows = np.broadcast_to(rows.reshape(-1, *[1] * len(shape)), (97, *shape))
    return z.compile_program(z.load_model(model.SerializeToString()), rows, width=width).program


def value(program, x):
    x = np.broadcast_to(np.float64(x), (1, *program.input_shape))
    return program.dequantize(program.run(program.quantize(x))).ravel()


@pytest.mark.parametrize("largest", [2047 / 256, 7.75])
@pytest.mark.parametrize("threshold", [5.0, 0.0, -3.0])
def test_a_comparison_has_one_value_for_each_number(threshold, largest):
    """It steps once, within two units of its threshold, and what it gives there is fixed."""
    program = compiled(stump(threshold), largest)
    low, high = program.ranges[0]
    low, high = low * 6 // 10, high * 6 // 10
    x = np.arange(low, high + 1).reshape(-1, 1, 1)
    found = program.run(x).ravel()
    real, unit = program.dequantize(found), float(program.scales[0])
    assert (np.diff(found) >= 0).all()
    assert real[x.ravel() * unit <= threshold - 2 * unit] == pytest.approx(0, abs=0.01)
    assert real[x.ravel() * unit >= threshold + 2 * unit] == pytest.approx(1, abs=0.01)
    near = round(threshold / unit) + np.arange(-3, 4)
    for v in near:
        (wanted,) = integers.evaluate(program, np.array([[v]]))[-1].values()
        assert found[v - low] == wanted


def test_sign_of_zero_is_zero_and_a_ramp_begins_at_zero():
    for op, wanted in {"Sign": [-1, 0, 1], "Relu": [0, 0, 1], "Abs": [1, 0, 1]}.items():
        program = compiled(single(helper.make_node(op, ["x"], ["y"], name="f")), 1.0)
        unit = float(program.scales[0])
        found = [value(program, k * unit)[0] for k in (-1, 0, 1)]
        if op == "Sign":
            assert found == pytest.approx(wanted, abs=1e-3)
        else:
            assert found == pytest.approx([w * unit for w in wanted], abs=1e-9)


def test_a_quotient_of_equals_is_one_and_zero_is_never_divided_by():
    """Softmax divides by a sum that holds exp(0); of equal scores each has its share."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["s"], name="s", axis=-1),
        helper.make_node("Mul", ["s", "two"], ["y"], name="m"),
    ]
    model = single(*nodes, constants=[("two", np.float32(2))], shape=(1, 2))
    program = compiled(model, 4.0)
    for k in (-100, 0, 100):
        assert value(program, k / 100).tolist() == pytest.approx([1, 1], abs=2e-3)
    (divide,) = [n for n in program.nodes if type(n.op).__name__ == "Divide"]
    low, _ = program.ranges[divide.sources[1]]
    assert low >= 1
    seen = {}
    x = np.array([[[-(2**11), 2**11 - 1]]])
    program.run_each(x, lambda i, v: seen.__setitem__(i, v))
    assert seen[divide.sources[1]].min() >= low


def test_zero_has_one_sign():
    program = compiled(single(helper.make_node("Relu", ["x"], ["y"], name="f")), 1.0)
    plus, minus = (program.quantize(np.full((1, 1, 1), zero)) for zero in (0.0, -0.0))
    assert plus.tobytes() == minus.tobytes()
    assert np.signbit(program.dequantize(program.run(minus))).sum() == 0
