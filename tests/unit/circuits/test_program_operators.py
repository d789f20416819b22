"""Programs of one operator each, and of fitted models, against onnxruntime on the original file."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

import zkinfer_circuits as z
from tests.fixtures import integers
from tests.fixtures.operators import network, operator_networks
from zkinfer_circuits._program import _functions, _quantize
from zkinfer_circuits._program._functions import (
    IDENTITY,
    clip,
    combined,
    function_of,
    power,
    straight,
)
from zkinfer_circuits._program._integer import Affine
from zkinfer_circuits._program._lower import SOFTMAX_NOTE
from zkinfer_circuits._program._shared import ArgMax
from zkinfer_circuits._program._tables import deviation

FIXTURES = Path(__file__).parents[2] / "fixtures"


NETWORKS = {name: model for name, (model, _) in operator_networks().items()}
f32 = np.float32
SAMPLES = 24
# What float32 and its sums may add to a proven bound.
SLACK = 1e-5


def onnxruntime_on(model, rows):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.stack([session.run(None, {"x": row})[0] for row in rows])


def uniform(seed, shape, samples=SAMPLES):
    return np.random.default_rng(seed).uniform(-1, 1, (samples, *shape)).astype(f32)


def compiled(name, **how):
    """Return (calibration data, compiled program) of a network."""
    model = z.load_model(NETWORKS[name].SerializeToString())
    rows = uniform(1, model.input_shape)
    return rows, z.compile_program(model, rows, **how)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_within_the_bound_of_onnxruntime_on_the_original(name):
    rows, made = compiled(name)
    program = made.program
    fresh = uniform(2, program.input_shape)
    for x in (rows, fresh):
        wanted = onnxruntime_on(NETWORKS[name], x)
        assert made.real.run(x) == pytest.approx(wanted, abs=1e-4)
        found, refused = program.run_each(program.quantize(x))
        assert found.dtype == np.int64
        assert found.shape == wanted.shape
        assert not refused
        if name.startswith("ArgMax"):
            chosen_by_the_scores(made, x, found)
            continue
        assert np.isfinite(made.errors[-1])
        off = np.abs(program.dequantize(found) - wanted).max()
        assert off <= made.errors[-1] + SLACK
        if x is rows:
            assert off == pytest.approx(made.quantization.max_abs_error, abs=SLACK)


def chosen_by_the_scores(made, x, found):
    """The index is onnxruntime's wherever the best score is ahead by more than errors."""
    assert made.errors[-1] == np.inf
    assert float(made.program.scales[-1]) == 1
    (index,) = [i for i, node in enumerate(made.program.nodes) if isinstance(node.op, ArgMax)]
    source, axis = made.program.nodes[index].sources[0], made.program.nodes[index].op.axis + 1
    (real,) = [node.sources[0] for node in made.real.nodes if isinstance(node.op, ArgMax)]
    scores = {}
    made.real.run(x, lambda i, values: scores.__setitem__(i, values))
    ordered = np.sort(scores[real], axis=axis)
    ahead = np.take(ordered, -1, axis) - np.take(ordered, -2, axis)
    clear = ahead > 2 * made.errors[source]
    assert clear.mean() > 0.4
    wanted = np.argmax(scores[real], axis=axis)
    assert (wanted == found.reshape(wanted.shape))[clear].all()


