// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FREE, MODULUS} from "./Memory.sol";

/// @dev The order of BN254's groups.
uint256 constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
/// @dev 1/2, 1/24.
uint256 constant HALF = 10944121435919637611123202872628637544274182200208017171849102093287904247809;
uint256 constant TWENTY_FOURTH = 20976232752179305421319472172538221959858849217065366246044112345468483141633;

/// @dev No inverse: an argument is zero, or the precompiled contract for exponentiation is not there.
error NoInverse();

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

/// @dev 1/a, as a^(R - 2).
function inverse(uint256 a) view returns (uint256 c) {
    bool good;
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let free := mload(FREE)
        mstore(free, 0x20)
        mstore(add(free, 0x20), 0x20)
        mstore(add(free, 0x40), 0x20)
        mstore(add(free, 0x60), a)
        mstore(add(free, 0x80), sub(r, 2))
        mstore(add(free, 0xa0), r)
        good := staticcall(gas(), 5, free, 0xc0, free, 0x20)
        good := and(good, eq(returndatasize(), 0x20))
        c := mload(free)
    }
    if (!good || c == 0) {
        revert NoInverse(); // Protocol
    }
}
