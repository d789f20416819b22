"""Circuit ids, committed inputs, statements, proofs."""

from dataclasses import dataclass

from . import curve
from .descriptor import COMMITTED, PUBLIC, Descriptor
from .executor import input_column, weight_chunks
from .field import Malformed, P, from_word, signed, word
from .layout import Layout
from .mercury import WORDS, point_words
from .transcript import Seeded, keccak256, label_word

DOMAIN = "plumb-v1"


class Key:
    """What a verifier needs."""

    def __init__(self, parameters, descriptor, weights):
        self.parameters = parameters
        self.layout = Layout(Descriptor.from_bytes(descriptor))
        self.weights = weights
        words = [w for words in self.weight_words() for w in words]
        self.circuit_id = keccak256(
            label_word("plumb-circuit-v1"), parameters.id(), keccak256(descriptor), *words
        )

    def weight_words(self):
        return [point_words(point) for point in self.weights]

    def proof_words(self):
        layout = self.layout
        commitments = 2 * (len(layout.phase1) + 2 + len(layout.phase2))
        rounds = sum(layout.degrees_a) + sum(layout.degrees_d)
        # H_A, the values at k, mu
        values = 1 + layout.values_at_k() + 1
        return commitments + rounds + values + WORDS


class Model:
    """What a prover needs beside an input: the weights, and the salts of hidden ones."""

    def __init__(self, parameters, descriptor, model, seed):
        layout = Layout(Descriptor.from_bytes(descriptor))
        self.random = Seeded(seed)  # a registration draws on
        salts = self.random.fields(len(layout.descriptor.salts))
        self.model = model
        self.chunks = weight_chunks(layout, model, salts)
        self.key = Key(parameters, descriptor, [parameters.commit(chunk) for chunk in self.chunks])


class CommittedInput:
    """An input behind its hiding commitment C_in."""

    def __init__(self, key, inputs, seed):
        salts = Seeded(seed).fields(len(key.layout.descriptor.input_salts))
        self.column = input_column(key.layout, inputs, salts)
        self.commitment = key.parameters.commit(self.column)


@dataclass
class Statement:
    """What a proof is about; ctx are 32 bytes chosen by whoever relies on it."""

    circuit_id: bytes
    ctx: bytes
    commitment: tuple | None
    inputs: list
    outputs: list

    def words(self):
        commitment = point_words(self.commitment) if self.commitment else []
        return [*commitment, *(word(v % P) for v in [*self.inputs, *self.outputs])]

    @classmethod
    def from_words(cls, key, words, ctx):
        """Read public inputs: each value must be an integer of its domain."""
        layout, visibility = key.layout, key.layout.descriptor.input_visibility
        before = {COMMITTED: 2, PUBLIC: layout.inputs()}.get(visibility, 0)
        if len(words) != before + layout.outputs() or len(ctx) != 32:
            raise Malformed("another number of public inputs")
        first, outputs = words[:before], words[before:]
        commitment, inputs = None, []
        if visibility == COMMITTED:
            commitment = curve.from_bytes(b"".join(first))
            if commitment is None:
                raise Malformed("the input's commitment is the identity")
        elif visibility == PUBLIC:
            inputs = integers(first, layout.descriptor.input_domain)
        return cls(
            key.circuit_id, ctx, commitment, inputs, integers(outputs, layout.output_domain())
        )

    def absorb(self, layout, transcript):
        d = layout.descriptor
        numbers = [d.input_visibility, d.batch, layout.inputs(), layout.outputs()]
        words = [self.circuit_id, self.ctx, *map(word, numbers), *self.words()]
        transcript.absorb("statement", words)


def integers(words, domain):
    """Return words as integers of a domain, both ends included; canonical is not enough."""
    values = [signed(from_word(w)) for w in words]
    if not all(domain[0] <= v <= domain[1] for v in values):
        raise Malformed("a public value is no integer of its domain")
    return values
