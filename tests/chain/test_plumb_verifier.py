"""The contract accepts what the core proves, on every chain, and refuses every other statement."""

import importlib.util

import numpy as np
import pytest

import zkinfer as zk
from tests.fixtures.operators import REFUSED_BY_PLUMB, operator_networks
from tests.fixtures.plumb_chain import (
    ACCEPTED,
    CTX,
    Circuit,
    Inference,
    InRevm,
    OnChain,
    Reverted,
    call,
    infer_reference,
    reference,
)
from tests.fixtures.plumb_circuits import broad, grid, tall
from tests.reference.plumb.descriptor import HIDDEN, PUBLIC
from zkinfer._curve import P, R
from zkinfer._plumb._layout import Layout
from zkinfer_contracts import Chain, EmbeddedChain, Node, keccak256

NETWORKS = ("mlp", "cnn", "mixed", "threshold", "top1", "wide", "packed", "pooled")
GRID = grid()
# Operators whose layouts differ in kind; their inputs or outputs may have another order in a proof.
OPERATORS = (
    *("Gemm", "Conv/grouped", "Conv/dilated", "MaxPool/padded", "AveragePool/padded", "Pad/value"),
    *("ReduceMax", "Shape/scale", "ConvTranspose", "Add/two computed operands", "Concat", "ArgMax"),
    *("Clip", "PRelu", "BatchNormalization", "Transpose/image", "Sigmoid"),
)
needs_revm = pytest.mark.skipif(
    importlib.util.find_spec("pyrevm") is None, reason="pyrevm has no wheel for this platform"
)


@pytest.fixture(scope="module")
def revm():
    return InRevm()


def check(contract, inference):
    """Register a circuit, and have an honest proof accepted and two false statements refused."""
    contract.know(inference.circuit)
    assert contract.verdict(inference.verify()) == inference.of_core() == ACCEPTED
    other = inference.but(ctx=bytes(32))
    assert contract.verdict(other.verify()) == other.of_core() == "ProofRejected"
    *first, last = inference.public
    other = inference.but(public=[*first, (last + 1) % R])
    assert ACCEPTED not in (contract.verdict(other.verify()), other.of_core())


@needs_revm
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_the_reference(revm, name):
    check(revm, reference(name))


@needs_revm
@pytest.mark.parametrize("name", GRID)
def test_layers_windows_functions_and_visibilities(revm, name):
    check(revm, infer_reference(GRID[name])[0])


@needs_revm
def test_windows_with_many_columns(revm):
    check(revm, infer_reference(broad())[0])


@needs_revm
@pytest.mark.parametrize("weights", [HIDDEN, PUBLIC])
def test_many_chunks_of_weights(revm, weights):
    inference = infer_reference(tall(PUBLIC, weights))[0]
    assert len(inference.circuit.weights) // 64 > 50
    check(revm, inference)


def of_package(name, inputs, weights):
    """Return a key of the package and a proof for it, as a contract is asked about it."""
    proto, x = operator_networks()[name]
    rows = np.random.default_rng(1).uniform(-1, 1, (8, *x.shape)).astype(np.float32)
    circuit = zk.compile(
        proto.SerializeToString(),
        calibration=rows,
        inputs=inputs,
        weights=weights,
        outputs="public",
        backend="plumb",
        optimize="time",
    )
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    bundle = zk.prove(pk, rows[0], context=CTX)
    shown = vk.statement.input_count if inputs == "public" else 0
    layout = Layout.from_bytes(vk.statement, vk.backend_settings)
    digests = keccak256(vk.statement.to_bytes()), keccak256(vk.backend_settings)
    public = layout.publics_to_proof(bundle.public_inputs, shown)
    return vk, Inference(Circuit(vk.opened, *digests), bundle.proof, public)


@needs_revm
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_from_onnx(revm, name):
    choices = [("public", "public"), ("hidden", "public"), ("public", "hidden")]
    vk, inference = of_package(name, *choices[OPERATORS.index(name) % 3])
    assert inference.circuit.id == bytes(vk.circuit_id)
    check(revm, inference)


@needs_revm
@pytest.mark.deep
@pytest.mark.parametrize("weights", ["hidden", "public"])
@pytest.mark.parametrize("name", [n for n in operator_networks() if n not in REFUSED_BY_PLUMB])
def test_all_operators_from_onnx(revm, name, weights):
    vk, inference = of_package(name, "public", weights)
    assert inference.circuit.id == bytes(vk.circuit_id)
    check(revm, inference)


# What is no statement about a registered circuit.


