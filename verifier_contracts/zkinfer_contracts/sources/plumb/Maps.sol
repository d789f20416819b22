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
        uint256 table = 0;
        uint256 out = depthwise ? 0 : bitsOf(family, 1);
        {
            // the weights' index: tap, out, channel, height, width
            uint256 inner = bitsOf(input, 1) + out;
            uint256 taps = 0;
            if (window == 0) {
                inner += bitsOf(input, 2) + bitsOf(input, 3);
            } else {
                uint256 count = (window >> 248) * ((window >> 240) & 0xff);
                while (count > 1 << taps) ++taps;
                table = at(FREE);
                eqTable(end - ((inner + taps) << 5), taps, table);
            }
            inner += taps;
            weight = mul(weight, eqPrefix(field(stop + 20, 32) >> inner, DIGITS_K, at(N) - inner));
        }
        if (window == 0) {
            end -= (bitsOf(input, 2) + bitsOf(input, 3)) << 5;
        }
        if (!depthwise) {
            weight = geomLt(weight, end - (bitsOf(input, 1) << 5), out, strideAt(family, 1), lengthOf(family, 1));
        }
        for (place = view_ + 1; place < stop; place += 16) {
            addGathered(place, family, input, window, table, weight, end);
        }
        return stop + 25;
    }
}

/// @dev One term of a map: the weight positions near k that meet a cell near d, times r to the exponents of the outputs
/// where they do. `table` holds eq of the taps at k; `end` is where the channel's coordinates of k end.
function addGathered(
    uint256 place,
    uint256 family,
    uint256 input,
    uint256 window,
    uint256 table,
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
            uint256 rows = (bits >> 8) & 0xff;
            weight = mul(
                weight,
                windowSum(window, family, input, table, d - (high << 5), rows - high, wideEnd, m - wide)
            );
            m = rows;
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

/// @dev sum over taps (u, v) of eq(u width + v, k_tap) times the sums of both dimensions.
function windowSum(
    uint256 window,
    uint256 family,
    uint256 input,
    uint256 table,
    uint256 rowsEnd,
    uint256 rows,
    uint256 columnsEnd,
    uint256 columns
) pure returns (uint256 value) {
    unchecked {
        uint256 height = window >> 248;
        uint256 width = (window >> 240) & 0xff;
        // after the table of taps: a sum for each column of the window, then for each row, then room
        uint256 across;
        for (uint256 taps = 1;; taps <<= 1) {
            if (taps >= height * width) {
                across = table + (taps << 5);
                break;
            }
        }
        uint256 down = across + (width << 5);
        uint256 free = down + (height << 5);
        tapSums(
            across,
            free,
            columnsEnd,
            columns,
            strideAt(family, 3),
            (width << 24) | (((window >> 224) & 0xff) << 16) | (((window >> 208) & 0xff) << 8),
            lengthOf(input, 3),
            lengthOf(family, 3)
        );
        tapSums(
            down,
            free,
            rowsEnd,
            rows,
            strideAt(family, 2),
            (height << 24) | (((window >> 232) & 0xff) << 16) | (((window >> 216) & 0xff) << 8),
            lengthOf(input, 2),
            lengthOf(family, 2)
        );
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            for {} lt(down, free) { down := add(down, 0x20) } {
                let line := 0
                for { let place := across } lt(place, add(across, shl(5, width))) { place := add(place, 0x20) } {
                    line := addmod(line, mulmod(mload(place), mload(table), r), r)
                    table := add(table, 0x20)
                }
                value := addmod(value, mulmod(mload(down), line, r), r)
            }
        }
    }
}
