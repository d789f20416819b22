"""Whatever the network, its program means what the network means, within the bounds that it states.

Networks, weights, calibration data and inputs are drawn at random, extreme ones among them, and run
by three engines: the program on integers, ONNX's own reference in float64, and onnxruntime.
"""

import dataclasses
import itertools
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import zkinfer_circuits as z
from tests.fixtures import networks
from tests.fixtures.examples import many
from zkinfer_circuits import _program
from zkinfer_circuits._program._integer import Affine, Divide, InverseSqrt
from zkinfer_circuits._program._lower import lower
from zkinfer_circuits._program._maps import Conv, Dense
from zkinfer_circuits._program._real import Apply, Input, Linear, Normalize
from zkinfer_circuits._program._record import Quantization
from zkinfer_circuits._program._shared import MatMul
from zkinfer_models import model as shipped

DEEP = 10
WIDTHS = st.sampled_from([None, None, 4, 5, 6, 8, 12, 16])
OUTPUTS = st.sampled_from(["scores"] * 6 + ["top1", 0.5])


def loaded(network):
    try:
        return z.load_model(network.proto.SerializeToString())
    except z.UnsupportedGraph:
        # Folded to a constant, or cut off from the input.
        assume(False)


def compiled_or_refused(network, data, width, output="scores"):
    """Return the model and its compiled program; refusals end the example."""
    model = loaded(network)
    try:
        return model, z.compile_program(model, data, width=width, output=output)
    except (z.UnsupportedGraph, z.AccumulatorTooWide, z.AccuracyUnreachable):
        assume(False)


def run(program, x):
    """Return the integers of every node, and the errors of the samples that were refused."""
    found = {}
    _, refused = program.run_each(x, found.__setitem__)
    return found, refused


def run_real(real, x):
    found = {}
    with np.errstate(all="ignore"):
        real.run(x, found.__setitem__)
    return found


def largest(values):
    return float(np.abs(values).max(initial=0.0))


def assert_within_bounds(compiled, integers, real, kept):
    """Assert that every node is as near to the real program as is proven of it."""
    program = compiled.program
    assert not np.isnan(compiled.errors).any()
    for position, made in enumerate(compiled.real_nodes):
        wanted = real[position][kept]
        bound = compiled.errors[made]
        if kept and np.isfinite(bound):
            off = largest(integers[made][kept] * program.scales[made] - wanted)
            # The slack is float64's own.
            assert off <= bound * (1 + 1e-9) + 1e-12 * largest(wanted), (
                compiled.real.nodes[position].op,
                program.nodes[made].op,
            )


def assert_within_ranges(program, integers):
    for i, values in integers.items():
        low, high = program.ranges[i]
        assert low <= values.min(), program.nodes[i].op
        assert values.max() <= high, program.nodes[i].op
        assert values.shape[1:] == program.nodes[i].shape
        assert values.dtype == np.int64


