"""What can be wrong, one class per cause.

The branches that hang on `ZkinferError` besides those of `zkinfer_circuits`
(ZK1xx and ZK211, the model; ZK201 to ZK204, the input of a run)::

    ZkinferError
    ├── CalibrationInvalid         ZK205  ValueError
    ├── InputFileUnreadable        ZK206  ValueError
    ├── VisibilityUnsupported      ZK210  ValueError
    ├── ContextInvalid             ZK212  ValueError
    ├── ArgumentInvalid            ZK213  ValueError
    ├── ProgramMissing             ZK214  ValueError    a circuit without a reference to run
    ├── BackendError               ZK300               the proof system could not do its work
    │   ├── BackendMissing         ZK301  ImportError   (exit status 3)
    │   ├── BackendCrashed         ZK302  RuntimeError  (exit status 3)
    │   ├── BackendFailed          ZK303  RuntimeError  (exit status 3)
    │   └── NotEnoughMemory        ZK310  MemoryError   (exit status 3)
    ├── ArtifactError              ZK400               a file of ours cannot be used
    │   ├── ArtifactNotFound       ZK401  FileNotFoundError
    │   ├── ArtifactMalformed      ZK402  ValueError
    │   ├── ArtifactWrongKind      ZK403  ValueError
    │   ├── ArtifactWrongVersion   ZK404  ValueError
    │   ├── OutputNotWritable      ZK405  OSError
    │   └── FolderNotEmpty         ZK406  FileExistsError
    ├── ProofRejected              ZK410  ValueError    (exit status 1) the statement is not proven
    │   ├── CircuitMismatch        ZK411
    │   ├── PublicInputCountMismatch ZK412
    │   ├── PublicInputNotCanonical ZK413
    │   ├── ContextMismatch        ZK414
    │   ├── ProofInvalid           ZK415
    │   └── RejectedOnChain        ZK416
    ├── SrsError                   ZK500               universal parameters cannot be used
    │   ├── SrsNotFound            ZK501  FileNotFoundError
    │   ├── SrsMalformed           ZK502  ValueError
    │   │   └── SrsPointInvalid    ZK508               a point is in no group
    │   ├── SrsPairingMismatch     ZK503  ValueError
    │   ├── SrsMismatch            ZK504  ValueError
    │   ├── SrsTooSmall            ZK505  ValueError
    │   ├── UnsafeSrsRefused       ZK506  ValueError
    │   ├── SrsHashMismatch        ZK507  ValueError
    │   ├── SrsPowersInconsistent  ZK509  ValueError
    │   └── SrsDownloadFailed      ZK510  ConnectionError (exit status 3)
    └── ChainError                 ZK600               a chain could not be used
        ├── ChainSupportMissing    ZK601  ImportError     (exit status 3)
        ├── NodeUnreachable        ZK602  ConnectionError (exit status 3)
        ├── NoContractCode         ZK603  ValueError
        ├── WrongContractCode      ZK604  ValueError
        ├── TransactionFailed      ZK605  RuntimeError    (exit status 3)
        ├── KeystoreUnusable       ZK606  ValueError
        ├── DevelopmentKeyRefused  ZK607  ValueError
        ├── AccountMissing         ZK608  ValueError
        ├── BackendWithoutContract ZK609  NotImplementedError
        └── ModelTooLargeForChain  ZK610  ValueError

A malformed artefact (ZK40x) and a rejected proof (ZK41x) are different branches: the first says
that there is no statement to judge, the second that there is one and it is not proven.
"""

from __future__ import annotations

from zkinfer_circuits import ZkinferError


class CalibrationInvalid(ZkinferError, ValueError):
    """Calibration data are missing, empty or of the wrong shape."""

    code = "ZK205"
    title = "calibration data invalid"
    fix = "pass an array of shape (samples, *input shape) of typical inputs"


class InputFileUnreadable(ZkinferError, ValueError):
    """A file of inputs is missing, or holds no array of numbers."""

    code = "ZK206"
    title = "input file unreadable"
    fix = "save the array with numpy.save (.npy) or numpy.savez (.npz)"


