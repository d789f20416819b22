"""A6: every division and rounding is the one that the program states, bit for bit."""

import math
from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from tests.fixtures import integers


def build(nodes, constants, shape):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return z.load_model(
        onnx.shape_inference.infer_shapes(made, strict_mode=True).SerializeToString()
    )


def node(op, inputs, **attributes):
    return helper.make_node(op, inputs, ["y"], name="n", **attributes)


WEIGHTS = np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype(np.float32)
DIVISIONS = {
    "requantisation": (node("MatMul", ["x", "w"]), {"w": WEIGHTS}, (1, 6)),
    "mean of three": (node("ReduceMean", ["x"], axes=[1], keepdims=1), {}, (1, 3, 2)),
    "mean of four": (node("ReduceMean", ["x"], axes=[1], keepdims=1), {}, (1, 4, 2)),
    "pool of nine": (
        node("AveragePool", ["x"], kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]),
        {},
        (1, 1, 4, 4),
    ),
    "pool of four": (
        node("AveragePool", ["x"], kernel_shape=[2, 2], strides=[2, 2]),
        {},
        (1, 2, 4, 4),
    ),
    "whole image": (node("GlobalAveragePool", ["x"]), {}, (1, 2, 3, 3)),
    "by a constant": (node("Div", ["x", "c"]), {"c": np.float32([[3, 7, -5]])}, (1, 3)),
    "softmax": (node("Softmax", ["x"], axis=-1), {}, (1, 5)),
    "inner norm": (
        node("LayerNormalization", ["x", "s"], epsilon=0.1),
        {"s": np.ones(5, np.float32)},
        (1, 2, 5),
    ),
}


def program_of(name, width):
    made, constants, shape = DIVISIONS[name]
    rows = np.random.default_rng(1).uniform(-1, 1, (24, *shape)).astype(np.float32)
    return z.compile_program(build([made], constants, shape), rows, width=width).program


@pytest.mark.parametrize("width", [8, 13])
@pytest.mark.parametrize("name", DIVISIONS)
def test_every_division_is_the_stated_one(name, width):
    program = program_of(name, width)
    low, high = program.ranges[0]
    rng = np.random.default_rng(2)
    x = rng.integers(low // 2, high // 2, (6, *program.input_shape))
    x = np.concatenate([x, np.full((1, *program.input_shape), low // 2), x[:1] * 0, x[:1] * 0 - 1])
    outputs, refused = program.run_each(x)
    assert len(refused) < 3
    for i, row in enumerate(x):
        if i in refused:
            with pytest.raises(integers.LeftRangeError):
                integers.evaluate(program, row)
        else:
            assert integers.tensor(outputs[i]) == integers.evaluate(program, row)[-1]


def test_half_a_unit_is_rounded_upwards_on_both_sides_of_zero():
    """Mean of two: the coefficients are exact, so that every odd sum is a half."""
    made = build([node("ReduceMean", ["x"], axes=[1], keepdims=1)], {}, (1, 2))
    rows = np.random.default_rng(3).uniform(-1, 1, (24, 1, 2)).astype(np.float32)
    rows[0] = 1
    program = z.compile_program(made, rows, width=9).program
    op = program.nodes[-1].op
    factor, shift = int(op.maps[0].factor), op.shift
    assert 2 * factor == 2**shift
    x = np.array([[[a, b]] for a in range(-6, 7) for b in range(-6, 7)])
    found = program.run(x).ravel().tolist()
    assert found == [math.floor(Fraction(a + b, 2) + Fraction(1, 2)) for ((a, b),) in x.tolist()]
    assert -((3) // 2) in found


@pytest.mark.parametrize("op", ["Floor", "Ceil", "Round"])
def test_where_the_graph_floors_the_program_floors(op):
    """The table holds what the operator gives at each of its arguments, negative ones included."""
    shape = (1, 4)
    made = build([node(op, ["x"])], {}, shape)
    rows = np.random.default_rng(4).uniform(-4, 4, (24, *shape)).astype(np.float32)
    program = z.compile_program(made, rows, width=9).program
    low, high = program.ranges[0]
    unit = Fraction(float(program.scales[0]))
    exact = {"Floor": math.floor, "Ceil": math.ceil, "Round": round}[op]
    for v in range(low, high - 3, 4):
        x = np.arange(v, v + 4).reshape(1, *shape)
        outputs, refused = program.run_each(x)
        if refused:
            # The function's values leave what was seen by more than twice.
            assert abs(v * unit) > 7
            continue
        for given, y in zip(x.ravel().tolist(), outputs.ravel().tolist(), strict=True):
            wanted = exact(given * unit)
            assert abs(y * float(program.scales[-1]) - wanted) <= float(program.scales[-1]) / 2
            # Units are finer than a half, so that whole numbers stay apart.
            assert round(y * float(program.scales[-1])) == wanted


def test_a_value_that_does_not_fit_is_refused_and_never_wraps():
    program = program_of("requantisation", 8)
    _, high = program.ranges[0]
    signs = np.sign(program.nodes[-1].op.maps[0].weight)[:, 0]
    x = (high * signs).reshape(1, 1, 6)
    with pytest.raises(integers.LeftRangeError) as wanted:
        integers.evaluate(program, x[0])
    with pytest.raises(z.InputOutOfRange) as found:
        program.run(x)
    assert (found.value.layer, found.value.value) == ("n", wanted.value.args[1])


def test_an_argument_outside_a_table_is_refused_and_not_read_from_its_other_end():
    made = build([helper.make_node("Exp", ["x"], ["y"], name="n")], {}, (1, 2))
    rows = np.random.default_rng(5).uniform(-1, 1, (24, 1, 2)).astype(np.float32)
    program = z.compile_program(made, rows, width=8).program
    op = program.nodes[-1].op
    low, high = program.ranges[0]
    assert op.low == low
    assert op.high < high
    with pytest.raises(z.InputOutOfRange) as found:
        program.run(np.array([[[0, op.high + 1]]]))
    assert (found.value.layer, found.value.value) == ("n", op.high + 1)
    assert program.run(np.array([[[0, op.high]]])).shape == (1, 1, 2)


def test_sums_above_float64_are_exact():
    """What float64 would round, and the bound keeps from it."""
    program = program_of("requantisation", 8)
    op = program.nodes[-1].op
    rng = np.random.default_rng(6)
    weight = rng.integers(2**50, 2**51, op.maps[0].weight.shape) * rng.choice([-1, 1], (6, 4))
    wide = type(op)((op.maps[0].replace(weight),), op.bias * 0 + 1, 0, -(2**62), 2**62, 2**62)
    node = type(program.nodes[-1])(wide, (0,), (1, 4), "n")
    program = z.Program((program.nodes[0], node), program.scales, program.ranges, 8, ())
    x = rng.integers(-128, 128, (200, 1, 6))
    totals = []
    for row, outputs in zip(x.reshape(-1, 6).tolist(), program.run(x), strict=True):
        for column, y in zip(weight.T.tolist(), outputs.ravel().tolist(), strict=True):
            totals.append(1 + sum(v * w for v, w in zip(row, column, strict=True)))
            assert y == totals[-1]
    assert max(totals) > 2**55


def test_a_model_whose_sums_may_leave_62_bits_is_refused():
    weights = np.array([[1e25], [-1e25]], np.float32)
    made = build([node("MatMul", ["x", "w"])], {"w": weights}, (1, 2))
    with pytest.raises(z.AccumulatorTooWide) as found:
        z.compile_program(made, np.ones((4, 1, 2), np.float32))
    assert found.value.place == "node 'n'"
    assert found.value.bits > 62
