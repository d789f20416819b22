"""compile, setup, prove and verify by Plumb, zkinfer's own proof system (docs/protocol.md).

- What is proven is a program (docs/programs.md), to the last bit; its layout is made anew from the
  model at setup and compared with what the circuit says.
- The context that enters a proof is keccak256(circuit id, context), so that a proof is also bound
  to the statement, whose scales say what its integers mean.
- A verifying key of hidden weights holds the proof that they are in their ranges; it is checked
  at every load.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

import numpy as np

import zkinfer_core as core
from zkinfer._arrays import winners
from zkinfer._artifacts import Circuit, ProofBundle, ProvingKey, VerifyingKey
from zkinfer._calibration import Calibration
from zkinfer._container import FileSlice
from zkinfer._errors import (
    ArgumentInvalid,
    ArtifactMalformed,
    BackendFailed,
    ProofInvalid,
    VisibilityUnsupported,
)
from zkinfer._files import FolderOwner, WorkFolder
from zkinfer._plumb._layout import Layout, layout_of
from zkinfer._plumb._parameters import core_srs
from zkinfer._progress import Progress
from zkinfer._settings import CircuitSettings, Optimize, Visibility
from zkinfer._srs import Srs, srs_of
from zkinfer._statement import HIDDEN_MODEL, Statement
from zkinfer_circuits import InputOutOfRange, Model, check_input, compile_program, run_float
from zkinfer_contracts import keccak256, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from zkinfer._progress import OnProgress
    from zkinfer_circuits import PlumbCircuit

    Array = NDArray[np.int64]

NAME = "plumb"
_CIRCUIT_DOMAIN = keccak256(b"zkinfer.plumb.circuit.v1")
_CALIBRATED = 64
# Field elements that a prover holds for each cell of each column at its peak: tables of a sumcheck,
# and the buckets of commitments.
_CELL_BYTES = 32 * 5
_MB = 1e6


class PlumbBackend:
    """The four verbs; holds no state."""

    name = NAME

    def check(self, statement: Statement, settings: bytes, *, place: str | None = None) -> None:
        """Refuse settings that do not say what the statement says.

        Raises
        ------
        ArtifactMalformed
            The reason names the field.
        """
        if not statement.input_scales or not statement.output_scales:
            raise ArtifactMalformed("the statement has no scales", place=place)
        try:
            _check_visibilities(statement)
        except VisibilityUnsupported as error:
            raise ArtifactMalformed(f"the statement: {error.detail}", place=place) from error
        Layout.from_bytes(statement, settings, place=place)

    def check_key(self, vk: VerifyingKey, *, place: str | None = None) -> None:
        """Refuse a key whose parts do not belong together.

        Raises
        ------
        ArtifactMalformed
            It is none, its weights are not registered, or it is of another layout.
        """
        try:
            key = _verifier(vk)
        except ArtifactMalformed as error:
            raise ArtifactMalformed(error.detail, place=place) from error
        statement = vk.statement
        layout = Layout.from_bytes(statement, vk.backend_settings, place=place)
        sizes = core.check_descriptor(key.descriptor)
        shown = 0 if statement.inputs is Visibility.HIDDEN else statement.input_count
        wrong = {
            "the descriptor": keccak256(key.descriptor).hex() != layout.descriptor,
            "the universal parameters": key.srs_id != vk.srs.id,
            "a chain key": vk.chain_key != b"",
            "the input's size": sizes["inputs"] != statement.input_count,
            "the output's size": sizes["public_inputs"] != shown + statement.output_count,
            "the input's visibility": sizes["input_visibility"] != statement.inputs.value,
            "the weights' visibility": sizes["weight_visibility"] != statement.weights.value,
        }
        for part, other in wrong.items():
            if other:
                raise ArtifactMalformed(f"{part} of its key is not the statement's", place=place)

    def circuit_id(self, vk: VerifyingKey) -> bytes:
        """Return the circuit's id: of the statement, the settings and the core's own id."""
        parts = (vk.statement.to_bytes(), vk.backend_settings, _verifier(vk).circuit_id)
        digest = keccak256(_CIRCUIT_DOMAIN + b"".join(keccak256(part) for part in parts))
        return named(digest, vk.srs.id)

    def compile(
        self,
        model: Model,
        calibration: NDArray[np.float32],
        settings: CircuitSettings,
        on_progress: OnProgress | None = None,
    ) -> Circuit:
        """Quantise a model and lay it out.

        Raises
        ------
        VisibilityUnsupported, ArgumentInvalid
            Plumb cannot do what the settings ask for.
        UnsupportedOperator, UnsupportedGraph, LayoutUnsupported
            Plumb has no proof of a part of the model.
        AccumulatorTooWide, AccuracyUnreachable
            No program within the error bound holds the calibration data.
        """
        _check_settings(settings)
        tell = _Teller("compile", on_progress)
        tell("choosing precision", 0.0)
        samples = calibration[:_CALIBRATED]
        floats = np.stack([run_float(model, x) for x in samples]).astype(np.float64)
        compiled = compile_program(model, samples, max_error=settings.largest_error(floats))
        program = compiled.program
        tell("choosing a layout", 0.6)
        made = layout_of(program, settings.inputs, settings.weights, settings.optimize)
        outputs = program.dequantize(program.run(program.quantize(samples)))
        layout = Layout.of(made, settings.weights).to_bytes()
        hidden = settings.weights is Visibility.HIDDEN
        statement = Statement(
            backend=NAME,
            backend_version=version("zkinfer-core"),
            input_shape=model.input_shape,
            output_shape=model.output_shape,
            input_scales=_scales(program.scales[0], program.input_shape),
            output_scales=_scales(program.scales[-1], program.output_shape),
            inputs=settings.inputs,
            weights=settings.weights,
            outputs=settings.outputs,
            model=HIDDEN_MODEL if hidden else keccak256(model.onnx).hex(),
            settings=keccak256(layout).hex(),
        )
        cost = made.cost
        cells = (cost.columns + 2 * cost.chunks) << cost.log_rows
        values = sum(sum(m.nbytes for m in maps) + b.nbytes for maps, b in made.weights)
        found = Calibration(
            samples=len(samples),
            agreement=float((winners(floats) == winners(outputs)).mean()),
            max_abs_error=float(np.abs(outputs - floats).max()),
            output_low=float(floats.min()),
            output_high=float(floats.max()),
            rows=cost.cells,
            logrows=cost.log_rows,
            decomposition_base=1 << cost.range_bits,
            decomposition_legs=cost.columns,
            estimated_prove_s=cost.prove_seconds,
            estimated_peak_mb=cells * _CELL_BYTES / _MB,
            estimated_pk_mb=(values / 4 + len(made.descriptor)) / _MB,
            estimated_gas=cost.gas,
            program=compiled.quantization,
        )
        return Circuit(statement, model.onnx, layout, found)

    def evaluate(
        self,
        circuit: Circuit,
        inputs: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        *,
        constraints: bool,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float64]:
        """Run the program, or its layout with every range checked, without a proof.

        Raises
        ------
        InputOutOfRange
            A value leaves its range.
        """
        program = circuit.program.program
        checked = [check_input(circuit.model, x) for x in inputs]
        given = program.quantize(np.stack(checked))
        outputs = program.run(given)
        if constraints:
            made = _made(circuit)
            layout = Layout.from_bytes(circuit.statement, circuit.backend_settings)
            for x, expected in zip(given, outputs, strict=True):
                got = _executed(made, layout.to_proof(x.reshape(-1)))
                placed = layout.from_proof(tuple(got), 0)
                if placed != tuple(expected.reshape(-1).tolist()):
                    raise BackendFailed("the layout computes something else than the program")
        return program.dequantize(outputs)

    def setup(
        self, circuit: Circuit, srs: Srs, on_progress: OnProgress | None = None
    ) -> tuple[ProvingKey, VerifyingKey]:
        """Make the keys of a circuit on an SRS: commit to the weights, nothing else.

        Raises
        ------
        SrsError
            The SRS is missing, too small or damaged.
        ArtifactMalformed
            The circuit is not its model's.
        """
        made = _made(circuit)
        sizes = core.check_descriptor(made.descriptor)
        parameters = core_srs(srs, sizes["log_rows"])
        tell = _Teller("setup", on_progress)
        with _translated():
            key = core.setup(parameters, made.descriptor, made.weights, on_progress=tell)
        vk = VerifyingKey(
            circuit.statement,
            circuit.backend_settings,
            key.verifying_key().to_bytes(),
            b"",
            srs.points,
        )
        # Owned by the proving key: the file stays in this folder as long as it lives.
        folder = WorkFolder()
        path = folder.path / "pk"
        path.write_bytes(key.to_bytes())
        slice_ = FileSlice(path, 0, path.stat().st_size)
        tell("done", 1.0)
        return ProvingKey(vk, circuit.onnx, slice_, FolderOwner(folder)), vk

    def open(self, pk: ProvingKey) -> core.ProvingKey:
        """Return a proving key as the core uses it.

        Raises
        ------
        ArtifactMalformed
            It is damaged, or not the one of its verifying key.
        """
        shapes = (pk.statement.input_shape, pk.statement.output_shape)
        # A statement names no hidden model.
        if (pk.model.input_shape, pk.model.output_shape) != shapes:
            raise ArtifactMalformed("its model is of other shapes than its statement")
        with _translated():
            key = core.ProvingKey.from_bytes(pk.backend_proving_key.to_bytes())
        if key.verifying_key().to_bytes() != pk.verifying_key.backend_key:
            raise ArtifactMalformed("its proving key is of another verifying key")
        return key

    def prove(
        self,
        pk: ProvingKey,
        x: NDArray[np.float32],
        context: bytes,
        on_progress: OnProgress | None = None,
    ) -> ProofBundle:
        """Prove the output of the model on an input.

        Raises
        ------
        InputOutOfRange
            A value leaves its range.
        SrsError
            The powers of the key's SRS are missing or damaged.
        ArtifactMalformed
            The key is damaged.
        """
        vk, statement = pk.verifying_key, pk.statement
        layout = Layout.from_bytes(statement, vk.backend_settings)
        key = cast("core.ProvingKey", pk.opened)
        sizes = core.check_descriptor(_verifier(vk).descriptor)
        parameters = core_srs(srs_of(vk.srs), sizes["log_rows"])
        tell = _Teller("prove", on_progress)
        given = layout.to_proof(statement.quantize(x).reshape(-1))
        bound = _bound(vk, context)
        try:
            with _translated():
                proof, public = core.prove(parameters, key, given, bound, on_progress=tell)
        except core.WitnessOutOfRange as error:
            raise _out_of_range(error) from None
        tell("done", 1.0)
        shown = statement.input_count if statement.inputs is Visibility.PUBLIC else 0
        placed = layout.from_proof(tuple(public), shown)
        return ProofBundle(vk.circuit_id, context, placed, proof, statement)

    def verify(self, vk: VerifyingKey, bundle: ProofBundle) -> None:
        """Verify the proof of a bundle whose circuit and count were checked.

        Raises
        ------
        ProofInvalid
            The proof does not verify for this key, these public inputs and this context.
        """
        statement = vk.statement
        layout = Layout.from_bytes(statement, vk.backend_settings)
        shown = statement.input_count if statement.inputs is Visibility.PUBLIC else 0
        public = layout.publics_to_proof(bundle.public_inputs, shown)
        key, bound = _verifier(vk), _bound(vk, bundle.context)
        try:
            with _translated():
                core.verify(key, bundle.proof, public, bound)
        except (core.StatementRefused, core.ProofMalformed, core.ProofRejected) as error:
            raise ProofInvalid(str(error)) from error  # Protocol

    def opened_verifier(self, vk: VerifyingKey) -> core.VerifyingKey:
        """Return a verifying key as the core uses it."""
        with _translated():
            return core.VerifyingKey.from_bytes(vk.backend_key)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise our errors where the core refuses a key, or cannot work."""
    try:
        yield
    except core.KeyMalformed as error:
        raise ArtifactMalformed(str(error)) from error
    except core.CoreFailed as error:
        # No random numbers, or a child of a process whose threads it has not.
        raise BackendFailed(str(error)) from error


