// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HALF, TWENTY_FOURTH} from "./Field.sol";
import {LABEL, MODULUS, STATE, WORDS} from "./Memory.sol";
import {ScalarNotCanonical} from "./Transcript.sol";

/// @dev Replays a sumcheck of degree 2: n rounds of g(0), g(2) in calldata at `cursor`, with g(1) = claim - g(0). Writes the
/// challenges to `point`. Gives the place after the rounds and the last claim.
function replayQuadratic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    bool bad;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x40)
            cursor := add(cursor, 0x40)
            let zero := mload(WORDS)
            let two := mload(add(WORDS, 0x20))
            bad := or(bad, iszero(and(lt(zero, r), lt(two, r))))
            let z := keccak256(STATE, 0x80)
            mstore(STATE, z)
            z := mod(z, r)
            mstore(point, z)
            // g(z) = g(0) + z (g(1) - g(0) + (z - 1) (g(2) - 2 g(1) + g(0)) / 2)
            let one := addmod(claim, sub(r, zero), r)
            let bend := mulmod(addmod(add(two, zero), shl(1, sub(r, one)), r), HALF, r)
            let slope := add(add(one, sub(r, zero)), mulmod(add(z, sub(r, 1)), bend, r))
            claim := addmod(zero, mulmod(z, slope, r), r)
        }
    }
    if (bad) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim);
}

/// @dev The same of degree 4: g(0), g(2), g(3), g(4) in each round.
function replayQuartic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    bool bad;
    assembly ("memory-safe") {
        // Newton's form: g(0) + z (D1 + (z-1)/2 (D2 + (z-2)/3 (D3 + (z-3)/4 D4))), D_k the k-th differences at 0, times 24 so
        // that no division comes before the end. A difference of two scalars is kept positive by an r or two
        function newton(g0, g1, g2, g3, g4, z) -> value {
            let r := mload(MODULUS)
            // first differences, from the last one down: below 2r
            g4 := sub(add(g4, r), g3)
            g3 := sub(add(g3, r), g2)
            g2 := sub(add(g2, r), g1)
            g1 := sub(add(g1, r), g0)
            // second
            let twice := shl(1, r)
            g4 := addmod(g4, sub(twice, g3), r)
            g3 := addmod(g3, sub(twice, g2), r)
            g2 := addmod(g2, sub(twice, g1), r)
            // third, fourth
            g4 := sub(add(g4, r), g3)
            g3 := sub(add(g3, r), g2)
            value := mulmod(add(z, sub(r, 3)), addmod(g4, sub(twice, g3), r), r)
            value := mulmod(add(z, sub(r, 2)), addmod(mulmod(4, g3, r), value, r), r)
            value := mulmod(add(z, sub(r, 1)), addmod(mulmod(12, g2, r), value, r), r)
            value := mulmod(z, addmod(mulmod(24, g1, r), value, r), r)
            value := addmod(g0, mulmod(value, TWENTY_FOURTH, r), r)
        }
        mstore(LABEL, label)
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            calldatacopy(WORDS, cursor, 0x80)
            cursor := add(cursor, 0x80)
            let z := keccak256(STATE, 0xc0)
            mstore(STATE, z)
            let r := mload(MODULUS)
            z := mod(z, r)
            mstore(point, z)
            let zero := mload(WORDS)
            let two := mload(add(WORDS, 0x20))
            let three := mload(add(WORDS, 0x40))
            let four := mload(add(WORDS, 0x60))
            bad := or(bad, iszero(and(and(lt(zero, r), lt(two, r)), and(lt(three, r), lt(four, r)))))
            claim := newton(zero, addmod(claim, sub(r, zero), r), two, three, four, z)
        }
    }
    if (bad) {
        revert ScalarNotCanonical(label); // A11
    }
    return (cursor, claim);
}

/// @dev How much of the first claim the last one of a sumcheck of degree 2 has: prod z (2 - z).
function shareOf(uint256 point, uint256 n) pure returns (uint256 share) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let two := add(r, 2)
        share := 1
        for { let end := add(point, shl(5, n)) } lt(point, end) { point := add(point, 0x20) } {
            let z := mload(point)
            share := mulmod(share, mulmod(z, sub(two, z), r), r)
        }
    }
}
