"""One network, one spelling; and the numbers stay what they were."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from tests.fixtures.operators import operator_networks

FIXTURES = Path(__file__).parents[2] / "fixtures"
NAMES = ("breast-cancer", "digits-cnn")


NETWORKS = operator_networks()


def run(data: bytes, x: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def build(nodes: list[Any], constants: dict[str, Any], shape: Any, opset: int = 17) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True)
    return bytes(inferred.SerializeToString())


@pytest.mark.parametrize("name", NAMES)
def test_both_exporters_give_the_same_bytes(name: str) -> None:
    a = z.load_model(FIXTURES / f"{name}.torchscript.onnx")
    b = z.load_model(FIXTURES / f"{name}.dynamo.onnx")
    assert a.onnx == b.onnx
    assert a.nodes == b.nodes
    assert a.origins != b.origins


def test_normal_form_is_fixed_across_processes_and_versions_of_this_package() -> None:
    script = (
        "import sys,hashlib,zkinfer_circuits as z\n"
        "print(hashlib.sha256(z.load_model(sys.argv[1]).onnx).hexdigest())"
    )
    for name in NAMES:
        path = FIXTURES / f"{name}.torchscript.onnx"
        digests = set()
        for seed in ("1", "2"):
            env = {
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(z.__file__).parents[1]),
            }
            command = [sys.executable, "-c", script, str(path)]
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            digests.add(done.stdout.strip())
        assert digests == {hashlib.sha256(z.load_model(path).onnx).hexdigest()}


@pytest.mark.parametrize("name", NAMES)
def test_normal_form_of_a_normal_form_is_itself(name: str) -> None:
    model = z.load_model(FIXTURES / f"{name}.dynamo.onnx")
    assert z.load_model(model.onnx).onnx == model.onnx


def test_facts_of_the_digits_network() -> None:
    model = z.load_model(FIXTURES / "digits-cnn.torchscript.onnx")
    assert (model.input_shape, model.output_shape) == ((1, 1, 8, 8), (1, 10))
    assert model.parameters == 80 + 876 + 490
    assert model.macs == 8 * 16 * 9 + 12 * 4 * 72 + 48 * 10
    assert model.operators == (("Conv", 2), ("Gemm", 1), ("Relu", 2), ("Reshape", 1))
    assert model.nodes == ("n0", "n1", "n2", "n3", "n4", "n5")
    assert model.node_names["n0"] == "/0/Conv"
    assert pickle.loads(pickle.dumps(model)) == model
    made = onnx.ModelProto.FromString(model.onnx)
    assert (made.graph.input[0].name, made.graph.output[0].name) == ("x", "y")
    assert (made.opset_import[0].version, made.ir_version) == (17, 8)


def test_every_listed_operator_has_a_network() -> None:
    assert {name.partition("/")[0] for name in NETWORKS} == {o.name for o in z.SUPPORTED}
    assert [o.name for o in z.SUPPORTED] == sorted(o.name for o in z.SUPPORTED)


@pytest.mark.parametrize("name", NETWORKS)
def test_normal_form_computes_the_same(name: str) -> None:
    made, x = NETWORKS[name]
    data = made.SerializeToString()
    model = z.load_model(data)
    expected = run(data, x)
    found = z.run_float(model, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == expected.dtype == model.output_dtype
    assert model.output_shape == expected.shape
    assert z.load_model(model.onnx).onnx == model.onnx


def node(op: str, inputs: list[str], outputs: list[str] | None = None, **kw: Any) -> Any:
    return helper.make_node(op, inputs, outputs or ["y"], **kw)


ints = lambda *v: np.array(v, dtype=np.int64)  # noqa: E731

# Each row: the same network as written in one operator set, and in another.
SPELLINGS: dict[str, tuple[bytes, bytes]] = {
    "squeeze": (
        build([node("Relu", ["x"], ["r"]), node("Squeeze", ["r"], axes=[1])], {}, (2, 1, 3), 11),
        build(
            [node("Relu", ["x"], ["r"]), node("Squeeze", ["r", "a"])],
            {"a": ints(-2)},
            (2, 1, 3),
            21,
        ),
    ),
    "unsqueeze": (
        build([node("Relu", ["x"], ["r"]), node("Unsqueeze", ["r"], axes=[0])], {}, (2, 3), 11),
        build(
            [node("Relu", ["x"], ["r"]), node("Reshape", ["r", "s"])],
            {"s": ints(1, 2, -1)},
            (2, 3),
            14,
        ),
    ),
    "clip": (
        build([node("Clip", ["x"], min=-1.0, max=6.0)], {}, (1, 3), 9),
        build(
            [node("Clip", ["x", "l", "h"])], {"l": np.float32(-1), "h": np.float32(6)}, (1, 3), 13
        ),
    ),
    "pad": (
        build([node("Pad", ["x"], pads=[0, 1, 0, 2])], {}, (1, 3), 10),
        build([node("Pad", ["x", "p", "", "a"])], {"p": ints(1, 2), "a": ints(-1)}, (1, 3), 18),
    ),
    "slice": (
        build([node("Slice", ["x"], starts=[1], ends=[2**31 - 1], axes=[1])], {}, (1, 5), 9),
        build(
            [node("Slice", ["x", "s", "e", "a"])],
            {"s": ints(-4), "e": ints(2**63 - 1), "a": ints(-1)},
            (1, 5),
        ),
    ),
    "mean": (
        build([node("ReduceMean", ["x"], axes=[-1], keepdims=0)], {}, (1, 2, 4), 11),
        build([node("ReduceMean", ["x", "a"], keepdims=0)], {"a": ints(2)}, (1, 2, 4), 18),
    ),
    "sum": (
        build([node("ReduceSum", ["x"], axes=[2, 1])], {}, (1, 2, 4), 11),
        build([node("ReduceSum", ["x", "a"])], {"a": ints(1, 2)}, (1, 2, 4), 13),
    ),
    "softmax": (
        build([node("Softmax", ["x"])], {}, (1, 4), 11),
        build([node("Softmax", ["x"])], {}, (1, 4), 13),
    ),
    "dropout": (
        build([node("Relu", ["x"], ["r"]), node("Dropout", ["r"], ratio=0.3)], {}, (1, 4), 9),
        build(
            [node("Relu", ["x"], ["r"]), node("Dropout", ["r", "p"])],
            {"p": np.float32(0.9)},
            (1, 4),
            22,
        ),
    ),
    "same padding": (
        build(
            [node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2])],
            {"w": np.ones((1, 1, 3), "f4")},
            (1, 1, 6),
        ),
        build(
            [node("Conv", ["x", "w"], pads=[0, 1], strides=[2])],
            {"w": np.ones((1, 1, 3), "f4")},
            (1, 1, 6),
            22,
        ),
    ),
    "same padding, lower": (
        build(
            [node("Conv", ["x", "w"], auto_pad="SAME_LOWER", strides=[2])],
            {"w": np.ones((1, 1, 3), "f4")},
            (1, 1, 6),
        ),
        build(
            [node("Conv", ["x", "w"], pads=[1, 0], strides=[2])],
            {"w": np.ones((1, 1, 3), "f4")},
            (1, 1, 6),
        ),
    ),
    "order and names": (
        build(
            [node("Relu", ["x"], ["a"]), node("Tanh", ["x"], ["b"]), node("Sub", ["a", "b"])],
            {},
            (1, 4),
        ),
        build(
            [
                node("Tanh", ["x"], ["q"]),
                node("Sigmoid", ["x"], ["dead"]),
                node("Relu", ["x"], ["p"]),
                node("Sub", ["p", "q"]),
            ],
            {"unused": np.ones(3, "f4")},
            (1, 4),
        ),
    ),
    "shared constant": (
        build(
            [node("Add", ["x", "c"], ["a"]), node("Mul", ["c", "a"])],
            {"c": np.full(4, 2, "f4")},
            (1, 4),
        ),
        build(
            [node("Add", ["c", "x"], ["a"]), node("Mul", ["a", "d"])],
            {"c": np.full(4, 2, "f4"), "d": np.full(4, 2, "f4")},
            (1, 4),
        ),
    ),
    "folded weights": (
        build(
            [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"])],
            {"w": np.arange(6, dtype="f4").reshape(2, 3)},
            (1, 3),
        ),
        build(
            [node("Gemm", ["x", "w"], transB=1)],
            {"w": np.arange(6, dtype="f4").reshape(2, 3)},
            (1, 3),
        ),
    ),
    "global average": (
        build([node("GlobalAveragePool", ["x"])], {}, (1, 2, 3, 3)),
        build([node("ReduceMean", ["x", "a"])], {"a": ints(-1, -2)}, (1, 2, 3, 3), 18),
    ),
    "constant node": (
        build([node("Constant", [], ["c"], value_float=2.0), node("Mul", ["x", "c"])], {}, (1, 4)),
        build([node("Mul", ["x", "c"])], {"c": np.float32(2)}, (1, 4), 9),
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_one_network(name: str) -> None:
    a, b = SPELLINGS[name]
    one, other = z.load_model(a), z.load_model(b)
    assert one.onnx == other.onnx
    x = np.random.default_rng(1).uniform(-1, 1, one.input_shape).astype(np.float32)
    expected = run(a, x)
    np.testing.assert_allclose(run(b, x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(z.run_float(one, x), expected, rtol=1e-5, atol=1e-6)


def test_softmax_of_old_operator_sets_over_several_dimensions() -> None:
    old = build([node("Softmax", ["x"], axis=1)], {}, (2, 3, 4), 11)
    new = build([node("Softmax", ["x"], axis=1)], {}, (2, 3, 4), 13)
    x = np.random.default_rng(1).uniform(-1, 1, (2, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(z.run_float(z.load_model(old), x), run(old, x), rtol=1e-5)
    np.testing.assert_allclose(z.run_float(z.load_model(new), x), run(new, x), rtol=1e-5)
    assert z.load_model(old).onnx != z.load_model(new).onnx


def test_different_weights_give_different_bytes() -> None:
    made = onnx.load(FIXTURES / "breast-cancer.torchscript.onnx")
    t = made.graph.initializer[0]
    t.raw_data = bytes([t.raw_data[0] ^ 1]) + t.raw_data[1:]
    changed = z.load_model(made.SerializeToString())
    assert changed.onnx != z.load_model(FIXTURES / "breast-cancer.torchscript.onnx").onnx


def test_padding_a_maximum_is_fine_after_relu() -> None:
    pool = node("MaxPool", ["r"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    data = build([node("Relu", ["x"], ["r"]), pool], {}, (1, 2, 6, 6))
    x = np.random.default_rng(1).uniform(-1, 1, (1, 2, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(z.run_float(z.load_model(data), x), run(data, x))