def same(a, b):
    """Return whether two programs, or parts of them, are the same to the last bit."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(v, w) for v, w in zip(a, b, strict=True))
    if dataclasses.is_dataclass(a):
        fields = [f.name for f in dataclasses.fields(a)]
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in fields)
    return type(a) is type(b) and a == b


# What the program means.


def check_a_program(network, data, seed, width, output):
    _, compiled = compiled_or_refused(network, data, width, output)
    program = compiled.program
    x = networks.inputs_for(np.random.default_rng(seed), data, network.input_shape)
    integers, refused = run(program, program.quantize(x))
    kept = [i for i in range(len(x)) if i not in refused]
    real = run_real(compiled.real, x)
    assert_within_ranges(program, integers)
    assert_within_bounds(compiled, integers, real, kept)
    if output != "scores":
        assert_decided(program, integers, kept, output)
        return
    values = real[len(compiled.real.nodes) - 1]
    biggest = max(largest(v) for v in real.values())
    reference = networks.in_double(network.proto)
    if reference and not network.jumps and not program.notes and np.isfinite(biggest):
        wanted = np.stack([reference(each) for each in x])
        # Constants that the normal form spells out, as Gelu's, are float32.
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-7 * biggest)
    steep = any(node.op_type in networks.STEEP for node in network.proto.graph.node)
    if network.plain and not steep and not network.jumps and not program.notes:
        slack = float_slack(compiled.real, x, values)
        wanted = in_float(network.proto, x)
        known = np.isfinite(wanted) & np.isfinite(values)
        off = np.abs(np.subtract(values, wanted, out=np.zeros(wanted.shape), where=known))
        assert (off <= slack).all()
        if kept and np.isfinite(compiled.errors[-1]):
            made = program.dequantize(integers[len(program.nodes) - 1])
            off = np.abs(np.subtract(made, wanted, out=np.zeros(wanted.shape), where=known))[kept]
            assert (off <= compiled.errors[-1] * (1 + 1e-9) + slack[kept]).all()


def assert_decided(program, integers, kept, output):
    """Assert that the output says of the integers before it what was asked for."""
    (source,) = program.nodes[-1].sources
    scores = integers[source][kept]
    made = integers[len(program.nodes) - 1][kept]
    if output != "top1":
        np.testing.assert_array_equal(made, scores * program.scales[source] >= output)
    elif scores.shape[-1] == 1:
        np.testing.assert_array_equal(made, scores > 0)
    else:
        np.testing.assert_array_equal(made[..., 0], scores.argmax(axis=-1))


def in_float(proto, x):
    """Return the network's outputs in float32, by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.stack([session.run(None, {"x": each})[0] for each in x]).astype(np.float64)


def float_slack(real, x, exact):
    """Return how far float32 may be off: what small errors of each operation make of the outputs.

    Each operation errs by a few last bits of the numbers that it adds up.
    """
    worst = 0.0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        values = []
        for node in real.nodes:
            xs = [values[s] for s in node.sources]
            made = np.asarray(x, dtype=np.float64)
            with np.errstate(all="ignore"):
                if not isinstance(node.op, Input):
                    made = node.op.apply(*xs)
                size = np.abs(made)
                if isinstance(node.op, Linear):
                    parts = [m.replace(np.abs(m.coefficients())) for m in node.op.maps]
                    size = Linear(tuple(parts), np.abs(node.op.bias)).apply(*map(np.abs, xs))
                elif isinstance(node.op, MatMul):
                    size = node.op.apply(*map(np.abs, xs))
                elif isinstance(node.op, Apply):
                    # An engine's exp(x) - 1 is that of a number near 1.
                    size = size + 1
                elif isinstance(node.op, Normalize):
                    # Its variance may be the difference of two squares.
                    (v,) = xs
                    variance = v.var(axis=-1, keepdims=True)
                    square = (v * v).mean(axis=-1, keepdims=True)
                    variance = variance + square * rng.uniform(-1, 1, square.shape) * 2.0**-20
                    spread = np.sqrt(np.maximum(variance, 0) + node.op.epsilon)
                    made = (v - v.mean(axis=-1, keepdims=True)) / spread
                made = made + size * rng.uniform(-1, 1, made.shape) * 2.0**-20
            values.append(made)
        with np.errstate(all="ignore"):
            worst = np.maximum(worst, np.abs(values[-1] - exact))
    # A few draws find no worst case; rows next to each other are of the same kind.
    worst = np.nan_to_num(worst.max(axis=tuple(range(1, worst.ndim)), keepdims=True), nan=np.inf)
    return np.nan_to_num(20 * worst + 1e-6 * np.abs(exact) + 1e-37, nan=np.inf, posinf=np.inf)


@many(1000)
@given(data=st.data())
def test_a_program_is_its_network_within_its_bounds(data):
    network = data.draw(networks.networks())
    samples = data.draw(networks.data_for(network.input_shape))
    seed, width = data.draw(st.integers(0, 99)), data.draw(WIDTHS)
    check_a_program(network, samples, seed, width, data.draw(OUTPUTS))


@pytest.mark.deep
@many(1000 * DEEP)
@given(data=st.data())
def test_a_program_is_its_network_within_its_bounds_often(data):
    network = data.draw(networks.networks(longest=9))
    samples = data.draw(networks.data_for(network.input_shape))
    seed, width = data.draw(st.integers(0, 99)), data.draw(WIDTHS)
    check_a_program(network, samples, seed, width, data.draw(OUTPUTS))


