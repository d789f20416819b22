"""A13: settings that say something else than the statement they come with."""

import dataclasses
import json

import pytest

import zkinfer as zk
from zkinfer._statement import canonical_json
from zkinfer_contracts import keccak256


def with_settings(circuit, edit, **statement):
    """Return the circuit's bytes with its settings edited, and everything after them redone."""
    raw = json.loads(circuit.backend_settings)
    edit(raw)
    settings = canonical_json(raw)
    stated = dataclasses.replace(circuit.statement, settings=keccak256(settings).hex(), **statement)
    return dataclasses.replace(circuit, statement=stated, backend_settings=settings).to_bytes()


def run_arg(name, value):
    def edit(raw):
        raw["run_args"][name] = value

    return edit


def field(name, value):
    def edit(raw):
        raw[name] = value

    return edit


def nothing(raw):
    pass


@pytest.mark.parametrize(
    ("edit", "statement", "word"),
    [
        (run_arg("param_visibility", "Private"), {}, "param_visibility"),
        (run_arg("output_visibility", "Private"), {}, "output_visibility"),
        (run_arg("input_visibility", "Public"), {}, "input_visibility"),
        (run_arg("ignore_range_check_inputs_outputs", True), {}, "range_check"),
        (run_arg("input_scale", 9), {}, "input_scale"),
        (run_arg("logrows", 99), {}, "logrows"),
        (run_arg("decomp_base", True), {}, "decomp_base"),
        (field("model_output_scales", [20, 7]), {}, "output scales"),
        (field("model_instance_shapes", [[1, 2]]), {}, "shapes"),
        (field("version", "1.0"), {}, "version"),
        (nothing, {"output_scale_bits": 20}, "output scales"),
        (nothing, {"weights": zk.Visibility.HIDDEN}, "weights"),
        (nothing, {"outputs": zk.Visibility.HIDDEN}, "outputs"),
        (nothing, {"inputs": zk.Visibility.COMMITTED}, "inputs"),
        (nothing, {"inputs": zk.Visibility.PUBLIC}, "shapes"),
        (nothing, {"backend": "nope"}, "backend"),
        (nothing, {"backend_version": "1"}, "version"),
    ],
)
def test_settings_that_contradict_their_statement_are_refused(breast_cancer, edit, statement, word):
    data = with_settings(breast_cancer.circuit, edit, **statement)
    with pytest.raises(zk.ArtifactMalformed, match=word):
        zk.Circuit.from_bytes(data)


def test_settings_that_are_not_the_models_get_no_keys(breast_cancer):
    """A stranger's circuit could leave out range checks: its settings are derived anew."""
    data = with_settings(breast_cancer.circuit, field("required_range_checks", [[-1, 1]]))
    circuit = zk.Circuit.from_bytes(data)
    with pytest.raises(zk.ArtifactMalformed, match="not the model's"):
        zk.setup(circuit, srs=zk.unsafe_test_srs())


def test_a_key_whose_scale_is_a_lie_is_refused(breast_cancer, sections):
    from zkinfer._container import VERIFYING_KEY

    vk = breast_cancer.vk
    lie = dataclasses.replace(vk.statement, output_scale_bits=20)
    data = sections(vk.to_bytes(), VERIFYING_KEY, STAT=lie.to_bytes())
    with pytest.raises(zk.ArtifactMalformed, match="output scales"):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)
