"""compile, setup, prove and verify by ezkl.

Traps that this module keeps shut (each has a test):

- Weights are fixed, never private: with ezkl's private parameters two models of one shape share a
  verifying key, so the proof of one verifies as the other's.
- Range checks come in random order, so settings are put into canonical order first.
- The human-readable part of ezkl's proof file is not bound by the proof; it is neither written nor
  read. Bundles carry the field elements alone.
- Every input is private to ezkl. What is public (the input, if so asked, and the context) passes
  through the graph to a public output, so there is one kind of public value.
- ezkl blinds its columns, but not the commitments to how often each digit of its range checks
  occurs: they depend on the input alone, so that a guessed input could be confirmed and two proofs
  of one input be linked. Every proof therefore range-checks a fresh random salt as well, whose
  digits are counted with the others (`draw_salt`).
- The context that enters the circuit is keccak256(circuit id, context), so that a proof is also
  bound to every byte of the key, among them those that ezkl's transcript leaves out.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer import _halo2_srs
from zkinfer._arrays import winners
from zkinfer._artifacts import Circuit, ProofBundle, ProvingKey, VerifyingKey
from zkinfer._calibration import Calibration
from zkinfer._container import FileSlice
from zkinfer._errors import (
    ArtifactMalformed,
    BackendFailed,
    NotEnoughMemory,
    ProofInvalid,
    VisibilityUnsupported,
)
from zkinfer._ezkl import _candidates, _process
from zkinfer._ezkl._agreement import settings_of
from zkinfer._ezkl._calls import compile_call, generate_settings, witness_call
from zkinfer._ezkl._candidates import SALT_LIMBS, Candidate
from zkinfer._ezkl._folder import (
    draw_salt,
    field_from_ezkl,
    field_to_ezkl,
    read_outputs,
    write_circuit,
    write_input,
    write_model,
)
from zkinfer._ezkl._operators import require_provable
from zkinfer._ezkl._process import Call, CallFailed, Job
from zkinfer._files import FolderOwner, WorkFolder
from zkinfer._settings import CircuitSettings, Optimize, Visibility
from zkinfer._srs import Srs, SrsPoints, srs_of
from zkinfer._statement import Statement, canonical_json
from zkinfer_circuits import (
    AccuracyUnreachable,
    InputOutOfRange,
    Model,
    check_input,
    run_float,
)
from zkinfer_contracts import (
    CONTEXT_LIMBS,
    circuit_id,
    context_limbs,
    keccak256,
    proof_length,
    vka_digest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zkinfer._progress import OnProgress

NAME = "ezkl"
_CALIBRATED = 64
_MARGIN = 4.0


def _check_visibilities(settings: CircuitSettings) -> None:
    if settings.weights is not Visibility.PUBLIC:
        raise VisibilityUnsupported(
            "ezkl cannot hide weights: it binds fixed ones only, by commitments that do not hide; "
            "its private weights bind no model, so that another model's proof would verify under "
            "the same key. Use weights='public'"
        )
    if settings.inputs is Visibility.COMMITTED:
        raise VisibilityUnsupported(
            "inputs cannot be committed by the ezkl backend: its commitments have no salt, so a "
            "guessed input can be confirmed. Use inputs='hidden' or 'public'"
        )
    if settings.outputs is not Visibility.PUBLIC:
        raise VisibilityUnsupported(
            "outputs must be public with the ezkl backend: a proof about a hidden output says "
            "nothing that a verifier could use. Use outputs='public'"
        )


class EzklBackend:
    """The four verbs; holds no state."""

    name = NAME

    def check(self, statement: Statement, settings: bytes, *, place: str | None = None) -> None:
        """Refuse settings that do not say what the statement says.

        Raises
        ------
        ArtifactMalformed
            The reason names the field.
        """
        settings_of(statement, settings, place=place)

    def check_key(self, vk: VerifyingKey, *, place: str | None = None) -> None:
        """Refuse a key whose part for the contract is none.

        Raises
        ------
        ArtifactMalformed
            It is none.
        """
        try:
            proof_length(vk.chain_key)
        except ValueError as error:
            raise ArtifactMalformed(str(error), place=place) from error

    def circuit_id(self, vk: VerifyingKey) -> bytes:
        """Return the circuit's id, as its contract computes it."""
        return circuit_id(
            vk.key_digest,
            vka_digest(vk.chain_key),
            vk.srs.id,
            vk.statement.public_input_count,
        )

    def open(self, pk: ProvingKey) -> FileSlice:
        """Return a proving key as ezkl reads it: its file."""
        return pk.backend_proving_key

    def opened_verifier(self, vk: VerifyingKey) -> bytes:
        """Return a verifying key as ezkl reads it."""
        return vk.backend_key

    def compile(
        self,
        model: Model,
        calibration: NDArray[np.float32],
        settings: CircuitSettings,
        on_progress: OnProgress | None = None,
    ) -> Circuit:
        """Choose ezkl settings by the calibration data and measure them there.

        Raises
        ------
        VisibilityUnsupported
            ezkl cannot keep what the visibilities promise.
        UnsupportedOperator, UnsupportedGraph
            ezkl has no constraints for a part of the model.
        AccuracyUnreachable
            No settings within the error bound hold the calibration data.
        """
        require_provable(model)
        _check_visibilities(settings)
        exposed = settings.inputs is Visibility.PUBLIC
        samples = calibration[:_CALIBRATED]
        floats = np.stack([run_float(model, x) for x in samples])
        with WorkFolder() as folder:
            write_model(folder, model, exposed=exposed)
            raw, outputs = self._choose(folder, model, samples, floats, settings, on_progress)
        return _circuit(model, settings, raw, floats, outputs)

    def _choose(
        self,
        folder: WorkFolder,
        model: Model,
        samples: NDArray[np.float32],
        floats: NDArray[np.float32],
        settings: CircuitSettings,
        on_progress: OnProgress | None,
    ) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """Return ezkl's settings, canonical, and the outputs that they give on the samples."""
        bound = settings.largest_error(floats)
        scales = (settings.scale_bits,) if settings.scale_bits else _candidates.SCALES
        best = math.inf
        for scale in scales:
            found = self._fitting(folder, model, samples, scale, settings.optimize, on_progress)
            if found is None:
                continue
            raw, outputs = found
            best = float(np.abs(outputs - floats).max())
            if best <= bound or (settings.scale_bits and settings.max_error is None):
                return raw, outputs
        raise AccuracyUnreachable(
            "no circuit holds the calibration data"
            if best == math.inf
            else f"the largest error is {best:.4g}, allowed {bound:.4g}"
        )

    def _fitting(
        self,
        folder: WorkFolder,
        model: Model,
        samples: NDArray[np.float32],
        scale: int,
        optimize: Optimize,
        on_progress: OnProgress | None,
    ) -> tuple[dict[str, Any], NDArray[np.float64]] | None:
        """Return the cheapest settings of a scale that hold the samples, and the outputs."""
        order = itertools.count()
        queue: list[tuple[tuple[float, float, int], int, Candidate, dict[str, Any] | None]] = []
        candidates = _candidates.candidates(scale)
        for candidate, raw in zip(
            candidates, generate_settings(folder, candidates, on_progress), strict=True
        ):
            for cost, variant in candidate.variants(raw):
                heapq.heappush(queue, (cost.weight(optimize), next(order), variant, None))
        while queue:
            _, _, candidate, known = heapq.heappop(queue)
            if known is None:
                # Expected to be the cheapest: ask ezkl for its real size, and queue again.
                (raw,) = generate_settings(folder, [candidate], on_progress)
                cost = candidate.cost(raw)
                raw["run_args"]["logrows"] = cost.logrows
                if cost.logrows <= _candidates.LARGEST_K:
                    heapq.heappush(queue, (cost.weight(optimize), next(order), candidate, raw))
                continue
            raw = known
            (folder.path / "settings.json").write_bytes(canonical_json(raw))
            try:
                # Inputs larger than all that were seen must fit as well.
                self._witnesses(folder, model, raw, samples[:4] * _MARGIN, "margins", on_progress)
                outputs = self._witnesses(folder, model, raw, samples, "accuracy", on_progress)
            except CallFailed as error:
                if error.name != "gen_witness":
                    raise _process.failed(error) from None
                continue
            return raw, outputs
        return None

    def _witnesses(
        self,
        folder: WorkFolder,
        model: Model,
        raw: dict[str, Any],
        samples: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        what: str,
        on_progress: OnProgress | None,
    ) -> NDArray[np.float64]:
        """Run ezkl's quantised forward pass; return the outputs, shape (samples, *output)."""
        calls = [compile_call(folder)]
        # Nothing of these runs leaves this process: no context, no salt.
        limbs, salt = (0,) * CONTEXT_LIMBS, (0,) * SALT_LIMBS
        scale_bits = raw["run_args"]["input_scale"]
        for i, x in enumerate(samples):
            write_input(folder.path / f"input-{i}.json", x, scale_bits, limbs, salt)
            calls.append(witness_call(folder, f"measuring {what}", f"-{i}"))
        _process.run(Job("compile", tuple(calls), 0.2 + 0.02 * len(calls)), folder, on_progress)
        found = [read_outputs(folder.path / f"witness-{i}.json", raw) for i in range(len(samples))]
        return np.stack(found).reshape(len(samples), *model.output_shape)

    def evaluate(
        self,
        circuit: Circuit,
        inputs: Sequence[NDArray[np.float32]] | NDArray[np.float32],
        *,
        constraints: bool,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float64]:
        """Run the quantised program on inputs without a proof.

        Parameters
        ----------
        circuit
            The circuit.
        inputs
            Inputs of the model's shape.
        constraints
            Also check every constraint of the circuit, without cryptography (mock proof).

        Returns
        -------
        numpy.ndarray
            Outputs as real numbers, shape (inputs, *output shape).

        Raises
        ------
        InputOutOfRange
            A value leaves the circuit's range.
        """
        require_provable(circuit.model)
        raw = settings_of(circuit.statement, circuit.backend_settings)
        with WorkFolder() as folder:
            write_circuit(folder, circuit.model, circuit.statement, circuit.backend_settings)
            checked = [check_input(circuit.model, x) for x in inputs]
            try:
                outputs = self._witnesses(
                    folder, circuit.model, raw, checked, "outputs", on_progress
                )
            except CallFailed as error:
                raise _out_of_range(error) from None
            if constraints:
                calls = [compile_call(folder)]
                calls += [
                    Call(
                        "mock",
                        "checking constraints",
                        {
                            "witness": str(folder.path / f"witness-{i}.json"),
                            "model": str(folder.path / "circuit"),
                        },
                    )
                    for i in range(len(checked))
                ]
                try:
                    _process.run(Job("mock", tuple(calls), 0.2 * len(calls)), folder, on_progress)
                except CallFailed:
                    raise BackendFailed("the circuit's constraints do not hold") from None
            return outputs

    def setup(
        self, circuit: Circuit, srs: Srs, on_progress: OnProgress | None = None
    ) -> tuple[ProvingKey, VerifyingKey]:
        """Make the keys of a circuit on an SRS.

        Raises
        ------
        UnsupportedOperator, UnsupportedGraph
            ezkl has no constraints for a part of the model: whoever made the circuit did not
            compile it.
        SrsError
            The SRS is missing, too small or damaged.
        NotEnoughMemory
            The job would not fit this machine.
        """
        require_provable(circuit.model)
        raw = settings_of(circuit.statement, circuit.backend_settings)
        cost = _candidates.cost_of(raw)
        _require_memory(cost.peak_mb)
        srs_file = srs.file(cost.logrows)
        # Owned by the proving key: the backend's key stays in this folder as long as it lives.
        folder = WorkFolder()
        try:
            write_circuit(folder, circuit.model, circuit.statement, circuit.backend_settings)
            self._require_derived(folder, raw, on_progress)
            at = folder.path
            calls = (
                compile_call(folder),
                Call(
                    "setup",
                    "making keys",
                    {
                        "model": str(at / "circuit"),
                        "vk_path": str(at / "vk"),
                        "pk_path": str(at / "pk"),
                        "srs_path": str(srs_file),
                    },
                ),
                Call(
                    "create_evm_vka",
                    "making the contract's key",
                    {
                        "vk_path": str(at / "vk"),
                        "settings_path": str(at / "settings.json"),
                        "vka_path": str(at / "vka"),
                        "srs_path": str(srs_file),
                    },
                ),
            )
            try:
                _process.run(Job("setup", calls, cost.prove_s), folder, on_progress)
            except CallFailed as error:
                raise _process.failed(error) from None
            vk = VerifyingKey(
                circuit.statement,
                circuit.backend_settings,
                (at / "vk").read_bytes(),
                (at / "vka").read_bytes(),
                srs.points,
            )
            pk_file = FileSlice(at / "pk", 0, (at / "pk").stat().st_size)
            owner = FolderOwner(folder)
            return ProvingKey(vk, circuit.onnx, pk_file, owner), vk
        except BaseException:
            folder.close()
            raise

    def _require_derived(
        self, folder: WorkFolder, raw: dict[str, Any], on_progress: OnProgress | None
    ) -> None:
        """Refuse settings that are not those which ezkl derives from the model.

        Whoever makes keys of a stranger's circuit would otherwise take the stranger's word for
        which values are range-checked.
        """
        (derived,) = generate_settings(folder, [_candidates.candidate_of(raw)], on_progress)
        derived["run_args"]["logrows"] = raw["run_args"]["logrows"]
        if derived != raw:
            raise ArtifactMalformed("its settings are not the model's")

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
            A value leaves the circuit's range.
        SrsError
            The powers of the key's SRS are missing or damaged.
        NotEnoughMemory
            The job would not fit this machine.
        """
        require_provable(pk.model)
        vk = pk.verifying_key
        raw = settings_of(vk.statement, vk.backend_settings)
        cost = _candidates.cost_of(raw)
        _require_memory(cost.peak_mb)
        srs_file = srs_of(vk.srs).file(cost.logrows)
        limbs = context_limbs(bytes(vk.circuit_id), context)
        with WorkFolder() as folder:
            at = folder.path
            write_circuit(folder, pk.model, vk.statement, vk.backend_settings)
            run_args = raw["run_args"]
            salt = draw_salt(run_args["decomp_base"] ** run_args["decomp_legs"])
            write_input(at / "input.json", x, run_args["input_scale"], limbs, salt)
            key_file = pk.backend_proving_key.path
            if pk.backend_proving_key.offset:
                key_file = at / "pk"
                pk.backend_proving_key.copy_to(key_file)
            calls = (
                compile_call(folder),
                witness_call(folder, "running the model"),
                Call(
                    "prove",
                    "proving",
                    {
                        "witness": str(at / "witness.json"),
                        "model": str(at / "circuit"),
                        "pk_path": str(key_file),
                        "proof_path": str(at / "proof.json"),
                        "srs_path": str(srs_file),
                    },
                ),
            )
            try:
                _process.run(Job("prove", calls, cost.prove_s), folder, on_progress)
            except CallFailed as error:
                if error.name == "gen_witness":
                    raise _out_of_range(error) from None
                # Its words may hold values of the witness.
                raise BackendFailed(f"{error.name} failed") from None
            answer = json.loads((at / "proof.json").read_bytes())
        instances = [field_from_ezkl(text) for group in answer["instances"] for text in group]
        proof = bytes.fromhex(answer["hex_proof"].removeprefix("0x"))
        public = tuple(instances[: vk.statement.public_input_count])
        if tuple(instances[len(public) :]) != limbs:
            raise BackendFailed("the proof's public values are not laid out as expected")
        return ProofBundle(vk.circuit_id, context, public, proof, vk.statement)

    def verify(self, vk: VerifyingKey, bundle: ProofBundle) -> None:
        """Verify the proof of a bundle whose circuit and count were checked.

        Raises
        ------
        ProofInvalid
            The proof does not verify for this key, these public inputs and this context.
        """
        _process.require_ezkl()
        import ezkl

        expected = proof_length(vk.chain_key)
        if len(bundle.proof) != expected:
            # ezkl reads what it needs and ignores the rest: one proof would have many encodings.
            raise ProofInvalid(
                f"{len(bundle.proof)} bytes, this circuit's proofs have {expected}"
            )  # Protocol
        instances = (*bundle.public_inputs, *context_limbs(bytes(vk.circuit_id), bundle.context))
        answer = {
            "protocol": None,
            "instances": [[field_to_ezkl(value) for value in instances]],
            "proof": list(bundle.proof),
            "hex_proof": "0x" + bundle.proof.hex(),
            "split": None,
            "pretty_public_inputs": None,
            "timestamp": None,
            "version": None,
        }
        with WorkFolder() as folder:
            at = folder.path
            (at / "proof.json").write_text(json.dumps(answer))
            (at / "settings.json").write_bytes(vk.backend_settings)
            (at / "vk").write_bytes(vk.backend_key)
            (at / "srs").write_bytes(_verifier_srs(vk.srs))
            try:
                accepted = ezkl.verify(
                    str(at / "proof.json"),
                    str(at / "settings.json"),
                    str(at / "vk"),
                    str(at / "srs"),
                )
            except Exception as error:
                raise ProofInvalid("the proof system refuses it") from error  # Protocol
            except BaseException as error:
                # A Rust panic is no Exception; anything else of that rank is not ours to keep.
                if type(error).__name__ != "PanicException":
                    raise
                raise ProofInvalid("the proof system cannot read it") from error  # Protocol
        if accepted is not True:
            raise ProofInvalid("the proof system refuses it")  # Protocol


def _verifier_srs(points: SrsPoints) -> bytes:
    return _halo2_srs.verifier_file(points.tau_g1, points.tau_g2)


def _circuit(
    model: Model,
    settings: CircuitSettings,
    raw: dict[str, Any],
    floats: NDArray[np.float32],
    outputs: NDArray[np.float64],
) -> Circuit:
    backend_settings = canonical_json(raw)
    statement = Statement(
        backend=NAME,
        backend_version=version("ezkl"),
        input_shape=model.input_shape,
        output_shape=model.output_shape,
        input_scale_bits=int(raw["run_args"]["input_scale"]),
        output_scale_bits=int(raw["model_output_scales"][_output_index(settings.inputs)]),
        inputs=settings.inputs,
        weights=settings.weights,
        outputs=settings.outputs,
        model=keccak256(model.onnx).hex(),
        settings=keccak256(backend_settings).hex(),
    )
    cost = _candidates.cost_of(raw)
    calibration = Calibration(
        samples=len(floats),
        agreement=float((winners(floats) == winners(outputs)).mean()),
        max_abs_error=float(np.abs(outputs - floats).max()),
        output_low=float(floats.min()),
        output_high=float(floats.max()),
        rows=int(raw["num_rows"]),
        logrows=cost.logrows,
        decomposition_base=int(raw["run_args"]["decomp_base"]),
        decomposition_legs=int(raw["run_args"]["decomp_legs"]),
        estimated_prove_s=cost.prove_s,
        estimated_peak_mb=cost.peak_mb,
        estimated_pk_mb=cost.proving_key_mb,
        estimated_gas=cost.gas(statement.public_input_count),
    )
    return Circuit(statement, model.onnx, backend_settings, calibration)


def _output_index(inputs: Visibility) -> int:
    """Return which of the graph's outputs is the model's."""
    return 1 if inputs is Visibility.PUBLIC else 0


def _out_of_range(error: CallFailed) -> InputOutOfRange:
    # The error's own words hold the value.
    return InputOutOfRange("a value of this run does not fit the circuit's decomposition")


def _require_memory(needed_mb: float) -> None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return  # not Linux: the estimate stands in the report
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    available_mb = int(found["MemAvailable"].split()[0]) / 1024
    if needed_mb > available_mb:
        raise NotEnoughMemory(needed_mb=needed_mb, available_mb=available_mb)
