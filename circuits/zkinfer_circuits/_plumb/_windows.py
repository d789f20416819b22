"""Maxima without a cell for any maximum: ``max(a, b) = b + relu(a - b)`` for a, b >= 0.

Differences of K-bit integers that are not negative are K-bit integers, so they are in the table of
ReLU. What reads a maximum reads the sum, or a copy of it (`_maxima`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._program._maps import spread_windows
from ._descriptor import Kind, Select, Term, Window
from ._frames import Frame
from ._plan import ANY, PlanLinear, PlanMap, whole
from ._refs import NONE, Refs, channels_of, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .._program._shared import WindowMax
    from ._descriptor import View
    from ._plan import Plan, Size
    from ._refs import Group

    Array = NDArray[Any]

_ONE = Window((1, 1), (1, 1), (0, 0), (0, 0))
_LARGEST_FIELD = 255
# Each tap but the first is a layer, and a term of the view that the last of them reads.
_MOST_TAPS = 64


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
    # Of one window there is one, however far the next would be.
    steps = _two(op.strides, 1)
    height, width = (
        (length - side) // step + 1
        for length, side, step in zip(index.shape[1:], sides, steps, strict=True)
    )
    index = index[:, : height * sides[0], : width * sides[1]]
    groups = channels_of(refs, index, [b.size for b in plan.blocks])
    if groups is None or sum(len(g.elements) for g in groups) != len(index):
        return None
    made: list[tuple[View, int]] = [((), 0)] * len(index)
    for group in groups:
        view, (channels, rows, columns) = group.view, group.size
        for _ in range(halvings[1] if len(halvings) > 1 else 0):
            columns //= 2
            view = _larger(plan, view, (channels, rows, columns), relu, heights=False)
        for _ in range(halvings[0]):
            rows //= 2
            view = _larger(plan, view, (channels, rows, columns), relu, heights=True)
        for channel, place in zip(group.elements.tolist(), group.places.tolist(), strict=True):
            made[channel] = (view, place)
    return _read(made, plan, height, width)


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


def _read(made: list[tuple[View, int]], plan: Plan, height: int, width: int) -> Refs:
    """Return references to views, channel by channel."""
    terms = max(len(view) for view, _ in made)
    shape = (len(made), height, width, terms)
    block = np.full(shape, NONE, dtype=np.int64)
    cell, factor = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for channel, (view, place) in enumerate(made):
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


def slid(
    op: WindowMax,
    refs: Refs,
    shape: tuple[int, ...],
    plan: Plan,
    relu: int,
    node: int,
) -> Refs | None:
    """Return maxima of windows with steps of 1 or 2, or None where there is no such window.

    One tap of the window after the other: m_0 = x_0 and m_k = m_(k-1) + relu(x_k - m_(k-1)). A
    linear layer without a shift takes differences of taps. Padding counts as 0, no larger than what
    it stands beside, so numbers must not be negative where there is some.

    Parameters
    ----------
    relu
        The function.
    node
        The node that this is for.
    """
    frame, n = _frame(op, len(shape)), len(op.kernel)
    taps = math.prod(op.kernel)
    if frame is None or max(op.strides) > 2 or max((*op.kernel, *op.pads)) > _LARGEST_FIELD:
        return None
    index = frame.index(shape)
    groups = channels_of(refs, index, [b.size for b in plan.blocks])
    if groups is None or sum(len(g.elements) for g in groups) != len(index):
        return None
    if not 1 < taps <= _MOST_TAPS:
        return None
    kernel, stride, before, after = (
        _two(each, rest)
        for each, rest in (
            (op.kernel, 1),
            (op.strides, 1),
            (op.pads[:n], 0),
            (op.pads[n:], 0),
        )
    )
    window = Window(kernel, stride, before, after)
    height, width = (
        (length + before[a] + after[a] - kernel[a]) // stride[a] + 1
        for a, length in enumerate(index.shape[1:])
    )
    made: list[tuple[View, int]] = [((), 0)] * len(index)
    for group in groups:
        channels = group.size[0]
        size = (channels, height, width)
        none = np.zeros(channels, dtype=np.int64)
        over: list[int] = []

        def layer(
            weights: Array,
            sign: int,
            function: int,
            group: Group = group,
            over: list[int] = over,
            size: Size = size,
            none: Array = none,
        ) -> int:
            maps = [PlanMap(Kind.DEPTHWISE, window, group.view, group.size, weights)]
            if over:
                ones = np.ones((size[0], 1, 1), dtype=np.int64)
                view = tuple(Term(sign, block) for block in over)
                maps.append(PlanMap(Kind.DEPTHWISE, _ONE, view, size, ones))
            argument = plan.argument(size, function)
            plan.layers.append(PlanLinear(tuple(maps), none, 0, argument, size, node))
            return argument

        first = np.zeros((channels, *kernel), dtype=np.int64)
        first[:, 0, 0] = 1
        for k in range(1, taps):
            tap = np.zeros_like(first)
            tap[:, k // kernel[1], k % kernel[1]] = 1
            over.append(plan.value(layer(tap - first, -1, relu)))
        maxima = layer(first, 1, ANY)
        for channel, place in zip(group.elements.tolist(), group.places.tolist(), strict=True):
            made[channel] = (whole(maxima), place)
    return _read(made, plan, height, width)


def _two(values: Sequence[int], rest: int) -> tuple[int, int]:
    height, width = (*values, *[rest] * (2 - len(values)))
    return height, width


def larger_of(
    op: WindowMax, refs: Refs, shape: tuple[int, ...], relu: Callable[[Refs], Refs]
) -> Refs:
    """Return maxima of any windows, two by two, where differences are K-bit integers.

    Parameters
    ----------
    relu
        Makes a block of ReLUs of sums of cells.
    """
    index = np.arange(math.prod(shape), dtype=np.int64).reshape(1, *shape)
    windows = _windows(op, index)
    # What stands for padding does not matter, if it is another element of the window.
    windows = np.where(windows == NONE, windows.max(axis=-1, keepdims=True), windows)
    left = [refs.take(windows[..., k]) for k in range(windows.shape[-1])]
    while len(left) > 1:
        pairs = [_max(a, b, relu) for a, b in zip(left[::2], left[1::2], strict=False)]
        left = pairs + ([left[-1]] if len(left) % 2 else [])
    return left[0]


def _max(a: Refs, b: Refs, relu: Callable[[Refs], Refs]) -> Refs:
    return summed([b, relu(summed([a, b.scaled(-1)]))])


def _windows(op: WindowMax, index: Array) -> Array:
    ones = (1,) * len(op.kernel)
    found = spread_windows(index, op.kernel, op.strides, op.pads, ones, NONE)
    n = len(op.kernel)
    return found.reshape(*found.shape[: found.ndim - n], -1)
