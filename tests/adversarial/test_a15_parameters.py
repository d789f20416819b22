"""A15: whose universal parameters they are (the contract's part: tests/chain/test_verifier.py)."""

import dataclasses

import pytest
from py_ecc import optimized_bn128 as bn

import zkinfer as zk
from zkinfer import _curve, _halo2_srs, _srs
from zkinfer._container import VERIFYING_KEY
from zkinfer._srs import SrsPoints
from zkinfer_contracts import CEREMONIES

# Off the curve, and not the identity.
NO_POINT = (1).to_bytes(32, "big") * 2


def points(tau):
    return SrsPoints(_curve.g1_to_bytes(*_curve.g1_multiply(tau)), _curve.g2_multiply(tau))


def small_file(path, tau_g1, tau_g2):
    """Write parameters of two powers; what a file holds besides is not needed here."""
    path.write_bytes(_halo2_srs.verifier_file(tau_g1, tau_g2))
    return path


def test_parameters_of_no_ceremony_are_refused_unless_asked_for(tmp_path):
    path = small_file(tmp_path / "local.srs", *dataclasses.astuple(points(5)))
    for read in (zk.load_srs, zk.import_srs):
        with pytest.raises(zk.UnsafeSrsRefused, match="UNSAFE"):
            read(path)
    assert zk.load_srs(path, allow_unsafe_srs=True).unsafe


def test_keys_on_parameters_of_no_ceremony_are_refused_unless_asked_for(breast_cancer, tmp_path):
    with pytest.raises(zk.UnsafeSrsRefused):
        zk.VerifyingKey.from_bytes(breast_cancer.vk.to_bytes())
    breast_cancer.vk.save(tmp_path / "vk")
    breast_cancer.pk.save(tmp_path / "pk")
    for kind, name in ((zk.VerifyingKey, "vk"), (zk.ProvingKey, "pk")):
        with pytest.raises(zk.UnsafeSrsRefused):
            kind.load(tmp_path / name)
        assert kind.load(tmp_path / name, allow_unsafe_srs=True).circuit_id.unsafe


def test_a_circuit_on_them_is_not_deployed_to_a_real_chain(breast_cancer):
    chain = zk.chain.embedded()
    chain._chain.chain_id = 1
    with pytest.raises(zk.UnsafeSrsRefused):
        chain.deploy(breast_cancer.vk)
    assert chain.deploy(breast_cancer.vk, allow_unsafe_srs=True).circuit_id.unsafe


def test_points_of_two_secrets_are_refused(breast_cancer, tmp_path, sections):
    mixed = (points(5).tau_g1, points(7).tau_g2)
    with pytest.raises(zk.SrsPairingMismatch):
        zk.load_srs(small_file(tmp_path / "mixed.srs", *mixed), allow_unsafe_srs=True)
    data = sections(breast_cancer.vk.to_bytes(), VERIFYING_KEY, SRSP=b"".join(mixed))
    with pytest.raises(zk.SrsPairingMismatch):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)


@pytest.mark.parametrize("group", [1, 2])
def test_bytes_that_are_no_point_are_refused(breast_cancer, tmp_path, sections, group):
    good = points(5)
    bad = (
        dataclasses.replace(good, tau_g1=NO_POINT)
        if group == 1
        else dataclasses.replace(good, tau_g2=NO_POINT * 2)
    )
    data = sections(breast_cancer.vk.to_bytes(), VERIFYING_KEY, SRSP=bad.to_bytes())
    with pytest.raises(zk.SrsMalformed):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)
    path = tmp_path / "bad.srs"
    file = bytearray(_halo2_srs.verifier_file(good.tau_g1, good.tau_g2))
    file[68:132] = _halo2_srs.encode_g1((1, 1)) if group == 1 else file[68:132]
    file[-128:] = _halo2_srs.encode_g2(NO_POINT * 2) if group == 2 else file[-128:]
    path.write_bytes(bytes(file))
    with pytest.raises(zk.SrsMalformed):
        zk.load_srs(path, allow_unsafe_srs=True)


