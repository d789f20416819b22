// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Names a circuit: the model's verifying key in both its forms, the SRS it was set up on,
/// and how many public inputs it has. An id whose first six bytes read "unsafe" belongs to a circuit
/// on an SRS of no known ceremony: whoever made that SRS can forge proofs.
type CircuitId is bytes32;

/// @title Checks that a committed model was run as claimed
/// @notice A verifier only does mathematics. It knows one circuit, holds no money, has no owner and
/// cannot be changed. Who may ask, how often a proof counts and what follows from it is the business
/// of the contract that calls it.
/// @dev What a caller must know:
///
/// - Pin the circuit id. Anyone may deploy a verifier for a circuit of their own, whose proofs say
///   what they like; pass the id you expect and let the verifier compare. An id is worth what its
///   source is worth: recompute it from the verifying key of the model you mean.
/// - Pin the verifier's address too. An id is only a number to a contract somebody else wrote.
/// - `ctx` is what the proof is bound to. The same proof is valid on every chain, for every caller and
///   for ever, unless you derive `ctx` from the chain id, your own address, the requester, a request
///   number and a deadline. Key a nullifier on the statement (circuit, public inputs, ctx), never on
///   the bytes of a proof: one statement has many proofs.
/// - That a call reverts does not show that the proof is bad: too little gas reverts as well. Never
///   punish anyone because `verify` reverted inside a try.
interface IInferenceVerifier {
    /// @notice The circuit asked about is not the one that this contract verifies.
    /// @param expected This contract's circuit.
    /// @param got The circuit asked about.
    error UnknownCircuit(CircuitId expected, CircuitId got);

    /// @notice The statement has too many public inputs or too few.
    error PublicInputCountMismatch(uint256 expected, uint256 got);

    /// @notice A public input is not below the order of the scalar field. It is refused, not reduced:
    /// x and x + r would otherwise be two ways to state one thing.
    error PublicInputNotCanonical(uint256 index, uint256 value);

    /// @notice The proof is longer or shorter than this circuit's proofs are, in bytes.
    error ProofLengthMismatch(uint256 expected, uint256 got);

    /// @notice The call is not the one canonical ABI encoding of its arguments: offsets that overlap or
    /// leave gaps, or bytes after the last argument.
    error MalformedCalldata();

    /// @notice The proof does not show the statement.
    error ProofRejected();

    /// @notice Returns if, and only if, `proof` shows that the circuit was run with these public inputs,
    /// for this context. Reverts otherwise, and returns nothing: a forgotten `if` cannot accept.
    /// @param circuitId The circuit that the caller trusts.
    /// @param proof The proof, as the prover wrote it.
    /// @param publicInputs The model's public inputs and outputs, each below the order of BN254's scalar
    /// field; a negative v is r - |v|. Without the limbs of the context.
    /// @param ctx What the proof was made for.
    function verify(CircuitId circuitId, bytes calldata proof, uint256[] calldata publicInputs, bytes32 ctx)
        external
        view;
}
