"""The measurement itself (docs/performance.md says how it is done, and names every field)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import zkinfer as zk
from zkinfer._backends import find_backend
from zkinfer._bench import _machine
from zkinfer._bench._random import RandomModel
from zkinfer._errors import BackendFailed, ChainSupportMissing
from zkinfer._ezkl._own_calibration import OwnCalibration
from zkinfer._files import WorkFolder
from zkinfer._report._compare import compare
from zkinfer._settings import CircuitSettings, Visibility
from zkinfer_circuits import ZkinferError, check_input, load_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zkinfer._artifacts import Circuit, ProofBundle, ProvingKey, VerifyingKey
    from zkinfer._backends import Backend
    from zkinfer._progress import Progress
    from zkinfer.chain import Chain
    from zkinfer_models import ModelCard

    Tell = Callable[[str], None]
    Subject = ModelCard | RandomModel

# What is measured, by the names that rows carry. "ezkl-default" is no backend of the library.
BACKENDS: dict[str, Callable[[], Backend]] = {
    "plumb": lambda: find_backend("plumb"),
    "ezkl": lambda: find_backend("ezkl"),
    "ezkl-default": OwnCalibration,
}
# What main chains run; on the embedded chain its price of modular exponentiation.
GAS_FORK: Literal["osaka"] = "osaka"
_HELD_OUT = 200
# A proof that takes longer than this is measured once.
_LONG_S = 60.0
_MB = 2**20
_ESTIMATES = ("estimated_prove_s", "estimated_peak_mb", "estimated_pk_mb", "estimated_gas")
_SIZES = ("rows", "logrows", "decomposition_base", "decomposition_legs")


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    cards
        The models.
    backends
        Names in `BACKENDS`; ratios are against the first.
    runs
        Proofs measured of each, after one that warms up.
    chain
        Whether to verify on the embedded chain; None does so where its packages are installed.
    together
        How many of Plumb's proofs to verify there in one transaction as well; 0 for none.
    """

    cards: tuple[Subject, ...]
    backends: tuple[str, ...]
    runs: int = 5
    chain: bool | None = None
    together: int = 0


@dataclass
class _Contestant:
    """One backend on one model, and its figures so far."""

    backend: str
    card: Subject
    circuit: Circuit
    x: NDArray[np.float32]
    pk: ProvingKey
    vk: VerifyingKey
    row: dict[str, Any]
    runs: int
    prove_s: list[float] = field(default_factory=list)
    prove_inner_s: list[float] = field(default_factory=list)
    msm_s: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    verify_s: list[float] = field(default_factory=list)
    bundle: ProofBundle | None = None
    failed: bool = False


def measure(plan: Plan, tell: Tell) -> dict[str, Any]:
    """Measure; return the document.

    A backend that fails on a model has no row there, but an entry in ``failed``.

    Parameters
    ----------
    plan
        What to measure.
    tell
        Called with lines for people.

    Raises
    ------
    ChainSupportMissing
        The chain was asked for and cannot be.
    """
    document: dict[str, Any] = {
        "rows": [],
        "failed": [],
        "machine": _machine.describe(),
        "versions": _machine.versions(),
    }
    load = document["machine"]["load"][0]
    if _machine.is_loaded(load):
        tell(f"this machine is busy: load {load}; times will be too long and uneven")
    chain = _chain(plan, tell)
    others = _machine.Others()
    for card in plan.cards:
        _measure_model(plan, card, chain, document, tell)
    used = others.cores_used()
    document["machine"]["cores_used_by_others"] = None if used is None else round(used, 2)
    if used is not None and _machine.is_loaded(used):
        tell(f"others kept {used:.1f} cores busy meanwhile: do not publish these times")
    return document


def _chain(plan: Plan, tell: Tell) -> Chain | None:
    if plan.chain is False:
        return None
    try:
        return zk.chain.embedded(fork=GAS_FORK)
    except ChainSupportMissing as error:
        if plan.chain:
            raise
        tell(f"{error}; there will be no gas")
        return None


