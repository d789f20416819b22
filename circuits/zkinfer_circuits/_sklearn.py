"""What scikit-learn's exporter writes, as plain tensor operations.

skl2onnx writes classifiers with operators of the domain ai.onnx.ml. Where a file has that domain,
these nodes are replaced here, before anything else reads them, by operators with constraints:

- Scaler becomes Sub and Mul.
- LinearClassifier becomes Gemm.
- SVMClassifier of two classes becomes Gemm for the linear kernel, and for the kernel "rbf" the Exp
  of squared distances. More classes are refused: their scores are votes.
- TreeEnsembleClassifier becomes products and comparisons; see `_trees` for how exact these are.

Of a classifier's outputs the scores are kept, shape [n, classes]; labels and ZipMap are dropped. So
is the link that ends a classifier: the scores are scikit-learn's `decision_function` (of the
multilayer perceptron, its last layer), for two classes [-d, d] of it, and not its probabilities.
Softmax and the logistic function keep the order, so the largest score is that of the class which
`predict` names. Probabilities of an SVC, which are Platt's, are dropped likewise. A forest's scores
are its probabilities, for they are sums of what its leaves hold.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelMalformed, UnsupportedGraph
from ._tensors import check_finite, read_tensor
from ._trees import Nodes, read_forest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray
    from onnx import GraphProto, ModelProto, NodeProto

DOMAIN = "ai.onnx.ml"
_DEFAULT_DOMAIN = ("", "ai.onnx")
# What this module writes means the same in all operator sets from 9 to 22.
_OPSET = 17
_CLASSIFIERS = ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")


def has_sklearn(model: ModelProto) -> bool:
    """Say whether a node of `model` is of the domain ai.onnx.ml."""
    return any(node.domain == DOMAIN for node in model.graph.node)


def rewrite_sklearn(model: ModelProto) -> None:
    """Rewrite `model` in place; operators that have no plain form here stay as they are.

    Raises
    ------
    UnsupportedGraph
        The scores cannot be told from the other outputs, or an operator is used in a way that has
        no plain form.
    ModelMalformed, ModelTooLarge, NonFiniteWeight, ValueDoesNotFit
        An attribute contradicts another, or cannot be used.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    _check_names(graph)
    makers = {name: node for node in graph.node for name in node.output if name}
    scores, halved = _without_link(graph, makers, _scores(graph, makers))
    needed = _needed(graph, makers, scores)
    writer = _Writer(graph)
    for node in needed:
        rule = _RULES.get(node.op_type) if node.domain == DOMAIN else None
        if rule is None:
            writer.keep(node)
        else:
            rule(_Site(node, writer, final=scores in node.output))
    if halved:
        # One logit z of two classes: the scores are [-z, z].
        both = writer.constant([[-1.0, 1.0]])
        origin = makers[scores].name if scores in makers else "scores"
        scores = writer.write("MatMul", [scores, both], origin)
    output = helper.make_tensor_value_info(scores, TensorProto.FLOAT, None)
    del graph.node[:], graph.output[:], graph.value_info[:]
    graph.node.extend(writer.nodes)
    graph.output.append(output)
    graph.initializer.extend(writer.initializers)
    kept = any(node.domain != DOMAIN for node in needed)
    versions = {o.version for o in model.opset_import if o.domain in _DEFAULT_DOMAIN}
    del model.opset_import[:]
    model.opset_import.extend(
        helper.make_opsetid("", version) for version in (sorted(versions) if kept else [_OPSET])
    )


def _check_names(graph: GraphProto) -> None:
    """Refuse names that are no text, which protobuf hands out as bytes or chokes on."""
    names: list[object] = []
    try:
        for node in graph.node:
            names += (node.name, node.op_type, node.domain, *node.input, *node.output)
            names += (a.name for a in node.attribute)
        for named in (*graph.input, *graph.output, *graph.initializer):
            names.append(named.name)
    except UnicodeDecodeError as e:
        raise ModelMalformed("a name that is not UTF-8") from e
    if not all(isinstance(name, str) for name in names):
        raise ModelMalformed("a name that is not UTF-8")


