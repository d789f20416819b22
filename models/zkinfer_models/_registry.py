"""The shipped models: what they are for, their files, and data to try them on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._mnist import grey_values, whole

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
    input_shape
        Shape of its input, the batch dimension of 1 included.
    dataset
        The folder of its samples; models for the same data share one.
    small
        Whether a proof takes seconds and little memory, so that every test can make one.
    """

    id: str
    title: str
    task: str
    classes: tuple[str, ...]
    parameters: int
    input_shape: tuple[int, ...]
    dataset: str
    small: bool = True

    @property
    def onnx_path(self) -> Path:
        """The trained network: float32 "x" [1, ...] to logits "y" [1, classes]."""
        return _DATA / self.id / "model.onnx"

    @property
    def samples_path(self) -> Path:
        """The .npz with the arrays of `Samples`; images of MNIST are uint8 in it."""
        return _DATA / self.dataset / "samples.npz"

    def onnx_bytes(self) -> bytes:
        """Return the contents of `onnx_path`."""
        return self.onnx_path.read_bytes()

    def samples(self) -> Samples:
        """Read `samples_path`."""
        with np.load(self.samples_path, allow_pickle=False) as data:
            return Samples(
                x=self._rows(data["x"]),
                y=data["y"],
                calibration=self._rows(data["calibration"]),
                mean=data.get("mean"),
                std=data.get("std"),
            )

    def full_test_set(self) -> Samples | None:
        """Return every row that the data set keeps for tests, where `samples` has only some.

        Returns
        -------
        Samples or None
            With the calibration rows of `samples`. None where `samples` has every row already, or
            the files are not there: ``make data`` brings them to models/.data of a checkout, or to
            the folder that ZKINFER_DATA_DIR names.

        Raises
        ------
        ValueError
            A file is damaged.
        """
        found = whole("test") if self.dataset == "mnist" else None
        if found is None:
            return None
        images, y = found
        return replace(self.samples(), x=self._rows(images), y=y)

    def _rows(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        if stored.dtype == np.uint8:
            return grey_values(stored, self.input_shape[1:])
        return np.asarray(stored, dtype=np.float32)


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
        input_shape=(1, 30),
        dataset="breast-cancer",
    ),
    ModelCard(
        id="digits-cnn",
        title="Handwritten digits, two convolutions",
        task="Read a handwritten digit from an image of 8 by 8 grey values in [0, 1].",
        classes=tuple("0123456789"),
        parameters=1446,
        input_shape=(1, 1, 8, 8),
        dataset="digits-cnn",
    ),
    ModelCard(
        id="perceptron",
        title="Iris, 4-30-30-30-3 perceptron",
        task=(
            "Tell three species of iris by 4 measurements of a flower, standardised with the mean "
            "and deviation of the training rows."
        ),
        classes=("setosa", "versicolor", "virginica"),
        parameters=2103,
        input_shape=(1, 4),
        dataset="perceptron",
    ),
    ModelCard(
        id="mlp-784",
        title="MNIST, 784-128-10 perceptron",
        task="Read a handwritten digit from an image of 28 by 28 grey values in [0, 1], as a row.",
        classes=tuple("0123456789"),
        parameters=101_770,
        input_shape=(1, 784),
        dataset="mnist",
        small=False,
    ),
    ModelCard(
        id="lenet5",
        title="MNIST, LeNet-5",
        task="Read a handwritten digit from an image of 28 by 28 grey values in [0, 1].",
        classes=tuple("0123456789"),
        parameters=61_706,
        input_shape=(1, 1, 28, 28),
        dataset="mnist",
        small=False,
    ),
)


def models() -> tuple[ModelCard, ...]:
    """Return every shipped model; the `small` ones come first."""
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
