"""A statement by Plumb is accepted if and only if nothing was damaged.

As for ezkl: after the damage everything is encoded again, and labelled as the damaged key's, so
that what refuses is the check under test. A refusal is one of our own errors and nothing else.
"""

import json

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import zkinfer as zk
from tests.fixtures.damages import Damage, damage_context, damage_count, flip
from zkinfer import _container, _curve, _field
from zkinfer._statement import canonical_json
from zkinfer_contracts import keccak256

WORD = 32
# A verifying key's bytes before its descriptor: magic, version, both points, a length.
HEAD = 6 + 64 + 128 + 4
REFUSALS = (zk.ArtifactError, zk.SrsError, zk.ProofRejected)
FEW = {
    "deadline": None,
    # Shrinking says little more.
    "phases": [Phase.explicit, Phase.generate],
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def on_word(data, position, change):
    """Change one of the 32-byte words of data, as a number."""
    start = position % max(1, len(data) // WORD) * WORD
    new = change(int.from_bytes(data[start : start + WORD], "big"))
    return data[:start] + (new % (1 << 256)).to_bytes(WORD, "big") + data[start + WORD :]


def swapped(data, i, j, size):
    """Exchange two pieces of data."""
    count = max(1, len(data) // size)
    i, j = sorted((i % count * size, j % count * size))
    if i == j:
        return data
    return (
        data[:i] + data[j : j + size] + data[i + size : j] + data[i : i + size] + data[j + size :]
    )


def bytes_damage(kind, data, other, position, second, bit):
    """Damage bytes made of words and points, in a way with a name."""
    return {
        "flip": lambda: flip(data, position, bit),
        "flip in a word": lambda: on_word(data, position, lambda v: v ^ 1 << (second % 256)),
        "plus r": lambda: on_word(data, position, lambda v: v + _field.R),
        "plus q": lambda: on_word(data, position, lambda v: v + _curve.P),
        "plus one": lambda: on_word(data, position, lambda v: v + 1),
        "negate": lambda: on_word(data, position, lambda v: _field.R - v),
        "negate a point": lambda: on_word(data, position | 1, lambda v: _curve.P - v),
        "zero": lambda: on_word(data, position, lambda _: 0),
        "swap words": lambda: swapped(data, position, second, WORD),
        "swap points": lambda: swapped(data, position, second, 2 * WORD),
        "cut": lambda: data[: position % max(1, len(data))],
        "cut words": lambda: data[: -WORD * (1 + position % 4)],
        "extend": lambda: data + bytes([bit] * (1 + position % 64)),
        "extend by words": lambda: data + data[: WORD * (1 + position % 4)],
        "attacker's": lambda: other,
        "attacker's tail": lambda: (
            data[: position % max(1, len(data))] + other[position % max(1, len(data)) :]
        ),
    }[kind]()


KINDS = (
    *("flip", "flip", "flip in a word", "plus r", "plus q", "plus one", "negate", "zero"),
    *("negate a point", "swap words", "swap points", "cut", "cut words", "extend"),
    *("extend by words", "attacker's", "attacker's tail"),
)


def damage_proof(kind, *where):
    def damage(parts, other):
        parts["proof"] = bytes_damage(kind, parts["proof"], other["proof"], *where)

    return Damage(f"damage_proof({kind}, {where})", damage)


def damage_key(section, kind, *where):
    def damage(parts, other):
        key = dict(parts["key"])
        key[section] = bytes_damage(kind, key[section], other["key"][section], *where)
        parts["key"] = key

    return Damage(f"damage_key({section}, {kind}, {where})", damage)


def damage_part(part, kind, *where):
    """Damage what stands in the core's key, and leave its lengths right."""

    def damage(parts, other):
        key = dict(parts["key"])
        start, end = part_of(key[b"BKEY"], part)
        strange = slice(*part_of(other["key"][b"BKEY"], part))
        data = bytes_damage(kind, key[b"BKEY"][start:end], other["key"][b"BKEY"][strange], *where)
        key[b"BKEY"] = key[b"BKEY"][:start] + data + key[b"BKEY"][end:]
        parts["key"] = key

    return Damage(f"damage_part({part}, {kind}, {where})", damage)


def part_of(data, part):
    length = int.from_bytes(data[HEAD - 4 : HEAD], "big") if len(data) >= HEAD else 0
    return {
        "points": (6, HEAD - 4),
        "descriptor": (HEAD, HEAD + length),
        # The only chunk of the weights of this network.
        "weights": (HEAD + length, HEAD + length + 2 * WORD),
        "registration": (HEAD + length + 2 * WORD, len(data)),
    }[part]


def damage_public_input(kind, position, bit):
    def damage(parts, other):
        values = list(parts["public"])
        if values:
            i = position % len(values)
            values[i] = {
                "flip": lambda: values[i] ^ (1 << bit),
                "plus one": lambda: (values[i] + 1) % _field.R,
                "plus r": lambda: values[i] + _field.R,
                "negate": lambda: (_field.R - values[i]) % _field.R,
                "swap": lambda: values[i - 1],
                "attacker's": lambda: other["public"][i % len(other["public"])],
            }[kind]()
        parts["public"] = tuple(values)

    return Damage(f"damage_public_input({kind}, {position}, {bit})", damage)


def damage_statement(field, value):
    """Change a field of the statement; a canonical encoding, unless the value cannot be in one."""

    def damage(parts, other):
        try:
            fields = json.loads(parts["key"][b"STAT"])
        except ValueError:  # Damaged before.
            return
        if field in fields:
            fields[field] = value(fields[field]) if callable(value) else value
            parts["key"] = {**parts["key"], b"STAT": canonical_json(fields)}

    return Damage(f"damage_statement({field})", damage)


def damage_settings(field, value):
    def damage(parts, other):
        try:
            fields = json.loads(parts["key"][b"BSET"])
        except ValueError:
            return
        if field in fields:
            parts["key"] = {**parts["key"], b"BSET": canonical_json({**fields, field: value})}

    return Damage(f"damage_settings({field}, {value})", damage)


def other_points():
    tau = 5
    return _curve.g1_to_bytes(*_curve.g1_multiply(tau)) + _curve.g2_multiply(tau)


OTHER_POINTS = other_points()


def damage_srs(where):
    def damage(parts, other):
        key = dict(parts["key"])
        if "SRSP" in where:
            key[b"SRSP"] = OTHER_POINTS
        if "BKEY" in where:
            key[b"BKEY"] = key[b"BKEY"][:6] + OTHER_POINTS + key[b"BKEY"][HEAD - 4 :]
        parts["key"] = key

    return Damage(f"damage_srs({where})", damage)


POSITION, BIT = st.integers(0, 1 << 16), st.integers(0, 7)
WHERE = (POSITION, POSITION, BIT)
STATEMENTS = (
    ("backend", "ezkl"),
    ("backend_version", "9.9"),
    ("input_scales", lambda v: [2 * s for s in v]),
    ("input_shape", lambda v: v[::-1]),
    ("inputs", lambda v: {"hidden": "public", "public": "hidden"}.get(v, "committed")),
    ("inputs", "committed"),
    ("model", lambda _: "1" * 64),
    ("output_scales", lambda v: [s / 2 for s in v]),
    ("output_scales", lambda v: [*v, *v]),
    ("output_shape", lambda v: v[::-1]),
    ("outputs", "hidden"),
    ("weights", lambda v: {"hidden": "public", "public": "hidden"}.get(v, "committed")),
)
SETTINGS = (
    ("descriptor", "0" * 64),
    ("input_order", [*range(29, -1, -1)]),
    ("output_order", [1, 0]),
    ("output_order", [0, 1]),
    ("weights", "0" * 64),
)
# What is shown to any verifier: a proof, public inputs, a context.
SHOWN = (
    st.builds(damage_proof, st.sampled_from(KINDS), *WHERE),
    st.builds(damage_proof, st.sampled_from(KINDS), *WHERE),
    st.builds(
        damage_public_input,
        st.sampled_from(["flip", "plus one", "plus r", "negate", "swap", "attacker's"]),
        POSITION,
        st.integers(0, 255),
    ),
    st.builds(damage_count, st.sampled_from(["drop", "zero", "repeat", "none"])),
    st.builds(damage_context, st.sampled_from(["flip", "zero"]), POSITION, BIT),
)
DAMAGE = st.one_of(
    *SHOWN,
    st.builds(
        damage_key,
        st.sampled_from([b"STAT", b"BSET", b"BKEY", b"BEVM", b"SRSP"]),
        st.sampled_from(KINDS),
        *WHERE,
    ),
    st.builds(
        damage_part,
        st.sampled_from(["points", "descriptor", "weights", "registration"]),
        st.sampled_from(KINDS),
        *WHERE,
    ),
    st.sampled_from([damage_statement(*change) for change in STATEMENTS]),
    st.sampled_from([damage_settings(*change) for change in SETTINGS]),
    st.sampled_from([damage_srs(w) for w in ("SRSP", "BKEY", "SRSP and BKEY")]),
)


def parts_of(proven):
    return {
        "proof": proven.bundle.proof,
        "public": proven.bundle.public_inputs,
        "context": proven.bundle.context,
        "key": _container.from_bytes(proven.vk.to_bytes(), _container.VERIFYING_KEY),
    }


def encode(parts):
    """Encode a key and a bundle with right lengths, digests and labels."""
    key = dict(parts["key"])
    try:
        fields = json.loads(key[b"STAT"])
        if canonical_json(fields) == key[b"STAT"] and isinstance(fields, dict):
            fields["settings"] = keccak256(key[b"BSET"]).hex()
            key[b"STAT"] = canonical_json(fields)
    except (ValueError, RecursionError):
        pass  # No statement: the loader's to refuse.
    key_bytes = _container.to_bytes(_container.VERIFYING_KEY, key)
    vk = zk.VerifyingKey.from_bytes(key_bytes, allow_unsafe_srs=True)
    bundle = {
        b"CIRC": bytes(vk.circuit_id),
        b"CTXT": parts["context"],
        b"PUBL": b"".join((v % (1 << 256)).to_bytes(WORD, "big") for v in parts["public"]),
        b"PROF": parts["proof"],
    }
    return vk, _container.to_bytes(_container.PROOF_BUNDLE, bundle)


def accepted(parts):
    try:
        vk, bundle_bytes = encode(parts)
        zk.verify(vk, zk.ProofBundle.from_bytes(bundle_bytes))
    except REFUSALS:
        return False
    return True


@settings(max_examples=120, **FEW)
@given(damages=st.lists(DAMAGE, max_size=3))
def test_accepted_if_and_only_if_undamaged(damages, plumb, plumb_attacker):
    honest, other = parts_of(plumb), parts_of(plumb_attacker)
    parts = dict(honest)
    for damage in damages:
        damage(parts, other)
    assert accepted(parts) == (parts == honest)


@settings(max_examples=120, **FEW)
@given(damages=st.lists(DAMAGE, min_size=1, max_size=2))
def test_accepted_if_and_only_if_undamaged_where_all_is_public(
    damages, plumb_public, plumb_attacker
):
    """Such keys have no registration, so what is damaged in them is refused by the proof."""
    honest, other = parts_of(plumb_public), parts_of(plumb_attacker)
    parts = dict(honest)
    for damage in damages:
        damage(parts, other)
    assert accepted(parts) == (parts == honest)


@settings(max_examples=60, **FEW)
@given(kind=st.sampled_from(KINDS), where=st.tuples(*WHERE), what=st.sampled_from(["proof", "key"]))
def test_one_damage_of_the_proof_or_the_key(kind, where, what, plumb, plumb_attacker):
    honest, other = parts_of(plumb), parts_of(plumb_attacker)
    parts = dict(honest)
    damage = damage_proof(kind, *where) if what == "proof" else damage_key(b"BKEY", kind, *where)
    damage(parts, other)
    assert accepted(parts) == (parts == honest)


@settings(max_examples=60, **FEW)
@given(position=POSITION, bit=BIT)
def test_every_flipped_bit_of_a_file_is_refused(position, bit, plumb):
    """Without re-encoding: accidents are found before anything is judged."""
    data, key = plumb.bundle.to_bytes(), plumb.vk.to_bytes()
    assert accepted_files(key, data)
    assert not accepted_files(key, flip(data, position, bit))
    assert not accepted_files(flip(key, position, bit), data)


def accepted_files(key, data):
    try:
        vk = zk.VerifyingKey.from_bytes(key, allow_unsafe_srs=True)
        zk.verify(vk, zk.ProofBundle.from_bytes(data))
    except REFUSALS:
        return False
    return True


def test_the_parts_are_where_the_damage_is_done(plumb):
    key = plumb.vk
    data, opened = key.backend_key, key.opened
    found = {part: data[slice(*part_of(data, part))] for part in
             ("points", "descriptor", "weights", "registration")}  # fmt: skip
    assert found == {
        "points": key.srs.to_bytes(),
        "descriptor": opened.descriptor,
        "weights": opened.commitments[0],
        "registration": opened.registration,
    }
    assert len(opened.commitments) == 1
    assert len(plumb.bundle.proof) % WORD == 0
