"""The reference reproduces the golden proofs, and refuses them once anything is damaged."""

import json
import re

import pytest
from py_ecc import optimized_bn128 as bn

from tests.reference.plumb import curve, golden, keys, networks, registration, verifier
from tests.reference.plumb.descriptor import BLOCK, EXPONENTS, Descriptor
from tests.reference.plumb.field import Malformed, P, Rejected
from tests.reference.plumb.transcript import Seeded

REFUSED = (Malformed, Rejected)


class Case:
    """A golden proof, and a verifier for it."""

    def __init__(self, name):
        self.golden = golden.Golden.load(name)
        model, self.statement, self.channel = self.golden.run()
        self.key = model.key
        self.proof = bytes.fromhex(self.golden.data["proof"])
        self.public_inputs = [bytes.fromhex(w) for w in self.golden.data["public_inputs"]]

    def verify(self, *, proof=None, public_inputs=None, ctx=None, key=None):
        return verifier.verify(
            key or self.key,
            self.proof if proof is None else proof,
            self.public_inputs if public_inputs is None else public_inputs,
            self.golden.ctx if ctx is None else ctx,
        )


@pytest.fixture(scope="module", params=golden.NETWORKS)
def case(request):
    return Case(request.param)


@pytest.fixture
def quick(case, monkeypatch):
    """Check openings with the secret, which everybody knows: a second less for each proof.

    Whether the pairing says the same is what test_accepted shows.
    """

    def check(left, right):
        return left == curve.combine([golden.TAU], [right])

    monkeypatch.setattr(case.golden.parameters, "check", check)
    return case


def plus(word, difference):
    """Return a word with something added, modulo 2^256."""
    return ((int.from_bytes(word, "big") + difference) % 2**256).to_bytes(32, "big")


def test_message_by_message(case):
    found = [[name, [w.hex() for w in words]] for name, words in case.channel.messages]
    assert found == case.golden.data["messages"]
    assert case.channel.proof() == case.proof
    assert case.statement.words() == case.public_inputs
    assert case.key.circuit_id.hex() == case.golden.data["circuit_id"]


def test_accepted(case):
    """Accepted with the real pairing."""
    assert case.verify() == case.channel.messages


def test_the_pairing_says_what_the_secret_says():
    parameters = golden.Golden.load("mlp").parameters
    left, right = curve.combine([5 * golden.TAU % P], [curve.G]), curve.combine([5], [curve.G])
    assert parameters.check(left, right)
    assert not parameters.check(left, curve.G)
    assert parameters.check(None, None)


def damage_everywhere(case, differences, step):
    """Add something to every step-th word; the verifier must refuse each."""
    for start in range(0, len(case.proof), 32 * step):
        word = case.proof[start : start + 32]
        for difference in differences:
            proof = case.proof[:start] + plus(word, difference) + case.proof[start + 32 :]
            with pytest.raises(REFUSED):
                case.verify(proof=proof)


def test_damaged_words(quick):
    assert quick.verify() == quick.channel.messages
    damage_everywhere(quick, [1], 1 if quick.golden.data["network"] == "mlp" else 13)


@pytest.mark.deep
def test_every_damaged_word(quick):
    damage_everywhere(quick, [1, P], 1)


def test_damaged_otherwise(quick):
    proof, words = quick.proof, quick.public_inputs
    for damaged in (proof[:-32], proof + bytes(32), proof[:-1], b""):
        with pytest.raises(REFUSED):
            quick.verify(proof=damaged)
    for i, word in enumerate(words):
        for changed in (plus(word, 1), plus(word, P)):
            with pytest.raises(REFUSED):
                quick.verify(public_inputs=[*words[:i], changed, *words[i + 1 :]])
    with pytest.raises(REFUSED):
        quick.verify(public_inputs=words[:-1])
    with pytest.raises(REFUSED):
        quick.verify(ctx=bytes(32))
    # points in another order
    swapped = proof[64:128] + proof[:64] + proof[128:]
    with pytest.raises(REFUSED):
        quick.verify(proof=swapped)


def test_another_model(quick):
    """The same network with other weights, or with other salts, is another circuit."""
    weights = [
        golden.Weights([[-v for v in m] for m in layer.maps], layer.biases)
        for layer in quick.golden.weights
    ]
    other = keys.Model(quick.golden.parameters, quick.golden.descriptor, weights, 1).key
    with pytest.raises(REFUSED):
        quick.verify(key=other)
    other.circuit_id = quick.key.circuit_id  # even if the id were the same
    with pytest.raises(REFUSED):
        quick.verify(key=other)


