// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {R} from "./Field.sol";

/// @dev Where a verification keeps what: fixed places of memory, so that an access costs no arithmetic. Everything
/// below START is the compiler's, everything from `reserve` on is the verifier's, and nobody allocates memory in between.

/// @dev R, the order of the field: read from here, an operand takes a tenth of the code that a constant takes.
uint256 constant MODULUS = 0x0fe0;
/// @dev The transcript: its state, two words that are hashed with it, and room for the words of a round.
uint256 constant STATE = 0x1000;
uint256 constant LABEL = 0x1020;
uint256 constant WORDS = 0x1040;
/// @dev How many challenges were drawn.
uint256 constant COUNTER = 0x10c0;

/// @dev Sizes, as docs/protocol.md names them: c, the pad rows' log2, s, K; range columns, pairs, chunks.
uint256 constant C = 0x10e0;
uint256 constant LOG_PAD = 0x1100;
uint256 constant RANGE_BITS = 0x1120;
uint256 constant VALUE_BITS = 0x1140;
uint256 constant RANGES = 0x1160;
uint256 constant PAIRS = 0x1180;
uint256 constant CHUNKS = 0x11a0;
/// @dev n, the variables of sumcheck A: those of the weight index, or, in a registration, of a row.
uint256 constant N = 0x11c0;
/// @dev Columns of phases 1 and 2: those whose values at a are sent.
uint256 constant EVALUATED = 0x11e0;

/// @dev Where things are in memory: C_W, the descriptor's parts, the powers of eta, the functionals, and free room.
uint256 constant WEIGHTS = 0x1240;
uint256 constant DESCRIPTOR = 0x1260;
uint256 constant FUNCTIONS = 0x1280;
uint256 constant PAIR_LIST = 0x12a0;
uint256 constant MASK_CELLS = 0x12c0;
uint256 constant BLOCKS = 0x12e0;
uint256 constant LAYERS = 0x1300;
uint256 constant ETA = 0x1320;
uint256 constant FUNCTIONALS = 0x1340;
uint256 constant FREE = 0x1360;
/// @dev Where public inputs and outputs are in calldata.
uint256 constant INPUT_VALUES = 0x1380;
uint256 constant OUTPUT_VALUES = 0x13a0;
/// @dev Where the points of the proof, the values at a, and the opening are in calldata.
uint256 constant PROOF = 0x13c0;
uint256 constant VALUES = 0x13e0;
uint256 constant OPENING = 0x1400;

/// @dev Challenges and claims.
uint256 constant ALPHA = 0x1420;
uint256 constant GAMMA = 0x1440;
uint256 constant LAMBDA = 0x1460;
uint256 constant RHO_A = 0x1480;
uint256 constant RHO_D = 0x14c0;
uint256 constant Z1 = 0x14e0;
uint256 constant Z2 = 0x1500;
uint256 constant H_A = 0x1520;
uint256 constant CLAIM_A = 0x1560;
uint256 constant E_W = 0x15a0;
uint256 constant E_X = 0x15c0;
/// @dev hD is MU + SHARE_D times the sum of all claims.
uint256 constant MU = 0x15e0;
uint256 constant SHARE_D = 0x1800;
/// @dev What the layers contribute to the values of the claims `sum`, `inputs` and `links`.
uint256 constant LINEAR_CONSTANT = 0x1600;
uint256 constant BIAS_CONSTANT = 0x1620;
uint256 constant LINK_CONSTANT = 0x1640;

/// @dev Two pairs of points and a scalar: what the curve's precompiled contracts read and write.
uint256 constant SUM = 0x1660;
uint256 constant TERM = 0x16a0;
uint256 constant SCALAR = 0x16e0;

/// @dev The pairing equation of one proof, e(left, [1]_2) = e(right, [tau]_2), and the sum over several proofs.
uint256 constant LEFT = 0x1700;
uint256 constant RIGHT = 0x1740;
uint256 constant LEFT_SUM = 0x1780;
uint256 constant RIGHT_SUM = 0x17c0;

/// @dev Where C_in is in calldata; zero where the input is not committed.
uint256 constant INPUT_POINT = 0x1820;
/// @dev Where r^(2^i) end, i below 44 because exponents are at most 2^40: the largest is the first, as in a point.
uint256 constant R_POWERS_COUNT = 44;
uint256 constant R_POWERS = 0x1dc0;
/// @dev Where it is added up how much the blocks of cells weigh; the tensor whose sums are known, and where their list ends.
uint256 constant BLOCK_WEIGHTS = 0x1dc0;
uint256 constant SUMMED = 0x1de0;
uint256 constant SUMS_END = 0x1e00;
/// @dev Where the exponents of a tensor end, and r to that power.
uint256 constant NEXT_OFFSET = 0x1e20;
uint256 constant NEXT_POWER = 0x1e40;
/// @dev Points of the sumchecks: tau (c coordinates), k (n, of which the last c are a), d (c). c is at most 24, n at most 31; k
/// ends where a ends, so that it begins n - c coordinates before.
uint256 constant TAU = 0x1e60;
uint256 constant POINT_A = 0x2560;
uint256 constant POINT_D = 0x2860;
/// @dev eq of two coordinates of k, and of d, at a time: see `eqDigits`.
uint256 constant DIGITS_K = 0x2b60;
uint256 constant DIGITS_D = 0x3360;
/// @dev Sums over the tensor of SUMMED, pairs of words: how cells are read, and the sum.
uint256 constant SUMS = 0x3960;
uint256 constant SUMS_COUNT = 8;
/// @dev The model's blob, and after it what `FREE` points to.
uint256 constant BLOB = 0x3b60;

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
