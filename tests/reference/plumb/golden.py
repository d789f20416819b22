"""Golden proofs: what both implementations must reproduce, byte by byte and message by message.

    python -m tests.reference.plumb.golden v1    writes those of tests/golden that are missing

A file is never rewritten: a later version has other names. The parameters are those of zkinfer's
unsafe test SRS, so files need not hold them.
"""

import json
import sys
from pathlib import Path

from . import networks, prover, registration
from .executor import Weights
from .field import P
from .keys import CommittedInput, Model
from .mercury import unsafe_parameters
from .transcript import keccak256

FOLDER = Path(__file__).parents[2] / "golden"
TAU = int.from_bytes(keccak256(b"zkinfer unsafe test SRS: everyone knows this secret"), "big") % P
VERSION = "v1"
NETWORKS = ("mlp", "cnn", "mixed", "threshold", "top1", "wide", "packed", "pooled")
REGISTERED = ("mlp", "cnn", "threshold", "wide", "packed", "pooled")  # those with hidden weights
CTX = bytes(range(0x20, 0x40))


class Golden:
    """One file, and the run of the reference that reproduces it."""

    def __init__(self, data):
        self.data = data
        self.descriptor = bytes.fromhex(data["descriptor"])
        self.weights = [Weights(layer["maps"], layer["biases"]) for layer in data["model"]]
        self.inputs = data["inputs"]
        self.ctx = bytes.fromhex(data["ctx"])
        self.parameters = unsafe_parameters(int(data["tau"], 16), self.descriptor[6])

    @classmethod
    def load(cls, name):
        return cls(json.loads(path(name).read_text()))

    def run(self):
        """Return the model, the statement and the messages, from the seeds."""
        seeds = self.data["seeds"]
        model = Model(self.parameters, self.descriptor, self.weights, seeds["setup"])
        committed = None
        if model.key.layout.commits_input:
            committed = CommittedInput(model.key, self.inputs, seeds["input"])
        statement, channel = prover.prove(model, self.inputs, self.ctx, seeds["proof"], committed)
        return model, statement, channel

    def results(self):
        model, statement, channel = self.run()
        return {
            "circuit_id": model.key.circuit_id.hex(),
            "weights": [[w.hex() for w in words] for words in model.key.weight_words()],
            "public_inputs": [w.hex() for w in statement.words()],
            "messages": [[name, [w.hex() for w in words]] for name, words in channel.messages],
            "proof": channel.proof().hex(),
        }


def path(name, version=VERSION):
    return FOLDER / f"plumb-{version}-{name}.json"


def registration_path(name, version=VERSION):
    return FOLDER / f"plumb-register-{version}-{name}.json"


def register(golden):
    """Return the key of a golden file, and the messages of its weights' registration."""
    seed = golden.data["seeds"]["setup"]
    model = Model(golden.parameters, golden.descriptor, golden.weights, seed)
    return model.key, registration.register(model.key, model.chunks, model.random)


def make_registration(name):
    """Return the content of a golden registration."""
    _, channel = register(Golden(given(name)))
    return {
        "version": f"plumb-register-{VERSION}",
        "network": name,
        "messages": [[name, [w.hex() for w in words]] for name, words in channel.messages],
        "proof": channel.proof().hex(),
    }


def given(name):
    """Return what a golden file starts from."""
    descriptor = getattr(networks, name)()
    model, inputs = networks.choose(descriptor, 1)
    return {
        "version": f"plumb-{VERSION}",
        "network": name,
        "descriptor": descriptor.hex(),
        "model": [{"maps": layer.maps, "biases": layer.biases} for layer in model],
        "inputs": inputs,
        "ctx": CTX.hex(),
        "tau": f"{TAU:064x}",
        "seeds": {"setup": 1, "input": 2, "proof": 3},
    }


def make(name):
    """Return a golden file's content."""
    data = given(name)
    return {**data, **Golden(data).results()}


def main(version):
    if version != VERSION:
        raise SystemExit(f"this is plumb-{VERSION}")
    files = [(path(name), make, name) for name in NETWORKS]
    files += [(registration_path(name), make_registration, name) for name in REGISTERED]
    missing = [entry for entry in files if not entry[0].exists()]
    if not missing:
        raise SystemExit("every file is there, and none is rewritten")
    for target, content, name in missing:
        with target.open("x") as file:
            json.dump(content(name), file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
