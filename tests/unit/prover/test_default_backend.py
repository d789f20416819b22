"""Without a backend's name Plumb is taken, and ezkl for what Plumb cannot do, in so many words."""

import warnings

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import zkinfer as zk
from zkinfer._backends import find_backend
from zkinfer._cli import main
from zkinfer_models import model

CARD = model("breast-cancer")
HIDDEN = {"inputs": "hidden", "weights": "public", "outputs": "public"}


def compiled(source=None, calibration=None, **changes):
    data = CARD.samples().calibration if calibration is None else calibration
    source = CARD.onnx_bytes() if source is None else source
    return zk.compile(source, calibration=data, **{**HIDDEN, **changes})


def softmax():
    """A model that only ezkl proves."""
    return onnx_model([helper.make_node("Softmax", ["x"], ["y"], name="odds", axis=1)])


def layer_normalization():
    """A model that neither proves."""
    scale = numpy_helper.from_array(np.ones(3, np.float32), "s")
    return onnx_model([helper.make_node("LayerNormalization", ["x", "s"], ["y"], "norm")], scale)


def onnx_model(nodes, *weights):
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 3]) for n in "xy")
    graph = helper.make_graph(nodes, "net", [x], [y], list(weights))
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


FEW = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)


def test_plumb_wherever_it_can():
    assert compiled().statement.backend == "plumb"
    assert compiled(weights="hidden").statement.backend == "plumb"
    assert compiled(optimize="gas").statement.backend == "plumb"


def test_ezkl_for_what_is_ezkls():
    with pytest.warns(zk.EzklTaken, match="a setting of ezkl"):
        assert compiled(scale_bits=7).statement.backend == "ezkl"


def test_ezkl_for_an_operation_that_plumb_does_not_prove():
    with pytest.warns(zk.EzklTaken, match=r"Plumb refuses: ZK\d+ .*odds"):
        assert compiled(softmax(), FEW).statement.backend == "ezkl"


def test_weights_are_never_shown_because_plumb_refused():
    with (
        pytest.warns(zk.EzklTaken, match="odds"),
        pytest.raises(zk.VisibilityUnsupported, match="weights"),
    ):
        compiled(softmax(), FEW, weights="hidden")


def test_what_neither_can_is_refused():
    with pytest.warns(zk.EzklTaken, match="norm"), pytest.raises(zk.UnsupportedOperator):
        compiled(layer_normalization(), FEW)


def test_without_ezkl_plumbs_reason_stands(monkeypatch):
    def missing(self, *_):
        raise zk.BackendMissing()

    monkeypatch.setattr(type(find_backend("ezkl")), "compile", missing)
    with pytest.warns(zk.EzklTaken), pytest.raises(zk.ZkinferError, match="odds"):
        compiled(softmax(), FEW)
    with pytest.warns(zk.EzklTaken), pytest.raises(zk.BackendMissing):
        compiled(scale_bits=7)


def test_the_command_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(CARD.onnx_bytes())
    np.save("calibration.npy", CARD.samples().calibration)
    words = "compile model.onnx --calibration calibration.npy --inputs hidden --weights public"
    for more, note in (([], False), (["--scale-bits", "7"], True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as Python may be set up to do
            assert main([*words.split(), "--outputs", "public", "-o", "out.zkc", *more]) == 0
        assert ("note: ezkl is taken instead of Plumb" in capsys.readouterr().err) is note
