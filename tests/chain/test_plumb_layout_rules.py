"""One sound layout for each rule of the contract, with that rule alone broken; and broken bytes."""

import importlib.util
from dataclasses import replace

import pytest

from tests.fixtures.layout_contract import MALFORMED, SOUND, InRevm, OnChain, of_core, rules
from tests.reference.plumb import networks
from tests.reference.plumb.descriptor import (
    ARGUMENT,
    COMMITTED,
    INPUT,
    PUBLIC,
    RANGE,
    VALUE,
    Block,
    Combine,
    Descriptor,
    Input,
    Linear,
    Public,
    Table,
    Term,
    Tight,
)
from zkinfer_contracts import EmbeddedChain


@pytest.fixture(scope="session")
def contract():
    """Return the contract in revm where there is one, and on a chain elsewhere."""
    return InRevm() if importlib.util.find_spec("pyrevm") else OnChain(EmbeddedChain())


# Parts of a descriptor.


def rows(d):
    return 1 << d.log_rows


def active(d):
    return rows(d) - (1 << d.log_pad)


def layer_of(d, kind):
    return next(layer for layer in d.layers if isinstance(layer, kind))


def block_of(d, column, which=0):
    return [b for b in d.blocks if b.column == column][which]


def values_of(d, argument):
    """Return the number of the values of an argument's block."""
    y = d.blocks[argument]
    paired = [b.column == VALUE and b.number == y.number and b.same_rows(y) for b in d.blocks]
    return paired.index(True)


def table_of(d):
    return next(f.kind for f in d.functions if isinstance(f.kind, Table)).values


def first_map(d):
    return layer_of(d, Linear).maps[0]


def view_of(d):
    last = d.layers[-1]
    return last.maps[0].view if isinstance(last, Linear) else last.view


# Changes of a descriptor.


def put(*path, to):
    """Return a change: what a path of fields and indices leads to becomes something else."""
    *front, last = path

    def change(d):
        at = d
        for step in front:
            at = at[step] if isinstance(step, int) else getattr(at, step)
        value = to(d) if callable(to) else to
        if isinstance(last, int):
            at[last] = value
        else:
            setattr(at, last, value)

    return change


def put_last(*path, to):
    return put("layers", -1, *path, to=to)


def put_all(**fields):
    def change(d):
        for name, value in fields.items():
            setattr(d, name, value)

    return change


def another_chunk(d):
    """Move the virtual chunk, and the mask cells with it."""
    d.chunks += 1
    for cells in (d.mask_cells.weights, d.mask_cells.inputs):
        cells[:] = [at + rows(d) for at in cells]


def put_map(**fields):
    """Return a change of the first map."""

    def change(d):
        for name, value in fields.items():
            setattr(first_map(d), name, value)

    return change


def put_term(**fields):
    """Return a change of the first term that the last layer reads."""

    def change(d):
        for name, value in fields.items():
            setattr(view_of(d)[0], name, value(d) if callable(value) else value)

    return change


def put_table(at, value):
    def change(d):
        table_of(d)[at] = value

    return change


def put_block(column, which=0, **fields):
    def change(d):
        for name, value in fields.items():
            setattr(block_of(d, column, which), name, value(d) if callable(value) else value)

    return change


def many(*path, count):
    """Return a change: a list holds its first item so many times."""

    def change(d):
        at = d
        for step in path:
            at = at[step] if isinstance(step, int) else getattr(at, step)
        at[:] = at[:1] * count

    return change


def input_among_values(d):
    layer = layer_of(d, Input)
    layer.block = d.blocks.index(block_of(d, VALUE))
    layer.exponents.dims = list(d.blocks[layer.block].dims)


def combined_values(d):
    layer = layer_of(d, Combine)
    layer.cell = values_of(d, layer.cell)


def output_among_values(d):
    layer = layer_of(d, Linear)
    layer.output.block = values_of(d, layer.output.block)


