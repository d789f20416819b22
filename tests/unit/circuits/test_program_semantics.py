"""What each operation of a program means, exactly, and what the executor refuses."""

import math
import os
import random
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from tests.fixtures import integers
from zkinfer_circuits._program import _maps, _program
from zkinfer_circuits._program._builder import Builder
from zkinfer_circuits._program._integer import Affine, Divide, Input, InverseSqrt, Lookup
from zkinfer_circuits._program._maps import Conv, Dense, Scale
from zkinfer_circuits._program._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from zkinfer_circuits._program._shared import ArgMax, MatMul, Node, Product, WindowMax

WIDE = 2**62


def ints(values):
    return np.array(values, dtype=np.int64)


def program(shape, *nodes, low=-WIDE, high=WIDE):
    """Return a program of an input and of (operation, sources, shape)."""
    made = [Node(Input(low, high), (), shape, "input")]
    made += [Node(op, sources, to, f"n{i}") for i, (op, sources, to) in enumerate(nodes, 1)]
    one = np.asarray(1.0)
    return z.Program(
        tuple(made), (one,) * len(made), ((-(2**63), 2**63 - 1),) * len(made), 8, ("made here",)
    )


def alike(made, x):
    """Run a program both ways on samples; return its outputs."""
    found = made.run(ints(x))
    for row, output in zip(ints(x), found, strict=True):
        assert integers.tensor(output) == integers.evaluate(made, row)[-1]
    return found


def affine(maps, bias, shift, *, low=-WIDE, high=WIDE, bound=WIDE):
    return Affine(tuple(maps), ints(bias), shift, low, high, bound)


def one(factor=1, rank=1):
    return Scale(np.array(factor, dtype=np.int64), rank)


# --- requantisation


def test_halves_are_rounded_upwards_whatever_the_sign():
    made = program((1,), (affine([one()], 0, 2), (0,), (1,)))
    x = [[v] for v in range(-9, 10)]
    assert made.run(ints(x)).ravel().tolist() == [
        *(-2, -2, -2, -1, -1, -1, -1, 0, 0),
        *(0, 0, 1, 1, 1, 1, 2, 2, 2, 2),
    ]
    alike(made, x)


def test_a_shift_of_nothing_rounds_nothing():
    made = program((1,), (affine([one(3)], -5, 0), (0,), (1,)))
    assert made.run(ints([[-1], [0], [1]])).ravel().tolist() == [-8, -5, -2]


@pytest.mark.parametrize("shift", [1, 2, 7, 12, 24])
def test_requantisation_is_the_floor_of_a_half_more(shift):
    rng = random.Random(shift)
    near = [k * 2**shift + 2 ** (shift - 1) + d for k in range(-3, 3) for d in (-1, 0, 1)]
    far = [rng.randrange(-(2**60), 2**60) for _ in range(200)]
    made = program((1,), (affine([one()], 7, shift), (0,), (1,)))
    found = alike(made, [[v] for v in (*near, *far)]).ravel().tolist()
    assert found == [math.floor(Fraction(v + 7, 2**shift) + Fraction(1, 2)) for v in (*near, *far)]


@pytest.mark.parametrize("shift", [0, 3])
def test_a_sum_of_maps_is_rounded_once(shift):
    rng = np.random.default_rng(1)
    maps = [Dense(rng.integers(-9, 9, (4, 3))), Scale(rng.integers(-9, 9, (3,)), 2), one(5, 2)]
    op = affine([*maps], rng.integers(-99, 99, (1, 3)), shift)
    made = program((2, 4), (Slice(((0, 2, 1), (1, 4, 1))), (0,), (2, 3)), (op, (0, 1, 1), (2, 3)))
    alike(made, rng.integers(-99, 99, (20, 2, 4)))


# --- linear maps


@pytest.mark.parametrize(
    ("shape", "weight", "to"),
    [
        ((4,), (4, 3), (3,)),
        ((2, 4), (4, 3), (2, 3)),
        ((5, 2, 4), (4, 3), (5, 2, 3)),
        ((5, 2, 4), (5, 4, 3), (5, 2, 3)),
        ((1, 2, 4), (5, 4, 3), (5, 2, 3)),
        ((2, 1, 2, 4), (5, 4, 3), (2, 5, 2, 3)),
    ],
)
@pytest.mark.parametrize("bound", [2**52, WIDE])
def test_dense(shape, weight, to, bound):
    rng = np.random.default_rng(2)
    each = Dense(rng.integers(-50, 50, weight))
    made = program(shape, (affine([each], 0, 3, bound=bound), (0,), to))
    alike(made, rng.integers(-128, 128, (4, *shape)))