def check_repeats(network, data, seed, width):
    model, compiled = compiled_or_refused(network, data, width)
    program = compiled.program
    x = networks.inputs_for(np.random.default_rng(seed), data, network.input_shape)
    x = program.quantize(x)
    whole, refused = program.run_each(x)
    for i, each in enumerate(x):
        alone, errors = program.run_each(each[None])
        np.testing.assert_array_equal(alone[0], whole[i])
        assert [(e.layer, e.value) for e in errors.values()] == (
            [(refused[i].layer, refused[i].value)] if i in refused else []
        )
    again = z.compile_program(loaded(network), data.copy(), width=width)
    assert same(again.program, program)
    assert again.errors == compiled.errors
    record = json.loads(json.dumps(compiled.quantization.to_json()))
    rebuilt = _program.rebuild_program(model, Quantization.from_json(record))
    assert same(rebuilt.program, program)
    assert rebuilt.errors == compiled.errors


@many(200)
@given(data=st.data())
def test_runs_do_not_depend_on_the_batch_nor_programs_on_the_time(data):
    network = data.draw(networks.networks())
    samples = data.draw(networks.data_for(network.input_shape))
    check_repeats(network, samples, data.draw(st.integers(0, 99)), data.draw(WIDTHS))


@pytest.mark.deep
@many(200 * DEEP)
@given(data=st.data())
def test_runs_do_not_depend_on_the_batch_nor_programs_on_the_time_often(data):
    network = data.draw(networks.networks(longest=9))
    samples = data.draw(networks.data_for(network.input_shape))
    check_repeats(network, samples, data.draw(st.integers(0, 99)), data.draw(WIDTHS))


def test_large_batches_are_run_in_parts(monkeypatch):
    card = shipped("breast-cancer")
    samples = card.samples()
    network = z.load_model(card.onnx_bytes())
    program = z.compile_program(network, samples.calibration[:, None]).program
    x = program.quantize(3 * samples.x[:, None])
    whole, refused = program.run_each(x)
    assert 0 < len(refused) < len(x)
    monkeypatch.setattr("zkinfer_circuits._program._program._LARGEST_ARRAY", 30 * 16 * 7)
    parts, errors = program.run_each(x)
    np.testing.assert_array_equal(parts, whole)
    assert {i: str(e) for i, e in errors.items()} == {i: str(e) for i, e in refused.items()}


# Records of strangers: whatever was seen, what is proven holds.

NUMBERS = st.sampled_from(
    [0.0, -0.0, *(s * v for v in (1e30, 1.0, 3.5, 1e-5, 1e-30, 5e-324) for s in (1, -1))]
)


def check_a_record(data):
    network = data.draw(networks.networks())
    model = loaded(network)
    output = data.draw(OUTPUTS)
    try:
        real = lower(model, output)
    except z.UnsupportedGraph:
        assume(False)
    pairs = [sorted(data.draw(st.tuples(NUMBERS, NUMBERS))) for _ in real.nodes]
    features = data.draw(st.sampled_from([1, real.nodes[0].shape[-1]]))
    record = {
        "inputs": [abs(data.draw(NUMBERS)) for _ in range(features)],
        "max_abs_error": 0.0,
        "output": output,
        "seen": [[*pair, abs(data.draw(NUMBERS))] for pair in pairs],
        "shift": data.draw(st.integers(0, 24)),
        "width": data.draw(st.sampled_from([4, 5, 8, 12, 16])),
    }
    try:
        compiled = _program.rebuild_program(model, Quantization.from_json(record))
    except (z.ModelRefused, ValueError):
        assume(False)
    program = compiled.program
    low, high = program.ranges[0]
    rng = np.random.default_rng(0)
    x = rng.integers(low, high + 1, (6, *program.input_shape))
    x[0], x[1], x[2] = low, high, 0
    x[3] = np.where(rng.random(program.input_shape) < 0.5, low, high)
    integers, refused = run(program, x)
    # What the integers stand for, and what else becomes them.
    real = run_real(compiled.real, (x + rng.uniform(-0.5, 0.5, x.shape)) * program.scales[0])
    assert_within_ranges(program, integers)
    kept = [i for i in range(len(x)) if i not in refused]
    assert_within_bounds(compiled, integers, real, kept)


