"""The contract that checks layouts is of one mind with the core, on sound and damaged ones."""

import importlib.util
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest

import zkinfer_circuits as z
import zkinfer_models as models
from tests.fixtures import layout_contract
from tests.fixtures.layout_contract import MALFORMED, SOUND, InRevm, OnChain, of_core
from tests.fixtures.layout_damage import damage
from tests.reference.plumb import golden, networks
from tests.reference.plumb.descriptor import PUBLIC, Descriptor
from tests.reference.plumb.field import P
from tests.reference.plumb.layout import Layout
from tests.reference.plumb.registration import Registration
from tests.unit.core.networks import network
from zkinfer_circuits._plumb import layout_program
from zkinfer_contracts import EmbeddedChain, VerificationReverted, artifact

FIXTURES = Path(__file__).parents[1] / "fixtures"
MAX_CODE, MAX_GAS = 24_576, 300_000
SEED = 1
HAVE_REVM = importlib.util.find_spec("pyrevm") is not None
needs_revm = pytest.mark.skipif(not HAVE_REVM, reason="pyrevm has no wheel for this platform")


@pytest.fixture(scope="session")
def revm():
    return InRevm()


@pytest.fixture(scope="session")
def on_chain():
    return OnChain(EmbeddedChain())


@cache
def shipped():
    """Return the descriptor of each model that ships, with hidden weights."""
    found = {}
    for card in models.models():
        model = z.load_model(card.onnx_bytes())
        rows = [z.check_input(model, row) for row in card.samples().calibration]
        program = z.compile_program(model, np.stack(rows)).program
        found[card.id] = layout_program(program, inputs="hidden", weights="hidden").descriptor
    return found


@cache
def small():
    """Return small descriptors of all kinds."""
    names = ("mlp", "cnn", "mixed", "threshold", "top1", "wide", "packed", "pooled")
    found = {f"reference {name}": getattr(networks, name)() for name in names}
    for inputs in ("hidden", "committed", "public"):
        for weights in ("hidden", "public"):
            found[f"{inputs} {weights}"] = network(inputs=inputs, weights=weights).descriptor
    return found


@cache
def operators():
    """Return the descriptor of each network in tests/fixtures/torch that has a layout."""
    found = {}
    with np.load(FIXTURES / "torch" / "samples.npz") as samples:
        for path in sorted((FIXTURES / "torch").glob("*.onnx")):
            model = z.load_model(path)
            x = samples[f"{path.stem}/x"].reshape(-1, *model.input_shape)
            program = z.compile_program(model, x, max_error=1.0).program
            inputs, weights = [("hidden", "hidden"), ("committed", "public")][len(found) % 2]
            try:
                circuit = layout_program(program, inputs=inputs, weights=weights)
            except z.LayoutUnsupported:
                continue
            found[path.stem] = circuit.descriptor
    return found


def agree(revm, name, good, count):
    """Compare the verdicts on damaged descriptors; return how often there was which."""
    random = Random(f"{SEED} {name}")
    seen = Counter()
    for _ in range(count):
        bad = damage(random, good)
        verdict = revm.verdict(bad)
        assert verdict == of_core(bad), (name, bad.hex())
        seen[verdict] += 1
    return seen


def test_the_rules_have_the_names_of_the_cores():
    assert layout_contract.rules() == [*layout_contract.core_rules(), layout_contract.SQUARE]
    assert list(layout_contract.core_sentences()) == layout_contract.core_rules()


def test_the_contract_fits_a_chain():
    assert len(artifact("PlumbLayouts").runtime) <= MAX_CODE


@needs_revm
def test_sound_layouts_are_accepted(revm):
    for name, descriptor in {**shipped(), **small(), **operators()}.items():
        assert of_core(descriptor) == SOUND, name
        assert revm.verdict(descriptor) == SOUND, name
    for name in golden.NETWORKS:
        assert revm.verdict(golden.Golden.load(name).descriptor) == SOUND, name


@needs_revm
def test_checking_costs_a_call_little(revm):
    assert revm.gas(shipped()["lenet5"]) <= MAX_GAS


@needs_revm
def test_damaged_layouts_have_the_cores_verdict(revm):
    seen = Counter()
    for name, descriptor in {**shipped(), **small()}.items():
        seen += agree(revm, name, descriptor, 400)
    for name, descriptor in operators().items():
        seen += agree(revm, name, descriptor, 40)
    assert seen[SOUND] > 200
    assert seen[MALFORMED] > 1000
    assert len(seen) > 40


@needs_revm
@pytest.mark.deep
def test_many_damaged_layouts_have_the_cores_verdict(revm):
    for name, descriptor in {**shipped(), **small(), **operators()}.items():
        agree(revm, f"deep {name}", descriptor, 2000)


def test_a_node_runs_the_same_code(on_chain):
    random = Random(SEED)
    for good in small().values():
        assert on_chain.verdict(good) == SOUND
        for _ in range(4):
            bad = damage(random, good)
            assert on_chain.verdict(bad) == of_core(bad), bad.hex()


