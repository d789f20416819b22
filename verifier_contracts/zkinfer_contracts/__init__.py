"""Contracts that verify proofs of inference, and what it takes to deploy and to ask them.

The base import needs no web3: ids, artefacts and calldata are plain Python, and so is talking to a
node. An embedded chain needs ``web3[tester]``, an account of one's own needs ``eth-account``.
"""

from __future__ import annotations

from ._accounts import Account, is_development_chain, load_keystore
from ._artifacts import Artifact, artifact, artifact_names
from ._calldata import encode_verify
from ._chain import Chain, Deployment
from ._embedded import EmbeddedChain
from ._errors import (
    AccountMissing,
    ChainSupportMissing,
    ContractError,
    DeployerMissing,
    DevelopmentKeyRefused,
    KeystoreError,
    ModelTooLarge,
    NoContractCode,
    NodeError,
    NodeUnreachable,
    SrsWithoutVerifier,
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
from ._plumb import (
    PlumbModel,
    PlumbStatement,
    encode_register,
    encode_verify_together,
    plumb_address,
    plumb_verifier,
)
from ._plumb_chain import PlumbDeployment, PlumbRegistration
from ._project import Project, PublicInput
from ._transactions import GAS_LIMIT, Receipt
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
    "DeployerMissing",
    "Deployment",
    "DevelopmentKeyRefused",
    "EmbeddedChain",
    "KeystoreError",
    "ModelTooLarge",
    "NoContractCode",
    "Node",
    "NodeError",
    "NodeUnreachable",
    "PlumbDeployment",
    "PlumbModel",
    "PlumbRegistration",
    "PlumbStatement",
    "Project",
    "PublicInput",
    "Receipt",
    "SrsWithoutVerifier",
    "TransactionFailed",
    "UnsafeSrsRefused",
    "VerificationReverted",
    "WrongContractCode",
    "artifact",
    "artifact_names",
    "circuit_id",
    "context_limbs",
    "encode_register",
    "encode_verify",
    "encode_verify_together",
    "is_development_chain",
    "is_unsafe",
    "keccak256",
    "load_keystore",
    "named",
    "plumb_address",
    "plumb_verifier",
    "proof_length",
    "vka_digest",
]
