"""100,000 mutations of proof, public inputs, key and context over all shipped models.

None may be accepted. The campaign itself is in Rust (prover/core/plumb/src/tests/campaign.rs). Here
its cases are made, a copy of the core in which every check can be switched off
(tests/mutation/rust_sites.py) is built, the campaign runs in it, and its table is held against what
is expected. Settings, for a shorter run:

    ZKINFER_CAMPAIGN_MUTATIONS   how many in all (100,000)
    ZKINFER_CAMPAIGN_PROCESSES   in how many processes, each with a seed of its own (2)
    ZKINFER_CAMPAIGN_SEED        the first seed (1)
    ZKINFER_CAMPAIGN_REPORT      a file for the table
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import zkinfer as zk
import zkinfer_core as core
from tests.conftest import CONTEXT
from tests.deep.plumb_campaign import Table
from tests.mutation.rust_sites import make_instrumented
from zkinfer._curve import R
from zkinfer._plumb._layout import Layout
from zkinfer._plumb._parameters import core_srs
from zkinfer_contracts import keccak256
from zkinfer_models import models

TARGET = Path(__file__).parents[2] / "prover" / "core" / "target" / "campaign"
# c of the largest shipped model
LARGEST = 14
WHOLE = 100_000


def setting(name, otherwise):
    return int(os.environ.get(f"ZKINFER_CAMPAIGN_{name}", otherwise))


def parameters():
    """Return the ceremony's parameters where they are at hand, and the unsafe ones elsewhere."""
    path = Path(os.environ.get("ZKINFER_SRS_DIR", "")) / f"kzg{LARGEST}.srs"
    return zk.load_srs(path) if path.is_file() else zk.unsafe_test_srs()


def write_case(folder, card, srs, inputs, weights):
    """Write what the campaign reads of a circuit: keys, an input, and the package's own proof."""
    samples = card.samples()
    circuit = zk.compile(
        card.onnx_bytes(),
        calibration=samples.calibration,
        inputs=inputs,
        weights=weights,
        outputs="public",
        backend="plumb",
    )
    pk, vk = zk.setup(circuit, srs=srs)
    layout = Layout.from_bytes(vk.statement, vk.backend_settings)
    given = layout.to_proof(circuit.program.program.quantize(samples.x[:1]).reshape(-1))
    bound = keccak256(bytes(vk.circuit_id) + CONTEXT)
    proof, public = core.prove(core_srs(srs, LARGEST), pk.opened, given, bound)
    parts = {
        "pk": pk.opened.to_bytes(),
        "inputs": np.asarray(given, dtype=">i8").tobytes(),
        "ctx": bound,
        "proof": proof,
        "public": b"".join((value % R).to_bytes(32, "big") for value in public),
    }
    folder.mkdir()
    for name, data in parts.items():
        (folder / name).write_bytes(data)


def write_cases(folder):
    """Hidden and public weights of every shipped model; public inputs of the small ones, too."""
    srs = parameters()
    g1, g2 = core_srs(srs, LARGEST).to_bytes()
    (folder / "srs.g1").write_bytes(g1)
    (folder / "srs.g2").write_bytes(g2)
    for card in models():
        for inputs in ("hidden", "public") if card.small else ("hidden",):
            for weights in ("hidden", "public"):
                name = f"{card.id}, {inputs} input, {weights} weights"
                write_case(folder / name, card, srs, inputs, weights)


def build():
    """Build the copy; return its tests, and the sites by number."""
    sites = make_instrumented(TARGET / "core")
    command = ["cargo", "test", "--release", "--quiet", "--locked", "-p", "plumb", "--lib"]
    done = subprocess.run(
        [*command, "--no-run", "--message-format=json"],
        cwd=TARGET / "core",
        env={**os.environ, "CARGO_TARGET_DIR": str(TARGET), "RUSTFLAGS": "--cfg plumb_mutants"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    messages = map(json.loads, done.stdout.splitlines())
    (binary,) = {m["executable"] for m in messages if m.get("executable")}
    return binary, {site.number: site for site in sites}


def run(binary, cases, reports, mutations):
    """Run the campaign in some processes; return their reports."""
    processes = setting("PROCESSES", 2)
    first = setting("SEED", 1)
    started = []
    for i in range(processes):
        environment = {
            "PLUMB_CAMPAIGN_CASES": str(cases),
            "PLUMB_CAMPAIGN_SEED": str(first + i),
            "PLUMB_CAMPAIGN_MUTATIONS": str(mutations // processes),
            "PLUMB_CAMPAIGN_REPORT": str(reports / f"{i}.json"),
            # each keeps to one core
            "RAYON_NUM_THREADS": "1",
            # verifiers with a check less may panic; only their accepting counts
            "RUST_BACKTRACE": "0",
        }
        command = [binary, "--ignored", "--exact", "tests::campaign::the_campaign", "--nocapture"]
        with (reports / f"{i}.log").open("w") as log:
            started.append(
                subprocess.Popen(
                    command, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT
                )
            )
    for process in started:
        process.wait()
    found = []
    for i, process in enumerate(started):
        path = reports / f"{i}.json"
        log = (reports / f"{i}.log").read_text(errors="replace")[-4000:]
        assert path.is_file(), f"no report, {process.returncode}: {log}"
        found.append(json.loads(path.read_text()))
    return found


@pytest.mark.deep
def test_no_mutation_is_accepted_and_every_check_is_needed(tmp_path, capsys):
    cases, reports = tmp_path / "cases", tmp_path / "reports"
    cases.mkdir()
    reports.mkdir()
    write_cases(cases)
    binary, sites = build()
    mutations = setting("MUTATIONS", WHOLE)
    table = Table(run(binary, cases, reports, mutations), sites)
    text = table.text()
    if "ZKINFER_CAMPAIGN_REPORT" in os.environ:
        Path(os.environ["ZKINFER_CAMPAIGN_REPORT"]).write_text(text)
    with capsys.disabled():
        print(text)
    assert table.failures == []
    assert table.missing == []
    assert table.incoherent + table.coherent >= mutations
    if mutations >= WHOLE:
        assert table.coherent >= mutations // 2
        seldom, stale = table.against_the_list()
        assert seldom == {}
        assert stale == []
