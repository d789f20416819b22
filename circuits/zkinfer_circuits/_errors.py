"""What can be wrong, one class per cause.

The tree of this package; the other packages hang their own branches on `ZkinferError`::

    ZkinferError                                   base of every error of the project
    ├── ModelRefused            ZK100              the model file cannot be used
    │   ├── ModelNotFound       ZK101  FileNotFoundError
    │   ├── UnsupportedOperator ZK102  NotImplementedError
    │   ├── ModelMalformed      ZK103  ValueError
    │   ├── ModelTooLarge       ZK104  ValueError
    │   ├── UnsupportedOpset    ZK105  NotImplementedError
    │   ├── DynamicShape        ZK106  ValueError
    │   ├── NonFiniteWeight     ZK107  ValueError
    │   ├── ExternalDataRefused ZK108  ValueError
    │   ├── UnsupportedTensorType ZK109  TypeError
    │   ├── UnsupportedGraph    ZK110  NotImplementedError
    │   ├── ValueDoesNotFit     ZK111  ValueError
    │   ├── ExportFailed        ZK112  RuntimeError
    │   ├── AccumulatorTooWide  ZK113  ValueError
    │   ├── LayoutUnsupported   ZK114  NotImplementedError
    │   └── AccuracyUnreachable ZK211  ValueError
    ├── TorchMissing            ZK190  ImportError (exit status 3)
    └── InputRefused            ZK200              the input of a run cannot be used
        ├── InputShapeMismatch  ZK201  ValueError
        ├── InputNotFinite      ZK202  ValueError
        ├── InputOutOfRange     ZK203  ValueError
        └── InputTypeMismatch   ZK204  TypeError

Each concrete class is also the Python builtin that fits, so that a caller who knows nothing of
this project can still write ``except ValueError``. The facts of an error are its attributes; the
sentence is made from them.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 400
_LISTED = 20


def _line(text: object) -> str:
    """Return `text` as one printable, bounded line.

    Names come from files that strangers write: a newline or an escape sequence in one must not
    forge a line of a log or move a terminal's cursor.
    """
    whole = str(text)
    clean = "".join(
        c
        if not unicodedata.category(c).startswith(("C", "Z")) or c == " "
        else "\N{REPLACEMENT CHARACTER}"
        for c in whole[: _LONGEST + 1]
    )
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 3] + "..."


def _rebuild(
    cls: type[ZkinferError], args: tuple[object, ...], facts: dict[str, object]
) -> ZkinferError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error


class ZkinferError(Exception):
    """Base of every error that the project raises.

    Parameters
    ----------
    detail
        What was found, in a few words.
    place
        Where: a file, node or tensor, as ``"node '/fc2/Gemm'"``; None when there is no place.

    Attributes
    ----------
    code
        ``"ZK"`` and three digits, never reused for another cause.
    title
        The cause in two or three words.
    why
        Why it is refused, or an empty string.
    fix
        What to try.
    exit_status
        What the command line exits with: 1 rejected, 2 the user's input, 3 the environment.
    """

    code: ClassVar[str] = "ZK000"
    title: ClassVar[str] = "error"
    why: ClassVar[str] = ""
    fix: ClassVar[str] = ""
    exit_status: ClassVar[int] = 2

    detail: str
    place: str | None

    def __init__(self, detail: str = "", *, place: str | None = None) -> None:
        # Set first: builtins such as OSError do odd things in their own constructors.
        self.detail = _line(detail)
        self.place = None if place is None else _line(place)
        super().__init__(self.detail)

    def __str__(self) -> str:
        """Return one line: code, title, what was found, where, why, what to try."""
        found = f"{self.code} {self.title}"
        if self.detail:
            found += f": {self.detail}"
        if self.place:
            found += f" at {self.place}"
        if self.why:
            found += f"; {self.why}"
        return f"{found}. Try: {self.fix}" if self.fix else f"{found}."

    def __reduce__(
        self,
    ) -> tuple[object, tuple[type[ZkinferError], tuple[object, ...], dict[str, object]]]:
        """Let the error cross a process border, whatever its constructor's signature."""
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class ModelRefused(ZkinferError):
    """The model file cannot be used; each cause is a subclass."""

    code = "ZK100"
    title = "model refused"


