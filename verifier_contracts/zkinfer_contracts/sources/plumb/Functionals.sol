// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqDigits, eqTable} from "./ClosedForms.sol";
import {mul} from "./Field.sol";
import {
    C,
    CHUNKS,
    CLAIM_COLUMNS,
    DIGITS_D,
    DIGITS_K,
    ETA,
    ETA_POWERS,
    EVALUATED,
    FREE,
    FUNCTIONALS,
    MODULUS,
    N,
    POINT_A,
    POINT_D,
    RHO_D,
    VALUES,
    Z1,
    Z2,
    at,
    pointK
} from "./Memory.sol";
import {addMasks} from "./Masks.sol";

/// @dev The powers of eta that weigh the claims after those about columns (docs/protocol.md, "Linear claims").
uint256 constant MASK = 0;
uint256 constant TOTAL = 1;
uint256 constant WEIGHT = 2;
uint256 constant INPUT = 3;
uint256 constant LINK = 4;
uint256 constant CLAIMS_BESIDE_COLUMNS = 5;

/// @dev The power of eta of a claim.
function etaOf(uint256 claim) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := mload(add(ETA_POWERS, shl(5, claim)))
    }
}

/// @dev Writes the powers of eta of the claims beside columns, and the sum of the others' values, each times its power.
function weighClaims(uint256 eta) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        mstore(ETA, eta)
        let power := 1
        let sum := 0
        let value := mload(VALUES)
        for { let end := add(value, shl(5, mload(EVALUATED))) } lt(value, end) { value := add(value, 0x20) } {
            sum := addmod(sum, mulmod(power, calldataload(value), r), r)
            power := mulmod(power, eta, r)
        }
        mstore(CLAIM_COLUMNS, sum)
        for { let end := add(ETA_POWERS, shl(5, CLAIMS_BESIDE_COLUMNS)) let place := ETA_POWERS } lt(place, end) {
            place := add(place, 0x20)
        } {
            mstore(place, power)
            power := mulmod(power, eta, r)
        }
    }
}

/// @dev Adds to the functional of a column at d.
function addTo(uint256 column, uint256 value) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let place := add(mload(FUNCTIONALS), shl(5, column))
        mstore(place, addmod(mload(place), value, r))
    }
}

/// @dev Begins the functionals at d: those of the claims that do not depend on the layers. Columns are RC, FI and FO, M, H,
/// HT, G1, G2, W, CIN.
function beginFunctionals() pure {
    unchecked {
        uint256 c = at(C);
        eqDigits(POINT_D, c, DIGITS_D);
        eqDigits(pointK(), at(N), DIGITS_K);
        writeFunctionals();
        if (at(N) != c) {
            addChunks();
        }
        addMasks(c, at(N) - c);
    }
}

/// @dev Writes the functionals of columns of phases 1 and 2, then those of G1 and G2; others are zero so far.
function writeFunctionals() pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // eq(a, d), and sum z^i eq(i, d) for z1 and z2, these times rhoD
        let z1 := mload(Z1)
        let z2 := mload(Z2)
        let atA := 1
        let first := mload(RHO_D)
        let second := first
        for { let i := add(POINT_D, shl(5, mload(C))) } gt(i, POINT_D) {} {
            i := sub(i, 0x20)
            let d := mload(i)
            let less := sub(add(r, 1), d)
            let a := mload(sub(i, sub(POINT_D, POINT_A)))
            // 1 - d - a + 2 a d
            atA := mulmod(atA, add(sub(less, a), add(r, shl(1, mulmod(a, d, r)))), r)
            first := mulmod(first, add(less, mulmod(d, z1, r)), r)
            z1 := mulmod(z1, z1, r)
            second := mulmod(second, add(less, mulmod(d, z2, r)), r)
            z2 := mulmod(z2, z2, r)
        }
        let place := mload(FUNCTIONALS)
        // a column's claim has its power of eta
        let eta := mload(ETA)
        for { let end := add(place, shl(5, mload(EVALUATED))) } lt(place, end) { place := add(place, 0x20) } {
            mstore(place, atA)
            atA := mulmod(atA, eta, r)
        }
        mstore(place, first)
        mstore(add(place, 0x20), second)
        // the weight chunks, and a committed input
        calldatacopy(add(place, 0x40), calldatasize(), shl(5, add(mload(CHUNKS), 1)))
    }
}

/// @dev The claim about weights: <W_chunk, eq(a, .)>, weighed by eq of the first coordinates of k and the chunk.
function addChunks() pure {
    unchecked {
        // as eta^0 is 1, the first column has eq(a, d) alone so far
        uint256 weight = mul(etaOf(WEIGHT), at(at(FUNCTIONALS)));
        uint256 table = at(FREE);
        eqTable(pointK(), at(N) - at(C), table);
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            let place := add(mload(FUNCTIONALS), shl(5, add(mload(EVALUATED), 2)))
            for { let end := add(place, shl(5, mload(CHUNKS))) } lt(place, end) { place := add(place, 0x20) } {
                mstore(place, mulmod(weight, mload(table), r))
                table := add(table, 0x20)
            }
        }
    }
}
