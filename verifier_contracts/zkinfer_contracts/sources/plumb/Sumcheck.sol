// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HALF, TWENTY_FOURTH} from "./Field.sol";
import {MODULUS, WORDS, put} from "./Memory.sol";
import {absorbWords, scalarAt, challenge} from "./Transcript.sol";

/// @dev Replays a sumcheck of degree 2: n rounds of g(0), g(2) in calldata at `cursor`, with g(1) = claim - g(0). Writes the
/// challenges to `point`. Gives the place after the rounds, the last claim for a first one of zero, and how much of the
/// first claim it has: the last claim is `rest + share * claim`.
function replayQuadratic(bytes32 label, uint256 cursor, uint256 n, uint256 point)
    pure
    returns (uint256 end, uint256 rest, uint256 share)
{
    unchecked {
        share = 1;
        for (uint256 stop = point + (n << 5); point < stop; point += 0x20) {
            uint256 zero = scalarAt(cursor);
            uint256 two = scalarAt(cursor + 0x20);
            put(WORDS, zero);
            put(WORDS + 0x20, two);
            absorbWords(label, 2);
            uint256 z = challenge(label);
            put(point, z);
            cursor += 0x40;
            assembly ("memory-safe") {
                let r := mload(MODULUS)
                // g(z) = g(0) + z (g(1) - g(0) + (z - 1) (g(2) - 2 g(1) + g(0)) / 2)
                let one := addmod(rest, sub(r, zero), r)
                let bend := mulmod(addmod(add(two, zero), shl(1, sub(r, one)), r), HALF, r)
                let slope := add(add(one, sub(r, zero)), mulmod(add(z, sub(r, 1)), bend, r))
                rest := addmod(zero, mulmod(z, slope, r), r)
                // g(1) counts z (2 - z)
                share := mulmod(share, mulmod(z, sub(add(r, 2), z), r), r)
            }
        }
        return (cursor, rest, share);
    }
}

/// @dev The same of degree 4: g(0), g(2), g(3), g(4) in each round; gives the place after the rounds and the last claim.
function replayQuartic(bytes32 label, uint256 cursor, uint256 n, uint256 point, uint256 claim)
    pure
    returns (uint256, uint256)
{
    unchecked {
        for (uint256 stop = point + (n << 5); point < stop; point += 0x20) {
            uint256 g0 = scalarAt(cursor);
            uint256 g2 = scalarAt(cursor + 0x20);
            uint256 g3 = scalarAt(cursor + 0x40);
            uint256 g4 = scalarAt(cursor + 0x60);
            put(WORDS, g0);
            put(WORDS + 0x20, g2);
            put(WORDS + 0x40, g3);
            put(WORDS + 0x60, g4);
            absorbWords(label, 4);
            uint256 z = challenge(label);
            put(point, z);
            cursor += 0x80;
            assembly ("memory-safe") {
                let r := mload(MODULUS)
                // Newton's form: g(0) + z (D1 + (z-1)/2 (D2 + (z-2)/3 (D3 + (z-3)/4 D4))), D_k the k-th differences;
                // every difference of two scalars is kept positive by adding r
                let g1 := addmod(claim, sub(r, g0), r)
                let d1 := sub(add(g1, r), g0)
                let d2 := sub(add(g2, r), g1)
                let d3 := sub(add(g3, r), g2)
                let d4 := sub(add(g4, r), g3)
                // second differences: below 4R
                d4 := addmod(d4, sub(shl(1, r), d3), r)
                d3 := addmod(d3, sub(shl(1, r), d2), r)
                d2 := addmod(d2, sub(shl(1, r), d1), r)
                // third, fourth
                d4 := sub(add(d4, r), d3)
                d3 := sub(add(d3, r), d2)
                d4 := addmod(d4, sub(shl(1, r), d3), r)
                // times 24: no division until the end
                let v := mulmod(add(z, sub(r, 3)), d4, r)
                v := mulmod(add(z, sub(r, 2)), addmod(mulmod(4, d3, r), v, r), r)
                v := mulmod(add(z, sub(r, 1)), addmod(mulmod(12, d2, r), v, r), r)
                v := mulmod(z, addmod(mulmod(24, d1, r), v, r), r)
                claim := addmod(g0, mulmod(v, TWENTY_FOURTH, r), r)
            }
        }
        return (cursor, claim);
    }
}
