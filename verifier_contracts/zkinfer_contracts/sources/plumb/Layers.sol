// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, eqPrefix, geomLt, geomSum, powerOf} from "./ClosedForms.sol";
import {add, mul, powerOfTwo, signed, sub} from "./Field.sol";
import {INPUT, LINK, TOTAL, etaOf} from "./Functionals.sol";
import {field} from "./Lookups.sol";
import {addMap, afterMap} from "./Maps.sol";
import {
    BIAS_CONSTANT,
    BLOCKS,
    BLOCK_WEIGHTS,
    C,
    CHUNKS,
    DESCRIPTOR,
    DIGITS_D,
    DIGITS_K,
    EVALUATED,
    FREE,
    FUNCTIONALS,
    INPUT_VALUES,
    LAYERS,
    LINEAR_CONSTANT,
    LINK_CONSTANT,
    MODULUS,
    N,
    NEXT_OFFSET,
    NEXT_POWER,
    OUTPUT_VALUES,
    POINT_D,
    POINT_A,
    RANGES,
    RANGE_BITS,
    R_POWERS,
    SUMMED,
    SUMS,
    SUMS_COUNT,
    SUMS_END,
    at,
    put
} from "./Memory.sol";
import {calldataWord} from "./Transcript.sol";

/// @dev The layers of a descriptor: what each adds to the functionals at d, and to the values of the claims (docs/protocol.md,
/// "Arithmetisation" and "Linear claims").
///
/// A *family* is the word of a tensor's exponents: offset:64, log2 of four strides:8, four lengths:32, their index bits:8.
/// A *block* is the first word of its record: column:8, number:8, offset:32, four lengths:32, their index bits:8.

/// @dev r^offset. Most tensors have the exponents after those of the tensor before.
function offsetPower(uint256 family) pure returns (uint256 power) {
    unchecked {
        uint256 offset = family >> 192;
        power = at(NEXT_POWER);
        if (offset != at(NEXT_OFFSET)) {
            power = powerOf(R_POWERS, offset);
        }
        // its exponents are below 2^last
        uint256 last = ((family >> 184) & 0xff) + bitsOf(family, 0);
        put(NEXT_OFFSET, offset + (1 << last));
        put(NEXT_POWER, mul(power, at(R_POWERS - 0x20 - (last << 5))));
    }
}

/// @dev The place after r^(stride 2^i), i = 0, 1, ..
function strideAt(uint256 family, uint256 dimension) pure returns (uint256) {
    unchecked {
        return R_POWERS - ((family >> (184 - 8 * dimension)) & 0xff) * 0x20;
    }
}

function lengthOf(uint256 family, uint256 dimension) pure returns (uint256) {
    unchecked {
        return (family >> (128 - 32 * dimension)) & 0xffffffff;
    }
}

function bitsOf(uint256 family, uint256 dimension) pure returns (uint256) {
    unchecked {
        return (family >> (24 - 8 * dimension)) & 0xff;
    }
}

function blockAt(uint256 id) pure returns (uint256 block_) {
    assembly ("memory-safe") {
        block_ := mload(add(mload(BLOCKS), mul(26, id)))
    }
}

/// @dev The index bits of a block's dimensions, 8 bits each, as they are in a family.
function bitsOfBlock(uint256 block_) pure returns (uint256) {
    return (block_ >> 48) & 0xffffffff;
}

/// @dev The sum of four numbers of 8 bits.
function total(uint256 bits) pure returns (uint256 sum) {
    assembly ("memory-safe") {
        sum := and(0xff, shr(24, mul(and(bits, 0xffffffff), 0x01010101)))
    }
}

/// @dev Adds weight times the cells of a block, each times eq of its row's bits within the block at d, which `weight` holds.
function addToBlock(uint256 id, uint256 weight) pure {
    assembly ("memory-safe") {
        let place := add(mload(BLOCK_WEIGHTS), shl(5, id))
        mstore(place, addmod(mload(place), weight, mload(MODULUS)))
    }
}

