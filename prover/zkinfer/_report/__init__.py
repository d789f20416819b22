"""What a circuit is, what it costs, and what a verifier learns: as text, as JSON, as a page."""

from zkinfer._report._report import Report, hides, learns, report

__all__ = ["Report", "hides", "learns", "report"]