@pytest.mark.parametrize("width", [6, 9, 16])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_within_its_bound_and_range(name, width):
    _, made = compiled(name, width=width)
    program = made.program
    x = uniform(3, program.input_shape)
    integers, reals = {}, {}
    _, refused = program.run_each(
        program.quantize(x), lambda i, values: integers.__setitem__(i, values)
    )
    made.real.run(x, lambda i, values: reals.__setitem__(i, values))
    kept = [i for i in range(len(x)) if i not in refused]
    assert len(kept) > SAMPLES / 2
    for i, node in enumerate(program.nodes):
        low, high = program.ranges[i]
        assert integers[i].shape[1:] == node.shape
        assert low <= integers[i].min() <= integers[i].max() <= high
    assert len(made.real_nodes) == len(made.real.nodes)
    for real, i in enumerate(made.real_nodes):
        off = np.abs(integers[i] * program.scales[i] - reals[real])[kept].max()
        assert off <= made.errors[i] * (1 + 1e-9) + 1e-12, (real, i)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_number_is_what_the_equations_give(name):
    """Bit for bit, all nodes, against Python's integers."""
    _, made = compiled(name)
    program = made.program
    x = program.quantize(uniform(4, program.input_shape, 2))
    seen = {}
    program.run_each(x, lambda i, values: seen.__setitem__(i, values))
    for sample, row in enumerate(x):
        for i, values in enumerate(integers.evaluate(program, row)):
            assert integers.tensor(seen[i][sample]) == values, i


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("width", [4, 13])
def test_no_sum_of_absolute_values_reaches_its_bound(name, width):
    _, made = compiled(name, width=width, max_error=1e9)
    for node in made.program.nodes:
        if not isinstance(node.op, Affine):
            continue
        total = np.abs(node.op.bias).astype(object) + (1 << node.op.shift >> 1)
        for each, source in zip(node.op.maps, node.sources, strict=True):
            low, high = made.program.ranges[source]
            largest = np.full((1, *made.program.nodes[source].shape), max(-low, high), object)
            absolute = each.replace(np.abs(each.coefficients()).astype(object))
            total = total + absolute.apply(largest, 2**63)
        assert np.max(total) < node.op.bound <= 2**62


def test_a_last_softmax_becomes_its_scores_and_a_note():
    rng = np.random.default_rng(5)
    weights = rng.uniform(-1, 1, (6, 5)).astype(f32)
    model = build(
        [op("MatMul", ["x", "w"], ["s"], "m"), op("Softmax", ["s"], ["y"], "p", axis=-1)],
        {"w": weights},
        (1, 6),
    )
    made = compile_model(model, uniform(5, (1, 6), 100))
    x = uniform(6, (1, 6), 100)
    wanted = onnxruntime_on(model, x)
    assert made.program.notes == (SOFTMAX_NOTE,)
    assert made.program.nodes[-1].name == "m"
    scores = made.program.dequantize(made.program.run(made.program.quantize(x)))
    assert np.abs(scores - x @ weights).max() <= made.errors[-1] + SLACK
    ahead = np.sort(x @ weights, axis=-1)
    clear = (ahead[..., -1] - ahead[..., -2] > 2 * made.errors[-1]).reshape(-1)
    assert clear.sum() > 80
    assert (scores.argmax(-1) == wanted.argmax(-1)).reshape(-1)[clear].all()


def test_an_inner_softmax_stays_one():
    _, made = compiled("Softmax")
    assert made.program.notes == ()
    x = uniform(7, made.program.input_shape)
    p = made.program.dequantize(made.program.run(made.program.quantize(x)))
    assert np.abs(p.sum(axis=-1) - 1).max() < 6 * made.errors[-1]


# Small models of several operators.


def op(kind, inputs, outputs, name, **attributes):
    return helper.make_node(kind, inputs, outputs, name=name, **attributes)


def build(nodes, constants, shape, made=TensorProto.FLOAT):
    return network(nodes, constants, shape, made=made)


def compile_model(model, rows=None, **how):
    loaded = z.load_model(model.SerializeToString())
    return z.compile_program(
        loaded, uniform(1, loaded.input_shape) if rows is None else rows, **how
    )


