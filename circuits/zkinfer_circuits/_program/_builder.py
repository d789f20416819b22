"""The program while it is made: nodes, and what is known of each one's value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import AccumulatorTooWide
from ._integer import LARGEST_ACCUMULATOR, Affine, IntegerOp
from ._shared import Node, Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._maps import Scale

    Array = NDArray[Any]

# Slack of sums that are made in float64.
SLACK = 1 + 2.0**-20


def times(a: Array | float, b: Array | float) -> Array:
    """Return products of bounds: what is exactly zero stays so, whatever it is multiplied by."""
    with np.errstate(invalid="ignore"):
        made = np.asarray(a) * np.asarray(b)
    return np.asarray(np.where(np.isnan(made), 0.0, made))


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """A node's value.

    Attributes
    ----------
    index
        The node's number.
    shape
        Its shape.
    scale
        What one unit stands for; can be broadcast to the shape.
    low, high
        The least and the largest integer.
    error
        Bound on the distance from the real program; can be broadcast to the shape.
    """

    index: int
    shape: tuple[int, ...]
    scale: Array
    low: int
    high: int
    error: Array

    @property
    def unit(self) -> float:
        """The scale, of a value with one for all its elements."""
        return float(self.scale.reshape(())[()])

    @property
    def worst(self) -> float:
        """The largest bound of all its elements."""
        return float(np.max(self.error))

    @property
    def largest(self) -> int:
        """The largest absolute value."""
        return max(-self.low, self.high)


class Builder:
    """Adds nodes under the name of the model's node that they come from."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.limit = (1 << width - 1) - 1
        self.nodes: list[Node[IntegerOp]] = []
        self.values: list[Value] = []
        self.name = "input"

    def add(
        self,
        op: IntegerOp,
        sources: Sequence[Value],
        shape: Sequence[int],
        *,
        scale: Array | float,
        low: int,
        high: int,
        error: Array | float,
    ) -> Value:
        """Add a node; return its value."""
        self.nodes.append(Node(op, tuple(s.index for s in sources), tuple(shape), self.name))
        value = Value(
            len(self.values),
            tuple(shape),
            np.asarray(scale, dtype=np.float64),
            low,
            high,
            np.asarray(error, dtype=np.float64),
        )
        self.values.append(value)
        return value

    def amend(self, value: Value, **changes: Any) -> Value:
        """Replace what is known of a node's value; return it."""
        made = replace(value, **changes)
        self.values[value.index] = made
        return made

    def plain(
        self,
        maps: Sequence[Scale],
        sources: Sequence[Value],
        bias: int,
        shape: Sequence[int],
        *,
        scale: Array | float,
        low: int,
        high: int,
        error: Array | float,
    ) -> Value:
        """Add a sum of integers as it is, without a shift; its range needs no check."""
        reach = abs(bias) + sum(
            math.ceil(float(each.sums(np.full(s.shape, float(s.largest))).max()) * SLACK)
            for each, s in zip(maps, sources, strict=True)
        )
        self.require_bits(reach)
        op = Affine(tuple(maps), np.array(bias, dtype=np.int64), 0, low, high, reach + 1)
        return self.add(op, sources, shape, scale=scale, low=low, high=high, error=error)

    def product(
        self, op: Product, a: Value, b: Value, shape: Sequence[int], limit: int | None = None
    ) -> Value:
        """Add a product; `limit` is a bound on it that is known otherwise."""
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = min(corners), max(corners)
        if a is b:
            low = 0
        if limit is not None:
            low, high = max(low, -limit), min(high, limit)
        self.require_bits(max(-low, high))
        error = (
            times(a.largest * a.scale, b.error)
            + times(b.largest * b.scale, a.error)
            + times(a.error, b.error)
        )
        return self.add(op, (a, b), shape, scale=a.scale * b.scale, low=low, high=high, error=error)

    def require_bits(self, bound: int) -> None:
        """Refuse a sum that is not proven to stay below 2^62."""
        if bound > LARGEST_ACCUMULATOR:
            raise AccumulatorTooWide(bound.bit_length(), place=f"node '{self.name}'")
