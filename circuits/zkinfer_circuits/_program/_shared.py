"""Operations that mean the same on real numbers and on integers, and the graph they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ._maps import multiply, spread_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class WindowMax:
    """The largest element of each window over the trailing axes; padding is left out.

    Attributes
    ----------
    kernel, strides
        One for each of the trailing axes.
    pads
        All begins, then all ends.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]

    def of_squares(self, shape: tuple[int, ...]) -> bool:
        """Return whether the windows are 2 x 2, side by side, and leave out nothing of a tensor."""
        side_by_side = self.kernel == self.strides == (2, 2) and not any(self.pads)
        return side_by_side and len(shape) >= 2 and not any(n % 2 for n in shape[-2:])

    def apply(self, x: Array) -> Array:
        """Return the maxima."""
        outside = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        ones = (1,) * len(self.kernel)
        windows = spread_windows(x, self.kernel, self.strides, self.pads, ones, outside)
        return np.asarray(windows.max(axis=tuple(range(-len(self.kernel), 0))))


@dataclass(frozen=True, eq=False, slots=True)
class ArgMax:
    """The index of the largest element along an axis, of equal ones the first."""

    axis: int

    def apply(self, x: Array) -> Array:
        """Return the indices; the axis stays, with size 1."""
        # numpy returns the first of equals, and says so.
        found = np.argmax(x, axis=self.axis + 1, keepdims=True)
        return np.asarray(found, dtype=x.dtype)


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """``y = a * b``, element by element, the operands broadcast against each other.

    Attributes
    ----------
    rank
        Of the result, to which operands are brought by leading axes of 1.
    """

    rank: int

    def apply(self, a: Array, b: Array) -> Array:
        """Return the products."""
        a, b = (
            v.reshape(v.shape[0], *[1] * (self.rank + 1 - v.ndim), *v.shape[1:]) for v in (a, b)
        )
        return np.asarray(a * b)


@dataclass(frozen=True, eq=False, slots=True)
class MatMul:
    """``y[.., i, j] = sum_k a[.., i, k] b[.., k, j]`` of two computed operands of one rank.

    Attributes
    ----------
    bound
        What no sum of absolute products reaches.
    """

    bound: int

    def apply(self, a: Array, b: Array) -> Array:
        """Return the matrix products."""
        return multiply(a, b, self.bound)


Op = TypeVar("Op")


@dataclass(frozen=True, eq=False, slots=True)
class Node(Generic[Op]):
    """One operation, and its one result.

    Attributes
    ----------
    op
        What it does.
    sources
        Numbers of the nodes that it reads.
    shape
        Of the result.
    name
        The node of the model's file that it comes from.
    """

    op: Op
    sources: tuple[int, ...]
    shape: tuple[int, ...]
    name: str


def last_uses(nodes: tuple[Node[Any], ...]) -> Iterator[list[int]]:
    """Yield for each node the numbers of those that nobody reads after it."""
    last = {source: i for i, node in enumerate(nodes) for source in node.sources}
    for i, node in enumerate(nodes):
        yield [s for s in set(node.sources) if last[s] == i]
