"""Constants of a model file: read at the border, finite and in bounds from then on."""

from __future__ import annotations

import errno
import math
import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ._errors import (
    ExternalDataRefused,
    ModelMalformed,
    ModelTooLarge,
    NonFiniteWeight,
    UnsupportedGraph,
    UnsupportedTensorType,
    ValueDoesNotFit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import TensorProto

MAX_ELEMENTS = 2**28
MAX_RANK = 8
LARGEST_INTEGER = 2**31


def type_name(data_type: int) -> str:
    """Return the name that ONNX gives to element type `data_type`."""
    from onnx import TensorProto

    try:
        return str(TensorProto.DataType.Name(data_type))
    except ValueError:
        return f"type number {data_type}"


def check_shape(shape: tuple[int, ...], place: str) -> int:
    """Return the number of elements of `shape`.

    Raises
    ------
    ModelTooLarge
        More than `MAX_RANK` dimensions or `MAX_ELEMENTS` elements.
    """
    if len(shape) > MAX_RANK:
        raise ModelTooLarge("dimensions", size=len(shape), limit=MAX_RANK, place=place)
    # Python integers: the product of hostile dimensions wraps around in 64 bits. And without zeros:
    # next to one, no array may have a dimension that is too large by itself.
    size = math.prod(d for d in shape if d)
    if size > MAX_ELEMENTS:
        raise ModelTooLarge("elements", size=size, limit=MAX_ELEMENTS, place=place)
    return math.prod(shape)


def check_integers(values: NDArray[Any], place: str) -> None:
    """Raise `ValueDoesNotFit` at the first integer of an array that is no size or index."""
    if values.dtype.kind != "i" or not values.size:
        return
    flat = values.reshape(-1)
    # Compared from both sides: the least 64-bit integer has no absolute value.
    bad = (flat <= -LARGEST_INTEGER) | (flat >= LARGEST_INTEGER)
    if bool(bad.any()):
        value = int(flat[int(np.argmax(bad))])
        raise ValueDoesNotFit(value, target="a size or index below 2^31", place=place)


def check_finite(values: NDArray[Any], name: str) -> None:
    """Raise `NonFiniteWeight` at the first NaN or infinity of a float array called `name`."""
    if values.dtype.kind != "f" or bool(np.isfinite(values).all()):
        return
    flat = int(np.argmax(~np.isfinite(values)))
    index = tuple(int(i) for i in np.unravel_index(flat, values.shape))
    value = float(values[index])
    kind = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    raise NonFiniteWeight(name, index=index, kind=kind)


def read_tensor(tensor: TensorProto, name: str) -> NDArray[Any]:
    """Return the values of `tensor`, whose data are inside it, as a read-only array.

    Raises
    ------
    UnsupportedTensorType, ModelTooLarge, ModelMalformed, UnsupportedGraph, NonFiniteWeight
        As their names say.
    """
    from onnx import TensorProto

    place = f"tensor '{name}'"
    fields: dict[int, tuple[str, np.dtype[Any]]] = {
        TensorProto.FLOAT: ("float_data", np.dtype("<f4")),
        TensorProto.DOUBLE: ("double_data", np.dtype("<f8")),
        TensorProto.INT64: ("int64_data", np.dtype("<i8")),
        TensorProto.INT32: ("int32_data", np.dtype("<i4")),
        TensorProto.BOOL: ("int32_data", np.dtype("?")),
    }
    if tensor.data_type not in fields:
        raise UnsupportedTensorType(name, found=type_name(tensor.data_type))
    field, dtype = fields[tensor.data_type]
    shape = tuple(int(d) for d in tensor.dims)
    if any(d < 0 for d in shape):
        raise ModelMalformed(f"negative dimension in {list(shape)[:MAX_RANK]}", place=place)
    count = check_shape(shape, place)
    if tensor.HasField("segment"):
        raise ModelMalformed("segmented tensor", place=place)
    listed = getattr(tensor, field)
    values: NDArray[Any]
    if tensor.HasField("raw_data"):
        have, unit = len(tensor.raw_data) / dtype.itemsize, "raw_data"
        if len(listed):
            raise ModelMalformed("data given twice", place=place)
    else:
        have, unit = float(len(listed)), field
    if have != count:
        raise ModelMalformed(f"{unit} holds {have:g} elements, shape needs {count}", place=place)
    if tensor.HasField("raw_data"):
        if dtype.kind == "b":
            # Bytes other than 0 and 1 are no booleans; numpy would carry them along.
            values = np.frombuffer(tensor.raw_data, dtype=np.uint8).reshape(shape).astype(bool)
        else:
            values = np.frombuffer(tensor.raw_data, dtype=dtype).reshape(shape)
    else:
        values = np.array(listed, dtype=dtype).reshape(shape)
    if dtype.kind == "f":
        if count == 0:
            raise UnsupportedGraph("a float constant without elements", place=place)
        check_finite(values, name)
        # -0 quantises to 0 in any case: one spelling of zero keeps equal models equal.
        values = np.asarray(values + dtype.type(0))
    values.flags.writeable = False
    return values


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a folder, pipe or device is refused with OSError."""
    # Not blocking: the name may be that of a pipe, which never answers.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(handle, "rb")


def inline_external(tensor: TensorProto, name: str, folder: Path | None, budget: int) -> int:
    """Move the data of `tensor` from its file into the tensor.

    Parameters
    ----------
    tensor
        Changed in place; a tensor without external data is left alone.
    name
        What to call it in errors.
    folder
        The model's own folder, the only place to read from; None refuses all external data.
    budget
        The most bytes that may be read.

    Returns
    -------
    int
        The number of bytes read.

    Raises
    ------
    ExternalDataRefused
        The place lies outside `folder`, or the file is missing or too short.
    ModelTooLarge
        More than `budget` bytes.
    """
    from onnx import TensorProto

    if tensor.data_location != TensorProto.EXTERNAL and not tensor.external_data:
        return 0
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")

    def refuse(reason: str) -> ExternalDataRefused:
        return ExternalDataRefused(name, location=location, reason=reason)

    if folder is None:
        raise refuse("cannot be read: a model given as bytes has no folder")
    if not location or "\0" in location:
        raise refuse("is no file name")
    # Both spellings: a file made for one system must not escape on the other.
    pure = PurePosixPath(location), PureWindowsPath(location)
    if any(p.is_absolute() or p.drive or p.root for p in pure):
        raise refuse("is absolute")
    if any(".." in p.parts for p in pure):
        raise refuse("leaves the model's folder")
    try:
        home = folder.resolve(strict=True)
        path = (home / location).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as e:
        raise refuse("does not exist") from e
    if not path.is_relative_to(home):
        raise refuse("leaves the model's folder through a symbolic link")
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries["length"]) if entries.get("length") else None
    except ValueError as e:
        raise refuse("has an offset or length that is no integer") from e
    if offset < 0 or (length is not None and length < 0):
        raise refuse("has a negative offset or length")
    try:
        file = open_regular(path)
    except OSError as e:
        raise refuse("cannot be opened, or is not a regular file") from e
    with file:
        about = os.fstat(file.fileno())
        wanted = about.st_size - offset if length is None else length
        if wanted < 0 or offset + wanted > about.st_size:
            raise refuse(f"is too short: {about.st_size} bytes")
        if wanted > budget:
            raise ModelTooLarge(
                "bytes of weights", size=wanted, limit=budget, place=f"tensor '{name}'"
            )
        file.seek(offset)
        data = file.read(wanted)
    if len(data) != wanted:
        raise refuse("changed while it was read")
    tensor.raw_data = data
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return wanted
