"""What a circuit is called on chain, and how a context enters its statement.

The same formulas as ``sources/EzklInferenceVerifier.sol``; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SCALAR_FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Order of BN254's groups: every public input is below it."""

CONTEXT_LIMBS = 11
CONTEXT_LIMB_BITS = 24

CEREMONIES: Mapping[str, bytes] = MappingProxyType(
    {
        "ezkl": bytes.fromhex("baa4033e53dde68459fc137c6273b9f3fcde05d43bd8ca21fff44cbfe20bbd0f"),
        "ppot-0085": bytes.fromhex(
            "beaa52d68a1e2dbc9f2fddde9a1d247a171f9c872da713dcbe3410cd284e7f05"
        ),
        "hermez": bytes.fromhex("5657692f1852d0070fb068d795451c8445d89e60a57733cd39c6a4172a6a3f62"),
    }
)
"""Ceremonies whose parameters a contract accepts as safe: name to SRS id."""

UNSAFE_PREFIX = b"unsafe"
"""First bytes of the id of every circuit whose SRS is no known ceremony's."""

WORD = 32


def keccak256(data: bytes) -> bytes:
    """Return Ethereum's hash of ``data`` (Keccak with the original padding, not SHA3-256)."""
    from Crypto.Hash import keccak

    digest: bytes = keccak.new(digest_bits=256, data=data).digest()
    return digest


def checksum_address(address: str) -> str:
    """Return a 0x-address with the capitals of EIP-55."""
    digits = address.removeprefix("0x").lower()
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        d.upper() if int(m, 16) > 7 else d for d, m in zip(digits, marks, strict=False)
    )


CIRCUIT_TAG = keccak256(b"zkinfer.ezkl.circuit.v1")


def _word(name: str, value: bytes) -> bytes:
    if len(value) != WORD:
        raise ValueError(f"{name} has {len(value)} bytes; it must have {WORD}")
    return bytes(value)


def vka_words(vka: bytes) -> tuple[bytes, ...]:
    """Split a verifying-key artefact, as ezkl writes it, into its 32-byte words.

    Parameters
    ----------
    vka : bytes
        An 8-byte little-endian count, then that many 32-byte big-endian words.

    Raises
    ------
    ValueError
        If the length is not what the count says.
    """
    if len(vka) < 8:
        raise ValueError(f"a VKA starts with an 8-byte count; this one has {len(vka)} bytes")
    count = int.from_bytes(vka[:8], "little")
    if len(vka) - 8 != count * WORD:
        raise ValueError(
            f"this VKA announces {count} words, which is {count * WORD} bytes, "
            f"and carries {len(vka) - 8}"
        )
    return tuple(vka[i : i + WORD] for i in range(8, len(vka), WORD))


def vka_digest(vka: bytes) -> bytes:
    """Return keccak256 of a VKA's words, without the count: what the contract pins.

    Raises
    ------
    ValueError
        If the VKA is malformed.
    """
    return keccak256(b"".join(vka_words(vka)))


def circuit_id(key_digest: bytes, vka_digest: bytes, srs_id: bytes, count: int) -> bytes:
    """Return the 32-byte id of an ezkl circuit.

    Parameters
    ----------
    key_digest, vka_digest, srs_id : bytes
        32 bytes each: digest of the verifying key, of its on-chain form, and the SRS's name.
    count : int
        Public inputs of the model, the context's limbs not counted.

    Raises
    ------
    ValueError
        If a digest is not 32 bytes long or the count does not fit a word.
    """
    if not 0 <= count < 1 << 256:
        raise ValueError(f"{count} is no count of public inputs")
    digest = keccak256(
        CIRCUIT_TAG
        + _word("key_digest", key_digest)
        + _word("vka_digest", vka_digest)
        + _word("srs_id", srs_id)
        + count.to_bytes(WORD, "big")
    )
    return named(digest, srs_id)


def named(digest: bytes, srs_id: bytes) -> bytes:
    """Return the id of a circuit with this digest, marked where its SRS is no known ceremony's."""
    if bytes(srs_id) in CEREMONIES.values():
        return digest
    return UNSAFE_PREFIX + digest[: WORD - len(UNSAFE_PREFIX)]


def is_unsafe(circuit_id: bytes) -> bool:
    """Say whether an id belongs to a circuit on an SRS that is no known ceremony's."""
    return circuit_id.startswith(UNSAFE_PREFIX)


def context_limbs(circuit_id: bytes, context: bytes) -> tuple[int, ...]:
    """Return the field elements by which a proof is bound to a circuit and a context.

    Parameters
    ----------
    circuit_id, context : bytes
        32 bytes each.

    Returns
    -------
    tuple of int
        Eleven limbs of 24 bits, the lowest first, the last of 16 bits. They follow the model's
        own public inputs in the proof's instances.

    Raises
    ------
    ValueError
        If an argument is not 32 bytes long.
    """
    bound = int.from_bytes(
        keccak256(_word("circuit_id", circuit_id) + _word("context", context)), "big"
    )
    mask = (1 << CONTEXT_LIMB_BITS) - 1
    return tuple(bound >> (CONTEXT_LIMB_BITS * i) & mask for i in range(CONTEXT_LIMBS))
