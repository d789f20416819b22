"""Transactions and calls, on whichever chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ._errors import NoContractCode, TransactionFailed
from ._ids import checksum_address

GAS_LIMIT = 16_777_216
"""The most gas that one transaction may ask for (EIP-7825)."""


@dataclass(frozen=True)
class Receipt:
    """An accepted proof.

    Attributes
    ----------
    gas : int
        What the transaction took; without one, what it would take.
    transaction_hash : str or None
        Of the transaction, if one was sent.
    block_number : int or None
        The block it is in, if one was sent.
    """

    gas: int
    transaction_hash: str | None
    block_number: int | None


@dataclass(frozen=True)
class Mined:
    """A transaction in a block."""

    gas: int
    transaction_hash: str
    block_number: int
    contract: str | None


class Transactions(ABC):
    """What an embedded chain and a node have in common.

    Attributes
    ----------
    name : str
        For people.
    chain_id : int
        As in EIP-155.
    """

    name: str
    chain_id: int

    # What a kind of chain provides.

    @abstractmethod
    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty if there is none."""

    @abstractmethod
    def _call(self, to: str | None, data: bytes) -> bytes: ...

    @abstractmethod
    def _send(self, to: str | None, data: bytes) -> Mined: ...

    @abstractmethod
    def _gas_of(self, to: str | None, data: bytes) -> int: ...

    # What follows from it.

    def call_raw(self, address: str, data: bytes) -> bytes:
        """Run a call without a transaction; return what the contract returns.

        Raises
        ------
        VerificationReverted
            If the call reverts.
        NodeError
            If a node refuses to run it.
        """
        return self._call(address, data)

    def deploy(self, bytecode: bytes) -> tuple[str, int]:
        """Create a contract from its creation code, arguments included; return address and gas.

        Raises
        ------
        VerificationReverted
            If the constructor reverts.
        TransactionFailed
            If the transaction is refused or fails in another way.
        """
        mined = self._send(None, bytecode)
        if mined.contract is None:
            raise TransactionFailed("its receipt names no contract")
        return checksum_address(mined.contract), mined.gas

    def _asked(self, address: str, data: bytes, *, transact: bool) -> Receipt:
        """Run a call that returns or reverts; then send it, or say what that would take."""
        self.call_raw(address, data)
        if not transact:
            return Receipt(self._gas_of(address, data), None, None)
        mined = self._send(address, data)
        return Receipt(mined.gas, mined.transaction_hash, mined.block_number)

    def _code_of(self, address: str) -> bytes:
        code = self.code_at(address)
        if not code:
            raise NoContractCode(address, self.chain_id)
        return code

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
