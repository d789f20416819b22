"""Osaka's price of modular exponentiation, by the examples of EIP-7883 and by hand."""

from __future__ import annotations

import pytest

from zkinfer_contracts import EmbeddedChain
from zkinfer_contracts._precompiles import modexp_gas


def given(base: int, exponent: bytes, modulus: int) -> bytes:
    lengths = (base, len(exponent), modulus)
    head = b"".join(length.to_bytes(32, "big") for length in lengths)
    return head + bytes(base) + exponent + bytes(modulus)


@pytest.mark.parametrize(
    ("data", "gas"),
    [
        # An inverse in a field of 254 bits: 16 for each of 253 squarings.
        (given(32, (1 << 253).to_bytes(32, "big"), 32), 16 * 253),
        (given(32, bytes(32), 32), 500),
        (given(1, b"\xff", 1), 500),
        # Longer than 32 bytes: twice the square of its words of 8 bytes.
        (given(33, b"\xff" * 32, 40), 2 * 25 * 255),
        (given(64, b"\x01", 64), 500),
        # Bits beyond the first 32 bytes count 16 a byte.
        (given(32, b"\x80" + bytes(39), 32), 16 * (255 + 16 * 8)),
        (given(32, bytes(40), 32), 16 * 16 * 8),
        (b"", 500),
        # Cut off where the exponent would stand: zeros follow.
        (given(32, b"\xff" * 32, 32)[:130], 16 * 255),
    ],
)
def test_price(data: bytes, gas: int) -> None:
    assert modexp_gas(data) == gas


def test_fork_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="berlin"):
        EmbeddedChain(fork="berlin")
