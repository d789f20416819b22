"""Contracts that verify proofs of inference, and what it takes to deploy and to ask them.

The base import needs no web3: ids, artefacts and calldata are plain Python, and so is talking to a
node. An embedded chain needs ``web3[tester]``, an account of one's own needs ``eth-account``.
"""

from __future__ import annotations

from ._accounts import Account, is_development_chain, load_keystore
from ._artifacts import Artifact, artifact, artifact_names
from ._calldata import encode_verify
from ._chain import GAS_LIMIT, Chain, Deployment, Receipt
from ._embedded import EmbeddedChain
from ._errors import (
    AccountMissing,
    ChainSupportMissing,
    ContractError,
    DevelopmentKeyRefused,
    KeystoreError,
    NoContractCode,
    NodeError,
    NodeUnreachable,
    TransactionFailed,
    UnsafeSrsRefused,
    VerificationReverted,
    WrongContractCode,
)
from ._ids import (
    CEREMONIES,
    CONTEXT_LIMBS,
    SCALAR_FIELD,
    circuit_id,
    context_limbs,
    is_unsafe,
    keccak256,
    named,
    vka_digest,
)
from ._node import Node
from ._project import Project, PublicInput
from ._vka import proof_length

__all__ = [
    "CEREMONIES",
    "CONTEXT_LIMBS",
    "GAS_LIMIT",
    "SCALAR_FIELD",
    "Account",
    "AccountMissing",
    "Artifact",
    "Chain",
    "ChainSupportMissing",
    "ContractError",
    "Deployment",
    "DevelopmentKeyRefused",
    "EmbeddedChain",
    "KeystoreError",
    "NoContractCode",
    "Node",
    "NodeError",
    "NodeUnreachable",
    "Project",
    "PublicInput",
    "Receipt",
    "TransactionFailed",
    "UnsafeSrsRefused",
    "VerificationReverted",
    "WrongContractCode",
    "artifact",
    "artifact_names",
    "circuit_id",
    "context_limbs",
    "encode_verify",
    "is_development_chain",
    "is_unsafe",
    "keccak256",
    "load_keystore",
    "named",
    "proof_length",
    "vka_digest",
]
