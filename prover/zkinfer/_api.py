"""The four verbs: compile, setup, prove, verify; chains are in `zkinfer.chain`."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer._arrays import real_array
from zkinfer._artifacts import (
    CONTEXT_BYTES,
    NO_CONTEXT,
    Circuit,
    ProofBundle,
    ProvingKey,
    VerifyingKey,
)
from zkinfer._backends import find_backend
from zkinfer._errors import (
    ArgumentInvalid,
    BackendMissing,
    CalibrationInvalid,
    CircuitMismatch,
    ContextInvalid,
    ContextMismatch,
    EzklTaken,
    PublicInputCountMismatch,
    VisibilityUnsupported,
)
from zkinfer._settings import CircuitSettings, Optimize, Visibility
from zkinfer._statement import CircuitId
from zkinfer_circuits import (
    InputRefused,
    InputShapeMismatch,
    InputTypeMismatch,
    Model,
    ModelRefused,
    Quantization,
    check_input,
    compile_program,
    export_torch,
    load_model,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from zkinfer._progress import OnProgress
    from zkinfer._srs import Srs


_MOST_BITS = 24


def compile(
    model: str | os.PathLike[str] | bytes | Any,  # or a torch.nn.Module
    *,
    calibration: ArrayLike,
    inputs: Visibility | str,
    weights: Visibility | str,
    outputs: Visibility | str,
    backend: str | None = None,
    optimize: Optimize | str = Optimize.BALANCED,
    scale_bits: int | None = None,
    max_error: float | None = None,
    on_progress: OnProgress | None = None,
) -> Circuit:
    """Turn a model into a circuit.

    Parameters
    ----------
    model
        An ONNX file's path, ONNX bytes, or a ``torch.nn.Module``.
    calibration
        Typical inputs, shape (samples, *input shape); a leading batch dimension of 1 in the
        model's input may be left out. The first 64 choose the precision and are measured in the
        report. With ezkl the first 4, times 4, must fit the circuit's range as well; with Plumb
        twice what was seen fits.
    inputs, weights, outputs
        Who learns each of them: ``"hidden"``, ``"committed"`` or ``"public"``. No defaults.
    backend
        The proof system: ``"plumb"`` or ``"ezkl"``. None takes Plumb, and ezkl for what only ezkl
        can do, with a warning `EzklTaken` that says why.
    optimize
        What to make small: the ``"time"`` of a proof, the ``"gas"`` of its verification on chain,
        or both in a ``"balanced"`` way, which to ezkl is time.
    scale_bits
        Fixed-point precision; None lets the backend choose within `max_error`.
    max_error
        Largest accepted absolute error of an output on the calibration data; None for 2 % of the
        outputs' range there.
    on_progress
        Called with a `Progress` while it runs.

    Raises
    ------
    ModelRefused
        The model cannot be used; the subclass says why.
    CalibrationInvalid, VisibilityUnsupported, AccuracyUnreachable, BackendError
        See each.
    """
    if scale_bits is not None and not (type(scale_bits) is int and 1 <= scale_bits <= _MOST_BITS):
        raise ArgumentInvalid(
            f"{scale_bits!r}; an integer from 1 to {_MOST_BITS}", place="scale_bits"
        )
    if max_error is not None and not 0 < max_error < math.inf:
        raise ArgumentInvalid(f"{max_error!r}; a positive number", place="max_error")
    settings = CircuitSettings(
        inputs=_visibility("inputs", inputs),
        weights=_visibility("weights", weights),
        outputs=_visibility("outputs", outputs),
        optimize=_optimize(optimize),
        scale_bits=scale_bits,
        max_error=max_error,
    )
    if isinstance(model, (str, bytes, os.PathLike)):
        checked = load_model(model)
    elif not hasattr(model, "state_dict"):
        raise TypeError(f"model is a path, ONNX bytes or a torch module, not {type(model)}")
    else:
        sample = np.asarray(calibration, dtype=np.float32)[:1]
        checked = load_model(export_torch(model, sample))
    samples = _calibration(checked, calibration)
    if backend is None:
        circuit = _compile_by_either(checked, samples, settings, on_progress)
    else:
        circuit = find_backend(backend).compile(checked, samples, settings, on_progress)
    if circuit.calibration.program is not None:
        return circuit
    program = _quantized(checked, samples, max_error)
    return replace(circuit, calibration=replace(circuit.calibration, program=program))


def _compile_by_either(
    model: Model,
    samples: NDArray[np.float32],
    settings: CircuitSettings,
    on_progress: OnProgress | None,
) -> Circuit:
    """Compile by Plumb, or by ezkl what Plumb cannot do."""
    refused: ModelRefused | VisibilityUnsupported | None = None
    if settings.scale_bits is not None:
        reason = "scale_bits is a setting of ezkl alone"
    else:
        try:
            return find_backend("plumb").compile(model, samples, settings, on_progress)
        except (ModelRefused, VisibilityUnsupported) as error:
            refused, reason = error, f"Plumb refuses: {error}"
    warnings.warn(f"ezkl is taken instead of Plumb: {reason}", EzklTaken, stacklevel=3)
    try:
        return find_backend("ezkl").compile(model, samples, settings, on_progress)
    except BackendMissing as missing:
        raise (refused or missing) from None


def _quantized(
    model: Model, samples: NDArray[np.float32], max_error: float | None
) -> Quantization | None:
    """Return what the model's program is made from, or None where it has none."""
    try:
        return compile_program(model, samples, max_error=max_error).quantization
    except ModelRefused:
        return None


