"""Plumb's verifier from Python: created once, told of circuits, asked; and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zkinfer._plumb._chain import chain_inputs, chain_model
from zkinfer_contracts import (
    SCALAR_FIELD,
    Chain,
    DeployerMissing,
    EmbeddedChain,
    ModelTooLarge,
    NoContractCode,
    Node,
    PlumbModel,
    PlumbStatement,
    SrsWithoutVerifier,
    TransactionFailed,
    UnsafeSrsRefused,
    VerificationReverted,
    WrongContractCode,
    artifact,
    encode_register,
    encode_verify,
    encode_verify_together,
    keccak256,
    load_keystore,
    plumb_address,
)
from zkinfer_contracts._plumb import CEREMONIES, DEPLOYER, MAX_CODE, encode_model_of

NOWHERE = "0x" + "12" * 20
UNSAFE = "UnsafeTestPlumbVerifier"


@dataclass(frozen=True)
class Site:
    """A chain with Plumb's verifier, and two circuits registered there."""

    chain: Chain
    address: str
    gas: dict[str, tuple[int, int]]

    def ask(self, one: PlumbStatement) -> None:
        """Call the verifier; it returns nothing or the call raises."""
        data = encode_verify(one.circuit_id, one.proof, one.public_inputs, one.context)
        assert self.chain.call_raw(self.address, data) == b""


def prepared(chain: Chain, models: dict[str, PlumbModel]) -> Site:
    estimates: list[tuple[str, int]] = []

    def note(what: str, gas: int) -> None:
        estimates.append((what, gas))

    srs_id = models["hidden"].srs_id
    at = chain.deploy_plumb(srs_id, on_estimate=note)
    assert at.srs_id == srs_id
    assert at.contract_bytes == len(chain.code_at(at.address)) == len(artifact(UNSAFE).runtime)
    gas = {estimates[-1][0]: (estimates[-1][1], at.gas)}
    for name, model in models.items():
        made = chain.register_plumb(at.address, model, on_estimate=note)
        assert made.circuit_id == model.circuit_id
        gas[name] = (estimates[-1][1], made.gas)
    assert len(estimates) == len(gas) == 3
    return Site(chain, at.address, gas)


@pytest.fixture(scope="session")
def models(plumb: Any, plumb_public: Any) -> dict[str, PlumbModel]:
    return {"hidden": chain_model(plumb.vk), "public": chain_model(plumb_public.vk)}


@pytest.fixture(scope="session")
def one(plumb: Any) -> PlumbStatement:
    return statement(plumb)


@pytest.fixture(scope="session")
def other(plumb_public: Any) -> PlumbStatement:
    return statement(plumb_public)


def statement(proven: Any) -> PlumbStatement:
    bundle = proven.bundle
    values = tuple(chain_inputs(proven.vk, bundle.public_inputs))
    return PlumbStatement(bytes(bundle.circuit_id), bundle.proof, values, bundle.context)


@pytest.fixture(scope="session")
def site_embedded(models: dict[str, PlumbModel]) -> Site:
    return prepared(EmbeddedChain(), models)


@pytest.fixture(scope="session")
def site_prague(prague_url: str, models: dict[str, PlumbModel]) -> Site:
    return prepared(Node(prague_url), models)


@pytest.fixture(scope="session")
def site_osaka(osaka_url: str, models: dict[str, PlumbModel]) -> Site:
    return prepared(Node(osaka_url), models)


