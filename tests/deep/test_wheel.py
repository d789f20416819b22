"""The wheel alone is enough: an empty environment, another folder, the clone out of sight."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.deep
def test_the_demo_runs_from_an_installed_wheel(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    binaries = tmp_path / "env" / "bin"
    subprocess.run([binaries / "pip", "install", "-q", f"{wheel}[ezkl,chain]"], check=True)
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [binaries / "zkinfer", "demo", "--json"],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["verified"]
    assert document["verified_on_chain"]
    assert document["tampered_rejected"]
