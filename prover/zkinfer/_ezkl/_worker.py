"""The process that ezkl runs in: reads one job on stdin, does its calls in order, reports lines.

ezkl holds the interpreter's lock for whole proofs, prints to stdout, and can abort; all of that
stays in here. The file is run by its path and imports nothing of this project, so that starting it
costs little.

Job: ``{"calls": [{"name": ..., "stage": ..., "arguments": {...}}, ...]}``. A ``run_args`` object
among the arguments becomes a PyRunArgs. Each line of the answer is a JSON object: ``{"stage"}``
before a call, ``{"failed", "kind", "message"}`` after one that failed, ``{"peak_mb"}`` at the end.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, however that happens (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _run_args(ezkl: Any, fields: dict[str, Any]) -> Any:
    run_args = ezkl.PyRunArgs()
    for name, value in fields.items():
        setattr(run_args, name, value)
    return run_args


async def _call(ezkl: Any, name: str, arguments: dict[str, Any]) -> None:
    if "run_args" in arguments:
        arguments["py_run_args"] = _run_args(ezkl, arguments.pop("run_args"))
    # Some functions need a running loop and answer with something to await, others are plain.
    result = getattr(ezkl, name)(**arguments)
    if inspect.isawaitable(result):
        await result


def _answer(out: IO[str], **fields: object) -> None:
    out.write(json.dumps(fields) + "\n")
    out.flush()


def peak_mb() -> float:
    """Return the peak memory of this process."""
    try:
        with Path("/proc/self/status").open() as status:
            (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        # Elsewhere; on Linux this one starts from the memory of the process that started us.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 if sys.platform == "linux" else 1024 * 1024)


def main() -> int:
    """Do the job on stdin; return the exit status."""
    _die_with_parent()
    # ezkl prints: stdout proper is kept for answers, everything else goes to stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    import ezkl

    for call in job["calls"]:
        _answer(out, stage=call["stage"])
        try:
            asyncio.run(_call(ezkl, call["name"], call["arguments"]))
        except BaseException as error:
            _answer(out, failed=call["name"], kind=type(error).__name__, message=str(error))
            return 1
    _answer(out, peak_mb=peak_mb())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
