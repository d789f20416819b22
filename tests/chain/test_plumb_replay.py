"""Inside a verification: the contract derives what the reference derives, wherever it begins."""

import sys
from random import Random

import pytest

from tests.fixtures.plumb_chain import (
    ACCEPTED,
    Golden,
    InRevm,
    Reverted,
    infer_reference,
    reference,
)
from tests.fixtures.plumb_circuits import SIZES, grid, of_size
from tests.fixtures.plumb_probe import Probe, places
from tests.fixtures.solidity import compile_verifier
from tests.reference.plumb import golden, networks, verifier
from tests.reference.plumb.curve import combine, from_bytes
from tests.reference.plumb.keys import Key
from tests.reference.plumb.mercury import unsafe_parameters
from zkinfer._curve import P, R

pytest.importorskip("pyrevm")
NAMES = ("mlp", "cnn", "mixed", "threshold", "top1", "wide", "packed", "pooled")
GRID = (*tuple(grid())[1::3], *SIZES)
# Lengths of the input, kernel, strides, zeros before and after.
WINDOWS = {
    "covers": ([5, 3], [5, 3], [1, 1], [0, 0], [0, 0]),
    "covers a column": ([5, 1], [5, 1], [1, 1], [0, 0], [0, 0]),
    "covers heights alone": ([3, 4], [3, 2], [1, 1], [0, 0], [0, 0]),
    "has no room for a step": ([4, 3], [3, 2], [2, 2], [0, 0], [0, 0]),
    "reaches into zeros": ([3, 3], [5, 3], [1, 2], [0, 0], [2, 1]),
    "begins with zeros": ([3, 3], [4, 3], [1, 1], [1, 0], [0, 0]),
    "steps into zeros": ([3, 2], [3, 2], [1, 2], [0, 0], [1, 2]),
}
JUNK = (bytes(32), b"\1" * 32, b"\xff" * 32)


def window(name, depthwise):
    """Return the network of one window."""
    size, *geometry = WINDOWS[name]
    net = networks.Net([8, 3, 3, 4], [networks.relu(4)])
    x, dims = net.input([2, *size], 3)
    h, dims = net.linear([net.map(x, dims, geometry, depthwise)], 2, 5, 0)
    net.linear([net.map(h, dims)], 2, 3)
    return net.finish()


def inference_of(name):
    if name in NAMES:
        return reference(name)
    descriptor = of_size(*SIZES[name]) if name in SIZES else grid()[name]
    return infer_reference(descriptor)[0]


@pytest.fixture(scope="module")
def cases():
    return {name: inference_of(name) for name in (*NAMES, *GRID)}


@pytest.fixture(scope="module")
def probe(cases):
    circuits = [inference.circuit for inference in cases.values()]
    return Probe(circuits + [Golden.load(name).circuit for name in golden.NETWORKS])


class Stop(Exception):
    """The reference has come to the opening."""


def of_reference(monkeypatch, inference):
    """Return what the reference's verifier knows before the opening: its variables."""
    known = {}

    def stop(*_):
        known.update(sys._getframe(1).f_locals)
        raise Stop

    circuit = inference.circuit
    parameters = unsafe_parameters(golden.TAU, circuit.descriptor[6])
    weights = [circuit.weights[i : i + 64] for i in range(0, len(circuit.weights), 64)]
    key = Key(parameters, circuit.descriptor, [from_bytes(w) for w in weights])
    words = [value.to_bytes(32, "big") for value in inference.public]
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "verify_opening", stop)
        with pytest.raises(Stop):
            verifier.verify(key, inference.proof, words, circuit.bound(inference.ctx))
    return known


@pytest.mark.parametrize("name", [*NAMES, *GRID])
def test_the_contract_derives_what_the_reference_derives(probe, cases, monkeypatch, name):
    derives(probe, cases[name], monkeypatch)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows_that_fit_once_and_others(monkeypatch, name, depthwise):
    inference = infer_reference(window(name, depthwise))[0]
    derives(Probe([inference.circuit]), inference, monkeypatch)