CONVOLUTIONS = {
    "plain": ((1, 2, 5, 5), (3, 2, 3, 3), {}, (1, 3, 3, 3)),
    "two images": ((2, 2, 4, 4), (1, 2, 2, 3), {}, (2, 1, 3, 2)),
    "padded unequally": ((1, 1, 4, 4), (1, 1, 3, 3), {"pads": (1, 0, 2, 1)}, (1, 1, 5, 3)),
    "strided": ((1, 2, 7, 6), (2, 2, 3, 2), {"strides": (2, 3)}, (1, 2, 3, 2)),
    "dilated": ((1, 1, 7, 7), (1, 1, 3, 2), {"dilations": (2, 3)}, (1, 1, 3, 4)),
    "grouped": ((1, 4, 4, 4), (6, 2, 2, 2), {"group": 2}, (1, 6, 3, 3)),
    "each channel": ((1, 3, 3, 3), (3, 1, 2, 2), {"group": 3}, (1, 3, 2, 2)),
    "one dimension": ((1, 2, 9), (2, 2, 3), {"dilations": (2,), "pads": (1, 1)}, (1, 2, 7)),
    "three dimensions": ((1, 1, 3, 3, 3), (2, 1, 2, 2, 2), {}, (1, 2, 2, 2, 2)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("bound", [2**52, WIDE])
def test_conv(name, bound):
    shape, weight, settings, to = CONVOLUTIONS[name]
    n = len(shape) - 2
    settings = {"strides": (1,) * n, "pads": (0,) * 2 * n, "dilations": (1,) * n, "group": 1} | (
        settings
    )
    rng = np.random.default_rng(3)
    each = Conv(rng.integers(-50, 50, weight), **settings)
    bias = rng.integers(-99, 99, (to[1], *[1] * n))
    made = program(shape, (affine([each], bias, 4, bound=bound), (0,), to))
    alike(made, rng.integers(-128, 128, (3, *shape)))


@pytest.mark.parametrize(
    ("shape", "factor", "axes", "to"),
    [
        ((2, 3), (), (), (2, 3)),
        ((2, 3), (3,), (), (2, 3)),
        ((3,), (2, 3), (), (2, 3)),
        ((2, 1), (2, 3), (), (2, 3)),
        ((2, 3), (), (1,), (2, 1)),
        ((2, 3, 4), (4,), (0, 2), (1, 3, 1)),
        ((3,), (2, 3), (0,), (1, 3)),
    ],
)
def test_scale(shape, factor, axes, to):
    rng = np.random.default_rng(4)
    each = Scale(rng.integers(-50, 50, factor), len(to), axes, 1)
    made = program(shape, (affine([each], 0, 2), (0,), to))
    alike(made, rng.integers(-128, 128, (4, *shape)))


# --- the accumulators

EDGES = {
    "just below": [2**52, 2**51, 2**51 - 1],
    "a third that is lost": [2**53, 1, 1],
    "lost on the way alone": [2**53 + 1, -(2**53), 1],
    "far above": [2**61 + 1, 2**60 + 1, -(2**59) - 1],
}


def edge(kind, weights, bound):
    column = ints(weights)
    if kind == "dense":
        return (3,), Dense(column[:, None]), (1,), bound
    if kind == "conv":
        return (1, 1, 3), Conv(column.reshape(1, 1, 3), (1,), (0, 0), (1,), 1), (1, 1, 1), bound
    return (3,), Scale(column, 1, (0,), 3), (1,), bound


@pytest.mark.parametrize("kind", ["dense", "conv", "scale"])
@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, -1), (1, -1, 1)])
def test_sums_are_exact_below_the_largest_float_and_above(kind, name, signs):
    weights = EDGES[name]
    shape, each, to, bound = edge(kind, weights, sum(map(abs, weights)) + 1)
    made = program(shape, (affine([each], 0, 0, bound=bound), (0,), to))
    found = made.run(ints(signs).reshape(1, *shape)).ravel().tolist()
    assert found == [sum(w * s for w, s in zip(weights, signs, strict=True))]


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_the_bound_is_what_keeps_a_sum_from_float(kind, monkeypatch):
    shape, each, to, bound = edge(kind, [2**53, 1, 1], 2**53 + 3)
    made = program(shape, (affine([each], 0, 0, bound=bound), (0,), to))
    ones = ints([1, 1, 1]).reshape(1, *shape)
    assert made.run(ones).ravel().tolist() == [2**53 + 2]
    monkeypatch.setattr(_maps, "EXACT_AS_FLOAT", WIDE)
    x = ints([1, 1, 0]).reshape(1, *shape)
    assert made.run(x).ravel().tolist() != [2**53 + 1]


