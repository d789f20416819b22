"""Lagrange points [L_i(tau)]_1: made from the powers, or reordered from another root of unity.

halo2 and snarkjs both take L_i to be one at w^i and zero at the other n-th roots of unity, and
mean different w: the 2^28-th root that follows from 7, and the one that follows from 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zkinfer._curve import R
from zkinfer._parameters._g1 import add_all, multiply_each, negate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zkinfer._parameters._g1 import Affine

# r - 1 = 2^28 * odd; 5 and 7 are no squares, so their odd-th powers have order 2^28.
TWO_ADICITY = 28
_HALO2 = pow(7, (R - 1) >> TWO_ADICITY, R)
_SNARKJS = pow(5, (R - 1) >> TWO_ADICITY, R)
_BATCH = 1 << 11


def halo2_root(k: int) -> int:
    """Return halo2's root of unity of order 2^k."""
    return pow(_HALO2, 1 << (TWO_ADICITY - k), R)


def snarkjs_root(k: int) -> int:
    """Return snarkjs' root of unity of order 2^k."""
    return pow(_SNARKJS, 1 << (TWO_ADICITY - k), R)


def _logarithm(value: int, base: int) -> int:
    """Return e with base^e = value, both of order 2^28, bit by bit from the lowest."""
    found = 0
    inverse = pow(base, -1, R)
    for bit in range(TWO_ADICITY):
        rest = value * pow(inverse, found, R) % R
        if pow(rest, 1 << (TWO_ADICITY - 1 - bit), R) != 1:
            found += 1 << bit
    return found


# halo2's root is snarkjs' to this power, for every order.
_EXPONENT = _logarithm(_HALO2, _SNARKJS)


def snarkjs_places(k: int) -> Iterator[int]:
    """Yield where snarkjs keeps halo2's Lagrange point 0, 1, ... of 2^k."""
    return (i * _EXPONENT % (1 << k) for i in range(1 << k))


def from_powers(
    powers: Sequence[Affine], step: Callable[[int], None] = lambda points: None
) -> list[Affine | None]:
    """Return halo2's Lagrange points of n = 2^k powers of tau.

    L_i(tau) = 1/n sum over j of w^(-ij) tau^j: an inverse Fourier transform whose coefficients are
    points. It needs about n/2 log n multiplications, a millisecond each.

    Parameters
    ----------
    powers
        The first n powers.
    step
        Told the number of points of each batch that was multiplied.
    """
    n = len(powers)
    k = n.bit_length() - 1
    points: list[Affine | None] = [powers[_reversed(i, k)] for i in range(n)]
    for level in range(1, k + 1):
        half = 1 << (level - 1)
        w = pow(halo2_root(level), -1, R)
        # The last level also divides by n: its even half is multiplied too.
        scale = pow(n, -1, R) if level == k else 1
        twiddles = [scale]
        for _ in range(half - 1):
            twiddles.append(twiddles[-1] * w % R)
        upper = [i for i in range(n) if not i & half]
        lower = [i + half for i in upper]
        if level == k:
            _scale(points, upper, [scale] * len(upper), step)
        _scale(points, lower, [twiddles[i & (half - 1)] for i in lower], step)
        left = [points[i] for i in upper]
        right = [points[i] for i in lower]
        for places, sums in (
            (upper, add_all(left, right)),
            (lower, add_all(left, [p and negate(p) for p in right])),
        ):
            for i, total in zip(places, sums, strict=True):
                points[i] = total
    return points


def _scale(
    points: list[Affine | None],
    places: Sequence[int],
    scalars: Sequence[int],
    step: Callable[[int], None],
) -> None:
    """Multiply the points at some places, those by one excepted."""
    work: list[tuple[int, Affine, int]] = []
    for i, scalar in zip(places, scalars, strict=True):
        point = points[i]
        if point is not None and scalar != 1:
            work.append((i, point, scalar))
    for start in range(0, len(work), _BATCH):
        batch = work[start : start + _BATCH]
        found = multiply_each([point for _, point, _ in batch], [scalar for *_, scalar in batch])
        for (i, _, _), point in zip(batch, found, strict=True):
            points[i] = point
        step(len(batch))


def _reversed(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2) if bits else 0
