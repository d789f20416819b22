"""Maxima of 2 x 2 squares in the cells of the layer that they are taken of."""

import numpy as np
import pytest

import zkinfer_circuits as z
from tests.unit.circuits.test_plumb_layout import (
    POOLS,
    Building,
    convolution,
    integers,
    program_of,
    same,
)
from zkinfer_circuits._plumb._lower import lower
from zkinfer_circuits._plumb._plan import PlanCombine, PlanLinear
from zkinfer_circuits._program._integer import Affine
from zkinfer_circuits._program._maps import Dense
from zkinfer_circuits._program._moves import Concat, Reshape
from zkinfer_circuits._program._shared import WindowMax

QUARTER = 64


def square(x):
    return x * x // 160


def pooling(
    where="behind", half=QUARTER, height=6, width=8, pool="2x2", others=False, function=square
):
    """Return a program that pools a convolution's numbers; whoever reads them, reads maxima."""
    b = Building(1, 2, height, width)
    first = b.affine([convolution(3, 2, (3, 3))], half=half, shift=6)
    if where == "behind":
        b.relu()
    if where == "behind a table":
        b.lookup(function)
    x = b.add(POOLS[pool])
    if where == "before":
        x = b.relu()
    if where == "before a table":
        x = b.lookup(function)
    n = int(np.prod(b.nodes[x].shape))
    flat = b.add(Reshape((1, n)), x)
    if others:
        rest = int(np.prod(b.nodes[first].shape))
        flat = b.add(Concat(1), flat, b.add(Reshape((1, rest)), first))
        n += rest
    b.affine([Dense(integers(n, 3))], flat, shift=7)
    return b.program()


def plan_of(program):
    shape = program.input_shape[-3:]
    return lower(program, np.arange(np.prod(shape)).reshape(shape), frozenset())


def in_squares(plan):
    """Return whether each layer with weights but the last is pooled in its own cells."""
    *layers, last = [layer for layer in plan.layers if isinstance(layer, PlanLinear)]
    assert last.pooled is None
    return [layer.pooled is not None for layer in layers]


def values(program, n=40):
    """Return inputs of all sizes, with which about half of the programs' numbers fit."""
    rng = np.random.default_rng(5)
    spread = rng.integers(1, 128, (n, 1, 1, 1, 1))
    return rng.integers(-(1 << 20), 1 << 20, (n, *program.input_shape)) % (2 * spread + 1) - spread