def _measure_model(
    plan: Plan, card: Subject, chain: Chain | None, document: dict[str, Any], tell: Tell
) -> None:
    contestants: list[_Contestant] = []

    def attempt(backend: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except ZkinferError as error:
            tell(f"{card.id}, {backend}: {error}")
            document["failed"].append(
                {
                    "model": card.id,
                    "backend": backend,
                    "code": error.code,
                    "title": error.title,
                    "exit_status": error.exit_status,
                }
            )
            return False
        return True

    def prepare(backend: str) -> None:
        contestants.append(_prepare(plan, card, backend))

    for backend in plan.backends:
        tell(f"{card.id}, {backend}: compile, accuracy, setup")
        attempt(backend, partial(prepare, backend))
    tell(f"{card.id}: proofs")
    for one in contestants:
        one.failed = not attempt(one.backend, partial(_warm_up, one))
    # Turn by turn, each round beginning with another one, so that drift hits all alike.
    for turn in range(plan.runs):
        start = turn % max(len(contestants), 1)
        for one in contestants[start:] + contestants[:start]:
            if not one.failed and len(one.prove_s) < one.runs:
                one.failed = not attempt(one.backend, partial(_prove, one))
    for one in contestants:
        if not one.failed and attempt(one.backend, partial(_finish, one, chain, plan.together)):
            document["rows"].append(one.row)


def _prepare(plan: Plan, card: Subject, backend: str) -> _Contestant:
    """Compile, compare with float on held-out samples, and make keys."""
    samples = card.samples()
    model = load_model(card.onnx_bytes())
    calibration = np.stack([check_input(model, row) for row in samples.calibration])
    settings = CircuitSettings(
        inputs=Visibility.HIDDEN,
        # ezkl cannot hide them.
        weights=Visibility.HIDDEN if backend == "plumb" else Visibility.PUBLIC,
        outputs=Visibility.PUBLIC,
        scale_bits=None,
        max_error=None,
    )
    started = time.perf_counter()
    proof_system = BACKENDS[backend]()
    circuit = proof_system.compile(model, calibration, settings)
    compile_s = time.perf_counter() - started
    comparison = compare(circuit, samples.x[:_HELD_OUT])
    # Random weights have no task, and so no accuracy.
    accuracies = (None, None) if samples.y is None else comparison.accuracy(samples.y[:_HELD_OUT])
    accuracy_float, accuracy_quantized = accuracies

    srs = zk.unsafe_test_srs()
    # Parameters are made once for everybody, so they are there before the clock starts.
    srs.file(circuit.calibration.logrows)
    started = time.perf_counter()
    pk, vk = proof_system.setup(circuit, srs)
    setup_s = time.perf_counter() - started
    row = {
        "model": card.id,
        "backend": backend,
        "params": model.parameters,
        "macs": model.macs,
        "weights": "random" if isinstance(card, RandomModel) else "trained",
        "hidden_inputs": circuit.statement.inputs is Visibility.HIDDEN,
        "hidden_weights": circuit.statement.weights is Visibility.HIDDEN,
        "compile_s": compile_s,
        "setup_s": setup_s,
        "pk_mb": pk.backend_proving_key.length / _MB,
        "prove_s": None,
        "prove_inner_s": None,
        "msm_s": None,
        "msm_ratio": None,
        "peak_mb": None,
        "verify_ms": None,
        "proof_bytes": None,
        "gas": None,
        "gas_fork": None,
        "contract_bytes": None,
        "register_gas": None,
        "gas_together": None,
        "gas_saved_each": None,
        "accuracy_float": accuracy_float,
        "accuracy_quantized": accuracy_quantized,
        "agreement": comparison.agreement,
        "max_abs_error": comparison.max_abs_error,
        "samples": len(comparison.floats),
        "refused": comparison.refused,
        "runs": None,
        "warmed_up": None,
        "srs": srs.name,
        "estimates": _present(circuit, _ESTIMATES),
        "sizes": {
            **_given(circuit.statement, ("input_scale_bits", "output_scale_bits")),
            **_present(circuit, _SIZES),
        },
    }
    return _Contestant(backend, card, circuit, samples.x[0], pk, vk, row, plan.runs)


def _present(circuit: Circuit, names: tuple[str, ...]) -> dict[str, float | int]:
    return _given(circuit.calibration, names)


def _given(source: object, names: tuple[str, ...]) -> dict[str, float | int]:
    found = {name: getattr(source, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _multiplications(one: _Contestant) -> float:
    """Return what the multi-scalar multiplications of one of Plumb's proofs take alone."""
    from zkinfer._plumb._measure import multiplications

    return multiplications(one.vk)


def _child_peak_mb(one: _Contestant) -> float:
    """Return the peak memory of a process that proves once from files, as the command line does."""
    with WorkFolder() as folder:
        key, given = folder.path / "proving.key", folder.path / "input.npy"
        one.pk.save(key)
        np.save(given, one.x)
        command = [sys.executable, "-m", "zkinfer._bench._child", "prove", str(key), str(given)]
        command += ["--allow-unsafe-srs", "--json", "-o", str(folder.path / "out.zkp")]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode:
        raise BackendFailed("a proof in a process of its own failed")
    return float(done.stdout.splitlines()[-1])


def _prove(one: _Contestant) -> None:
    """Prove as a user does, note the times, and verify.

    The yardstick is measured beside each proof: the machine's speed drifts.
    """
    seen: list[Progress] = []
    started = time.perf_counter()
    bundle = zk.prove(one.pk, one.x, on_progress=seen.append)
    one.prove_s.append(time.perf_counter() - started)
    inner = [step.elapsed_s for step in seen if step.stage == "proving"]
    if inner:
        one.prove_inner_s.append(seen[-1].elapsed_s - inner[0])
    one.peak_mb += [step.peak_mb for step in seen if step.peak_mb is not None]
    started = time.perf_counter()
    zk.verify(one.vk, bundle)
    one.verify_s.append(time.perf_counter() - started)
    one.bundle = bundle
    if one.backend == "plumb":
        one.msm_s.append(_multiplications(one))


def _warm_up(one: _Contestant) -> None:
    """Prove once unmeasured; but a long proof needs no warm-up and is measured at once."""
    _prove(one)
    one.row["warmed_up"] = one.prove_s[0] <= _LONG_S
    # Its verification loaded what verifying needs, so it is never the one measured.
    one.verify_s.clear()
    if one.row["warmed_up"]:
        one.prove_s.clear()
        one.prove_inner_s.clear()
        one.msm_s.clear()
        return
    one.runs = 1
    started = time.perf_counter()
    if one.bundle is not None:
        zk.verify(one.vk, one.bundle)
    one.verify_s.append(time.perf_counter() - started)


def _finish(one: _Contestant, chain: Chain | None, together: int) -> None:
    """Verify on the chain, and put the figures into the row."""
    if one.bundle is None:
        return
    one.row.update(
        prove_s=statistics.median(one.prove_s),
        prove_inner_s=statistics.median(one.prove_inner_s) if one.prove_inner_s else None,
        peak_mb=max(one.peak_mb, default=None),
        verify_ms=1000 * statistics.median(one.verify_s),
        proof_bytes=len(one.bundle.proof),
        runs=len(one.prove_s),
    )
    if one.msm_s:
        alone = statistics.median(one.msm_s)
        one.row.update(msm_s=alone, msm_ratio=one.row["prove_s"] / alone)
    if not one.peak_mb:
        one.row["peak_mb"] = _child_peak_mb(one)
    if chain is not None:
        _verify_on(chain, one, one.bundle, together)


def _verify_on(chain: Chain, one: _Contestant, bundle: ProofBundle, together: int) -> None:
    deployed = chain.deploy(one.vk)
    gas = deployed.verify(bundle, transact=True).gas
    one.row.update(
        gas=gas,
        gas_fork=GAS_FORK,
        contract_bytes=deployed.contract_bytes,
        register_gas=deployed.register_gas,
    )
    if together and one.backend == "plumb":
        # The contract does not mind that they are one and the same.
        whole = deployed.verify_together([bundle] * together, transact=True).gas
        saved = (together * gas - whole) / (together - 1)
        one.row.update(gas_together=whole, gas_saved_each=saved)
