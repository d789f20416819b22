"""Dense maps as windows that fit once, where their weights take less room so.

Of a dense map each output's weights are padded, of a window its rows of taps are not: 5 by 5 cells
take 64 positions of one and 37 of the other. The sums are the same, and so is the order of the
weights that setup is given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._descriptor import Kind, Window
from ._pack import extent, leaves_room
from ._plan import PlanLinear
from ._salts import cut_last

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._plan import Plan, PlanMap, Size

# Each side is a byte of the window.
_LONGEST_SIDE = 255


def split(n: int, out: int, log_rows: int, hidden: bool) -> Size | None:
    """Return the lengths for n cells whose window to some outputs takes the fewest positions.

    None where there are none, since chunks of 2^log_rows hidden weights must have room.
    """
    sides = [h for h in range(1, min(n, _LONGEST_SIDE) + 1) if n % h == 0]
    found = [
        (extent(dims), h + w, (n // (h * w), h, w))
        for h in sides
        for w in sides
        if n % (h * w) == 0
        for dims in [(h, w, out, n // (h * w))]
        if not hidden or leaves_room(dims, log_rows)
    ]
    return min(found)[-1] if found else None


def apart_columns(plan: Plan) -> Plan:
    """Return a plan with maps of their own for last columns that double the rows before them.

    Without any such column it is the same plan.
    """

    def change(each: PlanMap, _: int) -> tuple[PlanMap, ...]:
        before = each.size[2] - 1
        doubles = before > 1 and before & before - 1 == 0
        return cut_last(each) if each.kind is Kind.DENSE and doubles else (each,)

    return _changed(plan, change)


def as_kernels(plan: Plan, log_rows: int, hidden: bool) -> Plan:
    """Return a plan with a window for each dense map that takes fewer positions as one.

    Where weights are hidden, chunks of 2^log_rows of them must have room for random numbers.
    Without any such map it is the same plan.
    """
    return _changed(plan, lambda each, out: (_as_kernel(each, out, log_rows, hidden) or each,))


def _changed(plan: Plan, change: Callable[[PlanMap, int], tuple[PlanMap, ...]]) -> Plan:
    """Return a plan whose maps are made from each and its outputs; the same if none changes."""
    layers = list(plan.layers)
    for i, layer in enumerate(layers):
        if isinstance(layer, PlanLinear):
            maps = tuple(part for m in layer.maps for part in change(m, layer.size[0]))
            if maps != layer.maps:
                layers[i] = replace(layer, maps=maps)
    return plan if layers == plan.layers else replace(plan, layers=layers)


def _as_kernel(each: PlanMap, out: int, log_rows: int, hidden: bool) -> PlanMap | None:
    """Return a dense map as a window, or None where it is none or stays better as it is."""
    _, height, width = each.size
    if each.kind is not Kind.DENSE or max(height, width) > _LONGEST_SIDE:
        return None
    window = Window((height, width), (1, 1), (0, 0), (0, 0))
    made = replace(each, kind=Kind.CONVOLUTION, window=window)
    dims = made.weight_dims(out)
    if extent(dims) >= extent(each.weight_dims(out)) or (
        hidden and not leaves_room(dims, log_rows)
    ):
        return None
    return made