class ModelNotFound(ModelRefused, FileNotFoundError):
    """There is no readable regular file at the path given."""

    code = "ZK101"
    title = "model not found"
    fix = "check the path; it must be a regular file that this user may read."

    def __init__(self, path: str, *, reason: str = "no such file") -> None:
        super().__init__(reason, place=f"file '{path}'")
        self.path = path
        self.reason = reason


class UnsupportedOperator(ModelRefused, NotImplementedError):
    """The graph has operators that have no constraints here; all of them are listed.

    Attributes
    ----------
    nodes
        (node name, operator, opset) of every unsupported node, in the file's order.
    op, node, opset
        The first of them.
    """

    code = "ZK102"
    title = "unsupported operator"
    why = "there are no constraints for it"
    fix = (
        "replace it in the model by supported operators, which zkinfer_circuits.SUPPORTED lists; "
        "a backend may prove fewer of them."
    )

    def __init__(self, nodes: Sequence[tuple[str, str, int]]) -> None:
        self.nodes = tuple((_line(n), _line(op), opset) for n, op, opset in nodes)
        self.node, self.op, self.opset = self.nodes[0]
        super().__init__(f"{self.op} (opset {self.opset})", place=f"node '{self.node}'")

    def __str__(self) -> str:
        """Return one line that names each unsupported node, up to twenty."""
        each = [f"{op} (opset {opset}) at node '{n}'" for n, op, opset in self.nodes[:_LISTED]]
        if len(self.nodes) > _LISTED:
            each.append(f"and {len(self.nodes) - _LISTED} more")
        return f"{self.code} {self.title}: {', '.join(each)}; {self.why}. Try: {self.fix}"


class ModelMalformed(ModelRefused, ValueError):
    """The bytes are not one whole, consistent ONNX model."""

    code = "ZK103"
    title = "malformed model"
    fix = "export the model again and check it with onnx.checker."

    def __init__(self, reason: str, *, place: str | None = None) -> None:
        super().__init__(reason, place=place)
        self.reason = self.detail


class ModelTooLarge(ModelRefused, ValueError):
    """A size exceeds its limit; nothing of that size was read or made.

    Attributes
    ----------
    what
        What was measured, with its unit.
    size, limit
        The size found and the largest accepted.
    """

    code = "ZK104"
    title = "model too large"
    fix = "use a smaller model; for the size of the file itself, raise max_bytes."

    def __init__(self, what: str, *, size: int, limit: int, place: str | None = None) -> None:
        # Bounded on purpose: a hostile shape makes integers of thousands of digits.
        shown = str(size) if size < 10**30 else "over 10^30"
        super().__init__(f"{what} {shown}, limit {limit}", place=place)
        self.what = what
        self.size = size
        self.limit = limit


class UnsupportedOpset(ModelRefused, NotImplementedError):
    """The operator set is absent, doubled or outside the supported range.

    Attributes
    ----------
    opset
        The version found, or None when the file names none or several.
    lowest, highest
        The supported range, both included.
    """

    code = "ZK105"
    title = "unsupported opset"
    fix = "export the model with opset_version=17."

    def __init__(self, opset: int | None, *, lowest: int, highest: int) -> None:
        found = "none, or several" if opset is None else str(opset)
        super().__init__(f"{found} (supported: {lowest} to {highest})", place="opset_import")
        self.opset = opset
        self.lowest = lowest
        self.highest = highest