def test_the_largest_float_sum_is_one_below_the_border():
    assert _maps.EXACT_AS_FLOAT == 2**53
    # What no sum reaches is 2^53: the largest sum is 2^53 - 1, and exact.
    a, b = ints([[1, 1]]), ints([[2**52], [2**52 - 1]])
    assert _maps.multiply(a, b, 2**53 - 1).tolist() == [[2**53 - 1]]
    assert _maps.multiply(a, b, 2**53).tolist() == [[2**53 - 1]]
    c = ints([[2**53], [1]])
    assert _maps.multiply(a, c, 2**53).tolist() == [[2**53 + 1]]


def test_a_product_of_matrices_uses_its_bound_too():
    pick = Slice(((0, 1, 1), (0, 2, 1)))
    turn = Transpose((1, 0))
    nodes = [(pick, (0,), (1, 2)), (Slice(((1, 2, 1), (0, 2, 1))), (0,), (1, 2))]
    nodes += [(turn, (2,), (2, 1)), (MatMul(2**54), (1, 3), (1, 1))]
    made = program((2, 2), *nodes)
    x = [[[2**27, 1], [2**26, 1]]]
    assert alike(made, x).ravel().tolist() == [2**53 + 1]


@pytest.mark.parametrize("bound", [2**62, 2**62 + 1, 2**100])
def test_a_sum_that_may_leave_62_bits_is_refused(bound):
    builder = Builder(8)
    builder.name = "fc"
    if bound <= 2**62:
        builder.require_bits(bound)
        return
    with pytest.raises(z.AccumulatorTooWide, match="node 'fc'") as e:
        builder.require_bits(bound)
    assert e.value.bits == bound.bit_length()


def test_a_layer_whose_sums_may_leave_62_bits_is_refused_by_name():
    weights = np.array([[1e25], [-1e25]], np.float32)
    rows = np.ones((4, 1, 2), np.float32)
    with pytest.raises(z.AccumulatorTooWide) as e:
        z.compile_program(gemm(weights), rows)
    assert e.value.place == "node 'fc'"


# --- the other operations


def test_lookup_is_the_table():
    op = Lookup("square", -3, ints([9, 4, 1, 0, 1, 4]))
    assert op.high == 2
    made = program((3,), (op, (0,), (3,)))
    assert alike(made, [[-3, 0, 2], [-1, 1, -2]]).tolist() == [[9, 0, 4], [1, 1, 4]]


@pytest.mark.parametrize("value", [-4, 3, -(2**40), 2**62])
def test_what_no_table_holds_is_refused_and_not_taken_from_its_end(value):
    made = program((1,), (Lookup("square", -3, ints([9, 4, 1, 0, 1, 4])), (0,), (1,)))
    with pytest.raises(z.InputOutOfRange) as e:
        made.run(ints([[value]]))
    assert (e.value.layer, e.value.value, e.value.low, e.value.high) == ("n1", value, -3, 2)


@pytest.mark.parametrize(
    ("shape", "op", "to"),
    [
        ((1, 1, 4, 4), WindowMax((2, 2), (2, 2), (0, 0, 0, 0)), (1, 1, 2, 2)),
        ((1, 2, 4, 4), WindowMax((3, 3), (2, 2), (1, 1, 1, 1)), (1, 2, 2, 2)),
        ((1, 1, 3, 5), WindowMax((2, 3), (1, 2), (1, 0, 0, 2)), (1, 1, 3, 3)),
        ((2, 6), WindowMax((3,), (2,), (0, 1)), (2, 3)),
        ((2, 6), WindowMax((6,), (1,), (0, 0)), (2, 1)),
    ],
)
def test_window_max_leaves_the_padding_out(shape, op, to):
    rng = np.random.default_rng(5)
    made = program(shape, (op, (0,), to))
    # Of negative numbers a padding of zeros would be the largest.
    found = alike(made, rng.integers(-128, 0, (6, *shape)))
    assert found.max() < 0
    alike(made, rng.integers(-128, 128, (6, *shape)))


