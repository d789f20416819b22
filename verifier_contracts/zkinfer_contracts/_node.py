"""A chain behind a node's JSON-RPC interface."""

from __future__ import annotations

import time
from typing import Any

from ._accounts import Account, is_development_chain
from ._calldata import decode_revert
from ._chain import Chain
from ._errors import AccountMissing, NodeError, NodeUnreachable, TransactionFailed, mask_url
from ._rpc import JsonRpc, RpcError
from ._transactions import GAS_LIMIT, Mined

_POLL = 0.05
_LONGEST_POLL = 2.0


class Node(Chain):
    """A node, reached over HTTP.

    Parameters
    ----------
    url : str
        Its JSON-RPC address; what follows the host is shown nowhere.
    account : Account, optional
        Who pays for transactions. Without one, reading works everywhere, and transactions work on
        development chains, from the node's own first account.
    timeout : float
        Seconds to wait for an answer.
    mining_timeout : float
        Seconds to wait for a transaction to be mined.
    max_fee_per_gas : int
        The most to pay for a unit of gas, in wei, whatever the node suggests.

    Raises
    ------
    NodeUnreachable
        If nobody answers, or what answers is no Ethereum node.
    DevelopmentKeyRefused
        If the account's key is a published one and the chain is no development chain.
    """

    def __init__(
        self,
        url: str,
        account: Account | None = None,
        *,
        timeout: float = 30.0,
        mining_timeout: float = 180.0,
        max_fee_per_gas: int = 500 * 10**9,
    ) -> None:
        super().__init__()
        self._rpc = JsonRpc(url, timeout)
        self._shown_url = mask_url(url)
        self._account = account
        self._mining_timeout = mining_timeout
        self._max_fee_per_gas = max_fee_per_gas
        self.chain_id = self._integer("eth_chainId")
        client = str(self._rpc("web3_clientVersion"))[:60].split("/")
        self.name = f"{'/'.join(client[:2])} chain {self.chain_id}"
        if account is not None:
            account.require_fit_for(self.chain_id)

    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty if there is none."""
        return self._bytes("eth_getCode", address, "latest")

    def _call(self, to: str | None, data: bytes) -> bytes:
        call = {"data": "0x" + data.hex(), "gas": hex(GAS_LIMIT)}
        if to is not None:
            call["to"] = to
        try:
            return self._bytes("eth_call", call, "latest")
        except RpcError as error:
            if error.is_revert:
                raise decode_revert(error.data or b"") from None
            raise

    def _gas_of(self, to: str | None, data: bytes, sender: str | None = None) -> int:
        call = {"data": "0x" + data.hex()}
        if to is not None:
            call["to"] = to
        if sender is not None:
            call["from"] = sender
        try:
            return self._integer("eth_estimateGas", call)
        except RpcError as error:
            if error.is_revert:
                raise decode_revert(error.data or b"") from None
            raise

    def _send(self, to: str | None, data: bytes) -> Mined:
        sender = self._sender()
        # An estimate may fall short by the 64th that a call holds back.
        gas = min(GAS_LIMIT, self._gas_of(to, data, sender) * 5 // 4)
        transaction: dict[str, Any] = {"data": "0x" + data.hex(), "gas": gas}
        if to is not None:
            transaction["to"] = to
        try:
            digest = self._submit(transaction, sender)
        except NodeError as error:
            raise TransactionFailed(error.message) from None
        receipt = self._wait(digest)
        mined = Mined(
            gas=int(receipt["gasUsed"], 16),
            transaction_hash=digest,
            block_number=int(receipt["blockNumber"], 16),
            contract=receipt.get("contractAddress"),
        )
        if int(receipt["status"], 16) != 1:
            raise TransactionFailed(f"{digest} was mined in block {mined.block_number} as failed")
        return mined

    def _sender(self) -> str:
        if self._account is not None:
            self._account.require_fit_for(self.chain_id)
            return self._account.address
        if not is_development_chain(self.chain_id):
            raise AccountMissing(self.chain_id)  # A18
        accounts = self._rpc("eth_accounts")
        if not accounts:
            raise AccountMissing(self.chain_id)  # Usage
        return str(accounts[0])

    def _submit(self, transaction: dict[str, Any], sender: str) -> str:
        if self._account is None:
            request = {**transaction, "from": sender, "gas": hex(transaction["gas"])}
            return str(self._rpc("eth_sendTransaction", request))
        tip = self._tip()
        block = self._rpc("eth_getBlockByNumber", "latest", False)
        base = int(block["baseFeePerGas"], 16)
        if base + tip > self._max_fee_per_gas:
            raise TransactionFailed(
                f"gas costs {base + tip} wei a unit; the limit is {self._max_fee_per_gas}"
            )
        signed = self._account.sign(
            {
                "to": "",
                **transaction,
                "type": 2,
                "chainId": self.chain_id,
                "nonce": self._integer("eth_getTransactionCount", sender, "pending"),
                "value": 0,
                "maxPriorityFeePerGas": tip,
                "maxFeePerGas": min(2 * base + tip, self._max_fee_per_gas),
            }
        )
        return str(self._rpc("eth_sendRawTransaction", "0x" + signed.hex()))

    def _tip(self) -> int:
        try:
            return self._integer("eth_maxPriorityFeePerGas")
        except NodeError:
            return 10**9

    def _wait(self, digest: str) -> dict[str, Any]:
        deadline = time.monotonic() + self._mining_timeout
        pause = _POLL
        while True:
            receipt = self._rpc("eth_getTransactionReceipt", digest)
            if isinstance(receipt, dict):
                return receipt
            if time.monotonic() > deadline:
                raise TransactionFailed(f"{digest} was not mined in {self._mining_timeout:g} s")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL)

    def _integer(self, method: str, *parameters: Any) -> int:
        try:
            return int(self._rpc(method, *parameters), 16)
        except (TypeError, ValueError):
            raise NodeUnreachable(self._shown_url, f"its {method} is no number") from None

    def _bytes(self, method: str, *parameters: Any) -> bytes:
        try:
            return bytes.fromhex(self._rpc(method, *parameters).removeprefix("0x"))
        except (AttributeError, ValueError):
            raise NodeUnreachable(self._shown_url, f"its {method} is no data") from None
