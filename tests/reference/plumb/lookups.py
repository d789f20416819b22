"""Sumcheck A: every look-up hits its table (LogUp, ePrint 2022/1530, section 3).

Row x of a look-up has a fingerprint: v for a range column, y + gamma f + gamma^2 tag for a pair.
With D = alpha - fingerprint, H_j = 1/D_1 + 1/D_2 of two look-ups, and HT = M / D_T of the table
column T.
"""

from .field import P, inverse


def entries(layout):
    """Return the table column as (tag, y, f(y)); rows of no table are (0, 0, 0)."""
    d = layout.descriptor
    rows = [(0, 0, 0)] * layout.rows
    for t in range(1 << d.range_bits):
        rows[d.range_table.offset + t] = (0, t, 0)
    half = 1 << (d.value_bits - 1)
    for tag, function in enumerate(d.functions, start=1):
        for t in range(1 << d.value_bits):
            rows[function.slot.offset + t] = (tag, t - half, function(t - half))
    return rows


def fingerprint(entry, gamma):
    tag, y, f = entry
    return (y + gamma * f + gamma * gamma * tag) % P


def table_column(layout, gamma):
    return [fingerprint(entry, gamma) for entry in entries(layout)]


def looked_up(layout, columns, row):
    """Return what each look-up looks up in a row."""
    ranges = [(0, columns[j][row], 0) for j in range(layout.ranges)]
    at = layout.ranges
    pairs = [
        (function + 1, columns[at + 2 * j][row], columns[at + 2 * j + 1][row])
        for j, function in enumerate(layout.descriptor.pairs)
    ]
    return ranges + pairs


def multiplicities(layout, columns):
    """Return column M: how often each row of the table is looked up from an active row."""
    first = {}
    for t, (tag, y, f) in enumerate(entries(layout)[: layout.active]):
        first.setdefault((tag, y % P, f % P), t)
    out = [0] * layout.rows
    for row in range(layout.active):
        for entry in looked_up(layout, columns, row):
            if entry in first:
                out[first[entry]] += 1
    return out


def helpers(layout, columns, alpha, gamma):
    """Return H_0 .. and HT on active rows."""
    table = table_column(layout, gamma)
    out = [[0] * layout.rows for _ in range(layout.helpers + 1)]
    for row in range(layout.active):
        for i, entry in enumerate(looked_up(layout, columns, row)):
            out[i // 2][row] += inverse(alpha - fingerprint(entry, gamma))
        out[-1][row] = columns[layout.m][row] * inverse(alpha - table[row])
    return [[v % P for v in column] for column in out]


def gates(layout, alpha, gamma, lam):
    """Return what sumcheck A sums beside products: a function of E, act, the columns and T.

    E * ( sum_j lambda^(j+1) (H_j D_1 D_2 - D_1 - D_2) + lambda^(n+1) (HT D_T - M) )
        + lambda^(n+2) * act * (sum_j H_j - HT)
    """
    n = layout.helpers

    def combination(values):
        e, act, *columns, table = values
        at_row = [[v] for v in columns]
        d = [alpha - fingerprint(entry, gamma) for entry in looked_up(layout, at_row, 0)]
        *h, ht = columns[layout.phase2.start : layout.phase2.stop]
        total = 0
        for j in range(n):
            if 2 * j + 1 < layout.lookups:
                gate = h[j] * d[2 * j] % P * d[2 * j + 1] - d[2 * j] - d[2 * j + 1]
            else:
                gate = h[j] * d[2 * j] - 1
            total += pow(lam, j + 1, P) * gate
        total += pow(lam, n + 1, P) * (ht * (alpha - table) - columns[layout.m])
        return (e * (total % P) + pow(lam, n + 2, P) * act % P * (sum(h) - ht)) % P

    return combination


def only_active(layout, vector):
    return [v if row < layout.active else 0 for row, v in enumerate(vector)]