/// @dev Nothing was added to any block, and no sum is known.
function beginBlocks() pure {
    assembly ("memory-safe") {
        let place := mload(FREE)
        mstore(BLOCK_WEIGHTS, place)
        let length := shl(5, shr(240, mload(sub(mload(BLOCKS), 2))))
        calldatacopy(place, calldatasize(), length)
        mstore(FREE, add(place, length))
        mstore(SUMMED, 0)
        mstore(NEXT_OFFSET, 0)
        mstore(NEXT_POWER, 1)
    }
}

/// @dev Adds to the columns' functionals what was added to blocks, each times eq of the block's prefix at d.
function finishBlocks() pure {
    unchecked {
        uint256 record = at(BLOCKS);
        uint256 end = at(FREE);
        uint256 seen = 0;
        uint256 selector = 0;
        for (uint256 place = at(BLOCK_WEIGHTS); place < end; place += 0x20) {
            uint256 weight = at(place);
            if (weight != 0) {
                uint256 block_ = at(record);
                // the cells of a pair have the same rows
                if ((block_ << 16) >> 64 != seen) {
                    seen = (block_ << 16) >> 64;
                    uint256 inner = total(bitsOfBlock(block_));
                    selector = eqPrefix(((block_ >> 208) & 0xffffffff) >> inner, DIGITS_D, at(C) - inner);
                }
                assembly ("memory-safe") {
                    // columns are in order RC, FI and FO of each pair, .., CIN
                    let column := byte(1, block_)
                    switch byte(0, block_)
                    case 0 {}
                    case 3 { column := add(add(mload(EVALUATED), 2), mload(CHUNKS)) }
                    default { column := add(add(mload(RANGES), shl(1, column)), eq(byte(0, block_), 2)) }
                    column := add(mload(FUNCTIONALS), shl(5, column))
                    let r := mload(MODULUS)
                    mstore(column, addmod(mload(column), mulmod(weight, selector, r), r))
                }
            }
            record += 26;
        }
    }
}

/// @dev sum over real indices of r^(strides, index) eq(row, d), for a block that is read like this (see `termAt`): a dimension
/// with fixed bits in steps. A dimension without other bits has one index, and no share in the sum. Sums over the same
/// tensor are kept: equations of the stages of a maximum stand one after the other.
function familySum(uint256 family, uint256 reading) pure returns (uint256 value) {
    unchecked {
        // all but the offset
        uint256 tensor = family << 64;
        uint256 known = SUMS;
        if (at(SUMMED) != tensor) {
            put(SUMMED, tensor);
        } else {
            for (uint256 stop = at(SUMS_END); known < stop; known += 0x40) {
                if (at(known) == reading) return at(known + 0x20);
            }
            if (known == SUMS + 0x40 * SUMS_COUNT) known = SUMS;
        }
        put(known, reading);
        put(SUMS_END, known + 0x40);
        value = 1;
        uint256 end = POINT_D + (at(C) << 5);
        uint256 fixes = reading >> 32;
        uint256 strides = family >> 160;
        uint256 lengths = family >> 32;
        for (reading &= 0xffffffff; reading != 0; reading >>= 8) {
            uint256 m = reading & 0xff;
            uint256 skipped = fixes & 0xff;
            if (m > skipped) {
                uint256 powers = R_POWERS - ((strides & 0xff) << 5);
                value = geomLt(value, end - (skipped << 5), m - skipped, powers, lengths & 0xffffffff);
            }
            end -= m << 5;
            fixes >>= 8;
            strides >>= 8;
            lengths >>= 32;
        }
        put(known + 0x20, value);
    }
}

/// @dev Adds weight * sum r^(exponent) cell over a whole block.
function addBlock(uint256 id, uint256 weight, uint256 family) pure {
    uint256 block_ = blockAt(id);
    addToBlock(id, mul(weight, familySum(family, bitsOfBlock(block_))));
}