def agrees(model, rows=None, **how):
    """Compile a model and hold it against onnxruntime; return what was compiled."""
    made = compile_model(model, rows, **how)
    x = uniform(8, made.program.input_shape) if rows is None else rows
    wanted = onnxruntime_on(model, x)
    real = made.real.run(x)
    assert real.shape == wanted.shape
    assert real == pytest.approx(wanted, abs=1e-4)
    outputs = made.program.dequantize(made.program.run(made.program.quantize(x)))
    assert np.abs(outputs - wanted).max() <= made.errors[-1] + SLACK
    return made


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_what_is_added_before_a_stack_of_matrices_stays_with_each(rows):
    weights = uniform(9, (4, 3), 2)
    nodes = [op("Add", ["x", "c"], ["a"], "a"), op("MatMul", ["a", "w"], ["y"], "m")]
    agrees(build(nodes, {"c": f32(1), "w": weights}, (2, rows, 4)))


@pytest.mark.parametrize(
    ("inputs", "stack", "shape"),
    [
        (["x", "w"], (2, 4, 3), (3, 4)),
        (["x", "w"], (2, 4, 3), (4,)),
        (["x", "w"], (SAMPLES, 4, 3), (4,)),
        (["x", "w"], (2, 1, 4, 3), (3, 4)),
        (["w", "x"], (2, 2, 3), (3, 4)),
        (["w", "x"], (5, 2, 3), (1, 3, 4)),
        (["x", "w"], (4,), (4,)),
        (["w", "x"], (3, 4), (4,)),
    ],
)
def test_stacks_of_weights_do_not_meet_the_samples(inputs, stack, shape):
    weights = uniform(10, stack[1:], stack[0])
    agrees(build([op("MatMul", inputs, ["y"], "m")], {"w": weights}, shape))


def test_an_index_among_many_is_exact():
    nodes = [op("ArgMax", ["x"], ["y"], "a", axis=1, keepdims=0)]
    made = compile_model(build(nodes, {}, (1, 300), TensorProto.INT64))
    program = made.program
    assert program.width < 10
    for best in (0, 127, 128, 255, 299):
        x = np.zeros((1, 1, 300), np.int64)
        x[..., best] = 1
        assert program.dequantize(program.run(x)).tolist() == [[best]]


def test_an_index_is_judged_by_the_scores_that_it_is_chosen_from():
    slices = {"s": np.array([0]), "e": np.array([1]), "t": np.array([1])}
    nodes = [
        op("Relu", ["x"], ["r"], "r"),
        op("Sigmoid", ["x"], ["g"], "g"),
        op("Slice", ["r", "s", "e", "t"], ["p"], "p"),
        op("Mul", ["p", "g"], ["q"], "q"),
        op("ArgMax", ["q"], ["y"], "a", axis=1),
    ]
    made = compile_model(build(nodes, slices, (1, 6), TensorProto.INT64))
    program = made.program
    (source,) = [node.sources[0] for node in program.nodes if isinstance(node.op, ArgMax)]
    (real,) = [node.sources[0] for node in made.real.nodes if isinstance(node.op, ArgMax)]
    assert source != made.real_nodes[real]
    x, found = uniform(1, (1, 6)), {}
    program.run_each(program.quantize(x), lambda i, values: found.setdefault(i, values))
    made.real.run(x, lambda i, values: found.setdefault(("real", i), values))
    off = np.abs(found[source] * program.scales[source] - found["real", real]).max()
    assert off == pytest.approx(made.quantization.max_abs_error, abs=1e-12)


def test_a_border_does_not_blur_what_it_borders():
    """Where numbers of two scales stand in one tensor, with zeros around them."""
    nodes = [
        op("Tanh", ["x"], ["t"], "t"),
        op("Concat", ["x", "t"], ["c"], "c", axis=2),
        op("ConvTranspose", ["c", "w"], ["y"], "d", strides=[2, 2], kernel_shape=[2, 2]),
    ]
    made = agrees(build(nodes, {"w": uniform(11, (1, 2, 2), 2)}, (1, 2, 6, 6)))
    assert made.program.width < 12


