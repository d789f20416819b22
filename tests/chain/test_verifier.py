"""The contract accepts a proof if and only if nothing about the call was damaged."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zkinfer_contracts import (
    SCALAR_FIELD,
    Chain,
    EmbeddedChain,
    Node,
    VerificationReverted,
    artifact,
    encode_verify,
    keccak256,
    proof_length,
)
from zkinfer_contracts import _embedded as embedded_module
from zkinfer_contracts._calldata import encode_constructor, word
from zkinfer_contracts._ids import vka_words
from zkinfer_contracts._precompiles import with_precompiles

HALO2_SELECTOR = keccak256(b"verifyProof(bytes,uint256[],bytes32[])")[:4]
# Returns one word, 1, whatever it is asked.
YES = bytes.fromhex("60015f5260205ff3")


def creation_of(code: bytes) -> bytes:
    return (
        bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a3d393df3") + code
    )


def refusal(place: Any, data: bytes) -> VerificationReverted:
    with pytest.raises(VerificationReverted) as caught:
        place.ask(data)
    return caught.value


def change(case: Any, **parts: Any) -> bytes:
    values = {
        "circuit_id": case.circuit_id,
        "proof": case.proof,
        "public_inputs": case.public_inputs,
        "context": case.context,
    }
    return encode_verify(**{**values, **parts})


# What must be accepted.


def test_honest_proof_accepted(place: Any, a: Any) -> None:
    arguments = (place.at.address, a.circuit_id, a.proof, a.public_inputs, a.context)
    sent = place.chain.verify(*arguments, transact=True)
    estimated = place.chain.verify(*arguments, transact=False)
    assert sent.transaction_hash is not None
    assert sent.block_number is not None
    assert estimated.transaction_hash is None
    assert sent.gas <= estimated.gas < 1.05 * sent.gas
    assert place.at.circuit_id == a.circuit_id


def test_same_gas_on_embedded_and_prague_node(embedded: Any, prague: Any, a: Any) -> None:
    gas = {
        place.chain.verify(
            place.at.address, a.circuit_id, a.proof, a.public_inputs, a.context, transact=True
        ).gas
        for place in (embedded, prague)
    }
    assert len(gas) == 1
    assert embedded.at.gas == prague.at.gas
    assert embedded.at.halo2_gas == prague.at.halo2_gas


def test_native_precompiles_change_neither_gas_nor_verdict(a: Any) -> None:
    seen = []
    for native in (True, False):
        chain = EmbeddedChain(native=native)
        at = a.deploy(chain)
        sent = chain.verify(
            at.address, a.circuit_id, a.proof, a.public_inputs, a.context, transact=True
        )
        with pytest.raises(VerificationReverted) as caught:
            chain.call_raw(at.address, change(a, context=keccak256(b"another")))
        seen.append((at, sent.gas, str(caught.value)))
    assert seen[0] == seen[1]


def test_ceremony_circuit_accepted_under_its_own_id(prague: Any, cases: Any) -> None:
    case = cases["ceremony"]
    at = case.deploy(prague.chain)
    assert not at.circuit_id.startswith(b"unsafe")
    prague.chain.verify(
        at.address, case.circuit_id, case.proof, case.public_inputs, case.context, transact=False
    )


def test_negative_output_is_canonical(a: Any) -> None:
    # The fixture's second output is below zero: r - |v| states it, and is accepted above.
    assert SCALAR_FIELD - 2**32 < a.public_inputs[1] < SCALAR_FIELD


def test_views_state_what_was_pinned(place: Any, a: Any) -> None:
    verifier = artifact("EzklInferenceVerifier")

    def view(name: str) -> bytes:
        value: bytes = place.chain.call_raw(place.at.address, verifier.selector(name))
        return value

    assert view("circuitId") == a.circuit_id
    assert view("keyDigest") == a.key_digest
    assert view("srsId") == a.srs_id
    assert view("vkaDigest") == keccak256(b"".join(vka_words(a.vka)))
    assert int.from_bytes(view("publicInputCount"), "big") == len(a.public_inputs)
    assert int.from_bytes(view("proofLength"), "big") == len(a.proof) == proof_length(a.vka)


# A10: one encoding of a call.


def test_a10_trailing_byte_refused(place: Any, a: Any) -> None:
    for extra in (b"\0", b"\1", bytes(32), bytes(31)):
        assert refusal(place, a.calldata + extra).name == "MalformedCalldata"


def test_a10_second_array_refused(place: Any, a: Any) -> None:
    # The honest array stands where a reader of fixed places looks, the head points to another.
    lie = b"".join((word(2), word(7), word(8)))
    data = bytearray(a.calldata + lie)
    data[4 + 64 : 4 + 96] = word(len(a.calldata) - 4)
    assert refusal(place, bytes(data)).name == "MalformedCalldata"
    # And the other way round.
    start = len(a.calldata) - 96
    data = bytearray(a.calldata[:start] + lie + a.calldata[start:])
    data[4 + 64 : 4 + 96] = word(len(a.calldata) - 4)
    assert refusal(place, bytes(data)).name == "MalformedCalldata"


def test_a10_moved_proof_refused(place: Any, a: Any) -> None:
    data = bytearray(a.calldata[: 4 + 128] + bytes(32) + a.calldata[4 + 128 :])
    for at in (32, 64):
        data[4 + at : 4 + at + 32] = word(int.from_bytes(data[4 + at : 4 + at + 32], "big") + 32)
    assert refusal(place, bytes(data)).name == "MalformedCalldata"


def test_a10_array_before_proof_refused(place: Any, a: Any) -> None:
    array = word(2) + word(a.public_inputs[0]) + word(a.public_inputs[1])
    head = a.circuit_id + word(128 + len(array)) + word(128) + a.context
    data = a.calldata[:4] + head + array + word(len(a.proof)) + a.proof
    assert refusal(place, data).name == "MalformedCalldata"


@pytest.mark.parametrize("offset", [0, 32, 127, 129, 2**64, 2**255, 2**256 - 32])
def test_a10_offset_that_points_elsewhere_refused(prague: Any, a: Any, offset: int) -> None:
    for at in (32, 64):
        data = bytearray(a.calldata)
        data[4 + at : 4 + at + 32] = word(offset)
        refusal(prague, bytes(data))


def test_a10_truncated_calldata_refused(prague: Any, a: Any) -> None:
    for length in (0, 1, 3, 4, 36, 131, 132, 164, 2000, len(a.calldata) - 1):
        refusal(prague, a.calldata[:length])


@pytest.mark.parametrize("inputs", [(), (1,), (1, 2, 3), (1,) * 13, (1,) * 14])
def test_a10_public_input_count_refused(place: Any, a: Any, inputs: tuple[int, ...]) -> None:
    error = refusal(place, change(a, public_inputs=inputs))
    assert (error.name, error.arguments) == ("PublicInputCountMismatch", (2, len(inputs)))


def test_a10_limbs_passed_as_public_inputs_refused(prague: Any, a: Any) -> None:
    inputs = a.public_inputs + (0,) * 11
    assert refusal(prague, change(a, public_inputs=inputs)).name == "PublicInputCountMismatch"


# A11: one number for each public input.


@pytest.mark.parametrize("index", [0, 1])
def test_a11_public_input_plus_r_refused(place: Any, a: Any, index: int) -> None:
    inputs = list(a.public_inputs)
    inputs[index] += SCALAR_FIELD
    error = refusal(place, change(a, public_inputs=inputs))
    assert (error.name, error.arguments) == ("PublicInputNotCanonical", (index, inputs[index]))


@pytest.mark.parametrize("value", [SCALAR_FIELD, SCALAR_FIELD + 1, 2**256 - 1, 2**256 - 76])
def test_a11_value_from_r_upwards_refused(prague: Any, a: Any, value: int) -> None:
    inputs = (a.public_inputs[0], value)
    assert refusal(prague, change(a, public_inputs=inputs)).name == "PublicInputNotCanonical"


def test_a11_largest_canonical_value_reaches_the_proof(prague: Any, a: Any) -> None:
    inputs = (a.public_inputs[0], SCALAR_FIELD - 1)
    assert refusal(prague, change(a, public_inputs=inputs)).name == "ProofRejected"


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("step", [1, -1])
def test_another_public_input_refused(place: Any, a: Any, index: int, step: int) -> None:
    inputs = list(a.public_inputs)
    inputs[index] += step
    assert refusal(place, change(a, public_inputs=inputs)).name == "ProofRejected"


# A12: one function of one contract is asked.


def test_a12_contract_that_always_says_yes_refused(place: Any, a: Any) -> None:
    fake, _ = place.chain.deploy(creation_of(YES))
    arguments = encode_constructor(fake, a.vka, a.key_digest, a.srs_id, 2)
    with pytest.raises(VerificationReverted) as caught:
        place.chain.deploy(artifact("EzklInferenceVerifier").bytecode + arguments)
    assert caught.value.name == "WrongHalo2Verifier"
    assert str(caught.value.arguments[0]).lower() == fake.lower()


def test_a12_address_without_code_as_halo2_refused(prague: Any, a: Any) -> None:
    arguments = encode_constructor("0x" + "12" * 20, a.vka, a.key_digest, a.srs_id, 2)
    with pytest.raises(VerificationReverted) as caught:
        prague.chain.deploy(artifact("EzklInferenceVerifier").bytecode + arguments)
    assert caught.value.name == "WrongHalo2Verifier"


def test_a12_other_selectors_verify_nothing(prague: Any, a: Any) -> None:
    for selector in (HALO2_SELECTOR, bytes(4), keccak256(b"registeredVkas(bytes32)")[:4]):
        assert refusal(prague, selector + a.calldata[4:]).selector == "0x"


# A13: whose circuit it is.


def test_a13_proof_of_another_circuit_refused(place: Any, a: Any, b: Any) -> None:
    assert refusal(place, b.calldata).name == "UnknownCircuit"
    assert refusal(place, change(b, circuit_id=a.circuit_id)).name == "ProofRejected"


def test_a13_key_of_another_circuit_has_another_id(prague: Any, a: Any, b: Any) -> None:
    # b's key under a's digest, SRS and count: the contract works out the id itself.
    at = prague.chain.deploy_ezkl(b.vka, a.key_digest, a.srs_id, 2)
    assert at.circuit_id != a.circuit_id
    with pytest.raises(VerificationReverted) as caught:
        prague.chain.call_raw(at.address, a.calldata)
    assert caught.value.name == "UnknownCircuit"
    assert caught.value.arguments == (at.circuit_id, a.circuit_id)


def deploy_consumer(chain: Chain, verifier: str, circuit: bytes) -> str:
    code = artifact("CreditDecision").bytecode
    address, _ = chain.deploy(code + bytes(12) + bytes.fromhex(verifier[2:]) + circuit)
    return address


def decide(request: int, deadline: int, case: Any) -> bytes:
    inputs = b"".join(word(v) for v in case.public_inputs)
    return b"".join(
        (
            artifact("CreditDecision").selector("decide"),
            word(request),
            word(deadline),
            word(128),
            word(160 + len(case.proof)),
            word(len(case.proof)),
            case.proof,
            word(len(case.public_inputs)),
            inputs,
        )
    )


def test_a13_consumer_that_pins_the_circuit_refuses_the_attackers(a: Any, b: Any) -> None:
    chain = EmbeddedChain()
    attackers = b.deploy(chain)
    chain.verify(
        attackers.address, b.circuit_id, b.proof, b.public_inputs, b.context, transact=False
    )
    consumer = deploy_consumer(chain, attackers.address, a.circuit_id)
    with pytest.raises(VerificationReverted) as caught:
        chain.call_raw(consumer, decide(1, 1 << 40, b))
    assert caught.value.name == "UnknownCircuit"
    assert caught.value.arguments == (b.circuit_id, a.circuit_id)


def test_consumer_accepts_once_and_only_what_was_asked(cases: Any) -> None:
    case = cases["decision"]
    chain = EmbeddedChain()
    at = case.deploy(chain)
    consumer = deploy_consumer(chain, at.address, case.circuit_id)
    for other in (decide(2, 1 << 40, case), decide(1, 1 << 41, case)):
        with pytest.raises(VerificationReverted) as caught:
            chain.call_raw(consumer, other)
        assert caught.value.name == "ProofRejected"
    with pytest.raises(VerificationReverted) as caught:
        chain.call_raw(consumer, decide(1, 0, case))
    assert caught.value.name == "TooLate"

    chain._send(consumer, decide(1, 1 << 40, case))
    with pytest.raises(VerificationReverted) as caught:
        chain.call_raw(consumer, decide(1, 1 << 40, case))
    assert caught.value.name == "AlreadyDecided"
    assert caught.value.arguments[1] == 1

    # The same contract at another address is another consumer.
    second = deploy_consumer(chain, at.address, case.circuit_id)
    with pytest.raises(VerificationReverted) as caught:
        chain.call_raw(second, decide(1, 1 << 40, case))
    assert caught.value.name == "ProofRejected"


def test_proof_for_one_chain_refused_on_another(prague_url: str, cases: Any) -> None:
    # Chain id and sender are in the context that the consumer derives.
    chain = Node(prague_url)
    case = cases["decision"]
    consumer = deploy_consumer(chain, case.deploy(chain).address, case.circuit_id)
    with pytest.raises(VerificationReverted) as caught:
        chain.call_raw(consumer, decide(1, 1 << 40, case))
    assert caught.value.name == "ProofRejected"


# A15: whose SRS it is.


def test_a15_local_srs_under_a_ceremonys_name_refused(prague: Any, a: Any, cases: Any) -> None:
    with pytest.raises(VerificationReverted) as caught:
        prague.chain.deploy_ezkl(a.vka, a.key_digest, cases["ceremony"].srs_id, 2)
    assert caught.value.name == "SrsMismatch"


def test_a15_one_ceremony_under_anothers_name_refused(prague: Any, cases: Any) -> None:
    from zkinfer_contracts import CEREMONIES

    case = cases["ceremony"]
    for name in ("hermez", "ppot-0085"):
        with pytest.raises(VerificationReverted) as caught:
            prague.chain.deploy_ezkl(case.vka, case.key_digest, CEREMONIES[name], 2)
        assert caught.value.name == "SrsMismatch"


def test_a15_circuit_on_a_local_srs_says_unsafe(a: Any, embedded: Any) -> None:
    assert embedded.at.circuit_id.startswith(b"unsafe")
    assert a.deploy(EmbeddedChain()).circuit_id == embedded.at.circuit_id


# The proof itself.


def test_bit_flips_of_the_proof_refused(place: Any, a: Any) -> None:
    rng = random.Random(20)
    count = 12 if isinstance(place.chain, EmbeddedChain) else 150
    for _ in range(count):
        proof = bytearray(a.proof)
        proof[rng.randrange(len(proof))] ^= 1 << rng.randrange(8)
        assert refusal(place, change(a, proof=bytes(proof))).name == "ProofRejected"


def test_every_word_of_the_proof_counts(prague: Any, a: Any) -> None:
    for start in range(0, len(a.proof), 32):
        proof = bytearray(a.proof)
        proof[start + 31] ^= 1
        assert refusal(prague, change(a, proof=bytes(proof))).name == "ProofRejected"


def test_every_field_element_of_the_proof_has_one_encoding(prague: Any, a: Any) -> None:
    # Whichever modulus a word is under, adding it must not give a second proof.
    q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    for start in range(0, len(a.proof), 32):
        for modulus in (SCALAR_FIELD, q):
            value = int.from_bytes(a.proof[start : start + 32], "big") + modulus
            proof = a.proof[:start] + word(value) + a.proof[start + 32 :]
            assert refusal(prague, change(a, proof=proof)).name == "ProofRejected"


@pytest.mark.parametrize("length", [0, 1, 32, 3040, 3071, 3073, 3104, 6144])
def test_proof_of_another_length_refused(prague: Any, a: Any, length: int) -> None:
    proof = a.proof[:length].ljust(length, b"\1")
    error = refusal(prague, change(a, proof=proof))
    assert (error.name, error.arguments) == ("ProofLengthMismatch", (len(a.proof), length))


def test_bare_halo2_verifier_accepts_an_extended_proof(prague: Any, a: Any) -> None:
    """Why the length is pinned: ezkl's contract reads a proof's beginning and ignores the rest."""
    from zkinfer_contracts import context_limbs

    instances = (*a.public_inputs, *context_limbs(a.circuit_id, a.context))
    words = vka_words(a.vka)
    proof = a.proof + bytes(range(32))
    at_instances = 96 + 32 + len(proof)
    data = b"".join(
        (
            HALO2_SELECTOR,
            word(96),
            word(at_instances),
            word(at_instances + 32 * (1 + len(instances))),
            word(len(proof)),
            proof,
            word(len(instances)),
            *(word(v) for v in instances),
            word(len(words)),
            *words,
        )
    )
    answer = prague.chain.call_raw(prague.at.halo2_address, data)
    assert int.from_bytes(answer[:32], "big") == 1
    assert refusal(prague, change(a, proof=proof)).name == "ProofLengthMismatch"


def test_all_zero_proof_refused(place: Any, a: Any) -> None:
    assert refusal(place, change(a, proof=bytes(len(a.proof)))).name == "ProofRejected"


def test_another_context_refused(place: Any, a: Any) -> None:
    for context in (bytes(32), keccak256(a.context), a.context[:31] + bytes([a.context[31] ^ 1])):
        assert refusal(place, change(a, context=context)).name == "ProofRejected"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_accepted_if_and_only_if_nothing_was_damaged(
    prague: Any, a: Any, b: Any, data: st.DataObject
) -> None:
    values = {
        "circuit_id": a.circuit_id,
        "proof": a.proof,
        "public_inputs": list(a.public_inputs),
        "context": a.context,
    }
    kinds = ["proof", "length", "id", "context", "input", "wrap", "count", "trailing"]
    damage = data.draw(st.sets(st.sampled_from(kinds), max_size=2))
    suffix = b""
    if "proof" in damage:
        at = data.draw(st.integers(0, len(a.proof) - 1))
        mask = data.draw(st.integers(1, 255))
        values["proof"] = a.proof[:at] + bytes([a.proof[at] ^ mask]) + a.proof[at + 1 :]
    if "length" in damage:
        values["proof"] += data.draw(st.binary(min_size=1, max_size=64))
    if "id" in damage:
        values["circuit_id"] = data.draw(st.sampled_from([b.circuit_id, bytes(32)]))
    if "context" in damage:
        values["context"] = keccak256(data.draw(st.binary(max_size=8)))
    if "input" in damage:
        values["public_inputs"][0] += data.draw(st.integers(1, 2**64))
    if "wrap" in damage:
        values["public_inputs"][0] += SCALAR_FIELD
    if "count" in damage:
        values["public_inputs"].append(0)
    if "trailing" in damage:
        suffix = data.draw(st.binary(min_size=1, max_size=64))
    accepted = True
    try:
        prague.ask(encode_verify(**values) + suffix)
    except VerificationReverted:
        accepted = False
    assert accepted == (not damage)


# What the contract stands on.


def test_key_that_is_gone_or_changed_refused(prague_url: str, a: Any) -> None:
    node = Node(prague_url)
    at = a.deploy(node)
    # The verifier's first creation.
    store = "0x" + keccak256(b"\xd6\x94" + bytes.fromhex(at.address[2:]) + b"\1")[12:].hex()
    code = node.code_at(store)
    assert code == b"\0" + a.vka[8:]
    changed = bytearray(code)
    changed[-1] ^= 1
    for other, name in ((b"", "VkaMissing"), (code[:-1], "VkaMissing"), (changed, "ProofRejected")):
        node._rpc("anvil_setCode", store, "0x" + bytes(other).hex())
        with pytest.raises(VerificationReverted) as caught:
            node.call_raw(at.address, a.calldata)
        assert caught.value.name == name
    # Even where ezkl's verifier knows the changed key: anyone may have registered it.
    words = [bytes(changed[1 + i : 33 + i]) for i in range(0, len(changed) - 1, 32)]
    register = keccak256(b"registerVka(bytes32[])")[:4]
    node._send(at.halo2_address, register + word(32) + word(len(words)) + b"".join(words))
    with pytest.raises(VerificationReverted) as caught:
        node.call_raw(at.address, a.calldata)
    assert caught.value.name == "ProofRejected"
    node._rpc("anvil_setCode", store, "0x" + code.hex())
    node.call_raw(at.address, a.calldata)


def malformed(vka: bytes, edit: Callable[[list[bytes]], None]) -> bytes:
    words = list(vka_words(vka))
    edit(words)
    return len(words).to_bytes(8, "little") + b"".join(words)


def put(index: int, value: int) -> Callable[[list[bytes]], None]:
    def edit(words: list[bytes]) -> None:
        words[index] = word(value)

    return edit


def cut(length: int) -> Callable[[list[bytes]], None]:
    def edit(words: list[bytes]) -> None:
        del words[length:]

    return edit


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (cut(0), "MalformedVka"),
        (cut(33), "MalformedVka"),
        (cut(34), "MalformedVka"),
        (put(2, 12), "PublicInputCountMismatch"),
        (put(2, 14), "PublicInputCountMismatch"),
        (put(10, 1), "MalformedVka"),
        (put(33, (33 << 8) + 1), "MalformedVka"),
        (lambda words: words.extend([bytes(32)] * 700), "VkaNotStored"),
    ],
)
def test_malformed_key_refused(prague: Any, a: Any, edit: Any, name: str) -> None:
    with pytest.raises(VerificationReverted) as caught:
        prague.chain.deploy_ezkl(malformed(a.vka, edit), a.key_digest, a.srs_id, 2)
    assert caught.value.name == name


@pytest.mark.parametrize("missing", [5, 6, 7, 8])
def test_chain_without_a_precompile_refused(
    a: Any, missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call to a precompile that is not there succeeds, and ezkl's verifier takes that for yes."""
    real = embedded_module.accelerated_vm

    def without(base: Any) -> Any:
        machine = real(base)
        present = machine._state_class.computation_class._precompiles
        gone = missing.to_bytes(20, "big")
        return with_precompiles(machine, {k: v for k, v in present.items() if k != gone})

    monkeypatch.setattr(embedded_module, "accelerated_vm", without)
    with pytest.raises(VerificationReverted) as caught:
        a.deploy(EmbeddedChain(native=True))
    assert (caught.value.name, caught.value.arguments) == ("PrecompileMissing", (missing,))


def test_too_little_gas_is_no_acceptance(prague: Any, a: Any) -> None:
    node = prague.chain
    call = {"to": prague.at.address, "data": "0x" + a.calldata.hex()}
    for gas in (100_000, 200_000, 400_000, 600_000, 650_000):
        with pytest.raises(Exception, match=r"revert|gas"):
            node._rpc("eth_call", {**call, "gas": hex(gas)}, "latest")
