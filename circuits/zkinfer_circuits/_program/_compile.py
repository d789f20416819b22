"""A model and calibration data in, a program out: as narrow as is good enough."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import (
    AccumulatorTooWide,
    AccuracyUnreachable,
    InputShapeMismatch,
    InputTypeMismatch,
    UnsupportedGraph,
)
from ._calibrate import calibrate
from ._integer import AT_LEAST, Lookup
from ._lower import Output, lower
from ._quantize import Quantized, quantize
from ._real import AtLeast
from ._record import WIDTHS, Quantization
from ._shared import ArgMax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._import import Model
    from ._program import Program
    from ._real import RealProgram

    Array = NDArray[Any]

_TRIED = range(8, 14)
# One remainder of at most this many bits for each activation, or two.
_SHIFTS = (12, 24)
_DEFAULT_ERROR = 0.005
# A feature whose range is smaller than the largest by this gets a scale of its own.
_UNLIKE = 8.0


@dataclass(frozen=True, eq=False, slots=True)
class CompiledProgram:
    """A program and what is known of its errors.

    Attributes
    ----------
    program
        The program.
    real
        The same on real numbers.
    errors
        For each node of the program, the proven bound on its distance from the float model;
        infinite where nothing is proven.
    real_nodes
        For each node of the real program, the node of the program with its values.
    quantization
        What the program was made from.
    """

    program: Program
    real: RealProgram
    errors: tuple[float, ...]
    real_nodes: tuple[int, ...]
    quantization: Quantization


def compile_program(
    model: Model,
    calibration: Array,
    *,
    output: Output = "scores",
    max_error: float | None = None,
    width: int | None = None,
) -> CompiledProgram:
    """Quantise a model.

    Parameters
    ----------
    model
        In normal form.
    calibration
        Typical inputs, [samples, *input shape].
    output
        What the program gives out. "scores": the model's outputs, requantised. "top1": the first
        index of the largest along the last axis; of a single output, whether it is above 0. A
        number: whether each output is at least that, 0 or 1.
    max_error
        Largest accepted absolute error of a score on them; None for 0.5 % of the scores' range.
    width
        Bits of an activation, 4 to 16; None for the fewest of 8 to 13 that keep the error.

    Raises
    ------
    UnsupportedOperator, UnsupportedGraph
        The model has no meaning as a program.
    AccumulatorTooWide
        A sum is not proven to stay below 2^62.
    AccuracyUnreachable
        The error bound is out of reach.
    InputTypeMismatch, InputShapeMismatch
        The calibration data are no samples of the model's input.
    ValueError
        There are no samples, or the width is out of limits.
    """
    if width is not None and width not in WIDTHS:
        raise ValueError(f"an activation of {width!r} bits, wanted {WIDTHS[0]} to {WIDTHS[-1]}")
    data = _samples(model, calibration)
    if not isinstance(output, str):
        output = float(output)
        if not math.isfinite(output):
            raise ValueError(f"a threshold of {output}")
    elif output not in ("scores", "top1"):
        raise ValueError(f"an output of {output!r}, wanted 'scores', 'top1' or a number")
    real = lower(model, output)
    judged = _judged(real)
    seen, outputs = calibrate(real, data, judged)
    bound = max_error
    if bound is None:
        bound = _DEFAULT_ERROR * max(float(np.ptp(outputs)), float(np.abs(outputs).max()))
    widths = _TRIED if width is None else (width,)
    inputs = _input_ranges(data, seen[0].largest)
    best, refused = math.inf, None
    for shift, bits in itertools.product(_SHIFTS, widths):
        how = Quantization(bits, shift, inputs, seen, output, 0.0)
        try:
            quantized = quantize(real, how)
        except (UnsupportedGraph, AccumulatorTooWide) as error:
            # A coarse grid has 0 among its points, where a logarithm has no value; wide
            # activations make wide sums.
            refused = error
            continue
        off = _error(quantized.program, data, outputs)
        best = min(best, off)
        last = width is not None and max_error is None and shift == _SHIFTS[-1]
        if off <= bound or (last and math.isfinite(off)):
            return _compiled(real, quantized, replace(how, max_abs_error=off))
    if refused is not None and math.isinf(best):
        raise refused
    raise AccuracyUnreachable(f"the largest error is {best:.4g}, allowed {bound:.4g}")


def _samples(model: Model, calibration: Array) -> Array:
    given = np.asarray(calibration)
    if given.dtype.kind not in "fiu":
        raise InputTypeMismatch(found=str(given.dtype))
    if given.shape[1:] != model.input_shape:
        raise InputShapeMismatch(expected=model.input_shape, got=given.shape[1:])
    if not len(given):
        raise ValueError("there are no calibration samples")
    return given.astype(np.float64)


def rebuild_program(model: Model, how: Quantization) -> CompiledProgram:
    """Return the program that a record makes of a model.

    Raises
    ------
    ModelRefused, ValueError
        The record is not of this model, or makes no program of it.
    """
    real = lower(model, how.output)
    return _compiled(real, quantize(real, how), how)


def _compiled(real: RealProgram, quantized: Quantized, how: Quantization) -> CompiledProgram:
    return CompiledProgram(quantized.program, real, quantized.errors, quantized.real_nodes, how)


def _input_ranges(data: Array, largest: float) -> tuple[float, ...]:
    """Return the largest absolute value of the input, or of each feature where they are unlike."""
    if data.ndim == 3 and data.shape[1] == 1:
        each = np.abs(data).max(axis=(0, 1))
        # A feature that is mostly zero may yet take values that were not seen.
        own = np.count_nonzero(data, axis=(0, 1)) * 2 > len(data)
        own &= each * _UNLIKE < largest
        if own.any():
            return tuple(np.where(own, each, largest).tolist())
    return (largest,)


def _judged(program: RealProgram | Program) -> int:
    """Return the node whose error counts: the output, or the scores of which it is a decision."""
    for node in program.nodes:
        table = isinstance(node.op, Lookup) and node.op.name == AT_LEAST
        if table or isinstance(node.op, (ArgMax, AtLeast)):
            return node.sources[0]
    return len(program.nodes) - 1


def _error(program: Program, data: Array, outputs: Array) -> float:
    judged = _judged(program)
    found: list[Array] = []

    def see(i: int, values: Array) -> None:
        if i == judged:
            found.append(values * program.scales[i])

    _, refused = program.run_each(program.quantize(data), see)
    if refused:
        return math.inf
    return float(np.abs(np.concatenate(found) - outputs).max(initial=0.0))
