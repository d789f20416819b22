"""The linear claims about columns: what sumcheck A leaves to be shown, all of them at once.

Claim i says <column, functional> = value, summed over columns; it is weighed by eta^i. Every
functional here is a sum over every real index and every product, as the equations say it.
"""

from functools import cache

from .descriptor import (
    HIDDEN,
    PUBLIC,
    SQUARE,
    Cells,
    Combine,
    Input,
    Linear,
    Output,
    Pooled,
    Public,
    Term,
    Top1,
    indices,
)
from .field import P, powers
from .multilinear import eq_table, mask_at, mask_sum

# the claims behind those of the columns, in order
NAMES = ["mask", "sum", "weights", "inputs", "links"]


@cache
def power(base, exponent):
    return pow(base, exponent, P)


def weights_of_claims(layout, eta):
    """Return the powers of eta: a list for the columns, and a dictionary for the rest."""
    all_powers = powers(eta, layout.evaluated + len(NAMES))
    return all_powers[: layout.evaluated], dict(
        zip(NAMES, all_powers[layout.evaluated :], strict=True)
    )


def whole(block):
    return Term(1, block)


def written(layer):
    """Yield (sign, term, exponents) of sum_j r^j y_j, of those y that are no public outputs."""
    if isinstance(layer.output, Cells):
        yield 1, whole(layer.output.block), layer.exponents
    elif isinstance(layer.output, Pooled):
        for place, (arguments, values) in SQUARE.items():
            exponents = layer.exponents.every_second(*place)
            for height, width in arguments:
                yield 1, Term(1, layer.output.arguments, (1, height), (1, width)), exponents
            for height, width in values:
                yield -1, Term(1, layer.output.values, (1, height), (1, width)), exponents


def linear_terms(layout):
    """Yield (coefficient, term, exponents) of sum_j r^j (2^S y_j + sum_l 2^(s l) rem_(j,l))."""
    s = layout.descriptor.range_bits
    for layer in layout.linear_layers():
        for sign, term, exponents in written(layer):
            yield sign << layer.shift, term, exponents
        for limb, number in enumerate(layer.remainders):
            yield 1 << (s * limb), whole(number), layer.exponents


def link_terms(layout):
    """Yield those between cells, which sum to public numbers.

    x = x_in, scaled = 2^(s-bits) cell, cell = view, view = out, and y_idx - y_i - rem_i = [i < idx]
    without y_idx, which is one of the `chosen_cells`.
    """
    d = layout.descriptor

    def tight_terms(number, tight):
        if tight:
            yield 1, whole(tight.block), tight.exponents
            yield -(1 << (d.range_bits - tight.bits)), whole(number), tight.exponents

    def view_terms(sign, layer):
        for term in layer.view:
            plain = Term(1, term.block, term.height, term.width)
            yield sign * term.coefficient, plain, layer.exponents

    for layer in d.layers:
        if isinstance(layer, Input):
            if d.input_visibility != HIDDEN:
                yield 1, whole(layer.block), layer.exponents
            if layer.link is not None:
                yield -1, whole(layer.link), layer.exponents
            yield from tight_terms(layer.block, layer.tight)
        elif isinstance(layer, Combine):
            yield 1, whole(layer.cell), layer.exponents
            yield from view_terms(-1, layer)
        elif isinstance(layer, Linear):
            if layer.remainders:
                yield from tight_terms(layer.remainders[-1], layer.tight)
        elif isinstance(layer, Output):
            yield from view_terms(1, layer)
        elif isinstance(layer, Top1):
            yield from view_terms(-1, layer)
            for limb, number in enumerate(layer.remainders):
                yield -(1 << (d.range_bits * limb)), whole(number), layer.exponents
            yield from tight_terms(layer.remainders[-1], layer.tight)


def chosen_cells(layout, outputs):
    """Yield (exponent of r, column, row) of y_idx in each equation of outputs that are indices."""
    layer = layout.descriptor.layers[-1]
    if isinstance(layer, Top1):
        [term] = layer.view
        block = layout.block(term.block)
        for index in indices(layer.exponents.dims):
            row = block.row((index[0], outputs[index[0]], 0, 0))
            yield layer.exponents.of(index), layout.column_of(block), row


def products(layout):
    """Yield (weight position, exponent of r, coefficient, column, row) for each product."""
    for layer in layout.linear_layers():
        out = layer.exponents.dims[1]
        for m in layer.maps:
            for output, weight, cell in m.products(layer.exponents.dims):
                exponent = layer.exponents.of(output)
                for term in m.view:
                    block = layout.block(term.block)
                    row = block.row(term.index(cell))
                    yield (
                        m.position(weight, out),
                        exponent,
                        term.coefficient,
                        layout.column_of(block),
                        row,
                    )


