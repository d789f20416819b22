"""Decision trees and forests as matrix products and comparisons.

The strategy called GEMM in Nakandala et al., "A Tensor Compiler for Unified Machine Learning
Prediction Serving", OSDI 2020, section 4.1: all comparisons of a tree are made at once, by a
product with a matrix that picks each node's feature; a second product counts, for each leaf, the
comparisons that lead to it; a third adds up what the leaves hold. Trees of one forest are padded to
one size and run side by side.

A comparison has to be arithmetic, so it is a ramp: ``Relu(z) - Relu(z - 1)`` with
``z = 2^8 (r - x) + 1`` is 1 up to r, 0 from r + 2^-8 on, and a straight line between. Here r is the
threshold, or the multiple of 2^-7 nearest to it (t; of two the lower), whichever is larger. So, of
features as they are and of features rounded to multiples of 2^-7 alike,

- "x <= threshold" is never taken for false: x rounds to t at most, and the ramp begins after both
  (but for a feature equal to a threshold that lies exactly halfway, which may round up);
- it is taken for true, or for something between, only where x is above the threshold by less than
  2^-7; from there on it is false, as t + 2^-7 lies past the ramp;
- a tree trained on multiples of 2^-7 compares such features exactly: its thresholds lie in the
  middle between two of them, so that none of them is on a ramp.

Fixed point with 7 bits or more holds all of this exactly. Features that differ by less than 2^-7
where it matters have to be scaled up before the tree is trained, in the data and not by a Scaler in
the model, which would come after the rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._errors import ModelMalformed, ModelTooLarge, UnsupportedGraph, ValueDoesNotFit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GRID = 2**7
_SLOPE = 2 * _GRID
# Begins of ramps are held to this part of z, which every fixed point in use holds.
_EIGHTHS = 8
# So that z is exact in float32, which has 24 bits.
_LARGEST_THRESHOLD = 2.0**12
_LARGEST_MATRIX = 2**24
_LEAF, _BRANCH = "LEAF", "BRANCH_LEQ"


@dataclass(frozen=True, slots=True)
class Nodes:
    """A forest as the file lists it; the lists are of one length, one entry for each node.

    Attributes
    ----------
    place
        Where the forest stands, for messages.
    trees, ids
        Each node's tree, and its own number in it.
    modes, features, thresholds, true, false
        What it is, what it compares, and the numbers of the nodes that follow.
    """

    place: str
    trees: Sequence[int]
    ids: Sequence[int]
    modes: Sequence[str]
    features: Sequence[int]
    thresholds: Sequence[float]
    true: Sequence[int]
    false: Sequence[int]


@dataclass(frozen=True, slots=True)
class Forest:
    """The matrices, for t trees padded to i comparisons and l leaves; float32.

    Attributes
    ----------
    pick, offset
        [width, t * i] and [t * i]: ``z = x @ pick + offset``, which the ramp makes decisions of.
    paths, needed
        [t, i, l] and [t, 1, l]: ``Relu(decisions @ paths + needed)`` is 1 at the leaf reached and
        0 at every other.
    slots
        Where the leaf of each (tree, node) is among the t * l.
    """

    pick: NDArray[np.float32]
    offset: NDArray[np.float32]
    paths: NDArray[np.float32]
    needed: NDArray[np.float32]
    slots: dict[tuple[int, int], int]


def check_matrix(elements: int, place: str) -> None:
    """Raise `ModelTooLarge` if a forest's matrix would have more than 2^24 elements."""
    if elements > _LARGEST_MATRIX:
        raise ModelTooLarge(
            "elements of a forest's matrix", size=elements, limit=_LARGEST_MATRIX, place=place
        )


