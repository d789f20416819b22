"""A7: values at import that no circuit can hold (all of them: tests/unit/circuits)."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import zkinfer as zk
from zkinfer_models import model

HIDDEN = {"inputs": "hidden", "weights": "public", "outputs": "public"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(value):
    card = model("breast-cancer")
    poisoned = onnx.ModelProto.FromString(card.onnx_bytes())
    last = poisoned.graph.initializer[-1]
    weights = numpy_helper.to_array(last).copy()
    weights.flat[0] = value
    last.CopyFrom(numpy_helper.from_array(weights, last.name))
    with pytest.raises(zk.NonFiniteWeight) as caught:
        zk.compile(
            poisoned.SerializeToString(), calibration=card.samples().calibration[:4], **HIDDEN
        )
    assert last.name in str(caught.value)


def test_an_input_that_is_no_number_is_refused(breast_cancer):
    x = np.array(breast_cancer.x, dtype=np.float32)
    x.flat[0] = np.nan
    with pytest.raises(zk.InputNotFinite):
        zk.prove(breast_cancer.pk, x)
