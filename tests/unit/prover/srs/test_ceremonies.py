"""Published ceremonies: the list of them, and proofs on their files.

Real ceremonies where ZKINFER_SRS_DIR names a folder with their files; the same paths on the
parameters whose secret everybody knows everywhere else.
"""

import hashlib
import json

import numpy as np
import pytest

import zkinfer as zk
from tests.unit.prover.srs.files import cache_of, halo2, ptau, ptau_sections, raw
from zkinfer import _curve, _srs
from zkinfer._cli import main
from zkinfer._parameters import _formats, _lagrange
from zkinfer._parameters._ceremonies import PUBLISHED
from zkinfer_contracts import CEREMONIES, keccak256
from zkinfer_models import model

REAL = {
    "ezkl": ("kzg14.srs", 14, []),
    "hermez": ("powersOfTau28_hez_final_11.ptau", 11, []),
    "ppot-0085": ("ppot_0085_16.g1g2", 11, ["--k", "11"]),
}


def test_the_list_is_of_the_ceremonies_that_contracts_know():
    assert {name: ceremony.id for name, ceremony in PUBLISHED.items()} == dict(CEREMONIES)
    for ceremony in PUBLISHED.values():
        assert len(ceremony.tau_g2_sources) == 2
        _curve.g2_from_bytes(ceremony.tau_g2)
        for k, file in ceremony.files.items():
            assert file.k == k
            assert all(url.startswith("https://") for url in file.urls)
            if file.algorithm is None:
                assert not file.whole
                assert file.length == _formats.plain_bytes(k)
            else:
                assert len(file.digest) == 2 * hashlib.new(file.algorithm).digest_size
                assert file.sources
        digests = [file.digest for file in ceremony.files.values() if file.digest]
        assert len(set(digests)) == len(digests)


def test_sizes_that_were_never_published_come_of_the_next_larger_file():
    assert PUBLISHED["hermez"].file(6).k == 8
    assert PUBLISHED["ezkl"].file(6).k == 6
    assert PUBLISHED["ezkl"].file(27) is None


@pytest.fixture(scope="module")
def model_files(tmp_path_factory, breast_cancer):
    folder = tmp_path_factory.mktemp("model")
    breast_cancer.circuit.save(folder / "model.zkc")
    np.save(folder / "input.npy", model("breast-cancer").samples().x[0])
    return folder


def run(capsys, *arguments):
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("ceremony", REAL)
def test_a_proof_on_each_ceremony(here, model_files, srs_folder, capsys, ceremony):
    """Imported, set up by the ceremony's name, proven and verified with no unsafe flag."""
    name, k, flags = REAL[ceremony]
    if srs_folder is None:
        if ceremony == "ppot-0085":
            return  # ten seconds for what smaller files show
        name = {"ezkl": "f.srs", "hermez": "f.ptau"}[ceremony]
        (here / name).write_bytes(halo2(11) if ceremony == "ezkl" else ptau(ptau_sections(11)))
        # Without the real files: a file straight to setup, and the secret known to all.
        source, choice, unsafe = here / name, here / name, ["--allow-unsafe-srs"]
    else:
        source, choice, unsafe = srs_folder / name, ceremony, []
        published = PUBLISHED[ceremony].files[14 if ceremony == "ezkl" else 11]
        if published.algorithm is not None:
            data = source.read_bytes()
            assert len(data) == published.length
            assert hashlib.new(published.algorithm, data).hexdigest() == published.digest
        status, document = run(capsys, "srs", "import", source, *flags)
        assert status == 0
        assert document["srs"] == ceremony
        assert max(document["cached"]) == k
        points = _srs.ceremony_srs(ceremony).points
        assert points.tau_g2 == PUBLISHED[ceremony].tau_g2
        assert keccak256(points.to_bytes()) == CEREMONIES[ceremony]
        if ceremony == "ezkl":
            assert cache_of(here, points.id) == {14: source.read_bytes()}
            return  # the command line's own tests prove on this one
    status, keys = run(
        capsys, "setup", model_files / "model.zkc", "--srs", choice, "-o", "keys", *unsafe
    )
    assert status == 0
    assert keys["unsafe"] is bool(unsafe)
    prove = ["prove", "keys/proving.key", model_files / "input.npy", "-o", "out.zkp", *unsafe]
    assert run(capsys, *prove)[0] == 0
    status, document = run(capsys, "verify", "keys/verifying.key", "out.zkp", *unsafe)
    assert status == 0
    assert document["unsafe"] is bool(unsafe)


def test_a_real_ptau_and_a_real_srs_hold_what_their_bytes_say(here, srs_folder):
    if srs_folder is None:
        return
    srs = zk.import_srs(srs_folder / "powersOfTau28_hez_final_11.ptau", k=11)
    assert cache_of(here, srs.id)[11][4:68] == raw([_curve.G1])
    # Made from the powers, they are the ones that the file holds in another order.
    with _formats.open_powers(srs_folder / "powersOfTau28_hez_final_11.ptau") as source:
        held = [point for batch in source.lagrange(7) for point in batch]
        assert _lagrange.from_powers(source.powers(0, 128)) == held
