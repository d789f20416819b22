// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqLt, eqPrefix, eqTable, geomLt} from "./ClosedForms.sol";
import {mul} from "./Field.sol";
import {addToBlock, bitsOf, lengthOf, strideAt, termAt} from "./Layers.sol";
import {field} from "./Lookups.sol";
import {C, DIGITS_K, FREE, MODULUS, N, POINT_A, POINT_D, at} from "./Memory.sol";
import {tapSums} from "./Windows.sol";

/// @dev A mark in the word of a window, whose first eight bytes alone are used: the channel is the output's.
uint256 constant DEPTHWISE = 1;

/// @dev The place after a map. kind:8, window:64 of kinds with one, view, lengths of the view: 20 bytes, weights:32, bits:8.
function afterMap(uint256 place) pure returns (uint256) {
    unchecked {
        place += field(place, 8) == 0 ? 1 : 9;
        return place + 1 + 16 * field(place, 8) + 25;
    }
}

/// @dev What Xtot(k) is, as a functional of the cells that a map reads.
function addMap(uint256 place, uint256 family, uint256 weight) pure returns (uint256) {
    unchecked {
        uint256 window = field(place, 8) == 0 ? 0 : at(place + 1);
        uint256 view_ = place + (window == 0 ? 1 : 9);
        uint256 stop = view_ + 1 + 16 * field(view_, 8);
        // the lengths of the view as a family has them: four of 32 bits, four of 8 bits
        uint256 input = at(stop - 12) & ((1 << 160) - 1);
        bool depthwise = field(place, 8) == 2;
        if (window != 0) {
            window = (window & ~DEPTHWISE) | (depthwise ? DEPTHWISE : 0);
        }
        uint256 end = POINT_A + (at(C) << 5);
        uint256 out = depthwise ? 0 : bitsOf(family, 1);
        {
            // the weights' index: out, channel, height, width, or row, column, out, channel
            uint256 inner = bitsOf(input, 1) + out;
            inner += window == 0 ? bitsOf(input, 2) + bitsOf(input, 3) : tapBits(window) + tapBits(window << 8);
            weight = mul(weight, eqPrefix(field(stop + 20, 32) >> inner, DIGITS_K, at(N) - inner));
        }
        if (window == 0) {
            end -= (bitsOf(input, 2) + bitsOf(input, 3)) << 5;
        }
        if (!depthwise) {
            weight = geomLt(weight, end - (bitsOf(input, 1) << 5), out, strideAt(family, 1), lengthOf(family, 1));
        }
        for (place = view_ + 1; place < stop; place += 16) {
            addGathered(place, family, input, window, weight, end);
        }
        return stop + 25;
    }
}

/// @dev One term of a map: the weight positions near k that meet a cell near d, times r to the exponents of the outputs
/// where they do. `end` is where the channel's coordinates of k end.
function addGathered(
    uint256 place,
    uint256 family,
    uint256 input,
    uint256 window,
    uint256 weight,
    uint256 end
) pure {
    unchecked {
        (uint256 part, uint256 bits, uint256 id) = termAt(place);
        weight = mul(weight, part);
        uint256 d = POINT_D + (at(C) << 5);
        uint256 high = (bits >> 40) & 0xff;
        uint256 wide = (bits >> 32) & 0xff;
        uint256 m = bits & 0xff;
        uint256 wideEnd = d - (wide << 5);
        d -= m << 5;
        if (window == 0) {
            // the coordinates of heights and widths follow those of channels
            uint256 k = end + (bitsOf(input, 2) << 5);
            if (m != 0) {
                uint256 n = bitsOf(input, 3);
                weight = mul(weight, eqLt(k + (n << 5), n, wideEnd, m - wide, 0, lengthOf(input, 3)));
            }
            m = (bits >> 8) & 0xff;
            if (m != 0) {
                weight = mul(weight, eqLt(k, bitsOf(input, 2), d - (high << 5), m - high, 0, lengthOf(input, 2)));
            }
        } else {
            // the coordinates of columns, and those of rows before them, are before those of channels
            uint256 k = end - ((bitsOf(input, 1) + (window & DEPTHWISE == 0 ? bitsOf(family, 1) : 0)) << 5);
            weight = mul(weight, sideSum(window << 8, family, input, 3, k, wideEnd, m - wide));
            m = (bits >> 8) & 0xff;
            k -= tapBits(window << 8) << 5;
            weight = mul(weight, sideSum(window, family, input, 2, k, d - (high << 5), m - high));
        }
        d -= m << 5;
        m = (bits >> 16) & 0xff;
        uint256 powers = window & DEPTHWISE == 0 ? 0 : strideAt(family, 1);
        weight = mul(weight, eqLt(end, bitsOf(input, 1), d, m, powers, lengthOf(input, 1)));
        d -= m << 5;
        m = (bits >> 24) & 0xff;
        if (m != 0) {
            weight = geomLt(weight, d, m, strideAt(family, 0), lengthOf(family, 0));
        }
        addToBlock(id, weight);
    }
}

/// @dev How many bits an index of a window's rows has; of its columns, if the window is shifted by 8 bits.
function tapBits(uint256 window) pure returns (uint256 bits) {
    assembly ("memory-safe") {
        let last := sub(shr(248, window), 1)
        // one for each power of two up to the last index, a byte
        bits := add(add(gt(last, 0), gt(last, 1)), add(gt(last, 3), gt(last, 7)))
        bits := add(bits, add(add(gt(last, 15), gt(last, 31)), add(gt(last, 63), gt(last, 127))))
    }
}

/// @dev One dimension of a window, which is shifted as above: sum over taps t of eq(t, k) times the sum over outputs o of
/// base^o eq(o stride + t - pad, d), for the coordinates that end at these places.
function sideSum(
    uint256 window,
    uint256 family,
    uint256 input,
    uint256 dimension,
    uint256 k,
    uint256 d,
    uint256 m
) pure returns (uint256 value) {
    unchecked {
        uint256 kernel = window >> 248;
        uint256 pad = (window >> 216) & 0xff;
        uint256 inputs = lengthOf(input, dimension);
        uint256 bits = tapBits(window);
        // the only output meets cell t under tap t, wherever both are there
        if (lengthOf(family, dimension) == 1 && pad == 0) {
            return eqLt(k, bits, d, m, 0, kernel < inputs ? kernel : inputs);
        }
        // eq of the taps, then their sums, then room
        uint256 table = at(FREE);
        eqTable(k - (bits << 5), bits, table);
        uint256 sums = table + (32 << bits);
        uint256 free = sums + (kernel << 5);
        tapSums(
            sums,
            free,
            d,
            m,
            strideAt(family, dimension),
            (kernel << 24) | (((window >> 232) & 0xff) << 16) | (pad << 8),
            inputs,
            lengthOf(family, dimension)
        );
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            for {} lt(sums, free) { sums := add(sums, 0x20) } {
                value := addmod(value, mulmod(mload(sums), mload(table), r), r)
                table := add(table, 0x20)
            }
        }
    }
}