def test_files_are_what_the_reference_makes(case):
    name = case.golden.data["network"]
    given = json.loads(json.dumps(golden.given(name)))
    assert given == {key: case.golden.data[key] for key in given}
    with pytest.raises(SystemExit, match="none is rewritten"):
        golden.main(golden.VERSION)


@pytest.mark.parametrize("name", golden.REGISTERED)
def test_registrations(name, monkeypatch):
    file = golden.Golden.load(name)
    expected = json.loads(golden.registration_path(name).read_text())
    key, channel = golden.register(file)
    found = [[label, [w.hex() for w in words]] for label, words in channel.messages]
    assert found == expected["messages"]
    proof = bytes.fromhex(expected["proof"])
    assert channel.proof() == proof
    monkeypatch.setattr(
        file.parameters, "check", lambda left, right: left == curve.combine([golden.TAU], [right])
    )
    assert registration.check_registration(key, proof) == channel.messages
    for start in range(0, len(proof), 32 * 13):
        damaged = proof[:start] + plus(proof[start : start + 32], 1) + proof[start + 32 :]
        with pytest.raises(REFUSED):
            registration.check_registration(key, damaged)
    key.circuit_id = bytes(32)
    with pytest.raises(REFUSED):
        registration.check_registration(key, proof)


def test_a_weight_beyond_its_range_is_not_registered(monkeypatch):
    file = golden.Golden.load("mlp")
    monkeypatch.setattr(
        file.parameters, "check", lambda left, right: left == curve.combine([golden.TAU], [right])
    )
    layer = file.weights[0]
    for beyond in (8, P // 2):  # 2^bits, and a fraction
        weights = [golden.Weights([[beyond, *layer.maps[0][1:]]], layer.biases), *file.weights[1:]]
        model = keys.Model(file.parameters, file.descriptor, weights, 1)
        channel = registration.register(model.key, model.chunks, model.random)
        with pytest.raises(Rejected):
            registration.check_registration(model.key, channel.proof())


def test_descriptors_have_one_encoding(case):
    data = case.golden.descriptor
    assert Descriptor.from_bytes(data).to_bytes() == data
    for damaged in (data[:-1], data + b"\0", b"X" + data[1:]):
        with pytest.raises(Malformed):
            Descriptor.from_bytes(damaged)
    read = Descriptor.from_bytes(data)
    block = data.index(BLOCK.write(read.blocks[-1]))
    family = data.index(EXPONENTS.write(read.layers[0].exponents))
    for at, wrong, why in (
        (block + 22, 9, "bits"),
        (family + 31, 9, "bits"),
        (family + 8, 64, "2^64"),
    ):
        with pytest.raises(Malformed, match=re.escape(why)):
            Descriptor.from_bytes(data[:at] + bytes([wrong]) + data[at + 1 :])


def test_the_curve_is_py_eccs():
    random = Seeded(1)
    scalars = [*random.fields(5), 0, 1, P - 1]
    points = [curve.combine([s], [curve.G]) for s in random.fields(6)] + [None, curve.G]
    expected = bn.Z1
    for scalar, point in zip(scalars, points, strict=True):
        if point:
            lifted = (bn.FQ(point[0]), bn.FQ(point[1]), bn.FQ(1))
            assert bn.is_on_curve(lifted, bn.b)
            expected = bn.add(expected, bn.multiply(lifted, scalar))
    assert curve.combine(scalars, points) == tuple(int(v) for v in bn.normalize(expected))
    # equal and opposite points meet in one bucket
    minus = (1, curve.Q - 2)
    assert curve.combine([3, 3], [curve.G, minus]) is None
    assert curve.combine([3, 3], [curve.G, curve.G]) == curve.combine([6], [curve.G])
    assert curve.from_bytes(curve.to_bytes(minus)) == minus
    assert curve.from_bytes(bytes(64)) is None
    for bad in (curve.to_bytes((1, 3)), plus(bytes(32), curve.Q + 1) + (2).to_bytes(32, "big")):
        with pytest.raises(Malformed):
            curve.from_bytes(bad)


def test_every_network_is_golden():
    """Nothing in networks is left out, and no file is left over."""
    files = {path.name for path in golden.FOLDER.glob("plumb-*.json")}
    registered = {golden.registration_path(name).name for name in golden.REGISTERED}
    assert files == {golden.path(name).name for name in golden.NETWORKS} | registered
    assert all(callable(getattr(networks, name)) for name in golden.NETWORKS)
