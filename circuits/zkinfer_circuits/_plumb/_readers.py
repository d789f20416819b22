"""Who reads the nodes of a program, and which functions they look up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._program._integer import Affine, Lookup
from .._program._moves import Move, Reshape, Transpose
from .._program._shared import WindowMax
from ._functions import Total, identity, total

if TYPE_CHECKING:
    from .._program._program import Program


class Readers:
    """Answers about a program.

    Attributes
    ----------
    totals
        For each look-up its function; those without one are missing.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._nodes = program.nodes
        self._of: list[list[int]] = [[] for _ in program.nodes]
        self.totals: dict[int, Total] = {}
        for i, node in enumerate(program.nodes):
            for source in node.sources:
                self._of[source].append(i)
            if isinstance(node.op, Lookup):
                found = total(node.op, program.ranges[node.sources[0]], program.width)
                if found is not None:
                    self.totals[i] = found

    def passes(self, i: int) -> bool:
        """Return whether a node's elements are elements of its sources."""
        if i in self.totals:
            found = self.totals[i]
            # With an offset it is no move: numbers change.
            return found.kind == identity(self._program.width) and not found.offset
        return isinstance(self._nodes[i].op, Move)

    def first_function(self, i: int) -> Total | None:
        """Return the first function that is looked up of a node's elements."""
        for r in self._of[i]:
            if r in self.totals and not self.passes(r):
                return self.totals[r]
            through = self.passes(r) or (
                isinstance(self._nodes[r].op, WindowMax) and self.behind(r) is not None
            )
            found = self.first_function(r) if through else None
            if found is not None:
                return found
        return None

    def behind(self, i: int) -> Total | None:
        """Return the rising function that may be looked up before a node's maxima are taken.

        Nobody may read the node but look-ups of that function, with other maxima in between or not.
        """
        wanted: set[Total] = set()
        if i == len(self._nodes) - 1:
            return None
        for r in self._of[i]:
            found = None
            if r in self.totals and not self.passes(r):
                found = self.totals[r]
            elif self.passes(r) or isinstance(self._nodes[r].op, WindowMax):
                found = self.behind(r)
            if found is None or not found.rising:
                return None
            wanted.add(found)
        return wanted.pop() if len(wanted) == 1 else None

    def only_of(self, i: int) -> int | None:
        """Return the affine whose numbers, or functions of them, are all that a node has.

        None where there is none, or where others read it.
        """
        op, sources = self._nodes[i].op, self._nodes[i].sources
        if len(self._of[i]) != 1 or isinstance(op, Affine):
            return i if len(self._of[i]) == 1 else None
        if len(sources) != 1 or not (i in self.totals or self.passes(i)):
            return None
        return self.only_of(sources[0])

    def is_output(self, i: int) -> bool:
        """Return whether a node is the output, in whatever order and shape, and nothing else."""
        if i == len(self._nodes) - 1:
            return True
        if len(self._of[i]) != 1:
            return False
        (r,) = self._of[i]
        every = isinstance(self._nodes[r].op, (Reshape, Transpose, Lookup)) and self.passes(r)
        return every and self.is_output(r)
