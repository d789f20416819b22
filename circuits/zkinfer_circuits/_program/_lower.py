"""From the normal form to a real program: constants absorbed, functions composed, few operations.

Work is put off as long as it may still be absorbed. A step becomes one of

- `Made`: a node of the real program,
- `Sum`: maps of nodes and a bias, into which factors and terms can still be folded,
- `Curve`: a function of one node's elements, into which further functions can still be composed.

What several steps read is made at once, but for straight lines, which cost nothing to repeat.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._errors import UnsupportedGraph, UnsupportedOperator
from .._graph import OPSET, Fixed, Input, Step
from ._functions import IDENTITY, Function, clip, combined, function_of, leaky, power, straight
from ._maps import Conv, Dense, LinearMap, Scale
from ._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from ._read import steps_of
from ._real import Apply, AtLeast, Linear, Normalize, RealOp, RealProgram, Softmax
from ._real import Input as RealInput
from ._shared import ArgMax, MatMul, Node, Product, WindowMax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .._graph import Value
    from .._import import Model

    Array = NDArray[Any]

# What a program gives out: see `lower`.
Output = Literal["scores", "top1"] | float

SOFTMAX_NOTE = (
    "the last Softmax is left out: outputs are the scores before it, which have the same order"
)


@dataclass(frozen=True, eq=False, slots=True)
class Made:
    """A node of the real program."""

    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Sum:
    """Maps of nodes, and a bias that can be broadcast to the shape."""

    terms: tuple[tuple[LinearMap, int], ...]
    bias: Array
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A function of each element of one node."""

    function: Function
    index: int
    shape: tuple[int, ...]


Lazy = Made | Sum | Curve


def lower(model: Model, output: Output = "scores") -> RealProgram:
    """Return the real program of a model in normal form.

    Parameters
    ----------
    model
        The model.
    output
        "scores" for the model's outputs; "top1" for the index of the largest along the last axis,
        which for a single output says whether it is above 0; a number for whether each output is
        at least that.

    Raises
    ------
    UnsupportedOperator, UnsupportedGraph
        A step has no meaning on integers here.
    """
    given, steps = steps_of(model)
    notes = []
    last = steps[-1]
    # Along another axis than the winner's, or against a threshold, it makes a difference.
    row = int(last.attributes["axis"]) == len(last.shape) - 1 if last.op == "Softmax" else False
    kept = not isinstance(output, str) or (output == "top1" and not row)
    if last.op == "Softmax" and isinstance(last.operands[0], Step) and not kept:
        steps = steps[:-1]
        notes.append(SOFTMAX_NOTE)
        last = last.operands[0]
    return _Lowering(given, steps, last).program(tuple(notes), output)


