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

if TYPE_CHECKING:
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


def as_kernels(plan: Plan, log_rows: int, hidden: bool) -> Plan:
    """Return a plan with a window for each dense map that takes fewer positions as one.

    Where weights are hidden, chunks of 2^log_rows of them must have room for random numbers.
    Without any such map it is the same plan.
    """
    layers = list(plan.layers)
    for i, layer in enumerate(layers):
        if isinstance(layer, PlanLinear):
            out = layer.size[0]
            maps = tuple(_as_kernel(m, out, log_rows, hidden) or m for m in layer.maps)
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
