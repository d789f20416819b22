// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqLt, eqPrefix, eqTable, geomEqLt, geomLt} from "./ClosedForms.sol";
import {add, mul, sub} from "./Field.sol";
import {addToBlock, bitsOf, lengthOf, strideAt, termAt} from "./Layers.sol";
import {field} from "./Lookups.sol";
import {C, DIGITS_K, FREE, N, POINT_A, POINT_D, at} from "./Memory.sol";
import {slide} from "./Windows.sol";

/// @dev A mark in the word of a window, of which a descriptor has the first eight bytes: the channel is the output's.
uint256 constant DEPTHWISE = 1;

/// @dev The place after a map. kind:8, window:64 of kinds with one, view, lengths of the view: 20 bytes, weights:32, bits:8.
function afterMap(uint256 place) pure returns (uint256) {
    unchecked {
        place += field(place, 8) == 0 ? 1 : 9;
        return place + 1 + 16 * field(place, 8) + 25;
    }
}

/// @dev What Xtot(k) is, as a functional of the cells that a map reads. `outputs` is the sum of powers of r over output
/// channels, times eq of the last coordinates of k: those of a window's output channels.
function addMap(uint256 place, uint256 family, uint256 weight, uint256 outputs) pure returns (uint256) {
    unchecked {
        uint256 kind = field(place, 8);
        uint256 view_ = place + (kind == 0 ? 1 : 9);
        uint256 stop = view_ + 1 + 16 * field(view_, 8);
        // the lengths of the view as a family has them: four of 32 bits, four of 8 bits
        uint256 input = at(stop - 12) & ((1 << 160) - 1);
        uint256 end = POINT_A + (at(C) << 5);
        uint256 window = 0;
        uint256 out = kind == 2 ? 0 : bitsOf(family, 1);
        // the weights' index: out, channel, height, width, or row, column, channel, out
        uint256 inner;
        if (kind == 0) {
            inner = bitsOf(input, 2) + bitsOf(input, 3);
            end -= inner << 5;
            weight = geomLt(weight, end - (bitsOf(input, 1) << 5), out, strideAt(family, 1), lengthOf(family, 1));
        } else {
            window = at(place + 1);
            uint256 rows = indexBits(window >> 248);
            uint256 columns = indexBits((window >> 240) & 0xff);
            inner = rows + columns;
            // the two numbers are further fields of rows and of columns
            window = ((window >> 192) << 192) | (rows << 184) | (columns << 176) | (kind == 2 ? DEPTHWISE : 0);
            if (kind != 2) {
                end -= out << 5;
                weight = mul(weight, outputs);
            }
        }
        inner += bitsOf(input, 1) + out;
        weight = mul(weight, eqPrefix(field(stop + 20, 32) >> inner, DIGITS_K, at(N) - inner));
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
                weight = eqLt(weight, k + (n << 5), n, wideEnd, m - wide, lengthOf(input, 3));
            }
            m = (bits >> 8) & 0xff;
            if (m != 0) {
                weight = eqLt(weight, k, bitsOf(input, 2), d - (high << 5), m - high, lengthOf(input, 2));
            }
        } else {
            // the coordinates of columns, and those of rows before them, are before those of channels
            uint256 k = end - (bitsOf(input, 1) << 5);
            weight = mul(weight, sideSum(window << 8, family, input, 3, k, wideEnd, m - wide));
            m = (bits >> 8) & 0xff;
            k -= tapBits(window << 8) << 5;
            weight = mul(weight, sideSum(window, family, input, 2, k, d - (high << 5), m - high));
        }
        d -= m << 5;
        m = (bits >> 16) & 0xff;
        if (window & DEPTHWISE == 0) {
            weight = eqLt(weight, end, bitsOf(input, 1), d, m, lengthOf(input, 1));
        } else {
            // a block that a view reads has the view's channels
            weight = geomEqLt(weight, end, d, m, strideAt(family, 1), lengthOf(input, 1));
        }
        d -= m << 5;
        m = (bits >> 24) & 0xff;
        if (m != 0) {
            weight = geomLt(weight, d, m, strideAt(family, 0), lengthOf(family, 0));
        }
        addToBlock(id, weight);
    }
}

/// @dev How many bits an index below a number up to 255 has.
function indexBits(uint256 n) pure returns (uint256 bits) {
    assembly ("memory-safe") {
        let last := sub(n, 1)
        // one for each power of two up to the last index, a byte
        bits := add(add(gt(last, 0), gt(last, 1)), add(gt(last, 3), gt(last, 7)))
        bits := add(bits, add(add(gt(last, 15), gt(last, 31)), add(gt(last, 63), gt(last, 127))))
    }
}

/// @dev How many bits an index of a window's rows has; of its columns, if the window is shifted by 8 bits.
function tapBits(uint256 window) pure returns (uint256) {
    return (window >> 184) & 0xff;
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
        uint256 bits = tapBits(window);
        uint256 inputs = lengthOf(input, dimension);
        uint256 outputs = lengthOf(family, dimension);
        // the only output meets cell t under tap t, wherever both are there
        if (outputs == 1 && pad == 0) {
            return eqLt(1, k, bits, d, m, kernel < inputs ? kernel : inputs);
        }
        uint256 powers = strideAt(family, dimension);
        uint256 table = at(FREE);
        if ((window >> 232) & 0xff == 1) {
            eqTable(k - (bits << 5), bits, table);
            return slide(table, kernel, pad, d, m, powers, inputs, outputs);
        }
        // the low bit of a cell is the parity of tap - pad, and the taps of a parity are a window of stride 1
        uint256 lowTap;
        uint256 lowCell;
        (lowTap, k, bits) = split(k, bits);
        (lowCell, d, m) = split(d, m);
        for (uint256 tap = 0; tap < 2 && tap < kernel; ++tap) {
            uint256 odd = (tap ^ pad) & 1;
            uint256 cells = (inputs + 1 - odd) >> 1;
            if (cells != 0) {
                eqTable(k - (bits << 5), bits, table);
                uint256 part = slide(table, (kernel + 1 - tap) >> 1, (pad + 1 - tap) >> 1, d, m, powers, cells, outputs);
                part = mul(part, tap == 0 ? sub(1, lowTap) : lowTap);
                value = add(value, mul(part, odd == 0 ? sub(1, lowCell) : lowCell));
            }
        }
    }
}

/// @dev The last of m coordinates, and those before it; 0 if there is none.
function split(uint256 end, uint256 m) pure returns (uint256, uint256, uint256) {
    unchecked {
        return m == 0 ? (0, end, m) : (at(end - 0x20), end - 0x20, m - 1);
    }
}