class VisibilityUnsupported(ZkinferError, ValueError):
    """The backend cannot keep the promise that this visibility makes."""

    code = "ZK210"
    title = "visibility unsupported"


class ContextInvalid(ZkinferError, ValueError):
    """A context is not exactly 32 bytes."""

    code = "ZK212"
    title = "context invalid"
    fix = "pass exactly 32 bytes, as a digest of who asked, for whom and until when"


class ArgumentInvalid(ZkinferError, ValueError):
    """An argument is outside its domain; the place names it."""

    code = "ZK213"
    title = "argument invalid"


class ProgramMissing(ZkinferError, ValueError):
    """The circuit holds no program: its model could not be quantised as one."""

    code = "ZK214"
    title = "program missing"
    fix = "run it as float or mock; or compile it again, with a larger max_error"


class EzklTaken(UserWarning):
    """No backend was named, and ezkl is taken since Plumb cannot do what is asked."""


class BackendError(ZkinferError):
    """The proof system could not do its work."""

    code = "ZK300"
    title = "backend error"
    exit_status = 3


class BackendMissing(BackendError, ImportError):
    """The backend's package is not installed."""

    code = "ZK301"
    title = "backend missing"
    fix = "pip install 'zkinfer[ezkl]'"


class BackendCrashed(BackendError, RuntimeError):
    """The backend's process ended without an answer."""

    code = "ZK302"
    title = "backend crashed"
    fix = "try again; if it stays, report the model with the output of 'zkinfer doctor'"


class BackendFailed(BackendError, RuntimeError):
    """The backend refused the work for a reason that is not the caller's data."""

    code = "ZK303"
    title = "backend failed"
    fix = "report the model with the output of 'zkinfer doctor'"


class NotEnoughMemory(BackendError, MemoryError):
    """The job needs more memory than this machine has; nothing was started."""

    code = "ZK310"
    title = "not enough memory"
    fix = "use a smaller model, a lower scale_bits, or a larger machine"

    def __init__(self, *, needed_mb: float, available_mb: float) -> None:
        self.needed_mb = needed_mb
        self.available_mb = available_mb
        super().__init__(f"needs about {needed_mb:,.0f} MB, {available_mb:,.0f} MB are available")


class ArtifactError(ZkinferError):
    """A file of ours cannot be used."""

    code = "ZK400"
    title = "artefact error"


class ArtifactNotFound(ArtifactError, FileNotFoundError):
    """There is no readable regular file at the path."""

    code = "ZK401"
    title = "artefact not found"
    fix = "check the path"


class ArtifactMalformed(ArtifactError, ValueError):
    """The bytes are not one whole artefact: truncated, extended, damaged or out of limits."""

    code = "ZK402"
    title = "artefact malformed"
    fix = "copy the file again, or make it anew"


class ArtifactWrongKind(ArtifactError, ValueError):
    """An artefact of another kind was given, such as a proof where a key is wanted."""

    code = "ZK403"
    title = "artefact of another kind"

    def __init__(self, *, expected: str, got: str, place: str | None = None) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected {expected}, got {got}", place=place)


class ArtifactWrongVersion(ArtifactError, ValueError):
    """The artefact was written in a format version that this release does not read."""

    code = "ZK404"
    title = "artefact version unsupported"
    fix = "use the zkinfer release that wrote it, or make it anew with this one"

    def __init__(self, *, expected: int, got: int, place: str | None = None) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"format {got}, this release reads format {expected}", place=place)


class OutputNotWritable(ArtifactError, OSError):
    """A file could not be written; nothing half-written was left."""

    code = "ZK405"
    title = "output not writable"
    fix = "check that the folder exists, may be written to, and has room"
    exit_status = 3


class FolderNotEmpty(ArtifactError, FileExistsError):
    """A folder was to be written where something is already; nothing there was touched."""

    code = "ZK406"
    title = "output folder not empty"
    fix = "give the name of a new folder, or of an empty one"


class ProofRejected(ZkinferError, ValueError):
    """The statement is not proven."""

    code = "ZK410"
    title = "proof rejected"
    exit_status = 1


