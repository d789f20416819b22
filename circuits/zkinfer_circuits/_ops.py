"""The operators that an imported model may use, as data; a backend may prove fewer of them."""

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
    Operator("Abs", "float32"),
    Operator("Add", "float32, broadcasting"),
    Operator("ArgMax", "makes the output: indices, the first of equal values"),
    Operator("Atan", "float32"),
    Operator("AveragePool", _POOL),
    Operator("BatchNormalization", "inference mode, constant statistics"),
    Operator("Cast", "float32 to float32 only; of a constant, where it keeps its values"),
    Operator("Ceil", "float32"),
    Operator("Celu", "positive alpha; Elu where it is 1"),
    Operator("Clip", "constant bounds"),
    Operator("Concat", "float32"),
    Operator("Constant", "becomes an initializer; no strings, no sparse values"),
    Operator("ConstantOfShape", "of a constant shape; folded"),
    Operator("Conv", "constant weights"),
    Operator(
        "ConvTranspose",
        "constant weights; no output_shape or auto_pad beside pads",
    ),
    Operator("Cos", "float32"),
    Operator("Cosh", "float32"),
    Operator("Div", "by a constant without zeros, or as Reciprocal and Mul"),
    Operator("Dropout", "inference mode; vanishes"),
    Operator("Elu", "float32"),
    Operator("Erf", "float32"),
    Operator("Exp", "float32"),
    Operator("Expand", "constant shape"),
    Operator("Flatten", _LAYOUT),
    Operator("Floor", "float32"),
    Operator("Gather", "constant indices, a single one or a list"),
    Operator("Gelu", "becomes Erf or Tanh and arithmetic"),
    Operator("Gemm", "weights and bias constant"),
    Operator("GlobalAveragePool", "becomes ReduceMean"),
    Operator("Greater", "than a constant, for Where to read"),
    Operator("HardSigmoid", "float32"),
    Operator("HardSwish", "float32"),
    Operator("Identity", "vanishes"),
    Operator("LayerNormalization", "constant scale and bias, one output"),
    Operator("LeakyRelu", "float32"),
    Operator("Log", "float32"),
    Operator("MatMul", "one operand or none constant"),
    Operator("Max", "of a tensor and a constant number; becomes Clip or Relu"),
    Operator("MaxPool", _POOL),
    Operator("Min", "of a tensor and a constant number; becomes Clip"),
    Operator("Mish", "becomes Softplus, Tanh and Mul"),
    Operator("Mul", "float32, broadcasting"),
    Operator("Neg", "float32"),
    Operator("PRelu", "constant slope; LeakyRelu where there is only one"),
    Operator("Pad", "constant, edge or reflect mode, constant non-negative pads"),
    Operator("Pow", "constant exponent but 0; 2, 3, 0.5 and -1 become Mul, Sqrt, Reciprocal"),
    Operator("Range", "constant integers; folded"),
    Operator("Reciprocal", "float32"),
    Operator("ReduceMax", "constant axes"),
    Operator("ReduceMean", "constant axes"),
    Operator("ReduceSum", "constant axes"),
    Operator("Relu", "float32"),
    Operator("Reshape", _LAYOUT),
    Operator("Round", "float32, halves to even"),
    Operator("Selu", "float32"),
    Operator("Shape", "folded"),
    Operator("Sigmoid", "float32"),
    Operator("Sign", "float32"),
    Operator("Sin", "float32"),
    Operator("Sinh", "float32"),
    Operator("Slice", "constant bounds, steps of at least 1"),
    Operator("Softmax", "float32"),
    Operator("Softplus", "float32"),
    Operator("Softsign", "float32"),
    Operator("Split", "constant sizes; becomes Slice"),
    Operator("Sqrt", "float32"),
    Operator("Squeeze", _LAYOUT),
    Operator("Sub", "float32, broadcasting"),
    Operator("Tan", "float32"),
    Operator("Tanh", "float32"),
    Operator("ThresholdedRelu", "float32"),
    Operator("Tile", "constant repeats"),
    Operator("Transpose", "float32"),
    Operator("Unsqueeze", _LAYOUT),
    Operator("Where", "x > 20, x, Softplus(x), as torch writes Softplus; vanishes"),
)
