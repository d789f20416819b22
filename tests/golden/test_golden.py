"""Golden proofs stay valid, and sizes and costs change only where a review sees it.

``pytest tests/golden --update-snapshots`` writes snapshots.json anew; golden files never.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import zkinfer as zk
from tests.fixtures.plumb_chain import Golden, OnChain
from zkinfer_contracts import EmbeddedChain, artifact, artifact_names
from zkinfer_models import model, models

HERE = Path(__file__).parent
VERSION = "v1"
SNAPSHOTS = HERE / "snapshots.json"
CONTEXT = bytes(range(32))
SMALL = [card.id for card in models() if card.small]


def golden(name):
    folder = HERE / VERSION
    key = zk.VerifyingKey.load(folder / f"{name}.key", allow_unsafe_srs=True)
    return key, zk.ProofBundle.load(folder / f"{name}.proof")


def compare(name, found, update):
    """Compare with the snapshot, exactly; a missing row fails."""
    snapshots = json.loads(SNAPSHOTS.read_text()) if SNAPSHOTS.exists() else {}
    if update:
        snapshots[name] = found
        SNAPSHOTS.write_text(json.dumps(snapshots, indent=2, sort_keys=True) + "\n")
    assert snapshots.get(name) == found


@pytest.mark.parametrize("name", SMALL)
def test_golden_proofs_verify(name):
    key, bundle = golden(name)
    zk.verify(key, bundle, context=CONTEXT)
    values = bundle.values(key.statement)
    circuit = zk.Circuit.load(HERE / VERSION / f"{name}.circuit")
    floats = circuit.run(model(name).samples().x[0], mode="float")
    assert np.abs(values.outputs - floats).max() < 0.2


@pytest.mark.parametrize("name", SMALL)
def test_circuits_are_what_they_were(name, request):
    """The circuit made today from the shipped model: same identity, same sizes."""
    card = model(name)
    circuit = zk.compile(
        card.onnx_bytes(),
        calibration=card.samples().calibration,
        inputs="hidden",
        weights="public",
        outputs="public",
        backend="ezkl",
    )
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    found = {
        "circuit_id": bytes(vk.circuit_id).hex(),
        "rows": circuit.calibration.rows,
        "logrows": circuit.calibration.logrows,
        "verifying_key_bytes": len(vk.to_bytes()),
        "backend_proving_key_bytes": pk.backend_proving_key.length,
    }
    compare(f"circuit/{name}", found, request.config.getoption("--update-snapshots"))


@pytest.mark.parametrize("name", SMALL)
def test_gas_and_proof_bytes_are_what_they_were(name, request):
    """On golden proofs, whose calldata never change."""
    key, bundle = golden(name)
    deployed = zk.chain.embedded().deploy(key)
    receipt = deployed.verify(bundle)
    found = {
        "proof_bytes": len(bundle.proof),
        "public_inputs": len(bundle.public_inputs),
        "verify_gas": receipt.gas,
        "deploy_gas": deployed.gas,
    }
    compare(f"chain/{name}", found, request.config.getoption("--update-snapshots"))


@pytest.mark.parametrize("name", ["mlp", "mixed"])
def test_plumbs_gas_is_what_it_was(name, request):
    """Of proofs by the reference, whose randomness follows from a seed."""
    made = Golden.load(name)
    contract, inference = OnChain(EmbeddedChain()), made.prove()
    found = {
        "proof_bytes": len(inference.proof),
        "register_gas": contract.gas(made.circuit.register()),
        "verify_gas": contract.gas(inference.verify()),
    }
    compare(f"plumb/{name}", found, request.config.getoption("--update-snapshots"))


def test_contract_bytes_are_what_they_were(request):
    found = {name: len(artifact(name).runtime) for name in artifact_names()}
    assert max(found.values()) <= 24_576
    compare("contracts", found, request.config.getoption("--update-snapshots"))
