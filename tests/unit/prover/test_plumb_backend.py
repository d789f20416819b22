"""The Plumb backend: what it proves, what it hides, and what it refuses."""

import copy
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import zkinfer as zk
from tests.conftest import CONTEXT
from zkinfer import _field
from zkinfer._plumb._layout import Layout, layout_of
from zkinfer_contracts import keccak256
from zkinfer_models import model

OTHER_CONTEXT = bytes(reversed(CONTEXT))
REFUSALS = (zk.ArtifactError, zk.ProofRejected)
WORD = 32


# What is proven.


def test_a_proof_verifies_and_states_what_the_program_computes(case):
    zk.verify(case.vk, case.bundle)
    zk.verify(case.vk, case.bundle, context=CONTEXT, circuit_id=case.vk.circuit_id)
    values = case.bundle.values(case.vk.statement)
    for mode in ("reference", "mock"):
        assert np.array_equal(case.circuit.run(case.x, mode=mode), case.bundle.outputs)
    program = case.circuit.program.program
    x = program.quantize(case.x.reshape(1, *program.input_shape))
    assert np.array_equal(program.run(x)[0], values.output_integers)
    assert case.circuit.statement.outputs == "public"
    if case.vk.statement.inputs == "public":
        assert np.array_equal(values.inputs, program_input(case, x[0]))
    else:
        assert values.inputs is None


def program_input(case, integers):
    """Return the numbers that a program's integers stand for, by the statement's scales."""
    scales = case.vk.statement.input_scales
    unit = scales[0] if len(scales) == 1 else np.reshape(scales, integers.shape)
    return integers * unit


def test_what_to_make_small_decides_the_layout_and_setup_finds_it_again():
    """More rows, fewer commitments; the file does not say which goal it was."""
    card = model("mlp-784")
    samples = card.samples()
    made = {
        goal: zk.compile(
            card.onnx_bytes(),
            calibration=samples.calibration,
            inputs="hidden",
            weights="hidden",
            outputs="public",
            backend="plumb",
            optimize=goal,
        )
        for goal in zk.Optimize
    }
    rows = {goal: circuit.calibration.logrows for goal, circuit in made.items()}
    assert rows == {"balanced": 14, "time": 12, "gas": 14}
    x = samples.x[0]
    first, *others = (circuit.run(x, mode="mock") for circuit in made.values())
    assert all(np.array_equal(first, other) for other in others)