def derives(probe, inference, monkeypatch):
    memory = probe.memory(inference)
    known = of_reference(monkeypatch, inference)
    layout, values = known["layout"], known["values"]
    c, n = layout.c, layout.weight_variables
    assert (memory.of("C"), memory.of("N")) == (c, n)
    expected = {
        "ALPHA": known["alpha"],
        "LAMBDA": known["lam"],
        "RHO_A": known["rho_a"],
        "RHO_D": known["rho_d"],
        "CLAIM_A": known["claim_a"],
        "LINEAR_CONSTANT": known["h_a"] - values["sum"],
        "BIAS_CONSTANT": known["e_x"] - values["inputs"],
        "LINK_CONSTANT": values["links"],
    }
    found = {name: memory.of(name) % R for name in expected}
    assert found == {name: value % R for name, value in expected.items()}
    # the last of the powers of r is r
    assert memory.word(places()["R_POWERS"] - 32) == known["r"]
    points = {
        "TAU": known["tau"],
        "POINT_D": known["d"],
    }
    for place, point in points.items():
        assert memory.words(place, len(point)) == point, place
    # k ends where its last c coordinates end
    end = places()["POINT_A"] + 32 * c
    assert [memory.word(end - 32 * i) for i in range(n, 0, -1)] == known["k"]
    assert (len(known["k"]), len(known["d"])) == (n, c)
    # what the opening multiplies them with is in all of them by then
    first, *rest = memory.words_at("FUNCTIONALS", layout.columns)
    factor = first * pow(known["q"][0], -1, R) % R
    assert factor
    assert rest == [factor * v % R for v in known["q"][1:]]


@pytest.mark.parametrize("name", golden.NETWORKS)
def test_golden_proofs_are_accepted(probe, name):
    """Of whichever version of the protocol: their bytes never change."""
    inference = Golden.load(name).inference()
    assert probe.about("verifyBound", inference) == b""
    flipped = inference.proof[:-1] + bytes([inference.proof[-1] ^ 1])
    with pytest.raises(Reverted):
        probe.about("verifyBound", inference.but(proof=flipped))
    with pytest.raises(Reverted) as error:
        probe.about("verifyBound", inference.but(ctx=bytes(32)))
    assert error.value.name == "ProofRejected"


@pytest.mark.parametrize("name", [*NAMES, *GRID])
def test_what_is_in_memory_before_changes_nothing(cases, name):
    """Whatever was left there: here it is words that follow from the context, or ones."""
    for ctx in JUNK:
        inference = infer_reference(cases[name].circuit.descriptor, ctx=ctx)[0]
        probe = Probe([inference.circuit])
        assert probe.about("verifyOnJunk", inference) == b""
        for lie in lies(inference):
            with pytest.raises(Reverted) as error:
                probe.about("verifyOnJunk", lie)
            assert error.value.name == probe.verdict(lie.verify()) != ACCEPTED


def lies(inference):
    *first, last = inference.public
    proof = inference.proof
    yield inference.but(public=[*first, (last + 1) % R])
    yield inference.but(proof=proof[:-64] + (1).to_bytes(32, "big") + (2).to_bytes(32, "big"))
    yield inference.but(proof=bytes(64) + proof[64:])
    middle = len(proof) // 64 * 32
    yield inference.but(proof=proof[:middle] + bytes(32) + proof[middle + 32 :])


UNOPTIMISED = {"enabled": False, "runs": None, "details": None}
OTHER_SETTINGS = [
    UNOPTIMISED,
    pytest.param({"runs": 1}, marks=pytest.mark.deep),
    pytest.param({"runs": 10**7}, marks=pytest.mark.deep),
]


@pytest.mark.parametrize("settings", OTHER_SETTINGS, ids=str)
def test_other_settings_of_the_compiler_make_the_same_verifier(cases, settings):
    code = compile_verifier(**settings)
    contract = Probe([inference.circuit for inference in cases.values()], code)
    shipped = InRevm()
    assert code != shipped.code_at(shipped.address)
    for inference in cases.values():
        shipped.know(inference.circuit)
        assert contract.verdict(inference.verify()) == ACCEPTED
        for lie in lies(inference):
            assert contract.verdict(lie.verify()) == shipped.verdict(lie.verify()) != ACCEPTED


