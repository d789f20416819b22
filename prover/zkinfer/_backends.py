"""The interface of a proof system, and the ones there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from zkinfer._errors import ArgumentInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from zkinfer._artifacts import Circuit, ProofBundle, ProvingKey, VerifyingKey
    from zkinfer._progress import OnProgress
    from zkinfer._settings import CircuitSettings
    from zkinfer._srs import Srs
    from zkinfer._statement import Statement
    from zkinfer_circuits import Model


class Backend(Protocol):
    """A proof system: four verbs and a run without proof; holds no state."""

    name: str

    def check(self, statement: Statement, settings: bytes, *, place: str | None = None) -> None:
        """Refuse settings that do not say what the statement says."""
        ...

    def check_key(self, vk: VerifyingKey, *, place: str | None = None) -> None:
        """Refuse a verifying key whose parts do not belong together."""
        ...

    def circuit_id(self, vk: VerifyingKey) -> bytes:
        """Return the id of a key's circuit."""
        ...

    def open(self, pk: ProvingKey) -> object:
        """Return a proving key as the backend uses it."""
        ...

    def opened_verifier(self, vk: VerifyingKey) -> object:
        """Return a verifying key as the backend uses it."""
        ...

    def compile(
        self,
        model: Model,
        calibration: NDArray[np.float32],
        settings: CircuitSettings,
        on_progress: OnProgress | None = None,
    ) -> Circuit:
        """Turn a model into a circuit."""
        ...

    def setup(
        self, circuit: Circuit, srs: Srs, on_progress: OnProgress | None = None
    ) -> tuple[ProvingKey, VerifyingKey]:
        """Make the keys of a circuit."""
        ...

    def prove(
        self,
        pk: ProvingKey,
        x: NDArray[np.float32],
        context: bytes,
        on_progress: OnProgress | None = None,
    ) -> ProofBundle:
        """Prove the output on an input."""
        ...

    def verify(self, vk: VerifyingKey, bundle: ProofBundle) -> None:
        """Return nothing, or raise `ProofRejected`."""
        ...

    def evaluate(
        self,
        circuit: Circuit,
        inputs: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        *,
        constraints: bool,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float64]:
        """Run the quantised program, with its constraints checked if asked."""
        ...


def find_backend(name: str) -> Backend:
    """Return the backend of a name.

    Raises
    ------
    ArgumentInvalid
        There is none of that name.
    """
    if name == "ezkl":
        from zkinfer._ezkl._backend import EzklBackend

        return EzklBackend()
    if name == "plumb":
        from zkinfer._plumb._backend import PlumbBackend

        return PlumbBackend()
    raise ArgumentInvalid(
        f"there is no {name!r}; this release has 'plumb' and 'ezkl'", place="backend"
    )
