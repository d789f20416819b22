"""Programs: a model as exact operations on integers, and the executor that defines them."""

from ._compile import CompiledProgram, compile_program
from ._program import Program

__all__ = ["CompiledProgram", "Program", "compile_program"]