def pooled_to(height, width):
    """Return a change: the first pooled layer has an output of other lengths, and zeros for it."""

    def change(d):
        layer = layer_of(d, Linear)
        layer.maps[0].after = [height - 3, width - 5]
        families = [layer.exponents, layer.tight.exponents]
        numbers = [layer.output.arguments, layer.output.values, layer.tight.block]
        for sized in families + [d.blocks[i] for i in numbers + layer.remainders]:
            sized.dims[2:] = [height, width]

    return change


def put_pooled(**fields):
    """Return a change of where the first pooled layer's cells and values are."""

    def change(d):
        for name, value in fields.items():
            setattr(layer_of(d, Linear).output, name, value(d) if callable(value) else value)

    return change


def pooled_from_itself(name):
    """Return a change: the first pooled layer reads its own cells or values."""

    def change(d):
        first_map(d).view[0].block = getattr(layer_of(d, Linear).output, name)

    return change


def pooled_values_of_another_pair(d):
    """In the same rows, from which the other pair's blocks move away."""
    for block in d.blocks:
        if block.number == 1 and block.column in (ARGUMENT, VALUE):
            block.offset = 64
    d.blocks[layer_of(d, Linear).output.values].number = 1


def one_public_layer_more(d):
    again = Descriptor.from_bytes(d.to_bytes()).layers[-1]
    again.exponents.offset += 1 << 20
    d.layers.append(again)


def tight_without_a_shift(d):
    layer = next(x for x in d.layers if isinstance(x, Linear) and x.shift == 0)
    layer.tight = Tight(0, 2, layer.exponents)


def scaled_input(d):
    """Return a record that nothing needs: the input's block as scaled cells."""
    return Tight(0, 2, d.layers[0].exponents)


def scaled_argument(d):
    """The input's cells are in no range column, their scaled cells are."""
    exponents = d.layers[0].exponents
    dims = list(exponents.dims)
    d.layers[0].tight = Tight(len(d.blocks), 2, replace(exponents, offset=1 << 20))
    d.blocks.append(Block(RANGE, 0, active(d) - 8, dims))


def scaled_cells_of_other_lengths(d):
    layer = d.layers[-1]
    layer.shift, layer.tight = 3, Tight(0, 3, layer.exponents)


