"""The maps of an affine as dense maps, convolutions and depthwise ones over views of blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._program._maps import Conv, Dense, Scale
from ._descriptor import Kind, Window
from ._frames import Frame, image, tokens
from ._plan import PlanMap
from ._refs import NONE, channels_of, dense_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .._program._maps import LinearMap
    from ._plan import Size
    from ._refs import Group, Refs

    Array = NDArray[Any]
    # Maps, and what constants in what they read add to each output channel.
    Made = tuple[list[PlanMap], Array]

# A field of the window is a byte.
_LARGEST_FIELD = 255
# More views than this are the sign of a frame that does not fit.
_MOST_GROUPS = 16
# Weights of a map that is written out as a matrix though it is none.
LARGEST_MATRIX = 1 << 21


@dataclass(frozen=True, eq=False, slots=True)
class Operand:
    """What a map reads: references in a shape."""

    refs: Refs
    shape: tuple[int, ...]


def framed(
    each: LinearMap, x: Operand, shape: tuple[int, ...], frame: Frame, sizes: Sequence[Size]
) -> Made | None:
    """Return maps that give an output of `shape` in `frame`; None where there are none of a kind.

    Dense maps are for `written_out`: this is for outputs with more than one position.
    """
    match each:
        case Conv():
            return _convolution(each, x, shape, frame, sizes)
        case Dense():
            return _rows(each, x, shape, frame, sizes)
        case Scale():
            return _scale(each, x, shape, frame, sizes)


def _convolution(
    each: Conv, x: Operand, shape: tuple[int, ...], frame: Frame, sizes: Sequence[Size]
) -> Made | None:
    read = image(x.shape)
    if read is None or frame != image(shape) or max(each.strides) > 2:
        return None
    if (1, len(each.weight), *_positions(each, x.shape[2:])) != shape:
        # Another operand of the affine is larger.
        return None
    weight, n = _ungrouped(each), len(each.strides)
    index, before, after = _cropped(x.refs, read.index(x.shape))
    window = Window(
        kernel=_two(weight.shape[-n:], 1),
        stride=_two(each.strides, 1),
        before=_two([p + b for p, b in zip(each.pads[:n], before, strict=False)], 0),
        after=_two([p + a for p, a in zip(each.pads[n:], after, strict=False)], 0),
    )
    weight = weight.reshape(*weight.shape, *[1] * (2 - n))
    return _sliding(x.refs, index, window, weight, sizes)


def _positions(each: Conv, lengths: Sequence[int]) -> tuple[int, ...]:
    n = len(each.strides)
    spans = zip(lengths, each.pads[:n], each.pads[n:], strict=True)
    reach = (d * (k - 1) + 1 for k, d in zip(each.weight.shape[2:], each.dilations, strict=True))
    steps = zip(spans, reach, each.strides, strict=True)
    return tuple((sum(span) - r) // step + 1 for span, r, step in steps)


def _two(values: Sequence[int], rest: int) -> tuple[int, int]:
    height, width = (*values, *[rest] * (2 - len(values)))
    return height, width


def _ungrouped(each: Conv) -> Array:
    """Return weights as `_sliding` takes them, with zeros between the taps of a dilation."""
    outputs, inputs, *kernel = each.weight.shape
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, each.dilations, strict=True))
    apart = tuple(slice(None, None, d) for d in each.dilations)
    if each.group == outputs and inputs == 1:
        alone = np.zeros((outputs, *reach), dtype=np.int64)
        alone[(slice(None), *apart)] = each.weight[:, 0]
        return alone
    made = np.zeros((outputs, inputs * each.group, *reach), dtype=np.int64)
    rows = outputs // each.group
    for g in range(each.group):
        to = (slice(g * rows, (g + 1) * rows), slice(g * inputs, (g + 1) * inputs), *apart)
        made[to] = each.weight[g * rows : (g + 1) * rows]
    return made


def _cropped(refs: Refs, index: Array) -> tuple[Array, list[int], list[int]]:
    """Return a frame without the zeros around it, and how many there were on each side."""
    part = refs.take(index)
    some = (part.block != NONE).any(axis=1) | (part.constant != 0)
    some = some.reshape(index.shape).any(axis=0)
    before, after, cut = [], [], [slice(None)]
    for axis in (0, 1):
        where = np.flatnonzero(some.any(axis=1 - axis))
        first, last = (int(where[0]), int(where[-1])) if len(where) else (0, some.shape[axis] - 1)
        before.append(first)
        after.append(some.shape[axis] - 1 - last)
        cut.append(slice(first, last + 1))
    return index[tuple(cut)], before, after


def _sliding(
    refs: Refs, index: Array, window: Window, weight: Array, sizes: Sequence[Size]
) -> Made | None:
    """Return a window over the channels of a frame.

    Parameters
    ----------
    weight
        [out, channel, kernel..], or [channel, kernel..] where each channel has its own output.
    """
    fields = (*window.kernel, *window.before, *window.after)
    if max(fields) > _LARGEST_FIELD or max(window.stride) > 2:
        return None
    constant = refs.constant[index]
    each = constant[:, 0, 0]
    if (constant != constant[:, :1, :1]).any() or (
        each.any() and any(window.before + window.after)
    ):
        return None
    groups = channels_of(refs.without_constants(), index, sizes)
    if groups is None or len(groups) > _MOST_GROUPS:
        return None
    made = []
    for group in groups:
        if weight.ndim == 3 and len(groups) == 1 and _is_identity(group, len(weight)):
            part, kind = weight, Kind.DEPTHWISE
        else:
            part, kind = _spread(weight, group), Kind.CONVOLUTION
        made.append(PlanMap(kind, window, group.view, group.size, part))
    sums = weight.sum(axis=(-2, -1))
    return made, sums @ each if weight.ndim == 4 else sums * each


def _is_identity(group: Group, outputs: int) -> bool:
    """Return whether channel i of the frame is channel i of the view, and there are no others."""
    every = np.arange(outputs)
    return (
        group.size[0] == outputs
        and len(group.places) == outputs
        and bool((group.places == every).all() and (group.elements == every).all())
    )


def _spread(weight: Array, group: Group) -> Array:
    """Return weights [out, channels of the view, ..] of what `_sliding` takes."""
    made = np.zeros((group.size[0], len(weight), *weight.shape[-2:]), dtype=np.int64)
    if weight.ndim == 4:
        np.add.at(made, group.places, weight.swapaxes(0, 1)[group.elements])
    else:
        np.add.at(made, (group.places, group.elements), weight[group.elements])
    return made.swapaxes(0, 1)


def _rows(
    each: Dense, x: Operand, shape: tuple[int, ...], frame: Frame, sizes: Sequence[Size]
) -> Made | None:
    read = tokens(x.shape)
    if read is None or frame != tokens(shape) or each.weight.ndim != 2:
        return None
    if (*x.shape[:-1], each.weight.shape[1]) != shape:
        return None
    one = Window((1, 1), (1, 1), (0, 0), (0, 0))
    weight = each.weight.T[:, :, None, None]
    return _sliding(x.refs, read.index(x.shape), one, weight, sizes)


def _scale(
    each: Scale, x: Operand, shape: tuple[int, ...], frame: Frame, sizes: Sequence[Size]
) -> Made | None:
    """Return windows of factors: over nothing, or over the positions that are summed."""
    if each.rank != len(shape) or any(shape[a] != 1 for a in each.axes):
        return None
    x_shape = (1,) * (each.rank - len(x.shape)) + x.shape
    # Where all operands of the affine are broadcast, the axes are those of its result.
    others = tuple(1 if a in each.axes else d for a, d in enumerate(shape))
    whole = np.broadcast_shapes(x_shape, each.factor.shape, others)
    places = np.arange(math.prod(x.shape), dtype=np.int64).reshape(x_shape)
    index = frame.arrange(np.broadcast_to(places, whole))
    factor = frame.arrange(np.broadcast_to(each.factor, whole))
    sums = []
    for axes in (frame.channel, frame.height, frame.width):
        long = [a for a in axes if whole[a] > 1]
        summed = [a in each.axes for a in long]
        if any(summed) and not all(summed):
            return None
        sums.append(any(summed))
    kernel = (index.shape[1] if sums[1] else 1, index.shape[2] if sums[2] else 1)
    taps = factor[:, : kernel[0], : kernel[1]]
    if (factor != taps).any():
        return None
    window = Window(kernel, (1, 1), (0, 0), (0, 0))
    return _sliding(x.refs, index, window, taps[None] if sums[0] else taps, sizes)


def matrix_size(each: LinearMap, x: Operand, outputs: int) -> int:
    """Return the weights of `written_out` that are not the map's own."""
    if isinstance(each, Dense) and each.weight.shape == (math.prod(x.shape), outputs):
        return 0
    return outputs * math.prod(x.shape)


