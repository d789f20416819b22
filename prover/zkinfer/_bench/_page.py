"""A benchmark's document as a page."""

from __future__ import annotations

from typing import Any

from zkinfer._bench._table import FIGURES, by_model, in_common, ratio, shown
from zkinfer._report._markup import Child, Html, facts, page, table, tag
from zkinfer._report._plots import bars, key, number

_PLOTTED = (
    ("prove_s", "Proof, seconds"),
    ("peak_mb", "Peak memory of the proving process, MB"),
    ("setup_s", "Setup, seconds"),
    ("pk_mb", "Proving key, MB"),
    ("verify_ms", "Verification, milliseconds"),
    ("gas", "Verification on chain, gas"),
)


def bench_page(document: dict[str, Any]) -> str:
    """Return the page of a document made by `measure`."""
    parts: list[Html] = [
        tag("h1", "Benchmark"),
        tag(
            "p",
            "Every backend on one machine in one run, with the same models and inputs. Ratios are "
            "what counts: absolute times move with the machine.",
            class_="sub",
        ),
    ]
    used = document["machine"].get("cores_used_by_others")
    if used is not None and used > 0.3:
        text = f"Others kept {used:.1f} cores busy meanwhile: these times are too long and uneven."
        parts.append(tag("p", text, class_="warning"))
    parts += [
        tag("h2", "At a glance"),
        *_plots(document),
        *(part for model, rows in by_model(document) for part in _model(model, rows)),
        *_failed(document),
        tag("h2", "Machine"),
        _machine(document),
        tag(
            "footer",
            "Times are medians over the proofs measured; each proof was verified. Peak memory is "
            "that of the proving process. Gas is that of the whole transaction. Accuracy and "
            "errors are on samples that the model was not trained on.",
        ),
    ]
    return page("zkinfer benchmark", *parts)


def _plots(document: dict[str, Any]) -> list[Html]:
    backends = list(dict.fromkeys(row["backend"] for row in document["rows"]))
    figures = []
    for field, title in _PLOTTED:
        groups = []
        for model, rows in by_model(document):
            of = {row["backend"]: row[field] for row in rows}
            groups.append((model, [of.get(backend) for backend in backends]))
        if any(value is not None for _, values in groups for value in values):
            figures.append(tag("figure", tag("h3", title), bars(title, groups)))
    if not figures:
        return [tag("p", "Nothing was measured.", class_="note")]
    note = "Bars are scaled within each model: compare backends, not models."
    return [key(backends), tag("div", *figures, class_="pair"), tag("p", note, class_="note")]


def _model(model: str, rows: list[dict[str, Any]]) -> list[Html]:
    head = [""]
    for row in rows:
        head.append(row["backend"])
        if row is not rows[0]:
            head.append("ratio")
    body: list[list[Child]] = []
    for figure in FIGURES:
        cells: list[Child] = [shown(figure, rows[0])]
        for row in rows[1:]:
            cells += [shown(figure, row), ratio(figure, row, rows[0])]
        if any(cells):
            body.append([figure.title.strip(), *cells])
    for name in dict.fromkeys(name for row in rows for name in row["sizes"]):
        cells = []
        for row in rows:
            value = row["sizes"].get(name)
            cells.append("" if value is None else number(value))
            if row is not rows[0]:
                cells.append("")
        body.append([name.replace("_", " "), *cells])
    return [tag("h2", model), tag("p", in_common(rows)), table(head, body)]


def _failed(document: dict[str, Any]) -> list[Html]:
    if not document["failed"]:
        return []
    rows: list[list[Child]] = [
        [f["model"], f["backend"], f["code"], f["title"]] for f in document["failed"]
    ]
    return [
        tag("h2", "What failed"),
        table(["model", "backend", "code", "what"], rows, words=4),
    ]


def _machine(document: dict[str, Any]) -> Html:
    machine, versions = document["machine"], document["versions"]
    memory = machine["memory_mb"]
    entries: list[tuple[str, Child]] = [
        ("Processor", f"{machine['cpu']}, {machine['cores']} cores"),
        ("Memory", "unknown" if memory is None else f"{memory:,} MB"),
        ("System", machine["system"]),
        ("Load before", ", ".join(map(str, machine["load"]))),
        ("Versions", ", ".join(f"{n} {v}" for n, v in versions.items() if v is not None)),
        ("Parameters", ", ".join(dict.fromkeys(row["srs"] for row in document["rows"]))),
    ]
    used = machine.get("cores_used_by_others")
    if used is not None:
        entries.insert(4, ("Cores used by others", str(used)))
    if "command" in document:
        entries.append(("Command", tag("code", document["command"])))
    return facts(entries)
