"""What each operation of a program costs a proof, and how far it is from the float model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._integer import Affine, Divide, Input, InverseSqrt, Lookup
from ._moves import Move
from ._shared import ArgMax, MatMul, Product, WindowMax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._compile import CompiledProgram
    from ._integer import IntegerOp
    from ._shared import Node

    Array = NDArray[Any]

# A remainder is range-checked by one lookup of this many bits.
REMAINDER_BITS = 12


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation of a program.

    Attributes
    ----------
    name
        The model's node that it comes from: a stranger's text.
    operation
        Its kind, as docs/programs.md calls it.
    shape
        Of its result.
    shift
        Bits that it removes, or None.
    macs
        Multiplications by coefficients.
    cells
        Numbers that a prover commits to for it.
    lookups
        Of them, those that are looked up in a table.
    low, high
        The proven range of its result, in real numbers.
    seen_low, seen_high
        What was seen on the calibration data; None where it is a part of a layer.
    error_bound
        Proven: no result is farther than this from the float model; infinite where unknown.
    max_abs_error
        The largest distance on the data; None without data.
    """

    name: str
    operation: str
    shape: tuple[int, ...]
    shift: int | None
    macs: int
    cells: int
    lookups: int
    low: float
    high: float
    seen_low: float | None
    seen_high: float | None
    error_bound: float
    max_abs_error: float | None


def layers_of(compiled: CompiledProgram, data: Array | None = None) -> tuple[Layer, ...]:
    """Return the layers of a program.

    Parameters
    ----------
    compiled
        The program.
    data
        Inputs, [samples, *input shape], to measure errors on; those that leave a range are left
        out.
    """
    program = compiled.program
    measured = {} if data is None else _measured(compiled, data)
    seen = {}
    for real, made in enumerate(compiled.real_nodes):
        seen[made] = compiled.quantization.seen[real]
    looked_up = {s for node in program.nodes if isinstance(node.op, Lookup) for s in node.sources}
    found = []
    for i, node in enumerate(program.nodes):
        macs, cells, lookups = _cost(node, i in looked_up)
        low, high = program.ranges[i]
        unit = float(np.max(program.scales[i]))
        found.append(
            Layer(
                name=node.name,
                operation=_operation(node.op),
                shape=node.shape,
                shift=node.op.shift if isinstance(node.op, Affine) else None,
                macs=macs,
                cells=cells,
                lookups=lookups,
                low=low * unit,
                high=high * unit,
                seen_low=seen[i].low if i in seen else None,
                seen_high=seen[i].high if i in seen else None,
                error_bound=compiled.errors[i],
                max_abs_error=measured.get(i),
            )
        )
    return tuple(found)


def _operation(op: IntegerOp) -> str:
    if isinstance(op, Affine):
        return " + ".join(sorted({type(each).__name__.lower() for each in op.maps}))
    return op.name if isinstance(op, Lookup) else type(op).__name__.lower()


def _cost(node: Node[IntegerOp], looked_up: bool) -> tuple[int, int, int]:
    """Return (MACs, cells, lookups) of a node."""
    op, size = node.op, math.prod(node.shape)
    match op:
        case Input():
            return 0, size, size
        case Affine():
            macs = sum(each.macs(node.shape) for each in op.maps)
            remainders = size * math.ceil(op.shift / REMAINDER_BITS)
            # What no table reads is looked up in that of the identity.
            return macs, size + remainders, remainders + (0 if looked_up else size)
        case Lookup():
            return 0, size, size
        case Product() | MatMul():
            return 0, size, 0
        case Divide() | InverseSqrt():
            return 0, 2 * size, 2 * size
        case WindowMax():
            pairs = size * (math.prod(op.kernel) - 1)
            return 0, 2 * pairs, pairs
        case ArgMax():
            return 0, size, size
        case _:
            return _moved(op)


def _moved(_: Move) -> tuple[int, int, int]:
    return 0, 0, 0


def _measured(compiled: CompiledProgram, data: Array) -> dict[int, float]:
    """Return the largest error of each node that has the values of a real one."""
    program, found = compiled.program, dict[int, float]()
    for start in range(0, len(data), 64):
        part = data[start : start + 64]
        integers: dict[int, list[Array]] = {}

        def see(i: int, values: Array, integers: dict[int, list[Array]] = integers) -> None:
            integers.setdefault(i, []).append(values)

        _, refused = program.run_each(program.quantize(part), see)
        kept = [i for i in range(len(part)) if i not in refused]
        reals: dict[int, Array] = {}
        compiled.real.run(part, reals.__setitem__)
        for real, made in enumerate(compiled.real_nodes):
            if kept:
                values = np.concatenate(integers[made]) * program.scales[made]
                error = float(np.abs(values - reals[real])[kept].max())
                found[made] = max(found.get(made, 0.0), error)
    return found
