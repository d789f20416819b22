"""Good files of universal parameters, and a folder with a cache of its own."""

import pytest

from tests.unit.prover.srs.files import K, halo2, plain, ptau, ptau_sections


@pytest.fixture(scope="session")
def sections():
    return ptau_sections(K)


@pytest.fixture(scope="session")
def good(sections):
    return {"ptau": ptau(sections), "srs": halo2(K), "g1g2": plain(K)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path
