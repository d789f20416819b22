// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CircuitId, IInferenceVerifier} from "./IInferenceVerifier.sol";

/// @title One verifier for all Plumb circuits
/// @notice Anyone may register a circuit; its id says what it is. Registration costs its caller gas and gives nobody a right.
interface IPlumbVerifier is IInferenceVerifier {
    /// @notice A circuit can be verified from now on.
    event Registered(CircuitId indexed id);

    /// @notice Nobody has registered the circuit, with a proof that its hidden weights are in their ranges.
    error NotRegistered(CircuitId id);

    /// @notice The commitments of the weights have another length than the descriptor says, in bytes.
    error WeightCommitments(uint256 expected, uint256 got);

    /// @notice Public weights have no registration proof: whoever relies on their circuit recomputes the commitments.
    error UnexpectedRegistration();

    /// @notice The model could not be stored: it is registered already, its data is longer than a contract may be, or the
    /// transaction has too little gas.
    error ModelNotStored(CircuitId id);

    /// @notice Statements to be verified together have four lists of one length, which is not zero.
    error StatementCount(uint256 ids, uint256 proofs, uint256 publicInputs, uint256 ctxs);

    /// @notice Name of the universal parameters that every circuit here is on.
    function srsId() external view returns (bytes32);

    /// @notice Where a circuit's model is, or would be, stored: a contract of data made by this one.
    function modelOf(CircuitId id) external view returns (address);

    /// @notice Whether proofs of a circuit can be verified.
    function isRegistered(CircuitId id) external view returns (bool);

    /// @notice Registers a circuit; reverts unless its layout is sound and, where its weights are hidden, `registration`
    /// shows that they are in their ranges.
    /// @param statement keccak256 of the statement's bytes, as the verifying key holds them.
    /// @param settings keccak256 of the backend settings, as the verifying key holds them.
    /// @param descriptor The circuit's descriptor.
    /// @param weights The commitments of the weights, 64 bytes for each chunk.
    /// @param registration The registration proof of hidden weights; empty for public ones.
    function register(
        bytes32 statement,
        bytes32 settings,
        bytes calldata descriptor,
        bytes calldata weights,
        bytes calldata registration
    ) external returns (CircuitId id);

    /// @notice Returns if, and only if, every statement is true, as `verify` says of each; one pairing serves all.
    function verifyTogether(
        CircuitId[] calldata ids,
        bytes[] calldata proofs,
        uint256[][] calldata publicInputs,
        bytes32[] calldata ctxs
    ) external view;
}
