"""HTML that is safe by construction, and the page that holds it: one file, no script, no links.

What is not `Html` is text and gets escaped; so names from a stranger's model stay text.
"""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TypeAlias

_LONGEST_NAME = 60


class Html(str):
    """Text that is markup already; made by `tag` and `joined` alone."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Html"


def text(value: object) -> Html:
    """Return a value as text: escaped, with what cannot be seen made visible.

    Control and direction characters would let a name pose as something else.
    """
    if isinstance(value, Html):
        return value
    seen = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))
    return Html(html.escape(seen, quote=True))


def clipped(name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name, or the start of a long one."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def joined(*children: Child) -> Html:
    """Return children one after the other."""
    return Html("".join(text(child) for child in children))


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """Return an element; ``class_`` is class, other underscores are hyphens; None is left out."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in ("meta", "line", "rect", "circle", "path") and not children:
        return Html(f"<{name}{shown}{'' if name == 'meta' else '/'}>")
    return Html(f"<{name}{shown}>{joined(*children)}</{name}>")


def bullets(sentences: list[str]) -> Html:
    """Return a list."""
    return tag("ul", *(tag("li", sentence) for sentence in sentences))


def facts(entries: list[tuple[str, Child]]) -> Html:
    """Return a table of names and values."""
    rows = (tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in entries)
    return tag("table", tag("tbody", *rows), class_="facts")


def table(
    head: list[str], rows: list[list[Child]], *, words: int = 1, caption: str | None = None
) -> Html:
    """Return a table whose first `words` columns are words and whose others are numbers."""

    def kind(column: int) -> str | None:
        return None if column < words else "n"

    top = tag("tr", *(tag("th", name, scope="col", class_=kind(i)) for i, name in enumerate(head)))
    body = (
        tag("tr", *(tag("td", value, class_=kind(i)) for i, value in enumerate(row)))
        for row in rows
    )
    parts = [tag("caption", caption)] if caption else []
    made = tag("table", *parts, tag("thead", top), tag("tbody", *body), class_="grid")
    return tag("div", made, class_="wide")


def page(title: str, *children: Child) -> str:
    """Return a whole page: no script, nothing loaded from anywhere, light and dark."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        Html(f"<style>{_STYLE}</style>"),
    )
    body = tag("body", tag("main", *children))
    return "<!doctype html>\n" + tag("html", head, Html("\n"), body, lang="en") + "\n"


# Blue and orange first: told apart by most who do not see colours as others do.
_STYLE = """
:root { --fg: #1c2024; --muted: #5d666f; --bg: #fff; --soft: #f5f6f7; --rule: #dcdfe3;
  --s0: #1f6a9c; --s1: #c4731d; --s2: #47834d; --s3: #8a5796; --s4: #8c8230; --s5: #6b737b; }
@media (prefers-color-scheme: dark) {
:root { --fg: #e3e6e9; --muted: #9aa4ad; --bg: #15181b; --soft: #1e2226; --rule: #343a40;
  --s0: #62a8d8; --s1: #e09a4c; --s2: #7fbf86; --s3: #c295cd; --s4: #c9bd62; --s5: #a3abb3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; font-weight: 600; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; font-weight: 600;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; font-weight: 600; }
p { margin: .5rem 0; max-width: 46rem; }
ul { margin: .5rem 0; padding-left: 1.2rem; max-width: 46rem; }
li { margin: .25rem 0; }
.sub, .note, figcaption, caption { color: var(--muted); }
.note, figcaption, caption { font-size: .87rem; }
code, .id { font: .87em/1.5 ui-monospace, "Cascadia Mono", Menlo, "Liberation Mono", monospace;
  overflow-wrap: anywhere; }
.warning { border-left: 3px solid var(--s1); padding: .25rem .75rem; background: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .93rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.1rem .3rem 0;
  border-bottom: 1px solid var(--rule); font-weight: 400; overflow-wrap: anywhere; }
tr > :last-child { padding-right: 0; }
thead th, .facts th { color: var(--muted); }
.facts th { white-space: nowrap; }
.grid td, .grid th { font-variant-numeric: tabular-nums; }
.grid td.n { white-space: nowrap; }
.grid td:first-child { min-width: 6rem; }
.n { text-align: right; }
figure { margin: .75rem 0; }
figure h3 { margin-top: 0; }
.pair { display: grid; gap: .5rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.key { color: var(--muted); font-size: .87rem; margin: .25rem 0; }
.key svg { width: .8em; height: .8em; margin: 0 .35em 0 0; display: inline-block; }
.key span { margin-right: 1.25em; white-space: nowrap; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--fg); font-size: 12px; font-family: inherit; }
svg .dim { fill: var(--muted); }
svg .end { text-anchor: end; } svg .mid { text-anchor: middle; }
svg .axis { stroke: var(--rule); } svg .guide { stroke: var(--muted); stroke-dasharray: 3 3; }
svg .dot { fill: var(--s0); fill-opacity: .55; } svg .worst { fill: none; stroke: var(--s1);
  stroke-width: 1.5; }
svg .s0 { fill: var(--s0); } svg .s1 { fill: var(--s1); } svg .s2 { fill: var(--s2); }
svg .s3 { fill: var(--s3); } svg .s4 { fill: var(--s4); } svg .s5 { fill: var(--s5); }
footer { margin-top: 3rem; color: var(--muted); font-size: .87rem; }
"""
