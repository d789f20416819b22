"""A7: values at import that no circuit can hold (all of them: tests/unit/circuits)."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer as zk
from zkinfer_circuits import compile_program, load_model
from zkinfer_models import model

HIDDEN = {"inputs": "hidden", "weights": "public", "outputs": "public"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(value):
    card = model("breast-cancer")
    poisoned = onnx.ModelProto.FromString(card.onnx_bytes())
    last = poisoned.graph.initializer[-1]
    weights = numpy_helper.to_array(last).copy()
    weights.flat[0] = value
    last.CopyFrom(numpy_helper.from_array(weights, last.name))
    with pytest.raises(zk.NonFiniteWeight) as caught:
        zk.compile(
            poisoned.SerializeToString(), calibration=card.samples().calibration[:4], **HIDDEN
        )
    assert last.name in str(caught.value)


def test_an_input_that_is_no_number_is_refused(breast_cancer):
    x = np.array(breast_cancer.x, dtype=np.float32)
    x.flat[0] = np.nan
    with pytest.raises(zk.InputNotFinite):
        zk.prove(breast_cancer.pk, x)


def with_constant(nodes, constants):
    """Return the bytes of a model of six inputs."""
    graph = helper.make_graph(
        [
            helper.make_node(op, [*inputs], ["y" if name == "last" else name], name=name, **more)
            for op, inputs, name, more in nodes
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 6))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_attribute_that_is_no_number_is_refused_by_name(value):
    data = with_constant([("LeakyRelu", ["x"], "last", {"alpha": value})], {})
    with pytest.raises(zk.NonFiniteWeight, match=r"last\.alpha"):
        load_model(data)


@pytest.mark.parametrize("value", [16_777_217, -16_777_217, 2**63 - 1, -(2**63) + 1])
def test_an_integer_that_float32_does_not_hold_is_refused_by_name(value):
    nodes = [("Cast", ["k"], "cast", {"to": TensorProto.FLOAT}), ("Add", ["x", "cast"], "last", {})]
    with pytest.raises(zk.ValueDoesNotFit, match="node 'cast'") as caught:
        load_model(with_constant(nodes, {"k": np.int64(value)}))
    assert caught.value.value == value
    fits = load_model(with_constant(nodes, {"k": np.int64(16_777_216)}))
    assert fits.operators == (("Add", 1),)


@pytest.mark.parametrize("value", [-(2**63), -(2**31), 2**31])
def test_the_least_integer_as_a_size_is_refused_by_name(value):
    nodes = [("Reshape", ["x", "s"], "last", {})]
    with pytest.raises(zk.ValueDoesNotFit) as caught:
        load_model(with_constant(nodes, {"s": np.array([1, value])}))
    assert "last" in str(caught.value)
    assert caught.value.value == value


def of_zero(kind, zero):
    """Return the bytes of a model in which one number is this zero."""
    weights = np.arange(24, dtype=np.float32).reshape(6, 4) / 24
    weights[2] = zero
    zeros = np.full((1, 6), zero, np.float32)
    nodes, constants = {
        "a weight": ([("MatMul", ["x", "w"], "last", {})], {"w": weights}),
        "a bias": ([("Add", ["x", "c"], "last", {})], {"c": zeros}),
        "an attribute": ([("LeakyRelu", ["x"], "last", {"alpha": float(zero)})], {}),
        "a factor": (
            [("Gemm", ["x", "w", "b"], "last", {"beta": float(zero)})],
            {"w": weights, "b": np.ones(4, np.float32)},
        ),
        "a bound": ([("Clip", ["x", "c"], "last", {})], {"c": zeros[0, 0]}),
        "a border": (
            [("Pad", ["x", "p", "c"], "last", {})],
            {"p": np.array([0, 1, 0, 1]), "c": zeros[0, 0]},
        ),
        "what constants make": (
            [("Neg", ["c"], "neg", {}), ("Add", ["x", "neg"], "last", {})],
            {"c": zeros},
        ),
        "64 bits": (
            [
                ("Cast", ["c"], "cast", {"to": TensorProto.FLOAT}),
                ("Add", ["x", "cast"], "last", {}),
            ],
            {"c": zeros.astype(np.float64)},
        ),
    }[kind]
    return with_constant(nodes, constants)


ZEROS = (
    *("a weight", "a bias", "an attribute", "a factor", "a bound", "a border"),
    *("what constants make", "64 bits"),
)


def bits(value):
    """Return every number of a program, as bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(bits(v) for v in value)
    if hasattr(value, "__slots__"):
        return type(value).__name__, *(bits(getattr(value, name)) for name in value.__slots__)
    return repr(value)


@pytest.mark.parametrize("kind", ZEROS)
def test_minus_zero_is_zero_and_makes_the_same_model_and_program(kind):
    data = [of_zero(kind, np.float32(zero)) for zero in (0.0, -0.0)]
    assert data[0] != data[1]
    plus, minus = (load_model(d) for d in data)
    assert plus.onnx == minus.onnx
    rows = np.random.default_rng(0).uniform(-1, 1, (16, 1, 6)).astype(np.float32)
    rows[0, 0, 0] = 0
    negated = rows.copy()
    negated[0, 0, 0] = -0.0
    programs = [
        compile_program(plus, rows).program,
        compile_program(minus, rows).program,
        compile_program(minus, negated).program,
    ]
    assert bits(programs[0]) == bits(programs[1]) == bits(programs[2])
