"""Universal parameters: who made them, where they are, and the checks at every load.

An SRS is named by both its tau points: id = keccak256([tau]_1 || [tau]_2), 64 + 128 bytes as in
EIP-196 and EIP-197. An id that belongs to no known ceremony is unsafe, whoever made it: nobody can
tell from the points whether the secret was destroyed.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from zkinfer import _curve, _halo2_srs, _unsafe_srs
from zkinfer._errors import (
    OutputNotWritable,
    SrsHashMismatch,
    SrsMismatch,
    SrsNotFound,
    SrsPairingMismatch,
    SrsPointInvalid,
    SrsTooSmall,
    UnsafeSrsRefused,
)
from zkinfer._files import cache_folder, write_whole
from zkinfer._parameters import _checks
from zkinfer._parameters._ceremonies import PUBLISHED
from zkinfer._parameters._download import download
from zkinfer._parameters._formats import Powers, is_halo2, open_powers
from zkinfer_contracts import CEREMONIES, keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zkinfer._progress import OnProgress

POINT_BYTES = _curve.G1_BYTES + _curve.G2_BYTES
# Smaller circuits than 2^6 do not occur.
_SMALLEST_K = 6
# What is made of powers without Lagrange points where no size is asked for.
_PLAIN_K = 11
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
        SrsPointInvalid
            One of them is in no group.
        SrsPairingMismatch
            e([tau]_1, [1]_2) is not e([1]_1, [tau]_2).
        """
        name = "[tau]_1"
        try:
            _curve.g1_from_bytes(tau_g1)
            name = "[tau]_2"
            matching = _curve.same_secret(tau_g1, tau_g2)
        except ValueError as error:
            raise SrsPointInvalid(name, str(error), place=place) from error  # A15
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
    _sha256: bytes | None = field(default=None, repr=False)

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
        if self._sha256 is not None and (digest := _digest(path)) != self._sha256:
            # Changed since its points were checked.
            raise SrsHashMismatch(expected=self._sha256.hex(), got=digest.hex(), place=place)  # A15
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = f"folder '{folder}'"
        raise OutputNotWritable(error.strerror or "cannot write", place=place) from error
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
        None of this ceremony were fetched or imported.
    """
    found = _cached(CEREMONIES[name])
    if found is None:
        raise SrsNotFound(f"no parameters of the ceremony '{name}' in the cache")  # Usage
    return found


def _cached(identity: bytes) -> Srs | None:
    for entry in cached_srs():
        if entry.id == identity:
            _, tau_g1, tau_g2 = _halo2_srs.read_points(entry.path)
            points = SrsPoints.from_points(tau_g1, tau_g2, place=f"file '{entry.path}'")
            if points.id == identity:
                return Srs(points)
    return None


def load_srs(path: str | Path, *, allow_unsafe_srs: bool = False) -> Srs:
    """Load parameters from a halo2 ``.srs`` file, every point of it checked.

    A key made with doctored points would be a key of their maker's choice, so nothing is taken on
    trust here: it takes some ten seconds for 2^14 powers. `import_srs` pays that once.

    Parameters
    ----------
    path
        The file; it is used in place, and must stay there as it is.
    allow_unsafe_srs
        Accept parameters that are of no known ceremony.

    Raises
    ------
    SrsError
        As `import_srs`, or SrsMalformed where the file is of another format.
    """
    path = Path(path)
    # Another format, or a file of another size, is refused before the long check.
    _halo2_srs.read_points(path)
    digest = _digest(path)
    checked = check_srs(path, allow_unsafe_srs=allow_unsafe_srs)
    return Srs(checked.points, path, digest)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def check_srs(
    path: str | Path,
    *,
    allow_unsafe_srs: bool = False,
    on_progress: OnProgress | None = None,
) -> Srs:
    """Check every power of a file and every Lagrange point that it holds, and keep nothing.

    Parameters and errors are those of `import_srs`.
    """
    path = Path(path)
    with open_powers(path) as source:
        points = _safe_points(source, allow_unsafe_srs)
        sizes = sorted({*source.lagrange_sizes, source.k})
        meter = _checks.Meter("check", _checks.work_of(source, sizes, ()), on_progress)
        _checks.transfer(source, sizes, {}, meter)
    return Srs(points, path if is_halo2(path) else None)


def import_srs(
    path: str | Path,
    *,
    k: int | None = None,
    allow_unsafe_srs: bool = False,
    on_progress: OnProgress | None = None,
) -> Srs:
    """Check every point of a file and copy it into this user's cache, where keys find it.

    Parameters
    ----------
    path
        halo2's or ezkl's ``.srs``, snarkjs' ``.ptau``, or plain powers (``.g1g2``: the powers and
        two points of the second group as in EIP-196 and EIP-197).
    k
        Import 2^k powers. Lagrange points that the file does not hold for this size are made, which
        takes about ten seconds for k = 11 and more than twice as long for each k more. Without it,
        all sizes from 2^6 that the file holds Lagrange points for are imported; for a file without
        any, 2^11.
    allow_unsafe_srs
        Accept parameters that are of no known ceremony.
    on_progress
        Called with a `Progress` now and then.

    Raises
    ------
    SrsNotFound, SrsMalformed, SrsPointInvalid, SrsPairingMismatch, SrsPowersInconsistent
        The file is missing, truncated, holds points off their curve, parts of two ceremonies, or
        points that are no powers of one secret. The cache is as it was.
    SrsTooSmall
        The file has fewer than 2^k powers.
    UnsafeSrsRefused
        The parameters are of no known ceremony.
    """
    with open_powers(Path(path)) as source:
        return _import(source, _sizes(source, k), allow_unsafe_srs, on_progress)


def fetch_srs(
    ceremony: str,
    k: int,
    *,
    allow_unsafe_srs: bool = False,
    on_progress: OnProgress | None = None,
) -> Srs:
    """Download a ceremony's published file of at least 2^k powers and import it.

    A cut download goes on where it was cut when this is called again. What is in the cache already
    is not downloaded again.

    Parameters
    ----------
    ceremony
        A name of `zkinfer_contracts.CEREMONIES`.
    k
        The size that the circuit needs.
    allow_unsafe_srs, on_progress
        As in `import_srs`.

    Raises
    ------
    SrsNotFound
        The ceremony is not known, or published no file of that size.
    SrsDownloadFailed
        No mirror delivered it.
    SrsHashMismatch
        A mirror delivered another file.
    SrsMismatch
        The file is another ceremony's.
    SrsError
        Else as `import_srs`.
    """
    known = PUBLISHED.get(ceremony)
    if known is None:
        raise SrsNotFound(
            f"no ceremony '{ceremony}' is known; those known are {', '.join(PUBLISHED)}"
        )  # Usage
    k = max(k, _SMALLEST_K)
    published = known.file(k)
    if published is None:
        largest = max(known.files)
        raise SrsNotFound(f"the files of '{ceremony}' go up to k = {largest}")  # Usage
    if k in _cached_sizes(known.id) and (cached := _cached(known.id)) is not None:
        return cached
    part = _cache_path(known.id, published.k).with_suffix(".download.part")
    meter = _checks.Meter("fetch", published.length, on_progress)
    with download(published, part, meter) as path, open_powers(path) as source:
        points = _points(source)
        if (points.id, points.tau_g2) != (known.id, known.tau_g2):
            raise SrsMismatch(
                expected=known.id.hex(), got=points.id.hex(), place=f"ceremony '{ceremony}'"
            )  # A15
        # A published file of a larger size stands in for sizes that were never published.
        sizes = _sizes(source, None if source.lagrange_sizes else k)
        return _import(source, sizes, allow_unsafe_srs, on_progress)


def _points(source: Powers) -> SrsPoints:
    """Check the points that name the parameters, and that the powers begin with the generators."""
    (one, tau) = source.powers(0, 2)
    _halo2_srs.require_generators(_curve.g1_to_bytes(*one), source.one_g2, source.place)
    return SrsPoints.from_points(_curve.g1_to_bytes(*tau), source.tau_g2, place=source.place)


def _safe_points(source: Powers, allow_unsafe_srs: bool) -> SrsPoints:
    points = _points(source)
    points.require_safe(allow_unsafe_srs=allow_unsafe_srs, place=source.place)
    return points


def _sizes(source: Powers, k: int | None) -> list[int]:
    if k is None:
        held = source.lagrange_sizes
        small = min(_SMALLEST_K, source.k)
        return sorted(size for size in held if size >= small) or [min(_PLAIN_K, source.k)]
    if not 1 <= k <= source.k:
        raise SrsTooSmall(needed=k, got=source.k)  # Usage
    return [k]


def _import(
    source: Powers,
    sizes: Sequence[int],
    allow_unsafe_srs: bool,
    on_progress: OnProgress | None,
) -> Srs:
    points = _safe_points(source, allow_unsafe_srs)
    meter = _checks.Meter("import", _checks.work_of(source, sizes, sizes), on_progress)
    # The files take their names together, after the last check, or none of them does.
    with ExitStack() as files:
        sinks = {k: files.enter_context(write_whole(_cache_path(points.id, k))) for k in sizes}
        _checks.transfer(source, sizes, sinks, meter)
    return Srs(points)


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
