"""Whole programs in PyTorch, written from docs/programs.md alone: every node to the last bit."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import zkinfer_circuits as z
from tests.fixtures import networks
from zkinfer_models import model as shipped

torch = pytest.importorskip("torch")
F = torch.nn.functional

pytestmark = pytest.mark.deep


def tensor(array):
    return torch.from_numpy(np.array(array, dtype=np.int64))


def convolved(op, x):
    """Return a convolution, a product of matrices for each of the kernel's offsets.

    PyTorch has none of int64.
    """
    samples, batch, channels, *sizes = x.shape
    n = len(sizes)
    w = tensor(op.weight)
    outputs, each, *kernel = w.shape
    # F.pad begins with the last axis.
    widths = [p for i in reversed(range(n)) for p in (op.pads[i], op.pads[n + i])]
    x = F.pad(x.reshape(samples * batch, channels, *sizes), widths)
    made = [
        (size - d * (k - 1) - 1) // s + 1
        for size, d, k, s in zip(x.shape[2:], op.dilations, kernel, op.strides, strict=True)
    ]
    total = torch.zeros(samples * batch, outputs, math.prod(made), dtype=torch.int64)
    for place in itertools.product(*map(range, kernel)):
        part = x
        for axis, (k, d, s, m) in enumerate(
            zip(place, op.dilations, op.strides, made, strict=True)
        ):
            part = part.index_select(2 + axis, torch.arange(m) * s + k * d)
        part = part.reshape(samples * batch, op.group, each, -1)
        matrices = w[(slice(None), slice(None), *place)].reshape(
            op.group, outputs // op.group, each
        )
        total += torch.matmul(matrices, part).reshape(samples * batch, outputs, -1)
    return total.reshape(samples, batch, outputs, *made)


def mapped(op, x):
    kind = type(op).__name__
    if kind == "Dense":
        return torch.matmul(x, tensor(op.weight))
    if kind == "Conv":
        return convolved(op, x)
    x = x.reshape(x.shape[0], *[1] * (op.rank - (x.dim() - 1)), *x.shape[1:]) * tensor(op.factor)
    for axis in op.axes:
        x = x.sum(dim=axis + 1, keepdim=True)
    return x


def affine(op, *xs):
    total = tensor(op.bias)
    for each, x in zip(op.maps, xs, strict=True):
        total = total + mapped(each, x)
    if op.shift:
        total = torch.div(total + 2 ** (op.shift - 1), 2**op.shift, rounding_mode="floor")
    return total


def window_max(op, x):
    n = len(op.kernel)
    widths = [p for i in reversed(range(n)) for p in (op.pads[i], op.pads[n + i])]
    x = F.pad(x, widths, value=-(2**62))
    for axis, (k, s) in enumerate(zip(op.kernel, op.strides, strict=True)):
        x = x.unfold(x.dim() - n + axis, k, s).amax(dim=-1)
    return x


def inverse_sqrt(op, v):
    roots = [math.isqrt(4**op.bits // each) for each in v.reshape(-1).tolist()]
    return torch.tensor(roots, dtype=torch.int64).reshape(v.shape)


def product(op, a, b):
    a, b = (v.reshape(v.shape[0], *[1] * (op.rank - v.dim() + 1), *v.shape[1:]) for v in (a, b))
    return a * b


def padded(op, x):
    widths = [w for pair in reversed(op.widths) for w in pair]
    return F.pad(x, widths, value=op.value)


def cut(op, x):
    for axis, (start, stop, step) in enumerate(op.slices):
        x = x.index_select(axis + 1, torch.arange(start, min(stop, x.shape[axis + 1]), step))
    return x


def arg_max(op, x):
    best = x == x.amax(dim=op.axis + 1, keepdim=True)
    return (best.cumsum(dim=op.axis + 1) == 0).sum(dim=op.axis + 1, keepdim=True)


OPERATIONS = {
    "Affine": affine,
    "ArgMax": arg_max,
    "Concat": lambda op, *xs: torch.cat(xs, dim=op.axis + 1),
    "Divide": lambda op, a, b: torch.div(
        a * 2**op.bits + torch.div(b, 2, rounding_mode="floor"), b, rounding_mode="floor"
    ),
    "Gather": lambda op, x: x.index_select(op.axis + 1, torch.tensor(op.indices)),
    "InverseSqrt": inverse_sqrt,
    "Lookup": lambda op, x: tensor(op.values)[x - op.low],
    "MatMul": lambda op, a, b: torch.matmul(a, b),
    "Pad": padded,
    "Product": product,
    "Reshape": lambda op, x: x.reshape(x.shape[0], *op.shape),
    "Slice": cut,
    "Transpose": lambda op, x: x.permute(0, *(p + 1 for p in op.perm)),
    "WindowMax": window_max,
}


def run(program, x):
    """Return every node's integers, and which samples leave a range."""
    values, outside = [], torch.zeros(len(x), dtype=torch.bool)

    def held(value, op):
        nonlocal outside
        out = (value < op.low) | (value > op.high)
        outside |= out.reshape(len(x), -1).any(dim=1)
        return value.clamp(op.low, op.high)

    for node in program.nodes:
        op, kind = node.op, type(node.op).__name__
        if kind == "Lookup":
            (source,) = node.sources
            values[source] = held(values[source], op)
        made = (
            tensor(x)
            if kind == "Input"
            else OPERATIONS[kind](op, *(values[s] for s in node.sources))
        )
        values.append(held(made, op) if kind in ("Input", "Affine") else made)
        assert values[-1].dtype == torch.int64
        assert values[-1].shape[1:] == node.shape
    return values, set(outside.nonzero().reshape(-1).tolist())