/// @dev The fields of a term: coefficient:32, block:16, then for heights and for widths the low bits that it fixes, their
/// number:8 and value:32. 16 bytes. Gives what the term weighs, how it reads (bits of the block's dimensions, 8 each, then
/// those that are fixed, of heights and of widths), and the block.
function termAt(uint256 place) pure returns (uint256 weight, uint256 reading, uint256 id) {
    assembly ("memory-safe") {
        // factor * eq(fixes, .) for the m coordinates before `end`
        function fix(factor, fixes, end, m) -> value {
            let r := mload(MODULUS)
            value := factor
            for {} m { m := sub(m, 1) } {
                end := sub(end, 0x20)
                let z := mload(end)
                if iszero(and(fixes, 1)) { z := sub(add(r, 1), z) }
                value := mulmod(value, z, r)
                fixes := shr(1, fixes)
            }
        }
        let term := mload(place)
        weight := sar(224, term)
        weight := add(weight, mul(mload(MODULUS), slt(weight, 0)))
        id := and(shr(208, term), 0xffff)
        reading := and(shr(48, mload(add(mload(BLOCKS), mul(26, id)))), 0xffffffff)
        let end := add(POINT_D, shl(5, mload(C)))
        let low := and(shr(160, term), 0xff)
        if low { weight := fix(weight, shr(128, term), end, low) }
        let high := and(shr(200, term), 0xff)
        if high { weight := fix(weight, shr(168, term), sub(end, shl(5, and(reading, 0xff))), high) }
        reading := or(reading, or(shl(40, high), shl(32, low)))
    }
}

/// @dev Adds weight times a view.
function addView(uint256 place, uint256 weight, uint256 family) pure {
    unchecked {
        uint256 stop = place + 1 + 16 * field(place, 8);
        for (++place; place < stop; place += 16) {
            (uint256 part, uint256 reading, uint256 id) = termAt(place);
            addToBlock(id, mul(mul(weight, part), familySum(family, reading)));
        }
    }
}

/// @dev An optional range below the table's: 2^(s - bits) cell = scaled. Gives the place after it.
function addTight(uint256 place, uint256 cell) pure returns (uint256) {
    unchecked {
        if (field(place, 8) == 0) {
            return place + 1;
        }
        uint256 family = at(place + 4);
        uint256 weight = mul(etaOf(LINK), offsetPower(family));
        uint256 scaled = field(place + 1, 16);
        weight = mul(weight, familySum(family, bitsOfBlock(blockAt(scaled))));
        addToBlock(scaled, weight);
        // both have the same lengths
        uint256 scale = powerOfTwo(at(RANGE_BITS) - field(place + 3, 8));
        addToBlock(cell, sub(0, mul(weight, scale)));
        return place + 36;
    }
}

/// @dev sum_i r^(strides, i) v_i over values in calldata, in the order of their indices.
function horner(uint256 family, uint256 from) pure returns (uint256 value) {
    unchecked {
        uint256 n3 = lengthOf(family, 3);
        uint256 place = from + ((lengthOf(family, 0) * lengthOf(family, 1) * lengthOf(family, 2) * n3) << 5);
        for (uint256 b = lengthOf(family, 0); b != 0; --b) {
            uint256 all = 0;
            if (lengthOf(family, 2) * n3 == 1) {
                // a vector of channels, as most outputs are
                n3 = lengthOf(family, 1);
                all = series(place, n3, strideAt(family, 1));
                place -= n3 << 5;
                n3 = 1;
            } else {
                for (uint256 c = lengthOf(family, 1); c != 0; --c) {
                    uint256 plane = 0;
                    for (uint256 h = lengthOf(family, 2); h != 0; --h) {
                        uint256 line = series(place, n3, strideAt(family, 3));
                        plane = add(mul(plane, at(strideAt(family, 2) - 0x20)), line);
                        place -= n3 << 5;
                    }
                    all = add(mul(all, at(strideAt(family, 1) - 0x20)), plane);
                }
            }
            value = add(mul(value, at(strideAt(family, 0) - 0x20)), all);
        }
    }
}

