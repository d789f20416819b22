// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {requireNotIdentity} from "./Group.sol";
import {field} from "./Lookups.sol";
import "./Memory.sol";
import {start} from "./Transcript.sol";

/// @dev A blob is a STOP, the core's circuit id, the distance of the last layer from the descriptor's first byte in two bytes,
/// the descriptor, and C_W.
uint256 constant BLOB_CORE_ID = 1;
uint256 constant BLOB_LAST_LAYER = 33;
uint256 constant BLOB_HEAD = 35;

/// @dev Public inputs of another number than the circuit's.
error PublicInputCount(uint256 expected, uint256 got);

/// @dev A public input that is no integer of its domain, whether or not it is a field element: `out + 2^-S mod p` would
/// satisfy a layer's equation. Both ends of the domain belong to it.
error PublicInputOutOfDomain(uint256 index, int256 low, int256 high, uint256 value);

/// @dev Reads a model's blob, which is in memory at BLOB and has `size` bytes, and finds its parts.
function openBlob(uint256 size) pure {
    unchecked {
        uint256 place = BLOB + BLOB_HEAD;
        put(DESCRIPTOR, place);
        put(C, field(place + 6, 8));
        put(LOG_PAD, field(place + 7, 8));
        put(RANGE_BITS, field(place + 8, 8));
        put(VALUE_BITS, field(place + 9, 8));
        put(RANGES, field(place + 32, 8));
        uint256 chunks = field(place + 33, 16);
        put(CHUNKS, chunks);
        put(WEIGHTS, BLOB + size - (chunks << 6));
        // of chunks there is one more, which is virtual
        uint256 h = 0;
        while (chunks >> h != 0) ++h;
        put(N, at(C) + h);
        uint256 count = field(place + 40, 8);
        place += 41;
        put(FUNCTIONS, place);
        for (; count != 0; --count) {
            place += field(place + 5, 8) == 0 ? 14 : 10 + (field(place + 6, 32) << 2);
        }
        put(PAIRS, field(place, 8));
        put(PAIR_LIST, place + 1);
        place += 1 + at(PAIRS);
        put(MASK_CELLS, place);
        place += 32;
        place += 2 + (field(place, 16) << 2);
        place += 2 + (field(place, 16) << 2);
        put(BLOCKS, place + 2);
        place += 2 + 26 * field(place, 16);
        put(LAYERS, place + 2);
        put(FREE, (BLOB + size + 31) & ~uint256(31));
        put(LINEAR_CONSTANT, 0);
        put(BIAS_CONSTANT, 0);
        put(LINK_CONSTANT, 0);
        put(INPUT_POINT, 0);
    }
}

/// @dev Begins the transcript of a proof of inference, and refuses public inputs outside their domains. `values` is their
/// place in calldata, `ctx` what enters the transcript.
function absorbStatement(bytes32 ctx, uint256 values, uint256 count) pure {
    unchecked {
        uint256 descriptor = at(DESCRIPTOR);
        uint256 visibility = field(descriptor + 14, 8);
        (uint256 inputs, uint256 outputs, int256 high) = lengths();
        {
            uint256 expected = outputs + (visibility == 0 ? 0 : visibility == 1 ? 2 : inputs);
            if (count != expected) {
                revert PublicInputCount(expected, count); // A10
            }
            uint256 shown = expected - outputs;
            put(INPUT_VALUES, values);
            put(OUTPUT_VALUES, values + (shown << 5));
            if (visibility == 1) {
                put(INPUT_POINT, values);
                requireNotIdentity(values, 1);
            } else {
                int256 low = int64(uint64(field(descriptor + 16, 64)));
                requireDomain(values, 0, shown, low, int64(uint64(field(descriptor + 24, 64))));
            }
            int256 half = int256(1 << (at(VALUE_BITS) - 1));
            if (high < 0) {
                requireDomain(values, shown, expected, -half, half - 1);
            } else {
                requireDomain(values, shown, expected, 0, high);
            }
        }
        start("plumb-v1");
        assembly ("memory-safe") {
            let free := mload(FREE)
            mstore(free, mload(STATE))
            mstore(add(free, 0x20), "statement")
            mcopy(add(free, 0x40), add(BLOB, BLOB_CORE_ID), 0x20)
            mstore(add(free, 0x60), ctx)
            mstore(add(free, 0x80), visibility)
            // the batch
            mstore(add(free, 0xa0), shr(224, mload(add(descriptor, 10))))
            mstore(add(free, 0xc0), inputs)
            mstore(add(free, 0xe0), outputs)
            calldatacopy(add(free, 0x100), values, shl(5, count))
            mstore(STATE, keccak256(free, add(0x100, shl(5, count))))
        }
    }
}

/// @dev Refuses values of calldata that are no integers of [low, high], negative ones counted down from R.
function requireDomain(uint256 values, uint256 from, uint256 to, int256 low, int256 high) pure {
    uint256 value;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // value - low modulo r, low being far smaller than R
        let below := sub(r, low)
        let range := sub(high, low)
        let end := add(values, shl(5, to))
        let place := add(values, shl(5, from))
        for {} lt(
            or(gt(addmod(calldataload(place), below, r), range), iszero(lt(calldataload(place), r))), lt(place, end)
        ) { place := add(place, 0x20) } {}
        value := calldataload(place)
        from := shr(5, sub(place, values))
    }
    if (from < to) {
        revert PublicInputOutOfDomain(from, low, high, value); // A4
    }
}

/// @dev How many inputs and outputs the circuit has, and the largest class where outputs are classes, else a negative number.
/// The input is the first layer, the public one the last.
function lengths() pure returns (uint256 inputs, uint256 outputs, int256 high) {
    unchecked {
        uint256 place = at(LAYERS);
        uint256 input = at(BLOCKS) + 26 * field(place + 1, 16);
        inputs = volume(input + 6);
        high = -1;
        // the last record ends where the commitments begin
        uint256 end = at(WEIGHTS);
        uint256 operation = field(at(DESCRIPTOR) + field(BLOB + BLOB_LAST_LAYER, 16), 8);
        if (operation == 2) {
            outputs = volume(end - 25);
        } else {
            outputs = volume(end - 20);
            if (operation == 4) {
                outputs = field(end - 20, 32);
                high = int256(field(end - 16, 32)) - 1;
            }
        }
    }
}

/// @dev The product of four lengths.
function volume(uint256 place) pure returns (uint256) {
    unchecked {
        return field(place, 32) * field(place + 4, 32) * field(place + 8, 32) * field(place + 12, 32);
    }
}
