"""The main job, end to end, on shipped real data."""

from __future__ import annotations

import dataclasses
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import zkinfer as zk
from zkinfer import _container, _field
from zkinfer._report import hides, learns
from zkinfer_circuits import ZkinferError
from zkinfer_contracts import keccak256
from zkinfer_models import model as shipped_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zkinfer._cli._screen import Screen
    from zkinfer.chain import Chain, DeployedVerifier

_ACCURACY_SAMPLES = 150
_CONTEXT = keccak256(b"zkinfer demo: asked by nobody in particular, valid for ever")


def run_demo(model_id: str, screen: Screen) -> dict[str, Any]:
    """Compile, prove, verify off-chain and on-chain, and show that tampering is refused."""
    card = shipped_model(model_id)
    samples = card.samples()
    screen.say(f"model          {card.title}: {card.task}")

    with screen.progress() as on_progress:
        circuit = zk.compile(
            card.onnx_bytes(),
            calibration=samples.calibration,
            inputs="hidden",
            weights="hidden",
            outputs="public",
            backend="plumb",
            on_progress=on_progress,
        )
        measured = _accuracy(circuit, samples.x, samples.y)
    screen.say(
        f"accuracy       float {100 * measured['accuracy_float']:.1f} %, quantised "
        f"{100 * measured['accuracy_quantized']:.1f} % on {measured['samples']} held-out samples; "
        f"same class on {100 * measured['agreement']:.1f} %, "
        f"largest error {measured['max_abs_error']:.3g}"
    )

    srs = zk.unsafe_test_srs()
    screen.say(f"SRS            {srs.name}")
    started = time.perf_counter()
    with screen.progress() as on_progress:
        pk, vk = zk.setup(circuit, srs=srs, on_progress=on_progress)
    setup_s = time.perf_counter() - started
    screen.say(f"setup          {setup_s:.2f} s; circuit id {vk.circuit_id}")

    started = time.perf_counter()
    with screen.progress() as on_progress:
        bundle = zk.prove(pk, samples.x[0], context=_CONTEXT, on_progress=on_progress)
    prove_s = time.perf_counter() - started
    screen.say(
        f"proof          {prove_s:.2f} s, {len(bundle.proof)} bytes, input and weights hidden"
    )
    screen.say(f"outputs        {np.round(bundle.outputs, 4).tolist()}")

    started = time.perf_counter()
    zk.verify(vk, bundle, context=_CONTEXT)
    verify_s = time.perf_counter() - started
    screen.say(f"off-chain      verified in {1000 * verify_s:.0f} ms")

    chain = zk.chain.embedded()
    deployed = chain.deploy(vk)
    register_gas = deployed.register_gas or 0
    receipt = deployed.verify(bundle)
    screen.say(
        f"on-chain       verified with {receipt.gas:,} gas by {deployed.address} on {chain.name};\n"
        f"               once for all models {(deployed.gas or 0) - register_gas:,} gas, once for "
        f"this one {register_gas:,}"
    )

    statement = circuit.statement
    screen.say("a verifier of the proof on chain learns")
    for text in learns(statement):
        screen.say(f"  - {text}")
    screen.say("and does not learn")
    for text in hides(statement):
        screen.say(f"  - {text}")

    screen.say("tampering")
    other = _other_key(card.onnx_bytes(), samples.calibration)
    tampering = _tamper(vk, bundle, other, chain, deployed)
    for row in tampering:
        screen.say(
            f"  - {row['what']}: off-chain {row['off_chain'] or 'ACCEPTED'}, "
            f"on-chain {row['on_chain'] or 'ACCEPTED'}"
        )
    return {
        "model": model_id,
        "backend": statement.backend,
        "circuit_id": "0x" + bytes(vk.circuit_id).hex(),
        "outputs": bundle.outputs.tolist(),
        "verified": True,
        "verified_on_chain": True,
        "tampered_rejected": all(row["off_chain"] and row["on_chain"] for row in tampering),
        "tampering": tampering,
        "setup_s": setup_s,
        "prove_s": prove_s,
        "verify_s": verify_s,
        "proof_bytes": len(bundle.proof),
        "gas": receipt.gas,
        "deploy_gas": deployed.gas,
        "register_gas": deployed.register_gas,
        "chain": chain.name,
        "srs": srs.name,
        "context": "0x" + bundle.context.hex(),
        "learns": learns(statement),
        "hides": hides(statement),
        **measured,
    }


