"""The model as operations on real numbers: what the quantiser makes integers of.

Between the normal form, whose operators are ONNX's, and the program, whose operations are exact on
integers. Batch norms are folded, constants are absorbed, chains of functions of one number are one
function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._functions import Function
from ._maps import LinearMap
from ._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from ._shared import ArgMax, MatMul, Node, Product, WindowMax, last_uses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Input:
    """The model's input."""


@dataclass(frozen=True, eq=False, slots=True)
class Linear:
    """The sum of one map of each source, and a bias."""

    maps: tuple[LinearMap, ...]
    bias: Array

    def apply(self, *xs: Array) -> Array:
        """Return the sum."""
        made = self.bias[None]
        for each, x in zip(self.maps, xs, strict=True):
            made = made + each.apply(x)
        return np.asarray(made)


@dataclass(frozen=True, eq=False, slots=True)
class Apply:
    """A function of each element."""

    function: Function

    def apply(self, x: Array) -> Array:
        """Return the function's values."""
        with np.errstate(all="ignore"):
            return np.asarray(self.function.call(x))


@dataclass(frozen=True, eq=False, slots=True)
class AtLeast:
    """1 where the element is a threshold or more, else 0."""

    threshold: float

    def apply(self, x: Array) -> Array:
        """Return ones and zeros."""
        return np.asarray(x >= self.threshold, dtype=x.dtype)


@dataclass(frozen=True, eq=False, slots=True)
class Softmax:
    """exp(x) divided by its sum, over the last axis."""

    def apply(self, x: Array) -> Array:
        """Return the quotients."""
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False, slots=True)
class Normalize:
    """(x - mean) / sqrt(variance + epsilon), over the last axis."""

    epsilon: float

    def apply(self, x: Array) -> Array:
        """Return the normalised numbers."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return np.asarray(centred / np.sqrt(variance + self.epsilon))


RealOp = (
    Input
    | Linear
    | Apply
    | AtLeast
    | Softmax
    | Normalize
    | Product
    | MatMul
    | WindowMax
    | ArgMax
    | Reshape
    | Transpose
    | Slice
    | Concat
    | Pad
    | Gather
)


@dataclass(frozen=True, eq=False, slots=True)
class RealProgram:
    """Nodes in order; the first is the input, the last the output.

    Attributes
    ----------
    nodes
        Each reads earlier ones.
    notes
        What the lowering left out, in words for the user.
    """

    nodes: tuple[Node[RealOp], ...]
    notes: tuple[str, ...]

    def run(self, x: Array, see: Callable[[int, Array], None] | None = None) -> Array:
        """Return the output for inputs [samples, *input shape] in float64.

        Parameters
        ----------
        x
            The inputs.
        see
            Called with the number and the values of each node.
        """
        values: dict[int, Array] = {}
        drops = last_uses(self.nodes)
        made = np.asarray(x, dtype=np.float64)
        for i, (node, unread) in enumerate(zip(self.nodes, drops, strict=True)):
            if not isinstance(node.op, Input):
                made = node.op.apply(*(values[s] for s in node.sources))
            values[i] = made
            if see is not None:
                see(i, made)
            for source in unread:
                del values[source]
        return made
