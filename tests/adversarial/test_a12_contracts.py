"""A12: what answers is our contract (in Solidity: tests/chain)."""

import pytest

import zkinfer as zk

# A contract that returns nothing, whatever it is asked: silence would be a yes.
STOP = bytes.fromhex("60018060093d393df300")


def test_a_contract_that_accepts_everything_is_refused(breast_cancer):
    chain = zk.chain.embedded()
    address, _ = chain._chain.deploy(STOP)
    trusting = chain.at(address, breast_cancer.vk.circuit_id)
    assert chain._chain.call_raw(address, b"anything") == b""
    with pytest.raises(zk.WrongContractCode):
        trusting.verify(breast_cancer.bundle)


def test_an_address_without_code_is_refused(breast_cancer):
    nowhere = zk.chain.embedded().at("0x" + "12" * 20, breast_cancer.vk.circuit_id)
    with pytest.raises(zk.NoContractCode):
        nowhere.verify(breast_cancer.bundle)


def test_another_contract_in_the_proof_verifiers_place_is_refused(breast_cancer, deployed):
    chain = zk.chain.embedded()
    address, _ = chain._chain.deploy(STOP)
    chain._chain._halo2 = address
    with pytest.raises(zk.WrongContractCode, match="Halo2VerifierReusable"):
        chain.deploy(breast_cancer.vk)
