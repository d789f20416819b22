"""The integers of one batch of inferences, and the columns made of them."""

from .descriptor import (
    ARGUMENT,
    DENSE,
    INPUT,
    VALUE,
    Cells,
    Combine,
    Input,
    Linear,
    Output,
    Public,
    Top1,
    indices,
)
from .field import P


class OutOfRange(Exception):
    """A value that is in no table."""


class Weights:
    """Weights of a layer: a list for each map, (out, channel, height, width), and the biases."""

    def __init__(self, maps, biases):
        self.maps, self.biases = maps, biases


def weight_at(m, weights, index):
    """Return the weight with an index of the weight index domain."""
    _, channels, height, width = m.input
    if m.kind == DENSE:
        _, o, c, h, w = index
    else:
        # a depthwise window has no out: o is 0, and there are no other weights before it
        h, w, c, o, _ = index
        height, width = m.kernel
    return weights[((o * channels + c) * height + h) * width + w]


def weight_chunks(layout, model, salts):
    """Return the committed weights: zero wherever there is neither a weight nor a salt."""
    d = layout.descriptor
    flat = [0] * (d.chunks * layout.rows)
    for layer, given in zip(layout.linear_layers(), model, strict=True):
        out = layer.exponents.dims[1]
        for m, weights in zip(layer.maps, given.maps, strict=True):
            for index in indices(m.weight_dims(out)):
                flat[m.position(index, out)] = weight_at(m, weights, index) % P
        for o, bias in enumerate(given.biases):
            flat[layer.biases + o] = bias % P
    for position, salt in zip(d.salts, salts, strict=True):
        flat[position] = salt
    return [flat[i : i + layout.rows] for i in range(0, len(flat), layout.rows)]


class Trace:
    """Every cell of every block, and the outputs."""

    def __init__(self, layout, model, inputs):
        self.layout, self.d = layout, layout.descriptor
        self.cells = {}
        self.outputs = []
        weights = iter(model)
        for layer in self.d.layers:
            if isinstance(layer, Input):
                self.store(
                    layer.block, dict(zip(indices(layer.exponents.dims), inputs, strict=True))
                )
                self.scale(layer.block, layer.tight)
            elif isinstance(layer, Combine):
                cells = {i: self.view(layer.view, i) for i in indices(layer.exponents.dims)}
                self.store(layer.cell, cells)
            elif isinstance(layer, Linear):
                self.requantise(layer, self.sums(layer, next(weights)))
            elif isinstance(layer, Output):
                self.outputs = [self.view(layer.view, i) for i in indices(layer.exponents.dims)]
            elif isinstance(layer, Top1):
                self.argmax(layer)

    def store(self, number, cells):
        """Store a block; where it is the argument of a function, also its values."""
        block = self.layout.block(number)
        self.cells[number] = cells
        if block.column != ARGUMENT:
            return
        self.check(cells.values())
        function = self.function(block)
        for other, candidate in enumerate(self.d.blocks):
            paired = (candidate.column, candidate.number) == (VALUE, block.number)
            if paired and candidate.same_rows(block):
                self.cells[other] = {i: function(y) for i, y in cells.items()}

    def function(self, block):
        """Return the function of a block of arguments."""
        return self.d.functions[self.d.pairs[block.number]]

    def check(self, values, less=0):
        """Refuse what is no integer of K bits, or of some bits less."""
        low, high = (end >> less for end in self.layout.value_domain())
        for v in values:
            if not low <= v <= high:
                raise OutOfRange(v)

    def scale(self, number, tight):
        if tight:
            factor = 1 << (self.d.range_bits - tight.bits)
            self.store(tight.block, {i: factor * v for i, v in self.cells[number].items()})

    def view(self, view, index):
        return sum(t.coefficient * self.cells[t.block][t.index(index)] for t in view)

    def sums(self, layer, given):
        """Return the sum of the maps, and the bias."""
        out = {i: given.biases[i[1]] for i in indices(layer.exponents.dims)}
        for m, weights in zip(layer.maps, given.maps, strict=True):
            for output, weight, cell in m.products(layer.exponents.dims):
                out[output] += weight_at(m, weights, weight) * self.view(m.view, cell)
        return out

    def requantise(self, layer, sums):
        """y = floor(sum / 2^S), and the remainder in limbs of s bits."""
        y = {i: v >> layer.shift for i, v in sums.items()}
        rest = {i: v - (y[i] << layer.shift) for i, v in sums.items()}
        self.limbs(layer, rest)
        if isinstance(layer.output, Public):
            self.check(y.values())
            self.outputs = list(y.values())
        elif isinstance(layer.output, Cells):
            self.store(layer.output.block, y)
        else:
            self.check(y.values(), less=1)  # so that differences are in the domain
            self.store(layer.output.arguments, self.pool(layer, y))

    def pool(self, layer, y):
        """Return the z of each square of y."""
        f = self.function(self.layout.block(layer.output.arguments))
        z = {}
        for b, c, h, w in indices(layer.exponents.every_second(0, 0).dims):
            at = [(b, c, 2 * h + i, 2 * w + j) for i in (0, 1) for j in (0, 1)]
            y00, y01, y10, y11 = (y[i] for i in at)
            z00, z10 = y00 - y01, y10 - y11
            self.check([z00, z10])  # a table has no f of others
            z01 = y01 + f(z00) - (y11 + f(z10))
            self.check([z01])
            z11 = y11 + f(z10) + f(z01)
            z |= zip(at, (z00, z01, z10, z11), strict=True)
        return z

    def limbs(self, layer, rest):
        """Store a number in limbs of s bits, and the top one scaled where its range is tight."""
        s = self.d.range_bits
        for limb, number in enumerate(layer.remainders):
            self.store(number, {i: v >> (limb * s) & (1 << s) - 1 for i, v in rest.items()})
        if layer.remainders:
            self.scale(layer.remainders[-1], layer.tight)

    def argmax(self, layer):
        """The first index of the largest: y_idx - y_i - [i < idx] = rem_i."""
        batch, classes, _, _ = layer.exponents.dims
        rest = {}
        for b in range(batch):
            y = [self.view(layer.view, (b, i, 0, 0)) for i in range(classes)]
            index = y.index(max(y))
            rest |= {(b, i, 0, 0): y[index] - y[i] - (i < index) for i in range(classes)}
            self.outputs.append(index)
        self.limbs(layer, rest)

    def columns(self):
        """Return the looked-up columns of phase 1; rows of no block hold 0, or (0, f(0))."""
        out = [[0] * self.layout.rows for _ in range(self.layout.m)]
        for j, function in enumerate(self.d.pairs):
            f = self.d.functions[function]
            arguments = {}
            for number, block in enumerate(self.d.blocks):
                if (block.column, block.number) == (ARGUMENT, j):
                    arguments |= {block.row(i): y for i, y in self.cells[number].items()}
            values = [f(arguments.get(row, 0)) % P for row in range(self.layout.rows)]
            out[self.layout.ranges + 2 * j + 1] = values
        for number, block in enumerate(self.d.blocks):
            if block.column not in (INPUT, VALUE):
                for index, v in self.cells[number].items():
                    out[self.layout.column_of(block)][block.row(index)] = v % P
        return out


def input_column(layout, inputs, salts):
    """Return the column behind a committed input."""
    column = [0] * layout.rows
    block = layout.block(layout.input_layer().link)
    for index, v in zip(indices(block.dims), inputs, strict=True):
        column[block.row(index)] = v % P
    for row, salt in zip(layout.descriptor.input_salts, salts, strict=True):
        column[row] = salt
    return column
