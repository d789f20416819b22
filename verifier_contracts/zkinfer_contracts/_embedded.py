"""An Ethereum chain inside this process: py-evm, with Prague's rules, or at Osaka's prices."""

from __future__ import annotations

from typing import Any

from ._calldata import decode_revert
from ._chain import Chain
from ._errors import ChainSupportMissing, TransactionFailed
from ._plumb import DEPLOYER, DEPLOYER_CODE
from ._precompiles import accelerated_vm, available, osaka_priced_vm
from ._transactions import GAS_LIMIT, Mined

_CREATED = bytes(18) + b"\xff\xff"


class EmbeddedChain(Chain):
    """A fresh chain with one block per transaction, gone with the object.

    It does not know Osaka's limit of gas per transaction, which is applied here to every
    transaction all the same.

    Parameters
    ----------
    fork : str
        ``"prague"``, or ``"osaka"`` for Osaka's price of modular exponentiation, which is what
        its gas for these contracts differs by: 2,699 for each call of that precompile.
    native : bool, optional
        Run the elliptic-curve precompiles in pyrevm (twenty times as fast, the same gas). By
        default if it is installed.

    Raises
    ------
    ValueError
        If there is no such fork.
    ChainSupportMissing
        If py-evm, or pyrevm where it is asked for, is not installed.
    """

    def __init__(self, *, native: bool | None = None, fork: str = "prague") -> None:
        super().__init__()
        if fork not in ("prague", "osaka"):
            raise ValueError(f"no fork {fork!r}; there are 'prague' and 'osaka'")
        try:
            from eth.vm.forks.prague import PragueVM
            from eth_tester import EthereumTester, PyEVMBackend
        except ImportError:
            raise ChainSupportMissing("eth-tester with py-evm") from None
        if native is None:
            native = available()
        elif native and not available():
            raise ChainSupportMissing("pyrevm")
        machine = accelerated_vm(PragueVM) if native else PragueVM
        self.native, self.fork = native, fork
        if fork == "osaka":
            machine = osaka_priced_vm(machine)
        self._start(EthereumTester, PyEVMBackend, machine)

    def _start(self, tester: Any, backend: Any, machine: Any) -> None:
        # Nine accounts with money, and a contract that real chains have.
        genesis = backend.generate_genesis_state(num_accounts=9)
        genesis[_raw(DEPLOYER)] = {"balance": 0, "nonce": 1, "code": DEPLOYER_CODE, "storage": {}}
        made = backend(genesis_state=genesis, vm_configuration=((0, machine),))
        self._tester = tester(made)
        self._account = self._tester.get_accounts()[0]
        self.chain_id = int(self._tester.backend.chain.chain_id)
        rules = "Prague" if self.fork == "prague" else "Prague at Osaka's prices"
        self.name = f"embedded (py-evm, {rules})"

    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty if there is none."""
        return bytes.fromhex(self._tester.get_code(address).removeprefix("0x"))

    def _call(self, to: str | None, data: bytes) -> bytes:
        machine = self._tester.backend.chain.get_vm()
        state = machine.state
        sender = _raw(self._account)
        before = state.snapshot()
        computation = machine.execute_bytecode(
            origin=sender,
            gas_price=0,
            gas=GAS_LIMIT,
            # To py-evm, code is code: creation runs at an address that nobody uses.
            to=_CREATED if to is None else _raw(to),
            sender=sender,
            value=0,
            data=b"" if to is None else data,
            code=data if to is None else state.get_code(_raw(to)),
        )
        state.revert(before)
        if computation.is_error:
            raise decode_revert(bytes(computation.output))
        return bytes(computation.output)

    def _send(self, to: str | None, data: bytes) -> Mined:
        transaction: dict[str, Any] = {
            "from": self._account,
            "data": "0x" + data.hex(),
            "gas": GAS_LIMIT,
        }
        if to is not None:
            transaction["to"] = to
        receipt = self._tester.get_transaction_receipt(self._tester.send_transaction(transaction))
        if receipt["status"] != 1:
            self._call(to, data)
            raise TransactionFailed("it was mined as failed, and a call says nothing of it")
        return Mined(
            gas=receipt["gas_used"],
            transaction_hash=receipt["transaction_hash"],
            block_number=receipt["block_number"],
            contract=receipt["contract_address"],
        )

    def _gas_of(self, to: str | None, data: bytes) -> int:
        # eth-tester's estimate is a search that runs the proof some thirty times.
        before = self._tester.take_snapshot()
        try:
            return self._send(to, data).gas
        finally:
            self._tester.revert_to_snapshot(before)


def _raw(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))
