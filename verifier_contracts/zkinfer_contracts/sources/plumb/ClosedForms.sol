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
        if and(m, 1) {
            // the first coordinate of a pair alone: what is left of it when the other one is 0, and when it is 1
            value := add(place, shl(6, and(prefix, 1)))
            value := add(mload(value), mload(add(value, 0x20)))
            prefix := shr(1, prefix)
        }
        for {} gt(place, digits) { prefix := shr(2, prefix) } {
            place := sub(place, 0x80)
            value := mulmod(value, mload(add(place, shl(5, and(prefix, 3)))), r)
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
            both := sub(r, both)
            x := addmod(x, both, r)
            mstore(add(digits, 0x40), x)
            mstore(add(digits, 0x20), addmod(y, both, r))
            // (1 - x)(1 - y) = 1 - y - x (1 - y)
            mstore(digits, addmod(1, sub(shl(1, r), addmod(x, y, r)), r))
            digits := add(digits, 0x80)
        }
    }
}

/// @dev factor * sum over i < n of base^i eq(i, z), for n at least 1.
function geomLt(uint256 factor, uint256 end, uint256 m, uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let from := sub(end, shl(5, m))
        // from a coordinate to its power
        powers := sub(powers, end)
        // the last coordinate
        end := sub(end, 0x20)
        // of the variables so far, all indices: below the lowest one bit of n nothing else counts
        let all := factor
        for {} iszero(and(n, 1)) { n := shr(1, n) } {
            let z := mload(end)
            all := mulmod(all, add(mulmod(z, mload(add(end, powers)), r), sub(add(r, 1), z)), r)
            end := sub(end, 0x20)
        }
        value := all
        if iszero(lt(end, from)) {
            // then the indices from the bits of n so far on, or those below: one of both takes one multiplication for a bit
            let above := all
            for {} n {} {
                for {} and(n, 1) { n := shr(1, n) } {
                    let z := mload(end)
                    let one := mulmod(z, mload(add(end, powers)), r)
                    above := mulmod(above, one, r)
                    all := mulmod(all, add(one, sub(add(r, 1), z)), r)
                    end := sub(end, 0x20)
                }
                value := addmod(all, sub(r, above), r)
                if n {
                    for {} iszero(and(n, 1)) { n := shr(1, n) } {
                        let z := mload(end)
                        let zero := sub(add(r, 1), z)
                        value := mulmod(value, zero, r)
                        all := mulmod(all, add(zero, mulmod(z, mload(add(end, powers)), r)), r)
                        end := sub(end, 0x20)
                    }
                    above := addmod(all, sub(r, value), r)
                }
            }
            for {} iszero(lt(end, from)) { end := sub(end, 0x20) } {
                value := mulmod(value, sub(add(r, 1), mload(end)), r)
            }
        }
    }
}

/// @dev sum over i < n of base^i eq(i, x) eq(i, y); without powers, base is 1. Where one point is longer, its leading bits
/// are zero in every index.
function eqLt(uint256 x, uint256 mx, uint256 y, uint256 my, uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        if lt(mx, my) {
            let t := x
            x := y
            y := t
            t := mx
            mx := my
            my := t
        }
        let all := 1
        for { let from := sub(y, shl(5, my)) } gt(y, from) {} {
            x := sub(x, 0x20)
            y := sub(y, 0x20)
            let u := mload(x)
            let v := mload(y)
            let one := mulmod(u, v, r)
            // (1 - u)(1 - v)
            let zero := sub(add(one, add(shl(1, r), 1)), add(u, v))
            if powers {
                powers := sub(powers, 0x20)
                one := mulmod(one, mload(powers), r)
            }
            switch and(n, 1)
            case 1 { value := addmod(mulmod(zero, all, r), mulmod(one, value, r), r) }
            default { if value { value := mulmod(zero, value, r) } }
            all := mulmod(all, add(zero, one), r)
            n := shr(1, n)
        }
        if n { value := all }
        for { let from := sub(x, shl(5, sub(mx, my))) } gt(x, from) {} {
            x := sub(x, 0x20)
            value := mulmod(value, sub(add(r, 1), mload(x)), r)
        }
    }
}

/// @dev sum over i < n of base^i.
function geomSum(uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let all := 1
        for {} n { n := shr(1, n) } {
            powers := sub(powers, 0x20)
            let one := mload(powers)
            if and(n, 1) { value := addmod(all, mulmod(one, value, r), r) }
            all := mulmod(all, add(one, 1), r)
        }
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

/// @dev sum over i of i eq(i, z).
function indexAt(uint256 z, uint256 m) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        for { let end := add(z, shl(5, m)) } lt(z, end) { z := add(z, 0x20) } {
            value := addmod(shl(1, value), mload(z), r)
        }
    }
}

/// @dev The sums over i < n of eq(i, z) and of i eq(i, z), for n at least 1.
function indexLt(uint256 end, uint256 m, uint256 n) pure returns (uint256 count, uint256 sum) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let from := sub(end, shl(5, m))
        let weight := 1
        // below the lowest one bit of n, all indices
        count := 1
        for {} iszero(and(n, 1)) { n := shr(1, n) } {
            end := sub(end, 0x20)
            sum := addmod(sum, mulmod(weight, mload(end), r), r)
            weight := shl(1, weight)
        }
        if gt(end, from) {
            // all indices of the variables so far, summed
            let all := sum
            sum := 0
            count := 0
            for {} gt(end, from) { n := shr(1, n) } {
                end := sub(end, 0x20)
                let z := mload(end)
                let zero := sub(add(r, 1), z)
                switch and(n, 1)
                case 1 {
                    sum := addmod(mulmod(zero, all, r), mulmod(z, add(mulmod(weight, count, r), sum), r), r)
                    count := addmod(zero, mulmod(z, count, r), r)
                }
                default {
                    sum := mulmod(zero, sum, r)
                    count := mulmod(zero, count, r)
                }
                all := addmod(all, mulmod(weight, z, r), r)
                weight := shl(1, weight)
            }
        }
    }
}

/// @dev Writes eq(i, z) for all 2^m indices to a place.
function eqTable(uint256 z, uint256 m, uint256 table) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(table, 1)
        let size := 0x20
        let end := add(z, shl(5, m))
        // the first coordinate is the most significant bit: each one splits every entry in two, and two at a time in four
        if and(m, 1) {
            let x := mload(z)
            z := add(z, 0x20)
            mstore(table, addmod(1, sub(r, x), r))
            mstore(add(table, 0x20), x)
            size := 0x40
        }
        for {} lt(z, end) { z := add(z, 0x40) } {
            let x := mload(z)
            let y := mload(add(z, 0x20))
            for { let i := size } i {} {
                i := sub(i, 0x20)
                let zero := mload(add(table, i))
                let place := add(table, shl(2, i))
                let one := mulmod(zero, x, r)
                let both := mulmod(one, y, r)
                mstore(add(place, 0x60), both)
                mstore(add(place, 0x40), addmod(one, sub(r, both), r))
                zero := addmod(zero, sub(r, one), r)
                one := mulmod(zero, y, r)
                mstore(add(place, 0x20), one)
                mstore(place, addmod(zero, sub(r, one), r))
            }
            size := shl(2, size)
        }
    }
}
