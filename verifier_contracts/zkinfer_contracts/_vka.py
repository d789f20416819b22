"""What a VKA, ezkl's verifying key in its on-chain form, says about its proofs.

The same words as ``sources/EzklInferenceVerifier.sol`` reads; a test holds the two together.
"""

from __future__ import annotations

from ._ids import WORD, vka_words

_EVALUATIONS = 3
_PHASES = 33
_G1_BYTES = 64
_OPENING_BYTES = 2 * _G1_BYTES
_ENTRY_BITS = 24
_POINTS_MASK = 0xFFFF


def proof_length(vka: bytes) -> int:
    """Return the exact length of a circuit's proofs in bytes.

    ezkl's verifiers read as many points and evaluations as the key says and ignore what follows,
    so a proof of another length has to be refused by whoever calls them. The length is the points
    of each phase, the evaluations, and the two points of the opening. Phases: entries of 24 bits
    in words, above a byte with the number of words; in each the length of the points in bytes
    (16 bits) and the number of challenges (8 bits).

    Parameters
    ----------
    vka : bytes
        An 8-byte little-endian count, then that many 32-byte big-endian words.

    Raises
    ------
    ValueError
        If the VKA is malformed.
    """
    words = [int.from_bytes(word, "big") for word in vka_words(vka)]
    if len(words) <= _PHASES:
        raise ValueError(f"a VKA has more than {_PHASES} words; this one has {len(words)}")
    length = WORD * words[_EVALUATIONS] + _OPENING_BYTES
    entries = words[_PHASES]
    count, entries = entries & 0xFF, entries >> 8
    for i in range(count):
        while entries:
            length += entries & _POINTS_MASK
            entries >>= _ENTRY_BITS
        if _PHASES + i + 1 >= len(words):
            raise ValueError("the VKA's phases run past its end")
        entries = words[_PHASES + i + 1]
    return length
