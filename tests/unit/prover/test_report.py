"""A circuit's report with data, and as a page: true, self-contained, and deaf to hostile names."""

import dataclasses
import json

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zkinfer as zk
from tests.unit.prover.pages import read_page
from zkinfer._cli import main
from zkinfer._report._compare import Comparison
from zkinfer._report._html import circuit_page
from zkinfer._report._layers import layers
from zkinfer._report._markup import page, tag
from zkinfer._report._plots import bars, number, ranges, scatter
from zkinfer_circuits import load_model
from zkinfer_models import model, models

CARD = model("breast-cancer")
HOSTILE = "</td><script>alert('1')</script>\"&\u202egnp\x00"


def with_names(circuit, name):
    """Return the circuit with every node of its model called `name` and a number."""
    proto = onnx.ModelProto.FromString(circuit.onnx)
    for i, node in enumerate(proto.graph.node):
        node.name = f"{name}{i}"
    return dataclasses.replace(circuit, onnx=proto.SerializeToString())


@pytest.fixture(scope="module")
def x():
    return CARD.samples().x[:12]


@pytest.fixture(scope="module")
def report(breast_cancer, x):
    return breast_cancer.circuit.report(x)


def test_a_report_without_data_says_that_it_has_no_plots(breast_cancer):
    made = breast_cancer.circuit.report()
    assert made.to_json()["measured"] is None
    assert all(layer["low"] is None for layer in made.to_json()["layers"])
    shown = read_page(made.html())
    assert "No data was given" in shown.text
    assert "svg" not in shown.tags


def test_a_report_measures_the_data_given(breast_cancer, report, x):
    circuit = breast_cancer.circuit
    measured = report.to_json()["measured"]
    floats, quantised = circuit.run(x, mode="float"), circuit.run(x, mode="mock")
    assert measured["samples"] == 12
    assert measured["refused"] == 0
    assert measured["max_abs_error"] == np.abs(floats - quantised).max()
    assert measured["agreement"] == (floats.argmax(2) == quantised.argmax(2)).mean()
    assert (measured["output_low"], measured["output_high"]) == (floats.min(), floats.max())
    first, relu, last = report.to_json()["layers"]
    assert (first["operator"], relu["operator"], last["operator"]) == ("Gemm", "Relu", "Gemm")
    assert relu["low"] == 0
    assert relu["high"] == first["high"]
    assert (last["low"], last["high"]) == (floats.min(), floats.max())
    assert "data           12 samples: largest error" in str(report)
    json.dumps(report.to_json(), allow_nan=False)


def test_the_page_says_what_the_report_says(report):
    assert "//" not in report.html()
    shown = read_page(report.html())
    for said in (*report.data["learns"], *report.data["hides"]):
        assert said in shown.text
    assert shown.tags.count("svg") == 3
    # Two outputs a sample in each of two plots, and the worst of them circled.
    assert shown.tags.count("circle") == 2 * (2 * 12 + 1)
    for word in ("hidden", "public", "unsafe", "of their range", "about"):
        assert word in shown.text


def test_names_from_a_strangers_model_stay_text(breast_cancer, x):
    made = with_names(breast_cancer.circuit, HOSTILE).report(x)
    assert made.to_json()["layers"][0]["name"] == f"{HOSTILE}0"
    shown = read_page(made.html())
    assert "</td><script>alert('1')</script>\"&\\u202egnp\\u00000" in shown.text


def test_a_long_name_is_cut(breast_cancer):
    shown = read_page(with_names(breast_cancer.circuit, "n" * 10_000).report().html())
    assert "n" * 59 + "…" in shown.text
    assert "n" * 60 not in shown.text


@given(st.text(), st.text())
def test_any_text_stays_text(words, name):
    shown = read_page(page(words, tag("p", words, aria_label=name)))
    assert shown.tags.count("p") == 1
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in words)
    assert visible in shown.text


def test_inputs_out_of_range_are_counted_and_not_plotted(breast_cancer, x):
    far = x[:4].copy()
    far[1] *= 1e6
    made = breast_cancer.circuit.report(far)
    measured = made.to_json()["measured"]
    assert (measured["samples"], measured["refused"]) == (4, 1)
    assert measured["agreement"] <= 0.75
    assert measured["max_abs_error"] < 0.1
    assert "1 out of range" in str(made)
    shown = read_page(made.html())
    assert "1 of 4 inputs have values that do not fit" in shown.text
    assert shown.tags.count("circle") == 2 * (2 * 3 + 1)