class CircuitMismatch(ProofRejected):
    """The proof speaks of another circuit than the key."""

    code = "ZK411"
    title = "proof for another circuit"

    def __init__(self, *, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected circuit {expected}, got {got}")


class PublicInputCountMismatch(ProofRejected):
    """The number of public inputs is not the circuit's."""

    code = "ZK412"
    title = "public input count mismatch"

    def __init__(self, *, expected: int, got: int) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected {expected}, got {got}")


class PublicInputNotCanonical(ProofRejected):
    """A public input is not the one accepted encoding of its value.

    Field elements are accepted below the modulus only: x and x + r would otherwise be two
    statements with one proof. Values outside the circuit's integer range are refused as well.
    """

    code = "ZK413"
    title = "public input not canonical"

    def __init__(self, *, index: int, reason: str) -> None:
        self.index = index
        super().__init__(reason, place=f"public input {index}")


class ContextMismatch(ProofRejected):
    """The proof is bound to another context than the one that is asked for."""

    code = "ZK414"
    title = "proof for another context"

    def __init__(self, *, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected {expected}, got {got}")


class ProofInvalid(ProofRejected):
    """The proof does not verify for this key, these public inputs and this context."""

    code = "ZK415"
    title = "proof invalid"


class RejectedOnChain(ProofRejected):
    """The contract reverted.

    Attributes
    ----------
    selector
        The first four bytes of the revert data, as ``"0x" + 8 hex digits``, or ``"0x"``.
    name
        The contract's error, or an empty string when the selector is not known.
    """

    code = "ZK416"
    title = "proof rejected on chain"

    def __init__(self, *, name: str, selector: str, arguments: tuple[object, ...] = ()) -> None:
        self.name = name
        self.selector = selector
        self.arguments = arguments
        shown = ", ".join(f"0x{a.hex()}" if isinstance(a, bytes) else str(a) for a in arguments)
        super().__init__(f"reverted with {name or 'unknown error'}({shown}) {selector}")


class SrsError(ZkinferError):
    """Universal parameters cannot be used."""

    code = "ZK500"
    title = "SRS error"


class SrsNotFound(SrsError, FileNotFoundError):
    """No parameters of this ceremony and size are at hand."""

    code = "ZK501"
    title = "SRS not found"
    fix = "check the path, or import the ceremony's file with 'zkinfer srs import FILE'"


class SrsMalformed(SrsError, ValueError):
    """The file is no whole file of powers: truncated, extended, or of an unknown format."""

    code = "ZK502"
    title = "SRS malformed"
    fix = "copy the file again from the ceremony's mirror"


class SrsPointInvalid(SrsMalformed):
    """A point is off its curve, outside its group, or not in its one encoding."""

    code = "ZK508"
    title = "SRS point invalid"

    def __init__(self, point: str, reason: str, *, place: str | None = None) -> None:
        self.point = point
        super().__init__(f"{point}: {reason}", place=place)


class SrsPairingMismatch(SrsError, ValueError):
    """[tau]_1 and [tau]_2 do not belong together."""

    code = "ZK503"
    title = "SRS parts do not belong together"
    fix = "never mix parts of two ceremonies; copy the file again"


class SrsMismatch(SrsError, ValueError):
    """The parameters are of another ceremony than the key was made with."""

    code = "ZK504"
    title = "another ceremony's SRS"

    def __init__(self, *, expected: str, got: str, place: str | None = None) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected SRS {expected}, got {got}", place=place)


class SrsTooSmall(SrsError, ValueError):
    """The parameters have fewer powers than the circuit has rows."""

    code = "ZK505"
    title = "SRS too small"
    fix = "fetch or import a larger file of the same ceremony"

    def __init__(self, *, needed: int, got: int) -> None:
        self.needed = needed
        self.got = got
        super().__init__(f"the circuit needs 2^{needed} powers, the SRS has 2^{got}")


class UnsafeSrsRefused(SrsError, ValueError):
    """The parameters are from no known ceremony, and nobody asked for unsafe ones."""

    code = "ZK506"
    title = "unsafe SRS refused"
    why = "whoever knows the secret of an SRS can prove anything under it"
    fix = (
        "use a ceremony's SRS, or, for tests only, pass allow_unsafe_srs=True (--allow-unsafe-srs)"
    )


class SrsHashMismatch(SrsError, ValueError):
    """A download is not the file that the ceremony published; it was removed."""

    code = "ZK507"
    title = "SRS hash mismatch"
    fix = "try again; if it stays, the mirror serves another file: import one from elsewhere"

    def __init__(self, *, expected: str, got: str, place: str | None = None) -> None:
        self.expected = expected
        self.got = got
        super().__init__(f"expected {expected}, got {got}", place=place)


class SrsPowersInconsistent(SrsError, ValueError):
    """The points are not all powers, or Lagrange points, of one secret."""

    code = "ZK509"
    title = "SRS powers inconsistent"
    fix = "copy the file again from the ceremony's mirror"


class SrsDownloadFailed(SrsError, ConnectionError):
    """No mirror delivered the file; what has arrived is kept for the next try."""

    code = "ZK510"
    title = "SRS download failed"
    fix = "try again: a download goes on where it was cut; or import the file from disk"
    exit_status = 3


class ChainError(ZkinferError):
    """A chain could not be used."""

    code = "ZK600"
    title = "chain error"
    exit_status = 3


class ChainSupportMissing(ChainError, ImportError):
    """The packages that speak to chains are not installed."""

    code = "ZK601"
    title = "chain support missing"
    fix = "pip install 'zkinfer[chain]'"


class NodeUnreachable(ChainError, ConnectionError):
    """No node answers at the URL."""

    code = "ZK602"
    title = "node unreachable"
    fix = "check the URL and that the node is running"


class NoContractCode(ChainError, ValueError):
    """There is no contract at the address on this chain."""

    code = "ZK603"
    title = "no contract at the address"
    why = "a call to an address without code succeeds and proves nothing"
    fix = "check the address and the chain"
    exit_status = 2


class WrongContractCode(ChainError, ValueError):
    """The contract at the address is not one of ours."""

    code = "ZK604"
    title = "another contract at the address"
    why = "a contract that accepts everything would accept this proof too"
    fix = "check the address and the chain"
    exit_status = 2


class TransactionFailed(ChainError, RuntimeError):
    """The node refused a transaction, or it reverted."""

    code = "ZK605"
    title = "transaction failed"
    fix = "check the account's balance and the node's log"


class KeystoreUnusable(ChainError, ValueError):
    """The keystore cannot be read, or the password is wrong."""

    code = "ZK606"
    title = "keystore unusable"
    fix = "pass an encrypted keystore file (version 3) and its password"
    exit_status = 2


class DevelopmentKeyRefused(ChainError, ValueError):
    """The account's private key is a published one, and the chain is no development chain."""

    code = "ZK607"
    title = "development key refused"
    why = "its private key is public: whatever it owns can be taken"
    fix = "use an account of your own"
    exit_status = 2


class AccountMissing(ChainError, ValueError):
    """A transaction on a chain that may hold value, and no account to pay for it."""

    code = "ZK608"
    title = "account missing"
    fix = "pass an encrypted keystore with --account (keystore= in Python)"
    exit_status = 2


class BackendWithoutContract(ChainError, NotImplementedError):
    """No contract verifies proofs of the backend on the circuit's SRS."""

    code = "ZK609"
    title = "no contract for this circuit"
    fix = "set the circuit up on the ceremony 'ppot-0085', or verify off-chain"
    exit_status = 2


class ModelTooLargeForChain(ChainError, ValueError):
    """The circuit's description and commitments are longer than a contract's code may be."""

    code = "ZK610"
    title = "model too large for a contract"
    fix = (
        "compile it with optimize='gas', which makes fewer and longer columns, or verify off-chain"
    )
    exit_status = 2


def error_classes() -> dict[str, type[ZkinferError]]:
    """Return every error class of the project by its code."""
    found: dict[str, type[ZkinferError]] = {}
    waiting: list[type[ZkinferError]] = [ZkinferError]
    while waiting:
        cls = waiting.pop()
        found[cls.code] = cls
        waiting.extend(cls.__subclasses__())
    return dict(sorted(found.items()))
