"""Chains: deploy a circuit's verifier, and have it check proofs.

::

    receipt = zk.chain.embedded().deploy(vk).verify(bundle)

Plumb has one contract for the circuits of everybody: to deploy one is to register it there, and to
create the contract where a chain has none yet. ezkl has one contract for each circuit.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import zkinfer_contracts as contracts
from zkinfer._errors import (
    AccountMissing,
    ArgumentInvalid,
    BackendWithoutContract,
    ChainError,
    ChainSupportMissing,
    DevelopmentKeyRefused,
    KeystoreUnusable,
    ModelTooLargeForChain,
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
    except contracts.SrsWithoutVerifier as error:
        raise BackendWithoutContract(str(error)) from error
    except contracts.ModelTooLarge as error:
        raise ModelTooLargeForChain(str(error)) from error
    except contracts.DeployerMissing as error:
        place = f"address {error.address}, chain {error.chain_id}"
        raise NoContractCode("no deterministic deployer there", place=place) from error
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
        What `Chain.deploy` took in all; None from `Chain.at`.
    contract_bytes
        Size of its code; None from `Chain.at`.
    register_gas
        What registering the circuit took, at Plumb's contract; 0 if it was registered before, None
        from `Chain.at` and with ezkl.
    """

    address: str
    circuit_id: CircuitId
    gas: int | None
    contract_bytes: int | None
    _chain: contracts.Chain = field(repr=False)
    # Whose public inputs stand in another order in a proof than in their tensors.
    _key: VerifyingKey | None = field(default=None, repr=False)
    register_gas: int | None = None

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
        one = self._placed(proof, public_inputs, context)
        with _translated():
            return self._chain.verify(
                self.address,
                one.circuit_id,
                one.proof,
                one.public_inputs,
                one.context,
                transact=self._transacts(transact),
            )

    def verify_together(
        self, bundles: Sequence[ProofBundle], *, transact: bool | None = None
    ) -> Receipt:
        """Have Plumb's contract check several proofs of the circuit at once: one pairing for all.

        Takes less gas than one transaction for each. Raises as `verify`; with ezkl's contract
        WrongContractCode, and ArgumentInvalid without a bundle.
        """
        if not bundles:
            raise ArgumentInvalid("at least one", place="bundles")
        placed = [self._placed(b.proof, b.public_inputs, b.context) for b in bundles]
        with _translated():
            return self._chain.verify_together(
                self.address, placed, transact=self._transacts(transact)
            )

    def _placed(
        self, proof: bytes, public_inputs: Sequence[int], context: bytes
    ) -> contracts.PlumbStatement:
        """Return a statement about the circuit, as the contract takes it."""
        if not all(0 <= value < 1 << 256 for value in public_inputs):
            raise ArgumentInvalid("a value is not in [0, 2^256)", place="public inputs")
        if len(context) != len(bytes(self.circuit_id)):
            raise ArgumentInvalid("not 32 bytes", place="context")
        values = tuple(public_inputs)
        if self._key is not None and self._key.statement.backend == "plumb":
            from zkinfer._plumb._chain import chain_inputs

            values = tuple(chain_inputs(self._key, values))
        return contracts.PlumbStatement(bytes(self.circuit_id), proof, values, context)

    def _transacts(self, transact: bool | None) -> bool:
        return isinstance(self._chain, contracts.EmbeddedChain) if transact is None else transact


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

    def deploy(
        self,
        vk: VerifyingKey,
        *,
        verifier: str | None = None,
        allow_unsafe_srs: bool = False,
        on_estimate: Callable[[str, int], object] | None = None,
    ) -> DeployedVerifier:
        """Deploy a circuit's verifier: with Plumb, register the circuit at the one for all.

        What is there already is used and costs nothing: Plumb's contract, which stands at the same
        address on every chain, and a circuit that somebody registered.

        Parameters
        ----------
        vk
            The circuit's verifying key.
        verifier
            Address of Plumb's contract: it must be there, and is not created.
        allow_unsafe_srs
            Deploy a circuit on an SRS of no known ceremony even where the chain is not a known
            development chain.
        on_estimate
            Called before each of Plumb's transactions is sent, with what it does and the gas that
            it will take, to a few per cent; what it raises stops the work.

        Raises
        ------
        UnsafeSrsRefused
            The circuit's SRS is unsafe and the chain is a real one.
        BackendWithoutContract
            No contract is made for the circuit's SRS.
        ModelTooLargeForChain
            The circuit does not fit a contract.
        WrongContractCode, NoContractCode
            Something else, or nothing, is at `verifier`.
        RejectedOnChain
            The contract refuses the circuit.
        ChainError
            The chain could not be used.
        """
        if vk.statement.backend == "plumb":
            return self._register(vk, verifier, allow_unsafe_srs, on_estimate)
        if verifier is not None:
            raise ArgumentInvalid("ezkl has one contract for each circuit", place="verifier")
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
            vk,
        )

    def _register(
        self,
        vk: VerifyingKey,
        verifier: str | None,
        allow_unsafe_srs: bool,
        on_estimate: Callable[[str, int], object] | None,
    ) -> DeployedVerifier:
        from zkinfer._plumb._chain import chain_model

        if verifier is not None:
            _check_address(verifier, "verifier")
        with _translated():
            model = chain_model(vk)
            # Before the contract is paid for.
            model.require_fits()
            at = self._chain.deploy_plumb(
                vk.srs.id,
                verifier=verifier,
                allow_unsafe_srs=allow_unsafe_srs,
                on_estimate=on_estimate,
            )
            registered = self._chain.register_plumb(
                at.address, model, allow_unsafe_srs=allow_unsafe_srs, on_estimate=on_estimate
            )
        return DeployedVerifier(
            at.address,
            vk.circuit_id,
            at.gas + registered.gas,
            at.contract_bytes,
            self._chain,
            vk,
            registered.gas,
        )

    def at(self, address: str, circuit: VerifyingKey | CircuitId | bytes) -> DeployedVerifier:
        """Return the verifier at an address, trusted for one circuit.

        Parameters
        ----------
        address
            Where it stands.
        circuit
            The circuit's verifying key, or its id. Plumb may order the values of a tensor in its
            own way, and only the key says how: without it, proofs of such a circuit are refused.

        Raises
        ------
        ArgumentInvalid
            The address is not 0x and 40 hex digits, or the circuit id not 32 bytes.
        """
        _check_address(address, "contract address")
        if isinstance(circuit, CircuitId | bytes):
            return DeployedVerifier(address, CircuitId(bytes(circuit)), None, None, self._chain)
        return DeployedVerifier(address, circuit.circuit_id, None, None, self._chain, circuit)

    def serves_all_circuits(self, address: str) -> bool:
        """Say whether the contract at an address is Plumb's, where anybody registers circuits.

        There an acceptance means nothing before you say which circuit you trust. ezkl's contract
        pins one, so that its address says it.

        Raises
        ------
        ArgumentInvalid
            The address is not 0x and 40 hex digits.
        ChainError
            There is no contract, or the chain could not be used.
        """
        _check_address(address, "contract address")
        with _translated():
            return self._chain.is_plumb(address)


def _check_address(address: str, place: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise ArgumentInvalid("an address is 0x and 40 hex digits", place=place)


def embedded(*, fork: Literal["prague", "osaka"] = "prague") -> Chain:
    """Return a fresh chain inside this process: py-evm with Prague's rules.

    Parameters
    ----------
    fork
        ``"osaka"`` takes Osaka's price of modular exponentiation, so that gas is as on Osaka.

    Raises
    ------
    ArgumentInvalid
        There is no such fork.
    ChainSupportMissing
        The ``chain`` extra is not installed.
    """
    if fork not in ("prague", "osaka"):
        raise ArgumentInvalid(f"no {fork!r}; there are 'prague' and 'osaka'", place="fork")
    with _translated():
        return Chain(contracts.EmbeddedChain(fork=fork))


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
