"""The table in README.md and the tests are of one mind, and every refusal names its row."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (HERE / "README.md").read_text().splitlines()
    if re.match(r"\| A\d+ \|", line)
]


def names_in(path):
    return set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def mutants():
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "tests" / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_test_that_the_table_names_exists():
    for row, attack, _, tests in ROWS:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, (row, attack)
        for name in named:
            file, _, test = name.partition("::")
            path = ROOT / file if file.startswith("tests/") else HERE / file
            assert path.is_file(), name
            assert not test or test in names_in(path), name


def test_every_attack_is_in_the_table():
    text = (HERE / "README.md").read_text()
    for path in HERE.glob("test_a*.py"):
        for test in names_in(path):
            assert f"`{path.name}::{test}`" in text


def test_every_refusal_names_a_row_of_the_table(mutants):
    rows = {row for row, *_ in ROWS} | {"On chain", "Protocol"}
    found = mutants.list_mutants()
    assert {mutant.row for mutant in found} <= rows
    assert {mutant.path.rpartition(".")[2] for mutant in found} == {"py", "sol"}


def test_a_refusal_without_a_row_is_found(mutants, tmp_path):
    for name in ("prover/zkinfer/_errors.py", "prover/zkinfer/_api.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text().replace("  # A13", ""))
    untagged = []
    left = list(mutants.python_sites(tmp_path, untagged))
    assert {mutant.row for mutant in left} == {"A10"}
    assert [line.split()[1] for line in untagged] == [
        "CircuitMismatch",
        "CircuitMismatch",
        "ContextMismatch",
    ]