@pytest.mark.parametrize("axis", [0, 1])
def test_arg_max_is_the_first_of_equals(axis):
    shape = (4, 3)
    to = tuple(1 if i == axis else d for i, d in enumerate(shape))
    made = program(shape, (ArgMax(axis), (0,), to))
    rng = np.random.default_rng(6)
    found = alike(made, rng.integers(-1, 2, (50, *shape)))
    assert not made.run(np.full((1, *shape), -7)).any()
    assert 0 <= found.min() <= found.max() == shape[axis] - 1


def test_divide_is_the_nearest_halves_upwards():
    made = program(
        (2,),
        (Gather(0, (0,)), (0,), (1,)),
        (Gather(0, (1,)), (0,), (1,)),
        (Divide(3), (1, 2), (1,)),
    )
    pairs = [(a, b) for a in range(40) for b in range(1, 40)]
    found = alike(made, pairs).ravel().tolist()
    assert found == [math.floor(Fraction(8 * a, b) + Fraction(1, 2)) for a, b in pairs]
    # 8 a / b of 2.5 and of 0.5.
    assert made.run(ints([[5, 16], [1, 16], [0, 1]])).ravel().tolist() == [3, 1, 0]


@pytest.mark.parametrize("bits", [1, 8, 14, 20, 31])
def test_inverse_sqrt_is_exact(bits):
    rng = random.Random(bits)
    values = list(range(1, 5001))
    values += [rng.randrange(1, 2 ** rng.randrange(1, 63)) for _ in range(3000)]
    values += [2**62, 2**62 - 1, 4**bits, 4**bits - 1, 4**bits + 1]
    # Where 4^bits / v is a square, or one off.
    roots = [rng.randrange(1, 2**bits + 1) for _ in range(300)]
    values += [max(1, 4**bits // y**2 + d) for y in roots for d in (-1, 0, 1)]
    op = InverseSqrt(bits)
    found = op.apply(ints(values)).tolist()
    assert found == [integers.largest_root(v, bits) for v in values]
    assert found == [math.isqrt(4**bits // v) for v in values]


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2, 1))])
def test_product(a, b):
    rng = np.random.default_rng(7)
    size = math.prod(a), math.prod(b)
    made = program(
        (sum(size),),
        (Slice(((0, size[0], 1),)), (0,), (size[0],)),
        (Slice(((size[0], sum(size), 1),)), (0,), (size[1],)),
        (Reshape(a), (1,), a),
        (Reshape(b), (2,), b),
        (Product(2), (3, 4), (2, 3)),
    )
    alike(made, rng.integers(-(2**30), 2**30, (5, sum(size))))


@pytest.mark.parametrize("bound", [2**50, WIDE])
@pytest.mark.parametrize(("a", "b"), [((3, 4), (4, 2)), ((2, 3, 4), (2, 4, 2))])
def test_matmul(a, b, bound):
    rng = np.random.default_rng(8)
    size = math.prod(a), math.prod(b)
    to = (*a[:-1], b[-1])
    made = program(
        (sum(size),),
        (Slice(((0, size[0], 1),)), (0,), (size[0],)),
        (Slice(((size[0], sum(size), 1),)), (0,), (size[1],)),
        (Reshape(a), (1,), a),
        (Reshape(b), (2,), b),
        (MatMul(bound), (3, 4), to),
    )
    alike(made, rng.integers(-1000, 1000, (5, sum(size))))