def test_code_that_needs_more_memory_for_itself_than_there_is_does_nothing(probe):
    """As other steps of the optimiser would make it; today they make code that does not compile."""
    taken = "reserveAfter(uint256)"
    assert probe.call(taken, 0x100) == (0x100).to_bytes(32, "big")
    for size in (places()["MODULUS"], 1 << 16):
        with pytest.raises(Reverted) as error:
            probe.call(taken, size)
        assert "InvalidFEOpcode" in error.value.name


# What no proof can be made to lead to.


def at(coefficients, x):
    return sum(c * pow(x, i, R) for i, c in enumerate(coefficients)) % R


def value_of(words, point, alpha, gamma, zeta):
    """Return the value with which the equation of the inner products holds at zeta."""
    g, p, s = words[:2], words[2:5], words[5:]
    inverse = pow(zeta, -1, R)
    (u, v), half = ([1 - z, z] for z in point), pow(2, -1, R)
    left = at(g, zeta) * at(v, inverse) + at(g, inverse) * at(v, zeta)
    left += gamma * (at(p, zeta) * at(u, inverse) + at(p, inverse) * at(u, zeta))
    left -= zeta * at(s, zeta) + inverse * at(s, inverse)
    return (left * half - at(p, alpha)) * pow(gamma, -1, R) % R


def with_words(words):
    return bytes(5 * 64) + b"".join(w.to_bytes(32, "big") for w in words) + bytes(2 * 64)


@pytest.mark.parametrize("zeta", [1, R - 1, 3, pow(3, -1, R), 0xABCDEF])
def test_interpolants_have_the_inner_products_or_are_refused(probe, zeta):
    """Also at alpha, at its inverse, and where zeta is its own inverse: nothing is divided."""
    call = "interpolants(bytes,uint256[2],uint256,uint256,uint256,uint256)"
    rng = Random(zeta)
    words = [rng.randrange(R) for _ in range(7)]
    point, alpha, gamma = [rng.randrange(R), rng.randrange(R)], 3, rng.randrange(R)
    value = value_of(words, point, alpha, gamma, zeta)

    def gives(words, point, gamma, value):
        return probe.call(call, with_words(words), point, alpha, gamma, zeta, value)

    # b is 2: zeta^(b - 2) is 1
    assert gives(words, point, gamma, value) == (1).to_bytes(32, "big")
    others = [(words, point, gamma, (value + 1) % R), (words, point, gamma + 1, value)]
    others += [(words, [(point[0] + 1) % R, point[1]], gamma, value)]
    others += [(words, [point[0], (point[1] + 1) % R], gamma, value)]
    moved = [[(w + (i == k)) % R for k, w in enumerate(words)] for i in range(7)]
    for changed in [*others, *((each, point, gamma, value) for each in moved)]:
        if value_of(*changed[:2], alpha, changed[2], zeta) == changed[3]:
            continue
        with pytest.raises(Reverted) as error:
            gives(*changed)
        assert error.value.name == "ProofRejected"
    if zeta == 0xABCDEF:
        equal = [value_of(each, point, alpha, gamma, zeta) == value for each in moved]
        assert not any(equal)


def test_a_challenge_of_zero_is_refused(probe):
    assert probe.call("drawn(uint256)", 1) == (1).to_bytes(32, "big")
    with pytest.raises(Reverted) as error:
        probe.call("drawn(uint256)", 0)
    assert (error.value.name, error.value.arguments[0].rstrip(b"\0")) == ("ZeroChallenge", b"r")


@pytest.mark.parametrize("function", ["double(uint256,uint256)", "stored(uint256,uint256)"])
def test_points_off_the_curve_have_no_sum(probe, function):
    """Commitments of a model are points, or it would not be registered."""
    twice = probe.call(function, 1, 2)
    assert twice == b"".join(v.to_bytes(32, "big") for v in combine([2], [(1, 2)]))
    assert probe.call(function, 0, 0) == bytes(64)
    for x, y in ((1, 3), (1 + P, 2), (1, 2 + P), (0, 1)):
        with pytest.raises(Reverted) as error:
            probe.call(function, x, y)
        assert error.value.name == "NotAPoint"
