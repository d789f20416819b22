"""From the normal form to a real program: constants absorbed, functions composed, few operations.

One rule for each operator, and how the program ends. What rules put off, and how, is in `_lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .._errors import UnsupportedOperator
from .._graph import OPSET, Step
from . import _lower_functions, _lower_linear, _lower_moves, _lower_windows
from ._functions import function_of
from ._lazy import Lowering
from ._read import steps_of
from ._real import AtLeast
from ._shared import ArgMax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._import import Model
    from ._lazy import Lazy, Made
    from ._real import RealProgram

# What a program gives out: see `lower`.
Output = Literal["scores", "top1"] | float

SOFTMAX_NOTE = (
    "the last Softmax is left out: outputs are the scores before it, which have the same order"
)


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
    lowering = Lowering(given, steps, last)
    for step in steps:
        lowering.take(step, _by_its_rule)
    scores = lowering.finish(last)
    decided = scores if last.op == "ArgMax" else _decided(lowering, scores, output)
    return lowering.program(decided, tuple(notes))


def _by_its_rule(lowering: Lowering, step: Step) -> Lazy:
    function = function_of(step.op, step.attributes)
    if function is not None:
        return lowering.applied(function, lowering.value(0))
    rule = _RULES.get(step.op)
    if rule is None:
        raise UnsupportedOperator([(step.origin, step.op, OPSET)])
    return rule(lowering, step)


def _decided(lowering: Lowering, scores: Made, output: Output) -> Made:
    """Return what is given out of the scores."""
    if output == "scores":
        return scores
    if not isinstance(output, str):
        return lowering.add(AtLeast(output), [scores.index], scores.shape)
    axis = len(scores.shape) - 1
    if axis < 0 or scores.shape[axis] == 1:
        above = float(np.nextafter(0.0, 1.0))
        return lowering.add(AtLeast(above), [scores.index], scores.shape)
    return lowering.add(ArgMax(axis), [scores.index], (*scores.shape[:axis], 1))


_RULES: Mapping[str, Callable[[Lowering, Step], Lazy]] = {
    "Add": _lower_linear.arithmetic,
    "ArgMax": _lower_functions.argmax,
    "AveragePool": _lower_windows.average_pool,
    "BatchNormalization": _lower_linear.batch_norm,
    "Clip": _lower_functions.clip,
    "Concat": _lower_moves.concat,
    "Conv": _lower_windows.conv,
    "ConvTranspose": _lower_windows.conv_transpose,
    "Div": _lower_linear.arithmetic,
    "Expand": _lower_moves.expand,
    "Gather": _lower_moves.gather,
    "Gemm": _lower_linear.gemm,
    "LayerNormalization": _lower_functions.layer_norm,
    "MatMul": _lower_linear.matmul,
    "MaxPool": _lower_windows.max_pool,
    "Mul": _lower_linear.arithmetic,
    "PRelu": _lower_functions.prelu,
    "Pad": _lower_moves.pad,
    "Pow": _lower_functions.power,
    "ReduceMax": _lower_functions.reduce_max,
    "ReduceMean": _lower_linear.sum_or_mean,
    "ReduceSum": _lower_linear.sum_or_mean,
    "Reshape": _lower_moves.reshape,
    "Slice": _lower_moves.slice_,
    "Softmax": _lower_functions.softmax,
    "Sub": _lower_linear.arithmetic,
    "Tile": _lower_moves.tile,
    "Transpose": _lower_moves.transpose,
}
