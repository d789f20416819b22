"""The machine that figures were measured on, and who else used it meanwhile."""

from __future__ import annotations

import os
import platform
import resource
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("zkinfer", "ezkl", "onnx", "onnxruntime", "numpy", "web3", "pyrevm")
_LOADED = 0.3
_IDLE_COLUMNS = (3, 4)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe() -> dict[str, Any]:
    """Return the machine as JSON has it; the load is that of the last 1, 5 and 15 minutes."""
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "memory_mb": _memory_mb(),
        "system": platform.platform(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def versions() -> dict[str, str | None]:
    """Return the versions of what takes part."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def is_loaded(used: float) -> bool:
    """Whether others use so many cores that times cannot be trusted."""
    return used > _LOADED


class Others:
    """Counts what everybody else computes from now on (Linux; elsewhere it does not know)."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before = _busy_s()
        self._own_before = _own_s()

    def cores_used(self) -> float | None:
        """Return how many cores others kept busy since the start, on average."""
        elapsed = time.monotonic() - self._started
        busy = _busy_s()
        if busy is None or self._before is None or elapsed <= 0:
            return None
        return max(0.0, (busy - self._before - (_own_s() - self._own_before)) / elapsed)


def _own_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _busy_s() -> float | None:
    """Return the processor seconds of the whole machine since it started."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return None
    ticks = sum(int(f) for i, f in enumerate(fields) if i not in _IDLE_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError):
        return None
