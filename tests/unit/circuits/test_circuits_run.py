"""Inputs, the floating-point run, the context, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import zkinfer_circuits as z

FIXTURES = Path(__file__).parents[2] / "fixtures"
MODEL = z.load_model(FIXTURES / "breast-cancer.torchscript.onnx")


def test_input_shapes() -> None:
    x = np.linspace(-1, 1, 30, dtype=np.float32)
    whole = z.run_float(MODEL, x.reshape(1, 30))
    assert whole.shape == MODEL.output_shape
    np.testing.assert_array_equal(whole, z.run_float(MODEL, x))
    np.testing.assert_array_equal(whole, z.run_float(MODEL, x.tolist()))
    for shape in ((1, 1, 30), (30, 1), (2, 15), (1, 29), (2, 30)):
        with pytest.raises(z.InputShapeMismatch) as e:
            z.check_input(MODEL, np.resize(x, shape))
        assert (e.value.expected, e.value.got) == ((1, 30), shape)
    with pytest.raises(z.InputShapeMismatch):
        z.check_input(MODEL, [[1.0, 2.0], [3.0]])


def test_a_flat_image_is_refused() -> None:
    digits = z.load_model(FIXTURES / "digits-cnn.torchscript.onnx")
    assert z.check_input(digits, np.zeros((1, 8, 8))).shape == (1, 1, 8, 8)
    with pytest.raises(z.InputShapeMismatch):
        z.check_input(digits, np.zeros(64))


@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e39, "inf")]
)
def test_input_not_finite(value: float, kind: str) -> None:
    x = np.zeros((1, 30))
    x[0, 7] = value
    with pytest.raises(z.InputNotFinite) as e:
        z.check_input(MODEL, x)
    assert (e.value.index, e.value.kind) == ((0, 7), kind)


@pytest.mark.parametrize("dtype", [np.complex64, np.bool_, np.str_, object])
def test_input_of_other_things_than_numbers(dtype: type) -> None:
    with pytest.raises(z.InputTypeMismatch):
        z.check_input(MODEL, np.zeros((1, 30)).astype(dtype))


def test_the_checked_input_is_a_copy_with_one_zero() -> None:
    x = -np.zeros((1, 30), np.float32)
    checked = z.check_input(MODEL, x)
    assert not np.shares_memory(x, checked)
    assert not np.signbit(checked).any()


@pytest.mark.parametrize("expose", [False, True])
def test_context_passes_through(expose: bool) -> None:
    data = z.with_public_tensors(MODEL, limbs=11, expose_input=expose)
    assert data == z.with_public_tensors(MODEL, limbs=11, expose_input=expose)
    made = onnx.load_from_string(data)
    onnx.checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    assert names == ["x_out"] * expose + ["y", "context_out"]
    assert [i.name for i in session.get_inputs()] == ["x", "context"]
    x = np.linspace(-1, 1, 30, dtype=np.float32).reshape(1, 30)
    context = np.arange(11, dtype=np.float32).reshape(1, 11)
    made_values = dict(zip(names, session.run(None, {"x": x, "context": context}), strict=True))
    np.testing.assert_array_equal(made_values["context_out"], context)
    np.testing.assert_allclose(made_values["y"], z.run_float(MODEL, x), rtol=1e-5)
    if expose:
        np.testing.assert_array_equal(made_values["x_out"], x)


@pytest.mark.parametrize("limbs", [0, -1, 1025, 1.5])
def test_context_of_no_size(limbs: int) -> None:
    with pytest.raises(ValueError, match="limbs"):
        z.with_public_tensors(MODEL, limbs=limbs, expose_input=False)


def test_nodes_of_the_context_have_no_tensor_as_namesake() -> None:
    # The reader of ezkl takes inputs for nodes: a node called "x" clashes with input "x".
    made = onnx.load_from_string(z.with_public_tensors(MODEL, limbs=1, expose_input=True))
    assert not {n.name for n in made.graph.node} & {i.name for i in made.graph.input}


def test_importing_needs_neither_onnx_nor_onnxruntime_nor_torch() -> None:
    script = (
        "import sys, zkinfer_circuits\n"
        "print(sorted({'onnx', 'onnxruntime', 'torch', 'ezkl', 'google'} & set(sys.modules)))"
    )
    env = {"PYTHONPATH": str(Path(z.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True)
    assert done.stdout.strip() == b"[]"


def test_torch_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(z.TorchMissing) as e:
        z.export_torch(object(), np.zeros((1, 3)))
    assert isinstance(e.value, ImportError)
    assert (e.value.exit_status, e.value.package) == (3, "torch")


def test_the_door_is_the_whole_door() -> None:
    public = {n for n in dir(z) if not n.startswith("_")}
    modules = {n for n in public if type(getattr(z, n)).__name__ == "module"}
    assert sorted(public - modules) == sorted(z.__all__)
    assert not modules
