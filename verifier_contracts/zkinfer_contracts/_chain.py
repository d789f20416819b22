"""Deploying verifiers and asking them, on whichever chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._accounts import is_development_chain
from ._artifacts import HALO2, VERIFIER, artifact
from ._calldata import encode_constructor, encode_verify
from ._errors import UnsafeSrsRefused, VerificationReverted, WrongContractCode
from ._ids import WORD, is_unsafe, vka_digest
from ._ids import circuit_id as derive_circuit_id
from ._plumb_chain import PlumbChain
from ._transactions import Receipt


@dataclass(frozen=True)
class Deployment:
    """A verifier on a chain.

    Attributes
    ----------
    address : str
        Where it stands.
    circuit_id : bytes
        The circuit that it verifies; a consumer pins both.
    gas : int
        What creating it took, the key's data contract with it.
    contract_bytes : int
        Its code, in bytes; a chain allows 24,576.
    halo2_address : str
        ezkl's verifier, which all circuits share.
    halo2_gas : int
        What creating that took; 0 if it was there before.
    """

    address: str
    circuit_id: bytes
    gas: int
    contract_bytes: int
    halo2_address: str
    halo2_gas: int


class Chain(PlumbChain):
    """A chain to deploy to, for both backends: what an embedded one and a node have in common."""

    def __init__(self) -> None:
        self._halo2: str | None = None

    def deploy_ezkl(
        self,
        vka: bytes,
        key_digest: bytes,
        srs_id: bytes,
        public_input_count: int,
        *,
        halo2: str | None = None,
        allow_unsafe_srs: bool = False,
    ) -> Deployment:
        """Deploy a verifier for one ezkl circuit.

        Parameters
        ----------
        vka : bytes
            The verifying-key artefact file, count first.
        key_digest, srs_id : bytes
            32 bytes each, as in :func:`circuit_id`.
        public_input_count : int
            Without the context's limbs.
        halo2 : str, optional
            Address of ezkl's verifier. By default the one this object deployed or used before, or
            a new one.
        allow_unsafe_srs : bool
            Deploy a circuit that its SRS's maker can forge to a chain that may hold value.

        Raises
        ------
        UnsafeSrsRefused
            If that is not allowed.
        WrongContractCode, NoContractCode
            If ezkl's verifier is not at ``halo2``, or this contract not where it was created.
        VerificationReverted
            If the constructor refuses the key.
        TransactionFailed
            If a transaction fails.
        """
        identity = derive_circuit_id(key_digest, vka_digest(vka), srs_id, public_input_count)
        if is_unsafe(identity) and not allow_unsafe_srs and not is_development_chain(self.chain_id):
            raise UnsafeSrsRefused(identity, self.chain_id)  # A15
        halo2_gas = 0
        halo2_address = halo2 if halo2 is not None else self._halo2
        if halo2_address is None:
            halo2_address, halo2_gas = self.deploy(artifact(HALO2).bytecode)
        self._require_halo2(halo2_address)
        self._halo2 = halo2_address
        arguments = encode_constructor(halo2_address, vka, key_digest, srs_id, public_input_count)
        verifier = artifact(VERIFIER)
        address, gas = self.deploy(verifier.bytecode + arguments)
        if self._require_verifier(address) != identity:
            raise WrongContractCode(address, VERIFIER)  # A13
        return Deployment(
            address=address,
            circuit_id=identity,
            gas=gas,
            contract_bytes=len(verifier.runtime),
            halo2_address=halo2_address,
            halo2_gas=halo2_gas,
        )

    def verify(
        self,
        address: str,
        circuit_id: bytes,
        proof: bytes,
        public_inputs: Sequence[int],
        context: bytes,
        *,
        transact: bool,
    ) -> Receipt:
        """Have a deployed verifier, ezkl's or Plumb's, check a proof; return if it accepts.

        The contract at the address must be a verifier that ships here, made by its own
        constructor, and one of ezkl's from the key that its circuit id names; only then is an
        acceptance worth anything. A consumer on chain cannot check that, and pins the address
        instead.

        Parameters
        ----------
        address : str
            The verifier's.
        circuit_id, context : bytes
            32 bytes each: the circuit that you trust, and what the proof was made for.
        proof : bytes
            As the prover wrote it.
        public_inputs : sequence of int
            Field elements: ezkl's without the context's limbs, Plumb's in the order of the proof.
        transact : bool
            Send a transaction after the call has succeeded; else only estimate what it would take.

        Raises
        ------
        VerificationReverted
            If the contract refuses the proof or the statement; it says why.
        NoContractCode, WrongContractCode
            If the verifier is not there.
        TransactionFailed
            If the transaction fails though the call did not.
        """
        require = self._require_plumb if self.is_plumb(address) else self._require_verifier
        require(address)
        data = encode_verify(circuit_id, proof, public_inputs, context)
        return self._asked(address, data, transact=transact)

    def _require_halo2(self, address: str) -> None:
        halo2 = artifact(HALO2)
        if halo2.immutables(self._code_of(address)) is None:
            raise WrongContractCode(address, halo2.name)  # A12

    def _require_verifier(self, address: str) -> bytes:
        """Refuse what is not a verifier as its constructor makes it; return its circuit's id.

        Whoever deploys may return the verifier's code with immutables of their own: another
        contract behind it, an id that is not its key's. So the constructor is run again, on what
        this verifier says it was made from, and must arrive at the same code.
        """
        verifier = artifact(VERIFIER)
        stated = verifier.immutables(self._code_of(address))
        if stated is None:
            raise WrongContractCode(address, VERIFIER)  # A13
        halo2, store = ("0x" + stated[name][-20:].hex() for name in ("HALO2", "STORE"))
        self._require_halo2(halo2)
        stored = self._code_of(store)
        words, rest = divmod(len(stored) - 1, WORD)
        if stored[0] != 0 or rest != 0:
            raise WrongContractCode(address, VERIFIER)  # A13
        arguments = encode_constructor(
            halo2,
            words.to_bytes(8, "little") + stored[1:],
            stated["KEY_DIGEST"],
            stated["SRS_ID"],
            int.from_bytes(stated["COUNT"], "big"),
        )
        try:
            made = verifier.immutables(self._call(None, verifier.bytecode + arguments))
        except VerificationReverted:
            made = None
        # A new key's store has a new address; the old one holds this key, as was just read.
        if made is None or {**made, "STORE": stated["STORE"]} != stated:
            raise WrongContractCode(address, VERIFIER)  # A13
        return stated["CIRCUIT_ID"]