class _Writer:
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


class _Site:
    """One node of the domain ai.onnx.ml as a rule sees it."""

    def __init__(self, node: NodeProto, writer: _Writer, *, final: bool) -> None:
        self.writer = writer
        self.final = final
        self.op = node.op_type
        self.name = node.name or f"{node.op_type}:{node.output[0]}"
        self.place = f"node '{self.name}'"
        self.attributes = {a.name: a for a in node.attribute}
        if len(self.attributes) != len(node.attribute):
            raise ModelMalformed("an attribute is given twice", place=self.place)
        outputs = 2 if self.op in _CLASSIFIERS else 1
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


def _scores(graph: GraphProto, makers: Mapping[str, NodeProto]) -> str:
    """Return the one output that holds scores: float, and no labels."""
    from onnx import TensorProto

    found = []
    for value in graph.output:
        maker = makers.get(value.name)
        zipped = maker is not None and maker.op_type == "ZipMap"
        if zipped or value.type.tensor_type.elem_type == TensorProto.FLOAT:
            found.append(str(value.name))
    if len(found) != 1:
        listed = ", ".join(f"'{v.name}'" for v in list(graph.output)[:10])
        raise UnsupportedGraph(f"{len(found)} outputs with scores among {listed}, one is needed")
    return found[0]


def _without_link(
    graph: GraphProto, makers: Mapping[str, NodeProto], name: str
) -> tuple[str, bool]:
    """Return the tensor before the link that ends a classifier, and whether it is half of two."""
    from onnx import TensorProto

    # Each turn goes to an earlier node, unless the graph has circles: then it ends all the same.
    for _ in range(len(graph.node)):
        maker = makers.get(name)
        if maker is None or not maker.input:
            break
        attributes = {a.name: a for a in maker.attribute}
        before = makers.get(maker.input[0])
        if maker.op_type == "Normalizer":
            # Of scores between 0 and 1, whose order division by their sum keeps.
            if before is None or before.op_type != "LinearClassifier":
                break
            if _text(attributes, "norm") != "L1" or not _has_link(before):
                break
        elif maker.op_type == "Cast":
            if "to" not in attributes or attributes["to"].i != TensorProto.FLOAT:
                break
        elif maker.op_type == "Softmax":
            if "axis" in attributes and attributes["axis"].i not in (1, -1):
                break
        elif maker.op_type == "Concat":
            logit = _logit(graph, makers, maker)
            return (name, False) if logit is None else (logit, True)
        elif maker.op_type not in ("ZipMap", "Identity"):
            break
        name = maker.input[0]
    return name, False


def _text(attributes: Mapping[str, Any], name: str) -> str:
    return attributes[name].s.decode("ascii", "replace") if name in attributes else ""


def _has_link(node: NodeProto) -> bool:
    attributes = {a.name: a for a in node.attribute}
    return _text(attributes, "post_transform") in ("LOGISTIC", "SOFTMAX")


def _logit(graph: GraphProto, makers: Mapping[str, NodeProto], concat: NodeProto) -> str | None:
    """Return z of ``[1 - Sigmoid(z), Sigmoid(z)]``, or None if it is something else."""
    if len(concat.input) != 2:
        return None
    other, p = makers.get(concat.input[0]), makers.get(concat.input[1])
    if other is None or p is None or (other.op_type, p.op_type) != ("Sub", "Sigmoid"):
        return None
    if len(other.input) != 2 or other.input[1] != concat.input[1] or len(p.input) != 1:
        return None
    ones = [t for t in graph.initializer if t.name == other.input[0] and not t.external_data]
    if len(ones) != 1 or read_tensor(ones[0], ones[0].name).reshape(-1).tolist() != [1]:
        return None
    return str(p.input[0])


