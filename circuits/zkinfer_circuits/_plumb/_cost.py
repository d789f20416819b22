"""What a proof costs: how many rows and columns, bytes and milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._pack import index_bits, padded, weight_blocks
from ._plan import PlanInput, PlanLinear, PlanMap

if TYPE_CHECKING:
    from ._pack import Packing
    from ._plan import Plan

# Rough times on two cores of 2024, in nanoseconds; they decide which of several layouts is used, so
# only their ratios matter.
_FULL = 1900.0  # one full-size scalar in a multi-scalar multiplication
_SMALL = 350.0  # one small integer there
_ROW = 60.0  # one row of one column in sumchecks, helpers and combinations
_WEIGHT = 90.0  # one position of a weight chunk
_CELL = 120.0  # one cell of a block, in the functionals that read it
# One closed form for the verifier, and one commitment of weights: they cost gas more than time, and
# among layouts of about the same time decide.
_TERM = 300_000.0
_CHUNK = 600_000.0
_FIXED = 2e6  # what the smallest proof costs anyway
# Full-size scalars of an opening, per row: quotients and what is folded.
_OPENING = 2.5
_DEGREES = (4, 2, 2)
_OPENING_WORDS = 8 * 2 + 6
_COMMITMENT_WORDS = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimates.

    Attributes
    ----------
    log_rows, range_bits
        c and s.
    columns
        Columns that every proof commits to.
    chunks
        Columns of weights.
    cells, weights
        Rows of blocks, and weights, both with padding.
    proof_bytes
        Length of a proof.
    prove_seconds
        A rough time on two cores.
    """

    log_rows: int
    range_bits: int
    columns: int
    chunks: int
    cells: int
    weights: int
    proof_bytes: int
    prove_seconds: float


def estimate(plan: Plan, places: Packing, batch: int) -> Cost:
    """Return what proofs of a layout cost."""
    c, rows = places.log_rows, 1 << places.log_rows
    pairs, ranges = len(places.pairs), places.ranges
    small = ranges + 2 * pairs + 1
    helpers = math.ceil((ranges + pairs) / 2) + 1
    columns = small + helpers + 2
    weight_bits = c + index_bits(places.chunks + 1)
    limbs = sum(len(each) for each in places.remainders.values())
    cells = sum(padded((batch, *b.size)) for b in plan.blocks)
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, PlanLinear):
            cells += len(places.remainders.get(i, ())) * padded((batch, *layer.size))
    nanoseconds = _FIXED + _CELL * cells + _TERM * (_terms(plan) + limbs)
    nanoseconds += _CHUNK * places.chunks
    nanoseconds += rows * (
        _SMALL * small
        + _FULL * (helpers + 2 + _OPENING)
        + _ROW * columns
        + _WEIGHT * (1 << weight_bits - c)
    )
    rounds = sum(n * degree for n, degree in zip((c, weight_bits, c), _DEGREES, strict=True))
    values = small + helpers + 5
    words = columns * _COMMITMENT_WORDS + rounds + values + _OPENING_WORDS
    return Cost(
        log_rows=c,
        range_bits=places.range_bits,
        columns=columns,
        chunks=places.chunks,
        cells=cells,
        weights=sum(
            padded(dims)
            for layer in plan.layers
            if isinstance(layer, PlanLinear)
            for dims in weight_blocks(layer)
        ),
        proof_bytes=32 * words,
        prove_seconds=nanoseconds / 1e9,
    )


def _terms(plan: Plan) -> float:
    """Return the functionals of all layers, limbs of remainders aside."""
    count = 0.0
    for layer in plan.layers:
        match layer:
            case PlanInput():
                count += 1
            case PlanLinear():
                count += 1 + sum(len(m.view) * _taps(m) for m in layer.maps)
            case _:
                count += 1 + len(layer.view)
    return count


def _taps(each: PlanMap) -> float:
    """Return what a window costs in functionals without one."""
    if each.window is None:
        return 1.0
    return 1.0 + each.window.kernel[0] * each.window.kernel[1] / 16