def biases(layout):
    """Yield (position, exponent of r): a bias meets the constant 1 at each of its outputs."""
    for layer in layout.linear_layers():
        for output in indices(layer.exponents.dims):
            yield layer.biases + output[1], layer.exponents.of(output)


def gather(layout, r, columns):
    """Return Xtot without its mask cells: what each weight meets, weighed by powers of r."""
    x = [0] * (1 << layout.weight_variables)
    for k, exponent, coefficient, column, row in products(layout):
        x[k] += power(r, exponent) * coefficient * columns[column][row]
    for k, exponent in biases(layout):
        x[k] += power(r, exponent)
    return [v % P for v in x]


def hide(layout, m, weights, inputs):
    """Put the mask cells, which are cells of M, into Wtot and Xtot."""
    cells = layout.descriptor.mask_cells
    for k, row in zip(cells.weights, cells.rows[:2], strict=True):
        weights[k] = m[row]
    for k, row in zip(cells.inputs, cells.rows[2:], strict=True):
        inputs[k] = m[row]


def linear_constant(layout, r, outputs):
    """Return c0(out) = sum_out r^j 2^S out_j."""
    public = [x for x in layout.linear_layers() if isinstance(x.output, Public)]
    return sum(weighed_sum(r, x.exponents, outputs) << x.shift for x in public) % P


def link_constant(layout, r, inputs, outputs):
    """Return the public side of the links: x of a public input, out of cells, [i < idx]."""
    if not layout.has_products:
        return layout.constant(r)
    first, last = layout.input_layer(), layout.descriptor.layers[-1]
    total = 0
    if layout.descriptor.input_visibility == PUBLIC:
        total += weighed_sum(r, first.exponents, inputs)
    if isinstance(last, Output):
        total += weighed_sum(r, last.exponents, outputs)
    if isinstance(last, Top1):
        before = [i < outputs[b] for b, i, _, _ in indices(last.exponents.dims)]
        total += weighed_sum(r, last.exponents, before)
    return total % P


def weighed_sum(r, exponents, values):
    """Return sum_i r^(exponent of i) v_i."""
    at = indices(exponents.dims)
    return sum(power(r, exponents.of(i)) * v for i, v in zip(at, values, strict=True)) % P


def bias_constant(layout, r, k):
    """Return what the constants that biases meet contribute to Xtot(k)."""
    at_k = eq_table(k)
    return sum(at_k[position] * power(r, exponent) for position, exponent in biases(layout)) % P


def functionals(layout, eta, r, k, rho_a, outputs):
    """Return Q_i, a vector for each column: the sum over all claims, weighed by powers of eta."""
    q = [[0] * layout.rows for _ in range(layout.columns)]
    eta_column, eta_of = weights_of_claims(layout, eta)
    at_a, at_k = eq_table(k[layout.chunk_variables :]), eq_table(k)

    def add(column, row, value):
        q[column][row] = (q[column][row] + value) % P

    def add_family(claim, terms):
        for coefficient, term, exponents in terms:
            block = layout.block(term.block)
            for index in indices(exponents.dims):
                value = eta_of[claim] * coefficient * power(r, exponents.of(index))
                add(layout.column_of(block), block.row(term.index(index)), value)

    # columns: <f, eq(a, .)> = e
    for column in range(layout.evaluated):
        for row in range(layout.rows):
            add(column, row, eta_column[column] * at_a[row])

    # the mask, times rhoA: its value at k, its sum
    degrees = layout.degrees_a
    for claim, functional in [("mask", mask_at(k, degrees)), ("sum", mask_sum(degrees))]:
        for row, v in zip(layout.mask_rows(), functional, strict=True):
            add(layout.g1, row, eta_of[claim] * rho_a * v)

    if not layout.has_products:
        for coefficient, exponent, column, row in layout.terms():
            add(column, row, eta_of["links"] * coefficient * power(r, exponent))
        return q

    # all linear layers, and the equations between cells
    add_family("sum", linear_terms(layout))
    add_family("links", link_terms(layout))
    for exponent, column, row in chosen_cells(layout, outputs):
        add(column, row, eta_of["links"] * power(r, exponent))

    # Wtot(k) = e_W and Xtot(k) = e_X, mask cells included
    for i, chunk in enumerate(layout.chunks):
        for row in range(layout.rows):
            add(chunk, row, eta_of["weights"] * at_k[i * layout.rows + row])
    for position, exponent, coefficient, column, row in products(layout):
        add(column, row, eta_of["inputs"] * at_k[position] * coefficient * power(r, exponent))
    cells = layout.descriptor.mask_cells
    hidden = [("weights", p) for p in cells.weights] + [("inputs", p) for p in cells.inputs]
    for (claim, position), row in zip(hidden, cells.rows, strict=True):
        add(layout.m, row, eta_of[claim] * at_k[position])
    return q