def _verifier(vk: VerifyingKey) -> core.VerifyingKey:
    return cast("core.VerifyingKey", vk.opened)


class _Teller:
    """Tells a caller what the core tells."""

    def __init__(self, job: str, on_progress: OnProgress | None) -> None:
        self._job, self._tell = job, on_progress
        self._start = time.perf_counter()

    def __call__(self, stage: str, done: float) -> None:
        if self._tell is None:
            return
        elapsed = time.perf_counter() - self._start
        left = elapsed * (1 - done) / done if done > 0 else 0.0
        self._tell(Progress(self._job, stage, done, elapsed, left))


def _check_visibilities(settings: CircuitSettings | Statement) -> None:
    if settings.outputs is not Visibility.PUBLIC:
        raise VisibilityUnsupported(
            "outputs must be public: a proof about a hidden output says nothing that a verifier "
            "could use. Use outputs='public'"
        )
    if settings.weights is Visibility.COMMITTED:
        raise VisibilityUnsupported(
            "hidden weights are committed already: the circuit's id names them. Use "
            "weights='hidden'"
        )
    if settings.inputs is Visibility.COMMITTED:
        raise VisibilityUnsupported(
            "the verbs take no commitment of an input yet. Use inputs='hidden' or 'public'"
        )


def _check_settings(settings: CircuitSettings) -> None:
    _check_visibilities(settings)
    if settings.scale_bits is not None:
        raise ArgumentInvalid(
            "Plumb's scales are no powers of two; use max_error", place="scale_bits"
        )


