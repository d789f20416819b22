"""Plumb's circuits on a node's chain from the command line, paid from a keystore."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zkinfer._cli import main
from zkinfer_contracts import load_keystore, plumb_address

from .test_node import PASSWORD, fund, write_keystore

NOWHERE = "0x" + "12" * 20
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, plumb: Any, plumb_attacker: Any) -> Path:
    """Keys, proofs, a keystore and its password."""
    found = tmp_path_factory.mktemp("plumb")
    plumb.vk.save(found / "verifying.key")
    plumb.bundle.save(found / "out.zkp")
    plumb_attacker.vk.save(found / "attacker.key")
    plumb_attacker.bundle.save(found / "attacker.zkp")
    write_keystore(found / "keystore.json", b"\x4b" * 32)
    (found / "password").write_text(PASSWORD + "\n")
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, dict[str, Any]]:
        status = main([*map(str, arguments), "--json"])
        out: dict[str, Any] = json.loads(capsys.readouterr().out)
        return status, out

    return command


def test_deploy_and_verify(
    mainlike_url: str, folder: Path, run: Run, capsys: pytest.CaptureFixture[str], plumb: Any
) -> None:
    account = load_keystore(folder / "keystore.json", lambda: PASSWORD)
    fund(mainlike_url, account.address)
    there = ["--rpc", mainlike_url, "--account", folder / "keystore.json"]
    there += ["--password-file", folder / "password"]
    key, proof = folder / "verifying.key", folder / "out.zkp"

    status, made = run("deploy", key, *there)
    assert (status, made["error"]["code"]) == (2, "ZK506")
    status, made = run("deploy", key, *there, "--allow-unsafe-srs")
    circuit = "0x" + bytes(plumb.vk.circuit_id).hex()
    assert status == 0, made
    assert made["contract"] == plumb_address(plumb.vk.srs.id)
    assert made["circuit_id"] == circuit
    assert 0 < made["register_gas"] <= made["gas"]

    # What is there is used, and told.
    given = ["--verifier", made["contract"], "--allow-unsafe-srs"]
    status, again = run("deploy", key, *there, *given)
    assert (status, again["contract"], again["gas"]) == (0, made["contract"], 0)
    assert main(["deploy", str(folder / "attacker.key"), *map(str, there), *given]) == 0
    shown = capsys.readouterr()
    assert "to register the circuit takes about" in shown.err
    assert "to register" in shown.out

    asked = ["verify-onchain", proof, "--contract", made["contract"], *there]
    trusted = ["--key", key, "--allow-unsafe-srs"]
    for expected in (["--circuit-id", circuit], trusted):
        status, called = run(*asked, *expected)
        assert (status, called["circuit_id"]) == (0, circuit), called
        assert called["transaction"] is None
        status, sent = run(*asked, *expected, "--send")
        assert status == 0
        assert sent["transaction"].startswith("0x")
        assert sent["gas"] <= called["gas"] <= 1.03 * sent["gas"]

    # The attacker's circuit is registered as well.
    status, said = run(*asked)
    assert (status, said["error"]["code"]) == (2, "ZK213")
    status, said = run("verify-onchain", folder / "attacker.zkp", *asked[2:], *trusted)
    assert (status, said["error"]["code"]) == (1, "ZK416")
    status, said = run(*asked, "--key", key)
    assert (status, said["error"]["code"]) == (2, "ZK506")


def test_wrong_address(prague_url: str, folder: Path, run: Run) -> None:
    key, proof = folder / "verifying.key", folder / "out.zkp"
    unsafe = "--allow-unsafe-srs"
    status, said = run("deploy", key, "--rpc", prague_url, "--verifier", NOWHERE, unsafe)
    assert (status, said["error"]["code"]) == (2, "ZK603")
    status, said = run("deploy", key, "--rpc", prague_url, "--verifier", "0x12", unsafe)
    assert (status, said["error"]["code"]) == (2, "ZK213")
    asked = ["verify-onchain", proof, "--rpc", prague_url]
    status, said = run(*asked, "--contract", NOWHERE, "--key", key, unsafe)
    assert (status, said["error"]["code"]) == (2, "ZK603")
    status, said = run(*asked, "--contract", NOWHERE)
    assert (status, said["error"]["code"]) == (2, "ZK603")
