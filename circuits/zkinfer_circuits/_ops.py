"""The operators that an imported model may use, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operator:
    """One supported operator.

    Attributes
    ----------
    name
        Its name in the default ONNX operator set.
    note
        What is restricted, in one line.
    """

    name: str
    note: str


_POOL = "dilations 1, no ceil_mode that changes the size, one output"
_LAYOUT = "static shapes; becomes a Reshape to a constant shape, or vanishes"

SUPPORTED: tuple[Operator, ...] = (
    Operator("Add", "float32, broadcasting"),
    Operator("AveragePool", f"{_POOL}; padding only with count_include_pad=1"),
    Operator("BatchNormalization", "inference mode, constant statistics"),
    Operator("Cast", "float32 to float32 only; of a constant, where float32 holds it exactly"),
    Operator("Clip", "constant bounds"),
    Operator("Concat", "float32"),
    Operator("Constant", "becomes an initializer; no strings, no sparse values"),
    Operator("Conv", "constant weights, dilations 1"),
    Operator("Div", "by a constant without zeros"),
    Operator("Dropout", "inference mode; vanishes"),
    Operator("Exp", "float32"),
    Operator("Flatten", _LAYOUT),
    Operator("Gemm", "weights and bias constant"),
    Operator("GlobalAveragePool", "becomes ReduceMean"),
    Operator("Identity", "vanishes"),
    Operator("LeakyRelu", "float32"),
    Operator("MatMul", "one operand or none constant"),
    Operator("MaxPool", f"{_POOL}; padding only straight after Relu or Sigmoid"),
    Operator("Mul", "float32, broadcasting"),
    Operator("Pad", "constant mode with zeros, constant non-negative pads"),
    Operator("ReduceMean", "constant axes"),
    Operator("ReduceSum", "constant axes"),
    Operator("Relu", "float32"),
    Operator("Reshape", _LAYOUT),
    Operator("Sigmoid", "float32"),
    Operator("Slice", "constant bounds, steps of at least 1"),
    Operator("Softmax", "float32"),
    Operator("Squeeze", _LAYOUT),
    Operator("Sub", "float32, broadcasting"),
    Operator("Tanh", "float32"),
    Operator("Transpose", "float32"),
    Operator("Unsqueeze", _LAYOUT),
)