# (rows as a power of two, chunks of weights) for each goal.
LAYOUTS = {
    "breast-cancer": {"balanced": (10, 1), "gas": (10, 1), "time": (10, 1)},
    "digits-cnn": {"balanced": (10, 3), "gas": (10, 3), "time": (10, 3)},
    "perceptron": {"balanced": (12, 1), "gas": (12, 1), "time": (12, 1)},
    "mlp-784": {"balanced": (14, 7), "gas": (14, 7), "time": (12, 29)},
    "lenet5": {"balanced": (14, 5), "gas": (14, 5), "time": (14, 5)},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_default_gives_up_little_time_for_much_gas(name):
    """A few tenths of a second for a fifth of the gas; nothing where there is little to gain."""
    card = model(name)
    circuit = zk.compile(
        card.onnx_bytes(),
        calibration=card.samples().calibration,
        inputs="hidden",
        weights="hidden",
        outputs="public",
        backend="plumb",
    )
    program, statement = circuit.program.program, circuit.statement
    costs = {
        goal.value: layout_of(program, statement.inputs, statement.weights, goal).cost
        for goal in zk.Optimize
    }
    assert {goal: (cost.log_rows, cost.chunks) for goal, cost in costs.items()} == LAYOUTS[name]
    assert circuit.calibration.logrows == costs["balanced"].log_rows
    assert costs["gas"].gas <= costs["balanced"].gas <= costs["time"].gas
    assert (
        costs["time"].prove_seconds
        <= costs["balanced"].prove_seconds
        <= costs["time"].prove_seconds + 0.3
    )


def test_the_rungs_agree_bit_for_bit_on_many_inputs(case):
    stack = model("breast-cancer").samples().x[:20]
    if case.x.shape != stack[0].shape:
        rng = np.random.default_rng(3)
        stack = np.stack([rng.permutation(case.x.reshape(-1)) for _ in range(4)])
        stack = stack.reshape(4, *case.x.shape)
    reference = case.circuit.run(stack, mode="reference")
    assert np.array_equal(case.circuit.run(stack, mode="mock"), reference)
    assert len(np.unique(reference)) > 2
    if case.vk.statement.input_count < 100:
        bundle = zk.prove(case.pk, stack[-1])
        zk.verify(case.vk, bundle)
        assert np.array_equal(bundle.outputs, reference[-1])


def test_a_layout_s_orders_are_each_other_s_inverse(plumb_public):
    statement = plumb_public.vk.statement
    rng = np.random.default_rng(5)
    orders = [tuple(map(int, rng.permutation(n))) for n in (30, 2)]
    layout = Layout("0" * 64, "0" * 64, *orders)
    assert Layout.from_bytes(statement, layout.to_bytes()) == layout
    tensor = tuple(range(100, 132))
    placed = layout.publics_to_proof(tensor, 30)
    assert placed[:30] == layout.to_proof(np.arange(100, 130)).tolist()
    assert layout.from_proof(tuple(placed), 30) == tensor
    outputs = layout.publics_to_proof((7, 9), 0)
    assert sorted(outputs) == [7, 9]
    assert layout.from_proof(tuple(outputs), 0) == (7, 9)


def test_a_proof_is_bound_to_its_context(case):
    with pytest.raises(zk.ContextMismatch):
        zk.verify(case.vk, case.bundle, context=OTHER_CONTEXT)
    for context in (OTHER_CONTEXT, bytes(32)):
        with pytest.raises(zk.ProofInvalid):
            zk.verify(case.vk, replace(case.bundle, context=context), context=context)


def test_a_proof_is_bound_to_its_public_values(case):
    values = case.bundle.public_inputs
    for i in {0, len(values) // 2, len(values) - 1}:
        for new in (values[i] + 1, values[i] - 1, -values[i] or 1):
            changed = (*values[:i], new % _field.R, *values[i + 1 :])
            with pytest.raises(zk.ProofInvalid):
                zk.verify(case.vk, replace(case.bundle, public_inputs=changed))
    for wrong in (values[:-1], (*values, 0), ()):
        with pytest.raises(zk.PublicInputCountMismatch):
            zk.verify(case.vk, replace(case.bundle, public_inputs=wrong))


# Artefacts.


def test_artefacts_make_the_round_trip(case, tmp_path):
    case.circuit.save(tmp_path / "model.zkc")
    case.pk.save(tmp_path / "proving.key")
    case.vk.save(tmp_path / "verifying.key")
    case.bundle.save(tmp_path / "out.zkp")
    circuit = zk.Circuit.load(tmp_path / "model.zkc")
    assert circuit == case.circuit
    assert circuit.to_bytes() == case.circuit.to_bytes()
    assert circuit.digest == case.circuit.digest
    with pytest.raises(zk.UnsafeSrsRefused):
        zk.VerifyingKey.load(tmp_path / "verifying.key")
    with pytest.raises(zk.UnsafeSrsRefused):
        zk.ProvingKey.load(tmp_path / "proving.key")
    vk = zk.VerifyingKey.load(tmp_path / "verifying.key", allow_unsafe_srs=True)
    pk = zk.ProvingKey.load(tmp_path / "proving.key", allow_unsafe_srs=True)
    assert vk == case.vk == pk.verifying_key
    assert vk.circuit_id == case.vk.circuit_id == pk.circuit_id
    assert vk.circuit_id.unsafe
    bundle = zk.ProofBundle.load(tmp_path / "out.zkp")
    assert bundle == case.bundle
    zk.verify(vk, bundle, context=CONTEXT)
    found, known = bundle.values(vk.statement), case.bundle.outputs
    assert np.array_equal(found.outputs, known)
    assert np.array_equal(circuit.run(case.x, mode="mock"), known)
    pk.save(tmp_path / "again.key")
    assert (tmp_path / "again.key").read_bytes() == (tmp_path / "proving.key").read_bytes()
    if case.vk.statement.input_count < 100:
        fresh = zk.prove(pk, case.x, context=OTHER_CONTEXT)
        zk.verify(case.vk, fresh, context=OTHER_CONTEXT)
        assert fresh.public_inputs == bundle.public_inputs


def test_a_loaded_circuit_can_be_set_up(plumb_public):
    circuit = zk.Circuit.from_bytes(plumb_public.circuit.to_bytes())
    _, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    assert vk.to_bytes() == plumb_public.vk.to_bytes()
    zk.verify(vk, plumb_public.bundle)


def test_one_model_is_compiled_to_one_circuit(plumb, plumb_public):
    for made, inputs, weights in ((plumb, "hidden", "hidden"), (plumb_public, "public", "public")):
        card = model("breast-cancer")
        again = zk.compile(
            card.onnx_bytes(), calibration=card.samples().calibration, inputs=inputs,
            weights=weights, outputs="public", backend="plumb",
        )  # fmt: skip
        assert again.to_bytes() == made.circuit.to_bytes()


# What is hidden.


def words(proof):
    assert len(proof) % WORD == 0
    return {proof[i : i + WORD] for i in range(0, len(proof), WORD)}


def test_two_proofs_of_one_witness_share_nothing(case):
    again = zk.prove(case.pk, case.x, context=CONTEXT)
    zk.verify(case.vk, again)
    assert again.public_inputs == case.bundle.public_inputs
    assert len(again.proof) == len(case.bundle.proof)
    assert words(again.proof) & words(case.bundle.proof) <= {bytes(WORD)}


def encodings(integers):
    """Yield integers as bytes, in every width and order that a writer might choose."""
    for width in (1, 2, 4, 8):
        if all(-(1 << (8 * width - 1)) <= v < 1 << (8 * width - 1) for v in integers):
            for order in ("big", "little"):
                yield b"".join(v.to_bytes(width, order, signed=True) for v in integers)
    for order in ("big", "little"):
        yield b"".join((v % _field.R).to_bytes(WORD, order) for v in integers)


def holds(data, integers, run=6):
    """Whether some run of integers, not too many of them alike, stands in data."""
    integers = [int(v) for v in integers]
    return any(
        piece in data
        for i in range(len(integers) - run + 1)
        if len(set(integers[i : i + run])) >= 3
        for piece in encodings(integers[i : i + run])
    )


def floats(case):
    """Return the bytes of the weights as the model's file holds them, in pieces of 8 bytes."""
    graph = onnx.ModelProto.FromString(case.circuit.onnx).graph
    arrays = [numpy_helper.to_array(t) for t in graph.initializer]
    raw = [a.tobytes() for a in arrays if a.dtype == np.float32 and a.size > 1]
    pieces = {data[i : i + 8] for data in raw for i in range(0, len(data) - 7, 8)}
    return {p for p in pieces if len(set(p)) > 4}


def integer_weights(case):
    statement = case.vk.statement
    made = layout_of(
        case.circuit.program.program, statement.inputs, statement.weights, zk.Optimize.BALANCED
    )
    return [np.concatenate(maps) for maps, _ in made.weights], [b for _, b in made.weights]


@pytest.mark.parametrize("name", ["plumb", "digits_hidden"])
def test_hidden_weights_do_not_stand_in_what_a_verifier_gets(name, request):
    case = request.getfixturevalue(name)
    given = [case.vk.to_bytes(), case.bundle.to_bytes()]
    weights, biases = integer_weights(case)
    digests = [
        keccak256(case.circuit.onnx),
        keccak256(model({"plumb": "breast-cancer"}.get(name, "digits-cnn")).onnx_bytes()),
        *(keccak256(a.astype(">i8").tobytes()) for a in (*weights, *biases)),
        bytes.fromhex(public_digest(case)),
    ]
    pieces = floats(case)
    assert len(pieces) > 40
    for data in given:
        for digest in digests:
            assert digest not in data
            assert digest.hex().encode() not in data
        assert case.circuit.onnx not in data
        assert not [piece for piece in pieces if piece in data]
        assert not any(holds(data, a) for a in (*weights, *biases))
    # The search finds them where they are.
    secret = case.pk.backend_proving_key.to_bytes()
    assert all(holds(secret, a) for a in weights if len(a) > 8)
    assert all(piece in case.circuit.onnx for piece in pieces)


def public_digest(case):
    """Return the digest that the settings would hold if the weights were public."""
    made = layout_of(
        case.circuit.program.program,
        case.vk.statement.inputs,
        zk.Visibility.PUBLIC,
        zk.Optimize.BALANCED,
    )
    digest = Layout.of(made, zk.Visibility.PUBLIC).weights
    assert len(digest) == 64
    return digest


def test_a_hidden_input_does_not_stand_in_what_a_verifier_gets(plumb, plumb_public):
    program = plumb.circuit.program.program
    integers = program.quantize(plumb.x.reshape(1, *program.input_shape)).reshape(-1)
    for data in (plumb.vk.to_bytes(), plumb.bundle.to_bytes()):
        assert not holds(data, integers)
        raw = plumb.x.astype(np.float32).tobytes()
        assert not any(raw[i : i + 8] in data for i in range(0, len(raw), 8))
    assert holds(plumb_public.bundle.to_bytes(), integers)


def test_a_statement_does_not_name_a_hidden_model(plumb, plumb_public, plumb_attacker):
    for made in (plumb, plumb_attacker):
        assert made.vk.statement.model == "0" * 64
        assert Layout.from_bytes(made.vk.statement, made.vk.backend_settings).weights is None
    # Bytes that depend on hidden weights only where the scales and the layout do.
    assert plumb_public.vk.statement.model == keccak256(plumb_public.circuit.onnx).hex()
    layout = Layout.from_bytes(plumb_public.vk.statement, plumb_public.vk.backend_settings)
    assert layout.weights == public_digest(plumb_public)


def test_keys_of_hidden_weights_are_salted(plumb, keys):
    made = [(plumb.pk, plumb.vk), *keys]
    commitments = [set(vk.opened.commitments) for _, vk in made]
    for i in range(len(made)):
        for j in range(i):
            assert not commitments[i] & commitments[j]
    assert len({vk.circuit_id.value for _, vk in made}) == len(made)
    assert len({vk.opened.registration for _, vk in made}) == len(made)
    assert len({vk.statement.to_bytes() for _, vk in made}) == 1
    secrets = [pk.backend_proving_key.to_bytes() for pk, _ in made]
    assert len({len(s) for s in secrets}) == 1
    same = {len(words(s[: len(s) // WORD * WORD]) & words(secrets[0][: len(s) // WORD * WORD]))
            for s in secrets[1:]}  # fmt: skip
    assert max(same) < len(secrets[0]) // WORD
    # So a proof is of one key.
    pk, vk = keys[0]
    bundle = zk.prove(pk, plumb.x, context=CONTEXT)
    zk.verify(vk, bundle)
    with pytest.raises(zk.CircuitMismatch):
        zk.verify(plumb.vk, bundle)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(plumb.vk, replace(bundle, circuit_id=plumb.vk.circuit_id))


def test_keys_of_public_weights_are_the_same_for_everybody(plumb_public, tmp_path):
    pk, vk = zk.setup(plumb_public.circuit, srs=zk.unsafe_test_srs())
    assert vk.to_bytes() == plumb_public.vk.to_bytes()
    pk.save(tmp_path / "one.key")
    plumb_public.pk.save(tmp_path / "two.key")
    assert (tmp_path / "one.key").read_bytes() == (tmp_path / "two.key").read_bytes()


def test_progress_is_told_and_may_end_the_work(plumb):
    """What a caller raises comes out as it is."""
    for job, act in (
        ("setup", lambda tell: zk.setup(plumb.circuit, srs=zk.unsafe_test_srs(), on_progress=tell)),
        ("prove", lambda tell: zk.prove(plumb.pk, plumb.x, on_progress=tell)),
    ):
        told = []
        act(told.append)
        done = [progress.done for progress in told]
        assert done == sorted(done)
        assert (min(done) >= 0, done[-1]) == (True, 1.0)
        assert {progress.job for progress in told} == {job}
        assert len(told) > 3

        def stop(_):
            raise TimeoutError("enough")

        with pytest.raises(TimeoutError, match="enough"):
            act(stop)


def test_a_key_s_parts_may_be_copied(plumb):
    assert copy.copy(plumb.vk) == plumb.vk
    zk.verify(copy.copy(plumb.vk), copy.copy(plumb.bundle))


def test_a_run_takes_inputs_without_their_batch_dimension(plumb):
    rows = model("breast-cancer").samples().x[:3]
    batched = plumb.circuit.evaluate([row[None] for row in rows], constraints=True)
    assert np.array_equal(plumb.circuit.evaluate(rows, constraints=False), batched)
