"""Models of scikit-learn, as its exporter writes them: classifiers keep their scores."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import zkinfer_circuits as z

FOLDER = Path(__file__).parents[2] / "fixtures" / "sklearn"
REFUSED = {"svc-three": "3 classes", "svc-poly": "kernel POLY"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))
REGRESSORS = sorted(path.stem for path in (FOLDER / "regressors").glob("*.onnx"))
ML = "ai.onnx.ml"


def expected(name: str) -> tuple[Any, Any, Any]:
    with np.load(FOLDER / "expected.npz") as data:
        return tuple(data[f"{name}.{what}"] for what in ("x", "scores", "labels"))


def run(model: z.Model, rows: Any) -> Any:
    return np.stack([z.run_float(model, row)[0] for row in np.asarray(rows, np.float32)])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_scores_and_classes_are_those_of_scikit_learn(name: str) -> None:
    x, scores, labels = expected(name)
    model = z.load_model(FOLDER / f"{name}.onnx")
    assert (model.input_shape, model.output_shape) == ((1, x.shape[1]), (1, scores.shape[1]))
    made = run(model, x)
    assert np.abs(made - scores).max() < 1e-4
    assert made.argmax(1).tolist() == labels.tolist()
    assert len({*labels.tolist()}) == scores.shape[1]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_the_normal_form_is_plain_and_takes_batches(name: str) -> None:
    x, scores, _ = expected(name)
    model = z.load_model(FOLDER / f"{name}.onnx")
    made = onnx.ModelProto.FromString(model.onnx)
    assert [(o.domain, o.version) for o in made.opset_import] == [("", 17)]
    assert {op for op, _ in model.operators}.isdisjoint({"Softmax", "Sigmoid"})
    assert z.load_model(model.onnx).onnx == model.onnx
    whole = z.load_model(FOLDER / f"{name}.onnx", batch=len(x))
    assert np.abs(z.run_float(whole, x) - scores).max() < 1e-4


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_plain_scores_is_refused(name: str) -> None:
    with pytest.raises(z.UnsupportedGraph, match=REFUSED[name]) as e:
        z.load_model(FOLDER / f"{name}.onnx")
    assert e.value.place == "node 'SVMc'"


@pytest.mark.parametrize("name", REGRESSORS)
def test_values_of_regressors_are_those_of_scikit_learn(name: str) -> None:
    with np.load(FOLDER / "regressors" / "expected.npz") as data:
        x, values = data[f"{name}.x"], data[f"{name}.values"]
    model = z.load_model(FOLDER / "regressors" / f"{name}.onnx")
    assert (model.input_shape, model.output_shape) == ((1, x.shape[1]), (1, values.shape[1]))
    assert np.abs(run(model, x) - values).max() < 1e-4
    assert np.ptp(values) > 0.5
    assert z.load_model(model.onnx).onnx == model.onnx


# One comparison, x[1] <= threshold: class 0 if so, class 1 if not.
STUMP: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_featureids": [1, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
    "class_treeids": [0, 0],
    "class_nodeids": [1, 2],
    "class_ids": [0, 1],
    "class_weights": [1.0, 1.0],
    "classlabels_int64s": [0, 1],
    "post_transform": "NONE",
}
LINEAR: dict[str, Any] = {
    "coefficients": [1.0, 2.0, 3.0, 4.0],
    "intercepts": [0.0, 1.0],
    "classlabels_ints": [0, 1],
    "post_transform": "NONE",
}
MACHINE: dict[str, Any] = {
    "coefficients": [1.0, -1.0],
    "rho": [0.25],
    "support_vectors": [1.0, 2.0, 3.0, 4.0],
    "kernel_params": [0.5, 0.0, 3.0],
    "kernel_type": "RBF",
    "vectors_per_class": [1, 1],
    "classlabels_ints": [0, 1],
}


def ml(op: str, x: str, outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, [x], outputs, name=op.lower(), domain=ML, **attributes)


def graph(
    nodes: list[onnx.NodeProto], outputs: dict[str, int], *, width: Any = 2, opset: int = 17
) -> bytes:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
    )
    sets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 3)]
    return bytes(helper.make_model(made, opset_imports=sets, ir_version=8).SerializeToString())


BOTH = {"label": TensorProto.INT64, "y": TensorProto.FLOAT}


def classifier(op: str, attributes: dict[str, Any], **changed: Any) -> bytes:
    kept = {k: v for k, v in {**attributes, **changed}.items() if v is not None}
    return graph([ml(op, "x", ["label", "y"], **kept)], BOTH)


def stump(**changed: Any) -> bytes:
    return classifier("TreeEnsembleClassifier", STUMP, **changed)


@pytest.mark.parametrize("threshold", [0.5, 0.5 + 2**-8, 0.503, 0.507, -0.4999, 4.9, -1000.001])
def test_a_comparison_errs_only_just_above_its_threshold(threshold: float) -> None:
    threshold = float(np.float32(threshold))
    model = z.load_model(stump(nodes_values=[threshold, 0.0, 0.0]))
    near = threshold + np.arange(-300, 300) / 2**12
    rows = np.stack([np.zeros_like(near), near], axis=1).astype(np.float32)
    made, above = run(model, rows), rows[:, 1].astype(np.float64) - threshold
    assert (made[above <= 0] == [1, 0]).all()
    assert (made[above >= 2**-7] == [0, 1]).all()
    assert (made >= 0).all()
    assert (made.sum(1) == 1).all()
    # Features rounded to multiples of 2^-7: never between the two, and the same but just above.
    grid = rows.copy()
    grid[:, 1] = np.floor(near * 128 + 0.5) / 128
    made = run(model, grid)
    assert set(made[:, 0].tolist()) <= {0.0, 1.0}
    assert (made[above >= 2**-7] == [0, 1]).all()
    # A threshold in the middle of two such features belongs to the lower.
    halfway = (threshold * 128) % 1 == 0.5
    assert (made[(grid[:, 1] < threshold) if halfway else (above <= 0)] == [1, 0]).all()


def test_leaves_of_two_classes_may_be_listed_for_one() -> None:
    for weights, classes in (
        ([0.25, 0.75], [[0.75, 0.25], [0.25, 0.75]]),
        ([-0.25, 0.75], [[0.25, -0.25], [-0.75, 0.75]]),
    ):
        model = z.load_model(stump(class_ids=[0, 0], class_weights=weights))
        np.testing.assert_allclose(run(model, [[9, 0], [9, 1]]), classes, atol=1e-6)


def test_trees_of_different_sizes_and_a_lone_leaf_add_up() -> None:
    model = z.load_model(
        stump(
            nodes_treeids=[0, 0, 0, 3],
            nodes_nodeids=[0, 1, 2, 0],
            nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
            nodes_featureids=[1, 0, 0, 0],
            nodes_values=[0.5, 0.0, 0.0, 0.0],
            nodes_truenodeids=[1, 0, 0, 0],
            nodes_falsenodeids=[2, 0, 0, 0],
            class_treeids=[0, 0, 3],
            class_nodeids=[1, 2, 0],
            class_ids=[0, 1, 1],
            class_weights=[0.5, 0.5, 0.25],
        )
    )
    assert run(model, [[9, 0], [9, 1]]).tolist() == [[0.5, 0.25], [0, 0.75]]


@pytest.mark.parametrize(
    ("changed", "error", "match"),
    [
        ({"nodes_values": [0.5, 0.0]}, z.ModelMalformed, "differ in length"),
        ({"nodes_modes": None}, z.ModelMalformed, "differ in length"),
        ({"nodes_nodeids": [0, 1, 1]}, z.ModelMalformed, "one number"),
        ({"nodes_featureids": [2, 0, 0]}, z.ModelMalformed, "feature 2 of 2"),
        ({"nodes_featureids": [-1, 0, 0]}, z.ModelMalformed, "feature -1"),
        ({"nodes_truenodeids": [0, 0, 0]}, z.ModelMalformed, "make trees"),
        ({"nodes_truenodeids": [7, 0, 0]}, z.ModelMalformed, "make trees"),
        ({"nodes_truenodeids": [2, 0, 0]}, z.ModelMalformed, "make trees"),
        ({"nodes_treeids": [0, 0, 1]}, z.ModelMalformed, "make trees"),
        ({"nodes_modes": ["LEAF", "LEAF", "LEAF"]}, z.ModelMalformed, "make trees"),
        ({"nodes_modes": ["BRANCH_GT", "LEAF", "LEAF"]}, z.UnsupportedGraph, "BRANCH_GT"),
        ({"nodes_values": [5000.0, 0.0, 0.0]}, z.ValueDoesNotFit, "scale the features"),
        ({"nodes_values": [float("nan"), 0.0, 0.0]}, z.NonFiniteWeight, "nodes_values"),
        ({"class_weights": [1.0, float("inf")]}, z.NonFiniteWeight, "class_weights"),
        ({"class_ids": [0, 2]}, z.ModelMalformed, "not there"),
        ({"class_nodeids": [0, 2]}, z.ModelMalformed, "not there"),
        ({"class_ids": [0]}, z.ModelMalformed, "fit together"),
        ({"classlabels_int64s": [0]}, z.ModelMalformed, "fit together"),
        ({"base_values": [0.5]}, z.UnsupportedGraph, "base_values"),
        ({"post_transform": "PROBIT"}, z.UnsupportedGraph, "PROBIT"),
    ],
)
def test_damaged_trees_are_refused(changed: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        z.load_model(stump(**changed))


def test_a_circle_that_no_root_leads_to_is_refused() -> None:
    circle = {
        "nodes_treeids": [0] * 7,
        "nodes_nodeids": list(range(7)),
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_featureids": [0] * 7,
        "nodes_values": [0.0] * 7,
        "nodes_truenodeids": [1, 0, 0, 4, 3, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 5, 6, 0, 0],
    }
    with pytest.raises(z.ModelMalformed, match="make trees"):
        z.load_model(stump(**circle))


def test_a_long_chain_is_refused_before_it_is_walked() -> None:
    n = 20_001
    branches = n // 2
    chain = {
        "nodes_treeids": [0] * n,
        "nodes_nodeids": list(range(n)),
        "nodes_modes": ["BRANCH_LEQ"] * branches + ["LEAF"] * (n - branches),
        "nodes_featureids": [0] * n,
        "nodes_values": [0.0] * n,
        "nodes_truenodeids": [*range(1, branches), n - 1, *[0] * (n - branches)],
        "nodes_falsenodeids": [*range(branches, 2 * branches), *[0] * (n - branches)],
    }
    with pytest.raises(z.ModelTooLarge, match="matrix"):
        z.load_model(stump(**chain))


@pytest.mark.parametrize(
    ("op", "attributes", "changed", "error", "match"),
    [
        ("LinearClassifier", LINEAR, {"intercepts": [0.0]}, z.ModelMalformed, "fit together"),
        ("LinearClassifier", LINEAR, {"coefficients": None}, z.ModelMalformed, "fit together"),
        ("LinearClassifier", LINEAR, {"coefficients": [1.0] * 6}, z.ModelMalformed, "3 features"),
        ("LinearClassifier", LINEAR, {"post_transform": "PROBIT"}, z.UnsupportedGraph, "PROBIT"),
        (
            "LinearClassifier",
            LINEAR,
            {"intercepts": [float("nan"), 0.0]},
            z.NonFiniteWeight,
            "linearclassifier.intercepts",
        ),
        ("SVMClassifier", MACHINE, {"rho": [0.0, 0.0]}, z.ModelMalformed, "fit together"),
        ("SVMClassifier", MACHINE, {"support_vectors": [1.0]}, z.ModelMalformed, "fit together"),
        ("SVMClassifier", MACHINE, {"kernel_params": [-1.0]}, z.ModelMalformed, "gamma"),
        ("SVMClassifier", MACHINE, {"kernel_params": None}, z.ModelMalformed, "gamma"),
        ("SVMClassifier", MACHINE, {"support_vectors": [3e38] * 4}, z.NonFiniteWeight, "inf"),
        ("Binarizer", {}, {}, z.UnsupportedOperator, "ai.onnx.ml.Binarizer"),
    ],
)
def test_damaged_classifiers_are_refused(
    op: str, attributes: Any, changed: Any, error: Any, match: str
) -> None:
    with pytest.raises(error, match=match):
        z.load_model(classifier(op, attributes, **changed))


REGRESSOR_STUMP: dict[str, Any] = {
    **{k: v for k, v in STUMP.items() if k.startswith("nodes_")},
    "target_treeids": [0, 0],
    "target_nodeids": [1, 2],
    "target_ids": [0, 0],
    "target_weights": [2.0, 3.0],
}
LINE: dict[str, Any] = {"coefficients": [1.0, 2.0], "intercepts": [0.5]}
SUPPORT: dict[str, Any] = {
    "coefficients": [1.0, -1.0],
    "rho": [0.25],
    "support_vectors": [1.0, 2.0, 3.0, 4.0],
    "kernel_type": "LINEAR",
    "n_supports": 2,
}


def regressor(op: str, attributes: dict[str, Any], **changed: Any) -> bytes:
    kept = {k: v for k, v in {**attributes, **changed}.items() if v is not None}
    return graph([ml(op, "x", ["y"], **kept)], {"y": TensorProto.FLOAT})


def test_regressors_by_hand() -> None:
    rows = [[9, 0], [9, 1]]
    values = run(z.load_model(regressor("LinearRegressor", LINE)), rows)
    assert values.tolist() == [[9.5], [11.5]]
    values = run(z.load_model(regressor("LinearRegressor", LINE, intercepts=None)), rows)
    assert values.tolist() == [[9], [11]]
    values = run(z.load_model(regressor("SVMRegressor", SUPPORT)), rows)
    assert values.tolist() == [[-17.75], [-19.75]]
    tree = "TreeEnsembleRegressor"
    assert run(z.load_model(regressor(tree, REGRESSOR_STUMP)), rows).tolist() == [[2], [3]]
    two = {
        "target_ids": [0, 1],
        "n_targets": 2,
        "base_values": [0.5, 0.25],
        "aggregate_function": "AVERAGE",
    }
    values = run(z.load_model(regressor(tree, REGRESSOR_STUMP, **two)), rows)
    assert values.tolist() == [[2.5, 0.25], [0.5, 3.25]]


@pytest.mark.parametrize(
    ("op", "attributes", "changed", "error", "match"),
    [
        ("LinearRegressor", LINE, {"targets": 3}, z.ModelMalformed, "fit together"),
        ("LinearRegressor", LINE, {"targets": -1}, z.ModelMalformed, "fit together"),
        ("LinearRegressor", LINE, {"targets": 2**40}, z.ModelMalformed, "fit together"),
        ("LinearRegressor", LINE, {"intercepts": [1.0, 2.0]}, z.ModelMalformed, "fit together"),
        ("LinearRegressor", LINE, {"coefficients": [1.0]}, z.ModelMalformed, "1 features"),
        ("LinearRegressor", LINE, {"post_transform": "LOGISTIC"}, z.UnsupportedGraph, "LOGISTIC"),
        ("SVMRegressor", SUPPORT, {"one_class": 1}, z.UnsupportedGraph, "one class"),
        ("SVMRegressor", SUPPORT, {"n_supports": 0}, z.UnsupportedGraph, "support vectors"),
        ("SVMRegressor", SUPPORT, {"kernel_type": "POLY"}, z.UnsupportedGraph, "POLY"),
        ("SVMRegressor", SUPPORT, {"rho": None}, z.ModelMalformed, "fit together"),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"n_targets": 2**40},
            z.ModelTooLarge,
            "matrix",
        ),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"target_ids": [0, 1]},
            z.ModelMalformed,
            "not there",
        ),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"target_nodeids": [1, 5]},
            z.ModelMalformed,
            "not there",
        ),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"target_weights": [1.0]},
            z.ModelMalformed,
            "fit together",
        ),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"base_values": [1.0, 2.0]},
            z.ModelMalformed,
            "base value",
        ),
        (
            "TreeEnsembleRegressor",
            REGRESSOR_STUMP,
            {"aggregate_function": "MIN"},
            z.UnsupportedGraph,
            "MIN",
        ),
    ],
)
def test_damaged_regressors_are_refused(
    op: str, attributes: Any, changed: Any, error: Any, match: str
) -> None:
    with pytest.raises(error, match=match):
        z.load_model(regressor(op, attributes, **changed))


def test_large_and_small_gamma() -> None:
    x = np.array([[1.5, 2.5], [0.0, 0.0]])
    s = np.array([[1.0, 2.0], [3.0, 4.0]])
    for gamma in (1e-3, 0.5, 40.0):
        made = run(z.load_model(classifier("SVMClassifier", MACHINE, kernel_params=[gamma])), x)
        kernel = np.exp(-gamma * ((x[:, None] - s[None]) ** 2).sum(2))
        d = kernel[:, 0] - kernel[:, 1] + 0.25
        np.testing.assert_allclose(made, np.stack([d, -d], axis=1), atol=1e-5)


def test_a_link_is_dropped_only_at_the_end() -> None:
    logistic = ml(
        "LinearClassifier", "x", ["label", "p"], **{**LINEAR, "post_transform": "LOGISTIC"}
    )
    normal = ml("Normalizer", "p", ["y"], norm="L1")
    assert run(z.load_model(graph([logistic, normal], BOTH)), [[1, 1]]).tolist() == [[3, 8]]
    # Divided by its largest, or used further on, it is no longer only a matter of order.
    largest = ml("Normalizer", "p", ["y"], norm="MAX")
    with pytest.raises((z.UnsupportedGraph, z.UnsupportedOperator), match=r"LOGISTIC|Normalizer"):
        z.load_model(graph([logistic, largest], BOTH))
    with pytest.raises(z.UnsupportedGraph, match="LOGISTIC"):
        z.load_model(graph([logistic, helper.make_node("Relu", ["p"], ["y"], name="r")], BOTH))


@pytest.mark.parametrize("name", [b"nodes_modes", b"treeensembleclassifier", b"label"])
def test_a_name_that_is_no_text_is_refused(name: bytes) -> None:
    with pytest.raises(z.ModelMalformed, match="UTF-8"):
        z.load_model(stump().replace(name, b"\xef" * len(name)))


@pytest.mark.parametrize("name", ["forest-two", "svc-rbf", "logistic-three", "mlp-two"])
def test_damaged_bytes_load_or_are_refused(name: str) -> None:
    rng, data = np.random.default_rng(3), (FOLDER / f"{name}.onnx").read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] = rng.integers(256)
        # Any other exception than ours fails the test.
        with contextlib.suppress(z.ZkinferError):
            z.load_model(bytes(damaged))


def test_labels_are_no_scores() -> None:
    linear = ml("LinearClassifier", "x", ["label", "y"], **LINEAR)
    with pytest.raises(z.UnsupportedGraph, match="0 outputs with scores"):
        z.load_model(graph([linear], {"label": TensorProto.INT64}))
    twice = helper.make_node("Relu", ["y"], ["z"], name="r")
    with pytest.raises(z.UnsupportedGraph, match="2 outputs with scores"):
        z.load_model(graph([linear, twice], {"y": TensorProto.FLOAT, "z": TensorProto.FLOAT}))
    used = helper.make_node("Cast", ["label"], ["f"], name="c", to=TensorProto.FLOAT)
    relu = helper.make_node("Relu", ["f"], ["z"], name="r")
    with pytest.raises(z.UnsupportedGraph, match="labels of a classifier are used"):
        z.load_model(graph([linear, used, relu], {"z": TensorProto.FLOAT}))


def test_damaged_graphs_are_refused() -> None:
    scaler = ml("Scaler", "x", ["y"], offset=[1.0, 2.0], scale=[2.0, 0.5])
    y = {"y": TensorProto.FLOAT}
    assert run(z.load_model(graph([scaler], y)), [[3, 4]]).tolist() == [[4, 1]]
    # Files of such operators alone may name any default operator set.
    assert z.load_model(graph([scaler], y, opset=1)) == z.load_model(graph([scaler], y))
    with pytest.raises(z.ModelMalformed, match="2 features, its operand has 3"):
        z.load_model(graph([scaler], y, width=3))
    with pytest.raises(z.ModelMalformed, match="differ in length"):
        z.load_model(graph([ml("Scaler", "x", ["y"], offset=[1.0] * 2)], y))
    with pytest.raises(z.UnsupportedGraph, match="not known"):
        z.load_model(
            graph([ml("TreeEnsembleClassifier", "x", ["label", "y"], **STUMP)], BOTH, width=None)
        )
    doubled = ml("Scaler", "x", ["y"], offset=[1.0, 2.0], scale=[2.0, 0.5])
    doubled.attribute.append(doubled.attribute[0])
    with pytest.raises(z.ModelMalformed, match="given twice"):
        z.load_model(graph([doubled], y))
    with pytest.raises(z.ModelMalformed, match="operands"):
        z.load_model(graph([ml("Scaler", "", ["y"])], y))
    circle = [helper.make_node("Identity", [a], [b], name=a) for a, b in (("a", "y"), ("y", "a"))]
    with pytest.raises(z.ZkinferError):
        z.load_model(graph([scaler, *circle], y))
    # Several outputs are accepted of such files only.
    relus = [helper.make_node("Relu", ["x"], [k], name=k) for k in ("y", "label")]
    with pytest.raises(z.UnsupportedGraph, match="2 outputs"):
        z.load_model(graph(relus, BOTH))
