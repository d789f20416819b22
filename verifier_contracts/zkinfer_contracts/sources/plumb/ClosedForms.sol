// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MODULUS} from "./Memory.sol";

/// @dev Multilinear extensions of structured vectors at a point, in a few multiplications per variable (docs/protocol.md,
/// "Closed forms"). A point lists the bits of an index from the most significant one; `end` is the place after its last
/// coordinate, so that these functions walk from the least significant bit up. `powers` is the place after base, base^2,
/// base^4, .., which stand in the same order. Sums are bounded by real lengths n, never by the padded 2^m.

/// @dev eq(index, z) for the m coordinates before `end`.
function eqIndex(uint256 index, uint256 end, uint256 m) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        for { let from := sub(end, shl(5, m)) } gt(end, from) {} {
            end := sub(end, 0x20)
            let z := mload(end)
            // z or 1 - z
            if iszero(and(index, 1)) { z := sub(add(r, 1), z) }
            value := mulmod(value, z, r)
            index := shr(1, index)
        }
    }
}

/// @dev eq(prefix, .) for the m first coordinates of a point whose digits are at a place.
function eqPrefix(uint256 prefix, uint256 digits, uint256 m) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let place := add(digits, shl(7, shr(1, m)))
        value := 1
        // a digit as what it is in bytes
        prefix := shl(5, prefix)
        if and(m, 1) {
            // the first coordinate of a pair alone: what is left of it when the other one is 0, and when it is 1
            value := add(place, shl(1, and(prefix, 0x20)))
            value := add(mload(value), mload(add(value, 0x20)))
            prefix := shr(1, prefix)
        }
        for {} gt(place, digits) { prefix := shr(2, prefix) } {
            place := sub(place, 0x80)
            value := mulmod(value, mload(add(place, and(prefix, 0x60))), r)
        }
    }
}

/// @dev Writes eq(i, (x, y)) for the four i, of each two coordinates of a point. Of an odd number of coordinates the last one
/// is paired with the word that comes after them, whatever it is.
function eqDigits(uint256 z, uint256 m, uint256 digits) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        for { let end := add(z, shl(5, m)) } lt(z, end) { z := add(z, 0x40) } {
            let x := mload(z)
            let y := mload(add(z, 0x20))
            let both := mulmod(x, y, r)
            mstore(add(digits, 0x60), both)
            mstore(add(digits, 0x40), sub(add(r, x), both))
            y := addmod(y, sub(r, both), r)
            mstore(add(digits, 0x20), y)
            mstore(digits, sub(add(shl(1, r), 1), add(x, y)))
            digits := add(digits, 0x80)
        }
    }
}

/// @dev factor * sum over i < n of base^i eq(i, z), for n at least 1.
function geomLt(uint256 factor, uint256 end, uint256 m, uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // from a coordinate to its power
        powers := sub(powers, end)
        // the last coordinate, and what is before the first one
        end := sub(end, 0x20)
        m := sub(end, shl(5, m))
        // of the variables so far, all indices: below the lowest one bit of n nothing else counts
        let all := factor
        for {} iszero(and(n, 1)) { n := shr(1, n) } {
            let z := mload(end)
            all := mulmod(all, add(mulmod(z, mload(add(end, powers)), r), sub(add(r, 1), z)), r)
            end := sub(end, 0x20)
        }
        // are the other bits of n ones alone
        switch eq(add(n, 1), shl(shr(5, sub(end, m)), 1))
        case 0 {
            for {} gt(end, m) { end := sub(end, 0x20) } {
                let z := mload(end)
                let one := mulmod(z, mload(add(end, powers)), r)
                let zero := sub(add(r, 1), z)
                switch and(n, 1)
                case 0 { value := mulmod(value, zero, r) }
                default { value := add(mulmod(value, one, r), mulmod(all, zero, r)) }
                all := mulmod(all, add(zero, one), r)
                n := shr(1, n)
            }
            if n { value := all }
            value := mod(value, r)
        }
        default {
            // then all indices but those whose bits here are the same
            let above := all
            for {} gt(end, m) { end := sub(end, 0x20) } {
                let z := mload(end)
                let one := mulmod(z, mload(add(end, powers)), r)
                above := mulmod(above, one, r)
                all := mulmod(all, add(one, sub(add(r, 1), z)), r)
            }
            value := addmod(all, sub(r, above), r)
        }
    }
}

/// @dev factor * sum over i < n of eq(i, x) eq(i, y), for n at least 1. Where one point is longer, its leading bits are zero in
/// every index.
function eqLt(uint256 factor, uint256 x, uint256 mx, uint256 y, uint256 my, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let all := factor
        if lt(mx, my) {
            let t := x
            x := y
            y := t
            t := mx
            mx := my
            my := t
        }
        for { let from := sub(x, shl(5, mx)) } gt(mx, my) { mx := sub(mx, 1) } {
            all := mulmod(all, sub(add(r, 1), mload(from)), r)
            from := add(from, 0x20)
        }
        // from a coordinate of y to that of x
        x := sub(x, y)
        // the last coordinate, and what is before the first one
        y := sub(y, 0x20)
        my := sub(y, shl(5, my))
        // as in geomLt
        for {} iszero(and(n, 1)) { n := shr(1, n) } {
            let u := mload(add(y, x))
            let v := mload(y)
            let one := mulmod(u, v, r)
            // u v + (1 - u)(1 - v)
            all := mulmod(all, sub(add(add(one, one), add(shl(1, r), 1)), add(u, v)), r)
            y := sub(y, 0x20)
        }
        value := all
        if gt(y, my) {
            value := 0
            for {} gt(y, my) { y := sub(y, 0x20) } {
                let u := mload(add(y, x))
                let v := mload(y)
                let one := mulmod(u, v, r)
                let zero := sub(add(one, add(shl(1, r), 1)), add(u, v))
                switch and(n, 1)
                case 0 { value := mulmod(value, zero, r) }
                default { value := add(mulmod(value, one, r), mulmod(all, zero, r)) }
                all := mulmod(all, add(zero, one), r)
                n := shr(1, n)
            }
            if n { value := all }
            value := mod(value, r)
        }
    }
}

