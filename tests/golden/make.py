"""Makes the golden keys and proofs of a format version; run by hand, once per version.

    python tests/golden/make.py v2

Golden files are never rewritten: a later release must read them, or refuse them by their version.
"""

import sys
from pathlib import Path

import zkinfer as zk
from zkinfer_models import models

CONTEXT = bytes(range(32))


def main(version):
    folder = Path(__file__).with_name(version)
    folder.mkdir()
    for card in (card for card in models() if card.small):
        samples = card.samples()
        circuit = zk.compile(
            card.onnx_bytes(),
            calibration=samples.calibration,
            inputs="hidden",
            weights="public",
            outputs="public",
            backend="ezkl",
        )
        pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
        circuit.save(folder / f"{card.id}.circuit")
        vk.save(folder / f"{card.id}.key")
        zk.prove(pk, samples.x[0], context=CONTEXT).save(folder / f"{card.id}.proof")


if __name__ == "__main__":
    main(*sys.argv[1:])
