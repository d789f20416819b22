"""Layouts of programs: accepted by the core's checker, and their integers are the programs'."""

import numpy as np
import pytest

import zkinfer_circuits as z
from tests.fixtures import plumb_layouts as plumb
from tests.reference.plumb.descriptor import Descriptor
from zkinfer_circuits._plumb import layout_program
from zkinfer_circuits._plumb._descriptor import Kind, Who
from zkinfer_circuits._plumb._kernels import apart_columns, as_kernels, split
from zkinfer_circuits._plumb._lower import lower
from zkinfer_circuits._plumb._pack import SALTS, extent, in_chunks, leaves_room, pack
from zkinfer_circuits._plumb._place import build
from zkinfer_circuits._plumb._plan import PlanLinear
from zkinfer_circuits._program._integer import Affine, Input, Lookup
from zkinfer_circuits._program._maps import Conv, Dense, Scale
from zkinfer_circuits._program._moves import Concat, Gather, Pad, Reshape, Slice, Transpose
from zkinfer_circuits._program._program import Program
from zkinfer_circuits._program._shared import ArgMax, Node, Product, WindowMax
from zkinfer_models import model as shipped

SHIPPED = ("breast-cancer", "perceptron", "digits-cnn", "mlp-784", "lenet5")


def integers(*shape):
    """Return an array that is the same for the same shape."""
    rng = np.random.default_rng([*shape, len(shape)])
    return rng.integers(-9, 10, shape)


class Building:
    """A program, node by node, of 8-bit activations."""

    WIDTH = 8
    HALF = 128

    def __init__(self, *shape):
        self.nodes = [Node(Input(-self.HALF, self.HALF - 1), (), shape, "input")]
        self.ranges = [(-self.HALF, self.HALF - 1)]

    def add(self, op, *sources, shape=None, ranges=None, name="node"):
        sources = sources or (len(self.nodes) - 1,)
        xs = [np.zeros((1, *self.nodes[s].shape), dtype=np.int64) for s in sources]
        shape = shape or (op.apply(*xs).shape[1:])
        self.nodes.append(Node(op, sources, shape, name))
        low = min(self.ranges[s][0] for s in sources)
        high = max(self.ranges[s][1] for s in sources)
        self.ranges.append(ranges or (low, high))
        return len(self.nodes) - 1

    def affine(self, maps, *sources, bias=0, shift=4, half=HALF):
        bias = np.asarray(bias, dtype=np.int64)
        op = Affine(tuple(maps), bias, shift, -half, half - 1, 2**40)
        return self.add(op, *sources, ranges=(-half, half - 1))

    def lookup(self, function, *sources, name="f", low=None, high=None):
        source = sources[0] if sources else len(self.nodes) - 1
        low = self.ranges[source][0] if low is None else low
        high = self.ranges[source][1] if high is None else high
        values = np.array([function(x) for x in range(low, high + 1)], dtype=np.int64)
        shape = self.nodes[source].shape
        ranges = (int(values.min()), int(values.max()))
        return self.add(Lookup(name, low, values), source, shape=shape, ranges=ranges)

    def relu(self, *sources):
        return self.lookup(lambda x: max(x, 0), *sources, name="relu")

    def program(self):
        scales = tuple(np.array(1.0) for _ in self.nodes)
        return Program(tuple(self.nodes), scales, tuple(self.ranges), self.WIDTH, ())


def samples(program, n=12, largest=127):
    """Return inputs of all sizes; the least integer is among them only if `largest` is 128."""
    rng = np.random.default_rng(3)
    spread = rng.integers(1, largest + 1, (n, *[1] * len(program.input_shape)))
    x = rng.integers(-(1 << 20), 1 << 20, (n, *program.input_shape)) % (2 * spread + 1) - spread
    return np.clip(x, -largest, 127)


