"""What attacks start from: honest proofs, an attacker's circuit, and an attacker's prover.

`make mutants` runs these tests many times over and points ZKINFER_TEST_PROOFS at a folder: what it
does not hold yet is made and kept there, the rest is loaded.
"""

import os
from pathlib import Path

import pytest

import zkinfer as zk
from tests.conftest import CONTEXT, Proven
from zkinfer import _container
from zkinfer._ezkl import _backend
from zkinfer_contracts import CONTEXT_LIMBS, context_limbs, keccak256
from zkinfer_models import model

FOLDER = os.environ.get("ZKINFER_TEST_PROOFS")


def kept(request, name):
    """Return the parent fixture of this name, or what the folder holds of it."""
    if FOLDER is None:
        return request.getfixturevalue(name)
    place = Path(FOLDER) / name
    if not place.exists():
        made = request.getfixturevalue(name)
        place.mkdir()
        made.circuit.save(place / "circuit")
        made.pk.save(place / "pk")
        made.vk.save(place / "vk")
        made.bundle.save(place / "bundle")
    return Proven(
        zk.Circuit.load(place / "circuit"),
        zk.ProvingKey.load(place / "pk", allow_unsafe_srs=True),
        zk.VerifyingKey.load(place / "vk", allow_unsafe_srs=True),
        model("breast-cancer").samples().x[0],
        zk.ProofBundle.load(place / "bundle"),
    )


@pytest.fixture(scope="session")
def breast_cancer(request):
    return kept(request, "breast_cancer")


@pytest.fixture(scope="session")
def attacker(request):
    return kept(request, "attacker")


@pytest.fixture(scope="session")
def public_input(request):
    return kept(request, "public_input")


def of_the_context_alone(circuit_id, context):
    bound = int.from_bytes(keccak256(context), "big")
    return tuple(bound >> (24 * i) & 0xFFFFFF for i in range(CONTEXT_LIMBS))


def of_the_circuit_alone(circuit_id, context):
    return context_limbs(circuit_id, bytes(32))


PROVERS = {
    "nothing": lambda circuit_id, context: (0,) * CONTEXT_LIMBS,
    "the context alone": of_the_context_alone,
    "the circuit alone": of_the_circuit_alone,
}


@pytest.fixture(scope="session")
def loose_proofs(breast_cancer):
    """Valid proofs of the honest circuit whose prover bound less than it must, by what it bound."""
    found = {}
    for what, limbs in PROVERS.items():
        place = Path(FOLDER or "") / what
        if FOLDER is None or not place.exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_backend, "context_limbs", limbs)
                found[what] = zk.prove(breast_cancer.pk, breast_cancer.x, context=CONTEXT)
            if FOLDER is not None:
                found[what].save(place)
        else:
            found[what] = zk.ProofBundle.load(place)
    return found


@pytest.fixture(scope="session")
def deployed(breast_cancer):
    """The honest circuit's contract on a chain in this process."""
    return zk.chain.embedded().deploy(breast_cancer.vk)


@pytest.fixture
def sections():
    """Read an artefact's sections, change some, and write it with right lengths and digest."""

    def change(data, kind, **changes):
        parts = _container.from_bytes(data, kind)
        parts |= {tag.encode(): value for tag, value in changes.items()}
        return _container.to_bytes(kind, parts)

    return change
