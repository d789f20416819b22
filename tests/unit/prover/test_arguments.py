"""Arguments outside their domain are the caller's mistakes, and named."""

import numpy as np
import pytest

import zkinfer as zk
from zkinfer_models import model

CARD = model("breast-cancer")
VISIBILITIES = {"inputs": "hidden", "weights": "public", "outputs": "public"}


def compile_with(source=None, calibration=None, **changes):
    data = CARD.samples().calibration if calibration is None else calibration
    return zk.compile(
        CARD.onnx_bytes() if source is None else source, calibration=data, **VISIBILITIES, **changes
    )


@pytest.mark.parametrize("bits", [0, -3, 7.5, 25, "7", True])
def test_scale_bits(bits):
    with pytest.raises(zk.ArgumentInvalid, match="scale_bits"):
        compile_with(scale_bits=bits)


@pytest.mark.parametrize("error", [0, -1.0, float("nan"), float("inf")])
def test_max_error(error):
    with pytest.raises(zk.ArgumentInvalid, match="max_error"):
        compile_with(max_error=error)


def test_backend():
    with pytest.raises(zk.ArgumentInvalid, match="backend"):
        compile_with(backend="abacus")


def test_model():
    with pytest.raises(TypeError, match="torch module"):
        compile_with(source=object())


@pytest.mark.parametrize(
    ("calibration", "word"),
    [
        ([[1, 2], [3]], "array of numbers"),
        ([], "no samples"),
        (np.zeros((3, 29), np.float32), "shape"),
        (np.full((3, 30), np.nan, np.float32), "sample 0"),
    ],
)
def test_calibration(calibration, word):
    with pytest.raises(zk.CalibrationInvalid, match=word):
        compile_with(calibration=calibration)


def test_input(breast_cancer):
    with pytest.raises(zk.InputTypeMismatch):
        zk.prove(breast_cancer.pk, [[1, 2], [3]])
    with pytest.raises(zk.InputTypeMismatch):
        breast_cancer.circuit.run(["a"] * 30, mode="float")


def test_circuit_id(breast_cancer):
    with pytest.raises(zk.ArgumentInvalid, match="32 bytes"):
        zk.verify(breast_cancer.vk, breast_cancer.bundle, circuit_id=b"xx")


def test_what_fits_no_calldata(breast_cancer):
    chain = zk.chain.embedded()
    for address in ("", "zzz", "0x1234", "0x" + "g" * 40):
        with pytest.raises(zk.ArgumentInvalid, match="address"):
            chain.at(address, breast_cancer.vk.circuit_id)
    deployed = chain.at("0x" + "11" * 20, breast_cancer.vk.circuit_id)
    for public_inputs, context in (((-1,), bytes(32)), ((1 << 256,), bytes(32)), ((1,), b"short")):
        with pytest.raises(zk.ArgumentInvalid):
            deployed.verify_statement(b"", public_inputs, context)
    with pytest.raises(zk.NoContractCode):
        deployed.verify(breast_cancer.bundle)
