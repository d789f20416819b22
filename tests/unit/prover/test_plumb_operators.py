"""One tiny network of each operator climbs from ONNX floats to a verified proof by Plumb.

What Plumb has no proof of is listed, so that a change shows.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zkinfer as zk
from tests.fixtures.operators import REFUSED_BY_PLUMB as REFUSED
from tests.fixtures.operators import operator_networks
from zkinfer import _field
from zkinfer._plumb._layout import Layout
from zkinfer_circuits import LayoutUnsupported, UnsupportedGraph

FIXTURES = Path(__file__).parents[2] / "fixtures"
SKLEARN = FIXTURES / "sklearn"
TORCH = FIXTURES / "torch"
SAMPLES = 8
# Test parameters of more powers take long to make.
MOST_LOG_ROWS = 12


NETWORKS = {name: model.SerializeToString() for name, (model, _) in operator_networks().items()}
SHAPES = {name: x.shape for name, (_, x) in operator_networks().items()}
# {network: (operation of its program, node)}.
REFUSED_OF_TORCH = {
    "attention": ("MatMul", "node_matmul"),
    "layer-norm": ("Product", "node_layer_norm"),
    "matmul-computed": ("MatMul", "node_matmul"),
    "mul-computed": ("Product", "node_mul"),
    "softmax": ("Lookup", "node_softmax"),
}
SUPPORTED = [name for name in NETWORKS if name not in REFUSED]
# Their inputs or outputs have another order in a proof than in their tensor.
MOVED = ("ReduceMax", "Shape/scale", "Transpose/image")
# Second spellings whose layouts are of another kind; of the others only the layout is run.
PROVEN = {
    *MOVED,
    *("Conv/grouped", "Conv/dilated", "MaxPool/padded", "AveragePool/padded", "Pad/value"),
    *("MatMul/weights first", "MatMul/batched weights", "Gather/inner axis"),
    *("Add/two computed operands", "Mul/two computed operands", "Split/one part"),
    *(name for name in SUPPORTED if "/" not in name),
}
OF_TORCH = sorted(path.stem for path in TORCH.glob("*.onnx"))


def compiled(onnx, rows, *, inputs="hidden", weights="hidden"):
    return zk.compile(
        onnx,
        calibration=rows,
        inputs=inputs,
        weights=weights,
        outputs="public",
        backend="plumb",
        optimize="time",
    )


def uniform(seed, shape):
    return np.random.default_rng(seed).uniform(-1, 1, (SAMPLES, *shape)).astype(np.float32)


def rungs(circuit, rows):
    """Return what the program computes, in integers, once the layout has said the same."""
    program = circuit.program.program
    given = program.quantize(rows.reshape(-1, *program.input_shape))
    made = program.run(given)
    reference = circuit.run(rows, mode="reference")
    assert np.array_equal(reference, program.dequantize(made).reshape(reference.shape))
    assert np.array_equal(circuit.run(rows, mode="mock"), reference)
    return made


def prove_one(circuit, rows, integers):
    """Prove the first of some rows, whose outputs as integers are given."""
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    bundle = zk.prove(pk, rows[0])
    values = bundle.values(vk.statement)
    assert np.array_equal(values.output_integers, integers[0])
    assert np.array_equal(bundle.outputs, circuit.run(rows[0], mode="mock"))
    if values.inputs is not None:
        program = circuit.program.program
        x = program.quantize(rows[:1].reshape(1, *program.input_shape))
        assert np.array_equal(values.inputs, (x * circuit.statement.input_unit)[0])
    zk.verify(vk, bundle)
    first, *rest = bundle.public_inputs
    with pytest.raises(zk.ProofInvalid):
        zk.verify(vk, replace(bundle, public_inputs=((first + 1) % _field.R, *rest)))


@pytest.mark.parametrize("name", SUPPORTED)
def test_an_operator_climbs_to_a_verified_proof(name):
    # In turn; public inputs where these have an order.
    choices = [("public", "public"), ("hidden", "public"), ("public", "hidden")]
    inputs, weights = choices[SUPPORTED.index(name) % 3] if name not in MOVED else choices[0]
    rows = uniform(1, SHAPES[name])
    circuit = compiled(NETWORKS[name], rows, inputs=inputs, weights=weights)
    integers = rungs(circuit, rows)
    assert circuit.calibration.logrows <= MOST_LOG_ROWS
    if name in PROVEN:
        prove_one(circuit, rows, integers)


@pytest.mark.parametrize("name", REFUSED)
def test_an_operator_without_a_proof_is_refused_by_name(name):
    with pytest.raises(LayoutUnsupported) as e:
        compiled(NETWORKS[name], uniform(1, SHAPES[name]))
    assert (e.value.op, e.value.node) == REFUSED[name]
    assert REFUSED[name][1] in str(e.value)


def test_some_proofs_have_another_order_than_their_tensors():
    """Else the tests here say little of orders."""
    moved = set()
    assert set(MOVED) <= PROVEN
    for name in MOVED:
        circuit = compiled(NETWORKS[name], uniform(1, SHAPES[name]), inputs="public")
        layout = Layout.from_bytes(circuit.statement, circuit.backend_settings)
        moved |= {k for k in ("input_order", "output_order") if getattr(layout, k)}
    assert moved == {"input_order", "output_order"}


# As PyTorch exports them: their layouts, without proofs.


@pytest.fixture(scope="module")
def torch_samples():
    with np.load(TORCH / "samples.npz") as data:
        return {name: data[name] for name in data.files if name.endswith("/x")}


@pytest.mark.parametrize("name", OF_TORCH)
def test_a_network_of_pytorch_has_an_exact_layout(name, torch_samples):
    rows = torch_samples[f"{name}/x"][: 2 * SAMPLES]
    onnx = (TORCH / f"{name}.onnx").read_bytes()
    if name in REFUSED_OF_TORCH:
        with pytest.raises(LayoutUnsupported) as e:
            compiled(onnx, rows)
        assert (e.value.op, e.value.node) == REFUSED_OF_TORCH[name]
    else:
        rungs(compiled(onnx, rows), rows)


# Models of scikit-learn.

FITTED = [
    *sorted(path.relative_to(SKLEARN) for path in SKLEARN.glob("*.onnx")),
    *sorted(path.relative_to(SKLEARN) for path in SKLEARN.glob("regressors/*.onnx")),
]
WITHOUT_SCORES = {"svc-poly.onnx", "svc-three.onnx"}
INEXACT = {"regressors/svr-rbf.onnx"}
# Of more rows than parameters are made for here.
LARGE = {"forest-two.onnx", "svc-rbf.onnx"}


@pytest.mark.parametrize("path", FITTED, ids=str)
def test_a_model_of_scikit_learn_climbs_to_a_verified_proof(path):
    onnx = (SKLEARN / path).read_bytes()
    if str(path) in WITHOUT_SCORES:
        with pytest.raises(UnsupportedGraph):
            compiled(onnx, np.zeros((1, 4), np.float32))
        return
    with np.load((SKLEARN / path).parent / "expected.npz") as data:
        rows = data[f"{path.stem}.x"].astype(np.float32)
    if str(path) in INEXACT:
        with pytest.raises(zk.AccuracyUnreachable):
            compiled(onnx, rows)
        return
    circuit = compiled(onnx, rows, weights="hidden" if "mlp" in path.stem else "public")
    integers = rungs(circuit, rows[:16])
    assert (circuit.calibration.logrows > MOST_LOG_ROWS) == (str(path) in LARGE)
    if str(path) not in LARGE:
        prove_one(circuit, rows, integers)
