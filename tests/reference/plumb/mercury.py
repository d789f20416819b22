"""Commitments to columns, and the opening of one column at one point.

KZG: the commitment to (f_0, .., f_(n-1)) is sum_i f_i [tau^i]_1. Mercury (ePrint 2025/385): with
n = b^2, rows and columns of the square i = row b + col belong to the halves u and v of the point;
for E_u(X) = sum_i eq(u, i) X^i,

    p_row = sum_col eq(v, col) f_(row b + col)          <p, eq(u, .)> = h
    f = (X^b - alpha) q + g, deg g < b                  <g, eq(v, .)> = p(alpha)
    g(X) E_v(1/X) + g(1/X) E_v(X) + gamma (p(X) E_u(1/X) + p(1/X) E_u(X))
        = 2 (p(alpha) + gamma h) + X s(X) + s(1/X) / X  both inner products, as constants
    d = X^(b-1) g(1/X)                                  the degree of g

and all values at zeta, 1/zeta and alpha in one opening (BDFG, ePrint 2020/081, section 4.1).
Polynomials are lists of coefficients, the constant one first.
"""

from functools import lru_cache

from . import curve
from .field import Malformed, P, Rejected, from_word, inner, inverse
from .multilinear import eq_table
from .transcript import keccak256

POINTS, SCALARS = 8, 6
WORDS = 2 * POINTS + SCALARS


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


def divide(polynomial, x):
    """Return the quotient by X - x; the remainder is dropped."""
    quotient, carry = [0] * len(polynomial), 0
    for i in reversed(range(len(polynomial))):
        quotient[i] = carry
        carry = (carry * x + polynomial[i]) % P
    return quotient[:-1]


