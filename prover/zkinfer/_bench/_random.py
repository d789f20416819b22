"""Networks with random weights, in the shapes that others publish times of.

They are made when they are measured, belong to no task and have no accuracy. Only their shapes say
anything, and so what their proofs cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_OPSET = 17
# Of the format; the oldest that has the opset.
_IR_VERSION = 8
_SAMPLES = 100
_KERNEL = 5


class RandomSamples(NamedTuple):
    """Random inputs of a network, uniform in [-1, 1); n of each kind.

    Attributes
    ----------
    x, calibration
        float32, [n, ...] with the dimensions of the network's input after the batch.
    y
        None: there are no true classes.
    """

    x: Array
    calibration: Array
    y: None = None


@dataclass(frozen=True, slots=True)
class RandomModel:
    """A network with random weights; the same id has the same weights everywhere.

    Attributes
    ----------
    id
        Its name in commands.
    input_shape
        Shape of its input, without the batch.
    channels
        Of its convolutions, each 5 by 5 without padding, with ReLU and a 2 by 2 maximum behind it.
    widths
        Of the dense layers behind them, with ReLU between them.
    """

    id: str
    input_shape: tuple[int, ...]
    channels: tuple[int, ...]
    widths: tuple[int, ...]

    def onnx_bytes(self) -> bytes:
        """Return the network: float32 "x" [1, ...] to "y" [1, last width]."""
        draw = _Draw(f"{self.id}, weights")
        graph = _Graph(draw)
        shape, at = self.input_shape, "x"
        for channels in self.channels:
            at, shape = graph.convolution(at, shape, channels)
        if len(shape) > 1:
            at = graph.node("Flatten", [at])
        inputs = math.prod(shape)
        for i, width in enumerate(self.widths):
            at = graph.node("Relu", [at]) if i else at
            at = graph.dense(at, inputs, width)
            inputs = width
        return graph.finish((1, *self.input_shape), (1, inputs))

    def samples(self) -> RandomSamples:
        """Return inputs to measure and to calibrate with."""
        draw = _Draw(f"{self.id}, samples")
        shape = (_SAMPLES, *self.input_shape)
        return RandomSamples(x=draw(shape, 1.0), calibration=draw(shape, 1.0))


class _Draw:
    """Uniform numbers, from raw words alone: numpy may change what it makes of them, not them."""

    def __init__(self, name: str) -> None:
        self._words = np.random.PCG64(list(name.encode()))

    def __call__(self, shape: tuple[int, ...], bound: float) -> Array:
        words = self._words.random_raw(math.prod(shape)) >> np.uint64(40)
        return ((words / 2.0**23 - 1.0) * bound).astype(np.float32).reshape(shape)


class _Graph:
    """A chain of nodes."""

    def __init__(self, draw: _Draw) -> None:
        self._draw = draw
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def node(self, op: str, inputs: list[str], **attributes: object) -> str:
        """Append a node; return the name of its output."""
        from onnx import helper

        name = f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def convolution(
        self, at: str, shape: tuple[int, ...], channels: int
    ) -> tuple[str, tuple[int, ...]]:
        """Append a convolution, ReLU and a maximum; return its output and its shape."""
        before, *sides = shape
        inputs = before * _KERNEL**2
        weights = self._parameters((channels, before, _KERNEL, _KERNEL), inputs)
        at = self.node("Conv", [at, *weights], kernel_shape=[_KERNEL, _KERNEL])
        at = self.node("Relu", [at])
        at = self.node("MaxPool", [at], kernel_shape=[2, 2], strides=[2, 2])
        return at, (channels, *((side - _KERNEL + 1) // 2 for side in sides))

    def dense(self, at: str, inputs: int, outputs: int) -> str:
        """Append a dense layer; return its output."""
        return self.node("Gemm", [at, *self._parameters((outputs, inputs), inputs)], transB=1)

    def _parameters(self, shape: tuple[int, ...], inputs: int) -> list[str]:
        """Return the names of weights that keep a signal's size (He), and of small biases."""
        from onnx import numpy_helper

        values = (
            self._draw(shape, math.sqrt(6 / inputs)),
            self._draw(shape[:1], math.sqrt(1 / inputs)),
        )
        names = [f"{kind}_{len(self._nodes)}" for kind in ("weight", "bias")]
        for name, each in zip(names, values, strict=True):
            self._weights.append(numpy_helper.from_array(each, name))
        return names

    def finish(self, given: tuple[int, ...], made: tuple[int, ...]) -> bytes:
        """Return the file; the last node's output is the network's."""
        from onnx import TensorProto, helper

        self._nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self._nodes,
            "random weights",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, made)],
            self._weights,
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        return bytes(model.SerializeToString(deterministic=True))


RANDOM = (
    RandomModel("mlp-512", (512,), (), (256, 128, 8)),
    RandomModel("dense-1024", (1024,), (), (512,)),
    RandomModel("cnn-cifar", (3, 32, 32), (6, 16), (120, 84, 10)),
    RandomModel("mlp-2m", (784,), (), (2000, 60, 4000, 10)),
)
