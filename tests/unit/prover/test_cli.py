"""The command line: one JSON document, documented codes and exit statuses, nothing half-written."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zkinfer as zk
from zkinfer import _curve, _halo2_srs
from zkinfer._cli import main
from zkinfer_models import model, models

CARD = model("breast-cancer")
CHOICES = ["--inputs", "hidden", "--weights", "public", "--outputs", "public", "--backend", "ezkl"]
NODE_FREE_PORT = "http://127.0.0.1:9"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory, breast_cancer):
    """A folder with a model, its data, a circuit, keys and a proof."""
    folder = tmp_path_factory.mktemp("made")
    samples = CARD.samples()
    (folder / "model.onnx").write_bytes(CARD.onnx_bytes())
    np.savez(folder / "calibration.npz", x=samples.calibration)
    np.save(folder / "input.npy", samples.x[0])
    breast_cancer.circuit.save(folder / "model.zkc")
    breast_cancer.pk.save(folder / "proving.key")
    breast_cancer.vk.save(folder / "verifying.key")
    breast_cancer.bundle.save(folder / "out.zkp")
    return folder


def run(capsys, *arguments):
    status = main([*map(str, arguments), "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1, "one JSON document and nothing else"
    return status, json.loads(out)


def refused(capsys, folder, code, status, *arguments):
    """Run a command that must fail with a code and a status, and leave the folder as it was."""
    before = {p: p.stat().st_mtime_ns for p in sorted(folder.rglob("*"))}
    got_status, document = run(capsys, *arguments)
    assert (document["error"]["code"], got_status) == (code, status), document
    assert document["error"]["message"].startswith(code)
    assert {p: p.stat().st_mtime_ns for p in sorted(folder.rglob("*"))} == before
    return document["error"]


def compile_arguments(model_file, made, out="out.zkc"):
    calibration = made / "calibration.npz"
    return ["compile", model_file, "--calibration", calibration, *CHOICES, "-o", out]


def network(nodes, initializers=()):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 30])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 30])],
        list(initializers),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


# What each kind of bad input gives.


def test_missing_file(here, made, capsys):
    refused(capsys, here, "ZK101", 2, *compile_arguments("none.onnx", made))
    refused(capsys, here, "ZK401", 2, "verify", "none.key", made / "out.zkp")
    refused(capsys, here, "ZK206", 2, "run", made / "model.zkc", "none.npy", "--mode", "float")
    refused(capsys, here, "ZK501", 2, "srs", "check", "none.srs")


def test_truncated_onnx(here, made, capsys):
    (here / "cut.onnx").write_bytes(CARD.onnx_bytes()[:-100])
    refused(capsys, here, "ZK103", 2, *compile_arguments("cut.onnx", made))


def test_unsupported_operator_names_the_node(here, made, capsys):
    node = helper.make_node("Erf", ["x"], ["y"], name="/block/Erf_3")
    (here / "erf.onnx").write_bytes(network([node]))
    error = refused(capsys, here, "ZK102", 2, *compile_arguments("erf.onnx", made))
    assert "/block/Erf_3" in error["message"]


def test_nan_weight_names_the_tensor(here, made, capsys):
    weights = np.zeros((1, 30), np.float32)
    weights[0, 7] = np.nan
    node = helper.make_node("Add", ["x", "bias"], ["y"])
    data = network([node], [numpy_helper.from_array(weights, "bias")])
    (here / "nan.onnx").write_bytes(data)
    error = refused(capsys, here, "ZK107", 2, *compile_arguments("nan.onnx", made))
    assert "bias" in error["place"]


def test_wrong_input_shape(here, made, capsys):
    np.save(here / "input.npy", np.zeros(29, np.float32))
    refused(
        capsys, here, "ZK201", 2, "prove", made / "proving.key", "input.npy", "-o", "out.zkp",
        "--allow-unsafe-srs",
    )  # fmt: skip


def test_calibration_of_another_shape(here, made, capsys):
    np.save(here / "c.npy", np.zeros((5, 29), np.float32))
    arguments = ["compile", made / "model.onnx", "--calibration", "c.npy", *CHOICES, "-o", "o"]
    refused(capsys, here, "ZK205", 2, *arguments)


def test_input_out_of_range(here, made, capsys):
    np.save(here / "input.npy", np.full(30, 1e9, np.float32))
    refused(
        capsys, here, "ZK203", 2, "prove", made / "proving.key", "input.npy", "-o", "out.zkp",
        "--allow-unsafe-srs",
    )  # fmt: skip


def test_wrong_key(here, made, capsys, attacker):
    attacker.vk.save(here / "other.key")
    unsafe = "--allow-unsafe-srs"
    refused(capsys, here, "ZK411", 1, "verify", "other.key", made / "out.zkp", unsafe)
    refused(capsys, here, "ZK403", 2, "verify", made / "proving.key", made / "out.zkp", unsafe)
    refused(
        capsys, here, "ZK411", 1, "verify", made / "verifying.key", made / "out.zkp", unsafe,
        "--circuit-id", bytes(attacker.vk.circuit_id).hex(),
    )  # fmt: skip


def test_truncated_srs(here, made, capsys):
    whole = zk.unsafe_test_srs().file(6).read_bytes()
    for cut in (0, 3, 100, len(whole) - 1):
        (here / "cut.srs").write_bytes(whole[:cut])
        arguments = ["setup", made / "model.zkc", "--srs", "cut.srs", "-o", "keys"]
        refused(capsys, here, "ZK502", 2, *arguments)


def test_swapped_srs(here, made, capsys):
    """The second half of another secret, and a whole file of another secret where ours is due."""
    k = 6
    whole = zk.unsafe_test_srs().file(k).read_bytes()
    swapped = whole[:-128] + _halo2_srs.encode_g2(_curve.g2_multiply(5))
    (here / "swapped.srs").write_bytes(swapped)
    arguments = ["setup", made / "model.zkc", "--srs", "swapped.srs", "-o", "keys"]
    refused(capsys, here, "ZK503", 2, *arguments, "--allow-unsafe-srs")


def test_a_cached_srs_replaced_by_another_is_refused(here, made, capsys, breast_cancer):
    logrows = breast_cancer.circuit.calibration.logrows
    path = zk.unsafe_test_srs().file(logrows)
    whole = path.read_bytes()
    other = _curve.g1_to_bytes(*_curve.g1_multiply(5))
    tau = (int.from_bytes(other[:32], "big"), int.from_bytes(other[32:], "big"))
    replaced = whole[:68] + _halo2_srs.encode_g1(tau) + whole[132:-128]
    try:
        path.write_bytes(replaced + _halo2_srs.encode_g2(_curve.g2_multiply(5)))
        refused(
            capsys, here, "ZK504", 2, "prove", made / "proving.key", made / "input.npy",
            "-o", "out.zkp", "--allow-unsafe-srs",
        )  # fmt: skip
    finally:
        path.write_bytes(whole)


def test_an_unsafe_srs_is_refused_unless_asked_for(here, made, capsys):
    k6 = zk.unsafe_test_srs().file(6)
    refused(capsys, here, "ZK506", 2, "srs", "check", k6)
    refused(capsys, here, "ZK506", 2, "verify", made / "verifying.key", made / "out.zkp")
    refused(
        capsys, here, "ZK506", 2, "prove", made / "proving.key", made / "input.npy", "-o", "o.zkp"
    )
    status, document = run(
        capsys, "verify", made / "verifying.key", made / "out.zkp", "--allow-unsafe-srs"
    )
    assert status == 0
    assert document["unsafe"] is True
    assert "UNSAFE" in document["srs"]


def test_unreachable_node(here, made, capsys):
    refused(
        capsys, here, "ZK602", 3, "verify-onchain", made / "out.zkp", "--rpc", NODE_FREE_PORT,
        "--contract", "0x" + "11" * 20,
    )  # fmt: skip


def test_missing_output_folder_is_found_before_the_work(here, made, capsys):
    started = time.monotonic()
    refused(
        capsys, here, "ZK405", 3, "prove", made / "proving.key", made / "input.npy",
        "-o", "none/out.zkp", "--allow-unsafe-srs",
    )  # fmt: skip
    assert time.monotonic() - started < 1


def test_a_damaged_proof_exits_with_one(here, made, capsys, breast_cancer):
    bundle = breast_cancer.bundle
    flipped = bytes([bundle.proof[0] ^ 1]) + bundle.proof[1:]
    zk.ProofBundle(bundle.circuit_id, bundle.context, bundle.public_inputs, flipped).save("bad.zkp")
    refused(
        capsys, here, "ZK415", 1, "verify", made / "verifying.key", "bad.zkp", "--allow-unsafe-srs"
    )
    refused(
        capsys, here, "ZK414", 1, "verify", made / "verifying.key", made / "out.zkp",
        "--allow-unsafe-srs", "--context", "00" * 32,
    )  # fmt: skip
    refused(
        capsys, here, "ZK212", 2, "verify", made / "verifying.key", made / "out.zkp",
        "--allow-unsafe-srs", "--context", "00",
    )  # fmt: skip


# Killed.


def processes_below(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_kill_9_while_proving(here, made):
    """No output, no orphan at work, and the witness goes with the next command."""
    temporary = here / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    arguments = ["prove", made / "proving.key", made / "input.npy", "-o", here / "out.zkp"]
    command = [sys.executable, "-m", "zkinfer", *map(str, arguments), "--allow-unsafe-srs"]
    parent = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 60
    while not list(temporary.glob("zkinfer-work-*/witness.json")):
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    children = processes_below(parent.pid)
    assert children
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(alive(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not (here / "out.zkp").exists()
    assert list(temporary.glob("zkinfer-work-*/witness.json"))
    subprocess.run(command, env=environment, check=True)
    assert (here / "out.zkp").exists()
    assert list(temporary.iterdir()) == []


def test_ctrl_c_while_proving_ends_the_backend(here, made):
    temporary = here / "tmp"
    temporary.mkdir()
    arguments = ["prove", made / "proving.key", made / "input.npy", "-o", here / "out.zkp"]
    parent = subprocess.Popen(
        [sys.executable, "-m", "zkinfer", *map(str, arguments), "--allow-unsafe-srs"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(temporary.glob("zkinfer-work-*/witness.json")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    children = processes_below(parent.pid)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not any(alive(pid) for pid in children)
    assert list(temporary.iterdir()) == []
    assert not (here / "out.zkp").exists()


# What works.


def test_the_whole_way(here, made, capsys):
    status, document = run(capsys, *compile_arguments(made / "model.onnx", made, "model.zkc"))
    assert status == 0
    assert document["agreement"] > 0.99
    status, keys = run(capsys, "setup", "model.zkc", "--unsafe-test-srs", "-o", "keys")
    assert status == 0
    assert keys["unsafe"] is True
    context = "ab" * 32
    prove = ["prove", "keys/proving.key", made / "input.npy", "--context", context, "-o", "out.zkp"]
    status, proof = run(capsys, *prove, "--allow-unsafe-srs")
    assert status == 0
    verify = ["verify", "keys/verifying.key", "out.zkp", "--context", context]
    status, verified = run(
        capsys, *verify, "--allow-unsafe-srs", "--circuit-id", keys["circuit_id"]
    )
    assert status == 0
    assert verified["outputs"] == proof["outputs"]
    for mode in ("float", "reference", "mock"):
        arguments = ["run", "model.zkc", made / "input.npy", "--mode", mode]
        status, ran = run(capsys, *arguments)
        assert status == 0
        assert np.abs(np.array(ran["outputs"]) - np.array(proof["outputs"])).max() < 0.1
    for file, kind in (
        ("model.zkc", "circuit"),
        ("keys/proving.key", "proving key"),
        ("keys/verifying.key", "verifying key"),
        ("out.zkp", "proof bundle"),
    ):
        status, facts = run(capsys, "inspect", file)
        assert status == 0
        assert facts["kind"] == kind
    status, report = run(capsys, "report", "model.zkc")
    assert status == 0
    assert report["parameters"] == 530


def test_small_commands(here, capsys, monkeypatch):
    status, document = run(capsys, "ops")
    assert status == 0
    assert {"Gemm", "Conv", "Relu"} <= {op["name"] for op in document["operators"]}
    status, document = run(capsys, "explain", "zk203")
    assert status == 0
    assert document["name"] == "InputOutOfRange"
    assert main(["explain", "ZK999"]) == 2
    capsys.readouterr()
    status, document = run(capsys, "doctor")
    assert status == 0
    assert document["ezkl"] == "23.0.5"
    zk.unsafe_test_srs().file(6)
    status, document = run(capsys, "srs", "list")
    assert status == 0
    assert all("UNSAFE" in entry["name"] for entry in document["srs"])


def test_no_key_material_on_the_command_line():
    """There is no option that would take a raw private key."""
    shown = subprocess.run(
        [sys.executable, "-m", "zkinfer", "deploy", "--help"], capture_output=True, text=True
    ).stdout
    assert "keystore" in shown
    assert "private" not in shown


def test_importing_the_ceremony_srs(here, made, capsys, srs_folder, monkeypatch):
    """A real ceremony where its file is at hand; elsewhere the same path with the test SRS."""
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(here / "cache"))
    if srs_folder is None:
        source, flags = zk.unsafe_test_srs().file(6), ["--allow-unsafe-srs"]
    else:
        source, flags = srs_folder / "kzg14.srs", []
    status, document = run(capsys, "srs", "import", source, *flags)
    assert status == 0
    assert document["unsafe"] == bool(flags)
    if srs_folder is None:
        return
    status, keys = run(capsys, "setup", made / "model.zkc", "--srs", "ezkl", "-o", "keys")
    assert status == 0
    assert not keys["circuit_id"].startswith("0x756e73616665")
    run(capsys, "prove", "keys/proving.key", made / "input.npy", "-o", "out.zkp")
    status, document = run(capsys, "verify", "keys/verifying.key", "out.zkp")
    assert status == 0
    assert document["unsafe"] is False


def test_the_port_that_nobody_listens_on_is_free():
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 9)) != 0


def test_models_the_tests_use_are_what_onnx_says():
    onnx.checker.check_model(onnx.ModelProto.FromString(CARD.onnx_bytes()))


def test_shipped_models_run_as_programs_beside_float(capsys):
    names = [card.id for card in models()]
    status, found = run(capsys, "run", "--mode", "reference", "--models", ",".join(names))
    assert status == 0
    assert [row["model"] for row in found["rows"]] == names
    for row in found["rows"]:
        assert row.keys() >= {"samples", "max_abs_error", "refused", "width"}
        assert row["samples"] >= 38
        assert abs(row["accuracy_float"] - row["accuracy_quantized"]) <= 0.003
        assert row["agreement"] >= 0.995


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--mode", "mock", "--models", "perceptron"),
        ("run", "--mode", "reference", "--models", "perceptron,nothing"),
        ("run", "model.zkc", "--mode", "reference"),
        ("run", "--mode", "reference"),
    ],
    ids=" ".join,
)
def test_run_says_what_it_lacks(capsys, here, arguments):
    refused(capsys, here, "ZK213", 2, *arguments)
