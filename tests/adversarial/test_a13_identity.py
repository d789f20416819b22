"""A13: whose circuit it is, which context it is, and that a refusal is heard."""

import dataclasses

import pytest

import zkinfer as zk
from zkinfer import _curve
from zkinfer._srs import SrsPoints
from zkinfer_contracts import (
    EmbeddedChain,
    VerificationReverted,
    _embedded,
    artifact,
    encode_verify,
    vka_digest,
)


def relabelled(bundle, vk):
    """Return a bundle that says it is for this key."""
    return dataclasses.replace(bundle, circuit_id=vk.circuit_id)


def reread(vk):
    """Return the key with its outputs read at another scale; the proof system's key is the same."""
    statement = dataclasses.replace(
        vk.statement, output_scale_bits=vk.statement.output_scale_bits + 2
    )
    return dataclasses.replace(vk, statement=statement)


def other_chain_key(vk):
    return vk.chain_key[:-1] + bytes([vk.chain_key[-1] ^ 1])


def other_srs(vk):
    tau_g1 = _curve.g1_to_bytes(*_curve.g1_multiply(5))
    return SrsPoints.from_points(tau_g1, _curve.g2_multiply(5))


CHANGES = {
    "statement": reread,
    "settings": lambda vk: dataclasses.replace(vk, backend_settings=vk.backend_settings + b" "),
    "key": lambda vk: dataclasses.replace(vk, backend_key=vk.backend_key + b"\0"),
    "chain key": lambda vk: dataclasses.replace(vk, chain_key=other_chain_key(vk)),
    "srs": lambda vk: dataclasses.replace(vk, srs=other_srs(vk)),
}


@pytest.mark.parametrize("part", CHANGES)
def test_every_part_of_a_key_is_in_its_id(breast_cancer, part):
    """And the id is in what the proof binds: the honest proof is worth nothing under the other."""
    changed = CHANGES[part](breast_cancer.vk)
    assert changed.circuit_id != breast_cancer.vk.circuit_id
    with pytest.raises(zk.ProofInvalid):
        zk.verify(changed, relabelled(breast_cancer.bundle, changed))


def test_the_attackers_own_circuit_is_not_the_one_asked_for(breast_cancer, attacker):
    zk.verify(attacker.vk, attacker.bundle)
    for asked in (breast_cancer.vk.circuit_id, bytes(breast_cancer.vk.circuit_id)):
        with pytest.raises(zk.CircuitMismatch) as caught:
            zk.verify(attacker.vk, attacker.bundle, circuit_id=asked)
        assert caught.value.expected == str(breast_cancer.vk.circuit_id)


def test_a_proof_labelled_for_another_circuit_is_refused(breast_cancer, attacker):
    with pytest.raises(zk.CircuitMismatch) as caught:
        zk.verify(breast_cancer.vk, attacker.bundle)
    assert caught.value.got == str(attacker.vk.circuit_id)
    # The label alone, on an otherwise honest proof.
    with pytest.raises(zk.CircuitMismatch):
        zk.verify(breast_cancer.vk, relabelled(breast_cancer.bundle, attacker.vk))


def test_a_proof_for_another_context_is_refused(breast_cancer):
    asked = bytes(31) + b"\1"
    with pytest.raises(zk.ContextMismatch):
        zk.verify(breast_cancer.vk, breast_cancer.bundle, context=asked)
    claimed = dataclasses.replace(breast_cancer.bundle, context=asked)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, claimed, context=asked)


@pytest.mark.parametrize("bound", ["nothing", "the context alone", "the circuit alone"])
def test_a_proof_that_binds_less_is_refused_on_both_sides(
    breast_cancer, deployed, loose_proofs, bound
):
    loose = loose_proofs[bound]
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, loose)
    with pytest.raises(zk.RejectedOnChain) as caught:
        deployed.verify(loose, transact=False)
    assert caught.value.name == "ProofRejected"


def test_the_contract_is_asked_about_the_circuit_that_is_trusted(breast_cancer, attacker):
    chain = zk.chain.embedded()
    theirs = chain.deploy(attacker.vk)
    theirs.verify(attacker.bundle, transact=False)
    with pytest.raises(zk.RejectedOnChain) as caught:
        chain.at(theirs.address, breast_cancer.vk.circuit_id).verify(attacker.bundle)
    assert caught.value.name == "UnknownCircuit"


def test_a_proof_for_another_circuit_is_refused_on_chain(deployed, attacker):
    with pytest.raises(zk.RejectedOnChain) as caught:
        deployed.verify(attacker.bundle, transact=False)
    assert caught.value.name == "ProofRejected"


def test_key_and_contract_have_one_id(breast_cancer, public_input):
    chain = zk.chain.embedded()
    for proven in (breast_cancer, public_input):
        assert chain.deploy(proven.vk).circuit_id == proven.vk.circuit_id


