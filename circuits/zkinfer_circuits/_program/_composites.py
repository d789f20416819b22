"""Softmax and layer norm as several operations each, on integers (docs/programs.md)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._integer import Divide, InverseSqrt, Lookup
from ._maps import Scale
from ._shared import Product, WindowMax

if TYPE_CHECKING:
    from ._builder import Builder, Value

_LARGEST_INVERSE = 31


def softmax(to: Builder, x: Value) -> Value:
    """p_i = exp(x_i - max) / sum, with exp from a table of what is left to the maximum."""
    shape, rank = x.shape, len(x.shape)
    unit = x.unit
    count = shape[-1]
    row = (*shape[:-1], 1)
    top = to.add(
        WindowMax((count,), (1,), (0, 0)),
        (x,),
        row,
        scale=unit,
        low=x.low,
        high=x.high,
        error=x.worst,
    )
    signs = [Scale(np.array(v, dtype=np.int64), rank) for v in (1, -1)]
    left = to.plain(
        signs,
        (top, x),
        0,
        shape,
        scale=unit,
        low=0,
        high=x.high - x.low,
        error=2 * x.worst,
    )
    weights = np.rint(np.exp(-unit * np.arange(left.high + 1)) * to.limit).astype(np.int64)
    e = to.add(
        Lookup("exp of minus", 0, weights),
        (left,),
        shape,
        scale=1 / to.limit,
        low=0,
        high=to.limit,
        error=math.inf,
    )
    total = to.plain(
        [Scale(np.array(1, dtype=np.int64), rank, (rank - 1,), count)],
        (e,),
        0,
        row,
        scale=1 / to.limit,
        # The largest is exp of 0; what is divided by is never 0.
        low=to.limit,
        high=count * to.limit,
        error=math.inf,
    )
    bits = to.width - 2
    # One is the largest value, and has to fit an activation.
    error = math.expm1(min(2 * x.worst, 1.0)) + (count + 1) / (2 * to.limit) + 0.5 / 2**bits
    return to.add(
        Divide(bits),
        (e, total),
        shape,
        scale=1 / 2**bits,
        low=0,
        high=1 << bits,
        error=error,
    )


def normalize(to: Builder, x: Value, epsilon: float, largest: float) -> Value:
    """X' r sqrt(n) / 2^t, with x' = n x - sum of x, and r = 2^t / sqrt(sum of x'^2)."""
    shape, rank = x.shape, len(x.shape)
    unit, n = x.unit, shape[-1]
    row = (*shape[:-1], 1)
    e_x = x.worst
    each = Scale(np.array(n, dtype=np.int64), rank)
    less = Scale(np.array(-1, dtype=np.int64), rank, (rank - 1,), n)
    reach = 2 * (n - 1) * x.largest
    centred = to.plain(
        (each, less), (x, x), 0, shape, scale=unit, low=-reach, high=reach, error=2 * n * e_x
    )
    square = to.product(Product(rank), centred, centred, shape)
    exact = epsilon * n**3 / unit**2
    least = max(1, round(exact))
    sum_of = Scale(np.array(1, dtype=np.int64), rank, (rank - 1,), n)
    v = to.plain(
        [sum_of],
        (square,),
        least,
        row,
        scale=unit * unit,
        low=least,
        high=n * square.high + least,
        error=math.inf,
    )
    # Fine enough for the rows with the largest deviation that was seen.
    typical = n**1.5 * largest / unit
    bits = min(_LARGEST_INVERSE, to.width + max(1, math.ceil(math.log2(max(typical, 1.0)))))
    r = to.add(
        InverseSqrt(bits),
        (v,),
        row,
        scale=1.0,
        low=0,
        high=math.isqrt((1 << 2 * bits) // least),
        error=0.0,
    )
    # x'^2 is one of the terms of v, so that |x'| r is 2^t at most.
    made = to.product(Product(rank), centred, r, shape, limit=1 << bits)
    root = math.sqrt(n)
    slope = (2 + root) / math.sqrt(epsilon)
    error = (
        slope * e_x + root * reach / 2.0**bits + root * abs(least - exact) / (2 * min(least, exact))
    )
    return to.amend(made, scale=np.asarray(root / 2.0**bits), error=np.asarray(error))