@pytest.fixture(params=["embedded", "prague", "osaka"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each chain in turn."""
    found: Site = request.getfixturevalue(f"site_{request.param}")
    return found


@pytest.fixture
def fresh(anvil: Callable[..., Any]) -> Iterator[Node]:
    """A node of the test's own."""
    with anvil() as url:
        yield Node(url)


def refusal(act: Callable[[], object]) -> VerificationReverted:
    with pytest.raises(VerificationReverted) as caught:
        act()
    return caught.value


# What must work.


def test_gas_is_told_before_a_transaction_is_sent(site: Site) -> None:
    for estimate, gas in site.gas.values():
        assert gas <= estimate <= 1.03 * gas


def test_honest_proofs_accepted(site: Site, one: PlumbStatement, other: PlumbStatement) -> None:
    for each in (one, other):
        arguments = (
            site.address, each.circuit_id, each.proof, each.public_inputs, each.context,
        )  # fmt: skip
        sent = site.chain.verify(*arguments, transact=True)
        estimated = site.chain.verify(*arguments, transact=False)
        assert sent.transaction_hash is not None
        assert estimated.transaction_hash is None
        assert sent.gas <= estimated.gas <= 1.03 * sent.gas


def test_together_takes_less_gas_than_apart(
    site: Site, one: PlumbStatement, other: PlumbStatement
) -> None:
    apart = sum(
        site.chain.verify(
            site.address, each.circuit_id, each.proof, each.public_inputs, each.context,
            transact=True,
        ).gas
        for each in (one, other)
    )  # fmt: skip
    together = site.chain.verify_together(site.address, [one, other], transact=True)
    assert together.gas < apart - 100_000
    estimated = site.chain.verify_together(site.address, [one, other], transact=False)
    assert together.gas <= estimated.gas <= 1.03 * together.gas
    site.chain.verify_together(site.address, [other], transact=False)


def test_same_gas_on_embedded_and_prague_node(site_embedded: Site, site_prague: Site) -> None:
    for name, (_, gas) in site_embedded.gas.items():
        assert gas == site_prague.gas[name][1]


def test_same_gas_at_osakas_prices_and_on_an_osaka_node(
    models: dict[str, PlumbModel], site_osaka: Site, one: PlumbStatement, a: Any, osaka: Any
) -> None:
    priced = prepared(EmbeddedChain(fork="osaka"), models)
    assert "Osaka" in priced.chain.name
    for name, (_, gas) in priced.gas.items():
        assert gas == site_osaka.gas[name][1]
    arguments = (one.circuit_id, one.proof, one.public_inputs, one.context)
    ezkls = (a.circuit_id, a.proof, a.public_inputs, a.context)
    for places, given in (
        ((priced, site_osaka), arguments),
        ((a.deploy(priced.chain), osaka.at), ezkls),
    ):
        gas_of = [
            chain.verify(at.address, *given, transact=True).gas
            for chain, at in zip((priced.chain, site_osaka.chain), places, strict=True)
        ]
        assert gas_of[0] == gas_of[1]


def test_what_is_there_is_used(site: Site, models: dict[str, PlumbModel]) -> None:
    def never(what: str, gas: int) -> None:
        pytest.fail("nothing is to be sent")

    model = models["hidden"]
    for options in ({}, {"verifier": site.address}, {"verifier": site.address.lower()}):
        at = site.chain.deploy_plumb(model.srs_id, on_estimate=never, **options)
        assert (at.address.lower(), at.gas) == (site.address.lower(), 0)
    made = site.chain.register_plumb(site.address, model, on_estimate=never)
    assert (made.circuit_id, made.gas) == (model.circuit_id, 0)


def test_same_address_on_every_chain(site: Site, models: dict[str, PlumbModel]) -> None:
    assert site.address == plumb_address(models["hidden"].srs_id)


def test_stored_model_is_as_long_as_was_said(site: Site, models: dict[str, PlumbModel]) -> None:
    for model in models.values():
        answer = site.chain.call_raw(site.address, encode_model_of(model.circuit_id))
        assert len(site.chain.code_at("0x" + answer[12:].hex())) == model.stored_bytes
        assert site.chain.is_registered(site.address, model.circuit_id)


def test_estimate_can_stop_the_transaction(fresh: Node, models: dict[str, PlumbModel]) -> None:
    class TooDear(Exception):
        pass

    def refuse(what: str, gas: int) -> None:
        raise TooDear

    with pytest.raises(TooDear):
        fresh.deploy_plumb(models["hidden"].srs_id, on_estimate=refuse)
    assert not fresh.code_at(plumb_address(models["hidden"].srs_id))


def test_a_ceremonys_verifier_takes_no_circuit_of_the_tests(
    fresh: Node, models: dict[str, PlumbModel]
) -> None:
    at = fresh.deploy_plumb(CEREMONIES["ppot-0085"])
    assert at.contract_bytes == len(artifact("PlumbVerifier").runtime)
    with pytest.raises(WrongContractCode):
        fresh.register_plumb(at.address, models["hidden"])
    with pytest.raises(WrongContractCode):
        fresh.deploy_plumb(models["hidden"].srs_id, verifier=at.address)


# What is refused: by the contract.


def test_another_statement_refused(site: Site, one: PlumbStatement, other: PlumbStatement) -> None:
    def change(**parts: Any) -> VerificationReverted:
        return refusal(lambda: site.ask(dataclasses.replace(one, **parts)))

    bit = one.proof[:-1] + bytes([one.proof[-1] ^ 1])
    values = (one.public_inputs[0] + 1, *one.public_inputs[1:])
    assert change(context=bytes(31) + b"\1").name == "ProofRejected"
    assert change(public_inputs=values).name == "ProofRejected"
    change(proof=bit)
    change(circuit_id=other.circuit_id)
    unknown = change(circuit_id=b"\1" * 32)
    assert (unknown.name, unknown.arguments) == ("NotRegistered", (b"\1" * 32,))
    count = change(public_inputs=())
    assert (count.name, count.arguments) == ("PublicInputCount", (len(one.public_inputs), 0))


def test_a11_reason_names_the_domain_of_a_public_input(site: Site, one: PlumbStatement) -> None:
    for value in (SCALAR_FIELD, SCALAR_FIELD // 2, 2**256 - 1):
        damaged = dataclasses.replace(one, public_inputs=(value, *one.public_inputs[1:]))
        caught = refusal(lambda damaged=damaged: site.ask(damaged))
        assert caught.name in ("PublicInputOutOfDomain", "PublicInputNotCanonical")
        if caught.name == "PublicInputOutOfDomain":
            index, low, high, got = caught.arguments
            assert (index, got) == (0, value)
            assert isinstance(low, int)
            assert isinstance(high, int)
            assert low < 0 < high < 1 << 64


def test_one_bad_proof_among_several_refused(
    site: Site, one: PlumbStatement, other: PlumbStatement
) -> None:
    bad = dataclasses.replace(one, context=bytes(31) + b"\1")
    for several in ([bad, other], [other, bad], [one, other, bad]):
        caught = refusal(
            lambda several=several: site.chain.verify_together(
                site.address, several, transact=False
            )
        )
        assert caught.name == "ProofRejected"
    assert refusal(
        lambda: site.chain.verify_together(site.address, [], transact=False)
    ).name == "StatementCount"  # fmt: skip


def test_a4_damaged_registrations_refused(
    site: Site, models: dict[str, PlumbModel], plumb_attacker: Any
) -> None:
    model = chain_model(plumb_attacker.vk)
    swapped = models["hidden"].registration
    head = model.descriptor[:-1]
    public = dataclasses.replace(models["public"], settings=keccak256(b"others"))
    for damaged, name in (
        (dataclasses.replace(model, registration=swapped), "ProofRejected"),
        (dataclasses.replace(model, registration=b""), "ProofLength"),
        (dataclasses.replace(model, weights=model.weights + bytes(64)), "WeightCommitments"),
        (dataclasses.replace(model, descriptor=head), "MalformedDescriptor"),
        (dataclasses.replace(public, registration=swapped), "UnexpectedRegistration"),
    ):
        caught = refusal(lambda d=damaged: site.chain.register_plumb(site.address, d))
        assert caught.name == name
        assert not site.chain.is_registered(site.address, damaged.circuit_id)


def test_reason_names_the_rule_of_an_unsound_layout(
    site: Site, models: dict[str, PlumbModel]
) -> None:
    model = models["hidden"]
    # One column less than its blocks stand in.
    descriptor = bytearray(model.descriptor)
    descriptor[31] ^= 1
    damaged = dataclasses.replace(model, descriptor=bytes(descriptor))
    caught = refusal(lambda: site.chain.register_plumb(site.address, damaged))
    assert caught.name in ("LayoutRefused", "MalformedDescriptor")
    assert all(isinstance(argument, int) for argument in caught.arguments)


def test_registered_once(site: Site, models: dict[str, PlumbModel]) -> None:
    model = models["public"]
    caught = refusal(lambda: site.chain.call_raw(site.address, encode_register(model)))
    assert (caught.name, caught.arguments) == ("ModelNotStored", (model.circuit_id,))


# What is refused here.


def test_a13_address_without_the_verifier_refused(
    site: Site, place: Any, models: dict[str, PlumbModel], one: PlumbStatement
) -> None:
    model = models["hidden"]
    # A contract that accepts everything by returning nothing.
    stop, _ = site.chain.deploy(bytes.fromhex("60018060093d393df300"))
    for address, error in ((NOWHERE, NoContractCode), (stop, WrongContractCode)):
        for act in (
            lambda a=address: site.chain.deploy_plumb(model.srs_id, verifier=a),
            lambda a=address: site.chain.register_plumb(a, model),
            lambda a=address: site.chain.verify_together(a, [one], transact=False),
            lambda a=address: site.chain.verify(
                a, one.circuit_id, one.proof, one.public_inputs, one.context, transact=False
            ),
        ):
            with pytest.raises(error):
                act()
    with pytest.raises(WrongContractCode):
        place.chain.verify_together(place.at.address, [one], transact=False)


def forging(model: bytes, circuit_id: bytes, runtime: bytes) -> bytes:
    """Return creation code that stores a model as the verifier does, unseen, and returns its code.

    Its parts: the verifier's creator of models, then what that is called with; then the code.
    """
    creator = bytes.fromhex("67365f5f37365f5ff05f5260086018f3")
    head = b"\x61" + len(model).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3")
    stored = head + model
    # Filled in below: where each part begins.
    length = 91

    def place(value: int) -> bytes:
        return b"\x61" + value.to_bytes(2, "big")

    code = b"".join(
        (
            # create2(0, creator, id)
            place(len(creator)), place(length), bytes.fromhex("5f39"),
            b"\x7f", circuit_id, place(len(creator)), bytes.fromhex("5f5ff5"),
            # call(gas, it, 0, stored)
            place(len(stored)), place(length + len(creator)), bytes.fromhex("5f39"),
            bytes.fromhex("5f5f"), place(len(stored)), bytes.fromhex("5f5f855af150"),
            # return the code
            place(len(runtime)), place(length + len(creator) + len(stored)),
            bytes.fromhex("5f39"), place(len(runtime)), bytes.fromhex("5ff3"),
        )
    )  # fmt: skip
    assert len(code) <= length
    return code.ljust(length, b"\0") + creator + stored + runtime


def test_a13_shipped_code_with_models_of_its_makers_refused(
    site: Site, models: dict[str, PlumbModel], one: PlumbStatement, plumb_attacker: Any
) -> None:
    """The code is ours to the last byte; under a circuit's id lies the attacker's model."""
    chain = site.chain
    attacker = chain_model(plumb_attacker.vk)
    chain.register_plumb(site.address, attacker)
    answer = chain.call_raw(site.address, encode_model_of(attacker.circuit_id))
    blob = chain.code_at("0x" + answer[12:].hex())
    runtime = chain.code_at(site.address)
    forged, _ = chain.deploy(forging(blob, one.circuit_id, runtime))
    assert chain.code_at(forged) == runtime
    assert chain.is_registered(forged, one.circuit_id)
    answer = chain.call_raw(forged, encode_model_of(one.circuit_id))
    assert chain.code_at("0x" + answer[12:].hex()) == blob
    with pytest.raises(WrongContractCode):
        chain.verify(
            forged, one.circuit_id, one.proof, one.public_inputs, one.context, transact=False
        )
    with pytest.raises(WrongContractCode):
        chain.verify_together(forged, [one], transact=False)
    with pytest.raises(WrongContractCode):
        chain.deploy_plumb(attacker.srs_id, verifier=forged)


def test_a13_verifier_without_its_layouts_refused(
    fresh: Node, models: dict[str, PlumbModel]
) -> None:
    model = models["public"]
    at = fresh.deploy_plumb(model.srs_id)
    code = fresh.code_at(at.address)
    immutables = artifact(UNSAFE).immutables(code)
    assert immutables is not None
    layouts = "0x" + immutables["LAYOUTS"][-20:].hex()
    assert fresh.code_at(layouts) == artifact("PlumbLayouts").runtime
    fresh._rpc("anvil_setCode", layouts, "0x00")
    with pytest.raises(WrongContractCode):
        fresh.register_plumb(at.address, model)


def test_a13_circuit_that_gets_another_id_is_not_registered(
    models: dict[str, PlumbModel], site_embedded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, model = site_embedded.chain, dataclasses.replace(models["public"], settings=bytes(32))
    real = chain.call_raw

    def lie(address: str, data: bytes) -> bytes:
        answer = real(address, data)
        return bytes(32) if data == encode_register(model) else answer

    monkeypatch.setattr(chain, "call_raw", lie)
    with pytest.raises(WrongContractCode):
        chain.register_plumb(site_embedded.address, model)
    assert not chain.is_registered(site_embedded.address, model.circuit_id)


def test_chain_without_the_deployer_is_named(fresh: Node, models: dict[str, PlumbModel]) -> None:
    fresh._rpc("anvil_setCode", DEPLOYER, "0x")
    with pytest.raises(DeployerMissing, match=DEPLOYER):
        fresh.deploy_plumb(models["hidden"].srs_id)


def test_a15_unsafe_parameters_need_leave_on_a_real_chain(
    mainlike_url: str, tmp_path: Path, models: dict[str, PlumbModel]
) -> None:
    from .test_node import PASSWORD, fund, write_keystore

    account = load_keystore(write_keystore(tmp_path / "k", b"\x5e" * 32), lambda: PASSWORD)
    fund(mainlike_url, account.address)
    node, model = Node(mainlike_url, account), models["public"]
    with pytest.raises(UnsafeSrsRefused, match="this verifier"):
        node.deploy_plumb(model.srs_id)
    at = node.deploy_plumb(model.srs_id, allow_unsafe_srs=True)
    with pytest.raises(UnsafeSrsRefused, match=model.circuit_id.hex()):
        node.register_plumb(at.address, model)
    node.register_plumb(at.address, model, allow_unsafe_srs=True)
    assert node.deploy_plumb(CEREMONIES["ppot-0085"]).gas > 0


def test_model_larger_than_a_contract_refused(site: Site, models: dict[str, PlumbModel]) -> None:
    model = models["hidden"]
    room = (MAX_CODE - model.stored_bytes) // 64
    dataclasses.replace(model, weights=model.weights + bytes(64 * room)).require_fits()
    large = dataclasses.replace(model, weights=model.weights + bytes(64 * (room + 1)))
    with pytest.raises(ModelTooLarge, match=f"{large.stored_bytes:,} bytes") as caught:
        site.chain.register_plumb(site.address, large)
    assert (caught.value.got, caught.value.limit) == (large.stored_bytes, MAX_CODE)


@pytest.mark.parametrize("name", ["ezkl", "hermez"])
def test_parameters_without_a_verifier_are_named(name: str, models: dict[str, PlumbModel]) -> None:
    chain, srs_id = EmbeddedChain(), CEREMONIES[name]
    with pytest.raises(SrsWithoutVerifier, match=srs_id.hex()):
        chain.deploy_plumb(srs_id)
    model = dataclasses.replace(models["hidden"], srs_id=srs_id)
    with pytest.raises(SrsWithoutVerifier):
        chain.register_plumb(NOWHERE, model)


def test_transaction_above_a_blocks_limit_is_not_sent(
    site_embedded: Site, models: dict[str, PlumbModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = EmbeddedChain()
    monkeypatch.setattr(chain, "_gas_of", lambda to, data: 16_777_217)
    with pytest.raises(TransactionFailed, match="16,777,217"):
        chain.deploy_plumb(models["hidden"].srs_id)


def test_calldata_is_the_abis(one: PlumbStatement, models: dict[str, PlumbModel]) -> None:
    from eth_abi import encode

    model = models["hidden"]
    for odd in (one, dataclasses.replace(one, proof=b"abc", public_inputs=())):
        types = ["bytes32[]", "bytes[]", "uint256[][]", "bytes32[]"]
        lists = [[getattr(s, n) for s in (one, odd)] for n in (
            "circuit_id", "proof", "public_inputs", "context",
        )]  # fmt: skip
        assert encode_verify_together([one, odd])[4:] == encode(types, lists)
    types = ["bytes32", "bytes32", "bytes", "bytes", "bytes"]
    parts = [model.statement, model.settings, model.descriptor, model.weights, b"odd"]
    expected = encode(types, parts)
    assert encode_register(dataclasses.replace(model, registration=b"odd"))[4:] == expected
    with pytest.raises(ValueError, match="32 bytes"):
        encode_register(dataclasses.replace(model, settings=b"short"))
    with pytest.raises(ValueError, match="32 bytes"):
        encode_verify_together([dataclasses.replace(one, context=b"short")])
