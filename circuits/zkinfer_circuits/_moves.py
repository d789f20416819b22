"""Rules for operators that move values about, or copy them, and change none."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ._errors import ModelMalformed
from ._graph import Fixed, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._site import Site


def same(site: Site) -> Value:
    """Identity."""
    return site.any(0)


def dropout(site: Site) -> Value:
    """Dropout, which does nothing in inference mode."""
    if site.has(2):
        training = site.any(2)
        if not isinstance(training, Fixed) or bool(training.array.any()):
            raise site.refuse("training mode")
    return site.any(0)


def layout(site: Site) -> Value:
    """Flatten, Reshape, Squeeze and Unsqueeze."""
    value = site.any(0)
    # The operand that says how (shape or axes) has done its work in the shape inference, which
    # knows constants alone.
    if math.prod(value.shape) != math.prod(site.shape):
        raise ModelMalformed(f"{site.op} changes the number of elements", place=site.place)
    return site.reshape(value, site.shape)


def transpose(site: Site) -> Value:
    """Transpose, which is a Reshape where only dimensions of 1 move."""
    x = site.any(0)
    rank = len(x.shape)
    perm = site.axes(list(site.attributes.get("perm") or range(rank - 1, -1, -1)), rank)
    if len(perm) != rank:
        raise ModelMalformed("perm does not name each dimension", place=site.place)
    if isinstance(x, Fixed):
        return Fixed(np.transpose(x.array, perm))
    # Dimensions of 1 may move about freely: then the data stay where they are.
    wide = [p for p in perm if x.shape[p] != 1]
    if all(a < b for a, b in pairwise(wide)):
        return site.reshape(site.data(0), site.shape)
    return site.step("Transpose", [site.data(0)], perm=perm)


def concat(site: Site) -> Value:
    """Concat."""
    operands = [site.any(i) for i in range(len(site.operands))]
    (axis,) = site.axes([site.attributes["axis"]], len(site.shape))
    if all(isinstance(v, Fixed) for v in operands):
        arrays = [v.array for v in operands if isinstance(v, Fixed)]
        return Fixed(np.concatenate(arrays, axis=axis))
    operands = [site.data(i) for i in range(len(operands))]
    return operands[0] if len(operands) == 1 else site.step("Concat", operands, axis=axis)


def slice_(site: Site) -> Value:
    """Slice."""
    x = site.any(0)
    if site.opset < 10:
        starts, ends = list(site.attributes["starts"]), list(site.attributes["ends"])
        axes, steps = list(site.attributes.get("axes") or range(len(starts))), [1] * len(starts)
    else:
        starts, ends = site.integers(1), site.integers(2)
        axes = site.integers(3) if site.has(3) else list(range(len(starts)))
        steps = site.integers(4) if site.has(4) else [1] * len(starts)
    axes = site.axes(axes)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ModelMalformed("bounds, axes and steps of Slice differ in number", place=site.place)
    # Python's own slices clamp as ONNX does; the ends mean "to the end" by huge integers.
    bounds = {
        axis: slice(start, end, step).indices(x.shape[axis])
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    return _cut(site, bounds, site.shape)


def split(site: Site) -> list[Value]:
    """Split: one Slice for each part."""
    (axis,) = site.axes([site.attributes.get("axis", 0)])
    parts, start = [], 0
    for shape in site.shapes:
        parts.append(_cut(site, {axis: (start, start + shape[axis], 1)}, shape))
        start += shape[axis]
    if start != site.any(0).shape[axis]:
        raise site.malformed(f"parts of {start} elements in all")
    return parts


def _cut(site: Site, bounds: Mapping[int, tuple[int, int, int]], shape: tuple[int, ...]) -> Value:
    """Return the part of the first operand within (start, end, step) by axis, of `shape`."""
    x = site.any(0)
    if isinstance(x, Fixed):
        every = range(len(x.shape))
        return Fixed(x.array[tuple(slice(*bounds.get(i, (None,))) for i in every)])
    x = site.data(0)
    kept = sorted(a for a, b in bounds.items() if b != (0, x.shape[a], 1))
    if not kept:
        return x
    parts = [[bounds[a][i] for a in kept] for i in range(3)]
    columns = [Fixed(np.array(p, dtype=np.int64)) for p in (parts[0], parts[1], kept, parts[2])]
    return site.step("Slice", [x, *columns], shape)


def gather(site: Site) -> Value:
    """Gather, by constant indices."""
    x, where = site.any(0), site.any(1)
    (axis,) = site.axes([site.attributes.get("axis", 0)])
    if not isinstance(where, Fixed):
        raise site.refuse("operand 2 has to be constant")
    size, indices = x.shape[axis], where.array.astype(np.int64)
    if bool(((indices < -size) | (indices >= size)).any()):
        raise site.malformed(f"an index outside a dimension of {size}")
    indices = np.asarray(np.where(indices < 0, indices + size, indices))
    if isinstance(x, Fixed):
        return Fixed(np.asarray(np.take(x.array, indices, axis=axis)))
    if indices.ndim > 1:
        raise site.refuse(f"indices of {indices.ndim} dimensions")
    x = site.data(0)
    if indices.size == size and bool((indices.reshape(-1) == np.arange(size)).all()):
        return site.reshape(x, site.shape)
    return site.step("Gather", [x, Fixed(indices)], axis=axis)


def expand(site: Site) -> Value:
    """Expand."""
    return _expanded(site)


def tile(site: Site) -> Value:
    """Tile; where only dimensions of 1 grow it is an Expand."""
    x, repeats = site.any(0), site.integers(1)
    if isinstance(x, Fixed):
        return Fixed(np.tile(x.array, repeats))
    if all(r == 1 or d == 1 for r, d in zip(repeats, x.shape, strict=True)):
        return _expanded(site)
    return site.step("Tile", [site.data(0), Fixed(np.array(repeats, dtype=np.int64))])


def _expanded(site: Site) -> Value:
    x = site.any(0)
    if isinstance(x, Fixed):
        return Fixed(np.broadcast_to(x.array, site.shape).copy())
    x = site.data(0)
    if math.prod(x.shape) == math.prod(site.shape):
        return site.reshape(x, site.shape)
    return site.step("Expand", [x, Fixed(np.array(site.shape, dtype=np.int64))])
