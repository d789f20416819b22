"""Estimators of scikit-learn's exporter, one rule for each, as plain tensor operations.

- Scaler becomes Sub and Mul.
- LinearClassifier and LinearRegressor become Gemm.
- SVMClassifier of two classes and SVMRegressor become Gemm for the linear kernel, and for the
  kernel "rbf" the Exp of squared distances. More classes are refused: their scores are votes.
- TreeEnsembleClassifier and TreeEnsembleRegressor become products and comparisons; see `_trees`
  for how exact these are.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelMalformed, UnsupportedGraph
from ._tensors import check_finite
from ._trees import Nodes, check_matrix, read_forest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray
    from onnx import GraphProto, NodeProto

CLASSIFIERS = ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")


class Writer:
    """The new graph: its nodes, its constants, and how wide its matrices are."""

    def __init__(self, graph: GraphProto) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[Any] = []
        self.widths: dict[str, int] = {}
        self._taken = {t.name for t in graph.initializer} | {v.name for v in graph.input}
        for node in graph.node:
            self._taken |= {*node.input, *node.output}
        for value in graph.input:
            dims = value.type.tensor_type.shape.dim
            if len(dims) == 2 and dims[1].dim_value > 0:
                self.widths[value.name] = dims[1].dim_value

    def _fresh(self) -> str:
        n = len(self._taken)
        while f"sklearn_{n}" in self._taken:
            n += 1
        self._taken.add(f"sklearn_{n}")
        return f"sklearn_{n}"

    def keep(self, node: NodeProto) -> None:
        """Take over a node as it is."""
        kept = type(node)()
        kept.CopyFrom(node)
        self.nodes.append(kept)
        operand = node.input[0] if node.input else ""
        if node.op_type in ("Cast", "Identity") and operand in self.widths and node.output:
            self.widths[node.output[0]] = self.widths[operand]

    def constant(self, values: ArrayLike, dtype: type[Any] = np.float32) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = self._fresh()
        # Too large for float32 becomes infinite, which is refused where constants are read.
        with np.errstate(all="ignore"):
            self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def write(
        self, op: str, operands: list[str], origin: str, result: str = "", **attributes: Any
    ) -> str:
        """Add a node named as the one that it stands for, and return the name of its result."""
        from onnx import helper

        result = result or self._fresh()
        self.nodes.append(helper.make_node(op, operands, [result], name=origin, **attributes))
        return result


class Estimator:
    """One node of the domain ai.onnx.ml as a rule sees it."""

    def __init__(self, node: NodeProto, writer: Writer, *, final: bool) -> None:
        self.writer = writer
        self.final = final
        self.op = node.op_type
        self.name = node.name or f"{node.op_type}:{node.output[0]}"
        self.place = f"node '{self.name}'"
        self.attributes = {a.name: a for a in node.attribute}
        if len(self.attributes) != len(node.attribute):
            raise ModelMalformed("an attribute is given twice", place=self.place)
        outputs = 2 if self.op in CLASSIFIERS else 1
        if len(node.input) != 1 or not node.input[0] or len(node.output) != outputs:
            raise ModelMalformed(f"{self.op} has other operands than it should", place=self.place)
        self.x, self.result = node.input[0], node.output[-1]

    def refuse(self, reason: str) -> UnsupportedGraph:
        """Return the error for this node."""
        return UnsupportedGraph(f"{self.op}: {reason}", place=self.place)

    def malformed(self, reason: str) -> ModelMalformed:
        """Return the error for this node."""
        return ModelMalformed(f"{self.op}: {reason}", place=self.place)

    def floats(self, name: str) -> NDArray[np.float64]:
        """Return an attribute's numbers, finite; none where it is left out."""
        found = self.attributes.get(name)
        # Some NaN warn when they change type.
        with np.errstate(invalid="ignore"):
            values = np.array([] if found is None else found.floats, dtype=np.float64)
        check_finite(values, f"{self.name}.{name}")
        return values

    def ints(self, name: str) -> list[int]:
        """Return an attribute's integers; none where it is left out."""
        found = self.attributes.get(name)
        return [] if found is None else list(found.ints)

    def integer(self, name: str, default: int) -> int:
        """Return an attribute's integer."""
        found = self.attributes.get(name)
        return default if found is None else int(found.i)

    def text(self, name: str, default: str) -> str:
        """Return an attribute's text."""
        found = self.attributes.get(name)
        return default if found is None else found.s.decode("ascii", "replace")

    def classes(self) -> int:
        """Return the number of classes."""
        labels = ("classlabels_ints", "classlabels_int64s")
        for name in labels:
            if name in self.attributes:
                return len(self.attributes[name].ints)
        found = self.attributes.get("classlabels_strings")
        return 0 if found is None else len(found.strings)

    def width(self, count: int | None = None) -> int:
        """Return how many features there are: `count` where that is known, which has to agree."""
        known = self.writer.widths.get(self.x, count)
        if known is None:
            raise self.refuse("the number of features is not known here")
        if count not in (None, known):
            raise self.malformed(f"{count} features, its operand has {known}")
        return known

    def link(self, *known: str) -> None:
        """Refuse a link, but for a `known` one at the very end, which is dropped."""
        found = self.text("post_transform", "NONE")
        if found != "NONE" and not (self.final and found in known):
            raise self.refuse(f"post_transform {found}")

    def write(self, op: str, *operands: str, last: bool = False, **attributes: Any) -> str:
        """Add a node in the place of this one; the `last` makes its result."""
        result = self.result if last else ""
        return self.writer.write(op, list(operands), self.name, result, **attributes)

    def gemm(
        self, x: str, weights: ArrayLike, bias: ArrayLike | None, *, last: bool = False
    ) -> str:
        """Add ``x @ weights + bias``."""
        operands = [x, self.writer.constant(weights)]
        if bias is None:
            return self.write("MatMul", *operands, last=last)
        return self.write("Gemm", *operands, self.writer.constant(bias), last=last)


