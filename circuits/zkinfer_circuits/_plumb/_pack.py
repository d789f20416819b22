"""Which block goes where: columns, weight chunks, tables."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._plan import ANY, PlanCombine, PlanInput, PlanLinear, PlanMap, PlanTop1

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
# Behind all weights that the checker accepts.
_NOWHERE = 1 << 40


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


class _Chunks:
    """Chunks of weights; blocks come in decreasing size, and are aligned to it.

    What is behind a block's last weight is free, its padding or not.
    """

    def __init__(self, log_rows: int, salts: int) -> None:
        self._log_rows = log_rows
        self._room = (1 << log_rows) - salts
        # Of each block the first position and the one behind its last weight, in order.
        self._taken: list[tuple[int, int]] = []
        # Weights of each chunk.
        self._weights: Counter[int] = Counter()

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return (self._taken[-1][1] - 1 >> self._log_rows) + 1 if self._taken else 0

    def place(self, dims: Sequence[int]) -> int | None:
        """Return the first place for a block, or None if it alone leaves a chunk no room."""
        counts = in_chunks(dims, self._log_rows)
        if max(counts) > self._room:
            return None
        length = extent(dims)
        for start in self._starts(padded(dims), length):
            weights = dict(enumerate(counts, start >> self._log_rows))
            if all(self._weights[i] + n <= self._room for i, n in weights.items()):
                break
        insort(self._taken, (start, start + length))
        self._weights.update(weights)
        return start

    def _starts(self, size: int, length: int) -> Iterator[int]:
        """Yield places that no weight crosses, the first in each chunk."""
        step = max(size, 1 << self._log_rows)
        start = 0
        for first, end in [*self._taken, (_NOWHERE, 0)]:
            while start + length <= first:
                yield start
                start = (start // step + 1) * step
            start = max(start, -(-end // size) * size)


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


def extent(dims: Iterable[int]) -> int:
    """Return how many positions there are from a block's first weight to its last."""
    last = 0
    for n in dims:
        last = (last << index_bits(n)) + n - 1
    return last + 1


def in_chunks(dims: Sequence[int], log_rows: int) -> list[int]:
    """Return how many weights of a block are in each of its chunks."""
    below = sum(index_bits(n) for n in dims)
    counts = [1]
    for n in dims:
        below -= index_bits(n)
        inside = 1 << min(index_bits(n), max(log_rows - below, 0))
        parts = [max(0, min(n - at, inside)) for at in range(0, padded([n]), inside)]
        counts = [count * part for count in counts for part in parts]
    return counts


def leaves_room(dims: Sequence[int], log_rows: int) -> bool:
    """Return whether a block of hidden weights leaves room for salts in each of its chunks."""
    # No chunk has more weights than the first.
    first, bits = 1, 0
    for n in reversed(dims):
        inside = min(index_bits(n), log_rows - bits)
        first *= min(n, 1 << inside)
        bits += inside
    return first + SALTS <= 1 << log_rows


def weight_blocks(layer: PlanLinear) -> list[tuple[int, ...]]:
    """Return the lengths of a layer's weights, map by map, and of its biases."""
    out = layer.size[0]
    return [*(m.weight_dims(out) for m in layer.maps), (out,)]


def _weights(plan: Plan, made: Packing, hidden: bool) -> bool:
    chunks = _Chunks(made.log_rows, SALTS if hidden else 0)
    blocks = [
        (padded(dims), i, k, dims)
        for i, layer in enumerate(plan.layers)
        if isinstance(layer, PlanLinear)
        for k, dims in enumerate(weight_blocks(layer))
    ]
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, PlanLinear):
            made.weights[i] = [0] * len(weight_blocks(layer))
    for _, i, k, dims in sorted(blocks, key=lambda b: (-b[0], b[1], b[2])):
        place = chunks.place(dims)
        if place is None:
            return False
        made.weights[i][k] = place
    made.chunks = max(1, chunks.count)
    return made.chunks <= (1 << 31 >> made.log_rows) - 1


def full_maps(plan: Plan, log_rows: int) -> list[tuple[int, int]]:
    """Return (layer, map) of weights that leave no room for random numbers in some chunk."""
    return [
        (i, k)
        for i, layer in enumerate(plan.layers)
        if isinstance(layer, PlanLinear)
        for k, each in enumerate(layer.maps)
        if not leaves_room(each.weight_dims(layer.size[0]), log_rows)
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