def outside_the_subgroup():
    """Return the bytes of a point of the twisted curve that has another order than r."""
    p = _curve.P
    for real in range(1, 100):
        x = bn.FQ2([real, 1])
        a, b = (int(c) for c in (x * x * x + bn.b2).coeffs)
        # The root of a + b i, by way of its norm; p is 3 modulo 4.
        norm = pow(a * a + b * b, (p + 1) // 4, p)
        for half in ((a + norm) * pow(2, -1, p) % p, (a - norm) * pow(2, -1, p) % p):
            root = pow(half, (p + 1) // 4, p)
            point = (x, bn.FQ2([root, b * pow(2 * root, -1, p) % p]), bn.FQ2.one())
            if bn.is_on_curve(point, bn.b2):
                assert not bn.is_inf(bn.multiply(point, _curve.R))
                values = (c for fq2 in point[:2] for c in reversed(fq2.coeffs))
                return b"".join(int(v).to_bytes(32, "big") for v in values)
    raise AssertionError


def test_a_first_point_off_its_curve_is_refused_for_that(breast_cancer, sections):
    data = sections(breast_cancer.vk.to_bytes(), VERIFYING_KEY, SRSP=NO_POINT + points(5).tau_g2)
    with pytest.raises(zk.SrsMalformed, match="the point is not on the curve"):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)


@pytest.mark.parametrize("second", ["off the twisted curve", "outside the subgroup"])
def test_a_second_point_of_no_group_is_refused_for_that(breast_cancer, sections, second):
    bad = NO_POINT * 2 if second == "off the twisted curve" else outside_the_subgroup()
    data = sections(breast_cancer.vk.to_bytes(), VERIFYING_KEY, SRSP=points(5).tau_g1 + bad)
    reason = "not on the twisted" if second == "off the twisted curve" else "outside the subgroup"
    with pytest.raises(zk.SrsMalformed, match=reason):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)


@pytest.mark.parametrize("coordinate", range(6))
def test_a_point_has_one_encoding(breast_cancer, sections, coordinate):
    """A coordinate plus p is the same point under another id."""
    raw = bytearray(breast_cancer.vk.srs.to_bytes())
    place = slice(32 * coordinate, 32 * coordinate + 32)
    raw[place] = (int.from_bytes(raw[place], "big") + _curve.P).to_bytes(32, "big")
    data = sections(breast_cancer.vk.to_bytes(), VERIFYING_KEY, SRSP=bytes(raw))
    with pytest.raises(zk.SrsMalformed, match="not below"):
        zk.VerifyingKey.from_bytes(data, allow_unsafe_srs=True)


def test_a_files_point_has_one_encoding(tmp_path):
    path = small_file(tmp_path / "local.srs", *dataclasses.astuple(points(5)))
    file = bytearray(path.read_bytes())
    file[68:100] = (int.from_bytes(file[68:100], "little") + _curve.P).to_bytes(32, "little")
    path.write_bytes(bytes(file))
    with pytest.raises(zk.SrsMalformed, match="not below"):
        zk.load_srs(path, allow_unsafe_srs=True)


def test_an_id_names_both_points():
    five, seven = points(5), points(7)
    pairs = [(a, b) for a in (five, seven) for b in (five, seven)]
    assert len({SrsPoints(a.tau_g1, b.tau_g2).id for a, b in pairs}) == 4


@pytest.mark.parametrize("group", [1, 2])
def test_a_generator_of_ones_own_is_refused(tmp_path, group):
    """The powers of another generator: all of them may be of the attacker's secret."""
    path = tmp_path / "own.srs"
    file = bytearray(_halo2_srs.verifier_file(*dataclasses.astuple(points(5))))
    if group == 1:
        file[4:68] = _halo2_srs.encode_g1(_curve.g1_multiply(2))
    else:
        file[-256:-128] = _halo2_srs.encode_g2(_curve.g2_multiply(2))
    path.write_bytes(bytes(file))
    with pytest.raises(zk.SrsMalformed, match="generator"):
        zk.load_srs(path, allow_unsafe_srs=True)


def test_a_file_of_other_powers_than_it_says_is_refused(tmp_path):
    path = small_file(tmp_path / "short.srs", *dataclasses.astuple(points(5)))
    path.write_bytes((11).to_bytes(4, "little") + path.read_bytes()[4:])
    with pytest.raises(zk.SrsMalformed, match=r"a file of 2\^11 powers has"):
        zk.load_srs(path, allow_unsafe_srs=True)


