"""One tiny network for each operator, as PyTorch exports it, against what PyTorch computes."""

from pathlib import Path

import numpy as np
import pytest

import zkinfer_circuits as z

FOLDER = Path(__file__).parents[2] / "fixtures" / "torch"
NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))
INDICES = {"argmax"}
SCORES = {"softmax-last"}
# An argument below its domain may be as near as the error of what comes before.
UNBOUNDED = {"sqrt"}


@pytest.fixture(scope="module")
def samples():
    with np.load(FOLDER / "samples.npz") as data:
        return dict(data)


def test_each_network_has_samples(samples):
    assert {name.split("/")[0] for name in samples} == set(NAMES)
    assert len(NAMES) > 70


@pytest.mark.parametrize("name", sorted(set(NAMES) - INDICES - SCORES))
def test_the_program_is_within_its_bound_of_pytorch(samples, name):
    network = z.load_model(FOLDER / f"{name}.onnx")
    x, y = samples[f"{name}/x"], samples[f"{name}/y"]
    compiled = z.compile_program(network, x[:32])
    program = compiled.program
    assert program.output_shape == y.shape[1:]
    made, refused = program.run_each(program.quantize(x))
    assert not refused
    off = np.abs(program.dequantize(made) - y).max()
    assert off <= compiled.errors[-1] + 1e-5
    assert off <= 0.03 * max(np.ptp(y), np.abs(y).max())
    assert np.isfinite(compiled.errors[-1]) or name in UNBOUNDED


def test_the_index_is_pytorchs_unless_two_scores_are_close(samples):
    x, y = samples["argmax/x"], samples["argmax/y"]
    compiled = z.compile_program(z.load_model(FOLDER / "argmax.onnx"), x)
    program = compiled.program
    made = program.run(program.quantize(x))
    two = np.sort(x.reshape(len(x), -1), axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2 * float(np.max(program.scales[0]))
    assert clear.sum() > 30
    assert (made.reshape(-1) == y.reshape(-1))[clear].all()


def test_a_last_softmax_is_left_out_and_said_so(samples):
    x, y = samples["softmax-last/x"], samples["softmax-last/y"]
    program = z.compile_program(z.load_model(FOLDER / "softmax-last.onnx"), x).program
    assert any("Softmax" in note for note in program.notes)
    scores = program.dequantize(program.run(program.quantize(x)))
    e = np.exp(scores)
    assert np.abs(e / e.sum(axis=-1, keepdims=True) - y).max() < 0.02