def _damages(
    vk: zk.VerifyingKey, bundle: zk.ProofBundle, other: zk.VerifyingKey
) -> list[tuple[str, zk.VerifyingKey, zk.ProofBundle]]:
    """Return damaged bundles, each with the key that it is presented to."""
    middle = len(bundle.proof) // 2
    bit = bundle.proof[:middle] + bytes([bundle.proof[middle] ^ 1]) + bundle.proof[middle + 1 :]
    output = (*bundle.public_inputs[:-1], (bundle.public_inputs[-1] + 1) % _field.R)
    replace = dataclasses.replace
    return [
        ("a bit of the proof", vk, replace(bundle, proof=bit)),
        ("an output", vk, replace(bundle, public_inputs=output)),
        # Relabelled as the attacker would, so that not the label is what refuses it.
        ("another circuit's key", other, replace(bundle, circuit_id=other.circuit_id)),
        ("another context", vk, replace(bundle, context=keccak256(bundle.context))),
    ]


def _accuracy(
    circuit: zk.Circuit, x: NDArray[np.float32], y: NDArray[np.int64]
) -> dict[str, float]:
    x, y = x[:_ACCURACY_SAMPLES], y[:_ACCURACY_SAMPLES]
    floats = circuit.run(x, mode="float").reshape(len(x), -1)
    quantised = circuit.evaluate(x, constraints=False).reshape(len(x), -1)
    return {
        "samples": len(x),
        "accuracy_float": float((floats.argmax(axis=1) == y).mean()),
        "accuracy_quantized": float((quantised.argmax(axis=1) == y).mean()),
        "agreement": float((floats.argmax(axis=1) == quantised.argmax(axis=1)).mean()),
        "max_abs_error": float(np.abs(floats - quantised).max()),
    }


def _other_key(onnx_bytes: bytes, calibration: NDArray[np.float32]) -> zk.VerifyingKey:
    """Return the key of the same network with other weights."""
    circuit = zk.compile(
        _other_weights(onnx_bytes),
        calibration=calibration,
        inputs="hidden",
        weights="hidden",
        outputs="public",
        backend="plumb",
    )
    return zk.setup(circuit, srs=zk.unsafe_test_srs())[1]


def _other_weights(onnx_bytes: bytes) -> bytes:
    import onnx
    from onnx import numpy_helper

    other = onnx.ModelProto.FromString(onnx_bytes)
    last = other.graph.initializer[-1]
    weights = numpy_helper.to_array(last) + np.float32(0.25)
    last.CopyFrom(numpy_helper.from_array(weights, last.name))
    return bytes(other.SerializeToString())


def _refusal(attempt: Callable[[], object]) -> str:
    """Return what refused an attempt: an error's code, on chain the revert's selector and name."""
    try:
        attempt()
    except zk.RejectedOnChain as error:
        return f"{error.selector} {error.name}".strip()
    except ZkinferError as error:
        return error.code
    return ""


def _tamper(
    vk: zk.VerifyingKey,
    bundle: zk.ProofBundle,
    other: zk.VerifyingKey,
    chain: Chain,
    deployed: DeployedVerifier,
) -> list[dict[str, str]]:
    """Damage the statement in each way; say what refused it, off-chain and on-chain."""
    wrapped = (*bundle.public_inputs[:-1], bundle.public_inputs[-1] + _field.R)
    other_deployed = chain.deploy(other)
    contracts = {id(vk): deployed, id(other): other_deployed}

    def plus_r() -> None:
        data = _container.to_bytes(
            _container.PROOF_BUNDLE,
            {
                b"CIRC": bytes(bundle.circuit_id),
                b"CTXT": bundle.context,
                b"PUBL": b"".join(value.to_bytes(_field.BYTES, "big") for value in wrapped),
                b"PROF": bundle.proof,
            },
        )
        zk.verify(vk, zk.ProofBundle.from_bytes(data))

    attempts: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (what, partial(zk.verify, key, damaged), partial(contracts[id(key)].verify, damaged))
        for what, key, damaged in _damages(vk, bundle, other)
    ]
    wrapped_on_chain = partial(deployed.verify_statement, bundle.proof, wrapped, bundle.context)
    attempts.insert(2, ("a public input + r", plus_r, wrapped_on_chain))
    return [
        {"what": what, "off_chain": _refusal(off_chain), "on_chain": _refusal(on_chain)}
        for what, off_chain, on_chain in attempts
    ]
