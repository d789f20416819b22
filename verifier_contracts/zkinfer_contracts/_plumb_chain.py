"""Plumb's verifier on whichever chain: create it once, register circuits, ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._accounts import is_development_chain
from ._artifacts import artifact
from ._errors import (
    DeployerMissing,
    TransactionFailed,
    UnsafeSrsRefused,
    WrongContractCode,
)
from ._ids import CEREMONIES
from ._plumb import (
    DEPLOYER,
    DEPLOYER_CODE,
    LAYOUTS,
    SALT,
    VERIFIERS,
    PlumbModel,
    PlumbStatement,
    encode_is_registered,
    encode_register,
    encode_verify_together,
    plumb_address,
    plumb_verifier,
)
from ._transactions import GAS_LIMIT, Receipt, Transactions

OnEstimate = Callable[[str, int], object]
"""Called with what a transaction does and the gas that it will take, before it is sent."""


@dataclass(frozen=True)
class PlumbDeployment:
    """Plumb's verifier on a chain.

    Attributes
    ----------
    address : str
        Where it stands.
    srs_id : bytes
        The universal parameters of the circuits that it knows.
    gas : int
        What creating it took; 0 if it was there before.
    contract_bytes : int
        Its code, in bytes; a chain allows 24,576.
    """

    address: str
    srs_id: bytes
    gas: int
    contract_bytes: int


@dataclass(frozen=True)
class PlumbRegistration:
    """A circuit that Plumb's verifier knows.

    Attributes
    ----------
    circuit_id : bytes
        Which one.
    gas : int
        What its registration took; 0 if it was registered before.
    model_bytes : int
        The code that the verifier keeps of it.
    """

    circuit_id: bytes
    gas: int
    model_bytes: int


class PlumbChain(Transactions):
    """What Plumb does on a chain."""

    def deploy_plumb(
        self,
        srs_id: bytes,
        *,
        verifier: str | None = None,
        allow_unsafe_srs: bool = False,
        on_estimate: OnEstimate | None = None,
    ) -> PlumbDeployment:
        """Create the verifier of all circuits on an SRS, where the chain has none yet.

        Parameters
        ----------
        srs_id : bytes
            The universal parameters.
        verifier : str, optional
            Address of a verifier that must be there; nothing is created then.
        allow_unsafe_srs : bool
            Take parameters of no known ceremony on a chain that may hold value.
        on_estimate : callable, optional
            Called before the transaction is sent; what it raises stops that.

        Raises
        ------
        SrsWithoutVerifier
            If no contract ships for the SRS.
        UnsafeSrsRefused
            If the SRS is not allowed there.
        NoContractCode, WrongContractCode
            If that verifier is not at ``verifier``.
        DeployerMissing
            If the chain lacks the contract that creates it.
        TransactionFailed
            If the transaction fails.
        """
        contract = plumb_verifier(srs_id)
        self._require_allowed(srs_id, None, allow_unsafe_srs)
        address, gas = verifier or plumb_address(srs_id), 0
        if verifier is None and not self.code_at(address):
            if self.code_at(DEPLOYER) != DEPLOYER_CODE:
                raise DeployerMissing(DEPLOYER, self.chain_id)  # A13
            data = SALT + contract.bytecode
            gas = self._announced(f"create {contract.name}", DEPLOYER, data, on_estimate)
        if self._require_plumb(address) != srs_id:
            raise WrongContractCode(address, contract.name)  # A13
        return PlumbDeployment(address, srs_id, gas, len(contract.runtime))

    def register_plumb(
        self,
        address: str,
        model: PlumbModel,
        *,
        allow_unsafe_srs: bool = False,
        on_estimate: OnEstimate | None = None,
    ) -> PlumbRegistration:
        """Have the verifier store a circuit's model, where it does not know it yet.

        Parameters
        ----------
        address : str
            The verifier's.
        model : PlumbModel
            The circuit.
        allow_unsafe_srs, on_estimate
            As for `deploy_plumb`.

        Raises
        ------
        ModelTooLarge
            If the model is larger than a contract may be.
        UnsafeSrsRefused
            If the SRS is not allowed there.
        NoContractCode, WrongContractCode
            If the verifier of the model's SRS is not at the address, or gives the circuit another
            id.
        VerificationReverted
            If the contract refuses the layout, the commitments or the registration; it says why.
        TransactionFailed
            If the transaction fails though the call did not.
        """
        name = plumb_verifier(model.srs_id).name
        model.require_fits()
        self._require_allowed(model.srs_id, model.circuit_id, allow_unsafe_srs)
        if self._require_plumb(address) != model.srs_id:
            raise WrongContractCode(address, name)  # A13
        gas = 0
        if not self.is_registered(address, model.circuit_id):
            data = encode_register(model)
            if self.call_raw(address, data) != model.circuit_id:
                raise WrongContractCode(address, name)  # A13
            gas = self._announced("register the circuit", address, data, on_estimate)
        return PlumbRegistration(model.circuit_id, gas, model.stored_bytes)

    def is_registered(self, address: str, circuit_id: bytes) -> bool:
        """Say whether Plumb's verifier at an address knows a circuit."""
        return int.from_bytes(self.call_raw(address, encode_is_registered(circuit_id)), "big") != 0

    def verify_together(
        self, address: str, statements: Sequence[PlumbStatement], *, transact: bool
    ) -> Receipt:
        """Have Plumb's verifier check several proofs at once; return if it accepts all of them.

        Parameters
        ----------
        address : str
            The verifier's.
        statements : sequence of PlumbStatement
            At least one; of any circuits that it knows.
        transact : bool
            Send a transaction after the call has succeeded; else only estimate what it would take.

        Raises
        ------
        VerificationReverted
            If the contract refuses one of them; it says why.
        NoContractCode, WrongContractCode
            If the verifier is not there.
        TransactionFailed
            If the transaction fails though the call did not.
        """
        self._require_plumb(address)
        return self._asked(address, encode_verify_together(statements), transact=transact)

    def is_plumb(self, address: str) -> bool:
        """Say whether the code at an address is Plumb's verifier, whoever put it there.

        Raises
        ------
        NoContractCode
            If there is none.
        """
        code = self._code_of(address)
        return any(artifact(name).immutables(code) is not None for name in VERIFIERS.values())

    def _require_plumb(self, address: str) -> bytes:
        """Refuse what is not Plumb's verifier as its constructor makes it; return its SRS's id.

        Other creation code than ours can return the verifier's code after it has stored models of
        its own choice under ids of its choice. That our constructor ran shows in the address,
        which follows from the code that was run there.
        """
        code = self._code_of(address)
        for srs_id, name in VERIFIERS.items():
            immutables = artifact(name).immutables(code)
            if immutables is None:
                continue
            layouts = artifact(LAYOUTS).runtime
            if self.code_at("0x" + immutables["LAYOUTS"][-20:].hex()) != layouts:
                raise WrongContractCode(address, name)  # A13
            if address.lower() != plumb_address(srs_id).lower():
                raise WrongContractCode(address, name)  # A13
            return srs_id
        raise WrongContractCode(address, "PlumbVerifier")  # A13

    def _require_allowed(self, srs_id: bytes, circuit_id: bytes | None, allowed: bool) -> None:
        safe = srs_id in CEREMONIES.values()
        if not (safe or allowed or is_development_chain(self.chain_id)):
            raise UnsafeSrsRefused(circuit_id, self.chain_id)  # A15

    def _announced(self, what: str, to: str, data: bytes, on_estimate: OnEstimate | None) -> int:
        """Send a transaction whose gas is told before; return what it took."""
        estimate = self._gas_of(to, data)
        if estimate > GAS_LIMIT:
            reason = f"to {what} takes {estimate:,} gas; a transaction may take {GAS_LIMIT:,}"
            raise TransactionFailed(reason)
        if on_estimate is not None:
            on_estimate(what, estimate)
        return self._send(to, data).gas
