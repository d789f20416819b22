"""The benchmark: its document, its rules, and what people see of it. No times are judged."""

import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import zkinfer as zk
from tests.unit.prover.pages import read_page
from zkinfer._bench import BACKENDS, RANDOM, Plan, _machine, _measure, bench_page, measure, tables
from zkinfer._cli import main
from zkinfer._ezkl._own_calibration import OwnCalibration
from zkinfer_circuits import load_model
from zkinfer_models import model, models

PERFORMANCE = Path(__file__).parents[3] / "docs" / "performance.md"
REAL, WHOLE, WORDS, TRUTH, NOTHING = (float,), (int,), (str,), (bool,), (type(None),)
DRAWN = "1cd99900b0f08d3df8637b00d63e1674028f41c2fadb95ffeb228db2ef18726b"
PLUMB = Plan((model("breast-cancer"),), ("plumb",), runs=1, chain=False)
ROW = {
    "model": WORDS,
    "backend": WORDS,
    "params": WHOLE,
    "macs": WHOLE,
    "weights": WORDS,
    "hidden_inputs": TRUTH,
    "hidden_weights": TRUTH,
    "compile_s": REAL,
    "setup_s": REAL,
    "pk_mb": REAL,
    "prove_s": REAL,
    "prove_inner_s": REAL,
    "msm_s": NOTHING,
    "msm_ratio": NOTHING,
    "peak_mb": REAL,
    "verify_ms": REAL,
    "proof_bytes": WHOLE,
    "gas": WHOLE,
    "gas_fork": WORDS,
    "contract_bytes": WHOLE,
    "register_gas": NOTHING,
    "gas_together": NOTHING,
    "gas_saved_each": NOTHING,
    "accuracy_float": REAL,
    "accuracy_quantized": REAL,
    "agreement": REAL,
    "max_abs_error": REAL,
    "samples": WHOLE,
    "refused": WHOLE,
    "runs": WHOLE,
    "warmed_up": TRUTH,
    "srs": WORDS,
    "estimates": (dict,),
    "sizes": (dict,),
}


class Broken:
    def compile(self, *_):
        raise zk.AccuracyUnreachable("the largest error is <b>1</b>, allowed 0.1")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """What the command printed and wrote, with a backend that fails beside the real one."""
    folder = tmp_path_factory.mktemp("bench")
    page = folder / "bench.html"
    arguments = ["--models", "breast-cancer", "--backends", "ezkl,broken", "--runs", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKENDS, "broken", Broken)
        lines = []
        patch.setattr("sys.stdout", type("Out", (), {"write": lines.append, "flush": print})())
        status = main(["bench", *arguments, "--chain", "--json", "--html", str(page)])
    (line,) = lines
    return status, json.loads(line), page.read_text()


@pytest.fixture
def two(bench):
    """A document with two backends, the second twice as slow."""
    (row,) = bench[1]["rows"]
    slow = {**row, "backend": "ezkl-default", "prove_s": 2 * row["prove_s"], "gas": None}
    return {**bench[1], "rows": [row, slow], "failed": []}


def check_row(row):
    assert list(row) == list(ROW)
    for name, value in row.items():
        assert type(value) in ROW[name], name
    assert row["weights"] == "trained"
    assert row["hidden_inputs"]
    assert not row["hidden_weights"]
    assert row["gas_fork"] == "osaka"
    assert row["srs"].startswith("UNSAFE")
    assert row["prove_inner_s"] < row["prove_s"]
    assert {"estimated_prove_s", "estimated_peak_mb"} <= row["estimates"].keys()


def test_rows_have_the_documented_names_and_types(bench):
    _, document, _ = bench
    (row,) = document["rows"]
    check_row(row)
    assert (row["params"], row["macs"], row["runs"]) == (530, 512, 1)
    assert row["samples"] == 143
    assert row["accuracy_float"] > 0.9
    assert {"rows", "failed", "machine", "versions", "command"} == document.keys()
    assert document["machine"]["cores"] >= 1
    assert document["versions"]["ezkl"]
    options = "--models breast-cancer --backends ezkl,broken --runs 1 --chain"
    assert document["command"] == f"zkinfer bench {options}"