/// @dev sum_i base^i v_i over the n values of calldata before a place.
function series(uint256 end, uint256 n, uint256 powers) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let base := mload(sub(powers, 0x20))
        for { let from := sub(end, shl(5, n)) } gt(end, from) {} {
            end := sub(end, 0x20)
            value := addmod(mulmod(value, base, r), calldataload(end), r)
        }
    }
}

/// @dev Adds all layers.
function addLayers() pure {
    unchecked {
        beginBlocks();
        uint256 place = at(LAYERS);
        uint256 count = field(place - 2, 16);
        for (uint256 i = 0; i < count; ++i) {
            uint256 operation = field(place, 8);
            ++place;
            if (operation == 2) {
                place = addLinear(place);
            } else if (operation == 1) {
                place = addCombine(place);
            } else if (operation == 0) {
                place = addInput(place);
            } else {
                place = addOutput(place, operation);
            }
        }
        finishBlocks();
    }
}

/// @dev x = x_in, for a public or a committed input. block:16, link:option of 16, tight:option, family.
function addInput(uint256 place) pure returns (uint256) {
    unchecked {
        uint256 id = field(place, 16);
        uint256 linked = field(place + 2, 8);
        uint256 link = field(place + 3, 16);
        place = addTight(place + 3 + 2 * linked, id);
        uint256 family = at(place);
        uint256 visibility = field(at(DESCRIPTOR) + 14, 8);
        if (visibility != 0) {
            uint256 weight = offsetPower(family);
            if (visibility == 2) {
                put(LINK_CONSTANT, add(at(LINK_CONSTANT), mul(weight, horner(family, at(INPUT_VALUES)))));
            }
            weight = mul(weight, etaOf(LINK));
            addBlock(id, weight, family);
            if (linked != 0) {
                addBlock(link, sub(0, weight), family);
            }
        }
        return place + 32;
    }
}

/// @dev cell = view. block:16, view, family.
function addCombine(uint256 place) pure returns (uint256) {
    unchecked {
        uint256 view_ = place + 2;
        uint256 after_ = view_ + 1 + 16 * field(view_, 8);
        uint256 family = at(after_);
        uint256 weight = mul(etaOf(LINK), offsetPower(family));
        addBlock(field(place, 16), weight, family);
        addView(view_, sub(0, weight), family);
        return after_ + 32;
    }
}

/// @dev sum of maps + bias = 2^S y + remainder. maps: list; y: option of 16; limbs: list of 16; tight:option;
/// S:8; family; biases:32; bits:8.
function addLinear(uint256 place) pure returns (uint256) {
    unchecked {
        uint256 maps = place + 1;
        uint256 count = field(place, 8);
        place = maps;
        for (uint256 i = 0; i < count; ++i) {
            place = afterMap(place);
        }
        uint256 afterMaps = place;
        uint256 hasOutput = field(place, 8);
        place += 1 + 2 * hasOutput;
        uint256 limbs = field(place, 8);
        uint256 top = field(place - 1 + 2 * limbs, 16);
        place = addTight(place + 1 + 2 * limbs, top);
        uint256 shift = field(place, 8);
        uint256 family = at(place + 1);
        uint256 power = offsetPower(family);
        addCells(afterMaps, family, mul(power, etaOf(TOTAL)), shift);
        if (hasOutput == 0) {
            uint256 out = mul(mul(power, powerOfTwo(shift)), horner(family, at(OUTPUT_VALUES)));
            put(LINEAR_CONSTANT, add(at(LINEAR_CONSTANT), out));
        }
        uint256 outputs = addBiases(family, power, field(place + 33, 32));
        power = mul(power, etaOf(INPUT));
        for (uint256 i = 0; i < count; ++i) {
            maps = addMap(maps, family, power, outputs);
        }
        return place + 38;
    }
}