MOVES = {
    "reshape": (Reshape((4, 6)), (4, 6)),
    "flat": (Reshape((24,)), (24,)),
    "transpose": (Transpose((2, 0, 1)), (4, 2, 3)),
    "slice": (Slice(((0, 2, 1), (1, 3, 1), (0, 4, 2))), (2, 2, 2)),
    "slice, steps past the end": (Slice(((1, 2, 1), (0, 3, 2), (3, 4, 3))), (1, 2, 1)),
    "pad": (Pad(((0, 0), (1, 0), (2, 1)), -7), (2, 4, 7)),
    "gather": (Gather(1, (2, 0, 2, 1)), (2, 4, 4)),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves(name):
    op, to = MOVES[name]
    x = np.random.default_rng(9).integers(-99, 99, (3, 2, 3, 4))
    assert alike(program((2, 3, 4), (op, (0,), to)), x).shape == (3, *to)


def test_concat():
    x = np.random.default_rng(10).integers(-99, 99, (3, 2, 3))
    made = program(
        (2, 3),
        (Slice(((0, 2, 1), (1, 2, 1))), (0,), (2, 1)),
        (Concat(1), (1, 0, 1), (2, 5)),
        (Concat(0), (2, 2), (4, 5)),
    )
    alike(made, x)


def test_the_input_is_the_nearest_integer_ties_to_even():
    made = program((4,))
    half = z.Program(made.nodes, (np.asarray(0.5),), made.ranges, 8, ())
    x = np.array([[0.25, 0.75, -0.25, 1.3]], np.float32)
    assert half.quantize(x).tolist() == [[0, 2, 0, 3]]
    each = z.Program(made.nodes, (np.array([1.0, 0.5, 0.25, 10.0]),), made.ranges, 8, ())
    assert each.quantize(np.ones((1, 4))).tolist() == [[1, 2, 4, 0]]


# --- ranges


def gemm(weights):
    weights = np.asarray(weights, np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="fc")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, weights.shape[0]))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, weights.shape[1]))],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.zeros(weights.shape[1], np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return z.load_model(model.SerializeToString())


@pytest.fixture(scope="module")
def difference():
    """The program of x0 - x1, made on inputs that differ by a tenth."""
    rng = np.random.default_rng(11)
    rows = rng.uniform(-1, 1, (64, 1, 2)).astype(np.float32)
    rows[..., 1] = rows[..., 0] + rng.uniform(-0.1, 0.1, (64, 1)).astype(np.float32)
    return z.compile_program(gemm([[1], [-1]]), rows, width=8).program


@pytest.mark.parametrize("value", [128, -129, 2**40, -(2**63), 2**63 - 1])
def test_an_input_out_of_range_is_refused_with_its_value(difference, value):
    low, high = difference.ranges[0]
    if value in (128, -129):
        value = high + 1 if value > 0 else low - 1
    x = ints([[[0, 0]], [[low, low]], [[0, value]], [[value, 0]]])
    with pytest.raises(z.InputOutOfRange) as e:
        difference.run(x)
    assert (e.value.layer, e.value.value) == ("input", value)
    assert (e.value.low, e.value.high) == (low, high)
    assert str(value) in str(e.value)
    assert "node 'input'" in str(e.value)


def test_the_ends_of_the_range_are_inside(difference):
    low, high = difference.ranges[0]
    _, refused = difference.run_each(ints([[[low, low]], [[high, high]]]))
    assert not refused


def test_an_inner_layer_out_of_range_is_refused_with_its_value(difference):
    low, high = difference.ranges[1]
    x = ints([[[100, -100]]])
    with pytest.raises(z.InputOutOfRange, match="node 'fc'") as e:
        difference.run(x)
    with pytest.raises(integers.LeftRangeError) as wanted:
        integers.evaluate(difference, x[0])
    assert (e.value.layer, e.value.value) == ("fc", wanted.value.args[1])
    assert (e.value.low, e.value.high) == (low, high)
    assert e.value.value > high


def test_real_numbers_far_outside_are_refused_and_nan_by_its_place(difference):
    for far in (1e30, -1e30, np.inf, -np.inf):
        x = difference.quantize(np.array([[[0.1, far]]]))
        with pytest.raises(z.InputOutOfRange, match="node 'input'"):
            difference.run(x)
    with pytest.raises(z.InputNotFinite) as e:
        difference.quantize(np.array([[[0.1, 0.2]], [[0.1, np.nan]]]))
    assert (e.value.kind, e.value.index) == ("nan", (1, 0, 1))


@pytest.mark.parametrize("shape", [(1, 2), (2,), (3, 2), (3, 1, 1), (3, 1, 2, 1), ()])
def test_integers_of_another_shape_are_refused(difference, shape):
    with pytest.raises(z.InputShapeMismatch) as e:
        difference.run(np.zeros(shape, np.int64))
    assert e.value.expected == (1, 2)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint64, np.bool_, object, complex])
