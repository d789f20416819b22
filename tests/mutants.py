"""Remove every check in turn, and see which test notices (``make mutants``).

A check that nothing tests is a check that the next change loses. So each place that refuses
something is taken out of a copy of the tree, one at a time, and the tests must fail:

- In Python every ``raise``, in Solidity every ``revert``, whose line ends in a comment with a row
  of tests/adversarial/README.md (``# A13``), or with *Protocol* or *On chain*. They are read from
  the source. A place in `watched` that has no such comment is an error; *Usage* says that nothing
  is at stake there.
- What binds without refusing (what a digest covers, which value is compared) is listed in
  tests/mutation/bindings.toml: text that must be in the source, and what takes its place.
- In Rust one build for each would take hours. All mutants are in one copy, each behind a switch:
  tests/mutation/rust_sites.py says how they are found, rust_tests.py how they are tried.

A mutant counts as killed only by a test that fails; one that breaks what tests are set up from
shows nothing. After the test's name stands what happened instead of the refusal. Honest proofs are
made once, before.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import io
import json
import os
import posixpath
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TypeVar

from tests.mutation.rust_sites import Site, list_sites
from tests.mutation.rust_tests import RustTests

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("circuits", "prover", "verifier_contracts", "models")
SOURCES = "verifier_contracts/zkinfer_contracts/sources"
ADAPTER = f"{SOURCES}/EzklInferenceVerifier.sol"
BINDINGS = "tests/mutation/bindings.toml"
# ezkl's own, which is pinned by its code's hash.
THIRD_PARTY = {"Halo2VerifierReusable.sol", "IHalo2VerifierReusable.sol"}
TESTS = (
    "tests/adversarial",
    "tests/chain",
    "tests/unit/contracts/test_ids.py",
    "tests/unit/prover/srs/test_*.py",
)
# The contracts of Plumb that tests deploy.
PLUMB_CONTRACTS = ("PlumbLayouts", "UnsafeTestPlumbVerifier")
# Tests of what only one of them reads, quickest first; "replay" compiles a verifier of its own.
LAYOUT_TESTS = ("tests/chain/test_plumb_layout_rules.py", "tests/chain/test_plumb_layouts.py")
VERIFIER_TESTS = (
    "tests/chain/test_plumb_verifier.py",
    "tests/chain/test_plumb_registration.py",
    "tests/chain/test_plumb_together.py",
    "tests/chain/test_plumb_replay.py",
    "tests/properties/test_accepted_iff_undamaged_contract.py",
)
# Errors that other tests than the first notice.
NOTICED_BY = {
    "ZeroChallenge": 3,
    "StatementCount": 2,
    **dict.fromkeys(("ModelNotStored", "UnexpectedRegistration", "WeightCommitments"), 1),
}
# Tests that run on each of three chains run on one of them here.
ONCE = "not osaka and not embedded"
TIMEOUT_S = 600
SURVIVED = "SURVIVED"
AnyMutant = TypeVar("AnyMutant", "Mutant", Site)
TAG = re.compile(r"A\d+|On chain|Protocol|Usage")


@dataclass(frozen=True)
class Mutant:
    """One change of one file: `old`, at a place or wherever it stands, becomes `new`."""

    row: str
    path: str
    what: str
    old: str
    new: str
    offset: int | None = None
    line: int | None = None
    tests: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{self.row:<8}  {place} {self.what}"

    def apply(self, text: str) -> str:
        if self.offset is None:
            if text.count(self.old) != 1:
                raise SystemExit(
                    f"{self.path}: {text.count(self.old)} times, wanted once: {self.old!r}"
                )
            return text.replace(self.old, self.new)
        return text[: self.offset] + self.new + text[self.offset + len(self.old) :]


# Places that refuse, from the source.

CHAIN_REFUSALS = frozenset(
    {"DevelopmentKeyRefused", "AccountMissing", "UnsafeSrsRefused", "WrongContractCode"}
)


def _subclasses(root: Path, *bases: str) -> frozenset[str]:
    """Return the names of these error classes and of all below them."""
    found = set(bases)
    for node in ast.parse((root / "prover/zkinfer/_errors.py").read_text()).body:
        if isinstance(node, ast.ClassDef) and found & {ast.unparse(base) for base in node.bases}:
            found.add(node.name)
    return frozenset(found)


def watched(root: Path) -> dict[str, frozenset[str]]:
    """Return the errors whose every raise must be tagged, by file."""
    refusals = _subclasses(root, "ProofRejected", "SrsError")
    places = {}
    for path in sorted((root / "prover/zkinfer").rglob("*.py")):
        places[path.relative_to(root).as_posix()] = refusals
    for path in sorted((root / "verifier_contracts/zkinfer_contracts").glob("*.py")):
        places[path.relative_to(root).as_posix()] = CHAIN_REFUSALS
    return places


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def python_sites(root: Path, untagged: list[str]) -> Iterator[Mutant]:
    """Yield a mutant for every tagged raise; tell of those that should be tagged and are not."""
    must = watched(root)
    for package in ("prover", "verifier_contracts", "circuits"):
        for path in sorted((root / package).glob("zkinfer*/**/*.py")):
            name = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            comments = _comments(text)
            starts = [0]
            for line in text.splitlines(keepends=True):
                starts.append(starts[-1] + len(line))
            for node in ast.walk(ast.parse(text)):
                if not isinstance(node, ast.Raise) or node.end_lineno is None:
                    continue
                error = ""
                if isinstance(node.exc, ast.Call):
                    error = ast.unparse(node.exc.func)
                tag = comments.get(node.end_lineno, "")
                if TAG.fullmatch(tag) is None:
                    if error in must.get(name, ()):
                        untagged.append(f"{name}:{node.lineno} {error}")
                    continue
                if tag == "Usage":
                    continue
                source = ast.get_source_segment(text, node)
                if source is None or not source.isascii():
                    raise SystemExit(f"{name}:{node.lineno}: a raise that cannot be cut out")
                offset = starts[node.lineno - 1] + node.col_offset
                if not text.startswith(source, offset):
                    raise SystemExit(f"{name}:{node.lineno}: text before a raise is not ASCII")
                yield Mutant(tag, name, error, source, "pass", offset, node.lineno)


def solidity_sites(root: Path, untagged: list[str]) -> Iterator[Mutant]:
    """Yield a mutant for every tagged revert; tell of the others."""
    for path in sorted((root / SOURCES).rglob("*.sol")):
        if path.name in THIRD_PARTY:
            continue
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^[ \t]*(revert\b[^;]*;)(.*)$", text, re.MULTILINE):
            line = text.count("\n", 0, match.start(1)) + 1
            tag = match[2].strip().removeprefix("//").strip()
            error = re.sub(r"revert\s+(\w+).*", r"\1", match[1], flags=re.DOTALL)
            if TAG.fullmatch(tag) is None:
                untagged.append(f"{name}:{line} {error}")
            elif tag != "Usage":
                yield Mutant(tag, name, error, match[1], "", match.start(1), line)
        code = re.sub(r"//.*", "", text)
        if len(re.findall(r"\brevert\b", code)) != len(re.findall(r"^[ \t]*revert\b", code, re.M)):
            untagged.append(f"{name}: a revert that does not start its line")
        if re.search(r"\brequire\s*\(|\bassert\s*\(", code):
            untagged.append(f"{name}: a require or assert; revert with an error instead")


# Places that bind, by their text.


def bindings(root: Path) -> Iterator[Mutant]:
    """Yield the mutants that tests/mutation/bindings.toml names."""
    listed = tomllib.loads((root / BINDINGS).read_text(encoding="utf-8"))
    for path, entries in listed.items():
        for entry in entries:
            tests = tuple(entry.pop("tests", ()))
            yield Mutant(path=path, tests=tests, **entry)


# One mutant after another, in a copy.


def list_mutants(root: Path = ROOT) -> list[Mutant]:
    """Return all mutants of a tree.

    Raises
    ------
    SystemExit
        A place that refuses has no tag, or the text of a named mutant is not in the source once.
    """
    untagged: list[str] = []
    found = [*python_sites(root, untagged), *solidity_sites(root, untagged), *bindings(root)]
    if untagged:
        raise SystemExit("these refusals name no row:\n  " + "\n  ".join(untagged))
    for mutant in found:
        text = (root / mutant.path).read_text(encoding="utf-8")
        changed = mutant.apply(text)
        if mutant.path.endswith(".py"):
            ast.parse(changed)
    return found


def _imported(sources: dict[str, str], root: str) -> dict[str, str]:
    """Return a source and all that it imports."""
    found: dict[str, str] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = sources[name]
            paths = re.findall(r'^(?:import|\}) .*?"(.+?)";', sources[name], re.MULTILINE)
            here = PurePosixPath(name).parent.as_posix()
            waiting += [posixpath.normpath(f"{here}/{path}") for path in paths]
    return found


class Copy:
    """A copy of the tree that mutants are tried in."""

    def __init__(self, root: Path, proofs: Path) -> None:
        self.root = root
        self.proofs = proofs
        skipped = shutil.ignore_patterns(
            "node_modules", ".data", "__pycache__", ".hypothesis", "*.pyc"
        )
        for name in (*PACKAGES, "tests"):
            shutil.copytree(ROOT / name, self.root / name, ignore=skipped)
        shutil.copy(ROOT / "pyproject.toml", self.root)
        node_modules = "verifier_contracts/node_modules"
        (self.root / node_modules).symlink_to(ROOT / node_modules)
        self._build = self._load_build()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            # Before the virtual environment's own, which is installed from the original.
            "PYTHONPATH": os.pathsep.join(str(self.root / name) for name in PACKAGES),
            # A stale .pyc would undo a mutant: its check knows whole seconds only.
            "PYTHONDONTWRITEBYTECODE": "1",
            "ZKINFER_TEST_PROOFS": str(self.proofs),
            "COLUMNS": "400",
        }

    def _load_build(self) -> ModuleType:
        path = self.root / "verifier_contracts" / "build.py"
        spec = importlib.util.spec_from_file_location("mutants_build", path)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{path} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # What a removed check leaves unused is no error here.
        module._KNOWN_WARNINGS |= set(module.read_sources(self.root / SOURCES))
        return module

    def check_imports(self) -> None:
        """Stop unless this copy is what tests import."""
        names = ("zkinfer_circuits", "zkinfer", "zkinfer_contracts", "zkinfer_models")
        code = f"import {', '.join(names)}\nfor m in ({', '.join(names)}): print(m.__file__)"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env=self.environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        for line in done.stdout.splitlines():
            if not Path(line).is_relative_to(self.root):
                raise SystemExit(f"{line} would be tested instead of the copy")

    def compile(self, name: str, text: str) -> dict[Path, str]:
        """Return the artefacts that follow from one changed source, of those that tests deploy."""
        sources = self._build.read_sources(self.root / SOURCES)
        del sources["Halo2VerifierReusable.sol"]
        if name.startswith(self._build.PLUMB):
            # What checks layouts is tested by itself, and a verifier takes much longer.
            roots = (f"{self._build.PLUMB}{root}.sol" for root in PLUMB_CONTRACTS)
            reached = (_imported(sources, root) for root in roots)
            sources = next(found for found in reached if name in found)
        else:
            # Nothing outside that folder has a part in what is in it, or takes as long.
            sources = {n: t for n, t in sources.items() if not n.startswith(self._build.PLUMB)}
        sources[name] = text
        folder = self.root / "verifier_contracts" / "zkinfer_contracts" / "artifacts"
        return {
            folder / f"{contract}.json": self._build.render(made)
            for contract, made in self._build.compile_sources(sources).items()
            if made["abi"]
        }

    def check_compiler(self) -> None:
        """Stop unless the sources as they are compile to what ships."""
        name = Path(ADAPTER).relative_to(SOURCES).as_posix()
        for path, text in self.compile(name, (self.root / ADAPTER).read_text("utf-8")).items():
            if json.loads(path.read_text("utf-8")) != json.loads(text):
                raise SystemExit(f"{path.name} is not what its source compiles to")

    def tests(self) -> tuple[str, ...]:
        """Return what must pass without any mutant, attacks first."""
        found = (sorted(self.root.glob(pattern)) for pattern in TESTS)
        return tuple(path.relative_to(self.root).as_posix() for paths in found for path in paths)

    def run(self, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        """Run tests until one fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE"]
        return subprocess.run(
            [*command, "-p", "no:cacheprovider", "-k", ONCE, *tests],
            env=self.environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )

    def verdict(self, mutant: Mutant) -> tuple[bool, str]:
        """Apply a mutant, run the tests, take it back; return whether it was killed, and how."""
        path = self.root / mutant.path
        changed = mutant.apply(path.read_text(encoding="utf-8"))
        if mutant.path.endswith(".sol"):
            name = Path(mutant.path).relative_to(SOURCES).as_posix()
            # The source, too: some tests compile contracts of their own from it.
            files = {path: changed, **self.compile(name, changed)}
        else:
            files = {path: changed}
        before = {path: path.read_text(encoding="utf-8") for path in files}
        made = {path: text for path, text in files.items() if path.suffix != ".sol"}
        if all(before[path] == text for path, text in made.items()):
            return False, f"{SURVIVED}: it compiles to the same code"
        try:
            for path, text in files.items():
                path.write_text(text, encoding="utf-8")
            killed, how = False, ""
            if mutant.tests:
                killed, how = _read(self.run(mutant.tests))
            # Twice, if need be: with two jobs, two nodes may want one port.
            for _ in range(2):
                if not killed and how != SURVIVED:
                    killed, how = _read(self.run(self._order(mutant)))
            return killed, how
        except subprocess.TimeoutExpired:
            return False, f"no verdict in {TIMEOUT_S} s"
        finally:
            for path, text in before.items():
                path.write_text(text, encoding="utf-8")

    def _order(self, mutant: Mutant) -> tuple[str, ...]:
        """Return all tests, the likeliest to notice first."""
        folder = self.root / "tests" / "adversarial"
        attacks = [f"tests/adversarial/{p.name}" for p in sorted(folder.glob("test_a*.py"))]
        row = re.fullmatch(r"A(\d+)", mutant.row)
        own = [a for a in attacks if row and f"/test_a{int(row[1]):02d}_" in a]
        chain = ["tests/chain/test_verifier.py", "tests/chain/test_node.py"]
        if mutant.path.startswith(f"{SOURCES}/{self._build.PLUMB}"):
            sources = self._build.read_sources(self.root / SOURCES)
            name = Path(mutant.path).relative_to(SOURCES).as_posix()
            layouts = _imported(sources, f"{self._build.PLUMB}{PLUMB_CONTRACTS[0]}.sol")
            if name in layouts:
                return LAYOUT_TESTS
            likeliest = VERIFIER_TESTS[NOTICED_BY.get(mutant.what, 0)]
            return tuple(dict.fromkeys([likeliest, *VERIFIER_TESTS]))
        elif mutant.path.endswith(".sol") and mutant.row != "Protocol":
            first = [*chain, *own, *attacks]
        else:
            first = [*own, *attacks, *chain]
        slow = self.tests()[2:] if mutant.row == "A15" else ()
        return tuple(dict.fromkeys([*first, *slow]))


