"""Nodes, accounts and keys: what is at an address, who pays, and what is never shown."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Signer

from zkinfer_contracts import (
    AccountMissing,
    DevelopmentKeyRefused,
    EmbeddedChain,
    KeystoreError,
    NoContractCode,
    Node,
    NodeUnreachable,
    TransactionFailed,
    UnsafeSrsRefused,
    WrongContractCode,
    artifact,
    encode_verify,
    load_keystore,
)

KEY = bytes.fromhex("5f3a" * 16)
PASSWORD = "correct horse"
ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
NOWHERE = "0x" + "12" * 20


def write_keystore(path: Path, key: bytes) -> Path:
    path.write_text(json.dumps(Signer.encrypt(key, PASSWORD, kdf="pbkdf2", iterations=10)))
    return path


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    return write_keystore(tmp_path / "keystore.json", KEY)


def fund(url: str, address: str) -> None:
    Node(url)._rpc("anvil_setBalance", address, hex(10**20))


@contextmanager
def serve(body: bytes, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# What is at an address.


def test_address_without_code_refused(place: Any, a: Any) -> None:
    with pytest.raises(NoContractCode) as caught:
        place.chain.verify(
            NOWHERE, a.circuit_id, a.proof, a.public_inputs, a.context, transact=False
        )
    assert caught.value.chain_id == place.chain.chain_id


def test_address_with_other_code_refused(place: Any, a: Any) -> None:
    # A contract that accepts everything by returning nothing.
    stop, _ = place.chain.deploy(bytes.fromhex("60018060093d393df300"))
    assert place.chain.call_raw(stop, a.calldata) == b""
    for address in (stop, place.at.halo2_address):
        with pytest.raises(WrongContractCode):
            place.chain.verify(
                address, a.circuit_id, a.proof, a.public_inputs, a.context, transact=False
            )


def with_immutables(code: bytes, **values: bytes) -> bytes:
    """Return creation code for the shipped verifier with other immutables than its own."""
    changed = bytearray(code)
    for name, value in values.items():
        for start, length in artifact("EzklInferenceVerifier").immutable_references[name]:
            changed[start : start + length] = value.rjust(length, b"\0")
    size = len(changed).to_bytes(2, "big")
    return b"\x61" + size + bytes.fromhex("80600a3d393df3") + bytes(changed)


def test_a13_shipped_code_around_another_contract_refused(place: Any, a: Any) -> None:
    """The code is ours and the id is the one trusted; what it asks is the attacker's."""
    chain = place.chain
    digest = chain.call_raw(
        place.at.address, artifact("EzklInferenceVerifier").selector("vkaDigest")
    )
    # Returns true and the digest that the verifier expects.
    liar, _ = chain.deploy(
        bytes.fromhex("602c8060093d393df3" + "60015f527f" + digest.hex() + "60205260405ff3")
    )
    code = with_immutables(chain.code_at(place.at.address), HALO2=bytes.fromhex(liar[2:]))
    forged, _ = chain.deploy(code)
    arguments = (a.circuit_id, bytes(len(a.proof)), (1, 2), a.context)
    assert chain.call_raw(forged, encode_verify(*arguments)) == b""
    with pytest.raises(WrongContractCode):
        chain.verify(forged, *arguments, transact=False)


@pytest.mark.parametrize(
    "name",
    [name for name in artifact("EzklInferenceVerifier").immutable_references if name != "HALO2"],
)
def test_shipped_code_with_another_immutable_refused(prague: Any, a: Any, name: str) -> None:
    chain = prague.chain
    value = bytes.fromhex(prague.at.halo2_address[2:]) if name == "STORE" else b"\1"
    code = with_immutables(chain.code_at(prague.at.address), **{name: value})
    forged, _ = chain.deploy(code)
    with pytest.raises(WrongContractCode):
        chain.verify(forged, a.circuit_id, a.proof, a.public_inputs, a.context, transact=False)


def test_same_immutables_made_by_hand_accepted(prague: Any, a: Any) -> None:
    chain = prague.chain
    copy, _ = chain.deploy(with_immutables(chain.code_at(prague.at.address)))
    chain.verify(copy, a.circuit_id, a.proof, a.public_inputs, a.context, transact=False)