@pytest.fixture(scope="module")
def asked(revm):
    """A proof of a circuit with public inputs and an index as its output, registered."""
    inference = infer_reference(GRID["dense, public input, hidden weights, top1"])[0]
    revm.know(inference.circuit)
    return inference


@pytest.fixture(scope="module")
def committed(revm):
    """A proof about a committed input."""
    inference = reference("cnn")
    revm.know(inference.circuit)
    return inference


def refusal(contract, data):
    with pytest.raises(Reverted) as error:
        contract.ask(data)
    return error.value.name, *error.value.arguments


@needs_revm
def test_an_unregistered_circuit_is_refused(asked):
    contract = InRevm()
    circuit = asked.circuit
    assert refusal(contract, asked.verify()) == ("NotRegistered", circuit.id)
    assert contract.ask(call("isRegistered", circuit.id)) == bytes(32)
    contract.register(circuit)
    assert contract.ask(call("isRegistered", circuit.id)) == (1).to_bytes(32, "big")
    # the same core id under another statement, and an id of a point in time to come
    for other in (Circuit(circuit.vk, statement=bytes(32)), Circuit(circuit.vk, settings=CTX)):
        assert refusal(contract, asked.but(circuit=other).verify()) == ("NotRegistered", other.id)
    check(contract, asked)


@needs_revm
def test_another_number_of_public_inputs_is_refused(revm, asked, committed):
    for inference in (asked, committed):
        right = inference.public
        for wrong in ([], right[:-1], right[1:], [*right, 0], right + right):
            expected = ("PublicInputCount", len(right), len(wrong))
            assert refusal(revm, inference.but(public=wrong).verify()) == expected
            assert inference.but(public=wrong).of_core() == "StatementRefused"


