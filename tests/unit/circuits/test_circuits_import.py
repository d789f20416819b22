"""Every cause for which a model is refused, provoked from real bytes and files."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z

FIXTURES = Path(__file__).parents[2] / "fixtures"
DIGITS = (FIXTURES / "digits-cnn.torchscript.onnx").read_bytes()
INT64_MIN = -(2**63)


def model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any] | None = None,
    shape: Any = (1, 4),
    opset: int = 17,
    **more: Any,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", more.get("x_type", TensorProto.FLOAT), shape)],
        [helper.make_tensor_value_info("y", more.get("y_type", TensorProto.FLOAT), None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op: str, inputs: list[str], outputs: list[str] | None = None, **kw: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs or ["y"], name=kw.pop("name", op.lower()), **kw)


def load(made: onnx.ModelProto, **kw: Any) -> z.Model:
    return z.load_model(made.SerializeToString(), **kw)


RELU = [node("Relu", ["x"])]
ADD = [node("Add", ["x", "c"])]
C = np.ones(4, dtype=np.float32)


def test_a_path_and_its_bytes_give_the_same_model() -> None:
    path = FIXTURES / "digits-cnn.torchscript.onnx"
    assert z.load_model(path) == z.load_model(str(path)) == z.load_model(DIGITS)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(z.ModelNotFound, match="ZK101") as e:
        z.load_model(tmp_path / "no.onnx")
    assert isinstance(e.value, FileNotFoundError)
    assert e.value.path == str(tmp_path / "no.onnx")
    with pytest.raises(z.ModelNotFound):
        z.load_model(tmp_path)
    with pytest.raises(z.ModelNotFound):
        z.load_model("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(z.ModelNotFound, match="regular"):
        z.load_model(tmp_path / "pipe.onnx")


def test_too_many_bytes_are_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "sparse.onnx"
    with path.open("wb") as f:
        f.truncate(2**40)
    with pytest.raises(z.ModelTooLarge) as e:
        z.load_model(path)
    assert (e.value.size, e.value.limit) == (2**40, 512 * 2**20)
    with pytest.raises(z.ModelTooLarge):
        z.load_model(DIGITS, max_bytes=len(DIGITS) - 1)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x00" * 100, DIGITS[:-1], DIGITS[: len(DIGITS) // 2]]
)
def test_not_a_whole_model(data: bytes) -> None:
    with pytest.raises(z.ModelMalformed):
        z.load_model(data)


def test_deeply_nested_messages_end_in_an_error() -> None:
    inner = b""
    for _ in range(5000):
        # attribute (field 5 of a node) -> graph (field 6), each inside the other.
        for tag in (0x0A, 0x2A, 0x32):
            size, length = len(inner), b""
            while size >= 0x80:
                length += bytes([size & 0x7F | 0x80])
                size >>= 7
            inner = bytes([tag]) + length + bytes([size]) + inner
    with pytest.raises(z.ModelMalformed):
        z.load_model(inner)


def test_ir_version_of_the_future() -> None:
    made = model(RELU)
    made.ir_version = 10_000
    with pytest.raises(z.ModelMalformed, match="ir_version"):
        load(made)


@pytest.mark.parametrize("opset", [1, 8, 23, 2**40])
def test_opset_outside_the_range(opset: int) -> None:
    with pytest.raises(z.UnsupportedOpset) as e:
        load(model(RELU, opset=opset))
    assert (e.value.opset, e.value.lowest, e.value.highest) == (opset, 9, 22)


def test_no_opset_and_two_opsets() -> None:
    made = model(RELU)
    made.opset_import.append(helper.make_opsetid("ai.onnx", 18))
    with pytest.raises(z.UnsupportedOpset):
        load(made)
    del made.opset_import[:]
    with pytest.raises(z.UnsupportedOpset):
        load(made)


def test_every_unsupported_operator_is_listed() -> None:
    made = model(
        [
            node("Hardmax", ["x"], ["a"], name="first"),
            node("Relu", ["a"], ["b"]),
            helper.make_node("Relu", ["b"], ["c"], name="second", domain="com.microsoft"),
            helper.make_node("Einsum", ["c"], ["y"], equation="ij->ij"),
        ]
    )
    with pytest.raises(
        z.UnsupportedOperator, match=r"^ZK102 .*Hardmax \(opset 17\) at node 'first'"
    ) as e:
        load(made)
    assert e.value.nodes == (
        ("first", "Hardmax", 17),
        ("second", "com.microsoft.Relu", 17),
        ("Einsum#3", "Einsum", 17),
    )
    assert (e.value.op, e.value.node, e.value.opset) == ("Hardmax", "first", 17)
    assert "Einsum#3" in str(e.value)


def test_control_flow_is_an_unsupported_operator() -> None:
    branch = helper.make_graph(RELU, "b", [], [helper.make_tensor_value_info("y", 1, [1, 4])])
    made = model([node("If", ["c"], then_branch=branch, else_branch=branch)], {"c": np.array(True)})
    with pytest.raises(z.UnsupportedOperator):
        load(made)


def test_a_subgraph_in_a_supported_operator() -> None:
    made = model(RELU)
    made.graph.node[0].attribute.append(helper.make_attribute("g", made.graph))
    with pytest.raises(z.UnsupportedGraph, match="subgraph"):
        load(made)


def test_symbolic_batch_is_fixed_and_no_other_dimension() -> None:
    assert load(model(RELU, shape=("N", 4))).input_shape == (1, 4)
    three = load(model(RELU, shape=(None, 4)), batch=3)
    assert (three.input_shape, three.output_shape) == ((3, 4), (3, 4))
    with pytest.raises(z.DynamicShape) as e:
        load(model(RELU, shape=("N", "L")))
    assert (e.value.tensor, e.value.dims) == ("x", (1, "L"))
    for shape in ((1, 0), (-1, 4), (1, None), None):
        with pytest.raises(z.DynamicShape):
            load(model(RELU, shape=shape))
    with pytest.raises(ValueError, match="batch"):
        z.load_model(DIGITS, batch=0)


def test_shapes_that_the_file_claims_are_not_believed() -> None:
    made = model([node("Relu", ["x"], ["h"]), node("Tanh", ["h"])])
    made.graph.value_info.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [7, 7]))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [9]))
    assert load(made).output_shape == (1, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("how", ["raw", "listed", "constant", "value_float", "attribute"])
def test_non_finite_constants(value: float, how: str) -> None:
    bad = C.copy()
    bad[2] = value
    if how == "raw":
        made, index, tensor = model(ADD, {"c": bad}), (2,), "c"
    elif how == "listed":
        made, index, tensor = model(ADD), (2,), "c"
        made.graph.initializer.append(helper.make_tensor("c", TensorProto.FLOAT, [4], bad.tolist()))
    elif how == "constant":
        k = node("Constant", [], ["c"], name="k", value=numpy_helper.from_array(bad))
        made, index, tensor = model([k, *ADD]), (2,), "k"
    elif how == "value_float":
        k = node("Constant", [], ["c"], name="k", value_float=value)
        made, index, tensor = model([k, *ADD]), (0,), "k"
    else:
        made, index = model([node("LeakyRelu", ["x"], name="l", alpha=value)]), (0,)
        tensor = "l.alpha"
    with pytest.raises(z.NonFiniteWeight) as e:
        load(made)
    assert (e.value.tensor, e.value.index, e.value.kind) == (tensor, index, str(value))


def test_an_unused_initializer_is_checked_too() -> None:
    with pytest.raises(z.NonFiniteWeight):
        load(model(RELU, {"c": np.float32([np.nan])}))


def test_minus_zero_is_zero() -> None:
    plus, minus = np.zeros(4, np.float32), -np.zeros(4, np.float32)
    assert load(model(ADD, {"c": plus})).onnx == load(model(ADD, {"c": minus})).onnx


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("LeakyRelu", "alpha"),
        ("ThresholdedRelu", "alpha"),
        ("Elu", "alpha"),
        ("Selu", "gamma"),
        ("HardSigmoid", "beta"),
        ("Gemm", "alpha"),
        ("Gemm", "beta"),
    ],
)
def test_minus_zero_is_zero_in_attributes_too(op: str, name: str) -> None:
    operands = ["x", "w", "b"] if op == "Gemm" else ["x"]
    constants = {"w": np.ones((4, 2), np.float32), "b": np.ones(2, np.float32)}
    plus, minus = (
        load(model([node(op, operands, name="n", **{name: zero})], constants)).onnx
        for zero in (0.0, -0.0)
    )
    assert plus == minus


# --- external data


def external(folder: Path, location: str, data: bytes | None = None, **entries: str) -> Path:
    made = model(ADD, {"c": C})
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for k, v in {"location": location, **entries}.items():
        tensor.external_data.add(key=k, value=v)
    if data is not None:
        (folder / location).write_bytes(data)
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    inside = load(model(ADD, {"c": C}))
    assert z.load_model(external(tmp_path, "w", C.tobytes())).onnx == inside.onnx
    path = external(tmp_path, "w", b"skip" + C.tobytes() + b"more", offset="4", length="16")
    assert z.load_model(path).onnx == inside.onnx


@pytest.mark.parametrize(
    "location",
    ["../secret", "a/../../secret", "/etc/passwd", "C:\\secret", "\\\\host\\x", "..\\secret", ""],
)
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(C.tobytes())
    (tmp_path / "in").mkdir()
    with pytest.raises(z.ExternalDataRefused) as e:
        z.load_model(external(tmp_path / "in", location))
    assert (e.value.tensor, e.value.location) == ("c", location)


def test_external_data_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(C.tobytes())
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "w").symlink_to(tmp_path / "secret")
    with pytest.raises(z.ExternalDataRefused, match="link"):
        z.load_model(external(inner, "w"))


@pytest.mark.parametrize(
    "entries",
    [{"length": "17"}, {"offset": "-1"}, {"offset": "99"}, {"length": "x"}, {"length": "-1"}],
)
def test_external_data_of_a_wrong_size(tmp_path: Path, entries: dict[str, str]) -> None:
    with pytest.raises(z.ExternalDataRefused):
        z.load_model(external(tmp_path, "w", C.tobytes(), **entries))


def test_external_data_missing_a_folder_too_short_too_much_or_in_bytes(tmp_path: Path) -> None:
    path = external(tmp_path, "absent")
    with pytest.raises(z.ExternalDataRefused, match="does not exist"):
        z.load_model(path)
    with pytest.raises(z.ExternalDataRefused, match="bytes has no folder"):
        z.load_model(path.read_bytes())
    (tmp_path / "d").mkdir()
    with pytest.raises(z.ExternalDataRefused):
        z.load_model(external(tmp_path, "d"))
    with pytest.raises(z.ModelMalformed, match="elements"):
        z.load_model(external(tmp_path, "w", b"1234"))
    path = external(tmp_path, "w", bytes(10_000))
    with pytest.raises(z.ModelTooLarge):
        z.load_model(path, max_bytes=5_000)


def test_external_data_in_a_constant_node() -> None:
    made = model([node("Constant", [], ["c"], value=numpy_helper.from_array(C)), *ADD])
    made.graph.node[0].attribute[0].t.data_location = TensorProto.EXTERNAL
    with pytest.raises(z.ExternalDataRefused):
        load(made)


# --- types, graphs, sizes, values


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.complex64, np.str_])
def test_tensor_types(dtype: Any) -> None:
    with pytest.raises(z.UnsupportedTensorType) as e:
        load(
            model(
                ADD, {"c": np.ones(4).astype(dtype).astype(object if dtype is np.str_ else dtype)}
            )
        )
    assert e.value.tensor == "c"


def test_types_of_input_output_and_cast() -> None:
    for kw in ({"x_type": TensorProto.DOUBLE}, {"y_type": TensorProto.INT64}, {"x_type": 99}):
        with pytest.raises(z.UnsupportedTensorType):
            load(model(RELU, **kw))
    with pytest.raises(z.UnsupportedTensorType):
        load(
            model(
                [
                    node("Cast", ["x"], ["a"], to=TensorProto.FLOAT16),
                    node("Cast", ["a"], to=TensorProto.FLOAT, name="back"),
                ]
            )
        )


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("Identity", ["x"])], {}),
        ([node("Identity", ["c"])], {"c": C.reshape(1, 4)}),
        ([node("MatMul", ["c", "d"])], {"c": np.ones((2, 2), "f4"), "d": np.ones((2, 2), "f4")}),
        ([node("Div", ["x", "c"])], {"c": 0 * C}),
        ([node("Gemm", ["x", "x"], transB=1)], {}),
        ([node("Pad", ["x", "p"])], {"p": np.array([0, -1, 0, 1])}),
        ([node("Clip", ["x", "lo", "hi"])], {"lo": np.float32(2), "hi": np.float32(1)}),
        ([node("Clip", ["x", "m"]), node("Relu", ["x"], ["m"])][::-1], {}),
        ([node("Dropout", ["x", "r", "t"])], {"r": np.float32(0.5), "t": np.array(True)}),
        (
            [node("Slice", ["x", "s", "e", "a", "d"])],
            {"s": np.array([3]), "e": np.array([-9]), "a": np.array([1]), "d": np.array([-1])},
        ),
    ],
)
def test_supported_operators_in_unsupported_use(
    nodes: list[onnx.NodeProto], constants: dict[str, Any]
) -> None:
    with pytest.raises(z.UnsupportedGraph):
        load(model(nodes, constants))


@pytest.mark.parametrize(
    "n",
    [
        node("MaxPool", ["x"], kernel_shape=[2, 2], dilations=[2, 2]),
        node("MaxPool", ["x"], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1),
        node("MaxPool", ["x"], kernel_shape=[2, 2], strides=[0, 1]),
        node("MaxPool", ["x"], kernel_shape=[0, 2]),
        node("AveragePool", ["x"], kernel_shape=[2, 2], pads=[-1, 0, 0, 0]),
        node("AveragePool", ["x"], kernel_shape=[2, 2], pads=[2, 0, 0, 0]),
    ],
)
def test_windows_that_have_no_constraints(n: onnx.NodeProto) -> None:
    with pytest.raises(z.UnsupportedGraph):
        load(model([n], shape=(1, 1, 6, 6)))


def test_several_inputs_outputs_second_outputs_functions_sparse_training() -> None:
    made = model([node("Add", ["x", "x2"])])
    made.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, [1, 4]))
    with pytest.raises(z.UnsupportedGraph, match="2 inputs"):
        load(made)
    made = model(RELU)
    made.graph.output.append(made.graph.output[0])
    with pytest.raises(z.UnsupportedGraph, match="2 outputs"):
        load(made)
    made = model([node("Dropout", ["x"], ["d", "m"]), node("Relu", ["m"])])
    with pytest.raises((z.UnsupportedGraph, z.ModelMalformed)):
        load(made)
    made = model(RELU)
    made.functions.add(name="f", domain="d")
    with pytest.raises(z.UnsupportedGraph, match="function"):
        load(made)
    made = model(RELU)
    made.training_info.add()
    with pytest.raises(z.UnsupportedGraph, match="training"):
        load(made)
    made = model(RELU)
    made.graph.sparse_initializer.add()
    with pytest.raises(z.UnsupportedGraph, match="sparse"):
        load(made)


def test_an_initializer_that_is_listed_as_input_is_a_constant() -> None:
    made = model(ADD, {"c": C})
    made.graph.input.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, [4]))
    assert load(made).onnx == load(model(ADD, {"c": C})).onnx


@pytest.mark.parametrize("shape", [(1, 2**40), (1, 2**63 - 1, 4), (2**15, 2**15), (1,) * 9])
def test_huge_input(shape: tuple[int, ...]) -> None:
    with pytest.raises(z.ModelTooLarge):
        load(model(RELU, shape=shape))


def test_huge_tensors_on_the_way() -> None:
    nodes = [node("Pad", ["x", "p"], ["a"]), node("Pad", ["a", "p"], ["y"], name="again")]
    with pytest.raises(z.ModelTooLarge) as e:
        load(model(nodes, {"p": np.array([2**30, 2**30, 0, 0])}))
    assert "'a'" in str(e.value)
    made = model(ADD)
    made.graph.initializer.add(name="c", data_type=TensorProto.FLOAT, dims=[2**32, 2**32])
    with pytest.raises(z.ModelTooLarge):
        load(made)


def test_too_many_nodes_before_any_of_them_is_looked_at() -> None:
    nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"]) for i in range(10_001)]
    with pytest.raises(z.ModelTooLarge) as e:
        load(model(nodes))
    assert (e.value.what, e.value.size, e.value.limit) == ("nodes", 10_001, 10_000)


def test_a_chain_of_ten_thousand_nodes_needs_no_recursion() -> None:
    names = ["x", *(f"t{i}" for i in range(9_999)), "y"]
    nodes = [helper.make_node("Relu", [names[i]], [names[i + 1]]) for i in range(10_000)]
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    try:
        assert load(model(nodes)).operators == (("Relu", 10_000),)
    finally:
        sys.setrecursionlimit(before)


def cast_then_add(value: Any) -> onnx.ModelProto:
    nodes = [node("Cast", ["k"], ["c"], name="cast", to=TensorProto.FLOAT), *ADD]
    return model(nodes, {"k": value})


@pytest.mark.parametrize(
    "value", [np.int64(16_777_217), np.int32(16_777_217), np.int64(2**63 - 1), 0.1, 1e300, 1e-300]
)
def test_constants_that_lose_their_value_in_float32(value: Any) -> None:
    with pytest.raises(z.ValueDoesNotFit) as e:
        load(cast_then_add(np.asarray(value)))
    assert e.value.value == value
    assert e.value.target == "float32"
    assert "node 'cast'" in str(e.value)


def test_constants_that_fit() -> None:
    whole = load(model(ADD, {"c": np.float32(16_777_216)}))
    assert load(cast_then_add(np.int64(16_777_216))).onnx == whole.onnx
    assert load(cast_then_add(np.float64(16_777_216))).onnx == whole.onnx


def test_int64_min_as_a_size() -> None:
    with pytest.raises(z.ValueDoesNotFit) as e:
        load(model([node("Reshape", ["x", "s"])], {"s": np.array([1, INT64_MIN])}))
    assert e.value.value == INT64_MIN
    with pytest.raises(z.ValueDoesNotFit):
        load(model([node("Flatten", ["x"], axis=INT64_MIN)]))
    with pytest.raises(z.ValueDoesNotFit):
        load(model([node("ReduceSum", ["x", "a"])], {"a": np.array([INT64_MIN])}))


def test_data_of_a_wrong_length_or_given_twice() -> None:
    for change in ("dims", "raw", "twice", "negative"):
        made = model(ADD, {"c": C})
        t = made.graph.initializer[0]
        if change == "dims":
            t.dims[0] = 5
        elif change == "raw":
            t.raw_data = t.raw_data[:-1]
        elif change == "twice":
            t.float_data.append(1)
        else:
            t.dims[0] = -4
        with pytest.raises(z.ModelMalformed):
            load(made)


# --- the errors themselves


def each_error() -> list[z.ZkinferError]:
    return [
        z.ModelNotFound("m.onnx"),
        z.UnsupportedOperator([("/n", "Sin", 17)] * 30),
        z.ModelMalformed("r", place="p"),
        z.ModelTooLarge("bytes", size=10**5000, limit=1),
        z.UnsupportedOpset(5, lowest=9, highest=22),
        z.DynamicShape("x", ("N", 4)),
        z.NonFiniteWeight("w", index=(0,), kind="nan"),
        z.ExternalDataRefused("w", location="/x", reason="is absolute"),
        z.UnsupportedTensorType("w", found="STRING"),
        z.UnsupportedGraph("r"),
        z.ValueDoesNotFit(1, target="float32"),
        z.ExportFailed("r"),
        z.AccumulatorTooWide(70, place="node 'n'"),
        z.LayoutUnsupported(op="Product", node="n", reason="no proof of it"),
        z.AccuracyUnreachable("the largest error is 1, allowed 0.1"),
        z.TorchMissing("torch"),
        z.InputShapeMismatch(expected=(1, 2), got=None),
        z.InputNotFinite(index=(0, 0), kind="nan"),
        z.InputOutOfRange(layer="n", value=1000, low=-512, high=511),
        z.InputTypeMismatch(found="<U1"),
    ]


def tree(cls: type[z.ZkinferError]) -> set[type[z.ZkinferError]]:
    return {cls}.union(*(tree(sub) for sub in cls.__subclasses__()))


@pytest.mark.parametrize("error", each_error(), ids=lambda e: type(e).__name__)
def test_an_error_is_one_line_a_builtin_and_crosses_processes(error: z.ZkinferError) -> None:
    text = str(error)
    assert text.startswith(f"{error.code} {error.title}")
    assert "\n" not in text
    assert len(text) < 3000
    assert error.fix in text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == text
    assert again.__dict__ == error.__dict__
    builtins = (ValueError, TypeError, OSError, RuntimeError, ImportError)
    assert isinstance(error, builtins)
    assert error.exit_status == (3 if isinstance(error, z.TorchMissing) else 2)


def test_codes_are_unique_and_every_class_is_tried_here() -> None:
    # The other packages hang their own branches on the tree.
    ours = [c for c in tree(z.ZkinferError) if c.__module__.startswith("zkinfer_circuits")]
    assert len({c.code for c in ours}) == len(ours)
    abstract = {z.ZkinferError, z.ModelRefused, z.InputRefused}
    assert {type(e) for e in each_error()} == set(ours) - abstract


def test_hostile_names_cannot_forge_lines() -> None:
    made = model([node("Hardmax", ["x"], name="a\nZK000 all good\x1b[2J\u202e")])
    with pytest.raises(z.UnsupportedOperator) as e:
        load(made)
    assert str(e.value).isprintable()
    assert str(e.value.node).isprintable()


def test_a_tensor_made_twice_is_refused_at_once() -> None:
    """The fuzzer found a file of this kind on which the onnx checker alone took two seconds."""
    made = model([node("Relu", ["x"], name="a"), node("Tanh", ["x"], name="b")])
    with pytest.raises(z.ModelMalformed, match="made by 2 nodes"):
        load(made)
