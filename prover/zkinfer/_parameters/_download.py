"""Download a published file: bounded, resumable, and kept only if it hashes to what is pinned.

What has arrived lies in a ``.part`` file; the next try asks for the rest (HTTP Range). Nothing of a
mirror is believed: not its length, not its redirects, not its bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from zkinfer._errors import OutputNotWritable, SrsDownloadFailed, SrsHashMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path
    from typing import IO, BinaryIO

    from zkinfer._parameters._ceremonies import Published
    from zkinfer._parameters._checks import Meter

TIMEOUT_S = 30.0
_CHUNK = 1 << 18
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@contextmanager
def download(published: Published, part: Path, meter: Meter) -> Iterator[Path]:
    """Give the whole, verified file at `part`, which is removed at the end.

    Raises
    ------
    SrsDownloadFailed
        No mirror delivered the bytes. What has arrived stays in `part`.
    SrsHashMismatch
        A whole file arrived, and it is another one. It was removed.
    """
    with _locked(part) as file:
        failures = []
        for url in published.urls:
            try:
                _fill(published, url, file, meter)
                break
            except OutputNotWritable:
                raise
            except (OSError, http.client.HTTPException, _Refused) as error:
                failures.append(f"{url}: {_reason(error)}")
        else:
            got = os.fstat(file.fileno()).st_size
            reason = f"{'; '.join(failures)} ({got} of {published.length} bytes are here)"
            raise SrsDownloadFailed(reason)  # Usage
        try:
            _verify(published, file)
            yield part
        finally:
            part.unlink(missing_ok=True)


class _Refused(Exception):
    """A mirror's answer that is not believed."""


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"HTTP status {error.code}"
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(inner) or type(inner).__name__


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    try:
        file = part.open("a+b")
    except OSError as error:
        raise OutputNotWritable(error.strerror or "cannot write", place=f"file '{part}'") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SrsDownloadFailed("another process downloads this file now") from error  # Usage
        yield file


def _fill(published: Published, url: str, file: BinaryIO, meter: Meter) -> None:
    """Download what is missing, from one mirror."""
    if file.seek(0, os.SEEK_END) > published.length:
        file.truncate(0)
    meter.step("downloading", file.seek(0, os.SEEK_END))
    while (have := file.seek(0, os.SEEK_END)) < published.length:
        start, left = _place(published, have)
        request = urllib.request.Request(url)
        ranged = have > 0 or not published.whole
        if ranged:
            request.add_header("Range", f"bytes={start}-{start + left - 1}")
        _require_allowed(url)
        with _opener(url).open(request, timeout=TIMEOUT_S) as answer:
            if answer.status == 200 and ranged:
                if not published.whole:
                    raise _Refused("the mirror sends no parts of files")
                file.truncate(0)
                left = published.length
            elif answer.status == 206 and ranged:
                _require_range(answer.headers, start, left)
            elif answer.status != 200:
                raise _Refused(f"HTTP status {answer.status}")
            _require_length(answer.headers, left)
            _copy(answer, file, left, meter)


def _place(published: Published, have: int) -> tuple[int, int]:
    """Return where the mirror's file goes on after `have` bytes, and for how long."""
    for start, length in published.parts:
        if have < length:
            return start + have, length - have
        have -= length
    raise ValueError("nothing is missing")


def _require_range(headers: Message, start: int, length: int) -> None:
    got = headers.get("Content-Range", "")
    if got.split("/")[0].strip() != f"bytes {start}-{start + length - 1}":
        raise _Refused(f"the mirror sends another part than was asked for ({got[:80]})")


def _require_length(headers: Message, length: int) -> None:
    got = headers.get("Content-Length")
    if got is not None and got.strip() != str(length):
        raise _Refused(f"the mirror has {got[:20]} bytes where {length} are published")


def _copy(answer: IO[bytes], file: BinaryIO, left: int, meter: Meter) -> None:
    while left:
        data = answer.read(min(_CHUNK, left))
        if not data:
            raise _Refused("the connection was cut")
        try:
            file.write(data)
        except OSError as error:
            raise OutputNotWritable(error.strerror or "cannot write") from error
        left -= len(data)
        meter.step("downloading", len(data))
    file.flush()
    # Without a length in its headers a stream may have no end.
    if answer.read(1):
        file.truncate(0)
        raise _Refused("the mirror sends more bytes than are published")


def _verify(published: Published, file: BinaryIO) -> None:
    if published.algorithm is None:
        return
    digest = hashlib.new(published.algorithm)
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    got = digest.hexdigest()
    if got != published.digest:
        raise SrsHashMismatch(expected=str(published.digest), got=got)  # A15


def _require_allowed(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise _Refused(f"{parts.scheme}://{parts.hostname} is not https")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only: http would let anybody on the way choose the bytes."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _require_allowed(newurl)
            if urlsplit(newurl).scheme != "https" and urlsplit(req.full_url).scheme == "https":
                raise _Refused("a redirect away from https")
        except _Refused:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return a client that speaks http and https and nothing else (no file:, ftp:, data:)."""
    opener = urllib.request.OpenerDirector()
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in _LOOPBACK else None
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
