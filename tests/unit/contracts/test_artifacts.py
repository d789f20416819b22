"""The artefacts that ship are what the sources compile to."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from zkinfer_contracts import artifact, artifact_names, keccak256

ROOT = Path(__file__).resolve().parents[3] / "verifier_contracts"
SOURCES = ROOT / "zkinfer_contracts" / "sources"
MAX_CODE = 24_576


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zkinfer_contracts_build", ROOT / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (module.SOLC / "package.json").is_file():
        pytest.fail("no Solidity compiler below verifier_contracts/node_modules: run make setup")
    return module


def test_artifacts_are_what_the_sources_compile_to(build: ModuleType) -> None:
    directory = ROOT / "zkinfer_contracts" / "artifacts"
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    assert build.build() == present


def test_sources_that_do_not_compile_are_refused(build: ModuleType) -> None:
    with pytest.raises(build.BuildError, match="ParserError"):
        build.compile_sources({"x.sol": "pragma solidity ^0.8.0; x"})


def test_warnings_in_our_sources_are_errors(build: ModuleType) -> None:
    body = "contract C { function f() public pure { uint256 unused; } }"
    text = f"// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; {body}"
    with pytest.raises(build.BuildError, match="Unused local variable"):
        build.compile_sources({"x.sol": text})


def test_names() -> None:
    assert artifact_names() == (
        "CreditDecision",
        "EzklInferenceVerifier",
        "Halo2VerifierReusable",
        "IHalo2VerifierReusable",
        "IInferenceVerifier",
        "IPlumbVerifier",
        "PlumbLayouts",
        "PlumbVerifier",
        "PlumbVerifierBase",
        "UnsafeTestPlumbVerifier",
    )
    for wrong in ("Nothing", "", "../package", "artifacts/EzklInferenceVerifier"):
        with pytest.raises(KeyError):
            artifact(wrong)


def test_contracts_fit_a_chain() -> None:
    for name in artifact_names():
        assert len(artifact(name).runtime) <= MAX_CODE


def test_a12_pinned_code_hash_is_the_shipped_halo2_verifiers() -> None:
    halo2 = artifact("Halo2VerifierReusable")
    assert halo2.immutable_references == {}
    text = (SOURCES / "EzklInferenceVerifier.sol").read_text(encoding="utf-8")
    pinned = re.search(r"HALO2_CODE_HASH = 0x([0-9a-f]{64});", text)
    assert pinned is not None
    assert pinned.group(1) == keccak256(halo2.runtime).hex()


def test_code_matches_whatever_its_immutables() -> None:
    verifier = artifact("EzklInferenceVerifier")
    code = bytearray(verifier.runtime)
    values = {}
    for number, (name, places) in enumerate(verifier.immutable_references.items(), 1):
        values[name] = bytes([number]) * 32
        for start, length in places:
            code[start : start + length] = values[name]
    assert len(values) == 9
    assert verifier.immutables(bytes(code)) == values
    several = {p for p in verifier.immutable_references.values() if len(p) > 1}
    assert several
    once = {
        i
        for places in set(verifier.immutable_references.values()) - several
        for start, length in places
        for i in range(start, start + length)
    }
    for place in range(len(code)):
        damaged = bytes(code[:place]) + bytes([code[place] ^ 1]) + bytes(code[place + 1 :])
        # Where an immutable stands more than once, all places must agree.
        assert (verifier.immutables(damaged) is None) == (place not in once)
    assert verifier.immutables(bytes(code[:-1])) is None
    assert verifier.immutables(bytes(code) + b"\0") is None
    assert verifier.immutables(b"") is None


def test_every_revert_of_ours_names_its_threat() -> None:
    for path in SOURCES.rglob("*.sol"):
        if path.name == "Halo2VerifierReusable.sol":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(r"\s*revert\b", line):
                assert re.search(r"; // (A\d+|On chain|Protocol)$", line), (path.name, line)


def test_selectors() -> None:
    verifier = artifact("EzklInferenceVerifier")
    expected = keccak256(b"verify(bytes32,bytes,uint256[],bytes32)")[:4]
    assert verifier.selector("verify") == expected
    assert verifier.selector("ProofRejected") == keccak256(b"ProofRejected()")[:4]
    with pytest.raises(KeyError):
        verifier.selector("approve")
