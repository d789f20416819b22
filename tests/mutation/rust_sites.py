"""Places of the Rust core that refuse or bind, and a copy of it in which each can be switched off.

Building the core once for each mutant would take hours. So a copy is made that holds all of them:
each place asks `crate::mutants` (mutants.rs, here) whether it is off. The source has no switches.

Places that refuse are read from the source of the verifier and of the layout checker (`FILES`):

- ``return Err(..)``, ``Err(..)`` at the end of an ``else``, ``need(.., ..)`` and ``.ok_or(..)``;
  conditions that ``&&`` or ``||`` joins are one place each;
- statements such as ``check(..)?;``, whose only result is a refusal.

Each must say what is at stake in a comment on its last line: a row of tests/adversarial/README.md
(``// A9``) or ``// Protocol``. ``// Usage`` says that nothing is, ``// Unreachable: why`` that
something else comes first; neither makes a mutant. In the layout checker every place is *Protocol*
unless it says otherwise. A place that passes a refusal on (``?`` or ``map_err`` where a value is
wanted) is none of its own.

Where a place must give a value instead of refusing, rust_sites.toml says which: ``old`` stands in
the file once (or once inside ``within``), and ``new`` takes its place. So does what binds without
refusing; then ``row`` and ``what`` say what it is. ``also`` lists changes elsewhere that belong to
the same mutant, such as the prover's side. ``at`` names a refusal that the change takes away by
other text. Every label under which something is absorbed is a mutant that does not absorb it, on
both sides.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORE = "prover/core"
SOURCE = f"{CORE}/plumb/src"
CHECKER = ("checker.rs", "checker/layers.rs", "checker/weights.rs")
VERIFIER = (
    "verify.rs",
    "statement.rs",
    "proof.rs",
    "sumcheck.rs",
    "transcript.rs",
    "kzg.rs",
    "commit.rs",
    "opening.rs",
    "register.rs",
    "ranges.rs",
    "keys.rs",
    "keys/bytes.rs",
    "encoding.rs",
    "field.rs",
    "srs.rs",
)
FILES = (*VERIFIER, *CHECKER)
# Where labels of the transcript are.
ABSORBING = ("verify.rs", "statement.rs", "opening.rs")
TAG = re.compile(r"(A\d+|Protocol|Usage|Unreachable)(?::.*)?")
REFUSAL = re.compile(r"\breturn Err\(|(?<!return )\bErr\(|(?<!fn )\bneed\(|\.ok_or(?:_else)?\(")
# A statement that has another result than a refusal.
NOT_ALONE = re.compile(r"^(?:let|return|else)\b|write!|\s[-+*/|]?=\s")
OPEN, CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class Site:
    """One mutant: what stands at a place of the source, and can be switched off."""

    number: int
    row: str
    path: str
    line: int
    what: str
    refuses: bool
    tests: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.row:<8}  {self.path}:{self.line} {self.what}"


@dataclass
class Source:
    """A file, its code without comments and texts, and what is to be inserted."""

    name: str
    text: str
    code: str = ""
    comments: dict[int, str] = field(default_factory=dict)
    # (offset, order, text): what opens comes from outside in, what closes from inside out.
    inserted: list[tuple[int, int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._blank()
        start = re.search(r"#\[cfg\(test\)\]\s*mod tests \{", self.code)
        if start:
            self.code = self.code[: start.start()] + " " * (len(self.code) - start.start())

    def _blank(self) -> None:
        pattern = re.compile(
            r"//[^\n]*|/\*.*?\*/|b?r(#*)\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"|b?'(?:\\[^\n]*?|[^'\\\n])'",
            re.DOTALL,
        )

        def blank(match: re.Match[str]) -> str:
            if match[0].startswith("//"):
                self.comments[self.line(match.start())] = match[0].lstrip("/ ")
            return re.sub(r"[^\n]", " ", match[0])

        self.code = pattern.sub(blank, self.text)

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def end(self, start: int) -> int:
        """Return where the bracket that opens at an offset closes, plus one."""
        depth = 0
        for i in range(start, len(self.code)):
            depth += (self.code[i] in OPEN) - (self.code[i] in CLOSE)
            if depth == 0:
                return i + 1
        raise SystemExit(f"{self.name}:{self.line(start)}: a bracket that does not close")

    def start(self, before: int, stops: str) -> int:
        """Return the offset after the last of some characters, at the depth of an offset."""
        depth = 0
        for i in range(before - 1, -1, -1):
            c = self.code[i]
            if depth == 0 and c in stops:
                return i + 1
            depth += (c in CLOSE) - (c in OPEN)
            if depth < 0:
                return i + 1
            if depth == 0 and c == "}" and "}" in stops:
                return i + 1
        return 0

    def first_comma(self, start: int) -> int:
        depth = 0
        for i in range(start, len(self.code)):
            c = self.code[i]
            if depth == 0 and c == ",":
                return i
            depth += (c in OPEN) - (c in CLOSE)
        raise SystemExit(f"{self.name}:{self.line(start)}: no comma")

    def tag(self, start: int, end: int) -> str:
        for line in range(self.line(end - 1), self.line(start) - 1, -1):
            match = TAG.fullmatch(self.comments.get(line, ""))
            if match:
                return match[1]
        return "Protocol" if self.name in CHECKER else ""

    def wrap(self, start: int, end: int, before: str, after: str) -> None:
        size = end - start
        self.inserted.append((start, 1, -size, before))
        self.inserted.append((end, 0, size, after))

    def instrumented(self) -> str:
        out, last = [], 0
        for offset, _, _, text in sorted(self.inserted):
            out += [self.text[last:offset], text]
            last = offset
        return "".join([*out, self.text[last:]])

    def find(self, old: str, within: str | None) -> tuple[int, int]:
        base, text = 0, self.text
        if within is not None:
            if self.text.count(within) != 1:
                raise SystemExit(f"{self.name}: {self.text.count(within)} times: {within!r}")
            base, text = self.text.index(within), within
        if text.count(old) != 1:
            raise SystemExit(f"{self.name}: {text.count(old)} times, wanted once: {old!r}")
        start = base + text.index(old)
        return start, start + len(old)


class Sites:
    """All places, and the instrumented text of every file that has one."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.found: list[Site] = []
        self.untagged: list[str] = []
        self.sources: dict[str, Source] = {}
        self.labels: dict[str, int] = {}
        self._named()
        for name in FILES:
            self._refusals(self.source(name))
        self._absorbed()

    def source(self, name: str) -> Source:
        if name not in self.sources:
            text = (self.root / SOURCE / name).read_text(encoding="utf-8")
            self.sources[name] = Source(name, text)
        return self.sources[name]

    def _add(
        self,
        source: Source,
        offset: int,
        row: str,
        what: str,
        *,
        refuses: bool,
        tests: tuple[str, ...] = (),
    ) -> int:
        number = len(self.found) + 1
        what = re.sub(r"\s+", " ", what)[:90]
        path, line = f"{SOURCE}/{source.name}", source.line(offset)
        self.found.append(Site(number, row, path, line, what, refuses, tests))
        return number

    # Places that the list names.

    def _named(self) -> None:
        listed = tomllib.loads((HERE / "rust_sites.toml").read_text(encoding="utf-8"))
        self.covered: dict[str, list[tuple[int, int]]] = {}
        changes: dict[tuple[str, int, int], list[tuple[int, str]]] = {}
        refusing: dict[tuple[str, int, int], int] = {}
        for name, entries in listed.items():
            for entry in entries:
                source = self.source(name)
                start, end = source.find(entry["old"], entry.get("within"))
                at = source.find(entry["at"], None) if "at" in entry else (start, end)
                self.covered.setdefault(name, []).append(at)
                row = entry.get("row") or source.tag(*at)
                refuses = REFUSAL.search(source.code, start, end) is not None
                what = entry.get("what") or source.text[at[0] : at[1]]
                tests = tuple(entry.get("tests", ()))
                number = self._add(source, at[0], row, what, refuses=refuses, tests=tests)
                refuses = refuses or entry.get("refuses", False)
                if refuses:
                    refusing[name, start, end] = number
                changes.setdefault((name, start, end), []).append((number, entry["new"]))
                for other in entry.get("also", ()):
                    key = (
                        other["path"],
                        *self.source(other["path"]).find(other["old"], other.get("within")),
                    )
                    changes.setdefault(key, []).append((number, other["new"]))
        for (name, start, end), news in changes.items():
            source = self.source(name)
            old = source.text[start:end]
            statement = old.rstrip().endswith((";", "}"))
            before = "" if statement else "("
            for number, new in news:
                before += f"if crate::mutants::off({number}) {{ {new} }} else "
            before, after = before + "{ ", " }" if statement else " })"
            refuser = refusing.get((name, start, end))
            if refuser and (statement or old.startswith("return ")):
                before += f"crate::mutants::refuses({refuser}); "
            elif refuser:
                before, after = f"{before}crate::mutants::seen({refuser}, ", ")" + after
            source.wrap(start, end, before, after)

    # Places that refuse.

    def _is_named(self, source: Source, offset: int) -> bool:
        return any(a <= offset < b for a, b in self.covered.get(source.name, ()))

    def _refusals(self, source: Source) -> None:
        code = source.code
        helper = re.search(r"fn need\(", code)
        skipped = range(0)
        if helper:
            skipped = range(helper.start(), source.end(code.index("{", helper.start())))
        for match in REFUSAL.finditer(code):
            start, opens = match.start(), match.end() - 1
            end = source.end(opens)
            if start in skipped or re.match(r"\s*(=>|=[^=]|\|)", code[end:]):
                continue
            row = source.tag(start, end)
            if not row:
                text = re.sub(r"\s+", " ", source.text[start:end])[:90]
                self.untagged.append(f"{SOURCE}/{source.name}:{source.line(start)} {text}")
            if row not in {"Usage", "Unreachable", ""}:
                self._refusal(source, match[0], start, opens, end, row)
        for match in re.finditer(r"\?;", code):
            start = source.start(match.start(), ";{}")
            start += len(code[start:]) - len(code[start:].lstrip())
            text = code[start : match.end()]
            if (
                re.match(r"let\b|return\b|else\b", text)
                or "write!" in text
                or re.search(r"\s[-+*/|]?=\s", text)
            ):
                continue
            if REFUSAL.search(text) or any(
                a <= start < b for a, b in self.covered.get(source.name, ())
            ):
                continue
            row = source.tag(start, match.end())
            original = source.text[start : match.end()]
            if not row:
                self.untagged.append(f"{SOURCE}/{source.name}:{source.line(start)} {original}")
            if row in {"Usage", "Unreachable", ""}:
                continue
            number = self._add(source, start, row, original, refuses=False)
            source.wrap(start, match.end(), f"if !crate::mutants::off({number}) {{ ", " }")

    def _refusal(
        self, source: Source, token: str, start: int, opens: int, end: int, row: str
    ) -> None:
        code = source.code
        error = source.text[opens + 1 : end - 1]
        if token == "need(":
            comma = source.first_comma(opens + 1)
            error = source.text[comma + 1 : end - 1]
            self._conditions(source, opens + 1, comma, "&&", row, f"need {error.strip()}")
            return
        block = source.start(start, "{") - 1
        if token == "return Err(" and code[end] == ";":
            head = code[source.start(block, ";{}") : block].strip()
            if head.startswith("if ") and "let " not in head:
                condition = code.rindex("if ", 0, block) + 3
                self._conditions(source, condition, block, "||", row, f"return {error}")
                return
            if head.startswith("if "):
                number = self._add(source, start, row, f"return {error}", refuses=True)
                source.wrap(start, end + 1, f"if crate::mutants::refuses({number}) {{ ", " }")
                return
        if (
            token == "Err("
            and code[:block].rstrip().endswith("else")
            and not code[block + 1 : start].strip()
        ):
            then = code[:block].rstrip().removesuffix("else").rstrip()
            if then.endswith("}"):
                depth, i = 0, len(then) - 1
                while True:
                    depth += (then[i] == "}") - (then[i] == "{")
                    if depth == 0:
                        break
                    i -= 1
                condition = code.rindex("if ", 0, i) + 3
                self._conditions(source, condition, i, "&&", row, f"else {error}")
                return
        if self._is_named(source, start):
            return
        line = source.line(start)
        self.untagged.append(
            f"{SOURCE}/{source.name}:{line} takes a value: name it in rust_sites.toml: {error[:60]}"
        )

    def _conditions(
        self, source: Source, start: int, end: int, joint: str, row: str, what: str
    ) -> None:
        """Take each of the conditions apart that `joint` joins: all must hold, or none."""
        parts, depth, last = [], 0, start
        for i in range(start, end):
            c = source.code[i]
            depth += (c in OPEN) - (c in CLOSE)
            if depth == 0 and source.code.startswith(joint, i):
                parts.append((last, i))
                last = i + len(joint)
        parts.append((last, end))
        function = "holds" if joint == "&&" else "fails"
        for first, stop in parts:
            text = source.text[first:stop]
            first += len(text) - len(text.lstrip())
            stop -= len(text) - len(text.rstrip())
            said = f"{what} ({source.text[first:stop]})" if len(parts) > 1 else what
            number = self._add(source, first, row, said, refuses=True)
            source.wrap(first, stop, f"crate::mutants::{function}({number}, ", ")")

    # What is absorbed.

    def _absorbed(self) -> None:
        for name in ABSORBING:
            source = self.source(name)
            for match in re.finditer(r"\b(?:absorb\w*|receive|sumcheck::verify)\(", source.code):
                text = source.text[match.end() : source.end(match.end() - 1)]
                label = re.search(r'"([^"]+)"', text)
                if label and label[1] not in self.labels:
                    what = f'"{label[1]}" is not absorbed'
                    number = self._add(source, match.start(), "Protocol", what, refuses=False)
                    self.labels[label[1]] = number
        source = self.source("transcript.rs")
        body = re.search(r"fn absorb_words\([^{]*\{", source.code)
        if body is None:
            raise SystemExit("transcript.rs: no absorb_words")
        skip = " if crate::mutants::unabsorbed(label) { return; }"
        source.inserted.append((body.end(), 0, 0, skip))

    def module(self) -> str:
        """Return the text of the module that holds the switches."""
        entries = ", ".join(f"({json.dumps(label)}, {n})" for label, n in self.labels.items())
        table = f"static ABSORBED: [(&str, u32); {len(self.labels)}] = [{entries}];\n"
        return (HERE / "mutants.rs").read_text(encoding="utf-8") + "\n" + table


