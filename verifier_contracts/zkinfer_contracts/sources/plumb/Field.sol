// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MODULUS} from "./Memory.sol";

/// @dev The order of BN254's groups.
uint256 constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

function add(uint256 a, uint256 b) pure returns (uint256 c) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        c := addmod(a, b, r)
    }
}

/// @dev a - b, for b at most R.
function sub(uint256 a, uint256 b) pure returns (uint256 c) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        c := addmod(a, sub(r, b), r)
    }
}

function mul(uint256 a, uint256 b) pure returns (uint256 c) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        c := mulmod(a, b, r)
    }
}

/// @dev A signed integer below R as a field element.
function signed(int256 a) pure returns (uint256 c) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        c := add(a, mul(r, slt(a, 0)))
    }
}

/// @dev 2^exponent, for exponents below 253.
function powerOfTwo(uint256 exponent) pure returns (uint256 c) {
    assembly ("memory-safe") {
        c := shl(exponent, 1)
    }
}
