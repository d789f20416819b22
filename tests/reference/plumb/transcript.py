"""Fiat-Shamir with keccak256, the seeded randomness of tests, and the messages of a proof."""

from Crypto.Hash import keccak

from .field import Malformed, P, Rejected, from_word, word


def keccak256(*parts):
    return keccak.new(digest_bits=256, data=b"".join(parts)).digest()


def label_word(label):
    return label.encode("ascii").ljust(32, b"\0")


class Transcript:
    """A state; absorbing replaces it by a hash of itself, and so do challenges but the first."""

    def __init__(self, domain):
        self.state = keccak256(label_word(domain))
        self.fresh = False  # left by an absorption, and no challenge yet
        self.counter = 0  # of the challenges that were hashed

    def absorb(self, label, words):
        self.state = keccak256(self.state, label_word(label), *words)
        self.fresh = True

    def challenge(self, label):
        """Return a challenge from a state that no other comes from."""
        if not self.fresh:
            self.counter += 1
            self.state = keccak256(self.state, label_word(label), word(self.counter))
        self.fresh = False
        return int.from_bytes(self.state, "big") % P

    def nonzero_challenge(self, label):
        value = self.challenge(label)
        if value == 0:
            raise Rejected(f"challenge {label} is zero")
        return value

    def challenges(self, label, n):
        return [self.challenge(label) for _ in range(n)]


class Seeded:
    """Field elements that anybody can recompute: for comparing implementations only."""

    def __init__(self, seed):
        self.seed = seed
        self.counter = 0

    def one(self):
        """Return 254 bits of a hash that happen to be below P."""
        while True:
            self.counter += 1
            data = keccak256(b"insecure", word(self.seed), word(self.counter))
            value = int.from_bytes(data, "big") % (1 << 254)
            if value < P:
                return value

    def fields(self, n):
        return [self.one() for _ in range(n)]


class Sender:
    """The prover's side of the channel: a message is written into the proof and absorbed."""

    def __init__(self, transcript):
        self.transcript = transcript
        self.messages = []

    def words(self, name, words, *, absorb=True):
        self.messages.append((name, list(words)))
        if absorb:
            self.transcript.absorb(name, words)

    def scalars(self, name, values):
        self.words(name, [word(v % P) for v in values])

    def proof(self):
        return b"".join(w for _, words in self.messages for w in words)


class Receiver:
    """The verifier's side: a message is read from the proof and absorbed."""

    def __init__(self, transcript, proof, expected):
        if len(proof) != 32 * expected:
            raise Malformed(f"a proof of {32 * expected} bytes, got {len(proof)}")
        self.transcript = transcript
        self.rest = [proof[i : i + 32] for i in range(0, len(proof), 32)]
        self.messages = []

    def words(self, name, n, *, absorb=True):
        words, self.rest = self.rest[:n], self.rest[n:]
        self.messages.append((name, words))
        if absorb:
            self.transcript.absorb(name, words)
        return words

    def scalars(self, name, n):
        return [from_word(w) for w in self.words(name, n)]
