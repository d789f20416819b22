"""What the commands do that speak to a node."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import zkinfer as zk
from zkinfer._cli._commands import circuit_id_of, hexadecimal
from zkinfer._errors import ArgumentInvalid, KeystoreUnusable
from zkinfer._statement import CircuitId

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from zkinfer._cli._screen import Screen


def deploy(options: Namespace, screen: Screen) -> int:
    """Deploy a verifier, or register a circuit at the one that is there."""
    # The flag that lets an unsafe key be loaded is the one that lets it be deployed.
    vk = zk.VerifyingKey.load(options.key, allow_unsafe_srs=options.allow_unsafe_srs)
    chain = zk.chain.node(options.rpc, keystore=options.account, password=_password(options))
    deployed = chain.deploy(
        vk,
        verifier=options.verifier,
        allow_unsafe_srs=options.allow_unsafe_srs,
        on_estimate=lambda what, gas: screen.note(f"to {what} takes about {gas:,} gas"),
    )
    screen.say(f"contract       {deployed.address}")
    screen.say(f"circuit id     {deployed.circuit_id}")
    screen.say(f"SRS            {vk.srs.name}")
    screen.say(f"chain          {chain.name}")
    of_it = "" if deployed.register_gas is None else f", {deployed.register_gas:,} to register"
    screen.say(f"gas            {deployed.gas:,}{of_it}")
    screen.result(
        {
            "contract": deployed.address,
            "circuit_id": hexadecimal(deployed.circuit_id),
            "srs": vk.srs.name,
            "unsafe": vk.srs.unsafe,
            "chain": chain.name,
            "chain_id": chain.chain_id,
            "gas": deployed.gas,
            "register_gas": deployed.register_gas,
            "contract_bytes": deployed.contract_bytes,
        }
    )
    return 0


def verify_onchain(options: Namespace, screen: Screen) -> int:
    """Have a contract verify."""
    bundle = zk.ProofBundle.load(options.bundle)
    circuit: zk.VerifyingKey | CircuitId = bundle.circuit_id
    if options.key is not None:
        circuit = zk.VerifyingKey.load(options.key, allow_unsafe_srs=options.allow_unsafe_srs)
    elif options.circuit_id is not None:
        circuit = CircuitId(circuit_id_of(options.circuit_id))
    chain = zk.chain.node(options.rpc, keystore=options.account, password=_password(options))
    # ezkl's contract compares with the circuit that it pins, so without an expectation of the
    # caller's the trust lies in its address. Plumb's knows circuits of everybody's.
    if circuit is bundle.circuit_id and chain.serves_all_circuits(options.contract):
        raise ArgumentInvalid(
            "anybody may register circuits at Plumb's contract: say which one you trust by "
            "--circuit-id or --key",
            place="verify-onchain",
        )  # A13
    deployed = chain.at(options.contract, circuit)
    receipt = deployed.verify(bundle, transact=options.send)
    screen.say(f"verified on    {chain.name} by {options.contract}")
    screen.say(f"circuit id     {deployed.circuit_id}")
    screen.say(f"gas            {receipt.gas:,}{'' if options.send else ' (estimate)'}")
    if receipt.transaction_hash:
        screen.say(f"transaction    {receipt.transaction_hash}")
    screen.result(
        {
            "verified": True,
            "circuit_id": hexadecimal(deployed.circuit_id),
            "contract": options.contract,
            "chain": chain.name,
            "chain_id": chain.chain_id,
            "gas": receipt.gas,
            "transaction": receipt.transaction_hash,
        }
    )
    return 0


def _password(options: Namespace) -> Callable[[], str]:
    def ask() -> str:
        if options.password_file is None:
            return getpass.getpass("keystore password: ", stream=sys.stderr)
        try:
            text = Path(options.password_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            place = f"file '{options.password_file}'"
            raise KeystoreUnusable("the password file cannot be read", place=place) from error
        return text.split("\n", 1)[0]

    return ask