def _needed(graph: GraphProto, makers: Mapping[str, NodeProto], scores: str) -> list[NodeProto]:
    """Return the nodes that the scores need, in the file's order."""
    wanted: set[str] = set()
    stack = [scores]
    while stack:
        name = stack.pop()
        if name in wanted or name not in makers:
            continue
        maker = makers[name]
        if maker.op_type in _CLASSIFIERS and maker.domain == DOMAIN and name == maker.output[0]:
            raise UnsupportedGraph("labels of a classifier are used", place=f"tensor '{name}'")
        wanted.add(name)
        stack.extend(maker.input)
    return [node for node in graph.node if wanted & {*node.output}]


def _scaler(site: _Site) -> None:
    offset, scale = site.floats("offset"), site.floats("scale")
    longest = max(len(offset), len(scale))
    width = site.width(longest if longest > 1 else None)
    if not {len(offset), len(scale)} <= {1, width}:
        raise site.malformed("offset and scale differ in length")
    centred = site.write("Sub", site.x, site.writer.constant(offset.reshape(1, -1)))
    site.write("Mul", centred, site.writer.constant(scale.reshape(1, -1)), last=True)
    site.writer.widths[site.result] = width


def _linear(site: _Site) -> None:
    site.link("LOGISTIC", "SOFTMAX")
    weights, bias = site.floats("coefficients"), site.floats("intercepts")
    classes = site.classes()
    if classes < 2 or len(bias) != classes or not len(weights) or len(weights) % classes:
        raise site.malformed("coefficients, intercepts and classes do not fit together")
    site.width(len(weights) // classes)
    site.gemm(site.x, weights.reshape(classes, -1).T, bias, last=True)


def _machine(site: _Site) -> None:
    site.link()
    if site.classes() != 2:
        raise site.refuse(f"{site.classes()} classes; only two can be told apart by a score")
    kernel = site.text("kernel_type", "LINEAR")
    weights, rho, vectors = (
        site.floats(name) for name in ("coefficients", "rho", "support_vectors")
    )
    count = len(weights)
    if not count or len(rho) != 1 or not len(vectors) or len(vectors) % count:
        raise site.malformed("coefficients, rho and support_vectors do not fit together")
    vectors = vectors.reshape(count, -1)
    width = site.width(vectors.shape[1])
    # The file's signs are those of libsvm, for which the first class is the positive one.
    both = np.array([[1.0, -1.0]])
    if kernel == "LINEAR":
        site.gemm(site.x, (weights @ vectors)[:, None] @ both, rho * both[0], last=True)
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
    site.gemm(site.write("Exp", distance), weights[:, None] @ both, rho * both[0], last=True)


def _forest(site: _Site) -> None:
    site.link("SOFTMAX")
    if any(name.endswith("_as_tensor") for name in site.attributes):
        raise site.refuse("float64 thresholds or weights")
    if len(site.floats("base_values")):
        raise site.refuse("base_values")
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
    values, bias = _leaves(site, forest.slots, trees * leaves)
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
    site.gemm(reached, values, bias, last=True)


def _leaves(
    site: _Site, slots: Mapping[tuple[int, int], int], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each leaf adds to each class, [leaves, classes], and to all inputs alike."""
    classes, ids = site.classes(), site.ints("class_ids")
    weights = site.floats("class_weights")
    keys = list(zip(site.ints("class_treeids"), site.ints("class_nodeids"), strict=False))
    if classes < 2 or not len(ids) == len(weights) == len(keys) > 0:
        raise site.malformed("classes, and the lists of what leaves hold, do not fit together")
    if any(key not in slots for key in keys) or not all(0 <= c < classes for c in ids):
        raise site.malformed("a class or leaf that is not there")
    values, bias = np.zeros((count, classes)), np.zeros(classes)
    for key, c, weight in zip(keys, ids, weights, strict=True):
        values[slots[key], c] += weight
    if classes == 2 and len(Counter(ids)) == 1:
        # One list for two classes holds the second's weights, whichever it names.
        second = values[:, ids[0]].copy()
        values = np.stack([-second, second], axis=1)
        bias[0] = float((weights >= 0).all())
    return values, bias


_RULES: Mapping[str, Callable[[_Site], None]] = {
    "LinearClassifier": _linear,
    "SVMClassifier": _machine,
    "Scaler": _scaler,
    "TreeEnsembleClassifier": _forest,
}
