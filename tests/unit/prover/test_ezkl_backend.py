"""The ezkl backend: what it hides, what it refuses, and that it decides nothing by chance."""

import asyncio
import itertools
import math
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import zkinfer as zk
from tests.conftest import with_other_weights
from zkinfer_models import model

CARD = model("breast-cancer")
COMPILE_AND_SETUP = """
import sys
import zkinfer as zk
from zkinfer_models import model
card = model("breast-cancer")
circuit = zk.compile(card.onnx_bytes(), calibration=card.samples().calibration[:8],
                     inputs="hidden", weights="public", outputs="public", backend="ezkl")
_, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
print(circuit.digest.hex(), vk.circuit_id)
"""


def compile_with(**changes):
    arguments = {"inputs": "hidden", "weights": "public", "outputs": "public", **changes}
    calibration = CARD.samples().calibration
    return zk.compile(CARD.onnx_bytes(), calibration=calibration, backend="ezkl", **arguments)


def test_twenty_compiles_in_separate_processes_give_one_circuit_id():
    seen = set()
    for _ in range(10):
        pair = [
            subprocess.Popen(
                [sys.executable, "-c", COMPILE_AND_SETUP], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for process in pair:
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            seen.add(out)
    assert len(seen) == 1
    assert "UNSAFE:0x756e73616665" in seen.pop()


def test_the_ladder_agrees(breast_cancer):
    circuit, x = breast_cancer.circuit, breast_cancer.x
    floats = circuit.run(x, mode="float")
    reference, mock = circuit.run(x, mode="reference"), circuit.run(x, mode="mock")
    program = circuit.program
    assert np.abs(floats - reference).max() <= program.errors[-1] + 1e-5
    assert np.abs(floats - reference).max() <= 2 * program.quantization.max_abs_error
    # ezkl quantises in a way of its own.
    assert np.abs(floats - mock).max() <= 2 * circuit.calibration.max_abs_error
    assert np.array_equal(mock, circuit.evaluate([x], constraints=False)[0])
    assert np.array_equal(mock, breast_cancer.bundle.outputs)


def test_a_circuit_keeps_its_program(breast_cancer):
    again = zk.Circuit.from_bytes(breast_cancer.circuit.to_bytes())
    stack = CARD.samples().x[:20]
    for circuit in (breast_cancer.circuit, again):
        program = circuit.program.program
        assert np.array_equal(
            circuit.run(stack, mode="reference"),
            program.dequantize(program.run(program.quantize(stack[:, None]))),
        )


def test_a_circuit_without_a_program_says_so(breast_cancer):
    bare = replace(
        breast_cancer.circuit, calibration=replace(breast_cancer.circuit.calibration, program=None)
    )
    assert b"program" not in bare.calibration.to_bytes()
    with pytest.raises(zk.ProgramMissing):
        zk.Circuit.from_bytes(bare.to_bytes()).run(breast_cancer.x, mode="reference")


@pytest.mark.parametrize(
    "change",
    [
        {"width": 3},
        {"width": 12.0},
        {"shift": 25},
        {"seen": ()},
        {"inputs": ()},
        {"inputs": (1.0, 2.0)},
        {"inputs": (-1.0,)},
        {"max_abs_error": math.inf},
        {"seen": "low above high"},
    ],
    ids=str,
)
def test_a_program_from_a_stranger_is_checked(breast_cancer, change):
    circuit = breast_cancer.circuit
    record = circuit.calibration.program
    if change.get("seen") == "low above high":
        swapped = replace(record.seen[0], low=record.seen[0].high, high=record.seen[0].low)
        change = {"seen": (swapped, *record.seen[1:])}
    record = replace(record, **change)
    forged = replace(circuit, calibration=replace(circuit.calibration, program=record))
    with pytest.raises(zk.ArtifactMalformed):
        zk.Circuit.from_bytes(forged.to_bytes()).run(breast_cancer.x, mode="reference")


def test_a_stack_of_inputs_runs_like_each(breast_cancer):
    stack = CARD.samples().x[:3]
    for mode in ("reference", "mock"):
        together = breast_cancer.circuit.run(stack, mode=mode)
        assert together.shape == (3, 1, 2)
        for row, output in zip(stack, together, strict=True):
            assert np.array_equal(breast_cancer.circuit.run(row, mode=mode), output)


def test_an_unknown_mode_is_refused(breast_cancer):
    with pytest.raises(ValueError, match="mode"):
        breast_cancer.circuit.run(breast_cancer.x, mode="dry")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"weights": "hidden"}, "bind no model"),
        ({"weights": "committed"}, "bind no model"),
        ({"inputs": "committed"}, "salt"),
        ({"outputs": "hidden"}, "public"),
        ({"inputs": "secret"}, "choose one of"),
    ],
)
def test_a_visibility_that_cannot_be_kept_is_refused_with_the_reason(change, word):
    with pytest.raises(zk.VisibilityUnsupported, match=word):
        compile_with(**change)


