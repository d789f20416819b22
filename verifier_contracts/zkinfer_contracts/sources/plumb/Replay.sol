// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {add, mul, sub} from "./Field.sol";
import {
    INPUT,
    LINK,
    MASK,
    TOTAL,
    WEIGHT,
    beginFunctionals,
    weighClaims
} from "./Functionals.sol";
import {addPoint, addStored, copyPoint, requireNotIdentity, takePoint, takePoints} from "./Group.sol";
import {addLayers} from "./Layers.sol";
import {gatesAtA} from "./Lookups.sol";
import "./Memory.sol";
import {OPENING_POINTS, reduceOpening} from "./Opening.sol";
import {addRanges} from "./Registration.sol";
import {replayQuadratic, replayQuartic} from "./Sumcheck.sol";
import {absorbCalldata, absorbScalars, calldataWord, challenge, challenges, drawn, requireNonzero} from "./Transcript.sol";

/// @dev The proof has another length than the circuit fixes, in bytes.
error ProofLength(uint256 expected, uint256 got);

/// @dev Replays a proof from the statement's transcript on, up to one pairing equation in LEFT and RIGHT. `program` is the
/// place of a registration's claim, or zero for a proof of inference.
function replay(uint256 proof, uint256 length, uint256 program) view {
    unchecked {
        uint256 c = at(C);
        uint256 phase1 = at(RANGES) + 2 * at(PAIRS) + 1;
        uint256 evaluated = phase1 + ((at(RANGES) + at(PAIRS) + 1) >> 1) + 1;
        put(EVALUATED, evaluated);
        {
            uint256 h = at(N) - c;
            uint256 words = 2 * (evaluated + 2) + 6 * c + 2 * h + evaluated + (h == 0 ? 0 : 2) + 2 + 21;
            if (length != words << 5) {
                revert ProofLength(words << 5, length); // Protocol
            }
        }
        put(FUNCTIONALS, at(FREE));
        put(FREE, at(FUNCTIONALS) + ((evaluated + 3 + at(CHUNKS) + OPENING_POINTS) << 5));
        put(PROOF, proof);
        proof = replayRounds(proof, c, phase1, evaluated);
        put(OPENING, proof);
        beginFunctionals();
        if (program == 0) {
            addLayers();
        } else {
            addRanges(program);
        }
        uint256 value = add(at(MU), mul(at(SHARE_D), claim()));
        combine(phase1, evaluated, value);
    }
}

/// @dev Steps 1 to 4 of the protocol: every message and challenge before the opening. Gives the place of the opening.
function replayRounds(uint256 proof, uint256 c, uint256 phase1, uint256 evaluated) pure returns (uint256) {
    unchecked {
        requireNotIdentity(proof, phase1 + 2);
        absorbCalldata("phase 1", proof, 2 * (phase1 + 2));
        proof += (phase1 + 2) << 6;
        writePowers(requireNonzero("r", drawn()));
        put(ALPHA, challenge("alpha"));
        put(GAMMA, challenge("gamma"));
        absorbCalldata("phase 2", proof, 2 * (evaluated - phase1));
        proof += (evaluated - phase1) << 6;
        put(LAMBDA, drawn());
        challenges("tau", TAU, c);
        put(RHO_A, requireNonzero("rhoA", challenge("rhoA")));
        put(H_A, calldataWord(proof));
        proof = absorbScalars("H_A", proof, 1);
        // first the variables that say which chunk a weight is in, which the gates do not depend on
        uint256 h = at(N) - c;
        uint256 last;
        (proof, last) = replayQuadratic("sumcheck A", proof, h, pointK(), at(H_A));
        (proof, last) = replayQuartic("sumcheck A", proof, c, POINT_A, last);
        put(CLAIM_A, last);
        put(VALUES, proof);
        proof = absorbScalars("values at k", proof, h == 0 ? evaluated : evaluated + 2);
        // without products, the claims about them say that zero is zero
        put(E_W, h == 0 ? 0 : calldataWord(proof - 0x40));
        put(E_X, h == 0 ? 0 : calldataWord(proof - 0x20));
        weighClaims(drawn());
        put(Z1, challenge("z1"));
        put(Z2, challenge("z2"));
        put(MU, calldataWord(proof));
        proof = absorbScalars("mu", proof, 1);
        put(RHO_D, requireNonzero("rhoD", drawn()));
        // the claims come later: the last claim is this one and a share of theirs
        (proof, last) = replayQuadratic("sumcheck D", proof, c, POINT_D, mul(at(RHO_D), at(MU)));
        put(MU, last);
        return proof;
    }
}

