"""Room for random numbers in the chunks of hidden weights.

Weights whose lengths are all powers of two fill their chunks, and a commitment to such a chunk
hides nothing. A dense map of a view with more than one height or width is cut in two: one map of
all columns (or rows) but the last, and one of the last, so that every line of weights has a free
place. Where the view has only channels, the layer before has to give its last one a block of its
own.
"""

from __future__ import annotations

from dataclasses import replace

from ._descriptor import Kind, Select, Term
from ._pack import full_maps, index_bits
from ._plan import Plan, PlanLinear, PlanMap


def apart(plan: Plan, log_rows: int) -> Plan:
    """Return a plan whose dense maps are cut where they fill chunks of 2^log_rows weights."""
    cut: dict[int, set[int]] = {}
    for i, k in full_maps(plan, log_rows):
        layer = plan.layers[i]
        if isinstance(layer, PlanLinear):
            each = layer.maps[k]
            if each.kind is Kind.DENSE and max(each.size[1:]) > 1:
                cut.setdefault(i, set()).add(k)
    if not cut:
        return plan
    layers = list(plan.layers)
    for i, which in cut.items():
        layer = layers[i]
        if isinstance(layer, PlanLinear):
            maps = tuple(
                part
                for k, each in enumerate(layer.maps)
                for part in (cut_last(each) if k in which else (each,))
            )
            layers[i] = replace(layer, maps=maps)
    return replace(plan, layers=layers)


def cut_last(each: PlanMap) -> tuple[PlanMap, PlanMap]:
    """Return a dense map as that of all columns but the last, or rows, and that of the last."""
    channels, height, width = each.size
    wide = width > 1
    n = width if wide else height
    cut = (..., slice(0, n - 1)) if wide else (..., slice(0, n - 1), slice(None))
    rest = (..., slice(n - 1, n)) if wide else (..., slice(n - 1, n), slice(None))
    short = (channels, height, n - 1) if wide else (channels, n - 1, width)
    last = (channels, height, 1) if wide else (channels, 1, width)
    view = tuple(_last(t, n, wide) for t in each.view)
    return (
        replace(each, size=short, weights=each.weights[cut]),
        replace(each, size=last, weights=each.weights[rest], view=view),
    )


def _last(term: Term, n: int, wide: bool) -> Term:
    """Return the term whose coordinate 0 is coordinate n - 1 of another."""
    s = term.width if wide else term.height
    select = Select(s.shift + index_bits(n), (n - 1 << s.shift) + s.low)
    return replace(term, width=select) if wide else replace(term, height=select)
