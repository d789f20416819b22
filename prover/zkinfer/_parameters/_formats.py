"""Files that hold powers of tau, behind one interface: halo2's, snarkjs', and plain powers.

A plain file (``.g1g2``) is the powers in the first group and then [1]_2 and [tau]_2, all in the
big-endian bytes of EIP-196 and EIP-197: what remains of a ceremony's transcript when nothing but
the powers is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zkinfer import _curve, _halo2_srs
from zkinfer._curve import G1_BYTES, G2_BYTES
from zkinfer._errors import SrsMalformed, SrsNotFound, SrsPointInvalid
from zkinfer._parameters import _ptau
from zkinfer._parameters._lagrange import snarkjs_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from zkinfer._parameters._g1 import Affine

_BATCH = 1 << 12


@dataclass(frozen=True)
class Powers:
    """An open file of powers of tau, and where in it what is.

    Attributes
    ----------
    k
        It has 2^k powers that may be used (a file may hold more).
    one_g2, tau_g2
        [1]_2 and [tau]_2 as in EIP-197; not checked.
    """

    k: int
    one_g2: bytes
    tau_g2: bytes
    place: str
    _file: BinaryIO = field(repr=False)
    _powers_at: int
    _lagrange_at: Mapping[int, int]
    _montgomery: bool
    _snarkjs: bool = False

    @property
    def lagrange_sizes(self) -> frozenset[int]:
        """The k of the Lagrange points that the file holds."""
        return frozenset(self._lagrange_at)

    def powers(self, start: int, count: int) -> list[Affine]:
        """Return some powers, each checked to be on the curve.

        Raises
        ------
        SrsPointInvalid
            One of them is not, or is not in its one encoding.
        """
        data = self._read(self._powers_at + G1_BYTES * start, G1_BYTES * count)
        return self._decode(data, "[tau^{}]_1", range(start, start + count))

    def lagrange(self, k: int) -> Iterator[list[Affine]]:
        """Yield the 2^k Lagrange points in halo2's order, some at a time, checked as powers are."""
        n = 1 << k
        places: Iterable[int] = snarkjs_places(k) if self._snarkjs else range(n)
        batch: list[int] = []
        for place in places:
            batch.append(place)
            if len(batch) == min(_BATCH, n):
                yield self._lagrange_batch(k, batch)
                batch = []

    def _lagrange_batch(self, k: int, places: list[int]) -> list[Affine]:
        at = self._lagrange_at[k]
        if self._snarkjs:
            data = b"".join(self._read(at + G1_BYTES * place, G1_BYTES) for place in places)
        else:
            data = self._read(at + G1_BYTES * places[0], G1_BYTES * len(places))
        return self._decode(data, f"Lagrange point {{}} of 2^{k}", places)

    def _read(self, at: int, length: int) -> bytes:
        data = os.pread(self._file.fileno(), length, at)
        if len(data) != length:
            raise SrsMalformed("the file became shorter", place=self.place)  # Usage
        return data

    def _decode(self, data: bytes, name: str, numbers: Iterable[int]) -> list[Affine]:
        decode = _halo2_srs.decode_coordinate if self._montgomery else _big_endian
        found = []
        for at, number in zip(range(0, len(data), G1_BYTES), numbers, strict=True):
            try:
                x, y = decode(data[at : at + 32]), decode(data[at + 32 : at + 64])
            except ValueError as error:
                raise SrsPointInvalid(
                    name.format(number), str(error), place=self.place
                ) from error  # A15
            if (y * y - x * x % _curve.P * x - 3) % _curve.P:
                raise SrsPointInvalid(
                    name.format(number), "not on the curve", place=self.place
                )  # A15
            found.append((x, y))
        return found


def _big_endian(data: bytes) -> int:
    value = int.from_bytes(data, "big")
    if value >= _curve.P:
        raise ValueError("a coordinate is not below the field's modulus")
    return value


@contextmanager
def open_powers(path: Path) -> Iterator[Powers]:
    """Open a file of any of the three formats; its first bytes tell which.

    Raises
    ------
    SrsNotFound
        There is no such file.
    SrsMalformed
        It has none of the formats, or not the exact size that its format demands.
    """
    place = f"file '{path}'"
    if not path.is_file():
        raise SrsNotFound("no such file", place=place)  # Usage
    try:
        file = path.open("rb")
    except OSError as error:
        raise SrsNotFound(error.strerror or "cannot read", place=place) from error  # Usage
    with file:
        size = os.fstat(file.fileno()).st_size
        start = os.pread(file.fileno(), 4, 0)
        if start == _ptau.MAGIC:
            yield _snarkjs(file, size, place)
        elif start == bytes(4):
            yield _plain(file, size, place)
        elif size < 4 or int.from_bytes(start, "little") <= _halo2_srs.LARGEST_K:
            yield _halo2(file, size, place)
        else:
            reason = "no .srs, .ptau or .g1g2 file begins like this"
            raise SrsMalformed(reason, place=place)  # A15


def is_halo2(path: Path) -> bool:
    """Say whether a file is neither of snarkjs' format nor of plain powers."""
    try:
        with path.open("rb") as file:
            return file.read(4) not in (_ptau.MAGIC, bytes(4))
    except OSError:
        return True


def _second_group(file: BinaryIO, at: int, place: str) -> tuple[bytes, bytes]:
    """Return [1]_2 and [tau]_2 of a Montgomery file."""
    data = os.pread(file.fileno(), 2 * G2_BYTES, at)
    found = []
    for name, part in (("[1]_2", data[:G2_BYTES]), ("[tau]_2", data[G2_BYTES:])):
        try:
            found.append(_halo2_srs.decode_g2(part))
        except ValueError as error:
            raise SrsPointInvalid(name, str(error), place=place) from error  # A15
    return found[0], found[1]


def _halo2(file: BinaryIO, size: int, place: str) -> Powers:
    k = _halo2_srs.read_k(file, size, place)
    powers_at = 4
    lagrange_at = powers_at + (G1_BYTES << k)
    one_g2, tau_g2 = _second_group(file, lagrange_at + (G1_BYTES << k), place)
    return Powers(k, one_g2, tau_g2, place, file, powers_at, {k: lagrange_at}, _montgomery=True)


def _snarkjs(file: BinaryIO, size: int, place: str) -> Powers:
    layout = _ptau.read_layout(file, size, place)
    one_g2, tau_g2 = _second_group(file, layout.second_group_at, place)
    lagrange_at = {}
    if layout.lagrange_at is not None:
        for k in range(1, layout.power + 1):
            lagrange_at[k] = layout.lagrange_at + G1_BYTES * ((1 << k) - 1)
    return Powers(
        layout.power,
        one_g2,
        tau_g2,
        place,
        file,
        layout.powers_at,
        lagrange_at,
        _montgomery=True,
        _snarkjs=True,
    )


def plain_bytes(k: int) -> int:
    """Return the exact size of a plain file of 2^k powers."""
    return (G1_BYTES << k) + 2 * G2_BYTES


def _plain(file: BinaryIO, size: int, place: str) -> Powers:
    count = (size - 2 * G2_BYTES) // G1_BYTES
    k = count.bit_length() - 1
    if not 1 <= k <= _halo2_srs.LARGEST_K or size != plain_bytes(k):
        reason = f"{size} bytes are no 2^k powers of 64 bytes and two points of 128"
        raise SrsMalformed(reason, place=place)  # A15
    data = os.pread(file.fileno(), 2 * G2_BYTES, G1_BYTES << k)
    return Powers(k, data[:G2_BYTES], data[G2_BYTES:], place, file, 0, {}, _montgomery=False)
