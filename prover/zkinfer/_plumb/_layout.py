"""What a circuit's settings say of its layout, and that they say it truly.

``BSET`` sections hold `Layout.to_bytes`, canonical JSON. All of it is public, also where weights
are hidden: no digest of hidden weights stands in it, since whoever guesses them could confirm the
guess.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zkinfer._errors import ArtifactMalformed
from zkinfer._settings import Optimize, Visibility
from zkinfer._statement import Statement, canonical_json
from zkinfer_circuits import layout_program
from zkinfer_contracts import keccak256

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zkinfer_circuits import PlumbCircuit, Program

_DIGEST = re.compile("[0-9a-f]{64}")
# How many seconds a proof may take longer for one gas less. Neither goal is followed to the end: a
# hundred commitments more to save a tenth of a second would cost every verifier, and the least gas
# may take ten times as long. In between, 100,000 gas are worth 0.3 s: networks of 100,000 weights
# give up a quarter of a second for a quarter of the gas, small ones stay as fast as they can be.
_GAS_WORTH = {Optimize.BALANCED: 3e-6, Optimize.TIME: 1e-7, Optimize.GAS: 2e-5}


@dataclass(frozen=True)
class Layout:
    """A circuit's settings.

    Attributes
    ----------
    descriptor
        Keccak-256 of the layout's descriptor, hexadecimal.
    weights
        Keccak-256 of the weights as integers, hexadecimal; None where they are hidden.
    input_order, output_order
        For each value in the order of the proof, its place in the flat tensor; empty where both
        orders are the same.
    """

    descriptor: str
    weights: str | None
    input_order: tuple[int, ...]
    output_order: tuple[int, ...]

    @classmethod
    def of(cls, made: PlumbCircuit, weights: Visibility) -> Self:
        """Return the settings of a layout."""
        return cls(
            keccak256(made.descriptor).hex(),
            None if weights is Visibility.HIDDEN else _digest(made),
            _order(made.input_order),
            _order(made.output_order),
        )

    def to_bytes(self) -> bytes:
        """Return the canonical encoding."""
        return canonical_json(asdict(self))

    @classmethod
    def from_bytes(cls, statement: Statement, data: bytes, *, place: str | None = None) -> Self:
        """Parse a canonical encoding that belongs to a statement.

        Raises
        ------
        ArtifactMalformed
            It is none, or says something else than the statement.
        """
        try:
            fields = json.loads(data)
            orders = {
                name: _checked(fields[name], math.prod(shape))
                for name, shape in (
                    ("input_order", statement.input_shape),
                    ("output_order", statement.output_shape),
                )
            }
            layout = cls(**{**fields, **orders})
            hidden = statement.weights is Visibility.HIDDEN
            for digest in (layout.descriptor, *(() if hidden else (layout.weights,))):
                if type(digest) is not str or not _DIGEST.fullmatch(digest):
                    raise ValueError("a digest is out of limits")
            if hidden and layout.weights is not None:
                raise ValueError("a digest of hidden weights")
            if layout.to_bytes() != data:
                raise ValueError("not the canonical encoding")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            reason = f"the settings cannot be read: {error}"
            raise ArtifactMalformed(reason, place=place) from error
        return layout

    def to_proof(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a flat input in the order of the proof."""
        return values[list(self.input_order)] if self.input_order else values

    def from_proof(self, public: tuple[int, ...], inputs: int) -> tuple[int, ...]:
        """Return public inputs, `inputs` of them of the input, in the order of their tensors."""
        return (
            *_placed(public[:inputs], self.input_order),
            *_placed(public[inputs:], self.output_order),
        )

    def publics_to_proof(self, public: tuple[int, ...], inputs: int) -> list[int]:
        """Return public inputs in the order of the proof: the inverse of `from_proof`."""
        given, outputs = public[:inputs], public[inputs:]
        return [
            *(given[i] for i in (self.input_order[:inputs] or range(inputs))),
            *(outputs[i] for i in (self.output_order or range(len(outputs)))),
        ]


def layout_of(
    program: Program, inputs: Visibility, weights: Visibility, optimize: Optimize
) -> PlumbCircuit:
    """Return a program's layout; the same each time."""
    return layout_program(
        program, inputs=inputs.value, weights=weights.value, gas_worth=_GAS_WORTH[optimize]
    )


def _order(order: NDArray[np.int64]) -> tuple[int, ...]:
    if np.array_equal(order, np.arange(len(order))):
        return ()
    return tuple(order.tolist())


def _checked(order: Any, count: int) -> tuple[int, ...]:
    found = tuple(order)
    # Lengths first: a stranger's shape may have more values than memory holds.
    if found and (
        len(found) != count
        or any(type(i) is not int for i in found)
        or sorted(found) != list(range(count))
    ):
        raise ValueError("an order of other values than there are")
    return found


def _placed(values: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...]:
    if not order or not values:
        return values
    placed = [0] * len(values)
    for value, place in zip(values, order, strict=True):
        placed[place] = value
    return tuple(placed)


def _digest(made: PlumbCircuit) -> str:
    parts = [
        keccak256(np.ascontiguousarray(array, dtype=">i8").tobytes())
        for maps, biases in made.weights
        for array in (*maps, biases)
    ]
    return keccak256(b"".join(parts)).hex()
