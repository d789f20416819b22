// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {powerOf} from "./ClosedForms.sol";
import {MODULUS, at} from "./Memory.sol";

/// @dev One dimension of a window of stride 1: sum over taps of e_tap times the sum over outputs o < n of
/// base^o eq(o + tap - pad, z), inside the real input [0, limit) only. The words e_tap are at a place, with room after them; z
/// are the m coordinates before `end`.
///
/// With h(j) = sum over taps up to j of base^(j - tap) e_tap, cell t is weighed by h(t + pad) - base^n h(t + pad - n). After
/// the last tap h is geometric, and so are the weights, between some first and some last cells.
function slide(
    uint256 place,
    uint256 taps,
    uint256 pad,
    uint256 end,
    uint256 m,
    uint256 powers,
    uint256 limit,
    uint256 n
) pure returns (uint256) {
    unchecked {
        // From this cell on weights are not geometric, or it is the last one. It is no later than limit + pad + 1 - taps, so
        // that as many first cells as are from here on are enough too.
        uint256 shift;
        assembly ("memory-safe") {
            shift := sub(n, pad)
            let last := sub(add(add(limit, pad), 1), taps)
            if sgt(shift, last) { shift := last }
            if iszero(slt(shift, limit)) { shift := sub(limit, 1) }
            shift := mul(shift, sgt(shift, 0))
        }
        uint256 count = limit - shift;
        uint256 words = pad + count + 1;
        uint256 base = at(powers - 0x20);
        partialSums(place, taps, words, base);
        // what is to be subtracted, over base^shift, with room for a word before it in each step
        uint256 other = place + ((words + m + 1) << 5);
        uint256 scale = powerOf(powers, n - shift);
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            let skipped := sub(sub(n, pad), shift)
            let from := place
            let to := other
            switch slt(skipped, 0)
            case 0 {
                calldatacopy(to, calldatasize(), shl(5, count))
                to := add(to, shl(5, skipped))
            }
            default { from := sub(from, shl(5, skipped)) }
            for { let close := add(other, shl(5, count)) } lt(to, close) { to := add(to, 0x20) } {
                mstore(to, mulmod(mload(from), scale, r))
                from := add(from, 0x20)
            }
        }
        return fold(place + (pad << 5), other, count, shift, end, m, base);
    }
}

/// @dev Puts sum over taps i <= j of base^(j - i) e_i in the place of e_j, for so many words.
function partialSums(uint256 place, uint256 taps, uint256 words, uint256 base) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let sum := 0
        for { let last := add(place, shl(5, taps)) } lt(place, last) { place := add(place, 0x20) } {
            sum := add(mulmod(sum, base, r), mload(place))
            mstore(place, sum)
        }
        for { let last := add(place, shl(5, sub(words, taps))) } slt(place, last) { place := add(place, 0x20) } {
            sum := mulmod(sum, base, r)
            mstore(place, sum)
        }
    }
}

/// @dev Sum over t of eq(t, z) times a sequence, less that of another one. The first has `count` words in a list, and goes on
/// with the next word times 1, base, base^2, .. The other one is zero before cell `shift`, has as many words, which are to
/// be multiplied by base^shift, and then is as the first one.
function fold(
    uint256 list,
    uint256 other,
    uint256 count,
    uint256 shift,
    uint256 end,
    uint256 m,
    uint256 base
) pure returns (uint256 value) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // the last coordinate, and what is before the first one
        end := sub(end, 0x20)
        m := sub(end, shl(5, m))
        count := shl(5, count)
        other := sub(other, list)
        // what goes on
        let more := mload(add(list, count))
        // every step pairs cells 2t and 2t + 1
        for {} and(gt(count, 0x20), gt(end, m)) { end := sub(end, 0x20) } {
            let z := mload(end)
            let zero := sub(add(r, 1), z)
            // the same for the other list
            let one := z
            let nought := zero
            let others := more
            if and(shift, 1) {
                one := mulmod(z, base, r)
                nought := mulmod(zero, base, r)
                other := sub(other, 0x20)
                mstore(add(list, other), 0)
                mstore(add(list, count), more)
                more := mulmod(more, base, r)
                count := add(count, 0x20)
            }
            if and(count, 0x20) {
                mstore(add(list, count), more)
                mstore(add(add(list, other), count), others)
                more := mulmod(more, base, r)
                count := add(count, 0x20)
            }
            let from := list
            let to := list
            for { let close := add(list, count) } lt(from, close) { from := add(from, 0x40) } {
                mstore(to, add(mulmod(mload(from), zero, r), mulmod(mload(add(from, 0x20)), z, r)))
                let there := add(from, other)
                mstore(add(to, other), add(mulmod(mload(there), nought, r), mulmod(mload(add(there, 0x20)), one, r)))
                to := add(to, 0x20)
            }
            count := sub(to, list)
            more := mulmod(more, add(zero, mulmod(z, base, r)), r)
            base := mulmod(base, base, r)
            shift := shr(1, shift)
        }
        value := mload(list)
        other := mload(add(list, other))
        // lists of one word
        for {} gt(end, m) { end := sub(end, 0x20) } {
            let z := mload(end)
            let zero := sub(add(r, 1), z)
            let one := mulmod(z, base, r)
            let part := mulmod(z, more, r)
            value := add(mulmod(value, zero, r), part)
            switch and(shift, 1)
            case 0 { other := add(mulmod(other, zero, r), part) }
            default { other := mulmod(other, one, r) }
            more := mulmod(mulmod(more, base, r), add(zero, one), r)
            base := mulmod(base, base, r)
            shift := shr(1, shift)
        }
        value := addmod(value, sub(shl(1, r), other), r)
    }
}
