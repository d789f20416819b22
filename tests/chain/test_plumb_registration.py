"""A circuit is registered if its layout is sound and its hidden weights are in their ranges."""

from dataclasses import replace

import pytest

from tests.fixtures.plumb_chain import (
    ACCEPTED,
    Circuit,
    Inference,
    InRevm,
    Reverted,
    call,
    infer_reference,
    reference,
)
from tests.reference.plumb import networks
from tests.reference.plumb.descriptor import PUBLIC, Descriptor
from zkinfer._curve import P, R
from zkinfer_contracts import artifact, keccak256

pytest.importorskip("pyrevm")
WORD, POINT = 32, 64
GENERATOR = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")


@pytest.fixture(scope="module")
def hidden():
    """Two chunks of hidden weights."""
    return reference("wide")


@pytest.fixture(scope="module")
def public():
    return reference("mixed")


@pytest.fixture
def contract():
    return InRevm()


def refusal(contract, circuit, **changed):
    """Return the error; nothing was stored."""
    with pytest.raises(Reverted) as error:
        contract.register(circuit, **changed)
    assert contract.code_at(model_of(contract, circuit.id)) == b""
    return error.value.name, *error.value.arguments


def model_of(contract, circuit_id):
    address = contract.ask(call("modelOf", circuit_id))
    assert address[:12] == bytes(12)
    return "0x" + address[12:].hex()


def test_a_model_is_data_at_the_address_of_its_id(contract, hidden):
    circuit = hidden.circuit
    model = model_of(contract, circuit.id)
    creator = keccak256(
        b"\xff"
        + bytes.fromhex(contract.address[2:])
        + circuit.id
        + keccak256(bytes.fromhex("67365f5f37365f5ff05f5260086018f3"))
    )[12:]
    assert model == "0x" + keccak256(b"\xd6\x94" + creator + b"\1")[12:].hex()
    assert contract.register(circuit) == circuit.id
    code = contract.code_at(model)
    head, rest = circuit.blob()
    assert code[: len(head)] == head
    assert (code + bytes(32))[len(head) + 2 :][: len(rest)] == rest
    (log,) = contract.evm.result.logs
    assert log.topics[1:] == ["0x" + circuit.id.hex()] or circuit.id.hex() in str(log.topics)
    assert contract.ask(call("srsId")) == circuit.vk.srs_id


def test_a_model_is_not_made_again_or_by_another_verifier(contract, hidden, public):
    """Its address follows from its id and its verifier: nothing else can come to stand there."""
    for inference in (hidden, public):
        circuit = inference.circuit
        contract.register(circuit)
        with pytest.raises(Reverted) as error:
            contract.register(circuit)
        assert (error.value.name, *error.value.arguments) == ("ModelNotStored", circuit.id)
        # and not all of the gas, which a creation in a place that is taken costs
        assert error.value.gas < 2_000_000
        assert contract.verdict(inference.verify()) == ACCEPTED
    other = contract.evm.deploy("0x" + "11" * 20, artifact("UnsafeTestPlumbVerifier").bytecode)
    first, contract.address = contract.address, other
    model = model_of(contract, hidden.circuit.id)
    contract.address = first
    assert model != model_of(contract, hidden.circuit.id)
    models = {model_of(contract, i.circuit.id) for i in (hidden, public)}
    assert len(models) == 2


def test_a_model_has_no_code_that_runs(contract, public):
    contract.register(public.circuit)
    model = model_of(contract, public.circuit.id)
    assert contract.code_at(model)[:1] == b"\0"
    # whoever calls the contract that made it makes another one, elsewhere
    creator = keccak256(
        b"\xff"
        + bytes.fromhex(contract.address[2:])
        + public.circuit.id
        + keccak256(bytes.fromhex("67365f5f37365f5ff05f5260086018f3"))
    )[12:]
    before = contract.code_at(model)
    strange = bytes.fromhex("60015ff3")
    contract.evm.message_call("0x" + "11" * 20, "0x" + creator.hex(), calldata=strange, gas=10**6)
    assert contract.code_at(model) == before
    assert contract.verdict(public.verify()) == ACCEPTED