def test_the_page_on_performance_names_every_field():
    text = PERFORMANCE.read_text()
    document, row = text.split("In a row:")
    named = re.findall(r"^\| `(\w+)` \|", row.split("## Figures")[0], re.M)
    assert named == list(ROW)
    top = re.findall(r"^\| `(\w+)` \|", document, re.M)
    assert top == ["rows", "failed", "machine", "versions", "command"]


def test_a_backend_that_fails_costs_its_row_alone(bench):
    status, document, page = bench
    (failure,) = document["failed"]
    assert failure["backend"] == "broken"
    assert failure["code"] == zk.AccuracyUnreachable.code
    assert status == zk.AccuracyUnreachable.exit_status
    assert "What failed" in read_page(page).text


def test_the_page_loads_nothing_and_names_the_machine(bench):
    assert "//" not in bench[2]
    page = read_page(bench[2])
    assert "Proof, seconds" in page.text
    assert bench[1]["machine"]["cpu"] in page.text
    assert bench[1]["command"] in page.text


def test_ratios_are_against_the_first_backend(two):
    text = tables(two)
    (line,) = [line for line in text.splitlines() if line.strip().startswith("proof, s")]
    assert line.split()[-1] == "2.00x"
    assert (
        "breast-cancer: 530 parameters, trained weights, 512 multiplications, inputs hidden" in text
    )
    page = read_page(bench_page(two))
    assert "2.00x" in page.text
    assert "ezkl-default" in page.text


def test_a_document_without_rows_has_tables_and_a_page(bench):
    empty = {**bench[1], "rows": []}
    assert tables(empty) == ""
    assert "Nothing was measured." in read_page(bench_page(empty)).text


