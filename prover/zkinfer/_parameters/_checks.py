"""The proof that a file's points belong together, and the copy into halo2's format.

All powers g_i = [tau^i]_1 are checked at once. With a random s and T = sum of s^i g_i over i < n,

    e(sum of s^i g_(i+1), [1]_2) = e(sum of s^i g_i, [tau]_2)        (i < n - 1)

where the two sums are (T - g_0)/s and T - s^(n-1) g_(n-1). If any power is wrong, the difference of
the two sides is a polynomial in s of degree below n that is not zero, so it vanishes for fewer than
n of the r values of s: below 2^-225 for every file there is.

The Lagrange points l_i are checked with the same s and T. The polynomial sum of s^j X^j has the
values (s^n - 1)/(s w^i - 1) at the n-th roots of unity w^i, so

    sum of (s^n - 1)/(s w^i - 1) l_i = T

and a wrong l_i escapes as rarely.
"""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

from py_ecc import optimized_bn128 as bn

from zkinfer import _curve, _halo2_srs
from zkinfer._curve import R
from zkinfer._errors import SrsPowersInconsistent
from zkinfer._parameters import _lagrange
from zkinfer._parameters._g1 import add_two, invert, multiply_each, multiply_sum, negate
from zkinfer._progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import BinaryIO

    from zkinfer._parameters._formats import Powers
    from zkinfer._parameters._g1 import Affine
    from zkinfer._progress import OnProgress

# Points held in memory at once: about 200 bytes each.
_BATCH = 1 << 15
# Work per point, in units of a point of a checked sum.
_MULTIPLICATION = 8


class Meter:
    """Tells how much of a job's work is done."""

    def __init__(self, job: str, total: float, on_progress: OnProgress | None) -> None:
        self._job = job
        self._total = max(total, 1.0)
        self._on_progress = on_progress
        self._done = 0.0
        self._started = time.monotonic()

    def step(self, stage: str, work: float) -> None:
        """Count work that was done."""
        self._done += work
        if self._on_progress is None:
            return
        elapsed = time.monotonic() - self._started
        done = min(self._done / self._total, 1.0)
        left = elapsed * (1 - done) / done if done else 0.0
        self._on_progress(Progress(self._job, stage, done, elapsed, left))


def work_of(source: Powers, sizes: Sequence[int], written: Sequence[int]) -> float:
    """Return the work of `transfer`, in points of a checked sum; `written` has its sinks' keys."""
    work = float(1 << max(sizes))
    for k in sizes:
        if k in source.lagrange_sizes:
            work += 1 << k
        elif k in written:
            work += (1 << k) + _MULTIPLICATION * ((k << k) // 2)
    return work


def transfer(
    source: Powers, sizes: Sequence[int], sinks: Mapping[int, BinaryIO], meter: Meter
) -> None:
    """Check the first 2^k powers and the 2^k Lagrange points, for each k, and write halo2 files.

    Lagrange points that the source does not have are made where a file wants them. What is written
    is what was read and checked: no byte is read twice.

    Parameters
    ----------
    source
        Its points of the second group and [tau]_1 have been checked.
    sizes
        Each k, in rising order.
    sinks
        Open files by k; for a k without one the points are checked only.

    Raises
    ------
    SrsPointInvalid
        A point is not on the curve.
    SrsPowersInconsistent
        The powers are not all of one secret, or the Lagrange points are others than those of
        halo2's (in a ``.ptau``: snarkjs') root of unity.
    """
    s = _challenge()
    for k, sink in sinks.items():
        sink.write(k.to_bytes(4, "little"))
    made = [k for k in sinks if k not in source.lagrange_sizes]
    kept: list[Affine] = []
    sums: dict[int, Affine | None] = {}
    total: Affine | None = None
    power = 1
    done = 0
    points: list[Affine] = []
    for k in sizes:
        while done < 1 << k:
            points = source.powers(done, min(_BATCH, (1 << k) - done))
            scalars, power = _geometric(power, s, len(points))
            total = add_two(total, multiply_sum(points, scalars))
            data = b"".join(_halo2_srs.encode_g1(point) for point in points)
            for size, sink in sinks.items():
                if size >= k:
                    sink.write(data)
            if k <= max(made, default=0):
                kept += points
            done += len(points)
            meter.step("checking the powers", len(points))
        sums[k] = total
    _check_powers(source, total, points[-1], s, done)
    for k in sizes:
        if k in source.lagrange_sizes:
            batches: Iterable[Sequence[Affine | None]] = source.lagrange(k)
        elif k in made:
            stage = f"making the 2^{k} Lagrange points"
            batches = [_lagrange.from_powers(kept[: 1 << k], partial(_step, meter, stage))]
        else:
            continue
        _transfer_lagrange(source, k, batches, sums[k], s, sinks.get(k), meter)
    for sink in sinks.values():
        sink.write(_halo2_srs.encode_g2(source.one_g2) + _halo2_srs.encode_g2(source.tau_g2))


def _step(meter: Meter, stage: str, count: int) -> None:
    meter.step(stage, _MULTIPLICATION * count)


def _challenge() -> int:
    while True:
        s = secrets.randbelow(R)
        # No root of unity: the values of sum s^j X^j below would divide by zero.
        if s and pow(s, 1 << _lagrange.TWO_ADICITY, R) != 1:
            return s


def _geometric(first: int, ratio: int, count: int) -> tuple[list[int], int]:
    """Return `count` terms of a geometric sequence, and the term after them."""
    terms = []
    for _ in range(count):
        terms.append(first)
        first = first * ratio % R
    return terms, first


def _check_powers(source: Powers, total: Affine | None, last: Affine, s: int, n: int) -> None:
    (minus_last,) = multiply_each([negate(last)], [pow(s, n - 1, R)])
    lower = add_two(total, minus_last)
    upper = add_two(total, negate(_curve.G1))
    # Scaled by s on the other side instead of divided: e(upper, [1]_2) = e(s lower, [tau]_2).
    right = multiply_each([lower], [s])[0] if lower else None
    pairs = ((bn.G2, upper), (_curve.g2_from_bytes(source.tau_g2), right and negate(right)))
    product = bn.FQ12.one()
    for point_g2, point in pairs:
        if point is not None:
            projective = (bn.FQ(point[0]), bn.FQ(point[1]), bn.FQ(1))
            product *= bn.pairing(point_g2, projective, final_exponentiate=False)
    if bn.final_exponentiate(product) != bn.FQ12.one():
        raise SrsPowersInconsistent(
            f"the {n} powers are not all of one secret", place=source.place
        )  # A15


def _transfer_lagrange(
    source: Powers,
    k: int,
    batches: Iterable[Sequence[Affine | None]],
    expected: Affine | None,
    s: int,
    sink: BinaryIO | None,
    meter: Meter,
) -> None:
    n = 1 << k
    w = _lagrange.halo2_root(k)
    numerator = (pow(s, n, R) - 1) % R
    total: Affine | None = None
    term = s
    for batch in batches:
        points = [point for point in batch if point is not None]
        terms, term = _geometric(term, w, len(batch))
        inverses = invert([(t - 1) % R for t in terms], R)
        scalars = [numerator * inverse % R for inverse in inverses]
        if len(points) == len(batch):
            total = add_two(total, multiply_sum(points, scalars))
            if sink is not None:
                sink.write(b"".join(_halo2_srs.encode_g1(point) for point in points))
        meter.step(f"checking the 2^{k} Lagrange points", len(batch))
    if total != expected:
        raise SrsPowersInconsistent(
            f"the Lagrange points of 2^{k} are not those of the powers", place=source.place
        )  # A15
