"""Train LeNet-5: ``python -m zkinfer_models.train.lenet5 --out DIR``."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from ..torch_models import lenet5
from ._common import main
from ._mnist import train_on_mnist


def train() -> tuple[torch.nn.Module, dict[str, NDArray[Any]]]:
    """Return the trained network and the arrays of samples.npz."""
    return train_on_mnist(lenet5, (1, 28, 28), epochs=6, rate=4e-3, decay=5e-2, moved=1)


if __name__ == "__main__":
    main(__doc__, train, (1, 1, 28, 28))
