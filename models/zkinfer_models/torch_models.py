"""The shipped networks as PyTorch modules, untrained; the only module here that imports torch.

Both are kept small because proving time grows with every multiplication, and strided
convolutions stand where pooling might, because a maximum costs a proof far more than a product.
"""

from __future__ import annotations

from torch import nn


def breast_cancer() -> nn.Sequential:
    """Return the 30-16-2 perceptron: standardised measurements [n, 30] to logits [n, 2]."""
    return nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))


def digits_cnn() -> nn.Sequential:
    """Return the convolutional net: grey values in [0, 1], [n, 1, 8, 8], to logits [n, 10]."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 10),
    )