def damaged_words(data):
    """Yield data with each word damaged in some way, so that all ways occur."""
    ways = (
        lambda v: v ^ 1,
        lambda v: v + 1,
        lambda v: v + R,
        lambda v: v + P,
        lambda _: 0,
        lambda v: R - v,
    )
    for i in range(len(data) // WORD):
        at = i * WORD
        value = int.from_bytes(data[at : at + WORD], "big")
        for way in (ways[i % len(ways)], ways[(i + 1) % len(ways)]):
            changed = (way(value) % (1 << 256)).to_bytes(WORD, "big")
            if changed != data[at : at + WORD]:
                yield data[:at] + changed + data[at + WORD :]


def test_a_damaged_registration_is_refused(contract, hidden):
    circuit = hidden.circuit
    names = set()
    for damaged in damaged_words(circuit.registration):
        names.add(refusal(contract, circuit, registration=damaged)[0])
    assert names >= {"NotAPoint", "ScalarNotCanonical", "ProofRejected"}
    length = len(circuit.registration)
    for wrong in (b"", circuit.registration[:-32], circuit.registration + bytes(32)):
        expected = ("ProofLength", length, len(wrong))
        assert refusal(contract, circuit, registration=wrong) == expected
    first = bytes(POINT) + circuit.registration[POINT:]
    assert refusal(contract, circuit, registration=first)[0] == "IdentityPoint"
    contract.register(circuit)
    assert contract.verdict(hidden.verify()) == ACCEPTED


def test_a_registration_of_another_key_or_kind_is_refused(contract, hidden):
    # the same weights with other salts
    other = infer_reference(networks.wide())[0].circuit
    assert other.descriptor == hidden.circuit.descriptor
    circuit = hidden.circuit
    refused = refusal(contract, circuit, registration=other.registration)
    assert refused == ("ProofRejected",)
    # a proof of inference is none, even of the right length
    size = len(circuit.registration)
    for proof in (hidden.proof, (hidden.proof * 2)[:size]):
        refusal(contract, circuit, registration=proof)


def test_public_weights_have_no_registration(contract, public, hidden):
    for given in (hidden.circuit.registration, bytes(32), b"\0"):
        assert refusal(contract, public.circuit, registration=given) == ("UnexpectedRegistration",)


def test_hidden_weights_called_public_have_another_id(contract, hidden):
    d = Descriptor.from_bytes(hidden.circuit.descriptor)
    d = replace(d, weight_visibility=PUBLIC, salts=[])
    changed = d.to_bytes()
    found = contract.register(hidden.circuit, descriptor=changed, registration=b"")
    assert found != hidden.circuit.id
    assert contract.verdict(hidden.verify()) == "NotRegistered"


def test_other_commitments_are_refused_or_another_circuit(contract, hidden, public):
    circuit = hidden.circuit
    right = circuit.weights
    for wrong in (
        right[POINT:] + right[:POINT],
        GENERATOR + right[POINT:],
        bytes(POINT) + right[POINT:],
        right[:WORD]
        + (P - int.from_bytes(right[WORD:POINT], "big")).to_bytes(WORD, "big")
        + right[POINT:],
    ):
        assert refusal(contract, circuit, weights=wrong) == ("ProofRejected",)
    for wrong in (b"", right[:-1], right[:-POINT], right + right, right + b"\0"):
        expected = ("WeightCommitments", len(right), len(wrong))
        assert refusal(contract, circuit, weights=wrong) == expected
    right = public.circuit.weights
    found = contract.register(public.circuit, weights=GENERATOR + right[POINT:])
    assert found != public.circuit.id
    assert contract.verdict(public.verify()) == "NotRegistered"


def test_commitments_that_are_no_points_are_refused(contract, public, hidden):
    for circuit in (public.circuit, hidden.circuit):
        count = len(circuit.weights) // POINT
        for i in range(count):
            x, y = (
                int.from_bytes(circuit.weights[i * POINT + j : i * POINT + j + WORD], "big")
                for j in (0, WORD)
            )
            for point in ((x, y ^ 1), (x + P, y), (x, y + P), (0, 1), (1, 0)):
                wrong = b"".join((v % (1 << 256)).to_bytes(WORD, "big") for v in point)
                weights = circuit.weights[: i * POINT] + wrong + circuit.weights[(i + 1) * POINT :]
                assert refusal(contract, circuit, weights=weights) == ("NotAPoint",)
    # the identity is what a chunk of zeros commits to
    zero = bytes(POINT) + public.circuit.weights[POINT:]
    contract.register(public.circuit, weights=zero)


def test_a_layout_that_is_not_sound_is_refused(contract, hidden):
    circuit = hidden.circuit
    refused = refusal(contract, circuit, descriptor=circuit.descriptor + b"\0")
    assert refused[0] == "MalformedDescriptor"
    for wrong in (b"", circuit.descriptor[:-1], b"\0" + circuit.descriptor[1:]):
        assert refusal(contract, circuit, descriptor=wrong)[0] == "MalformedDescriptor"
    d = Descriptor.from_bytes(circuit.descriptor)
    d.blocks[1].offset += 1
    assert refusal(contract, circuit, descriptor=d.to_bytes())[0] == "LayoutRefused"


def test_a_model_longer_than_a_contract_is_refused(contract, public):
    """Two bytes hold where its last layer is, and its size."""
    net = networks.Net([14, 4, 4, 4], [networks.relu(4)], weights=PUBLIC)
    x, dims = net.input([2, 1, 1], 2)
    for _ in range(160):
        h, dims = net.linear([net.map(x, dims)], 2, 3, 0)
    net.linear([net.map(h, dims)], 2, 3)
    descriptor = net.finish()
    assert len(descriptor) > 24_576
    weights = bytes(POINT) * Descriptor.from_bytes(descriptor).chunks
    refused = refusal(contract, public.circuit, descriptor=descriptor, weights=weights)
    assert refused[0] == "ModelNotStored"


def test_ids_are_those_of_the_digests(contract, public):
    vk = public.circuit.vk
    for changed in ({"statement": bytes(32)}, {"settings": b"\xff" * 32}):
        other = Circuit(vk, **changed)
        assert other.id != public.circuit.id
        assert other.id[:6] == b"unsafe"
        assert contract.register(other) == other.id
        asked = Inference(other, public.proof, public.public, public.ctx)
        assert contract.verdict(asked.verify()) == asked.of_core() == "ProofRejected"