def same(program, x=None, **how):
    """Assert that a layout gives a program's integers, and refuses what the program refuses."""
    x = samples(program) if x is None else x
    how = {"inputs": "hidden", "weights": "hidden", "batch": 1, **how}
    circuit = layout_program(program, **how)
    batch = how["batch"]
    y, refused = program.run_each(x)
    runs = x.reshape(len(x) // batch, batch, -1)
    found = plumb.run(circuit, runs)
    for i, made in enumerate(found):
        of_run = range(i * batch, (i + 1) * batch)
        if any(k in refused for k in of_run):
            assert made is None, i
        else:
            assert made is not None, i
            np.testing.assert_array_equal(made, y[list(of_run)].reshape(batch, -1))
    return circuit, sum(made is None for made in found)


# Models that are shipped.


def program_of(name, output="scores"):
    card = shipped(name)
    data = card.samples()
    network = z.load_model(card.onnx_bytes())
    calibration = data.calibration.reshape(-1, *network.input_shape)
    program = z.compile_program(network, calibration, output=output).program
    return program, program.quantize(data.x.reshape(-1, *network.input_shape)[:6])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model(name):
    program, x = program_of(name)
    circuit, refused = same(program, x)
    assert not refused
    # The natural order: callers need not know that there are others.
    for order, shape in (
        (circuit.input_order, program.input_shape),
        (circuit.output_order, program.output_shape),
    ):
        np.testing.assert_array_equal(order, np.arange(np.prod(shape)))
    # Each fits where published budgets want it.
    assert circuit.cost.log_rows <= 14
    assert circuit.cost.proof_bytes <= 6 * 1024


@pytest.mark.parametrize("inputs", ["hidden", "committed", "public"])
@pytest.mark.parametrize("weights", ["hidden", "public"])
def test_who_learns_what(inputs, weights):
    program, x = program_of("digits-cnn")
    same(program, x, inputs=inputs, weights=weights, batch=3)


@pytest.mark.parametrize("output", ["top1", 0.5])
def test_a_decision(output):
    program, x = program_of("breast-cancer", output)
    circuit, _ = same(program, x)
    # A threshold is a clamp: no table of 2^K entries that the verifier would have to read.
    assert len(circuit.descriptor) < 1000


def test_the_same_program_has_the_same_bytes():
    program, _ = program_of("lenet5")
    first, second = (layout_program(program, inputs="hidden", weights="hidden") for _ in range(2))
    assert first.descriptor == second.descriptor
    assert first.cost == second.cost
    for (maps, biases), (others, more) in zip(first.weights, second.weights, strict=True):
        assert all((a == b).all() for a, b in zip(maps, others, strict=True))
        assert (biases == more).all()


def test_hidden_weights_do_not_tell_their_widths():
    def descriptor(weights, largest):
        b = Building(1, 6)
        w = integers(6, 4)
        w[0, 0] = largest
        b.affine([Dense(w)])
        circuit = layout_program(b.program(), inputs="hidden", weights=weights)
        return circuit.descriptor

    assert descriptor("hidden", 9) == descriptor("hidden", 15)
    assert descriptor("public", 9) == descriptor("public", 15)
    assert descriptor("public", 9) != descriptor("public", 16)
    assert descriptor("hidden", 9) != descriptor("hidden", 16)


# One operation at a time.


def convolution(
    outputs, inputs, kernel, *, strides=(1, 1), pads=(0,) * 4, dilations=(1, 1), group=1
):
    return Conv(integers(outputs, inputs // group, *kernel), strides, pads, dilations, group)


@pytest.mark.parametrize("shift", [0, 1, 5, 13])
def test_dense(shift):
    b = Building(1, 12)
    b.affine([Dense(integers(12, 7))], bias=integers(7), shift=shift)
    same(b.program())


@pytest.mark.parametrize(
    "each",
    [
        convolution(4, 3, (3, 3)),
        convolution(4, 3, (3, 2), strides=(2, 1), pads=(1, 0, 0, 2)),
        convolution(4, 3, (3, 3), dilations=(2, 1), pads=(2, 1, 2, 1)),
        convolution(6, 3, (3, 3), group=3),
        convolution(3, 3, (3, 3), group=3, strides=(2, 2)),
        convolution(2, 3, (7, 6)),
    ],
)
def test_convolutions_are_native(each):
    b = Building(1, 3, 7, 6)
    b.affine([each], bias=integers(len(each.weight), 1, 1))
    circuit, _ = same(b.program())
    # Nothing is written out as a matrix.
    assert circuit.cost.weights < 600


def test_a_convolution_of_one_axis_and_strides_without_a_window():
    b = Building(1, 3, 11)
    b.affine([Conv(integers(4, 3, 3), (2,), (1, 1), (1,), 1)], bias=integers(4, 1))
    b.relu()
    b.affine([Conv(integers(2, 4, 3), (3,), (0, 0), (1,), 1)])
    same(b.program())


def test_rows_with_features_share_their_weights():
    b = Building(1, 16, 6)
    b.affine([Dense(integers(6, 10))], bias=integers(10))
    b.relu()
    b.affine([Dense(integers(10, 5))])
    circuit, _ = same(b.program())
    assert circuit.cost.weights < 400


@pytest.mark.parametrize(
    "each",
    [
        Scale(np.array(3), 4),
        Scale(integers(3, 1, 1), 4),
        Scale(integers(3, 4, 5), 4),
        Scale(integers(1, 1, 1, 5), 4),
        Scale(np.array(2), 4, (2, 3), 20),
        Scale(integers(4, 5), 4, (2, 3), 20),
        Scale(integers(3, 1, 1), 4, (1,), 3),
        Scale(np.array(1), 4, (1, 3), 15),
    ],
)
def test_factors_and_sums(each):
    b = Building(1, 3, 4, 5)
    b.affine([each], bias=5, shift=3)
    same(b.program())


def test_a_residual_sum_is_one_layer():
    b = Building(1, 2, 6, 6)
    x = b.affine([convolution(4, 2, (3, 3), pads=(1,) * 4)])
    y = b.relu()
    b.affine([convolution(4, 4, (3, 3), pads=(1,) * 4), Scale(np.array(5), 4)], y, x)
    b.relu()
    circuit, _ = same(b.program())
    assert circuit.cost.cells < 2000


def test_operands_are_broadcast():
    b = Building(1, 1, 5)
    b.affine([Scale(np.array(3), 3), Scale(integers(4, 1), 3)], 0, 0, bias=integers(4, 5))
    same(b.program())


def test_moves_cost_no_cells():
    b = Building(1, 4, 6)
    x = b.affine([Dense(integers(6, 6))])
    y = b.relu()
    moved = [
        b.add(Transpose((0, 2, 1)), x),
        b.add(Reshape((1, 6, 4)), y),
        b.add(Pad(((0, 0), (1, 0), (0, 1)), 7), b.add(Slice(((0, 1, 1), (0, 4, 2), (0, 3, 1))))),
    ]
    b.add(Concat(1), b.add(Gather(2, (3, 0, 0, 1)), moved[0]), moved[1], moved[2])
    b.add(Reshape((1, 15 * 4)))
    b.affine([Dense(integers(60, 5))])
    circuit, _ = same(b.program())
    # The input, one linear layer's values and its remainders, the output's remainders.
    assert circuit.cost.cells <= 32 + 2 * 32 + 2 * 32 + 2 * 8


def test_channels_in_another_order_stay_a_convolution():
    b = Building(1, 4, 6, 6)
    x = b.affine([convolution(4, 4, (1, 1))])
    b.add(Gather(1, (2, 0, 3, 1, 1)), b.relu(x))
    b.add(Concat(1), len(b.nodes) - 1, x)
    b.affine([convolution(2, 9, (3, 3))])
    circuit, _ = same(b.program())
    assert circuit.cost.weights < 600


# Functions.


FUNCTIONS = {
    "relu": lambda x: max(x, 0),
    "clip": lambda x: min(max(x, -20), 33),
    "step": lambda x: int(x >= 17),
    "minus step": lambda x: -int(x >= 17),
    "constant": lambda x: 3,
    "shifted": lambda x: min(max(x, -10), 20) - 50,
    "square": lambda x: x * x // 130,
    "leaky": lambda x: x if x > 0 else x // 10,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_the_input_and_as_the_output(name):
    b = Building(1, 6)
    b.lookup(FUNCTIONS[name], name=name)
    b.affine([Dense(integers(6, 6))], shift=0 if "step" in name else 4)
    b.lookup(FUNCTIONS[name], name=name)
    circuit, _ = same(b.program())
    table = name in ("minus step", "square", "leaky")
    assert (len(circuit.descriptor) > 1024) == table


def test_several_functions_of_one_tensor_and_the_tensor_itself():
    b = Building(1, 6)
    x = b.affine([Dense(integers(6, 6))])
    parts = [x, *(b.lookup(f, x, name=name) for name, f in FUNCTIONS.items())]
    b.add(Concat(1), *parts)
    b.affine([Dense(integers(54, 3))])
    same(b.program())


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("direct", [False, True])
def test_an_argument_without_a_value_is_refused(part, direct):
    """Whatever reads it, and only where it is read."""
    b = Building(1, 6)
    if direct:
        b.affine([Scale(np.array(1), 2)], shift=0)
    if part:
        b.add(Slice(((0, 1, 1), (1, 4, 1))))
    b.lookup(lambda x: x - 50, low=3, high=90, name="log")
    b.affine([Dense(np.zeros((b.nodes[-1].shape[-1], 2), dtype=np.int64))])
    program = b.program()
    x = np.full((8, 1, 6), 10)
    for i, value in enumerate((2, 3, 90, 91, -128, 127)):
        x[i, 0, 2] = value
    x[6, 0, 0] = 0
    _, refused = same(program, x)
    assert refused == (4 if part else 5)


def test_a_function_whose_value_has_too_many_bits_is_refused_there():
    b = Building(1, 3)
    b.lookup(abs, name="abs")
    b.affine([Dense(integers(3, 2))])
    program = b.program()
    circuit = layout_program(program, inputs="hidden", weights="public")
    x = np.array([[[-127, 127, 0]], [[-128, 0, 1]]])
    first, second = plumb.run(circuit, x)
    np.testing.assert_array_equal(first, program.run(x[:1])[0])
    assert second is None


# Maxima.


POOLS = {
    "2x2": WindowMax((2, 2), (2, 2), (0,) * 4),
    "2x4": WindowMax((2, 4), (2, 4), (0,) * 4),
    "overlapping": WindowMax((3, 3), (2, 2), (0,) * 4),
    "padded": WindowMax((3, 2), (2, 1), (1, 0, 1, 1)),
    "thirds": WindowMax((3, 3), (3, 3), (0,) * 4),
    "one": WindowMax((4, 4), (3, 9), (0,) * 4),
    "row": WindowMax((7,), (1,), (0, 0)),
}


@pytest.mark.parametrize("where", ["behind", "before", "alone", "before a table"])
@pytest.mark.parametrize("name", POOLS)
def test_maxima(name, where):
    b = Building(1, 2, 6, 7)
    b.affine([convolution(3, 2, (1, 1))])
    if where == "behind":
        b.relu()
    b.add(POOLS[name])
    if where == "before":
        b.relu()
    elif where == "before a table":
        b.lookup(lambda x: x * x // 130)
    n = int(np.prod(b.nodes[-1].shape))
    b.add(Reshape((1, n)))
    b.affine([Dense(integers(n, 3))])
    same(b.program(), samples(b.program(), largest=100))


def test_maxima_of_two_by_two_take_three_quarters_of_the_cells():
    b = Building(1, 1, 8, 8)
    b.affine([convolution(1, 1, (1, 1))])
    b.relu()
    b.add(POOLS["2x2"])
    b.affine([convolution(1, 1, (4, 4))])
    circuit, _ = same(b.program())
    # The input; values and remainders of both layers; 32 and 16 differences. Blocks of pairs count
    # twice where their values are read.
    assert circuit.cost.cells == 64 + 2 * 64 + 64 + 2 * 32 + 2 * 16 + 1


def test_equal_maxima_and_the_first_index():
    b = Building(1, 5)
    b.affine([Dense(np.eye(5, dtype=np.int64))], shift=0)
    b.add(ArgMax(1), ranges=(0, 4))
    x = np.array(
        [[[3, 7, 7, -1, 7]], [[0] * 5], [[-128, 127, 0, 127, -128]], [[-5, -5, -6, -5, -9]]]
    )
    same(b.program(), x)
    same(b.program(), x, batch=4)


# Room for random numbers, and what has no layout.


def spatial(channels, height, width, outputs):
    """Return a program whose dense layer reads channels with heights and widths."""
    b = Building(1, 2, height, width)
    b.affine([convolution(channels, 2, (1, 1))], shift=5)
    n = channels * height * width
    b.add(Reshape((1, n)))
    b.affine([Dense(integers(n, outputs))], bias=integers(outputs), shift=7)
    return b.program()


def kinds(plan):
    """Return the kind of the last map of each layer with weights."""
    return [layer.maps[-1].kind for layer in plan.layers if isinstance(layer, PlanLinear)]


@pytest.mark.parametrize("weights", ["hidden", "public"])
@pytest.mark.parametrize(
    ("channels", "height", "width", "kind"),
    [
        # Nothing is padded, or too little, or a row is too long for a window.
        (4, 4, 4, Kind.DENSE),
        (4, 8, 8, Kind.DENSE),
        (1, 1, 257, Kind.DENSE),
        (4, 5, 5, Kind.CONVOLUTION),
        (4, 3, 8, Kind.CONVOLUTION),
        (4, 13, 5, Kind.CONVOLUTION),
        (1, 1, 130, Kind.CONVOLUTION),
    ],
)
def test_a_dense_map_of_an_image_is_a_window_where_that_takes_less(
    channels, height, width, kind, weights
):
    program = spatial(channels, height, width, 63)
    same(program, weights=weights, gas_worth=3e-6)
    plan = lower(program, np.arange(2 * height * width).reshape(2, height, width), frozenset())
    made = as_kernels(plan, 14, hidden=weights == "hidden")
    assert kinds(made) == [Kind.CONVOLUTION, kind]
    assert (made is plan) == (kind is Kind.DENSE)


def test_a_last_column_that_doubles_the_rows_is_apart():
    """Five columns as four and one; six stay six, and what no row precedes stays whole."""
    program = spatial(4, 5, 5, 63)
    plan = lower(program, np.arange(50).reshape(2, 5, 5), frozenset())
    made = as_kernels(apart_columns(plan), 14, hidden=True)
    assert [m.weight_dims(63) for m in made.layers[-1].maps] == [(5, 4, 4, 63), (5, 1, 4, 63)]
    for width in (1, 2, 4, 6):
        other = lower(
            spatial(4, 5, width, 63), np.arange(10 * width).reshape(2, 5, -1), frozenset()
        )
        assert apart_columns(other) is other
    same(program, gas_worth=3e-6)


def test_a_dense_map_of_maxima_is_a_window_too():
    b = Building(1, 2, 10, 6)
    b.affine([convolution(16, 2, (1, 1))])
    b.relu()
    b.add(POOLS["2x2"])
    b.add(Reshape((1, 16 * 5 * 3)))
    b.affine([Dense(integers(16 * 5 * 3, 60))], shift=9)
    program = b.program()
    same(program, gas_worth=3e-6)
    plan = lower(program, np.arange(120).reshape(2, 10, 6), frozenset())
    assert kinds(as_kernels(plan, 14, hidden=True))[-1] is Kind.CONVOLUTION


def test_windows_without_room_for_random_numbers_stay_dense_maps():
    """Taps of 2^10 weights fill chunks of 2^14, but 20 of them leave room in one of 2^16."""
    plan = lower(spatial(16, 5, 4, 64), np.arange(40).reshape(2, 5, 4), frozenset())
    assert as_kernels(plan, 14, hidden=True) is plan
    for log_rows, hidden in ((16, True), (14, False)):
        assert kinds(as_kernels(plan, log_rows, hidden)) == [Kind.CONVOLUTION] * 2


def test_an_input_has_the_lengths_that_waste_no_chunk():
    """784 values as (112, 1, 7): its window's weights and all others fit into seven chunks."""
    program, _ = program_of("mlp-784")
    circuit = layout_program(program, inputs="hidden", weights="hidden", gas_worth=3e-6)
    assert (circuit.cost.log_rows, circuit.cost.chunks) == (14, 7)
    layers = Descriptor.from_bytes(circuit.descriptor).layers
    assert (layers[1].maps[0].input, layers[1].maps[0].kernel) == ([1, 112, 1, 7], [1, 7])
    assert circuit.input_order.tolist() == list(range(784))
    # Where nothing needs room, no row of taps is padded.
    assert split(784, 128, 14, hidden=True) == (16, 7, 7)
    assert split(784, 128, 14, hidden=False) == (16, 1, 49)


@pytest.mark.parametrize("dims", [(5,), (3, 5), (7, 7, 128, 16), (2, 5, 3, 9), (1, 6, 1, 3)])
@pytest.mark.parametrize("log_rows", [2, 4, 6, 14])
def test_weights_of_a_block_by_chunk(dims, log_rows):
    size = [1 << (n - 1).bit_length() for n in dims]
    real = np.zeros(size, dtype=bool)
    real[tuple(slice(0, n) for n in dims)] = True
    flat = real.reshape(-1)
    assert extent(dims) == np.flatnonzero(flat)[-1] + 1
    chunks = flat.reshape(-1, min(flat.size, 1 << log_rows))
    weights = chunks.sum(axis=1).tolist()
    assert in_chunks(dims, log_rows) == weights
    assert leaves_room(dims, log_rows) == (max(weights) + SALTS <= 1 << log_rows)


def test_windows_are_taken_where_they_save_more_than_they_cost():
    """Where all weights fit one chunk, closed forms of 25 taps are not worth it."""
    circuit, _ = same(spatial(2, 5, 5, 3), gas_worth=3e-6)
    assert circuit.cost.chunks == 1
    assert circuit.cost.weights == 4 * 2 * 64 + 4 + 3 * 2


def test_terms_of_a_block_stand_together():
    """Those with the same shifts first: a verifier finds their closed forms once."""
    b = Building(1, 6, 28, 28)
    b.affine([convolution(6, 6, (1, 1))])
    b.relu()
    b.add(POOLS["2x2"])
    b.affine([convolution(4, 6, (5, 5))])
    plan = lower(b.program(), np.arange(6 * 784).reshape(6, 28, 28), frozenset())
    places = pack(plan, 14, 9, 1, hidden=True)
    descriptor, _ = build(plan, places, Who.HIDDEN, Who.HIDDEN, 1)
    views = []
    for layer in descriptor.layers:
        views += [m.view for m in getattr(layer, "maps", ())]
        views += [layer.view] if hasattr(layer, "view") else []
    assert max(len(view) for view in views) >= 4
    for view in views:
        keys = [(t.block, t.height.shift, t.width.shift) for t in view]
        assert keys == sorted(keys)


@pytest.mark.parametrize("rows", [16, 17])
def test_weights_that_fill_their_chunks_are_cut(rows):
    b = Building(1, 64)
    b.affine([Dense(integers(64, 64))], bias=integers(64), shift=7)
    b.relu()
    b.affine([Dense(integers(64, 64))], shift=6)
    b.relu()
    b.affine([Dense(integers(64, rows))])
    program = b.program()
    hidden, _ = same(program)
    public, _ = same(program, weights="public")
    assert hidden.cost.weights > public.cost.weights


def test_products_are_refused_with_their_place():
    b = Building(1, 4)
    b.add(Product(2), 0, 0, ranges=(0, 1 << 14), name="/attention/Mul")
    with pytest.raises(z.LayoutUnsupported) as e:
        layout_program(b.program(), inputs="hidden", weights="hidden")
    assert (e.value.op, e.value.node) == ("Product", "/attention/Mul")
    assert "ezkl" in str(e.value)


@pytest.mark.parametrize(
    "how",
    [
        {"inputs": "secret", "weights": "hidden"},
        {"inputs": "hidden", "weights": "committed"},
        {"inputs": "hidden", "weights": "hidden", "batch": 0},
    ],
)
def test_unknown_settings_are_refused(how):
    b = Building(1, 4)
    b.affine([Dense(integers(4, 2))])
    with pytest.raises(ValueError):
        layout_program(b.program(), **how)