def list_sites(root: Path = ROOT) -> list[Site]:
    """Return all places.

    Raises
    ------
    SystemExit
        A place that refuses has no tag, one that needs a value none, or a text is not there once.
    """
    sites = Sites(root)
    _complain(sites)
    return sites.found


def _complain(sites: Sites) -> None:
    if sites.untagged:
        raise SystemExit("these refusals name no row:\n  " + "\n  ".join(sites.untagged))


def make_instrumented(folder: Path, root: Path = ROOT) -> list[Site]:
    """Copy the Rust core into a folder, with a switch at each place; return the places.

    The folder then holds what prover/core does, ``plumb/src/mutants.rs``, and the places in
    ``sites.json``. The tests are the core's own: ``cargo test -p plumb``. Files that have not
    changed keep their times, so that cargo builds what has.
    """
    sites = Sites(root)
    _complain(sites)
    written = {}
    for path in _files(root / CORE):
        name = path.relative_to(root / CORE).as_posix()
        written[name] = path.read_bytes()
    for name, source in sites.sources.items():
        written[f"plumb/src/{name}"] = source.instrumented().encode()
    lib = written["plumb/src/lib.rs"].decode()
    written["plumb/src/lib.rs"] = (
        lib.replace("pub mod masks;", "mod masks;")
        .replace("\nmod masks;\n", "\nmod masks;\npub mod mutants;\n")
        .encode()
    )
    written["plumb/src/mutants.rs"] = sites.module().encode()
    table = [asdict(site) for site in sites.found]
    written["sites.json"] = json.dumps(table, indent=1).encode()
    for name, data in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
    for path in _files(folder):
        if path.relative_to(folder).as_posix() not in written:
            path.unlink()
    return sites.found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "target":
            yield from _files(path)
        elif path.is_file():
            yield path
