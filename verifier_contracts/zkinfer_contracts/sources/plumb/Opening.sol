// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HALF, add, inverse, mul, sub} from "./Field.sol";
import {addTerm, copyPoint, requireNotIdentity, takePoint} from "./Group.sol";
import {C, FREE, LEFT, MODULUS, OPENING, POINT_D, RIGHT, STATE, SUM, TERM, at, put} from "./Memory.sol";
import {absorbCalldata, absorbScalars, calldataWord, drawn} from "./Transcript.sol";

/// @dev The opening (docs/protocol.md, "The opening"): Mercury, with the batched opening of ePrint 2020/081, section 4.1.
/// Reduces that the column behind SUM has a value at d to LEFT and RIGHT, of which e(LEFT, [1]_2) = e(RIGHT, [tau]_2)
/// remains to be checked.
function reduceOpening(uint256 value) view {
    unchecked {
        uint256 proof = at(OPENING);
        requireNotIdentity(proof, 5);
        requireNotIdentity(proof + 0x200, 3);
        absorbClaim(value);
        absorbCalldata("opening p", proof, 2);
        uint256 alpha = drawn();
        absorbCalldata("opening q g", proof + 0x40, 4);
        uint256 gamma = drawn();
        absorbCalldata("opening s d", proof + 0xc0, 4);
        uint256 zeta = drawn();
        absorbScalars("opening evaluations", proof + 0x140, 6);
        absorbCalldata("opening t", proof + 0x200, 2);
        uint256 beta = drawn();
        absorbCalldata("opening w", proof + 0x240, 2);
        uint256 xi = drawn();
        absorbCalldata("opening w'", proof + 0x280, 2);
        uint256 delta = drawn();
        combine(proof, alpha, gamma, zeta, beta, xi, delta, value);
    }
}

/// @dev Absorbs SUM, d and the value.
function absorbClaim(uint256 value) pure {
    assembly ("memory-safe") {
        let free := mload(FREE)
        mstore(free, mload(STATE))
        mstore(add(free, 0x20), "opening claim")
        mcopy(add(free, 0x40), SUM, 0x40)
        let length := shl(5, mload(C))
        mcopy(add(free, 0x80), POINT_D, length)
        mstore(add(add(free, 0x80), length), value)
        mstore(STATE, keccak256(free, add(0xa0, length)))
    }
}

/// @dev E_u and E_v at a point, E_z(x) = prod_j (1 - z_j + z_j x^(2^j)) with z_0 the last coordinate, and x^b.
function eqPolynomials(uint256 x) pure returns (uint256 u, uint256 v, uint256 power) {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let half := shl(4, mload(C))
        let place := add(POINT_D, half)
        power := x
        u := 1
        v := 1
        for {} gt(place, POINT_D) {} {
            place := sub(place, 0x20)
            // 1 + z (x - 1)
            let less := add(power, sub(r, 1))
            u := mulmod(u, add(1, mulmod(mload(place), less, r)), r)
            v := mulmod(v, add(1, mulmod(mload(add(place, half)), less, r)), r)
            power := mulmod(power, power, r)
        }
    }
}

