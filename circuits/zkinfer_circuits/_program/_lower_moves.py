"""Rules for steps that move numbers about, or copy them, and change none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph
from .._graph import Fixed
from ._moves import Concat, Gather, Pad, Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._graph import Step
    from ._lazy import Lazy, Lowering, Made

    Array = NDArray[Any]


def reshape(lowering: Lowering, step: Step) -> Lazy:
    """Reshape."""
    return lowering.reshaped(lowering.value(0), step.shape)


def transpose(lowering: Lowering, step: Step) -> Lazy:
    """Transpose."""
    perm = tuple(int(p) for p in step.attributes["perm"])
    return lowering.transposed(lowering.value(0), perm)


def slice_(lowering: Lowering, step: Step) -> Lazy:
    """Slice."""
    value = lowering.value(0)
    slices = [(0, d, 1) for d in value.shape]
    starts, stops, axes, steps = (lowering.integers(i) for i in range(1, 5))
    for start, stop, axis, stride in zip(starts, stops, axes, steps, strict=True):
        slices[axis] = (start, stop, stride)
    return lowering.moved(Slice(tuple(slices)), value, step.shape)


def concat(lowering: Lowering, step: Step) -> Lazy:
    """Concat."""
    values = []
    for position, operand in enumerate(step.operands):
        if isinstance(operand, Fixed):
            raise UnsupportedGraph("Concat: of a constant", place=lowering.place)
        values.append(lowering.make(lowering.value(position)).index)
    axis = int(step.attributes["axis"]) % len(step.shape)
    return lowering.add(Concat(axis), values, step.shape)


def pad(lowering: Lowering, step: Step) -> Lazy:
    """Pad: with a number, or with elements that are read again."""
    value, pads, border = lowering.value(0), lowering.integers(1), lowering.constant(2)
    rank = len(value.shape)
    widths = tuple(zip(pads[:rank], pads[rank:], strict=True))
    mode = step.attributes.get("mode", "constant")
    if mode == "constant":
        number = 0.0 if border is None else float(border.reshape(())[()])
        return lowering.moved(Pad(widths, number), value, step.shape)
    made = lowering.make(value)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            indices = np.pad(np.arange(made.shape[axis]), (before, after), mode=mode)
            made = _gathered(lowering, made, axis, indices)
    return made


def gather(lowering: Lowering, step: Step) -> Lazy:
    """Gather."""
    indices = lowering.constant(1)
    axis = int(step.attributes["axis"])
    flat = np.zeros(0) if indices is None else indices.reshape(-1)
    made = _gathered(lowering, lowering.make(lowering.value(0)), axis, flat)
    if made.shape == step.shape:
        return made
    return lowering.reshaped(made, step.shape)


def expand(lowering: Lowering, step: Step) -> Lazy:
    """Expand."""
    made = lowering.make(lowering.value(0))
    lead = (1,) * (len(step.shape) - len(made.shape))
    if lead:
        made = lowering.reshaped(made, (*lead, *made.shape))
    for axis, size in enumerate(step.shape):
        if made.shape[axis] != size:
            made = _gathered(lowering, made, axis, np.zeros(size))
    return made


def tile(lowering: Lowering, step: Step) -> Lazy:
    """Tile."""
    made = lowering.make(lowering.value(0))
    for axis, size in enumerate(step.shape):
        if made.shape[axis] != size:
            made = _gathered(lowering, made, axis, np.arange(size) % made.shape[axis])
    return made


def _gathered(lowering: Lowering, value: Made, axis: int, indices: Array) -> Made:
    shape = (*value.shape[:axis], indices.size, *value.shape[axis + 1 :])
    chosen = tuple(int(i) for i in indices)
    return lowering.moved(Gather(axis, chosen), value, shape)


def flat_last(lowering: Lowering, value: Made, axes: Sequence[int]) -> Made:
    """Return value with some axes moved to the end and made one."""
    rank = len(value.shape)
    perm = (*(i for i in range(rank) if i not in axes), *axes)
    if perm != tuple(range(rank)):
        value = lowering.transposed(value, perm)
    if len(axes) != 1:
        lead = value.shape[: rank - len(axes)]
        shape = (*lead, int(np.prod(value.shape[rank - len(axes) :], dtype=object)))
        value = lowering.reshaped(value, shape)
    return value
