"""What long work tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a long job stands.

    Attributes
    ----------
    job
        ``"compile"``, ``"setup"`` or ``"prove"``; of universal parameters ``"fetch"``,
        ``"import"`` or ``"check"``.
    stage
        What is being done, for people.
    done
        Fraction of the estimated time that has passed, in [0, 1]; 1 only at the end.
    elapsed_s, eta_s
        Seconds since the start, and the estimated seconds to go.
    peak_mb
        Peak memory of the backend's process in megabytes, known at the end.
    """

    job: str
    stage: str
    done: float
    elapsed_s: float
    eta_s: float
    peak_mb: float | None = None


OnProgress = Callable[[Progress], None]
