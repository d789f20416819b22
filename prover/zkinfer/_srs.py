"""Universal parameters: who made them, where they are, and the checks at every load.

An SRS is named by both its tau points: id = keccak256([tau]_1 || [tau]_2), 64 + 128 bytes as in
EIP-196 and EIP-197. An id that belongs to no known ceremony is unsafe, whoever made it: nobody can
tell from the points whether the secret was destroyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

from zkinfer import _curve, _halo2_srs, _unsafe_srs
from zkinfer._errors import (
    SrsMalformed,
    SrsMismatch,
    SrsNotFound,
    SrsPairingMismatch,
    SrsTooSmall,
    UnsafeSrsRefused,
)
from zkinfer._files import cache_folder, write_whole
from zkinfer_contracts import CEREMONIES, keccak256

POINT_BYTES = _curve.G1_BYTES + _curve.G2_BYTES
UNSAFE_TEST_NAME = "UNSAFE test SRS (everyone knows its secret)"
UNKNOWN_NAME = "UNSAFE unknown SRS (of no known ceremony)"
_BY_ID = {identity: name for name, identity in CEREMONIES.items()}


@dataclass(frozen=True)
class SrsPoints:
    """[tau]_1 and [tau]_2, checked: in their groups, and of one secret."""

    tau_g1: bytes
    tau_g2: bytes

    @classmethod
    def from_points(cls, tau_g1: bytes, tau_g2: bytes, *, place: str | None = None) -> Self:
        """Check two points and return them as one.

        Raises
        ------
        SrsMalformed
            One of them is in no group.
        SrsPairingMismatch
            e([tau]_1, [1]_2) is not e([1]_1, [tau]_2).
        """
        try:
            matching = _curve.same_secret(tau_g1, tau_g2)
        except ValueError as error:
            raise SrsMalformed(str(error), place=place) from error  # A15
        if not matching:
            raise SrsPairingMismatch(
                "e([tau]_1, [1]_2) is not e([1]_1, [tau]_2)", place=place
            )  # A15
        return cls(tau_g1, tau_g2)

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str | None = None) -> Self:
        """Parse 192 bytes, [tau]_1 then [tau]_2."""
        return cls.from_points(data[: _curve.G1_BYTES], data[_curve.G1_BYTES :], place=place)

    def to_bytes(self) -> bytes:
        """Return the 192 bytes."""
        return self.tau_g1 + self.tau_g2

    @property
    def id(self) -> bytes:
        """The SRS id: keccak256([tau]_1 || [tau]_2)."""
        return keccak256(self.tau_g1 + self.tau_g2)

    @property
    def unsafe(self) -> bool:
        """Whether these points belong to no known ceremony."""
        return self.id not in _BY_ID

    @property
    def name(self) -> str:
        """The ceremony's name; for any other SRS a name that says UNSAFE."""
        if self.id in _BY_ID:
            return _BY_ID[self.id]
        return UNSAFE_TEST_NAME if self == unsafe_test_points() else UNKNOWN_NAME

    def require_safe(self, *, allow_unsafe_srs: bool, place: str | None = None) -> None:
        """Refuse points of no known ceremony unless the caller asked for them.

        Raises
        ------
        UnsafeSrsRefused
            The SRS is unsafe and `allow_unsafe_srs` is false.
        """
        if self.unsafe and not allow_unsafe_srs:
            raise UnsafeSrsRefused(self.name, place=place)  # A15


@lru_cache(maxsize=1)
def unsafe_test_points() -> SrsPoints:
    """Return the points of `unsafe_test_srs`."""
    return SrsPoints(
        _curve.g1_to_bytes(*_curve.g1_multiply(_unsafe_srs.TAU)),
        _curve.g2_multiply(_unsafe_srs.TAU),
    )


@dataclass(frozen=True)
class Srs:
    """Universal parameters: the two points that name them, and where their powers are.

    Made by `unsafe_test_srs`, `load_srs` and `import_srs`.
    """

    points: SrsPoints
    _path: Path | None = field(default=None, repr=False)

    @property
    def id(self) -> bytes:
        """The SRS id, 32 bytes: keccak256([tau]_1 || [tau]_2)."""
        return self.points.id

    @property
    def name(self) -> str:
        """The ceremony's name; for any other SRS a name that says UNSAFE."""
        return self.points.name

    @property
    def unsafe(self) -> bool:
        """Whether the SRS is of no known ceremony."""
        return self.points.unsafe

    def file(self, k: int) -> Path:
        """Return a halo2 file of these parameters with at least 2^k powers.

        Looks at the file it was loaded from, then in this user's cache; the unsafe test SRS is
        made when it is not there. Each file found is checked again.

        Raises
        ------
        SrsNotFound, SrsTooSmall
            There is no file, or only smaller ones.
        SrsMalformed, SrsPairingMismatch, SrsMismatch
            The file found is damaged or of another ceremony.
        """
        path = self._find(k)
        found, tau_g1, tau_g2 = _halo2_srs.read_points(path)
        place = f"file '{path}'"
        points = SrsPoints.from_points(tau_g1, tau_g2, place=place)
        if points != self.points:
            raise SrsMismatch(expected=self.id.hex(), got=points.id.hex(), place=place)  # A15
        if found < k:
            raise SrsTooSmall(needed=k, got=found)  # Usage
        return path

    def _find(self, k: int) -> Path:
        if self._path is not None:
            return self._path
        sizes = _cached_sizes(self.id)
        if self.points == unsafe_test_points():
            # Made to size: the prover would shrink a larger file anew at each run.
            if k not in sizes:
                with write_whole(_cache_path(self.id, k)) as file:
                    _unsafe_srs.write(file, k)
            return _cache_path(self.id, k)
        fitting = [size for size in sizes if size >= k]
        if fitting:
            return _cache_path(self.id, min(fitting))
        if sizes:
            raise SrsTooSmall(needed=k, got=max(sizes))  # Usage
        raise SrsNotFound(
            f"no parameters of {self.name} (id {self.id.hex()}) in the cache"
        )  # Usage


