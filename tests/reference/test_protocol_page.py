"""docs/protocol.md says what the code does: labels in order, rules, claims, closed forms."""

import re
from pathlib import Path

import pytest

from tests.reference.plumb import claims, curve, golden, verifier
from tests.reference.plumb.transcript import Transcript

ROOT = Path(__file__).parents[2]
CORE = ROOT / "prover" / "core" / "plumb" / "src"
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]


def column(text, number):
    """Return what stands in backticks in one column of all tables, from top to bottom."""
    rows = [line.split("|")[1:] for line in text.splitlines() if line.startswith("| ")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[number])]


@pytest.fixture
def labels(monkeypatch):
    """Return the labels that a verifier absorbs or draws from, in the order of their first use."""
    seen = []

    def recorded(method):
        def record(self, label, *rest):
            seen.append(label)
            return method(self, label, *rest)

        return record

    for name in ("absorb", "challenge"):
        monkeypatch.setattr(Transcript, name, recorded(getattr(Transcript, name)))
    file = golden.Golden.load("mlp")
    model, statement, channel = file.run()
    monkeypatch.setattr(
        file.parameters, "check", lambda left, right: left == curve.combine([golden.TAU], [right])
    )
    seen.clear()
    verifier.verify(model.key, channel.proof(), statement.words(), file.ctx)
    return list(dict.fromkeys(seen))


def test_every_label_in_order(labels):
    messages = column(section("Messages").split("**Sumcheck A**")[0], 2)
    opening = column(section("The opening"), 0)
    assert messages.pop() == "opening .."
    assert messages + opening == labels


def test_every_rule_of_the_checker():
    enum = (CORE / "checker" / "error.rs").read_text()
    enum = re.search(r"pub enum LayoutError \{(.*?)\n\}", enum, re.S)[1]
    rules = re.findall(r"^    (\w+) \{", enum, re.M)
    documented = column(section("What the checker enforces"), 1)
    assert sorted(documented) == sorted(rules)


def test_every_claim():
    table = section("Messages").split("**Linear claims.**")[1].split("**Sumcheck D.**")[0]
    assert column(table, 0) == ["column", *claims.NAMES]


def test_closed_forms_exist():
    code = "".join((CORE / name).read_text() for name in ("closed_forms.rs", "functionals.rs"))
    for name in column(section("Closed forms"), 0):
        function = name.split("(")[0]
        assert re.search(rf"fn {function}\(", code), function


def test_files_and_domains_exist():
    for name in re.findall(r"`(?:prover/core/plumb/src/)?(\w+\.rs)`", PAGE):
        assert list(CORE.rglob(name)), name
    code = "".join(path.read_text() for path in CORE.glob("*.rs"))
    for domain in re.findall(r"`?\"?(plumb-\w+-v1)`?", PAGE):
        assert f'"{domain}"' in code, domain
    for path in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
