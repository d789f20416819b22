// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqDigits, eqTable} from "./ClosedForms.sol";
import {add, mul} from "./Field.sol";
import {
    C,
    CHUNKS,
    DIGITS_D,
    DIGITS_K,
    ETA,
    EVALUATED,
    FREE,
    FUNCTIONALS,
    MODULUS,
    N,
    POINT_A,
    POINT_D,
    RHO_D,
    Z1,
    Z2,
    at,
    pointK,
    put
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
        value := mload(add(mload(ETA), shl(5, add(mload(EVALUATED), claim))))
    }
}

/// @dev Writes eta^i for every claim.
function writeEtaPowers(uint256 eta) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let place := mload(ETA)
        let power := 1
        for { let end := add(place, shl(5, add(mload(EVALUATED), CLAIMS_BESIDE_COLUMNS))) } lt(place, end) {} {
            mstore(place, power)
            power := mulmod(power, eta, r)
            place := add(place, 0x20)
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
        uint256 place = at(FUNCTIONALS);
        uint256 end;
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            // eq(a, d), and sum z^i eq(i, d) for z1 and z2
            let z1 := mload(Z1)
            let z2 := mload(Z2)
            let atA := 1
            let first := 1
            let second := 1
            for { let i := add(POINT_D, shl(5, c)) } gt(i, POINT_D) {} {
                i := sub(i, 0x20)
                let d := mload(i)
                let a := mload(sub(i, sub(POINT_D, POINT_A)))
                atA := mulmod(atA, sub(add(add(shl(1, r), 1), shl(1, mulmod(a, d, r))), add(a, d)), r)
                let less := sub(add(r, 1), d)
                first := mulmod(first, add(less, mulmod(d, z1, r)), r)
                second := mulmod(second, add(less, mulmod(d, z2, r)), r)
                z1 := mulmod(z1, z1, r)
                z2 := mulmod(z2, z2, r)
            }
            let power := mload(ETA)
            for { end := add(place, shl(5, mload(EVALUATED))) } lt(place, end) { place := add(place, 0x20) } {
                mstore(place, mulmod(mload(power), atA, r))
                power := add(power, 0x20)
            }
            mstore(place, mulmod(first, mload(RHO_D), r))
            mstore(add(place, 0x20), mulmod(second, mload(RHO_D), r))
            place := add(place, 0x40)
            // the weight chunks, and a committed input
            for { end := add(place, shl(5, add(mload(CHUNKS), 1))) } lt(place, end) { place := add(place, 0x20) } {
                mstore(place, 0)
            }
        }
        if (at(N) != c) {
            addChunks();
        }
        addMasks(c, at(N) - c);
    }
}

/// @dev The claim about weights: <W_chunk, eq(a, .)>, weighed by eq of the first coordinates of k and the chunk.
function addChunks() pure {
    unchecked {
        // as eta^0 is 1, the first column has eq(a, d) alone so far
        uint256 weight = mul(etaOf(WEIGHT), at(at(FUNCTIONALS)));
        uint256 table = at(FREE);
        eqTable(pointK(), at(N) - at(C), table);
        uint256 place = at(FUNCTIONALS) + ((at(EVALUATED) + 2) << 5);
        for (uint256 end = place + (at(CHUNKS) << 5); place < end; place += 0x20) {
            put(place, mul(weight, at(table)));
            table += 0x20;
        }
    }
}