@needs_revm
def test_public_inputs_outside_their_domains_are_refused(revm, asked):
    """Inputs have two bits, outputs are one of three classes: whatever the proof says."""
    outside = (R - 1, R, R + 1, P, 1 << 64, 1 << 255, (1 << 256) - 1, (R + 1) // 2)
    last = len(asked.public) - 1
    for i, high in ((0, 3), (last - 1, 2), (last, 2)):
        for value in (high + 1, *outside):
            public = [*asked.public]
            public[i] = value
            expected = ("PublicInputOutOfDomain", i, 0, high, value)
            assert refusal(revm, asked.but(public=public).verify()) == expected
            assert asked.but(public=public).of_core() == "StatementRefused"
        for value in {0, high} - {asked.public[i]}:
            public[i] = value
            assert refusal(revm, asked.but(public=public).verify()) == ("ProofRejected",)


@needs_revm
def test_scores_outside_their_domain_are_refused(revm):
    inference = reference("mlp")
    revm.know(inference.circuit)
    half = 1 << (inference.circuit.descriptor[9] - 1)
    for value in (half, R - half - 1, R, R + inference.public[0]):
        public = [value, *inference.public[1:]]
        expected = ("PublicInputOutOfDomain", 0, -half, half - 1, value)
        assert refusal(revm, inference.but(public=public).verify()) == expected
    for value in (half - 1, R - half):
        public = [value, *inference.public[1:]]
        assert refusal(revm, inference.but(public=public).verify()) == ("ProofRejected",)


@needs_revm
def test_an_input_commitment_that_is_no_commitment_is_refused(revm, committed):
    x, y, *outputs = committed.public
    where = len(committed.proof) + 4 + 6 * 32
    assert refusal(revm, committed.but(public=[0, 0, *outputs]).verify()) == (
        "IdentityPoint",
        where,
    )
    for point in ((x, y + 1), (x + P, y), (x, y + P), (1, 3), (0, 1)):
        other = committed.but(public=[*point, *outputs])
        assert refusal(revm, other.verify()) == ("ProofRejected",)
        assert other.of_core() == "StatementRefused"
    for point in ((x, P - y), (1, 2)):
        assert refusal(revm, committed.but(public=[*point, *outputs]).verify()) == (
            "ProofRejected",
        )


@needs_revm
def test_scalars_of_every_message_are_canonical(revm, asked):
    """The same number, written otherwise, would be another proof of the same statement."""
    descriptor, proof = asked.circuit.descriptor, asked.proof
    c, chunks = descriptor[6], int.from_bytes(descriptor[33:35], "big")
    words = 6 * c + 2 * chunks.bit_length()
    # points of the columns, their values at a; the rest but an opening of 21 words
    evaluated = (len(proof) // 32 - 21 - words - 8) // 3
    first = 2 * (evaluated + 2)
    opening = len(proof) // 32 - 21
    messages = set()
    for i in (*range(first, opening), *range(opening + 10, opening + 17)):
        value = int.from_bytes(proof[32 * i : 32 * i + 32], "big")
        assert value < R
        other = proof[: 32 * i] + (value + R).to_bytes(32, "big") + proof[32 * i + 32 :]
        error, message = refusal(revm, asked.but(proof=other).verify())
        assert error == "ScalarNotCanonical"
        messages.add(message.rstrip(b"\0").decode())
    rounds = {"sumcheck A", "sumcheck D"}
    others = {"H_A", "values at k", "mu", "opening interpolants"}
    assert messages == rounds | others


@needs_revm
def test_a_proof_of_another_length_is_refused(revm, asked):
    right = asked.proof
    for wrong in (b"", right[:-32], right[32:], right + bytes(32), right + right):
        expected = ("ProofLength", len(right), len(wrong))
        assert refusal(revm, asked.but(proof=wrong).verify()) == expected
        assert asked.but(proof=wrong).of_core() == "ProofMalformed"
    # padded to words in calldata, so another encoding stands before another length
    for wrong in (right[:-1], right + b"\0"):
        assert refusal(revm, asked.but(proof=wrong).verify()) == ("MalformedCalldata",)


def word(value):
    return value.to_bytes(32, "big")


@needs_revm
def test_a_call_of_another_encoding_is_refused(revm, asked):
    """Each has the same arguments to a reader of offsets, or others to a reader of places."""
    right = asked.verify()
    selector, head, tail = right[:4], right[4:132], right[132:]
    proof_at, public_at = 128, 160 + len(asked.proof)
    assert head == asked.circuit.id + word(proof_at) + word(public_at) + asked.ctx
    proof, array = tail[: 32 + len(asked.proof)], tail[32 + len(asked.proof) :]

    def encoded(proof_at, public_at, tail):
        head = asked.circuit.id + word(proof_at) + word(public_at) + asked.ctx
        return selector + head + tail

    assert encoded(proof_at, public_at, proof + array) == right
    for wrong in (
        encoded(proof_at, public_at, proof + array + b"\0"),
        encoded(proof_at, public_at, proof + array + bytes(32)),
        encoded(proof_at, public_at + 32, proof + bytes(32) + array),
        encoded(proof_at + 32, public_at + 32, bytes(32) + proof + array),
        encoded(proof_at + len(array), proof_at, array + proof),
        encoded(proof_at, public_at + len(array), proof + array + array),
        encoded(proof_at + len(proof), public_at + len(proof), proof + proof + array),
    ):
        assert refusal(revm, wrong) == ("MalformedCalldata",)
    for length in (0, 3, 4, 36, 131, 164, 2000, len(right) - 1):
        with pytest.raises(Reverted):
            revm.ask(right[:length])
    for offset in (0, 32, 1 << 64, 1 << 255, (1 << 256) - 32):
        for wrong in (encoded(offset, public_at, tail), encoded(proof_at, offset, tail)):
            with pytest.raises(Reverted):
                revm.ask(wrong)


# Chains.


@pytest.fixture(scope="module")
def small():
    return infer_reference(GRID["dense, committed input, public weights, top1"])[0]


def test_chains_agree_in_verdicts_and_gas(small, prague_url, osaka_url):
    chains: dict[str, Chain] = {
        "embedded": EmbeddedChain(),
        "Prague": Node(prague_url),
        "Osaka": Node(osaka_url),
    }
    asked = {name: OnChain(chain) for name, chain in chains.items()}
    damaged = small.but(proof=small.proof[:-1] + bytes([small.proof[-1] ^ 1]))
    spent = {}
    for name, contract in asked.items():
        contract.register(small.circuit)
        assert contract.verdict(small.verify()) == ACCEPTED
        assert contract.verdict(small.but(ctx=bytes(32)).verify()) == "ProofRejected"
        assert contract.verdict(damaged.verify()) in ("NotAPoint", "ProofRejected")
        spent[name] = contract.gas(small.verify())
    assert spent["Prague"] == spent["embedded"]
    if importlib.util.find_spec("pyrevm") is not None:
        contract = InRevm()
        contract.register(small.circuit)
        spent["revm"] = contract.gas(small.verify())
        # where the model has been looked at before: 2600 - 100
        assert spent["revm"] + 2500 == spent["Prague"]
    # modular exponentiation costs more there (EIP-7883)
    assert 0 <= spent["Osaka"] - spent["Prague"] < 20_000
