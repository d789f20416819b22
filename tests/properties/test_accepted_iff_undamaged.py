"""The property behind all others: a statement is accepted if and only if nothing was damaged.

Proof, key, public inputs, their count, context and circuit id are damaged in any combination, as an
attacker would: everything after the damage is encoded again, so that lengths, digests and labels
are right and the check under test is what refuses. Only our own errors count as a refusal; a
KeyError or a panic in the verifier fails the test.
"""

import dataclasses

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import zkinfer as zk
from tests.fixtures.damages import Damage, damage_context, damage_count, flip
from zkinfer import _container, _curve, _field
from zkinfer._srs import SrsPoints

KEY_SECTIONS = (b"STAT", b"BSET", b"BKEY", b"BEVM", b"SRSP")


def damage_proof(kind, position, bit):
    def damage(parts, other):
        proof = parts["proof"]
        parts["proof"] = {
            "flip": lambda: flip(proof, position, bit),
            "cut": lambda: proof[: position % max(1, len(proof))],
            "extend": lambda: proof + bytes([bit] * (1 + position % 64)),
            "attacker": lambda: other["proof"],
        }[kind]()

    return Damage(f"damage_proof({kind}, {position}, {bit})", damage)


def damage_public_input(kind, position, bit):
    def damage(parts, other):
        values = list(parts["public"])
        if values:
            i = position % len(values)
            values[i] = {
                "flip": lambda: values[i] ^ (1 << bit),
                "plus_r": lambda: values[i] + _field.R,
                "negate": lambda: (_field.R - values[i]) % _field.R,
                "attacker": lambda: other["public"][i % len(other["public"])],
            }[kind]()
        parts["public"] = tuple(values)

    return Damage(f"damage_public_input({kind}, {position}, {bit})", damage)


def damage_key(section, kind, position, bit):
    def damage(parts, other):
        key = dict(parts["key"])
        key[section] = {
            "flip": lambda: flip(key[section], position, bit),
            "attacker": lambda: other["key"][section],
            "cut": lambda: key[section][: position % max(1, len(key[section]))],
        }[kind]()
        parts["key"] = key

    return Damage(f"damage_key({section}, {kind}, {position}, {bit})", damage)


def damage_scale(parts, other):
    """Have the key read outputs at another scale: canonical, and of no weight to ezkl's own key."""
    key = dict(parts["key"])
    key[b"STAT"] = key[b"STAT"].replace(b'"output_scale_bits":7', b'"output_scale_bits":9')
    parts["key"] = key


def damage_srs(parts, other):
    """Put another valid SRS into the key."""
    tau = 5
    points = _curve.g1_to_bytes(*_curve.g1_multiply(tau)) + _curve.g2_multiply(tau)
    parts["key"] = {**parts["key"], b"SRSP": points}


POSITION = st.integers(0, 1 << 16)
BIT = st.integers(0, 7)
DAMAGE = st.one_of(
    st.builds(
        damage_proof, st.sampled_from(["flip", "flip", "cut", "extend", "attacker"]), POSITION, BIT
    ),
    st.builds(
        damage_public_input,
        st.sampled_from(["flip", "plus_r", "negate", "attacker"]),
        POSITION,
        st.integers(0, 255),
    ),
    st.builds(damage_count, st.sampled_from(["drop", "zero", "repeat", "none"])),
    st.builds(damage_context, st.sampled_from(["flip", "zero"]), POSITION, BIT),
    st.builds(
        damage_key,
        st.sampled_from(KEY_SECTIONS),
        st.sampled_from(["flip", "flip", "attacker", "cut"]),
        POSITION,
        BIT,
    ),
    st.just(Damage("damage_scale", damage_scale)),
    st.just(Damage("damage_srs", damage_srs)),
)


def parts_of(proven):
    key = _container.from_bytes(proven.vk.to_bytes(), _container.VERIFYING_KEY)
    return {
        "proof": proven.bundle.proof,
        "public": proven.bundle.public_inputs,
        "context": proven.bundle.context,
        "key": key,
    }


def encode(parts):
    """Encode a key and a bundle with right lengths, digests and labels."""
    key_bytes = _container.to_bytes(_container.VERIFYING_KEY, parts["key"])
    vk = zk.VerifyingKey.from_bytes(key_bytes, allow_unsafe_srs=True)
    bundle_bytes = _container.to_bytes(
        _container.PROOF_BUNDLE,
        {
            b"CIRC": bytes(vk.circuit_id),
            b"CTXT": parts["context"],
            b"PUBL": b"".join((v % (1 << 256)).to_bytes(32, "big") for v in parts["public"]),
            b"PROF": parts["proof"],
        },
    )
    return vk, bundle_bytes


def accepted_off_chain(parts):
    try:
        vk, bundle_bytes = encode(parts)
        zk.verify(vk, zk.ProofBundle.from_bytes(bundle_bytes))
    except zk.ZkinferError:
        return False
    return True


def accepted_on_chain(deployed, parts):
    try:
        deployed.verify_statement(parts["proof"], parts["public"], parts["context"], transact=False)
    except zk.RejectedOnChain:
        return False
    return True


@pytest.fixture(scope="module")
def deployed(breast_cancer):
    return zk.chain.embedded().deploy(breast_cancer.vk)


@settings(
    max_examples=150,
    deadline=None,
    # Shrinking proofs costs minutes and says little more.
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(damages=st.lists(DAMAGE, max_size=3))
def test_accepted_if_and_only_if_undamaged(damages, breast_cancer, attacker, deployed):
    honest, other = parts_of(breast_cancer), parts_of(attacker)
    parts = dict(honest)
    for damage in damages:
        damage(parts, other)
    assert accepted_off_chain(parts) == (parts == honest)
    # The contract's key is what it was deployed with; the rest it judges exactly as we do.
    parts["key"] = honest["key"]
    assert accepted_on_chain(deployed, parts) == (parts == honest)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(position=POSITION, bit=BIT)
def test_every_flipped_bit_of_a_file_is_refused(position, bit, breast_cancer):
    """Without re-encoding: accidents are found before anything is judged."""
    data = breast_cancer.bundle.to_bytes()
    with pytest.raises(zk.ZkinferError):
        zk.verify(breast_cancer.vk, zk.ProofBundle.from_bytes(flip(data, position, bit)))


def test_honest_statement_is_accepted(breast_cancer, public_input):
    for proven in (breast_cancer, public_input):
        zk.verify(proven.vk, proven.bundle)
        zk.verify(proven.vk, zk.ProofBundle.from_bytes(proven.bundle.to_bytes()))
        copy = zk.VerifyingKey.from_bytes(proven.vk.to_bytes(), allow_unsafe_srs=True)
        assert copy == proven.vk
        zk.verify(copy, proven.bundle, context=proven.bundle.context)


def test_srs_points_are_compared_as_a_pair(breast_cancer):
    srs = breast_cancer.vk.srs
    with pytest.raises(zk.SrsPairingMismatch):
        SrsPoints.from_points(srs.tau_g1, _curve.g2_multiply(5))
    assert dataclasses.replace(srs) == srs
