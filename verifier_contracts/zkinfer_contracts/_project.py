"""Projects for application developers: a circuit, its verifier, and tests that forge runs.

All that varies from circuit to circuit is in ``README.md``, ``src/Circuit.sol``,
``circuit/circuit.json`` and ``proof/proof.json``; the other files are in the folder ``project`` of
this package as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template
from typing import Any

from ._artifacts import HALO2, VERIFIER
from ._ids import SCALAR_FIELD, is_unsafe, vka_words
from ._plumb import PlumbModel, plumb_address, plumb_verifier

_SHOWN = 16
_WARNING = "Whoever made them can forge proofs: they are for tests only."
_INTERFACES = {"ezkl": ("IInferenceVerifier",), "plumb": ("IInferenceVerifier", "IPlumbVerifier")}
_DEPLOYING = {
    "ezkl": """\
`zkinfer deploy circuit/verifying.key --rpc URL{flag}` deploys the verifier, which is this circuit's
alone.
""",
    "plumb": """\
One verifier serves all circuits. It stands at `{address}` on every
chain where anybody has deployed it, and that is the address to pin: a copy of its code elsewhere
may know models that were never checked. `zkinfer deploy circuit/verifying.key --rpc URL{flag}`
registers the circuit there, and deploys the verifier first where there is none.
""",
}


@dataclass(frozen=True)
class PublicInput:
    """What one of a circuit's public inputs is.

    Attributes
    ----------
    tensor : str
        "input" or "output".
    place : tuple of int
        Where it stands in that tensor.
    unit : float
        The real number that 1 stands for.
    """

    tensor: str
    place: tuple[int, ...]
    unit: float


@dataclass(frozen=True)
class Project:
    """A circuit as a project for forge.

    Attributes
    ----------
    backend : str
        "ezkl" or "plumb".
    circuit_id : bytes
        What the project's contracts pin.
    srs_name : str
        Name of the universal parameters, for people.
    artifacts : tuple of str
        Names of the contracts to deploy; the first is the verifier.
    deployment : mapping
        What the verifier's constructor, or its ``register``, takes, as JSON has it.
    public_inputs : sequence of PublicInput
        In the order of the proof.
    """

    backend: str
    circuit_id: bytes
    srs_name: str
    artifacts: tuple[str, ...]
    deployment: Mapping[str, Any] = field(repr=False)
    public_inputs: Sequence[PublicInput] = field(repr=False)

    @classmethod
    def of_ezkl(
        cls,
        circuit_id: bytes,
        srs_name: str,
        public_inputs: Sequence[PublicInput],
        *,
        vka: bytes,
        key_digest: bytes,
        srs_id: bytes,
    ) -> Project:
        """Return the project of an ezkl circuit; arguments as `Chain.deploy_ezkl` takes them."""
        deployment = {
            "keyDigest": _hex(key_digest),
            "srsId": _hex(srs_id),
            "publicInputCount": len(public_inputs),
            "vka": [_hex(word) for word in vka_words(vka)],
        }
        names = (VERIFIER, HALO2)
        return cls("ezkl", circuit_id, srs_name, names, deployment, public_inputs)

    @classmethod
    def of_plumb(
        cls, srs_name: str, public_inputs: Sequence[PublicInput], model: PlumbModel
    ) -> Project:
        """Return the project of a Plumb circuit.

        Raises
        ------
        SrsWithoutVerifier
            If no verifier ships for its universal parameters.
        ModelTooLarge
            If it cannot be registered.
        """
        verifier = plumb_verifier(model.srs_id).name
        model.require_fits()
        deployment = {
            "verifierAddress": plumb_address(model.srs_id),
            "statement": _hex(model.statement),
            "settings": _hex(model.settings),
            "descriptor": _hex(model.descriptor),
            "weights": _hex(model.weights),
            "registration": _hex(model.registration),
        }
        return cls("plumb", model.circuit_id, srs_name, (verifier,), deployment, public_inputs)

    def files(self) -> dict[str, bytes]:
        """Return the project's files by their paths, without a proof."""
        ours = resources.files(__package__)
        found = {
            **_tree(ours / "project" / "src", "src/"),
            **_tree(ours / "project" / "test", "test/"),
            **_tree(ours / "project" / self.backend, "test/"),
            ".gitignore": b"out/\ncache/\n",
            "foundry.toml": (ours / "project" / "foundry.toml").read_bytes(),
            "README.md": self._filled("README.md"),
            "src/Circuit.sol": self._filled("Circuit.sol"),
            "circuit/circuit.json": _json(self._circuit_json()),
        }
        del found["test/Proof.t.sol"]
        for name in _INTERFACES[self.backend]:
            found[f"src/{name}.sol"] = (ours / "sources" / f"{name}.sol").read_bytes()
        for name in self.artifacts:
            found[f"artifacts/{name}.json"] = _json(_forge_artifact(name))
        if HALO2 in self.artifacts:
            found["artifacts/NOTICE"] = (ours / "NOTICE").read_bytes()
        return dict(sorted(found.items()))

    def proof_files(
        self, proof: bytes, public_inputs: Sequence[int], context: bytes
    ) -> dict[str, bytes]:
        """Return the files that test a proof; its public inputs are in the order of the proof."""
        test = resources.files(__package__) / "project" / "test" / "Proof.t.sol"
        values = {
            "proof": _hex(proof),
            "publicInputs": [f"0x{value:064x}" for value in public_inputs],
            "context": _hex(context),
        }
        return {"proof/proof.json": _json(values), "test/Proof.t.sol": test.read_bytes()}

    def _circuit_json(self) -> dict[str, Any]:
        return {
            "circuitId": _hex(self.circuit_id),
            "backend": self.backend,
            "srs": self.srs_name,
            "unsafe": is_unsafe(self.circuit_id),
            "verifier": self.artifacts[0],
            **self.deployment,
            "publicInputs": [
                {"tensor": value.tensor, "place": value.place, "unit": value.unit}
                for value in self.public_inputs
            ],
        }

    def _filled(self, template: str) -> bytes:
        place = resources.files(__package__) / "project" / "templates" / template
        text = Template(place.read_text(encoding="utf-8"))
        return text.substitute(self._names()).encode()

    def _names(self) -> dict[str, str]:
        """Return what the templates leave open."""
        unsafe = is_unsafe(self.circuit_id)
        flag = " --allow-unsafe-srs" if unsafe else ""
        shown = [
            f"//   [{index}] {value.tensor}{list(value.place)}, in units of {value.unit!r}"
            for index, value in enumerate(self.public_inputs[:_SHOWN])
        ]
        if len(self.public_inputs) > _SHOWN:
            shown.append("//   and so on: circuit/circuit.json has them all")
        return {
            "id": self.circuit_id.hex(),
            "srs": self.srs_name,
            "warning": f" {_WARNING}" if unsafe else "",
            "comment": f"// {_WARNING}\n" if unsafe else "",
            "flag": flag,
            "verifier": self.artifacts[0],
            "deploying": _DEPLOYING[self.backend].format(
                flag=flag, address=self.deployment.get("verifierAddress")
            ),
            "count": str(len(self.public_inputs)),
            "values": "\n".join(shown),
            "r": str(SCALAR_FIELD),
        }


def _tree(folder: Traversable, prefix: str) -> dict[str, bytes]:
    return {prefix + path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _forge_artifact(name: str) -> dict[str, Any]:
    """Return a shipped contract as forge writes what it has compiled."""
    place = resources.files(__package__) / "artifacts" / f"{name}.json"
    data = json.loads(place.read_text(encoding="utf-8"))
    return {
        "contractName": name,
        "abi": data["abi"],
        "bytecode": {"object": "0x" + data["bytecode"]},
        "deployedBytecode": {
            "object": "0x" + data["deployedBytecode"],
            "immutables": data["immutableReferences"],
        },
        "compiler": data["compiler"],
        "settings": data["settings"],
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()
