"""What the trainings have in common: repeatable torch, export, and byte-reproducible archives."""

from __future__ import annotations

import argparse
import io
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .._mnist import grey_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


def repeatable(seed: int) -> torch.Generator:
    """Seed torch, hold it to one thread and exact algorithms, and return a seeded generator."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def export(module: torch.nn.Module, shape: tuple[int, ...], *, dynamo: bool = False) -> bytes:
    """Return `module` as ONNX from "x", float32 of `shape`, to "y".

    Parameters
    ----------
    module
        The trained network.
    shape
        The input's shape, batch dimension included.
    dynamo
        Which of torch's two exporters; False is the older one, pinned to opset 17.
    """
    module.eval()
    buffer = io.BytesIO()
    options: dict[str, Any] = {"external_data": False} if dynamo else {"opset_version": 17}
    with warnings.catch_warnings():
        # Torch calls its older exporter deprecated; it is chosen on purpose, for opset 17.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(shape),),
            buffer,
            dynamo=dynamo,
            input_names=["x"],
            output_names=["y"],
            **options,
        )
    return buffer.getvalue()


def archive(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a compressed .npz without times, the same bytes for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            inner = io.BytesIO()
            np.lib.format.write_array(inner, np.ascontiguousarray(array), allow_pickle=False)
            made.writestr(entry, inner.getvalue())
    return buffer.getvalue()


def accuracy(module: torch.nn.Module, x: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the part of the rows of `x` that `module` puts in class `y`."""
    module.eval()
    with torch.no_grad():
        return float((module(torch.from_numpy(x)).argmax(1).numpy() == y).mean())


def main(
    doc: str,
    train: Callable[[], tuple[torch.nn.Module, dict[str, NDArray[Any]]]],
    shape: tuple[int, ...],
) -> None:
    """Run one training from the command line and write model.onnx and samples.npz."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    out: Path = parser.parse_args().out
    module, arrays = train()
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(export(module, shape))
    (out / "model.dynamo.onnx").write_bytes(export(module, shape, dynamo=True))
    (out / "samples.npz").write_bytes(archive(arrays))
    x = arrays["x"]
    rows = grey_values(x, shape[1:]) if x.dtype == np.uint8 else x
    held_out = accuracy(module, rows, arrays["y"])
    print(f"held-out accuracy {held_out:.4f} on {len(arrays['y'])} rows, written to {out}")
