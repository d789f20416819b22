"""Plumb's verifiers on chain: which one a circuit needs, and the calls that it takes.

One contract verifies the proofs of every circuit on one set of universal parameters. It is created
by way of a contract that most chains have at one address, so that its own address follows from its
code: who sees it there knows which constructor ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from ._artifacts import Artifact, artifact
from ._calldata import word
from ._errors import ModelTooLarge, SrsWithoutVerifier
from ._ids import CEREMONIES, WORD, checksum_address, keccak256, named

INTERFACE = "IPlumbVerifier"
LAYOUTS = "PlumbLayouts"
VERIFIERS: Mapping[bytes, str] = MappingProxyType(
    {
        CEREMONIES["ppot-0085"]: "PlumbVerifier",
        bytes.fromhex(
            "af99ec01ace9d919dbfd59e9dedd288046cbbf62004981d9f783d40d35e7a118"
        ): "UnsafeTestPlumbVerifier",
    }
)
"""The contract for each SRS, by its id; the last is that of the parameters for tests."""

DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""Creates what it is called with: github.com/Arachnid/deterministic-deployment-proxy."""
DEPLOYER_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe036016000816020"
    "82378035828234f58015156039578182fd5b8082525050506014600cf3"
)
SALT = bytes(WORD)

MAX_CODE = 24_576
"""The longest code that a contract may have (EIP-170), and so the largest model."""
_BLOB_HEAD = 35
_POINT = 64
_CORE_TAG = b"plumb-circuit-v1".ljust(WORD, b"\0")
_CIRCUIT_DOMAIN = keccak256(b"zkinfer.plumb.circuit.v1")


def plumb_verifier(srs_id: bytes) -> Artifact:
    """Return the contract that verifies proofs of circuits on an SRS.

    Raises
    ------
    SrsWithoutVerifier
        If none ships for it.
    """
    if srs_id not in VERIFIERS:
        raise SrsWithoutVerifier(srs_id)  # Usage
    return artifact(VERIFIERS[srs_id])


def plumb_address(srs_id: bytes) -> str:
    """Return where that contract is, or would be, on every chain.

    Raises
    ------
    SrsWithoutVerifier
        If none ships for the SRS.
    """
    code = keccak256(plumb_verifier(srs_id).bytecode)
    digest = keccak256(b"\xff" + bytes.fromhex(DEPLOYER[2:]) + SALT + code)
    return checksum_address("0x" + digest[12:].hex())


@dataclass(frozen=True)
class PlumbModel:
    """What a circuit is registered with.

    Attributes
    ----------
    srs_id : bytes
        Name of the universal parameters, 32 bytes.
    statement, settings : bytes
        keccak256 of the statement and of the backend settings, as the verifying key holds them.
    descriptor : bytes
        Of the layout.
    weights : bytes
        The commitments of the weights, 64 bytes each.
    registration : bytes
        Proof that hidden weights are in their ranges; empty for public ones.
    """

    srs_id: bytes
    statement: bytes
    settings: bytes
    descriptor: bytes = field(repr=False)
    weights: bytes = field(repr=False)
    registration: bytes = field(repr=False)

    @cached_property
    def circuit_id(self) -> bytes:
        """The id that the contract gives the circuit."""
        core = keccak256(_CORE_TAG + self.srs_id + keccak256(self.descriptor) + self.weights)
        parts = self.statement + self.settings + keccak256(core)
        return named(keccak256(_CIRCUIT_DOMAIN + parts), self.srs_id)

    @property
    def stored_bytes(self) -> int:
        """How long the code is that the contract keeps of the model."""
        return _BLOB_HEAD + len(self.descriptor) + len(self.weights)

    def require_fits(self) -> None:
        """Refuse a model that is larger than a contract may be.

        Raises
        ------
        ModelTooLarge
            If it is.
        """
        if self.stored_bytes > MAX_CODE:
            raise ModelTooLarge(
                self.stored_bytes, MAX_CODE, len(self.descriptor), len(self.weights) // _POINT
            )  # Usage


@dataclass(frozen=True)
class PlumbStatement:
    """A proof, and what it says.

    Attributes
    ----------
    circuit_id, context : bytes
        32 bytes each.
    proof : bytes
        As the prover wrote it.
    public_inputs : tuple of int
        In the order of the proof.
    """

    circuit_id: bytes
    proof: bytes = field(repr=False)
    public_inputs: tuple[int, ...]
    context: bytes


def encode_is_registered(circuit_id: bytes) -> bytes:
    """Return the calldata of ``IPlumbVerifier.isRegistered``."""
    return artifact(INTERFACE).selector("isRegistered") + word(circuit_id)


def encode_model_of(circuit_id: bytes) -> bytes:
    """Return the calldata of ``IPlumbVerifier.modelOf``."""
    return artifact(INTERFACE).selector("modelOf") + word(circuit_id)


def encode_register(model: PlumbModel) -> bytes:
    """Return the calldata of ``IPlumbVerifier.register``.

    Raises
    ------
    ValueError
        If a digest has not 32 bytes.
    """
    if len(model.statement) != WORD or len(model.settings) != WORD:
        raise ValueError("the digests of a statement and of settings have 32 bytes each")
    tails = [_bytes(part) for part in (model.descriptor, model.weights, model.registration)]
    head = model.statement + model.settings + _offsets(tails, 5 * WORD)
    return b"".join((artifact(INTERFACE).selector("register"), head, *tails))


def encode_verify_together(statements: Sequence[PlumbStatement]) -> bytes:
    """Return the calldata of ``IPlumbVerifier.verifyTogether``.

    Raises
    ------
    ValueError, OverflowError
        If a value does not fit the words of the encoding.
    """
    if any(len(part) != WORD for one in statements for part in (one.circuit_id, one.context)):
        raise ValueError("a circuit id and a context have 32 bytes each")
    tails = [
        _list([one.circuit_id for one in statements]),
        _nested([_bytes(one.proof) for one in statements]),
        _nested([_list([word(v) for v in one.public_inputs]) for one in statements]),
        _list([one.context for one in statements]),
    ]
    head = _offsets(tails, len(tails) * WORD)
    return b"".join((artifact(INTERFACE).selector("verifyTogether"), head, *tails))


def _bytes(value: bytes) -> bytes:
    return word(len(value)) + value + bytes(-len(value) % WORD)


def _list(words: Sequence[bytes]) -> bytes:
    return word(len(words)) + b"".join(words)


def _nested(tails: Sequence[bytes]) -> bytes:
    return word(len(tails)) + _offsets(tails, len(tails) * WORD) + b"".join(tails)


def _offsets(tails: Sequence[bytes], start: int) -> bytes:
    """Return where each part begins, the first of them at ``start``."""
    places = []
    for tail in tails:
        places.append(word(start))
        start += len(tail)
    return b"".join(places)