def _read(done: subprocess.CompletedProcess[str]) -> tuple[bool, str]:
    """Say what a run of the tests says of its mutant."""
    failed = re.search(r"^FAILED (\S+(?:\[.*?\])?)(?: - (.*))?$", done.stdout, re.MULTILINE)
    if done.returncode == 1 and failed:
        reason = failed[2] or ""
        then = "accepted" if "DID NOT RAISE" in reason else reason[:90]
        return True, f"killed by {failed[1]}  [{then}]"
    if done.returncode == 0:
        return False, SURVIVED
    return False, f"no verdict: {(done.stdout + done.stderr).strip()[-300:]}"


def _judge(
    mutants: list[AnyMutant], judge: Callable[[AnyMutant], tuple[bool, str]], jobs: int
) -> int:
    """Try mutants, tell of each, and return how many are alive."""
    alive = 0
    with ThreadPoolExecutor(jobs) as pool:
        for mutant, (killed, how) in zip(mutants, pool.map(judge, mutants), strict=True):
            alive += not killed
            print(f"{mutant.title}  -> {how}", flush=True)
    return alive


def judge_rust(sites: list[Site], jobs: int) -> int:
    """Try mutants of the Rust core; return how many are alive."""
    if not sites:
        return 0
    tests = RustTests()
    tests.watch(jobs)
    print(f"{len(sites)} mutants in Rust; {len(tests.tests)} tests pass without them", flush=True)
    return _judge(sites, tests.verdict, jobs)


