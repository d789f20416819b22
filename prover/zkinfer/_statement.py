"""The statement that a circuit's proofs are about, its canonical bytes, and the circuit id.

``STAT`` sections hold `Statement.to_bytes`: JSON with sorted keys, no spaces, ASCII. There is one
encoding of a statement, and another encoding of the same content is refused.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from zkinfer._errors import ArgumentInvalid, ArtifactMalformed
from zkinfer._settings import Visibility
from zkinfer_contracts import keccak256

_KEY_DOMAIN = keccak256(b"zkinfer.ezkl.key.v1")
_DIGEST = re.compile("[0-9a-f]{64}")
_ID_BYTES = 32
_MAX_RANK = 8
_MAX_VALUES = 1 << 14
_MAX_SCALE_BITS = 64


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
        A public integer n stands for the real number n / 2^scale_bits.
    inputs, weights, outputs
        Who learns them.
    model
        Keccak-256 of the normalised ONNX bytes, hexadecimal.
    settings
        Keccak-256 of the backend's settings, hexadecimal.
    """

    backend: str
    backend_version: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_scale_bits: int
    output_scale_bits: int
    inputs: Visibility
    weights: Visibility
    outputs: Visibility
    model: str
    settings: str

    @property
    def public_input_shape(self) -> tuple[int, ...] | None:
        """The shape of the input where it is public, else None."""
        return self.input_shape if self.inputs is Visibility.PUBLIC else None

    @property
    def public_input_count(self) -> int:
        """How many field elements a proof's public inputs are (the context not counted)."""
        shown = math.prod(self.input_shape) if self.inputs is Visibility.PUBLIC else 0
        return shown + math.prod(self.output_shape)

    def to_bytes(self) -> bytes:
        """Return the canonical encoding."""
        return canonical_json(asdict(self))

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
