// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, eqPrefix, eqTable} from "./ClosedForms.sol";
import {add, mul} from "./Field.sol";
import {INPUT, MASK, TOTAL, WEIGHT, addTo, etaOf} from "./Functionals.sol";
import {field} from "./Lookups.sol";
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
    at
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
        while (4 + 4 * c + 2 * h > 4 << bits) ++bits;
        uint256 groups = places + 0x80;
        end -= 0x40 + (bits << 5);
        eqTable(end, bits, groups);
        groups += (0x20 << bits) - 0x20;
        uint256 ones = 1;
        for (uint256 place = POINT_D; place < end; place += 0x20) {
            ones = mul(ones, at(place));
        }
        addTo(at(EVALUATED), mul(ones, mask(groups, c, h)));
        if (h != 0) {
            addTo(at(RANGES) + 2 * at(PAIRS), mul(ones, hiddenCells(groups, c, c + h)));
        }
    }
}

/// @dev The claims about the mask of sumcheck A, its value at k and its sum, both times rhoA.
function mask(uint256 groups, uint256 c, uint256 h) pure returns (uint256) {
    uint256 value;
    uint256 sum;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let places := mload(FREE)
        // the constant counts 2^n, twice what a coefficient counts in the sum
        value := mulmod(mload(groups), mload(places), r)
        sum := shl(1, value)
        let point := POINT_A
        for { let end := add(point, shl(5, c)) } lt(point, end) { point := add(point, 0x20) } {
            groups := sub(groups, 0x20)
            let z := mload(point)
            // z e_0 + z^2 e_1 + z^3 e_2 + z^4 e_3
            let inner := mulmod(z, mload(places), r)
            inner := mulmod(z, add(inner, mload(add(places, 0x20))), r)
            inner := mulmod(z, add(inner, mload(add(places, 0x40))), r)
            inner := mulmod(z, add(inner, mload(add(places, 0x60))), r)
            let group := mload(groups)
            value := addmod(value, mulmod(group, inner, r), r)
            // the places of a group add up to one
            sum := addmod(sum, group, r)
        }
        // of a pair: its first and its second cell; of a group: its first pair, as its rows' last bit but one is 1
        let end := add(POINT_D, shl(5, c))
        let first := mload(sub(end, 0x20))
        let second := sub(add(r, 1), first)
        let pair := mload(sub(end, 0x40))
        point := sub(POINT_A, shl(5, h))
        for { let odd := 0 } lt(point, POINT_A) { point := add(point, 0x20) } {
            if iszero(odd) { groups := sub(groups, 0x20) }
            odd := iszero(odd)
            let z := mload(point)
            let weight := mulmod(mload(groups), pair, r)
            value := addmod(value, mulmod(weight, mulmod(z, add(first, mulmod(z, second, r)), r), r), r)
            sum := addmod(sum, weight, r)
            // the other pair
            pair := sub(add(r, 1), pair)
        }
    }
    unchecked {
        return mul(at(RHO_A), add(mul(etaOf(MASK), value), mul(mul(etaOf(TOTAL), 1 << (c + h - 1)), sum)));
    }
}

/// @dev The cells of M that stand in the virtual chunk: rows, then two positions of Wtot, then two of Xtot.
function hiddenCells(uint256 groups, uint256 c, uint256 n) pure returns (uint256 value) {
    unchecked {
        uint256 cells = at(MASK_CELLS);
        uint256 end = POINT_A + (c << 5);
        uint256 prefix = type(uint256).max;
        uint256 selector;
        for (uint256 i = 0; i < 16; i += 4) {
            uint256 position = field(cells + 16 + i, 32);
            if (position >> 2 != prefix) {
                prefix = position >> 2;
                selector = eqPrefix(prefix, DIGITS_K, n - 2);
            }
            uint256 weight = mul(mul(etaOf(i < 8 ? WEIGHT : INPUT), selector), eqIndex(position, end, 2));
            // the row's position
            position = (1 << c) - 1 - field(cells + i, 32);
            weight = mul(weight, at(groups - ((position >> 2) << 5)));
            value = add(value, mul(weight, at(at(FREE) + 0x60 - ((position & 3) << 5))));
        }
    }
}