@pytest.mark.parametrize("function", ["Log", "Reciprocal"])
def test_a_finer_grid_is_tried_where_a_coarse_one_meets_a_pole(function):
    rows = np.random.default_rng(12).uniform(0.02, 1, (SAMPLES, 1, 6)).astype(f32)
    model = build([op(function, ["x"], ["y"], "f")], {}, (1, 6))
    rows[0, 0, 0] = 0.007
    made = agrees(model, rows, max_error=1.0 if function == "Log" else 30.0)
    assert made.program.width > 8
    with pytest.raises(z.UnsupportedGraph, match="without finite values") as e:
        compile_model(model, rows, width=8)
    assert e.value.place == "node 'f'"


def test_a_layer_norm_of_zeros():
    nodes = [op("LayerNormalization", ["x", "s"], ["y"], "l", epsilon=1e-3)]
    model = build(nodes, {"s": np.ones(6, f32)}, (1, 3, 6))
    made = agrees(model, np.zeros((2, 1, 3, 6), f32))
    assert not made.program.run(np.zeros((1, 1, 3, 6), np.int64)).any()
    equal = made.program.run(np.full((1, 1, 3, 6), 5))
    assert not equal.any()


def test_a_layer_norm_with_no_value_for_equal_numbers_is_refused():
    nodes = [op("LayerNormalization", ["x", "s"], ["y"], "l", epsilon=0.0)]
    with pytest.raises(z.UnsupportedGraph, match="epsilon of 0") as e:
        compile_model(build(nodes, {"s": np.ones(6, f32)}, (1, 3, 6)))
    assert e.value.place == "node 'l'"


@pytest.mark.parametrize("factor", [1e38, 1e-38])
@pytest.mark.parametrize("depth", [1, 5, 9])
@pytest.mark.parametrize("function", [None, "Relu"])
def test_very_large_and_very_small_numbers_end_in_a_word(factor, depth, function):
    """Products in float64 that float32 does not hold; folded into one factor, or layer by layer."""
    nodes, last = [], "x"
    for i in range(depth):
        nodes.append(op("Mul", [last, "c"], [f"t{i}"], f"m{i}"))
        last = f"t{i}"
        if function:
            nodes.append(op(function, [last], [f"r{i}"], f"r{i}"))
            last = f"r{i}"
    nodes[-1].output[0] = "y"
    try:
        made = compile_model(build(nodes, {"c": f32(factor)}, (1, 6)), width=8)
    except (z.UnsupportedGraph, z.AccuracyUnreachable) as e:
        assert "beyond 1e+30" in str(e) or factor < 1  # noqa: PT017
    else:
        assert factor < 1
        assert all(np.all(s > 0) and np.all(np.isfinite(s)) for s in made.program.scales)


def test_a_record_of_large_values_can_be_read_again():
    model = build([op("Relu", ["x"], ["y"], "r")], {}, (1, 6))
    made = compile_model(model, uniform(1, (1, 6)) * f32(1e29))
    how = z.Quantization.from_json(made.quantization.to_json())
    assert how == made.quantization
    again = z.rebuild_program(z.load_model(model.SerializeToString()), how)
    assert again.program.ranges == made.program.ranges


def test_padding_with_a_number_far_outside_is_refused():
    nodes = [op("Pad", ["x", "p", "v"], ["y"], "p")]
    constants = {"p": np.array([0, 1, 0, 2]), "v": f32(100)}
    with pytest.raises(z.UnsupportedGraph, match=r"padding with 100\.0") as e:
        compile_model(build(nodes, constants, (1, 6)))
    assert e.value.place == "node 'p'"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (np.zeros((4, 6), f32), z.InputShapeMismatch),
        (np.zeros((4, 1, 5), f32), z.InputShapeMismatch),
        (np.zeros((1, 6), f32), z.InputShapeMismatch),
        (np.zeros((0, 1, 6), f32), ValueError),
        (np.full((4, 1, 6), "1"), z.InputTypeMismatch),
        (np.zeros((4, 1, 6), complex), z.InputTypeMismatch),
        (np.full((4, 1, 6), np.nan, f32), z.UnsupportedGraph),
        (np.full((4, 1, 6), np.inf, f32), z.UnsupportedGraph),
        (np.full((4, 1, 6), 1e31, f32), z.UnsupportedGraph),
    ],
)
def test_calibration_data_that_are_none_are_refused(rows, error):
    with pytest.raises(error):
        compile_model(NETWORKS["Relu"], rows)


