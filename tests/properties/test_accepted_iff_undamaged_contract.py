"""The contract accepts a statement if and only if nothing was damaged, and says what the core says.

As tests/properties/test_accepted_iff_undamaged_plumb.py; the key is on chain, so what is damaged is
a proof, its public inputs, its context, and which circuit is asked about.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.damages import Damage
from tests.fixtures.plumb_chain import ACCEPTED, InRevm, infer_reference
from tests.fixtures.plumb_circuits import grid
from tests.fixtures.plumb_mutations import FEW, Mutations, split
from tests.properties.test_accepted_iff_undamaged_plumb import (
    FEW as SETTINGS,
)
from tests.properties.test_accepted_iff_undamaged_plumb import (
    SHOWN,
    on_word,
    swapped,
)
from zkinfer._curve import P, R

pytest.importorskip("pyrevm")
WORD = 32


class Attacked:
    """A circuit with two honest proofs, and the attacker's: one network, other salts or weights."""

    def __init__(self, name, seed):
        descriptor = grid()[name]
        self.contract = InRevm()
        self.first, self.second = infer_reference(descriptor, count=2)
        (self.other,) = infer_reference(descriptor, seed=seed)
        for inference in (self.first, self.other):
            self.contract.know(inference.circuit)

    def parts(self, inference):
        names = ("proof", "public", "circuit")
        return {name: getattr(inference, name) for name in names} | {"context": inference.ctx}

    def agreed(self, parts):
        """Return whether contract and core accept; both must say the same."""
        given = dict(parts)
        inference = self.first.but(ctx=given.pop("context"), **given)
        on_chain = self.contract.verdict(inference.verify()) == ACCEPTED
        assert on_chain == (inference.of_core() == ACCEPTED)
        return on_chain


@pytest.fixture(scope="module", params=["committed input", "public input"])
def attacked(request):
    if request.param == "committed input":
        return Attacked("windows, committed input, hidden weights, top1", 1)
    return Attacked("dense, public input, public weights, scores", 2)


def damage_circuit(parts, other):
    parts["circuit"] = other["circuit"]


DAMAGE = st.one_of(*SHOWN, st.just(Damage("damage_circuit", damage_circuit)))


@settings(max_examples=100, **SETTINGS)
@given(damages=st.lists(DAMAGE, max_size=3))
def test_accepted_if_and_only_if_undamaged(damages, attacked):
    honest, other = attacked.parts(attacked.first), attacked.parts(attacked.other)
    parts = dict(honest)
    for damage in damages:
        damage(parts, other)
    unchanged = parts | {"public": list(parts["public"])} == honest
    if any(value >= 1 << 256 for value in parts["public"]):
        return
    accepted = attacked.agreed(parts)
    # three damages may make the attacker's own, true statement
    assert accepted == (unchanged or parts | {"public": list(parts["public"])} == other)


def word_ways(proof, other, i):
    """Yield a proof with its i-th word damaged in each way."""
    at = i * WORD
    changes = (
        lambda v: v ^ 1,
        lambda v: v + 1,
        lambda v: v ^ 1 << 255,
        lambda v: v + R,
        lambda v: v + P,
        lambda _: 0,
        lambda v: P - v,
    )
    for change in changes:
        yield on_word(proof, i, change)
    yield proof[:at] + other[at : at + WORD] + proof[at + WORD :]
    yield swapped(proof, i, i + 1, WORD)
    yield swapped(proof, i // 2, i // 2 + 1, 2 * WORD)
    yield proof[:at] + bytes(2 * WORD) + proof[at + 2 * WORD :] if i % 2 == 0 else proof[:at]


def check_words(attacked, step):
    """Damage every word in every step-th way; which ways takes turns."""
    honest = attacked.parts(attacked.first)
    proof, other = attacked.first.proof, attacked.second.proof
    for i in range(len(proof) // WORD):
        ways = [*word_ways(proof, other, i)]
        for damaged in ways[i % step :: step]:
            if damaged != proof:
                assert not attacked.agreed(honest | {"proof": damaged})


def test_every_word_counts(attacked):
    """Masked proofs of one statement share no word, so that each word of another one is damage."""
    check_words(attacked, 4)


@pytest.mark.deep
def test_every_word_counts_in_every_way(attacked):
    check_words(attacked, 1)


def test_every_public_input_counts(attacked):
    honest = attacked.parts(attacked.first)
    for i, value in enumerate(honest["public"]):
        for other in (value ^ 1, value + 1, value - 1, R - value, value + R, value + P, 0, 1, R):
            public = [*honest["public"]]
            public[i] = other % (1 << 256)
            assert attacked.agreed(honest | {"public": public}) == (other == value)
    public = honest["public"]
    for wrong in (public[:-1], public[1:], [*public, 0], [0, *public], public[::-1], []):
        assert not attacked.agreed(honest | {"public": wrong}) or wrong == public


def test_a_proof_counts_for_its_own_statement(attacked):
    honest, other = attacked.parts(attacked.first), attacked.parts(attacked.other)
    assert attacked.agreed(honest)
    assert attacked.agreed(other)
    assert attacked.agreed(honest | {"proof": attacked.second.proof})
    for name in ("proof", "circuit"):
        assert not attacked.agreed(honest | {name: other[name]})
    for ctx in (bytes(32), honest["circuit"].id, b"\xff" * 32):
        assert not attacked.agreed(honest | {"context": ctx})


def test_dishonest_provers_are_refused():
    """One proof by each dishonest prover of the Rust core; thousands are a deep test."""
    cases, lines = split(json.loads(FEW.read_text())["lines"])
    mutations = Mutations(cases)
    for line in lines:
        assert mutations.show(line), line["class"]
    assert mutations.shown == mutations.coherent >= 12
