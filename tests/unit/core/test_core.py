"""The core from Python: an honest proof, and every way to be refused."""

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zkinfer_core as core
from tests.unit.core.networks import network, powers, srs
from zkinfer._curve import R
from zkinfer_contracts import keccak256

CONTEXT = bytes(range(32))
REFUSED = (core.StatementRefused, core.ProofMalformed, core.ProofRejected)


class Proven:
    """A network with keys and a proof."""

    def __init__(self, net, **options):
        self.net = net
        self.pk = core.setup(srs(), net.descriptor, net.weights)
        self.vk = self.pk.verifying_key()
        self.committed = None
        if core.check_descriptor(net.descriptor)["input_visibility"] == "committed":
            self.committed = core.commit_input(srs(), self.vk, net.x)
        self.proof, self.public_inputs = self.prove(**options)

    def prove(self, **options):
        return core.prove(srs(), self.pk, self.net.x, CONTEXT, committed=self.committed, **options)

    def verify(self, **changed):
        of = {
            "vk": self.vk,
            "proof": self.proof,
            "public_inputs": self.public_inputs,
            "context": CONTEXT,
        }
        core.verify(**(of | changed))


@pytest.fixture(scope="module")
def proven():
    return Proven(network())


@pytest.mark.parametrize("weights", ["hidden", "public"])
@pytest.mark.parametrize("inputs", ["hidden", "committed", "public"])
def test_an_honest_proof_convinces(inputs, weights):
    net = network(inputs=inputs, weights=weights)
    proven = Proven(net)
    proven.verify()
    sizes = core.check_descriptor(net.descriptor)
    assert (sizes["input_visibility"], sizes["weight_visibility"]) == (inputs, weights)
    assert (sizes["inputs"], sizes["outputs"]) == (10, 3)
    assert len(proven.proof) == sizes["proof_bytes"] == proven.vk.proof_bytes
    assert len(proven.public_inputs) == sizes["public_inputs"]
    assert proven.public_inputs[-3:] == [y % R for y in net.outputs()]
    first = proven.public_inputs[:-3]
    if inputs == "public":
        assert first == net.x.tolist()
    elif inputs == "committed":
        point = b"".join(word.to_bytes(32, "big") for word in first)
        assert point == proven.committed.commitment


def test_two_proofs_share_no_word(proven):
    other, _ = proven.prove()

    def words(proof):
        return {proof[i : i + 32] for i in range(0, len(proof), 32)}

    assert not words(other) & words(proven.proof)
    proven.verify(proof=other)


def test_public_weights_have_one_circuit_id_and_hidden_ones_a_fresh_one():
    for weights, same in (("public", True), ("hidden", False)):
        net = network(weights=weights)
        ids = {
            core.setup(srs(), net.descriptor, net.weights).verifying_key().circuit_id
            for _ in range(2)
        }
        assert (len(ids) == 1) == same


def test_the_circuit_id_is_the_digest_of_what_is_public(proven):
    vk = proven.vk
    label = b"plumb-circuit-v1".ljust(32, b"\0")
    parts = (label, vk.srs_id, keccak256(vk.descriptor), *vk.commitments)
    assert vk.circuit_id == keccak256(b"".join(parts))
    assert vk.descriptor == proven.net.descriptor
    assert vk.srs_id == srs().id


def test_a_damaged_proof_is_refused(proven):
    proof = proven.proof
    for i in range(0, len(proof), 32):
        damaged = proof[: i + 31] + bytes([proof[i + 31] ^ 1]) + proof[i + 32 :]
        with pytest.raises((core.ProofMalformed, core.ProofRejected)):
            proven.verify(proof=damaged)
    for length in (0, 32, len(proof) - 32, len(proof) - 1):
        with pytest.raises(core.ProofMalformed):
            proven.verify(proof=proof[:length])
    with pytest.raises(core.ProofMalformed):
        proven.verify(proof=proof + b"\0")
    sizes = core.check_descriptor(proven.net.descriptor)
    points = 64 * (sizes["phase1_columns"] + sizes["phase2_columns"])
    for i in (0, points):  # a coordinate and a scalar that are not below their moduli
        with pytest.raises(core.ProofMalformed, match=f"word {i // 32}: "):
            proven.verify(proof=proof[:i] + b"\xff" * 32 + proof[i + 32 :])


