"""Maxima in cells of their own: where windows read them, and nowhere else."""

import numpy as np
import pytest

from tests.unit.circuits.test_plumb_layout import (
    POOLS,
    Building,
    convolution,
    integers,
    program_of,
    same,
    samples,
)
from zkinfer_circuits._plumb._lower import lower
from zkinfer_circuits._plumb._maxima import as_cells
from zkinfer_circuits._plumb._plan import PlanCombine, PlanLinear
from zkinfer_circuits._program._maps import Dense
from zkinfer_circuits._program._moves import Concat, Reshape


def pool_and_windows(pool, where, windows=1):
    """Return a program whose convolutions read maxima, and their plan with and without copies."""
    b = Building(1, 2, 12, 14)
    b.affine([convolution(3, 2, (1, 1))])
    if where == "behind":
        b.relu()
    if where == "behind a guard":
        b.lookup(abs, name="abs")
    x = b.add(POOLS[pool])
    if where == "before":
        x = b.relu()
    read = [b.affine([convolution(4, 3, (5, 3))], x) for _ in range(windows)]
    if windows > 1:
        b.add(Concat(1), *read)
    program = b.program()
    plan = lower(program, np.arange(336).reshape(2, 12, 14), frozenset())
    return program, plan, as_cells(plan, 1)


def terms(plan):
    """Return how many terms each map reads."""
    layers = [layer for layer in plan.layers if isinstance(layer, PlanLinear)]
    return [len(m.view) for layer in layers for m in layer.maps]


def copies(plan, made):
    """Return how many layers a plan has more."""
    count = [sum(isinstance(x, PlanCombine) for x in each.layers) for each in (plan, made)]
    assert len(made.layers) - len(plan.layers) == count[1] - count[0]
    return count[1] - count[0]


@pytest.mark.parametrize(
    ("pool", "where", "before"),
    [
        ("2x2", "behind", 3),
        ("2x2", "before", 3),
        # Of signed numbers: a maximum of what is above zero, and one of what is below.
        ("2x2", "alone", 6),
        ("2x4", "behind", 4),
    ],
)
def test_windows_read_maxima_from_cells_of_their_own(pool, where, before):
    program, plan, made = pool_and_windows(pool, where)
    assert terms(plan) == [1, before]
    assert terms(made) == [1, 1]
    assert copies(plan, made) == 1
    x = samples(program, largest=100 if where == "alone" else 127)
    for weights in ("hidden", "public"):
        sums, _ = same(program, x, weights=weights)
        cells, _ = same(program, x, weights=weights, gas_worth=3e-6)
        assert cells.cost.cells > sums.cost.cells
        assert cells.cost.gas < sums.cost.gas
        assert cells.cost.columns == sums.cost.columns


def test_several_windows_read_one_copy():
    program, plan, made = pool_and_windows("2x2", "behind", windows=3)
    assert terms(plan)[:4] == [1, 3, 3, 3]
    assert terms(made)[:4] == [1, 1, 1, 1]
    assert copies(plan, made) == 1
    same(program, gas_worth=3e-6)


@pytest.mark.parametrize(
    ("pool", "where"),
    [
        # These have cells already.
        ("overlapping", "behind"),
        # The absolute value of -128 has more than 8 bits.
        ("2x2", "behind a guard"),
    ],
)
def test_what_needs_no_copy_or_might_not_fit_has_none(pool, where):
    program, plan, made = pool_and_windows(pool, where)
    assert made is plan
    same(program, gas_worth=3e-6)


def test_maxima_that_cost_less_as_sums_stay_sums():
    """A few bits of a dense map cost less than another layer."""
    b = Building(1, 2, 4, 4)
    b.affine([convolution(3, 2, (1, 1))])
    b.relu()
    b.add(POOLS["2x2"])
    b.add(Reshape((1, 12)))
    b.affine([Dense(integers(12, 3))])
    program = b.program()
    plan = lower(program, np.arange(32).reshape(2, 4, 4), frozenset())
    assert max(terms(plan)) == 3
    assert as_cells(plan, 1) is plan
    same(program, gas_worth=3e-6)


def test_lenet5_reads_each_maximum_where_it_was_taken():
    """Both of its poolings are of squares: no layer is theirs, and all cells are one pair's."""
    program, x = program_of("lenet5")
    for gas_worth in (0.0, 3e-6):
        circuit, refused = same(program, x, gas_worth=gas_worth)
        assert (circuit.cost.log_rows, circuit.cost.columns, circuit.cost.chunks) == (14, 8, 5)
        assert not refused
    plan = lower(program, np.arange(784).reshape(1, 28, 28), frozenset())
    assert terms(plan) == [1, 1, 1, 1, 1]
    assert not any(isinstance(layer, PlanCombine) for layer in plan.layers)
    # The input, y and remainders of 6 x 28 x 28 and of 16 x 10 x 10, and the dense layers; blocks
    # of pairs count twice where their values are read.
    cells = 1024 + 3 * 8 * 1024 + 3 * 16 * 256 + 3 * 128 + 3 * 128 + 16
    assert circuit.cost.cells == cells