class DynamicShape(ModelRefused, ValueError):
    """A tensor's shape is not fixed: a circuit has one size.

    Attributes
    ----------
    tensor
        The tensor's name.
    dims
        Its dimensions as found: integers, names of symbolic ones, ``"?"`` for unknown.
    """

    code = "ZK106"
    title = "dynamic shape"
    why = "a circuit has one fixed size; only the leading (batch) dimension may be left open"
    fix = (
        "export without dynamic axes, or fix them with onnxruntime.tools.make_dynamic_shape_fixed."
    )

    def __init__(self, tensor: str, dims: Sequence[int | str]) -> None:
        self.tensor = tensor
        self.dims = tuple(dims)
        shape = ", ".join(str(d) for d in self.dims[:16]) if self.dims else "unknown"
        super().__init__(f"shape [{shape}]", place=f"tensor '{tensor}'")


class NonFiniteWeight(ModelRefused, ValueError):
    """A constant or an attribute of the model is NaN or infinite.

    Attributes
    ----------
    tensor
        The tensor's name, or ``node.attribute``.
    index
        Where in the tensor, one integer per dimension.
    kind
        ``"nan"``, ``"inf"`` or ``"-inf"``.
    """

    code = "ZK107"
    title = "non-finite weight"
    fix = "the training diverged or the file is damaged: train or export the model again."

    def __init__(self, tensor: str, *, index: tuple[int, ...], kind: str) -> None:
        super().__init__(f"{kind} at index {list(index)}", place=f"tensor '{tensor}'")
        self.tensor = tensor
        self.index = index
        self.kind = kind


class ExternalDataRefused(ModelRefused, ValueError):
    """Weights in another file, at a place or of a size that is not accepted.

    Attributes
    ----------
    tensor
        The tensor whose data lie outside.
    location
        The path that the model names.
    reason
        Why it is refused.
    """

    code = "ZK108"
    title = "external data refused"
    fix = "keep the data file beside the model, or export with external_data=False."

    def __init__(self, tensor: str, *, location: str, reason: str) -> None:
        super().__init__(f"'{location}' {reason}", place=f"tensor '{tensor}'")
        self.tensor = tensor
        self.location = location
        self.reason = reason


class UnsupportedTensorType(ModelRefused, TypeError):
    """A tensor's element type has no meaning here.

    Attributes
    ----------
    tensor
        The tensor's name.
    found
        The element type, as ONNX names it.
    """

    code = "ZK109"
    title = "unsupported tensor type"
    why = "data are float32; int64 serves for shapes alone"
    fix = "convert the model to float32 and export it again."

    def __init__(self, tensor: str, *, found: str) -> None:
        super().__init__(found, place=f"tensor '{tensor}'")
        self.tensor = tensor
        self.found = found


class UnsupportedGraph(ModelRefused, NotImplementedError):
    """Supported operators, used in a way that is not."""

    code = "ZK110"
    title = "unsupported graph"
    fix = "one float32 input, one float32 output, static operands, inference mode, no control flow."

    def __init__(self, reason: str, *, place: str | None = None) -> None:
        super().__init__(reason, place=place)
        self.reason = self.detail


class ValueDoesNotFit(ModelRefused, ValueError):
    """A constant loses its value in the type that it has to take.

    Attributes
    ----------
    value
        The value as written in the model.
    target
        What it has to fit.
    """

    code = "ZK111"
    title = "value does not fit"
    fix = "keep constants exactly representable in float32, and shapes within 2^31."

    def __init__(self, value: float, *, target: str, place: str | None = None) -> None:
        super().__init__(f"{value!r} as {target}", place=place)
        self.value = value
        self.target = target


class ExportFailed(ModelRefused, RuntimeError):
    """PyTorch could not export the module; the cause is chained."""

    code = "ZK112"
    title = "export failed"
    fix = "export the module with torch.onnx.export yourself and pass the file."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = self.detail


class AccumulatorTooWide(ModelRefused, ValueError):
    """A sum of the quantised model could leave 62 bits.

    Attributes
    ----------
    bits
        How many it needs.
    """

    code = "ZK113"
    title = "accumulator too wide"
    why = "sums are proven to stay below 2^62, so that neither int64 nor the proof's field wraps"
    fix = "split the layer, or compile with less precision."

    def __init__(self, bits: int, *, place: str) -> None:
        super().__init__(f"a sum may need {bits} bits", place=place)
        self.bits = bits


