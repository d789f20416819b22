"""Chains to test on: one in this process, and real nodes under both of the rule sets in use."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zkinfer_contracts import (
    Chain,
    Deployment,
    EmbeddedChain,
    Node,
    NodeUnreachable,
    encode_verify,
)

ROOT = Path(__file__).resolve().parents[2]
ANVILS = ROOT / "verifier_contracts" / "node_modules" / "@foundry-rs"


@dataclass(frozen=True)
class Case:
    """A circuit and one valid proof of it."""

    vka: bytes
    key_digest: bytes
    srs_id: bytes
    circuit_id: bytes
    context: bytes
    public_inputs: tuple[int, ...]
    proof: bytes

    @property
    def calldata(self) -> bytes:
        return encode_verify(self.circuit_id, self.proof, self.public_inputs, self.context)

    def deploy(self, chain: Chain, **options: Any) -> Deployment:
        return chain.deploy_ezkl(
            self.vka, self.key_digest, self.srs_id, len(self.public_inputs), **options
        )


@dataclass(frozen=True)
class Place:
    """A chain with the verifier of circuit a on it."""

    chain: Chain
    at: Deployment

    def ask(self, data: bytes) -> None:
        """Call the verifier; it returns nothing or the call raises."""
        assert self.chain.call_raw(self.at.address, data) == b""


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    made = json.loads((ROOT / "tests" / "fixtures" / "chain" / "ezkl.json").read_text())
    made["decision"] = made["a"] | made["decision"]
    return {
        name: Case(
            public_inputs=tuple(int(v, 16) for v in value.pop("public_inputs")),
            **{key: bytes.fromhex(v) for key, v in value.items()},
        )
        for name, value in made.items()
        if name != "made_by"
    }


@pytest.fixture(scope="session")
def a(cases: dict[str, Case]) -> Case:
    return cases["a"]


@pytest.fixture(scope="session")
def b(cases: dict[str, Case]) -> Case:
    return cases["b"]


@contextmanager
def run_anvil(*options: str) -> Iterator[str]:
    found = sorted(ANVILS.glob("anvil-*/bin/anvil*"))
    if not found:
        pytest.fail("no anvil below verifier_contracts/node_modules: run make setup")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(found[0]), "--silent", "--host", "127.0.0.1", "--port", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                Node(url)
                break
            except NodeUnreachable:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def anvil() -> Callable[..., Any]:
    return run_anvil


@pytest.fixture(scope="session")
def prague_url() -> Iterator[str]:
    with run_anvil("--hardfork", "prague", "--enable-tx-gas-limit") as url:
        yield url


@pytest.fixture(scope="session")
def osaka_url() -> Iterator[str]:
    with run_anvil("--enable-tx-gas-limit") as url:
        yield url


@pytest.fixture(scope="session")
def mainlike_url() -> Iterator[str]:
    """A node whose chain id is no development chain's."""
    with run_anvil("--chain-id", "424242") as url:
        yield url


@pytest.fixture(scope="session")
def embedded(a: Case) -> Place:
    chain = EmbeddedChain()
    return Place(chain, a.deploy(chain))


@pytest.fixture(scope="session")
def prague(prague_url: str, a: Case) -> Place:
    chain = Node(prague_url)
    return Place(chain, a.deploy(chain))


@pytest.fixture(scope="session")
def osaka(osaka_url: str, a: Case) -> Place:
    chain = Node(osaka_url)
    return Place(chain, a.deploy(chain))


@pytest.fixture(params=["embedded", "prague", "osaka"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each chain in turn."""
    found: Place = request.getfixturevalue(request.param)
    return found
