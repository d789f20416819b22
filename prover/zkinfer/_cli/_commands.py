"""What each command does; each returns an exit status and leaves errors to `main`."""

from __future__ import annotations

import platform
import warnings
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import zkinfer as zk
from zkinfer import _bench, _container
from zkinfer._cli._demo import run_demo
from zkinfer._errors import (
    ArgumentInvalid,
    ArtifactMalformed,
    ArtifactNotFound,
    ContextInvalid,
    InputFileUnreadable,
    OutputNotWritable,
    error_classes,
)
from zkinfer._files import cache_folder
from zkinfer._parameters._ceremonies import PUBLISHED
from zkinfer._parameters._formats import is_halo2
from zkinfer._reference import measure_reference
from zkinfer._srs import cached_srs, ceremony_srs
from zkinfer._statement import CircuitId
from zkinfer_circuits import SUPPORTED
from zkinfer_contracts import CEREMONIES
from zkinfer_models import models

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zkinfer._cli._screen import Screen
    from zkinfer._progress import OnProgress
    from zkinfer_models import ModelCard

_T = TypeVar("_T")
PROVING_KEY = "proving.key"
VERIFYING_KEY = "verifying.key"


def demo(options: Namespace, screen: Screen) -> int:
    """Run the demonstration."""
    document = run_demo(options.model, screen)
    screen.result(document)
    done = document["verified"] and document["verified_on_chain"] and document["tampered_rejected"]
    return 0 if done else 1


def compile_(options: Namespace, screen: Screen) -> int:
    """Compile a model."""
    out = _writable(options.out)
    with screen.progress() as on_progress, warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: screen.note(f"note: {message}")
        warnings.simplefilter("always", zk.EzklTaken)
        circuit = zk.compile(
            options.model,
            calibration=_array(options.calibration, "calibration"),
            inputs=options.inputs,
            weights=options.weights,
            outputs=options.outputs,
            backend=options.backend,
            optimize=options.optimize,
            scale_bits=options.scale_bits,
            max_error=options.max_error,
            on_progress=on_progress,
        )
    circuit.save(out)
    report = circuit.report()
    screen.say(str(report))
    screen.say(f"written        {out}")
    screen.result({**report.to_json(), "file": str(out)})
    return 0


