"""Rules for functions and arithmetic of each element by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._folding import fold_one, fold_two
from ._graph import Fixed, Step, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._site import Site

_FLOAT_MAX = float(np.finfo(np.float32).max)
_SOFTPLUS_IS_LINEAR = 20.0
_ONE_SIXTH = float(np.float32(1 / 6))


def _scalar(value: float) -> Fixed:
    return Fixed(np.array(value, dtype=np.float32))


def unary(site: Site) -> Value:
    """Any function of one number without settings."""
    x = site.any(0)
    folded = fold_one(site, x) if isinstance(x, Fixed) else None
    return site.step(site.op, [site.computed(0)]) if folded is None else folded


def with_numbers(**defaults: float) -> Callable[[Site], Value]:
    """Return the rule of a function of one number with float attributes of these defaults."""

    def rule(site: Site) -> Value:
        numbers = {name: site.number(name, default) for name, default in defaults.items()}
        return site.step(site.op, [site.computed(0)], None, **numbers)

    return rule


def celu(site: Site) -> Value:
    """Celu, which for alpha 1 is Elu."""
    alpha = site.number("alpha", 1.0)
    if alpha <= 0:
        raise site.refuse("alpha has to be positive")
    return site.step("Elu" if alpha == 1 else "Celu", [site.computed(0)], alpha=alpha)


def prelu(site: Site) -> Value:
    """PRelu, which for a single slope is LeakyRelu."""
    x, slope = site.computed(0), site.weights(1).array
    if slope.size == 1:
        return site.step("LeakyRelu", [x], x.shape, alpha=float(slope.reshape(())))
    # Exporters write one slope for each channel with leading dimensions of 1, or without.
    while slope.ndim and slope.shape[0] == 1:
        slope = slope[0]
    return site.step("PRelu", [x, Fixed(slope)], x.shape)


def gelu(site: Site) -> Value:
    """Gelu, in the steps that torch's exporter writes for operator sets before 20."""
    x = site.computed(0)

    def of(op: str, *operands: Value) -> Value:
        return site.step(op, operands)

    approximate = site.attributes.get("approximate", "none")
    if approximate == "none":
        phi = of("Erf", of("Div", x, _scalar(math.sqrt(2))))
    elif approximate == "tanh":
        cubic = of("Mul", of("Mul", x, of("Mul", x, x)), _scalar(0.044715))
        phi = of("Tanh", of("Mul", of("Add", x, cubic), _scalar(math.sqrt(2 / math.pi))))
    else:
        raise site.refuse(f"approximate {approximate}")
    return of("Mul", of("Mul", x, of("Add", phi, _scalar(1))), _scalar(0.5))


def mish(site: Site) -> Value:
    """Mish: x * tanh(softplus(x))."""
    x = site.computed(0)
    return site.step("Mul", [x, site.step("Tanh", [site.step("Softplus", [x])])])


def greater(site: Site) -> Value:
    """Greater than a constant, for `where` to read; nothing else does."""
    site.scalar(1)
    return site.step("Greater", [site.computed(0), site.weights(1)])


def where(site: Site) -> Value:
    """Where, in the one way that torch's exporter writes Softplus.

    That is ``x if x > 20 else softplus(x)``; from there on the two are one number in float32.
    """
    condition, x, otherwise = site.any(0), site.data(1), site.data(2)
    if (
        isinstance(condition, Step)
        and condition.op == "Greater"
        and condition.operands[0] is x
        and isinstance(otherwise, Step)
        and otherwise.op == "Softplus"
        and otherwise.operands[0] is x
        and isinstance(condition.operands[1], Fixed)
        and float(condition.operands[1].array.reshape(())) >= _SOFTPLUS_IS_LINEAR
        and site.shape == x.shape
    ):
        return otherwise
    raise site.refuse("only x > 20, x and softplus(x), as torch writes Softplus")


def arithmetic(site: Site) -> Value:
    """Add, Sub, Mul and Div."""
    a, b = site.any(0), site.any(1)
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        return fold_two(site, a, b)
    a, b = site.data(0), site.data(1)
    if site.op == "Div":
        return _quotient(site, a, b)
    if site.op in ("Add", "Mul") and isinstance(a, Fixed):
        a, b = b, a
    if site.op == "Mul" and (_is_gate(b, a) or _is_gate(a, b)):
        return site.step("HardSwish", [a if _is_gate(b, a) else b])
    return site.step(site.op, [a, b])