def read_forest(nodes: Nodes, width: int) -> Forest:
    """Return the matrices of a forest over `width` features.

    Raises
    ------
    ModelMalformed
        The nodes do not make trees, or compare a feature that is not there.
    UnsupportedGraph
        A comparison other than "x <= threshold".
    ValueDoesNotFit
        A threshold above 2^12.
    ModelTooLarge
        The matrices would have more than 2^24 elements.
    """

    def malformed(reason: str) -> ModelMalformed:
        return ModelMalformed(reason, place=nodes.place)

    count = len(nodes.ids)
    lists = (nodes.trees, nodes.modes, nodes.features, nodes.thresholds, nodes.true, nodes.false)
    if not count or any(len(each) != count for each in lists):
        raise malformed("the lists of a forest's nodes differ in length, or are empty")
    where = {key: n for n, key in enumerate(zip(nodes.trees, nodes.ids, strict=True))}
    if len(where) != count:
        raise malformed("two nodes of one number")
    followed: set[int] = set()
    children: dict[int, tuple[int, int]] = {}
    sizes: dict[int, list[int]] = {tree: [0, 0] for tree in nodes.trees}
    for n, (tree, mode) in enumerate(zip(nodes.trees, nodes.modes, strict=True)):
        sizes[tree][mode == _LEAF] += 1
        if mode == _LEAF:
            continue
        if mode != _BRANCH:
            raise UnsupportedGraph(f"a comparison of mode {mode}", place=nodes.place)
        if not 0 <= nodes.features[n] < width:
            raise malformed(f"feature {nodes.features[n]} of {width}")
        true, false = (where.get((tree, child[n])) for child in (nodes.true, nodes.false))
        if true is None or false is None or true == false or followed & {true, false}:
            raise malformed("nodes that do not make trees")
        children[n] = (true, false)
        followed |= {true, false}
    roots = [n for n in range(count) if n not in followed]
    t, i = len(sizes), max(1, *(size[0] for size in sizes.values()))
    leaves = max(size[1] for size in sizes.values())
    # Before anything of that size is made, or a path of that length walked.
    for elements in (t * i * leaves, t * i * width):
        check_matrix(elements, nodes.place)
    if len(roots) != t or len({nodes.trees[n] for n in roots}) != t:
        raise malformed("nodes that do not make trees")

    pick = np.zeros((width, t, i), np.float32)
    offset = np.zeros((t, i), np.float32)
    paths = np.zeros((t, i, leaves), np.float32)
    needed = np.zeros((t, 1, leaves), np.float32)
    slots: dict[tuple[int, int], int] = {}
    seen = 0
    for tree, root in enumerate(roots):
        comparison = leaf = 0
        # A node, and the comparisons on the way to it with what they have to be.
        stack: list[tuple[int, tuple[tuple[int, int], ...]]] = [(root, ())]
        while stack:
            n, path = stack.pop()
            seen += 1
            if n in children:
                pick[nodes.features[n], tree, comparison] = -_SLOPE
                offset[tree, comparison] = _offset(nodes.thresholds[n], nodes.place)
                true, false = children[n]
                stack.append((false, (*path, (comparison, 0))))
                stack.append((true, (*path, (comparison, 1))))
                comparison += 1
                continue
            for at, wanted in path:
                paths[tree, at, leaf] = 1 if wanted else -1
            needed[tree, 0, leaf] = 1 - sum(wanted for _, wanted in path)
            slots[nodes.trees[n], nodes.ids[n]] = tree * leaves + leaf
            leaf += 1
    # What no root leads to is a circle.
    if seen != count:
        raise malformed("nodes that do not make trees")
    return Forest(pick.reshape(width, t * i), offset.reshape(t * i), paths, needed, slots)


def _offset(threshold: float, place: str) -> float:
    if abs(threshold) > _LARGEST_THRESHOLD:
        raise ValueDoesNotFit(
            threshold, target="a threshold of at most 2^12: scale the features", place=place
        )
    nearest = math.ceil(threshold * _GRID - 0.5) / _GRID
    return math.ceil(_SLOPE * max(threshold, nearest) * _EIGHTHS) / _EIGHTHS + 1
