"""From a trained model to what a circuit is made of.

`load_model` takes an ONNX file from a stranger and returns a checked `Model` in normal form, or
raises one of the errors below, each of which says what, where, why and what to try.
Importing this package needs numpy alone; onnx and onnxruntime are imported when used.
"""

from ._context import with_public_tensors
from ._errors import (
    AccumulatorTooWide,
    AccuracyUnreachable,
    DynamicShape,
    ExportFailed,
    ExternalDataRefused,
    InputNotFinite,
    InputOutOfRange,
    InputRefused,
    InputShapeMismatch,
    InputTypeMismatch,
    LayoutUnsupported,
    ModelMalformed,
    ModelNotFound,
    ModelRefused,
    ModelTooLarge,
    NonFiniteWeight,
    TorchMissing,
    UnsupportedGraph,
    UnsupportedOperator,
    UnsupportedOpset,
    UnsupportedTensorType,
    ValueDoesNotFit,
    ZkinferError,
)
from ._import import Model, load_model
from ._ops import SUPPORTED, Operator
from ._plumb import Cost, PlumbCircuit, layout_program
from ._program import (
    CompiledProgram,
    Layer,
    Program,
    Quantization,
    compile_program,
    layers_of,
    rebuild_program,
)
from ._run import check_input, run_float
from ._torch import export_torch

__all__ = [
    "SUPPORTED",
    "AccumulatorTooWide",
    "AccuracyUnreachable",
    "CompiledProgram",
    "Cost",
    "DynamicShape",
    "ExportFailed",
    "ExternalDataRefused",
    "InputNotFinite",
    "InputOutOfRange",
    "InputRefused",
    "InputShapeMismatch",
    "InputTypeMismatch",
    "Layer",
    "LayoutUnsupported",
    "Model",
    "ModelMalformed",
    "ModelNotFound",
    "ModelRefused",
    "ModelTooLarge",
    "NonFiniteWeight",
    "Operator",
    "PlumbCircuit",
    "Program",
    "Quantization",
    "TorchMissing",
    "UnsupportedGraph",
    "UnsupportedOperator",
    "UnsupportedOpset",
    "UnsupportedTensorType",
    "ValueDoesNotFit",
    "ZkinferError",
    "check_input",
    "compile_program",
    "export_torch",
    "layers_of",
    "layout_program",
    "load_model",
    "rebuild_program",
    "run_float",
    "with_public_tensors",
]