# (network, rule, change): the change breaks that rule, and none that is looked at before. Where the
# contract looks at a rule in several places, there is a change for each.
CASES = [
    ("cnn", "Size", put("log_rows", to=3)),
    ("cnn", "Size", put("log_rows", to=25)),
    ("cnn", "Size", put("log_pad", to=2)),
    ("cnn", "Size", put("log_pad", to=8)),
    ("cnn", "Size", put("range_bits", to=0)),
    ("cnn", "Size", put("range_bits", to=21)),
    ("cnn", "Size", put("value_bits", to=1)),
    ("cnn", "Size", put("value_bits", to=21)),
    ("cnn", "Size", put("batch", to=0)),
    ("cnn", "Size", put("batch", to=(1 << 24) + 1)),
    ("cnn", "Size", put("range_columns", to=0)),
    ("cnn", "Size", put("range_columns", to=65)),
    ("cnn", "Size", many("pairs", count=65)),
    ("cnn", "Size", many("functions", count=65)),
    ("cnn", "Size", put("chunks", to=0)),
    ("cnn", "Size", put_all(log_rows=24, chunks=128)),
    ("cnn", "Size", many("blocks", count=0)),
    ("cnn", "Size", many("blocks", count=(1 << 15) + 1)),
    ("cnn", "Size", many("layers", count=1)),
    ("cnn", "Size", many("layers", count=(1 << 12) + 1)),
    ("cnn", "Size", put("weight_visibility", to=COMMITTED)),
    ("cnn", "Size", put_last("maps", to=[])),
    ("cnn", "Size", many("layers", -1, "maps", count=65)),
    ("cnn", "Size", many("layers", -1, "maps", 0, "view", count=65)),
    ("cnn", "Size", put_last("shift", to=41)),
    ("cnn", "InputDomain", put("input_domain", 0, to=-1)),
    ("cnn", "InputDomain", put("input_domain", 1, to=16)),
    ("mixed", "InputDomain", put("input_domain", 1, to=15)),
    ("signed", "InputDomain", put("input_domain", 0, to=0)),
    ("signed", "InputDomain", put("input_domain", 1, to=8)),
    ("cnn", "BatchLength", put("batch", to=1)),
    ("cnn", "EmptyBlock", put("blocks", 1, "dims", 1, to=0)),
    ("cnn", "NoSuchColumn", put_block(RANGE, number=1)),
    ("cnn", "NoSuchColumn", put_block(ARGUMENT, number=1)),
    ("cnn", "NoSuchColumn", put_block(VALUE, number=1)),
    ("mlp", "NoSuchColumn", put("blocks", 0, "column", to=INPUT)),
    ("cnn", "NoSuchBlock", put_term(block=999)),
    ("cnn", "NoSuchBlock", put("layers", 0, "block", to=lambda d: len(d.blocks))),
    ("cnn", "NoSuchFunction", put("pairs", 0, to=1)),
    ("cnn", "BlockNotAligned", put_block(RANGE, 1, offset=1)),
    ("cnn", "BlockTouchesPadRows", put_block(RANGE, 2, offset=active)),
    ("cnn", "BlocksOverlap", put_block(RANGE, 2, offset=0)),
    ("cnn", "TableSize", put("range_table", "bits", to=5)),
    ("cnn", "TableSize", put("functions", 0, "slot", "bits", to=4)),
    ("cnn", "TablePlacement", put("range_table", "offset", to=8)),
    ("cnn", "TablePlacement", put("functions", 0, "slot", "offset", to=33)),
    ("cnn", "TablePlacement", put("functions", 0, "slot", "offset", to=224)),
    ("cnn", "TablesOverlap", put("functions", 0, "slot", "offset", to=0)),
    ("cnn", "FunctionBounds", put("functions", 0, "kind", "low", to=-17)),
    ("cnn", "FunctionBounds", put("functions", 0, "kind", "high", to=16)),
    ("cnn", "FunctionBounds", put("functions", 0, "kind", "high", to=-1)),
    ("mixed", "FunctionLength", lambda d: table_of(d).pop()),
    ("mixed", "FunctionLength", lambda d: table_of(d).append(0)),
    # each place of a word, both ends, and numbers that look small from either side
    *(("mixed", "FunctionValue", put_table(i, 16)) for i in range(8)),
    ("mixed", "FunctionValue", put_table(31, -17)),
    ("mixed", "FunctionValue", put_table(30, 1 << 30)),
    ("mixed", "FunctionValue", put_table(29, -(1 << 31))),
    ("two bits", "FunctionValue", put_table(0, 2)),
    ("two bits", "FunctionValue", put_table(3, -3)),
    ("cnn", "ExponentStrides", put("layers", 1, "exponents", "strides", 2, to=2)),
    ("cnn", "ExponentStrides", put("layers", 1, "exponents", "strides", 1, to=8)),
    ("cnn", "ExponentStrides", put("layers", 1, "exponents", "strides", 0, to=16)),
    ("cnn", "ExponentStrides", put_last("exponents", "strides", 0, to=1 << 40)),
    ("cnn", "ExponentStrides", put_last("exponents", "strides", 0, to=1 << 63)),
    ("cnn", "ExponentStrides", put_last("exponents", "offset", to=1 << 40)),
    ("cnn", "ExponentStrides", put_last("exponents", "offset", to=(1 << 64) - 1)),
    ("mlp", "ExponentStrides", put("layers", 1, "tight", "exponents", "strides", 3, to=8)),
    ("cnn", "ExponentsOverlap", put_last("exponents", "offset", to=1)),
    ("mlp", "ExponentsOverlap", put("layers", 1, "tight", "exponents", "offset", to=0)),
    ("cnn", "InputLayer", lambda d: d.layers.insert(1, d.layers[0])),
    ("cnn", "InputLayer", lambda d: d.layers.pop(0)),
    ("cnn", "InputBlock", put("layers", 0, "exponents", "dims", 1, to=2)),
    ("cnn", "InputBlock", input_among_values),
    ("cnn", "InputLink", put("layers", 0, "link", to=None)),
    ("mlp", "InputLink", put("layers", 0, "link", to=0)),
    ("cnn", "InputLink", put("layers", 0, "link", to=0)),
    ("cnn", "InputLink", put_block(INPUT, offset=32)),
    ("cnn", "InputLink", put_block(INPUT, dims=[2, 1, 3, 4])),
    ("cnn", "InputSalts", put("input_salts", to=[])),
    ("cnn", "InputSalts", put("input_salts", to=lambda d: [active(d) - 1])),
    ("cnn", "InputSalts", put("input_salts", to=lambda d: [rows(d)])),
    ("cnn", "InputSalts", put("input_salts", to=lambda d: [active(d)] * 2)),
    ("mlp", "InputSalts", put("input_salts", to=lambda d: [active(d)])),
    ("cnn", "PublicLayer", lambda d: d.layers.pop()),
    ("threshold", "PublicLayer", one_public_layer_more),
    ("cnn", "UnfixedCells", put_term(block=lambda d: layer_of(d, Linear).remainders[0])),
    ("cnn", "UnfixedCells", lambda d: d.layers.insert(1, d.layers.pop(2))),
    ("threshold", "UnfixedCells", put("layers", 2, "output", to=Public())),
    ("threshold", "UnfixedCells", put_block(VALUE, -1, offset=64)),
    ("top1", "WrittenTwice", put_last("remainders", 1, to=lambda d: d.layers[-1].remainders[0])),
    ("mixed", "WrittenTwice", put("layers", 0, "tight", "block", to=0)),
    ("cnn", "ViewShape", put_last("maps", 0, "input", 0, to=1)),
    ("cnn", "ViewShape", put_last("maps", 0, "input", 1, to=1)),
    ("cnn", "ViewShape", put_last("maps", 0, "input", 2, to=0)),
    ("cnn", "ViewShape", put_last("maps", 0, "input", 3, to=0)),
    ("cnn", "ViewShape", put_term(height=[0, 1])),
    ("cnn", "ViewShape", put_term(width=[200, 0])),
    ("cnn", "ViewBeyondRealLength", put_map(input=[2, 1, 5, 4])),
    ("cnn", "ViewBeyondRealLength", put_map(input=[2, 1, 4, 5])),
    ("cnn", "EmptyView", put_last("maps", 0, "view", to=[])),
    ("cnn", "CombineLength", put("layers", 2, "exponents", "dims", 3, to=1)),
    ("cnn", "CombineLength", combined_values),
    ("cnn", "ConvolutionWindow", put_map(stride=[3, 1])),
    ("cnn", "ConvolutionWindow", put_map(stride=[1, 0])),
    ("cnn", "ConvolutionWindow", put_map(kernel=[7, 3])),
    ("cnn", "ConvolutionWindow", put_map(kernel=[3, 7])),
    ("cnn", "ConvolutionWindow", put_map(kernel=[0, 3])),
    ("cnn", "OutputLength", put_map(before=[0, 1])),
    ("cnn", "OutputLength", put_map(after=[1, 0])),
    ("cnn", "OutputLength", put_map(stride=[2, 1])),
    ("cnn", "OutputLength", put_last("exponents", "dims", 1, to=0)),
    ("cnn", "OutputLength", put_last("exponents", "dims", 3, to=2)),
    ("mixed", "OutputLength", put("layers", 1, "exponents", "dims", 1, to=3)),
    ("cnn", "OutputBlock", output_among_values),
    ("mlp", "OutputBlock", put("layers", 1, "output", "block", to=0)),
    ("mixed", "OutputBlock", put("layers", 1, "output", "block", to=12)),
    ("pooled", "OutputBlock", put_pooled(arguments=0)),
    ("pooled", "OutputBlock", put_pooled(arguments=lambda d: layer_of(d, Linear).output.values)),
    ("pooled", "NoSuchBlock", put_pooled(arguments=999)),
    ("pooled", "NoSuchBlock", put_pooled(values=999)),
    ("pooled", "PooledLength", pooled_to(3, 6)),
    ("pooled", "PooledLength", pooled_to(4, 5)),
    ("pooled", "PooledValues", put_pooled(values=0)),
    ("pooled", "PooledValues", put_pooled(values=lambda d: layer_of(d, Linear).output.arguments)),
    ("pooled", "PooledValues", put_block(VALUE, offset=64)),
    ("pooled", "PooledValues", put_block(VALUE, dims=[2, 1, 4, 5])),
    ("pooled", "PooledValues", pooled_values_of_another_pair),
    ("pooled", "UnfixedCells", pooled_from_itself("arguments")),
    ("pooled", "UnfixedCells", pooled_from_itself("values")),
    ("threshold", "OutputView", lambda d: view_of(d).append(view_of(d)[0])),
    ("threshold", "OutputView", put_term(coefficient=2)),
    ("threshold", "OutputView", put_term(coefficient=-1)),
    ("of inputs", "OutputView", None),
    ("top1", "OutputView", put_term(coefficient=3)),
    ("top1", "ClassLengths", put_last("exponents", "dims", 2, to=2)),
    ("top1", "ClassLengths", put_last("exponents", "dims", 3, to=2)),
    ("cnn", "RemainderLimbs", put_last("remainders", to=[])),
    ("cnn", "RemainderLimbs", put_last("shift", to=5)),
    ("cnn", "RemainderLimbs", put_last("shift", to=0)),
    ("top1", "RemainderLimbs", lambda d: d.layers[-1].remainders.pop()),
    ("cnn", "RemainderBlock", put_last("remainders", 0, to=0)),
    ("top1", "RemainderBlock", put_last("remainders", 1, to=lambda d: view_of(d)[0].block)),
    ("cnn", "TightRange", put_last("shift", to=3)),
    ("cnn", "TightRange", put_last("tight", to=scaled_input)),
    ("top1", "TightRange", put_last("tight", to=None)),
    ("top1", "TightRange", put_last("tight", "bits", to=2)),
    ("top1", "TightRange", put_last("tight", "exponents", "dims", 1, to=4)),
    ("top1", "TightRange", put_last("tight", "block", to=lambda d: view_of(d)[0].block)),
    ("cnn", "TightRange", scaled_cells_of_other_lengths),
    ("mixed", "TightRange", put("layers", 0, "tight", "bits", to=0)),
    ("mixed", "TightRange", tight_without_a_shift),
    ("signed", "TightRange", put("layers", 0, "tight", to=scaled_input)),
    ("signed", "TightRange", scaled_argument),
    ("cnn", "WeightsNotAligned", put_last("maps", 0, "weights", to=33)),
    ("top1", "WeightsNotAligned", put("layers", 1, "biases", to=17)),
    ("cnn", "WeightsInVirtualChunk", put_last("maps", 0, "weights", to=256)),
    ("cnn", "WeightsInVirtualChunk", lambda d: d.salts.append(d.chunks * rows(d))),
    ("cnn", "WeightsOverlap", put_last("maps", 0, "weights", to=lambda d: first_map(d).weights)),
    ("cnn", "WeightsOverlap", put_last("biases", to=lambda d: first_map(d).weights)),
    ("packed", "WeightsInVirtualChunk", put_all(chunks=2)),
    ("packed", "WeightsOverlap", put_last("biases", to=598)),
    ("packed", "SaltOnWeight", lambda d: d.salts.append(598)),
    ("packed", "SaltOnWeight", lambda d: d.salts.append(608)),
    ("cnn", "SaltsOfChunk", lambda d: d.salts.pop()),
    ("wide", "SaltsOfChunk", lambda d: d.salts.pop(0)),
    ("top1", "SaltsOfChunk", lambda d: d.salts.append(rows(d) - 1)),
    ("cnn", "SaltOnWeight", lambda d: d.salts.append(d.salts[0])),
    ("cnn", "SaltOnWeight", lambda d: d.salts.append(first_map(d).weights)),
    ("cnn", "SaltOnWeight", lambda d: d.salts.append(d.layers[-1].biases + 1)),
    ("cnn", "Overflow", put_last("maps", 0, "weight_bits", to=60)),
    ("cnn", "Overflow", put_last("maps", 0, "weight_bits", to=127)),
    ("cnn", "Overflow", put_last("maps", 0, "weight_bits", to=255)),
    ("cnn", "Overflow", put_last("bias_bits", to=62)),
    ("cnn", "Overflow", put_last("bias_bits", to=255)),
    ("cnn", "MaskCellsOverlap", put("mask_cells", "inputs", to=lambda d: d.mask_cells.weights)),
    ("cnn", "MaskCellsOverlap", put("mask_cells", "rows", 3, to=lambda d: d.mask_cells.rows[0])),
    ("cnn", "MaskCellOutsideVirtualChunk", put("mask_cells", "weights", 0, to=0)),
    ("cnn", "MaskCellOutsideVirtualChunk", put("mask_cells", "inputs", 1, to=512)),
    ("cnn", "MaskCellOutsidePadRows", put("mask_cells", "rows", 0, to=lambda d: active(d) - 1)),
    ("cnn", "MaskCellOutsidePadRows", put("mask_cells", "rows", 3, to=rows)),
    ("four bits", "MasksDoNotFit", None),
    ("most chunks", "MasksDoNotFit", another_chunk),
    ("seven bits", "RowsNotSquare", None),
]

