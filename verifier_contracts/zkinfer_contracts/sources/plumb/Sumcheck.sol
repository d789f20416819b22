// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LABEL, MODULUS, STATE, WORDS} from "./Memory.sol";
import {ScalarNotCanonical} from "./Transcript.sol";

/// @dev Replays a sumcheck of degree 2: n rounds of c_0, c_2 in calldata at `cursor`, with c_1 = claim - 2 c_0 - c_2. Writes the
/// challenges to `point`. Gives the place after the rounds, and the last claim.
function replayQuadratic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    bool good = true;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x40)
            cursor := add(cursor, 0x40)
            let z := keccak256(STATE, 0x80)
            mstore(STATE, z)
            z := mod(z, r)
            mstore(point, z)
            let zero := mload(WORDS)
            let two := mload(add(WORDS, 0x20))
            good := and(good, and(lt(zero, r), lt(two, r)))
            // all are below r, or the proof is refused, and five of them in a word
            claim := add(claim, add(sub(mul(3, r), add(shl(1, zero), two)), mulmod(z, two, r)))
            claim := addmod(zero, mulmod(z, claim, r), r)
        }
    }
    if (!good) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim);
}

/// @dev The same of degree 4: c_0, c_2, c_3, c_4 in each round.
function replayQuartic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    bool good = true;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x80)
            cursor := add(cursor, 0x80)
            let z := keccak256(STATE, 0xc0)
            mstore(STATE, z)
            z := mod(z, r)
            mstore(point, z)
            let zero := mload(WORDS)
            let two := mload(add(WORDS, 0x20))
            let three := mload(add(WORDS, 0x40))
            let four := mload(add(WORDS, 0x60))
            good := and(good, and(and(lt(zero, r), lt(two, r)), and(lt(three, r), lt(four, r))))
            // 2 c_0 + c_2 + c_3 + c_4 is below 5r
            claim := addmod(claim, sub(mul(5, r), add(add(shl(1, zero), two), add(three, four))), r)
            claim := add(claim, mulmod(z, add(two, mulmod(z, add(three, mulmod(z, four, r)), r)), r))
            claim := addmod(zero, mulmod(z, claim, r), r)
        }
    }
    if (!good) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim);
}
