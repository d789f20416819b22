"""Multilinear extensions and sumcheck.

A vector v of length 2^m is the values of a multilinear polynomial over the cube:
v(z) = sum_i v_i eq(i, z), where the first variable is the most significant bit of i.
"""

from .field import P, inner, inverse, powers


def eq_table(z):
    """Return eq(i, z) for all i: products of z_k where bit k of i is set, of 1 - z_k elsewhere."""
    table = [1]
    for x in z:
        table = [value % P for t in table for value in (t * (1 - x), t * x)]
    return table


def evaluate(vector, z):
    """Return the extension's value, straight from its definition."""
    return inner(vector, eq_table(z))


def fix_first(table, x):
    """Return the table of the polynomial whose first variable is x."""
    half = len(table) // 2
    return [
        (low + x * (high - low)) % P for low, high in zip(table[:half], table[half:], strict=True)
    ]


def interpolate(values):
    """Return the coefficients of the polynomial that has values[i] at i (Lagrange)."""
    total = [0] * len(values)
    for i, value in enumerate(values):
        basis, denominator = [1], 1
        for j in range(len(values)):
            if j != i:
                basis = [x - j * y for x, y in zip([0, *basis], [*basis, 0], strict=True)]
                denominator = denominator * (i - j) % P
        scale = value * inverse(denominator)
        total = [(t + scale * b) % P for t, b in zip(total, basis, strict=True)]
    return total


def mask_length(degrees):
    """Return how many coefficients g(x) = g_0 + sum_i sum_(1<=k<=deg_i) g_(i,k) x_i^k has."""
    return 1 + sum(degrees)


def mask_at(point, degrees):
    """Return the functional of the coefficients that gives g(point)."""
    variables = zip(point, degrees, strict=True)
    return [1] + [pow(x, k, P) for x, degree in variables for k in range(1, degree + 1)]


def mask_sum(degrees):
    """Return the functional that gives the sum of g over the cube."""
    n = len(degrees)
    return [pow(2, n, P)] + [pow(2, n - 1, P)] * sum(degrees)


class Mask:
    """rho times a polynomial of random coefficients (Libra, ePrint 2019/317, section 4.1)."""

    def __init__(self, coefficients, degrees, rho):
        self.coefficients, self.degrees, self.rho = coefficients, degrees, rho

    def total(self):
        """Return the sum over the cube."""
        return self.rho * inner(self.coefficients, mask_sum(self.degrees)) % P

    def partial(self, prefix):
        """Return the sum over the cube of all variables behind a prefix."""
        bound, free = self.degrees[: len(prefix)], self.degrees[len(prefix) :]
        functional = [v * pow(2, len(free), P) for v in mask_at(prefix, bound)]
        functional += [pow(2, len(free) - 1, P) if free else 0] * sum(free)
        return self.rho * inner(self.coefficients, functional) % P


def prove_sumcheck(channel, name, tables, combination, degrees, mask=None):
    """Send the rounds of sum_x combination(tables) + mask; return the point and the tables there.

    A round sends its polynomial's coefficients but for that of X, which follows from the claim.
    """
    point = []
    for degree in degrees:
        values = []
        for x in range(degree + 1):
            at_x = [fix_first(table, x) for table in tables]
            total = sum(combination(values) for values in zip(*at_x, strict=True))
            if mask:
                total += mask.partial([*point, x])
            values.append(total % P)
        c_0, _, *others = interpolate(values)
        channel.scalars(name, [c_0, *others])
        z = channel.transcript.challenge(name)
        tables = [fix_first(table, z) for table in tables]
        point.append(z)
    return point, [table[0] for table in tables]


def verify_sumcheck(channel, name, degrees, claim):
    """Receive the rounds; return the point and what the polynomial must be there."""
    point = []
    for degree in degrees:
        c_0, *others = channel.scalars(name, degree)
        z = channel.transcript.challenge(name)
        c_1 = claim - 2 * c_0 - sum(others)
        claim = inner([c_0, c_1, *others], powers(z, degree + 1))
        point.append(z)
    return point, claim