def written_out(
    each: LinearMap, x: Operand, shape: tuple[int, ...], bound: int, sizes: Sequence[Size]
) -> Made:
    """Return dense maps with a weight for each output and cell, and what constants add.

    No coefficient exceeds `bound`. Callers look at `matrix_size` first.
    """
    if matrix_size(each, x, math.prod(shape)) == 0 and isinstance(each, Dense):
        matrix = each.weight.T
    else:
        n = math.prod(x.shape)
        units = np.eye(n, dtype=np.int64).reshape(n, *x.shape)
        matrix = np.broadcast_to(each.apply(units, bound + 1), (n, *shape)).reshape(n, -1).T
    return dense_maps(matrix, x.refs, sizes)


def dense_maps(matrix: Array, refs: Refs, sizes: Sequence[Size]) -> Made:
    """Return the product of a matrix [out, elements] and references, as `written_out` does."""
    outputs = len(matrix)
    made = []
    for group in dense_of(refs, sizes):
        n = math.prod(group.size)
        weights = np.zeros((n, outputs), dtype=np.int64)
        np.add.at(weights, group.places, matrix.T[group.elements] * group.factor[:, None])
        made.append(
            PlanMap(
                Kind.DENSE, None, group.view, group.size, weights.T.reshape(outputs, *group.size)
            )
        )
    return made, matrix @ refs.constant
