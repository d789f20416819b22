"""The table in README.md and the tests are of one mind, and every refusal names its row."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.mutation import rust_sites

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (HERE / "README.md").read_text().splitlines()
    if re.match(r"\| A\d+ \|", line)
]


def names_in(path):
    if path.suffix == ".rs":
        return set(re.findall(r"#\[test\]\s*fn (\w+)\(", path.read_text()))
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
            path = ROOT / file if "/" in file else HERE / file
            assert path.is_file(), name
            assert not test or test in names_in(path), name


def test_every_attack_is_in_the_table():
    text = (HERE / "README.md").read_text()
    for path in HERE.glob("test_a*.py"):
        for test in names_in(path):
            assert f"`{path.name}::{test}`" in text


def test_every_refusal_names_a_row_of_the_table(mutants):
    rows = {row for row, *_ in ROWS} | {"On chain", "Protocol"}
    found = [*mutants.list_mutants(), *mutants.list_sites()]
    assert {mutant.row for mutant in found} <= rows
    assert {mutant.path.rpartition(".")[2] for mutant in found} == {"py", "sol", "rs"}


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


def test_a_refusal_in_rust_without_a_row_is_found(tmp_path):
    shutil.copytree(ROOT / rust_sites.SOURCE, tmp_path / rust_sites.SOURCE)
    path = tmp_path / rust_sites.SOURCE / "statement.rs"
    path.write_text(path.read_text().replace(" // A10", ""))
    with pytest.raises(SystemExit, match=r"statement\.rs:\d+ return Err\(StatementError::Count"):
        rust_sites.list_sites(tmp_path)


def test_a_refusal_in_rust_that_needs_a_value_is_found(tmp_path):
    shutil.copytree(ROOT / rust_sites.SOURCE, tmp_path / rust_sites.SOURCE)
    path = tmp_path / rust_sites.SOURCE / "register.rs"
    more = "fn more() -> Result<u8, ()> { None.ok_or(()) } // A9\n"
    path.write_text(path.read_text() + more)
    with pytest.raises(SystemExit, match=r"register\.rs:\d+ takes a value"):
        rust_sites.list_sites(tmp_path)


def test_the_copy_differs_from_the_core_by_its_switches(tmp_path):
    sites = rust_sites.make_instrumented(tmp_path)
    source = tmp_path / "plumb" / "src"
    text = "".join(path.read_text() for path in source.rglob("*.rs"))
    labels = (source / "mutants.rs").read_text()
    for site in sites:
        assert re.search(rf"\b(off|holds|fails|seen|refuses)\({site.number}\b", text) or re.search(
            rf'", {site.number}\)', labels
        ), site.title
    assert "mutants" not in (ROOT / rust_sites.SOURCE / "lib.rs").read_text()
