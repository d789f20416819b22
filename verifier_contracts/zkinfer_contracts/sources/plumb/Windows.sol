// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqTable, powerOf} from "./ClosedForms.sol";
import {mul, sub} from "./Field.sol";
import {MODULUS, at, put} from "./Memory.sol";

/// @dev One dimension of a window: for each tap, the sum over real outputs o < outputs of base^o eq(o stride + tap - pad, z),
/// inside the real input [0, inputs) only. Written to `to`, one word for each tap.
///
/// With stride 1 the input is t = o + tap - pad; with stride 2 its low bit is the parity of tap - pad, and the others are
/// t = o + floor((tap - pad) / 2). Both are a difference of two suffix sums over t, S(t) = eq(t, z) + base S(t + 1).
/// `geometry` is kernel, stride and pad, 8 bits each above the lowest byte; strides are 1 or 2.
function tapSums(
    uint256 to,
    uint256 free,
    uint256 end,
    uint256 m,
    uint256 powers,
    uint256 geometry,
    uint256 inputs,
    uint256 outputs
) pure {
    unchecked {
        uint256 odd = 0;
        uint256 low = 0;
        uint256 pad = (geometry >> 8) & 0xff;
        bool halved = geometry & 0x20000 != 0;
        if (halved && m != 0) {
            end -= 0x20;
            low = at(end);
            --m;
        }
        eqTable(end - (m << 5), m, free);
        if (outputs != 1) {
            suffixSums(free, halved ? (inputs + 1) >> 1 : inputs, at(powers));
        }
        // base^outputs, which most taps need
        uint256 whole = powerOf(powers, outputs);
        uint256 stop = to + ((geometry >> 24) << 5);
        for (uint256 tap = 0; to < stop; ++tap) {
            // the first input is `tap - pad`, in steps of the stride
            uint256 limit = inputs;
            uint256 from = tap;
            uint256 back = pad;
            if (halved) {
                odd = (tap ^ pad) & 1;
                limit = (inputs + 1 - odd) >> 1;
                // the floor of half of the difference, whatever its sign
                from = (tap + 256 - pad) >> 1;
                back = 128;
            }
            uint256 until = from + outputs > back ? from + outputs - back : 0;
            if (until > limit) {
                until = limit;
            }
            uint256 skipped = from < back ? back - from : 0;
            from = from < back ? 0 : from - back;
            uint256 value = 0;
            if (until > from) {
                value = at(free + (from << 5));
                if (outputs != 1) {
                    uint256 rest = at(free + (until << 5));
                    if (rest != 0) {
                        uint256 power = until - from == outputs ? whole : powerOf(powers, until - from);
                        value = sub(value, mul(power, rest));
                    }
                }
                if (skipped != 0) {
                    value = mul(value, powerOf(powers, skipped));
                }
                if (halved) {
                    value = mul(value, odd == 0 ? sub(1, low) : low);
                }
            }
            put(to, value);
            to += 0x20;
        }
    }
}

/// @dev Replaces the first `count` words v_t at a place by sum over i >= t of base^(i - t) v_i, and the one after them by zero.
function suffixSums(uint256 place, uint256 count, uint256 base) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let end := add(place, shl(5, count))
        mstore(end, 0)
        let sum := 0
        for {} gt(end, place) {} {
            end := sub(end, 0x20)
            sum := addmod(mulmod(sum, base, r), mload(end), r)
            mstore(end, sum)
        }
    }
}