def test_a_file_of_one_power_is_refused(tmp_path):
    """It holds no [tau]_1: what stands in its place is a Lagrange point."""
    five = points(5)
    generators = _halo2_srs.encode_g1(_curve.G1), _halo2_srs.encode_g2(_curve.g2_multiply(1))
    tau_g1 = tuple(int.from_bytes(five.tau_g1[i : i + 32], "big") for i in (0, 32))
    path = tmp_path / "one.srs"
    path.write_bytes(
        bytes(4)
        + generators[0]
        + _halo2_srs.encode_g1(tau_g1)
        + generators[1]
        + _halo2_srs.encode_g2(five.tau_g2)
    )
    assert path.stat().st_size == _halo2_srs.file_bytes(0)
    with pytest.raises(zk.SrsMalformed, match=r"2\^0 powers"):
        zk.load_srs(path, allow_unsafe_srs=True)


def test_a_cached_file_of_another_secret_is_refused(tmp_path, monkeypatch):
    """The cache's file names are no evidence: what is in a file is compared with what is asked."""
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(tmp_path))
    asked = _srs.srs_of(points(5))
    (tmp_path / "srs").mkdir()
    small_file(tmp_path / "srs" / f"{asked.id.hex()}-1.srs", *dataclasses.astuple(points(7)))
    with pytest.raises(zk.SrsMismatch) as caught:
        asked.file(1)
    assert caught.value.expected == asked.id.hex()
    assert caught.value.got == points(7).id.hex()


def test_a_file_swapped_after_it_was_loaded_is_refused(tmp_path):
    path = small_file(tmp_path / "local.srs", *dataclasses.astuple(points(5)))
    srs = zk.load_srs(path, allow_unsafe_srs=True)
    srs.file(1)
    small_file(path, *dataclasses.astuple(points(7)))
    with pytest.raises(zk.SrsMismatch):
        srs.file(1)


def test_a_local_secret_under_a_ceremonys_file_name_is_not_the_ceremony(tmp_path, monkeypatch):
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(tmp_path))
    (tmp_path / "srs").mkdir()
    small_file(
        tmp_path / "srs" / f"{CEREMONIES['ezkl'].hex()}-1.srs", *dataclasses.astuple(points(5))
    )
    with pytest.raises(zk.SrsNotFound):
        _srs.ceremony_srs("ezkl")


def test_circuits_on_them_say_so_everywhere(breast_cancer):
    vk = breast_cancer.vk
    assert bytes(vk.circuit_id).startswith(b"unsafe")
    assert str(vk.circuit_id).startswith("UNSAFE:")
    assert "UNSAFE" in vk.srs.name
    assert "UNSAFE" in points(5).name


@pytest.mark.parametrize("part", ["powers", "lagrange"])
def test_doctored_points_would_make_a_key_of_the_attackers_choice(tmp_path, part):
    """Setup commits with every point of the file, so every point is checked before it may."""
    k = 6
    data = zk.unsafe_test_srs().file(k).read_bytes()
    start = 4 + 64 * 9 + (64 << k if part == "lagrange" else 0)
    swapped = data[start + 64 : start + 128] + data[start : start + 64]
    path = tmp_path / "doctored.srs"
    path.write_bytes(data[:start] + swapped + data[start + 128 :])
    with pytest.raises(zk.SrsPowersInconsistent):
        zk.load_srs(path, allow_unsafe_srs=True)


def test_points_doctored_after_the_check_are_noticed(tmp_path):
    k = 6
    data = zk.unsafe_test_srs().file(k).read_bytes()
    path = tmp_path / "whole.srs"
    path.write_bytes(data)
    srs = zk.load_srs(path, allow_unsafe_srs=True)
    assert srs.file(k) == path
    start = 4 + 64 * 9
    swapped = data[start + 64 : start + 128] + data[start : start + 64]
    path.write_bytes(data[:start] + swapped + data[start + 128 :])
    with pytest.raises(zk.SrsHashMismatch):
        srs.file(k)
