"""Damaged universal parameters: every check with its own code, in each of the three formats."""

import pytest

import zkinfer as zk
from tests.unit.prover.srs.files import (
    SMALL,
    K,
    P,
    R,
    cache_of,
    cached,
    ptau,
    put,
    section,
    swapped,
)
from zkinfer import _curve, _halo2_srs
from zkinfer._parameters import _lagrange

OTHER_G2 = _curve.g2_multiply(5)
# Offsets of power i, of Lagrange point i of 2^K, and of [tau]_2.
PTAU_POWERS = 12 + 12 + 44 + 12
PTAU_SECOND = PTAU_POWERS + 64 * ((2 << K) - 1) + 12
PTAU_LAGRANGE = PTAU_SECOND + (128 << K) + 12 + 13 + 12 + 64 * ((1 << K) - 1)
AT = {
    "srs": (4, 4 + (64 << K), 4 + (128 << K) + 128),
    "ptau": (PTAU_POWERS, PTAU_LAGRANGE, PTAU_SECOND + 128),
    "g1g2": (0, None, (64 << K) + 128),
}
OFF = (1).to_bytes(32, "little") * 2


def truncated(kind, data):
    return data[:-1]


def extended(kind, data):
    return data + b"\0"


def off_the_curve(kind, data):
    return put(data, AT[kind][0] + 64 * 777, OFF)


def with_an_identity(kind, data):
    return put(data, AT[kind][0] + 64 * 777, bytes(64))


def with_a_second_encoding(kind, data):
    at = AT[kind][0] + 64 * 777
    order = "big" if kind == "g1g2" else "little"
    value = int.from_bytes(data[at : at + 32], order) + P
    return put(data, at, value.to_bytes(32, order))


def lagrange_off_the_curve(kind, data):
    return put(data, AT[kind][1] + 64 * 99, OFF)


def of_another_secret(kind, data):
    point = OTHER_G2 if kind == "g1g2" else _halo2_srs.encode_g2(OTHER_G2)
    return put(data, AT[kind][2], point)


def second_group_off_the_curve(kind, data):
    return put(data, AT[kind][2], OFF * 2)


def second_group_not_below_p(kind, data):
    return put(data, AT[kind][2], b"\xff" * 32)


def another_generator(kind, data):
    at = AT[kind][0]
    return put(data, at, data[at + 128 : at + 192])


def powers_swapped(kind, data):
    at = AT[kind][0]
    return swapped(data, at + 64 * 777, at + 64 * 778)


def last_power_wrong(kind, data):
    at = AT[kind][0]
    return put(data, at + 64 * ((1 << K) - 1), data[at : at + 64])


def powers_cancelled(kind, data):
    """Two errors that cancel in a plain sum: only random coefficients show them."""
    at = AT[kind][0] + 64 * 777
    order = "big" if kind == "g1g2" else "little"
    for place in (at + 32, at + 64 + 32):
        y = int.from_bytes(data[place : place + 32], order)
        data = put(data, place, (P - y).to_bytes(32, order))
    return data


def lagrange_permuted(kind, data):
    at = AT[kind][1]
    return put(data, at, data[at + 64 : at + (64 << K)] + data[at : at + 64])


def lagrange_swapped(kind, data):
    return swapped(data, AT[kind][1] + 64 * 5, AT[kind][1] + 64 * 900)


def lagrange_of_the_other_root(kind, data):
    at = AT[kind][1]
    own = [data[at + 64 * i : at + 64 * i + 64] for i in range(1 << K)]
    places = list(_lagrange.snarkjs_places(K))
    if kind == "ptau":
        moved = [own[i] for i in places]
    else:
        moved = [b""] * len(own)
        for i, place in enumerate(places):
            moved[place] = own[i]
    return put(data, at, b"".join(moved))


