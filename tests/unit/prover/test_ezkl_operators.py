"""The ezkl backend proves fewer operators than the importer reads, and refuses the others first."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import zkinfer as zk
from tests.fixtures.operators import operator_networks
from zkinfer._ezkl._backend import EzklBackend
from zkinfer._ezkl._operators import PROVABLE, require_provable
from zkinfer_circuits import UnsupportedGraph, UnsupportedOperator, load_model

NETWORKS = {
    name: load_model(model.SerializeToString()) for name, (model, _) in operator_networks().items()
}
# Supported operators in a use that ezkl takes for another.
VARIANTS = {
    "MaxPool/padded": "straight after Relu",
    "AveragePool/padded": "count_include_pad",
    "Conv/dilated": r"dilations \[2, 2\]",
    "Conv/dilated, one dimension": r"dilations \[3\]",
    "Pad/value": "another number than 0",
    "Pad/edge": "mode edge",
    "Pad/reflect": "mode reflect",
}
# Read as something that ezkl proves.
PROVEN = {
    *("Max", "Max/zero", "Min", "PRelu/one slope", "Pow/two", "Pow/three", "Split"),
    *("Split/one part", "Gather/one index", "Shape", "Shape/scale", "ConstantOfShape"),
}
UNPROVABLE = {
    *("Abs", "ArgMax", "Atan", "Ceil", "Celu", "ConvTranspose", "Cos", "Cosh", "Elu", "Erf"),
    *("Expand", "Floor", "Gather", "HardSigmoid", "HardSwish", "LayerNormalization", "Log", "Neg"),
    *("PRelu", "Pow", "Reciprocal", "ReduceMax", "Round", "Selu", "Sign", "Sin", "Sinh"),
    *("Softplus", "Softsign", "Sqrt", "Tan", "ThresholdedRelu", "Tile"),
}


def model(nodes, shape=(1, 2, 6, 6), made=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", made, None)],
    )
    sets = [helper.make_opsetid("", 17)]
    return load_model(
        helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_proven_is_what_was_tried_with_ezkl(name):
    network = NETWORKS[name]
    used = {operator for operator, _ in network.operators}
    if name in VARIANTS:
        with pytest.raises(UnsupportedGraph, match=VARIANTS[name]):
            require_provable(network)
    elif used <= PROVABLE:
        require_provable(network)
    else:
        with pytest.raises(UnsupportedOperator) as e:
            require_provable(network)
        assert {op for _, op, _ in e.value.nodes} == used - PROVABLE
    assert not used & UNPROVABLE or not used <= PROVABLE
    assert name not in PROVEN or used <= PROVABLE


def test_each_step_of_a_normal_form_is_provable_or_known_not_to_be():
    steps = {operator for network in NETWORKS.values() for operator, _ in network.operators}
    assert steps == PROVABLE | (UNPROVABLE & steps)
    assert not PROVABLE & UNPROVABLE
    # Celu of alpha 1, say, is another operator; but each is a step of some network.
    assert steps >= UNPROVABLE


def test_the_nodes_are_named_as_in_the_file():
    with pytest.raises(UnsupportedOperator) as e:
        require_provable(
            model(
                [
                    helper.make_node("Erf", ["x"], ["a"], name="/block/Erf_3"),
                    helper.make_node("Relu", ["a"], ["b"]),
                    helper.make_node("Sin", ["b"], ["y"], name="/block/Sin"),
                ]
            )
        )
    assert e.value.nodes == (("/block/Erf_3", "Erf", 17), ("/block/Sin", "Sin", 17))
    pool = helper.make_node(
        "MaxPool", ["x"], ["y"], name="/pool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]
    )
    with pytest.raises(UnsupportedGraph) as e:
        require_provable(model([pool]))
    assert e.value.place == "node '/pool'"


@pytest.mark.parametrize(("before", "fine"), [("Relu", True), ("Sigmoid", True), ("Tanh", False)])
def test_a_padded_maximum_is_proven_after_what_is_never_negative(before, fine):
    nodes = [
        helper.make_node(before, ["x"], ["a"]),
        helper.make_node("MaxPool", ["a"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    ]
    if fine:
        require_provable(model(nodes))
    else:
        with pytest.raises(UnsupportedGraph):
            require_provable(model(nodes))


def test_no_verb_begins_with_a_model_that_is_not_provable(monkeypatch, breast_cancer):
    erf = model([helper.make_node("Erf", ["x"], ["y"], name="erf")], (1, 30))
    monkeypatch.setattr("zkinfer._ezkl._process.run", lambda *_: pytest.fail("ezkl was called"))
    backend, x = EzklBackend(), np.zeros((1, 30), np.float32)
    with pytest.raises(UnsupportedOperator):
        zk.compile(
            erf.onnx, calibration=np.repeat(x, 4, 0), inputs="hidden", weights="public",
            outputs="public", backend="ezkl",
        )  # fmt: skip
    # A stranger's circuit: whoever wrote it did not compile it.
    whole = breast_cancer.circuit
    circuit = zk.Circuit(whole.statement, erf.onnx, whole.backend_settings, whole.calibration)
    with pytest.raises(UnsupportedOperator):
        backend.setup(circuit, zk.unsafe_test_srs())
    with pytest.raises(UnsupportedOperator):
        backend.evaluate(circuit, [x], constraints=False)
    pk = breast_cancer.pk
    key = zk.ProvingKey(pk.verifying_key, erf.onnx, pk.backend_proving_key)
    with pytest.raises(UnsupportedOperator):
        backend.prove(key, x, bytes(32))


def test_indices_are_no_output_of_ezkl():
    made = model([helper.make_node("ArgMax", ["x"], ["y"], axis=1)], made=TensorProto.INT64)
    assert onnx.ModelProto.FromString(made.onnx).graph.output[0].type.tensor_type.elem_type == 7
    with pytest.raises(UnsupportedOperator, match="ArgMax"):
        require_provable(made)