# What a registration proves.


def tensor(first, second):
    """Return where a run's tensor starts, and the distance of each real position from there."""
    lengths = [second >> shift & 0xFFFFFFFF for shift in (224, 192, 160, 128, 96)]
    distances = [0]
    for shift, n in zip((120, 112, 104, 96, 88), lengths, strict=True):
        log = first >> shift & 0xFF
        distances = [(d << log) + i for d in distances for i in range(n)]
    assert second & (1 << 96) - 1 == 0
    return first >> 128 & (1 << 64) - 1, distances


def read_program(program, chunks):
    """Return s, range columns, the terms of the claim, and each block's start, positions, bits."""
    s, columns, runs, blocks, *rest = program
    rest = iter(rest)
    terms = Counter()
    for _ in range(runs):
        first, second = next(rest), next(rest)
        start, distances = tensor(first, second)
        home, number, row = first >> 248, first >> 232 & 0xFFFF, first >> 200 & 0xFFFFFFFF
        assert first & (1 << 88) - 1 == 0
        for _ in range(first >> 192 & 0xFF):
            factor, exponent = next(rest), next(rest)
            assert 0 < factor < P
            for k in distances:
                place = exponent + start + k, chunks[number] if home else number, row + k
                terms[place] = (terms[place] + factor) % P
    found = []
    for _ in range(blocks):
        first, second = next(rest), next(rest)
        assert first >> 192 == 0
        found.append((*tensor(first, second), first & 0xFF))
    assert not list(rest)
    return s, columns, +terms, found


def check_ranges(contract, descriptor):
    registration = Registration(Layout(Descriptor.from_bytes(descriptor)))
    terms = Counter()
    for factor, exponent, column, row in registration.terms():
        place = exponent, column, row
        terms[place] = (terms[place] + factor) % P
    expected = (
        registration.descriptor.range_bits,
        registration.descriptor.range_columns,
        +terms,
        [(b.start, b.real(), b.bits) for b in registration.model_blocks],
    )
    assert read_program(contract.ranges(descriptor), registration.chunks) == expected


@needs_revm
def test_ranges_are_those_of_the_registration(revm):
    for descriptor in {**small(), **shipped(), **operators()}.values():
        check_ranges(revm, descriptor)


@needs_revm
def test_ranges_of_damaged_layouts_that_are_sound(revm):
    random = Random(SEED)
    checked = 0
    for good in small().values():
        for _ in range(60):
            bad = damage(random, good)
            if of_core(bad) == SOUND:
                check_ranges(revm, bad)
                checked += 1
    assert checked > 50


def random_weights(random):
    """Return dense layers of random sizes in small columns, with random ranges of weights."""
    c = random.randint(6, 9)
    net = networks.Net([c, random.randint(3, c - 1), 3, 3], [networks.relu(3)])
    x, dims = net.input([random.randint(1, 12), random.randint(1, 3), 1], 3)
    for pair in [0] * random.randint(0, 2) + [None]:
        x, dims = net.linear([net.map(x, dims)], random.randint(1, 20), 3, pair)
    for layer in net.d.layers[1:]:
        layer.maps[0].weight_bits, layer.bias_bits = random.randint(0, 30), random.randint(0, 40)
    return net.finish()


@needs_revm
def test_ranges_of_random_weights(revm):
    random = Random(SEED)
    found = [random_weights(random) for _ in range(300)]
    sound = [descriptor for descriptor in found if of_core(descriptor) == SOUND]
    assert len(sound) > 40
    for descriptor in sound:
        check_ranges(revm, descriptor)


@needs_revm
def test_ranges_of_the_widest_weights(revm):
    d = Descriptor.from_bytes(networks.mlp())
    # Weights of zeros: no sum bounds them.
    d.layers[1].maps[0].view[0].coefficient, d.layers[1].maps[0].weight_bits = 0, 127
    assert of_core(d.to_bytes()) == SOUND
    check_ranges(revm, d.to_bytes())


def many_columns(c, out):
    """Return a layer of so many outputs, each with three weights of 128 bits."""
    net = networks.Net([c, 3, 3, 3], [], weights=PUBLIC)
    x, dims = net.input([3, 1, 1], 3)
    zeros = net.map([replace(x[0], coefficient=0)], dims)
    zeros.weight_bits = 127
    net.linear([zeros], out, 0)
    return net.finish()


def test_ranges_whose_columns_have_no_numbers(on_chain):
    large = many_columns(8, 1 << 16)
    assert of_core(large) == SOUND
    with pytest.raises(VerificationReverted) as refused:
        on_chain.ranges(large)
    assert refused.value.name == "RegistrationTooLarge"
    assert refused.value.arguments[0] > 1 << 14
    check_ranges(on_chain, many_columns(8, 1 << 6))


def test_ranges_on_a_chain(on_chain):
    check_ranges(on_chain, networks.wide())
