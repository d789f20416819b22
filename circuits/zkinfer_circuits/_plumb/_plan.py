"""A model as blocks and layers that have no place yet: what `_lower` makes and `_place` places.

Lengths here are (channel, height, width): the batch is the same everywhere, and comes in front when
blocks get their places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._descriptor import Clamp, Kind, Table, Term, View, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# The function of a block of arguments whose values nobody reads.
ANY = -1

Size = tuple[int, int, int]
FunctionKind = Clamp | Table


@dataclass(frozen=True, slots=True)
class PlanBlock:
    """A block of arguments of a function, or of its values.

    Attributes
    ----------
    size
        Real lengths.
    function
        Which one; `ANY` where only the arguments are read.
    argument
        For a block of values, its block of arguments.
    """

    size: Size
    function: int
    argument: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class PlanMap:
    """Weights times the cells of a view.

    Attributes
    ----------
    weights
        int64: (out, channel, height, width) of a dense map, (out, channel, kernel..) of a
        convolution, (channel, kernel..) of a depthwise one.
    """

    kind: Kind
    window: Window | None
    view: View
    size: Size
    weights: Array

    def weight_dims(self, out: int) -> tuple[int, ...]:
        """Return the lengths of the weights in the weight index domain."""
        if self.window is None:
            return (out, *self.size)
        return (*self.window.kernel, self.size[0], 1 if self.kind is Kind.DEPTHWISE else out)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """The input."""

    cell: int


@dataclass(frozen=True, slots=True)
class PlanCombine:
    """``cell = view``."""

    cell: int
    view: View


@dataclass(frozen=True, eq=False, slots=True)
class PlanLinear:
    """Maps, requantised; the public output where there is no cell.

    Attributes
    ----------
    biases
        int64, one for each output channel.
    node
        The node of the program that it comes from.
    divisible
        Whether its last channel may have a block, and so a layer, of its own.
    pooled
        The block of values where the cells stand for the maxima of squares: see `_squares`.
    """

    maps: tuple[PlanMap, ...]
    biases: Array
    shift: int
    cell: int | None
    size: Size
    node: int
    divisible: bool = False
    pooled: int | None = None


@dataclass(frozen=True, slots=True)
class PlanOutput:
    """The public outputs are the values of a view."""

    view: View
    size: Size


@dataclass(frozen=True, slots=True)
class PlanTop1:
    """The public output is the first index of the largest value of a view."""

    view: View
    size: Size


PlanLayer = PlanInput | PlanCombine | PlanLinear | PlanOutput | PlanTop1


@dataclass(eq=False, slots=True)
class Plan:
    """What a program becomes.

    Attributes
    ----------
    width
        K: bits of an activation.
    values
        For each block of arguments whose values are read, their block.
    maxima
        Views of several terms, whose values are maxima of K-bit integers.
    input_order, output_order
        For each input value and each public output, in the order of the proof, its place in the
        program's flat tensor.
    """

    width: int
    functions: list[FunctionKind] = field(default_factory=list)
    blocks: list[PlanBlock] = field(default_factory=list)
    values: dict[int, int] = field(default_factory=dict)
    maxima: set[View] = field(default_factory=set)
    layers: list[PlanLayer] = field(default_factory=list)
    input_order: Array | None = None
    output_order: Array | None = None

    def function(self, kind: FunctionKind) -> int:
        """Return the number of a function."""
        if kind not in self.functions:
            self.functions.append(kind)
        return self.functions.index(kind)

    def argument(self, size: Size, function: int) -> int:
        """Add a block of arguments; return its number."""
        self.blocks.append(PlanBlock(size, function))
        return len(self.blocks) - 1

    def value(self, argument: int) -> int:
        """Return the block of the values of a block of arguments."""
        if argument not in self.values:
            block = self.blocks[argument]
            self.blocks.append(PlanBlock(block.size, block.function, argument))
            self.values[argument] = len(self.blocks) - 1
        return self.values[argument]

    def combine(self, view: View, size: Size, function: int) -> int:
        """Add a look-up of a view; return the block of its values."""
        argument = self.argument(size, function)
        self.layers.append(PlanCombine(argument, view))
        return self.value(argument)


def whole(block: int) -> View:
    """Return the view of a block as it is."""
    return (Term(1, block),)