/// @dev Writes base^(2^i), from the last word down.
function writePowers(uint256 base) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        // four at a time
        for { let place := sub(R_POWERS, 0x80) } gt(place, sub(R_POWERS, mul(0x20, add(R_POWERS_COUNT, 1)))) {
            place := sub(place, 0x80)
        } {
            mstore(add(place, 0x60), base)
            base := mulmod(base, base, r)
            mstore(add(place, 0x40), base)
            base := mulmod(base, base, r)
            mstore(add(place, 0x20), base)
            base := mulmod(base, base, r)
            mstore(place, base)
            base := mulmod(base, base, r)
        }
    }
}

/// @dev sum_i eta^i value_i over all linear claims.
function claim() pure returns (uint256 sum) {
    uint256 gates = gatesAtA();
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let weight := mload(E_W)
        gates := addmod(gates, mulmod(weight, mload(E_X), r), r)
        let power := ETA_POWERS
        sum := add(mload(CLAIM_COLUMNS), mulmod(mload(add(power, shl(5, WEIGHT))), weight, r))
        sum := add(sum, mulmod(mload(add(power, shl(5, MASK))), add(mload(CLAIM_A), sub(r, gates)), r))
        // what layers contribute is at most r
        let value := add(mload(H_A), sub(r, mload(LINEAR_CONSTANT)))
        sum := addmod(sum, mulmod(mload(add(power, shl(5, TOTAL))), value, r), r)
        value := add(mload(E_X), sub(r, mload(BIAS_CONSTANT)))
        sum := add(sum, mulmod(mload(add(power, shl(5, INPUT))), value, r))
        sum := addmod(sum, mulmod(mload(add(power, shl(5, LINK))), mload(LINK_CONSTANT), r), r)
    }
}

/// @dev LEFT and RIGHT: the opening of the sum of all commitments, each times its column's functional at d.
function combine(uint256 phase1, uint256 evaluated, uint256 value) view {
    unchecked {
        uint256 columns = evaluated + 2 + at(CHUNKS);
        if (at(INPUT_POINT) != 0) {
            ++columns;
        }
        uint256 scalars = at(FUNCTIONALS);
        uint256 end = scalars + (columns << 5);
        uint256 factor = reduceOpening(value, end);
        assembly ("memory-safe") {
            let r := mload(MODULUS)
            for {} gt(end, scalars) {} {
                end := sub(end, 0x20)
                mstore(end, mulmod(mload(end), factor, r))
            }
        }
        uint256 points = at(FREE);
        end = takeColumns(points, phase1, evaluated);
        uint256 proof = at(OPENING);
        end = takePoints(end, proof + 0x40, 4);
        end = takePoints(end, proof + 0x220, 2);
        put(end, 1);
        put(end + 0x20, 2);
        addStored(points, columns + OPENING_POINTS, scalars);
        takePoint(proof);
        addPoint();
        copyPoint(LEFT, SUM);
        takePoint(proof + 0x260);
        copyPoint(RIGHT, TERM);
    }
}

/// @dev Copies all commitments to a place, in the order of the functionals; gives the place after them.
function takeColumns(uint256 points, uint256 phase1, uint256 evaluated) pure returns (uint256 end) {
    unchecked {
        uint256 proof = at(PROOF);
        // in the proof, G1 and G2 stand before phase 2
        uint256 hidden = proof + (phase1 << 6);
        end = takePoints(points, proof, phase1);
        end = takePoints(end, hidden + 0x80, evaluated - phase1);
        end = takePoints(end, hidden, 2);
        uint256 length = at(CHUNKS) << 6;
        uint256 weights = at(WEIGHTS);
        assembly ("memory-safe") {
            mcopy(end, weights, length)
        }
        end += length;
        if (at(INPUT_POINT) != 0) {
            end = takePoints(end, at(INPUT_POINT), 1);
        }
    }
}
