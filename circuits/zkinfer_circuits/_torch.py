"""A PyTorch module as ONNX bytes."""

from __future__ import annotations

import importlib
import io
import warnings
from typing import Any

from ._errors import ExportFailed, TorchMissing


def export_torch(module: Any, sample: Any) -> bytes:
    """Return `module` in inference mode as an ONNX model, for `load_model`.

    Parameters
    ----------
    module
        A torch.nn.Module of one float32 input and one output; its training mode is restored.
    sample
        An input, as a tensor or anything that torch.as_tensor takes as float32; its shape
        becomes the model's.

    Raises
    ------
    TorchMissing
        torch or onnxscript, which its exporter needs, is not installed.
    ExportFailed
        The exporter failed; its error is chained.
    TypeError
        `module` is no torch.nn.Module.
    """
    loaded: dict[str, Any] = {}
    for package in ("torch", "onnxscript"):
        try:
            loaded[package] = importlib.import_module(package)
        except ImportError as e:
            raise TorchMissing(package) from e
    torch = loaded["torch"]
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expected a torch.nn.Module, got {type(module).__name__}")
    # Each part has a mode of its own: restoring only the root's would change the model.
    modes = [(part, part.training) for part in module.modules()]
    try:
        tensor = torch.as_tensor(sample, dtype=torch.float32)
        module.eval()
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module, (tensor,), dynamo=True, external_data=False, verbose=False
            )
        buffer = io.BytesIO()
        program.save(buffer, external_data=False)
    except Exception as e:
        raise ExportFailed(f"{type(e).__name__}: {e}") from e
    finally:
        for part, training in modes:
            part.training = training
    return buffer.getvalue()
