"""A9: what is hashed or stored apart stays apart; the same bytes elsewhere are something else."""

import dataclasses

import pytest

import zkinfer as zk
from zkinfer import _statement
from zkinfer._container import PROOF_BUNDLE
from zkinfer_contracts import circuit_id, context_limbs, keccak256


def test_bytes_that_cross_a_border_give_another_digest():
    seen = {
        _statement.key_digest(*parts)
        for parts in [
            (b"ab", b"cd", b"ef"),
            (b"abc", b"d", b"ef"),
            (b"ab", b"c", b"def"),
            (b"", b"abcd", b"ef"),
            (b"abcdef", b"", b""),
            (b"cd", b"ab", b"ef"),
            (b"ab", b"ef", b"cd"),
            (b"ab", b"cd", b"ef\0"),
            (b"ab", b"cd", b""),
        ]
    }
    assert len(seen) == 9


@pytest.mark.parametrize("part", ["backend_settings", "backend_key"])
def test_a_byte_moved_between_sections_gives_another_circuit(breast_cancer, part):
    vk = breast_cancer.vk
    settings, key = vk.backend_settings, vk.backend_key
    if part == "backend_settings":
        settings, key = settings[:-1], settings[-1:] + key
    else:
        settings, key = settings + key[:1], key[1:]
    moved = dataclasses.replace(vk, backend_settings=settings, backend_key=key)
    assert moved.backend_settings + moved.backend_key == vk.backend_settings + vk.backend_key
    assert moved.circuit_id != vk.circuit_id


def test_a_zero_more_is_another_statement(breast_cancer, sections):
    data = sections(
        breast_cancer.bundle.to_bytes(),
        PROOF_BUNDLE,
        PUBL=b"".join(v.to_bytes(32, "big") for v in (*breast_cancer.bundle.public_inputs, 0)),
    )
    with pytest.raises(zk.PublicInputCountMismatch):
        zk.verify(breast_cancer.vk, zk.ProofBundle.from_bytes(data))


def test_an_artefact_is_of_one_kind(breast_cancer):
    with pytest.raises(zk.ArtifactWrongKind):
        zk.ProofBundle.from_bytes(breast_cancer.vk.to_bytes())
    with pytest.raises(zk.ArtifactWrongKind):
        zk.VerifyingKey.from_bytes(breast_cancer.bundle.to_bytes(), allow_unsafe_srs=True)


def test_parts_of_an_id_do_not_change_places():
    a, b = keccak256(b"a"), keccak256(b"b")
    assert len({circuit_id(*parts, 1) for parts in ((a, a, b), (a, b, a), (b, a, a))}) == 3
    assert context_limbs(a, b) != context_limbs(b, a)
