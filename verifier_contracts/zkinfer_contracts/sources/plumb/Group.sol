// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FREE, SCALAR, SUM, TERM, at} from "./Memory.sol";

/// @dev Two words of the proof or of a key are no point of the curve, or the precompiled contract that says so is not there.
error NotAPoint();

/// @dev A point that must not be the identity is. `position` counts bytes of calldata.
error IdentityPoint(uint256 position);

/// @dev Adds scalar * TERM to SUM. The precompiled contracts check that TERM is on the curve and canonical.
function addTerm(uint256 scalar) view {
    bool good;
    assembly ("memory-safe") {
        mstore(SCALAR, scalar)
        good := staticcall(gas(), 7, TERM, 0x60, TERM, 0x40)
        good := and(good, eq(returndatasize(), 0x40))
        good := and(and(staticcall(gas(), 6, SUM, 0x80, SUM, 0x40), eq(returndatasize(), 0x40)), good)
    }
    if (!good) {
        revert NotAPoint(); // Protocol
    }
}

/// @dev Adds points of calldata to SUM, each times the scalar in memory at its place; gives the place after the scalars.
function addCommitments(uint256 points, uint256 count, uint256 scalars) view returns (uint256) {
    uint256 copies = at(FREE);
    assembly ("memory-safe") {
        calldatacopy(copies, points, shl(6, count))
    }
    return addStored(copies, count, scalars);
}

/// @dev The same with points in memory.
function addStored(uint256 points, uint256 count, uint256 scalars) view returns (uint256) {
    bool good = true;
    assembly ("memory-safe") {
        for { let end := add(points, shl(6, count)) } lt(points, end) { points := add(points, 0x40) } {
            mcopy(TERM, points, 0x40)
            mstore(SCALAR, mload(scalars))
            scalars := add(scalars, 0x20)
            good := and(good, staticcall(gas(), 7, TERM, 0x60, TERM, 0x40))
            good := and(good, staticcall(gas(), 6, SUM, 0x80, SUM, 0x40))
        }
        good := and(good, or(iszero(count), eq(returndatasize(), 0x40)))
    }
    if (!good) {
        revert NotAPoint(); // Protocol
    }
    return scalars;
}

/// @dev Adds TERM to SUM.
function addPoint() view {
    bool good;
    assembly ("memory-safe") {
        good := staticcall(gas(), 6, SUM, 0x80, SUM, 0x40)
        good := and(good, eq(returndatasize(), 0x40))
    }
    if (!good) {
        revert NotAPoint(); // Protocol
    }
}

/// @dev SUM is the identity.
function clearSum() pure {
    assembly ("memory-safe") {
        mstore(SUM, 0)
        mstore(add(SUM, 0x20), 0)
    }
}

/// @dev Copies a point of calldata to TERM.
function takePoint(uint256 position) pure {
    assembly ("memory-safe") {
        calldatacopy(TERM, position, 0x40)
    }
}

/// @dev Copies a point of memory.
function copyPoint(uint256 to, uint256 from) pure {
    assembly ("memory-safe") {
        mcopy(to, from, 0x40)
    }
}

/// @dev Refuses the identity among some points of calldata.
function requireNotIdentity(uint256 position, uint256 count) pure {
    unchecked {
        for (uint256 end = position + (count << 6); position < end; position += 0x40) {
            bool identity;
            assembly ("memory-safe") {
                identity := iszero(or(calldataload(position), calldataload(add(position, 0x20))))
            }
            if (identity) {
                revert IdentityPoint(position); // Protocol
            }
        }
    }
}
