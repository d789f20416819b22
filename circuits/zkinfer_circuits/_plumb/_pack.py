"""Which block goes where: columns, weight chunks, tables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._plan import ANY, PlanCombine, PlanInput, PlanLinear, PlanMap, PlanTop1

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._plan import Plan

# Random rows at the end of every column, 2^3 of them. What a proof reveals of a column are its
# commitment and its value at one point; of column M, four of these rows more, its mask cells. So at
# most six are spent. More would hide no more, and each is a scalar of full size in a commitment to
# otherwise small integers.
LOG_PAD = 3
_MAKERS = (PlanInput, PlanCombine, PlanLinear)
# The checker's limits.
_MOST_COLUMNS = 64
_LARGEST_SHIFT = 40
# Free positions of every chunk of hidden weights, which hold random numbers.
SALTS = 2


def index_bits(n: int) -> int:
    """Return ceil(log2 n)."""
    return (n - 1).bit_length()


def padded(lengths: Iterable[int]) -> int:
    """Return the rows of a tensor whose lengths are padded to powers of two."""
    return 1 << sum(index_bits(n) for n in lengths)


def limbs_of(shift: int, range_bits: int) -> int:
    """Return the limbs of a remainder.

    The shift is raised to a multiple of s, and weights and biases with it: what comes out is the
    same, and no limb needs a range below the table's.
    """
    return -(-shift // range_bits)


@dataclass(eq=False, slots=True)
class Packing:
    """Places.

    Attributes
    ----------
    blocks
        (number of the column or pair, offset) of each block of the plan.
    remainders
        For each layer, those of its limbs.
    pairs
        The function of each pair.
    ranges
        How many range columns there are.
    tables
        Offsets of the range table and of each function's.
    weights
        For each layer, offsets of its maps' weights, then of its biases.
    """

    log_rows: int
    range_bits: int
    blocks: dict[int, tuple[int, int]] = field(default_factory=dict)
    remainders: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    pairs: list[int] = field(default_factory=list)
    ranges: int = 0
    tables: list[int] = field(default_factory=list)
    weights: dict[int, list[int]] = field(default_factory=dict)
    chunks: int = 0

    @property
    def active(self) -> int:
        """Rows before the random ones."""
        return (1 << self.log_rows) - (1 << LOG_PAD)


class _Columns:
    """Columns that are filled one after the other; blocks come in decreasing size."""

    def __init__(self, active: int) -> None:
        self._active = active
        self.used: list[int] = []
        self.kinds: list[int] = []

    def place(self, size: int, kinds: Sequence[int] | None, new: int) -> tuple[int, int] | None:
        """Return (column, row): in the first column of one of the kinds, or in a new one."""
        if size > self._active:
            return None
        for i, (used, kind) in enumerate(zip(self.used, self.kinds, strict=True)):
            if (kinds is None or kind in kinds) and used + size <= self._active:
                # Sizes are powers of two and decrease: what is used is a multiple of each.
                self.used[i] += size
                return i, used
        self.used.append(size)
        self.kinds.append(new)
        return len(self.used) - 1, 0


def pack(plan: Plan, log_rows: int, range_bits: int, batch: int, hidden: bool) -> Packing | None:
    """Return places for everything, or None where something does not fit."""
    made = Packing(log_rows, range_bits)
    if not _tables(plan, made) or not _cells(plan, made, batch):
        return None
    if not _weights(plan, made, hidden):
        return None
    return made


def _tables(plan: Plan, made: Packing) -> bool:
    sizes = [made.range_bits, *[plan.width] * len(plan.functions)]
    made.tables = [0] * len(sizes)
    at = 0
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        made.tables[i] = at
        at += 1 << sizes[i]
    return at <= made.active


def _cells(plan: Plan, made: Packing, batch: int) -> bool:
    arguments = [
        (padded((batch, *b.size)), i) for i, b in enumerate(plan.blocks) if b.argument is None
    ]
    rows = dict.fromkeys(range(len(plan.functions)), 0)
    for size, i in arguments:
        function = plan.blocks[i].function
        if function != ANY:
            rows[function] += size
    # A block whose function does not matter opens a pair of the one that has most to place.
    common = max(rows, key=lambda f: (rows[f], -f))
    pairs = _Columns(made.active)
    for size, i in sorted(arguments, key=lambda a: (-a[0], a[1])):
        function = plan.blocks[i].function
        place = (
            pairs.place(size, None, common)
            if function == ANY
            else (pairs.place(size, (function,), function))
        )
        if place is None:
            return False
        made.blocks[i] = place
    for i, b in enumerate(plan.blocks):
        if b.argument is not None:
            made.blocks[i] = made.blocks[b.argument]
    made.pairs = pairs.kinds
    ranges = _Columns(made.active)
    wanted = []
    for i, layer in enumerate(plan.layers):
        bits = made.range_bits
        if isinstance(layer, PlanLinear):
            if limbs_of(layer.shift, bits) * bits > _LARGEST_SHIFT:
                return False
            wanted += [(padded((batch, *layer.size)), i)] * limbs_of(layer.shift, bits)
        if isinstance(layer, PlanTop1):
            wanted += [(padded((batch, *layer.size)), i)] * top_limbs(plan, bits)
    for size, i in sorted(wanted, key=lambda a: (-a[0], a[1])):
        place = ranges.place(size, None, 0)
        if place is None:
            return False
        made.remainders.setdefault(i, []).append(place)
    made.ranges = max(1, len(ranges.used))
    return made.ranges <= _MOST_COLUMNS and len(made.pairs) <= _MOST_COLUMNS


def top_limbs(plan: Plan, range_bits: int) -> int:
    """Return the blocks for distances to the largest value: limbs, and a scaled copy of the last.

    The core wants their range to be exactly K bits; where s divides K, no copy is needed.
    """
    return limbs_of(plan.width, range_bits) + bool(plan.width % range_bits)


def free_in_worst_chunk(dims: Sequence[int], log_rows: int) -> int:
    """Return how many positions of the fullest chunk of a block of weights are no weights."""
    real, bits = 1, 0
    for n in reversed(dims):
        inside = min(index_bits(n), log_rows - bits)
        real *= min(n, 1 << inside)
        bits += inside
    return (1 << log_rows) - real


def weight_blocks(layer: PlanLinear) -> list[tuple[int, ...]]:
    """Return the lengths of a layer's weights, map by map, and of its biases."""
    out = layer.size[0]
    return [*(m.weight_dims(out) for m in layer.maps), (out,)]


