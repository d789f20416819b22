"""What a verifier on chain pays for the closed forms of each layer.

Gas of the contract's parts, measured alone (2026-11-28). Rough, and too small by what joins the
parts: they decide which of several layouts is used, so their ratios matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._pack import index_bits
from ._plan import PlanCombine, PlanInput, PlanLinear

if TYPE_CHECKING:
    from ._descriptor import View
    from ._plan import Plan, PlanLayer, PlanMap, Size

# What every layer has once: its power of r, its constants.
_LAYER = 4_000
# One bit of an index over which powers of r are summed, of one in which weights meet cells, and of
# a row's index that is fixed.
_SUMMED, _MET, _FIXED = 150, 200, 130
# One entry of a table of eq: of a side over which a window slides, or of its taps.
_ENTRY = 130
# One tap of a side of a window, and one of the window.
_SIDE, _TAP = 500, 90


class LayerGas:
    """Gas of layers of one plan.

    Parameters
    ----------
    plan
        The plan; its blocks are read.
    log_rows
        c.
    batch
        Inferences in one proof.
    """

    def __init__(self, plan: Plan, log_rows: int, batch: int) -> None:
        self._plan = plan
        self._log_rows = log_rows
        self._batch = batch

    def layer(self, layer: PlanLayer, limbs: int) -> int:
        """Return the gas of a layer whose remainder has this many limbs."""
        match layer:
            case PlanInput():
                size = self._plan.blocks[layer.cell].size
                return _LAYER + self._sums(size, 1) + self._blocks(size, 1)
            case PlanCombine():
                return self.copy(layer.view, self._plan.blocks[layer.cell].size)
            case PlanLinear():
                maps = sum(
                    self._weights(m, layer.size[0]) + len(m.view) * self.term(m) for m in layer.maps
                )
                # The cells of y and of the remainder share their sums.
                cells = self._sums(layer.size, 1) + self._blocks(layer.size, 1 + limbs)
                return _LAYER + cells + maps
            case _:
                return _LAYER + self._view(layer.view, layer.size) + self._blocks(layer.size, limbs)

    def copy(self, view: View, size: Size) -> int:
        """Return the gas of a layer that gives a view cells of its own."""
        return _LAYER + self._sums(size, 1) + self._blocks(size, 1) + self._view(view, size)

    def term(self, each: PlanMap) -> int:
        """Return the gas of each term of the view that a map reads."""
        fixed = self._blocks(each.size, 1)
        if each.window is None:
            return fixed + _MET * self._bits(each.size)
        channels, *sides = each.size
        gas = fixed + _MET * self._bits((channels, 1, 1))
        for length, taps in zip(sides, each.window.kernel, strict=True):
            gas += (_ENTRY << index_bits(length)) + _SIDE * taps
        return gas + _TAP * each.window.kernel[0] * each.window.kernel[1]

    def _weights(self, each: PlanMap, outputs: int) -> int:
        """Return the gas of what the terms of a map share."""
        taps, *_ = each.weight_dims(outputs)
        table = 0 if each.window is None else _ENTRY << index_bits(taps)
        return table + _SUMMED * index_bits(outputs)

    def _view(self, view: View, size: Size) -> int:
        # Terms that read blocks of the same lengths in the same way share their sums.
        kinds = {(self._plan.blocks[t.block].size, t.height.shift, t.width.shift) for t in view}
        return self._sums(size, len(kinds)) + self._blocks(size, len(view))

    def _bits(self, size: Size) -> int:
        return sum(index_bits(n) for n in (self._batch, *size))

    def _sums(self, size: Size, count: int) -> int:
        """Return the gas of sums of powers of r over a tensor."""
        return count * _SUMMED * self._bits(size)

    def _blocks(self, size: Size, count: int) -> int:
        """Return the gas of finding where blocks are, and which of their rows are read."""
        return count * _FIXED * (self._log_rows - self._bits(size))
