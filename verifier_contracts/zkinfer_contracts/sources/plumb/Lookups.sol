// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, indexLt, indexTable} from "./ClosedForms.sol";
import {mul, powerOfTwo} from "./Field.sol";
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

/// @dev A number of the descriptor: `bits` bits at a place.
function field(uint256 place, uint256 bits) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := shr(sub(256, bits), mload(place))
    }
}

/// @dev What sumcheck A sums beside products, at the row a of its point (docs/protocol.md, "Arithmetisation").
function gatesAtA() pure returns (uint256 gates) {
    (uint256 sums, uint256 power, uint256 sum, uint256 value) = helpersAtA();
    uint256 table = tableAtA();
    (uint256 onActive, uint256 act) = active();
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let column := calldataload(value)
        // HT D - M
        let last := mulmod(column, add(mload(ALPHA), sub(r, table)), r)
        value := calldataload(add(mload(VALUES), shl(5, add(mload(RANGES), shl(1, mload(PAIRS))))))
        gates := mulmod(onActive, addmod(sums, mulmod(power, add(last, sub(r, value)), r), r), r)
        power := mulmod(mulmod(power, mload(LAMBDA), r), act, r)
        gates := addmod(gates, mulmod(power, add(sum, sub(r, column)), r), r)
    }
}

/// @dev The gates of helpers, each times its power of lambda, the next power, the sum of helpers, and the place of HT.
function helpersAtA() pure returns (uint256 gates, uint256 power, uint256 sum, uint256 value) {
    uint256 end;
    (end, value) = writeDenominators();
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        power := mload(LAMBDA)
        // after M, one helper for two look-ups
        value := add(value, 0x20)
        for { let place := mload(FREE) } lt(place, end) { value := add(value, 0x20) } {
            let h := calldataload(value)
            sum := addmod(sum, h, r)
            let first := mload(place)
            place := add(place, 0x20)
            h := mulmod(h, first, r)
            switch lt(place, end)
            case 1 {
                let second := mload(place)
                place := add(place, 0x20)
                h := add(mulmod(h, second, r), sub(shl(1, r), add(first, second)))
            }
            default { h := add(h, sub(r, 1)) }
            gates := addmod(gates, mulmod(power, h, r), r)
            power := mulmod(power, mload(LAMBDA), r)
        }
    }
}

/// @dev Writes D of every look-up at a, alpha minus the fingerprint, to free memory. Gives the place after them, and that of
/// the value after theirs.
function writeDenominators() pure returns (uint256 end, uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let alpha := mload(ALPHA)
        end := mload(FREE)
        value := mload(VALUES)
        for { let last := add(value, shl(5, mload(RANGES))) } lt(value, last) { value := add(value, 0x20) } {
            mstore(end, addmod(alpha, sub(r, calldataload(value)), r))
            end := add(end, 0x20)
        }
        let gamma := mload(GAMMA)
        let list := mload(PAIR_LIST)
        for { let last := add(list, mload(PAIRS)) } lt(list, last) { list := add(list, 1) } {
            let tag := add(byte(0, mload(list)), 1)
            let rest := mulmod(gamma, add(calldataload(add(value, 0x20)), mulmod(gamma, tag, r)), r)
            mstore(end, addmod(alpha, sub(shl(1, r), add(calldataload(value), rest)), r))
            value := add(value, 0x40)
            end := add(end, 0x20)
        }
    }
}

/// @dev eq(tau, .) restricted to active rows, and their indicator, both at a.
function active() pure returns (uint256 onActive, uint256 act) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let x := POINT_A
        let high := add(x, shl(5, sub(mload(C), mload(LOG_PAD))))
        let ones := 1
        act := 1
        onActive := 1
        // pad rows are those whose leading bits are all ones
        for {} lt(x, high) { x := add(x, 0x20) } {
            let v := mload(x)
            let u := mload(sub(x, sub(POINT_A, TAU)))
            act := mulmod(act, v, r)
            let both := mulmod(u, v, r)
            ones := mulmod(ones, both, r)
            onActive := mulmod(onActive, sub(add(shl(1, both), add(shl(1, r), 1)), add(u, v)), r)
        }
        act := sub(add(r, 1), act)
        onActive := add(onActive, sub(r, ones))
        for { let end := add(POINT_A, shl(5, mload(C))) } lt(x, end) { x := add(x, 0x20) } {
            let u := mload(sub(x, sub(POINT_A, TAU)))
            let v := mload(x)
            onActive := mulmod(onActive, sub(add(shl(1, mulmod(u, v, r)), add(shl(1, r), 1)), add(u, v)), r)
        }
    }
}

/// @dev The table column at a: the range table, and every function's.
function tableAtA() pure returns (uint256 value) {
    unchecked {
        uint256 c = at(C);
        uint256 end = POINT_A + (c << 5);
        uint256 indices = at(FREE);
        indexTable(end, c, indices);
        uint256 place = at(FUNCTIONS);
        // offset:u32 bits:u8, before the functions' count
        uint256 bits = at(RANGE_BITS);
        value = mul(eqIndex(field(place - 6, 32) >> bits, end - (bits << 5), c - bits), at(indices + (bits << 5)));
        uint256 count = field(place - 1, 8);
        bits = at(VALUE_BITS);
        end -= bits << 5;
        for (uint256 tag = 1; tag <= count; ++tag) {
            uint256 entry;
            uint256 selector = eqIndex(field(place, 32) >> bits, end, c - bits);
            if (field(place + 5, 8) == 0) {
                entry = clampAt(end, bits, field(place + 6, 64), indices);
                place += 14;
            } else {
                entry = listedAt(end, bits, place + 10, indices + 0x20 + (c << 5));
                place += 10 + (4 << bits);
            }
            assembly ("memory-safe") {
                let r := mload(MODULUS)
                let gamma := mload(GAMMA)
                entry := mulmod(gamma, add(entry, mulmod(gamma, tag, r)), r)
                let argument := add(mload(add(indices, shl(5, bits))), sub(r, shl(sub(bits, 1), 1)))
                value := addmod(value, mulmod(selector, add(argument, entry), r), r)
            }
        }
    }
}

/// @dev The extension of min(max(y, low), high) over y from -2^(bits - 1) to 2^(bits - 1) - 1. `bounds` are low and high, 32
/// bits each, `indices` is a table of `indexTable`.
function clampAt(uint256 z, uint256 bits, uint256 bounds, uint256 indices) pure returns (uint256 value) {
    unchecked {
        int256 half = int256(powerOfTwo(bits - 1));
        int256 low = int32(uint32(bounds >> 32));
        int256 high = int32(uint32(bounds));
        (uint256 below, uint256 sumBelow) = indexLt(z, bits, uint256(low + half), indices);
        (uint256 upto, uint256 sumUpto) = indexLt(z, bits, uint256(high + half) + 1, indices);
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            // y is its index minus half
            value := add(sumUpto, sub(r, sumBelow))
            value := add(value, mulmod(half, add(below, sub(r, upto)), r))
            value := add(value, mulmod(add(low, mul(r, slt(low, 0))), below, r))
            value := addmod(value, mulmod(add(high, mul(r, slt(high, 0))), sub(add(r, 1), upto), r), r)
        }
    }
}

/// @dev The extension of 2^bits values, 32 bits each, at a point: values are folded as they come, one waiting for each
/// variable, at a place.
function listedAt(uint256 z, uint256 bits, uint256 list, uint256 waiting) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
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
