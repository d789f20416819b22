"""The prover's core of zkinfer: private, use the package ``zkinfer``.

Integers are arrays of int64 that offer the buffer protocol, in the order of their indices. Whatever
takes long lets other threads run. ``on_progress(stage, done)`` is called before each step with its
name and the fraction of the work that is done; what it raises ends the work, and so does Ctrl-C.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict, final

from numpy.typing import NDArray
from typing_extensions import Buffer

__all__ = [
    "Cancelled",
    "CommittedInput",
    "CoreError",
    "CoreFailed",
    "InputRefused",
    "KeyMalformed",
    "LayoutRefused",
    "ProofMalformed",
    "ProofRejected",
    "ProvingKey",
    "Srs",
    "SrsRefused",
    "StatementRefused",
    "VerifyingKey",
    "WeightsRefused",
    "WitnessOutOfRange",
    "check_descriptor",
    "commit_input",
    "execute",
    "msm_seconds",
    "prove",
    "setup",
    "verify",
]

# numpy calls its arrays buffers from Python 3.12 on only
_Integers = Buffer | NDArray[Any]
_OnProgress = Callable[[str, float], object]
_Visibility = Literal["hidden", "committed", "public"]

class CoreError(Exception):
    """What the core refuses or fails at."""

class LayoutRefused(CoreError):
    """A descriptor is malformed, or its layout is not sound."""

class WeightsRefused(CoreError):
    """Weights do not fit the descriptor; layer counts linear layers, None is not known."""

    layer: int | None
    map: int | None
    position: int | None
    value: int | None
    low: int | None
    high: int | None

class SrsRefused(CoreError):
    """Universal parameters are wrong, too small, or others than the key's."""

class KeyMalformed(CoreError):
    """Bytes are no key, or no committed input."""

class InputRefused(CoreError):
    """Another number of inputs, or another committed input."""

class WitnessOutOfRange(CoreError):
    """A value is out of its range: an activation of a layer, or an input, where layer is None."""

    layer: int | None
    map: None
    position: int
    value: int
    low: int
    high: int

class StatementRefused(CoreError):
    """Public inputs or context are not of this circuit."""

class ProofMalformed(CoreError):
    """Bytes are no proof of this circuit."""

class ProofRejected(CoreError):
    """A well-formed proof that proves nothing."""

class Cancelled(CoreError):
    """The work was stopped; also for a callback to raise."""

class CoreFailed(CoreError):
    """The core itself failed: no randomness, a fork, a bug."""

class _Sizes(TypedDict):
    log_rows: int
    batch: int
    phase1_columns: int
    phase2_columns: int
    weight_chunks: int
    columns: int
    linear_layers: int
    inputs: int
    outputs: int
    public_inputs: int
    proof_bytes: int
    input_visibility: _Visibility
    weight_visibility: _Visibility

@final
class Srs:
    """Universal parameters: 2^log_size powers of one secret, checked."""

    @staticmethod
    def from_bytes(g1: bytes, g2: bytes) -> Srs:
        """Check 2^c points of 64 bytes, and two of 128; raises SrsRefused."""
    def to_bytes(self) -> tuple[bytes, bytes]:
        """Return the bytes that from_bytes reads."""
    def truncated(self, log_size: int) -> Srs:
        """Return the same parameters for smaller circuits; raises SrsRefused."""
    @property
    def log_size(self) -> int: ...
    @property
    def id(self) -> bytes:
        """keccak256 of both tau points, whatever the size."""

@final
class VerifyingKey:
    """What a verifier needs."""

    @staticmethod
    def from_bytes(bytes: bytes) -> VerifyingKey:
        """Read a key and check all of it; raises KeyMalformed. Whose parameters: srs_id."""
    def to_bytes(self) -> bytes: ...
    @property
    def circuit_id(self) -> bytes: ...
    @property
    def srs_id(self) -> bytes: ...
    @property
    def descriptor(self) -> bytes: ...
    @property
    def commitments(self) -> list[bytes]:
        """Those of the weights: 64 bytes for each chunk."""
    @property
    def registration(self) -> bytes:
        """The proof that hidden weights are in their ranges, checked; empty for public ones."""
    @property
    def proof_bytes(self) -> int: ...

@final
class ProvingKey:
    """What a prover needs; secret where the weights are hidden."""

    @staticmethod
    def from_bytes(bytes: bytes) -> ProvingKey:
        """Read your own key, not a stranger's: C_W is not recomputed; raises KeyMalformed."""
    def to_bytes(self) -> bytes: ...
    def verifying_key(self) -> VerifyingKey: ...

@final
class CommittedInput:
    """An input behind its commitment; secret."""

    @staticmethod
    def from_bytes(vk: VerifyingKey, bytes: bytes) -> CommittedInput:
        """Read one that was made for this circuit; raises KeyMalformed."""
    def to_bytes(self, vk: VerifyingKey) -> bytes: ...
    @property
    def commitment(self) -> bytes:
        """C_in, 64 bytes: may be published."""

def check_descriptor(descriptor: bytes) -> _Sizes:
    """Check a descriptor's layout, and say how large everything is; raises LayoutRefused."""

def setup(
    srs: Srs,
    descriptor: bytes,
    weights: Sequence[tuple[Sequence[_Integers], _Integers]],
    *,
    on_progress: _OnProgress | None = None,
) -> ProvingKey:
    """Check the layout, salt hidden weights, commit to them and register them.

    ``weights`` has for each linear layer the weights of each map, in the order (out, channel,
    height, width) or, for a depthwise window, (channel, height, width); and the biases.
    Raises LayoutRefused, WeightsRefused, SrsRefused.
    """

def execute(
    descriptor: bytes,
    weights: Sequence[tuple[Sequence[_Integers], _Integers]],
    inputs: _Integers,
) -> list[int]:
    """Run a batch of inferences on integers, without a proof; return the public outputs.

    Raises LayoutRefused, WeightsRefused, InputRefused, WitnessOutOfRange.
    """

def commit_input(srs: Srs, vk: VerifyingKey, inputs: _Integers) -> CommittedInput:
    """Commit to an input, with fresh salts; raises InputRefused, SrsRefused, CoreFailed."""

def prove(
    srs: Srs,
    pk: ProvingKey,
    inputs: _Integers,
    context: bytes,
    *,
    committed: CommittedInput | None = None,
    on_progress: _OnProgress | None = None,
) -> tuple[bytes, list[int]]:
    """Prove a batch of inferences; return the proof and its public inputs.

    Raises InputRefused, WitnessOutOfRange, StatementRefused, SrsRefused.
    """

def verify(vk: VerifyingKey, proof: bytes, public_inputs: Sequence[int], context: bytes) -> None:
    """Return if the proof convinces; raises StatementRefused, ProofMalformed, ProofRejected."""

def msm_seconds(srs: Srs, vk: VerifyingKey) -> float:
    """Return what the multi-scalar multiplications of one proof take alone, by ark-ec."""
