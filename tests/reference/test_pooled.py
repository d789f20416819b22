"""Pooled layers: cells follow from y and y from cells, and proofs of other cells are refused."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tests.reference.plumb import claims, curve, golden, lookups, prover, verifier
from tests.reference.plumb.descriptor import ARGUMENT, DESTINATION, SQUARE, Descriptor, indices
from tests.reference.plumb.executor import Trace
from tests.reference.plumb.field import Malformed, P, Rejected, inner
from tests.reference.plumb.keys import DOMAIN, Model, Statement
from tests.reference.plumb.transcript import Seeded

FIRST, SECOND = 1, 2  # the layers of the network that are pooled
PLACES = sorted(SQUARE)


def y_of(z, f):
    """Return the y of a square: both are dictionaries by place."""
    return {
        place: sum(z[i] for i in plus) - sum(f(z[i]) for i in minus)
        for place, (plus, minus) in SQUARE.items()
    }


def z_of(y, f):
    """Return the z of a square."""
    z00, z10 = y[0, 0] - y[0, 1], y[1, 0] - y[1, 1]
    z01 = y[0, 1] + f(z00) - (y[1, 1] + f(z10))
    return dict(zip(PLACES, (z00, z01, z10, y[1, 1] + f(z10) + f(z01)), strict=True))


def test_no_two_squares_of_cells_have_the_same_y():
    """For every function of integers of two bits and all cells; y is below 2^(K+2)."""
    domain = range(-2, 2)
    for values in product(domain, repeat=4):
        f = dict(zip(domain, values, strict=True)).__getitem__
        for cells in product(domain, repeat=4):
            z = dict(zip(PLACES, cells, strict=True))
            y = y_of(z, f)
            assert z_of(y, f) == z
            assert max(map(abs, y.values())) <= 5 * 2


def test_the_last_cell_is_the_maximum():
    def relu(v):
        return max(v, 0)

    for y in product(range(-2, 3), repeat=4):
        assert z_of(dict(zip(PLACES, y, strict=True)), relu)[1, 1] == max(y)


class Forger(Trace):
    """Calculates a network with one z of a pooled layer changed by one, and all that follows."""

    def __init__(self, layout, model, inputs, altered=None):
        self.altered = altered
        super().__init__(layout, model, inputs)

    def pool(self, layer, y):
        z = super().pool(layer, y)
        if self.altered and self.altered[0] == layer.output.arguments:
            at = self.altered[1]
            z[at] += -1 if z[at] > 0 else 1
        return z


class Chooser(Trace):
    """Calculates a network whose first pooled layer has values in rows that nothing fixes."""

    def __init__(self, layout, model, inputs, free, chosen):
        self.free, self.chosen = free, chosen
        super().__init__(layout, model, inputs)

    def pool(self, layer, y):
        if layer is not self.d.layers[FIRST]:
            return super().pool(layer, y)
        z = {}
        arguments = {i: self.chosen[i[2] % 2, i[3] % 2] for i in y}
        self.cells[self.free] = arguments
        self.cells[layer.output.values] = {i: self.d.functions[0](v) for i, v in arguments.items()}
        for b, c, h, w in indices(layer.exponents.every_second(0, 0).dims):
            at = {place: (b, c, 2 * h + place[0], 2 * w + place[1]) for place in PLACES}
            # what solves the equations
            square = z_of({place: y[i] for place, i in at.items()}, lambda _: 0)
            f = {place: self.cells[layer.output.values][i] for place, i in at.items()}
            square[0, 1] += f[0, 0] - f[1, 0]
            square[1, 1] += f[1, 0] + f[0, 1]
            z |= {i: square[place] for place, i in at.items()}
        return z


class Network:
    """The network `pooled` or a variant of it, and proofs about it that may be false."""

    def __init__(self, change=None):
        file = golden.Golden.load("pooled")
        self.ctx, self.weights, self.inputs = file.ctx, file.weights, file.inputs
        descriptor = Descriptor.from_bytes(file.descriptor)
        if change:
            change(descriptor)
        self.model = Model(file.parameters, descriptor.to_bytes(), self.weights, 1)
        self.layout = self.model.key.layout
        file.parameters.check = lambda left, right: left == curve.combine([golden.TAU], [right])

    def cells(self, number):
        """Return where the z of a layer are: (block, index)."""
        block = self.layout.descriptor.layers[number].output.arguments
        return [(block, index) for index in indices(self.layout.block(block).dims)]

    def trace(self, altered=None):
        return Forger(self.layout, self.weights, self.inputs, altered)

    def satisfied(self, columns, outputs):
        """Return whether all linear equations hold, at one r."""
        [r] = Seeded(5).fields(1)
        w = [v for chunk in self.model.chunks for v in chunk]
        x = claims.gather(self.layout, r, columns)[: len(w)]
        total = claims.linear_constant(self.layout, r, outputs)
        for coefficient, term, exponents in claims.linear_terms(self.layout):
            block = self.layout.block(term.block)
            column = columns[self.layout.column_of(block)]
            for index in indices(exponents.dims):
                cell = column[block.row(term.index(index))]
                total += coefficient * claims.power(r, exponents.of(index)) * cell
        return inner(w, x) == total % P

    def verify(self, columns, outputs):
        """Prove with the columns of look-ups, true or not, and verify."""
        columns = [*columns, lookups.multiplicities(self.layout, columns)]
        key = self.model.key
        statement = Statement(key.circuit_id, self.ctx, None, [], outputs)
        run = prover.run(key, self.model.chunks, statement, columns, None, Seeded(3), DOMAIN)
        verifier.verify(key, run.proof(), statement.words(), self.ctx)


@pytest.fixture(scope="module")
def network():
    return Network()


def test_the_executor_pools(network):
    """Sums, maxima and their ReLU as numpy has them."""
    x = np.pad(np.reshape(network.inputs, (2, 4, 6)), ((0, 0), (1, 1), (1, 1)))
    [kernel], [bias] = network.weights[0].maps, network.weights[0].biases
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    sums = (windows * np.reshape(kernel, (3, 3))).sum((-2, -1)) + bias
    y = sums >> 4
    maxima = y.reshape(2, 2, 2, 3, 2).max((2, 4))
    output = network.layout.descriptor.layers[FIRST].output
    cells = network.trace().cells

    def last(block):
        return [cells[block][b, 0, 2 * h + 1, 2 * w + 1] for b, h, w in np.ndindex(2, 2, 3)]

    assert last(output.arguments) == maxima.ravel().tolist()
    assert last(output.values) == np.maximum(maxima, 0).ravel().tolist()
    assert len(set(last(output.values))) > 1


def test_every_altered_cell_breaks_an_equation(network):
    honest = network.trace()
    assert network.satisfied(honest.columns(), honest.outputs)
    for cell in [*network.cells(FIRST), *network.cells(SECOND)]:
        altered = network.trace(cell)
        assert not network.satisfied(altered.columns(), altered.outputs)


@pytest.mark.parametrize("place", PLACES)
def test_proofs_of_altered_cells_are_refused(network, place):
    """With the remainders as they were, and with those that satisfy the equations."""
    honest = network.trace()
    block, index = network.cells(FIRST)[0][0], (0, 0, *place)
    altered = network.trace((block, index))
    columns, outputs = altered.columns(), altered.outputs
    with pytest.raises(Rejected):
        network.verify(columns, outputs)

    layer = network.layout.descriptor.layers[FIRST]
    f = network.layout.descriptor.functions[0]
    squares = [{i: trace.cells[block][0, 0, *i] for i in PLACES} for trace in (honest, altered)]
    before, after = (y_of(z, f) for z in squares)
    limb = network.layout.block(layer.remainders[0])
    columns = altered.columns()
    for i in PLACES:
        row = limb.row((0, 0, *i))
        columns[network.layout.column_of(limb)][row] += (before[i] - after[i]) << layer.shift
    assert network.satisfied(columns, outputs)
    with pytest.raises(Rejected):
        network.verify(columns, outputs)


def test_the_same_way_a_true_statement_is_proven(network):
    honest = network.trace()
    network.verify(honest.columns(), honest.outputs)


def test_values_of_other_rows_prove_anything():
    """What the checker's rule PooledValues is for: the reference checks no layouts."""

    def read_arguments(d):
        d.layers[SECOND].maps[0].view[0].block = d.layers[FIRST].output.arguments

    def move(d):
        read_arguments(d)
        values = d.blocks[d.layers[FIRST].output.values]
        values.offset += values.size()
        d.blocks.append(replace(values, column=ARGUMENT))

    sound, broken = Network(read_arguments), Network(move)
    true = sound.trace().outputs
    free = len(broken.layout.descriptor.blocks) - 1
    chosen = {(0, 0): -1, (0, 1): 4, (1, 0): 2, (1, 1): 0}
    false = Chooser(broken.layout, broken.weights, broken.inputs, free, chosen)
    assert false.outputs != true
    broken.verify(false.columns(), false.outputs)


def test_a_fourth_destination_is_refused(network):
    descriptor = network.layout.descriptor
    pooled = descriptor.layers[FIRST].output
    data, written = descriptor.to_bytes(), DESTINATION.write(pooled)
    assert written[0] == 2
    at = data.index(written)
    with pytest.raises(Malformed, match="no kind 3"):
        Descriptor.from_bytes(data[:at] + b"\3" + data[at + 1 :])
