"""What scikit-learn's exporter writes, as plain tensor operations.

skl2onnx writes classifiers and regressors with operators of the domain ai.onnx.ml. Where a file has
that domain, these nodes are replaced here, before anything else reads them, by operators with
constraints; `_estimators` says by which.

Of a classifier's outputs the scores are kept, shape [n, classes]; labels and ZipMap are dropped. So
is the link that ends a classifier: the scores are scikit-learn's `decision_function` (of the
multilayer perceptron, its last layer), for two classes [-d, d] of it, and not its probabilities.
Softmax and the logistic function keep the order, so the largest score is that of the class which
`predict` names. Probabilities of an SVC, which are Platt's, are dropped likewise. A forest's scores
are its probabilities, for they are sums of what its leaves hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import ModelMalformed, UnsupportedGraph
from ._estimators import CLASSIFIERS, RULES, Estimator, Writer
from ._tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, ModelProto, NodeProto

DOMAIN = "ai.onnx.ml"
_DEFAULT_DOMAIN = ("", "ai.onnx")
# What this module writes means the same in all operator sets from 9 to 22.
_OPSET = 17


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
    writer = Writer(graph)
    for node in needed:
        rule = RULES.get(node.op_type) if node.domain == DOMAIN else None
        if rule is None:
            writer.keep(node)
        else:
            rule(Estimator(node, writer, final=scores in node.output))
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
        if maker.op_type in CLASSIFIERS and maker.domain == DOMAIN and name == maker.output[0]:
            raise UnsupportedGraph("labels of a classifier are used", place=f"tensor '{name}'")
        wanted.add(name)
        stack.extend(maker.input)
    return [node for node in graph.node if wanted & {*node.output}]
