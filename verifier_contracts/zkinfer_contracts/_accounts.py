"""Accounts that pay for transactions: keys stay in here.

A key comes from an encrypted keystore file, is held by one closure, and leaves it only as
signatures: it is in no attribute, no ``repr``, no pickle, no message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from ._errors import ChainSupportMissing, DevelopmentKeyRefused, KeystoreError

DEVELOPMENT_CHAINS = frozenset({1337, 31337, 131277322940537})
"""Ganache and geth --dev, hardhat and anvil, eth-tester."""

DEVELOPMENT_ADDRESSES = frozenset(
    {
        # Mnemonic "test test test test test test test test test test test junk".
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
        "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
        "0xbcd4042de499d14e55001ccbb24a551f3b954096",
        "0x71be63f3384f5fb98995898a86b02fb2426c5788",
        "0xfabb0ac9d68b0b445fb7357272ff202c5651694a",
        "0x1cbd3b2770909d4e10f157cabc84c7264073c9ec",
        "0xdf3e18d64bc6a983f673ab319ccae4f1a57c7097",
        "0xcd3b766ccdd6ae721141f452c550ca635964ce71",
        "0x2546bcd3c84621e976d8185a91a922ae77ecec30",
        "0xbda5747bfd65f08deb54cb465eb87d40e51b197e",
        "0xdd2fd4581271e230360230f9337d5c0430bf44c0",
        "0x8626f6940e2eb28930efb4cef49b2d1f2c9c1199",
        # Ganache's deterministic mnemonic.
        "0x90f8bf6a479f320ead074411a4b0e7944ea8c9c1",
        "0xffcf8fdee72ac11b5c542428b35eef5769c409f0",
        "0x22d491bde2303f2f43325b2108d26f1eaba1e32b",
        "0xe11ba2b4d45eaed5996cd0823791e0c93114882d",
        "0xd03ea8624c8c5987235048901fb614fdca89b117",
        "0x95ced938f7991cd0dfcb48f0a06a40fa1af46ebc",
        "0x3e5e9111ae8eb78fe1cc3bb8915d5d461f3ef9a9",
        "0x28a8746e75304c0780e011bed21c72cd78cd535e",
        "0xaca94ef8bd5ffee41947b4585a84bda5a3d3da6e",
        "0x1df62f291b2e969fb0849d99d9ce41e2f137006e",
        # eth-tester's: the keys 1 to 10.
        "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
        "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf",
        "0x6813eb9362372eef6200f3b1dbc3f819671cba69",
        "0x1eff47bc3a10a45d4b230b5d10e37751fe6aa718",
        "0xe1ab8145f7e55dc933d51a18c793f901a3a0b276",
        "0xe57bfe9f44b819898f47bf37e5af72a0783e1141",
        "0xd41c057fd1c78805aac12b0a94a405c0461a6fbb",
        "0xf1f6619b38a98d6de0800f1defc0a6399eb6d30c",
        "0xf7edc8fa1ecc32967f827c9043fcae6ba73afa5c",
        "0x4cceba2d7d2b4fdce4304d3e09a1fea9fbeb1528",
    }
)
"""Addresses, in lower case, whose keys are printed in every tutorial."""

_LARGEST_KEYSTORE = 65_536
_LARGEST_KDF_MEMORY = 1 << 30


def is_development_chain(chain_id: int) -> bool:
    """Say whether a chain id is one that development nodes use."""
    return chain_id in DEVELOPMENT_CHAINS


class Account:
    """An account that signs. Made by :func:`load_keystore`; it shows its address only."""

    __slots__ = ("_address", "_sign")

    def __init__(self, address: str, sign: Callable[[Mapping[str, Any]], bytes]) -> None:
        self._address = address
        self._sign = sign

    @property
    def address(self) -> str:
        """Its address, with EIP-55's checksum."""
        return self._address

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """Return a transaction, signed and ready to send."""
        return self._sign(transaction)

    def require_fit_for(self, chain_id: int) -> None:
        """Refuse a published key on a chain that is no development chain.

        Raises
        ------
        DevelopmentKeyRefused
            If the key is known to everyone, and the chain may hold value.
        """
        if self._address.lower() in DEVELOPMENT_ADDRESSES and not is_development_chain(chain_id):
            raise DevelopmentKeyRefused(self._address, chain_id)  # A18

    def __repr__(self) -> str:
        return f"Account({self._address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an account is not pickled: it would take its key along")


def load_keystore(path: str | PathLike[str], password: Callable[[], str]) -> Account:
    """Decrypt a keystore file (Web3 Secret Storage, version 3) into an account.

    Parameters
    ----------
    path : str or path
        The file, as geth, foundry's ``cast wallet`` and eth-account write it.
    password : callable
        Asked once, after the file has been read and looks like a keystore.

    Raises
    ------
    KeystoreError
        If the file cannot be read, is no keystore, or the password is wrong.
    ChainSupportMissing
        If eth-account is not installed.
    """
    try:
        from eth_account import Account as Signer
    except ImportError:
        raise ChainSupportMissing("eth-account") from None
    shown = str(Path(path))
    keystore = _read(Path(path), shown)
    secret = password()
    try:
        signer = Signer.from_key(Signer.decrypt(keystore, secret))
    except ValueError as error:
        reason = "wrong password" if "MAC" in str(error) else "it does not decrypt"
        raise KeystoreError(shown, reason) from None
    except (KeyError, TypeError, NotImplementedError):
        raise KeystoreError(shown, "it is no version 3 keystore") from None

    def sign(transaction: Mapping[str, Any]) -> bytes:
        # eth-account takes no address in lower case; bytes have no case.
        transaction = {**transaction, "to": bytes.fromhex(transaction["to"].removeprefix("0x"))}
        return bytes(signer.sign_transaction(transaction).raw_transaction)

    return Account(str(signer.address), sign)


def _read(path: Path, shown: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_KEYSTORE + 1)
    except OSError as error:
        raise KeystoreError(shown, error.strerror or "it cannot be read") from None
    if len(text) > _LARGEST_KEYSTORE:
        raise KeystoreError(shown, f"it is longer than {_LARGEST_KEYSTORE} bytes")
    try:
        keystore = json.loads(text)
        parameters = {k.lower(): v for k, v in keystore.items()}["crypto"]["kdfparams"]
        memory = 128 * int(parameters.get("n", 0)) * int(parameters.get("r", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Not `from error`: the file may hold a key in clear, and the error would quote it.
        raise KeystoreError(shown, "it is no version 3 keystore") from None
    if memory > _LARGEST_KDF_MEMORY:
        raise KeystoreError(shown, f"decrypting it takes {memory} bytes of memory")
    return dict(keystore)