def setup(options: Namespace, screen: Screen) -> int:
    """Make keys."""
    circuit = zk.Circuit.load(options.circuit)
    folder = Path(options.out)
    with screen.progress() as on_progress:
        srs = _srs(options, circuit.calibration.logrows, on_progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputNotWritable(error.strerror or "", place=f"folder '{folder}'") from error
    with screen.progress() as on_progress:
        pk, vk = zk.setup(circuit, srs=srs, on_progress=on_progress)
    vk.save(folder / VERIFYING_KEY)
    pk.save(folder / PROVING_KEY)
    screen.say(f"circuit id     {vk.circuit_id}")
    screen.say(f"SRS            {srs.name}, id {srs.id.hex()}")
    screen.say(f"proving key    {folder / PROVING_KEY}")
    screen.say(f"verifying key  {folder / VERIFYING_KEY}")
    screen.result(
        {
            "circuit_id": hexadecimal(vk.circuit_id),
            "srs": srs.name,
            "srs_id": "0x" + srs.id.hex(),
            "unsafe": srs.unsafe,
            "proving_key": str(folder / PROVING_KEY),
            "verifying_key": str(folder / VERIFYING_KEY),
        }
    )
    return 0


def prove(options: Namespace, screen: Screen) -> int:
    """Prove."""
    out = _writable(options.out)
    context = _context(options.context) or bytes(32)
    pk = zk.ProvingKey.load(options.key, allow_unsafe_srs=options.allow_unsafe_srs)
    with screen.progress() as on_progress:
        bundle = zk.prove(pk, _array(options.input), context=context, on_progress=on_progress)
    bundle.save(out)
    screen.say(f"outputs        {bundle.outputs.tolist()}")
    screen.say(f"circuit id     {bundle.circuit_id}")
    screen.say(f"context        0x{bundle.context.hex()}")
    screen.say(f"proof          {len(bundle.proof)} bytes, written to {out}")
    screen.result(
        {
            "circuit_id": hexadecimal(bundle.circuit_id),
            "context": "0x" + bundle.context.hex(),
            "outputs": bundle.outputs.tolist(),
            "proof_bytes": len(bundle.proof),
            "file": str(out),
        }
    )
    return 0


def verify(options: Namespace, screen: Screen) -> int:
    """Verify."""
    vk = zk.VerifyingKey.load(options.key, allow_unsafe_srs=options.allow_unsafe_srs)
    bundle = zk.ProofBundle.load(options.bundle)
    expected = None if options.circuit_id is None else circuit_id_of(options.circuit_id)
    zk.verify(vk, bundle, context=_context(options.context), circuit_id=expected)
    values = bundle.values(vk.statement)
    screen.say("verified: the output below came from this circuit's model")
    screen.say(f"circuit id     {vk.circuit_id}")
    screen.say(f"SRS            {vk.srs.name}")
    if values.inputs is not None:
        screen.say(f"inputs         {values.inputs.tolist()}")
    screen.say(f"outputs        {values.outputs.tolist()}")
    screen.say(f"context        0x{bundle.context.hex()}")
    screen.result(
        {
            "verified": True,
            "circuit_id": hexadecimal(vk.circuit_id),
            "srs": vk.srs.name,
            "unsafe": vk.srs.unsafe,
            "inputs": None if values.inputs is None else values.inputs.tolist(),
            "outputs": values.outputs.tolist(),
            "context": "0x" + bundle.context.hex(),
        }
    )
    return 0


def run(options: Namespace, screen: Screen) -> int:
    """Run without proof: a circuit on inputs, or shipped models on their held-out data."""
    if options.models is not None:
        return _run_models(options, screen)
    if options.circuit is None or options.input is None:
        raise ArgumentInvalid("a circuit and an input, or --models", place="run")
    circuit = zk.Circuit.load(options.circuit)
    with screen.progress() as on_progress:
        outputs = circuit.run(_array(options.input), mode=options.mode, on_progress=on_progress)
    screen.say(f"outputs        {outputs.tolist()}")
    screen.result({"mode": options.mode, "outputs": outputs.tolist()})
    return 0


def _run_models(options: Namespace, screen: Screen) -> int:
    if options.mode != "reference" or options.circuit is not None:
        raise ArgumentInvalid("goes with --mode reference and without a circuit", place="--models")
    rows = []
    for card in _named("--models", options.models, {c.id: c for c in models()}):
        row = measure_reference(card)
        error = "-" if row["max_abs_error"] is None else f"{row['max_abs_error']:.3g}"
        screen.say(
            f"{card.id:14} {row['samples']:6,} samples, {row['width']} bits: "
            f"float {100 * row['accuracy_float']:.2f} %, "
            f"program {100 * row['accuracy_quantized']:.2f} %, "
            f"same class {100 * row['agreement']:.2f} %, largest error {error}"
        )
        rows.append(row)
    screen.result({"mode": options.mode, "rows": rows})
    return 0


def report(options: Namespace, screen: Screen) -> int:
    """Print a circuit's report."""
    page = None if options.html is None else _writable(options.html)
    circuit = zk.Circuit.load(options.circuit)
    data = None if options.data is None else _array(options.data)
    with screen.progress() as on_progress:
        made = circuit.report(data, on_progress=on_progress)
    screen.say(str(made))
    _write_page(page, made.html, screen)
    screen.result(made.to_json())
    return 0


def bench(options: Namespace, screen: Screen) -> int:
    """Measure backends side by side."""
    page = None if options.html is None else _writable(options.html)
    if options.runs < 1:
        raise ArgumentInvalid(f"{options.runs}; at least 1", place="--runs")
    if options.together and options.together < 2:
        raise ArgumentInvalid(f"{options.together}; at least 2", place="--together")
    plan = _bench.Plan(
        cards=tuple(_named("--models", options.models, _measurable())),
        backends=tuple(_named("--backends", options.backends, {n: n for n in _bench.BACKENDS})),
        runs=options.runs,
        chain=options.chain,
        together=options.together,
    )
    document = _bench.measure(plan, screen.note)
    document["command"] = _bench_command(plan)
    screen.say(_bench.tables(document))
    _write_page(page, lambda: _bench.bench_page(document), screen)
    screen.result(document)
    return max((failure["exit_status"] for failure in document["failed"]), default=0)


def _measurable() -> dict[str, ModelCard | _bench.RandomModel]:
    """Return what can be measured, by its name: shipped models, then those with random weights."""
    return {**{card.id: card for card in models()}, **{each.id: each for each in _bench.RANDOM}}


def _bench_command(plan: _bench.Plan) -> str:
    """Return the command that does the same again."""
    names = ",".join(card.id for card in plan.cards)
    parts = ["zkinfer bench", f"--models {names}", f"--backends {','.join(plan.backends)}"]
    parts.append(f"--runs {plan.runs}")
    if plan.chain is not None:
        parts.append("--chain" if plan.chain else "--no-chain")
    if plan.together:
        parts.append(f"--together {plan.together}")
    return " ".join(parts)


def _named(option: str, listed: str, choices: dict[str, _T]) -> list[_T]:
    """Return what the names in a list with commas stand for, each once."""
    names = list(dict.fromkeys(listed.split(",")))
    for name in names:
        if name not in choices:
            raise ArgumentInvalid(f"no {name!r}; there are {', '.join(choices)}", place=option)
    return [choices[name] for name in names]


def _write_page(path: Path | None, make: Callable[[], str], screen: Screen) -> None:
    if path is not None:
        _container.write_file(path, make().encode())
        screen.say(f"page           {path}")


def inspect(options: Namespace, screen: Screen) -> int:
    """Say what an artefact holds, without judging it."""
    path = Path(options.file)
    place = f"file '{path}'"
    if not path.is_file():
        raise ArtifactNotFound("no such file", place=place)
    with path.open("rb") as file:
        start = file.read(12)
    kind = _container.KINDS.get(start[8:])
    if start[:8] != _container.MAGIC or kind is None:
        raise ArtifactMalformed("not a zkinfer artefact", place=place)
    sections = _container.load(path, kind, on_disk=frozenset(tag for tag, _ in kind.sections))
    facts: dict[str, Any] = {"kind": kind.name, "version": kind.version}
    facts["sections"] = {
        tag.decode(): part.length if isinstance(part, _container.FileSlice) else len(part)
        for tag, part in sections.items()
    }
    facts.update(_identity(path, kind))
    for name, value in facts.items():
        screen.say(f"{name.replace('_', ' '):<14} {value}")
    screen.result(facts)
    return 0


def _identity(path: Path, kind: _container.Kind) -> dict[str, Any]:
    # Looking is not trusting: nothing here is accepted, so an unsafe SRS is only named.
    if kind is _container.CIRCUIT:
        return {"digest": zk.Circuit.load(path).digest.hex()}
    if kind is _container.PROOF_BUNDLE:
        bundle = zk.ProofBundle.load(path)
        return {
            "circuit_id": hexadecimal(bundle.circuit_id),
            "context": "0x" + bundle.context.hex(),
            "public_inputs": len(bundle.public_inputs),
        }
    if kind is _container.PROVING_KEY:
        vk = zk.ProvingKey.load(path, allow_unsafe_srs=True).verifying_key
    else:
        vk = zk.VerifyingKey.load(path, allow_unsafe_srs=True)
    return {
        "circuit_id": hexadecimal(vk.circuit_id),
        "srs": vk.srs.name,
        "srs_id": "0x" + vk.srs.id.hex(),
        "public_inputs": vk.statement.public_input_count,
    }


def ops(options: Namespace, screen: Screen) -> int:
    """List operators."""
    for operator in SUPPORTED:
        screen.say(f"{operator.name:<20} {operator.note}")
    screen.result({"operators": [{"name": op.name, "note": op.note} for op in SUPPORTED]})
    return 0


def srs_list(options: Namespace, screen: Screen) -> int:
    """List cached parameters, and the published ones."""
    entries = cached_srs()
    for entry in entries:
        screen.say(f"2^{entry.k:<3} {entry.name:<46} {entry.id.hex()}")
    if not entries:
        screen.say(f"nothing in {cache_folder() / 'srs'}")
    for name, ceremony in PUBLISHED.items():
        sizes = f"2^{min(ceremony.files)} to 2^{max(ceremony.files)}"
        screen.say(f"'zkinfer srs fetch {name} --k K' gets {sizes}")
    screen.result(
        {
            "srs": [
                {"name": e.name, "id": "0x" + e.id.hex(), "k": e.k, "file": str(e.path)}
                for e in entries
            ],
            "published": [
                {"name": name, "id": "0x" + ceremony.id.hex(), "k": sorted(ceremony.files)}
                for name, ceremony in PUBLISHED.items()
            ],
        }
    )
    return 0


def srs_fetch(options: Namespace, screen: Screen) -> int:
    """Download parameters."""
    with screen.progress() as on_progress:
        srs = zk.fetch_srs(options.ceremony, options.k, on_progress=on_progress)
    return _tell_srs(srs, "fetched", screen)


def srs_import(options: Namespace, screen: Screen) -> int:
    """Import parameters."""
    with screen.progress() as on_progress:
        srs = zk.import_srs(
            options.file,
            k=options.k,
            allow_unsafe_srs=options.allow_unsafe_srs,
            on_progress=on_progress,
        )
    return _tell_srs(srs, "imported", screen)


def srs_check(options: Namespace, screen: Screen) -> int:
    """Check parameters."""
    with screen.progress() as on_progress:
        srs = zk.check_srs(
            options.file, allow_unsafe_srs=options.allow_unsafe_srs, on_progress=on_progress
        )
    return _tell_srs(srs, "checked", screen)


def _tell_srs(srs: zk.Srs, done: str, screen: Screen) -> int:
    cached = sorted(entry.k for entry in cached_srs() if entry.id == srs.id)
    screen.say(f"{done:<14} {srs.name}, id {srs.id.hex()}")
    screen.say(f"in the cache   {', '.join(f'2^{k}' for k in cached) or 'nothing of it'}")
    screen.result(
        {"srs": srs.name, "id": "0x" + srs.id.hex(), "unsafe": srs.unsafe, "cached": cached}
    )
    return 0


def doctor(options: Namespace, screen: Screen) -> int:
    """Say what is here."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cache": str(cache_folder()),
    }
    wanted = {
        "zkinfer": "",
        "numpy": "",
        "onnx": "",
        "onnxruntime": "",
        "ezkl": "needed to compile, prove and verify: pip install 'zkinfer[ezkl]'",
        "web3": "needed for chains: pip install 'zkinfer[chain]'",
        "pyrevm": "makes the embedded chain faster, where it is available",
        "torch": "needed only to export torch modules: pip install 'zkinfer[torch]'",
    }
    for package, use in wanted.items():
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
            screen.note(f"{package} is not installed{': ' + use if use else ''}")
    for name, value in found.items():
        screen.say(f"{name:<14} {value if value is not None else 'missing'}")
    screen.result(found)
    return 0 if found["ezkl"] else 3


def explain(options: Namespace, screen: Screen) -> int:
    """Explain an error code."""
    classes = error_classes()
    cls = classes.get(options.code.upper())
    if cls is None:
        screen.note(f"there is no error {options.code}; the codes are {', '.join(classes)}")
        return 2
    what = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    screen.say(f"{cls.code} {cls.title} ({cls.__name__})")
    screen.say(f"what: {what}")
    if cls.why:
        screen.say(f"why:  {cls.why}")
    if cls.fix:
        screen.say(f"try:  {cls.fix}")
    screen.say(f"exit status {cls.exit_status}")
    screen.result(
        {
            "code": cls.code,
            "name": cls.__name__,
            "title": cls.title,
            "what": what,
            "why": cls.why,
            "fix": cls.fix,
            "exit_status": cls.exit_status,
        }
    )
    return 0


def hexadecimal(identity: CircuitId) -> str:
    """Return an id as JSON has it."""
    return "0x" + bytes(identity).hex()


def _writable(out: str) -> Path:
    """Refuse a target that cannot be written before the long work, not after it."""
    path = Path(out)
    if not path.parent.is_dir():
        raise OutputNotWritable("its folder does not exist", place=f"file '{path}'")
    if path.is_dir():
        raise OutputNotWritable("it is a folder", place=f"file '{path}'")
    return path


def _array(path: str, preferred: str = "x") -> NDArray[np.float32]:
    """Read an array; of an .npz the one of the preferred name, the one named x, or the only one."""
    place = f"file '{path}'"
    if not Path(path).is_file():
        raise InputFileUnreadable("no such file", place=place)
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                names = loaded.files
                chosen = [name for name in (preferred, "x") if name in names] or names
                if len(chosen) > 1 and chosen is names:
                    reason = f"it holds {len(names)} arrays and none is named {preferred}"
                    raise InputFileUnreadable(reason, place=place)
                loaded = loaded[chosen[0]]
        return np.asarray(loaded, dtype=np.float32)
    except (ValueError, TypeError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        if isinstance(error, InputFileUnreadable):
            raise
        raise InputFileUnreadable(f"not an array of numbers: {error}", place=place) from error


def _bytes32(text: str) -> bytes | None:
    digits = text.removeprefix("UNSAFE:").removeprefix("0x")
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        return None
    return value if len(value) == 32 else None


def _context(text: str | None) -> bytes | None:
    if text is None:
        return None
    value = _bytes32(text)
    if value is None:
        raise ContextInvalid("not 64 hex digits")
    return value


def circuit_id_of(text: str) -> bytes:
    """Read a circuit id from the command line."""
    value = _bytes32(text)
    if value is None:
        raise ArgumentInvalid("a circuit id is 64 hex digits", place="--circuit-id")
    return value


def _srs(options: Namespace, k: int, on_progress: OnProgress | None) -> zk.Srs:
    if options.unsafe_test_srs:
        return zk.unsafe_test_srs()
    if options.srs in CEREMONIES:
        return ceremony_srs(options.srs)
    if is_halo2(Path(options.srs)):
        return zk.load_srs(options.srs, allow_unsafe_srs=options.allow_unsafe_srs)
    # The backend reads halo2's format only, so the prover finds these in the cache.
    return zk.import_srs(
        options.srs, k=k, allow_unsafe_srs=options.allow_unsafe_srs, on_progress=on_progress
    )
