"""What the two trainings on MNIST have in common."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from .._mnist import grey_values, whole
from ._common import accuracy, repeatable

SEED = 0
# Every 33rd of the test images ships: the first half of that set is easier than the second.
SHIPPED = slice(0, 9_900, 33)
CALIBRATION = slice(0, 60_000, 600)


def train_on_mnist(
    module_of: Any, shape: tuple[int, ...], *, epochs: int, rate: float, decay: float, moved: int
) -> tuple[torch.nn.Module, dict[str, NDArray[Any]]]:
    """Return the trained network and the arrays of samples.npz, whose images are uint8.

    Label smoothing and weight decay keep weights and activations small, so that few bits of
    fixed point suffice. Each batch is moved by up to `moved` pixels.

    Raises
    ------
    SystemExit
        The data are not there.
    """
    train, test = whole("train"), whole("test")
    if train is None or test is None:
        raise SystemExit("MNIST is not there: run 'make data' first")
    generator = repeatable(SEED)
    x = torch.from_numpy(grey_values(train[0], shape))
    y = torch.from_numpy(train[1])
    module: torch.nn.Module = module_of()
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay)
    steps = epochs * -(-len(x) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(128):
            dx, dy = (int(v) for v in torch.randint(-moved, moved + 1, (2,), generator=generator))
            batch = x[rows].reshape(-1, 28, 28).roll((dy, dx), (1, 2)).reshape(-1, *shape)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(
                module(batch), y[rows], label_smoothing=0.05
            ).backward()
            optimizer.step()
            schedule.step()
    correct = accuracy(module, grey_values(test[0], shape), test[1])
    print(f"accuracy {correct:.4f} on all {len(test[1])} test images")
    return module, {
        "x": test[0][SHIPPED],
        "y": test[1][SHIPPED],
        "calibration": train[0][CALIBRATION],
    }