# Networks with what those of the reference lack. Those whose case has no change are unsound.


def two_bits():
    """Activations of two bits: a table of four values, half a word."""
    net = networks.Net([8, 3, 3, 2], [Table([-2, -1, 0, 1])])
    x, dims = net.input([2, 1, 1], 3)
    h, dims = net.linear([net.map(x, dims)], 2, 3, 0)
    net.linear([net.map(h, dims)], 2, 3)
    return net.finish()


def signed():
    """The input is in an argument column: its values have K bits and a sign."""
    net = networks.Net([8, 3, 3, 4], [networks.relu(4)])
    dims = [1, 2, 1, 1]
    block = net.place(ARGUMENT, 0, dims)
    net.d.input_domain = [-8, 7]
    net.d.layers.append(Input(block, None, None, net.family(dims)))
    net.linear([net.map([Term(1, block)], dims)], 2, 3)
    return net.finish()


def of_rows(c):
    """Columns of 2^c rows: 16 are fewer than the masks need, 128 are no square."""
    net = networks.Net([c, 3, 2, 2], [networks.relu(2)])
    x, dims = net.input([2, 1, 1], 2)
    net.linear([net.map(x, dims)], 2, 2)
    return net.finish()


def most_chunks():
    """Columns of 64 rows, and as many chunks as the masks allow, of public weights."""
    net = networks.Net([6, 3, 2, 2], [networks.relu(2)], weights=PUBLIC)
    x, dims = net.input([2, 1, 1], 2)
    net.linear([net.map(x, dims)], 2, 2)
    net.weights = 63 * 64
    return net.finish()


