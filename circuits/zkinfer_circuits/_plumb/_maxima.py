"""Maxima in cells of their own, where that makes maps cheaper to verify.

A maximum is a sum of cells (`_windows`). Each of them costs a verifier on chain the closed forms of
every map that reads it, and a window has long ones. Maps read a copy of the sum, made by one more
layer, as one cell. Cells are K-bit integers, which maxima of K-bit integers are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._gas import LayerGas
from ._plan import ANY, PlanCombine, PlanLinear, whole

if TYPE_CHECKING:
    from ._descriptor import View
    from ._plan import Plan, PlanLayer, Size


def as_cells(plan: Plan, batch: int) -> Plan:
    """Return a plan with a copy of each maximum that maps then read with less gas.

    Without any such maximum it is the same plan.
    """
    gas = LayerGas(plan, batch)
    saved: dict[tuple[View, Size], int] = {}
    for layer in plan.layers:
        for m in layer.maps if isinstance(layer, PlanLinear) else ():
            if m.view in plan.maxima:
                key = m.view, m.size
                saved[key] = saved.get(key, -gas.copy(m.view)) + (len(m.view) - 1) * gas.term(m)
    made = replace(plan, blocks=list(plan.blocks), layers=[])
    copies = {
        (view, size): PlanCombine(made.argument(size, ANY), view)
        for (view, size), less in saved.items()
        if less > 0
    }
    if not copies:
        return plan
    for layer in plan.layers:
        made.layers += _reading(layer, copies, made.layers)
    return made


def _reading(
    layer: PlanLayer, copies: dict[tuple[View, Size], PlanCombine], before: list[PlanLayer]
) -> list[PlanLayer]:
    """Return a layer that reads copies, and before it those that no layer before has made."""
    if not isinstance(layer, PlanLinear):
        return [layer]
    found = [copies.get((m.view, m.size)) for m in layer.maps]
    maps = tuple(
        m if copy is None else replace(m, view=whole(copy.cell))
        for m, copy in zip(layer.maps, found, strict=True)
    )
    new = dict.fromkeys(copy for copy in found if copy is not None and copy not in before)
    return [*new, replace(layer, maps=maps)]
