"""The shipped models: what they are for, their files, and data to try them on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DATA = Path(__file__).parent / "data"


class UnknownModel(LookupError):
    """No shipped model has that id; the message names those that there are.

    Attributes
    ----------
    id
        What was asked for.
    choices
        The ids of the shipped models.
    """

    def __init__(self, id: str, choices: tuple[str, ...]) -> None:
        super().__init__(id, choices)
        self.id = id
        self.choices = choices

    def __str__(self) -> str:
        """Return one line that names the choices."""
        return f"no shipped model {self.id!r}; there are: {', '.join(self.choices)}"


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Real data for one model; n held-out rows that it was not trained on.

    Attributes
    ----------
    x
        float32, [n, ...] with the dimensions of the model's input after the batch.
    y
        int64, [n], the true classes.
    calibration
        float32, [100, ...], rows of the training data.
    mean, std
        float32, what raw measurements are standardised with, or None where they are not.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    calibration: NDArray[np.float32]
    mean: NDArray[np.float32] | None
    std: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One shipped model.

    Attributes
    ----------
    id
        Its name in commands and folders.
    title
        Its name for people.
    task
        What it does, and what its input is, in a sentence.
    classes
        Names of the classes, in the order of the logits.
    parameters
        Number of weights.
    """

    id: str
    title: str
    task: str
    classes: tuple[str, ...]
    parameters: int

    @property
    def onnx_path(self) -> Path:
        """The trained network: float32 "x" [1, ...] to logits "y" [1, classes]."""
        return _DATA / self.id / "model.onnx"

    @property
    def samples_path(self) -> Path:
        """The .npz with the arrays of `Samples`."""
        return _DATA / self.id / "samples.npz"

    def onnx_bytes(self) -> bytes:
        """Return the contents of `onnx_path`."""
        return self.onnx_path.read_bytes()

    def samples(self) -> Samples:
        """Read `samples_path`."""
        with np.load(self.samples_path, allow_pickle=False) as data:
            return Samples(
                x=data["x"],
                y=data["y"],
                calibration=data["calibration"],
                mean=data.get("mean"),
                std=data.get("std"),
            )


_CARDS = (
    ModelCard(
        id="breast-cancer",
        title="Breast cancer, 30-16-2 perceptron",
        task=(
            "Tell a malignant from a benign tumour by 30 measurements of cell nuclei (Wisconsin "
            "diagnostic data), standardised with the mean and deviation of the training rows."
        ),
        classes=("malignant", "benign"),
        parameters=530,
    ),
    ModelCard(
        id="digits-cnn",
        title="Handwritten digits, two convolutions",
        task="Read a handwritten digit from an image of 8 by 8 grey values in [0, 1].",
        classes=tuple("0123456789"),
        parameters=1446,
    ),
)


def models() -> tuple[ModelCard, ...]:
    """Return every shipped model, sorted by id."""
    return _CARDS


def model(id: str) -> ModelCard:
    """Return the shipped model called `id`.

    Raises
    ------
    UnknownModel
        A LookupError that names the choices.
    """
    for card in _CARDS:
        if card.id == id:
            return card
    raise UnknownModel(id, tuple(card.id for card in _CARDS))
