"""Chains: deploy a circuit's verifier, and have it check proofs.

::

    receipt = zk.chain.embedded().deploy(vk).verify(bundle)
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zkinfer_contracts as contracts
from zkinfer._errors import (
    AccountMissing,
    ArgumentInvalid,
    BackendWithoutContract,
    ChainError,
    ChainSupportMissing,
    DevelopmentKeyRefused,
    KeystoreUnusable,
    NoContractCode,
    NodeUnreachable,
    RejectedOnChain,
    TransactionFailed,
    UnsafeSrsRefused,
    WrongContractCode,
)
from zkinfer._export import Export, export
from zkinfer._statement import CircuitId
from zkinfer_contracts import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from zkinfer._artifacts import ProofBundle, VerifyingKey

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")

__all__ = ["Chain", "DeployedVerifier", "Export", "Receipt", "embedded", "export", "node"]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the contract package's errors, which know no other package, into ours."""
    try:
        yield
    except contracts.VerificationReverted as error:
        raise RejectedOnChain(
            name=error.name, selector=error.selector, arguments=error.arguments
        ) from error  # A13
    except contracts.ChainSupportMissing as error:
        raise ChainSupportMissing(str(error)) from error
    except contracts.NodeUnreachable as error:
        raise NodeUnreachable(error.reason, place=error.url) from error
    except contracts.NoContractCode as error:
        place = f"address {error.address}, chain {error.chain_id}"
        raise NoContractCode("no code there", place=place) from error
    except contracts.WrongContractCode as error:
        reason = f"not this release's {error.contract}"
        raise WrongContractCode(reason, place=f"address {error.address}") from error
    except contracts.KeystoreError as error:
        raise KeystoreUnusable(error.reason, place=f"file '{error.path}'") from error
    except contracts.DevelopmentKeyRefused as error:
        place = f"account {error.address}, chain {error.chain_id}"
        raise DevelopmentKeyRefused("a published key", place=place) from error  # A18
    except contracts.AccountMissing as error:
        raise AccountMissing("none was given", place=f"chain {error.chain_id}") from error  # A18
    except contracts.UnsafeSrsRefused as error:
        raise UnsafeSrsRefused("to a real chain", place=f"chain {error.chain_id}") from error  # A15
    except contracts.TransactionFailed as error:
        raise TransactionFailed(error.reason) from error
    except contracts.ContractError as error:
        raise ChainError(str(error)) from error


@dataclass(frozen=True)
class DeployedVerifier:
    """A contract that verifies one circuit's proofs.

    Attributes
    ----------
    address
        Where it stands.
    circuit_id
        The circuit that it is trusted for; the contract is asked for this one, whatever a proof
        bundle says.
    gas
        What its deployment took; None when it was there before.
    contract_bytes
        Size of its code; None when it was there before.
    """

    address: str
    circuit_id: CircuitId
    gas: int | None
    contract_bytes: int | None
    _chain: contracts.Chain

    def verify(self, bundle: ProofBundle, *, transact: bool | None = None) -> Receipt:
        """Have the contract check a proof: returns a receipt, or raises.

        Parameters
        ----------
        bundle
            The proof and its public values. The contract is asked about `circuit_id`.
        transact
            Send a transaction after a successful call, so that the receipt is a mined one. None
            does so on the embedded chain only; otherwise gas is the node's estimate.

        Raises
        ------
        RejectedOnChain
            The contract reverted; the error carries the selector and its name.
        ChainError
            The chain could not be used.
        """
        return self.verify_statement(
            bundle.proof, bundle.public_inputs, bundle.context, transact=transact
        )

    def verify_statement(
        self,
        proof: bytes,
        public_inputs: Sequence[int],
        context: bytes,
        *,
        transact: bool | None = None,
    ) -> Receipt:
        """Do as `verify`, with the parts of a bundle as they are; the contract judges them all.

        Raises as `verify`, and ArgumentInvalid where a part fits no calldata: a public input that
        is not in [0, 2^256), or a context that is not 32 bytes.
        """
        if not all(0 <= value < 1 << 256 for value in public_inputs):
            raise ArgumentInvalid("a value is not in [0, 2^256)", place="public inputs")
        if len(context) != len(bytes(self.circuit_id)):
            raise ArgumentInvalid("not 32 bytes", place="context")
        if transact is None:
            transact = isinstance(self._chain, contracts.EmbeddedChain)
        with _translated():
            return self._chain.verify(
                self.address,
                bytes(self.circuit_id),
                proof,
                public_inputs,
                context,
                transact=transact,
            )


class Chain:
    """A chain to deploy to, made by `embedded` or `node`."""

    def __init__(self, chain: contracts.Chain) -> None:
        self._chain = chain

    @property
    def name(self) -> str:
        """The chain's name, for people."""
        return self._chain.name

    @property
    def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        return self._chain.chain_id

    def deploy(self, vk: VerifyingKey, *, allow_unsafe_srs: bool = False) -> DeployedVerifier:
        """Deploy a circuit's verifier.

        Parameters
        ----------
        vk
            The circuit's verifying key.
        allow_unsafe_srs
            Deploy a circuit on an SRS of no known ceremony even where the chain is not a known
            development chain.

        Raises
        ------
        UnsafeSrsRefused
            The circuit's SRS is unsafe and the chain is a real one.
        BackendWithoutContract
            The circuit's backend has no contract.
        ChainError
            The chain could not be used.
        """
        if not vk.chain_key:
            raise BackendWithoutContract(vk.statement.backend)
        with _translated():
            deployment = self._chain.deploy_ezkl(
                vk.chain_key,
                vk.key_digest,
                vk.srs.id,
                vk.statement.public_input_count,
                allow_unsafe_srs=allow_unsafe_srs,
            )
        return DeployedVerifier(
            deployment.address,
            CircuitId(deployment.circuit_id),
            deployment.gas + deployment.halo2_gas,
            deployment.contract_bytes,
            self._chain,
        )

    def at(self, address: str, circuit_id: CircuitId | bytes) -> DeployedVerifier:
        """Return the verifier at an address, trusted for one circuit.

        Raises
        ------
        ArgumentInvalid
            The address is not 0x and 40 hex digits, or the circuit id not 32 bytes.
        """
        if not _ADDRESS.fullmatch(address):
            raise ArgumentInvalid("an address is 0x and 40 hex digits", place="contract address")
        return DeployedVerifier(address, CircuitId(bytes(circuit_id)), None, None, self._chain)


def embedded() -> Chain:
    """Return a fresh chain inside this process: py-evm with Prague's rules.

    Raises
    ------
    ChainSupportMissing
        The ``chain`` extra is not installed.
    """
    with _translated():
        return Chain(contracts.EmbeddedChain())


def node(
    url: str,
    *,
    keystore: str | Path | None = None,
    password: Callable[[], str] | None = None,
) -> Chain:
    """Return the chain behind a node.

    Parameters
    ----------
    url
        The node's JSON-RPC address.
    keystore
        An encrypted keystore (version 3) of the account that pays; needed to send transactions on
        any chain but a development one.
    password
        Called once for the keystore's password.

    Raises
    ------
    NodeUnreachable
        No node answers.
    KeystoreUnusable, DevelopmentKeyRefused
        The account cannot be used.
    """
    with _translated():
        account = None
        if keystore is not None:
            account = contracts.load_keystore(keystore, password or (lambda: ""))
        return Chain(contracts.Node(url, account))
