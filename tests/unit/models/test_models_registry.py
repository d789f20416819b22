"""The shipped models: whole, small, as accurate as they should be, and importable without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import zkinfer_models as zm
from zkinfer_models.train.mnist_data import checked

FIXTURES = Path(__file__).parents[2] / "fixtures"
LEAST = {
    "breast-cancer": 0.96,
    "digits-cnn": 0.98,
    "perceptron": 0.97,
    "mlp-784": 0.97,
    "lenet5": 0.985,
}
CARDS = zm.models()


def answers(card: zm.ModelCard, rows: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        card.onnx_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return np.stack([session.run(None, {"x": row[None]})[0][0] for row in rows])


def test_ids() -> None:
    assert [card.id for card in CARDS] == list(LEAST)
    # What tests prove for all small models takes seconds each; the demo's default is the first.
    assert [card.id for card in CARDS if card.small] == list(LEAST)[:3]
    for card in CARDS:
        assert zm.model(card.id) is card
    with pytest.raises(LookupError, match=r"no shipped model 'x'.*breast-cancer, digits-cnn"):
        zm.model("x")


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_accuracy_on_held_out_rows(card: zm.ModelCard) -> None:
    samples = card.samples()
    rows = answers(card, samples.x)
    assert np.mean(np.argmax(rows, 1) == samples.y) >= LEAST[card.id]
    assert np.abs(rows).max() < 32


@pytest.mark.parametrize("id", ["mlp-784", "lenet5"])
def test_accuracy_on_all_test_images(id: str) -> None:
    card = zm.model(id)
    samples = card.full_test_set()
    if samples is None:
        pytest.skip("MNIST is not here: make data")
    assert samples.x.shape == (10_000, *card.input_shape[1:])
    correct = np.argmax(answers(card, samples.x), 1) == samples.y
    assert np.mean(correct) >= {"mlp-784": 0.985, "lenet5": 0.992}[id]
    # The images that ship are among them.
    shipped = card.samples()
    assert np.array_equal(samples.x[:9_900:33], shipped.x)
    assert np.array_equal(samples.y[:9_900:33], shipped.y)


def test_only_part_of_mnist_ships(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZKINFER_DATA_DIR", str(tmp_path))
    assert all(card.full_test_set() is None for card in CARDS)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0" * 7_840_016)
    with pytest.raises(ValueError, match="make data"):
        zm.model("lenet5").full_test_set()
    assert zm.model("digits-cnn").full_test_set() is None
    a, b = (zm.model(id).samples().x for id in ("mlp-784", "lenet5"))
    assert np.array_equal(a.reshape(b.shape), b)


def test_the_data_are_pinned() -> None:
    with pytest.raises(ValueError, match=r"3 bytes, expected 4"):
        checked("t10k-labels-idx1-ubyte", 4, b"abc")
    with pytest.raises(ValueError, match="sha256"):
        checked("t10k-labels-idx1-ubyte", 3, b"abc")


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_samples(card: zm.ModelCard) -> None:
    s = card.samples()
    assert s.x.dtype == s.calibration.dtype == np.float32
    assert s.x.shape[1:] == s.calibration.shape[1:] == card.input_shape[1:]
    assert (len(s.calibration), s.y.dtype, len(s.x)) == (100, np.int64, len(s.y))
    assert np.isfinite(s.x).all()
    assert set(s.y.tolist()) == set(range(len(card.classes)))
    assert card.samples_path.stat().st_size < 300_000
    # Held out: no row of the calibration, which is training data, is among them.
    held = {row.tobytes() for row in s.x}
    assert not held & {row.tobytes() for row in s.calibration}
    if card.id in ("breast-cancer", "perceptron"):
        assert s.mean is not None
        assert s.std is not None
        assert s.mean.shape == s.std.shape == card.input_shape[1:]
    else:
        assert s.mean is None
        assert s.std is None
        assert 0 <= s.x.min() <= s.x.max() <= 1


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.id)
def test_file_has_the_shape_and_parameters_that_the_card_says(card: zm.ModelCard) -> None:
    data = card.onnx_bytes()
    if card.id in ("breast-cancer", "digits-cnn"):
        assert data == (FIXTURES / f"{card.id}.torchscript.onnx").read_bytes()
    made = onnx.load_from_string(data)
    assert sum(int(np.prod(t.dims)) for t in made.graph.initializer) == card.parameters
    assert made.opset_import[0].version == 17
    dims = made.graph.input[0].type.tensor_type.shape.dim
    assert tuple(d.dim_value for d in dims) == card.input_shape


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
    if card.dataset == "mnist" and card.full_test_set() is None:
        pytest.skip("MNIST is not here: make data")
    module = f"zkinfer_models.train.{card.id.replace('-', '_')}"
    env = {**os.environ, "PYTHONPATH": str(Path(zm.__file__).parents[1])}
    command = [sys.executable, "-m", module, "--out", str(tmp_path)]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    with np.load(tmp_path / "samples.npz") as made, np.load(card.samples_path) as shipped:
        assert sorted(made) == sorted(shipped)
        for name in shipped:
            assert made[name].dtype == shipped[name].dtype
            np.testing.assert_allclose(made[name], shipped[name], rtol=1e-5, atol=1e-6)
    # Another processor sums in another order, and training magnifies that: on this one the
    # weights come out the same to the bit, elsewhere the answers have to.
    x = card.samples().x
    given = []
    for data in ((tmp_path / "model.onnx").read_bytes(), card.onnx_bytes()):
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        given.append([int(session.run(None, {"x": row[None]})[0].argmax()) for row in x])
    assert np.mean(np.equal(*given)) >= 0.97