class AccuracyUnreachable(ModelRefused, ValueError):
    """No quantisation within reach stays within the error bound on the calibration data."""

    code = "ZK211"
    title = "accuracy unreachable"
    fix = "allow a larger max_error, or scale the model's inputs and weights to moderate size."


class LayoutUnsupported(ModelRefused, NotImplementedError):
    """Plumb has no proof of an operation of the program, or none of its size.

    Attributes
    ----------
    op, node
        The operation of the program, and the model's node that it comes from.
    reason
        What has no proof.
    """

    code = "ZK114"
    title = "no Plumb layout"
    fix = "use the ezkl backend for this model, or replace the layer."

    def __init__(self, *, op: str, node: str, reason: str) -> None:
        super().__init__(f"{op}: {reason}", place=f"node '{node}'")
        self.op = op
        self.node = _line(node)
        self.reason = self.detail


class TorchMissing(ZkinferError, ImportError):
    """A torch module was passed, but PyTorch with its ONNX exporter is not installed."""

    code = "ZK190"
    title = "PyTorch missing"
    fix = "install torch and onnxscript, or pass an ONNX file."
    exit_status = 3

    def __init__(self, package: str) -> None:
        super().__init__(f"cannot import {package}")
        self.package = package


class InputRefused(ZkinferError):
    """The input of a run cannot be used; each cause is a subclass."""

    code = "ZK200"
    title = "input refused"


class InputShapeMismatch(InputRefused, ValueError):
    """The input has not the model's shape.

    Attributes
    ----------
    expected, got
        Shapes; `got` is None when the value is no array at all.
    """

    code = "ZK201"
    title = "input shape mismatch"
    fix = "pass one input of the model's shape; a leading batch dimension of 1 may be left out."

    def __init__(self, *, expected: tuple[int, ...], got: tuple[int, ...] | None) -> None:
        shape = "no array" if got is None else str(list(got))
        super().__init__(f"expected {list(expected)}, got {shape}")
        self.expected = expected
        self.got = got


class InputNotFinite(InputRefused, ValueError):
    """The input holds NaN, an infinity, or a value too large for float32.

    Attributes
    ----------
    index
        Where, one integer per dimension of the input as passed.
    kind
        ``"nan"``, ``"inf"`` or ``"-inf"``.
    """

    code = "ZK202"
    title = "input not finite"
    fix = "remove or impute missing values before proving."

    def __init__(self, *, index: tuple[int, ...], kind: str) -> None:
        super().__init__(f"{kind} at index {list(index)}")
        self.index = index
        self.kind = kind


class InputTypeMismatch(InputRefused, TypeError):
    """The input's elements are not real numbers.

    Attributes
    ----------
    found
        The dtype, as numpy names it.
    """

    code = "ZK204"
    title = "input type mismatch"
    fix = "pass an array of real numbers, best float32."

    def __init__(self, *, found: str) -> None:
        super().__init__(f"expected real numbers, got {found}")
        self.found = found


class InputOutOfRange(InputRefused, ValueError):
    """A value of the run leaves the range that was calibrated for it.

    Attributes
    ----------
    layer
        The node of the model's file where it happens, "input" for the input itself; None where the
        backend does not say.
    value
        The integer that left the range, or None.
    low, high
        The range, both included, or None.
    """

    code = "ZK203"
    title = "input out of range"
    why = "values are proven inside their calibrated range only, and never wrap"
    fix = "check the input's scale, or compile with calibration data that covers such inputs."

    def __init__(
        self,
        detail: str = "",
        *,
        layer: str | None = None,
        value: int | None = None,
        low: int | None = None,
        high: int | None = None,
    ) -> None:
        if layer is not None:
            detail = f"a value of {value}, the range is {low} to {high}"
        super().__init__(detail, place=None if layer is None else f"node '{layer}'")
        self.layer = layer
        self.value = value
        self.low = low
        self.high = high
