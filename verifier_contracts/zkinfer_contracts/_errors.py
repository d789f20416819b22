"""What can go wrong between here and a chain.

::

    ContractError
    |-- ChainSupportMissing     the packages for it are not installed
    |-- NodeUnreachable         no answer, or none that is JSON-RPC
    |-- NodeError               the node answered with an error of its own
    |-- NoContractCode          nothing at that address
    |-- WrongContractCode       something else at that address
    |-- VerificationReverted    the contract refused: the proof, or the call
    |-- TransactionFailed       a transaction was refused, lost, or mined as failed
    |-- AccountMissing          a real chain, and no account to pay with
    |-- KeystoreError           no key out of that file
    |-- DevelopmentKeyRefused   a key that everyone has, on a chain that is not a toy
    |-- UnsafeSrsRefused        a forgeable circuit, on a chain that is not a toy
    |-- SrsWithoutVerifier      no contract of ours knows these universal parameters
    |-- ModelTooLarge           more data than a contract may have
    `-- DeployerMissing         the chain lacks the contract that creates others
"""

from __future__ import annotations

from urllib.parse import urlsplit


def mask_url(url: str) -> str:
    """Return scheme, host and port of a URL; the rest may hold a name, a password or a key."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "<unreadable URL>"
    if not host:
        return "<unreadable URL>"
    shown = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    hidden = parts.username or parts.password or parts.query or parts.path.strip("/")
    return f"{shown}/***" if hidden else shown


class ContractError(Exception):
    """Base of this package's errors."""


class ChainSupportMissing(ContractError, ImportError):
    """A package that talks to chains is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(f"{package} is not installed; `pip install 'zkinfer[chain]'` brings it")


class NodeUnreachable(ContractError, ConnectionError):
    """Nobody answers at a URL, or what answers speaks no JSON-RPC."""

    def __init__(self, url: str, reason: str = "no answer") -> None:
        self.url = mask_url(url)
        self.reason = reason
        super().__init__(f"no Ethereum node at {self.url}: {reason}")


class NodeError(ContractError):
    """A node answered a request with an error that is no revert."""

    def __init__(self, method: str, code: int, message: str) -> None:
        self.method = method
        self.code = code
        self.message = message
        super().__init__(f"the node refused {method}: {message} ({code})")


class NoContractCode(ContractError):
    """There is no contract at an address."""

    def __init__(self, address: str, chain_id: int) -> None:
        self.address = address
        self.chain_id = chain_id
        super().__init__(
            f"no contract at {address} on chain {chain_id}; is it the address of another chain?"
        )


class WrongContractCode(ContractError):
    """The contract at an address is not the one that this package ships."""

    def __init__(self, address: str, contract: str) -> None:
        self.address = address
        self.contract = contract
        super().__init__(
            f"the contract at {address} is not this version's {contract}; "
            f"nothing follows from what it accepts"
        )


class VerificationReverted(ContractError):
    """A contract refused a call.

    Attributes
    ----------
    name : str
        Name of the custom error; "Error" for a text, "Panic" for Solidity's own; empty if the
        contract gave no reason (calldata that does not decode, or out of gas) or an unknown one.
    selector : str
        First four bytes of the reason, "0x" and hexadecimal; "0x" if there was none.
    arguments : tuple
        The error's arguments: integers, bytes, 0x-addresses and texts.
    """

    def __init__(self, name: str, selector: str, arguments: tuple[object, ...]) -> None:
        self.name = name
        self.selector = selector
        self.arguments = arguments
        shown = ", ".join(f"0x{a.hex()}" if isinstance(a, bytes) else str(a) for a in arguments)
        reason = f"{name}({shown})" if name else f"no known reason (selector {selector})"
        super().__init__(f"the contract refused: {reason}")


class TransactionFailed(ContractError):
    """A transaction was not accepted, not mined in time, or mined as failed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the transaction failed: {reason}")


class AccountMissing(ContractError):
    """A transaction needs an account, and none was given."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id = chain_id
        super().__init__(
            f"chain {chain_id} is no development chain: give an account from a keystore file"
        )


class KeystoreError(ContractError, ValueError):
    """No key could be read from a keystore file."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"keystore {path}: {reason}")


class DevelopmentKeyRefused(ContractError):
    """The key is one of those that every development tool publishes."""

    def __init__(self, address: str, chain_id: int) -> None:
        self.address = address
        self.chain_id = chain_id
        super().__init__(
            f"the key of {address} is published with development tools: anyone can spend what it "
            f"holds on chain {chain_id}; use another"
        )


class UnsafeSrsRefused(ContractError):
    """The circuit was set up on an SRS of no known ceremony; its id is None before there is one."""

    def __init__(self, circuit_id: bytes | None, chain_id: int) -> None:
        self.circuit_id = circuit_id
        self.chain_id = chain_id
        what = "this verifier" if circuit_id is None else f"circuit 0x{circuit_id.hex()}"
        super().__init__(
            f"{what} stands on an SRS of no known ceremony, so that its "
            f"maker can forge proofs; set it up on a ceremony's before deploying to chain "
            f"{chain_id}, or allow it explicitly"
        )


class SrsWithoutVerifier(ContractError, ValueError):
    """No contract of this release verifies proofs on an SRS."""

    def __init__(self, srs_id: bytes) -> None:
        self.srs_id = srs_id
        super().__init__(
            f"no verifier of Plumb's proofs ships for the SRS 0x{srs_id.hex()}: the contracts are "
            f"for the ceremony ppot-0085, and for the parameters that tests use"
        )


class ModelTooLarge(ContractError, ValueError):
    """A model's descriptor and commitments are longer than a contract's code may be."""

    def __init__(self, got: int, limit: int, descriptor: int, chunks: int) -> None:
        self.got = got
        self.limit = limit
        super().__init__(
            f"the model takes {got:,} bytes on chain, and a contract may have {limit:,}: a "
            f"descriptor of {descriptor:,} bytes and {chunks:,} commitments of 64"
        )


class DeployerMissing(ContractError):
    """A chain has no contract that creates others at addresses that follow from their code."""

    def __init__(self, address: str, chain_id: int) -> None:
        self.address = address
        self.chain_id = chain_id
        super().__init__(
            f"chain {chain_id} has no deterministic deployer at {address}; create it first "
            f"(github.com/Arachnid/deterministic-deployment-proxy)"
        )