def of_inputs():
    """The public outputs are cells of a range column."""
    net = networks.Net([8, 3, 3, 4], [networks.relu(4)])
    x, dims = net.input([2, 1, 1], 3)
    net.linear([net.map(x, dims)], 2, 3, 0)
    net.output(x, dims)
    return net.finish()


OWN = {
    "two bits": two_bits,
    "signed": signed,
    "of inputs": of_inputs,
    "four bits": lambda: of_rows(4),
    "seven bits": lambda: of_rows(7),
    "most chunks": most_chunks,
}


def good(name):
    return OWN[name]() if name in OWN else getattr(networks, name)()


def broken(name, change):
    """Return the bytes of a network after a change; of one that is unsound, without any."""
    if change is None:
        return good(name)
    d = Descriptor.from_bytes(good(name))
    change(d)
    bad = d.to_bytes()
    assert bad != good(name)
    return bad


@pytest.mark.parametrize("name", sorted({name for name, _, change in CASES if change}))
def test_the_layouts_are_sound(contract, name):
    assert of_core(good(name)) == SOUND
    assert contract.verdict(good(name)) == SOUND


@pytest.mark.parametrize(
    ("name", "rule", "change"), CASES, ids=[f"{rule}-{i}" for i, (_, rule, _) in enumerate(CASES)]
)
def test_a_layout_that_breaks_a_rule(contract, name, rule, change):
    bad = broken(name, change)
    assert of_core(bad) == rule
    assert contract.verdict(bad) == rule


