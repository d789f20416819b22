"""Train the MNIST perceptron: ``python -m zkinfer_models.train.mlp_784 --out DIR``."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from ..torch_models import mlp_784
from ._common import main
from ._mnist import train_on_mnist


def train() -> tuple[torch.nn.Module, dict[str, NDArray[Any]]]:
    """Return the trained network and the arrays of samples.npz."""
    return train_on_mnist(mlp_784, (784,), epochs=16, rate=4e-3, decay=5e-2, moved=1)


if __name__ == "__main__":
    main(__doc__, train, (1, 784))
