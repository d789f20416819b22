"""The statement that a circuit's proofs are about, its canonical bytes, and the circuit id.

``STAT`` sections hold `Statement.to_bytes`: JSON with sorted keys, no spaces, ASCII. There is one
encoding of a statement, and another encoding of the same content is refused.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zkinfer._errors import ArgumentInvalid, ArtifactMalformed
from zkinfer._settings import Visibility
from zkinfer_contracts import keccak256

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEY_DOMAIN = keccak256(b"zkinfer.ezkl.key.v1")
_DIGEST = re.compile("[0-9a-f]{64}")
_ID_BYTES = 32
_MAX_RANK = 8
_MAX_VALUES = 1 << 14
_MAX_SCALE_BITS = 64
_LEAST_SCALE = 2.0**-200
# A statement has the one pair or the other.
_SCALE_BITS = ("input_scale_bits", "output_scale_bits")
_SCALES = ("input_scales", "output_scales")
# In place of a model's digest.
HIDDEN_MODEL = "0" * 64


def canonical_json(value: object) -> bytes:
    """Return the one JSON encoding of a value: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode("ascii")


@dataclass(frozen=True)
class Statement:
    """What is proven: this model, on an input of this shape, gave these public values.

    Attributes
    ----------
    backend, backend_version
        The proof system.
    input_shape, output_shape
        Shapes of the tensors, batch dimension included.
    input_scale_bits, output_scale_bits
        With ezkl a public integer n stands for the real number n / 2^scale_bits; else None.
    input_scales, output_scales
        With Plumb it stands for n * scale: one scale for all values, or one for each; else empty.
    inputs, weights, outputs
        Who learns them.
    model
        Keccak-256 of the normalised ONNX bytes, hexadecimal; zeros where weights are hidden, since
        whoever guesses them could confirm the guess.
    settings
        Keccak-256 of the backend's settings, hexadecimal.
    """

    backend: str
    backend_version: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    inputs: Visibility
    weights: Visibility
    outputs: Visibility
    model: str
    settings: str
    input_scale_bits: int | None = None
    output_scale_bits: int | None = None
    input_scales: tuple[float, ...] = ()
    output_scales: tuple[float, ...] = ()

    @property
    def public_input_shape(self) -> tuple[int, ...] | None:
        """The shape of the input where it is public, else None."""
        return self.input_shape if self.inputs is Visibility.PUBLIC else None

    @property
    def public_input_count(self) -> int:
        """How many field elements a proof's public inputs are (the context not counted)."""
        shown = self.input_count if self.inputs is Visibility.PUBLIC else 0
        return shown + self.output_count

    @property
    def input_count(self) -> int:
        """How many values the input has."""
        return math.prod(self.input_shape)

    @property
    def output_count(self) -> int:
        """How many values the output has."""
        return math.prod(self.output_shape)

    @property
    def input_unit(self) -> NDArray[np.float64]:
        """What one unit of an input's integers stands for; can be broadcast to its shape."""
        return _unit(self.input_scale_bits, self.input_scales, self.input_shape)

    @property
    def output_unit(self) -> NDArray[np.float64]:
        """What one unit of an output's integers stands for; can be broadcast to its shape."""
        return _unit(self.output_scale_bits, self.output_scales, self.output_shape)

    def quantize(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Return the integers nearest to an input, ties to even."""
        scaled = np.rint(np.asarray(x, dtype=np.float64) / self.input_unit)
        # Far outside any range, yet an int64.
        return np.clip(scaled, -(2.0**40), 2.0**40).astype(np.int64)

    def to_bytes(self) -> bytes:
        """Return the canonical encoding."""
        unused = _SCALES if self.input_scale_bits is not None else _SCALE_BITS
        fields = {k: v for k, v in asdict(self).items() if k not in unused}
        return canonical_json(fields)

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str | None = None) -> Self:
        """Parse a canonical encoding.

        Raises
        ------
        ArtifactMalformed
            Not JSON, not these fields, a value outside its domain, or not the canonical bytes.
        """
        try:
            statement = cls._from_json(json.loads(data))
            if statement.to_bytes() != data:
                raise ValueError("not the canonical encoding")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            reason = f"the statement cannot be read: {error}"
            raise ArtifactMalformed(reason, place=place) from error
        return statement

    @classmethod
    def _from_json(cls, fields: Any) -> Self:
        statement = cls(
            **{
                **fields,
                "input_shape": tuple(fields["input_shape"]),
                "output_shape": tuple(fields["output_shape"]),
                **{name: tuple(fields[name]) for name in _SCALES if name in fields},
                "inputs": Visibility(fields["inputs"]),
                "weights": Visibility(fields["weights"]),
                "outputs": Visibility(fields["outputs"]),
            }
        )
        for shape in (statement.input_shape, statement.output_shape):
            if not 1 <= len(shape) <= _MAX_RANK or not all(
                type(n) is int and 1 <= n <= _MAX_VALUES for n in shape
            ):
                raise ValueError("a shape is out of limits")
        if statement.public_input_count > _MAX_VALUES:
            raise ValueError(f"more than {_MAX_VALUES} public inputs")
        if any(name in fields for name in _SCALES):
            statement._check_scales()
        else:
            for bits in (statement.input_scale_bits, statement.output_scale_bits):
                if type(bits) is not int or not 0 <= bits <= _MAX_SCALE_BITS:
                    raise ValueError("a scale is out of limits")
        for text in (statement.backend, statement.backend_version):
            if type(text) is not str or not 1 <= len(text) <= 32:
                raise ValueError("a name is out of limits")
        for digest in (statement.model, statement.settings):
            if type(digest) is not str or not _DIGEST.fullmatch(digest):
                raise ValueError("a digest is out of limits")
        return statement

    def _check_scales(self) -> None:
        if (self.input_scale_bits, self.output_scale_bits) != (None, None):
            raise ValueError("scales of two kinds")
        for scales, count in (
            (self.input_scales, self.input_count),
            (self.output_scales, self.output_count),
        ):
            if len(scales) not in (1, count):
                raise ValueError("another number of scales than of values")
            for scale in scales:
                if type(scale) is not float or not _LEAST_SCALE <= scale <= 1 / _LEAST_SCALE:
                    raise ValueError("a scale is out of limits")


def _unit(
    bits: int | None, scales: tuple[float, ...], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    if bits is not None:
        return np.asarray(2.0**-bits)
    found = np.array(scales, dtype=np.float64)
    return found.reshape(()) if len(scales) == 1 else found.reshape(shape)


def key_digest(statement: bytes, settings: bytes, key: bytes) -> bytes:
    """Return the digest of all that a verifying key holds besides its chain part and its SRS."""
    return keccak256(_KEY_DOMAIN + keccak256(statement) + keccak256(settings) + keccak256(key))


@dataclass(frozen=True)
class CircuitId:
    """Identity of a circuit: digest of its verifying key, its settings and its SRS.

    Ids on an SRS of no known ceremony begin with the ASCII bytes ``unsafe``.
    """

    value: bytes

    def __post_init__(self) -> None:
        """Hold the type to its length.

        Raises
        ------
        ArgumentInvalid
            The id is not 32 bytes.
        """
        if len(self.value) != _ID_BYTES:
            raise ArgumentInvalid("not 32 bytes", place="circuit id")

    @property
    def unsafe(self) -> bool:
        """Whether the circuit stands on an SRS of no known ceremony."""
        return self.value.startswith(b"unsafe")

    def __bytes__(self) -> bytes:
        """Return the 32 bytes, as contracts take them."""
        return self.value

    def __str__(self) -> str:
        """Return the id for people: hexadecimal, an unsafe one marked by the word."""
        return f"UNSAFE:0x{self.value.hex()}" if self.unsafe else f"0x{self.value.hex()}"
