"""What many tests share: one real circuit with its keys and a proof, made once per run."""

import os
from pathlib import Path

import pytest

import zkinfer as zk
from zkinfer_models import model

CONTEXT = bytes(range(32))


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory):
    """Keep the tests' universal parameters out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("ZKINFER_CACHE_DIR")
    os.environ["ZKINFER_CACHE_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ZKINFER_CACHE_DIR"]
    else:
        os.environ["ZKINFER_CACHE_DIR"] = before


class Proven:
    """A circuit with everything that follows from it (no dataclass: hypothesis would print it)."""

    def __init__(self, circuit, pk, vk, x, bundle):
        self.circuit = circuit
        self.pk = pk
        self.vk = vk
        self.x = x
        self.bundle = bundle


def proven(onnx, samples, *, inputs="hidden", weights="public", backend="ezkl", context=CONTEXT):
    circuit = zk.compile(
        onnx,
        calibration=samples.calibration,
        inputs=inputs,
        weights=weights,
        outputs="public",
        backend=backend,
    )
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    x = samples.x[0]
    return Proven(circuit, pk, vk, x, zk.prove(pk, x, context=context))


def with_other_weights(onnx_bytes):
    """Return the same network with its last weights shifted."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    other = onnx.ModelProto.FromString(onnx_bytes)
    last = other.graph.initializer[-1]
    weights = numpy_helper.to_array(last) + np.float32(0.25)
    last.CopyFrom(numpy_helper.from_array(weights, last.name))
    return other.SerializeToString()


@pytest.fixture(scope="session")
def breast_cancer():
    """The shipped breast-cancer model, hidden input, proven."""
    card = model("breast-cancer")
    return proven(card.onnx_bytes(), card.samples())


@pytest.fixture(scope="session")
def attacker():
    """A circuit of the attacker's: the same network with other weights, proven."""
    card = model("breast-cancer")
    return proven(with_other_weights(card.onnx_bytes()), card.samples())


@pytest.fixture(scope="session")
def public_input():
    """The breast-cancer model with a public input, proven."""
    card = model("breast-cancer")
    return proven(card.onnx_bytes(), card.samples(), inputs="public")


def _plumb(onnx=None, **visibilities):
    card = model("breast-cancer")
    return proven(onnx or card.onnx_bytes(), card.samples(), backend="plumb", **visibilities)


@pytest.fixture(scope="session")
def plumb():
    """The breast-cancer model by Plumb, everything hidden but the output, proven."""
    return _plumb(weights="hidden")


@pytest.fixture(scope="session")
def plumb_public():
    """The breast-cancer model by Plumb, everything public, proven."""
    return _plumb(inputs="public")


@pytest.fixture(scope="session")
def plumb_attacker():
    """The attacker's circuit by Plumb: the same network with other weights, hidden, proven."""
    return _plumb(with_other_weights(model("breast-cancer").onnx_bytes()), weights="hidden")


@pytest.fixture(scope="session")
def srs_folder():
    """The folder with real ceremonies' files, or None."""
    folder = os.environ.get("ZKINFER_SRS_DIR")
    return None if folder is None else Path(folder)


def pytest_addoption(parser):
    parser.addoption(
        "--update-snapshots", action="store_true", help="write tests/golden/snapshots.json anew"
    )
