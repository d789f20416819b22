"""What Plumb refuses: settings, inputs, and parts that do not belong together."""

import math
import tempfile
from dataclasses import replace

import numpy as np
import pytest

import zkinfer as zk
from tests.conftest import CONTEXT
from zkinfer import _container, _curve
from zkinfer._cli import main
from zkinfer._plumb._layout import Layout
from zkinfer._srs import SrsPoints
from zkinfer_contracts import keccak256
from zkinfer_models import model

OTHER_CONTEXT = bytes(reversed(CONTEXT))
REFUSALS = (zk.ArtifactError, zk.ProofRejected)
WORD = 32


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


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ours, theirs)
        for ours in ("plumb", "plumb_public")
        for theirs in ("plumb", "plumb_public", "plumb_attacker", "digits")
        if ours != theirs
    ],
)
def test_parts_of_another_circuit_are_refused(ours, theirs, request):
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


def test_a_key_of_public_weights_is_not_loaded_as_one_of_hidden_weights(plumb_public):
    """Such a key has no registration."""
    layout = Layout.from_bytes(plumb_public.vk.statement, plumb_public.vk.backend_settings)
    statement = replace(plumb_public.vk.statement, weights=zk.Visibility.HIDDEN, model="0" * 64)
    settings = replace(layout, weights=None).to_bytes()
    key = with_settings(replace(plumb_public.vk, statement=statement), settings)
    with pytest.raises(zk.ArtifactMalformed, match="weights' visibility"):
        reloaded(key)
