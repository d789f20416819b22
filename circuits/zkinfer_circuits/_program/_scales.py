"""Scales: what one unit of an integer stands for, and how coefficients take scales in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ._maps import Conv, Dense, LinearMap, Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]


# A value of this is zero in float32; ratios of scales stay far inside float64.
_SMALLEST = 2.0**-160


def tidy(scale: Array | float) -> Array:
    """Return scales rounded up to twelve bits, so that no last digit of a sum decides a program."""
    mantissa, exponent = np.frexp(np.maximum(np.asarray(scale, dtype=np.float64), _SMALLEST))
    return np.asarray(np.ldexp(np.ceil(mantissa * 4096) / 4096, exponent))


def absorbed(each: LinearMap, scale: Array, shape: tuple[int, ...]) -> LinearMap | None:
    """Return the map on integers of a scale, or None where it would not be of its kind."""
    if scale.size == 1:
        return each.replace(each.coefficients() * float(scale.reshape(())[()]))
    if isinstance(each, Scale):
        return each.replace(np.asarray(each.factor * scale))
    axis = len(shape) - 1 if isinstance(each, Dense) else 1
    spread = (1,) * (len(shape) - scale.ndim) + scale.shape
    if any(d != 1 for i, d in enumerate(spread) if i != axis):
        return None
    along = scale.reshape(-1)
    if isinstance(each, Dense):
        return each.replace(each.weight * along[:, None])
    return each.replace(_grouped(each, along))


def _grouped(each: Conv, along: Array) -> Array:
    outputs, inputs, *kernel = each.weight.shape
    parts = each.weight.reshape(each.group, outputs // each.group, inputs, *kernel)
    factors = along.reshape(each.group, 1, inputs, *[1] * len(kernel))
    return np.asarray((parts * factors).reshape(each.weight.shape))


def reach_of(each: LinearMap, error: Array, shape: tuple[int, ...]) -> Array | float:
    """Return what errors of a source add up to."""
    if np.isinf(error).any():
        return math.inf
    return each.sums(np.broadcast_to(error, shape))


def exact_shift(parts: Sequence[Array], bias: Array, shift: int) -> int:
    """Return the least shift with which all coefficients are exact, or `shift`."""
    if sum(p.size for p in parts) > 64 or bias.size > 64:
        return shift
    for fewer in range(shift):
        scaled = [np.asarray(p) * 2.0**fewer for p in (*parts, bias)]
        if all(bool((s == np.rint(s)).all()) for s in scaled):
            return fewer
    return shift
