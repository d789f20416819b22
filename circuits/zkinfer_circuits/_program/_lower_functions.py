"""Rules for functions of one number that read constants, and for functions of a row.

Of a row: its largest number and where that is, Softmax, and the layer norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._errors import UnsupportedGraph
from . import _functions
from ._functions import Function
from ._lazy import Curve, Sum
from ._lower_moves import flat_last
from ._real import Normalize, Softmax
from ._shared import ArgMax, WindowMax

if TYPE_CHECKING:
    from .._graph import Step
    from ._lazy import Lazy, Lowering


def prelu(lowering: Lowering, step: Step) -> Lazy:
    """PRelu."""
    slope, value = lowering.constant(1), lowering.value(0)
    if slope is None:
        raise UnsupportedGraph("PRelu: no slope", place=lowering.place)
    if slope.size == 1:
        return lowering.applied(_functions.leaky(float(slope.reshape(())[()])), value)
    # One table of each sign, as a table has no room for a slope of its own for each channel.
    curve = lowering.as_curve(value)
    positive = Function(_functions.RELU, lambda x: np.maximum(x, 0), homogeneous=True)
    negative = Function("minus relu", lambda x: np.minimum(x, 0), homogeneous=True)
    above = lowering.make(Curve(positive.after(curve.function), curve.index, curve.shape))
    below = lowering.make(Curve(negative.after(curve.function), curve.index, curve.shape))
    return lowering.added(above, lowering.scaled(below, slope), step.shape)


def clip(lowering: Lowering, step: Step) -> Lazy:
    """Clip."""
    low, high = (lowering.constant(i) for i in (1, 2))
    bounds = [None if v is None else float(v.reshape(())[()]) for v in (low, high)]
    return lowering.applied(_functions.clip(*bounds), lowering.value(0))


def power(lowering: Lowering, step: Step) -> Lazy:
    """Pow."""
    exponent = lowering.constant(1)
    if exponent is None or exponent.size != 1:
        raise UnsupportedGraph("Pow: the exponent has to be one number", place=lowering.place)
    return lowering.applied(_functions.power(float(exponent.reshape(())[()])), lowering.value(0))


def softmax(lowering: Lowering, step: Step) -> Lazy:
    """Softmax, along the last axis, to which another one is moved."""
    value = lowering.make(lowering.value(0))
    axis, rank = int(step.attributes["axis"]), len(value.shape)
    if axis == rank - 1:
        return lowering.add(Softmax(), [value.index], step.shape)
    perm = list(range(rank))
    perm[axis], perm[-1] = rank - 1, axis
    turned = lowering.transposed(value, tuple(perm))
    made = lowering.add(Softmax(), [turned.index], turned.shape)
    return lowering.transposed(made, tuple(perm))


def layer_norm(lowering: Lowering, step: Step) -> Lazy:
    """LayerNormalization, with its axes made one."""
    value, rank = lowering.make(lowering.value(0)), len(step.shape)
    axis = int(step.attributes["axis"]) % rank
    flat = flat_last(lowering, value, list(range(axis, rank)))
    epsilon = float(step.attributes["epsilon"])
    if not epsilon:
        raise UnsupportedGraph(
            "LayerNormalization: an epsilon of 0 leaves equal numbers without a value",
            place=lowering.place,
        )
    normal = Normalize(epsilon)
    made: Lazy = lowering.add(normal, [flat.index], flat.shape)
    if flat.shape != step.shape:
        made = lowering.reshaped(made, step.shape)
    scale, bias = lowering.constant(1), lowering.constant(2)
    if scale is not None:
        made = lowering.scaled(made, scale)
    if bias is None:
        return made
    total = lowering.as_sum(made)
    return Sum(total.terms, total.bias + bias, step.shape)


def reduce_max(lowering: Lowering, step: Step) -> Lazy:
    """ReduceMax: one window over a row."""
    value = lowering.make(lowering.value(0))
    axes = sorted(int(a) for a in step.attributes["axes"])
    value = flat_last(lowering, value, axes)
    count = int(np.prod([value.shape[-1]], dtype=object))
    pooled = (*value.shape[:-1], 1)
    made = lowering.add(WindowMax((count,), (1,), (0, 0)), [value.index], pooled)
    return lowering.reshaped(made, step.shape)


def argmax(lowering: Lowering, step: Step) -> Lazy:
    """ArgMax."""
    value = lowering.make(lowering.value(0))
    axis = int(step.attributes["axis"]) % len(value.shape)
    kept = tuple(1 if i == axis else d for i, d in enumerate(value.shape))
    made = lowering.add(ArgMax(axis), [value.index], kept)
    return made if kept == step.shape else lowering.reshaped(made, step.shape)
