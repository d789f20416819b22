// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {LABEL, MODULUS, STATE, WORDS} from "./Memory.sol";
import {ScalarNotCanonical} from "./Transcript.sol";

/// @dev Replays a sumcheck of degree 2: n rounds of c_0, c_2 in calldata at `cursor`, with c_1 = claim - 2 c_0 - c_2. Writes the
/// challenges to `point`. Gives the place after the rounds, the last claim, and how much of the first one it has.
function replayQuadratic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256, uint256)
{
    bool bad;
    uint256 share = 1;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x40)
            cursor := add(cursor, 0x40)
            let zero := mload(WORDS)
            let two := mload(add(WORDS, 0x20))
            bad := or(bad, iszero(and(lt(zero, r), lt(two, r))))
            mstore(STATE, keccak256(STATE, 0x80))
            let z := mod(mload(STATE), r)
            mstore(point, z)
            share := mulmod(share, z, r)
            // both are below r, or the proof is refused
            let one := addmod(claim, sub(mul(3, r), add(shl(1, zero), two)), r)
            claim := addmod(zero, mulmod(z, add(one, mulmod(z, two, r)), r), r)
        }
    }
    if (bad) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim, share);
}

/// @dev The same of degree 4: c_0, c_2, c_3, c_4 in each round.
function replayQuartic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    bool bad;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x80)
            cursor := add(cursor, 0x80)
            mstore(STATE, keccak256(STATE, 0xc0))
            let z := mod(mload(STATE), r)
            mstore(point, z)
            let good := and(lt(mload(WORDS), r), lt(mload(add(WORDS, 0x20)), r))
            bad := or(bad, iszero(and(good, and(lt(mload(add(WORDS, 0x40)), r), lt(mload(add(WORDS, 0x60)), r)))))
            // 2 c_0 + c_2 + c_3 + c_4 is below 5r
            let sum := add(add(shl(1, mload(WORDS)), mload(add(WORDS, 0x20))), mload(add(WORDS, 0x40)))
            claim := addmod(claim, sub(mul(5, r), add(sum, mload(add(WORDS, 0x60)))), r)
            sum := mulmod(z, mload(add(WORDS, 0x60)), r)
            sum := mulmod(z, add(mload(add(WORDS, 0x40)), sum), r)
            sum := mulmod(z, add(mload(add(WORDS, 0x20)), sum), r)
            claim := addmod(mload(WORDS), mulmod(z, add(claim, sum), r), r)
        }
    }
    if (bad) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim);
}