def test_visibilities_have_no_default():
    with pytest.raises(TypeError):
        zk.compile(CARD.onnx_bytes(), calibration=CARD.samples().calibration)


def test_another_models_weights_are_refused_under_this_key(breast_cancer, attacker):
    """The trap of ezkl's private parameters; the labels are the attacker's to choose."""
    assert attacker.vk.circuit_id != breast_cancer.vk.circuit_id
    relabelled = zk.ProofBundle(
        breast_cancer.vk.circuit_id,
        attacker.bundle.context,
        attacker.bundle.public_inputs,
        attacker.bundle.proof,
    )
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, relabelled)


def test_private_parameters_of_ezkl_bind_no_model(tmp_path, breast_cancer):
    """Why hidden weights are refused: under ezkl's 'private' two models share one key."""
    keys = []
    for name, onnx_bytes in (
        ("a", CARD.onnx_bytes()),
        ("b", with_other_weights(CARD.onnx_bytes())),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.onnx").write_bytes(onnx_bytes)
        code = f"""
import ezkl, json, sys
a = ezkl.PyRunArgs()
a.input_visibility, a.output_visibility, a.param_visibility = "private", "public", "private"
a.input_scale = a.param_scale = 7
a.decomp_base, a.decomp_legs, a.logrows = 128, 4, 12
d = {str(folder)!r}
ezkl.gen_settings(d + "/model.onnx", d + "/s", py_run_args=a)
s = json.load(open(d + "/s")); s["required_range_checks"].sort(); json.dump(s, open(d + "/s", "w"))
ezkl.compile_circuit(d + "/model.onnx", d + "/c", d + "/s")
ezkl.setup(d + "/c", d + "/vk", d + "/pk", {str(zk.unsafe_test_srs().file(12))!r})
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
        keys.append((folder / "vk").read_bytes())
    assert keys[0] == keys[1]


def test_the_context_is_bound(breast_cancer):
    bundle = breast_cancer.bundle
    zk.verify(breast_cancer.vk, bundle, context=bundle.context)
    with pytest.raises(zk.ContextMismatch):
        zk.verify(breast_cancer.vk, bundle, context=bytes(32))
    moved = zk.ProofBundle(bundle.circuit_id, bytes(32), bundle.public_inputs, bundle.proof)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, moved, context=bytes(32))
    for wrong in (b"short", bytes(33), "0" * 32):
        with pytest.raises(zk.ContextInvalid):
            zk.prove(breast_cancer.pk, breast_cancer.x, context=wrong)


def test_a_public_input_is_shown_and_bound(public_input):
    values = public_input.bundle.values(public_input.vk.statement)
    scale = 2.0**public_input.vk.statement.input_scale_bits
    assert np.array_equal(values.inputs[0], np.rint(public_input.x * scale) / scale)
    assert len(public_input.bundle.public_inputs) == 32


def test_the_hidden_input_is_not_in_the_bundle(breast_cancer, public_input):
    assert len(breast_cancer.bundle.public_inputs) == 2
    hidden = breast_cancer.bundle.to_bytes()
    shown = public_input.bundle.public_inputs[:30]
    nonzero = [value.to_bytes(32, "big") for value in shown if value]
    assert not any(value in hidden for value in nonzero)


def test_two_proofs_of_one_witness_differ(breast_cancer):
    again = zk.prove(breast_cancer.pk, breast_cancer.x, context=breast_cancer.bundle.context)
    assert again.public_inputs == breast_cancer.bundle.public_inputs
    words = shared_words(*map(without_sign_counts, (again.proof, breast_cancer.bundle.proof)))
    assert words == {bytes(32)}


def without_sign_counts(proof):
    """Cut the commitments to the counts of signs out, one a column: they are blurred, not hidden
    (docs/threat-model.md), so those of two proofs are the same now and then."""
    return proof[: 18 * 32] + proof[24 * 32 :]


def shared_words(*proofs):
    """Points and evaluations alike: the aligned words that stand in all proofs."""
    words = [{proof[i : i + 32] for i in range(0, len(proof), 32)} for proof in proofs]
    return set.intersection(*words)


def test_without_the_salt_a_guessed_input_could_be_confirmed(breast_cancer, monkeypatch):
    """What the salt stops: commitments that are the same whenever the input is."""
    monkeypatch.setattr("zkinfer._ezkl._backend.draw_salt", lambda magnitude: [0] * 64)
    proofs = [zk.prove(breast_cancer.pk, breast_cancer.x).proof for _ in range(2)]
    other = zk.prove(breast_cancer.pk, CARD.samples().x[1]).proof
    assert len(shared_words(*proofs)) > 4
    assert shared_words(*proofs, other) == {bytes(32)}


def test_it_works_in_a_thread_and_in_a_running_event_loop(breast_cancer):
    results = []

    def prove():
        results.append(zk.prove(breast_cancer.pk, breast_cancer.x))

    thread = threading.Thread(target=prove)
    thread.start()

    async def in_loop():
        return zk.prove(breast_cancer.pk, breast_cancer.x)

    results.append(asyncio.run(in_loop()))
    thread.join()
    for bundle in results:
        zk.verify(breast_cancer.vk, bundle, context=bytes(32))


def test_progress_tells_stages_and_other_threads_run_meanwhile(breast_cancer):
    steps, ticks, done = [], [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.01)

    ticker = threading.Thread(target=tick)
    ticker.start()
    zk.prove(breast_cancer.pk, breast_cancer.x, on_progress=steps.append)
    done.set()
    ticker.join()
    assert [s.stage for s in steps if s.stage == "proving"]
    assert steps[-1].done == 1.0
    assert steps[-1].peak_mb > 10
    assert all(0 <= s.done <= 1 and s.eta_s >= 0 for s in steps)
    assert max(b - a for a, b in itertools.pairwise(ticks)) < 0.5


def test_keys_survive_the_disk(breast_cancer, tmp_path):
    breast_cancer.pk.save(tmp_path / "proving.key")
    breast_cancer.vk.save(tmp_path / "verifying.key")
    pk = zk.ProvingKey.load(tmp_path / "proving.key", allow_unsafe_srs=True)
    vk = zk.VerifyingKey.load(tmp_path / "verifying.key", allow_unsafe_srs=True)
    assert vk == breast_cancer.vk
    zk.prove(pk, breast_cancer.x).save(tmp_path / "out.zkp")
    bundle = zk.ProofBundle.load(tmp_path / "out.zkp")
    zk.verify(vk, bundle)
    assert np.array_equal(bundle.values(vk.statement).outputs, breast_cancer.bundle.outputs)


def test_the_backends_death_is_our_error(breast_cancer, monkeypatch, tmp_path):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr("zkinfer._ezkl._process._WORKER", crash)
    with pytest.raises(zk.BackendCrashed, match="ended"):
        zk.prove(breast_cancer.pk, breast_cancer.x)


def test_a_job_that_cannot_fit_is_refused_before_it_starts(breast_cancer, monkeypatch):
    monkeypatch.setattr("zkinfer._ezkl._candidates.Cost.peak_mb", 1e9)
    with pytest.raises(zk.NotEnoughMemory) as caught:
        zk.prove(breast_cancer.pk, breast_cancer.x)
    assert caught.value.needed_mb == 1e9


def test_an_unreachable_accuracy_is_refused_with_the_figure():
    with pytest.raises(zk.AccuracyUnreachable, match="largest error"):
        compile_with(max_error=1e-9)


def test_no_witness_outlives_the_proof(breast_cancer, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    zk.prove(breast_cancer.pk, breast_cancer.x)
    assert list(tmp_path.iterdir()) == []
