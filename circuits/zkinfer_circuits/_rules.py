"""One rule per operator: every spelling of operator sets 9 to 22 in, one step of set 17 out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelMalformed, UnsupportedTensorType, ValueDoesNotFit
from ._graph import Fixed, Step, Value
from ._tensors import check_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._site import Site

_FLOAT_MAX = float(np.finfo(np.float32).max)


def _unary(site: Site) -> Value:
    return site.step(site.op, [site.computed(0)])


def _same(site: Site) -> Value:
    return site.any(0)


def _dropout(site: Site) -> Value:
    if site.has(2):
        training = site.any(2)
        if not isinstance(training, Fixed) or bool(training.array.any()):
            raise site.refuse("training mode")
    return site.any(0)


def _layout(site: Site) -> Value:
    value = site.any(0)
    # The operand that says how (shape or axes) has done its work in the shape inference, which
    # knows constants alone.
    if np.prod(value.shape, dtype=object) != np.prod(site.shape, dtype=object):
        raise ModelMalformed(f"{site.op} changes the number of elements", place=site.place)
    return site.reshape(value, site.shape)


def _cast(site: Site) -> Value:
    from onnx import TensorProto

    value, target = site.any(0), site.attributes["to"]
    if not isinstance(value, Fixed):
        if target != TensorProto.FLOAT:
            raise UnsupportedTensorType(site.origin, found=TensorProto.DataType.Name(target))
        return value
    types: dict[int, type[Any]] = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}
    if target not in types:
        raise UnsupportedTensorType(site.origin, found=TensorProto.DataType.Name(target))
    with np.errstate(all="ignore"):
        made = value.array.astype(types[target])
    # Compared as Python numbers, which are exact; numpy would round both sides first.
    for before, after in zip(
        value.array.reshape(-1).tolist(), made.reshape(-1).tolist(), strict=True
    ):
        if before != after:
            raise ValueDoesNotFit(before, target=made.dtype.name, place=site.place)
    return Fixed(made)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}


def _arithmetic(site: Site) -> Value:
    a, b = site.data(0), site.data(1)
    if site.op == "Div" and not (isinstance(b, Fixed) and bool(b.array.all())):
        raise site.refuse("the divisor has to be a constant without zeros")
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        with np.errstate(all="ignore"):
            made = np.asarray(_ARITHMETIC[site.op](a.array, b.array), dtype=np.float32)
        check_finite(made, site.origin)
        return Fixed(np.asarray(made + np.float32(0)))
    if site.op in ("Add", "Mul") and isinstance(a, Fixed):
        a, b = b, a
    return site.step(site.op, [a, b])


def _global_average(site: Site) -> Value:
    # Exporters write the same layer as this or as a mean over the spatial axes.
    x = site.computed(0)
    if len(x.shape) <= 2:
        raise ModelMalformed("a global pool over no spatial axis", place=site.place)
    return site.step("ReduceMean", [x], axes=list(range(2, len(x.shape))), keepdims=1)


def _gemm(site: Site) -> Value:
    x, w = site.computed(0), site.weights(1)
    alpha = float(site.attributes.get("alpha", 1.0))
    trans_a, trans_b = (int(bool(site.attributes.get(k, 0))) for k in ("transA", "transB"))
    if not site.has(2) and alpha == 1 and not trans_a:
        # Exporters write a layer without bias as this or as a product with turned weights.
        return site.step("MatMul", [x, Fixed(w.array.T) if trans_b else w])
    return site.step(
        "Gemm",
        [x, w, site.weights(2)] if site.has(2) else [x, w],
        alpha=alpha,
        beta=float(site.attributes.get("beta", 1.0)) if site.has(2) else 1.0,
        transA=trans_a,
        transB=trans_b,
    )


def _matmul(site: Site) -> Value:
    a, b = site.data(0), site.data(1)
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        raise site.refuse("both operands are constant")
    return site.step("MatMul", [a, b])


def _window(site: Site, spatial: tuple[int, ...], kernel: list[int]) -> dict[str, list[int]]:
    """Return kernel_shape, strides and explicit pads of a convolution or pooling.

    The size that they make has to be the inferred one: otherwise ceil_mode adds windows that
    reach past the padded input, which have no constraints here.
    """
    n = len(spatial)
    strides = list(site.attributes.get("strides") or [1] * n)
    pads = list(site.attributes.get("pads") or [0] * 2 * n)
    dilations = list(site.attributes.get("dilations") or [1] * n)
    if len(kernel) != n or len(strides) != n or len(pads) != 2 * n or len(dilations) != n:
        raise site.refuse(f"kernel, strides, pads and dilations have to match {n} dimensions")
    if any(d != 1 for d in dilations):
        raise site.refuse(f"dilations {dilations}")
    auto = site.attributes.get("auto_pad", "NOTSET")
    if auto == "VALID":
        pads = [0] * 2 * n
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        begin, end = [], []
        for size, k, s in zip(spatial, kernel, strides, strict=True):
            total = max((-(-size // s) - 1) * s + k - size, 0)
            small, large = total // 2, total - total // 2
            begin.append(small if auto == "SAME_UPPER" else large)
            end.append(large if auto == "SAME_UPPER" else small)
        pads = begin + end
    elif auto != "NOTSET":
        raise site.refuse(f"auto_pad {auto}")
    made = tuple(
        (size + p + q - k) // s + 1
        for size, k, s, p, q in zip(spatial, kernel, strides, pads[:n], pads[n:], strict=True)
    )
    if made != site.shape[2:]:
        raise site.refuse(f"makes {list(site.shape[2:])} where whole windows make {list(made)}")
    return {"kernel_shape": kernel, "strides": strides, "pads": pads}


def _conv(site: Site) -> Value:
    x, w = site.computed(0), site.weights(1)
    operands: list[Value] = [x, w]
    if site.has(2):
        operands.append(site.weights(2))
    kernel = list(w.shape[2:])
    if list(site.attributes.get("kernel_shape") or kernel) != kernel:
        raise ModelMalformed("kernel_shape is not that of the weights", place=site.place)
    group = int(site.attributes.get("group", 1))
    if x.shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ModelMalformed("channels, weights and group do not fit together", place=site.place)
    if len(operands) == 3 and operands[2].shape != (w.shape[0],):
        raise ModelMalformed("one bias for each output channel is needed", place=site.place)
    window = _window(site, x.shape[2:], kernel)
    return site.step("Conv", operands, dilations=[1] * len(kernel), group=group, **window)


def _pool(site: Site) -> Value:
    x = site.computed(0)
    window = _window(site, x.shape[2:], list(site.attributes["kernel_shape"]))
    padded = any(window["pads"])
    if any(p >= k for p, k in zip(window["pads"], window["kernel_shape"] * 2, strict=True)):
        raise site.refuse("padding as wide as the window")
    if site.op == "MaxPool":
        # The backend pads with 0 where ONNX means minus infinity: the same if no value is below 0.
        if padded and not (isinstance(x, Step) and x.op in ("Relu", "Sigmoid")):
            raise site.refuse("padding, other than straight after Relu or Sigmoid")
        return site.step("MaxPool", [x], **window)
    # Likewise it counts the padding in, whatever count_include_pad says.
    if padded and not site.attributes.get("count_include_pad", 0):
        raise site.refuse("padding without count_include_pad=1")
    return site.step("AveragePool", [x], count_include_pad=int(padded), **window)


def _batch_normalization(site: Site) -> Value:
    if site.attributes.get("training_mode", 0):
        raise site.refuse("training mode")
    x = site.computed(0)
    statistics = [site.weights(i) for i in range(1, 5)]
    if len(x.shape) < 2 or any(s.shape != (x.shape[1],) for s in statistics):
        raise ModelMalformed("one statistic for each channel is needed", place=site.place)
    epsilon = float(np.float32(site.attributes.get("epsilon", 1e-5)))
    if bool((statistics[3].array + np.float32(epsilon) <= 0).any()):
        raise site.refuse("a variance plus epsilon that is not positive")
    return site.step("BatchNormalization", [x, *statistics], epsilon=epsilon)


def _concat(site: Site) -> Value:
    operands = [site.any(i) for i in range(len(site.operands))]
    (axis,) = site.axes([site.attributes["axis"]], len(site.shape))
    if all(isinstance(v, Fixed) for v in operands):
        arrays = [v.array for v in operands if isinstance(v, Fixed)]
        return Fixed(np.concatenate(arrays, axis=axis))
    operands = [site.data(i) for i in range(len(operands))]
    return operands[0] if len(operands) == 1 else site.step("Concat", operands, axis=axis)


def _slice(site: Site) -> Value:
    x = site.any(0)
    rank = len(x.shape)
    if site.opset < 10:
        starts, ends = list(site.attributes["starts"]), list(site.attributes["ends"])
        axes, steps = list(site.attributes.get("axes") or range(len(starts))), [1] * len(starts)
    else:
        starts, ends = site.integers(1), site.integers(2)
        axes = site.integers(3) if site.has(3) else list(range(len(starts)))
        steps = site.integers(4) if site.has(4) else [1] * len(starts)
    axes = site.axes(axes, rank)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ModelMalformed("bounds, axes and steps of Slice differ in number", place=site.place)
    if any(s < 1 for s in steps):
        raise site.refuse("a step below 1")
    # Python's own slices clamp as ONNX does; the ends mean "to the end" by huge integers.
    bounds = {
        axis: slice(start, end, step).indices(x.shape[axis])
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    if isinstance(x, Fixed):
        return Fixed(x.array[tuple(slice(*bounds.get(i, (None,))) for i in range(rank))])
    kept = sorted(a for a, b in bounds.items() if b != (0, x.shape[a], 1))
    if not kept:
        return x
    parts = [[bounds[a][i] for a in kept] for i in range(3)]
    columns = [Fixed(np.array(p, dtype=np.int64)) for p in (parts[0], parts[1], kept, parts[2])]
    return site.step("Slice", [x, *columns])


def _pad(site: Site) -> Value:
    x = site.computed(0)
    rank = len(x.shape)
    if site.attributes.get("mode", "constant") != "constant":
        raise site.refuse(f"mode {site.attributes['mode']}")
    if site.opset < 11:
        pads, value = list(site.attributes["pads"]), float(site.attributes.get("value", 0.0))
        axes = list(range(rank))
    else:
        pads, value = site.integers(1), site.scalar(2) if site.has(2) else 0.0
        axes = site.axes(site.integers(3), rank) if site.has(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise ModelMalformed("two pads for each dimension are needed", place=site.place)
    if any(p < 0 for p in pads):
        raise site.refuse("negative pads")
    if not any(pads):
        return x
    if value != 0:
        raise site.refuse(f"padding with {value}, only 0 is supported")
    whole = [0] * 2 * rank
    for i, axis in enumerate(axes):
        whole[axis], whole[rank + axis] = pads[i], pads[len(axes) + i]
    return site.step("Pad", [x, Fixed(np.array(whole, dtype=np.int64))], mode="constant")


def _transpose(site: Site) -> Value:
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


def _reduce(site: Site) -> Value:
    x = site.computed(0)
    by_operand = site.opset >= (13 if site.op == "ReduceSum" else 18)
    if by_operand:
        found = site.integers(1) if site.has(1) else []
        if not found and site.attributes.get("noop_with_empty_axes", 0):
            return x
    else:
        found = list(site.attributes.get("axes") or [])
    rank = len(x.shape)
    axes = sorted(site.axes(found or list(range(rank)), rank))
    keepdims = int(bool(site.attributes.get("keepdims", 1)))
    if site.op == "ReduceSum":
        columns = Fixed(np.array(axes, dtype=np.int64))
        return site.step("ReduceSum", [x, columns], keepdims=keepdims, noop_with_empty_axes=0)
    return site.step("ReduceMean", [x], axes=axes, keepdims=keepdims)


def _clip(site: Site) -> Value:
    x = site.computed(0)
    if site.opset < 11:
        low, high = site.attributes.get("min"), site.attributes.get("max")
    else:
        low = site.scalar(1) if site.has(1) else None
        high = site.scalar(2) if site.has(2) else None
    # The largest float means "no bound", and would not fit any fixed point.
    low = None if low is None or low <= -_FLOAT_MAX else low
    high = None if high is None or high >= _FLOAT_MAX else high
    if low is None and high is None:
        return x
    if low is not None and high is not None and low > high:
        raise site.refuse(f"lower bound {low} above upper bound {high}")
    bounds = [None if v is None else Fixed(np.array(v, dtype=np.float32)) for v in (low, high)]
    return site.step("Clip", [x, *bounds])


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
    rows = int(np.prod(x.shape[:axis], dtype=object))
    flat = site.reshape(x, (rows, int(np.prod(x.shape[axis:], dtype=object))))
    made = Step("Softmax", (flat,), {"axis": 1}, flat.shape, site.origin)
    return site.reshape(made, site.shape)


def _leaky_relu(site: Site) -> Value:
    alpha = float(np.float32(site.attributes.get("alpha", 0.01)))
    return site.step("LeakyRelu", [site.computed(0)], alpha=alpha)


RULES: Mapping[str, Callable[[Site], Value]] = {
    "Add": _arithmetic,
    "AveragePool": _pool,
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _arithmetic,
    "Dropout": _dropout,
    "Exp": _unary,
    "Flatten": _layout,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "Identity": _same,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "Mul": _arithmetic,
    "Pad": _pad,
    "ReduceMean": _reduce,
    "ReduceSum": _reduce,
    "Relu": _unary,
    "Reshape": _layout,
    "Sigmoid": _unary,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _layout,
    "Sub": _arithmetic,
    "Tanh": _unary,
    "Transpose": _transpose,
    "Unsqueeze": _layout,
}
