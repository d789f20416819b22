"""Programs as Plumb proves them: blocks of cells in columns, and layers that tie them together."""

from ._circuit import PlumbCircuit, layout_program
from ._cost import Cost

__all__ = ["Cost", "PlumbCircuit", "layout_program"]
