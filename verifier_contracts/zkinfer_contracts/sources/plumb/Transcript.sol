// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {COUNTER, FREE, LABEL, MODULUS, STATE, WORDS} from "./Memory.sol";

/// @dev A challenge that must not be zero is.
error ZeroChallenge(bytes32 label);

/// @dev A scalar of a message of the proof is not below the order of the field.
error ScalarNotCanonical(bytes32 message);

/// @dev Fiat-Shamir (docs/protocol.md, "Transcript and encoding"): absorbing is state = keccak(state || label || words), the
/// challenge after a message is that state modulo R; any further one has a state of its own, keccak(state || label || counter).
function start(bytes32 domain) pure {
    assembly ("memory-safe") {
        mstore(STATE, domain)
        mstore(STATE, keccak256(STATE, 0x20))
        mstore(COUNTER, 0)
    }
}

/// @dev The challenge right after a message: the state itself.
function drawn() pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := mod(mload(STATE), mload(MODULUS))
    }
}

/// @dev Any further challenge: a state of its own.
function challenge(bytes32 label) pure returns (uint256 value) {
    assembly ("memory-safe") {
        mstore(LABEL, label)
        let count := add(mload(COUNTER), 1)
        mstore(COUNTER, count)
        mstore(WORDS, count)
        let state := keccak256(STATE, 0x60)
        mstore(STATE, state)
        value := mod(state, mload(MODULUS))
    }
}

/// @dev Further challenges of one name, written to a place.
function challenges(bytes32 label, uint256 to, uint256 count) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        mstore(WORDS, mload(COUNTER))
        for { let end := add(to, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
            mstore(WORDS, add(mload(WORDS), 1))
            let state := keccak256(STATE, 0x60)
            mstore(STATE, state)
            mstore(to, mod(state, r))
        }
        mstore(COUNTER, mload(WORDS))
    }
}

/// @dev Refuses a challenge that is zero.
function requireNonzero(bytes32 label, uint256 value) pure returns (uint256) {
    if (value == 0) {
        revert ZeroChallenge(label); // Protocol
    }
    return value;
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

/// @dev Absorbs scalars of calldata, and refuses words that are none. Gives the place after them.
function absorbScalars(bytes32 label, uint256 from, uint256 count) pure returns (uint256 end) {
    absorbCalldata(label, from, count);
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        end := add(from, shl(5, count))
        for {} and(lt(calldataload(from), r), lt(from, end)) { from := add(from, 0x20) } {}
    }
    if (from != end) {
        revert ScalarNotCanonical(label); // A11
    }
}

/// @dev A word of calldata.
function calldataWord(uint256 position) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := calldataload(position)
    }
}
