"""Maxima of squares in the cells of the layer that they are taken of.

Behind a linear layer the largest of each 2 x 2 of its numbers y needs no cells beside theirs. In
their places stand, with f = ReLU,

    z00 = y00 - y01     z01 = (y01 + f(z00)) - (y11 + f(z10))
    z10 = y10 - y11     z11 = y11 + f(z10) + f(z01)

and z11 is the maximum. Each y is a sum of z and f(z), so no equation but the layer's is needed.
Differences are K-bit integers where each y is a signed integer of K - 1 bits.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._plan import PlanBlock, PlanLinear
from ._refs import NONE, cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._plan import Plan
    from ._refs import Refs

    Array = NDArray[Any]


def in_squares(
    refs: Refs, shape: tuple[int, ...], plan: Plan, relu: int, rectified: bool
) -> Refs | None:
    """Return the maxima of squares, or None where these are not those of one linear layer's block.

    Parameters
    ----------
    refs
        What the maxima are taken of, and nothing else reads: y, or ReLU of it.
    shape
        Of the tensor; heights and widths are even, and its last two axes.
    relu
        The function.
    rectified
        Whether ReLU of the maxima is wanted; it is also where `refs` are ReLU of y.
    """
    if not refs.plain or (refs.owed != NONE).any():
        return None
    block = int(refs.block[0, 0])
    place = plan.blocks[block]
    argument = block if place.argument is None else place.argument
    size = place.size
    if (refs.block != block).any() or (argument in plan.values and place.function != relu):
        return None
    # [channel, height, width]: the cells of each window are those of a square.
    cell = refs.cell.reshape(-1, *shape[-2:])
    whole = np.arange(math.prod(size)).reshape(size)
    if cell.shape != size or (np.sort(cell[:, 0, 0]) != whole[:, 0, 0]).any():
        return None
    if (cell != cell[:, :1, :1] + whole[:1]).any():
        return None
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, PlanLinear) and layer.cell == argument and layer.pooled is None:
            plan.blocks[argument] = PlanBlock(size, relu)
            values = plan.value(argument)
            plan.layers[i] = replace(layer, pooled=values)
            rectified = rectified or place.argument is not None
            return cells(values if rectified else argument, cell[:, 1::2, 1::2])
    return None
