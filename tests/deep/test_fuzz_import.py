"""A million hostile ONNX inputs: no crash, none over two seconds or a gigabyte."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.operators import operator_networks

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
RUNS = 1_000_000


@pytest.mark.deep
def test_the_importer_survives_a_million_hostile_inputs(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for path in FIXTURES.rglob("*.onnx"):
        (corpus / path.name).write_bytes(path.read_bytes())
    for i, (model, _) in enumerate(operator_networks().values()):
        (corpus / f"operator-{i}.onnx").write_bytes(model.SerializeToString())
    limits = ["-timeout=2", "-rss_limit_mb=1024", "-max_len=65536", "-seed=1"]
    done = subprocess.run(
        [sys.executable, HERE / "fuzz_import.py", f"-runs={RUNS}", *limits, corpus],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    executed = re.search(r"Done (\d+) runs", done.stderr)
    assert executed is not None
    assert int(executed[1]) >= RUNS
