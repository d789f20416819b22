"""The layout of snarkjs' ``.ptau`` files (iden3's binary format).

::

    "ptau", version (1), number of sections      4 bytes each, little-endian
    each section: kind (4 bytes), length (8 bytes), contents

    1    coordinate length (32), modulus p, power, power of the whole ceremony
    2    2^(power+1) - 1 points [tau^i]_1
    3    2^power points [tau^i]_2
    12   Lagrange points for every k up to power + 1, those of 2^k after 2^k - 1 others;
         in a file prepared for the second phase only

Points are encoded as in halo2's files. The other sections belong to Groth16 and are not read, but
their lengths are checked: a file is whole, or it is refused.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zkinfer._curve import G1_BYTES, G2_BYTES, P
from zkinfer._errors import SrsMalformed
from zkinfer._halo2_srs import LARGEST_K

if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"ptau"
_VERSION = 1
_MOST_SECTIONS = 32
_HEADER, _POWERS_G1, _POWERS_G2, _LAGRANGE = 1, 2, 3, 12
_HEADER_BYTES = 4 + 32 + 4 + 4


@dataclass(frozen=True)
class Layout:
    """Where the points are; `lagrange_at` is None in a file that is not prepared."""

    power: int
    powers_at: int
    second_group_at: int
    lagrange_at: int | None


def read_layout(file: BinaryIO, size: int, place: str) -> Layout:
    """Read where the sections are.

    Raises
    ------
    SrsMalformed
        Truncated or extended, of another curve, or a section is missing or has another length than
        its power demands.
    """

    def read(at: int, length: int) -> int:
        data = os.pread(file.fileno(), length, at)
        if len(data) != length:
            raise SrsMalformed("the file ends early", place=place)  # A15
        return int.from_bytes(data, "little")

    version, count = read(4, 4), read(8, 4)
    if version != _VERSION or count > _MOST_SECTIONS:
        reason = f"version {version} with {count} sections is not known"
        raise SrsMalformed(reason, place=place)  # A15
    sections: dict[int, tuple[int, int]] = {}
    at = 12
    for _ in range(count):
        kind, length = read(at, 4), read(at + 4, 8)
        if kind in sections:
            raise SrsMalformed(f"section {kind} is there twice", place=place)  # A15
        sections[kind] = (at + 12, length)
        at += 12 + length
        if at > size:
            reason = f"section {kind} ends after the file's {size} bytes"
            raise SrsMalformed(reason, place=place)  # A15
    if at != size:
        raise SrsMalformed(f"{size - at} bytes follow the last section", place=place)  # A15

    def start(kind: int, length: int) -> int:
        found, got = sections.get(kind, (0, 0))
        if got != length:
            reason = f"section {kind} has {got} bytes, not {length}"
            raise SrsMalformed(reason, place=place)  # A15
        return found

    header = start(_HEADER, _HEADER_BYTES)
    if read(header, 4) != 32 or read(header + 4, 32) != P:
        raise SrsMalformed("the curve is not BN254", place=place)  # A15
    power = read(header + 36, 4)
    if not 1 <= power <= LARGEST_K:
        raise SrsMalformed(f"2^{power} powers" if power < 1000 else "power", place=place)  # A15
    return Layout(
        power,
        start(_POWERS_G1, G1_BYTES * ((2 << power) - 1)),
        start(_POWERS_G2, G2_BYTES << power),
        start(_LAGRANGE, G1_BYTES * ((4 << power) - 1)) if _LAGRANGE in sections else None,
    )
