// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MODULUS} from "./Memory.sol";

/// @dev Multilinear extensions of structured vectors at a point, in a few multiplications per variable (docs/protocol.md,
/// "Closed forms"). A point lists the bits of an index from the most significant one; `end` is the place after its last
/// coordinate, so that these functions walk from the least significant bit up. `powers` is the place of base^(2^i),
/// i = 0, 1, .. Sums are bounded by real lengths n, never by the padded 2^m.

/// @dev 1 - x - y + 2xy, the factor of eq: below 2^256, not reduced.
function eqFactor(uint256 x, uint256 y) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := sub(add(shl(1, mulmod(x, y, r)), add(shl(1, r), 1)), add(x, y))
    }
}

/// @dev eq(x, y) for two points of m coordinates.
function eq(uint256 x, uint256 y, uint256 m) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        for { let end := add(x, shl(5, m)) } lt(x, end) {
            x := add(x, 0x20)
            y := add(y, 0x20)
        } {
            let u := mload(x)
            let v := mload(y)
            value := mulmod(value, sub(add(shl(1, mulmod(u, v, r)), add(shl(1, r), 1)), add(u, v)), r)
        }
    }
}

/// @dev eq(index, z) for the m coordinates before `end`.
function eqIndex(uint256 index, uint256 end, uint256 m) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        for { let from := sub(end, shl(5, m)) } gt(end, from) {} {
            end := sub(end, 0x20)
            let z := mload(end)
            // z or 1 - z, by adding 2z - 1 to the latter
            value := mulmod(value, add(sub(add(r, 1), z), mul(and(index, 1), sub(shl(1, z), 1))), r)
            index := shr(1, index)
        }
    }
}

/// @dev sum over i < n of base^i eq(i, z).
function geomLt(uint256 end, uint256 m, uint256 powers, uint256 n) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // of the variables so far: the full series, and the sum up to the bits of n so far
        let full := 1
        for { let from := sub(end, shl(5, m)) } gt(end, from) {} {
            end := sub(end, 0x20)
            let z := mload(end)
            let zero := sub(add(r, 1), z)
            if iszero(n) {
                value := mulmod(value, zero, r)
                continue
            }
            let one := mulmod(z, mload(powers), r)
            switch and(n, 1)
            case 1 { value := addmod(mulmod(zero, full, r), mulmod(one, value, r), r) }
            default { if value { value := mulmod(zero, value, r) } }
            full := mulmod(full, add(zero, one), r)
            n := shr(1, n)
            powers := add(powers, 0x20)
        }
        if n { value := full }
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
        let full := 1
        for { let from := sub(y, shl(5, my)) } gt(y, from) {} {
            x := sub(x, 0x20)
            y := sub(y, 0x20)
            let u := mload(x)
            let v := mload(y)
            let one := mulmod(u, v, r)
            // (1 - u)(1 - v)
            let zero := sub(add(one, add(shl(1, r), 1)), add(u, v))
            if powers {
                one := mulmod(one, mload(powers), r)
                powers := add(powers, 0x20)
            }
            switch and(n, 1)
            case 1 { value := addmod(mulmod(zero, full, r), mulmod(one, value, r), r) }
            default { value := mulmod(zero, value, r) }
            full := mulmod(full, add(zero, one), r)
            n := shr(1, n)
        }
        if n { value := full }
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
        let full := 1
        for {} n { n := shr(1, n) } {
            let one := mload(powers)
            switch and(n, 1)
            case 1 { value := addmod(full, mulmod(one, value, r), r) }
            default {}
            full := mulmod(full, add(one, 1), r)
            powers := add(powers, 0x20)
        }
    }
}

/// @dev base^exponent.
function powerOf(uint256 powers, uint256 exponent) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := 1
        for {} exponent { exponent := shr(1, exponent) } {
            if and(exponent, 1) { value := mulmod(value, mload(powers), r) }
            powers := add(powers, 0x20)
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

/// @dev The sums over i < n of eq(i, z) and of i eq(i, z).
function indexLt(uint256 end, uint256 m, uint256 n) pure returns (uint256 count, uint256 sum) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // all indices of the variables so far, summed; and the weight of the next variable
        let full := 0
        let weight := 1
        for { let from := sub(end, shl(5, m)) } gt(end, from) {} {
            end := sub(end, 0x20)
            let z := mload(end)
            let zero := sub(add(r, 1), z)
            switch and(n, 1)
            case 1 {
                sum := addmod(mulmod(zero, full, r), mulmod(z, add(mulmod(weight, count, r), sum), r), r)
                count := addmod(zero, mulmod(z, count, r), r)
            }
            default {
                // zero as long as no bit of n was set
                if count {
                    sum := mulmod(zero, sum, r)
                    count := mulmod(zero, count, r)
                }
            }
            full := addmod(full, mulmod(weight, z, r), r)
            weight := shl(1, weight)
            n := shr(1, n)
        }
        if n {
            count := 1
            sum := full
        }
    }
}

/// @dev Writes eq(i, z) for all 2^m indices to a place.
function eqTable(uint256 z, uint256 m, uint256 table) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(table, 1)
        let size := 0x20
        // the first coordinate is the most significant bit: each one splits every entry in two
        for { let end := add(z, shl(5, m)) } lt(z, end) { z := add(z, 0x20) } {
            let x := mload(z)
            for { let i := size } i {} {
                i := sub(i, 0x20)
                let entry := mload(add(table, i))
                let one := mulmod(entry, x, r)
                let pair := add(table, shl(1, i))
                mstore(pair, addmod(entry, sub(r, one), r))
                mstore(add(pair, 0x20), one)
            }
            size := shl(1, size)
        }
    }
}