/// @dev The cells of y and of the remainder: all have the lengths of the family.
function addCells(uint256 place, uint256 family, uint256 weight, uint256 shift) pure {
    unchecked {
        uint256 outputs = field(place, 8);
        if (outputs == 2) {
            weight = addPooled(place + 1, family, weight, shift);
        } else {
            weight = mul(weight, familySum(family, family & 0xffffffff));
            if (outputs != 0) {
                addToBlock(field(place + 1, 16), mul(weight, powerOfTwo(shift)));
            }
        }
        place += 1 + 2 * outputs;
        uint256 limbs = field(place, 8);
        for (uint256 i = 0; i < limbs; ++i) {
            addToBlock(field(place + 1 + 2 * i, 16), weight);
            weight = mul(weight, powerOfTwo(at(RANGE_BITS)));
        }
    }
}

/// @dev The y of squares, which are sums of arguments z and values f(z) (docs/protocol.md, "Integers"). With powers of r for
/// the next row and column, R and Q, and with the lowest coordinates of rows and columns, x and y, one square has
///
///     z: (1 - y)(1 - x) + (1 - y) x R + y (1 - x) (1 + Q) + y x (1 + Q)(1 + R)
///     f: -(1 + Q) ((1 - y)(1 - x + x R) + y (1 - x)(1 + R))
///
/// and all squares have the same. Gives the weight times the sum over the family.
function addPooled(uint256 place, uint256 family, uint256 weight, uint256 shift) pure returns (uint256) {
    unchecked {
        uint256 bits = family & 0xffffffff;
        uint256 end = POINT_D + (at(C) << 5) - 0x20;
        uint256 y = at(end);
        uint256 x = at(end - ((bits & 0xff) << 5));
        uint256 nextRow = at(strideAt(family, 2) - 0x20);
        uint256 nextColumn = at(strideAt(family, 3) - 0x20);
        // half as many rows and columns, twice as far apart; their lowest bits are not summed over
        uint256 squares = family + (0x0101 << 160);
        squares -= ((lengthOf(family, 2) >> 1) << 64) + ((lengthOf(family, 3) >> 1) << 32);
        weight = mul(weight, familySum(squares, bits | 0x010100000000));
        uint256 upper = sub(1, x);
        uint256 row = add(upper, mul(x, nextRow));
        uint256 left = mul(sub(1, y), row);
        uint256 scaled = mul(weight, powerOfTwo(shift));
        uint256 both = add(1, nextColumn);
        uint256 right = mul(mul(y, both), add(1, mul(x, nextRow)));
        addToBlock(field(place, 16), mul(scaled, add(left, right)));
        right = mul(mul(y, upper), add(1, nextRow));
        addToBlock(field(place + 2, 16), sub(0, mul(mul(scaled, both), add(left, right))));
        return mul(weight, add(left, mul(mul(y, nextColumn), row)));
    }
}

/// @dev What the biases contribute to Xtot(k): each meets all outputs of its channel. Gives the sum over output channels of
/// powers of r, times eq of the last coordinates of k.
function addBiases(uint256 family, uint256 power, uint256 biases) pure returns (uint256 outputs) {
    unchecked {
        uint256 bits = bitsOf(family, 1);
        outputs = geomLt(1, POINT_A + (at(C) << 5), bits, strideAt(family, 1), lengthOf(family, 1));
        power = mul(power, outputs);
        // batch, height and width: a length of one has a sum of one
        for (uint256 i = 0; i < 4; i += i == 0 ? 2 : 1) {
            if (bitsOf(family, i) != 0) {
                power = mul(power, geomSum(strideAt(family, i), lengthOf(family, i)));
            }
        }
        power = mul(power, eqPrefix(biases >> bits, DIGITS_K, at(N) - bits));
        put(BIAS_CONSTANT, add(at(BIAS_CONSTANT), power));
    }
}

/// @dev The place of the last layer.
function lastLayer() pure returns (uint256 place) {
    unchecked {
        uint256 next = at(LAYERS);
        for (uint256 count = field(next - 2, 16); count != 0; --count) {
            place = next;
            next = afterLayer(place);
        }
    }
}

