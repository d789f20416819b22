"""Commitments to columns, and the opening of one column at one point.

KZG: the commitment to (f_0, .., f_(n-1)) is sum_i f_i [tau^i]_1. Mercury (ePrint 2025/385): with
n = b^2, rows and columns of the square i = row b + col belong to the halves u and v of the point;
for E_u(X) = sum_i eq(u, i) X^i,

    p_row = sum_col eq(v, col) f_(row b + col)          <p, eq(u, .)> = h
    f = (X^b - alpha) q + g, deg g < b                  <g, eq(v, .)> = p(alpha)
    g(X) E_v(1/X) + g(1/X) E_v(X) + gamma (p(X) E_u(1/X) + p(1/X) E_u(X))
        = 2 (p(alpha) + gamma h) + X s(X) + s(1/X) / X  both inner products, as constants
    d = X^(b-1) g(1/X)                                  the degree of g

The third line is checked at a random zeta, with r_p, r_g, r_s in the place of p, g, s: polynomials
of degree 2, 1, 1 that have the same values where they are needed. That they have them, and that the
other lines hold at zeta, is one opening of five polynomials (BDFG, ePrint 2020/081, section 4.1):

    f_i                       opened at              interpolant r_i
    p                         zeta, 1/zeta, alpha    r_p
    g                         zeta, 1/zeta           r_g
    s                         zeta, 1/zeta           r_s
    d                         zeta                   zeta^(b-1) r_g(1/zeta)
    f - (X^b - alpha) q - g   zeta                   0

    w = sum_i beta^i (f_i - r_i) / Z_i
    w' = (sum_i beta^i (Z / Z_i)(xi) (f_i - r_i(xi)) - Z(xi) w) / (X - xi)

where Z = (X - zeta) (zeta X - 1) (X - alpha), and Z_i is the product of those factors that are zero
where f_i is opened. In w', which looks at xi alone, xi^b stands for X^b: the commitment of the last
f_i is a sum of others then. It is zero if f is divided as it should be. Polynomials are lists of
coefficients, the constant one first.
"""

from functools import lru_cache
from math import prod

from . import curve
from .field import Malformed, P, Rejected, from_word, inner, inverse
from .multilinear import eq_table
from .transcript import keccak256

POINTS, SCALARS = 7, 7
WORDS = 2 * POINTS + SCALARS
OPENED_AT = [3, 2, 2, 1, 1]  # the first of zeta, 1/zeta, alpha


class UnsafeParameters:
    """Powers of a secret that everybody knows."""

    def __init__(self, tau, log_size):
        self.tau, self.log_size = tau, log_size
        scalars = [pow(tau, i, P) for i in range(1 << log_size)]
        self.powers = [curve.combine([s], [curve.G]) for s in scalars]
        self.tau_g2 = curve.bn.multiply(curve.bn.G2, tau)

    def id(self):
        return keccak256(curve.to_bytes(self.powers[1]), curve.g2_to_bytes(self.tau_g2))

    def commit(self, coefficients):
        return curve.combine(coefficients, self.powers[: len(coefficients)])

    def check(self, left, right):
        """Say whether e(left, [1]_2) = e(right, [tau]_2)."""
        return curve.pairing_holds(left, right, self.tau_g2)


@lru_cache
def unsafe_parameters(tau, log_size):
    return UnsafeParameters(tau, log_size)


def point_words(point):
    data = curve.to_bytes(point)
    return [data[:32], data[32:]]


def value_at(polynomial, x):
    total = 0
    for coefficient in reversed(polynomial):
        total = (total * x + coefficient) % P
    return total


def add(*scaled):
    """Return the sum of (scalar, polynomial)."""
    out = [0] * max(len(polynomial) for _, polynomial in scaled)
    for scalar, polynomial in scaled:
        for i, coefficient in enumerate(polynomial):
            out[i] = (out[i] + scalar * coefficient) % P
    return out


def multiply(a, b):
    out = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] = (out[i + j] + x * y) % P
    return out


def divide(polynomial, factors):
    """Return quotient and remainder by a product of linear factors, one after the other."""
    remainder, product = [], [1]
    for a_0, a_1 in factors:
        scale = inverse(a_1)
        quotient, carry = [0] * len(polynomial), 0
        for i in reversed(range(len(polynomial))):
            quotient[i] = carry * scale % P
            carry = (polynomial[i] - a_0 * quotient[i]) % P
        polynomial = quotient[:-1]
        remainder = add((1, remainder), (carry, product))
        product = multiply(product, [a_0, a_1])
    return polynomial, remainder


