"""Universal parameters of three formats are imported exactly, or checked and not kept."""

import json

import pytest

import zkinfer as zk
from tests.unit.prover.srs.files import K, cache_of, cached, halo2, plain, ptau, ptau_sections
from zkinfer._cli import main


def test_every_size_of_a_prepared_ptau_is_imported_and_exact(here):
    (here / "pot.ptau").write_bytes(ptau(ptau_sections(8)))
    steps = []
    srs = zk.import_srs("pot.ptau", allow_unsafe_srs=True, on_progress=steps.append)
    assert srs == zk.unsafe_test_srs()
    assert cache_of(here, srs.id) == {k: halo2(k) for k in (6, 7, 8)}
    assert steps[-1].done == 1
    assert [s.done for s in steps] == sorted(s.done for s in steps)


def test_a_halo2_file_is_imported_byte_for_byte(here, good):
    (here / "kzg.srs").write_bytes(good["srs"])
    srs = zk.import_srs("kzg.srs", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {K: good["srs"]}


def test_lagrange_points_are_made_where_a_file_has_none(here, good, sections):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    (here / "pot.ptau").write_bytes(ptau({k: v for k, v in sections.items() if k != 12}))
    (here / "kzg.srs").write_bytes(good["srs"])
    for k, name in ((6, "powers.g1g2"), (5, "pot.ptau"), (1, "kzg.srs")):
        srs = zk.import_srs(name, k=k, allow_unsafe_srs=True)
        assert cache_of(here, srs.id)[k] == halo2(k)


def test_plain_powers_without_a_size_are_imported_whole_if_small(here):
    (here / "powers.g1g2").write_bytes(plain(5))
    srs = zk.import_srs("powers.g1g2", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {5: halo2(5)}


@pytest.mark.parametrize("kind", ["ptau", "srs", "g1g2"])
def test_a_good_file_is_checked_and_not_kept(here, good, kind, capsys):
    (here / "file").write_bytes(good[kind])
    assert main(["srs", "check", "file", "--allow-unsafe-srs", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["unsafe"] is True
    assert document["cached"] == []
    assert cached(here) == []


def test_powers_of_no_ceremony_are_refused_unless_asked_for(here, good, capsys):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    for command in ("import", "check"):
        assert main(["srs", command, "powers.g1g2", "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "ZK506"
    assert cached(here) == []


def test_more_powers_than_a_file_has(here, good):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    for k in (K + 1, 0, -1):
        with pytest.raises(zk.SrsTooSmall):
            zk.import_srs("powers.g1g2", k=k, allow_unsafe_srs=True)
    assert cached(here) == []
