"""How the elements of a tensor lie in (channel, height, width).

A *frame* says which axes become which. One tensor has several: to a convolution [1, C, H, W] is
(C, H, W); to a dense layer with rows, [1, T, D] is (D, T, 1): each row a position, each feature a
channel; and to anything else a tensor is (n, 1, 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._plan import Size

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """Axes that become channels, heights and widths, each set in order."""

    channel: tuple[int, ...]
    height: tuple[int, ...] = ()
    width: tuple[int, ...] = ()

    def size(self, shape: tuple[int, ...]) -> Size:
        """Return the lengths that a tensor has in the frame."""
        channel, height, width = (
            math.prod(shape[a] for a in axes) for axes in (self.channel, self.height, self.width)
        )
        return channel, height, width

    def index(self, shape: tuple[int, ...]) -> Array:
        """Return [channel, height, width]: which element of the flat tensor is where."""
        return self.arrange(np.arange(math.prod(shape), dtype=np.int64).reshape(shape))

    def arrange(self, array: Array) -> Array:
        """Return an array of the tensor's shape as [channel, height, width]."""
        order = (*self.channel, *self.height, *self.width)
        return array.transpose(order).reshape(self.size(array.shape))


def image(shape: tuple[int, ...]) -> Frame | None:
    """Return the frame of what convolutions read, [1, C, size..], of one or two spatial axes."""
    if len(shape) not in (3, 4) or shape[0] != 1:
        return None
    return Frame((0, 1), (2,), tuple(range(3, len(shape))))


def tokens(shape: tuple[int, ...]) -> Frame | None:
    """Return the frame of rows with features, [.., T, D]."""
    rank = len(shape)
    if rank < 2:
        return None
    if rank < 4:
        return Frame((rank - 1,), tuple(range(rank - 1)))
    return Frame((rank - 1,), tuple(range(rank - 2)), (rank - 2,))


def flat(shape: tuple[int, ...]) -> Frame:
    """Return the frame in which every element is a channel."""
    return Frame(tuple(range(len(shape))))


def frames_of(shape: tuple[int, ...]) -> list[Frame]:
    """Return the frames of a shape, each arrangement once, the flat one last."""
    found: list[Frame] = []
    seen: list[Array] = []
    for frame in (image(shape), tokens(shape), flat(shape)):
        if frame is None:
            continue
        index = frame.index(shape)
        if not any(index.shape == s.shape and (index == s).all() for s in seen):
            found.append(frame)
            seen.append(index)
    last = flat(shape).index(shape)
    # The flat frame comes last, whichever of the others is the same.
    found.sort(key=lambda f: f.size(shape) == last.shape)
    return found
