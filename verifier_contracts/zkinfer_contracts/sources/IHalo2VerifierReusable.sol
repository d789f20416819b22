// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The two functions of ezkl's reusable verifier, as they are called here
/// @dev `verifyProof` writes no storage but its source does not say so; declared `view`, it is called by
/// STATICCALL. Its source declares a third return value whose encoding is not valid ABI, after two words
/// that are; only those two are declared, hence decoded.
interface IHalo2VerifierReusable {
    function registerVka(bytes32[] calldata vka) external returns (bytes32 vkaDigest);

    function verifyProof(bytes calldata proof, uint256[] calldata instances, bytes32[] calldata vka)
        external
        view
        returns (bool success, bytes32 vkaDigest);
}
