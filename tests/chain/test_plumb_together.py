"""Statements verified together are accepted if, and only if, each of them is true."""

from itertools import combinations

import pytest

from tests.fixtures.plumb_chain import (
    ACCEPTED,
    Golden,
    InRevm,
    Reverted,
    call,
    infer_reference,
    reference,
    verify_together,
)
from tests.reference.plumb import curve, networks, verifier
from tests.reference.plumb.golden import TAU
from tests.reference.plumb.transcript import Transcript
from zkinfer._curve import P, R

pytest.importorskip("pyrevm")
NAMES = ("mlp", "cnn", "mixed", "top1", "wide", "threshold")
WORD = 32


@pytest.fixture(scope="module")
def contract():
    found = InRevm()
    for name in NAMES:
        found.know(reference(name).circuit)
    return found


@pytest.fixture(scope="module")
def honest():
    return [reference(name) for name in NAMES]


def word(inference, i):
    return int.from_bytes(inference.proof[i * WORD :][:WORD], "big")


def with_word(inference, i, value):
    at = i % (len(inference.proof) // WORD) * WORD
    changed = (value % (1 << 256)).to_bytes(WORD, "big")
    return inference.but(proof=inference.proof[:at] + changed + inference.proof[at + WORD :])


def words(inference):
    return len(inference.proof) // WORD


def with_last_point(inference, point):
    """Return a proof with another w', its last point: nothing but the equation changes."""
    return inference.but(proof=inference.proof[:-64] + curve.to_bytes(point))


def test_honest_statements_are_accepted(contract, honest):
    for count in (1, 2, 3, 4):
        for chosen in [*combinations(honest, count)][::count]:
            assert contract.verdict(verify_together(chosen)) == ACCEPTED
            assert contract.verdict(verify_together(chosen[::-1])) == ACCEPTED
    same = [honest[0]] * 4
    assert contract.verdict(verify_together(same)) == ACCEPTED
    assert contract.verdict(verify_together(honest)) == ACCEPTED


@pytest.mark.parametrize("count", [8, 9, 10, 40])
def test_many_statements(contract, honest, count):
    """Nothing that a statement leaves in memory adds up."""
    chosen = (honest * count)[:count]
    assert contract.verdict(verify_together(chosen)) == ACCEPTED
    damaged = with_last_point(chosen[-1], (1, 2))
    assert contract.verdict(verify_together([*chosen[:-1], damaged])) == "ProofRejected"


def test_one_false_statement_among_true_ones_is_refused(contract, honest):
    for count in range(1, 5):
        chosen = honest[:count]
        for i in range(count):
            right = chosen[i]
            *first, last = right.public
            lies = [
                with_last_point(right, (1, 2)),
                with_word(right, words(right) - 5, word(right, words(right) - 5) + 1),
                with_word(right, 0, 0),
                right.but(ctx=bytes(32)),
                right.but(public=[*first, (last + 1) % R]),
                right.but(public=first),
                right.but(proof=right.proof[:-32]),
                right.but(circuit=chosen[i - 1].circuit) if count > 1 else right.but(proof=b""),
            ]
            for lie in lies:
                assert lie.of_core() != ACCEPTED
                asked = [*chosen[:i], lie, *chosen[i + 1 :]]
                assert contract.verdict(verify_together(asked)) != ACCEPTED


def test_every_word_of_each_statement_counts(contract, honest):
    first, second = honest[0], honest[3]
    for i in range(0, words(first), 7):
        damaged = with_word(first, i, word(first, i) + 1)
        assert contract.verdict(verify_together([damaged, second])) != ACCEPTED
        damaged = with_word(second, i, word(second, i) ^ 1)
        assert contract.verdict(verify_together([first, damaged])) != ACCEPTED


def test_a_statement_is_not_exchanged_for_another(contract, honest):
    """Each proof with its own id, public inputs and context."""
    a, b = honest[0], infer_reference(networks.mlp())[0]
    contract.know(b.circuit)
    assert contract.verdict(verify_together([a, b])) == ACCEPTED
    for name in ("circuit", "proof"):
        swapped = [a.but(**{name: getattr(b, name)}), b.but(**{name: getattr(a, name)})]
        assert contract.verdict(verify_together(swapped)) == "ProofRejected"
    assert contract.verdict(verify_together([a.but(ctx=bytes(32)), b])) == "ProofRejected"


def prove_falsely(monkeypatch, name, error):
    """Return a proof with [w'] + error G; the pairing's points; and xi.

    Nothing comes after [w'], so the sides of the equation differ by (xi - tau) error: everybody
    knows the test parameters' tau.
    """
    challenges, sides = {}, []
    challenge = Transcript.challenge

    def recorded(transcript, label):
        challenges[label] = challenge(transcript, label)
        return challenges[label]

    made = Golden.load(name)
    honest = made.prove()
    last = curve.from_bytes(honest.proof[-64:])
    inference = with_last_point(honest, curve.combine([1, error], [last, curve.G]))
    with monkeypatch.context() as patch:
        patch.setattr(Transcript, "challenge", recorded)
        patch.setattr(made.parameters, "check", lambda *points: sides.append(points) or True)
        key = made.key()
        words = [value.to_bytes(WORD, "big") for value in inference.public]
        verifier.verify(key, inference.proof, words, made.circuit.bound(inference.ctx))
    (points,) = sides
    return inference, points, challenges["opening xi"]


@pytest.mark.parametrize("names", [("mlp", "mlp"), ("mlp", "top1")])
def test_two_false_proofs_that_cancel_are_refused(contract, monkeypatch, names):
    """Their equations' sum is true: weights of one would accept both."""
    for name in names:
        contract.know(Golden.load(name).circuit)
    first, sides, xi = prove_falsely(monkeypatch, names[0], 1)
    _, _, other = prove_falsely(monkeypatch, names[1], 1)
    error = -(xi - TAU) * pow(other - TAU, -1, R) % R
    second, more, _ = prove_falsely(monkeypatch, names[1], error)
    left, right = (curve.combine([1, 1], pair) for pair in zip(sides, more, strict=True))
    assert left == curve.combine([TAU], [right])
    for lie in (first, second):
        assert contract.verdict(lie.verify()) == lie.of_core() == "ProofRejected"
    for asked in ([first, second], [second, first], [first, second, first, second]):
        assert contract.verdict(verify_together(asked)) == "ProofRejected"


def test_lists_of_other_lengths_are_refused(contract, honest):
    parts = [(i.circuit.id, i.proof, i.public, i.ctx) for i in honest[:2]]
    lists = [list(part) for part in zip(*parts, strict=True)]
    assert contract.verdict(call("verifyTogether", *lists)) == ACCEPTED
    for which in range(4):
        for changed in ([], lists[which][:1], [*lists[which], lists[which][0]]):
            asked = [*lists]
            asked[which] = changed
            with pytest.raises(Reverted) as error:
                contract.ask(call("verifyTogether", *asked))
            expected = tuple(len(part) for part in asked)
            assert (error.value.name, error.value.arguments) == ("StatementCount", expected)
    with pytest.raises(Reverted) as error:
        contract.ask(call("verifyTogether", [], [], [], []))
    assert (error.value.name, error.value.arguments) == ("StatementCount", (0, 0, 0, 0))


def test_an_unregistered_circuit_among_others_is_refused(contract, honest):
    other = infer_reference(networks.mlp())[0]
    with pytest.raises(Reverted) as error:
        contract.ask(verify_together([honest[0], other]))
    assert (error.value.name, *error.value.arguments) == ("NotRegistered", other.circuit.id)


def test_coordinates_are_canonical(contract, honest):
    for i in honest[:3]:
        damaged = with_word(i, words(i) - 1, word(i, words(i) - 1) + P)
        assert contract.verdict(verify_together([damaged, i])) == "NotAPoint"
