"""Keys and committed inputs as bytes: one encoding each, and damage anywhere is noticed."""

import pytest

import zkinfer_core as core
from tests.unit.core.networks import network, powers, srs
from tests.unit.core.test_core import CONTEXT, REFUSED, Proven
from zkinfer_contracts import keccak256

HEAD, POINTS, DIGEST = 6, 64 + 128, 32


@pytest.fixture(scope="module")
def proven():
    return Proven(network())


def sealed(body):
    return body + keccak256(body)


def flipped(data, i, mask=1):
    return data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :]


def test_keys_come_back_as_they_went(proven):
    for net in (network(), network(weights="public", inputs="public"), network(inputs="committed")):
        pk = core.setup(srs(), net.descriptor, net.weights)
        again = core.ProvingKey.from_bytes(pk.to_bytes())
        vk = core.VerifyingKey.from_bytes(pk.verifying_key().to_bytes())
        assert again.to_bytes() == pk.to_bytes()
        assert vk.to_bytes() == pk.verifying_key().to_bytes() == again.verifying_key().to_bytes()
        ids = {key.circuit_id for key in (vk, pk.verifying_key(), again.verifying_key())}
        assert len(ids) == 1
        committed = None
        if core.check_descriptor(vk.descriptor)["input_visibility"] == "committed":
            made = core.commit_input(srs(), vk, net.x)
            committed = core.CommittedInput.from_bytes(vk, made.to_bytes(vk))
            assert committed.to_bytes(vk) == made.to_bytes(vk)
            assert committed.commitment == made.commitment
        core.verify(vk, *core.prove(srs(), again, net.x, CONTEXT, committed=committed), CONTEXT)


def test_the_bytes_are_those_of_the_document(proven):
    vk, descriptor = proven.vk.to_bytes(), proven.net.descriptor
    g1, g2 = powers(1)
    parts = [b"PLVK", b"\0\1", g1[64:], g2[128:], len(descriptor).to_bytes(4, "big"), descriptor]
    assert vk == b"".join([*parts, *proven.vk.commitments, proven.vk.registration])
    assert len(proven.vk.registration) > 0
    pk = proven.pk.to_bytes()
    chunks = len(proven.vk.commitments)
    integers = b"".join(
        value.to_bytes(1, "big", signed=True)
        for (matrix,), biases in proven.net.weights
        for value in [*matrix.flatten().tolist(), *biases.tolist()]
    )
    head = b"PLPK\0\1" + len(vk).to_bytes(4, "big") + vk
    assert pk.startswith(head)
    assert pk[len(head) + 2 * chunks * 32 :] == integers + keccak256(pk[:-32])


@pytest.mark.parametrize("weights", ["hidden", "public"])
def test_damage_of_a_verifying_key_is_noticed(weights):
    proven = Proven(network(weights=weights))
    good = proven.vk.to_bytes()
    accepted = 0
    # all the bytes of a registration are checked as a proof's are: some of them will do
    for i in range(0, len(good), 17 if weights == "hidden" else 1):
        damaged = flipped(good, i)
        try:
            vk = core.VerifyingKey.from_bytes(damaged)
        except core.KeyMalformed:
            continue
        # a sound key of another circuit: it has another name, and this proof is none of its
        accepted += 1
        assert vk.circuit_id != proven.vk.circuit_id
        assert vk.to_bytes() == damaged
        assert i >= HEAD + POINTS
        with pytest.raises(REFUSED):
            proven.verify(vk=vk)
    # the registration of hidden weights names the circuit, so nothing else fits it
    assert accepted == 0 if weights == "hidden" else 0 < accepted < len(good) // 10


def test_a_verifying_key_of_another_length_is_refused(proven):
    good = proven.vk.to_bytes()
    for length in range(len(good)):
        with pytest.raises(core.KeyMalformed):
            core.VerifyingKey.from_bytes(good[:length])
    for more in (b"\0", bytes(64), good):
        with pytest.raises(core.KeyMalformed):
            core.VerifyingKey.from_bytes(good + more)
    start = HEAD + POINTS
    for length in (0, 1, 2**31, 2**32 - 1):
        lying = good[:start] + length.to_bytes(4, "big") + good[start + 4 :]
        with pytest.raises(core.KeyMalformed):
            core.VerifyingKey.from_bytes(lying)