@many(200)
@given(data=st.data())
def test_any_record_makes_a_program_within_its_bounds_or_none(data):
    check_a_record(data)


@pytest.mark.deep
@many(200 * DEEP)
@given(data=st.data())
def test_any_record_makes_a_program_within_its_bounds_or_none_often(data):
    check_a_record(data)


# The integers, against onnxruntime's.


class _Graph:
    """An ONNX graph of integers while it is written."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def add(self, op, operands, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, operands, [name], **attributes))
        return name

    def constant(self, value, dtype=np.int64):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def session(self):
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info(k, TensorProto.INT64, v) for k, v in self.inputs],
            [helper.make_tensor_value_info(k, TensorProto.INT64, None) for k in self.outputs],
            self.constants,
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            made.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


def affines_by_onnxruntime(program, integers):
    """Return {node: y} of each affine, given the integers of its sources."""
    g = _Graph()
    samples = len(integers[0])
    wanted = [i for i, node in enumerate(program.nodes) if isinstance(node.op, Affine)]
    read = sorted({s for i in wanted for s in program.nodes[i].sources})
    g.inputs = [(f"x{s}", integers[s].shape) for s in read]
    for i in wanted:
        node = program.nodes[i]
        op = node.op
        total = g.constant(op.bias)
        for each, s in zip(op.maps, node.sources, strict=True):
            shape = program.nodes[s].shape
            if isinstance(each, Dense):
                term = g.add("MatMul", [f"x{s}", g.constant(each.weight)])
            elif isinstance(each, Conv):
                biggest = max(-program.ranges[s][0], program.ranges[s][1])
                term = _convolved(g, each, f"x{s}", samples, shape, node.shape, biggest)
            else:
                spread = (samples, *[1] * (each.rank - len(shape)), *shape)
                term = g.add("Reshape", [f"x{s}", g.constant(spread)])
                term = g.add("Mul", [term, g.constant(each.factor)])
                if each.axes:
                    axes = g.constant([a + 1 for a in each.axes])
                    term = g.add("ReduceSum", [term, axes], keepdims=1)
            total = g.add("Add", [total, term])
        if op.shift:
            # Division of onnxruntime's integers is towards zero: of positive ones it is a floor.
            up = g.constant(2**62 + 2 ** (op.shift - 1))
            total = g.add("Div", [g.add("Add", [total, up]), g.constant(2**op.shift)])
            total = g.add("Sub", [total, g.constant(2 ** (62 - op.shift))])
        g.outputs.append(total)
    made = g.session().run(g.outputs, {f"x{s}": integers[s] for s in read}) if wanted else []
    return dict(zip(wanted, made, strict=True))


def _convolved(g, each, x, samples, shape, made, biggest):
    """Return a convolution in float32, coefficients in pieces so small that every sum is exact."""
    piece = (2**24 - 1) // (biggest * each.fan_in)
    assert piece >= 1
    bits = min(piece.bit_length() - 1, 20)
    flat = g.add("Reshape", [x, g.constant((samples * shape[0], *shape[1:]))])
    flat = g.add("Cast", [flat], to=TensorProto.FLOAT)
    rest, power, parts = np.abs(each.weight), 0, []
    while rest.any() or not parts:
        w = np.sign(each.weight) * (rest & (2**bits - 1))
        term = g.add(
            "Conv",
            [flat, g.constant(w, np.float32)],
            strides=each.strides,
            pads=each.pads,
            dilations=each.dilations,
            group=each.group,
        )
        term = g.add("Cast", [term], to=TensorProto.INT64)
        parts.append(g.add("Mul", [term, g.constant(2**power)]))
        rest, power = rest >> bits, power + bits
    total = parts[0]
    for part in parts[1:]:
        total = g.add("Add", [total, part])
    return g.add("Reshape", [total, g.constant((samples, *made))])


def check_integers(network, data, seed, width):
    _, compiled = compiled_or_refused(network, data, width)
    program = compiled.program
    x = networks.inputs_for(np.random.default_rng(seed), data, network.input_shape)
    x = program.quantize(x)
    _, refused = program.run_each(x)
    kept = [i for i in range(len(x)) if i not in refused]
    assume(kept)
    integers, _ = run(program, x[kept])
    by_onnxruntime = affines_by_onnxruntime(program, integers)
    for i, node in enumerate(program.nodes):
        op = node.op
        if isinstance(op, Affine):
            np.testing.assert_array_equal(by_onnxruntime[i], integers[i], strict=True)
        elif isinstance(op, (Divide, InverseSqrt)):
            # Python's integers have no last bit to lose.
            for y, *xs in zip(
                integers[i].reshape(-1).tolist(),
                *(
                    np.broadcast_to(integers[s], integers[i].shape).reshape(-1).tolist()
                    for s in node.sources
                ),
                strict=True,
            ):
                if isinstance(op, Divide):
                    assert y == ((xs[0] << op.bits) + xs[1] // 2) // xs[1]
                else:
                    assert y * y * xs[0] <= 4**op.bits < (y + 1) * (y + 1) * xs[0]


LINEAR = (
    *(networks.dense, networks.conv, networks.conv_transpose, networks.batch_norm),
    *(networks.relu, networks.prelu, networks.pool, networks.reduce, networks.arithmetic),
    *(networks.two, networks.residual, networks.concat, networks.attention, networks.reshape),
    *(networks.softmax, networks.layer_norm, networks.transpose, networks.pad),
)
NARROW = st.sampled_from([4, 5, 6, 8])


@many(200)
@given(data=st.data())
def test_affines_are_those_of_onnxruntime_to_the_last_bit(data):
    network = data.draw(networks.networks(LINEAR))
    samples = data.draw(networks.data_for(network.input_shape))
    check_integers(network, samples, data.draw(st.integers(0, 99)), data.draw(NARROW))


@pytest.mark.deep
@many(200 * DEEP)
@given(data=st.data())
def test_affines_are_those_of_onnxruntime_to_the_last_bit_often(data):
    network = data.draw(networks.networks(LINEAR, longest=9))
    samples = data.draw(networks.data_for(network.input_shape))
    check_integers(network, samples, data.draw(st.integers(0, 99)), data.draw(NARROW))


# Networks as large as they come.


def test_the_shipped_lenet5_is_right_on_the_samples_that_come_with_it():
    card = shipped("lenet5")
    samples = card.samples()
    network = z.load_model(card.onnx_bytes())
    calibration = samples.calibration.reshape(-1, *network.input_shape)
    compiled = z.compile_program(network, calibration)
    program = compiled.program
    x = samples.x.reshape(-1, *network.input_shape)
    integers, refused = program.run_each(program.quantize(x))
    assert not refused
    wanted = np.stack([z.run_float(network, each) for each in x])
    made = program.dequantize(integers)
    assert largest(made - wanted) <= compiled.errors[-1]
    assert (made.argmax(-1)[:, 0] == samples.y).mean() > 0.98


@pytest.mark.deep
def test_a_wide_network_compiles():
    rng = np.random.default_rng(0)
    sizes = (784, 2000, 60, 4000, 10)
    nodes, constants, last = [], [], "x"
    for i, (fan_in, made) in enumerate(itertools.pairwise(sizes)):
        w = rng.normal(size=(fan_in, made)) * np.sqrt(2 / fan_in)
        constants.append(numpy_helper.from_array(w.astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"h{i}"]))
        nodes.append(helper.make_node("Relu", [f"h{i}"], [f"r{i}"]))
        last = f"r{i}"
    graph = helper.make_graph(
        nodes[:-1],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, sizes[0]))],
        [helper.make_tensor_value_info(nodes[-2].output[0], TensorProto.FLOAT, (1, sizes[-1]))],
        constants,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    network = z.load_model(proto.SerializeToString())
    x = rng.uniform(0, 1, (100, 1, sizes[0])).astype(np.float32)
    compiled = z.compile_program(network, x)
    made, refused = compiled.program.run_each(compiled.program.quantize(x))
    assert not refused
    wanted = np.stack([z.run_float(network, each) for each in x[:5]])
    assert largest(compiled.program.dequantize(made)[:5] - wanted) <= compiled.errors[-1]