@pytest.mark.parametrize("where", ["behind", "before", "alone"])
@pytest.mark.parametrize("weights", ["hidden", "public"])
def test_maxima_of_squares_take_no_layer(where, weights):
    program = pooling(where)
    plan = plan_of(program)
    assert in_squares(plan) == [True]
    assert not any(isinstance(layer, PlanCombine) for layer in plan.layers)
    # What the executor refuses, and nothing else, is refused: differences are in range.
    circuit, refused = same(program, values(program), weights=weights)
    assert 0 < refused < 40
    # The input; y and remainders of 3 x 4 x 6, of which those of y have values beside them; the
    # output's remainders. Lengths are padded.
    limbs = [-(-shift // circuit.cost.range_bits) for shift in (6, 7)]
    assert circuit.cost.cells == 128 + (2 + limbs[0]) * 4 * 4 * 8 + limbs[1] * 4


def test_a_batch_is_pooled_too():
    program = pooling()
    x = values(program)
    _, refused = program.run_each(x)
    fits = np.array([x[i] for i in range(len(x)) if i not in refused])[:6]
    assert len(fits) == 6
    same(program, fits, batch=3)


@pytest.mark.parametrize(
    "how",
    [
        # Differences of K-bit integers have a bit more.
        {"half": 2 * QUARTER},
        {"height": 7},
        {"width": 7},
        {"pool": "2x4"},
        {"pool": "padded"},
        {"others": True},
        {"where": "behind a table"},
    ],
)
def test_what_is_no_square_or_does_not_fit_is_pooled_elsewhere(how):
    assert not any(in_squares(plan_of(pooling(**how))))
    program = pooling(**how | {"half": 2 * QUARTER})
    same(program, values(program))


@pytest.mark.parametrize("function", [square, lambda y: (y + 64) // 3])
def test_functions_of_maxima_are_looked_up_of_them_alone(function):
    """Also those that rise, which might be looked up before maxima are taken."""
    program = pooling("before a table", function=function)
    plan = plan_of(program)
    assert in_squares(plan) == [True]
    (table,) = [layer for layer in plan.layers if isinstance(layer, PlanCombine)]
    assert plan.blocks[table.cell].size == (3, 2, 3)
    same(program, values(program))


def test_two_poolings_one_behind_the_other():
    b = Building(1, 1, 10, 10)
    for n in (3, 2):
        b.affine([convolution(2, 1 if n == 3 else 2, (n, n))], half=QUARTER, shift=6)
        b.relu()
        b.add(POOLS["2x2"]) if n == 3 else None
    b.add(Reshape((1, 18)))
    b.affine([Dense(integers(18, 2))], shift=6)
    program = b.program()
    assert in_squares(plan_of(program)) == [True, False]
    same(program, values(program))


def test_an_image_that_windows_and_others_read_in_halves():
    """What reads every second row and column of a block meets no other cells of it."""
    b = Building(1, 2, 8, 8)
    b.affine([convolution(4, 2, (1, 1))], half=QUARTER, shift=6)
    b.relu()
    b.add(POOLS["2x2"])
    b.affine([convolution(3, 4, (3, 3))], shift=7)
    b.relu()
    b.add(Reshape((1, 12)))
    b.affine([Dense(integers(12, 2))], shift=6)
    program = b.program()
    plan = plan_of(program)
    window, dense = [layer.maps[0] for layer in plan.layers if isinstance(layer, PlanLinear)][1:]
    assert (window.size, dense.size) == ((4, 4, 4), (3, 2, 2))
    assert [(s.shift, s.low) for s in (window.view[0].height, window.view[0].width)] == [(1, 1)] * 2
    same(program, values(program))


def test_compiled_programs_leave_room_for_differences():
    """A quarter of the range, where squares are all that is read of a layer, and nowhere else."""
    program, _ = program_of("lenet5")
    half = 1 << program.width - 1
    squares = []
    for i, node in enumerate(program.nodes):
        if isinstance(node.op, Affine):
            low, high = program.ranges[i]
            assert (low, high) in ((-half, half - 1), (-half // 2, half // 2 - 1))
            squares.append(high < half // 2)
    assert squares == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("op", "shape", "expected"),
    [
        (WindowMax((2, 2), (2, 2), (0,) * 4), (1, 3, 4, 6), True),
        (WindowMax((2, 2), (2, 2), (0,) * 4), (4, 6), True),
        (WindowMax((2, 2), (2, 2), (0,) * 4), (1, 3, 5, 6), False),
        (WindowMax((2, 2), (2, 2), (0,) * 4), (1, 3, 4, 7), False),
        (WindowMax((2, 2), (2, 1), (0,) * 4), (1, 3, 4, 6), False),
        (WindowMax((2, 2), (2, 2), (1, 1, 1, 1)), (1, 3, 4, 6), False),
        (WindowMax((2,), (2,), (0, 0)), (1, 3, 4), False),
    ],
)
def test_what_squares_are(op, shape, expected):
    assert op.of_squares(shape) is expected
    if expected:
        x = np.arange(np.prod(shape)).reshape(1, *shape)
        assert (op.apply(x) == x[..., 1::2, 1::2]).all()


def test_every_shipped_model_with_poolings_still_agrees_with_its_float_model():
    for name in ("lenet5", "digits-cnn"):
        program, x = program_of(name)
        assert isinstance(program, z.Program)
        _, refused = program.run_each(x)
        assert not refused
