"""Circuits by Plumb, proven, beside those of the whole suite."""

import pytest

import zkinfer as zk
from tests.conftest import proven
from zkinfer_models import model


@pytest.fixture(scope="session")
def digits():
    card = model("digits-cnn")
    return proven(card.onnx_bytes(), card.samples(), inputs="public", backend="plumb")


@pytest.fixture(scope="session")
def digits_hidden():
    card = model("digits-cnn")
    return proven(card.onnx_bytes(), card.samples(), weights="hidden", backend="plumb")


@pytest.fixture(scope="session")
def perceptron():
    card = model("perceptron")
    return proven(card.onnx_bytes(), card.samples(), weights="hidden", backend="plumb")


@pytest.fixture(scope="session")
def keys(plumb, tmp_path_factory):
    """Two more setups of the same circuit: (pk, vk) each."""
    return [zk.setup(plumb.circuit, srs=zk.unsafe_test_srs()) for _ in range(2)]


CASES = ("plumb", "plumb_public", "digits", "digits_hidden", "perceptron")


@pytest.fixture(params=CASES)
def case(request):
    return request.getfixturevalue(request.param)
