"""The settings search: what it estimates is what it gets, and both goals are reached."""

import itertools
import json
import math

import pytest

import zkinfer as zk
from zkinfer._ezkl import _candidates
from zkinfer._ezkl._candidates import Candidate, Cost
from zkinfer_models import model

WITHIN = 0.3


def made(name, optimize="time"):
    card = model(name)
    circuit = zk.compile(
        card.onnx_bytes(),
        calibration=card.samples().calibration,
        inputs="hidden",
        weights="public",
        outputs="public",
        backend="ezkl",
        optimize=optimize,
    )
    return circuit, *zk.setup(circuit, srs=zk.unsafe_test_srs()), card.samples().x[0]


@pytest.mark.parametrize(
    ("name", "optimize"),
    [
        ("breast-cancer", "time"),
        ("breast-cancer", "gas"),
        ("perceptron", "time"),
        ("digits-cnn", "time"),
    ],
)
def test_estimates_before_setup_are_within_thirty_percent(name, optimize):
    """Sizes, memory and gas; time depends on the machine, and the benchmark reports it."""
    circuit, pk, vk, x = made(name, optimize)
    peaks = []
    bundle = zk.prove(pk, x, on_progress=lambda step: peaks.append(step.peak_mb))
    expected = circuit.calibration
    receipt = zk.chain.embedded().deploy(vk).verify(bundle)
    assert expected.estimated_pk_mb == pytest.approx(
        pk.backend_proving_key.length / 1e6, rel=WITHIN
    )
    assert expected.estimated_peak_mb == pytest.approx(peaks[-1], rel=WITHIN)
    assert expected.estimated_gas == pytest.approx(receipt.gas, rel=WITHIN)


# Medians of docs/performance.md, for circuits as (logrows, columns, with max pools).
MEASURED_S = {
    "breast-cancer": (Cost(10, 3, 0), 0.612),
    "perceptron": (Cost(12, 2, 0), 1.29),
    "digits-cnn": (Cost(13, 2, 0), 2.03),
    "mlp-784": (Cost(16, 2, 0), 12.7),
    "lenet5": (Cost(18, 3, 0, shuffles=True), 131),
}


@pytest.mark.parametrize("name", MEASURED_S)
def test_estimated_times_are_within_thirty_percent_of_what_was_measured(name):
    cost, measured = MEASURED_S[name]
    assert cost.prove_s == pytest.approx(measured, rel=WITHIN)


def test_the_estimate_of_max_pools_is_that_of_the_key_measured():
    cost, _ = MEASURED_S["lenet5"]
    assert cost.proving_key_mb == pytest.approx(2752.78 * 2**20 / 1e6, rel=0.05)
    assert cost.peak_mb == pytest.approx(7268.7, rel=WITHIN)
    assert cost.gas(10 + 11) == pytest.approx(1_002_806, rel=WITHIN)


def test_one_column_costs_less_gas_and_three_less_time():
    by_time, _, _, _ = made("breast-cancer")
    by_gas, _, _, _ = made("breast-cancer", "gas")
    columns = [
        json.loads(circuit.backend_settings)["run_args"]["num_inner_cols"]
        for circuit in (by_time, by_gas)
    ]
    assert columns == [3, 1]
    assert by_gas.calibration.estimated_gas < by_time.calibration.estimated_gas
    assert by_gas.calibration.estimated_prove_s > by_time.calibration.estimated_prove_s


@pytest.mark.parametrize("columns", _candidates._POLYNOMIALS)
def test_more_rows_cost_more(columns):
    costs = [Cost(k, columns, 1) for k in range(8, 20)]
    for smaller, larger in itertools.pairwise(costs):
        assert smaller.prove_s < larger.prove_s
        assert smaller.peak_mb < larger.peak_mb


def test_only_candidates_whose_salt_hides_are_tried():
    assert Candidate(7, 512, 3, columns=2).hides_counts
    assert not Candidate(7, 128, 4, columns=4).hides_counts
    for candidate in _candidates.candidates(7):
        raw = {
            "num_rows": 1000,
            "total_assignments": 2000,
            "total_const_size": 0,
            "total_dynamic_col_size": 0,
            "total_shuffle_col_size": 0,
            "num_shuffles": 0,
        }
        for _, variant in candidate.variants(raw):
            digits = 48 * variant.legs // variant.columns
            histograms = math.comb(variant.base + digits - 1, digits)
            assert histograms >= 1 << 192


def test_canonical_settings_leave_nothing_to_chance():
    raw = {
        "required_range_checks": [[0, 511], [-1, 1]],
        "required_lookups": [{"b": 1}, {"a": 1}],
        "timestamp": 17,
        "run_args": {"num_inner_cols": 3},
        "num_rows": 245_836,  # one of seven values that ezkl gave for one circuit
        "total_assignments": 737_487,
    }
    settings = _candidates.canonical_settings(json.dumps(raw).encode())
    assert settings["required_range_checks"] == [[-1, 1], [0, 511]]
    assert settings["required_lookups"] == [{"a": 1}, {"b": 1}]
    assert settings["timestamp"] == 0
    assert settings["num_rows"] == 245_829
