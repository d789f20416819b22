"""The calls of ezkl that more than one verb needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zkinfer._ezkl import _candidates, _process
from zkinfer._ezkl._candidates import Candidate
from zkinfer._ezkl._process import Call, CallFailed, Job
from zkinfer._files import WorkFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zkinfer._progress import OnProgress


def generate_settings(
    folder: WorkFolder, candidates: Sequence[Candidate], on_progress: OnProgress | None
) -> list[dict[str, Any]]:
    """Return ezkl's canonical settings for each candidate."""
    paths = [folder.path / f"generated-{i}.json" for i in range(len(candidates))]
    calls = tuple(
        Call(
            "gen_settings",
            "choosing settings",
            {
                "model": str(folder.path / "model.onnx"),
                "output": str(path),
                "run_args": candidate.run_args(_candidates.LARGEST_K),
            },
        )
        for candidate, path in zip(candidates, paths, strict=True)
    )
    try:
        _process.run(Job("compile", calls, 0.5), folder, on_progress)
    except CallFailed as error:
        raise _process.failed(error) from None
    return [_candidates.canonical_settings(path.read_bytes()) for path in paths]


def compile_call(folder: WorkFolder) -> Call:
    """Return the call that builds ezkl's circuit.

    Its bytes hold a hash map in random order, so they are made anew for each job and never kept.
    """
    at = folder.path
    arguments = {
        "model": str(at / "model.onnx"),
        "compiled_circuit": str(at / "circuit"),
        "settings_path": str(at / "settings.json"),
    }
    return Call("compile_circuit", "building the circuit", arguments)


def witness_call(folder: WorkFolder, stage: str, suffix: str = "") -> Call:
    """Return the call that runs ezkl's quantised model."""
    at = folder.path
    arguments = {
        "data": str(at / f"input{suffix}.json"),
        "model": str(at / "circuit"),
        "output": str(at / f"witness{suffix}.json"),
    }
    return Call("gen_witness", stage, arguments)
