"""Plumb, the proof system of prover/core/plumb, written to be read.

A second implementation, which shares no line with the first: plain integers, sums over every
product and every row where the other has closed forms, and the names of docs/protocol.md
throughout. It is slow, and its randomness comes from a seed: it is a specification that runs, for
networks of a few dozen weights.

Read `prover` beside `verifier`; each line that sends or receives a message has the message's name.

    field, curve      the scalar field, the curve and its pairing
    transcript        challenges from hashes, and the messages of a proof
    descriptor        a model's description: its bytes and what they say
    layout            which columns there are, in which order
    multilinear       extensions, sumcheck, the masks of Libra
    executor          the integers of an inference
    lookups, claims   what sumcheck A and sumcheck D are about
    mercury           commitments, and the opening of one column at one point
    keys              circuit id, committed inputs, statements
    prover, verifier  the protocol
    registration      the proof, made once, that hidden weights are in their ranges
    networks          small networks to try it on
    golden            the files that both implementations must reproduce
"""