/// @dev The place after a layer.
function afterLayer(uint256 place) pure returns (uint256) {
    unchecked {
        uint256 operation = field(place, 8);
        ++place;
        if (operation == 0) {
            place += 3 + 2 * field(place + 2, 8);
            return place + 1 + 35 * field(place, 8) + 32;
        }
        if (operation == 2) {
            uint256 maps = field(place, 8);
            ++place;
            for (; maps != 0; --maps) {
                place = afterMap(place);
            }
            place += 1 + 2 * field(place, 8);
            place += 1 + 2 * field(place, 8);
            return place + 1 + 35 * field(place, 8) + 38;
        }
        if (operation == 1) {
            place += 2;
        }
        place += 1 + 16 * field(place, 8);
        if (operation == 4) {
            place += 1 + 2 * field(place, 8);
            place += 1 + 35 * field(place, 8);
        }
        return place + 32;
    }
}

/// @dev view = out; or y_idx - y_i - [i < idx] = remainder_i for classes (operation 4). view; for classes limbs: list of 16,
/// tight:option; family.
function addOutput(uint256 place, uint256 operation) pure returns (uint256) {
    unchecked {
        uint256 view_ = place;
        place += 1 + 16 * field(place, 8);
        uint256 limbs = place;
        if (operation == 4) {
            uint256 count = field(place, 8);
            uint256 top = field(place - 1 + 2 * count, 16);
            place = addTight(place + 1 + 2 * count, top);
        }
        uint256 family = at(place);
        uint256 power = offsetPower(family);
        uint256 weight = mul(power, etaOf(LINK));
        if (operation == 4) {
            addClasses(limbs, family, power, weight);
            addChosen(view_ + 1, family, weight);
            weight = sub(0, weight);
        } else {
            put(LINK_CONSTANT, add(at(LINK_CONSTANT), mul(power, horner(family, at(OUTPUT_VALUES)))));
        }
        addView(view_, weight, family);
        return place + 32;
    }
}

/// @dev The remainders of classes, and sum r^(b, i) [i < idx_b].
function addClasses(uint256 limbs, uint256 family, uint256 power, uint256 weight) pure {
    unchecked {
        weight = mul(weight, familySum(family, family & 0xffffffff));
        for (uint256 i = 0; i < field(limbs, 8); ++i) {
            addToBlock(field(limbs + 1 + 2 * i, 16), sub(0, weight));
            weight = mul(weight, powerOfTwo(at(RANGE_BITS)));
        }
        uint256 sum = 0;
        for (uint256 b = lengthOf(family, 0); b != 0;) {
            --b;
            uint256 index = calldataWord(at(OUTPUT_VALUES) + (b << 5));
            sum = add(mul(sum, at(strideAt(family, 0) - 0x20)), geomSum(strideAt(family, 1), index));
        }
        put(LINK_CONSTANT, add(at(LINK_CONSTANT), mul(power, sum)));
    }
}

/// @dev The cells y_idx: each meets all n equations of its batch element. The view is one term.
function addChosen(uint256 term, uint256 family, uint256 weight) pure {
    unchecked {
        weight = mul(weight, geomSum(strideAt(family, 1), lengthOf(family, 1)));
        uint256 word = at(term);
        uint256 id = (word >> 208) & 0xffff;
        weight = mul(weight, signed(int32(uint32(word >> 224))));
        uint256 bits = bitsOfBlock(blockAt(id));
        uint256 plane = ((bits >> 8) & 0xff) + (bits & 0xff);
        // the row of (0, 0, 0, 0), from the block's first one on, as the term reads it
        uint256 first = (((word >> 168) & 0xffffffff) << (bits & 0xff)) + ((word >> 128) & 0xffffffff);
        for (uint256 b = 0; b < lengthOf(family, 0); ++b) {
            uint256 index = calldataWord(at(OUTPUT_VALUES) + (b << 5));
            uint256 row = first + (((b << ((bits >> 16) & 0xff)) + index) << plane);
            // as much of the row as is within the block
            addToBlock(id, mul(weight, eqIndex(row, POINT_D + (at(C) << 5), total(bits))));
            weight = mul(weight, at(strideAt(family, 0) - 0x20));
        }
    }
}
