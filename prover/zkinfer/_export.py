"""Exports: a circuit as a project that an application developer starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zkinfer._api import verify
from zkinfer._errors import BackendWithoutContract, ModelTooLargeForChain
from zkinfer._files import write_folder_whole
from zkinfer._settings import Visibility
from zkinfer._statement import CircuitId
from zkinfer_contracts import ModelTooLarge, Project, PublicInput, SrsWithoutVerifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from zkinfer._artifacts import ProofBundle, VerifyingKey
    from zkinfer._statement import Statement


@dataclass(frozen=True)
class Export:
    """A project that was written.

    Attributes
    ----------
    folder
        Where it is.
    circuit_id
        The circuit that its contracts pin.
    verifier
        Name of the contract that verifies the circuit's proofs.
    files
        Paths of its files in that folder, sorted.
    """

    folder: Path
    circuit_id: CircuitId
    verifier: str
    files: tuple[str, ...]


def export(vk: VerifyingKey, folder: str | Path, *, bundle: ProofBundle | None = None) -> Export:
    """Write what it takes to use a circuit on chain, with tests that forge runs.

    The interfaces, the circuit's id with the meaning of its public inputs, an example of a contract
    that relies on proofs, the contracts to deploy, what deploying or registering the circuit takes,
    and tests that do all of that. They need forge and a compiler, and no network.

    Parameters
    ----------
    vk
        The circuit's verifying key.
    folder
        Where to write; new or empty. It appears complete, or not at all.
    bundle
        A proof for the tests to verify, and to damage. It is verified first, for the context that
        it says.

    Raises
    ------
    BackendWithoutContract
        No contract verifies proofs on the circuit's SRS.
    ModelTooLargeForChain
        The circuit does not fit a contract.
    ProofRejected
        The bundle is no proof of this circuit.
    FolderNotEmpty
        There is something at `folder` that is no empty folder.
    OutputNotWritable
        It cannot be written.
    """
    project = _plumb_project(vk) if vk.statement.backend == "plumb" else _ezkl_project(vk)
    files = {**project.files(), "circuit/verifying.key": vk.to_bytes()}
    if bundle is not None:
        verify(vk, bundle)
        files |= project.proof_files(bundle.proof, _in_order(vk, bundle), bundle.context)
        files["proof/proof.zkp"] = bundle.to_bytes()
    made = write_folder_whole(Path(folder), files)
    return Export(made, vk.circuit_id, project.artifacts[0], tuple(sorted(files)))


def _plumb_project(vk: VerifyingKey) -> Project:
    from zkinfer._plumb._chain import chain_inputs, chain_model

    meant = tuple(_public_inputs(vk.statement))
    placed = tuple(meant[i] for i in chain_inputs(vk, range(len(meant))))
    try:
        return Project.of_plumb(vk.srs.name, placed, chain_model(vk))
    except SrsWithoutVerifier as error:
        raise BackendWithoutContract(str(error)) from error
    except ModelTooLarge as error:
        raise ModelTooLargeForChain(str(error)) from error


def _ezkl_project(vk: VerifyingKey) -> Project:
    return Project.of_ezkl(
        bytes(vk.circuit_id),
        vk.srs.name,
        tuple(_public_inputs(vk.statement)),
        vka=vk.chain_key,
        key_digest=vk.key_digest,
        srs_id=vk.srs.id,
    )


def _in_order(vk: VerifyingKey, bundle: ProofBundle) -> Sequence[int]:
    """Return a bundle's public inputs in the order of the proof."""
    if vk.statement.backend != "plumb":
        return bundle.public_inputs
    from zkinfer._plumb._chain import chain_inputs

    return chain_inputs(vk, bundle.public_inputs)


def _public_inputs(statement: Statement) -> Iterator[PublicInput]:
    """Yield what each public input is, in the order of the tensors."""
    if statement.inputs is Visibility.PUBLIC:
        yield from _values("input", statement.input_shape, statement.input_unit)
    yield from _values("output", statement.output_shape, statement.output_unit)


def _values(
    tensor: str, shape: tuple[int, ...], unit: NDArray[np.float64]
) -> Iterator[PublicInput]:
    units = np.broadcast_to(unit, shape)
    for place in np.ndindex(*shape):
        yield PublicInput(tensor, place, float(units[place]))
