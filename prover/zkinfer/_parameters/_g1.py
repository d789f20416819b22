"""Many points of BN254's first group at once, on plain integers.

An affine addition costs an inversion; a batch of them shares one (Montgomery's trick), and is then
cheaper than projective arithmetic. `None` is the identity: it is no affine point, so no file can
hold it, but a sum of points can be it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zkinfer._curve import P, R

if TYPE_CHECKING:
    from collections.abc import Sequence

Affine = tuple[int, int]

# The endomorphism (x, y) -> (BETA x, y) multiplies by LAMBDA: both are cube roots of one, BETA in
# the field of the coordinates and LAMBDA in that of the scalars.
BETA = 2203960485148121921418603742825762020974279258880205651966
LAMBDA = 4407920970296243842393367215006156084916469457145843978461
_WINDOW = 5


def invert(values: Sequence[int], modulus: int) -> list[int]:
    """Return all inverses for the price of one (Montgomery's trick); no value may be zero."""
    prefix = [1]
    product = 1
    for value in values:
        product = product * value % modulus
        prefix.append(product)
    inverse = pow(product, -1, modulus)
    found = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        found[i] = prefix[i] * inverse % modulus
        inverse = inverse * values[i] % modulus
    return found


def negate(point: Affine) -> Affine:
    """Return the negative."""
    return point[0], P - point[1]


def add(pairs: Sequence[tuple[Affine, Affine]]) -> list[Affine | None]:
    """Return the sums of pairs of affine points, whatever these are, with one inversion for all."""
    below = [(b[0] - a[0]) % P for a, b in pairs]
    special = [i for i, value in enumerate(below) if not value]
    for i in special:
        (_, ay), (_, by) = pairs[i]
        # Equal points are doubled; opposite ones have no slope (no point has y = 0: r is odd).
        below[i] = 2 * ay % P if ay == by else 1
    inverses = invert(below, P)
    sums: list[Affine | None] = []
    for ((ax, ay), (bx, by)), inverse in zip(pairs, inverses, strict=True):
        slope = (by - ay) * inverse % P
        x = (slope * slope - ax - bx) % P
        sums.append((x, (slope * (ax - x) - ay) % P))
    for i in special:
        (ax, ay), (_, by) = pairs[i]
        sums[i] = None
        if ay == by:
            slope = 3 * ax * ax * inverses[i] % P
            x = (slope * slope - 2 * ax) % P
            sums[i] = (x, (slope * (ax - x) - ay) % P)
    return sums


def add_all(left: Sequence[Affine | None], right: Sequence[Affine | None]) -> list[Affine | None]:
    """Return the sums, element by element; either side may be the identity."""
    found: list[Affine | None] = []
    busy: list[int] = []
    pairs: list[tuple[Affine, Affine]] = []
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        if a is None or b is None:
            found.append(b if a is None else a)
        else:
            found.append(None)
            busy.append(i)
            pairs.append((a, b))
    for i, total in zip(busy, add(pairs), strict=True):
        found[i] = total
    return found


def double_all(points: Sequence[Affine | None]) -> list[Affine | None]:
    """Return twice each point."""
    # No point has y = 0: that would be of order two, and the group's order is odd.
    inverses = iter(invert([2 * point[1] for point in points if point is not None], P))
    found: list[Affine | None] = []
    for point in points:
        if point is None:
            found.append(None)
            continue
        x, y = point
        slope = 3 * x * x % P * next(inverses) % P
        double = (slope * slope - 2 * x) % P
        found.append((double, (slope * (x - double) - y) % P))
    return found


def add_two(a: Affine | None, b: Affine | None) -> Affine | None:
    """Return one sum."""
    return add_all([a], [b])[0]


def multiply_sum(points: Sequence[Affine], scalars: Sequence[int]) -> Affine | None:
    """Return the sum of scalar times point, by Pippenger's buckets.

    Parameters
    ----------
    points, scalars
        As many of each; scalars in [0, r).
    """
    bits = max(4, min(13, len(points).bit_length() - 5))
    windows = -(-R.bit_length() // bits)
    mask = (1 << bits) - 1
    buckets: list[list[Affine | None]] = []
    for w in range(windows):
        shift = bits * w
        rows: list[list[Affine]] = [[] for _ in range(mask + 1)]
        for point, scalar in zip(points, scalars, strict=True):
            rows[scalar >> shift & mask].append(point)
        buckets.append(_row_sums(rows[1:]))
    # The sum of d * bucket[d] is the sum of all running sums from the highest d down; the windows
    # go in step, so that their additions share inversions.
    running: list[Affine | None] = [None] * windows
    totals: list[Affine | None] = [None] * windows
    for d in range(mask - 1, -1, -1):
        running = add_all(running, [row[d] for row in buckets])
        totals = add_all(totals, running)
    result: Affine | None = None
    for total in reversed(totals):
        for _ in range(bits):
            result = double_all([result])[0]
        result = add_two(result, total)
    return result


def _row_sums(rows: list[list[Affine]]) -> list[Affine | None]:
    """Return the sum of each row, adding neighbours until one point is left."""
    busy = [row for row in rows if len(row) > 1]
    while busy:
        sums = iter(add([(row[i], row[i + 1]) for row in busy for i in range(0, len(row) - 1, 2)]))
        for row in busy:
            last = row[-1:] if len(row) % 2 else []
            halved = [total for _, total in zip(range(len(row) // 2), sums, strict=False)]
            row[:] = [total for total in halved if total is not None] + last
        busy = [row for row in busy if len(row) > 1]
    return [row[0] if row else None for row in rows]


def multiply_each(points: Sequence[Affine], scalars: Sequence[int]) -> list[Affine | None]:
    """Return scalar times point, for each pair; scalars in [0, r).

    Each scalar is split in two of half the length by the endomorphism, and their signed digits
    (width-5 NAF, odd and below 16 in magnitude) are looked up in a table of the point's odd
    multiples.
    """
    odd: list[list[Affine | None]] = [list(points)]
    double = double_all(points)
    for _ in range((1 << (_WINDOW - 2)) - 1):
        odd.append(add_all(odd[-1], double))
    digits = []
    for scalar in scalars:
        first, second = _split(scalar)
        digits.append((_naf(first), _naf(second)))
    longest = max((len(row) for pair in digits for row in pair), default=0)
    sums: list[Affine | None] = [None] * len(points)
    for place in range(longest - 1, -1, -1):
        sums = double_all(sums)
        for half in (0, 1):
            terms: list[Affine | None] = [None] * len(points)
            for i, pair in enumerate(digits):
                digit = pair[half][place] if place < len(pair[half]) else 0
                term = odd[abs(digit) >> 1][i] if digit else None
                if term is not None:
                    x, y = term
                    terms[i] = (x * BETA % P if half else x, P - y if digit < 0 else y)
            sums = add_all(sums, terms)
    return sums


def _naf(scalar: int) -> list[int]:
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & ((1 << _WINDOW) - 1)
            if digit >> (_WINDOW - 1):
                digit -= 1 << _WINDOW
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def _short_basis() -> tuple[tuple[int, int], tuple[int, int]]:
    """Return two short vectors (a, b) with a + b LAMBDA = 0 modulo r, by Euclid's algorithm."""
    # Every row (a, s) has a = s LAMBDA modulo r.
    (a, s), (b, t) = (R, 0), (LAMBDA, 1)
    while b * b > R:
        (a, s), (b, t) = (b, t), (a % b, s - a // b * t)
    following = (a % b, s - a // b * t)
    second = min((a, s), following, key=lambda row: row[0] ** 2 + row[1] ** 2)
    return (b, -t), (second[0], -second[1])


_FIRST, _SECOND = _short_basis()
_DETERMINANT = _FIRST[0] * _SECOND[1] - _FIRST[1] * _SECOND[0]


def _round(numerator: int) -> int:
    return (2 * numerator + _DETERMINANT) // (2 * _DETERMINANT)


def _split(scalar: int) -> tuple[int, int]:
    """Return (u, v) of about half the length with u + v LAMBDA = scalar modulo r."""
    m, n = _round(scalar * _SECOND[1]), _round(-scalar * _FIRST[1])
    u = scalar - m * _FIRST[0] - n * _SECOND[0]
    v = -m * _FIRST[1] - n * _SECOND[1]
    return u, v
