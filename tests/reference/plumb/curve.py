"""BN254: sums of points, and the pairing of py_ecc.

A point of the first group is a pair of coordinates, or None for the identity. Sums are computed
with a third coordinate (x = X/Z^2, y = Y/Z^3), so that only their results cost a division.
"""

from py_ecc import optimized_bn128 as bn

from .field import Malformed

Q = bn.field_modulus
G = (1, 2)
WINDOW = 4


def _double(p):
    x, y, z = p
    a, b = x * x % Q, y * y % Q
    s = 4 * x * b % Q
    m = 3 * a % Q
    x3 = (m * m - 2 * s) % Q
    return x3, (m * (s - x3) - 8 * b * b) % Q, 2 * y * z % Q


def _add(p, q):
    (x1, y1, z1), (x2, y2, z2) = p, q
    if z1 == 0:
        return q
    if z2 == 0:
        return p
    zz1, zz2 = z1 * z1 % Q, z2 * z2 % Q
    u1, u2 = x1 * zz2 % Q, x2 * zz1 % Q
    s1, s2 = y1 * zz2 * z2 % Q, y2 * zz1 * z1 % Q
    if u1 == u2:
        return _double(p) if s1 == s2 else (1, 1, 0)
    h, r = (u2 - u1) % Q, (s2 - s1) % Q
    hh = h * h % Q
    hhh, v = h * hh % Q, u1 * hh % Q
    x3 = (r * r - hhh - 2 * v) % Q
    return x3, (r * (v - x3) - s1 * hhh) % Q, h * z1 * z2 % Q


def _affine(p):
    x, y, z = p
    if z == 0:
        return None
    i = pow(z, -1, Q)
    return x * i * i % Q, y * i * i * i % Q


def combine(scalars, points):
    """Return sum_i scalars[i] points[i], window by window, equal digits added up first."""
    terms = [(s, (*p, 1)) for s, p in zip(scalars, points, strict=True) if s and p is not None]
    longest = max((s.bit_length() for s, _ in terms), default=0)
    total = (1, 1, 0)
    for shift in reversed(range(0, longest, WINDOW)):
        for _ in range(WINDOW):
            total = _double(total)
        buckets = [(1, 1, 0)] * (1 << WINDOW)
        for s, p in terms:
            digit = s >> shift & (1 << WINDOW) - 1
            buckets[digit] = _add(buckets[digit], p)
        running = (1, 1, 0)
        for bucket in reversed(buckets[1:]):  # sum_d d bucket_d as a sum of running sums
            running = _add(running, bucket)
            total = _add(total, running)
    return _affine(total)


def to_bytes(point):
    """Return x and y, 64 bytes; the identity is zeros."""
    x, y = point or (0, 0)
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def from_bytes(data):
    """Return the point of 64 bytes, which may be the identity."""
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    if (x, y) == (0, 0):
        return None
    if len(data) != 64 or x >= Q or y >= Q or (y * y - x**3 - 3) % Q:
        raise Malformed("not a point of the curve")
    return x, y


def g2_to_bytes(point):
    """Return 128 bytes, the imaginary part of each coordinate first."""
    x, y = bn.normalize(point)
    parts = [*reversed(x.coeffs), *reversed(y.coeffs)]
    return b"".join(int(part).to_bytes(32, "big") for part in parts)


def pairing_holds(left, right, tau_g2):
    """Say whether e(left, [1]_2) = e(right, [tau]_2)."""

    def lifted(point):
        x, y = point or (1, 1)
        return bn.FQ(x), bn.FQ(y), bn.FQ(1 if point else 0)

    return bn.pairing(bn.G2, lifted(left)) == bn.pairing(tau_g2, lifted(right))
