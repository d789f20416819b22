"""The scalar field of BN254: integers below P. A word is 32 bytes, big-endian."""

P = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class Malformed(Exception):
    """Bytes that are not even well-formed."""


class Rejected(Exception):
    """A well-formed proof that proves nothing."""


def word(value):
    """Return the word of a field element, or of a small number."""
    assert 0 <= value < P
    return value.to_bytes(32, "big")


def from_word(data):
    """Return the field element that a word encodes; nothing is reduced."""
    value = int.from_bytes(data, "big")
    if len(data) != 32 or value >= P:
        raise Malformed("a scalar is not canonical")
    return value


def signed(value):
    """Return the integer closest to zero that a field element stands for."""
    return value if value <= P // 2 else value - P


def inverse(value):
    return pow(value, -1, P)


def inner(u, v):
    return sum(x * y for x, y in zip(u, v, strict=True)) % P


def powers(base, n):
    """Return base^0, .., base^(n-1)."""
    out = [1]
    for _ in range(n - 1):
        out.append(out[-1] * base % P)
    return out[:n]