/// @dev factor * sum over i < n of base^i eq(i, x) eq(i, y), for n at least 1 and points of m coordinates.
function geomEqLt(uint256 factor, uint256 x, uint256 y, uint256 m, uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let all := factor
        for { m := sub(y, shl(5, m)) } gt(y, m) { n := shr(1, n) } {
            x := sub(x, 0x20)
            y := sub(y, 0x20)
            powers := sub(powers, 0x20)
            let one := mulmod(mload(x), mload(y), r)
            let zero := sub(add(one, add(shl(1, r), 1)), add(mload(x), mload(y)))
            one := mulmod(one, mload(powers), r)
            switch and(n, 1)
            case 0 { value := mulmod(value, zero, r) }
            default { value := add(mulmod(value, one, r), mulmod(all, zero, r)) }
            all := mulmod(all, add(zero, one), r)
        }
        if n { value := all }
        value := mod(value, r)
    }
}

/// @dev sum over i < n of base^i.
function geomSum(uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let all := 1
        powers := sub(powers, 0x20)
        for {} n { n := shr(1, n) } {
            let one := mload(powers)
            if and(n, 1) { value := add(all, mulmod(one, value, r)) }
            all := mulmod(all, add(one, 1), r)
            powers := sub(powers, 0x20)
        }
        value := mod(value, r)
    }
}

/// @dev base^exponent.
function powerOf(uint256 powers, uint256 exponent) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        // most exponents are offsets, which seldom have low bits
        if iszero(and(exponent, 0xff)) {
            exponent := shr(8, exponent)
            powers := sub(powers, 0x100)
        }
        for {} exponent { exponent := shr(1, exponent) } {
            powers := sub(powers, 0x20)
            if and(exponent, 1) { value := mulmod(value, mload(powers), r) }
        }
    }
}

/// @dev Writes the sums over i of i eq(i, .) for the last j of m coordinates, for j from 0 to m.
function indexTable(uint256 end, uint256 m, uint256 table) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let weight := 1
        let sum := 0
        mstore(table, 0)
        // the point is read backwards
        end := add(end, table)
        for { let last := add(table, shl(5, m)) } lt(table, last) {} {
            table := add(table, 0x20)
            sum := addmod(sum, mulmod(weight, mload(sub(end, table)), r), r)
            mstore(table, sum)
            weight := shl(1, weight)
        }
    }
}

/// @dev The sums over i < n of eq(i, z) and of i eq(i, z), for n at most 2^m, with what `indexTable` says of the point.
function indexLt(uint256 z, uint256 m, uint256 n, uint256 table) pure returns (uint256 count, uint256 sum) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        table := add(table, shl(5, m))
        let bit := shl(m, 1)
        switch lt(n, bit)
        case 0 {
            count := 1
            sum := mload(table)
        }
        default {
            // the bits of n so far, and eq of them
            let base := 0
            let prefix := 1
            for {} n {} {
                bit := shr(1, bit)
                table := sub(table, 0x20)
                let one := mulmod(prefix, mload(z), r)
                prefix := addmod(prefix, sub(r, one), r)
                z := add(z, 0x20)
                if iszero(lt(n, bit)) {
                    // all indices that have a zero here
                    count := addmod(count, prefix, r)
                    sum := addmod(sum, mulmod(prefix, add(base, mload(table)), r), r)
                    base := add(base, bit)
                    n := sub(n, bit)
                    prefix := one
                }
            }
        }
    }
}

/// @dev Writes eq(i, z) for all 2^m indices to a place.
function eqTable(uint256 z, uint256 m, uint256 table) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(table, 1)
        // the last entry so far
        let last := table
        let end := add(z, shl(5, m))
        // the first coordinate is the most significant bit: each one splits every entry in two, and two at a time in four
        if and(m, 1) {
            let x := mload(z)
            z := add(z, 0x20)
            mstore(table, addmod(1, sub(r, x), r))
            last := add(table, 0x20)
            mstore(last, x)
        }
        for {} lt(z, end) { z := add(z, 0x40) } {
            let y := mload(add(z, 0x20))
            let both := mulmod(mload(z), y, r)
            let first := sub(add(mload(z), r), both)
            y := sub(add(y, r), both)
            let zero := sub(add(mul(3, r), 1), add(mload(z), y))
            // from the last entry down, so that none is written over before it is read
            let from := last
            last := add(table, add(shl(2, sub(last, table)), 0x60))
            for { let to := last } iszero(lt(from, table)) { from := sub(from, 0x20) } {
                let entry := mload(from)
                mstore(to, mulmod(entry, both, r))
                mstore(sub(to, 0x20), mulmod(entry, first, r))
                mstore(sub(to, 0x40), mulmod(entry, y, r))
                to := sub(to, 0x60)
                mstore(to, mulmod(entry, zero, r))
                to := sub(to, 0x20)
            }
        }
    }
}
