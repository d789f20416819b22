// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, indexAt, indexLt} from "./ClosedForms.sol";
import {powerOfTwo, add, mul, signed, sub} from "./Field.sol";
import {
    ALPHA,
    C,
    FREE,
    FUNCTIONS,
    GAMMA,
    LAMBDA,
    LOG_PAD,
    MODULUS,
    PAIRS,
    PAIR_LIST,
    POINT_A,
    RANGES,
    RANGE_BITS,
    TAU,
    VALUES,
    VALUE_BITS,
    at
} from "./Memory.sol";
import {calldataWord} from "./Transcript.sol";

/// @dev A number of the descriptor: `bits` bits at a place.
function field(uint256 place, uint256 bits) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := shr(sub(256, bits), mload(place))
    }
}

/// @dev What sumcheck A sums beside products, at the row a of its point (docs/protocol.md, "Arithmetisation").
function gatesAtA() pure returns (uint256) {
    unchecked {
        (uint256 onActive, uint256 act) = active();
        (uint256 gates, uint256 sum) = (0, 0);
        uint256 ranges = at(RANGES);
        uint256 lookups = ranges + at(PAIRS);
        uint256 helpers = (lookups + 1) >> 1;
        uint256 values = at(VALUES);
        uint256 multiplicity = values + ((ranges + 2 * at(PAIRS)) << 5);
        uint256 lambda = at(LAMBDA);
        uint256 power = lambda;
        for (uint256 j = 0; j < helpers; ++j) {
            uint256 h = calldataWord(multiplicity + ((j + 1) << 5));
            uint256 gate = denominator(2 * j, ranges, values);
            if (2 * j + 1 < lookups) {
                uint256 second = denominator(2 * j + 1, ranges, values);
                gate = sub(mul(mul(h, gate), second), add(gate, second));
            } else {
                gate = sub(mul(h, gate), 1);
            }
            gates = add(gates, mul(power, gate));
            power = mul(power, lambda);
            sum = add(sum, h);
        }
        uint256 table = calldataWord(multiplicity + ((helpers + 1) << 5));
        uint256 last = sub(mul(table, sub(at(ALPHA), tableAtA())), calldataWord(multiplicity));
        gates = add(gates, mul(power, last));
        return add(mul(onActive, gates), mul(mul(mul(power, lambda), act), sub(sum, table)));
    }
}

/// @dev D of look-up i at a: alpha minus the fingerprint.
function denominator(uint256 i, uint256 ranges, uint256 values) pure returns (uint256) {
    unchecked {
        if (i < ranges) {
            return sub(at(ALPHA), calldataWord(values + (i << 5)));
        }
        uint256 pair = i - ranges;
        uint256 place = values + ((ranges + 2 * pair) << 5);
        uint256 tag = field(at(PAIR_LIST) + pair, 8) + 1;
        uint256 fingerprint = mul(add(calldataWord(place + 0x20), mul(at(GAMMA), tag)), at(GAMMA));
        return sub(at(ALPHA), add(calldataWord(place), fingerprint));
    }
}

/// @dev eq(tau, .) restricted to active rows, and their indicator, both at a.
function active() pure returns (uint256 onActive, uint256 act) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let x := POINT_A
        let high := add(x, shl(5, sub(mload(C), mload(LOG_PAD))))
        let onesTau := 1
        let onesA := 1
        onActive := 1
        // pad rows are those whose leading bits are all ones
        for {} lt(x, high) { x := add(x, 0x20) } {
            let u := mload(sub(x, sub(POINT_A, TAU)))
            let v := mload(x)
            onesTau := mulmod(onesTau, u, r)
            onesA := mulmod(onesA, v, r)
            onActive := mulmod(onActive, sub(add(shl(1, mulmod(u, v, r)), add(shl(1, r), 1)), add(u, v)), r)
        }
        onActive := addmod(onActive, sub(r, mulmod(onesTau, onesA, r)), r)
        for { let end := add(POINT_A, shl(5, mload(C))) } lt(x, end) { x := add(x, 0x20) } {
            let u := mload(sub(x, sub(POINT_A, TAU)))
            let v := mload(x)
            onActive := mulmod(onActive, sub(add(shl(1, mulmod(u, v, r)), add(shl(1, r), 1)), add(u, v)), r)
        }
        act := addmod(1, sub(r, onesA), r)
    }
}

/// @dev The table column at a: the range table, and every function's.
function tableAtA() pure returns (uint256 value) {
    unchecked {
        uint256 c = at(C);
        uint256 end = POINT_A + (c << 5);
        uint256 place = at(FUNCTIONS);
        // offset:u32 bits:u8, before the functions' count
        uint256 bits = at(RANGE_BITS);
        value = mul(
            eqIndex(field(place - 6, 32) >> bits, end - (bits << 5), c - bits), indexAt(end - (bits << 5), bits)
        );
        uint256 count = field(place - 1, 8);
        uint256 gamma = at(GAMMA);
        bits = at(VALUE_BITS);
        uint256 half = powerOfTwo(bits - 1);
        uint256 z = end - (bits << 5);
        for (uint256 tag = 1; tag <= count; ++tag) {
            uint256 entry;
            uint256 selector = eqIndex(field(place, 32) >> bits, z, c - bits);
            if (field(place + 5, 8) == 0) {
                entry = clampAt(end, bits, half, field(place + 6, 64));
                place += 14;
            } else {
                entry = listedAt(z, bits, place + 10);
                place += 10 + (4 << bits);
            }
            entry = mul(gamma, add(entry, mul(gamma, tag)));
            value = add(value, mul(selector, add(sub(indexAt(z, bits), half), entry)));
        }
    }
}

/// @dev The extension of min(max(y, low), high) over y from -half to half - 1. `bounds` are low and high, 32 bits each.
function clampAt(uint256 end, uint256 bits, uint256 half, uint256 bounds) pure returns (uint256) {
    unchecked {
        int256 low = int32(uint32(bounds >> 32));
        int256 high = int32(uint32(bounds));
        (uint256 below, uint256 sumBelow) = (0, 0);
        if (low + int256(half) != 0) {
            (below, sumBelow) = indexLt(end, bits, uint256(low + int256(half)));
        }
        (uint256 upto, uint256 sumUpto) = indexLt(end, bits, uint256(high + int256(half)) + 1);
        uint256 middle = sub(sub(sumUpto, sumBelow), mul(half, sub(upto, below)));
        return add(add(mul(signed(low), below), middle), mul(signed(high), sub(1, upto)));
    }
}

/// @dev The extension of 2^bits values, 32 bits each, at a point: values are folded as they come, one waiting for each
/// variable.
function listedAt(uint256 z, uint256 bits, uint256 list) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let waiting := mload(FREE)
        let last := add(z, shl(5, sub(bits, 1)))
        for { let i := 0 } lt(i, shl(bits, 1)) { i := add(i, 1) } {
            let entry := signextend(3, shr(224, mload(add(list, shl(2, i)))))
            value := add(entry, mul(r, slt(entry, 0)))
            let place := waiting
            let coordinate := last
            // every one bit at the end of i completes a pair
            for { let ones := i } and(ones, 1) { ones := shr(1, ones) } {
                let before := mload(place)
                value := addmod(before, mulmod(mload(coordinate), add(value, sub(r, before)), r), r)
                place := add(place, 0x20)
                coordinate := sub(coordinate, 0x20)
            }
            mstore(place, value)
        }
    }
}
