"""A coverage-guided fuzzer of the importer; `test_fuzz_import.py` runs it.

    python tests/deep/fuzz_import.py -runs=1000000 CORPUS

Whatever the bytes, `load_model` returns a model or raises one of our errors, within two seconds and
a gigabyte; libFuzzer ends the process on anything else. Half of the mutations keep the protobuf
whole and change what it says, because most flipped bits never get past the parser.
"""

import random
import sys

import atheris

with atheris.instrument_imports(include=["zkinfer_circuits"]):
    import zkinfer_circuits

import onnx
from google.protobuf.message import DecodeError

LARGEST = 1 << 16
NUMBERS = (-(1 << 63), -(1 << 31), -1, 0, 1, 2, 7, 1 << 16, 1 << 31, (1 << 63) - 1)
FLOATS = (0.0, -0.0, 1e-45, 3.4e38, float("nan"), float("inf"), float("-inf"))
OPERATORS = (*(operator.name for operator in zkinfer_circuits.SUPPORTED), "If", "Loop", "Einsum")


def one_input(data):
    try:
        zkinfer_circuits.load_model(data)
    except zkinfer_circuits.ZkinferError as error:
        str(error)


def names(graph):
    found = [value.name for value in (*graph.input, *graph.initializer)]
    return found + [name for node in graph.node for name in node.output] + ["", "none"]


def change_node(graph, dice):
    node = dice.choice(graph.node)
    change = dice.randrange(5)
    if change == 0:
        node.op_type = dice.choice(OPERATORS)
    elif change == 1 and node.input:
        node.input[dice.randrange(len(node.input))] = dice.choice(names(graph))
    elif change == 2 and node.output:
        node.output[dice.randrange(len(node.output))] = dice.choice(names(graph))
    elif change == 3 and node.attribute:
        attribute = dice.choice(node.attribute)
        if attribute.ints:
            attribute.ints[dice.randrange(len(attribute.ints))] = dice.choice(NUMBERS)
        else:
            attribute.i = dice.choice(NUMBERS)
            attribute.f = dice.choice(FLOATS)
    else:
        graph.node.add().CopyFrom(node)


def change_tensor(graph, dice):
    if not graph.initializer:
        return
    tensor = dice.choice(graph.initializer)
    change = dice.randrange(4)
    if change == 0 and tensor.dims:
        tensor.dims[dice.randrange(len(tensor.dims))] = dice.choice(NUMBERS)
    elif change == 1:
        tensor.data_type = dice.randrange(24)
    elif change == 2:
        tensor.raw_data = dice.randbytes(dice.randrange(64))
    else:
        tensor.data_location = 1
        tensor.external_data.add(key="location", value=dice.choice(("../x", "/etc/passwd", "x")))


def change_shape(graph, dice):
    value = dice.choice((*graph.input, *graph.output))
    dims = value.type.tensor_type.shape.dim
    if dims:
        dims[dice.randrange(len(dims))].dim_value = dice.choice(NUMBERS)
    value.type.tensor_type.elem_type = dice.choice((1, 1, 1, 7, 11))


def mutate(data, largest, seed):
    dice = random.Random(seed)
    if dice.random() < 0.5:
        return atheris.Mutate(data, largest)
    try:
        model = onnx.ModelProto.FromString(data)
        for _ in range(dice.randrange(1, 4)):
            dice.choice((change_node, change_tensor, change_shape))(model.graph, dice)
        changed = model.SerializeToString()
    except (DecodeError, IndexError, ValueError):
        return atheris.Mutate(data, largest)
    return changed[:largest]


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input, custom_mutator=mutate)
    atheris.Fuzz()