def _weights(plan: Plan, made: Packing, hidden: bool) -> bool:
    rows = 1 << made.log_rows
    blocks = [
        (padded(dims), math.prod(dims), i, k, dims)
        for i, layer in enumerate(plan.layers)
        if isinstance(layer, PlanLinear)
        for k, dims in enumerate(weight_blocks(layer))
    ]
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, PlanLinear):
            made.weights[i] = [0] * len(weight_blocks(layer))
    blocks.sort(key=lambda b: (-b[0], b[2], b[3]))
    used: list[int] = []
    free: list[int] = []
    for size, real, i, k, dims in blocks:
        if size >= rows:
            if hidden and free_in_worst_chunk(dims, made.log_rows) < SALTS:
                return False
            made.weights[i][k] = len(used) * rows
            used += [rows] * (size // rows)
            free += [0] * (size // rows)
            continue
        need = real + (SALTS if hidden else 0)
        for chunk, room in enumerate(free):
            if room >= need and used[chunk] + size <= rows:
                break
        else:
            chunk = len(used)
            used.append(0)
            free.append(rows)
        made.weights[i][k] = chunk * rows + used[chunk]
        used[chunk] += size
        free[chunk] -= real
    made.chunks = max(1, len(used))
    return made.chunks <= (1 << 31 >> made.log_rows) - 1


def full_maps(plan: Plan, log_rows: int) -> list[tuple[int, int]]:
    """Return (layer, map) of weights that leave no room for random numbers in some chunk."""
    return [
        (i, k)
        for i, layer in enumerate(plan.layers)
        if isinstance(layer, PlanLinear)
        for k, each in enumerate(layer.maps)
        for dims in [each.weight_dims(layer.size[0])]
        if padded(dims) >= 1 << log_rows and free_in_worst_chunk(dims, log_rows) < SALTS
    ]


def producers(plan: Plan, each: PlanMap) -> set[int]:
    """Return the nodes that may give a channel of what a map reads a block of its own."""
    makers = {layer.cell: layer for layer in plan.layers if isinstance(layer, _MAKERS)}
    found: set[int] = set()
    left, seen = [term.block for term in each.view], set[int]()
    while left:
        block = left.pop()
        argument = plan.blocks[block].argument
        cell = block if argument is None else argument
        if cell in seen:
            continue
        seen.add(cell)
        layer = makers[cell]
        if isinstance(layer, PlanLinear):
            if layer.divisible:
                found.add(layer.node)
            else:
                left += [term.block for m in layer.maps for term in m.view]
        elif isinstance(layer, PlanCombine):
            left += [term.block for term in layer.view]
    return found
