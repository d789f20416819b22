"""The one binary format under all artefacts (docs/formats.md, "Container").

::

    magic    8 bytes   "ZKINFER" 0x00
    kind     4 bytes   ASCII
    version  2 bytes   little-endian
    count    2 bytes   little-endian, number of sections
    table    count times: tag (4 bytes, ASCII), length (8 bytes, little-endian)
    payloads the sections in the table's order, nothing between them
    digest   32 bytes  SHA-256 of everything before it

Every kind has a fixed list of sections in a fixed order, each with a largest length. All lengths
are checked against these limits and against the file's real size before anything is allocated.
The digest finds accidents; it is no defence, and nothing relies on it for security.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from zkinfer._errors import (
    ArtifactMalformed,
    ArtifactNotFound,
    ArtifactWrongKind,
    ArtifactWrongVersion,
)
from zkinfer._files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAGIC = b"ZKINFER\x00"
_HEADER = struct.Struct("<8s4sHH")
_ENTRY = struct.Struct("<4sQ")
_DIGEST_BYTES = 32
_CHUNK = 1 << 20

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Kind:
    """A kind of artefact: its name for people, its tag, and its sections with their limits."""

    name: str
    tag: bytes
    version: int
    sections: tuple[tuple[bytes, int], ...]


CIRCUIT = Kind(
    "circuit",
    b"CIRC",
    1,
    ((b"STAT", 64 * KIB), (b"ONNX", GIB), (b"BSET", MIB), (b"CALI", MIB)),
)
VERIFYING_KEY = Kind(
    "verifying key",
    b"VKEY",
    1,
    (
        (b"STAT", 64 * KIB),
        (b"BSET", MIB),
        (b"BKEY", 16 * MIB),
        (b"BEVM", MIB),
        (b"SRSP", 192),
    ),
)
PROVING_KEY = Kind(
    "proving key",
    b"PKEY",
    1,
    ((b"VKEY", 32 * MIB), (b"ONNX", GIB), (b"BPRV", 64 * GIB)),
)
PROOF_BUNDLE = Kind(
    "proof bundle",
    b"PROO",
    1,
    ((b"CIRC", 32), (b"CTXT", 32), (b"PUBL", MIB), (b"PROF", MIB)),
)
KINDS = {kind.tag: kind for kind in (CIRCUIT, VERIFYING_KEY, PROVING_KEY, PROOF_BUNDLE)}


@dataclass(frozen=True)
class FileSlice:
    """A run of bytes in a file, for payloads too large for memory."""

    path: Path
    offset: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, a megabyte at a time."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = self.length
            while left:
                chunk = file.read(min(_CHUNK, left))
                if not chunk:
                    raise ArtifactMalformed("the file became shorter", place=f"file '{self.path}'")
                left -= len(chunk)
                yield chunk

    def to_bytes(self) -> bytes:
        """Return the bytes, where they are known to fit into memory."""
        return b"".join(self.chunks())

    def copy_to(self, target: Path) -> None:
        """Write the bytes to a new file."""
        with target.open("wb") as file:
            for chunk in self.chunks():
                file.write(chunk)


Payload = bytes | FileSlice


def _parts(kind: Kind, sections: Mapping[bytes, Payload]) -> Iterator[bytes]:
    yield _HEADER.pack(MAGIC, kind.tag, kind.version, len(kind.sections))
    for tag, limit in kind.sections:
        payload = sections[tag]
        length = payload.length if isinstance(payload, FileSlice) else len(payload)
        if length > limit:
            raise ArtifactMalformed(f"section {tag.decode()} has {length} bytes, limit {limit}")
        yield _ENTRY.pack(tag, length)
    for tag, _ in kind.sections:
        payload = sections[tag]
        if isinstance(payload, FileSlice):
            yield from payload.chunks()
        else:
            yield payload


def _write(file: BinaryIO, kind: Kind, sections: Mapping[bytes, Payload]) -> None:
    digest = hashlib.sha256()
    for part in _parts(kind, sections):
        digest.update(part)
        file.write(part)
    file.write(digest.digest())


def to_bytes(kind: Kind, sections: Mapping[bytes, Payload]) -> bytes:
    """Return an artefact's bytes."""
    file = io.BytesIO()
    _write(file, kind, sections)
    return file.getvalue()


def save(path: Path, kind: Kind, sections: Mapping[bytes, Payload]) -> None:
    """Write an artefact, whole or not at all."""
    with write_whole(path) as file:
        _write(file, kind, sections)


