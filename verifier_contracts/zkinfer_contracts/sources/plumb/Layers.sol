// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, geomLt, geomSum, powerOf} from "./ClosedForms.sol";
import {add, mul, powerOfTwo, signed, sub} from "./Field.sol";
import {INPUT, LINEAR, LINK, addTo, etaOf} from "./Functionals.sol";
import {field} from "./Lookups.sol";
import {addMap, afterMap} from "./Maps.sol";
import {
    BIAS_CONSTANT,
    BLOCKS,
    C,
    CHUNKS,
    DESCRIPTOR,
    EVALUATED,
    INPUT_VALUES,
    LAYERS,
    LINEAR_CONSTANT,
    LINK_CONSTANT,
    N,
    OUTPUT_VALUES,
    POINT_D,
    POINT_K,
    RANGES,
    RANGE_BITS,
    R_POWERS,
    at,
    put
} from "./Memory.sol";
import {calldataWord} from "./Transcript.sol";

/// @dev The layers of a descriptor: what each adds to the functionals at d, and to the values of the claims (docs/protocol.md,
/// "Arithmetisation" and "Linear claims").
///
/// A *family* is the word of a tensor's exponents: offset:64, log2 of four strides:8, four lengths:32, their index bits:8.
/// A *block* is the first word of its record: column:8, number:8, offset:32, four lengths:32, their index bits:8.

/// @dev r^offset.
function offsetPower(uint256 family) pure returns (uint256) {
    return powerOf(R_POWERS, family >> 192);
}