def symmetric_part(a, u):
    """Return the coefficients of X^1, X^2, .. in a(X) E_u(1/X) + a(1/X) E_u(X)."""
    e = eq_table(u)
    out = [0] * (len(a) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(e):
            if i != j:
                out[abs(i - j) - 1] += x * y
    return [v % P for v in out]


def inner_products_hold(point, h, alpha, gamma, zeta, r_g, r_p, r_s):
    """Say whether the equation of the inner products holds at zeta."""
    half = len(point) // 2
    e_u, e_v = eq_table(point[:half]), eq_table(point[half:])
    back = inverse(zeta)

    def crossed(a, e):
        """Return a(X) e(1/X) + a(1/X) e(X) at zeta."""
        return value_at(a, zeta) * value_at(e, back) + value_at(a, back) * value_at(e, zeta)

    left = crossed(r_g, e_v) + gamma * crossed(r_p, e_u)
    right = 2 * (value_at(r_p, alpha) + gamma * h)
    right += zeta * value_at(r_s, zeta) + back * value_at(r_s, back)
    return (left - right) % P == 0


def batch_factors(alpha, zeta):
    """Return the factors of Z; those of Z_i are the first of them."""
    return [[-zeta, 1], [-1, zeta], [-alpha, 1]]


def batch_interpolants(b, zeta, r_g, r_p, r_s):
    """Return r_i for p, g, s, d and f - (X^b - alpha) q - g."""
    d_at_zeta = pow(zeta, b - 2, P) * (r_g[0] * zeta + r_g[1]) % P
    return [r_p, r_g, r_s, [d_at_zeta], [0]]


def batch_at(xi, beta, factors):
    """Return beta^i (Z / Z_i)(xi) for each i, and Z(xi)."""
    at_xi = [value_at(factor, xi) for factor in factors]
    scales = [pow(beta, i, P) * prod(at_xi[n:]) % P for i, n in enumerate(OPENED_AT)]
    return scales, prod(at_xi) % P


def prove_opening(parameters, channel, f, point, h):
    """Show that the column f has the value h at a point.

    The transcript must determine the commitment, the point and the value: none is absorbed here.
    """
    half = len(point) // 2
    u, v, b = point[:half], point[half:], 1 << half
    t = channel.transcript

    def send(label, *polynomials):
        words = [w for q in polynomials for w in point_words(parameters.commit(q))]
        channel.words(label, words)

    p = [inner(f[row * b : row * b + b], eq_table(v)) for row in range(b)]
    assert inner(p, eq_table(u)) == h
    send("opening p", p)
    alpha = t.challenge("opening alpha")

    q, g = list(f), []  # f_row = q_(row-1) - alpha q_row, from the last row down
    for i in reversed(range(b, b * b)):
        q[i - b] = (q[i - b] + alpha * q[i]) % P
    g, q = q[:b], q[b:]
    send("opening q g", q, g)
    gamma = t.challenge("opening gamma")

    s = add((1, symmetric_part(g, v)), (gamma, symmetric_part(p, u)))
    d = g[::-1]
    send("opening s d", s, d)
    zeta = t.nonzero_challenge("opening zeta")

    division = add((1, f), (alpha, q), (-1, [0] * b + q), (-1, g))
    polynomials, factors = [p, g, s, d, division], batch_factors(alpha, zeta)
    divided = [divide(x, factors[:n]) for x, n in zip(polynomials, OPENED_AT, strict=True)]
    quotients, interpolants = zip(*divided, strict=True)
    r_p, r_g, r_s, *_ = interpolants
    assert [*interpolants] == batch_interpolants(b, zeta, r_g, r_p, r_s)
    assert inner_products_hold(point, h, alpha, gamma, zeta, r_g, r_p, r_s)
    channel.scalars("opening interpolants", [*r_g, *r_p, *r_s])
    beta = t.challenge("opening beta")

    w = add(*((pow(beta, i, P), quotient) for i, quotient in enumerate(quotients)))
    send("opening w", w)
    xi = t.challenge("opening xi")

    scales, vanishing = batch_at(xi, beta, factors)
    polynomials[-1] = add((1, f), (alpha - pow(xi, b, P), q), (-1, g))  # the same at xi
    w_prime, _ = divide(add(*zip(scales, polynomials, strict=True), (-vanishing, w)), [[-xi, 1]])
    send("opening w'", w_prime)


def verify_opening(parameters, channel, commitment, point, h):
    """Check that a committed column has the value h at a point."""
    t = channel.transcript

    def receive(label, n):
        words = channel.words(label, 2 * n)
        points = [curve.from_bytes(words[2 * i] + words[2 * i + 1]) for i in range(n)]
        if None in points:
            raise Malformed(f"{label}: the identity")
        return points

    [p] = receive("opening p", 1)
    alpha = t.challenge("opening alpha")
    q, g = receive("opening q g", 2)
    gamma = t.challenge("opening gamma")
    s, d = receive("opening s d", 2)
    zeta = t.nonzero_challenge("opening zeta")
    scalars = [from_word(w) for w in channel.words("opening interpolants", SCALARS)]
    beta = t.challenge("opening beta")
    [w] = receive("opening w", 1)
    xi = t.challenge("opening xi")
    [w_prime] = receive("opening w'", 1)

    r_g, r_p, r_s = scalars[:2], scalars[2:5], scalars[5:]
    if not inner_products_hold(point, h, alpha, gamma, zeta, r_g, r_p, r_s):
        raise Rejected("opening: the equation of the inner products does not hold")
    b = 1 << len(point) // 2
    interpolants = batch_interpolants(b, zeta, r_g, r_p, r_s)
    scales, vanishing = batch_at(xi, beta, batch_factors(alpha, zeta))
    value = inner(scales, [value_at(r, xi) for r in interpolants])
    # e(sum_i scale_i [f_i] - value [1] - Z(xi) [w] + xi [w'], [1]_2) = e([w'], [tau]_2)
    terms = [
        *zip(scales, [p, g, s, d, commitment], strict=True),
        (scales[-1] * (alpha - pow(xi, b, P)), q),
        (-scales[-1], g),
        (-value, curve.G),
        (-vanishing, w),
        (xi, w_prime),
    ]
    left = curve.combine([scalar % P for scalar, _ in terms], [point for _, point in terms])
    if not parameters.check(left, w_prime):
        raise Rejected("opening: the pairing equation does not hold")