def write_file(path: Path, data: bytes) -> None:
    """Write an artefact's bytes, whole or not at all."""
    with write_whole(path) as file:
        file.write(data)


def read_file(path: Path, kind: Kind) -> bytes:
    """Read an artefact's file, refusing one larger than its kind can be before reading it.

    Raises
    ------
    ArtifactNotFound
        There is no readable regular file.
    ArtifactMalformed
        It is too large.
    """
    place = f"file '{path}'"
    if not path.is_file():
        raise ArtifactNotFound("no such file", place=place)
    limit = _HEADER.size + _DIGEST_BYTES
    limit += sum(_ENTRY.size + largest for _, largest in kind.sections)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise ArtifactMalformed(f"larger than a {kind.name} can be", place=place)
            return file.read(size)
    except OSError as error:
        raise ArtifactNotFound(error.strerror or "cannot read", place=place) from error


def from_bytes(data: bytes, kind: Kind, *, place: str | None = None) -> dict[bytes, bytes]:
    """Parse an artefact of a kind, all in memory.

    Raises
    ------
    ArtifactMalformed, ArtifactWrongKind, ArtifactWrongVersion
        See the module's docstring for what is checked.
    """
    table = _read_table(io.BytesIO(data), len(data), kind, place)
    _check_digest(io.BytesIO(data), len(data), place)
    return {tag: data[offset : offset + length] for tag, offset, length in table}


def load(
    path: Path, kind: Kind, *, on_disk: frozenset[bytes] = frozenset()
) -> dict[bytes, Payload]:
    """Parse an artefact's file; sections in `on_disk` stay there, as `FileSlice`.

    Raises
    ------
    ArtifactNotFound, ArtifactMalformed, ArtifactWrongKind, ArtifactWrongVersion
        See the module's docstring for what is checked.
    """
    place = f"file '{path}'"
    if not path.is_file():
        raise ArtifactNotFound("no such file", place=place)
    sections: dict[bytes, Payload] = {}
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            table = _read_table(file, size, kind, place)
            for tag, offset, length in table:
                if tag in on_disk:
                    sections[tag] = FileSlice(path, offset, length)
                else:
                    file.seek(offset)
                    sections[tag] = file.read(length)
            file.seek(0)
            _check_digest(file, size, place)
    except OSError as error:
        raise ArtifactNotFound(error.strerror or "cannot read", place=place) from error
    return sections


def _read_table(
    file: BinaryIO, size: int, kind: Kind, place: str | None
) -> list[tuple[bytes, int, int]]:
    """Return (tag, offset, length) of each section, every length checked before use."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or header[: len(MAGIC)] != MAGIC:
        raise ArtifactMalformed("not a zkinfer artefact", place=place)
    _, tag, version, count = _HEADER.unpack(header)
    if tag != kind.tag:
        found = KINDS[tag].name if tag in KINDS else "an unknown kind"
        raise ArtifactWrongKind(expected=kind.name, got=found, place=place)
    if version != kind.version:
        raise ArtifactWrongVersion(expected=kind.version, got=version, place=place)
    if count != len(kind.sections):
        raise ArtifactMalformed(f"{count} sections, expected {len(kind.sections)}", place=place)
    raw = file.read(_ENTRY.size * count)
    if len(raw) < _ENTRY.size * count:
        raise ArtifactMalformed("truncated in its table", place=place)
    offset = _HEADER.size + len(raw)
    table = []
    for (found, length), (expected, limit) in zip(
        _ENTRY.iter_unpack(raw), kind.sections, strict=True
    ):
        if found != expected:
            raise ArtifactMalformed(f"section {found!r}, expected {expected!r}", place=place)
        if length > limit:
            reason = f"section {expected.decode()} of {length} bytes, limit {limit}"
            raise ArtifactMalformed(reason, place=place)
        table.append((expected, offset, length))
        offset += length
    if offset + _DIGEST_BYTES != size:
        reason = f"{size} bytes, its table says {offset + _DIGEST_BYTES}"
        raise ArtifactMalformed(reason, place=place)
    return table


def _check_digest(file: BinaryIO, size: int, place: str | None) -> None:
    digest = hashlib.sha256()
    left = size - _DIGEST_BYTES
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise ArtifactMalformed("the file became shorter", place=place)
        digest.update(chunk)
        left -= len(chunk)
    if file.read(_DIGEST_BYTES) != digest.digest():
        raise ArtifactMalformed("damaged: its digest differs", place=place)
