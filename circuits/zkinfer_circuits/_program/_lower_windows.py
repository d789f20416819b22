"""Rules for windows that slide over an image: convolutions and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph
from ._lazy import Sum
from ._maps import Conv
from ._moves import Pad, Slice
from ._shared import WindowMax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._graph import Step
    from ._lazy import Lazy, Lowering, Made

    Array = NDArray[Any]


def conv(lowering: Lowering, step: Step) -> Lazy:
    """Conv."""
    weight, bias = lowering.constant(1), lowering.constant(2)
    if weight is None:
        raise UnsupportedGraph("Conv: no weights", place=lowering.place)
    a = step.attributes
    settings = (tuple(a["strides"]), tuple(a["pads"]), tuple(a["dilations"]), int(a["group"]))
    return _convolved(lowering, lowering.value(0), weight, bias, settings, step.shape)


def conv_transpose(lowering: Lowering, step: Step) -> Lazy:
    """ConvTranspose: spread the input by zeros, pad it, and convolve with the turned weights."""
    weight, bias = lowering.constant(1), lowering.constant(2)
    if weight is None:
        raise UnsupportedGraph("ConvTranspose: no weights", place=lowering.place)
    a = step.attributes
    n = weight.ndim - 2
    strides, pads = list(a["strides"]), list(a["pads"])
    dilations, group = list(a["dilations"]), int(a["group"])
    extra = list(a.get("output_padding") or [0] * n)
    value = lowering.make(lowering.value(0))
    batch, channels, *sizes = value.shape
    if any(s > 1 for s in strides):
        apart = (batch, channels, *(d for size in sizes for d in (size, 1)))
        wide = (batch, channels, *(d for p in zip(sizes, strides, strict=True) for d in p))
        widths = ((0, 0), (0, 0), *(w for s in strides for w in ((0, 0), (0, s - 1))))
        value = lowering.reshaped(value, apart)
        value = lowering.moved(Pad(widths, 0.0), value, wide)
        sizes = [size * s for size, s in zip(sizes, strides, strict=True)]
        shape = (batch, channels, *sizes)
        value = lowering.reshaped(value, shape)
    # After the last number stand stride - 1 zeros already.
    reach = [d * (k - 1) for d, k in zip(dilations, weight.shape[2:], strict=True)]
    begins = [r - p for r, p in zip(reach, pads[:n], strict=True)]
    ends = [r - p + e - (s - 1) for r, p, e, s in zip(reach, pads[n:], extra, strides, strict=True)]
    value = _cropped(lowering, value, begins, ends)
    borders = (*(max(b, 0) for b in begins), *(max(e, 0) for e in ends))
    flipped = weight[(slice(None), slice(None), *[slice(None, None, -1)] * n)]
    outputs = weight.shape[1] * group
    parts = flipped.reshape(group, channels // group, weight.shape[1], *weight.shape[2:])
    turned = np.swapaxes(parts, 1, 2).reshape(outputs, channels // group, *weight.shape[2:])
    settings = ((1,) * n, borders, tuple(dilations), group)
    return _convolved(lowering, value, turned, bias, settings, step.shape)


def average_pool(lowering: Lowering, step: Step) -> Lazy:
    """AveragePool: a convolution with equal weights."""
    a = step.attributes
    kernel, strides, pads = (tuple(a[k]) for k in ("kernel_shape", "strides", "pads"))
    value = lowering.value(0)
    channels, n = value.shape[1], len(kernel)
    size = int(np.prod(kernel))
    weight = np.full((channels, 1, *kernel), 1 / size)
    settings = (strides, pads, (1,) * n, channels)
    made = _convolved(lowering, value, weight, None, settings, step.shape)
    if not any(pads) or a["count_include_pad"]:
        return made
    ones = np.ones((1, 1, 1, *value.shape[2:]))
    inside = Conv(np.ones((1, 1, *kernel)), strides, pads, (1,) * n, 1).apply(ones)[0]
    return lowering.scaled(made, size / inside)


def max_pool(lowering: Lowering, step: Step) -> Lazy:
    """MaxPool."""
    a = step.attributes
    window = WindowMax(tuple(a["kernel_shape"]), tuple(a["strides"]), tuple(a["pads"]))
    return lowering.add(window, [lowering.make(lowering.value(0)).index], step.shape)


def _convolved(
    lowering: Lowering,
    value: Lazy,
    weight: Array,
    bias: Array | None,
    settings: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int],
    shape: tuple[int, ...],
) -> Sum:
    strides, pads, dilations, group = settings
    spatial = (1,) * (len(shape) - 2)
    total = np.zeros(1) if bias is None else bias.reshape(-1, *spatial)
    folded = lowering.unscaled(value, 1)
    # An offset means something else where the window reaches into the padding.
    if folded is not None and (not any(pads) or not folded[2].any()):
        index, factor, offset = folded
        channels = weight.shape[1] * group
        groups = np.broadcast_to(factor, channels).reshape(group, 1, -1, *spatial)
        offsets = np.broadcast_to(offset, channels).reshape(group, 1, -1, *spatial)
        parts = weight.reshape(group, -1, *weight.shape[1:])
        added = (parts * offsets).sum(axis=tuple(range(2, parts.ndim))).reshape(-1, *spatial)
        weight, total = (parts * groups).reshape(weight.shape), total + added
    else:
        index = lowering.make(value).index
    each = Conv(weight, strides, pads, dilations, group)
    return Sum(((each, index),), total, shape)


def _cropped(lowering: Lowering, value: Made, begins: Sequence[int], ends: Sequence[int]) -> Made:
    if all(b >= 0 for b in begins) and all(e >= 0 for e in ends):
        return value
    spatial = value.shape[2:]
    slices = [(0, d, 1) for d in value.shape[:2]]
    slices += [
        (max(-b, 0), d - max(-e, 0), 1) for d, b, e in zip(spatial, begins, ends, strict=True)
    ]
    shape = tuple(stop - start for start, stop, _ in slices)
    return lowering.moved(Slice(tuple(slices)), value, shape)
