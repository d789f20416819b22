"""One rule per operator: every spelling of operator sets 9 to 22 in, steps of set 17 out.

Rules for operators that move values, slide windows or work on each element by itself have modules
of their own; here are the others, and the table of all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from . import _folding, _functions, _moves, _windows
from ._errors import ModelMalformed
from ._functions import unary, with_numbers
from ._graph import Fixed, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._site import Site


def _gemm(site: Site) -> Value:
    x, w = site.computed(0), site.weights(1)
    alpha = site.number("alpha", 1.0)
    trans_a, trans_b = (int(bool(site.attributes.get(k, 0))) for k in ("transA", "transB"))
    if not site.has(2) and alpha == 1 and not trans_a:
        # Exporters write a layer without bias as this or as a product with turned weights.
        return site.step("MatMul", [x, Fixed(w.array.T) if trans_b else w])
    return site.step(
        "Gemm",
        [x, w, site.weights(2)] if site.has(2) else [x, w],
        alpha=alpha,
        beta=site.number("beta", 1.0) if site.has(2) else 1.0,
        transA=trans_a,
        transB=trans_b,
    )


def _matmul(site: Site) -> Value:
    a, b = site.data(0), site.data(1)
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        raise site.refuse("both operands are constant")
    return site.step("MatMul", [a, b])


def _batch_normalization(site: Site) -> Value:
    if site.attributes.get("training_mode", 0):
        raise site.refuse("training mode")
    x = site.computed(0)
    statistics = [site.weights(i) for i in range(1, 5)]
    if len(x.shape) < 2 or any(s.shape != (x.shape[1],) for s in statistics):
        raise ModelMalformed("one statistic for each channel is needed", place=site.place)
    epsilon = site.number("epsilon", 1e-5)
    if bool((statistics[3].array + np.float32(epsilon) <= 0).any()):
        raise site.refuse("a variance plus epsilon that is not positive")
    return site.step("BatchNormalization", [x, *statistics], epsilon=epsilon)


def _layer_normalization(site: Site) -> Value:
    if site.attributes.get("stash_type", 1) != 1:
        raise site.refuse("statistics in another type than float32")
    x = site.computed(0)
    (axis,) = site.axes([site.attributes.get("axis", -1)])
    operands = [x, *(site.weights(i) for i in (1, 2) if site.has(i))]
    if any(w.shape != x.shape[axis:] for w in operands[1:]) or len(operands) < 2:
        raise site.refuse(f"scale and bias have to be of shape {list(x.shape[axis:])}")
    epsilon = site.number("epsilon", 1e-5)
    if epsilon < 0:
        raise site.refuse("a negative epsilon")
    return site.step("LayerNormalization", operands, axis=axis, epsilon=epsilon)


def _reduce(site: Site) -> Value:
    x = site.computed(0)
    by_operand = site.opset >= (13 if site.op == "ReduceSum" else 18)
    if by_operand:
        found = site.integers(1) if site.has(1) else []
        if not found and site.attributes.get("noop_with_empty_axes", 0):
            return x
    else:
        found = list(site.attributes.get("axes") or [])
    axes = sorted(site.axes(found or list(range(len(x.shape)))))
    keepdims = int(bool(site.attributes.get("keepdims", 1)))
    if site.op == "ReduceSum":
        columns = Fixed(np.array(axes, dtype=np.int64))
        return site.step("ReduceSum", [x, columns], keepdims=keepdims, noop_with_empty_axes=0)
    return site.step(site.op, [x], axes=axes, keepdims=keepdims)


def _arg_max(site: Site) -> Value:
    if site.attributes.get("select_last_index", 0):
        raise site.refuse("the last of equal values")
    (axis,) = site.axes([site.attributes.get("axis", 0)])
    keepdims = int(bool(site.attributes.get("keepdims", 1)))
    return site.step("ArgMax", [site.computed(0)], axis=axis, keepdims=keepdims)


def _softmax(site: Site) -> Value:
    x = site.computed(0)
    rank = len(x.shape)
    if site.opset >= 13:
        (axis,) = site.axes([site.attributes.get("axis", -1)], rank)
        return site.step("Softmax", [x], axis=axis)
    # Before operator set 13 Softmax ran over all dimensions from `axis` on, as one.
    (axis,) = site.axes([site.attributes.get("axis", 1)], rank)
    if all(d == 1 for d in x.shape[axis + 1 :]):
        return site.step("Softmax", [x], axis=axis)
    if axis == 0:
        raise site.refuse("over all dimensions")
    rows = math.prod(x.shape[:axis])
    flat = site.reshape(x, (rows, math.prod(x.shape[axis:])))
    made = site.step("Softmax", [flat], flat.shape, axis=1)
    return site.reshape(made, site.shape)


RULES: Mapping[str, Callable[[Site], Value | list[Value]]] = {
    "Abs": unary,
    "Add": _functions.arithmetic,
    "ArgMax": _arg_max,
    "Atan": unary,
    "AveragePool": _windows.pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _folding.cast,
    "Ceil": unary,
    "Celu": _functions.celu,
    "Clip": _functions.clip,
    "Concat": _moves.concat,
    "ConstantOfShape": _folding.constant_of_shape,
    "Conv": _windows.conv,
    "ConvTranspose": _windows.conv_transpose,
    "Cos": unary,
    "Cosh": unary,
    "Div": _functions.arithmetic,
    "Dropout": _moves.dropout,
    "Elu": with_numbers(alpha=1.0),
    "Erf": unary,
    "Exp": unary,
    "Expand": _moves.expand,
    "Flatten": _moves.layout,
    "Floor": unary,
    "Gather": _moves.gather,
    "Gelu": _functions.gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _windows.global_average,
    "Greater": _functions.greater,
    "HardSigmoid": with_numbers(alpha=0.2, beta=0.5),
    "HardSwish": unary,
    "Identity": _moves.same,
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": with_numbers(alpha=0.01),
    "Log": unary,
    "MatMul": _matmul,
    "Max": _functions.extremum,
    "MaxPool": _windows.pool,
    "Min": _functions.extremum,
    "Mish": _functions.mish,
    "Mul": _functions.arithmetic,
    "Neg": unary,
    "PRelu": _functions.prelu,
    "Pad": _windows.pad,
    "Pow": _functions.power,
    "Range": _folding.arange,
    "Reciprocal": unary,
    "ReduceMax": _reduce,
    "ReduceMean": _reduce,
    "ReduceSum": _reduce,
    "Relu": unary,
    "Reshape": _moves.layout,
    "Round": unary,
    "Selu": with_numbers(alpha=1.67326319217681884765625, gamma=1.05070102214813232421875),
    "Shape": _folding.shape,
    "Sigmoid": unary,
    "Sign": unary,
    "Sin": unary,
    "Sinh": unary,
    "Slice": _moves.slice_,
    "Softmax": _softmax,
    "Softplus": unary,
    "Softsign": unary,
    "Split": _moves.split,
    "Sqrt": unary,
    "Squeeze": _moves.layout,
    "Sub": _functions.arithmetic,
    "Tan": unary,
    "Tanh": unary,
    "ThresholdedRelu": with_numbers(alpha=1.0),
    "Tile": _moves.tile,
    "Transpose": _moves.transpose,
    "Unsqueeze": _moves.layout,
    "Where": _functions.where,
}
