"""Points of BN254 at the border, and the pairing check; the arithmetic is py_ecc's.

Bytes are those of EIP-196 and EIP-197: 32-byte big-endian coordinates; in the second group the
imaginary coefficient comes first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from py_ecc import optimized_bn128 as bn

P = int(bn.field_modulus)
R = int(bn.curve_order)
G1 = (1, 2)
G1_BYTES = 64
G2_BYTES = 128

# Elements of py_ecc are untyped: `Any` stands for its projective points.
Point = Any


def g1_to_bytes(x: int, y: int) -> bytes:
    """Return the 64 bytes of an affine point of the first group."""
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _coordinates(data: bytes, length: int) -> list[int]:
    if len(data) != length:
        raise ValueError(f"a point has {length} bytes, not {len(data)}")
    found = [int.from_bytes(data[i : i + 32], "big") for i in range(0, length, 32)]
    if any(value >= P for value in found):
        raise ValueError("a coordinate is not below the field's modulus")
    return found


def g1_from_bytes(data: bytes) -> Point:
    """Return the point that 64 bytes encode; the identity is refused.

    Raises
    ------
    ValueError
        Wrong length, a coordinate not below the modulus, or off the curve y^2 = x^3 + 3.
        (The first group has prime order, so a point on the curve is in the group.)
    """
    x, y = _coordinates(data, G1_BYTES)
    if (y * y - x * x * x - 3) % P:
        raise ValueError("the point is not on the curve")
    return (bn.FQ(x), bn.FQ(y), bn.FQ(1))


@lru_cache(maxsize=64)
def g2_from_bytes(data: bytes) -> Point:
    """Return the point of the second group that 128 bytes encode; the identity is refused.

    Remembered: an SRS is looked at before every proof, and the subgroup check takes 0.1 s.

    Raises
    ------
    ValueError
        Wrong length, a coordinate not below the modulus, off the twisted curve, or outside the
        subgroup of order r.
    """
    x1, x0, y1, y0 = _coordinates(data, G2_BYTES)
    point = (bn.FQ2([x0, x1]), bn.FQ2([y0, y1]), bn.FQ2.one())
    if not bn.is_on_curve(point, bn.b2):
        raise ValueError("the point is not on the twisted curve")
    if not bn.is_inf(bn.multiply(point, R)):
        raise ValueError("the point is outside the subgroup of order r")
    return point


def g1_multiply(scalar: int) -> tuple[int, int]:
    """Return the affine coordinates of a multiple of the first group's generator."""
    x, y = bn.normalize(bn.multiply(bn.G1, scalar))
    return int(x), int(y)


def g1_add_scaled(data: bytes, scalar: int, added: int) -> tuple[int, int]:
    """Return the affine coordinates of scalar * point + added * generator."""
    point = bn.add(bn.multiply(g1_from_bytes(data), scalar), bn.multiply(bn.G1, added))
    x, y = bn.normalize(point)
    return int(x), int(y)


def g2_multiply(scalar: int) -> bytes:
    """Return the 128 bytes of a multiple of the second group's generator."""
    x, y = bn.normalize(bn.multiply(bn.G2, scalar))
    (x0, x1), (y0, y1) = x.coeffs, y.coeffs
    return b"".join(int(v).to_bytes(32, "big") for v in (x1, x0, y1, y0))


@lru_cache(maxsize=64)
def same_secret(tau_g1: bytes, tau_g2: bytes) -> bool:
    """Return whether e([tau]_1, [1]_2) = e([1]_1, [tau]_2).

    Pure in its arguments, so the answer is remembered: a process pays for each SRS once.

    Raises
    ------
    ValueError
        One of the two is no point of its group.
    """
    left = bn.pairing(bn.G2, g1_from_bytes(tau_g1), final_exponentiate=False)
    right = bn.pairing(g2_from_bytes(tau_g2), bn.neg(bn.G1), final_exponentiate=False)
    return bool(bn.final_exponentiate(left * right) == bn.FQ12.one())
