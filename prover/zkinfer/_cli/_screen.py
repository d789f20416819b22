"""What people and programs see: text and progress on stderr and stdout, or one JSON document."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zkinfer._progress import OnProgress
    from zkinfer._progress import Progress as Step
    from zkinfer_circuits import ZkinferError


class Screen:
    """Where a command tells what it does.

    Parameters
    ----------
    json_wanted
        Print one JSON document on stdout and nothing else there.
    """

    def __init__(self, *, json_wanted: bool) -> None:
        self._json = json_wanted
        self._out = Console(highlight=False, markup=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line for people; in JSON mode it goes to stderr."""
        (self._err if self._json else self._out).print(text)

    def note(self, text: str) -> None:
        """Print a line on stderr."""
        self._err.print(text)

    def result(self, document: dict[str, Any]) -> None:
        """Print the JSON document, if that is what was asked for."""
        if self._json:
            sys.stdout.write(json.dumps(document) + "\n")

    def failure(self, error: ZkinferError) -> None:
        """Print an error: a line on stderr, and in JSON mode the document."""
        self._err.print(str(error))
        self.result(
            {
                "error": {
                    "code": error.code,
                    "title": error.title,
                    "message": str(error),
                    "place": error.place,
                    "fix": error.fix,
                }
            }
        )

    @contextlib.contextmanager
    def progress(self) -> Iterator[OnProgress | None]:
        """Show a bar with the stage and an ETA on a terminal; nothing elsewhere."""
        if not self._err.is_terminal:
            yield None
            return
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=self._err,
            transient=True,
        ) as bars:
            task = bars.add_task("starting", total=1.0, eta="")

            def show(step: Step) -> None:
                eta = f"about {step.eta_s:.0f} s to go" if step.eta_s >= 1 else ""
                description = f"{step.job}: {step.stage}"
                bars.update(task, description=description, completed=step.done, eta=eta)

            yield show
