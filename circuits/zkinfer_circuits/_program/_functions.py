"""Functions of one number, which become tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

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
    """

    name: str
    call: Callable[[Array], Array]
    homogeneous: bool = False
    line: tuple[float, float] | None = None

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
        )


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
    return Function("composed", lambda x: np.asarray(op(f(x), g(x))), line=line)


def leaky(slope: float) -> Function:
    """Return x where it is above 0, else slope x."""
    return Function(
        "leaky relu", lambda x: np.where(x > 0, x, slope * x), homogeneous=abs(slope) <= 1
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
    return Function(
        "elu",
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / inner)),
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
_WITH_ATTRIBUTES: Mapping[str, Callable[[Mapping[str, Any]], Function]] = {
    "Celu": lambda a: _elu(a["alpha"], inner=a["alpha"]),
    "Elu": lambda a: _elu(a["alpha"]),
    "HardSigmoid": lambda a: Function(
        "hard sigmoid", lambda x: np.clip(a["alpha"] * x + a["beta"], 0, 1)
    ),
    "LeakyRelu": lambda a: leaky(a["alpha"]),
    "Selu": lambda a: _elu(a["alpha"], a["gamma"]),
    "ThresholdedRelu": lambda a: Function(
        "thresholded relu", lambda x: np.where(x > a["alpha"], x, 0)
    ),
}


def function_of(op: str, attributes: Mapping[str, Any]) -> Function | None:
    """Return the function that an ONNX operator of one operand applies, or None."""
    if op in _WITH_ATTRIBUTES:
        return _WITH_ATTRIBUTES[op](attributes)
    if op == "Neg":
        return straight(-1.0, 0.0)
    if op in _PLAIN:
        return Function(op.lower(), _PLAIN[op], homogeneous=op in _HOMOGENEOUS)
    return None


def power(exponent: float) -> Function:
    """Return x -> x^exponent."""
    return Function("power", lambda x: np.power(x, exponent))
