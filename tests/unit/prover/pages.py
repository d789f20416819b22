"""Reads a page that we made, strictly: one file that loads nothing, runs nothing, and nests."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import NamedTuple

_LOADS = re.compile(r"//|url\(|@import|script:")
_VOID = {"meta"}
_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "footer", "h1", "h2", "h3", "p",
    "ul", "li", "code", "table", "caption", "thead", "tbody", "tr", "th", "td", "div", "span",
    "figure", "figcaption", "svg", "text", "line", "rect", "circle", "path",
}  # fmt: skip


class Page(NamedTuple):
    """A page's text, its tags in order, and how many there are of each."""

    text: str
    tags: list[str]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.style, self.policy = [], [], [], "", ""

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in _TAGS, tag
        self.tags.append(tag)
        for name, value in attributes:
            assert re.fullmatch("[a-zA-Z0-9-]+", name), name
            assert not name.startswith("on"), name
            assert name not in ("href", "src", "srcset", "style", "action", "data", "id"), name
            assert name == "aria-label" or not _LOADS.search(value), value
            if (name, value) == ("http-equiv", "Content-Security-Policy"):
                self.policy = dict(attributes)["content"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.texts.append(data)


def read_page(html):
    """Return what a page says, or fail where it is not what it should be."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert html.startswith("<!doctype html>")
    assert not _LOADS.search(reader.style)
    digest = base64.b64encode(hashlib.sha256(reader.style.encode()).digest()).decode()
    assert reader.policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "prefers-color-scheme: dark" in reader.style
    return Page(" ".join(reader.texts), reader.tags)
