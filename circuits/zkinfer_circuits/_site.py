"""One node of a checked file, as the rules that normalise it see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelMalformed, ModelTooLarge, UnsupportedGraph, UnsupportedTensorType
from ._graph import Fixed, Step, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import NodeProto


# No list of axes, sizes or bounds that is meant seriously is longer.
_LONGEST_LIST = 2**12


def called(node: NodeProto, position: int) -> str:
    """Return what to call the node at `position` of the graph in messages."""
    return node.name or f"{node.op_type}#{position}"


@dataclass(frozen=True, slots=True)
class Site:
    """One node as a rule sees it: operands resolved, attributes plain, shapes known.

    Attributes
    ----------
    op, opset
        The operator, and the operator set that says what it means.
    origin, place
        What the node is called, and how to say so in an error.
    operands
        None for an optional one left out.
    attributes
        Plain Python values.
    outputs
        How many outputs it has.
    shapes
        Of its outputs that a rule makes, as inferred; empty before.
    """

    op: str
    origin: str
    place: str
    opset: int
    operands: Sequence[Value | None]
    attributes: Mapping[str, Any]
    outputs: int = 1
    shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first output."""
        return self.shapes[0]

    def malformed(self, reason: str) -> ModelMalformed:
        """Return the error for this node, where it contradicts itself."""
        return ModelMalformed(f"{self.op}: {reason}", place=self.place)

    def refuse(self, reason: str) -> UnsupportedGraph:
        """Return the error for this node, where it has a meaning but no normal form."""
        return UnsupportedGraph(f"{self.op}: {reason}", place=self.place)

    def has(self, position: int) -> bool:
        """Say whether the optional operand is there."""
        return position < len(self.operands) and self.operands[position] is not None

    def any(self, position: int) -> Value:
        """Return an operand of any type."""
        value = self.operands[position] if position < len(self.operands) else None
        if value is None:
            raise self.refuse(f"operand {position + 1} is missing")
        return value

    def data(self, position: int) -> Value:
        """Return a float32 operand, computed or constant."""
        value = self.any(position)
        if isinstance(value, Fixed) and value.array.dtype != np.float32:
            raise UnsupportedTensorType(
                f"operand {position + 1} of {self.origin}", found=str(value.array.dtype)
            )
        return value

    def computed(self, position: int) -> Value:
        """Return a float32 operand that depends on the input."""
        value = self.data(position)
        if isinstance(value, Fixed):
            raise self.refuse(f"operand {position + 1} is constant")
        return value

    def weights(self, position: int) -> Fixed:
        """Return a float32 operand that has to be constant."""
        value = self.data(position)
        if not isinstance(value, Fixed):
            raise self.refuse(f"operand {position + 1} has to be constant")
        return value

    def scalar(self, position: int) -> float:
        """Return a constant float32 operand of one element."""
        value = self.weights(position).array
        if value.size != 1:
            raise self.refuse(f"operand {position + 1} has to be a single number")
        return float(value.reshape(())[()])

    def integers(self, position: int) -> list[int]:
        """Return a constant integer operand as a list."""
        value = self.any(position)
        if not isinstance(value, Fixed):
            raise self.refuse(f"operand {position + 1} has to be constant")
        if value.array.dtype.kind != "i":
            raise UnsupportedTensorType(
                f"operand {position + 1} of {self.origin}", found=str(value.array.dtype)
            )
        if value.array.size > _LONGEST_LIST:
            raise ModelTooLarge(
                "integers in a list", size=value.array.size, limit=_LONGEST_LIST, place=self.place
            )
        return [int(v) for v in value.array.reshape(-1)]

    def integer(self, position: int) -> int:
        """Return a constant integer operand of one element."""
        values = self.integers(position)
        if len(values) != 1:
            raise self.refuse(f"operand {position + 1} has to be a single number")
        return values[0]

    def axes(self, found: Sequence[int], rank: int | None = None) -> list[int]:
        """Return axes from 0 upwards, in order, of `rank` or of the first operand."""
        rank = len(self.any(0).shape) if rank is None else rank
        axes = [a + rank if a < 0 else a for a in found]
        if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
            raise self.refuse(f"axes {list(found)} of {rank} dimensions")
        return axes

    def number(self, name: str, default: float) -> float:
        """Return a float attribute, as float32 holds it; of zeros, the one without a sign."""
        return float(np.float32(self.attributes.get(name, default))) + 0.0

    def step(
        self,
        op: str,
        operands: Sequence[Value | None],
        shape: tuple[int, ...] | None = None,
        **attributes: Any,
    ) -> Step:
        """Return the step that this node becomes, or one on the way to it, of another shape."""
        made = self.shape if shape is None else shape
        return Step(op, tuple(operands), attributes, made, self.origin)

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Return `value` in another shape; reshapes in a row become one, or none."""
        if isinstance(value, Fixed):
            return Fixed(value.array.reshape(shape))
        if isinstance(value, Step) and value.op == "Reshape" and value.operands[0] is not None:
            value = value.operands[0]
        if value.shape == shape:
            return value
        target = Fixed(np.array(shape, dtype=np.int64))
        return Step("Reshape", (value, target), {}, shape, self.origin)
