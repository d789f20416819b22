"""Ids, limbs and calldata in Python, against the contract and against independent code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkinfer_contracts import (
    CEREMONIES,
    EmbeddedChain,
    artifact,
    circuit_id,
    context_limbs,
    encode_verify,
    is_unsafe,
    keccak256,
    vka_digest,
)
from zkinfer_contracts._calldata import decode_revert, encode_constructor, word
from zkinfer_contracts._errors import mask_url
from zkinfer_contracts._ids import checksum_address, vka_words

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "chain"
digests = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def fixture() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FIXTURES / "ezkl.json").read_text())
    return value


@pytest.fixture(scope="module")
def chain() -> EmbeddedChain:
    return EmbeddedChain()


@pytest.fixture(scope="module")
def halo2(chain: EmbeddedChain) -> str:
    return chain.deploy(artifact("Halo2VerifierReusable").bytecode)[0]


def test_keccak_is_ethereums() -> None:
    assert keccak256(b"").hex().startswith("c5d2460186f7233c927e7db2dcc703c0")


@settings(max_examples=25, deadline=None)
@given(key=digests, srs=digests, count=st.integers(0, 200), salt=digests)
def test_circuit_id_is_the_contracts(
    chain: EmbeddedChain,
    halo2: str,
    fixture: dict[str, Any],
    key: bytes,
    srs: bytes,
    count: int,
    salt: bytes,
) -> None:
    words = list(vka_words(bytes.fromhex(fixture["ceremony"]["vka"])))
    words[2] = word(count + 11)
    words[-1] = salt
    vka = len(words).to_bytes(8, "little") + b"".join(words)
    for srs_id in (srs, CEREMONIES["ezkl"]):
        arguments = encode_constructor(halo2, vka, key, srs_id, count)
        address, _ = chain.deploy(artifact("EzklInferenceVerifier").bytecode + arguments)
        got = chain.call_raw(address, artifact("EzklInferenceVerifier").selector("circuitId"))
        assert got == circuit_id(key, vka_digest(vka), srs_id, count)
        assert is_unsafe(got) == (srs_id not in CEREMONIES.values())


def test_circuit_id_of_the_fixture(fixture: dict[str, Any]) -> None:
    for name in ("a", "b", "ceremony"):
        made = fixture[name]
        raw = {key: bytes.fromhex(made[key]) for key in ("key_digest", "vka", "srs_id")}
        assert (
            circuit_id(raw["key_digest"], vka_digest(raw["vka"]), raw["srs_id"], 2).hex()
            == made["circuit_id"]
        )


def test_ceremonies_are_the_contracts() -> None:
    source = Path(__file__).resolve().parents[3] / "verifier_contracts" / "zkinfer_contracts"
    text = (source / "sources" / "Ceremonies.sol").read_text(encoding="utf-8")
    for name, srs_id in CEREMONIES.items():
        constant = name.upper().replace("-", "_")
        assert f"constant {constant} = 0x{srs_id.hex()};" in text


@given(identity=digests, context=digests)
def test_limbs_hold_all_of_the_bound_value(identity: bytes, context: bytes) -> None:
    limbs = context_limbs(identity, context)
    assert len(limbs) == 11
    assert all(limb < 1 << 24 for limb in limbs)
    assert limbs[-1] < 1 << 16
    bound = sum(limb << (24 * i) for i, limb in enumerate(limbs))
    assert bound.to_bytes(32, "big") == keccak256(identity + context)


@given(raw=st.binary(min_size=20, max_size=20))
def test_addresses_are_written_as_in_eip_55(raw: bytes) -> None:
    utils = pytest.importorskip("eth_utils")
    assert checksum_address("0x" + raw.hex()) == utils.to_checksum_address(raw)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_digest_of_another_length_refused(length: int) -> None:
    good, bad = bytes(32), bytes(length)
    for arguments in ((bad, good, good), (good, bad, good), (good, good, bad)):
        with pytest.raises(ValueError, match="must have 32"):
            circuit_id(*arguments, 1)
    with pytest.raises(ValueError, match="must have 32"):
        context_limbs(bad, good)
    with pytest.raises(ValueError, match="must have 32"):
        context_limbs(good, bad)
    with pytest.raises(ValueError, match="32 bytes"):
        encode_verify(bad, b"", [], good)


@pytest.mark.parametrize("vka", [b"", bytes(7), b"\1" + bytes(7), bytes(9), b"\xff" * 40])
def test_malformed_vka_refused(vka: bytes) -> None:
    with pytest.raises(ValueError, match="VKA"):
        vka_digest(vka)


@settings(max_examples=60)
@given(
    identity=digests,
    context=digests,
    proof=st.binary(max_size=100),
    inputs=st.lists(st.integers(0, 2**256 - 1), max_size=5),
)
def test_calldata_is_what_an_abi_library_writes(
    identity: bytes, context: bytes, proof: bytes, inputs: list[int]
) -> None:
    abi = pytest.importorskip("eth_abi")
    types = ["bytes32", "bytes", "uint256[]", "bytes32"]
    expected = abi.encode(types, [identity, proof, inputs, context])
    assert encode_verify(identity, proof, inputs, context)[4:] == expected


def test_constructor_is_what_an_abi_library_writes(fixture: dict[str, Any]) -> None:
    abi = pytest.importorskip("eth_abi")
    vka = bytes.fromhex(fixture["a"]["vka"])
    address = "0x" + "ab" * 20
    types = ["address", "bytes32[]", "bytes32", "bytes32", "uint256"]
    expected = abi.encode(types, [address, list(vka_words(vka)), b"k" * 32, b"s" * 32, 5])
    assert encode_constructor(address, vka, b"k" * 32, b"s" * 32, 5) == expected


def test_reverts_are_named() -> None:
    selector = keccak256(b"PublicInputCountMismatch(uint256,uint256)")[:4]
    error = decode_revert(selector + word(2) + word(3))
    assert (error.name, error.arguments) == ("PublicInputCountMismatch", (2, 3))
    assert error.selector == "0x" + selector.hex()
    assert "PublicInputCountMismatch(2, 3)" in str(error)
    text = keccak256(b"Error(string)")[:4] + word(32) + word(3) + b"why".ljust(32, b"\0")
    assert decode_revert(text).arguments == ("why",)
    assert decode_revert(keccak256(b"Panic(uint256)")[:4] + word(17)).arguments == (17,)


@given(data=st.binary(max_size=120))
def test_any_revert_data_is_read(data: bytes) -> None:
    for prefix in (b"", bytes.fromhex("08c379a0"), keccak256(b"ProofRejected()")[:4]):
        assert decode_revert(prefix + data).selector.startswith("0x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("https://u:p@h.example/v3/KEY?a=KEY", "https://h.example/***"),
        ("https://h.example/#KEY", "https://h.example"),
        ("http://[::1]:1/KEY", "http://[::1]:1/***"),
        ("KEY", "<unreadable URL>"),
        ("http://[KEY", "<unreadable URL>"),
        ("http://h.example:KEY/", "<unreadable URL>"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, shown: str) -> None:
    assert mask_url(url) == shown
