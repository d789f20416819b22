"""Figures for people: a table a model, with ratios against the first backend."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from zkinfer._report._plots import number

if TYPE_CHECKING:
    from collections.abc import Iterator


class Figure(NamedTuple):
    """One field of a row, its name for people, and whether a ratio says anything."""

    field: str
    title: str
    ratio: bool = False
    percent: bool = False


FIGURES = (
    Figure("prove_s", "proof, s", ratio=True),
    Figure("prove_inner_s", "  of which ezkl's prove, s", ratio=True),
    Figure("msm_s", "its multiplications alone, s", ratio=True),
    Figure("msm_ratio", "proof over these"),
    Figure("peak_mb", "peak memory, MB", ratio=True),
    Figure("setup_s", "setup, s", ratio=True),
    Figure("pk_mb", "proving key, MB", ratio=True),
    Figure("verify_ms", "verification, ms", ratio=True),
    Figure("proof_bytes", "proof, bytes", ratio=True),
    Figure("gas", "gas", ratio=True),
    Figure("contract_bytes", "contract, bytes"),
    Figure("register_gas", "registration, gas"),
    Figure("gas_together", "several proofs together, gas"),
    Figure("gas_saved_each", "  saved by each but one, gas"),
    Figure("accuracy_float", "accuracy, float", percent=True),
    Figure("accuracy_quantized", "accuracy, quantised", percent=True),
    Figure("agreement", "same class", percent=True),
    Figure("max_abs_error", "largest error"),
    Figure("samples", "held-out samples"),
    Figure("runs", "proofs measured"),
)


def by_model(document: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each model with its rows, in order."""
    for model in dict.fromkeys(row["model"] for row in document["rows"]):
        yield model, [row for row in document["rows"] if row["model"] == model]


def shown(figure: Figure, row: dict[str, Any]) -> str:
    """Return a row's figure in words, empty where there is none."""
    value = row[figure.field]
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if figure.percent else number(value)


def ratio(figure: Figure, row: dict[str, Any], first: dict[str, Any]) -> str:
    """Return a row's figure over that of the first backend, empty where that says nothing."""
    value, base = row[figure.field], first[figure.field]
    if not figure.ratio or row is first or not value or not base:
        return ""
    return f"{value / base:.2f}x"


def in_common(rows: list[dict[str, Any]]) -> str:
    """Return what the rows of one model have in common."""
    row = rows[0]
    hidden = [what for what in ("inputs", "weights") if row[f"hidden_{what}"]]
    return (
        f"{row['params']:,} parameters, {row['weights']} weights, {row['macs']:,} multiplications, "
        f"{' and '.join(hidden) or 'nothing'} hidden"
    )


def tables(document: dict[str, Any]) -> str:
    """Return the tables as text."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    out = StringIO()
    console = Console(file=out, width=110, highlight=False, markup=False, color_system=None)
    for model, rows in by_model(document):
        console.print(f"{model}: {in_common(rows)}")
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column("")
        for row in rows:
            table.add_column(row["backend"], justify="right")
            if row is not rows[0]:
                table.add_column("ratio", justify="right")
        for figure in FIGURES:
            cells = [shown(figure, rows[0])]
            for row in rows[1:]:
                cells += [shown(figure, row), ratio(figure, row, rows[0])]
            if any(cells):
                table.add_row(figure.title, *cells)
        console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())
