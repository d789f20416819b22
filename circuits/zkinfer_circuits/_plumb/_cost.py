"""What a proof costs, before there is one: rows, columns, bytes, milliseconds and gas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._descriptor import Table
from ._gas import LayerGas
from ._pack import index_bits, padded, weight_blocks
from ._plan import PlanLinear

if TYPE_CHECKING:
    from ._pack import Packing
    from ._plan import Plan

# Nanoseconds of one processor, by stage of a proof, as progress names them: medians over eight
# models that `zkinfer bench` knows, with 2^10 to 2^16 rows and 1 to 129 chunks (AMD EPYC,
# 2026-11-25), all scaled to a quiet machine (2026-11-28). They decide which of several layouts is
# used: their ratios matter.
# A column of full-size scalars, and each row of it: "commit helpers" by helpers, against rows. What
# does not grow are buckets and the random rows at its end.
_FULL_COLUMN, _FULL = 4.6e6, 2050.0
# A column of small integers: what "commit" takes beyond its two columns of random numbers.
_SMALL_COLUMN, _SMALL = 0.4e6, 285.0
# "open": eight multiplications, two of them as long as a column, and divisions.
_OPENING, _OPENING_ROW = 21.7e6, 10_000.0
# One row of one column in "look-ups" and "claims".
_ROW = 460.0
# One position of the weight index, with padding, in "weights".
_WEIGHT = 170.0
# One row of a chunk: what "claims" and "open" take for more chunks at one size.
_CHUNK = 69.0
# One cell of a block: "execute", and the functionals that read it.
_CELL = 143.0
# How many times as fast two cores are as one.
_TWO_CORES = 1.8
# Gas (2026-11-28; totals of the models that `zkinfer bench` knows come out within 5 %): a
# transaction, the pairing of two pairs of points, and what every proof has once.
_BASE_GAS = 21_000 + 113_500 + 21_000
_COORDINATE_GAS = 3_200  # one variable of a row: masks, look-ups, openings
_BYTE_GAS = 16  # one byte of calldata
_POINT_GAS = 6_450  # one point in a combination: a column, a chunk, or one of the opening's
_ROUND_GAS = 160  # one degree of one round of a sumcheck
_ENTRY_GAS = 40  # one entry of a table without a closed form
# Degrees of the sumchecks in the variables of chunks and of rows, and of that over claims.
_OF_CHUNKS, _OF_ROWS, _OF_CLAIMS = 2, 4, 2
_OPENING_WORDS = 7 * 2 + 7
# Its commitments, and the generators that they are compared with.
_OPENING_POINTS = 7
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
        The length of a proof, exactly.
    prove_seconds
        A rough time on two cores.
    gas
        A rough price of a verification.
    """

    log_rows: int
    range_bits: int
    columns: int
    chunks: int
    cells: int
    weights: int
    proof_bytes: int
    prove_seconds: float
    gas: int


def estimate(plan: Plan, places: Packing, batch: int) -> Cost:
    """Return what proofs of a layout cost."""
    c, rows = places.log_rows, 1 << places.log_rows
    pairs, ranges = len(places.pairs), places.ranges
    small = ranges + 2 * pairs + 1
    helpers = math.ceil((ranges + pairs) / 2) + 1
    columns = small + helpers + 2
    weight_bits = c + index_bits(places.chunks + 1)
    cells = sum(padded((batch, *b.size)) for b in plan.blocks)
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, PlanLinear):
            cells += len(places.remainders.get(i, ())) * padded((batch, *layer.size))
    nanoseconds = _OPENING + _CELL * cells
    nanoseconds += small * _SMALL_COLUMN + (helpers + 1) * _FULL_COLUMN
    nanoseconds += rows * (
        _SMALL * small
        + _FULL * (helpers + 1)
        + _OPENING_ROW
        + _ROW * columns
        + _CHUNK * places.chunks
        + _WEIGHT * (1 << weight_bits - c)
    )
    rounds = _OF_CHUNKS * (weight_bits - c) + (_OF_ROWS + _OF_CLAIMS) * c
    # Those of the columns, H_A, e_W, e_X and mu.
    values = small + helpers + 4
    size = 32 * (columns * _COMMITMENT_WORDS + rounds + values + _OPENING_WORDS)
    tables = sum(isinstance(f, Table) for f in plan.functions) << plan.width
    closed_forms = LayerGas(plan, batch)
    gas = (
        _BASE_GAS
        + _BYTE_GAS * size
        + _POINT_GAS * (columns + places.chunks + _OPENING_POINTS)
        + sum(
            closed_forms.layer(layer, len(places.remainders.get(i, ())))
            for i, layer in enumerate(plan.layers)
        )
        + _COORDINATE_GAS * c
        + _ROUND_GAS * rounds
        + _ENTRY_GAS * tables
    )
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
        proof_bytes=size,
        prove_seconds=nanoseconds / _TWO_CORES / 1e9,
        gas=round(gas),
    )
