"""A11: one number for each public input (on chain: tests/chain/test_verifier.py)."""

import dataclasses

import pytest

import zkinfer as zk
from zkinfer._container import PROOF_BUNDLE
from zkinfer._field import R


@pytest.mark.parametrize("index", [0, -1])
def test_a_public_input_plus_r_is_refused(public_input, index, sections):
    values = list(public_input.bundle.public_inputs)
    index %= len(values)
    values[index] += R
    with pytest.raises(zk.PublicInputNotCanonical) as caught:
        dataclasses.replace(public_input.bundle, public_inputs=tuple(values))
    assert caught.value.index == index
    data = sections(
        public_input.bundle.to_bytes(),
        PROOF_BUNDLE,
        PUBL=b"".join(value.to_bytes(32, "big") for value in values),
    )
    with pytest.raises(zk.PublicInputNotCanonical):
        zk.ProofBundle.from_bytes(data)


@pytest.mark.parametrize("value", [-1, R, R + 1, 2**256 - 1])
def test_a_value_outside_the_field_is_refused(breast_cancer, value):
    with pytest.raises(zk.PublicInputNotCanonical):
        dataclasses.replace(breast_cancer.bundle, public_inputs=(value,))


@pytest.mark.parametrize("value", [1 << 63, R // 2, R // 2 + 1, R - (1 << 63) - 1])
def test_an_output_that_no_run_gives_is_not_shown_as_a_number(breast_cancer, value):
    values = (value, *breast_cancer.bundle.public_inputs[1:])
    changed = dataclasses.replace(breast_cancer.bundle, public_inputs=values)
    with pytest.raises(zk.PublicInputNotCanonical):
        changed.values(breast_cancer.vk.statement)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, changed)
