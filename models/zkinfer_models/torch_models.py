"""The shipped networks as PyTorch modules, untrained; the only module here that imports torch.

The first three are kept small because proving time grows with every multiplication, and strided
convolutions stand where pooling might, because a maximum costs a proof far more than a product.
The two for MNIST have the shapes that proof systems are commonly compared on.
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


def perceptron() -> nn.Sequential:
    """Return the 4-30-30-30-3 perceptron: standardised measurements [n, 4] to logits [n, 3]."""
    return nn.Sequential(
        nn.Linear(4, 30),
        nn.ReLU(),
        nn.Linear(30, 30),
        nn.ReLU(),
        nn.Linear(30, 30),
        nn.ReLU(),
        nn.Linear(30, 3),
    )


def mlp_784() -> nn.Sequential:
    """Return the 784-128-10 perceptron: grey values in [0, 1], [n, 784], to logits [n, 10]."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet5() -> nn.Sequential:
    """Return LeNet-5 with ReLU: grey values in [0, 1], [n, 1, 28, 28], to logits [n, 10]."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
