"""Functions of one number, which become tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._intervals import arithmetic, monotone, tangent, wave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ._intervals import Bounds, Ends

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A function of one real number, applied to each element.

    Attributes
    ----------
    name
        What to call it: an operator's name, or "composed".
    call
        The function, of float64 arrays.
    homogeneous
        f(s x) = s f(x) for every s > 0, and |f(x)| <= |x|: then one table of integers serves every
        scale, and no scale changes.
    line
        (a, b) where the function is a x + b, else None.
    bounds
        Its bounds on intervals; None where it only rises or only falls.
    """

    name: str
    call: Callable[[Array], Array]
    homogeneous: bool = False
    line: tuple[float, float] | None = None
    bounds: Bounds | None = None

    def between(self, low: Array, high: Array) -> Ends:
        """Return the least and the greatest value on intervals, as `_intervals` says."""
        bounds = self.bounds or monotone(self.call)
        with np.errstate(all="ignore"):
            return bounds(low, high)

    def after(self, inner: Function) -> Function:
        """Return x -> self(inner(x))."""
        if inner.line == (1.0, 0.0):
            return self
        if self.line == (1.0, 0.0):
            return inner
        line = None
        if self.line is not None and inner.line is not None:
            (a, b), (c, d) = self.line, inner.line
            line = (a * c, a * d + b)
        outer, inside = self.call, inner.call
        return Function(
            "composed",
            lambda x: outer(inside(x)),
            homogeneous=self.homogeneous and inner.homogeneous,
            line=line,
            bounds=lambda low, high: self.between(*inner.between(low, high)),
        )


def _turning(
    name: str, call: Callable[[Array], Array], *turns: float, homogeneous: bool = False
) -> Function:
    """Return a function that only rises or only falls between some points."""
    return Function(name, call, homogeneous, bounds=monotone(call, *turns))


# The name of max(x, 0).
RELU = "relu"
IDENTITY = Function("identity", lambda x: x, homogeneous=True, line=(1.0, 0.0))


def straight(a: float, b: float) -> Function:
    """Return x -> a x + b."""
    return Function("linear", lambda x: a * x + b, homogeneous=b == 0 and abs(a) <= 1, line=(a, b))


def combined(name: str, left: Function, right: Function) -> Function:
    """Return x -> left(x) op right(x), op being "Add", "Sub" or "Mul"."""
    op = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[name]
    line = None
    if left.line is not None and right.line is not None and name != "Mul":
        (a, b), (c, d) = left.line, right.line
        line = (float(op(a, c)), float(op(b, d)))
    f, g = left.call, right.call
    return Function(
        "composed",
        lambda x: np.asarray(op(f(x), g(x))),
        line=line,
        bounds=arithmetic(name, left.between, right.between),
    )


def leaky(slope: float) -> Function:
    """Return x where it is above 0, else slope x."""
    return _turning(
        "leaky relu", lambda x: np.where(x > 0, x, slope * x), 0.0, homogeneous=abs(slope) <= 1
    )


def clip(low: float | None, high: float | None) -> Function:
    """Return x held between two bounds, either of which may be None."""
    return Function("clip", lambda x: np.clip(x, low, high), homogeneous=(low, high) == (0, None))


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x: Array) -> Array:
    # exp of negative numbers alone, which cannot overflow.
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def _elu(alpha: float, scale: float = 1.0, inner: float = 1.0) -> Function:
    return _turning(
        "elu",
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / inner)),
        0.0,
    )


def _above(threshold: float) -> Function:
    # It jumps: the limit from the right is among its values.
    return _turning(
        "thresholded relu",
        lambda x: np.where(x > threshold, x, 0),
        threshold,
        math.nextafter(threshold, math.inf),
    )


_PLAIN: Mapping[str, Callable[[Array], Array]] = {
    "Abs": np.abs,
    "Atan": np.arctan,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Erf": _erf,
    "Exp": np.exp,
    "Floor": np.floor,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Log": np.log,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Round": np.rint,
    "Sigmoid": _sigmoid,
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Softplus": lambda x: np.logaddexp(x, 0),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Tan": np.tan,
    "Tanh": np.tanh,
}
_HOMOGENEOUS = {"Relu", "Abs"}
# Of those that do not only rise or only fall.
_BOUNDS: Mapping[str, Bounds] = {
    "Abs": monotone(np.abs, 0.0),
    "Cos": wave(np.cos, 0.0),
    "Cosh": monotone(np.cosh, 0.0),
    "HardSwish": monotone(_PLAIN["HardSwish"], -3.0, -1.5, 3.0),
    "Reciprocal": monotone(np.reciprocal, 0.0),
    "Sin": wave(np.sin, math.pi / 2),
    "Tan": tangent,
}
_WITH_ATTRIBUTES: Mapping[str, Callable[[Mapping[str, Any]], Function]] = {
    "Celu": lambda a: _elu(a["alpha"], inner=a["alpha"]),
    "Elu": lambda a: _elu(a["alpha"]),
    "HardSigmoid": lambda a: Function(
        "hard sigmoid", lambda x: np.clip(a["alpha"] * x + a["beta"], 0, 1)
    ),
    "LeakyRelu": lambda a: leaky(a["alpha"]),
    "Selu": lambda a: _elu(a["alpha"], a["gamma"]),
    "ThresholdedRelu": lambda a: _above(a["alpha"]),
}


def function_of(op: str, attributes: Mapping[str, Any]) -> Function | None:
    """Return the function that an ONNX operator of one operand applies, or None."""
    if op in _WITH_ATTRIBUTES:
        return _WITH_ATTRIBUTES[op](attributes)
    if op == "Neg":
        return straight(-1.0, 0.0)
    if op in _PLAIN:
        bounds = _BOUNDS.get(op)
        return Function(op.lower(), _PLAIN[op], homogeneous=op in _HOMOGENEOUS, bounds=bounds)
    return None


def power(exponent: float) -> Function:
    """Return x -> x^exponent."""
    return _turning("power", lambda x: np.power(x, exponent), 0.0)
