"""What values each node of a real program takes on the calibration data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import UnsupportedGraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._real import RealProgram

    Array = NDArray[Any]

_CHUNK = 64
# What is larger is no number that a model computes on purpose; float32 ends at 3.4e38.
LARGEST = 1e30


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one node.

    Attributes
    ----------
    low, high
        The least and the largest.
    mean_square
        The mean of the squares.
    """

    low: float
    high: float
    mean_square: float

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(-self.low, self.high, 0.0)


def calibrate(program: RealProgram, data: Array, judged: int) -> tuple[tuple[Seen, ...], Array]:
    """Return what each node was seen to take, and all values of one node.

    Parameters
    ----------
    program
        The real program.
    data
        [samples, *input shape].
    judged
        The number of the node whose values are returned.

    Raises
    ------
    UnsupportedGraph
        A node takes a value that is not finite, or beyond `LARGEST`.
    """
    count = len(program.nodes)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    squares, sizes = np.zeros(count), np.zeros(count)

    def see(i: int, values: Array) -> None:
        # Not above: NaN is neither.
        if not bool((np.abs(values) <= LARGEST).all()):
            reason = f"values that are not finite, or beyond {LARGEST:g}, on the calibration data"
            raise UnsupportedGraph(reason, place=f"node '{program.nodes[i].name}'")
        low[i] = min(low[i], float(values.min()))
        high[i] = max(high[i], float(values.max()))
        squares[i] += float(np.square(values).sum())
        sizes[i] += values.size
        if i == judged:
            outputs.append(values)

    outputs: list[Array] = []
    for i in range(0, len(data), _CHUNK):
        with np.errstate(all="ignore"):
            program.run(data[i : i + _CHUNK], see)
    seen = tuple(
        Seen(float(a), float(b), float(s / n))
        for a, b, s, n in zip(low, high, squares, sizes, strict=True)
    )
    return seen, np.concatenate(outputs)