def _scales(scale: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[float, ...]:
    """Return one scale, or one for each value."""
    found = np.asarray(scale, dtype=np.float64)
    if found.size == 1:
        return (float(found.reshape(())),)
    return tuple(np.broadcast_to(found, shape).reshape(-1).tolist())


def _made(circuit: Circuit) -> PlumbCircuit:
    """Return the layout of a circuit, made anew, which must be the one that it names."""
    statement, program = circuit.statement, circuit.program.program
    # The file does not say what it was made small for: its layout does.
    for optimize in Optimize:
        made = layout_of(program, statement.inputs, statement.weights, optimize)
        if Layout.of(made, statement.weights).to_bytes() == circuit.backend_settings:
            return made
    raise ArtifactMalformed("its settings are not the model's")


def _executed(made: PlumbCircuit, x: Array) -> list[int]:
    try:
        return core.execute(made.descriptor, made.weights, np.ascontiguousarray(x))
    except core.WitnessOutOfRange as error:
        raise _out_of_range(error) from None


def _bound(vk: VerifyingKey, context: bytes) -> bytes:
    return keccak256(bytes(vk.circuit_id) + context)


def _out_of_range(error: core.WitnessOutOfRange) -> InputOutOfRange:
    layer = "input" if error.layer is None else f"layer {error.layer}"
    return InputOutOfRange(layer=layer, value=error.value, low=error.low, high=error.high)
