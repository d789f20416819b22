"""Runs a job of ezkl calls in a child process, with progress, Ctrl-C and peak memory."""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from zkinfer._errors import BackendCrashed, BackendFailed, BackendMissing
from zkinfer._files import WorkFolder
from zkinfer._progress import OnProgress, Progress

_WORKER = Path(__file__).with_name("_worker.py")
_TICK_S = 0.1
# An estimate is never wholly used up: the last hundredth is the end itself.
_ALMOST = 0.99


class CallFailed(Exception):
    """A call of the job raised; the message may hold witness values, so it is not for logs."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message


@dataclass(frozen=True)
class Call:
    """One call of an ezkl function, and what to tell people while it runs."""

    name: str
    stage: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Calls done in order in one child process."""

    name: str
    calls: tuple[Call, ...]
    estimate_s: float


def require_ezkl() -> None:
    """Raise `BackendMissing` unless ezkl is installed (it is not imported)."""
    if importlib.util.find_spec("ezkl") is None:
        raise BackendMissing("the ezkl package is not installed")


def run(job: Job, folder: WorkFolder, on_progress: OnProgress | None = None) -> float:
    """Do a job; return the peak memory of its process in megabytes.

    An interrupt, or any other exception here, kills the child before it goes on.

    Raises
    ------
    CallFailed
        A call raised.
    BackendMissing, BackendCrashed
        ezkl is not installed, or its process died.
    """
    require_ezkl()
    calls = [{"name": c.name, "stage": c.stage, "arguments": c.arguments} for c in job.calls]
    line = json.dumps({"calls": calls}) + "\n"
    started = time.monotonic()
    with (folder.path / "stderr").open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder.path,
            # A session of its own: Ctrl-C reaches us alone, and we end the child.
            start_new_session=True,
            pass_fds=(folder.lock,),
        )
        try:
            return _follow(child, line, job, started, on_progress)
        finally:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()


def _follow(
    child: subprocess.Popen[str],
    line: str,
    job: Job,
    started: float,
    on_progress: OnProgress | None,
) -> float:
    if child.stdin is None or child.stdout is None:
        raise BackendCrashed("no pipe to the backend's process")
    try:
        child.stdin.write(line)
        child.stdin.flush()
    except BrokenPipeError:
        raise BackendCrashed(f"its process ended early while asked to {job.name}") from None
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(child.stdout, answers), daemon=True).start()
    stage = "starting"
    while True:
        try:
            text = answers.get(timeout=_TICK_S)
        except queue.Empty:
            _tell(on_progress, job, stage, started)
            continue
        if text is None:
            status = child.wait()
            raise BackendCrashed(f"its process ended with status {status} while: {stage}")
        answer = json.loads(text)
        if "failed" in answer:
            raise CallFailed(answer["failed"], answer["message"])
        if "peak_mb" in answer:
            elapsed = time.monotonic() - started
            if on_progress is not None:
                on_progress(Progress(job.name, "done", 1.0, elapsed, 0.0, answer["peak_mb"]))
            return float(answer["peak_mb"])
        stage = answer["stage"]
        _tell(on_progress, job, stage, started)


def _read(stream: IO[str], answers: queue.SimpleQueue[str | None]) -> None:
    try:
        for text in stream:
            answers.put(text)
    except ValueError:
        pass  # closed under us, after a kill
    answers.put(None)


def _tell(on_progress: OnProgress | None, job: Job, stage: str, started: float) -> None:
    if on_progress is None:
        return
    elapsed = time.monotonic() - started
    done = min(elapsed / max(job.estimate_s, 1e-3), _ALMOST)
    on_progress(Progress(job.name, stage, done, elapsed, max(job.estimate_s - elapsed, 0.0)))


def failed(error: CallFailed) -> BackendFailed:
    """Return our error for a call that failed on data that hold no secrets."""
    return BackendFailed(f"{error.name}: {error.message}")
