"""A10: as many public inputs as the circuit has (on chain: tests/chain/test_verifier.py)."""

import dataclasses

import pytest

import zkinfer as zk
from zkinfer_contracts import context_limbs


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values[:-1],
        lambda values: (*values, 0),
        lambda values: values + values,
        lambda values: (),
    ],
    ids=["one less", "a zero more", "twice", "none"],
)
def test_another_number_of_public_inputs_is_refused(breast_cancer, public_input, change):
    for proven in (breast_cancer, public_input):
        values = proven.bundle.public_inputs
        changed = dataclasses.replace(proven.bundle, public_inputs=change(values))
        with pytest.raises(zk.PublicInputCountMismatch) as caught:
            zk.verify(proven.vk, changed)
        assert (caught.value.expected, caught.value.got) == (len(values), len(change(values)))


def test_the_contexts_limbs_passed_as_public_inputs_are_refused(breast_cancer):
    bundle = breast_cancer.bundle
    limbs = context_limbs(bytes(bundle.circuit_id), bundle.context)
    changed = dataclasses.replace(bundle, public_inputs=(*bundle.public_inputs, *limbs))
    with pytest.raises(zk.PublicInputCountMismatch):
        zk.verify(breast_cancer.vk, changed)


def test_bytes_after_the_proof_are_refused_on_both_sides(breast_cancer, deployed):
    """The proof system reads what it needs and ignores the rest: one proof, many encodings."""
    for extra in (b"\0", bytes(32)):
        longer = dataclasses.replace(breast_cancer.bundle, proof=breast_cancer.bundle.proof + extra)
        with pytest.raises(zk.ProofInvalid, match="bytes, this circuit's proofs have"):
            zk.verify(breast_cancer.vk, longer)
        with pytest.raises(zk.RejectedOnChain) as caught:
            deployed.verify(longer, transact=False)
        assert caught.value.name == "ProofLengthMismatch"
