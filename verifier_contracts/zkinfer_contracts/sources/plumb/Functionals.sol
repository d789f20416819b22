// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {eqIndex, eqTable, eq, geom} from "./ClosedForms.sol";
import {add, mul} from "./Field.sol";
import {
    C,
    CHUNKS,
    ETA,
    EVALUATED,
    FREE,
    FUNCTIONALS,
    LOG_PAD,
    MASK_CELLS,
    MODULUS,
    N,
    PAIRS,
    POINT_A,
    POINT_D,
    POINT_K,
    RANGES,
    RHO_C,
    RHO_D,
    Z1,
    Z2,
    at,
    put
} from "./Memory.sol";
import {field} from "./Lookups.sol";

/// @dev The powers of eta that weigh the claims after those about columns (docs/protocol.md, "Linear claims").
uint256 constant MASK_A_VALUE = 0;
uint256 constant MASK_A_SUM = 1;
uint256 constant MASK_C_VALUE = 2;
uint256 constant LINEAR = 3;
uint256 constant WEIGHT = 4;
uint256 constant INPUT = 5;
uint256 constant LINK = 6;
uint256 constant CLAIMS_BESIDE_COLUMNS = 7;

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
        uint256 columns = at(EVALUATED);
        uint256 c = at(C);
        uint256 atA = eq(POINT_A, POINT_D, c);
        uint256 place = at(FUNCTIONALS);
        uint256 powers = at(ETA);
        for (uint256 i = 0; i < columns << 5; i += 0x20) {
            put(place + i, mul(at(powers + i), atA));
        }
        place += columns << 5;
        uint256 end = POINT_D + (c << 5);
        put(place, mul(at(RHO_D), geom(end, c, at(Z1))));
        put(place + 0x20, mul(at(RHO_D), geom(end, c, at(Z2))));
        place += 0x40;
        uint256 chunks = at(CHUNKS);
        if (at(N) == 0) {
            for (uint256 i = 0; i <= chunks; ++i) {
                put(place + (i << 5), 0);
            }
        } else {
            // <W_chunk, eq(k_low, .)>, weighed by eq(k_high, chunk)
            uint256 high = at(N) - c;
            uint256 atK = mul(etaOf(WEIGHT), eq(POINT_K + (high << 5), POINT_D, c));
            eqTable(POINT_K, high, at(FREE));
            for (uint256 i = 0; i < chunks << 5; i += 0x20) {
                put(place + i, mul(atK, at(at(FREE) + i)));
            }
            put(place + (chunks << 5), 0);
        }
        addMasks(c, end);
    }
}

/// @dev The claims about masks: cells of G1, from the last row up, and the cells of M that hide e_W and e_X.
function addMasks(uint256 c, uint256 end) pure {
    unchecked {
        uint256 n = at(N);
        uint256 bits = 1;
        {
            uint256 cells = 1 + 4 * c + (n == 0 ? 0 : 1 + 2 * n);
            while (cells > 1 << bits) ++bits;
            if (bits < at(LOG_PAD)) bits = at(LOG_PAD);
        }
        // rows whose other bits are all ones, from the last one down
        uint256 table = at(FREE);
        eqTable(end - (bits << 5), bits, table);
        uint256 ones = 1;
        for (uint256 place = POINT_D; place < end - (bits << 5); place += 0x20) {
            ones = mul(ones, at(place));
        }
        uint256 last = table + (0x20 << bits) - 0x20;
        uint256 value;
        uint256 sum;
        (value, sum) = maskCells(last, POINT_A, c, 4);
        value = add(mul(etaOf(MASK_A_VALUE), value), mul(mul(etaOf(MASK_A_SUM), 1 << (c - 1)), sum));
        if (n != 0) {
            uint256 valueC;
            (valueC, sum) = maskCells(last - ((1 + 4 * c) << 5), POINT_K, n, 2);
            valueC = mul(etaOf(MASK_C_VALUE), valueC);
            sum = mul(mul(mul(etaOf(LINEAR), at(RHO_C)), 1 << (n - 1)), sum);
            value = add(value, add(valueC, sum));
            addHiddenCells(last + 0x20 - (0x20 << c), ones);
        }
        addTo(at(EVALUATED), mul(ones, value));
    }
}

/// @dev The functionals of a mask, its value at a point and its sum over the cube, the latter divided by 2^(variables - 1).
/// Cell j weighs what is in memory j words before `cell`.
function maskCells(uint256 cell, uint256 point, uint256 variables, uint256 degree)
    pure
    returns (uint256 value, uint256 sum)
{
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        value := mload(cell)
        sum := shl(1, value)
        let step := shl(5, degree)
        for { let end := add(point, shl(5, variables)) } lt(point, end) { point := add(point, 0x20) } {
            let z := mload(point)
            let inner := 0
            // g_1 z + g_2 z^2 + ..: the highest power is the last cell
            cell := sub(cell, step)
            for { let i := 0 } lt(i, step) { i := add(i, 0x20) } {
                let weight := mload(add(cell, i))
                inner := mulmod(add(inner, weight), z, r)
                sum := addmod(sum, weight, r)
            }
            value := addmod(value, inner, r)
        }
    }
}

/// @dev The cells of M that stand in the virtual chunk: rows, then two positions of Wtot, then two of Xtot. `table` is where
/// eq of row 0 would be, if eq of all rows were there and not only of the last.
function addHiddenCells(uint256 table, uint256 ones) pure {
    unchecked {
        uint256 cells = at(MASK_CELLS);
        uint256 value = mul(etaOf(WEIGHT), add(hiddenCell(cells, table), hiddenCell(cells + 4, table)));
        value = add(value, mul(etaOf(INPUT), add(hiddenCell(cells + 8, table), hiddenCell(cells + 12, table))));
        addTo(at(RANGES) + 2 * at(PAIRS), mul(ones, value));
    }
}

/// @dev eq of a row of M at d, but for the bits that are ones, times eq of its position in the virtual chunk at k.
function hiddenCell(uint256 cell, uint256 table) pure returns (uint256) {
    unchecked {
        uint256 n = at(N);
        uint256 position = eqIndex(field(cell + 16, 32), POINT_K + (n << 5), n);
        return mul(position, at(table + (field(cell, 32) << 5)));
    }
}