def test_what_a_document_says_is_escaped(two):
    hostile = "<img src=x onerror=alert(1)>\u202e"
    for row in two["rows"]:
        row["model"] = hostile
    two["machine"]["cpu"] = two["command"] = hostile
    shown = read_page(bench_page(two)).text
    assert "<img src=x onerror=alert(1)>\\u202e" in shown


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["--models", "nobody"], "--models"),
        (["--models", ""], "--models"),
        (["--backends", "ezkl,plonky"], "--backends"),
        (["--runs", "0"], "--runs"),
        (["--together", "1"], "--together"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(capsys, arguments, place):
    assert main(["bench", *arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["place"]) == ("ZK213", place)


def test_a_network_with_random_weights_is_measured_and_named_so(capsys):
    """The smallest, by Plumb: weights are hidden, and the yardstick is there."""
    options = ["--models", "mlp-512", "--backends", "plumb", "--runs", "1", "--no-chain", "--json"]
    assert main(["bench", *options]) == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)["rows"]
    assert list(row) == list(ROW)
    assert (row["weights"], row["params"], row["macs"]) == ("random", 165_256, 164_864)
    assert row["hidden_inputs"]
    assert row["hidden_weights"]
    assert row["accuracy_float"] is row["accuracy_quantized"] is None
    assert (row["refused"], row["gas"]) == (0, None)
    assert row["max_abs_error"] < 0.2
    assert row["msm_ratio"] == row["prove_s"] / row["msm_s"]
    for name in ("setup_s", "prove_s", "msm_s", "verify_ms", "peak_mb", "pk_mb", "proof_bytes"):
        assert row[name] > 0, name
    assert "165,256 parameters, random weights" in said.err
    assert "accuracy, float" not in said.err


def test_plumbs_gas_is_measured_and_that_of_several_proofs_together(capsys):
    options = ["--models", "breast-cancer", "--backends", "plumb", "--runs", "1"]
    assert main(["bench", *options, "--chain", "--together", "3", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    (row,) = document["rows"]
    assert list(row) == list(ROW)
    assert document["command"].endswith("--chain --together 3")
    assert row["gas_fork"] == "osaka"
    assert row["gas"] == pytest.approx(380_000, rel=0.2)
    assert row["contract_bytes"] <= 24_576
    assert 200_000 < row["register_gas"] < 2_000_000
    assert row["gas"] < row["gas_together"] < 3 * row["gas"]
    assert row["gas_saved_each"] == (3 * row["gas"] - row["gas_together"]) / 2
    assert row["estimates"]["estimated_gas"] > 0
    assert "several proofs together, gas" in said.err


def test_chain_counts_as_osaka_does(plumb, breast_cancer):
    """ezkl's modular exponentiations are 2,699 dearer than before; Plumb's contract makes none."""
    more = {}
    for name, of in (("plumb", plumb), ("ezkl", breast_cancer)):
        prague, osaka = (
            zk.chain.embedded(fork=fork).deploy(of.vk).verify(of.bundle).gas
            for fork in ("prague", "osaka")
        )
        more[name] = osaka - prague
    calls, rest = divmod(more["ezkl"], 2_699)
    assert (more["plumb"], rest) == (0, 0)
    assert calls >= 1
    with pytest.raises(zk.ArgumentInvalid, match="'osaka'"):
        zk.chain.embedded(fork="berlin")


@pytest.mark.parametrize(
    ("id", "params", "given", "made"),
    [
        ("mlp-512", 165_256, (1, 512), (1, 8)),
        ("dense-1024", 524_800, (1, 1024), (1, 512)),
        ("cnn-cifar", 62_006, (1, 3, 32, 32), (1, 10)),
        ("mlp-2m", 1_974_070, (1, 784), (1, 10)),
    ],
)
def test_random_networks_have_their_shapes_and_always_the_same_weights(id, params, given, made):
    (card,) = [card for card in RANDOM if card.id == id]
    data = card.onnx_bytes()
    network = load_model(data)
    assert (network.parameters, network.input_shape, network.output_shape) == (params, given, made)
    assert card.onnx_bytes() == data
    samples, again = card.samples(), card.samples()
    assert samples.x.shape == samples.calibration.shape == (100, *given[1:])
    assert samples.x.dtype == np.float32
    assert np.array_equal(samples.x, again.x)
    assert not np.array_equal(samples.x, samples.calibration)
    assert np.abs(samples.x).max() <= 1
    assert samples.y is None


def test_random_networks_are_not_among_the_shipped():
    assert not {card.id for card in RANDOM} & {card.id for card in models()}


def test_drawn_numbers_stay_the_same():
    """Whatever numpy's own distributions become."""
    (card,) = [card for card in RANDOM if card.id == "mlp-512"]
    assert hashlib.sha256(card.samples().x.tobytes()).hexdigest() == DRAWN


@dataclass
class Fake:
    """Stands for a backend on a model; notes each of its proofs."""

    backend: str
    log: list
    row: dict = field(default_factory=dict)
    runs: int = 3
    prove_s: list = field(default_factory=list)
    prove_inner_s: list = field(default_factory=list)
    msm_s: list = field(default_factory=list)
    verify_s: list = field(default_factory=list)
    bundle: None = None
    failed: bool = False


@pytest.fixture
def run_fakes(monkeypatch):
    def run(seconds, fails=None):
        log = []

        def prove(one):
            log.append(one.backend)
            if log.count(fails) == 2 and one.backend == fails:
                raise zk.BackendFailed("it broke")
            one.prove_s.append(seconds)
            one.verify_s.append(0.1)

        monkeypatch.setattr(_measure, "_prepare", lambda plan, card, backend: Fake(backend, log))
        monkeypatch.setattr(_measure, "_prove", prove)
        monkeypatch.setattr(
            _measure, "_finish", lambda one, *_: one.row.update(runs=len(one.prove_s))
        )
        plan = Plan((model("breast-cancer"),), ("a", "b"), runs=3, chain=False)
        return log, measure(plan, lambda _: None)

    return run


def test_backends_take_turns(run_fakes):
    log, document = run_fakes(1.0)
    assert "".join(log) == "ab" + "ab" + "ba" + "ab"
    assert [(row["runs"], row["warmed_up"]) for row in document["rows"]] == [(3, True)] * 2


def test_a_long_proof_is_measured_once(run_fakes):
    log, document = run_fakes(61.0)
    assert "".join(log) == "ab"
    assert [(row["runs"], row["warmed_up"]) for row in document["rows"]] == [(1, False)] * 2


def test_a_backend_that_fails_later_is_left_out_of_later_rounds(run_fakes):
    log, document = run_fakes(1.0, fails="a")
    assert log.count("a") == 2
    assert log.count("b") == 4
    assert len(document["rows"]) == 1
    (failure,) = document["failed"]
    assert (failure["backend"], failure["code"]) == ("a", zk.BackendFailed.code)


def test_a_busy_machine_is_told_of(run_fakes, monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (3.0, 2.0, 1.0))
    monkeypatch.setattr(_machine.Others, "cores_used", lambda _: 1.5)
    told = []
    document = measure(Plan((), (), chain=False), told.append)
    assert document["machine"]["load"] == [3.0, 2.0, 1.0]
    assert document["machine"]["cores_used_by_others"] == 1.5
    assert len(told) == 2


def test_ezkls_own_calibration_differs_in_its_numbers_alone(breast_cancer):
    card = model("breast-cancer")
    ours = breast_cancer.circuit
    settings = zk.CircuitSettings(
        inputs=zk.Visibility.HIDDEN,
        weights=zk.Visibility.PUBLIC,
        outputs=zk.Visibility.PUBLIC,
        scale_bits=None,
        max_error=None,
    )
    samples = card.samples().calibration[:24, None]
    theirs = OwnCalibration().compile(load_model(card.onnx_bytes()), samples, settings)
    assert theirs.statement.model == ours.statement.model
    assert theirs.statement.inputs is zk.Visibility.HIDDEN
    mine, other = (json.loads(circuit.backend_settings) for circuit in (ours, theirs))
    assert mine.keys() == other.keys()
    for name in ("input_visibility", "output_visibility", "param_visibility", "check_mode"):
        assert mine["run_args"][name] == other["run_args"][name]
    assert mine["model_instance_shapes"] == other["model_instance_shapes"]
    assert (other["run_args"]["decomp_base"], other["run_args"]["decomp_legs"]) == (16384, 2)
    assert other["timestamp"] == 0
    assert theirs.calibration.max_abs_error < 0.1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_peak_memory_is_not_that_of_whoever_starts_the_prover(breast_cancer):
    """The kernel starts a child's maximum (ru_maxrss) with that of its parent."""
    ballast = np.ones(400 << 17)
    peaks = []
    zk.prove(breast_cancer.pk, breast_cancer.x, on_progress=lambda p: peaks.append(p.peak_mb))
    assert ballast.nbytes == 400 << 20
    assert 10 < peaks[-1] < 300


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_nor_is_that_of_plumbs_proof_in_a_process_of_its_own():
    ballast = np.ones(600 << 17)
    (row,) = measure(PLUMB, lambda _: None)["rows"]
    assert ballast.nbytes == 600 << 20
    assert 30 < row["peak_mb"] < 500


@pytest.mark.deep
def test_both_backends_side_by_side():
    plan = Plan((model("breast-cancer"),), ("ezkl", "ezkl-default"), runs=1)
    rows = measure(plan, lambda _: None)["rows"]
    assert [row["backend"] for row in rows] == ["ezkl", "ezkl-default"]
    for row in rows:
        check_row(row)
