"""The tests of the Rust core, built once with a switch at each place, and run for each mutant.

First every test runs by itself, with nothing off, and says which places it asked and which of them
refused. A place that refuses can matter only to a test in which it did, and any other only to one
that asked it: those run, the quickest first, until one fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.rust_sites import CORE, ROOT, SOURCE, Site, make_instrumented

# In a folder that stays, so that cargo builds only what has changed.
FOLDER = ROOT / CORE / "target" / "mutants"
# They compare bytes, so they notice every change and show nothing of what it allows.
SKIPPED = re.compile(r"::golden::")
# A mutant may make a test slower, not hang.
LIMIT_S = 60.0
SURVIVED = "SURVIVED"


@dataclass
class Seen:
    """What a test did without any mutant."""

    name: str
    seconds: float
    asked: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)


class RustTests:
    """The built tests."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.sites = make_instrumented(folder / "core")
        self.binary = self._build()
        self.tests: list[Seen] = []

    def _build(self) -> Path:
        command = ["cargo", "test", "--quiet", "--locked", "-p", "plumb", "--lib", "--no-run"]
        done = subprocess.run(
            [*command, "--message-format=json"],
            cwd=self.folder / "core",
            env={**os.environ, "CARGO_TARGET_DIR": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode:
            said = [m["message"]["rendered"] for m in messages if m["reason"] == "compiler-message"]
            errors = [text for text in said if text.startswith("error")]
            raise SystemExit("\n".join(errors)[:4000] or done.stderr[-4000:])
        found = [m["executable"] for m in messages if m.get("executable")]
        return Path(found[-1])

    def run(
        self, tests: Iterable[str], limit: float, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run some tests, by their exact names."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PLUMB_MUTANT")}
        return subprocess.run(
            [self.binary, "--exact", *tests],
            cwd=self.folder / "core" / "plumb",
            env={**clean, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )

    def watch(self, jobs: int) -> None:
        """Run every test without any mutant.

        Raises
        ------
        SystemExit
            A test fails.
        """
        done = subprocess.run(
            [self.binary, "--list", "--format", "terse"], capture_output=True, text=True, check=True
        )
        ignored = subprocess.run(
            [self.binary, "--list", "--format", "terse", "--ignored"],
            capture_output=True,
            text=True,
            check=True,
        )
        names = re.findall(r"^(\S+): test$", done.stdout, re.MULTILINE)
        skipped = set(re.findall(r"^(\S+): test$", ignored.stdout, re.MULTILINE))
        names = [name for name in names if name not in skipped and not SKIPPED.search(name)]
        with ThreadPoolExecutor(jobs) as pool:
            self.tests = sorted(pool.map(self._watch, names), key=lambda seen: seen.seconds)

    def _watch(self, name: str) -> Seen:
        trace = self.folder / f"trace-{name.replace('::', '-')}"
        trace.unlink(missing_ok=True)
        started = time.monotonic()
        done = self.run([name], 20 * LIMIT_S, PLUMB_MUTANT_TRACE=str(trace))
        seen = Seen(name, time.monotonic() - started)
        if done.returncode:
            raise SystemExit(f"{name} fails without any mutant:\n{done.stdout[-2000:]}")
        for line in trace.read_text().splitlines() if trace.is_file() else ():
            site, what = map(int, line.split())
            (seen.asked if what == 1 else seen.refused).add(site)
        trace.unlink(missing_ok=True)
        return seen

    def verdict(self, site: Site) -> tuple[bool, str]:
        """Switch a place off; return whether a test fails then, and how."""
        asked = [seen for seen in self.tests if site.number in seen.asked | seen.refused]
        refused = [seen for seen in self.tests if site.number in seen.refused]
        if site.refuses and not refused:
            return False, f"{SURVIVED}: no test makes it refuse ({len(asked)} ask it)"
        late = ""
        for seen in refused if site.refuses else asked:
            limit = max(LIMIT_S, 20 * seen.seconds)
            try:
                done = self.run([seen.name], limit, PLUMB_MUTANT=str(site.number))
            except subprocess.TimeoutExpired:
                late = f"no verdict: {seen.name} takes more than {limit:.0f} s"
                continue
            if f"test {seen.name} ... FAILED" in done.stdout:
                return True, f"killed by {place(seen.name)}  [{_reason(done.stdout)}]"
            if done.returncode:
                return False, f"no verdict: {seen.name}: {(done.stdout + done.stderr)[-300:]}"
        return False, late or SURVIVED


def place(test: str) -> str:
    """Return the file and the function of a Rust test that has this path of modules."""
    *modules, name = test.split("::")
    for path in (modules, modules[:-1], [*modules, "mod"]):
        file = f"{SOURCE}/{'/'.join(path)}.rs"
        if path and (ROOT / file).is_file() and f"fn {name}(" in (ROOT / file).read_text("utf-8"):
            return f"{file}::{name}"
    return test


def _reason(output: str) -> str:
    found = re.search(
        r"panicked at ([^\n]*):\d+:\n(.*?)(?:\nnote:|\nstack|\n\n|\Z)", output, re.DOTALL
    )
    if not found:
        return "fails"
    text = re.sub(r"\s+", " ", found[2]).strip()
    return text[:110] if "/tests" in found[1] else f"{found[1]}: {text}"[:110]
