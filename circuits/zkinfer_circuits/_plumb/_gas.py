"""What a verifier on chain pays for the closed forms of each layer.

Gas of the contract's parts, calls and loops included (2026-11-28). They decide which of several
layouts is used, so their ratios matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._pack import index_bits
from ._plan import PlanCombine, PlanInput, PlanLinear

if TYPE_CHECKING:
    from ._descriptor import View
    from ._plan import Plan, PlanLayer, PlanMap, Size

# What a linear layer has once: its power of r, its constants, its parsing; and any other layer.
_LINEAR, _LAYER = 5_000, 1_500
# One bit of an index over which powers of r are summed, and of one in which weights meet cells.
_SUMMED, _MET = 220, 300
# A block's place, wherever it is: its fixed bits are read two at a time.
_BLOCK = 700
# A side that a window fits once, beside its bits.
_ONCE = 500
# A side over which a window slides, one bit of its length, and one of its taps.
_SLIDE, _FOLD, _TAP = 1_500, 500, 450


class LayerGas:
    """Gas of layers of one plan.

    Parameters
    ----------
    plan
        The plan; its blocks are read.
    batch
        Inferences in one proof.
    """

    def __init__(self, plan: Plan, batch: int) -> None:
        self._plan = plan
        self._batch = batch

    def layer(self, layer: PlanLayer, limbs: int) -> int:
        """Return the gas of a layer whose remainder has this many limbs."""
        match layer:
            case PlanInput():
                size = self._plan.blocks[layer.cell].size
                return _LAYER + self._sums(size, 1) + _BLOCK
            case PlanCombine():
                size = self._plan.blocks[layer.cell].size
                return self._sums(size, 1) + self._view(layer.view, size) + self.copy(layer.view)
            case PlanLinear():
                # Sums over outputs are those of biases, but for the weights of a dense map.
                outputs = _SUMMED * index_bits(layer.size[0])
                maps = sum(
                    (outputs if m.window is None else 0) + len(m.view) * self.term(m)
                    for m in layer.maps
                )
                # The cells of y and of the remainder share their sums.
                cells = self._sums(layer.size, 1) + _BLOCK * (1 + limbs)
                return _LINEAR + outputs + cells + maps
            case _:
                return (
                    _LAYER + self._view(layer.view, layer.size) + _BLOCK * (len(layer.view) + limbs)
                )

    def copy(self, view: View) -> int:
        """Return the gas of a layer that gives a maximum cells of its own.

        Its last stage is over the same tensor: the contract knows all sums.
        """
        return _LAYER + _BLOCK * (1 + len(view))

    def term(self, each: PlanMap) -> int:
        """Return the gas of each term of the view that a map reads."""
        if each.window is None:
            return _BLOCK + _MET * self._bits(each.size)
        channels, *sides = each.size
        gas = _BLOCK + _MET * self._bits((channels, 1, 1))
        for axis, (length, taps) in enumerate(zip(sides, each.window.kernel, strict=True)):
            if each.window.fits_once(axis, length):
                gas += _ONCE + _MET * index_bits(length)
            else:
                gas += _SLIDE + _FOLD * index_bits(length) + _TAP * taps
        return gas

    def _view(self, view: View, size: Size) -> int:
        # Terms that read blocks of the same lengths in the same way share their sums.
        kinds = {(self._plan.blocks[t.block].size, t.height.shift, t.width.shift) for t in view}
        return self._sums(size, len(kinds))

    def _bits(self, size: Size) -> int:
        return sum(index_bits(n) for n in (self._batch, *size))

    def _sums(self, size: Size, count: int) -> int:
        """Return the gas of sums of powers of r over a tensor."""
        return count * _SUMMED * self._bits(size)
