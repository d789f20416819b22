// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqPrefix, geomLt, geomSum, powerOf} from "./ClosedForms.sol";
import {add, mul, powerOfTwo, sub} from "./Field.sol";
import {LINK, addTo, etaOf} from "./Functionals.sol";
import {C, DIGITS_D, EVALUATED, LINK_CONSTANT, POINT_D, R_POWERS, at, put} from "./Memory.sol";

/// @dev The claim of a registration (docs/protocol.md, "Registration"), as `PlumbLayouts.ranges` lists it: the place in memory
/// is that of its first word.
function addRanges(uint256 program) pure {
    unchecked {
        uint256 weight = etaOf(LINK);
        uint256 place = program + 0x80;
        for (uint256 i = at(program + 0x40); i != 0; --i) {
            uint256 run = at(place);
            uint256 factors = (run >> 192) & 0xff;
            addRun(place, weight);
            place += 0x40 + (factors << 6);
        }
        uint256 constant_ = 0;
        for (uint256 i = at(program + 0x60); i != 0; --i) {
            uint256 block_ = at(place);
            uint256 sum = powerOf(R_POWERS, (block_ >> 128) & 0xffffffffffffffff);
            uint256 powers = R_POWERS;
            for (uint256 j = 5; j != 0;) {
                --j;
                sum = mul(sum, geomSum(powers, realLength(place, j)));
                powers -= indexBits(block_, j) << 5;
            }
            constant_ = sub(constant_, mul(sum, powerOfTwo(block_ & 0xff)));
            place += 0x40;
        }
        put(LINK_CONSTANT, constant_);
    }
}

/// @dev sum_j factor_j sum_k r^(exponent_j + k) cell(k) over the real positions k of a tensor.
function addRun(uint256 place, uint256 weight) pure {
    unchecked {
        uint256 run = at(place);
        uint256 first = (run >> 128) & 0xffffffffffffffff;
        {
            uint256 factors = (run >> 192) & 0xff;
            uint256 scale = 0;
            for (uint256 factor = place + 0x40; factors != 0; --factors) {
                scale = add(scale, mul(at(factor), powerOf(R_POWERS, at(factor + 0x20) + first)));
                factor += 0x40;
            }
            weight = mul(weight, scale);
        }
        uint256 end = POINT_D + (at(C) << 5);
        uint256 inner = 0;
        uint256 powers = R_POWERS;
        for (uint256 j = 5; j != 0;) {
            --j;
            uint256 bits = indexBits(run, j);
            weight = geomLt(weight, end, bits, powers, realLength(place, j));
            end -= bits << 5;
            powers -= bits << 5;
            inner += bits;
        }
        uint256 row = (run >> 200) & 0xffffffff;
        weight = mul(weight, eqPrefix(row >> inner, DIGITS_D, at(C) - inner));
        uint256 column = (run >> 232) & 0xffff;
        addTo(run >> 248 == 0 ? column : at(EVALUATED) + 2 + column, weight);
    }
}

function indexBits(uint256 tensor, uint256 dimension) pure returns (uint256) {
    unchecked {
        return (tensor >> (120 - 8 * dimension)) & 0xff;
    }
}

function realLength(uint256 place, uint256 dimension) pure returns (uint256) {
    unchecked {
        return (at(place + 0x20) >> (224 - 32 * dimension)) & 0xffffffff;
    }
}