def _scaler(site: Estimator) -> None:
    offset, scale = site.floats("offset"), site.floats("scale")
    longest = max(len(offset), len(scale))
    width = site.width(longest if longest > 1 else None)
    if not {len(offset), len(scale)} <= {1, width}:
        raise site.malformed("offset and scale differ in length")
    centred = site.write("Sub", site.x, site.writer.constant(offset.reshape(1, -1)))
    site.write("Mul", centred, site.writer.constant(scale.reshape(1, -1)), last=True)
    site.writer.widths[site.result] = width


def _linear(site: Estimator) -> None:
    site.link("LOGISTIC", "SOFTMAX")
    weights, bias = site.floats("coefficients"), site.floats("intercepts")
    classes = site.classes()
    if classes < 2 or len(bias) != classes or not len(weights) or len(weights) % classes:
        raise site.malformed("coefficients, intercepts and classes do not fit together")
    site.width(len(weights) // classes)
    site.gemm(site.x, weights.reshape(classes, -1).T, bias, last=True)


def _linear_regressor(site: Estimator) -> None:
    site.link()
    weights, bias = site.floats("coefficients"), site.floats("intercepts")
    targets = site.integer("targets", 1)
    if targets < 1 or not len(weights) or len(weights) % targets or len(bias) not in (0, targets):
        raise site.malformed("coefficients, intercepts and targets do not fit together")
    site.width(len(weights) // targets)
    site.gemm(site.x, weights.reshape(targets, -1).T, bias if len(bias) else None, last=True)


def _machine(site: Estimator) -> None:
    site.link()
    if site.classes() != 2:
        raise site.refuse(f"{site.classes()} classes; only two can be told apart by a score")
    # The file's signs are those of libsvm, for which the first class is the positive one.
    _kernel(site, np.array([[1.0, -1.0]]))


def _machine_regressor(site: Estimator) -> None:
    site.link()
    if site.integer("one_class", 0):
        raise site.refuse("one class, of which only the sign is asked")
    if site.integer("n_supports", 0) != len(site.floats("coefficients")):
        raise site.refuse("coefficients that belong to no support vectors")
    _kernel(site, np.array([[1.0]]))


def _kernel(site: Estimator, signs: NDArray[np.float64]) -> None:
    """Write the sum of a support vector machine times each of `signs`, [1, outputs]."""
    kernel = site.text("kernel_type", "LINEAR")
    weights, rho, vectors = (
        site.floats(name) for name in ("coefficients", "rho", "support_vectors")
    )
    count = len(weights)
    if not count or len(rho) != 1 or not len(vectors) or len(vectors) % count:
        raise site.malformed("coefficients, rho and support_vectors do not fit together")
    vectors = vectors.reshape(count, -1)
    width = site.width(vectors.shape[1])
    if kernel == "LINEAR":
        site.gemm(site.x, (weights @ vectors)[:, None] @ signs, rho * signs[0], last=True)
        return
    if kernel != "RBF":
        raise site.refuse(f"kernel {kernel}")
    gamma = site.floats("kernel_params")[:1]
    if len(gamma) != 1 or not gamma[0] > 0:
        raise site.malformed("gamma has to be positive")
    # |x - s|^2 = |x|^2 - 2 x.s + |s|^2
    square = site.gemm(site.write("Mul", site.x, site.x), np.ones((width, 1)), None)
    rest = site.gemm(site.x, -2 * vectors.T, (vectors**2).sum(1))
    distance = site.write("Add", rest, square)
    # Few bits of fixed point hold gamma badly: its power of two goes first, in steps they hold.
    mantissa, exponent = math.frexp(float(gamma[0]))
    factors = [-mantissa]
    while exponent:
        step = max(-5, min(5, exponent))
        factors.insert(0, 2.0**step)
        exponent -= step
    for factor in factors:
        distance = site.write("Mul", distance, site.writer.constant([[factor]]))
    site.gemm(site.write("Exp", distance), weights[:, None] @ signs, rho * signs[0], last=True)


def _forest(site: Estimator) -> None:
    site.link("SOFTMAX")
    if len(site.floats("base_values")):
        raise site.refuse("base_values")
    reached, trees, leaves, slots = _reached(site)
    values, bias = _leaves(site, slots, trees * leaves)
    site.gemm(reached, values, bias, last=True)


def _forest_regressor(site: Estimator) -> None:
    site.link()
    aggregate = site.text("aggregate_function", "SUM")
    if aggregate not in ("SUM", "AVERAGE"):
        raise site.refuse(f"aggregate_function {aggregate}")
    reached, trees, leaves, slots = _reached(site)
    values = _targets(site, slots, trees * leaves)
    base = site.floats("base_values")
    if len(base) not in (0, values.shape[1]):
        raise site.malformed("one base value for each target is needed")
    if aggregate == "AVERAGE":
        values /= trees
    site.gemm(reached, values, base if len(base) else None, last=True)


def _reached(site: Estimator) -> tuple[str, int, int, dict[tuple[int, int], int]]:
    """Write a forest up to the leaves reached; return them, trees, leaves, and where each is."""
    if any(name.endswith("_as_tensor") for name in site.attributes):
        raise site.refuse("float64 thresholds or weights")
    modes = site.attributes.get("nodes_modes")
    nodes = Nodes(
        place=site.place,
        trees=site.ints("nodes_treeids"),
        ids=site.ints("nodes_nodeids"),
        modes=[] if modes is None else [m.decode("ascii", "replace") for m in modes.strings],
        features=site.ints("nodes_featureids"),
        thresholds=site.floats("nodes_values").tolist(),
        true=site.ints("nodes_truenodeids"),
        false=site.ints("nodes_falsenodeids"),
    )
    forest = read_forest(nodes, site.width())
    trees, comparisons, leaves = forest.paths.shape
    z = site.gemm(site.x, forest.pick, forest.offset)
    above = site.write("Relu", site.write("Sub", z, site.writer.constant([[1.0]])))
    decisions = site.write("Sub", site.write("Relu", z), above)
    if trees == 1:
        reached = site.write("Relu", site.gemm(decisions, forest.paths[0], forest.needed[0]))
    else:
        # Tree by tree: one matrix for all would be mostly zeros, which cost as much as others.
        shape = site.writer.constant([-1, trees, comparisons], np.int64)
        apart = site.write("Transpose", site.write("Reshape", decisions, shape), perm=[1, 0, 2])
        met = site.gemm(apart, forest.paths, None)
        met = site.write("Add", met, site.writer.constant(forest.needed))
        together = site.write("Transpose", site.write("Relu", met), perm=[1, 0, 2])
        shape = site.writer.constant([-1, trees * leaves], np.int64)
        reached = site.write("Reshape", together, shape)
    return reached, trees, leaves, forest.slots


def _targets(
    site: Estimator, slots: Mapping[tuple[int, int], int], count: int
) -> NDArray[np.float64]:
    """Return what each leaf adds to each target, [leaves, targets]."""
    targets, ids = site.integer("n_targets", 1), site.ints("target_ids")
    weights = site.floats("target_weights")
    keys = list(zip(site.ints("target_treeids"), site.ints("target_nodeids"), strict=False))
    if targets < 1 or not len(ids) == len(weights) == len(keys) > 0:
        raise site.malformed("targets, and the lists of what leaves hold, do not fit together")
    if any(key not in slots for key in keys) or not all(0 <= t < targets for t in ids):
        raise site.malformed("a target or leaf that is not there")
    check_matrix(count * targets, site.place)
    values = np.zeros((count, targets))
    for key, t, weight in zip(keys, ids, weights, strict=True):
        values[slots[key], t] += weight
    return values


def _leaves(
    site: Estimator, slots: Mapping[tuple[int, int], int], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each leaf adds to each class, [leaves, classes], and to all inputs alike."""
    classes, ids = site.classes(), site.ints("class_ids")
    weights = site.floats("class_weights")
    keys = list(zip(site.ints("class_treeids"), site.ints("class_nodeids"), strict=False))
    if classes < 2 or not len(ids) == len(weights) == len(keys) > 0:
        raise site.malformed("classes, and the lists of what leaves hold, do not fit together")
    if any(key not in slots for key in keys) or not all(0 <= c < classes for c in ids):
        raise site.malformed("a class or leaf that is not there")
    check_matrix(count * classes, site.place)
    values, bias = np.zeros((count, classes)), np.zeros(classes)
    for key, c, weight in zip(keys, ids, weights, strict=True):
        values[slots[key], c] += weight
    if classes == 2 and len(Counter(ids)) == 1:
        # One list for two classes holds the second's weights, whichever it names.
        second = values[:, ids[0]].copy()
        values = np.stack([-second, second], axis=1)
        bias[0] = float((weights >= 0).all())
    return values, bias


RULES: Mapping[str, Callable[[Estimator], None]] = {
    "LinearClassifier": _linear,
    "LinearRegressor": _linear_regressor,
    "SVMClassifier": _machine,
    "SVMRegressor": _machine_regressor,
    "Scaler": _scaler,
    "TreeEnsembleClassifier": _forest,
    "TreeEnsembleRegressor": _forest_regressor,
}
