// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {R} from "./Field.sol";

/// @dev Where a verification keeps what: fixed places of memory, so that an access costs no arithmetic. Everything
/// below START is the compiler's, everything from `reserve` on is the verifier's, and nobody allocates memory in between.

/// @dev R, the order of the field: read from here, an operand takes a tenth of the code that a constant takes.
uint256 constant MODULUS = 0x07e0;
/// @dev The transcript: its state, two words that are hashed with it, and room for the words of a round.
uint256 constant STATE = 0x0800;
uint256 constant LABEL = 0x0820;
uint256 constant WORDS = 0x0840;
/// @dev How many challenges were drawn.
uint256 constant COUNTER = 0x08c0;

/// @dev Sizes, as docs/protocol.md names them: c, the pad rows' log2, s, K; range columns, pairs, chunks.
uint256 constant C = 0x08e0;
uint256 constant LOG_PAD = 0x0900;
uint256 constant RANGE_BITS = 0x0920;
uint256 constant VALUE_BITS = 0x0940;
uint256 constant RANGES = 0x0960;
uint256 constant PAIRS = 0x0980;
uint256 constant CHUNKS = 0x09a0;
/// @dev n, the variables of sumcheck A: those of the weight index, or, in a registration, of a row.
uint256 constant N = 0x09c0;
/// @dev Columns of phases 1 and 2: those whose values at a are sent.
uint256 constant EVALUATED = 0x09e0;

/// @dev Where things are in memory: C_W, the descriptor's parts, the functionals, and free room.
uint256 constant WEIGHTS = 0x0a40;
uint256 constant DESCRIPTOR = 0x0a60;
uint256 constant FUNCTIONS = 0x0a80;
uint256 constant PAIR_LIST = 0x0aa0;
uint256 constant MASK_CELLS = 0x0ac0;
uint256 constant BLOCKS = 0x0ae0;
uint256 constant LAYERS = 0x0b00;
uint256 constant FUNCTIONALS = 0x0b40;
uint256 constant FREE = 0x0b60;
/// @dev Where public inputs and outputs are in calldata.
uint256 constant INPUT_VALUES = 0x0b80;
uint256 constant OUTPUT_VALUES = 0x0ba0;
/// @dev Where the points of the proof, the values at a, and the opening are in calldata.
uint256 constant PROOF = 0x0bc0;
uint256 constant VALUES = 0x0be0;
uint256 constant OPENING = 0x0c00;

/// @dev Challenges and claims.
uint256 constant ALPHA = 0x0c20;
uint256 constant GAMMA = 0x0c40;
uint256 constant LAMBDA = 0x0c60;
uint256 constant RHO_A = 0x0c80;
uint256 constant RHO_D = 0x0cc0;
uint256 constant Z1 = 0x0ce0;
uint256 constant Z2 = 0x0d00;
uint256 constant H_A = 0x0d20;
/// @dev The sum of the claims about columns, each times its power of eta.
uint256 constant CLAIM_COLUMNS = 0x0d40;
uint256 constant CLAIM_A = 0x0d60;
uint256 constant ETA = 0x0d80;
uint256 constant E_W = 0x0da0;
uint256 constant E_X = 0x0dc0;
/// @dev hD is MU + SHARE_D times the sum of all claims.
uint256 constant MU = 0x0de0;
uint256 constant SHARE_D = 0x1000;
/// @dev What the layers contribute to the values of the claims `sum`, `inputs` and `links`.
uint256 constant LINEAR_CONSTANT = 0x0e00;
uint256 constant BIAS_CONSTANT = 0x0e20;
uint256 constant LINK_CONSTANT = 0x0e40;

/// @dev Two pairs of points and a scalar: what the curve's precompiled contracts read and write.
uint256 constant SUM = 0x0e60;
uint256 constant TERM = 0x0ea0;
uint256 constant SCALAR = 0x0ee0;

/// @dev The pairing equation of one proof, e(left, [1]_2) = e(right, [tau]_2), and the sum over several proofs.
uint256 constant LEFT = 0x0f00;
uint256 constant RIGHT = 0x0f40;
uint256 constant LEFT_SUM = 0x0f80;
uint256 constant RIGHT_SUM = 0x0fc0;

/// @dev Where C_in is in calldata; zero where the input is not committed.
uint256 constant INPUT_POINT = 0x1020;
/// @dev Where r^(2^i) end, i below 44 because exponents are at most 2^40: the largest is the first, as in a point.
uint256 constant R_POWERS_COUNT = 44;
uint256 constant R_POWERS = 0x15c0;
/// @dev Where it is added up how much the blocks of cells weigh; the tensor whose sums are known, and where their list ends.
uint256 constant BLOCK_WEIGHTS = 0x15c0;
uint256 constant SUMMED = 0x15e0;
uint256 constant SUMS_END = 0x1600;
/// @dev Where the exponents of a tensor end, and r to that power.
uint256 constant NEXT_OFFSET = 0x1620;
uint256 constant NEXT_POWER = 0x1640;
/// @dev Points of the sumchecks: tau (c coordinates), k (n, of which the last c are a), d (c). c is at most 24, n - c at most
/// 16; k ends where a ends, so that it begins n - c coordinates before.
uint256 constant TAU = 0x1660;
uint256 constant POINT_A = 0x1b60;
uint256 constant POINT_D = 0x1e60;
/// @dev eq of two coordinates of k, and of d, at a time: see `eqDigits`.
uint256 constant DIGITS_K = 0x2160;
uint256 constant DIGITS_D = 0x2960;
/// @dev Sums over the tensor of SUMMED, pairs of words: how cells are read, and the sum.
uint256 constant SUMS = 0x2f60;
uint256 constant SUMS_COUNT = 8;
/// @dev The powers of eta that weigh the claims beside columns.
uint256 constant ETA_POWERS = 0x3160;
/// @dev The model's blob, and after it what `FREE` points to.
uint256 constant BLOB = 0x3200;

/// @dev What the compiler may use for itself.
uint256 constant START = MODULUS;

/// @dev Takes all memory from START on. What the compiler allocated before is below it, and after this call it allocates
/// nothing but the arguments of an error.
function reserve() pure {
    assembly ("memory-safe") {
        if gt(mload(0x40), sub(START, 0x200)) { invalid() }
        mstore(MODULUS, R)
    }
}

/// @dev The word at a place.
function at(uint256 place) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := mload(place)
    }
}

/// @dev Puts a word at a place.
function put(uint256 place, uint256 value) pure {
    assembly ("memory-safe") {
        mstore(place, value)
    }
}

/// @dev Where the coordinates of k begin.
function pointK() pure returns (uint256 place) {
    assembly ("memory-safe") {
        place := sub(POINT_A, shl(5, sub(mload(N), mload(C))))
    }
}
