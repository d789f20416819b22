"""The wheels alone are enough: an empty environment, another folder, the clone out of sight."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder)]
    for project in (ROOT, ROOT / "prover" / "core" / "python"):
        subprocess.run([*build, str(project)], check=True)
    (core,), (zkinfer,) = folder.glob("zkinfer_core-*.whl"), folder.glob("zkinfer-*.whl")
    return core, zkinfer


@pytest.fixture
def environment(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "env" / "bin", tmp_path / "elsewhere"


@pytest.mark.deep
def test_the_demo_runs_from_installed_wheels(wheels, environment):
    (core, zkinfer), (binaries, elsewhere) = wheels, environment
    subprocess.run([binaries / "pip", "install", "-q", core, f"{zkinfer}[ezkl,chain]"], check=True)
    done = subprocess.run(
        [binaries / "zkinfer", "demo", "--json"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["verified"]
    assert document["verified_on_chain"]
    assert document["tampered_rejected"]


@pytest.mark.deep
def test_the_core_needs_neither_torch_nor_ezkl(wheels, environment):
    (core, zkinfer), (binaries, elsewhere) = wheels, environment
    subprocess.run([binaries / "pip", "install", "-q", core, zkinfer], check=True)
    script = """
import importlib.util
assert not any(map(importlib.util.find_spec, ("torch", "ezkl", "web3")))
import zkinfer, zkinfer_core
try:
    zkinfer_core.VerifyingKey.from_bytes(b"PLVK")
except zkinfer_core.KeyMalformed as error:
    print(error)
"""
    done = subprocess.run(
        [binaries / "python", "-W", "error", "-c", script],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "version: expected 2 bytes, got 0\n"