def test_halo2_verifier_given_must_be_the_shipped_one(place: Any, a: Any) -> None:
    with pytest.raises(NoContractCode):
        a.deploy(place.chain, halo2=NOWHERE)
    with pytest.raises(WrongContractCode):
        a.deploy(place.chain, halo2=place.at.address)
    assert a.deploy(place.chain, halo2=place.at.halo2_address).halo2_gas == 0


def test_halo2_verifier_deployed_once_per_object(a: Any, b: Any) -> None:
    chain = EmbeddedChain()
    first, second = a.deploy(chain), b.deploy(chain)
    assert first.halo2_gas > 2_000_000
    assert second.halo2_gas == 0
    assert second.halo2_address == first.halo2_address


# Nodes.


def test_names_say_what_runs_where(embedded: Any, prague: Any) -> None:
    assert embedded.chain.name == "embedded (py-evm, Prague)"
    assert prague.chain.name == "anvil/v1.7.1 chain 31337"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_unreachable_node_named_without_its_secrets(scheme: str) -> None:
    with pytest.raises(NodeUnreachable) as caught:
        Node(f"{scheme}://user:hunter2@127.0.0.1:1/v3/0123456789abcdef?key=xyzzy", timeout=2)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert f"{scheme}://127.0.0.1:1/***" in str(caught.value)
    for secret in ("hunter2", "0123456789abcdef", "xyzzy"):
        # The traceback shows this file's own line with the f-string, and nothing of ours.
        assert shown.count(secret) == sum(
            line.count(secret) for line in shown.splitlines() if "Node(f" in line
        )


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x", "http://[", "localhost:8545"])
def test_url_of_another_kind_refused(url: str) -> None:
    with pytest.raises(NodeUnreachable):
        Node(url)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>hello</html>", 200),
        (b"[]", 200),
        (b"{}", 200),
        (b'{"jsonrpc":"2.0","id":1}', 200),
        (b'{"jsonrpc":"2.0","id":1,"result":"zzz"}', 200),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', 200),
        (b'{"jsonrpc":"2.0","id":7,"result":"0x1"}', 200),
        (b"nothing here", 404),
        (b"", 307),
    ],
)
def test_server_that_is_no_node_refused(body: bytes, status: int) -> None:
    with serve(body, status) as url, pytest.raises(NodeUnreachable):
        Node(url)


# Accounts.


def test_keystore_account_deploys_and_verifies(prague_url: str, keystore: Path, a: Any) -> None:
    account = load_keystore(keystore, lambda: PASSWORD)
    fund(prague_url, account.address)
    node = Node(prague_url, account)
    at = a.deploy(node)
    receipt = node.verify(
        at.address, a.circuit_id, a.proof, a.public_inputs, a.context, transact=True
    )
    sent = node._rpc("eth_getTransactionByHash", receipt.transaction_hash)
    assert sent["from"].lower() == account.address.lower()


def test_account_without_money_fails_with_a_reason(mainlike_url: str, tmp_path: Path) -> None:
    poor = load_keystore(write_keystore(tmp_path / "k", b"\x77" * 32), lambda: PASSWORD)
    with pytest.raises(TransactionFailed, match=r"(?i)fund"):
        Node(mainlike_url, poor).deploy(bytes.fromhex("00"))


def test_fee_above_the_limit_refused(mainlike_url: str, keystore: Path) -> None:
    account = load_keystore(keystore, lambda: PASSWORD)
    fund(mainlike_url, account.address)
    with pytest.raises(TransactionFailed, match="limit is 1"):
        Node(mainlike_url, account, max_fee_per_gas=1).deploy(bytes.fromhex("00"))


def test_a15_unsafe_circuit_needs_leave_on_a_real_chain(
    mainlike_url: str, keystore: Path, a: Any, cases: Any
) -> None:
    account = load_keystore(keystore, lambda: PASSWORD)
    fund(mainlike_url, account.address)
    node = Node(mainlike_url, account)
    with pytest.raises(UnsafeSrsRefused):
        a.deploy(node)
    assert a.deploy(node, allow_unsafe_srs=True).circuit_id == a.circuit_id
    assert cases["ceremony"].deploy(node).circuit_id == cases["ceremony"].circuit_id


def test_a18_nodes_own_accounts_only_on_development_chains(mainlike_url: str, cases: Any) -> None:
    node = Node(mainlike_url)
    assert node._rpc("eth_accounts")
    with pytest.raises(AccountMissing):
        cases["ceremony"].deploy(node)


