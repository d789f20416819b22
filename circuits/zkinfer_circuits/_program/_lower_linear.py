"""Rules for arithmetic, sums and means, and matrices: linear, unless both factors are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph
from .._graph import Fixed
from ._functions import combined, function_of, straight
from ._lazy import Curve, Sum
from ._maps import Dense, Scale
from ._shared import MatMul, Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._graph import Step
    from ._lazy import Lazy, Lowering, Made

    Array = NDArray[Any]


def arithmetic(lowering: Lowering, step: Step) -> Lazy:
    """Add, Sub, Mul and Div."""
    first, second = step.operands[0], step.operands[1]
    if isinstance(first, Fixed) or isinstance(second, Fixed):
        return _with_constant(lowering, step)
    left, right = lowering.value(0), lowering.value(1)
    if not (isinstance(left, Sum) or isinstance(right, Sum)):
        f, g = lowering.as_curve(left), lowering.as_curve(right)
        # Two functions of one number are one: x * sigmoid(x), relu(x) - relu(x - 1).
        if f.index == g.index and f.shape == g.shape:
            return Curve(combined(step.op, f.function, g.function), f.index, f.shape)
    if step.op == "Mul":
        a, b = lowering.make(left), lowering.make(right)
        return lowering.add(Product(len(step.shape)), [a.index, b.index], step.shape)
    if step.op == "Div":
        raise UnsupportedGraph("Div: the divisor has to be a constant", place=lowering.place)
    if step.op == "Sub":
        right = lowering.scaled(right, np.array(-1.0))
    return lowering.added(left, right, step.shape)


def _with_constant(lowering: Lowering, step: Step) -> Lazy:
    at = 0 if isinstance(step.operands[0], Fixed) else 1
    value, constant = lowering.value(1 - at), lowering.constant(at)
    if constant is None:
        raise UnsupportedGraph("an operand is missing", place=lowering.place)
    if step.op == "Div":
        if at == 0:
            inverse = function_of("Reciprocal", {})
            if constant.size != 1 or inverse is None:
                raise UnsupportedGraph("Div: of a constant tensor", place=lowering.place)
            scaled = straight(float(constant.reshape(())[()]), 0.0)
            return lowering.applied(scaled, lowering.applied(inverse, value))
        constant = 1 / constant
    if step.op == "Sub":
        if at == 0:
            value = lowering.applied(straight(-1.0, 0.0), value)
        else:
            constant = -constant
    if constant.size == 1 and step.shape == value.shape:
        number = float(constant.reshape(())[()])
        line = straight(number, 0) if step.op in ("Mul", "Div") else straight(1, number)
        return lowering.applied(line, value)
    if step.op in ("Mul", "Div"):
        return lowering.scaled(value, constant)
    total = lowering.spread(value, step.shape)
    return Sum(total.terms, total.bias + constant, step.shape)


def batch_norm(lowering: Lowering, step: Step) -> Lazy:
    """BatchNormalization: a factor and a term for each channel."""
    parts = [lowering.constant(i) for i in range(1, 5)]
    scale, bias, mean, variance = (np.zeros(1) if p is None else p for p in parts)
    shape = (-1, *[1] * (len(step.shape) - 2))
    factor = scale / np.sqrt(variance + step.attributes["epsilon"])
    scaled = lowering.scaled(lowering.value(0), factor.reshape(shape))
    offset = (bias - mean * factor).reshape(shape)
    return Sum(scaled.terms, scaled.bias + offset, step.shape)


def sum_or_mean(lowering: Lowering, step: Step) -> Lazy:
    """ReduceSum and ReduceMean."""
    value = lowering.value(0)
    rank = len(value.shape)
    if step.op == "ReduceSum":
        axes = tuple(sorted(lowering.integers(1)))
    else:
        axes = tuple(sorted(int(a) for a in step.attributes["axes"]))
    count = int(np.prod([value.shape[a] for a in axes], dtype=object))
    kept = tuple(1 if i in axes else d for i, d in enumerate(value.shape))
    factor = 1 / count if step.op == "ReduceMean" else 1.0
    folded = lowering.as_curve(value) if not isinstance(value, Sum) else None
    offset = 0.0
    if folded is not None and folded.function.line is not None:
        a, b = folded.function.line
        index, factor, offset = folded.index, factor * a, factor * b * count
    else:
        index = lowering.make(value).index
    term = Scale(np.array(factor), rank, axes, count)
    made = Sum(((term, index),), np.array(offset), kept)
    return made if kept == step.shape else lowering.reshaped(made, step.shape)


def gemm(lowering: Lowering, step: Step) -> Lazy:
    """Gemm."""
    weight, bias = lowering.constant(1), lowering.constant(2)
    if weight is None:
        raise UnsupportedGraph("Gemm: no weights", place=lowering.place)
    value = lowering.value(0)
    if step.attributes["transA"]:
        value = lowering.transposed(value, (1, 0))
    weight = step.attributes["alpha"] * (weight.T if step.attributes["transB"] else weight)
    bias = np.zeros(1) if bias is None else step.attributes["beta"] * bias
    return _dense(lowering, value, weight, bias, step.shape)


def matmul(lowering: Lowering, step: Step) -> Lazy:
    """MatMul."""
    left, right = step.operands[0], step.operands[1]
    if isinstance(right, Fixed):
        return _weights_behind(lowering, step, right.array.astype(np.float64))
    if isinstance(left, Fixed):
        return _weights_first(lowering, step, left.array.astype(np.float64))
    a, b = lowering.make(lowering.value(0)), lowering.make(lowering.value(1))
    if len(a.shape) < 2 or len(b.shape) < 2 or len(a.shape) != len(b.shape):
        raise UnsupportedGraph("MatMul: computed operands of unlike ranks", place=lowering.place)
    return lowering.add(MatMul(0), [a.index, b.index], step.shape)


def _weights_behind(lowering: Lowering, step: Step, weight: Array) -> Lazy:
    value = lowering.value(0)
    if weight.ndim == 1:
        made = _dense(lowering, value, weight[:, None], np.zeros(1), (*step.shape, 1))
    elif weight.ndim > 2 and len(value.shape) == 1:
        shape = (*step.shape[:-1], 1, step.shape[-1])
        made = _dense(lowering, _lifted(lowering, value, weight.ndim), weight, np.zeros(1), shape)
    else:
        value = _lifted(lowering, value, weight.ndim) if weight.ndim > 2 else value
        return _dense(lowering, value, weight, np.zeros(1), step.shape)
    return lowering.reshaped(made, step.shape)


def _weights_first(lowering: Lowering, step: Step, weight: Array) -> Lazy:
    # w @ x = (x^T @ w^T)^T, as a Dense has its weights behind.
    value = lowering.value(1)
    if len(value.shape) == 1:
        if weight.ndim != 2:
            raise UnsupportedGraph("MatMul: a stack with a vector", place=lowering.place)
        return _dense(lowering, value, weight.T, np.zeros(1), step.shape)
    if weight.ndim == 1:
        weight = weight[None]
        shape = (*step.shape[:-1], 1, step.shape[-1])
    else:
        shape = step.shape
    turned = _turned(lowering, _lifted(lowering, value, weight.ndim))
    made = _dense(
        lowering,
        turned,
        np.swapaxes(weight, -1, -2),
        np.zeros(1),
        (*shape[:-2], shape[-1], shape[-2]),
    )
    back = _turned(lowering, made)
    return back if shape == step.shape else lowering.reshaped(back, step.shape)


def _dense(
    lowering: Lowering, value: Lazy, weight: Array, bias: Array, shape: tuple[int, ...]
) -> Sum:
    """Return value @ weight + bias, with what scales the columns of value folded in."""
    folded = lowering.unscaled(value, len(value.shape) - 1)
    if folded is not None:
        index, factor, offset = folded
        added = np.matmul(np.broadcast_to(offset, weight.shape[-2:-1]), weight)
        # Of a stack, each matrix adds its own to all its rows.
        bias = bias + (added if weight.ndim == 2 else added[..., None, :])
        weight = factor.reshape(-1, 1) * weight
    else:
        index = lowering.make(value).index
    return Sum(((Dense(weight), index),), bias, shape)


def _lifted(lowering: Lowering, value: Lazy, rank: int) -> Lazy:
    """Return value with leading axes of 1, as a stack of weights must not meet the samples."""
    shape = (*[1] * (rank - len(value.shape)), *value.shape)
    return value if shape == value.shape else lowering.reshaped(value, shape)


def _turned(lowering: Lowering, value: Lazy) -> Made:
    rank = len(value.shape)
    perm = (*range(rank - 2), rank - 1, rank - 2)
    return lowering.transposed(value, perm)
