"""The Plumb backend: what it proves, what it hides, and what it refuses."""

import copy
import math
import tempfile
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import zkinfer as zk
from tests.conftest import CONTEXT, proven
from zkinfer import _container, _curve, _field
from zkinfer._cli import main
from zkinfer._plumb._layout import Layout, layout_of
from zkinfer._srs import SrsPoints
from zkinfer_contracts import keccak256
from zkinfer_models import model

OTHER_CONTEXT = bytes(reversed(CONTEXT))
REFUSALS = (zk.ArtifactError, zk.ProofRejected)
WORD = 32


@pytest.fixture(scope="module")
def digits():
    card = model("digits-cnn")
    return proven(card.onnx_bytes(), card.samples(), inputs="public", backend="plumb")


@pytest.fixture(scope="module")
def digits_hidden():
    card = model("digits-cnn")
    return proven(card.onnx_bytes(), card.samples(), weights="hidden", backend="plumb")


@pytest.fixture(scope="module")
def perceptron():
    card = model("perceptron")
    return proven(card.onnx_bytes(), card.samples(), weights="hidden", backend="plumb")


@pytest.fixture(scope="module")
def keys(plumb, tmp_path_factory):
    """Two more setups of the same circuit: (pk, vk) each."""
    return [zk.setup(plumb.circuit, srs=zk.unsafe_test_srs()) for _ in range(2)]


CASES = ("plumb", "plumb_public", "digits", "digits_hidden", "perceptron")


@pytest.fixture(params=CASES)
def case(request):
    return request.getfixturevalue(request.param)


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


def test_there_is_no_contract_for_it(plumb):
    with pytest.raises(zk.BackendWithoutContract, match="plumb"):
        zk.chain.embedded().deploy(plumb.vk)


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
    made = layout_of(case.circuit.program.program, statement.inputs, statement.weights)
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
    made = layout_of(case.circuit.program.program, case.vk.statement.inputs, zk.Visibility.PUBLIC)
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


