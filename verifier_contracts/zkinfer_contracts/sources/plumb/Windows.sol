// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqTable, powerOf} from "./ClosedForms.sol";
import {mul, sub} from "./Field.sol";
import {MODULUS, at} from "./Memory.sol";

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
        uint256 stride = (geometry >> 16) & 0xff;
        uint256 low = 0;
        if (stride == 2 && m != 0) {
            end -= 0x20;
            low = at(end);
            --m;
        }
        eqTable(end - (m << 5), m, free);
        suffixSums(free, (inputs + stride - 1) / stride, at(powers));
        uint256 kernel = geometry >> 24;
        for (uint256 tap = 0; tap < kernel; ++tap) {
            int256 first = int256(tap) - int256((geometry >> 8) & 0xff);
            uint256 limit = inputs;
            uint256 factor = 1;
            if (stride == 2) {
                uint256 odd = uint256(first) & 1;
                limit = (inputs - odd + 1) >> 1;
                factor = odd == 0 ? sub(1, low) : low;
                first >>= 1;
            }
            int256 stop = first + int256(outputs);
            if (stop > int256(limit)) {
                stop = int256(limit);
            }
            uint256 skipped = first < 0 ? uint256(-first) : 0;
            uint256 from = first < 0 ? 0 : uint256(first);
            uint256 value = 0;
            if (stop > int256(from)) {
                uint256 length = uint256(stop) - from;
                assembly ("memory-safe") {
                    value := mload(add(free, shl(5, from)))
                }
                uint256 rest = at(free + (uint256(stop) << 5));
                if (rest != 0) {
                    uint256 power = powerOf(powers, length);
                    assembly ("memory-safe") {
                        let r := mload(MODULUS)
                        value := addmod(value, sub(r, mulmod(power, rest, r)), r)
                    }
                }
                if (skipped != 0) {
                    factor = mul(factor, powerOf(powers, skipped));
                }
                value = mul(value, factor);
            }
            assembly ("memory-safe") {
                mstore(add(to, shl(5, tap)), value)
            }
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
