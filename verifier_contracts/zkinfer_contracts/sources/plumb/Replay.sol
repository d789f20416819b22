// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {add, mul, sub} from "./Field.sol";
import {
    CLAIMS_BESIDE_COLUMNS,
    INPUT,
    LINK,
    MASK,
    TOTAL,
    WEIGHT,
    beginFunctionals,
    etaOf,
    writeEtaPowers
} from "./Functionals.sol";
import {addCommitments, addStored, clearSum, requireNotIdentity} from "./Group.sol";
import {addLayers} from "./Layers.sol";
import {gatesAtA} from "./Lookups.sol";
import "./Memory.sol";
import {reduceOpening} from "./Opening.sol";
import {addRanges} from "./Registration.sol";
import {replayQuadratic, replayQuartic} from "./Sumcheck.sol";
import {absorbCalldata, absorbScalars, calldataWord, challenge, drawn, requireNonzero} from "./Transcript.sol";

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
            uint256 words = 2 * (evaluated + 2) + 6 * c + 2 * h + evaluated + (h == 0 ? 0 : 2) + 2 + 22;
            if (length != words << 5) {
                revert ProofLength(words << 5, length); // Protocol
            }
        }
        put(ETA, at(FREE));
        put(FUNCTIONALS, at(ETA) + ((evaluated + CLAIMS_BESIDE_COLUMNS) << 5));
        put(FREE, at(FUNCTIONALS) + ((evaluated + 3 + at(CHUNKS)) << 5));
        put(PROOF, proof);
        proof = replayRounds(proof, c, phase1, evaluated);
        put(OPENING, proof);
        beginFunctionals();
        if (program == 0) {
            addLayers();
        } else {
            addRanges(program);
        }
        uint256 value = add(at(MU), mul(at(SHARE_D), claim(evaluated)));
        combineColumns(phase1, evaluated);
        reduceOpening(value);
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
        for (uint256 place = TAU; place < TAU + (c << 5); place += 0x20) {
            put(place, challenge("tau"));
        }
        put(RHO_A, requireNonzero("rhoA", challenge("rhoA")));
        put(H_A, calldataWord(proof));
        proof = absorbScalars("H_A", proof, 1);
        // first the variables that say which chunk a weight is in, which the gates do not depend on
        uint256 h = at(N) - c;
        uint256 last;
        (proof, last,) = replayQuadratic("sumcheck A", proof, h, pointK(), at(H_A));
        (proof, last) = replayQuartic("sumcheck A", proof, c, POINT_A, last);
        put(CLAIM_A, last);
        put(VALUES, proof);
        proof = absorbScalars("values at k", proof, h == 0 ? evaluated : evaluated + 2);
        // without products, the claims about them say that zero is zero
        put(E_W, h == 0 ? 0 : calldataWord(proof - 0x40));
        put(E_X, h == 0 ? 0 : calldataWord(proof - 0x20));
        writeEtaPowers(drawn());
        put(Z1, challenge("z1"));
        put(Z2, challenge("z2"));
        put(MU, calldataWord(proof));
        proof = absorbScalars("mu", proof, 1);
        put(RHO_D, requireNonzero("rhoD", drawn()));
        // the claims come later: the last claim is this one and a share of theirs
        uint256 share;
        (proof, last, share) = replayQuadratic("sumcheck D", proof, c, POINT_D, mul(at(RHO_D), at(MU)));
        put(MU, last);
        put(SHARE_D, share);
        return proof;
    }
}

/// @dev Writes base^(2^i), from the last word down.
function writePowers(uint256 base) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        for { let place := R_POWERS } gt(place, sub(R_POWERS, mul(0x20, R_POWERS_COUNT))) {} {
            // four at a time
            place := sub(place, 0x80)
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
function claim(uint256 evaluated) pure returns (uint256 sum) {
    unchecked {
        uint256 values = at(VALUES);
        uint256 powers = at(ETA);
        for (uint256 i = 0; i < evaluated << 5; i += 0x20) {
            sum = add(sum, mul(calldataWord(values + i), at(powers + i)));
        }
        sum = add(sum, mul(etaOf(MASK), sub(at(CLAIM_A), add(gatesAtA(), mul(at(E_W), at(E_X))))));
        sum = add(sum, mul(etaOf(TOTAL), sub(at(H_A), at(LINEAR_CONSTANT))));
        sum = add(sum, mul(etaOf(WEIGHT), at(E_W)));
        sum = add(sum, mul(etaOf(INPUT), sub(at(E_X), at(BIAS_CONSTANT))));
        sum = add(sum, mul(etaOf(LINK), at(LINK_CONSTANT)));
    }
}

/// @dev SUM = sum of all commitments, each times its column's functional at d.
function combineColumns(uint256 phase1, uint256 evaluated) view {
    unchecked {
        clearSum();
        uint256 proof = at(PROOF);
        uint256 q = at(FUNCTIONALS);
        // in the proof, G1 and G2 stand before phase 2
        q = addCommitments(proof, phase1, q);
        proof += phase1 << 6;
        addCommitments(proof, 2, q + ((evaluated - phase1) << 5));
        q = addCommitments(proof + 0x80, evaluated - phase1, q) + 0x40;
        q = addStored(at(WEIGHTS), at(CHUNKS), q);
        if (at(INPUT_POINT) != 0) {
            addCommitments(at(INPUT_POINT), 1, q);
        }
    }
}
