"""A8: visibilities that the proof system could not keep are refused, with the reason."""

import dataclasses

import pytest

import zkinfer as zk
from zkinfer_models import model


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # No salt: whoever guesses the input can confirm it.
        ({"inputs": "committed"}, "no salt"),
        ({"weights": "committed"}, "do not hide"),
        # Private parameters: the keys of two models of one shape are the same key.
        ({"weights": "hidden"}, "another model's proof would verify"),
        ({"outputs": "hidden"}, "hidden output"),
        ({"outputs": "committed"}, "hidden output"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(change, reason):
    card = model("breast-cancer")
    visibilities = {"inputs": "hidden", "weights": "public", "outputs": "public", **change}
    with pytest.raises(zk.VisibilityUnsupported, match=reason):
        zk.compile(
            card.onnx_bytes(),
            calibration=card.samples().calibration[:4],
            backend="ezkl",
            **visibilities,
        )


def test_another_models_weights_are_refused_under_this_key(breast_cancer, attacker):
    """The same network with other weights: one shape, two keys."""
    assert attacker.vk.backend_key != breast_cancer.vk.backend_key
    assert attacker.vk.chain_key != breast_cancer.vk.chain_key
    claimed = dataclasses.replace(attacker.bundle, circuit_id=breast_cancer.vk.circuit_id)
    with pytest.raises(zk.ProofInvalid):
        zk.verify(breast_cancer.vk, claimed)