REFUSALS = [
    (truncated, zk.SrsMalformed, "bytes|ends"),
    (extended, zk.SrsMalformed, "bytes"),
    (another_generator, zk.SrsMalformed, "generator|begins like this"),
    (off_the_curve, zk.SrsPointInvalid, r"\[tau\^777\]_1: not on the curve"),
    (with_an_identity, zk.SrsPointInvalid, r"\[tau\^777\]_1: not on the curve"),
    (with_a_second_encoding, zk.SrsPointInvalid, r"\[tau\^777\]_1: .* not below"),
    (second_group_off_the_curve, zk.SrsPointInvalid, r"\[tau\]_2: .* not on the twisted curve"),
    (second_group_not_below_p, zk.SrsPointInvalid, r"\[tau\]_2: .* not below"),
    (of_another_secret, zk.SrsPairingMismatch, "is not e"),
    (powers_swapped, zk.SrsPowersInconsistent, "1024 powers"),
    (powers_cancelled, zk.SrsPowersInconsistent, "1024 powers"),
    (last_power_wrong, zk.SrsPowersInconsistent, "1024 powers"),
    (lagrange_off_the_curve, zk.SrsPointInvalid, r"Lagrange point \d+ of 2\^10: not on the curve"),
    (lagrange_permuted, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
    (lagrange_swapped, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
    (lagrange_of_the_other_root, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
]


# A check that knows nothing of the format needs one format.
ONCE = {"powers_cancelled": "srs", "last_power_wrong": "g1g2", "lagrange_swapped": "ptau"}
CASES = [
    pytest.param(kind, damage, error, reason, id=f"{kind}-{damage.__name__}")
    for damage, error, reason in REFUSALS
    for kind in AT
    if kind == ONCE.get(damage.__name__, kind)
    and (kind != "g1g2" or not damage.__name__.startswith("lagrange"))
]


@pytest.mark.parametrize(("kind", "damage", "error", "reason"), CASES)
def test_damage_is_refused_for_what_it_is(here, good, kind, damage, error, reason):
    (here / "file").write_bytes(damage(kind, good[kind]))
    arguments = {} if kind == "g1g2" else {"k": K}
    read = zk.check_srs if kind == "g1g2" else zk.import_srs
    with pytest.raises(error, match=reason) as caught:
        read("file", allow_unsafe_srs=True, **arguments)
    assert type(caught.value) is error
    assert "file 'file'" in str(caught.value)
    assert cached(here) == []


def test_swapped_powers_are_found_before_lagrange_points_are_made(here, good):
    (here / "file").write_bytes(powers_swapped("g1g2", good["g1g2"]))
    with pytest.raises(zk.SrsPowersInconsistent):
        zk.import_srs("file", k=K, allow_unsafe_srs=True)
    assert cached(here) == []


def test_what_a_refused_import_found_in_the_cache_stays(here, good):
    (here / "file").write_bytes(good["srs"])
    srs = zk.import_srs("file", allow_unsafe_srs=True)
    (here / "file").write_bytes(lagrange_swapped("srs", good["srs"]))
    with pytest.raises(zk.SrsPowersInconsistent):
        zk.import_srs("file", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {K: good["srs"]}


def header(k=SMALL, modulus=P, length=32):
    return b"".join(
        v.to_bytes(n, "little") for v, n in ((length, 4), (modulus, 32), (k, 4), (28, 4))
    )


SMALL_SECTIONS = {1: header(), 2: bytes(64 * 127), 3: bytes(128 * 64)}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ptau(SMALL_SECTIONS, version=2), "version 2"),
        (b"ptau" + (1).to_bytes(4, "little") + b"\xff" * 4, "sections is not known"),
        (b"ptau\1\0\0\0", "ends early"),
        (ptau(SMALL_SECTIONS | {1: header(modulus=R)}), "not BN254"),
        (ptau(SMALL_SECTIONS | {1: header(length=48)}), "not BN254"),
        (ptau(SMALL_SECTIONS | {1: header(k=29)}), r"2\^29 powers"),
        (ptau(SMALL_SECTIONS | {1: header()[:-1]}), "section 1 has 43 bytes"),
        (ptau({1: header(), 3: bytes(128 * 64)}), "section 2 has 0 bytes"),
        (ptau(SMALL_SECTIONS | {12: bytes(64)}), "section 12 has 64 bytes"),
        (ptau(SMALL_SECTIONS)[:-1], "section 3 ends after"),
        (ptau({**SMALL_SECTIONS, 4: b""}).replace(section(4, b""), section(3, b"")), "twice"),
        (bytes(64 * 3 + 256), "no 2\\^k powers"),
        (bytes(64 + 256), "no 2\\^k powers"),
        (bytes(4), "no 2\\^k powers"),
        (b"", "no halo2|2\\^0"),
        (b"something else", "begins like this"),
    ],
)  # fmt: skip
def test_files_of_no_format_are_malformed(here, data, reason):
    (here / "file").write_bytes(data)
    for read in (zk.import_srs, zk.check_srs):
        with pytest.raises(zk.SrsMalformed, match=reason) as caught:
            read("file", allow_unsafe_srs=True)
        assert type(caught.value) is zk.SrsMalformed
    assert cached(here) == []


def test_a_missing_file_and_a_folder(here):
    (here / "folder").mkdir()
    for name in ("none", "folder"):
        for read in (zk.import_srs, zk.check_srs):
            with pytest.raises(zk.SrsNotFound):
                read(name)