def judge_others(mutants: list[Mutant], jobs: int) -> int:
    """Try mutants of Python and Solidity; return how many are alive."""
    if not mutants:
        return 0
    with tempfile.TemporaryDirectory(prefix="zkinfer-mutants-") as folder:
        proofs = Path(folder) / "proofs"
        proofs.mkdir()
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copy = Copy(Path(folder) / f"tree-{number}", proofs)
            copy.check_imports()
            copy.check_compiler()
            # The first makes the proofs; the others see that they do without making any.
            honest = copy.run(copy.tests() if number == 0 else TESTS[:1])
            if honest.returncode != 0:
                print(honest.stdout[-3000:], file=sys.stderr)
                raise SystemExit("the tests fail without any mutant")
            copies.put(copy)
        print(f"{len(mutants)} mutants; the tests pass without them", flush=True)

        def judge(mutant: Mutant) -> tuple[bool, str]:
            copy = copies.get()
            try:
                return copy.verdict(mutant)
            finally:
                copies.put(copy)

        return _judge(mutants, judge, jobs)


def main(arguments: list[str] | None = None) -> int:
    """Try every mutant; return 1 if one survives, or if the tests fail without any."""
    parser = argparse.ArgumentParser(description="Remove every check in turn.")
    parser.add_argument("--list", action="store_true", help="list the mutants only")
    parser.add_argument("--only", default="", help="mutants whose line matches this expression")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="at a time")
    options = parser.parse_args(arguments)
    sites = [site for site in list_sites() if re.search(options.only, site.title)]
    mutants = [m for m in list_mutants() if re.search(options.only, m.title)]
    if options.list:
        print("\n".join(mutant.title for mutant in [*sites, *mutants]))
        return 0
    started = time.monotonic()
    alive = judge_rust(sites, options.jobs) + judge_others(mutants, options.jobs)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    tried = len(sites) + len(mutants)
    print(f"{tried - alive} killed, {alive} not, {minutes} min {seconds} s")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
