// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {R} from "./Field.sol";
import {COUNTER, FREE, LABEL, MODULUS, STATE, WORDS, at} from "./Memory.sol";

/// @dev A challenge that must not be zero is.
error ZeroChallenge(bytes32 label);

/// @dev A scalar of the proof is not below the order of the field. `position` counts bytes of calldata.
error ScalarNotCanonical(uint256 position, uint256 value);

/// @dev Fiat-Shamir (docs/protocol.md, "Transcript and encoding"): absorbing is state = keccak(state || label || words), and
/// each challenge has a state of its own, keccak(state || label || counter), modulo R.
function start(bytes32 domain) pure {
    assembly ("memory-safe") {
        mstore(STATE, domain)
        mstore(STATE, keccak256(STATE, 0x20))
        mstore(COUNTER, 0)
    }
}

/// @dev The next challenge.
function challenge(bytes32 label) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        let count := add(mload(COUNTER), 1)
        mstore(COUNTER, count)
        mstore(WORDS, count)
        let state := keccak256(STATE, 0x60)
        mstore(STATE, state)
        value := mod(state, r)
    }
}

/// @dev The next challenge; refuses zero.
function nonzeroChallenge(bytes32 label) pure returns (uint256 value) {
    value = challenge(label);
    if (value == 0) {
        revert ZeroChallenge(label); // Protocol
    }
}

/// @dev Absorbs what is in memory at WORDS.
function absorbWords(bytes32 label, uint256 count) pure {
    assembly ("memory-safe") {
        mstore(LABEL, label)
        mstore(STATE, keccak256(STATE, add(0x40, shl(5, count))))
    }
}

/// @dev Absorbs words of calldata, raw.
function absorbCalldata(bytes32 label, uint256 from, uint256 count) pure {
    assembly ("memory-safe") {
        let free := mload(FREE)
        mstore(free, mload(STATE))
        mstore(add(free, 0x20), label)
        let length := shl(5, count)
        calldatacopy(add(free, 0x40), from, length)
        mstore(STATE, keccak256(free, add(0x40, length)))
    }
}

/// @dev A word of calldata that must be a scalar.
function scalarAt(uint256 position) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := calldataload(position)
    }
    if (value >= at(MODULUS)) {
        revert ScalarNotCanonical(position, value); // A11
    }
}

/// @dev Absorbs one scalar of calldata.
function absorbScalar(bytes32 label, uint256 position) pure returns (uint256 value) {
    value = scalarAt(position);
    assembly ("memory-safe") {
        mstore(WORDS, value)
    }
    absorbWords(label, 1);
}

/// @dev A word of calldata.
function calldataWord(uint256 position) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := calldataload(position)
    }
}
