"""Exported projects: forge accepts them as they are, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import zkinfer as zk
from zkinfer import _curve
from zkinfer._cli import main
from zkinfer._plumb._chain import chain_inputs
from zkinfer._srs import SrsPoints
from zkinfer_contracts import EmbeddedChain, VerificationReverted, _plumb, keccak256
from zkinfer_contracts._calldata import address_word, word

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "verifier_contracts"
LEDGER = "src/InferenceLedger.sol"
CIRCUITS = ("breast_cancer", "plumb", "plumb_public")


def forge(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run forge in an exported project, without a network and without anybody's settings."""
    found = sorted(TOOLS.glob("node_modules/@foundry-rs/forge-*/bin/forge*"))
    if not found:
        pytest.fail("no forge below verifier_contracts/node_modules: run make setup")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FOUNDRY_")}
    return subprocess.run(
        [str(found[0]), *(command or ("test", "--offline"))],
        cwd=folder,
        env={**kept, "FOUNDRY_SOLC": str(TOOLS / "solc"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def failures(folder: Path) -> set[str]:
    """Return the names of the tests that fail; at least one must."""
    done = forge(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return set(re.findall(r"\[FAIL.*?\] (\w+)\(", done.stdout))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def edit_json(folder: Path, name: str, key: str, change: Any) -> None:
    values = json.loads((folder / name).read_text(encoding="utf-8"))
    values[key] = change(values[key])
    (folder / name).write_text(json.dumps(values), encoding="utf-8")


def damaged(digits: str) -> str:
    """Return hexadecimal data with one bit changed, in the middle."""
    at = len(digits) // 2
    return digits[:at] + f"{int(digits[at], 16) ^ 1:x}" + digits[at + 1 :]


def exported(proven: Any, folder: Path, **options: Any) -> zk.chain.Export:
    return zk.chain.export(proven.vk, folder, **options)


@pytest.fixture(scope="module")
def projects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return each circuit's project with a proof, built and tested once."""
    made: dict[str, tuple[Path, zk.chain.Export, str]] = {}

    def project(name: str) -> tuple[Path, zk.chain.Export, str]:
        if name not in made:
            proven = request.getfixturevalue(name)
            folder = tmp_path_factory.mktemp("export") / name
            done = exported(proven, folder, bundle=proven.bundle)
            ran = forge(folder)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            made[name] = (folder, done, ran.stdout)
        return made[name]

    return project


@pytest.fixture
def copy(projects: Any, tmp_path: Path) -> Any:
    """Return a copy of a circuit's project, to be damaged."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(projects(name)[0], tmp_path / name))

    return copied


@pytest.mark.parametrize("name", CIRCUITS)
def test_forge_accepts_a_project_with_its_proof(
    projects: Any, request: pytest.FixtureRequest, name: str
) -> None:
    folder, made, output = projects(name)
    assert "[PASS] test_ProofAccepted()" in output
    assert "[PASS] test_DamagedProofRefused(uint256,uint8)" in output
    assert "[PASS] test_TheLedgerRecordsOnce()" in output
    assert "0 failed, 0 skipped" in output
    assert made.folder == folder
    assert made.circuit_id == request.getfixturevalue(name).vk.circuit_id
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {name for name in written if not name.startswith(("out/", "cache/"))} == set(made.files)


@pytest.mark.parametrize("name", CIRCUITS)
def test_forge_has_nothing_to_say_about_the_sources(copy: Any, name: str) -> None:
    folder = copy(name)
    built = forge(folder, "build", "--offline", "--force")
    assert built.returncode == 0
    assert not re.search("warning|note|error", built.stdout + built.stderr, re.I), built
    formatted = forge(folder, "fmt", "--check")
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize("name", CIRCUITS)
def test_forge_accepts_a_project_without_a_proof(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    made = exported(request.getfixturevalue(name), tmp_path / "project")
    done = forge(tmp_path / "project")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ProofTest" not in done.stdout
    assert not [name for name in made.files if "roof" in name]


def test_the_project_says_what_its_numbers_are(
    projects: Any, request: pytest.FixtureRequest
) -> None:
    """Read as a stranger would, the public inputs of the proof are the bundle's values."""
    for name in CIRCUITS:
        folder = projects(name)[0]
        proven = request.getfixturevalue(name)
        circuit = json.loads((folder / "circuit/circuit.json").read_text(encoding="utf-8"))
        proof = json.loads((folder / "proof/proof.json").read_text(encoding="utf-8"))
        values = proven.bundle.values(proven.vk.statement)
        tensors = {"input": values.inputs, "output": values.outputs}
        assert len(circuit["publicInputs"]) == len(proof["publicInputs"])
        for meaning, digits in zip(circuit["publicInputs"], proof["publicInputs"], strict=True):
            value = int(digits, 16)
            signed = value if value <= zk._field.R // 2 else value - zk._field.R
            tensor = tensors[meaning["tensor"]]
            assert tensor[tuple(meaning["place"])] == signed * meaning["unit"]
        assert circuit["unsafe"] is True
        assert circuit["circuitId"] == "0x" + bytes(proven.vk.circuit_id).hex()


def test_the_files_that_it_keeps_are_those_of_zkinfer(
    projects: Any, request: pytest.FixtureRequest
) -> None:
    for name in CIRCUITS:
        folder = projects(name)[0]
        proven = request.getfixturevalue(name)
        vk = zk.VerifyingKey.load(folder / "circuit/verifying.key", allow_unsafe_srs=True)
        zk.verify(vk, zk.ProofBundle.load(folder / "proof/proof.zkp"))
        assert vk == proven.vk
        for interface in ("IInferenceVerifier.sol", "IPlumbVerifier.sol"):
            text = (TOOLS / "zkinfer_contracts" / "sources" / interface).read_bytes()
            if (folder / "src" / interface).exists():
                assert (folder / "src" / interface).read_bytes() == text


def test_a_circuit_on_a_ceremonys_parameters_has_the_safe_verifier(
    plumb: Any, srs_folder: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if srs_folder is None:
        return  # without the real file there is no such key
    # Other tests look at what the cache holds.
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(tmp_path / "cache"))
    k = plumb.circuit.calibration.logrows
    pk, vk = zk.setup(plumb.circuit, srs=zk.import_srs(srs_folder / "ppot_0085_16.g1g2", k=k))
    bundle = zk.prove(pk, plumb.x, context=bytes(32))
    made = zk.chain.export(vk, tmp_path / "project", bundle=bundle)
    assert made.verifier == "PlumbVerifier"
    text = (tmp_path / "project/src/Circuit.sol").read_text(encoding="utf-8")
    assert "Parameters: ppot-0085" in text
    assert "can forge" not in text
    done = forge(tmp_path / "project")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_circuit_on_other_parameters_has_no_contract(plumb: Any, tmp_path: Path) -> None:
    points = _curve.g1_to_bytes(*_curve.g1_multiply(5)), _curve.g2_multiply(5)
    other = dataclasses.replace(plumb.vk, srs=SrsPoints.from_points(*points))
    with pytest.raises(zk.BackendWithoutContract):
        zk.chain.export(other, tmp_path / "project")
    assert os.listdir(tmp_path) == []


def test_a_circuit_that_no_contract_can_hold_is_refused(
    plumb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_plumb, "MAX_CODE", 100)
    with pytest.raises(zk.ModelTooLargeForChain):
        zk.chain.export(plumb.vk, tmp_path / "project")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", CIRCUITS)
def test_forge_refuses_a_damaged_proof(copy: Any, name: str) -> None:
    folder = copy(name)
    edit_json(folder, "proof/proof.json", "proof", damaged)
    assert {"test_ProofAccepted", "test_TheLedgerRecordsOnce"} <= failures(folder)


def test_forge_refuses_another_output(copy: Any) -> None:
    folder = copy("plumb")
    edit_json(
        folder,
        "proof/proof.json",
        "publicInputs",
        lambda v: [f"0x{int(v[0], 16) + 1:064x}", *v[1:]],
    )
    assert "test_ProofAccepted" in failures(folder)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("breast_cancer", "keyDigest"),
        ("plumb", "statement"),
        ("plumb", "descriptor"),
        ("plumb", "registration"),
    ],
)
def test_forge_refuses_another_circuit_than_the_pinned_one(copy: Any, name: str, key: str) -> None:
    folder = copy(name)
    edit_json(folder, "circuit/circuit.json", key, damaged)
    assert failures(folder) == {"setUp"}


@pytest.mark.parametrize(
    ("old", "new", "noticed"),
    [
        (
            "        VERIFIER.verify(CIRCUIT, proof, publicInputs, "
            "context(msg.sender, request, deadline));\n",
            "",
            "test_NothingIsRecordedWithoutAProof",
        ),
        ("(this), sender, request", "(this), request", "test_EachRequestHasItsOwnContext"),
        ("records[msg.sender][request] != 0", "false", "test_TheLedgerRecordsOnce"),
        ("block.timestamp > deadline", "false", "test_LateRequestRefused"),
    ],
)  # fmt: skip
def test_the_projects_tests_notice_a_careless_contract(
    copy: Any, old: str, new: str, noticed: str
) -> None:
    folder = copy("breast_cancer")
    edit(folder, LEDGER, old, new)
    assert noticed in failures(folder)


def test_a_proof_for_the_ledger_is_recorded_on_a_chain(projects: Any, plumb: Any) -> None:
    """What the tests in Solidity cannot do: a proof for the context that the ledger asks for."""
    built = projects("plumb")[0] / "out" / "InferenceLedger.sol" / "InferenceLedger.json"
    code = bytes.fromhex(json.loads(built.read_text())["bytecode"]["object"][2:])
    chain = EmbeddedChain()
    verifier = zk.chain.Chain(chain).deploy(plumb.vk).address
    ledger, _ = chain.deploy(code + address_word(verifier))
    request, deadline = word(7), word(2**40)

    def ask(signature: str, *arguments: bytes) -> bytes:
        return keccak256(signature.encode())[:4] + b"".join(arguments)

    sender = address_word(chain._account)
    records = ask("records(address,uint256)", sender, request)
    asked = ask("context(address,uint256,uint256)", sender, request, deadline)
    bundle = zk.prove(plumb.pk, plumb.x, context=chain.call_raw(ledger, asked))
    values = chain_inputs(plumb.vk, bundle.public_inputs)
    array = b"".join((word(len(values)), *map(word, values)))
    signature = "record(uint256,uint256,bytes,uint256[])"

    def record(proof: bytes) -> bytes:
        head = (request, deadline, word(128), word(160 + len(proof)), word(len(proof)))
        return ask(signature, *head, proof, array)

    with pytest.raises(VerificationReverted):
        chain._send(ledger, record(plumb.bundle.proof))
    assert chain.call_raw(ledger, records) == bytes(32)
    chain._send(ledger, record(bundle.proof))
    assert chain.call_raw(ledger, records) == keccak256(word(32) + array)
    with pytest.raises(VerificationReverted):
        chain._send(ledger, record(bundle.proof))


# What is refused, and what is left then.


def test_the_same_circuit_gives_the_same_files(breast_cancer: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = exported(breast_cancer, tmp_path / name, bundle=breast_cancer.bundle)
    for file in made.files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_an_empty_folder_is_taken_and_a_full_one_refused(plumb: Any, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    exported(plumb, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(zk.FolderNotEmpty) as caught:
        exported(plumb, folder, bundle=plumb.bundle)
    assert str(folder) in caught.value.place
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert os.listdir(tmp_path) == ["project"]


def test_a_bundle_that_does_not_verify_is_refused(
    plumb: Any, plumb_attacker: Any, tmp_path: Path
) -> None:
    with pytest.raises(zk.CircuitMismatch):
        exported(plumb, tmp_path / "project", bundle=plumb_attacker.bundle)
    changed = zk.ProofBundle(
        plumb.bundle.circuit_id, bytes(32), plumb.bundle.public_inputs, plumb.bundle.proof
    )
    with pytest.raises(zk.ProofInvalid):
        exported(plumb, tmp_path / "project", bundle=changed)
    assert os.listdir(tmp_path) == []


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = main([*arguments, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1, "one JSON document and nothing else"
    return status, json.loads(out)


@pytest.fixture
def here(plumb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    plumb.vk.save("verifying.key")
    plumb.bundle.save("out.zkp")
    return tmp_path


def test_the_command_says_what_it_wrote(
    here: Path, plumb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "export verifying.key --proof out.zkp --out app --allow-unsafe-srs"
    status, document = run(capsys, *command.split())
    assert status == 0
    files = document.pop("files")
    assert {"src/Circuit.sol", "proof/proof.json", "test/Proof.t.sol"} <= set(files)
    assert all((here / "app" / name).is_file() for name in files)
    assert document == {
        "circuit_id": "0x" + bytes(plumb.vk.circuit_id).hex(),
        "srs": plumb.vk.srs.name,
        "unsafe": True,
        "verifier": "UnsafeTestPlumbVerifier",
        "proof": True,
        "folder": "app",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["none.key", "--out", "app"], "ZK401", 2),
        (["out.zkp", "--out", "app"], "ZK403", 2),
        (["verifying.key", "--proof", "verifying.key", "--out", "app"], "ZK403", 2),
        (["verifying.key", "--out", "none/app"], "ZK405", 3),
        (["verifying.key", "--out", "full"], "ZK406", 2),
        (["verifying.key", "--out", "out.zkp"], "ZK406", 2),
        (["verifying.key", "--proof", "bad.zkp", "--out", "app"], "ZK415", 1),
    ],
)
def test_the_command_refuses(
    here: Path,
    plumb: Any,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: str,
    expected: int,
) -> None:
    (here / "full").mkdir()
    (here / "full" / "file").write_text("mine", encoding="utf-8")
    zk.ProofBundle(
        plumb.bundle.circuit_id, bytes(32), plumb.bundle.public_inputs, plumb.bundle.proof
    ).save("bad.zkp")
    before = sorted(here.rglob("*"))
    status, document = run(capsys, "export", *arguments, "--allow-unsafe-srs")
    assert (document["error"]["code"], status) == (code, expected)
    assert sorted(here.rglob("*")) == before


def test_the_command_refuses_unsafe_parameters_unless_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = run(capsys, "export", "verifying.key", "--out", "app")
    assert (document["error"]["code"], status) == ("ZK506", 2)
    assert not (here / "app").exists()
