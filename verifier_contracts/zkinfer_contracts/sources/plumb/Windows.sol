// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqTable, powerOf} from "./ClosedForms.sol";
import {sub} from "./Field.sol";
import {MODULUS, at} from "./Memory.sol";

/// @dev One dimension of a window: for each tap, the sum over real outputs o < outputs of base^o eq(o stride + tap - pad, z),
/// inside the real input [0, inputs) only. Written to `to`, one word for each tap.
///
/// With stride 1 the input is t = o + tap - pad; with stride 2 its low bit is the parity of tap - pad, and the others are
/// t = o + floor((tap - pad) / 2): the taps of a parity are as those of a window with stride 1. `geometry` is kernel, stride
/// and pad, 8 bits each above the lowest byte; strides are 1 or 2.
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
        uint256 kernel = geometry >> 24;
        uint256 pad = (geometry >> 8) & 0xff;
        uint256 whole = powerOf(powers, outputs);
        uint256 base = at(powers - 0x20);
        if (geometry & 0x20000 == 0) {
            eqTable(end - (m << 5), m, free);
            slide(to, 0x20, kernel, pad, free, inputs, outputs, base, whole, 1);
            return;
        }
        uint256 low = 0;
        if (m != 0) {
            end -= 0x20;
            low = at(end);
            --m;
        }
        eqTable(end - (m << 5), m, free);
        for (uint256 tap = 0; tap < 2; ++tap) {
            uint256 odd = (tap ^ pad) & 1;
            slide(
                to + (tap << 5),
                0x40,
                (kernel + 1 - tap) >> 1,
                (pad + 1 - tap) >> 1,
                free,
                (inputs + 1 - odd) >> 1,
                outputs,
                base,
                whole,
                odd == 0 ? sub(1, low) : low
            );
        }
    }
}

/// @dev factor * sum over o < n of base^o v(o + tap - pad), for each tap, where v are `limit` words at a place, and zero
/// outside: from one place of the input to the one below, base times the last sum, and v(there) - base^n v(n above) more.
/// `whole` is base^n; sums are written `step` bytes apart.
function slide(
    uint256 to,
    uint256 step,
    uint256 taps,
    uint256 pad,
    uint256 v,
    uint256 limit,
    uint256 n,
    uint256 base,
    uint256 whole,
    uint256 factor
) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // above the last tap's first place
        let last := sub(taps, pad)
        switch n
        case 1 {
            for { let t := sub(0, pad) } slt(t, last) { t := add(t, 1) } {
                let value := 0
                if lt(t, limit) { value := mulmod(mload(add(v, shl(5, t))), factor, r) }
                mstore(to, value)
                to := add(to, step)
            }
        }
        default {
            let t := last
            let sum := 0
            if slt(t, limit) {
                // as long as nothing is n above, and no tap is reached
                let bottom := mul(sub(limit, n), gt(limit, n))
                if sgt(last, bottom) { bottom := last }
                bottom := add(v, shl(5, bottom))
                let place := add(v, shl(5, limit))
                for {} gt(place, bottom) {} {
                    place := sub(place, 0x20)
                    sum := addmod(mulmod(sum, base, r), mload(place), r)
                }
                t := shr(5, sub(place, v))
            }
            to := add(to, mul(sub(taps, 1), step))
            for {} sgt(add(t, pad), 0) {} {
                t := sub(t, 1)
                sum := mulmod(sum, base, r)
                if lt(t, limit) { sum := add(sum, mload(add(v, shl(5, t)))) }
                if lt(add(t, n), limit) { sum := add(sum, mulmod(whole, sub(r, mload(add(v, shl(5, add(t, n))))), r)) }
                if slt(t, last) {
                    mstore(to, mulmod(sum, factor, r))
                    to := sub(to, step)
                }
            }
        }
    }
}
