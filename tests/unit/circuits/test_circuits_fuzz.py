"""Damaged files: a model or one of our errors, nothing else, and soon."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import zkinfer_circuits as z

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = [path.read_bytes() for path in sorted(FIXTURES.glob("*.onnx"))]

few = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def loads_or_refuses(data: bytes) -> None:
    start = time.monotonic()
    try:
        model = z.load_model(data)
    except z.ZkinferError as e:
        if "\n" in str(e):
            pytest.fail(f"more than one line: {e}")
    else:
        # Whatever was let in is whole: its own normal form, again.
        if z.load_model(model.onnx).onnx != model.onnx:
            pytest.fail("a normal form that is not its own normal form")
    if time.monotonic() - start > 5:
        pytest.fail("took more than five seconds")


def structure(file: bytes) -> list[int]:
    """Return positions outside the weights, where damage reaches more than a number."""
    return [i for i in range(len(file)) if file[max(0, i - 8) : i + 8].isascii()]


@few
@given(file=st.sampled_from(FILES), data=st.data())
def test_truncated(file: bytes, data: st.DataObject) -> None:
    loads_or_refuses(file[: data.draw(st.integers(0, len(file)))])


@few
@given(file=st.sampled_from(FILES), data=st.data())
def test_flipped_bits(file: bytes, data: st.DataObject) -> None:
    places = st.one_of(st.integers(0, len(file) - 1), st.sampled_from(structure(file)))
    flips = st.lists(st.tuples(places, st.integers(0, 7)), min_size=1, max_size=6)
    damaged = bytearray(file)
    for place, bit in data.draw(flips):
        damaged[place] ^= 1 << bit
    loads_or_refuses(bytes(damaged))


@few
@given(file=st.sampled_from(FILES), data=st.data())
def test_bytes_cut_out_doubled_or_replaced(file: bytes, data: st.DataObject) -> None:
    a = data.draw(st.integers(0, len(file)))
    b = data.draw(st.integers(a, min(len(file), a + 64)))
    put = data.draw(st.one_of(st.binary(max_size=16), st.just(file[a:b] * 2)))
    loads_or_refuses(file[:a] + put + file[b:])


@few
@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    loads_or_refuses(data)


def network(op: str, shape: list[int], **attributes: Any) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w"][: 1 + (op == "ConvTranspose")], ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_regression_global_pool_without_spatial_axes() -> None:
    """Found by fuzzing: an empty list of axes was written, which ONNX has no type for."""
    loads_or_refuses(network("GlobalAveragePool", [1, 4]).SerializeToString())


def test_regression_a_large_dimension_beside_one_of_zero() -> None:
    """Found by fuzzing: no element, and yet more than numpy's arrays may be told of."""
    made = network("Relu", [1, 4])
    made.graph.initializer.add(name="w", data_type=7, dims=[0, 2**63 - 1], raw_data=b"")
    with pytest.raises(z.ModelTooLarge):
        z.load_model(made.SerializeToString())


def test_regression_an_output_shape_smaller_than_the_input() -> None:
    """Found by fuzzing: the shape inferred from it has fewer dimensions than the input."""
    made = network("ConvTranspose", [1, 1, 4, 4], output_shape=[5, 2], strides=[2, 2])
    made.graph.initializer.add(name="w", data_type=1, dims=[1, 1, 1, 1], float_data=[1.0])
    with pytest.raises(z.UnsupportedGraph, match="2 dimensions"):
        z.load_model(made.SerializeToString())
