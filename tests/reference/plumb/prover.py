"""The prover: the messages of docs/protocol.md, in order."""

from . import claims, lookups
from .descriptor import PUBLIC
from .executor import Trace
from .field import P, inner, powers
from .keys import DOMAIN, Statement
from .mercury import point_words, prove_opening
from .multilinear import Mask, eq_table, evaluate, prove_sumcheck
from .transcript import Seeded, Sender, Transcript


def prove(model, inputs, ctx, seed, committed=None):
    """Return the statement and the messages; masks come from a seed, so nothing is hidden."""
    key, layout = model.key, model.key.layout
    trace = Trace(layout, model.model, inputs)
    columns = trace.columns()
    columns.append(lookups.multiplicities(layout, columns))
    statement = Statement(
        circuit_id=key.circuit_id,
        ctx=ctx,
        commitment=committed.commitment if committed else None,
        inputs=inputs if layout.descriptor.input_visibility == PUBLIC else [],
        outputs=trace.outputs,
    )
    random = Seeded(seed)
    return statement, run(key, model.chunks, statement, columns, committed, random, DOMAIN)


def run(key, chunks, statement, columns, committed, random, domain):
    """Prove a statement with the given columns of phase 1, true or not; return the channel."""
    layout, parameters = key.layout, key.parameters
    t = Transcript(domain)
    channel = Sender(t)

    def mask_pads(column):
        column[layout.active :] = random.fields(layout.rows - layout.active)

    def send_commitments(name, columns):
        points = [parameters.commit(column) for column in columns]
        channel.words(name, [w for point in points for w in point_words(point)])

    # 0: the statement
    statement.absorb(layout, t)

    # 1: looked-up columns, multiplicities and masks
    for column in columns:
        mask_pads(column)
    g1, rows = [0] * layout.rows, layout.sparse_rows()
    for row, value in zip(rows, random.fields(len(rows)), strict=True):
        g1[row] = value
    masks = [g1, random.fields(layout.rows)]  # G1, G2
    send_commitments("phase 1", columns + masks)
    r = t.nonzero_challenge("r")
    alpha, gamma = t.challenge("alpha"), t.challenge("gamma")

    # 2: the fractions of the look-ups
    phase2 = lookups.helpers(layout, columns, alpha, gamma)
    for column in phase2:
        mask_pads(column)
    send_commitments("phase 2", phase2)
    lam = t.challenge("lambda")
    tau = t.challenges("tau", layout.c)
    rho_a = t.nonzero_challenge("rhoA")

    columns = [*columns, *phase2, *masks, *chunks]
    if committed:
        columns.append(committed.column)
    g1, g2 = columns[layout.g1], columns[layout.g2]

    # 3: sumcheck A: the gates, which are the same for every chunk and sum to zero, and products
    tables = [
        lookups.only_active(layout, eq_table(tau)),
        lookups.only_active(layout, [1] * layout.rows),
        *columns[: layout.evaluated],
        lookups.table_column(layout, gamma),
    ]
    gates, n = lookups.gates(layout, alpha, gamma, lam), len(tables)
    tables = [table * (1 << layout.chunk_variables) for table in tables]
    total = 0
    if layout.has_products:
        x_tot = claims.gather(layout, r, columns)
        w_tot = [v for chunk in chunks for v in chunk]
        w_tot += [0] * (len(x_tot) - len(w_tot))
        claims.hide(layout, columns[layout.m], w_tot, x_tot)
        tables += [w_tot, x_tot]
        total = inner(w_tot, x_tot)
    mask = Mask([g1[row] for row in layout.mask_rows()], layout.degrees_a, rho_a)
    channel.scalars("H_A", [total + mask.total()])

    def summed(values):
        products = values[n:]
        return gates(values[:n]) + (products[0] * products[1] if products else 0)

    k, at_k = prove_sumcheck(channel, "sumcheck A", tables, summed, layout.degrees_a, mask)
    channel.scalars("values at k", at_k[2 : n - 1] + at_k[n:])

    # 4: sumcheck D
    eta = t.challenge("eta")
    z1, z2 = t.challenge("z1"), t.challenge("z2")
    powers_1, powers_2 = powers(z1, layout.rows), powers(z2, layout.rows)
    channel.scalars("mu", [inner(g1, powers_1) + inner(g2, powers_2)])
    rho_d = t.nonzero_challenge("rhoD")
    q = claims.functionals(layout, eta, r, k, rho_a, statement.outputs)
    for g, z in [(layout.g1, powers_1), (layout.g2, powers_2)]:
        q[g] = [(v + rho_d * power) % P for v, power in zip(q[g], z, strict=True)]
    n = layout.columns
    d, at_d = prove_sumcheck(
        channel, "sumcheck D", columns + q, lambda v: inner(v[:n], v[n:]), layout.degrees_d
    )

    # 5: the opening of H = sum_i Q_i(d) f_i
    q_at_d = at_d[n:]
    h = [inner(q_at_d, row) for row in zip(*columns, strict=True)]
    prove_opening(parameters, channel, h, d, evaluate(h, d))
    return channel