/// @dev The values of the batch at xi, and the combinations of points.
function combine(
    uint256 proof,
    uint256 alpha,
    uint256 gamma,
    uint256 zeta,
    uint256 beta,
    uint256 xi,
    uint256 delta,
    uint256 value
) view {
    unchecked {
        // 1/zeta, 1/(zeta - alpha), 1/(1/zeta - alpha) and 1/(zeta - 1/zeta) by one inversion
        uint256 inverseZeta;
        uint256 toAlpha;
        uint256 fromAlpha;
        uint256 between;
        {
            uint256 a = sub(zeta, alpha);
            uint256 b = sub(1, mul(alpha, zeta));
            uint256 c = sub(mul(zeta, zeta), 1);
            uint256 ab = mul(a, b);
            uint256 cz = mul(c, zeta);
            uint256 all = inverse(mul(ab, cz));
            toAlpha = mul(all, mul(b, cz));
            fromAlpha = mul(mul(all, mul(a, cz)), zeta);
            all = mul(all, ab);
            inverseZeta = mul(all, c);
            between = mul(mul(all, zeta), zeta);
        }
        uint256 pAlpha;
        uint256 power;
        {
            (uint256 u, uint256 v, uint256 b) = eqPolynomials(zeta);
            (uint256 uInverse, uint256 vInverse,) = eqPolynomials(inverseZeta);
            power = b;
            // 2 p(alpha) = g(zeta) E_v(1/zeta) + g(1/zeta) E_v(zeta)
            //     + gamma (p(zeta) E_u(1/zeta) + p(1/zeta) E_u(zeta) - 2 value) - zeta s(zeta) - s(1/zeta)/zeta
            pAlpha = add(mul(calldataWord(proof + 0x180), uInverse), mul(calldataWord(proof + 0x1a0), u));
            pAlpha = mul(gamma, sub(pAlpha, add(value, value)));
            pAlpha = add(pAlpha, add(mul(calldataWord(proof + 0x140), vInverse), mul(calldataWord(proof + 0x160), v)));
            v = add(mul(zeta, calldataWord(proof + 0x1c0)), mul(inverseZeta, calldataWord(proof + 0x1e0)));
            pAlpha = mul(sub(pAlpha, v), HALF);
        }
        uint256 atZeta = sub(xi, zeta);
        uint256 atInverse = sub(xi, inverseZeta);
        uint256 atAlpha = sub(xi, alpha);
        uint256 betaSquare = mul(beta, beta);
        // sum_i beta^i Z_(T - T_i)(xi) r_i(xi)
        uint256 batch;
        {
            // p is opened at all three points
            uint256 y = mul(calldataWord(proof + 0x180), mul(atInverse, atAlpha));
            batch = mul(y, mul(between, toAlpha));
            y = mul(calldataWord(proof + 0x1a0), mul(atZeta, atAlpha));
            batch = sub(batch, mul(y, mul(between, fromAlpha)));
            y = mul(pAlpha, mul(atZeta, atInverse));
            batch = add(batch, mul(y, mul(toAlpha, fromAlpha)));
            // g and s at zeta and its inverse
            uint256 g = sub(mul(calldataWord(proof + 0x140), atInverse), mul(calldataWord(proof + 0x160), atZeta));
            uint256 s = sub(mul(calldataWord(proof + 0x1c0), atInverse), mul(calldataWord(proof + 0x1e0), atZeta));
            y = add(mul(beta, g), mul(betaSquare, s));
            batch = add(batch, mul(mul(y, between), atAlpha));
            // d at zeta, where it is zeta^(b - 1) g(1/zeta)
            y = mul(mul(power, inverseZeta), calldataWord(proof + 0x160));
            batch = add(batch, mul(mul(y, mul(beta, betaSquare)), mul(atInverse, atAlpha)));
        }
        // C - (zeta^b - alpha) [q] - g(zeta) [1] + zeta [t], and delta times
        // sum_i scale_i [f_i] - batch [1] - Z_T(xi) [w] + xi [w']
        takePoint(proof + 0x40);
        addTerm(sub(alpha, power));
        put(TERM, 1);
        put(TERM + 0x20, 2);
        addTerm(sub(0, add(calldataWord(proof + 0x140), mul(delta, batch))));
        takePoint(proof);
        addTerm(delta);
        atAlpha = mul(delta, atAlpha);
        takePoint(proof + 0x80);
        addTerm(mul(beta, atAlpha));
        takePoint(proof + 0xc0);
        addTerm(mul(betaSquare, atAlpha));
        atAlpha = mul(atAlpha, atInverse);
        takePoint(proof + 0x100);
        addTerm(mul(mul(beta, betaSquare), atAlpha));
        takePoint(proof + 0x240);
        addTerm(sub(0, mul(atAlpha, atZeta)));
        takePoint(proof + 0x280);
        addTerm(mul(delta, xi));
        takePoint(proof + 0x200);
        addTerm(zeta);
        copyPoint(LEFT, SUM);
        takePoint(proof + 0x200);
        copyPoint(SUM, TERM);
        takePoint(proof + 0x280);
        addTerm(delta);
        copyPoint(RIGHT, SUM);
    }
}
