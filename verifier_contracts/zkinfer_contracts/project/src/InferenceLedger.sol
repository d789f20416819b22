// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT} from "./Circuit.sol";
import {IInferenceVerifier} from "./IInferenceVerifier.sol";

/// @title An example to start from: records what the model said about a request, once
/// @notice Pins the verifier and the circuit, and derives the context itself, so that a proof made for
/// another chain, contract, sender, request or time is of no use here.
contract InferenceLedger {
    /// @notice What the model said. Circuit.sol says which number is what.
    event Recorded(address indexed requester, uint256 indexed request, uint256[] publicInputs);

    error AlreadyRecorded(address requester, uint256 request);
    error TooLate(uint256 deadline);

    IInferenceVerifier public immutable VERIFIER;
    /// @notice Keyed by who asked as well: nobody can use up another's request with a proof of their own.
    mapping(address requester => mapping(uint256 request => bytes32 publicInputsDigest)) public records;

    /// @param verifier Whose `verify` this contract believes, for good.
    constructor(IInferenceVerifier verifier) {
        VERIFIER = verifier;
    }

    /// @notice What a proof for this ledger has to be made for: `zkinfer prove --context`.
    function context(address sender, uint256 request, uint256 deadline) public view virtual returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), sender, request, deadline));
    }

    function record(uint256 request, uint256 deadline, bytes calldata proof, uint256[] calldata publicInputs) external {
        // Who makes a block may be some seconds off.
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp > deadline) {
            revert TooLate(deadline);
        }
        if (records[msg.sender][request] != 0) {
            revert AlreadyRecorded(msg.sender, request);
        }
        records[msg.sender][request] = keccak256(abi.encode(publicInputs));
        VERIFIER.verify(CIRCUIT, proof, publicInputs, context(msg.sender, request, deadline));
        emit Recorded(msg.sender, request, publicInputs);
    }
}
