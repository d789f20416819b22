"""Calls and reverts as bytes: the few shapes that these contracts use.

Written out rather than taken from an ABI library, so that building a call needs no web3, and so
that tests can build calls that a library would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from ._artifacts import VERIFIER, artifact, artifact_names, entry_selector
from ._errors import VerificationReverted
from ._ids import WORD, vka_words

_STATIC = re.compile("address|bool|u?int[0-9]+|bytes[0-9]+")
_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


def word(value: int | bytes) -> bytes:
    """Return an integer below 2^256, or up to 32 bytes on the left of zeros, as one word."""
    if isinstance(value, int):
        return value.to_bytes(WORD, "big")
    if len(value) > WORD:
        raise ValueError(f"{len(value)} bytes do not fit a word")
    return bytes(value).ljust(WORD, b"\0")


def address_word(address: str) -> bytes:
    """Return a 0x-address as one word."""
    raw = bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError(f"{address} is no address")
    return raw.rjust(WORD, b"\0")


def encode_verify(
    circuit_id: bytes, proof: bytes, public_inputs: Sequence[int], context: bytes
) -> bytes:
    """Return the calldata of ``IInferenceVerifier.verify``, in its one canonical encoding.

    Parameters
    ----------
    circuit_id, context : bytes
        32 bytes each.
    proof : bytes
        Any length: the contract checks it.
    public_inputs : sequence of int
        Any number below 2^256: the contract checks them.

    Raises
    ------
    ValueError, OverflowError
        If a value does not fit the words of the encoding.
    """
    if len(circuit_id) != WORD or len(context) != WORD:
        raise ValueError("a circuit id and a context have 32 bytes each")
    padding = -len(proof) % WORD
    head = 4 * WORD
    return b"".join(
        (
            artifact(VERIFIER).selector("verify"),
            circuit_id,
            word(head),
            word(head + WORD + len(proof) + padding),
            context,
            word(len(proof)),
            proof,
            bytes(padding),
            word(len(public_inputs)),
            *(word(value) for value in public_inputs),
        )
    )


def encode_constructor(
    halo2: str, vka: bytes, key_digest: bytes, srs_id: bytes, public_input_count: int
) -> bytes:
    """Return the arguments of ``EzklInferenceVerifier``'s constructor."""
    words = vka_words(vka)
    return b"".join(
        (
            address_word(halo2),
            word(5 * WORD),
            word(key_digest),
            word(srs_id),
            word(public_input_count),
            word(len(words)),
            *words,
        )
    )


@cache
def _errors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    return {
        entry_selector(entry): (entry["name"], tuple(_members(entry["inputs"])))
        for name in artifact_names()
        for entry in artifact(name).abi
        if entry["type"] == "error"
    }


def _members(parameters: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the types of parameters, those of a struct's members in its place."""
    for parameter in parameters:
        if parameter["type"] == "tuple":
            yield from _members(parameter["components"])
        else:
            yield parameter["type"]


def decode_revert(data: bytes) -> VerificationReverted:
    """Return what a revert's data says; data of unknown shape is no error, only unnamed."""
    selector, body = data[:4], data[4:]
    shown = "0x" + selector.hex()
    if selector == _ERROR and len(body) >= 2 * WORD:
        length = int.from_bytes(body[WORD : 2 * WORD], "big")
        text = body[2 * WORD : 2 * WORD + min(length, 1024)].decode("utf-8", "replace")
        return VerificationReverted("Error", shown, (text,))
    known = {**_errors(), _PANIC: ("Panic", ("uint256",))}
    if selector in known:
        name, types = known[selector]
        static = all(_STATIC.fullmatch(kind) for kind in types)
        if static and len(body) == WORD * len(types):
            return VerificationReverted(name, shown, tuple(_decode(types, body)))
    return VerificationReverted("", shown, ())


def _decode(types: Iterable[str], body: bytes) -> Iterable[object]:
    for index, kind in enumerate(types):
        value = body[WORD * index : WORD * (index + 1)]
        if kind == "address":
            yield "0x" + value[12:].hex()
        elif kind.startswith("bytes"):
            yield value[: int(kind.removeprefix("bytes"))]
        elif kind == "bool":
            yield value != bytes(WORD)
        elif kind.startswith("int"):
            yield int.from_bytes(value, "big", signed=True)
        else:
            yield int.from_bytes(value, "big")