@pytest.mark.parametrize("width", [0, 1, 3, 17, 64, -8])
def test_a_width_out_of_limits_is_refused(width):
    with pytest.raises(ValueError, match="4 to 16"):
        compile_model(NETWORKS["Relu"], width=width)


def test_an_error_out_of_reach_is_said_with_what_was_reached():
    with pytest.raises(z.AccuracyUnreachable, match="allowed 1e-09"):
        compile_model(NETWORKS["Sigmoid"], max_error=1e-9)


def test_zeros_alone_make_a_program():
    made = compile_model(NETWORKS["Gemm"], np.zeros((3, 1, 6), f32))
    assert made.program.run(np.zeros((1, 1, 6), np.int64)).shape == (1, 1, 4)


def test_what_reads_a_wide_value_reads_it_narrowed_once():
    nodes = [
        op("Relu", ["x"], ["r"], "r"),
        op("Sigmoid", ["x"], ["g"], "g"),
        op("Slice", ["g", "s", "e", "t"], ["p"], "p"),
        op("Mul", ["p", "r"], ["m"], "m"),
        op("Transpose", ["m"], ["a"], "a", perm=[1, 0]),
        op("Tanh", ["m"], ["b"], "b"),
        op("MatMul", ["b", "a"], ["y"], "y"),
    ]
    slices = {"s": np.array([0]), "e": np.array([1]), "t": np.array([1])}
    made = agrees(build(nodes, slices, (1, 6)))
    narrowed = [n for n in made.program.nodes if isinstance(n.op, Affine) and n.name == "m"]
    assert len(narrowed) == 1


def test_features_of_unlike_ranges_have_scales_of_their_own():
    rows = uniform(13, (1, 4)) * np.array([1, 1000, 0.001, 1], f32)
    weights = np.array([[1], [0.001], [1000], [1]], f32)
    made = agrees(build([op("MatMul", ["x", "w"], ["y"], "m")], {"w": weights}, (1, 4)), rows)
    assert made.program.scales[0].shape == (4,)
    assert _quantize.MARGIN == 2


# Fitted models.

SKLEARN = FIXTURES / "sklearn"
FITTED = sorted({path.stem for path in SKLEARN.glob("*.onnx")} - {"svc-three", "svc-poly"})
REGRESSORS = sorted(path.stem for path in (SKLEARN / "regressors").glob("*.onnx"))


def scores_of(made, rows):
    found, refused = made.program.run_each(made.program.quantize(rows))
    assert not refused
    return made.program.dequantize(found).reshape(len(rows), -1)


