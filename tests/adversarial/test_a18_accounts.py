"""A18: no key that everybody has, and no key in what is shown (more: tests/chain/test_node.py)."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from eth_account import Account as Signer

import zkinfer as zk

PUBLISHED = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
OWN = bytes.fromhex("5f3a" * 16)


@contextmanager
def chain_of_id(number):
    """A node that knows its chain's id and its own name, and has an account to lend."""
    answers = {
        "eth_chainId": hex(number),
        "web3_clientVersion": "stub/1",
        "eth_accounts": ["0x" + "12" * 20],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = {"error": {"code": -32601, "message": "not here"}}
            if asked["method"] in answers:
                found = {"result": answers[asked["method"]]}
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
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


def keystore(path, key):
    path.write_text(json.dumps(Signer.encrypt(key, "password", kdf="pbkdf2", iterations=10)))
    return path


def test_a_published_key_is_refused_where_there_is_value(tmp_path):
    account = keystore(tmp_path / "k", PUBLISHED)
    with chain_of_id(31337) as url:
        zk.chain.node(url, keystore=account, password=lambda: "password")
    with chain_of_id(1) as url, pytest.raises(zk.DevelopmentKeyRefused):
        zk.chain.node(url, keystore=account, password=lambda: "password")


def test_a_nodes_own_account_is_not_used_where_there_is_value(breast_cancer):
    with chain_of_id(1) as url, pytest.raises(zk.AccountMissing):
        zk.chain.node(url).deploy(breast_cancer.vk, allow_unsafe_srs=True)


def test_a_key_is_in_nothing_that_is_shown(tmp_path):
    path = keystore(tmp_path / "k", OWN)
    with chain_of_id(1) as url:
        chain = zk.chain.node(url, keystore=path, password=lambda: "password")
        shown = [
            repr(chain),
            str(vars(chain)),
            str(vars(chain._chain)),
            repr(chain._chain._account),
        ]
    for text in shown:
        assert OWN.hex() not in text.lower()
        assert str(int.from_bytes(OWN, "big")) not in text
