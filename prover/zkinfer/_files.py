"""Files: written whole or not at all, and private working folders that do not outlive their use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from zkinfer._errors import FolderNotEmpty, OutputNotWritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

_WORK_PREFIX = "zkinfer-work-"
_FRESH_PREFIX = "zkinfer-fresh-"
_LOCK = ".lock"


def cache_folder() -> Path:
    """Return this user's cache: ZKINFER_CACHE_DIR, else ``zkinfer`` in the XDG cache folder."""
    own = os.environ.get("ZKINFER_CACHE_DIR")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "zkinfer"


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` complete, or not at all.

    The bytes go to a temporary file in the same folder, are flushed to disk, and then take the
    name in one step: a crash, a kill or a full disk at any moment leaves the last complete file.

    Raises
    ------
    OutputNotWritable
        The folder is missing, not writable or full.
    """
    try:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part"
        )
    except OSError as error:
        raise OutputNotWritable(error.strerror or "cannot write", place=f"file '{path}'") from error
    # An advisory lock tells a writer at work from one that was killed (see `_sweep_parts`).
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes files private; artefacts are meant to be shared as umask says.
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            Path(temporary).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise OutputNotWritable(error.strerror or "cannot write", place=f"file '{path}'") from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sweep_parts(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep_parts(path: Path) -> None:
    """Remove what a killed writer of the same file or folder left behind."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(OSError):
            handle = os.open(part, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if part.is_dir():
                    shutil.rmtree(part, ignore_errors=True)
                else:
                    part.unlink(missing_ok=True)
            finally:
                os.close(handle)


def write_folder_whole(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files, by their paths in it, into a folder that appears complete, or not at all.

    They go to a folder with a temporary name beside it, which then takes the name in one step. That
    step replaces an empty folder and nothing else. Returns the folder's real path.

    Raises
    ------
    FolderNotEmpty
        There is something that is no empty folder.
    OutputNotWritable
        The folder around it is missing, not writable or full.
    """
    place = f"folder '{path}'"
    path = path.resolve()
    _require_free(path, place)
    try:
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    except OSError as error:
        raise OutputNotWritable(error.strerror or "cannot write", place=place) from error
    lock = os.open(temporary, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, data in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            with (temporary / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for folder in {(temporary / name).parent for name in files}:
            _sync_folder(folder)
        os.fchmod(lock, 0o777 & ~_umask())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # Somebody else may have been faster.
        _require_free(path, place)
        raise OutputNotWritable(error.strerror or "cannot write", place=place) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    _sweep_parts(path)
    return path


def _require_free(path: Path, place: str) -> None:
    if path.is_dir():
        if any(path.iterdir()):
            raise FolderNotEmpty("there are files in it", place=place)
        if path == Path.cwd():
            # It would be another folder from then on, and whoever is in it would not see it.
            raise FolderNotEmpty("it is the working folder", place=place)
    elif path.exists():
        raise FolderNotEmpty("it is no folder", place=place)


class WorkFolder:
    """A private folder (mode 0700) that is removed when it is closed.

    It holds witnesses, so it must not stay. A process that was killed cannot clean up: each folder
    therefore holds a lock as long as its process lives, and whoever makes the next folder removes
    the ones whose lock is free.
    """

    def __init__(self) -> None:
        root = Path(tempfile.gettempdir())
        _sweep_folders(root)
        fresh = Path(tempfile.mkdtemp(prefix=_FRESH_PREFIX, dir=root))
        self._lock = os.open(fresh / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Takes the swept name only once it is locked.
        self.path = fresh.rename(root / fresh.name.replace(_FRESH_PREFIX, _WORK_PREFIX, 1))

    @property
    def lock(self) -> int:
        """The lock's file descriptor; a child that inherits it keeps the folder in use."""
        return self._lock

    def close(self) -> None:
        """Remove the folder and all it holds; harmless when called twice."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FolderOwner:
    """Removes a work folder when the object that holds this goes."""

    def __init__(self, folder: WorkFolder) -> None:
        self._finalizer = weakref.finalize(self, folder.close)


def _sweep_folders(root: Path) -> None:
    for folder in root.glob(f"{_WORK_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.getuid():
                continue
            handle = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
