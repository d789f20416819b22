"""The SRS file format of halo2, as ezkl reads it.

::

    k            4 bytes, little-endian
    g            2^k points [tau^i]_1
    g_lagrange   2^k points [L_i(tau)]_1
    g2, s_g2     [1]_2, [tau]_2

Points are affine, coordinates 32 bytes little-endian in Montgomery form (times 2^256 mod p), in
the second group the real coefficient first ("RawBytes" of halo2's serialisation).
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from zkinfer import _curve
from zkinfer._curve import P, R
from zkinfer._errors import SrsMalformed, SrsNotFound, SrsPointInvalid

_MONTGOMERY = (1 << 256) % P
_FROM_MONTGOMERY = pow(_MONTGOMERY, -1, P)
_G1_BYTES = 64
_G2_BYTES = 128
LARGEST_K = 28
_GENERATOR_G2 = _curve.g2_multiply(1)


def _encode(value: int) -> bytes:
    return (value * _MONTGOMERY % P).to_bytes(32, "little")


def decode_coordinate(data: bytes) -> int:
    """Return a coordinate from its 32 bytes; a value not below p has no such bytes."""
    value = int.from_bytes(data, "little")
    if value >= P:
        raise ValueError("a coordinate is not below the field's modulus")
    return value * _FROM_MONTGOMERY % P


def _decode(data: bytes) -> bytes:
    return decode_coordinate(data).to_bytes(32, "big")


def encode_g1(point: tuple[int, int]) -> bytes:
    """Return the file's 64 bytes of an affine point."""
    return _encode(point[0]) + _encode(point[1])


def encode_g2(data: bytes) -> bytes:
    """Return the file's 128 bytes of a point given as in EIP-197."""
    x1, x0, y1, y0 = (int.from_bytes(data[i : i + 32], "big") for i in range(0, _G2_BYTES, 32))
    return b"".join(_encode(v) for v in (x0, x1, y0, y1))


def _decode_g1(data: bytes) -> bytes:
    return _decode(data[:32]) + _decode(data[32:])


def decode_g2(data: bytes) -> bytes:
    """Return a point of the second group as in EIP-197; it is not checked."""
    x0, x1, y0, y1 = (_decode(data[i : i + 32]) for i in range(0, _G2_BYTES, 32))
    return x1 + x0 + y1 + y0


def file_bytes(k: int) -> int:
    """Return the exact size of a file of 2^k powers."""
    return 4 + 2 * (_G1_BYTES << k) + 2 * _G2_BYTES


def read_points(path: Path) -> tuple[int, bytes, bytes]:
    """Return (k, [tau]_1, [tau]_2) of a file; the points as in EIP-196 and EIP-197.

    Checks the size, the generators, and that both points are in their groups. It does not check
    the pairing: that is `zkinfer._srs.SrsPoints`'s, for all sources alike.

    Raises
    ------
    SrsNotFound
        There is no such file.
    SrsMalformed
        The size is not that of 2^k powers, a generator is another, or (SrsPointInvalid) a point
        is in no group.
    """
    place = f"file '{path}'"
    if not path.is_file():
        raise SrsNotFound("no such file", place=place)  # Usage
    try:
        with path.open("rb") as file:
            return _read_points(file, place)
    except OSError as error:
        raise SrsNotFound(error.strerror or "cannot read", place=place) from error  # Usage


def read_k(file: BinaryIO, size: int, place: str) -> int:
    """Return k of an open file of `size` bytes, of which it reads the first four.

    Raises
    ------
    SrsMalformed
        k is out of range, or the size is not that of 2^k powers.
    """
    k = int.from_bytes(file.read(4), "little")
    if not 1 <= k <= LARGEST_K:
        raise SrsMalformed(f"2^{k} powers" if k < 1000 else "no halo2 SRS file", place=place)  # A15
    if size != file_bytes(k):
        reason = f"{size} bytes, a file of 2^{k} powers has {file_bytes(k)}"
        raise SrsMalformed(reason, place=place)  # A15
    return k


def _read_points(file: BinaryIO, place: str) -> tuple[int, bytes, bytes]:
    size = os.fstat(file.fileno()).st_size
    k = read_k(file, size, place)
    first = file.read(2 * _G1_BYTES)
    file.seek(size - 2 * _G2_BYTES)
    second = file.read(2 * _G2_BYTES)
    name = "[1]_1"
    try:
        one = _decode_g1(first[:_G1_BYTES])
        name = "[1]_2"
        one_g2 = decode_g2(second[:_G2_BYTES])
        name = "[tau]_1"
        tau_g1 = _decode_g1(first[_G1_BYTES:])
        _curve.g1_from_bytes(tau_g1)
        name = "[tau]_2"
        tau_g2 = decode_g2(second[_G2_BYTES:])
        _curve.g2_from_bytes(tau_g2)
    except ValueError as error:
        raise SrsPointInvalid(name, str(error), place=place) from error  # A15
    require_generators(one, one_g2, place)
    return k, tau_g1, tau_g2


def require_generators(one_g1: bytes, one_g2: bytes, place: str) -> None:
    """Refuse powers that do not begin with the groups' generators.

    Raises
    ------
    SrsMalformed
        One of the two is another point.
    """
    if one_g1 != _curve.g1_to_bytes(*_curve.G1) or one_g2 != _GENERATOR_G2:
        raise SrsMalformed("the first power is not the generator", place=place)  # A15


@lru_cache(maxsize=64)
def verifier_file(tau_g1: bytes, tau_g2: bytes) -> bytes:
    """Return the smallest file (k = 1), enough to verify: a verifier uses the two tau points only.

    Its Lagrange points are [(1 + tau)/2]_1 and [(1 - tau)/2]_1. Remembered: the next proof needs
    the same.
    """
    half = pow(2, -1, R)
    tau = (int.from_bytes(tau_g1[:32], "big"), int.from_bytes(tau_g1[32:], "big"))
    return (
        (1).to_bytes(4, "little")
        + encode_g1(_curve.G1)
        + encode_g1(tau)
        + encode_g1(_curve.g1_add_scaled(tau_g1, half, half))
        + encode_g1(_curve.g1_add_scaled(tau_g1, R - half, half))
        + encode_g2(_GENERATOR_G2)
        + encode_g2(tau_g2)
    )
