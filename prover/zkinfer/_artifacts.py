"""What is written, sent and read: circuits, keys and proof bundles (docs/formats.md).

Parsing checks everything that does not need the proof system; the types then mean "checked".
Each type has ``save`` and ``load``; all but the proving key, which can be larger than memory, have
``to_bytes`` and ``from_bytes`` as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from zkinfer import _container, _field
from zkinfer._arrays import real_array
from zkinfer._backends import find_backend
from zkinfer._calibration import Calibration
from zkinfer._container import FileSlice
from zkinfer._errors import (
    ArgumentInvalid,
    ArtifactMalformed,
    ContextInvalid,
    ProgramMissing,
    PublicInputCountMismatch,
    PublicInputNotCanonical,
)
from zkinfer._report import Report, report
from zkinfer._srs import POINT_BYTES, SrsPoints
from zkinfer._statement import HIDDEN_MODEL, CircuitId, Statement, key_digest
from zkinfer_circuits import (
    CompiledProgram,
    InputShapeMismatch,
    Model,
    ModelRefused,
    check_input,
    load_model,
    rebuild_program,
    run_float,
)
from zkinfer_contracts import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from zkinfer._progress import OnProgress

RunMode = Literal["float", "reference", "mock"]
CONTEXT_BYTES = 32
NO_CONTEXT = bytes(CONTEXT_BYTES)


@dataclass(frozen=True)
class Circuit:
    """A model turned into what a backend proves.

    Attributes
    ----------
    statement
        What its proofs are about.
    onnx
        The model in normal form.
    backend_settings
        The backend's settings, canonical.
    calibration
        What was measured on the calibration data; describes the circuit, and is no part of its
        identity.
    """

    statement: Statement
    onnx: bytes = field(repr=False)
    backend_settings: bytes = field(repr=False)
    calibration: Calibration = field(repr=False, compare=False)

    @cached_property
    def model(self) -> Model:
        """The model, parsed and checked again."""
        return load_model(self.onnx)

    @cached_property
    def program(self) -> CompiledProgram:
        """The model as exact operations on integers, as it was quantised when compiled.

        Raises
        ------
        ProgramMissing
            The circuit holds none.
        ArtifactMalformed
            What it holds makes no program of its model.
        """
        if self.calibration.program is None:
            raise ProgramMissing("the model has none within the error bound")
        try:
            return rebuild_program(self.model, self.calibration.program)
        except (ModelRefused, ValueError) as error:
            raise ArtifactMalformed(f"its program cannot be made: {error}") from error

    @property
    def digest(self) -> bytes:
        """Keccak-256 of the statement, which names the model and the settings.

        Equal for equal circuits. The circuit id adds the verifying key and the SRS, which exist
        after setup.
        """
        return keccak256(self.statement.to_bytes())

    def run(
        self, x: ArrayLike, *, mode: RunMode, on_progress: OnProgress | None = None
    ) -> NDArray[np.float64]:
        """Run the model on inputs without proving: the rungs before `prove`.

        Parameters
        ----------
        x
            One input of the model's shape (a leading batch dimension of 1 may be left out), or a
            stack of inputs with one more leading dimension.
        mode
            ``"float"``: the ONNX model in floating point. ``"reference"``: the program, exact on
            integers (docs/programs.md). ``"mock"``: the backend's circuit, every constraint checked
            without cryptography; these are the outputs that a proof states. ezkl quantises in a way
            of its own, so that with it the last two differ a little.
        on_progress
            Called with a `Progress` while it runs.

        Returns
        -------
        numpy.ndarray
            Outputs as real numbers, of the model's output shape, or stacked like the inputs.

        Raises
        ------
        InputShapeMismatch, InputNotFinite, InputOutOfRange
            The input cannot be run.
        ProgramMissing
            The circuit has no program to run as a reference.
        ValueError
            There is no such mode.
        """
        if mode not in ("float", "reference", "mock"):
            raise ValueError(f"mode is 'float', 'reference' or 'mock', not {mode!r}")
        values = real_array(x)
        try:
            inputs, single = [check_input(self.model, values)], True
        except InputShapeMismatch:
            if values.ndim < 2 or not len(values):
                raise
            inputs, single = [check_input(self.model, row) for row in values], False
        if mode == "float":
            outputs = np.stack([run_float(self.model, row) for row in inputs]).astype(np.float64)
        elif mode == "reference":
            program = self.program.program
            outputs = program.dequantize(program.run(program.quantize(np.stack(inputs))))
        else:
            outputs = self.evaluate(inputs, constraints=True, on_progress=on_progress)
        return outputs[0] if single else outputs

    def evaluate(
        self,
        inputs: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        *,
        constraints: bool,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float64]:
        """Run the backend's circuit on checked inputs, with or without its constraints checked."""
        backend = find_backend(self.statement.backend)
        return backend.evaluate(self, inputs, constraints=constraints, on_progress=on_progress)

    def report(
        self, data: ArrayLike | None = None, *, on_progress: OnProgress | None = None
    ) -> Report:
        """Return what the circuit is, what it costs, and what a verifier learns.

        Parameters
        ----------
        data
            A stack of inputs, (samples, *input shape), to measure the error and the ranges of
            layers on. The circuit holds only what was measured when it was compiled, which
            has no plots.
        on_progress
            Called with a `Progress` while it runs.

        Raises
        ------
        InputTypeMismatch, InputShapeMismatch, InputNotFinite
            The data are no such stack.
        """
        return report(self, data, on_progress)

    def _sections(self) -> dict[bytes, _container.Payload]:
        return {
            b"STAT": self.statement.to_bytes(),
            b"ONNX": self.onnx,
            b"BSET": self.backend_settings,
            b"CALI": self.calibration.to_bytes(),
        }

    def to_bytes(self) -> bytes:
        """Return the artefact's bytes; equal circuits have equal bytes."""
        return _container.to_bytes(_container.CIRCUIT, self._sections())

    def save(self, path: str | Path) -> None:
        """Write the artefact, whole or not at all."""
        _container.save(Path(path), _container.CIRCUIT, self._sections())

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str | None = None) -> Self:
        """Parse an artefact.

        Raises
        ------
        ArtifactMalformed, ArtifactWrongKind, ArtifactWrongVersion
            The bytes are not one whole circuit, or its parts do not belong together.
        """
        parts = _container.from_bytes(data, _container.CIRCUIT, place=place)
        statement = Statement.from_bytes(parts[b"STAT"], place=place)
        for tag, named in ((b"ONNX", statement.model), (b"BSET", statement.settings)):
            if named != HIDDEN_MODEL and keccak256(parts[tag]).hex() != named:
                reason = f"section {tag.decode()} is not the one its statement names"
                raise ArtifactMalformed(reason, place=place)
        _check_settings(statement, parts[b"BSET"], place)
        calibration = Calibration.from_bytes(parts[b"CALI"], place=place)
        return cls(statement, parts[b"ONNX"], parts[b"BSET"], calibration)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read and parse an artefact's file; raises as `from_bytes`, or ArtifactNotFound."""
        return cls.from_bytes(_read(path, _container.CIRCUIT), place=f"file '{path}'")


