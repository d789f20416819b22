// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CircuitId, IInferenceVerifier} from "../IInferenceVerifier.sol";

/// @title A consumer: records what a model said about a request, once
/// @notice Pins the verifier and the circuit, and derives the context itself, so that a proof made for
/// another chain, contract, sender, request or time is of no use here.
contract CreditDecision {
    error AlreadyDecided(address requester, uint256 request);
    error TooLate(uint256 deadline);

    IInferenceVerifier public immutable VERIFIER;
    CircuitId public immutable CIRCUIT;
    /// @notice Keyed by who asked as well: nobody can use up another's request with a proof of their own.
    mapping(address requester => mapping(uint256 request => bytes32 outputsDigest)) public decisions;

    constructor(IInferenceVerifier verifier, CircuitId circuit) {
        VERIFIER = verifier;
        CIRCUIT = circuit;
    }

    function context(address sender, uint256 request, uint256 deadline) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), sender, request, deadline));
    }

    function decide(uint256 request, uint256 deadline, bytes calldata proof, uint256[] calldata outputs) external {
        if (block.timestamp > deadline) {
            revert TooLate(deadline); // On chain
        }
        if (decisions[msg.sender][request] != 0) {
            revert AlreadyDecided(msg.sender, request); // On chain
        }
        decisions[msg.sender][request] = keccak256(abi.encode(outputs));
        VERIFIER.verify(CIRCUIT, proof, outputs, context(msg.sender, request, deadline));
    }
}
