"""Small plots as inline SVG; sizes are in the units of their view boxes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zkinfer._report._markup import Html, clipped, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SERIES = 6
_MOST_POINTS = 2000
_LABEL = 24


def number(value: float) -> str:
    """Return a number with three significant digits and its thousands apart."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def _ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from `low` to `high`, at most about `most` of them."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 5) if m * power >= raw), 10 * power)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{i * step:.6g}") for i in range(first, last + 1)]


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis that shows both ends, which may be equal."""
    margin = 0.04 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _plot(width: int, height: int, title: str, *children: Html) -> Html:
    return tag(
        "svg",
        tag("title", title),
        *children,
        viewBox=f"0 0 {width} {height}",
        width=width,
        role="img",
        aria_label=title,
    )


def key(names: Sequence[str]) -> Html:
    """Return the key to the colours of bars."""
    entries = []
    for i, name in enumerate(names):
        square = tag("rect", width=10, height=10, class_=f"s{i % SERIES}")
        swatch = tag("svg", square, viewBox="0 0 10 10", aria_hidden="true")
        entries.append(tag("span", swatch, name))
    return tag("p", *entries, class_="key")


def bars(title: str, groups: Sequence[tuple[str, Sequence[float | None]]]) -> Html:
    """Return horizontal bars in groups, one bar a series; each group has a scale of its own.

    Parameters
    ----------
    title
        What is shown, with its unit.
    groups
        A label, and for each series a non-negative number, or None where there is none.
    """
    width, left, right, thick = 460, 120, 70, 14
    parts: list[Html] = []
    y = 4
    for label, values in groups:
        top = y
        largest = max((v for v in values if v is not None), default=0.0) or 1.0
        for i, value in enumerate(values):
            middle = y + thick / 2 + 4
            length = 0.0 if value is None else (width - left - right) * value / largest
            drawn = max(length, 1.0) if value is not None else 0.0
            if drawn:
                parts.append(
                    tag(
                        "rect",
                        x=left,
                        y=y,
                        width=f"{drawn:.1f}",
                        height=thick - 2,
                        class_=f"s{i % SERIES}",
                    )
                )
            shown = "none" if value is None else number(value)
            parts.append(
                tag(
                    "text",
                    shown,
                    x=f"{left + drawn + 6:.1f}",
                    y=middle - 1,
                    class_="dim" if value is None else None,
                )
            )
            y += thick
        middle = (top + y) / 2 + 4
        parts.append(
            tag("text", clipped(label, _LABEL), x=left - 8, y=middle - 1, class_="end dim")
        )
        y += 10
    return _plot(width, max(y, 10), title, *parts)


def scatter(
    title: str,
    across: NDArray[np.float64],
    up: NDArray[np.float64],
    labels: tuple[str, str],
    *,
    diagonal: bool,
) -> Html:
    """Return points, with the line where up equals across, or else where up is zero.

    Of more than 2,000 points some are left out evenly; the one farthest from the line never is, and
    is circled.
    """
    finite = np.isfinite(across) & np.isfinite(up)
    across, up = across[finite], up[finite]
    if not len(across):
        return tag("p", "There is nothing to plot: no value is finite.", class_="note")
    distance = np.abs(up - across) if diagonal else np.abs(up)
    worst = int(distance.argmax())
    width, height, left, bottom, top = 400, 320, 58, 44, 8
    x_low, x_high = _widened(float(across.min()), float(across.max()))
    y_low, y_high = _widened(min(float(up.min()), 0.0), max(float(up.max()), 0.0))
    if diagonal:
        x_low = y_low = min(x_low, _widened(float(up.min()), float(up.max()))[0])
        x_high = y_high = max(x_high, _widened(float(up.min()), float(up.max()))[1])

    def at_x(value: float) -> float:
        return left + (value - x_low) / (x_high - x_low) * (width - left - 10)

    def at_y(value: float) -> float:
        return height - bottom - (value - y_low) / (y_high - y_low) * (height - bottom - top)

    parts = []
    for tick in _ticks(x_low, x_high):
        x = f"{at_x(tick):.1f}"
        parts.append(tag("line", x1=x, x2=x, y1=top, y2=height - bottom, class_="axis"))
        parts.append(tag("text", f"{tick:g}", x=x, y=height - bottom + 16, class_="mid dim"))
    for tick in _ticks(y_low, y_high):
        y = f"{at_y(tick):.1f}"
        parts.append(tag("line", x1=left, x2=width - 10, y1=y, y2=y, class_="axis"))
        parts.append(
            tag("text", f"{tick:g}", x=left - 6, y=f"{at_y(tick) + 4:.1f}", class_="end dim")
        )
    ends = (x_low, x_high) if diagonal else (0.0, 0.0)
    parts.append(
        tag(
            "line",
            x1=f"{at_x(x_low):.1f}",
            y1=f"{at_y(ends[0]):.1f}",
            x2=f"{at_x(x_high):.1f}",
            y2=f"{at_y(ends[1]):.1f}",
            class_="guide",
        )
    )
    for i in range(0, len(across), max(1, math.ceil(len(across) / _MOST_POINTS))):
        x, y = f"{at_x(across[i]):.1f}", f"{at_y(up[i]):.1f}"
        parts.append(tag("circle", cx=x, cy=y, r=2, class_="dot"))
    x, y = f"{at_x(across[worst]):.1f}", f"{at_y(up[worst]):.1f}"
    parts.append(tag("circle", cx=x, cy=y, r=5, class_="worst"))
    middle = (left + width - 10) / 2
    parts.append(tag("text", labels[0], x=middle, y=height - 6, class_="mid"))
    side = (height - bottom + top) / 2
    turned = f"rotate(-90 12 {side})"
    parts.append(tag("text", labels[1], x=12, y=side, transform=turned, class_="mid"))
    return _plot(width, height, title, *parts)


def ranges(title: str, rows: Sequence[tuple[str, float, float]]) -> Html:
    """Return an interval a row, all on one axis with zero in it."""
    width, left, right, thick = 720, 170, 120, 18
    low, high = _widened(min(0.0, *(r[1] for r in rows)), max(0.0, *(r[2] for r in rows)))

    def at(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - right)

    height = thick * len(rows) + 26
    parts = []
    for tick in _ticks(low, high, 8):
        x = f"{at(tick):.1f}"
        parts.append(tag("line", x1=x, x2=x, y1=2, y2=height - 22, class_="axis"))
        parts.append(tag("text", f"{tick:g}", x=x, y=height - 6, class_="mid dim"))
    zero = f"{at(0.0):.1f}"
    parts.append(tag("line", x1=zero, x2=zero, y1=2, y2=height - 22, class_="guide"))
    for i, (label, first, last) in enumerate(rows):
        y = i * thick + 5
        length = max(at(last) - at(first), 1.0)
        parts.append(
            tag("rect", x=f"{at(first):.1f}", y=y, width=f"{length:.1f}", height=10, class_="s0")
        )
        parts.append(tag("text", clipped(label, _LABEL), x=left - 8, y=y + 9, class_="end"))
        shown = f"{number(first)} to {number(last)}"
        parts.append(tag("text", shown, x=width - right + 10, y=y + 9, class_="dim"))
    return _plot(width, height, title, *parts)
