"""A program, and the executor that defines what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputNotFinite, InputOutOfRange, InputShapeMismatch
from ._integer import Affine, Input, Lookup
from ._shared import last_uses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._integer import IntegerOp
    from ._shared import Node

    Array = NDArray[Any]

# Elements of the largest intermediate array of a run; more samples than fit go one part at a time.
_LARGEST_ARRAY = 1 << 24


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """A quantised model: operations on integer tensors, in order; the first is the input.

    Attributes
    ----------
    nodes
        Each reads earlier ones; the last is the output.
    scales
        For each node, what one unit of its integers stands for: a real number, or an array of
        them that can be broadcast to the node's shape.
    ranges
        For each node, the least and the largest integer that it can take; proven.
    width
        Bits of an activation, its sign included.
    notes
        What the program leaves out of the model, in words for the user.
    """

    nodes: tuple[Node[IntegerOp], ...]
    scales: tuple[Array, ...]
    ranges: tuple[tuple[int, int], ...]
    width: int
    notes: tuple[str, ...]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one output."""
        return self.nodes[-1].shape

    def quantize(self, x: Array) -> Array:
        """Return the integers nearest to inputs, ties to even.

        Parameters
        ----------
        x
            Real numbers, [samples, *input shape].

        Returns
        -------
        numpy.ndarray
            int64, of the same shape; what lies outside the input's range is left there, for `run`
            to refuse.

        Raises
        ------
        InputNotFinite
            There is a NaN among them.
        """
        given = np.asarray(x, dtype=np.float64)
        if np.isnan(given).any():
            place = np.unravel_index(int(np.argmax(np.isnan(given))), given.shape)
            raise InputNotFinite(index=tuple(int(i) for i in place), kind="nan")
        scaled = np.rint(given / self.scales[0])
        # Far outside any range, yet an int64.
        return np.clip(scaled, -(2.0**40), 2.0**40).astype(np.int64)

    def dequantize(self, y: Array) -> Array:
        """Return what output integers stand for, in float64."""
        return np.asarray(y * self.scales[-1])

    def run(self, x: Array) -> Array:
        """Return the outputs as integers, int64 [samples, *output shape], of integer inputs.

        Raises
        ------
        InputOutOfRange
            A value of some sample leaves the range of its layer; names the layer and the value.
        InputShapeMismatch, TypeError
            As `run_each` does.
        """
        outputs, refused = self.run_each(x)
        if refused:
            raise refused[min(refused)]
        return outputs

    def run_each(
        self, x: Array, see: Callable[[int, Array], None] | None = None
    ) -> tuple[Array, dict[int, InputOutOfRange]]:
        """Return outputs, and the errors of samples that leave a range, whose outputs say nothing.

        Parameters
        ----------
        x
            Integers, [samples, *input shape].
        see
            Called with the number and the integers of each node, part by part.

        Raises
        ------
        InputShapeMismatch
            The samples have not the input's shape.
        TypeError
            They are no integers, or of a type that int64 does not hold.
        """
        x = self._integers(x)
        largest = max(self._elements(i) for i in range(len(self.nodes)))
        step = max(1, _LARGEST_ARRAY // largest)
        outputs: list[Array] = []
        refused: dict[int, InputOutOfRange] = {}
        for start in range(0, len(x), step):
            made, errors = self._run_part(x[start : start + step], see)
            outputs.append(made)
            refused.update({start + i: error for i, error in errors.items()})
        empty = np.zeros((0, *self.output_shape), dtype=np.int64)
        return np.concatenate(outputs) if outputs else empty, refused

    def _integers(self, x: Array) -> Array:
        given = np.asarray(x)
        if given.dtype.kind not in "iu" or not np.can_cast(given.dtype, np.int64):
            raise TypeError(f"expected integers that int64 holds, got {given.dtype}")
        if given.shape[1:] != self.input_shape or not given.ndim:
            raise InputShapeMismatch(expected=self.input_shape, got=given.shape[1:])
        return given.astype(np.int64)

    def _elements(self, i: int) -> int:
        """Return how many numbers node i needs at once for one sample."""
        node = self.nodes[i]
        maps = node.op.maps if isinstance(node.op, Affine) else ()
        fan_in = max((each.fan_in for each in maps), default=1)
        return int(np.prod(node.shape, dtype=object)) * fan_in

    def _run_part(
        self, x: Array, see: Callable[[int, Array], None] | None
    ) -> tuple[Array, dict[int, InputOutOfRange]]:
        values: dict[int, Array] = {}
        errors: dict[int, InputOutOfRange] = {}
        made = x
        drops = last_uses(self.nodes)
        for i, (node, unread) in enumerate(zip(self.nodes, drops, strict=True)):
            op = node.op
            if isinstance(op, Lookup):
                values[node.sources[0]] = _held(
                    values[node.sources[0]], op.low, op.high, node.name, errors
                )
            if not isinstance(op, Input):
                made = op.apply(*(values[s] for s in node.sources))
            if isinstance(op, (Input, Affine)):
                made = _held(made, op.low, op.high, node.name, errors)
            values[i] = made
            if see is not None:
                see(i, made)
            for source in unread:
                del values[source]
        return made, errors


def _held(
    values: Array, low: int, high: int, name: str, errors: dict[int, InputOutOfRange]
) -> Array:
    """Return values held within a range; the first to leave it in each sample becomes its error."""
    outside = (values < low) | (values > high)
    if not outside.any():
        return values
    flat = outside.reshape(len(values), -1)
    for sample in np.flatnonzero(flat.any(axis=1)).tolist():
        if sample not in errors:
            value = int(values[sample].reshape(-1)[int(np.argmax(flat[sample]))])
            errors[sample] = InputOutOfRange(layer=name, value=value, low=low, high=high)
    return np.clip(values, low, high)
