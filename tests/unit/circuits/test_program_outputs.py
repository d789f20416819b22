"""What a program gives out: scores, the winning class, or whether a threshold is reached."""

import numpy as np
import onnx
import pytest

import zkinfer_circuits as z
from zkinfer_models import model


def compiled(name, **options):
    card = model(name)
    network = z.load_model(card.onnx_bytes())
    samples = card.samples()
    shape = (-1, *network.input_shape)
    made = z.compile_program(network, samples.calibration.reshape(shape), **options)
    return network, made, samples.x.reshape(shape)


def run(made, x):
    return made.program.run(made.program.quantize(x))


def test_top1_is_the_first_index_of_the_largest_score():
    network, scores, x = compiled("digits-cnn")
    _, top1, _ = compiled("digits-cnn", output="top1")
    assert np.array_equal(run(top1, x)[..., 0], run(scores, x).argmax(-1))
    assert top1.program.output_shape == (1, 1)
    again = z.rebuild_program(network, z.Quantization.from_json(top1.quantization.to_json()))
    assert np.array_equal(run(again, x), run(top1, x))


@pytest.mark.parametrize("threshold", [-1.5, 0, 2.25])
def test_a_threshold_is_compared_with_the_scores_that_are_proven(threshold):
    network, scores, x = compiled("breast-cancer")
    _, decided, _ = compiled("breast-cancer", output=threshold)
    found = run(decided, x)
    assert set(np.unique(found)) == {0, 1}
    assert np.array_equal(found, scores.program.dequantize(run(scores, x)) >= threshold)
    again = z.rebuild_program(network, z.Quantization.from_json(decided.quantization.to_json()))
    assert np.array_equal(run(again, x), found)


def test_a_threshold_is_reached_by_the_score_that_equals_it():
    _, scores, x = compiled("breast-cancer")
    exact = float(scores.program.dequantize(run(scores, x[:1])).reshape(-1)[0])
    for threshold, reached in ((exact, 1), (np.nextafter(exact, np.inf), 0)):
        _, decided, _ = compiled("breast-cancer", output=threshold)
        assert run(decided, x[:1]).reshape(-1)[0] == reached


def test_the_winner_of_a_single_score_is_whether_it_is_above_zero():
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 1])],
        [onnx.numpy_helper.from_array(np.array([[1.0], [-1.0]], dtype=np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = z.load_model(made.SerializeToString())
    x = np.array([[[1.0, -1.0]], [[0.5, 0.5]], [[-1.0, 1.0]]])
    assert run(z.compile_program(network, x, output="top1"), x).reshape(-1).tolist() == [1, 0, 0]


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_is_a_number(threshold):
    with pytest.raises(ValueError, match="threshold"):
        compiled("perceptron", output=threshold)


@pytest.mark.parametrize("output", ["top2", True, None, float("inf")])
def test_a_record_with_another_output_is_refused(output):
    _, made, _ = compiled("perceptron")
    with pytest.raises((ValueError, TypeError)):
        z.Quantization.from_json({**made.quantization.to_json(), "output": output})


@pytest.mark.parametrize("output", ["top2", "", "Scores"])
def test_another_word_is_no_output(output):
    with pytest.raises(ValueError, match="top1"):
        compiled("perceptron", output=output)


def softmax_model(shape, axis):
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "c"], ["s"]),
            helper.make_node("Softmax", ["s"], ["y"], axis=axis),
        ],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(np.array(3, dtype=np.float32), "c")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return z.load_model(made.SerializeToString())


def test_a_threshold_of_a_probability_is_not_one_of_a_score():
    network = softmax_model((1, 3), 1)
    rows = np.random.default_rng(0).uniform(-1, 1, (64, 1, 3)).astype(np.float32)
    wanted = np.stack([z.run_float(network, row) for row in rows])
    made = z.compile_program(network, rows, output=np.float32(0.5), width=12)
    assert made.program.notes == ()
    far = np.abs(wanted - 0.5) > 0.02
    assert np.array_equal(run(made, rows)[far], (wanted >= 0.5)[far])
    z.Quantization.from_json(made.quantization.to_json())


@pytest.mark.parametrize(("axis", "noted"), [(2, True), (-1, True), (1, False)])
def test_the_winner_is_that_of_the_softmax(axis, noted):
    network = softmax_model((1, 3, 4), axis)
    rows = np.random.default_rng(1).uniform(-1, 1, (64, 1, 3, 4)).astype(np.float32)
    wanted = np.stack([z.run_float(network, row) for row in rows])
    made = z.compile_program(network, rows, output="top1", width=12)
    assert bool(made.program.notes) == noted
    ordered = np.sort(wanted, axis=-1)
    clear = ordered[..., -1] - ordered[..., -2] > 0.02
    assert np.array_equal(run(made, rows)[..., 0][clear], wanted.argmax(-1)[clear])
