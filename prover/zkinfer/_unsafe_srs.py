"""Universal parameters whose secret everybody knows: for tests, worthless for anything else.

The secret is a digest of a published sentence, so the parameters are the same on every machine,
and so are keys and circuit ids made with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zkinfer import _curve, _halo2_srs
from zkinfer._curve import R
from zkinfer._parameters._g1 import Affine, add, add_all, invert
from zkinfer._parameters._lagrange import halo2_root
from zkinfer_contracts import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

TAU = int.from_bytes(keccak256(b"zkinfer unsafe test SRS: everyone knows this secret"), "big") % R
_WINDOW = 8
_BATCH = 1 << 12


def write(file: BinaryIO, k: int) -> None:
    """Write the parameters of 2^k powers in halo2's format."""
    file.write(k.to_bytes(4, "little"))
    table = _window_table()
    for scalars in (_powers(k), _lagrange(k)):
        for start in range(0, len(scalars), _BATCH):
            for point in _multiples(scalars[start : start + _BATCH], table):
                file.write(_halo2_srs.encode_g1(point))
    file.write(_halo2_srs.encode_g2(_curve.g2_multiply(1)))
    file.write(_halo2_srs.encode_g2(_curve.g2_multiply(TAU)))


def _powers(k: int) -> list[int]:
    powers = [1]
    for _ in range((1 << k) - 1):
        powers.append(powers[-1] * TAU % R)
    return powers


def _lagrange(k: int) -> list[int]:
    """Return L_i(tau) = (tau^n - 1)/n * w^i/(tau - w^i), w of order n = 2^k."""
    n = 1 << k
    w = halo2_root(k)
    roots = [1]
    for _ in range(n - 1):
        roots.append(roots[-1] * w % R)
    factor = (pow(TAU, n, R) - 1) * pow(n, -1, R) % R
    inverses = invert([(TAU - root) % R for root in roots], R)
    return [factor * root % R * inverse % R for root, inverse in zip(roots, inverses, strict=True)]


def _window_table() -> list[list[Affine | None]]:
    """Return table[w][d] = d * 2^(8w) * G, w = 0..31, d = 0..255."""
    bases = [_curve.g1_multiply(1 << (_WINDOW * w)) for w in range(256 // _WINDOW)]
    doubles = [_curve.g1_multiply(2 << (_WINDOW * w)) for w in range(256 // _WINDOW)]
    rows: list[list[Affine | None]] = [
        [None, base, double] for base, double in zip(bases, doubles, strict=True)
    ]
    last: list[Affine | None] = list(doubles)
    for _ in range(3, 1 << _WINDOW):
        last = add_all(last, bases)
        for row, point in zip(rows, last, strict=True):
            row.append(point)
    return rows


def _multiples(scalars: Sequence[int], table: list[list[Affine | None]]) -> Iterator[Affine]:
    """Yield scalar * G for every scalar, none of them zero."""
    sums: list[Affine | None] = [None] * len(scalars)
    for w, row in enumerate(table):
        busy: list[int] = []
        pairs: list[tuple[Affine, Affine]] = []
        for i, scalar in enumerate(scalars):
            term = row[(scalar >> (_WINDOW * w)) & 0xFF]
            if term is None:
                continue
            so_far = sums[i]
            if so_far is None:
                sums[i] = term
            else:
                # Distinct: the partial sum's multiplier is below 2^(8w), the term's is not.
                busy.append(i)
                pairs.append((so_far, term))
        for i, point in zip(busy, add(pairs), strict=True):
            sums[i] = point
    for total in sums:
        if total is None:
            raise ValueError("a scalar is zero")
        yield total