# What is refused.


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ({"outputs": "hidden"}, zk.VisibilityUnsupported, "public"),
        ({"outputs": "committed"}, zk.VisibilityUnsupported, "public"),
        ({"weights": "committed"}, zk.VisibilityUnsupported, "weights='hidden'"),
        ({"inputs": "committed"}, zk.VisibilityUnsupported, "inputs='hidden' or 'public'"),
        ({"inputs": "secret"}, zk.VisibilityUnsupported, "choose one of"),
        ({"scale_bits": 7}, zk.ArgumentInvalid, "max_error"),
        ({"backend": "plum"}, zk.ArgumentInvalid, "'plumb' and 'ezkl'"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_refused_with_the_reason(change, error, word):
    card = model("breast-cancer")
    arguments = {"inputs": "hidden", "weights": "hidden", "outputs": "public", "backend": "plumb"}
    with pytest.raises(error, match=word):
        zk.compile(
            card.onnx_bytes(), calibration=card.samples().calibration, **{**arguments, **change}
        )


@pytest.mark.parametrize("value", [1e9, -1e9, 3e38])
def test_an_input_out_of_range_is_refused_and_nothing_is_written(
    case, value, tmp_path, monkeypatch, capsys
):
    if case.vk.statement.input_count > 100:
        pytest.skip("its key is large")
    case.pk.save(tmp_path / "proving.key")
    x = case.x.copy()
    x.reshape(-1)[-1] = value
    np.save(tmp_path / "input.npy", x)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    for act in (
        lambda: zk.prove(case.pk, x),
        lambda: case.circuit.run(x, mode="mock"),
        lambda: case.circuit.run(x, mode="reference"),
    ):
        with pytest.raises(zk.InputOutOfRange) as e:
            act()
        assert not e.value.low <= e.value.value <= e.value.high
        assert e.value.layer == "input"
    arguments = ["prove", "proving.key", "input.npy", "-o", "out.zkp", "--allow-unsafe-srs"]
    assert main([*arguments, "--json"]) == 2
    assert "ZK203" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def reloaded(key):
    return zk.VerifyingKey.from_bytes(key.to_bytes(), allow_unsafe_srs=True)


def require_refused(key, bundle):
    """Require that no proof passes for a key, once everything is labelled as the key's."""
    with pytest.raises(REFUSALS):
        verify_relabelled(key, bundle)


def verify_relabelled(key, bundle):
    loaded = reloaded(key)
    count, public = loaded.statement.public_input_count, bundle.public_inputs
    public = (*[0] * (count - len(public)), *public)[-count:]
    zk.verify(loaded, replace(bundle, circuit_id=loaded.circuit_id, public_inputs=public))


def with_settings(key, settings):
    named = replace(key.statement, settings=keccak256(settings).hex())
    return replace(key, statement=named, backend_settings=settings)


def registration_start(key):
    return len(key.backend_key) - len(key.opened.registration)


def flipped(data, position, bit=0):
    position %= len(data)
    return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


def test_the_search_for_refusals_accepts_what_is_whole(plumb, plumb_public):
    for made in (plumb, plumb_public):
        verify_relabelled(made.vk, made.bundle)
        verify_relabelled(with_settings(made.vk, made.vk.backend_settings), made.bundle)


def test_a_key_with_a_damaged_registration_is_refused_at_load(plumb):
    start, data = registration_start(plumb.vk), plumb.vk.backend_key
    length = len(data) - start
    assert length > 1000
    for position in {start, start + 31, *range(start, len(data), length // 12), len(data) - 1}:
        with pytest.raises(zk.ArtifactMalformed):
            reloaded(replace(plumb.vk, backend_key=flipped(data, position)))
    for cut in (data[:start], data[:-32], data[:-1], data + bytes(32), b""):
        with pytest.raises(zk.ArtifactMalformed):
            reloaded(replace(plumb.vk, backend_key=cut))


def test_the_registration_of_another_key_is_refused_at_load(plumb, plumb_attacker, keys):
    start = registration_start(plumb.vk)
    for other in (plumb_attacker.vk, keys[0][1]):
        data = plumb.vk.backend_key[:start] + other.opened.registration
        with pytest.raises(zk.ArtifactMalformed):
            reloaded(replace(plumb.vk, backend_key=data))


def test_a_key_without_its_opened_form_is_checked_as_well(plumb):
    """Whoever builds a key by hand skips the loader, not the core."""
    data = plumb.vk.backend_key
    key = replace(plumb.vk, backend_key=flipped(data, len(data) - 40))
    with pytest.raises(zk.ArtifactMalformed):
        zk.verify(key, plumb.bundle)


@pytest.mark.parametrize("ours", ["plumb", "plumb_public"])
@pytest.mark.parametrize("theirs", ["plumb", "plumb_public", "plumb_attacker", "digits"])
def test_parts_of_another_circuit_are_refused(ours, theirs, request):
    if ours == theirs:
        pytest.skip("one circuit")
    made, other = request.getfixturevalue(ours), request.getfixturevalue(theirs)
    key, strange = made.vk, other.vk
    require_refused(replace(key, backend_key=strange.backend_key), made.bundle)
    require_refused(replace(key, backend_key=strange.backend_key), other.bundle)
    require_refused(replace(key, statement=strange.statement), made.bundle)
    require_refused(replace(key, statement=strange.statement), other.bundle)
    settings = with_settings(key, strange.backend_settings)
    if strange.backend_settings != key.backend_settings:
        require_refused(settings, made.bundle)
        require_refused(settings, other.bundle)
    both = replace(settings, backend_key=strange.backend_key)
    require_refused(both, made.bundle)
    if both.statement != strange.statement:
        require_refused(both, other.bundle)
    # The whole key is theirs: our proof is none of it.
    require_refused(strange, made.bundle)


def test_a_descriptor_that_is_named_but_not_held_is_refused_at_load(plumb, digits):
    layout = Layout.from_bytes(plumb.vk.statement, plumb.vk.backend_settings)
    other = Layout.from_bytes(digits.vk.statement, digits.vk.backend_settings)
    for changed in (
        replace(layout, descriptor=other.descriptor),
        replace(layout, descriptor=flipped_hex(layout.descriptor)),
        replace(layout, weights="0" * 64),
        replace(layout, input_order=(0,) * 30),
        replace(layout, input_order=tuple(range(31))),
        replace(layout, output_order=(1,)),
    ):
        with pytest.raises(zk.ArtifactMalformed):
            reloaded(with_settings(plumb.vk, changed.to_bytes()))
    for text in (b"", b"{}", b"[]", b"null", b"\xff", b'{"descriptor":1}', b"[" * 5000):
        with pytest.raises(zk.ArtifactMalformed):
            reloaded(with_settings(plumb.vk, text))


def flipped_hex(digest):
    return f"{int(digest[0], 16) ^ 1:x}{digest[1:]}"


@pytest.mark.parametrize("name", ["plumb", "plumb_public"])
def test_another_order_of_the_values_is_refused(name, request):
    made = request.getfixturevalue(name)
    layout = Layout.from_bytes(made.vk.statement, made.vk.backend_settings)
    inputs = layout.input_order or tuple(range(30))
    outputs = layout.output_order or (0, 1)
    for changed in (
        replace(layout, output_order=outputs[::-1]),
        replace(layout, input_order=inputs[::-1]),
        # An order that says nothing is another name of no order, and so another circuit.
        replace(layout, output_order=outputs if not layout.output_order else ()),
    ):
        require_refused(with_settings(made.vk, changed.to_bytes()), made.bundle)


def other_srs():
    tau = 5
    g1, g2 = _curve.g1_multiply(tau), _curve.g2_multiply(tau)
    return SrsPoints.from_points(_curve.g1_to_bytes(*g1), g2)


@pytest.mark.parametrize("name", ["plumb", "plumb_public"])
def test_another_srs_is_refused(name, request):
    made, strange = request.getfixturevalue(name), other_srs()
    require_refused(replace(made.vk, srs=strange), made.bundle)
    data, points = made.vk.backend_key, made.vk.srs.to_bytes()
    assert data.count(points) == 1
    moved = data.replace(points, strange.to_bytes())
    require_refused(replace(made.vk, backend_key=moved), made.bundle)
    require_refused(replace(made.vk, backend_key=moved, srs=strange), made.bundle)


def test_keys_hold_nothing_for_a_contract(plumb):
    with pytest.raises(zk.ArtifactMalformed, match="chain key"):
        reloaded(replace(plumb.vk, chain_key=b"\1"))


STATEMENTS = {
    "output scale": lambda s: {"output_scales": tuple(2 * v for v in s.output_scales)},
    "output scale, last bit": lambda s: {
        "output_scales": (math.nextafter(s.output_scales[0], 9.0), *s.output_scales[1:])
    },
    "output scales, one each": lambda s: {
        "output_scales": s.output_scales * 2 if len(s.output_scales) == 1 else s.output_scales[:1]
    },
    "input scale": lambda s: {"input_scales": tuple(v / 2 for v in s.input_scales)},
    "input scales, turned": lambda s: {
        "input_scales": s.input_scales[::-1] if len(s.input_scales) > 1 else (1.0,)
    },
    "no scales": lambda _: {"input_scales": (), "output_scales": ()},
    "scale bits": lambda _: {
        "input_scales": (), "output_scales": (), "input_scale_bits": 7, "output_scale_bits": 7
    },
    "a scale of nothing": lambda s: {"output_scales": (0.0, *s.output_scales[1:])},
    "a scale below nothing": lambda s: {"output_scales": (-1.0, *s.output_scales[1:])},
    "an infinite scale": lambda s: {"output_scales": (math.inf, *s.output_scales[1:])},
    "a scale that is none": lambda s: {"output_scales": (math.nan, *s.output_scales[1:])},
    "output shape turned": lambda _: {"output_shape": (2, 1)},
    "output shape flat": lambda _: {"output_shape": (2,)},
    "output of one": lambda _: {"output_shape": (1, 1)},
    "output of three": lambda _: {"output_shape": (1, 3)},
    "input shape turned": lambda _: {"input_shape": (30, 1)},
    "input shape split": lambda _: {"input_shape": (1, 5, 6)},
    "input of more": lambda _: {"input_shape": (1, 31)},
    "input without values": lambda _: {"input_shape": (1, 0)},
    "inputs": lambda s: {"inputs": "hidden" if s.inputs == "public" else "public"},
    "inputs committed": lambda _: {"inputs": "committed"},
    "weights": lambda s: {"weights": "hidden" if s.weights == "public" else "public"},
    "weights committed": lambda _: {"weights": "committed"},
    "outputs hidden": lambda _: {"outputs": "hidden"},
    "outputs committed": lambda _: {"outputs": "committed"},
    "backend": lambda _: {"backend": "ezkl"},
    "backend and scale bits": lambda _: {
        "backend": "ezkl", "input_scales": (), "output_scales": (), "input_scale_bits": 7,
        "output_scale_bits": 7,
    },
    "a backend that is none": lambda _: {"backend": "plumb2"},
    "version": lambda _: {"backend_version": "0.0.0"},
    "model": lambda s: {"model": flipped_hex(s.model)},
    "settings": lambda s: {"settings": flipped_hex(s.settings)},
}  # fmt: skip


@pytest.mark.parametrize("change", STATEMENTS)
@pytest.mark.parametrize("name", ["plumb", "plumb_public"])
def test_another_statement_is_refused(name, change, request):
    made = request.getfixturevalue(name)
    new = STATEMENTS[change](made.vk.statement)
    for field in ("inputs", "weights", "outputs"):
        if field in new:
            new[field] = zk.Visibility(new[field])
    statement = replace(made.vk.statement, **new)
    assert statement.to_bytes() != made.vk.statement.to_bytes()
    require_refused(replace(made.vk, statement=statement), made.bundle)


VISIBILITIES = (
    {"outputs": zk.Visibility.HIDDEN},
    {"outputs": zk.Visibility.COMMITTED},
    {"weights": zk.Visibility.COMMITTED},
    {"inputs": zk.Visibility.COMMITTED},
)


@pytest.mark.parametrize("change", VISIBILITIES, ids=str)
def test_visibilities_that_are_never_compiled_are_not_loaded(plumb, change):
    """Else a stranger's circuit could say that the outputs it states are hidden."""
    statement = replace(plumb.vk.statement, **change)
    with pytest.raises(zk.ArtifactMalformed, match="the statement"):
        reloaded(replace(plumb.vk, statement=statement))
    with pytest.raises(zk.ArtifactMalformed, match="the statement"):
        zk.Circuit.from_bytes(replace(plumb.circuit, statement=statement).to_bytes())


@pytest.mark.parametrize("size", [1 << 8, 1 << 14])
def test_an_order_of_a_stranger_s_huge_shape_takes_no_memory(plumb, size):
    layout = Layout.from_bytes(plumb.vk.statement, plumb.vk.backend_settings)
    settings = replace(layout, input_order=(0,)).to_bytes()
    statement = replace(plumb.vk.statement, input_shape=(size,) * 8, input_scales=(1.0,))
    key = with_settings(replace(plumb.vk, statement=statement), settings)
    with pytest.raises(zk.ArtifactMalformed, match="order"):
        reloaded(key)


def test_a_hidden_model_of_other_shapes_is_refused(plumb, digits_hidden):
    """A statement does not name a hidden model, so that any loads."""
    key = zk.ProvingKey(plumb.vk, digits_hidden.circuit.onnx, plumb.pk.backend_proving_key)
    with pytest.raises(zk.ArtifactMalformed, match="shapes"):
        zk.prove(key, digits_hidden.x)


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


def test_a_damaged_proving_key_is_refused(plumb, plumb_attacker, keys, tmp_path):
    plumb.pk.save(tmp_path / "proving.key")
    parts = _container.load(tmp_path / "proving.key", _container.PROVING_KEY)
    secret = parts[b"BPRV"]
    strangers = [
        plumb_attacker.pk.backend_proving_key.to_bytes(),
        keys[0][0].backend_proving_key.to_bytes(),
    ]
    damaged = [flipped(secret, i * len(secret) // 7 + 3) for i in range(7)]
    for data in (*damaged, secret[:-1], secret + b"\0", b"", *strangers):
        _container.save(tmp_path / "bad.key", _container.PROVING_KEY, {**parts, b"BPRV": data})
        with pytest.raises(zk.ArtifactError):
            zk.prove(zk.ProvingKey.load(tmp_path / "bad.key", allow_unsafe_srs=True), plumb.x)
    vkey = flipped(parts[b"VKEY"], len(parts[b"VKEY"]) // 2)
    _container.save(tmp_path / "bad.key", _container.PROVING_KEY, {**parts, b"VKEY": vkey})
    with pytest.raises(zk.ArtifactError):
        zk.ProvingKey.load(tmp_path / "bad.key", allow_unsafe_srs=True)


def test_a_circuit_that_is_not_its_model_s_is_refused(plumb, plumb_attacker, plumb_public):
    circuit = plumb_public.circuit
    layout = Layout.from_bytes(circuit.statement, circuit.backend_settings)
    other = replace(layout, weights=flipped_hex(layout.weights)).to_bytes()
    named = replace(circuit.statement, settings=keccak256(other).hex())
    forged = zk.Circuit.from_bytes(
        replace(circuit, statement=named, backend_settings=other).to_bytes()
    )
    for act in (
        lambda c: zk.setup(c, srs=zk.unsafe_test_srs()),
        lambda c: c.run(plumb.x, mode="mock"),
    ):
        with pytest.raises(zk.ArtifactMalformed):
            act(forged)
    with pytest.raises(zk.ArtifactMalformed):
        zk.Circuit.from_bytes(replace(circuit, onnx=plumb_attacker.circuit.onnx).to_bytes())


def test_a_key_s_parts_may_be_copied(plumb):
    assert copy.copy(plumb.vk) == plumb.vk
    zk.verify(copy.copy(plumb.vk), copy.copy(plumb.bundle))


def test_a_key_of_public_weights_is_not_loaded_as_one_of_hidden_weights(plumb_public):
    """Such a key has no registration."""
    layout = Layout.from_bytes(plumb_public.vk.statement, plumb_public.vk.backend_settings)
    statement = replace(plumb_public.vk.statement, weights=zk.Visibility.HIDDEN, model="0" * 64)
    settings = replace(layout, weights=None).to_bytes()
    key = with_settings(replace(plumb_public.vk, statement=statement), settings)
    with pytest.raises(zk.ArtifactMalformed, match="weights' visibility"):
        reloaded(key)


def test_a_run_takes_inputs_without_their_batch_dimension(plumb):
    rows = model("breast-cancer").samples().x[:3]
    batched = plumb.circuit.evaluate([row[None] for row in rows], constraints=True)
    assert np.array_equal(plumb.circuit.evaluate(rows, constraints=False), batched)
