"""Rules for what is computed from constants and shapes alone: it is computed here, once.

Of floats only what IEEE 754 rounds correctly, which gives the same bytes on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import UnsupportedTensorType, ValueDoesNotFit
from ._graph import Fixed, Value
from ._tensors import LARGEST_INTEGER, check_finite, read_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ._site import Site

_WORD = 2.0**63
_OF_TWO: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Max": np.maximum,
    "Min": np.minimum,
}
_OF_ONE: Mapping[str, Callable[[Any], Any]] = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Floor": np.floor,
    "Neg": np.negative,
    "Reciprocal": lambda x: 1 / x,
    "Round": np.rint,
    "Sign": np.sign,
    "Sqrt": np.sqrt,
}
_OF_ONE_INTEGER = ("Abs", "Neg", "Sign")


def fold_one(site: Site, x: Fixed) -> Value | None:
    """Return what a function makes of a constant; None where machines may differ."""
    if x.array.dtype.kind == "i" and site.op in _OF_ONE_INTEGER:
        return _integers(site, _OF_ONE[site.op](x.array.astype(np.int64)), x)
    site.data(0)
    if site.op not in _OF_ONE:
        return None
    with np.errstate(all="ignore"):
        return _floats(site, _OF_ONE[site.op](x.array))


def fold_two(site: Site, a: Fixed, b: Fixed) -> Value:
    """Return what arithmetic makes of two constants, both floats or both integers."""
    if a.array.dtype.kind == "i":
        # They are below 2^31, so that nothing overflows.
        x, y = a.array.astype(np.int64), b.array.astype(np.int64)
        if site.op != "Div":
            return _integers(site, _OF_TWO[site.op](x, y), a)
        if not bool(y.all()):
            raise site.malformed("division by zero")
        # Towards zero, as ONNX has it and numpy has not.
        return _integers(site, np.abs(x) // np.abs(y) * np.sign(x) * np.sign(y), a)
    site.data(0)
    site.data(1)
    with np.errstate(all="ignore"):
        return _floats(site, _OF_TWO[site.op](a.array, b.array))


def _floats(site: Site, made: Any) -> Value:
    values = np.asarray(made, dtype=np.float32)
    check_finite(values, site.origin)
    return Fixed(np.asarray(values + np.float32(0)))


def _integers(site: Site, made: NDArray[Any], like: Fixed) -> Value:
    dtype = like.array.dtype
    if dtype != np.int64:
        bad = (made >= LARGEST_INTEGER) | (made < -LARGEST_INTEGER)
        if bool(bad.any()):
            value = int(made.reshape(-1)[int(np.argmax(bad))])
            raise ValueDoesNotFit(value, target=dtype.name, place=site.place)
    return Fixed(np.asarray(made, dtype=dtype))


def cast(site: Site) -> Value:
    """Cast: of a computed tensor to what it is; of a constant, where its values are kept."""
    from onnx import TensorProto

    value, target = site.any(0), site.attributes["to"]
    if not isinstance(value, Fixed):
        if target != TensorProto.FLOAT:
            raise UnsupportedTensorType(site.origin, found=TensorProto.DataType.Name(target))
        return value
    types: dict[int, type[Any]] = {
        TensorProto.FLOAT: np.float32,
        TensorProto.INT64: np.int64,
        TensorProto.INT32: np.int32,
    }
    if target not in types:
        raise UnsupportedTensorType(site.origin, found=TensorProto.DataType.Name(target))
    before = value.array
    with np.errstate(all="ignore"):
        made = before.astype(types[target])
        changed = _changed(before, made)
    if bool(changed.any()):
        first = before.reshape(-1)[int(np.argmax(changed))].item()
        raise ValueDoesNotFit(first, target=made.dtype.name, place=site.place)
    return Fixed(made)


def _changed(before: NDArray[Any], made: NDArray[Any]) -> NDArray[np.bool_]:
    """Say where a cast lost something; never by rounding both sides alike."""
    if before.dtype.kind == "i" and made.dtype.kind == "f":
        fits = (made >= -_WORD) & (made < _WORD)
        return np.asarray(~fits | (np.where(fits, made, 0).astype(np.int64) != before))
    if before.dtype.kind == "f" and made.dtype.kind == "i":
        fits = (before >= -_WORD) & (before < _WORD)
        return np.asarray(~fits | (made.astype(np.float64) != before))
    return np.asarray(made.astype(np.result_type(made, before)) != before)


def shape(site: Site) -> Value:
    """Shape, or from operator set 15 on a part of it."""
    start, end = site.attributes.get("start"), site.attributes.get("end")
    return Fixed(np.array(site.any(0).shape[start:end], dtype=np.int64))


def constant_of_shape(site: Site) -> Value:
    """ConstantOfShape: one number, repeated."""
    number = np.zeros(1, np.float32)
    if "value" in site.attributes:
        number = read_tensor(site.attributes["value"], f"{site.origin}.value")
    if number.size != 1:
        raise site.malformed(f"a value of {number.size} elements")
    return Fixed(np.full(site.shape, number.reshape(())))


def arange(site: Site) -> Value:
    """Range, of integers."""
    start, delta = site.integer(0), site.integer(2)
    (count,) = site.shape
    steps = np.arange(count, dtype=np.int64)
    first = site.any(0)
    values = start + delta * steps
    return _integers(site, values, first) if isinstance(first, Fixed) else Fixed(values)
