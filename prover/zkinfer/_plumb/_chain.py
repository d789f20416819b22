"""A circuit and its public inputs as Plumb's contract takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import zkinfer_core as core
from zkinfer._plumb._layout import Layout
from zkinfer._settings import Visibility
from zkinfer_contracts import PlumbModel, keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zkinfer._artifacts import VerifyingKey


def chain_model(vk: VerifyingKey) -> PlumbModel:
    """Return what a circuit is registered with."""
    key = cast("core.VerifyingKey", vk.opened)
    return PlumbModel(
        srs_id=vk.srs.id,
        statement=keccak256(vk.statement.to_bytes()),
        settings=keccak256(vk.backend_settings),
        descriptor=key.descriptor,
        weights=b"".join(key.commitments),
        registration=key.registration,
    )


def chain_inputs(vk: VerifyingKey, public_inputs: Sequence[int]) -> list[int]:
    """Return public inputs in the order of the proof; of a wrong number, as they are."""
    statement = vk.statement
    if len(public_inputs) != statement.public_input_count:
        return list(public_inputs)
    layout = Layout.from_bytes(statement, vk.backend_settings)
    shown = statement.input_count if statement.inputs is Visibility.PUBLIC else 0
    return layout.publics_to_proof(tuple(public_inputs), shown)