@dataclass(frozen=True)
class VerifyingKey:
    """What a verifier needs, and all that it needs.

    Attributes
    ----------
    statement
        What the key's proofs are about.
    backend_settings, backend_key, chain_key
        The backend's settings, its verifying key, and that key as its contract takes it.
    srs
        The two points that name the SRS.
    """

    statement: Statement
    backend_settings: bytes = field(repr=False)
    backend_key: bytes = field(repr=False)
    chain_key: bytes = field(repr=False)
    srs: SrsPoints = field(repr=False)

    @cached_property
    def key_digest(self) -> bytes:
        """Digest of the statement, the settings and the backend's key, 32 bytes."""
        return key_digest(self.statement.to_bytes(), self.backend_settings, self.backend_key)

    @cached_property
    def circuit_id(self) -> CircuitId:
        """Identity of the circuit; computed from the parts, never stored."""
        return CircuitId(find_backend(self.statement.backend).circuit_id(self))

    @cached_property
    def opened(self) -> object:
        """The key as its backend uses it, read once."""
        return find_backend(self.statement.backend).opened_verifier(self)

    def to_bytes(self) -> bytes:
        """Return the artefact's bytes; equal keys have equal bytes."""
        return _container.to_bytes(
            _container.VERIFYING_KEY,
            {
                b"STAT": self.statement.to_bytes(),
                b"BSET": self.backend_settings,
                b"BKEY": self.backend_key,
                b"BEVM": self.chain_key,
                b"SRSP": self.srs.to_bytes(),
            },
        )

    def save(self, path: str | Path) -> None:
        """Write the artefact, whole or not at all."""
        _write(path, self.to_bytes())

    @classmethod
    def from_bytes(
        cls, data: bytes, *, allow_unsafe_srs: bool = False, place: str | None = None
    ) -> Self:
        """Parse an artefact; the SRS is checked here, at every load.

        Parameters
        ----------
        data
            The artefact's bytes.
        allow_unsafe_srs
            Accept a key on an SRS of no known ceremony.
        place
            Where the bytes are from, for errors.

        Raises
        ------
        ArtifactMalformed, ArtifactWrongKind, ArtifactWrongVersion
            The bytes are not one whole verifying key.
        SrsMalformed, SrsPairingMismatch, UnsafeSrsRefused
            The SRS points are in no group, of two secrets, or of no known ceremony.
        """
        parts = _container.from_bytes(data, _container.VERIFYING_KEY, place=place)
        statement = Statement.from_bytes(parts[b"STAT"], place=place)
        if keccak256(parts[b"BSET"]).hex() != statement.settings:
            reason = "section BSET is not the one its statement names"
            raise ArtifactMalformed(reason, place=place)
        _check_settings(statement, parts[b"BSET"], place)
        if len(parts[b"SRSP"]) != POINT_BYTES:
            raise ArtifactMalformed("the SRS points are cut short", place=place)
        srs = SrsPoints.from_bytes(parts[b"SRSP"], place=place)
        srs.require_safe(allow_unsafe_srs=allow_unsafe_srs, place=place)
        key = cls(statement, parts[b"BSET"], parts[b"BKEY"], parts[b"BEVM"], srs)
        find_backend(statement.backend).check_key(key, place=place)
        return key

    @classmethod
    def load(cls, path: str | Path, *, allow_unsafe_srs: bool = False) -> Self:
        """Read and parse an artefact's file; raises as `from_bytes`, or ArtifactNotFound."""
        data = _read(path, _container.VERIFYING_KEY)
        return cls.from_bytes(data, allow_unsafe_srs=allow_unsafe_srs, place=f"file '{path}'")


