"""A real program and what it was seen to compute, made a program on integers.

Every activation is an integer of `width` bits times a scale. Coefficients absorb all ratios of
scales, so that requantisation is a shift (Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2, with the multiplier
in the weights). Beside each node stands a bound on its distance from the real program, proven for
every input inside the ranges; docs/programs.md derives it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph
from ._builder import SLACK, Builder, Value, times
from ._composites import normalize, softmax
from ._functions import RELU
from ._integer import AT_LEAST, LARGEST_ACCUMULATOR, Affine, Input, IntegerOp, Lookup
from ._maps import LinearMap, Scale
from ._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from ._program import Program
from ._real import Apply, AtLeast, Linear, Normalize, Softmax
from ._real import Input as RealInput
from ._scales import absorbed, exact_shift, reach_of, tidy
from ._shared import ArgMax, MatMul, Product, WindowMax
from ._tables import deviation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._calibrate import Seen
    from ._real import RealOp, RealProgram
    from ._record import Quantization

    Array = NDArray[Any]

# What was seen may grow this much before a value leaves its range.
MARGIN = 2.0
# Rounding of coefficients may blur an activation by this many units, root mean square.
_BLUR = 0.5
# Of a number uniform in [-1/2, 1/2].
_ROUNDING = 1 / math.sqrt(12)


@dataclass(frozen=True, eq=False, slots=True)
class Quantized:
    """A program with the proven bound on the error of each of its nodes.

    Attributes
    ----------
    program
        The program.
    errors
        For each node, in real numbers, what its distance from the float model never exceeds while
        all ranges hold; infinite where nothing is proven.
    real_nodes
        For each node of the real program, the node here that has its values.
    """

    program: Program
    errors: tuple[float, ...]
    real_nodes: tuple[int, ...]


def quantize(program: RealProgram, how: Quantization) -> Quantized:
    """Return the program on integers.

    Raises
    ------
    AccumulatorTooWide
        A sum is not proven to stay below 2^62.
    UnsupportedGraph
        A function is not defined where it was seen to be used.
    ValueError
        The record is not of this program.
    """
    if len(how.seen) != len(program.nodes):
        raise ValueError(f"{len(how.seen)} ranges for {len(program.nodes)} nodes")
    if len(how.inputs) not in (1, program.nodes[0].shape[-1]):
        raise ValueError(f"{len(how.inputs)} ranges of the input")
    # A bound that overflows is infinite: nothing is proven.
    with np.errstate(over="ignore"):
        return _Quantizer(program, how).run()


class _Quantizer(Builder):
    def __init__(self, program: RealProgram, how: Quantization) -> None:
        super().__init__(how.width)
        self._real = program
        self._how = how
        self._seen = how.seen
        self._made: list[Value] = []
        self._narrow: dict[int, Value] = {}
        self._now = program.nodes[0]
        self._position = 0
        # Whether an ArgMax has been made, which nothing but moves follows.
        self._chosen = False

    def run(self) -> Quantized:
        for i, node in enumerate(self._real.nodes):
            self._now, self._position, self.name = node, i, node.name
            self._made.append(self._input() if i == 0 else self._quantized(node.op))
        self._position = len(self._real.nodes) - 1
        output = self._fit(self._position, uniform=True)
        mapping = [v.index for v in self._made]
        mapping[-1] = output.index
        values = self.values[: output.index + 1]
        program = Program(
            nodes=tuple(self.nodes[: output.index + 1]),
            scales=tuple(v.scale for v in values),
            ranges=tuple((v.low, v.high) for v in values),
            width=self.width,
            notes=self._real.notes,
        )
        errors = tuple(float(np.max(v.error)) for v in values)
        return Quantized(program, errors, tuple(mapping))

    # Nodes.

    def _input(self) -> Value:
        shape = self._now.shape
        largest = np.array(self._how.inputs)
        if largest.size == 1:
            largest = largest.reshape(())
        largest = np.where(largest > 0, largest, 1.0)
        scale = tidy(largest * MARGIN / self.limit)
        low, high = -self.limit - 1, self.limit
        return self.add(
            Input(low, high), (), shape, scale=scale, low=low, high=high, error=scale / 2
        )

    # What a consumer may ask of a source.

    def _fit(self, position: int, *, uniform: bool) -> Value:
        """Return a real node's value within the width and, if asked, with one scale for all."""
        value = self._made[position]
        if self._chosen:
            # An index is exact, and no index is too large.
            return value
        wide = value.high > self.limit or value.low < -self.limit - 1
        mixed = uniform and value.scale.size > 1
        if not wide and not mixed:
            return value
        if position not in self._narrow:
            one = Scale(np.array(1.0), len(value.shape))
            # What leaves its range here is the value itself, whoever reads it.
            reader, self.name = self.name, self._real.nodes[position].name
            self._narrow[position] = self._affine(
                (one,), (value,), np.array(0.0), value.shape, self._seen[position], [position]
            )
            self.name = reader
        return self._narrow[position]

    def _sources(self, *, uniform: bool) -> list[Value]:
        return [self._fit(s, uniform=uniform) for s in self._now.sources]

    # Operations.

    def _quantized(self, op: RealOp) -> Value:
        match op:
            case Linear():
                return self._linear(op)
            case Apply():
                return self._lookup(op)
            case AtLeast():
                return self._decision(op)
            case WindowMax():
                (x,) = self._sources(uniform=True)
                top = x.worst
                return self._same(op, (x,), error=top)
            case ArgMax():
                (x,) = self._sources(uniform=True)
                high = x.shape[op.axis] - 1
                shape = self._now.shape
                self._chosen = True
                return self.add(op, (x,), shape, scale=1.0, low=0, high=high, error=math.inf)
            case Product():
                a, b = self._sources(uniform=False)
                return self.product(op, a, b, self._now.shape)
            case MatMul():
                return self._matmul()
            case Softmax():
                (x,) = self._sources(uniform=True)
                return softmax(self, x)
            case Normalize():
                (x,) = self._sources(uniform=True)
                seen = self._seen[self._now.sources[0]]
                return normalize(self, x, op.epsilon, seen.largest * MARGIN)
            case RealInput():
                raise UnsupportedGraph("a second input", place=f"node '{self.name}'")
            case _:
                return self._moved(op)

    def _same(self, op: IntegerOp, sources: Sequence[Value], error: Array | float) -> Value:
        """Add an operation whose results are among its operands, of one scale."""
        return self.add(
            op,
            sources,
            self._now.shape,
            scale=sources[0].scale,
            low=min(s.low for s in sources),
            high=max(s.high for s in sources),
            error=error,
        )

    def _moved(self, op: Reshape | Transpose | Slice | Concat | Pad | Gather) -> Value:
        if isinstance(op, Pad) and op.value:
            return self._bordered(op)
        sources = self._sources(uniform=False)

        def moved(parts: list[Array], move: RealOp) -> Array:
            if (
                all(p.size == 1 for p in parts)
                and len({float(p.reshape(())[()]) for p in parts}) == 1
            ):
                return parts[0].reshape(())
            whole = [np.broadcast_to(p, s.shape)[None] for p, s in zip(parts, sources, strict=True)]
            return np.asarray(move.apply(*whole)[0])  # type: ignore[union-attr]

        # The zeros of a border are exact, whatever one unit stands for; but what is typical for the
        # node decides how fine its coefficients are.
        largest = float(sources[0].scale.max())
        scale_move = Pad(op.widths, largest) if isinstance(op, Pad) else op
        value = self.add(
            Pad(op.widths, 0) if isinstance(op, Pad) else op,
            sources,
            self._now.shape,
            scale=moved([s.scale for s in sources], scale_move),
            low=min(s.low for s in sources),
            high=max(s.high for s in sources),
            error=moved([s.error for s in sources], op),
        )
        if isinstance(op, Pad):
            return self.amend(value, low=min(value.low, 0), high=max(value.high, 0))
        return value

    def _bordered(self, op: Pad) -> Value:
        (x,) = self._sources(uniform=True)
        number = round(op.value / x.unit)
        if not -self.limit - 1 <= number <= self.limit:
            raise UnsupportedGraph(
                f"padding with {op.value}, outside the range of what it borders",
                place=f"node '{self.name}'",
            )
        error = max(x.worst, float(np.max(x.scale)) / 2)
        value = self._same(Pad(op.widths, number), (x,), error)
        return self.amend(value, low=min(value.low, number), high=max(value.high, number))

    def _matmul(self) -> Value:
        a, b = self._sources(uniform=True)
        terms = a.shape[-1]
        bound = terms * a.largest * b.largest
        self.require_bits(bound)
        e_a, e_b, s_a, s_b = a.worst, b.worst, a.unit, b.unit
        error = terms * float(
            times(a.largest * s_a, e_b) + times(b.largest * s_b, e_a) + times(e_a, e_b)
        )
        return self.add(
            MatMul(bound + 1),
            (a, b),
            self._now.shape,
            scale=s_a * s_b,
            low=-bound,
            high=bound,
            error=error,
        )

    # Linear maps.

    def _linear(self, op: Linear) -> Value:
        sources = []
        for each, position in zip(op.maps, self._now.sources, strict=True):
            value = self._made[position]
            if absorbed(each, value.scale, value.shape) is None:
                value = self._fit(position, uniform=True)
            sources.append(value)
        positions = list(self._now.sources)
        seen, shape = self._seen[self._position], self._now.shape
        # Where squares of 2 x 2 are compared, differences have to be activations too.
        limit = self.limit >> 1 if self._compared(self._position) else self.limit
        return self._affine(op.maps, sources, op.bias, shape, seen, positions, limit)

    def _compared(self, position: int) -> bool:
        """Return whether the largest of each square is all that is read of a node."""
        readers = [n for n in self._real.nodes if position in n.sources]
        if len(readers) != 1:
            return False
        (reader,) = readers
        if isinstance(reader.op, Apply) and reader.op.function.name == RELU:
            return self._compared(self._real.nodes.index(reader))
        shape = self._real.nodes[position].shape
        return isinstance(reader.op, WindowMax) and reader.op.of_squares(shape)

    def _affine(
        self,
        maps: Sequence[LinearMap],
        sources: Sequence[Value],
        bias: Array,
        shape: Sequence[int],
        seen: Seen,
        positions: Sequence[int],
        limit: int | None = None,
    ) -> Value:
        """Add the requantised sum of real maps; coefficients take in the scales.

        Results are below `limit`, by default that of an activation.
        """
        limit = self.limit if limit is None else limit
        scaled = []
        for each, source in zip(maps, sources, strict=True):
            taken = absorbed(each, source.scale, source.shape)
            if taken is None:
                raise UnsupportedGraph(
                    "scales that cannot be absorbed", place=f"node '{self.name}'"
                )
            scaled.append(taken)
        reach = np.abs(bias).max() + sum(
            float(taken.sums(np.full(s.shape, float(s.largest))).max())
            for taken, s in zip(scaled, sources, strict=True)
        )
        scale = tidy((min(seen.largest * MARGIN, reach * SLACK) or 1.0) / limit)
        # The noise that rounded coefficients make, in units of the result, before the shift.
        power = sum(
            each.fan_in * min(self._mean_square(p, s), float(s.largest) ** 2)
            for each, p, s in zip(maps, positions, sources, strict=True)
        )
        noise = _ROUNDING * math.sqrt(power)
        shift = max(0, min(self._how.shift, math.ceil(math.log2(max(noise / _BLUR, 1.0)))))
        parts = [taken.coefficients() / float(scale) for taken in scaled]
        shift = exact_shift(parts, bias / float(scale), shift)
        while True:
            coefficients = [np.rint(p * 2.0**shift) for p in parts]
            offset = np.rint(bias / float(scale) * 2.0**shift)
            bound = self._bound(maps, coefficients, offset, sources, shift)
            if bound <= LARGEST_ACCUMULATOR or shift == 0:
                break
            shift -= 1
        self.require_bits(bound)
        # One that is larger than every sum meets nothing but zeros.
        coefficients = [np.where(np.abs(c) <= bound, c, 0.0) for c in coefficients]
        integers = tuple(
            each.replace(c.astype(np.int64)) for each, c in zip(maps, coefficients, strict=True)
        )
        low, high = -limit - 1, limit
        op = Affine(integers, offset.astype(np.int64), shift, low, high, bound)
        error = np.abs(offset * float(scale) / 2.0**shift - bias)
        if shift:
            error = error + float(scale) / 2
        for each, taken, c, s in zip(maps, scaled, coefficients, sources, strict=True):
            error = error + reach_of(each, s.error, s.shape)
            wrong = taken.replace(c * (float(scale) / 2.0**shift) - taken.coefficients())
            error = error + wrong.sums(np.full(s.shape, float(s.largest)))
        return self.add(op, sources, shape, scale=scale, low=low, high=high, error=error)

    def _mean_square(self, position: int, value: Value) -> float:
        typical = float(np.mean(value.scale))
        return self._seen[position].mean_square / typical**2

    def _bound(
        self,
        maps: Sequence[LinearMap],
        coefficients: Sequence[Array],
        offset: Array,
        sources: Sequence[Value],
        shift: int,
    ) -> int:
        total = float(np.abs(offset).max()) + 2.0 ** (shift + self.width)
        for each, c, s in zip(maps, coefficients, sources, strict=True):
            total += float(each.replace(c).sums(np.full(s.shape, float(s.largest))).max())
        if not math.isfinite(total):
            raise UnsupportedGraph("coefficients that are not finite", place=f"node '{self.name}'")
        return math.ceil(total * SLACK)

    # Tables.

    def _lookup(self, op: Apply) -> Value:
        function = op.function
        x = self._fit(self._now.sources[0], uniform=not function.homogeneous)
        grid = np.arange(x.low, x.high + 1, dtype=np.float64)
        if function.homogeneous:
            exact = op.apply(grid)
            values = np.rint(exact)
            error = x.error + x.scale * float(np.abs(values - exact).max())
            table = Lookup(function.name, x.low, values.astype(np.int64))
            low, high = int(values.min()), int(values.max())
            shape = self._now.shape
            return self.add(table, (x,), shape, scale=x.scale, low=low, high=high, error=error)
        unit = x.unit
        real = op.apply(grid * unit)
        finite = np.where(np.isfinite(real), np.abs(real), np.inf)
        begin, end = self._used(x, unit)
        used = float(finite[begin:end].max())
        if math.isinf(used):
            raise UnsupportedGraph(
                "a function without finite values where the calibration data use it",
                place=f"node '{self.name}'",
            )
        seen = self._seen[self._position]
        largest = max(min(float(finite.max()), seen.largest * MARGIN), used) or 1.0
        scale = tidy(largest / self.limit)
        first, last = _widened(finite <= float(scale) * self.limit, begin, end)
        values = np.rint(real[first:last] / float(scale)).astype(np.int64)
        table = Lookup(function.name, x.low + first, values)
        off = deviation(function, unit, x.low + first, values * float(scale), x.worst)
        return self.add(
            table,
            (x,),
            self._now.shape,
            scale=scale,
            low=int(values.min()),
            high=int(values.max()),
            error=off,
        )

    def _decision(self, op: AtLeast) -> Value:
        (x,) = self._sources(uniform=True)
        grid = np.arange(x.low, x.high + 1, dtype=np.float64)
        values = op.apply(grid * x.unit).astype(np.int64)
        table = Lookup(AT_LEAST, x.low, values)
        shape = self._now.shape
        return self.add(table, (x,), shape, scale=1.0, low=0, high=1, error=math.inf)

    def _used(self, x: Value, unit: float) -> tuple[int, int]:
        """Return the run of a table's arguments that holds all that were seen."""
        seen, count = self._seen[self._now.sources[0]], x.high - x.low + 1
        begin = min(max(math.floor(seen.low / unit) - x.low, 0), count - 1)
        end = min(max(math.ceil(seen.high / unit) - x.low, begin), count - 1)
        return begin, end + 1


def _widened(good: Array, begin: int, end: int) -> tuple[int, int]:
    """Return the longest run of good places around some of them."""
    while begin > 0 and good[begin - 1]:
        begin -= 1
    while end < len(good) and good[end]:
        end += 1
    return begin, end
