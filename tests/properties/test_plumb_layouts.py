"""Whatever the network: the core runs its layout as the executor runs its program."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import zkinfer_circuits as z
import zkinfer_core as core
from tests.fixtures import networks
from tests.fixtures import plumb_layouts as plumb
from tests.fixtures.examples import many
from tests.reference.plumb.descriptor import Descriptor
from tests.unit.circuits.test_plumb_layout import integers, spatial
from tests.unit.circuits.test_plumb_maxima import pool_and_windows
from tests.unit.core.networks import srs
from zkinfer_circuits._plumb import layout_program

FIXTURES = Path(__file__).parents[1] / "fixtures"
DEEP = 20


def may_refuse(program, values, sample):
    """Return whether a layout may refuse an input that the program takes.

    It may where an activation is the least of all, -2^(K-1): maxima of signed numbers, and
    functions whose value there has K + 1 bits, have no proof of it.
    """
    least = -(1 << program.width - 1)
    return any((v[sample] == least).any() for v in values.values())


def check(data):
    network = data.draw(networks.networks())
    calibration = data.draw(networks.data_for(network.input_shape))
    width = data.draw(st.sampled_from([None, 4, 5, 6, 8, 10, 12]))
    output = data.draw(st.sampled_from(["scores"] * 4 + ["top1", 0.5]))
    weights = data.draw(st.sampled_from(["hidden", "public"]))
    inputs = data.draw(st.sampled_from(["hidden", "committed", "public"]))
    batch = data.draw(st.sampled_from([1, 1, 2, 3]))
    gas_worth = data.draw(st.sampled_from([0.0, 3e-6, 2e-5]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    try:
        model = z.load_model(network.proto.SerializeToString())
        program = z.compile_program(model, calibration, width=width, output=output).program
        circuit = layout_program(
            program, inputs=inputs, weights=weights, batch=batch, gas_worth=gas_worth
        )
    except (z.UnsupportedGraph, z.AccumulatorTooWide, z.AccuracyUnreachable, z.LayoutUnsupported):
        assume(False)
    x = networks.inputs_for(np.random.default_rng(seed), calibration, network.input_shape)
    x = program.quantize(x)[: max(6 // batch, 1) * batch]
    x = np.concatenate([x] * batch)[: len(x) // batch * batch or batch]
    values = {}
    y, refused = program.run_each(x, values.__setitem__)
    found = plumb.run(circuit, x.reshape(-1, batch, int(np.prod(program.input_shape))))
    for i, made in enumerate(found):
        of_run = range(i * batch, (i + 1) * batch)
        if any(k in refused for k in of_run):
            assert made is None
        elif made is None:
            assert any(may_refuse(program, values, k) for k in of_run)
        else:
            np.testing.assert_array_equal(made, y[list(of_run)].reshape(batch, -1))


@many(100)
@given(data=st.data())
def test_layouts_run_as_programs_do(data):
    check(data)


@pytest.mark.deep
@many(100 * DEEP)
@given(data=st.data())
def test_many_layouts_run_as_programs_do(data):
    check(data)


FOLDERS = [FIXTURES / "torch", FIXTURES / "sklearn", FIXTURES / "sklearn" / "regressors"]
# Operations of whose programs Plumb has no proof.
WITHOUT = {"attention", "layer-norm", "matmul-computed", "mul-computed", "softmax"}


@pytest.fixture(scope="module")
def samples():
    found = {}
    with np.load(FOLDERS[0] / "samples.npz") as data:
        found[FOLDERS[0]] = {name[:-2]: data[name] for name in data if name.endswith("/x")}
    for folder in FOLDERS[1:]:
        with np.load(folder / "expected.npz") as data:
            found[folder] = {name[:-2]: data[name] for name in data if name.endswith(".x")}
    return found


FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.onnx"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_each_operator_and_each_estimator_has_a_layout(samples, path):
    try:
        model = z.load_model(path)
    except z.UnsupportedGraph:
        assert path.stem in ("svc-three", "svc-poly")
        return
    x = samples[path.parent][path.stem].reshape(-1, *model.input_shape)
    program = z.compile_program(model, x, max_error=1.0).program
    if path.stem in WITHOUT or (math.prod(program.output_shape) > 1 and path.stem == "argmax"):
        with pytest.raises(z.LayoutUnsupported):
            layout_program(program, inputs="hidden", weights="hidden")
        return
    circuit = layout_program(program, inputs="hidden", weights="hidden")
    x = program.quantize(x)[:5]
    wanted = program.run(x)
    for made, each in zip(plumb.run(circuit, x.reshape(len(x), 1, -1)), wanted, strict=True):
        assert made is not None
        np.testing.assert_array_equal(made[0], each.reshape(-1))
    # A layout that needs more is one that went wrong; some are written out as matrices.
    written_out = path.stem in ("max-pool-padded", "pad-reflect", "conv-transpose2d")
    assert circuit.cost.weights < (1 << 17 if written_out else 1 << 14)


# Depthwise windows and sums over them, views of views, guards, indices, several look-ups.
PROVED = ["max-pool", "conv2d-depthwise", "prelu", "log", "argmax", "concat", "linear-tokens"]


@pytest.mark.parametrize("name", PROVED)
def test_proofs_of_layouts_convince_and_are_as_long_as_said(samples, name):
    x = samples[FOLDERS[0]][name]
    model = z.load_model(FOLDERS[0] / f"{name}.onnx")
    program = z.compile_program(model, x, max_error=10.0, width=8).program
    convinces(program, program.quantize(x)[:2])


def test_a_proof_of_a_dense_layer_as_a_window_convinces():
    program = spatial(4, 5, 5, 63)
    circuit = convinces(program, integers(2, *program.input_shape))
    maps = Descriptor.from_bytes(circuit.descriptor).layers[-1].maps
    assert [m.kernel for m in maps] in ([[5, 5]], [[5, 4], [5, 1]])


def test_a_proof_of_maxima_in_cells_of_their_own_convinces():
    program, _, _ = pool_and_windows("2x2", "behind")
    x = integers(2, *program.input_shape)
    assert convinces(program, x, 3e-6).cost.cells > convinces(program, x).cost.cells


def convinces(program, x, gas_worth=0.0):
    """Prove two runs of a program; return the layout."""
    circuit = layout_program(
        program, inputs="hidden", weights="hidden", batch=2, gas_worth=gas_worth
    )
    powers = srs(circuit.cost.log_rows)
    key = core.setup(powers, circuit.descriptor, circuit.weights)
    given = x.reshape(2, -1)[:, circuit.input_order].reshape(-1)
    proof, public = core.prove(powers, key, given, bytes(32))
    core.verify(key.verifying_key(), proof, public, bytes(32))
    assert len(proof) == circuit.cost.proof_bytes
    wanted = program.run(x).reshape(2, -1)[:, circuit.output_order].reshape(-1)
    modulus = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
    assert [int(v) % modulus for v in wanted] == public[-wanted.size :]
    return circuit