@dataclass(frozen=True)
class ProvingKey:
    """What a prover needs: the model, the backend's key, and the verifying key.

    The backend's proving key can be larger than memory, so it stays in a file: the one it was
    loaded from, or a private one that goes when the object does.
    """

    verifying_key: VerifyingKey
    onnx: bytes = field(repr=False)
    backend_proving_key: FileSlice = field(repr=False)
    # Keeps the private file alive, where there is one.
    _owner: object = field(default=None, repr=False, compare=False)

    @property
    def statement(self) -> Statement:
        """What the key's proofs are about."""
        return self.verifying_key.statement

    @property
    def circuit_id(self) -> CircuitId:
        """Identity of the circuit."""
        return self.verifying_key.circuit_id

    @cached_property
    def model(self) -> Model:
        """The model, parsed and checked again."""
        return load_model(self.onnx)

    @cached_property
    def opened(self) -> object:
        """The key as its backend uses it, read once."""
        return find_backend(self.statement.backend).open(self)

    def save(self, path: str | Path) -> None:
        """Write the artefact, whole or not at all."""
        sections: dict[bytes, _container.Payload] = {
            b"VKEY": self.verifying_key.to_bytes(),
            b"ONNX": self.onnx,
            b"BPRV": self.backend_proving_key,
        }
        _container.save(Path(path), _container.PROVING_KEY, sections)

    @classmethod
    def load(cls, path: str | Path, *, allow_unsafe_srs: bool = False) -> Self:
        """Read and parse an artefact's file; the SRS is checked as for a verifying key.

        Raises as `VerifyingKey.from_bytes`, or ArtifactNotFound.
        """
        path = Path(path)
        place = f"file '{path}'"
        parts = _container.load(path, _container.PROVING_KEY, on_disk=frozenset({b"BPRV"}))
        vkey, onnx, backend = parts[b"VKEY"], parts[b"ONNX"], parts[b"BPRV"]
        if not (isinstance(vkey, bytes) and isinstance(onnx, bytes)):
            raise ArtifactMalformed("a small section was left on disk", place=place)
        if not isinstance(backend, FileSlice):
            raise ArtifactMalformed("the large section was not left on disk", place=place)
        key = VerifyingKey.from_bytes(vkey, allow_unsafe_srs=allow_unsafe_srs, place=place)
        if key.statement.model not in (HIDDEN_MODEL, keccak256(onnx).hex()):
            raise ArtifactMalformed("its model is not the one its statement names", place=place)
        return cls(key, onnx, backend)


