"""The demonstration: the whole job, on chain too, and nothing tampered with is accepted."""

import json

from zkinfer._cli import main
from zkinfer_contracts import artifact


def test_the_demo_shows_the_job_and_what_is_refused(capsys):
    assert main(["demo", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["backend"] == "plumb"
    assert document["verified"]
    assert document["verified_on_chain"]
    assert document["tampered_rejected"]
    rejected = artifact("PlumbVerifier").selector("ProofRejected").hex()
    assert [row["what"] for row in document["tampering"]] == [
        "a bit of the proof", "an output", "a public input + r", "another circuit's key",
        "another context",
    ]  # fmt: skip
    for row in document["tampering"]:
        assert row["off_chain"] in ("ZK413", "ZK415")
        assert row["on_chain"].startswith("0x")
    assert document["tampering"][1]["on_chain"] == f"0x{rejected} ProofRejected"
    assert 0 < document["gas"] < document["register_gas"] < document["deploy_gas"]
    assert "the weights" in document["hides"]
    assert "input and weights hidden" in said.err
