"""Train the Iris perceptron: ``python -m zkinfer_models.train.perceptron --out DIR``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from ..torch_models import perceptron
from ._common import main, repeatable

SEED = 0
EPOCHS = 80
CALIBRATION = 100


def train() -> tuple[torch.nn.Module, dict[str, NDArray[Any]]]:
    """Return the trained network and the arrays of samples.npz.

    The inputs are standardised with the mean and deviation of the training rows alone, which
    travel along as `mean` and `std`: a fresh measurement goes through ``(m - mean) / std``.
    """
    repeatable(SEED)
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    x, held, y, held_y = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    mean, std = x.mean(0), x.std(0)
    x, held = (x - mean) / std, (held - mean) / std
    module = perceptron()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2, weight_decay=0.3)
    inputs, classes = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(inputs), classes, label_smoothing=0.1).backward()
        optimizer.step()
    # One flower is measured twice over in this data set; a held-out row may not calibrate.
    seen = {row.tobytes() for row in held}
    rows = [row for row in x if row.tobytes() not in seen][:CALIBRATION]
    return module, {
        "x": held,
        "y": held_y.astype(np.int64),
        "calibration": np.array(rows),
        "mean": mean,
        "std": std,
    }


if __name__ == "__main__":
    main(__doc__, train, (1, 4))
