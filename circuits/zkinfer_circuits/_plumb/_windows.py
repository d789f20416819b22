"""Maxima without a cell for any maximum: ``max(a, b) = b + relu(a - b)`` for a, b >= 0.

Differences of K-bit integers that are not negative are K-bit integers, so they are in the table of
ReLU. What reads a maximum reads the sum.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._descriptor import Select, Term
from ._frames import Frame
from ._plan import whole
from ._refs import NONE, Refs, cells, channels_of, summed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .._program._shared import WindowMax
    from ._descriptor import View
    from ._plan import Plan

    Array = NDArray[Any]


def _frame(op: WindowMax, rank: int) -> Frame | None:
    """Return the frame whose heights and widths are the axes of the window."""
    n = len(op.kernel)
    if n > 2 or n > rank:
        return None
    lead = tuple(range(rank - n))
    return Frame(lead, (rank - n,), tuple(range(rank - n + 1, rank)))


def _halvings(op: WindowMax, shape: tuple[int, ...]) -> list[int] | None:
    """Return how often each axis is halved, where windows lie side by side."""
    if any(op.pads):
        return None
    found = []
    for kernel, stride, length in zip(
        op.kernel, op.strides, shape[len(shape) - len(op.kernel) :], strict=True
    ):
        one = length - kernel < stride
        if kernel & (kernel - 1) or not (stride == kernel or one):
            return None
        found.append(kernel.bit_length() - 1)
    return found


def pooled(op: WindowMax, refs: Refs, shape: tuple[int, ...], plan: Plan, relu: int) -> Refs | None:
    """Return maxima of windows side by side whose sides are powers of two, or None."""
    frame, halvings = _frame(op, len(shape)), _halvings(op, shape)
    if frame is None or halvings is None:
        return None
    index = frame.index(shape)
    sides = [1 << n for n in (*halvings, 0)[:2]]
    height, width = (index.shape[1] // sides[0], index.shape[2] // sides[1])
    index = index[:, : height * sides[0], : width * sides[1]]
    groups = channels_of(refs, index, [b.size for b in plan.blocks])
    if groups is None or sum(len(g.elements) for g in groups) != len(index):
        return None
    made: list[tuple[View, int, int]] = [(NO_VIEW, 0, 0)] * len(index)
    for group in groups:
        view, (channels, rows, columns) = group.view, group.size
        for _ in range(halvings[1] if len(halvings) > 1 else 0):
            columns //= 2
            view = _larger(plan, view, (channels, rows, columns), relu, heights=False)
        for _ in range(halvings[0]):
            rows //= 2
            view = _larger(plan, view, (channels, rows, columns), relu, heights=True)
        for channel, place in zip(group.elements.tolist(), group.places.tolist(), strict=True):
            made[channel] = (view, place, 0)
    return _read(made, plan, height, width)


NO_VIEW: tuple[Term, ...] = ()


def _larger(
    plan: Plan, view: View, size: tuple[int, int, int], relu: int, *, heights: bool
) -> View:
    """Return the larger of each two neighbours; `size` is that of the result."""
    a, b = (tuple(_halved(t, odd, heights) for t in view) for odd in (0, 1))
    difference = a + tuple(replace(t, coefficient=-t.coefficient) for t in b)
    return b + whole(plan.combine(difference, size, relu))


def _halved(term: Term, odd: int, heights: bool) -> Term:
    def select(s: Select) -> Select:
        return Select(s.shift + 1, s.low + (odd << s.shift))

    if heights:
        return replace(term, height=select(term.height))
    return replace(term, width=select(term.width))


def _read(made: list[tuple[View, int, int]], plan: Plan, height: int, width: int) -> Refs:
    """Return references to views, channel by channel."""
    terms = max(len(view) for view, _, _ in made)
    shape = (len(made), height, width, terms)
    block = np.full(shape, NONE, dtype=np.int64)
    cell, factor = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for channel, (view, place, _) in enumerate(made):
        for t, term in enumerate(view):
            _, h, w = plan.blocks[term.block].size
            at_h = (np.arange(height) << term.height.shift) + term.height.low
            at_w = (np.arange(width) << term.width.shift) + term.width.low
            block[channel, :, :, t] = term.block
            cell[channel, :, :, t] = (place * h + at_h[:, None]) * w + at_w
            factor[channel, :, :, t] = term.coefficient
    n = len(made) * height * width
    return Refs(
        block.reshape(n, terms),
        cell.reshape(n, terms),
        factor.reshape(n, terms),
        np.zeros(n, dtype=np.int64),
        np.full(n, NONE, dtype=np.int64),
    )


def larger_of(
    op: WindowMax, refs: Refs, shape: tuple[int, ...], relu: Callable[[Refs], Refs]
) -> Refs:
    """Return maxima of any windows of numbers >= 0, two by two.

    Padding counts as 0, which is no larger than what it stands beside.

    Parameters
    ----------
    relu
        Makes a block of ReLUs of sums of cells.
    """
    index = np.arange(math.prod(shape), dtype=np.int64).reshape(1, *shape)
    windows = _windows(op, index)
    left = [refs.take(windows[..., k]) for k in range(windows.shape[-1])]
    while len(left) > 1:
        pairs = [_max(a, b, relu) for a, b in zip(left[::2], left[1::2], strict=False)]
        left = pairs + ([left[-1]] if len(left) % 2 else [])
    return left[0]


def _max(a: Refs, b: Refs, relu: Callable[[Refs], Refs]) -> Refs:
    return summed([b, relu(summed([a, b.scaled(-1)]))])


def _windows(op: WindowMax, index: Array) -> Array:
    from .._program._maps import spread_windows

    ones = (1,) * len(op.kernel)
    found = spread_windows(index, op.kernel, op.strides, op.pads, ones, NONE)
    n = len(op.kernel)
    return found.reshape(*found.shape[: found.ndim - n], -1)
