"""Programs: a model as exact operations on integers, and the executor that defines them."""

from ._compile import CompiledProgram, compile_program, rebuild_program
from ._layers import Layer, layers_of
from ._program import Program
from ._record import Quantization

__all__ = [
    "CompiledProgram",
    "Layer",
    "Program",
    "Quantization",
    "compile_program",
    "layers_of",
    "rebuild_program",
]