class _Lowering:
    """One run over the steps."""

    def __init__(self, given: Input, steps: Sequence[Step], output: Step) -> None:
        self._nodes: list[Node[RealOp]] = [Node(RealInput(), (), given.shape, "input")]
        self._steps = steps
        self._output = output
        self._lazy: dict[int, Lazy] = {id(given): Made(0, given.shape)}
        self._uses = Counter(id(v) for step in steps for v in step.operands if v is not None)
        self._uses[id(output)] += 1
        self._step = output
        # By identity of what is put off: the step that it is the result of.
        self._origins: dict[int, str] = {}

    def program(self, notes: tuple[str, ...], wanted: Output) -> RealProgram:
        for step in self._steps:
            self._step = step
            made = self._rule(step)
            if self._uses[id(step)] > 1 and not (
                isinstance(made, Curve) and made.function.line is not None
            ):
                made = self._make(made)
            self._lazy[id(step)] = made
            self._origins[id(made)] = step.origin
        self._step = self._output
        output = self._decided(self._make(self._lazy[id(self._output)]), wanted)
        return RealProgram(tuple(self._nodes[: output.index + 1]), notes)

    def _decided(self, scores: Made, wanted: Output) -> Made:
        if wanted == "scores" or self._output.op == "ArgMax":
            return scores
        if not isinstance(wanted, str):
            return self._add(AtLeast(wanted), [scores.index], scores.shape)
        axis = len(scores.shape) - 1
        if axis < 0 or scores.shape[axis] == 1:
            above = float(np.nextafter(0.0, 1.0))
            return self._add(AtLeast(above), [scores.index], scores.shape)
        return self._add(ArgMax(axis), [scores.index], (*scores.shape[:axis], 1))

    # Nodes.

    def _add(
        self, op: RealOp, sources: Sequence[int], shape: tuple[int, ...], name: str | None = None
    ) -> Made:
        self._nodes.append(Node(op, tuple(sources), tuple(shape), name or self._step.origin))
        return Made(len(self._nodes) - 1, tuple(shape))

    def _make(self, value: Lazy) -> Made:
        if isinstance(value, Made):
            return value
        name = self._origins.get(id(value))
        if isinstance(value, Curve) and value.function.line is None:
            return self._add(Apply(value.function), [value.index], value.shape, name)
        total = self._sum(value)
        bias = np.asarray(total.bias, dtype=np.float64)
        maps = tuple(each for each, _ in total.terms)
        return self._add(Linear(maps, bias), [i for _, i in total.terms], total.shape, name)

    def _sum(self, value: Lazy) -> Sum:
        if isinstance(value, Sum):
            return value
        curve = self._curve(value)
        if curve.function.line is None:
            curve = self._curve(self._make(curve))
        a, b = curve.function.line or (1.0, 0.0)
        term = Scale(np.array(a, dtype=np.float64), len(curve.shape))
        return Sum(((term, curve.index),), np.array(b, dtype=np.float64), curve.shape)

    def _curve(self, value: Lazy) -> Curve:
        if isinstance(value, Curve):
            return value
        made = self._make(value)
        return Curve(IDENTITY, made.index, made.shape)

    # Operands.

    def _value(self, position: int) -> Lazy:
        operand = self._operand(position)
        if isinstance(operand, Fixed):
            raise UnsupportedGraph(
                f"{self._step.op}: operand {position + 1} is constant", place=self._place
            )
        return self._lazy[id(operand)]

    def _operand(self, position: int) -> Value:
        operand = self._step.operands[position]
        if operand is None:
            raise UnsupportedGraph(f"operand {position + 1} is missing", place=self._place)
        return operand

    def _constant(self, position: int) -> Array | None:
        operands = self._step.operands
        operand = operands[position] if position < len(operands) else None
        if operand is None:
            return None
        if not isinstance(operand, Fixed):
            raise UnsupportedGraph(
                f"{self._step.op}: operand {position + 1} has to be constant", place=self._place
            )
        array = operand.array
        return array if array.dtype.kind == "i" else array.astype(np.float64)

    def _integers(self, position: int) -> list[int]:
        found = self._constant(position)
        return [] if found is None else [int(v) for v in found.reshape(-1)]

    @property
    def _place(self) -> str:
        return f"node '{self._step.origin}'"

    # Rules.

    def _rule(self, step: Step) -> Lazy:
        function = function_of(step.op, step.attributes)
        if function is not None:
            return self._applied(function, self._value(0))
        rule = _RULES.get(step.op)
        if rule is None:
            raise UnsupportedOperator([(step.origin, step.op, OPSET)])
        return rule(self, step)

    def _applied(self, function: Function, value: Lazy) -> Lazy:
        if isinstance(value, Sum) and function.line is not None:
            a, b = function.line
            scaled = self._scaled(value, np.array(a))
            return Sum(scaled.terms, scaled.bias + b, scaled.shape)
        curve = self._curve(value)
        return Curve(function.after(curve.function), curve.index, curve.shape)

    def _scaled(self, value: Lazy, factor: Array) -> Sum:
        """Return factor * value; the shape is that of the current step where it grows."""
        shape = np.broadcast_shapes(value.shape, factor.shape)
        if isinstance(value, Sum) and shape == value.shape:
            maps = [_scaled_map(each, factor, len(shape)) for each, _ in value.terms]
            if all(each is not None for each in maps):
                terms = tuple(
                    (each, i) for each, (_, i) in zip(maps, value.terms, strict=True) if each
                )
                return Sum(terms, value.bias * factor, shape)
        curve = self._curve(self._make(value) if isinstance(value, Sum) else value)
        if curve.function.line is None:
            curve = self._curve(self._make(curve))
        a, b = curve.function.line or (1.0, 0.0)
        if shape != curve.shape:
            factor = np.broadcast_to(factor, shape)
        term = Scale(np.asarray(factor * a), len(shape))
        return Sum(((term, curve.index),), np.asarray(factor * b), shape)

    def _spread(self, value: Lazy, shape: tuple[int, ...]) -> Sum:
        if value.shape == shape:
            return self._sum(value)
        return self._scaled(value, np.ones(shape))

    def _added(self, left: Lazy, right: Lazy, shape: tuple[int, ...]) -> Sum:
        a, b = self._spread(left, shape), self._spread(right, shape)
        return Sum((*a.terms, *b.terms), a.bias + b.bias, shape)

    def _arithmetic(self, step: Step) -> Lazy:
        first, second = step.operands[0], step.operands[1]
        if isinstance(first, Fixed) or isinstance(second, Fixed):
            return self._with_constant(step)
        left, right = self._value(0), self._value(1)
        if not (isinstance(left, Sum) or isinstance(right, Sum)):
            f, g = self._curve(left), self._curve(right)
            # Two functions of one number are one: x * sigmoid(x), relu(x) - relu(x - 1).
            if f.index == g.index and f.shape == g.shape:
                return Curve(combined(step.op, f.function, g.function), f.index, f.shape)
        if step.op == "Mul":
            a, b = self._make(left), self._make(right)
            return self._add(Product(len(step.shape)), [a.index, b.index], step.shape)
        if step.op == "Div":
            raise UnsupportedGraph("Div: the divisor has to be a constant", place=self._place)
        if step.op == "Sub":
            right = self._scaled(right, np.array(-1.0))
        return self._added(left, right, step.shape)

    def _with_constant(self, step: Step) -> Lazy:
        at = 0 if isinstance(step.operands[0], Fixed) else 1
        value, constant = self._value(1 - at), self._constant(at)
        if constant is None:
            raise UnsupportedGraph("an operand is missing", place=self._place)
        if step.op == "Div":
            if at == 0:
                inverse = function_of("Reciprocal", {})
                if constant.size != 1 or inverse is None:
                    raise UnsupportedGraph("Div: of a constant tensor", place=self._place)
                scaled = straight(float(constant.reshape(())[()]), 0.0)
                return self._applied(scaled, self._applied(inverse, value))
            constant = 1 / constant
        if step.op == "Sub":
            if at == 0:
                value = self._applied(straight(-1.0, 0.0), value)
            else:
                constant = -constant
        if constant.size == 1 and step.shape == value.shape:
            number = float(constant.reshape(())[()])
            line = straight(number, 0) if step.op in ("Mul", "Div") else straight(1, number)
            return self._applied(line, value)
        if step.op in ("Mul", "Div"):
            return self._scaled(value, constant)
        total = self._spread(value, step.shape)
        return Sum(total.terms, total.bias + constant, step.shape)

    def _dense(self, value: Lazy, weight: Array, bias: Array, shape: tuple[int, ...]) -> Sum:
        """Return value @ weight + bias, with what scales the columns of value folded in."""
        folded = self._unscaled(value, len(value.shape) - 1)
        if folded is not None:
            index, factor, offset = folded
            added = np.matmul(np.broadcast_to(offset, weight.shape[-2:-1]), weight)
            # Of a stack, each matrix adds its own to all its rows.
            bias = bias + (added if weight.ndim == 2 else added[..., None, :])
            weight = factor.reshape(-1, 1) * weight
        else:
            index = self._make(value).index
        return Sum(((Dense(weight), index),), bias, shape)

    def _unscaled(self, value: Lazy, axis: int) -> tuple[int, Array, Array] | None:
        """Return (node, factor, offset) where value is factor * node + offset along one axis."""
        if isinstance(value, Made):
            return None
        if isinstance(value, Curve):
            if value.function.line is None or value.function.line == (1.0, 0.0):
                return None
            a, b = value.function.line
            return value.index, np.array([a]), np.array([b])
        if len(value.terms) != 1:
            return None
        each, index = value.terms[0]
        if not isinstance(each, Scale) or each.axes or self._nodes[index].shape != value.shape:
            return None
        factor = _along(each.factor, axis, len(value.shape))
        offset = _along(value.bias, axis, len(value.shape))
        return None if factor is None or offset is None else (index, factor, offset)

    def _gemm(self, step: Step) -> Lazy:
        weight, bias = self._constant(1), self._constant(2)
        if weight is None:
            raise UnsupportedGraph("Gemm: no weights", place=self._place)
        value = self._value(0)
        if step.attributes["transA"]:
            value = self._moved(Transpose((1, 0)), value, (value.shape[1], value.shape[0]))
        weight = step.attributes["alpha"] * (weight.T if step.attributes["transB"] else weight)
        bias = np.zeros(1) if bias is None else step.attributes["beta"] * bias
        return self._dense(value, weight, bias, step.shape)

    def _matmul(self, step: Step) -> Lazy:
        left, right = step.operands[0], step.operands[1]
        if isinstance(right, Fixed):
            return self._weights_behind(step, right.array.astype(np.float64))
        if isinstance(left, Fixed):
            return self._weights_first(step, left.array.astype(np.float64))
        a, b = self._make(self._value(0)), self._make(self._value(1))
        if len(a.shape) < 2 or len(b.shape) < 2 or len(a.shape) != len(b.shape):
            raise UnsupportedGraph("MatMul: computed operands of unlike ranks", place=self._place)
        return self._add(MatMul(0), [a.index, b.index], step.shape)

    def _weights_behind(self, step: Step, weight: Array) -> Lazy:
        value = self._value(0)
        if weight.ndim == 1:
            made = self._dense(value, weight[:, None], np.zeros(1), (*step.shape, 1))
        elif weight.ndim > 2 and len(value.shape) == 1:
            shape = (*step.shape[:-1], 1, step.shape[-1])
            made = self._dense(self._lifted(value, weight.ndim), weight, np.zeros(1), shape)
        else:
            value = self._lifted(value, weight.ndim) if weight.ndim > 2 else value
            return self._dense(value, weight, np.zeros(1), step.shape)
        return self._moved(Reshape(step.shape), made, step.shape)

    def _lifted(self, value: Lazy, rank: int) -> Lazy:
        """Return value with leading axes of 1, as a stack of weights must not meet the samples."""
        shape = (*[1] * (rank - len(value.shape)), *value.shape)
        return value if shape == value.shape else self._moved(Reshape(shape), value, shape)

    def _weights_first(self, step: Step, weight: Array) -> Lazy:
        # w @ x = (x^T @ w^T)^T, as a Dense has its weights behind.
        value = self._value(1)
        if len(value.shape) == 1:
            if weight.ndim != 2:
                raise UnsupportedGraph("MatMul: a stack with a vector", place=self._place)
            return self._dense(value, weight.T, np.zeros(1), step.shape)
        if weight.ndim == 1:
            weight = weight[None]
            shape = (*step.shape[:-1], 1, step.shape[-1])
        else:
            shape = step.shape
        turned = self._turned(self._lifted(value, weight.ndim))
        made = self._dense(
            turned, np.swapaxes(weight, -1, -2), np.zeros(1), (*shape[:-2], shape[-1], shape[-2])
        )
        back = self._turned(made)
        return back if shape == step.shape else self._moved(Reshape(step.shape), back, step.shape)

    def _turned(self, value: Lazy) -> Made:
        rank = len(value.shape)
        perm = (*range(rank - 2), rank - 1, rank - 2)
        return self._moved(Transpose(perm), value, tuple(value.shape[p] for p in perm))

    def _conv(self, step: Step) -> Lazy:
        weight, bias = self._constant(1), self._constant(2)
        if weight is None:
            raise UnsupportedGraph("Conv: no weights", place=self._place)
        a = step.attributes
        settings = (tuple(a["strides"]), tuple(a["pads"]), tuple(a["dilations"]), int(a["group"]))
        return self._convolved(self._value(0), weight, bias, settings, step.shape)

    def _convolved(
        self,
        value: Lazy,
        weight: Array,
        bias: Array | None,
        settings: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int],
        shape: tuple[int, ...],
    ) -> Sum:
        strides, pads, dilations, group = settings
        spatial = (1,) * (len(shape) - 2)
        total = np.zeros(1) if bias is None else bias.reshape(-1, *spatial)
        folded = self._unscaled(value, 1)
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
            index = self._make(value).index
        each = Conv(weight, strides, pads, dilations, group)
        return Sum(((each, index),), total, shape)

    def _conv_transpose(self, step: Step) -> Lazy:
        """Spread the input by zeros, pad it, and convolve with the turned weights."""
        weight, bias = self._constant(1), self._constant(2)
        if weight is None:
            raise UnsupportedGraph("ConvTranspose: no weights", place=self._place)
        a = step.attributes
        n = weight.ndim - 2
        strides, pads = list(a["strides"]), list(a["pads"])
        dilations, group = list(a["dilations"]), int(a["group"])
        extra = list(a.get("output_padding") or [0] * n)
        value = self._make(self._value(0))
        batch, channels, *sizes = value.shape
        if any(s > 1 for s in strides):
            apart = (batch, channels, *(d for size in sizes for d in (size, 1)))
            wide = (batch, channels, *(d for p in zip(sizes, strides, strict=True) for d in p))
            widths = ((0, 0), (0, 0), *(w for s in strides for w in ((0, 0), (0, s - 1))))
            value = self._moved(Reshape(apart), value, apart)
            value = self._moved(Pad(widths, 0.0), value, wide)
            sizes = [size * s for size, s in zip(sizes, strides, strict=True)]
            shape = (batch, channels, *sizes)
            value = self._moved(Reshape(shape), value, shape)
        # After the last number stand stride - 1 zeros already.
        reach = [d * (k - 1) for d, k in zip(dilations, weight.shape[2:], strict=True)]
        begins = [r - p for r, p in zip(reach, pads[:n], strict=True)]
        ends = [
            r - p + e - (s - 1) for r, p, e, s in zip(reach, pads[n:], extra, strides, strict=True)
        ]
        value = self._cropped(value, begins, ends)
        borders = (*(max(b, 0) for b in begins), *(max(e, 0) for e in ends))
        flipped = weight[(slice(None), slice(None), *[slice(None, None, -1)] * n)]
        outputs = weight.shape[1] * group
        parts = flipped.reshape(group, channels // group, weight.shape[1], *weight.shape[2:])
        turned = np.swapaxes(parts, 1, 2).reshape(outputs, channels // group, *weight.shape[2:])
        settings = ((1,) * n, borders, tuple(dilations), group)
        return self._convolved(value, turned, bias, settings, step.shape)

    def _cropped(self, value: Made, begins: Sequence[int], ends: Sequence[int]) -> Made:
        if all(b >= 0 for b in begins) and all(e >= 0 for e in ends):
            return value
        spatial = value.shape[2:]
        slices = [(0, d, 1) for d in value.shape[:2]]
        slices += [
            (max(-b, 0), d - max(-e, 0), 1) for d, b, e in zip(spatial, begins, ends, strict=True)
        ]
        shape = tuple(stop - start for start, stop, _ in slices)
        return self._moved(Slice(tuple(slices)), value, shape)

    def _batch_norm(self, step: Step) -> Lazy:
        parts = [self._constant(i) for i in range(1, 5)]
        scale, bias, mean, variance = (np.zeros(1) if p is None else p for p in parts)
        shape = (-1, *[1] * (len(step.shape) - 2))
        factor = scale / np.sqrt(variance + step.attributes["epsilon"])
        scaled = self._scaled(self._value(0), factor.reshape(shape))
        offset = (bias - mean * factor).reshape(shape)
        return Sum(scaled.terms, scaled.bias + offset, step.shape)

    def _prelu(self, step: Step) -> Lazy:
        slope, value = self._constant(1), self._value(0)
        if slope is None:
            raise UnsupportedGraph("PRelu: no slope", place=self._place)
        if slope.size == 1:
            return self._applied(leaky(float(slope.reshape(())[()])), value)
        # One table of each sign, as a table has no room for a slope of its own for each channel.
        curve = self._curve(value)
        positive = Function("relu", lambda x: np.maximum(x, 0), homogeneous=True)
        negative = Function("minus relu", lambda x: np.minimum(x, 0), homogeneous=True)
        above = self._make(Curve(positive.after(curve.function), curve.index, curve.shape))
        below = self._make(Curve(negative.after(curve.function), curve.index, curve.shape))
        return self._added(above, self._scaled(below, slope), step.shape)

    def _clip(self, step: Step) -> Lazy:
        low, high = (self._constant(i) for i in (1, 2))
        bounds = [None if v is None else float(v.reshape(())[()]) for v in (low, high)]
        return self._applied(clip(*bounds), self._value(0))

    def _pow(self, step: Step) -> Lazy:
        exponent = self._constant(1)
        if exponent is None or exponent.size != 1:
            raise UnsupportedGraph("Pow: the exponent has to be one number", place=self._place)
        return self._applied(power(float(exponent.reshape(())[()])), self._value(0))

    def _reduce(self, step: Step) -> Lazy:
        value = self._value(0)
        rank = len(value.shape)
        if step.op == "ReduceSum":
            axes = tuple(sorted(self._integers(1)))
        else:
            axes = tuple(sorted(int(a) for a in step.attributes["axes"]))
        count = int(np.prod([value.shape[a] for a in axes], dtype=object))
        kept = tuple(1 if i in axes else d for i, d in enumerate(value.shape))
        factor = 1 / count if step.op == "ReduceMean" else 1.0
        folded = self._curve(value) if not isinstance(value, Sum) else None
        offset = 0.0
        if folded is not None and folded.function.line is not None:
            a, b = folded.function.line
            index, factor, offset = folded.index, factor * a, factor * b * count
        else:
            index = self._make(value).index
        term = Scale(np.array(factor), rank, axes, count)
        made = Sum(((term, index),), np.array(offset), kept)
        return made if kept == step.shape else self._moved(Reshape(step.shape), made, step.shape)

    def _reduce_max(self, step: Step) -> Lazy:
        value = self._make(self._value(0))
        axes = sorted(int(a) for a in step.attributes["axes"])
        value = self._last(value, axes)
        count = int(np.prod([value.shape[-1]], dtype=object))
        pooled = (*value.shape[:-1], 1)
        made = self._add(WindowMax((count,), (1,), (0, 0)), [value.index], pooled)
        return self._moved(Reshape(step.shape), made, step.shape)

    def _last(self, value: Made, axes: Sequence[int]) -> Made:
        """Return value with some axes moved to the end and made one."""
        rank = len(value.shape)
        perm = (*(i for i in range(rank) if i not in axes), *axes)
        if perm != tuple(range(rank)):
            value = self._moved(Transpose(perm), value, tuple(value.shape[p] for p in perm))
        if len(axes) != 1:
            lead = value.shape[: rank - len(axes)]
            shape = (*lead, int(np.prod(value.shape[rank - len(axes) :], dtype=object)))
            value = self._moved(Reshape(shape), value, shape)
        return value

    def _max_pool(self, step: Step) -> Lazy:
        a = step.attributes
        window = WindowMax(tuple(a["kernel_shape"]), tuple(a["strides"]), tuple(a["pads"]))
        return self._add(window, [self._make(self._value(0)).index], step.shape)

    def _average_pool(self, step: Step) -> Lazy:
        a = step.attributes
        kernel, strides, pads = (tuple(a[k]) for k in ("kernel_shape", "strides", "pads"))
        value = self._value(0)
        channels, n = value.shape[1], len(kernel)
        size = int(np.prod(kernel))
        weight = np.full((channels, 1, *kernel), 1 / size)
        settings = (strides, pads, (1,) * n, channels)
        made = self._convolved(value, weight, None, settings, step.shape)
        if not any(pads) or a["count_include_pad"]:
            return made
        ones = np.ones((1, 1, 1, *value.shape[2:]))
        inside = Conv(np.ones((1, 1, *kernel)), strides, pads, (1,) * n, 1).apply(ones)[0]
        return self._scaled(made, size / inside)

    def _softmax(self, step: Step) -> Lazy:
        value = self._make(self._value(0))
        axis, rank = int(step.attributes["axis"]), len(value.shape)
        if axis == rank - 1:
            return self._add(Softmax(), [value.index], step.shape)
        perm = list(range(rank))
        perm[axis], perm[-1] = rank - 1, axis
        shape = tuple(value.shape[p] for p in perm)
        turned = self._moved(Transpose(tuple(perm)), value, shape)
        made = self._add(Softmax(), [turned.index], shape)
        return self._moved(Transpose(tuple(perm)), made, step.shape)

    def _layer_norm(self, step: Step) -> Lazy:
        value, rank = self._make(self._value(0)), len(step.shape)
        axis = int(step.attributes["axis"]) % rank
        flat = self._last(value, list(range(axis, rank)))
        epsilon = float(step.attributes["epsilon"])
        if not epsilon:
            raise UnsupportedGraph(
                "LayerNormalization: an epsilon of 0 leaves equal numbers without a value",
                place=self._place,
            )
        normal = Normalize(epsilon)
        made: Lazy = self._add(normal, [flat.index], flat.shape)
        if flat.shape != step.shape:
            made = self._moved(Reshape(step.shape), made, step.shape)
        scale, bias = self._constant(1), self._constant(2)
        if scale is not None:
            made = self._scaled(made, scale)
        if bias is None:
            return made
        total = self._sum(made)
        return Sum(total.terms, total.bias + bias, step.shape)

    # Moves.

    def _moved(self, move: RealOp, value: Lazy, shape: Sequence[int]) -> Made:
        return self._add(move, [self._make(value).index], tuple(shape))

    def _reshape(self, step: Step) -> Lazy:
        return self._moved(Reshape(step.shape), self._value(0), step.shape)

    def _transpose(self, step: Step) -> Lazy:
        perm = tuple(int(p) for p in step.attributes["perm"])
        return self._moved(Transpose(perm), self._value(0), step.shape)

    def _slice(self, step: Step) -> Lazy:
        value = self._value(0)
        slices = [(0, d, 1) for d in value.shape]
        starts, stops, axes, steps = (self._integers(i) for i in range(1, 5))
        for start, stop, axis, stride in zip(starts, stops, axes, steps, strict=True):
            slices[axis] = (start, stop, stride)
        return self._moved(Slice(tuple(slices)), value, step.shape)

    def _concat(self, step: Step) -> Lazy:
        values = []
        for position, operand in enumerate(step.operands):
            if isinstance(operand, Fixed):
                raise UnsupportedGraph("Concat: of a constant", place=self._place)
            values.append(self._make(self._value(position)).index)
        axis = int(step.attributes["axis"]) % len(step.shape)
        return self._add(Concat(axis), values, step.shape)

    def _pad(self, step: Step) -> Lazy:
        value, pads, border = self._value(0), self._integers(1), self._constant(2)
        rank = len(value.shape)
        widths = tuple(zip(pads[:rank], pads[rank:], strict=True))
        mode = step.attributes.get("mode", "constant")
        if mode == "constant":
            number = 0.0 if border is None else float(border.reshape(())[()])
            return self._moved(Pad(widths, number), value, step.shape)
        made = self._make(value)
        for axis, (before, after) in enumerate(widths):
            if before or after:
                indices = np.pad(np.arange(made.shape[axis]), (before, after), mode=mode)
                made = self._gathered(made, axis, indices)
        return made

    def _gathered(self, value: Made, axis: int, indices: Array) -> Made:
        shape = (*value.shape[:axis], indices.size, *value.shape[axis + 1 :])
        chosen = tuple(int(i) for i in indices)
        return self._moved(Gather(axis, chosen), value, shape)

    def _gather(self, step: Step) -> Lazy:
        indices = self._constant(1)
        axis = int(step.attributes["axis"])
        flat = np.zeros(0) if indices is None else indices.reshape(-1)
        made = self._gathered(self._make(self._value(0)), axis, flat)
        if made.shape == step.shape:
            return made
        return self._moved(Reshape(step.shape), made, step.shape)

    def _expand(self, step: Step) -> Lazy:
        made = self._make(self._value(0))
        lead = (1,) * (len(step.shape) - len(made.shape))
        if lead:
            made = self._moved(Reshape((*lead, *made.shape)), made, (*lead, *made.shape))
        for axis, size in enumerate(step.shape):
            if made.shape[axis] != size:
                made = self._gathered(made, axis, np.zeros(size))
        return made

    def _tile(self, step: Step) -> Lazy:
        made = self._make(self._value(0))
        for axis, size in enumerate(step.shape):
            if made.shape[axis] != size:
                made = self._gathered(made, axis, np.arange(size) % made.shape[axis])
        return made

    def _argmax(self, step: Step) -> Lazy:
        value = self._make(self._value(0))
        axis = int(step.attributes["axis"]) % len(value.shape)
        kept = tuple(1 if i == axis else d for i, d in enumerate(value.shape))
        made = self._add(ArgMax(axis), [value.index], kept)
        return made if kept == step.shape else self._moved(Reshape(step.shape), made, step.shape)


def _along(array: Array, axis: int, rank: int) -> Array | None:
    """Return a constant as numbers along one axis, or None where it varies along another."""
    shape = (1,) * (rank - array.ndim) + array.shape
    if any(d != 1 for i, d in enumerate(shape) if i != axis):
        return None
    return np.asarray(array, dtype=np.float64).reshape(-1)


def _scaled_map(each: LinearMap, factor: Array, rank: int) -> LinearMap | None:
    """Return the map of which each result is multiplied by a factor, or None."""
    if isinstance(each, Scale):
        fits = factor.size == 1 or not each.axes
        return each.replace(each.factor * factor) if fits else None
    if isinstance(each, Dense):
        columns = _along(factor, rank - 1, rank)
        return None if columns is None else each.replace(each.weight * columns)
    channels = _along(factor, 1, rank)
    if channels is None:
        return None
    return each.replace(each.weight * channels.reshape(-1, *[1] * (each.weight.ndim - 1)))


_RULES: Mapping[str, Callable[[_Lowering, Step], Lazy]] = {
    "Add": _Lowering._arithmetic,
    "ArgMax": _Lowering._argmax,
    "AveragePool": _Lowering._average_pool,
    "BatchNormalization": _Lowering._batch_norm,
    "Clip": _Lowering._clip,
    "Concat": _Lowering._concat,
    "Conv": _Lowering._conv,
    "ConvTranspose": _Lowering._conv_transpose,
    "Div": _Lowering._arithmetic,
    "Expand": _Lowering._expand,
    "Gather": _Lowering._gather,
    "Gemm": _Lowering._gemm,
    "LayerNormalization": _Lowering._layer_norm,
    "MatMul": _Lowering._matmul,
    "MaxPool": _Lowering._max_pool,
    "Mul": _Lowering._arithmetic,
    "PRelu": _Lowering._prelu,
    "Pad": _Lowering._pad,
    "Pow": _Lowering._pow,
    "ReduceMax": _Lowering._reduce_max,
    "ReduceMean": _Lowering._reduce,
    "ReduceSum": _Lowering._reduce,
    "Reshape": _Lowering._reshape,
    "Slice": _Lowering._slice,
    "Softmax": _Lowering._softmax,
    "Sub": _Lowering._arithmetic,
    "Tile": _Lowering._tile,
    "Transpose": _Lowering._transpose,
}