def test_what_is_no_int64_is_refused(difference, kind):
    with pytest.raises(TypeError, match="integers"):
        difference.run(np.zeros((1, 1, 2), kind))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32])
def test_narrow_integers_do_not_wrap(kind):
    made = program((1,), (Product(1), (0, 0), (1,)), (Product(1), (1, 1), (1,)))
    x = np.array([[np.iinfo(kind).max]], kind) if kind is np.int8 else np.array([[255 // 2]], kind)
    assert made.run(x).tolist() == [[127**4]]
    assert made.run(x).dtype == np.int64


def test_no_samples_make_no_outputs(difference):
    found, refused = difference.run_each(np.zeros((0, 1, 2), np.int64))
    assert found.shape == (0, 1, 1)
    assert not refused


def leaving(made):
    """Return samples, and the numbers of those that leave a range, for each reason."""
    rng = np.random.default_rng(12)
    _, high = made.ranges[0]
    x = rng.integers(-20, 20, (30, 1, 2))
    x[..., 1] = x[..., 0]
    x[[3, 17], 0, 1] = high + 1, 2**50
    x[[4, 29]] = [[100, -100]], [[-100, 100]]
    # Both at once: the input is named.
    x[11] = [[high + 3, -100]]
    return x, {3: "input", 17: "input", 4: "fc", 29: "fc", 11: "input"}


def test_each_sample_that_leaves_a_range_is_reported_and_no_other(difference):
    x, wanted = leaving(difference)
    found, refused = difference.run_each(x)
    assert {i: e.layer for i, e in refused.items()} == wanted
    assert refused[3].value == difference.ranges[0][1] + 1
    assert refused[17].value == 2**50
    for i, row in enumerate(x):
        if i in wanted:
            with pytest.raises(z.InputOutOfRange) as e:
                difference.run(row[None])
            assert (e.value.layer, e.value.value) == (refused[i].layer, refused[i].value)
        else:
            assert (difference.run(row[None])[0] == found[i]).all()
    with pytest.raises(z.InputOutOfRange) as e:
        difference.run(x)
    assert e.value.value == refused[3].value


@pytest.mark.parametrize("largest", [1, 4, 17, 50])
def test_how_samples_are_split_changes_nothing(difference, monkeypatch, largest):
    x, _ = leaving(difference)
    whole, parts = [], []
    found, refused = difference.run_each(x, lambda i, v: whole.append((i, v.copy())))
    monkeypatch.setattr(_program, "_LARGEST_ARRAY", largest)
    again, also = difference.run_each(x, lambda i, v: parts.append((i, v.copy())))
    assert len(parts) > len(whole)
    assert (again == found).all()
    assert {i: str(e) for i, e in also.items()} == {i: str(e) for i, e in refused.items()}
    for i in range(len(difference.nodes)):
        one, many = (np.concatenate([v for k, v in seen if k == i]) for seen in (whole, parts))
        assert (one == many).all()


def test_a_run_leaves_its_input_alone(difference):
    x, _ = leaving(difference)
    before = x.copy()
    difference.run_each(x)
    assert (x == before).all()


# --- the same program everywhere

DUMP = """
import hashlib, sys
import numpy as np
from dataclasses import fields, is_dataclass
import zkinfer_circuits as z
from zkinfer_models import model

def told(value):
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, tuple):
        return tuple(told(v) for v in value)
    if is_dataclass(value):
        return (type(value).__name__, *(told(getattr(value, f.name)) for f in fields(value)))
    return repr(value)

def dump(name):
    card = model(name)
    network = z.load_model(card.onnx_bytes())
    rows = card.samples().calibration[:40].reshape(-1, *network.input_shape)
    made = z.compile_program(network, rows)
    found = told(made.program), made.errors, made.real_nodes, told(made.quantization)
    return hashlib.sha256(repr(found).encode()).hexdigest()
"""
NAMES = ("breast-cancer", "digits-cnn")


def test_two_processes_make_one_program():
    code = f"{DUMP}\nfor name in {NAMES}: print(dump(name))"
    outputs = []
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "PYTHONHASHSEED": seed,
        }
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        )
    here = {}
    exec(DUMP, here)
    assert outputs[0] == outputs[1] == [here["dump"](name) for name in NAMES]
    assert len({*outputs[0]}) == len(NAMES)