@dataclass(frozen=True)
class ProofBundle:
    """What travels: the statement's public values, and the proof.

    Attributes
    ----------
    circuit_id
        The circuit that the proof says it is for; the verifier compares it with its own.
    context
        32 bytes bound by the proof.
    public_inputs
        Field elements in [0, r): the input where it is public, then the output.
    proof
        Opaque bytes of the backend.
    """

    circuit_id: CircuitId
    context: bytes
    public_inputs: tuple[int, ...]
    proof: bytes = field(repr=False)
    # Needed to read the public inputs as numbers; not part of the artefact, and bound to the
    # proof by the circuit id.
    _statement: Statement | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hold the type to what it says.

        Raises
        ------
        PublicInputNotCanonical
            A public input is not in [0, r).
        ContextInvalid
            The context is not 32 bytes.
        """
        for index, value in enumerate(self.public_inputs):
            if type(value) is not int or not 0 <= value < _field.R:
                raise PublicInputNotCanonical(
                    index=index, reason="not below the field's modulus"
                )  # A11
        if len(self.context) != CONTEXT_BYTES:
            raise ContextInvalid(f"got {len(self.context)} bytes")

    def values(self, statement: Statement) -> PublicValues:
        """Read the public inputs as numbers, by the statement of the verifying key."""
        return PublicValues.of(self, statement)

    @property
    def outputs(self) -> NDArray[np.float64]:
        """The outputs as real numbers, recomputed from the bound public inputs.

        A bundle read from a file knows no scales: use ``bundle.values(vk.statement)`` there.

        Raises
        ------
        ValueError
            The bundle was read from a file.
        """
        if self._statement is None:
            raise ValueError("a bundle from a file has no scales: use bundle.values(vk.statement)")
        return self.values(self._statement).outputs

    def to_bytes(self) -> bytes:
        """Return the artefact's bytes."""
        return _container.to_bytes(
            _container.PROOF_BUNDLE,
            {
                b"CIRC": bytes(self.circuit_id),
                b"CTXT": self.context,
                b"PUBL": b"".join(_field.field_element_to_bytes(v) for v in self.public_inputs),
                b"PROF": self.proof,
            },
        )

    def save(self, path: str | Path) -> None:
        """Write the artefact, whole or not at all."""
        _write(path, self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, *, place: str | None = None) -> Self:
        """Parse an artefact.

        Raises
        ------
        ArtifactMalformed, ArtifactWrongKind, ArtifactWrongVersion
            The bytes are not one whole proof bundle.
        PublicInputNotCanonical
            A public input is not below the field's modulus.
        """
        parts = _container.from_bytes(data, _container.PROOF_BUNDLE, place=place)
        for tag, size in ((b"CIRC", 32), (b"CTXT", CONTEXT_BYTES)):
            if len(parts[tag]) != size:
                raise ArtifactMalformed(f"section {tag.decode()} is cut short", place=place)
        raw = parts[b"PUBL"]
        if len(raw) % _field.BYTES:
            raise ArtifactMalformed("a public input is cut short", place=place)
        values = (
            int.from_bytes(raw[start : start + _field.BYTES], "big")
            for start in range(0, len(raw), _field.BYTES)
        )
        return cls(CircuitId(parts[b"CIRC"]), parts[b"CTXT"], tuple(values), parts[b"PROF"])

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read and parse an artefact's file; raises as `from_bytes`, or ArtifactNotFound."""
        return cls.from_bytes(_read(path, _container.PROOF_BUNDLE), place=f"file '{path}'")


@dataclass(frozen=True)
class PublicValues:
    """Public inputs read as numbers.

    Attributes
    ----------
    inputs
        The input as real numbers, of the model's input shape; None where it is hidden.
    outputs
        The outputs as real numbers, of the model's output shape.
    output_integers
        The outputs as the integers that the proof binds, in units of the statement's scale.
    """

    inputs: NDArray[np.float64] | None
    outputs: NDArray[np.float64]
    output_integers: NDArray[np.int64]

    @classmethod
    def of(cls, bundle: ProofBundle, statement: Statement) -> Self:
        """Read a bundle's public inputs by a statement.

        Raises
        ------
        PublicInputCountMismatch
            The bundle has another number of public inputs than the statement.
        PublicInputNotCanonical
            A value is no 64-bit integer.
        """
        if len(bundle.public_inputs) != statement.public_input_count:
            raise PublicInputCountMismatch(
                expected=statement.public_input_count, got=len(bundle.public_inputs)
            )  # A14
        integers = [_field.to_signed(value) for value in bundle.public_inputs]
        for index, value in enumerate(integers):
            if not -(1 << 63) <= value < 1 << 63:
                raise PublicInputNotCanonical(index=index, reason="not a 64-bit integer")  # A11
        split = len(integers) - math.prod(statement.output_shape)
        outputs = np.array(integers[split:], dtype=np.int64).reshape(statement.output_shape)
        inputs = None
        if statement.public_input_shape is not None:
            raw = np.array(integers[:split], dtype=np.int64)
            inputs = raw.reshape(statement.input_shape) * statement.input_unit
        return cls(inputs, outputs * statement.output_unit, outputs)


def _check_settings(statement: Statement, settings: bytes, place: str | None) -> None:
    try:
        backend = find_backend(statement.backend)
    except ArgumentInvalid as error:
        raise ArtifactMalformed(f"backend {error.detail}", place=place) from error
    backend.check(statement, settings, place=place)


def _read(path: str | Path, kind: _container.Kind) -> bytes:
    return _container.read_file(Path(path), kind)


def _write(path: str | Path, data: bytes) -> None:
    _container.write_file(Path(path), data)