def _is_gate(value: Value, x: Value) -> bool:
    """Say whether `value` is what HardSwish multiplies `x` with."""
    return (
        isinstance(value, Step)
        and value.op == "HardSigmoid"
        and value.operands[0] is x
        and value.attributes == {"alpha": _ONE_SIXTH, "beta": 0.5}
    )


def _quotient(site: Site, a: Value, b: Value) -> Value:
    if isinstance(b, Fixed):
        if not bool(b.array.all()):
            raise site.refuse("the divisor has to be a constant without zeros, or computed")
        return site.step("Div", [a, b])
    inverse = site.step("Reciprocal", [b], b.shape)
    if not isinstance(a, Fixed):
        return site.step("Mul", [a, inverse])
    if bool((a.array == 1).all()) and b.shape == site.shape:
        return inverse
    return site.step("Mul", [inverse, a])


def power(site: Site) -> Value:
    """Pow with a constant exponent; small ones have other names."""
    x, exponent = site.computed(0), site.any(1)
    if not isinstance(exponent, Fixed) or exponent.array.size != 1:
        raise site.refuse("the exponent has to be a single constant")
    value = float(np.float32(exponent.array.reshape(()).item()))
    if value == 0:
        raise site.refuse("the exponent is 0")
    if value == 1:
        made = x
    elif value in (2, 3):
        made = site.step("Mul", [x, x], x.shape)
        made = made if value == 2 else site.step("Mul", [x, made], x.shape)
    elif value in (0.5, -1):
        made = site.step("Sqrt" if value == 0.5 else "Reciprocal", [x], x.shape)
    else:
        made = site.step("Pow", [x, _scalar(value)], x.shape)
    return site.reshape(made, site.shape)


def clip(site: Site) -> Value:
    """Clip."""
    x = site.computed(0)
    if site.opset < 11:
        low, high = site.attributes.get("min"), site.attributes.get("max")
    else:
        low = site.scalar(1) if site.has(1) else None
        high = site.scalar(2) if site.has(2) else None
    return _bounded(site, x, low, high)


def extremum(site: Site) -> Value:
    """Min and Max of a number and a bound: Clip."""
    if len(site.operands) == 1:
        return site.data(0)
    if len(site.operands) != 2:
        raise site.refuse(f"{len(site.operands)} operands, two are needed")
    a, b = site.any(0), site.any(1)
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        return fold_two(site, a, b)
    position = 0 if isinstance(a, Fixed) else 1
    x, bound = site.computed(1 - position), site.scalar(position)
    made = _bounded(site, x, *((bound, None) if site.op == "Max" else (None, bound)))
    return site.reshape(made, site.shape)


def _bounded(site: Site, x: Value, low: float | None, high: float | None) -> Value:
    """Return `x` held between bounds; one bound after the other is the same as both at once."""
    # The largest float means "no bound", and would not fit any fixed point.
    low = None if low is None or low <= -_FLOAT_MAX else low
    high = None if high is None or high >= _FLOAT_MAX else high
    if low is None and high is None:
        return x
    if isinstance(x, Step) and (before := _bounds(x)) is not None:
        if before[0] is None and low is not None and high is None:
            x, high = _operand(x), before[1]
        elif before[1] is None and high is not None and low is None:
            x, low = _operand(x), before[0]
    if low is not None and high is not None and low > high:
        raise site.refuse(f"lower bound {low} above upper bound {high}")
    if low == 0 and high is None:
        return site.step("Relu", [x], x.shape)
    bounds = [None if v is None else _scalar(v) for v in (low, high)]
    return site.step("Clip", [x, *bounds], x.shape)


def _bounds(step: Step) -> tuple[float | None, float | None] | None:
    if step.op == "Relu":
        return 0.0, None
    if step.op != "Clip":
        return None
    low, high = (float(v.array) if isinstance(v, Fixed) else None for v in step.operands[1:3])
    return low, high


def _operand(step: Step) -> Value:
    (value,) = (v for v in step.operands[:1] if v is not None)
    return value