def symmetric_part(a, u):
    """Return the coefficients of X^1, X^2, .. in a(X) E_u(1/X) + a(1/X) E_u(X)."""
    e = eq_table(u)
    out = [0] * (len(a) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(e):
            if i != j:
                out[abs(i - j) - 1] += x * y
    return [v % P for v in out]


class Places:
    """The points where values are opened, and what follows from them."""

    def __init__(self, point, alpha, zeta):
        half = len(point) // 2
        self.u, self.v, self.b = point[:half], point[half:], 1 << half
        if zeta == 0 or alpha in (zeta, inverse(zeta)) or zeta == inverse(zeta):
            raise Rejected("challenges of the opening coincide")
        self.alpha, self.zeta, self.inverse = alpha, zeta, inverse(zeta)
        self.all = [self.zeta, self.inverse, self.alpha]

    def p_at_alpha(self, values, gamma, h):
        """Return p(alpha), by the equation of the inner products at zeta."""
        g, g_inv, p, p_inv, s, s_inv = values
        e_u, e_u_inv = (
            value_at(eq_table(self.u), self.zeta),
            value_at(eq_table(self.u), self.inverse),
        )
        e_v, e_v_inv = (
            value_at(eq_table(self.v), self.zeta),
            value_at(eq_table(self.v), self.inverse),
        )
        twice = g * e_v_inv + g_inv * e_v + gamma * (p * e_u_inv + p_inv * e_u - 2 * h)
        twice -= self.zeta * s + self.inverse * s_inv
        return twice * inverse(2) % P

    def opened(self, values, p_alpha):
        """Return the values of p, g, s, d, each at its own points."""
        g, g_inv, p, p_inv, s, s_inv = values
        return [
            {self.zeta: p, self.inverse: p_inv, self.alpha: p_alpha},
            {self.zeta: g, self.inverse: g_inv},
            {self.zeta: s, self.inverse: s_inv},
            {self.zeta: pow(self.zeta, self.b - 1, P) * g_inv % P},  # d(zeta)
        ]

    def batch(self, opened, beta, xi):
        """Return the scale of each polynomial at xi, the batched value, and Z_T(xi)."""
        scales, value = [], 0
        for i, values in enumerate(opened):
            scale = pow(beta, i, P)
            for x in self.all:
                if x not in values:
                    scale = scale * (xi - x) % P
            scales.append(scale)
            for x, y in values.items():  # r_i(xi), by Lagrange
                for other in values:
                    if other != x:
                        y = y * (xi - other) * inverse(x - other) % P
                value += scale * y
        vanishing = (xi - self.all[0]) * (xi - self.all[1]) * (xi - self.all[2])
        return scales, value % P, vanishing % P


def claim_words(commitment, point, h):
    return [*point_words(commitment), *(v.to_bytes(32, "big") for v in [*point, h])]


def prove_opening(parameters, channel, f, commitment, point, h):
    """Show that the column f has the value h at a point."""
    half = len(point) // 2
    u, v, b = point[:half], point[half:], 1 << half
    t = channel.transcript

    def send(label, *polynomials):
        words = [w for q in polynomials for w in point_words(parameters.commit(q))]
        channel.words(label, words)

    t.absorb("opening claim", claim_words(commitment, point, h))

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
    zeta = t.challenge("opening zeta")
    at = Places(point, alpha, zeta)

    values = [value_at(polynomial, x) for polynomial in (g, p, s) for x in (zeta, at.inverse)]
    channel.scalars("opening evaluations", values)
    scaled_q = [(alpha - pow(zeta, b, P)) * coefficient % P for coefficient in q]
    send("opening t", divide(add((1, f), (1, scaled_q)), zeta))
    beta = t.challenge("opening beta")

    opened = at.opened(values, value_at(p, alpha))
    w = [0]
    for i, (polynomial, at_points) in enumerate(zip([p, g, s, d], opened, strict=True)):
        quotient = polynomial
        for x in at_points:
            quotient = divide(quotient, x)
        w = add((1, w), (pow(beta, i, P), quotient))
    send("opening w", w)
    xi = t.challenge("opening xi")

    scales, _, vanishing = at.batch(opened, beta, xi)
    send("opening w'", divide(add(*zip(scales, [p, g, s, d], strict=True), (-vanishing, w)), xi))
    t.challenge("opening delta")


def verify_opening(parameters, channel, commitment, point, h):
    """Check that a committed column has the value h at a point."""
    t = channel.transcript

    def receive(label, n):
        words = channel.words(label, 2 * n)
        points = [curve.from_bytes(words[2 * i] + words[2 * i + 1]) for i in range(n)]
        if None in points:
            raise Malformed(f"{label}: the identity")
        return points

    t.absorb("opening claim", claim_words(commitment, point, h))
    [p] = receive("opening p", 1)
    alpha = t.challenge("opening alpha")
    q, g = receive("opening q g", 2)
    gamma = t.challenge("opening gamma")
    s, d = receive("opening s d", 2)
    zeta = t.challenge("opening zeta")
    values = [from_word(w) for w in channel.words("opening evaluations", SCALARS)]
    [quotient] = receive("opening t", 1)
    beta = t.challenge("opening beta")
    [w] = receive("opening w", 1)
    xi = t.challenge("opening xi")
    [w_prime] = receive("opening w'", 1)
    delta = t.challenge("opening delta")

    at = Places(point, alpha, zeta)
    opened = at.opened(values, at.p_at_alpha(values, gamma, h))
    scales, value, vanishing = at.batch(opened, beta, xi)
    # e(C - (zeta^b - alpha) [q] - g(zeta) [1] + zeta [t], [1]_2) = e([t], [tau]_2), and delta times
    # e(sum_i scale_i [f_i] - value [1] - Z_T(xi) [w] + xi [w'], [1]_2) = e([w'], [tau]_2)
    terms = [
        (1, commitment),
        (alpha - pow(zeta, at.b, P), q),
        (-values[0] - delta * value, curve.G),
        (zeta, quotient),
        *((delta * scale, point) for scale, point in zip(scales, [p, g, s, d], strict=True)),
        (-delta * vanishing, w),
        (delta * xi, w_prime),
    ]
    left = curve.combine([scalar % P for scalar, _ in terms], [point for _, point in terms])
    right = curve.combine([1, delta], [quotient, w_prime])
    if not parameters.check(left, right):
        raise Rejected("opening: the pairing equation does not hold")
