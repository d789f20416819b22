"""Train the digits network: ``python -m zkinfer_models.train.digits_cnn --out DIR``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ..torch_models import digits_cnn
from ._common import main, repeatable

SEED = 0
EPOCHS = 120
BATCH = 64
RATE = 1e-2
# How many batches are moved by up to one pixel, against learning positions by heart.
MOVED = 0.3


def train() -> tuple[torch.nn.Module, dict[str, NDArray[Any]]]:
    """Return the trained network and the arrays of samples.npz; grey values are in [0, 1].

    Label smoothing and weight decay are there for the circuit as much as for the accuracy: they
    keep weights and activations small, so that few bits of fixed point suffice.
    """
    generator = repeatable(SEED)
    images, y = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    x, held, y, held_y = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    inputs, classes = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))
    module = digits_cnn()
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=1e-2)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            batch = inputs[rows]
            dx, dy = (int(v) for v in torch.randint(-1, 2, (2,), generator=generator))
            if torch.rand(1, generator=generator) < MOVED:
                wide = torch.nn.functional.pad(batch, (1, 1, 1, 1))
                batch = torch.roll(wide, (dy, dx), (2, 3))[:, :, 1:-1, 1:-1]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(
                module(batch), classes[rows], label_smoothing=0.05
            ).backward()
            optimizer.step()
            schedule.step()
    return module, {"x": held, "y": held_y.astype(np.int64), "calibration": x[:100]}


if __name__ == "__main__":
    main(__doc__, train, (1, 1, 8, 8))