def test_another_statement_is_refused(proven):
    honest = proven.public_inputs
    with pytest.raises(core.ProofRejected):
        proven.verify(context=bytes(32))
    with pytest.raises(core.ProofRejected):
        proven.verify(public_inputs=[*honest[:2], (honest[2] + 1) % R])
    with pytest.raises(core.ProofRejected):
        proven.verify(vk=Proven(proven.net).vk)  # the same weights, salted again
    for refused in (
        [],
        honest[:-1],
        [*honest, 0],
        [*honest[:2], R],
        [*honest[:2], honest[2] + R],
        [*honest[:2], 32],
        [*honest[:2], pow(16, -1, R)],
        [*honest[:2], -1],
        [*honest[:2], 1 << 256],
    ):
        with pytest.raises(core.StatementRefused):
            proven.verify(public_inputs=refused)
    for length in (0, 31, 33):
        with pytest.raises(core.StatementRefused):
            proven.verify(context=bytes(length))
        with pytest.raises(core.StatementRefused):
            core.prove(srs(), proven.pk, proven.net.x, bytes(length))
    for value in (1.0, "1", None, np.int64(1)):
        with pytest.raises(TypeError):
            proven.verify(public_inputs=[*honest[:2], value])


def test_inputs_are_arrays_of_int64(proven):
    x = proven.net.x
    for wrong in (
        x.astype(float),
        x.astype(np.int32),
        x.astype(np.uint64),
        x.astype(">i8"),
        [1] * 10,
        None,
    ):
        with pytest.raises(TypeError, match="inputs: expected an array of int64"):
            core.prove(srs(), proven.pk, wrong, CONTEXT)
    strided = np.repeat(x, 2)[::2]
    strided.setflags(write=False)
    _, outputs = core.prove(srs(), proven.pk, strided, CONTEXT)
    assert outputs == proven.public_inputs
    for count in (0, 9, 11):
        with pytest.raises(core.InputRefused, match=f"10 input values, got {count}"):
            core.prove(srs(), proven.pk, np.zeros(count, np.int64), CONTEXT)


def test_a_value_out_of_range_is_named(proven):
    x = proven.net.x.copy()
    x[4] = 16
    with pytest.raises(core.WitnessOutOfRange) as caught:
        core.prove(srs(), proven.pk, x, CONTEXT)
    assert vars(caught.value) == {
        "layer": None, "map": None, "position": 4, "value": 16, "low": 0, "high": 15
    }  # fmt: skip
    large = network()
    large.weights[1][0][0][:] = 7
    large.weights[0][1][:] = 15
    large.weights[0][0][0][:] = 2
    pk = core.setup(srs(), large.descriptor, large.weights)
    with pytest.raises(core.WitnessOutOfRange, match="layer 2") as caught:
        core.prove(srs(), pk, np.full(10, 15), CONTEXT)
    facts = vars(caught.value)
    assert (facts["layer"], facts["low"], facts["high"]) == (2, -32, 31)
    assert facts["value"] > 31


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        (lambda w: w.pop(), {}),
        (lambda w: w.append(w[0]), {}),
        (lambda w: w[1][0].pop(), {"layer": 1}),
        (lambda w: w[1][0].append(w[1][0][0]), {"layer": 1}),
        (lambda w: w.__setitem__(2, (w[2][0], w[2][1][:2])), {"layer": 2}),
        (lambda w: w[2][0].__setitem__(0, w[2][0][0][:2]), {"layer": 2, "map": 0}),
        (
            lambda w: w[2][0][0].__setitem__((1, 2), -9),
            {"layer": 2, "map": 0, "position": 7, "value": -9, "low": -8, "high": 7},
        ),
        (
            lambda w: w[0][1].__setitem__(3, 16),
            {"layer": 0, "position": 3, "value": 16, "low": -16, "high": 15},
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, facts):
    net = network()
    change(net.weights)
    with pytest.raises(core.WeightsRefused) as caught:
        core.setup(srs(), net.descriptor, net.weights)
    empty = dict.fromkeys(("layer", "map", "position", "value", "low", "high"))
    assert vars(caught.value) == empty | facts


