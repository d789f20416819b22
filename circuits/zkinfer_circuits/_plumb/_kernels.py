"""Dense maps as windows that fit once, where their weights take less room so.

Of a dense map heights and widths are padded one by one, of a window its taps together: 5 by 5 cells
take 64 positions of one and 32 of the other. The sums are the same, and so is the order of the
weights that setup is given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._descriptor import Kind, Window
from ._pack import SALTS, free_in_worst_chunk, padded
from ._plan import PlanLinear

if TYPE_CHECKING:
    from ._plan import Plan, PlanMap

# The verifier's work grows with them. Each side is a byte of the window.
_MOST_TAPS = 64


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
    if each.kind is not Kind.DENSE or height * width > _MOST_TAPS:
        return None
    window = Window((height, width), (1, 1), (0, 0), (0, 0))
    made = replace(each, kind=Kind.CONVOLUTION, window=window)
    dims = made.weight_dims(out)
    if padded(dims) >= padded(each.weight_dims(out)):
        return None
    full = padded(dims) >= 1 << log_rows and free_in_worst_chunk(dims, log_rows) < SALTS
    return None if hidden and full else made