@pytest.mark.parametrize("answer", [False, None, 1, "no"])
def test_an_answer_that_is_not_yes_is_no(breast_cancer, monkeypatch, answer):
    monkeypatch.setattr("ezkl.verify", lambda *_: answer)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, breast_cancer.bundle)


def test_a_panic_of_the_proof_system_is_a_refusal(breast_cancer, monkeypatch):
    class PanicException(BaseException):
        """As Rust panics arrive: no Exception."""

    def panic(*_):
        raise PanicException

    monkeypatch.setattr("ezkl.verify", panic)
    with pytest.raises(zk.ProofInvalid, match="cannot read"):
        zk.verify(breast_cancer.vk, breast_cancer.bundle)


def test_what_the_proof_verifier_says_is_heard(breast_cancer, monkeypatch):
    """Yes, to the key that was asked about, is the one answer that accepts."""
    machines = []

    def kept(base, make=_embedded.accelerated_vm):
        machines.append(make(base))
        return machines[-1]

    monkeypatch.setattr(_embedded, "accelerated_vm", kept)
    chain = EmbeddedChain(native=True)
    place = zk.chain.Chain(chain).deploy(breast_cancer.vk)
    digest = vka_digest(breast_cancer.vk.chain_key)
    proof = bytes(len(breast_cancer.bundle.proof))
    call = encode_verify(bytes(place.circuit_id), proof, (1, 2), bytes(32))
    precompiles = machines[0]._state_class.computation_class._precompiles
    for success, of, accepted in ((1, digest, True), (0, digest, False), (1, bytes(32), False)):

        def answer(computation, said=bytes(31) + bytes([success]) + of):
            computation.output = said
            return computation

        # Code at that address stays as it was; what runs is this.
        precompiles[bytes.fromhex(chain._halo2[2:])] = answer
        if accepted:
            chain.call_raw(place.address, call)
            continue
        with pytest.raises(VerificationReverted) as caught:
            chain.call_raw(place.address, call)
        assert caught.value.name == "ProofRejected"


def with_immutables(code, **values):
    """Return creation code for the shipped verifier with other immutables than its own."""
    changed = bytearray(code)
    for name, value in values.items():
        for start, length in artifact("EzklInferenceVerifier").immutable_references[name]:
            changed[start : start + length] = value.rjust(length, b"\0")
    return creation(bytes(changed))


def creation(code):
    return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("80600a3d393df3") + code


@pytest.mark.parametrize("change", ["first byte", "last byte", "one more", "the verifier's own"])
def test_a_key_kept_in_other_code_is_refused(breast_cancer, change):
    """The contract's code is ours; where it reads its key from is the attacker's."""
    chain = EmbeddedChain()
    place = zk.chain.Chain(chain).deploy(breast_cancer.vk)
    key = b"\0" + breast_cancer.vk.chain_key[8:]
    code = {
        # Code that runs when it is called, and so may change itself away.
        "first byte": b"\x5b" + key[1:],
        "last byte": key[:-1] + bytes([key[-1] ^ 1]),
        "one more": key + b"\0",
        "the verifier's own": chain.code_at(place.address),
    }[change]
    store, _ = chain.deploy(creation(code))
    forged, _ = chain.deploy(
        with_immutables(chain.code_at(place.address), STORE=bytes.fromhex(store[2:]))
    )
    with pytest.raises(zk.WrongContractCode):
        zk.chain.Chain(chain).at(forged, breast_cancer.vk.circuit_id).verify(breast_cancer.bundle)


def test_shipped_code_under_another_id_is_refused(breast_cancer, attacker):
    """The attacker's verifier, made to state the honest circuit's id."""
    chain = EmbeddedChain()
    theirs = zk.chain.Chain(chain).deploy(attacker.vk)
    code = chain.code_at(theirs.address)
    forged, _ = chain.deploy(with_immutables(code, CIRCUIT_ID=bytes(breast_cancer.vk.circuit_id)))
    with pytest.raises(zk.WrongContractCode):
        zk.chain.Chain(chain).at(forged, breast_cancer.vk.circuit_id).verify(breast_cancer.bundle)


def test_a_node_that_names_another_contract_than_the_one_created_is_found_out(
    breast_cancer, attacker
):
    """A real verifier stands there, of another circuit."""

    class Lying(EmbeddedChain):
        instead = None

        def deploy(self, bytecode):
            made = super().deploy(bytecode)
            is_verifier = bytecode.startswith(artifact("EzklInferenceVerifier").bytecode)
            return (self.instead, made[1]) if is_verifier and self.instead else made

    chain = Lying()
    theirs = zk.chain.Chain(chain).deploy(attacker.vk)
    chain.instead = theirs.address
    with pytest.raises(zk.WrongContractCode):
        zk.chain.Chain(chain).deploy(breast_cancer.vk)