def test_a_bad_descriptor_is_refused():
    good = network().descriptor
    for bad in (b"", good[:-1], good + b"\0", b"X" + good[1:], good[:6] + b"\x1f" + good[7:]):
        for verb in (core.check_descriptor, lambda bad: core.setup(srs(), bad, [])):
            with pytest.raises(core.LayoutRefused):
                verb(bad)
    with pytest.raises(core.LayoutRefused, match="even"):
        core.check_descriptor(network(log_rows=9).descriptor)
    for i in range(len(good)):
        damaged = good[:i] + bytes([good[i] ^ 0x80]) + good[i + 1 :]
        with contextlib.suppress(core.LayoutRefused):
            core.check_descriptor(damaged)


def test_parameters_are_checked(proven):
    g1, g2 = powers(4)
    small = core.Srs.from_bytes(g1, g2)
    assert (small.log_size, small.to_bytes(), small.id) == (4, (g1, g2), srs().id)
    assert srs().truncated(4).to_bytes() == (g1, g2)
    swapped = g1[:64] + g1[128:192] + g1[64:128] + g1[192:]
    zeros, ones = bytes(len(g1)), b"\xff" * len(g1)
    for bad in (b"", g1[:-1], g1[:-64], g1 + g1[:64], g1 + g1, swapped, zeros, ones):
        with pytest.raises(core.SrsRefused):
            core.Srs.from_bytes(bad, g2)
    for bad in (b"", g2[:-1], g2[:128], g2 + g2, powers(1, tau=2)[1], bytes(256), b"\xff" * 256):
        with pytest.raises(core.SrsRefused):
            core.Srs.from_bytes(g1, bad)
    for log_size in (0, 5, 64, 2**32 - 1):
        with pytest.raises(core.SrsRefused):
            small.truncated(log_size)
    other = core.Srs.from_bytes(*powers(8, tau=3))
    for wrong in (small, other):
        with pytest.raises(core.SrsRefused):
            core.prove(wrong, proven.pk, proven.net.x, CONTEXT)
        with pytest.raises(core.SrsRefused):
            core.commit_input(wrong, proven.vk, proven.net.x)
    with pytest.raises(core.SrsRefused):
        core.setup(small, proven.net.descriptor, proven.net.weights)


def test_larger_parameters_do_too():
    net = network()
    large = srs(9)
    pk = core.setup(large, net.descriptor, net.weights)
    proof, public_inputs = core.prove(large, pk, net.x, CONTEXT)
    core.verify(pk.verifying_key(), proof, public_inputs, CONTEXT)
    core.verify(pk.verifying_key(), *core.prove(srs(), pk, net.x, CONTEXT), CONTEXT)


def test_a_committed_input_belongs_to_its_input():
    proven = Proven(network(inputs="committed"))
    hidden = Proven(network())
    with pytest.raises(core.InputRefused):
        core.prove(srs(), proven.pk, proven.net.x, CONTEXT)
    with pytest.raises(core.InputRefused):
        core.prove(srs(), hidden.pk, proven.net.x, CONTEXT, committed=proven.committed)
    other = proven.net.x.copy()
    other[0] ^= 1
    with pytest.raises(core.InputRefused):
        core.prove(srs(), proven.pk, other, CONTEXT, committed=proven.committed)
    with pytest.raises(core.InputRefused):
        core.commit_input(srs(), proven.vk, other[:3])
    with pytest.raises(core.StatementRefused):
        proven.verify(public_inputs=[0, 0, *proven.public_inputs[2:]])
    again = core.commit_input(srs(), proven.vk, proven.net.x)
    assert again.commitment != proven.committed.commitment


def test_nothing_takes_a_seed():
    names = set(dir(core)) | {name for kind in vars(core).values() for name in dir(kind)}
    assert not [name for name in names if "seed" in name.lower() or "random" in name.lower()]
    (binary,) = Path(core.__file__).parent.glob("*.so")
    assert b"insecure_seed" not in binary.read_bytes()


def test_a_forked_child_is_refused_instead_of_hanging():
    script = """
import os, sys, warnings
warnings.simplefilter("ignore")
import zkinfer_core as core
from tests.unit.core.networks import powers
core.Srs.from_bytes(*powers(2))
child = os.fork()
if child == 0:
    try:
        core.Srs.from_bytes(*powers(2))
    except core.CoreFailed as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    root = Path(__file__).parents[3]
    paths = [str(root), *sys.path]
    script = f"import sys; sys.path[:0] = {paths!r}\n{script}"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, timeout=60)
    assert done.returncode == 7