@pytest.mark.parametrize("change", [lambda d: d.salts.append(599), put_last("biases", to=628)])
def test_the_padding_behind_the_last_weight_is_free(contract, change):
    """The window's last weight is at 598, its padding ends at 1024, in the virtual chunk."""
    data = broken("packed", change)
    assert of_core(data) == SOUND
    assert contract.verdict(data) == SOUND


def test_every_rule_has_a_layout_that_breaks_it():
    assert {rule for _, rule, _ in CASES} == set(rules())


def test_a_refusal_says_where(contract):
    for change, where in [
        (put_last("shift", to=41), ("Size", 13)),
        (many("layers", -1, "maps", 0, "view", count=65), ("Size", 11)),
        (put("blocks", 1, "dims", 1, to=0), ("EmptyBlock", 1)),
        (put_last("maps", 0, "weight_bits", to=60), ("Overflow", 4)),
        (put_last("exponents", "offset", to=1), ("ExponentsOverlap", 1)),
        (put_last("maps", 0, "weights", to=0), ("WeightsOverlap", 0)),
        (put("mask_cells", "weights", 0, to=0), ("MaskCellOutsideVirtualChunk", 0)),
        (put("salts", to=[250, 250]), ("SaltOnWeight", 250)),
    ]:
        assert contract.refusal(broken("cnn", change)) == where