@pytest.mark.parametrize("key", [ANVIL_KEY, (1).to_bytes(32, "big"), (10).to_bytes(32, "big")])
def test_a18_published_key_refused_on_a_real_chain(
    mainlike_url: str, prague_url: str, tmp_path: Path, key: bytes
) -> None:
    account = load_keystore(write_keystore(tmp_path / "k", key), lambda: PASSWORD)
    Node(prague_url, account)
    with pytest.raises(DevelopmentKeyRefused):
        Node(mainlike_url, account)


def test_a18_every_published_address_is_known(prague_url: str) -> None:
    from zkinfer_contracts._accounts import DEVELOPMENT_ADDRESSES

    anvil = {address.lower() for address in Node(prague_url)._rpc("eth_accounts")}
    tester = {address.lower() for address in EmbeddedChain()._tester.get_accounts()}
    assert len(anvil) == len(tester) == 10
    assert anvil | tester < DEVELOPMENT_ADDRESSES


def test_a18_every_account_of_the_published_mnemonics_is_known() -> None:
    from eth_account import Account as Signer

    from zkinfer_contracts._accounts import DEVELOPMENT_ADDRESSES

    Signer.enable_unaudited_hdwallet_features()
    hardhat = "test test test test test test test test test test test junk"
    ganache = "myth like bonus scare over problem client lizard pioneer submit female collect"
    for mnemonic, count in ((hardhat, 20), (ganache, 10)):
        for index in range(count):
            path = f"m/44'/60'/0'/0/{index}"
            address = Signer.from_mnemonic(mnemonic, account_path=path).address
            assert address.lower() in DEVELOPMENT_ADDRESSES


def test_a18_private_key_is_shown_nowhere(
    prague_url: str, keystore: Path, a: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    account = load_keystore(keystore, lambda: PASSWORD)
    fund(prague_url, account.address)
    node = Node(prague_url, account)
    at = a.deploy(node)
    texts = [caplog.text, str(account), repr(account), repr(node), str(vars(node)), repr(at)]
    texts += [repr(getattr(account, name)) for name in dir(account)]
    try:
        load_keystore(keystore, lambda: "wrong")
    except KeystoreError as error:
        texts += traceback.format_exception(error)
    for text in texts:
        assert KEY.hex() not in text.lower()
        assert str(int.from_bytes(KEY, "big")) not in text
        assert repr(KEY)[2:-1] not in text
    with pytest.raises(TypeError):
        pickle.dumps(account)


# Keystores.


def test_keystore_wrong_password_refused(keystore: Path) -> None:
    with pytest.raises(KeystoreError, match="wrong password"):
        load_keystore(keystore, lambda: "wrong")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        KEY.hex(),
        json.dumps({"crypto": 1, "version": 3}),
        json.dumps({"crypto": {"kdfparams": {}}, "version": 3}),
        json.dumps({"crypto": {"kdfparams": {"n": 1 << 40, "r": 8}}, "version": 3}),
        json.dumps({"crypto": {"kdfparams": {}}, "version": 4}),
        "x" * 70_000,
    ],
)
def test_file_that_is_no_keystore_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(KeystoreError) as caught:
        load_keystore(path, lambda: PASSWORD)
    assert KEY.hex() not in "".join(traceback.format_exception(caught.value))


def test_keystore_absent_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError):
        load_keystore(tmp_path / "none", lambda: PASSWORD)


def test_password_not_asked_for_a_file_that_is_no_keystore(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text("{}")
    with pytest.raises(KeystoreError):
        load_keystore(path, lambda: pytest.fail("asked"))


# What is installed.


def test_base_import_loads_no_web3() -> None:
    code = (
        "import sys, zkinfer_contracts as z; z.keccak256(b''); z.artifact('EzklInferenceVerifier');"
        "bad = [m for m in sys.modules if m.split('.')[0] in"
        " ('web3', 'eth', 'eth_tester', 'eth_account', 'eth_abi', 'pyrevm', 'requests', 'torch')];"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(sys.modules["zkinfer_contracts"].__file__ or "").parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["eth_tester", "eth_account", "pyrevm"])
def test_missing_package_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch, keystore: Path
) -> None:
    from zkinfer_contracts import ChainSupportMissing

    def use() -> object:
        if package == "eth_account":
            return load_keystore(keystore, lambda: PASSWORD)
        return EmbeddedChain(native=True)

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ChainSupportMissing):
        use()