def test_data_that_are_all_out_of_range_leave_nothing_to_plot(breast_cancer, x):
    made = breast_cancer.circuit.report(x[:1] * 1e6)
    assert made.to_json()["measured"]["max_abs_error"] is None
    assert "none ran" in read_page(made.html()).text
    assert "all refused" in str(made)


def test_one_input_is_a_stack_of_one(breast_cancer, x):
    for one in (x[0], x[:1], x[None, :1]):
        assert breast_cancer.circuit.report(one).to_json()["measured"]["samples"] == 1


@pytest.mark.parametrize("data", [np.zeros((3, 7)), np.zeros((0, 30)), np.float32(1), "text"])
def test_data_of_another_kind_are_refused(breast_cancer, data):
    with pytest.raises(zk.InputRefused):
        breast_cancer.circuit.report(data)


@pytest.mark.parametrize("card", models(), ids=lambda card: card.id)
def test_the_layers_add_up(card):
    parsed = load_model(card.onnx_bytes())
    found = layers(parsed, card.samples().x[:2])
    assert sum(layer.macs for layer in found) == parsed.macs
    assert found[-1].shape == parsed.output_shape
    assert len(found) == len(parsed.nodes)
    assert all(layer.low <= layer.high for layer in found)


def test_a_layer_without_finite_values_has_no_range(breast_cancer):
    proto = onnx.ModelProto.FromString(breast_cancer.circuit.onnx)
    for tensor in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor) * np.float32(1e30)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    parsed = load_model(proto.SerializeToString())
    found = layers(parsed, CARD.samples().x[:1])
    assert found[-1].low is None
    assert found[-1].high is None


def test_a_page_of_a_large_model_stays_small(report):
    data = {**report.data, "layers": report.data["layers"] * 3000}
    html = circuit_page(data, None)
    assert len(html) < 500_000
    assert "The first 300 of 9,000 layers." in read_page(html).text


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-30, -1e30, 3.4e38])
def test_plots_of_any_one_value_have_finite_coordinates(value):
    one = np.array([value])
    shown = page(
        "plots",
        scatter("s", one, one, ("a", "b"), diagonal=True),
        scatter("s", one, one, ("a", "b"), diagonal=False),
        ranges("r", [("layer", value, value)]),
        bars("b", [("model", [abs(value), None, 0.0])]),
    )
    read_page(shown)
    assert "nan" not in shown.split("</style>")[1]
    assert "inf" not in shown.split("</style>")[1]


def test_thousands_of_points_are_thinned_and_the_worst_is_kept():
    across = np.linspace(0, 1, 9001)
    up = across.copy()
    up[4501] += 1
    shown = read_page(page("p", scatter("s", across, up, ("a", "b"), diagonal=True)))
    assert 1000 < shown.tags.count("circle") <= 2001


def test_numbers_have_three_digits():
    assert [number(v) for v in (0.0, 1234.0, 0.01234, 12.345, 1e-9, 12345.678)] == [
        "0", "1,234", "0.0123", "12.3", "1.00e-09", "12,346",
    ]  # fmt: skip


def test_a_single_outputs_class_is_its_sign():
    found = Comparison(np.array([[0.5], [-0.5], [2.0]]), np.array([[0.4], [0.1], [np.nan]]))
    assert found.refused == 1
    assert found.agreement == pytest.approx(1 / 3)
    assert found.max_abs_error == pytest.approx(0.6)
    assert found.accuracy(np.array([1, 0, 1])) == (1.0, pytest.approx(1 / 3))


def test_the_command_writes_the_page(capsys, breast_cancer, x, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    breast_cancer.circuit.save("model.zkc")
    np.savez("data.npz", x=x)
    assert main(["report", "model.zkc", "--data", "data.npz", "--html", "r.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured"]["samples"] == 12
    assert "Quantised against float" in read_page((tmp_path / "r.html").read_text()).text

    assert main(["report", "model.zkc", "--html", "no/r.html", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == zk.OutputNotWritable.code
