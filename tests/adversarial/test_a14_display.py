"""A14: nothing is shown that the proof does not bind."""

import dataclasses
import hashlib

import numpy as np
import pytest

import zkinfer as zk
from zkinfer import _container
from zkinfer._container import PROOF_BUNDLE


def test_a_bundle_has_no_fields_for_display(breast_cancer):
    assert [tag for tag, _ in PROOF_BUNDLE.sections] == [b"CIRC", b"CTXT", b"PUBL", b"PROF"]
    parts = _container.from_bytes(breast_cancer.bundle.to_bytes(), PROOF_BUNDLE)
    assert sum(len(part) for part in parts.values()) == (
        32 + 32 + 32 * len(breast_cancer.bundle.public_inputs) + len(breast_cancer.bundle.proof)
    )


def test_a_section_more_is_refused(breast_cancer):
    more = dataclasses.replace(PROOF_BUNDLE, sections=(*PROOF_BUNDLE.sections, (b"SHOW", 1 << 20)))
    parts = _container.from_bytes(breast_cancer.bundle.to_bytes(), PROOF_BUNDLE)
    data = _container.to_bytes(more, {**parts, b"SHOW": b'{"outputs": ["benign"]}'})
    with pytest.raises(zk.ArtifactMalformed, match="5 sections"):
        zk.ProofBundle.from_bytes(data)


@pytest.mark.parametrize("rehashed", [False, True])
def test_bytes_after_the_end_are_refused(breast_cancer, rehashed):
    body = breast_cancer.bundle.to_bytes()[:-32] + b'{"outputs": ["benign"]}'
    data = body + hashlib.sha256(body).digest() if rehashed else breast_cancer.bundle.to_bytes()
    with pytest.raises(zk.ArtifactMalformed):
        zk.ProofBundle.from_bytes(data if rehashed else data + b"\0")


def test_outputs_are_recomputed_from_what_is_bound(breast_cancer, public_input):
    """Editing the public inputs alone changes what is shown, and is rejected."""
    for proven in (breast_cancer, public_input):
        statement = proven.vk.statement
        honest = proven.bundle.values(statement)
        edited = dataclasses.replace(
            proven.bundle,
            public_inputs=(
                *proven.bundle.public_inputs[:-1],
                (proven.bundle.public_inputs[-1] + (1 << statement.output_scale_bits)),
            ),
        )
        shown = edited.values(statement)
        assert shown.outputs.flat[-1] == honest.outputs.flat[-1] + 1
        assert np.array_equal(shown.output_integers.flat[:-1], honest.output_integers.flat[:-1])
        with pytest.raises(zk.ProofInvalid):
            zk.verify(proven.vk, edited)


def test_the_public_input_shown_is_the_one_bound(public_input):
    statement = public_input.vk.statement
    first = public_input.bundle.public_inputs[0]
    edited = dataclasses.replace(
        public_input.bundle, public_inputs=(first + 1, *public_input.bundle.public_inputs[1:])
    )
    assert (
        edited.values(statement).inputs.flat[0]
        != (public_input.bundle.values(statement).inputs.flat[0])
    )
    with pytest.raises(zk.ProofInvalid):
        zk.verify(public_input.vk, edited)


def test_public_inputs_of_another_number_are_not_shown(breast_cancer, public_input):
    """A public input read as an output, or the other way round."""
    for proven, other in ((breast_cancer, public_input), (public_input, breast_cancer)):
        with pytest.raises(zk.PublicInputCountMismatch):
            proven.bundle.values(other.vk.statement)
    longer = (*breast_cancer.bundle.public_inputs, *breast_cancer.bundle.public_inputs)
    with pytest.raises(zk.PublicInputCountMismatch):
        dataclasses.replace(breast_cancer.bundle, public_inputs=longer).values(
            breast_cancer.vk.statement
        )