def test_a_verifying_key_needs_points_of_one_secret():
    proven = Proven(network(weights="public"))
    good = proven.vk.to_bytes()
    rest = good[HEAD + POINTS :]
    (g1, g2), (other1, other2) = powers(1), powers(1, tau=2)
    for tau1, tau2 in ((other1, g2), (g1, other2), (bytes(128), g2), (g1, bytes(256))):
        with pytest.raises(core.KeyMalformed):
            core.VerifyingKey.from_bytes(good[:HEAD] + tau1[64:] + tau2[128:] + rest)
    moved = core.VerifyingKey.from_bytes(good[:HEAD] + other1[64:] + other2[128:] + rest)
    assert moved.srs_id != proven.vk.srs_id
    with pytest.raises(core.ProofRejected):
        proven.verify(vk=moved)


def test_damage_of_a_proving_key_is_noticed(proven):
    good = proven.pk.to_bytes()
    for i in range(len(good)):
        with pytest.raises(core.KeyMalformed):
            core.ProvingKey.from_bytes(flipped(good, i))
    for length in range(0, len(good), 7):
        with pytest.raises(core.KeyMalformed):
            core.ProvingKey.from_bytes(good[:length])
    with pytest.raises(core.KeyMalformed):
        core.ProvingKey.from_bytes(good + b"\0")


def test_a_forged_proving_key_proves_nothing(proven):
    """Somebody changes a byte and makes the digest fit."""
    body = proven.pk.to_bytes()[:-DIGEST]
    key_end = HEAD + 4 + int.from_bytes(body[HEAD : HEAD + 4], "big")
    read = 0
    for i in [*range(key_end, len(body))]:
        try:
            pk = core.ProvingKey.from_bytes(sealed(flipped(body, i)))
        except core.KeyMalformed:
            continue
        read += 1
        if i % 13 == 0:
            with pytest.raises((core.ProofRejected, core.WitnessOutOfRange)):
                core.verify(proven.vk, *proving(pk, proven), CONTEXT)
    assert read > 100
    for bad in (body[:-1], body + b"\0", body[:key_end] + b"\xff" * 32 + body[key_end + 32 :]):
        with pytest.raises(core.KeyMalformed):
            core.ProvingKey.from_bytes(sealed(bad))
    for big in (0x7F, 0x80):  # outside [-8, 8) and [-16, 16)
        with pytest.raises(core.KeyMalformed):
            core.ProvingKey.from_bytes(sealed(body[:-1] + bytes([big])))


def proving(pk, proven):
    return core.prove(srs(), pk, proven.net.x, CONTEXT)


def test_one_kind_is_not_another():
    net = network(inputs="committed")
    pk = core.setup(srs(), net.descriptor, net.weights)
    vk = pk.verifying_key()
    committed = core.commit_input(srs(), vk, net.x)
    kinds = {
        core.ProvingKey.from_bytes: pk.to_bytes(),
        core.VerifyingKey.from_bytes: vk.to_bytes(),
        lambda data: core.CommittedInput.from_bytes(vk, data): committed.to_bytes(vk),
    }
    for read, own in kinds.items():
        read(own)
        for data in {*kinds.values()} - {own}:
            with pytest.raises(core.KeyMalformed, match="begins with"):
                read(data)
        with pytest.raises(core.KeyMalformed, match="version 2"):
            read(own[:5] + b"\2" + own[6:])


def test_a_committed_input_is_of_one_circuit_and_whole():
    first, second = (Proven(network(inputs="committed")) for _ in range(2))
    data = first.committed.to_bytes(first.vk)
    with pytest.raises(core.KeyMalformed, match="made for circuit"):
        core.CommittedInput.from_bytes(second.vk, data)
    for i in range(len(data)):
        with pytest.raises(core.KeyMalformed):
            core.CommittedInput.from_bytes(first.vk, flipped(data, i))
    body = data[:-DIGEST]
    start = HEAD + 32 + 64 + 32
    assert len(body) == start + 8 * len(first.net.x)
    for i in range(start, len(body), 8):
        outside = (16).to_bytes(8, "big")
        with pytest.raises(core.KeyMalformed):
            core.CommittedInput.from_bytes(first.vk, sealed(body[:i] + outside + body[i + 8 :]))
    forged = core.CommittedInput.from_bytes(first.vk, sealed(flipped(body, len(body) - 1)))
    with pytest.raises(core.InputRefused):
        core.prove(srs(), first.pk, first.net.x, CONTEXT, committed=forged)
    salted = core.CommittedInput.from_bytes(first.vk, sealed(flipped(body, start - 1)))
    proof, public_inputs = core.prove(srs(), first.pk, first.net.x, CONTEXT, committed=salted)
    with pytest.raises(core.ProofRejected):
        core.verify(first.vk, proof, public_inputs, CONTEXT)


def test_keys_show_no_secret():
    net = network()
    pk = core.setup(srs(), net.descriptor, net.weights)
    assert repr(pk) == f"<ProvingKey of circuit 0x{pk.verifying_key().circuit_id.hex()}>"
