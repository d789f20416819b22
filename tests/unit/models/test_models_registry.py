"""The shipped models: whole, small, as accurate as they should be, and importable without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import zkinfer_models as zm

FIXTURES = Path(__file__).parents[2] / "fixtures"
LEAST = {"breast-cancer": 0.96, "digits-cnn": 0.98}
CARDS = zm.models()


def test_ids() -> None:
    assert [card.id for card in CARDS] == sorted(LEAST)
    for card in CARDS:
        assert zm.model(card.id) is card
    with pytest.raises(LookupError, match=r"no shipped model 'x'.*breast-cancer, digits-cnn"):
        zm.model("x")


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_accuracy_on_held_out_rows(card: zm.ModelCard) -> None:
    samples = card.samples()
    session = onnxruntime.InferenceSession(card.onnx_bytes(), providers=["CPUExecutionProvider"])
    rows = [session.run(None, {"x": row[None]})[0][0] for row in samples.x]
    assert np.mean(np.argmax(rows, 1) == samples.y) >= LEAST[card.id]
    assert np.abs(rows).max() < 32


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_samples(card: zm.ModelCard) -> None:
    s = card.samples()
    assert s.x.dtype == s.calibration.dtype == np.float32
    assert s.x.shape[1:] == s.calibration.shape[1:]
    assert (len(s.calibration), s.y.dtype, len(s.x)) == (100, np.int64, len(s.y))
    assert np.isfinite(s.x).all()
    assert set(s.y.tolist()) == set(range(len(card.classes)))
    assert card.samples_path.stat().st_size < 300_000
    # Held out: no row of the calibration, which is training data, is among them.
    held = {row.tobytes() for row in s.x}
    assert not held & {row.tobytes() for row in s.calibration}
    if card.id == "breast-cancer":
        assert s.mean is not None
        assert s.std is not None
        assert s.mean.shape == s.std.shape == (30,)
    else:
        assert s.mean is None
        assert s.std is None
        assert 0 <= s.x.min() <= s.x.max() <= 1


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_file_is_the_fixture_and_has_the_parameters_it_says(card: zm.ModelCard) -> None:
    data = card.onnx_bytes()
    assert data == (FIXTURES / f"{card.id}.torchscript.onnx").read_bytes()
    made = onnx.load_from_string(data)
    assert sum(int(np.prod(t.dims)) for t in made.graph.initializer) == card.parameters
    assert made.opset_import[0].version == 17


def test_importing_needs_no_torch() -> None:
    script = (
        "import sys, zkinfer_models\nprint(sorted({'torch', 'onnx', 'sklearn'} & set(sys.modules)))"
    )
    env = {"PYTHONPATH": str(Path(zm.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True)
    assert done.stdout.strip() == b"[]"


@pytest.mark.deep
@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_training_again_gives_the_shipped_model(card: zm.ModelCard, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    pytest.importorskip("sklearn")
    module = f"zkinfer_models.train.{card.id.replace('-', '_')}"
    env = {**os.environ, "PYTHONPATH": str(Path(zm.__file__).parents[1])}
    command = [sys.executable, "-m", module, "--out", str(tmp_path)]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    with np.load(tmp_path / "samples.npz") as made, np.load(card.samples_path) as shipped:
        assert sorted(made) == sorted(shipped)
        for name in shipped:
            np.testing.assert_allclose(made[name], shipped[name], rtol=1e-5, atol=1e-6)
    # Another processor sums in another order, and training magnifies that: on this one the
    # weights come out the same to the bit, elsewhere the answers have to.
    x = card.samples().x
    answers = []
    for data in ((tmp_path / "model.onnx").read_bytes(), card.onnx_bytes()):
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        answers.append([int(session.run(None, {"x": row[None]})[0].argmax()) for row in x])
    assert np.mean(np.equal(*answers)) >= 0.97
