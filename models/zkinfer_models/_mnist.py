"""MNIST: the part that ships, and the whole of it where ``make data`` has brought it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Name, its first bytes (the magic number and dimensions of an idx file, big-endian), its size.
FILES = {
    ("train", "x"): ("train-images-idx3-ubyte", (2051, 60_000, 28, 28), 47_040_016),
    ("train", "y"): ("train-labels-idx1-ubyte", (2049, 60_000), 60_008),
    ("test", "x"): ("t10k-images-idx3-ubyte", (2051, 10_000, 28, 28), 7_840_016),
    ("test", "y"): ("t10k-labels-idx1-ubyte", (2049, 10_000), 10_008),
}


def folder() -> Path:
    """Return where the idx files are looked for: $ZKINFER_DATA_DIR, or .data beside the package."""
    chosen = os.environ.get("ZKINFER_DATA_DIR")
    return Path(chosen) if chosen else Path(__file__).parents[1] / ".data"


def whole(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """Return all images, uint8 [n, 28, 28], and classes, [n], of ``"train"`` or ``"test"``.

    None when the files are not there.

    Raises
    ------
    ValueError
        A file is there, but is not the one of that name.
    """
    made: list[NDArray[Any]] = []
    for kind in ("x", "y"):
        name, header, size = FILES[part, kind]
        path = folder() / name
        if not path.is_file():
            return None
        data = path.read_bytes()
        if len(data) != size or data[: 4 * len(header)] != np.array(header, ">i4").tobytes():
            raise ValueError(f"{path} is damaged: run 'make data' again")
        made.append(np.frombuffer(data, np.uint8, offset=4 * len(header)).reshape(header[1:]))
    return made[0], made[1].astype(np.int64)


def grey_values(images: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return images as rows of `shape`, float32 in [0, 1]."""
    return (images.astype(np.float32) / np.float32(255)).reshape(len(images), *shape)