def test_bytes_that_are_no_descriptor_have_a_position(contract):
    data = good("cnn")
    assert contract.verdict(b"") == MALFORMED
    assert contract.refusal(b"Q" + data[1:]) == (MALFORMED, 0)
    assert contract.refusal(data + b"\0") == (MALFORMED, len(data))
    kind = (
        data.index(Descriptor.from_bytes(data).functions[0].slot.offset.to_bytes(4, "big"), 40) + 5
    )
    assert contract.refusal(data[:kind] + b"\2" + data[kind + 1 :]) == (MALFORMED, kind)


def test_bytes_behind_the_end_are_not_read_as_the_descriptors(contract):
    data = good("cnn")
    for length in range(len(data)):
        assert contract.refusal(data, length)[0] == MALFORMED
    assert contract.refusal(data + b"\xff" * 64, len(data)) == (SOUND, None)


@pytest.mark.parametrize("name", ["cnn", "mixed", "threshold", "top1"])
def test_every_byte_counts(contract, name):
    data = good(name)
    for at, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x80, 0xFF} - {byte}:
            bad = data[:at] + bytes([other]) + data[at + 1 :]
            assert contract.verdict(bad) == of_core(bad), at
    for length in range(len(data)):
        assert contract.verdict(data[:length]) == MALFORMED
