"""Every length is checked before use; another kind, version or size is refused by name."""

import hashlib
import struct

import pytest

import zkinfer as zk
from zkinfer import _container


def resealed(data):
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


def edited(data, position, replacement):
    return resealed(data[:position] + replacement + data[position + len(replacement) :])


@pytest.fixture(scope="module")
def bundle(breast_cancer):
    return breast_cancer.bundle.to_bytes()


def test_a_bundle_survives_the_round_trip(breast_cancer, bundle):
    assert zk.ProofBundle.from_bytes(bundle) == breast_cancer.bundle
    assert zk.ProofBundle.from_bytes(bundle).to_bytes() == bundle


def test_artefacts_are_reproducible(breast_cancer, tmp_path):
    circuit = zk.Circuit.from_bytes(breast_cancer.circuit.to_bytes())
    assert circuit.to_bytes() == breast_cancer.circuit.to_bytes()
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    assert vk.to_bytes() == breast_cancer.vk.to_bytes()
    pk.save(tmp_path / "a")
    breast_cancer.pk.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_kind_is_refused_by_name(breast_cancer):
    with pytest.raises(zk.ArtifactWrongKind) as caught:
        zk.ProofBundle.from_bytes(breast_cancer.vk.to_bytes())
    assert (caught.value.expected, caught.value.got) == ("proof bundle", "verifying key")


def test_another_version_is_refused_with_both_versions(bundle):
    with pytest.raises(zk.ArtifactWrongVersion) as caught:
        zk.ProofBundle.from_bytes(edited(bundle, 12, struct.pack("<H", 2)))
    assert (caught.value.expected, caught.value.got) == (1, 2)


@pytest.mark.parametrize(
    ("position", "replacement"),
    [
        (0, b"X"),  # magic
        (14, struct.pack("<H", 3)),  # number of sections
        (14, struct.pack("<H", 65535)),
        (16, b"CTXT"),  # a tag
        (20, struct.pack("<Q", 33)),  # a length
        (20, struct.pack("<Q", 1 << 63)),
    ],
)
def test_a_wrong_table_is_malformed(bundle, position, replacement):
    with pytest.raises(zk.ArtifactMalformed):
        zk.ProofBundle.from_bytes(edited(bundle, position, replacement))


def test_every_truncation_and_extension_is_malformed(bundle):
    for cut in (0, 1, 11, 12, 15, 16, 17, 40, 63, 64, 100, len(bundle) - 33, len(bundle) - 1):
        with pytest.raises(zk.ArtifactMalformed):
            zk.ProofBundle.from_bytes(bundle[:cut])
    for extended in (bundle + b"\0", resealed(bundle + b"\0")):
        with pytest.raises(zk.ArtifactMalformed):
            zk.ProofBundle.from_bytes(extended)


def test_a_length_over_its_limit_is_refused_before_it_is_read(tmp_path):
    huge = tmp_path / "huge.key"
    table = b"".join(
        struct.pack("<4sQ", tag, 1 << 40) for tag, _ in _container.VERIFYING_KEY.sections
    )
    huge.write_bytes(_container._HEADER.pack(_container.MAGIC, b"VKEY", 1, 5) + table)
    with pytest.raises(zk.ArtifactMalformed, match="limit"):
        zk.VerifyingKey.load(huge)


def test_a_file_larger_than_its_kind_is_not_read(tmp_path):
    sparse = tmp_path / "sparse.zkp"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(zk.ArtifactMalformed, match="larger than"):
        zk.ProofBundle.load(sparse)


def test_a_statement_has_one_encoding(breast_cancer):
    parts = _container.from_bytes(breast_cancer.vk.to_bytes(), _container.VERIFYING_KEY)
    for statement in (
        parts[b"STAT"].replace(b'":', b'": ', 1),
        parts[b"STAT"].replace(b'"backend":"ezkl"', b'"backend":"\\u0065zkl"'),
        parts[b"STAT"].replace(b"{", b'{"extra":1,', 1),
        parts[b"STAT"].replace(b'"input_shape":[1,30]', b'"input_shape":[1,-30]'),
        parts[b"STAT"].replace(b'"input_shape":[1,30]', b'"input_shape":[1,true]'),
        b"[" * 10000,
        b"\xff",
        b"",
    ):
        data = _container.to_bytes(_container.VERIFYING_KEY, {**parts, b"STAT": statement})
        with pytest.raises(zk.ArtifactMalformed):
            zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)


def test_a_proving_key_whose_model_was_swapped_is_refused(breast_cancer, attacker, tmp_path):
    pk = breast_cancer.pk
    sections = {
        b"VKEY": pk.verifying_key.to_bytes(),
        b"ONNX": attacker.pk.onnx,
        b"BPRV": pk.backend_proving_key,
    }
    _container.save(tmp_path / "pk", _container.PROVING_KEY, sections)
    with pytest.raises(zk.ArtifactMalformed):
        zk.ProvingKey.load(tmp_path / "pk", allow_unsafe_srs=True)


def test_a_circuit_whose_model_was_swapped_is_refused(breast_cancer, attacker):
    parts = _container.from_bytes(breast_cancer.circuit.to_bytes(), _container.CIRCUIT)
    parts[b"ONNX"] = attacker.circuit.onnx
    with pytest.raises(zk.ArtifactMalformed):
        zk.Circuit.from_bytes(_container.to_bytes(_container.CIRCUIT, parts))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(b"{", b'{"learns":["nothing at all"],', 1),
        lambda text: text.replace(b'"samples":', b'"samples": ', 1),
        lambda text: text.replace(b'"samples":64', b'"samples":"64"'),
        lambda text: text.replace(b'"samples":64', b'"samples":1e999'),
        lambda text: b"{}",
        lambda text: b"[]",
    ],
)
def test_a_circuits_calibration_cannot_speak_for_its_report(breast_cancer, damage):
    parts = _container.from_bytes(breast_cancer.circuit.to_bytes(), _container.CIRCUIT)
    parts[b"CALI"] = damage(parts[b"CALI"])
    with pytest.raises(zk.ArtifactMalformed, match="calibration"):
        zk.Circuit.from_bytes(_container.to_bytes(_container.CIRCUIT, parts))


def test_a_key_whose_settings_were_swapped_is_refused(breast_cancer, public_input):
    parts = _container.from_bytes(breast_cancer.vk.to_bytes(), _container.VERIFYING_KEY)
    parts[b"BSET"] = public_input.vk.backend_settings
    with pytest.raises(zk.ArtifactMalformed, match="BSET"):
        zk.VerifyingKey.from_bytes(
            _container.to_bytes(_container.VERIFYING_KEY, parts), allow_unsafe_srs=True
        )
