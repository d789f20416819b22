"""Elements of the scalar field of BN254, as public inputs are written.

The modulus r is the order of the curve's group (Ethereum yellow paper, appendix E; EIP-197).
"""

from __future__ import annotations

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
BYTES = 32


def field_element_to_bytes(value: int) -> bytes:
    """Return the 32 big-endian bytes of an element in [0, r)."""
    if not 0 <= value < R:
        raise ValueError("not a field element")
    return value.to_bytes(BYTES, "big")


def to_signed(value: int) -> int:
    """Return the integer in (-r/2, r/2] that the element stands for."""
    return value if value <= R // 2 else value - R


def from_signed(value: int) -> int:
    """Return the element that stands for an integer in (-r/2, r/2]."""
    return value % R
