"""The house rules that a test can hold: layers point down, the door is the whole door."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

import zkinfer
from zkinfer._errors import error_classes

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "zkinfer_circuits": ROOT / "circuits",
    "zkinfer": ROOT / "prover",
    "zkinfer_contracts": ROOT / "verifier_contracts",
    "zkinfer_models": ROOT / "models",
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "zkinfer"])
def test_layers_point_down(package):
    """Only `zkinfer` imports the other packages."""
    for path in (PACKAGES[package] / package).rglob("*.py"):
        ours = {name.split(".")[0] for name in imported(path)} & PACKAGES.keys()
        assert ours <= {package}, path


@pytest.mark.parametrize("package", PACKAGES)
def test_the_door_is_the_whole_door(package):
    """`__all__` is what the package shows, and all else is private."""
    module = importlib.import_module(package)
    shown = {
        name
        for name in vars(module)
        if not name.startswith("_") and name not in ("annotations", "train", "torch_models")
    }
    assert shown == set(module.__all__)


def test_private_modules_of_one_package_are_not_imported_by_another():
    for package, folder in PACKAGES.items():
        for path in (folder / package).rglob("*.py"):
            for name in imported(path):
                root, _, rest = name.partition(".")
                if root in PACKAGES and root != package:
                    assert not rest, f"{path} imports {name}"


def test_every_error_has_its_own_code_and_stands_in_the_tree():
    def all_below(cls):
        yield cls
        for below in cls.__subclasses__():
            yield from all_below(below)

    classes = [c for c in all_below(zkinfer.ZkinferError) if c.__module__.startswith("zkinfer")]
    codes = [cls.code for cls in classes]
    assert len(set(codes)) == len(codes)
    assert error_classes() == {cls.code: cls for cls in sorted(classes, key=lambda c: c.code)}
    trees = "".join(
        (ROOT / path).read_text()
        for path in ("prover/zkinfer/_errors.py", "circuits/zkinfer_circuits/_errors.py")
    )
    for cls in classes:
        assert re.search(rf"{cls.__name__}\s+{cls.code}", trees) or cls.code == "ZK000", cls
        assert cls.exit_status in (1, 2, 3)
        assert hasattr(zkinfer, cls.__name__), cls


def test_the_version_is_in_the_changelog_or_unreleased():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {version}" in changelog or "## Unreleased" in changelog
