"""Plumb's circuits on chain by the public interface."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer as zk
from tests.conftest import CONTEXT, proven
from zkinfer import _field
from zkinfer._plumb._layout import Layout
from zkinfer_contracts import PlumbModel, plumb_address
from zkinfer_models import model


@pytest.fixture(scope="module")
def chain():
    return zk.chain.embedded()


@pytest.fixture(scope="module")
def deployed(chain, plumb):
    return chain.deploy(plumb.vk)


@pytest.fixture(scope="module")
def reordered():
    """A circuit whose proofs have their public inputs in another order than the tensor."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 2, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"]),
            helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
        ],
        "reordered",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 4, 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx_bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    x = rng.normal(size=(20, 1, 2, 6, 6)).astype(np.float32)
    samples = SimpleNamespace(calibration=x, x=x)
    made = proven(onnx_bytes, samples, inputs="public", weights="hidden", backend="plumb")
    assert Layout.from_bytes(made.vk.statement, made.vk.backend_settings).output_order
    return made


def test_deployed_and_verified(deployed, plumb):
    assert deployed.circuit_id == plumb.vk.circuit_id
    assert deployed.address == plumb_address(plumb.vk.srs.id)
    assert 0 < deployed.register_gas < deployed.gas
    assert 0 < deployed.contract_bytes <= 24_576
    receipt = deployed.verify(plumb.bundle)
    assert receipt.transaction_hash
    assert deployed.verify(plumb.bundle, transact=False).gas == receipt.gas


def test_a_second_circuit_takes_the_same_contract(chain, deployed, plumb_public):
    second = chain.deploy(plumb_public.vk)
    assert second.address == deployed.address
    assert second.gas == second.register_gas > 0
    second.verify(plumb_public.bundle)
    # Both know their own circuit, and no other.
    with pytest.raises(zk.RejectedOnChain):
        second.verify(replace(plumb_public.bundle, proof=bytes(len(plumb_public.bundle.proof))))
    with pytest.raises(zk.RejectedOnChain, match="PublicInputCount"):
        deployed.verify(plumb_public.bundle)


def test_what_is_there_costs_nothing(chain, deployed, plumb):
    told = []
    again = chain.deploy(plumb.vk, on_estimate=lambda *said: told.append(said))
    assert (again.address, again.gas, again.register_gas) == (deployed.address, 0, 0)
    same = chain.deploy(plumb.vk, verifier=deployed.address)
    assert (same.address, same.gas) == (deployed.address, 0)
    assert told == []


def test_estimates_are_told_before_each_transaction(plumb):
    told = []
    made = zk.chain.embedded().deploy(plumb.vk, on_estimate=lambda *said: told.append(said))
    assert [what for what, _ in told] == ["create UnsafeTestPlumbVerifier", "register the circuit"]
    assert abs(told[1][1] - made.register_gas) <= 0.03 * made.register_gas
    assert abs(told[0][1] + told[1][1] - made.gas) <= 0.03 * made.gas


def test_public_inputs_are_put_into_the_order_of_the_proof(chain, reordered):
    deployed = chain.deploy(reordered.vk)
    deployed.verify(reordered.bundle)
    deployed.verify_together([reordered.bundle, reordered.bundle], transact=False)
    chain.at(deployed.address, reordered.vk).verify(reordered.bundle, transact=False)
    # An id does not say the order.
    with pytest.raises(zk.RejectedOnChain):
        chain.at(deployed.address, reordered.vk.circuit_id).verify(reordered.bundle)
    with pytest.raises(zk.RejectedOnChain, match="PublicInputCount"):
        deployed.verify_statement(reordered.bundle.proof, [1, 2], CONTEXT)


def test_an_id_is_enough_where_the_order_is_the_tensors(chain, deployed, plumb):
    assert not Layout.from_bytes(plumb.vk.statement, plumb.vk.backend_settings).output_order
    for circuit in (plumb.vk.circuit_id, bytes(plumb.vk.circuit_id), plumb.vk):
        at = chain.at(deployed.address, circuit)
        assert (at.gas, at.contract_bytes, at.register_gas) == (None, None, None)
        at.verify(plumb.bundle, transact=False)


def test_several_proofs_together(deployed, plumb):
    other = zk.prove(plumb.pk, np.asarray(model("breast-cancer").samples().x[1]), context=CONTEXT)
    alone = deployed.verify(plumb.bundle).gas
    together = deployed.verify_together([plumb.bundle, other, plumb.bundle])
    assert together.transaction_hash
    assert together.gas < 3 * alone - 200_000
    damaged = replace(other, context=bytes(32))
    with pytest.raises(zk.RejectedOnChain, match="ProofRejected"):
        deployed.verify_together([plumb.bundle, damaged])
    with pytest.raises(zk.ArgumentInvalid, match="at least one"):
        deployed.verify_together([])
    with pytest.raises(zk.ArgumentInvalid, match="2\\^256"):
        deployed.verify_statement(other.proof, (1 << 256,), CONTEXT)


@pytest.mark.parametrize("part", ["proof", "output", "context", "wrapped"])
def test_tampered_bundle_refused(deployed, plumb, part):
    bundle = plumb.bundle
    values, last = bundle.public_inputs[:-1], bundle.public_inputs[-1]
    middle = len(bundle.proof) // 2
    bit = bytes([bundle.proof[middle] ^ 1])
    arguments = {
        "proof": (bundle.proof[:middle] + bit + bundle.proof[middle + 1 :], None, None),
        "output": (None, (*values, (last + 1) % _field.R), None),
        "context": (None, None, bytes(32)),
        "wrapped": (None, (*values, last + _field.R), None),
    }[part]
    given = (bundle.proof, bundle.public_inputs, bundle.context)
    parts = [mine or theirs for mine, theirs in zip(arguments, given, strict=True)]
    with pytest.raises(zk.RejectedOnChain) as caught:
        deployed.verify_statement(*parts)
    assert caught.value.selector != "0x"


def test_address_of_something_else_refused(chain, deployed, plumb, breast_cancer):
    ezkl = chain.deploy(breast_cancer.vk)
    with pytest.raises(zk.WrongContractCode):
        chain.deploy(plumb.vk, verifier=ezkl.address)
    with pytest.raises(zk.NoContractCode):
        chain.deploy(plumb.vk, verifier="0x" + "12" * 20)
    with pytest.raises(zk.ArgumentInvalid, match="40 hex"):
        chain.deploy(plumb.vk, verifier="0x12")
    with pytest.raises(zk.ArgumentInvalid, match="each circuit"):
        chain.deploy(breast_cancer.vk, verifier=deployed.address)
    with pytest.raises(zk.WrongContractCode):
        ezkl.verify_together([breast_cancer.bundle])


def test_what_no_contract_can_take_is_named(chain, plumb, monkeypatch):
    import zkinfer._plumb._chain as module

    real = module.chain_model(plumb.vk)

    def other(**parts: bytes) -> None:
        changed: PlumbModel = replace(real, **parts)
        monkeypatch.setattr(module, "chain_model", lambda vk: changed)

    other(weights=bytes(64 * 400))
    with pytest.raises(zk.ModelTooLargeForChain, match="24,576"):
        chain.deploy(plumb.vk)
    other(srs_id=bytes(32))
    key = replace(plumb.vk, srs=replace(plumb.vk.srs))
    monkeypatch.setattr(type(key.srs), "id", bytes(32))
    with pytest.raises(zk.BackendWithoutContract, match="ppot-0085"):
        chain.deploy(key)