@pytest.mark.parametrize("width", [None, 16])
@pytest.mark.parametrize("name", FITTED)
def test_classes_are_those_of_scikit_learn(name, width):
    with np.load(SKLEARN / "expected.npz") as data:
        x, scores, labels = (data[f"{name}.{what}"] for what in ("x", "scores", "labels"))
    model = z.load_model(SKLEARN / f"{name}.onnx")
    rows = x.reshape(-1, *model.input_shape)
    if name == "svc-rbf" and width is None:
        with pytest.raises(z.AccuracyUnreachable):
            z.compile_program(model, rows)
        return
    made = z.compile_program(model, rows, width=width)
    found = scores_of(made, rows)
    off = np.abs(found - scores).max()
    assert off <= made.errors[-1] + 1e-4
    assert off <= made.quantization.max_abs_error + 1e-4
    ordered = np.sort(scores, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 2 * off
    assert (found.argmax(1) == labels)[clear].all()
    assert (found.argmax(1) == labels).sum() >= len(labels) - 1
    if width == 16 or not name.startswith("mlp"):
        assert found.argmax(1).tolist() == labels.tolist()


@pytest.mark.parametrize("name", REGRESSORS)
def test_values_are_those_of_scikit_learn(name):
    with np.load(SKLEARN / "regressors" / "expected.npz") as data:
        x, values = data[f"{name}.x"], data[f"{name}.values"]
    model = z.load_model(SKLEARN / "regressors" / f"{name}.onnx")
    rows = x.reshape(-1, *model.input_shape)
    if name == "svr-rbf":
        with pytest.raises(z.AccuracyUnreachable):
            z.compile_program(model, rows)
        return
    made = z.compile_program(model, rows)
    assert np.abs(scores_of(made, rows) - values).max() < 0.006 * np.ptp(values)


# Bounds of tables.

ATTRIBUTES = {
    "Celu": {"alpha": 0.5},
    "Elu": {"alpha": 1.5},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "LeakyRelu": {"alpha": 1.5},
    "Selu": {"alpha": 1.67, "gamma": 1.05},
    "ThresholdedRelu": {"alpha": -0.51},
}
PLAIN = {op: function_of(op, ATTRIBUTES.get(op, {})) for op in (*ATTRIBUTES, *_functions._PLAIN)}
SINE = PLAIN["Sin"]
COMPOSED = {
    "a wave": SINE.after(straight(9, 0.3)),
    "a saw": combined("Sub", IDENTITY, PLAIN["Floor"]),
    "silu": combined("Mul", IDENTITY, PLAIN["Sigmoid"]),
    "a bell": PLAIN["Exp"].after(PLAIN["Neg"].after(power(2))),
    "a narrow bell": PLAIN["Exp"].after(
        straight(-1e5, 0).after(power(2).after(straight(1, -0.51)))
    ),
    "a cube": power(3),
    "a fall": clip(-0.51, 0.77).after(straight(-2, 0.1)),
}
POLES = {"Log", "Reciprocal", "Sqrt", "Tan"}
UNIT = 0.05


def within(function, error):
    """Return whether a table's bound holds, and the bound, by trying many arguments."""
    grid = np.arange(-60, 60) * UNIT
    with np.errstate(all="ignore"):
        bound = deviation(function, UNIT, -60, function.call(grid), error)
        off = np.linspace(-error, error, 401)
        points = grid[:, None] + off
        tried = np.abs(function.call(points) - function.call(grid)[:, None]).max()
    return bool(tried <= bound + 1e-9), bound


@pytest.mark.parametrize("error", [0.0, 0.3, 1.0, 2.7])
@pytest.mark.parametrize("name", [*PLAIN, *COMPOSED])
def test_the_bound_of_a_table_holds_between_its_points(name, error):
    holds, bound = within({**PLAIN, **COMPOSED}[name], UNIT * error)
    assert holds or (name in POLES and bound == np.inf)
    assert np.isfinite(bound) or name in POLES


@pytest.mark.parametrize("periods", [1, 2, 3, 13, 34, 1.001])
def test_the_bound_of_a_table_sees_what_oscillates_between_its_points(periods):
    holds, bound = within(SINE.after(straight(2 * np.pi * periods / UNIT, 0)), 0.6 * UNIT)
    assert holds
    assert bound > 0.99


@pytest.mark.parametrize("place", [0.51, 0.5251, 0.54])
def test_nothing_is_proven_of_a_pole_between_the_points(place):
    function = PLAIN["Reciprocal"].after(straight(1, -place))
    assert within(function, 0.6 * UNIT) == (True, np.inf)


def test_a_function_on_too_coarse_a_grid_has_no_small_bound():
    rows = uniform(14, (1, 6))
    unit = float(compile_model(NETWORKS["Sin"], rows, width=8).program.scales[0])
    nodes = [op("Mul", ["x", "c"], ["m"], "m"), op("Sin", ["m"], ["y"], "s")]
    model = build(nodes, {"c": f32(2 * np.pi / unit)}, (1, 6))
    made = compile_model(model, rows, width=8)
    assert made.errors[-1] >= made.quantization.max_abs_error > 0.9