def _cache_path(identity: bytes, k: int) -> Path:
    folder = cache_folder() / "srs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{identity.hex()}-{k}.srs"


def _cached_sizes(identity: bytes) -> list[int]:
    pattern = re.compile(rf"{identity.hex()}-(\d+)\.srs")
    names = (entry.name for entry in (cache_folder() / "srs").glob(f"{identity.hex()}-*.srs"))
    return sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))


def unsafe_test_srs() -> Srs:
    """Return parameters whose secret is published: for tests and demonstrations only.

    Anyone can prove anything under them. Circuit ids made with them begin with the bytes of
    ``unsafe``, and reports, keys and the screen say so.
    """
    return Srs(unsafe_test_points())


def srs_of(points: SrsPoints) -> Srs:
    """Return the parameters that checked points name; their powers are looked up in the cache."""
    return Srs(points)


def ceremony_srs(name: str) -> Srs:
    """Return the parameters of a known ceremony, from this user's cache.

    Raises
    ------
    SrsNotFound
        None of this ceremony were imported.
    """
    for entry in cached_srs():
        if entry.id == CEREMONIES[name]:
            _, tau_g1, tau_g2 = _halo2_srs.read_points(entry.path)
            points = SrsPoints.from_points(tau_g1, tau_g2, place=f"file '{entry.path}'")
            if points.id == entry.id:
                return Srs(points)
    raise SrsNotFound(f"no parameters of the ceremony '{name}' in the cache")  # Usage


def load_srs(path: str | Path, *, allow_unsafe_srs: bool = False) -> Srs:
    """Load parameters from a halo2 ``.srs`` file.

    Parameters
    ----------
    path
        The file; it is used in place, and must stay there.
    allow_unsafe_srs
        Accept parameters that are of no known ceremony.

    Raises
    ------
    SrsNotFound, SrsMalformed, SrsPairingMismatch
        The file is missing, truncated, holds points off their curve, or parts of two ceremonies.
    UnsafeSrsRefused
        The parameters are of no known ceremony.
    """
    path = Path(path)
    _, tau_g1, tau_g2 = _halo2_srs.read_points(path)
    place = f"file '{path}'"
    points = SrsPoints.from_points(tau_g1, tau_g2, place=place)
    points.require_safe(allow_unsafe_srs=allow_unsafe_srs, place=place)
    return Srs(points, path)


def import_srs(path: str | Path, *, allow_unsafe_srs: bool = False) -> Srs:
    """Check a halo2 ``.srs`` file and copy it into this user's cache, where keys find it.

    Raises as `load_srs`.
    """
    srs = load_srs(path, allow_unsafe_srs=allow_unsafe_srs)
    source = Path(path)
    k, _, _ = _halo2_srs.read_points(source)
    with write_whole(_cache_path(srs.id, k)) as file, source.open("rb") as original:
        while chunk := original.read(1 << 20):
            file.write(chunk)
    return Srs(srs.points)


@dataclass(frozen=True)
class CachedSrs:
    """One file in the cache: the SRS id, the logarithm of its powers, and its path."""

    id: bytes
    k: int
    path: Path

    @property
    def name(self) -> str:
        """The ceremony's name, or one that says UNSAFE."""
        if self.id in _BY_ID:
            return _BY_ID[self.id]
        return UNSAFE_TEST_NAME if self.id == unsafe_test_points().id else UNKNOWN_NAME


def cached_srs() -> list[CachedSrs]:
    """Return what this user's cache holds, by id and size."""
    found = []
    for path in sorted((cache_folder() / "srs").glob("*.srs")):
        match = re.fullmatch(r"([0-9a-f]{64})-(\d+)\.srs", path.name)
        if match:
            found.append(CachedSrs(bytes.fromhex(match[1]), int(match[2]), path))
    return sorted(found, key=lambda entry: (entry.id, entry.k))
