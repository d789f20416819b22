// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SCALAR, SUM, TERM, at} from "./Memory.sol";

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

/// @dev SUM = the sum of points in memory, at least one, each times the scalar in memory at its place. Writes over the points
/// and the word after them.
function addStored(uint256 points, uint256 count, uint256 scalars) view {
    bool good;
    assembly ("memory-safe") {
        // from the last point on: a point is multiplied where it is, its scalar in the place of the point after it
        let place := sub(add(points, shl(6, count)), 0x40)
        scalars := sub(add(scalars, shl(5, count)), 0x20)
        mstore(add(place, 0x40), mload(scalars))
        good := staticcall(gas(), 7, place, 0x60, SUM, 0x40)
        for {} gt(place, points) {} {
            scalars := sub(scalars, 0x20)
            mstore(place, mload(scalars))
            place := sub(place, 0x40)
            good := and(good, staticcall(gas(), 7, place, 0x60, TERM, 0x40))
            good := and(good, staticcall(gas(), 6, SUM, 0x80, SUM, 0x40))
        }
        good := and(good, eq(returndatasize(), 0x40))
    }
    if (!good) {
        revert NotAPoint(); // Protocol
    }
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

/// @dev Copies points of calldata to a place; gives the place after them.
function takePoints(uint256 to, uint256 position, uint256 count) pure returns (uint256 end) {
    assembly ("memory-safe") {
        let length := shl(6, count)
        calldatacopy(to, position, length)
        end := add(to, length)
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
    uint256 end;
    assembly ("memory-safe") {
        // as long as there is another point, and it is not the identity
        for { end := add(position, shl(6, count)) } lt(
            iszero(or(calldataload(position), calldataload(add(position, 0x20)))), lt(position, end)
        ) { position := add(position, 0x40) } {}
    }
    if (position != end) {
        revert IdentityPoint(position); // Protocol
    }
}
