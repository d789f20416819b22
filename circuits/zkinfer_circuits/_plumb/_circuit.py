"""From a program to what Plumb proves: the layout that is cheapest to prove."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import LayoutUnsupported
from .._program._integer import Affine
from .._program._maps import Dense
from .._program._moves import Reshape
from ._cost import Cost, estimate
from ._descriptor import Who
from ._frames import frames_of
from ._kernels import apart_columns, as_kernels, split
from ._lower import lower
from ._maxima import as_cells
from ._pack import full_maps, pack, producers
from ._place import TooWide, build
from ._plan import PlanLinear
from ._salts import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from .._program._program import Program
    from ._pack import Packing
    from ._plan import Plan, Size

    Array = NDArray[Any]

# Even, as the opening splits rows into a square.
_LOG_ROWS = range(8, 21, 2)
_MOST_RANGE_BITS = 20


@dataclass(frozen=True, eq=False, slots=True)
class PlumbCircuit:
    """A program as Plumb proves it.

    Attributes
    ----------
    descriptor
        The descriptor's bytes.
    weights
        For each layer with weights, in order: those of each of its maps, flat, and its biases; all
        int64.
    input_order, output_order
        For each input value and each public output of one inference, in the order of the proof, its
        place in the program's flat tensor.
    cost
        Estimates.
    """

    descriptor: bytes
    weights: tuple[tuple[tuple[Array, ...], Array], ...]
    input_order: Array
    output_order: Array
    cost: Cost


def layout_program(
    program: Program,
    *,
    inputs: str,
    weights: str,
    batch: int = 1,
    gas_worth: float = 0.0,
) -> PlumbCircuit:
    """Return the layout of a program whose proofs cost least, by a rough model of time and gas.

    The same program has the same layout, to the last byte.

    Parameters
    ----------
    program
        The program.
    inputs
        Who learns the input: "hidden", "committed" or "public".
    weights
        Who learns the weights: "hidden" or "public".
    batch
        Inferences in one proof.
    gas_worth
        How many seconds a proof may take longer if a verification costs one gas less.

    Raises
    ------
    LayoutUnsupported
        Plumb has no proof of some operation, or none of this size.
    ValueError
        The visibilities or the batch are none.
    """
    if inputs not in ("hidden", "committed", "public"):
        raise ValueError(f"inputs that are {inputs!r}, wanted 'hidden', 'committed' or 'public'")
    if weights not in ("hidden", "public"):
        raise ValueError(f"weights that are {weights!r}, wanted 'hidden' or 'public'")
    if batch < 1:
        raise ValueError(f"a batch of {batch}")
    who, hidden = Who[inputs.upper()], weights == "hidden"
    best: tuple[float, Plan, Packing] | None = None
    refused: LayoutUnsupported | None = None
    for frame in _input_frames(program, hidden):
        try:
            for plan, places in _layouts(program, frame, hidden, batch):
                cost = estimate(plan, places, batch)
                score = cost.prove_seconds + gas_worth * cost.gas
                if best is None or score < best[0]:
                    best = (score, plan, places)
        except LayoutUnsupported as error:
            refused = refused or error
    if best is None:
        raise refused or LayoutUnsupported(
            op="Program", node=program.nodes[-1].name, reason="it is too large"
        )
    _, plan, places = best
    try:
        descriptor, values = build(plan, places, who, Who[weights.upper()], batch)
    except TooWide as error:
        node = program.nodes[error.node]
        raise LayoutUnsupported(
            op=type(node.op).__name__,
            node=node.name,
            reason="a sum is not proven to stay below 2^62",
        ) from None
    orders = plan.input_order, plan.output_order
    none = np.zeros(0, dtype=np.int64)
    return PlumbCircuit(
        descriptor=descriptor.to_bytes(),
        weights=values,
        input_order=none if orders[0] is None else orders[0],
        output_order=none if orders[1] is None else orders[1],
        cost=estimate(plan, places, batch),
    )


def _input_frames(program: Program, hidden: bool) -> list[Array]:
    """Return arrangements of the input that its readers might want, the natural one first."""
    shape = program.input_shape
    n = math.prod(shape)
    every = np.arange(n, dtype=np.int64)
    shapes, found = {shape: None}, [every.reshape(1, 1, n)]
    wanted = {0}
    splits: list[Size | None] = []
    for i, node in enumerate(program.nodes):
        if not wanted.intersection(node.sources):
            continue
        if isinstance(node.op, Reshape):
            wanted.add(i)
            shapes[node.shape] = None
        elif isinstance(node.op, Affine):
            out = [
                m.weight.shape[1]
                for m in node.op.maps
                if isinstance(m, Dense) and len(m.weight) == n
            ]
            splits += [split(n, o, log_rows, hidden) for o in out for log_rows in _LOG_ROWS]
    found += [frame.index(s) for s in shapes for frame in frames_of(s)]
    found += [every.reshape(size) for size in splits if size is not None]
    unique: list[Array] = []
    for each in found:
        if not any(each.shape == u.shape and (each == u).all() for u in unique):
            unique.append(each)
    return unique


def _layouts(
    program: Program, frame: Array, hidden: bool, batch: int
) -> Iterator[tuple[Plan, Packing]]:
    """Yield what fits, for all numbers of rows and of bits of the range table."""
    plan = lower(program, frame, frozenset())
    shifts = [layer.shift for layer in plan.layers if isinstance(layer, PlanLinear)]
    most = min(_MOST_RANGE_BITS, max([*shifts, 4]))
    for log_rows in _LOG_ROWS:
        kernels = partial(as_kernels, log_rows=log_rows, hidden=hidden)
        maxima = partial(as_cells, batch=batch)
        # Windows, and last columns apart, save chunks and cost closed forms; cells of maxima save
        # closed forms and cost rows. Which is cheaper is seen when all are packed.
        windows = ((), (kernels,), (apart_columns, kernels))
        for changes in [(*first, *then) for first in ((), (maxima,)) for then in windows]:
            if not _all_change(plan, changes):
                continue
            roomy = _arranged(program, frame, plan, log_rows, hidden, changes)
            if roomy is None:
                continue
            for range_bits in range(min(4, most), most + 1):
                places = pack(roomy, log_rows, range_bits, batch, hidden)
                if places is not None:
                    yield roomy, places


def _all_change(plan: Plan, changes: Sequence[Callable[[Plan], Plan]]) -> bool:
    """Return whether each of some changes, one after the other, finds something to change."""
    for change in changes:
        before, plan = plan, change(plan)
        if plan is before:
            return False
    return True


def _arranged(
    program: Program,
    frame: Array,
    plan: Plan,
    log_rows: int,
    hidden: bool,
    changes: Sequence[Callable[[Plan], Plan]],
) -> Plan | None:
    """Return a changed plan for chunks of 2^log_rows weights; of hidden ones with room in each."""
    splits: set[int] = set()
    while True:
        for change in changes:
            plan = change(plan)
        if not hidden:
            return plan
        plan = apart(plan, log_rows)
        full = full_maps(plan, log_rows)
        if not full:
            return plan
        found: set[int] = set()
        for i, k in full:
            layer = plan.layers[i]
            if isinstance(layer, PlanLinear):
                found |= producers(plan, layer.maps[k])
        if found <= splits:
            return None
        splits |= found
        plan = lower(program, frame, frozenset(splits))