/// @dev The place of r^(stride 2^i), i = 0, 1, ..
function strideAt(uint256 family, uint256 dimension) pure returns (uint256) {
    unchecked {
        return R_POWERS + ((family >> (184 - 8 * dimension)) & 0xff) * 0x20;
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

/// @dev The column of a block.
function columnOf(uint256 block_) pure returns (uint256) {
    unchecked {
        uint256 kind = block_ >> 248;
        uint256 number = (block_ >> 240) & 0xff;
        if (kind == 0) return number;
        if (kind == 3) return at(EVALUATED) + 2 + at(CHUNKS);
        return at(RANGES) + 2 * number + kind - 1;
    }
}

/// @dev eq of a block's prefix at d.
function selectorOf(uint256 block_) pure returns (uint256) {
    unchecked {
        uint256 inner = total(bitsOfBlock(block_));
        uint256 outer = at(C) - inner;
        return eqIndex(((block_ >> 208) & 0xffffffff) >> inner, POINT_D + (outer << 5), outer);
    }
}

/// @dev sum over real indices of r^(strides, index) eq(row, d), for a block with these index bits whose heights and widths
/// are read in steps of 2^high and 2^wide. A dimension without bits has one index, and no share in the sum.
function familySum(uint256 family, uint256 bits, uint256 high, uint256 wide) pure returns (uint256 value) {
    unchecked {
        value = 1;
        uint256 end = POINT_D + (at(C) << 5);
        uint256 m = bits & 0xff;
        if (m > wide) {
            value = geomLt(end - (wide << 5), m - wide, strideAt(family, 3), lengthOf(family, 3));
        }
        end -= m << 5;
        m = (bits >> 8) & 0xff;
        if (m > high) {
            value = mul(value, geomLt(end - (high << 5), m - high, strideAt(family, 2), lengthOf(family, 2)));
        }
        end -= m << 5;
        m = (bits >> 16) & 0xff;
        if (m != 0) {
            value = mul(value, geomLt(end, m, strideAt(family, 1), lengthOf(family, 1)));
        }
        end -= m << 5;
        m = (bits >> 24) & 0xff;
        if (m != 0) {
            value = mul(value, geomLt(end, m, strideAt(family, 0), lengthOf(family, 0)));
        }
    }
}

/// @dev Adds weight * sum r^(exponent) cell over a whole block.
function addBlock(uint256 id, uint256 weight, uint256 family) pure {
    uint256 block_ = blockAt(id);
    addSelected(block_, mul(weight, familySum(family, bitsOfBlock(block_), 0, 0)));
}

function addSelected(uint256 block_, uint256 weight) pure {
    addTo(columnOf(block_), mul(weight, selectorOf(block_)));
}

/// @dev The fields of a term: coefficient:32, block:16, then for heights and for widths the low bits that it fixes, their
/// number:8 and value:32. 16 bytes.
function termAt(uint256 place)
    pure
    returns (uint256 coefficient, uint256 block_, uint256 high, uint256 wide, uint256 fixes)
{
    unchecked {
        uint256 term = at(place);
        coefficient = signed(int32(uint32(term >> 224)));
        block_ = blockAt((term >> 208) & 0xffff);
        high = (term >> 200) & 0xff;
        wide = (term >> 160) & 0xff;
        uint256 end = POINT_D + (at(C) << 5);
        fixes = eqIndex((term >> 128) & 0xffffffff, end, wide);
        end -= ((block_ >> 48) & 0xff) << 5;
        fixes = mul(fixes, eqIndex((term >> 168) & 0xffffffff, end, high));
    }
}

/// @dev Adds weight times a view. Terms that stand together and read in the same way share their sums.
function addView(uint256 place, uint256 weight, uint256 family) pure {
    unchecked {
        uint256 stop = place + 1 + 16 * field(place, 8);
        uint256 seen = type(uint256).max;
        uint256 sum;
        for (++place; place < stop; place += 16) {
            (uint256 coefficient, uint256 block_, uint256 high, uint256 wide, uint256 fixes) = termAt(place);
            uint256 signature = bitsOfBlock(block_) | (high << 32) | (wide << 40);
            if (signature != seen) {
                seen = signature;
                sum = mul(weight, familySum(family, bitsOfBlock(block_), high, wide));
            }
            addSelected(block_, mul(sum, mul(coefficient, fixes)));
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
        uint256 block_ = blockAt(field(place + 1, 16));
        weight = mul(weight, familySum(family, bitsOfBlock(block_), 0, 0));
        addSelected(block_, weight);
        // both have the same lengths
        uint256 scale = powerOfTwo(at(RANGE_BITS) - field(place + 3, 8));
        addSelected(blockAt(cell), sub(0, mul(weight, scale)));
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
            for (uint256 c = lengthOf(family, 1); c != 0; --c) {
                uint256 plane = 0;
                for (uint256 h = lengthOf(family, 2); h != 0; --h) {
                    uint256 line = 0;
                    uint256 base = at(strideAt(family, 3));
                    for (uint256 stop = place - (n3 << 5); place != stop;) {
                        place -= 0x20;
                        line = add(mul(line, base), calldataWord(place));
                    }
                    plane = add(mul(plane, at(strideAt(family, 2))), line);
                }
                all = add(mul(all, at(strideAt(family, 1))), plane);
            }
            value = add(mul(value, at(strideAt(family, 0))), all);
        }
    }
}

/// @dev Adds all layers.
function addLayers() pure {
    unchecked {
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

/// @dev sum of maps + bias + 2^(S - 1) = 2^S y + remainder. maps: list; y: option of 16; limbs: list of 16; tight:option;
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
        addCells(afterMaps, family, mul(power, etaOf(LINEAR)), shift);
        addConstants(family, power, shift, hasOutput, field(place + 33, 32));
        power = mul(power, etaOf(INPUT));
        for (uint256 i = 0; i < count; ++i) {
            maps = addMap(maps, family, power);
        }
        return place + 38;
    }
}

/// @dev The cells of y and of the remainder: all have the lengths of the family.
function addCells(uint256 place, uint256 family, uint256 weight, uint256 shift) pure {
    unchecked {
        uint256 bits = family & 0xffffffff;
        weight = mul(weight, familySum(family, bits, 0, 0));
        if (field(place, 8) != 0) {
            addSelected(blockAt(field(place + 1, 16)), mul(weight, powerOfTwo(shift)));
            place += 2;
        }
        ++place;
        uint256 limbs = field(place, 8);
        for (uint256 i = 0; i < limbs; ++i) {
            addSelected(blockAt(field(place + 1 + 2 * i, 16)), weight);
            weight = mul(weight, powerOfTwo(at(RANGE_BITS)));
        }
    }
}

/// @dev What rounding, a public y and the biases contribute to the values of claims.
function addConstants(uint256 family, uint256 power, uint256 shift, uint256 hasOutput, uint256 biases) pure {
    unchecked {
        uint256 powers = strideAt(family, 1);
        uint256 n = lengthOf(family, 1);
        uint256 sum = power;
        // batch, height and width: a length of one has a sum of one
        for (uint256 i = 0; i < 4; i += i == 0 ? 2 : 1) {
            if (bitsOf(family, i) != 0) {
                sum = mul(sum, geomSum(strideAt(family, i), lengthOf(family, i)));
            }
        }
        uint256 constant_ = at(LINEAR_CONSTANT);
        if (shift != 0) {
            constant_ = sub(constant_, mul(mul(sum, geomSum(powers, n)), powerOfTwo(shift - 1)));
        }
        if (hasOutput == 0) {
            constant_ = add(constant_, mul(mul(power, powerOfTwo(shift)), horner(family, at(OUTPUT_VALUES))));
        }
        put(LINEAR_CONSTANT, constant_);
        uint256 bits = bitsOf(family, 1);
        uint256 end = POINT_K + (at(N) << 5);
        sum = mul(sum, geomLt(end, bits, powers, n));
        sum = mul(sum, eqIndex(biases >> bits, end - (bits << 5), at(N) - bits));
        put(BIAS_CONSTANT, add(at(BIAS_CONSTANT), sum));
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
        weight = mul(weight, familySum(family, family & 0xffffffff, 0, 0));
        for (uint256 i = 0; i < field(limbs, 8); ++i) {
            addSelected(blockAt(field(limbs + 1 + 2 * i, 16)), sub(0, weight));
            weight = mul(weight, powerOfTwo(at(RANGE_BITS)));
        }
        uint256 sum = 0;
        for (uint256 b = lengthOf(family, 0); b != 0;) {
            --b;
            uint256 index = calldataWord(at(OUTPUT_VALUES) + (b << 5));
            sum = add(mul(sum, at(strideAt(family, 0))), geomSum(strideAt(family, 1), index));
        }
        put(LINK_CONSTANT, add(at(LINK_CONSTANT), mul(power, sum)));
    }
}

/// @dev The cells y_idx: each meets all n equations of its batch element. The view is one term.
function addChosen(uint256 term, uint256 family, uint256 weight) pure {
    unchecked {
        weight = mul(weight, geomSum(strideAt(family, 1), lengthOf(family, 1)));
        uint256 word = at(term);
        uint256 block_ = blockAt((word >> 208) & 0xffff);
        weight = mul(weight, signed(int32(uint32(word >> 224))));
        uint256 bits = bitsOfBlock(block_);
        uint256 plane = ((bits >> 8) & 0xff) + (bits & 0xff);
        // the row of (0, 0, 0, 0) as the term reads it
        uint256 first = ((block_ >> 208) & 0xffffffff) + (((word >> 168) & 0xffffffff) << (bits & 0xff))
            + ((word >> 128) & 0xffffffff);
        uint256 c = at(C);
        for (uint256 b = 0; b < lengthOf(family, 0); ++b) {
            uint256 index = calldataWord(at(OUTPUT_VALUES) + (b << 5));
            uint256 row = first + (((b << ((bits >> 16) & 0xff)) + index) << plane);
            addTo(columnOf(block_), mul(weight, eqIndex(row, POINT_D + (c << 5), c)));
            weight = mul(weight, at(strideAt(family, 0)));
        }
    }
}
