// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqPrefix, eqTable} from "./ClosedForms.sol";
import {add, mul} from "./Field.sol";
import {INPUT, MASK, TOTAL, WEIGHT, addTo, etaOf} from "./Functionals.sol";
import {
    C,
    DIGITS_K,
    EVALUATED,
    FREE,
    LOG_PAD,
    MASK_CELLS,
    MODULUS,
    PAIRS,
    POINT_A,
    POINT_D,
    RANGES,
    RHO_A,
    SHARE_D,
    WORDS,
    at,
    put
} from "./Memory.sol";

/// @dev The claims about masks: cells of G1, and the cells of M that hide e_W and e_X. The cell at *position* p is in the p-th
/// row from the last. The mask of sumcheck A has its constant at position 3, the four coefficients of the i-th variable of a
/// row from 4 + 4i on, and the two of the i-th variable of chunks, of which there are h, from 4 + 4c + 2i on.
///
/// eq of the row at position 4g + l, at d, is what the rows' common leading ones give, times `groups[g]`, times `places[l]`.
function addMasks(uint256 c, uint256 h) pure {
    unchecked {
        // both tables from the last entry down, as positions count rows from the last
        uint256 places = at(FREE);
        uint256 end = POINT_D + (c << 5);
        eqTable(end - 0x40, 2, places);
        uint256 bits = at(LOG_PAD) - 2;
        // the mask's last group, after its constant's
        uint256 last = c + ((h + 1) >> 1);
        while (last >> bits != 0) ++bits;
        uint256 groups = places + 0x80;
        end -= 0x40 + (bits << 5);
        eqTable(end, bits, groups);
        groups += (0x20 << bits) - 0x20;
        uint256 ones = allOnes(end);
        // each round took its challenge times the claim before it: eq of the last row
        put(SHARE_D, mul(ones, mul(at(groups), at(places + 0x60))));
        addTo(at(EVALUATED), mul(ones, mask(groups, c, h)));
        if (h != 0) {
            addTo(at(RANGES) + 2 * at(PAIRS), mul(ones, hiddenCells(groups, c, c + h)));
        }
    }
}

/// @dev The product of d's coordinates up to a place: eq of the index whose bits are all ones.
function allOnes(uint256 end) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        for { let z := POINT_D } lt(z, end) { z := add(z, 0x20) } { value := mulmod(value, mload(z), r) }
    }
}

/// @dev The claims about the mask of sumcheck A, its value at k and its sum, both times rhoA.
function mask(uint256 groups, uint256 c, uint256 h) pure returns (uint256 value) {
    unchecked {
        (uint256 weight, uint256 sum) = (etaOf(MASK), etaOf(TOTAL));
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            let rho := mload(RHO_A)
            weight := mulmod(weight, rho, r)
            // a coefficient counts 2^(n - 1) in the sum, the constant 2^n
            sum := mulmod(mulmod(sum, rho, r), shl(add(c, sub(h, 1)), 1), r)
            value := mulmod(mulmod(mload(groups), mload(mload(FREE)), r), add(weight, shl(1, sum)), r)
        }
        value = add(value, maskOfRows(groups, c, weight, sum));
        value = add(value, maskOfChunks(groups - (c << 5), h, weight, sum));
    }
}

/// @dev The coefficients of the variables of a row.
function maskOfRows(uint256 groups, uint256 c, uint256 weight, uint256 sum) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let places := mload(FREE)
        let four := mulmod(weight, mload(places), r)
        let three := mulmod(weight, mload(add(places, 0x20)), r)
        let two := mulmod(weight, mload(add(places, 0x40)), r)
        let one := mulmod(weight, mload(add(places, 0x60)), r)
        // groups stand in the other order
        groups := add(groups, sub(POINT_A, 0x20))
        let point := POINT_A
        for { let end := add(point, shl(5, c)) } lt(point, end) { point := add(point, 0x20) } {
            let z := mload(point)
            let inner := mulmod(z, add(three, mulmod(z, four, r)), r)
            inner := mulmod(z, add(one, mulmod(z, add(two, inner), r)), r)
            // the places of a group add up to one
            value := addmod(value, mulmod(mload(sub(groups, point)), add(sum, inner), r), r)
        }
    }
}

/// @dev Those of the variables of chunks.
function maskOfChunks(uint256 groups, uint256 h, uint256 weight, uint256 sum) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // of a pair: its first and its second cell; of a group: its first pair, as its rows' last bit but one is 1
        let point := add(POINT_D, shl(5, mload(C)))
        let two := mload(sub(point, 0x20))
        let one := mulmod(weight, two, r)
        two := mulmod(weight, sub(add(r, 1), two), r)
        let pair := mload(sub(point, 0x40))
        point := sub(POINT_A, shl(5, h))
        for { let odd := 0 } lt(point, POINT_A) { point := add(point, 0x20) } {
            if iszero(odd) { groups := sub(groups, 0x20) }
            odd := iszero(odd)
            let z := mload(point)
            let inner := mulmod(z, add(one, mulmod(z, two, r)), r)
            value := addmod(value, mulmod(mulmod(mload(groups), pair, r), add(sum, inner), r), r)
            // the other pair
            pair := sub(add(r, 1), pair)
        }
    }
}

/// @dev The cells of M that stand in the virtual chunk: rows, then two positions of Wtot, then two of Xtot.
function hiddenCells(uint256 groups, uint256 c, uint256 n) pure returns (uint256 value) {
    unchecked {
        eqTable(POINT_A + (c << 5) - 0x40, 2, WORDS);
        uint256 cells = at(at(MASK_CELLS));
        uint256 prefix = type(uint256).max;
        uint256 selector;
        // the place of the group of row 0
        groups -= ((1 << c) - 4) << 3;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 position = uint32(cells >> 96);
            if (position >> 2 != prefix) {
                prefix = position >> 2;
                selector = eqPrefix(prefix, DIGITS_K, n - 2);
            }
            uint256 weight = mul(etaOf(i < 2 ? WEIGHT : INPUT), selector);
            assembly ("memory-safe") {
                let r := mload(MODULUS)
                let row := shr(224, cells)
                weight := mulmod(weight, mload(add(WORDS, shl(5, and(position, 3)))), r)
                weight := mulmod(weight, mload(add(groups, shl(5, shr(2, row)))), r)
                value := addmod(value, mulmod(weight, mload(add(mload(FREE), shl(5, and(row, 3)))), r), r)
            }
            cells <<= 32;
        }
    }
}
