"""What is checked of a node before the onnx package's C++ sees it: numbers that upset it.

Its shape inference divides by strides, multiplies sizes in 64 bits and takes some integers for
lengths of loops; it was written for files that exporters make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._errors import ModelMalformed, NonFiniteWeight, UnsupportedGraph
from ._graph import Fixed
from ._site import Site, called
from ._tensors import MAX_RANK, check_integers, check_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnx import AttributeProto, GraphProto, NodeProto

# What conventionally holds "to the end" (2^63 - 1, -2^63) or a seed, not a size.
_UNBOUNDED = {("Slice", "starts"), ("Slice", "ends"), ("Dropout", "seed")}
_UNBOUNDED_OPERANDS = {("Slice", 1), ("Slice", 2), ("Cast", 0)}
_POSITIVE = {"kernel_shape", "strides", "dilations", "group", "output_shape"}
_NOT_NEGATIVE = {"pads", "output_padding"}
# Operators whose axes are those of their first operand.
_AXES = {
    "ArgMax",
    "Gather",
    "LayerNormalization",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Split",
    "Squeeze",
}
# Where these have axes as an operand, in later operator sets.
_AXES_OPERANDS = {"ReduceMax": 1, "ReduceMean": 1, "ReduceSum": 1, "Squeeze": 1, "Slice": 3}


def check_attributes(graph: GraphProto) -> None:
    """Check what can be told from the attributes alone, of all nodes.

    Raises
    ------
    ModelMalformed, UnsupportedGraph, NonFiniteWeight, ValueDoesNotFit
        As their names say.
    """
    for i, node in enumerate(graph.node):
        name = called(node, i)
        if len({a.name for a in node.attribute}) != len(node.attribute):
            raise ModelMalformed("an attribute is given twice", place=f"node '{name}'")
        for a in node.attribute:
            _check_attribute(a, node, name)


def _check_attribute(a: AttributeProto, node: NodeProto, name: str) -> None:
    place = f"node '{name}'"
    if a.HasField("g") or a.graphs:
        raise UnsupportedGraph(f"a subgraph in attribute '{a.name}'", place=place)
    if a.ref_attr_name:
        raise UnsupportedGraph(f"attribute '{a.name}' refers to a function's", place=place)
    if node.op_type == "Constant":
        return
    check_floats([a.f, *a.floats], f"{name}.{a.name}")
    if (node.op_type, a.name) not in _UNBOUNDED:
        check_integers(np.array([a.i, *a.ints], dtype=np.int64), place)
    used = list(a.ints) if a.name != "group" else [a.i]
    if a.name in _POSITIVE and any(v < 1 for v in used):
        raise UnsupportedGraph(f"{a.name} {used[:8]} below 1", place=place)
    if a.name in _NOT_NEGATIVE and any(v < 0 for v in used):
        raise UnsupportedGraph(f"negative {a.name} {used[:16]}", place=place)


def check_floats(values: list[float], name: str) -> None:
    """Raise `NonFiniteWeight` at the first NaN or infinity."""
    for i, value in enumerate(values):
        if value != value or value in (float("inf"), -float("inf")):
            kind = "nan" if value != value else "inf" if value > 0 else "-inf"
            raise NonFiniteWeight(name, index=(i,), kind=kind)


def check_operands(site: Site) -> None:
    """Check a node whose shapes are not inferred yet against its operands.

    Raises
    ------
    ModelMalformed, UnsupportedGraph, ModelTooLarge, ValueDoesNotFit
        As their names say.
    """
    for k, operand in enumerate(site.operands):
        if isinstance(operand, Fixed) and (site.op, k) not in _UNBOUNDED_OPERANDS:
            check_integers(operand.array, site.place)
    if site.op in _AXES or site.op in _AXES_OPERANDS:
        _check_axes(site)
    if site.op in _CHECKS:
        _CHECKS[site.op](site)


def _check_axes(site: Site) -> None:
    rank = len(site.any(0).shape)
    found = []
    if site.op in _AXES:
        axis = site.attributes.get("axis")
        found = [] if axis is None else [axis]
        found += site.attributes.get("axes") or []
    operand = _AXES_OPERANDS.get(site.op)
    if operand is not None and site.has(operand):
        found += site.integers(operand)
    if any(not -rank <= axis < rank for axis in found):
        raise site.malformed(f"axes {found[:MAX_RANK]} of {rank} dimensions")


def _slice(site: Site) -> None:
    if site.has(4) and any(step < 1 for step in site.integers(4)):
        raise site.refuse("a step below 1")


def _sizes(site: Site) -> None:
    """Hold a result's shape that is an operand against the limits of all shapes."""
    shape = site.integers(1 if site.op == "Expand" else 0)
    if any(d < 0 for d in shape):
        raise site.malformed(f"a negative size in {shape[:MAX_RANK]}")
    check_shape(tuple(shape), site.place)


def _tile(site: Site) -> None:
    shape, repeats = site.any(0).shape, site.integers(1)
    if len(repeats) != len(shape):
        raise site.malformed(f"{len(repeats)} repeats for {len(shape)} dimensions")
    if any(r < 1 for r in repeats):
        raise site.malformed(f"repeats {repeats} below 1")
    check_shape(tuple(d * r for d, r in zip(shape, repeats, strict=True)), site.place)


def _split(site: Site) -> None:
    size = site.any(0).shape[site.axes([site.attributes.get("axis", 0)])[0]]
    sizes = site.integers(1) if site.has(1) else site.attributes.get("split")
    count = site.attributes.get("num_outputs", site.outputs)
    if count != site.outputs or not site.outputs:
        raise site.malformed(f"{count} parts for {site.outputs} outputs")
    if sizes is None:
        if "num_outputs" in site.attributes and -(-size // count) * (count - 1) >= size:
            raise site.malformed(f"{count} parts of {size}")
        return
    if len(sizes) != site.outputs or any(s < 1 for s in sizes) or sum(sizes) != size:
        raise site.malformed(f"parts {sizes[:MAX_RANK]} of {size} for {site.outputs} outputs")


def _range(site: Site) -> None:
    start, limit, delta = (site.integer(k) for k in range(3))
    if delta == 0:
        raise site.malformed("a step of 0")
    check_shape((max(0, -(-(limit - start) // delta)),), site.place)


_CHECKS: Mapping[str, Callable[[Site], None]] = {
    "ConstantOfShape": _sizes,
    "Expand": _sizes,
    "Range": _range,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
}