def setup(
    circuit: Circuit, *, srs: Srs, on_progress: OnProgress | None = None
) -> tuple[ProvingKey, VerifyingKey]:
    """Make a circuit's keys on universal parameters, without a ceremony for the circuit.

    With hidden weights the proving key is secret, and each setup makes other keys: their
    commitments are salted.

    Raises
    ------
    SrsError
        The SRS is missing, too small or damaged.
    BackendError
        The proof system could not do it.
    """
    return find_backend(circuit.statement.backend).setup(circuit, srs, on_progress)


def prove(
    pk: ProvingKey,
    x: ArrayLike,
    *,
    context: bytes = NO_CONTEXT,
    on_progress: OnProgress | None = None,
) -> ProofBundle:
    """Prove the model's output on an input.

    Parameters
    ----------
    pk
        The proving key.
    x
        One input of the model's shape; a leading batch dimension of 1 may be left out.
    context
        32 bytes bound into the statement: who asked, for whom, until when.
    on_progress
        Called with a `Progress` while it runs.

    Raises
    ------
    InputShapeMismatch, InputNotFinite, InputOutOfRange
        The input cannot be proven.
    ContextInvalid
        The context is not 32 bytes.
    SrsError, BackendError
        See each.
    """
    checked = check_input(pk.model, real_array(x))
    return find_backend(pk.statement.backend).prove(pk, checked, _context(context), on_progress)


def verify(
    vk: VerifyingKey,
    bundle: ProofBundle,
    *,
    context: bytes | None = None,
    circuit_id: CircuitId | bytes | None = None,
) -> None:
    """Verify a proof: returns nothing, or raises.

    Parameters
    ----------
    vk
        The verifying key of the circuit that the verifier trusts.
    bundle
        The proof and its public values.
    context
        The context asked for. None accepts any; it is then the caller's to judge by
        ``bundle.context``.
    circuit_id
        The circuit asked for, where `vk` itself comes from somebody else.

    Raises
    ------
    CircuitMismatch, PublicInputCountMismatch, ContextMismatch, ProofInvalid
        The statement is not proven; all are `ProofRejected`.
    """
    own = vk.circuit_id
    if circuit_id is not None and bytes(circuit_id) != bytes(own):
        raise CircuitMismatch(expected=str(CircuitId(bytes(circuit_id))), got=str(own))  # A13
    if bundle.circuit_id != own:
        raise CircuitMismatch(expected=str(own), got=str(bundle.circuit_id))  # A13
    if context is not None and bundle.context != _context(context):
        raise ContextMismatch(expected=context.hex(), got=bundle.context.hex())  # A13
    expected = vk.statement.public_input_count
    if len(bundle.public_inputs) != expected:
        raise PublicInputCountMismatch(expected=expected, got=len(bundle.public_inputs))  # A10
    find_backend(vk.statement.backend).verify(vk, bundle)


def _visibility(what: str, value: Visibility | str) -> Visibility:
    try:
        return Visibility(value)
    except ValueError:
        choices = ", ".join(repr(v.value) for v in Visibility)
        raise VisibilityUnsupported(f"{what}={value!r}; choose one of {choices}") from None


def _optimize(value: Optimize | str) -> Optimize:
    try:
        return Optimize(value)
    except ValueError:
        choices = ", ".join(repr(goal.value) for goal in Optimize)
        raise ArgumentInvalid(f"{value!r}; choose one of {choices}", place="optimize") from None


def _context(context: bytes) -> bytes:
    if not isinstance(context, bytes) or len(context) != CONTEXT_BYTES:
        got = f"{len(context)} bytes" if isinstance(context, bytes) else type(context).__name__
        raise ContextInvalid(f"got {got}")
    return context


def _calibration(model: Model, calibration: ArrayLike) -> NDArray[np.float32]:
    try:
        values = real_array(calibration)
    except InputTypeMismatch as error:
        raise CalibrationInvalid("not an array of numbers") from error
    if values.ndim < 1 or not len(values):
        raise CalibrationInvalid("there are no samples")
    rows = []
    for index, row in enumerate(values):
        try:
            rows.append(check_input(model, row))
        except InputShapeMismatch as error:
            expected = ("samples", *model.input_shape)
            raise CalibrationInvalid(f"shape {values.shape}, expected {expected}") from error
        except InputRefused as error:
            raise CalibrationInvalid(error.detail, place=f"sample {index}") from error
    return np.stack(rows)
