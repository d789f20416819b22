"""The verifier: replays the transcript, reduces everything to one opening, and checks that."""

from . import claims, curve, lookups
from .field import P, Rejected, inner, powers
from .keys import DOMAIN, Statement
from .mercury import verify_opening
from .multilinear import eq_table, evaluate, verify_sumcheck
from .transcript import Receiver, Transcript


def verify(key, proof, public_inputs, ctx):
    """Return the messages of a proof that convinces, or raise."""
    return replay(key, proof, Statement.from_words(key, public_inputs, ctx), DOMAIN)


def replay(key, proof, statement, domain):
    """Follow a proof of a statement to its end."""
    layout = key.layout
    t = Transcript(domain)
    channel = Receiver(t, proof, key.proof_words())

    def receive_commitments(name, n):
        words = channel.words(name, 2 * n)
        return [curve.from_bytes(words[2 * i] + words[2 * i + 1]) for i in range(n)]

    # 0
    statement.absorb(layout, t)

    # 1
    points = receive_commitments("phase 1", len(layout.phase1) + 2)
    if None in points:
        raise Rejected("a column of phase 1 or a mask is committed as the identity")
    phase1_points, mask_points = points[:-2], points[-2:]
    r = t.nonzero_challenge("r")
    alpha, gamma = t.challenge("alpha"), t.challenge("gamma")

    # 2
    phase2_points = receive_commitments("phase 2", len(layout.phase2))
    lam = t.challenge("lambda")
    tau = t.challenges("tau", layout.c)
    rho_a = t.nonzero_challenge("rhoA")
    commitments = [*phase1_points, *phase2_points, *mask_points, *key.weights]
    if layout.commits_input:
        commitments.append(statement.commitment)

    # 3: sumcheck A
    [h_a] = channel.scalars("H_A", 1)
    k, claim_a = verify_sumcheck(channel, "sumcheck A", layout.degrees_a, h_a)
    at_k = channel.scalars("values at k", layout.values_at_k())
    # without products, the claims about them say that zero is zero
    e, (e_w, e_x) = at_k[: layout.evaluated], at_k[layout.evaluated :] or (0, 0)
    a = k[layout.chunk_variables :]
    at_a = [
        evaluate(lookups.only_active(layout, eq_table(tau)), a),
        evaluate(lookups.only_active(layout, [1] * layout.rows), a),
        *e,
        evaluate(lookups.table_column(layout, gamma), a),
    ]
    f_a = lookups.gates(layout, alpha, gamma, lam)(at_a) + e_w * e_x

    # 4: the values of all linear claims, and sumcheck D
    eta = t.challenge("eta")
    z1, z2 = t.challenge("z1"), t.challenge("z2")
    values = {
        "mask": claim_a - f_a,
        "sum": h_a - claims.linear_constant(layout, r, statement.outputs),
        "weights": e_w,
        "inputs": e_x - claims.bias_constant(layout, r, k),
        "links": claims.link_constant(layout, r, statement.inputs, statement.outputs),
    }
    eta_column, eta_of = claims.weights_of_claims(layout, eta)
    claim = inner(e, eta_column) + sum(eta_of[name] * value for name, value in values.items())
    [mu] = channel.scalars("mu", 1)
    rho_d = t.nonzero_challenge("rhoD")
    d, value = verify_sumcheck(channel, "sumcheck D", layout.degrees_d, (claim + rho_d * mu) % P)

    # 5: C_H = sum_i Q_i(d) C_i opens to the last value at d
    q = claims.functionals(layout, eta, r, k, rho_a, statement.outputs)
    q = [evaluate(vector, d) for vector in q]
    for g, z in [(layout.g1, z1), (layout.g2, z2)]:
        q[g] = (q[g] + rho_d * evaluate(powers(z, layout.rows), d)) % P
    combined = curve.combine(q, commitments)
    verify_opening(key.parameters, channel, combined, d, value)
    return channel.messages