def assert_the_same(program, x):
    found = {}
    # Large batches are seen part by part.
    _, refused = program.run_each(x, lambda i, part: found.setdefault(i, []).append(part))
    values, outside = run(program, x)
    assert outside == refused.keys()
    kept = [i for i in range(len(x)) if i not in refused]
    for i, value in enumerate(values):
        np.testing.assert_array_equal(
            value.numpy()[kept], np.concatenate(found[i])[kept], strict=True
        )
    return len(kept)


@settings(
    max_examples=2000,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_programs_are_those_of_torch_to_the_last_bit(data):
    network = data.draw(networks.networks(longest=8))
    samples = data.draw(networks.data_for(network.input_shape))
    width = data.draw(st.sampled_from([None, 4, 5, 8, 12, 16]))
    output = data.draw(st.sampled_from(["scores", "scores", "top1", 0.5]))
    try:
        compiled = z.compile_program(
            z.load_model(network.proto.SerializeToString()), samples, width=width, output=output
        )
    except z.ZkinferError:
        assume(False)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    program = compiled.program
    low, high = program.ranges[0]
    x = program.quantize(networks.inputs_for(rng, samples, network.input_shape))
    ends = rng.choice([low, high], (2, *program.input_shape))
    assert_the_same(program, np.concatenate([x, ends]))


@pytest.mark.parametrize("id", ["breast-cancer", "digits-cnn", "lenet5", "mlp-784", "perceptron"])
def test_shipped_programs_are_those_of_torch_to_the_last_bit(id):
    card = shipped(id)
    samples = card.samples()
    network = z.load_model(card.onnx_bytes())
    calibration = samples.calibration.reshape(-1, *network.input_shape)
    program = z.compile_program(network, calibration).program
    x = program.quantize(samples.x.reshape(-1, *network.input_shape))
    assert assert_the_same(program, x) > 0


@pytest.mark.parametrize("size", [3, 1])
def test_the_index_of_the_first_of_equals(size):
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Relu", ["x"], ["r"]),
            onnx.helper.make_node("ArgMax", ["r"], ["y"], axis=1, keepdims=0),
        ],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, size, 4))],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.INT64, (1, 4))],
    )
    proto = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    x = np.random.default_rng(0).integers(-2, 3, (50, 1, size, 4)).astype(np.float32)
    program = z.compile_program(z.load_model(proto.SerializeToString()), x).program
    assert assert_the_same(program, program.quantize(x)) == 50
