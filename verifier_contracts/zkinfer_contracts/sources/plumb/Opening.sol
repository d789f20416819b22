// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {add, mul, sub} from "./Field.sol";
import {addTerm, copyPoint, requireNotIdentity, takePoint} from "./Group.sol";
import {C, FREE, LEFT, MODULUS, OPENING, POINT_D, RIGHT, STATE, SUM, TERM, at, put} from "./Memory.sol";
import {absorbCalldata, absorbScalars, calldataWord, drawn} from "./Transcript.sol";

/// @dev A challenge is zero, or two points of the opening are the same.
error PointsCoincide();

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

/// @dev For E_z(X) = prod_j (1 - z_j + z_j X^(2^j)), z_0 the last coordinate: E_u(x), E_v(x), x^(b - 1) E_u(1/x),
/// x^(b - 1) E_v(1/x) and x^(b - 1), written to five words at a place.
function eqPolynomials(uint256 x, uint256 to) pure {
    assembly ("memory-safe") {
        let r := mload(MODULUS)
        let half := shl(4, mload(C))
        let u := 1
        let v := 1
        let uBack := 1
        let vBack := 1
        let all := 1
        for { let place := add(POINT_D, half) } gt(place, POINT_D) {} {
            place := sub(place, 0x20)
            // 1 - z + z x, and (1 - z) x + z
            let less := add(x, sub(r, 1))
            let z := mulmod(mload(place), less, r)
            u := mulmod(u, add(1, z), r)
            uBack := mulmod(uBack, add(x, sub(r, z)), r)
            z := mulmod(mload(add(place, half)), less, r)
            v := mulmod(v, add(1, z), r)
            vBack := mulmod(vBack, add(x, sub(r, z)), r)
            all := mulmod(all, x, r)
            x := mulmod(x, x, r)
        }
        mstore(to, u)
        mstore(add(to, 0x20), v)
        mstore(add(to, 0x40), uBack)
        mstore(add(to, 0x60), vBack)
        mstore(add(to, 0x80), all)
    }
}

/// @dev The values of the batch at xi, and the combinations of points. Both sides of the batch's equation are multiplied by
/// scale = 2 zeta^b (zeta^2 - 1) (zeta - alpha) (1 - alpha zeta), so that nothing is divided: 1/zeta, and the differences of
/// the points where polynomials are opened, alpha, zeta and 1/zeta, are denominators in the paper.
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
        uint256 table = at(FREE);
        eqPolynomials(zeta, table);
        uint256 power = at(table + 0x80);
        // 2 zeta^b p(alpha), where
        // 2 p(alpha) = g(zeta) E_v(1/zeta) + g(1/zeta) E_v(zeta)
        //     + gamma (p(zeta) E_u(1/zeta) + p(1/zeta) E_u(zeta) - 2 value) - zeta s(zeta) - s(1/zeta)/zeta
        uint256 pAlpha;
        {
            uint256 back = mul(gamma, mul(calldataWord(proof + 0x180), at(table + 0x40)));
            back = add(back, mul(calldataWord(proof + 0x140), at(table + 0x60)));
            pAlpha = mul(gamma, sub(mul(calldataWord(proof + 0x1a0), at(table)), add(value, value)));
            pAlpha = add(pAlpha, mul(calldataWord(proof + 0x160), at(table + 0x20)));
            pAlpha = sub(pAlpha, mul(zeta, calldataWord(proof + 0x1c0)));
            pAlpha = add(mul(zeta, add(back, mul(power, pAlpha))), sub(0, mul(power, calldataWord(proof + 0x1e0))));
        }
        uint256 atZeta = sub(xi, zeta);
        // times zeta
        uint256 atInverse = sub(mul(zeta, xi), 1);
        uint256 atAlpha = sub(xi, alpha);
        uint256 betaSquare = mul(beta, beta);
        uint256 scale;
        // scale times sum_i beta^i Z_(T - T_i)(xi) r_i(xi)
        uint256 batch;
        {
            uint256 a = sub(zeta, alpha);
            uint256 b = sub(1, mul(alpha, zeta));
            uint256 c = sub(mul(zeta, zeta), 1);
            uint256 ab = mul(a, b);
            // scale / zeta
            scale = mul(mul(add(power, power), c), ab);
            // of p, g and s: over 2 zeta^b, and over atAlpha where that is a factor
            uint256 g = sub(
                mul(calldataWord(proof + 0x140), atInverse), mul(mul(zeta, calldataWord(proof + 0x160)), atZeta)
            );
            uint256 s = sub(
                mul(calldataWord(proof + 0x1c0), atInverse), mul(mul(zeta, calldataWord(proof + 0x1e0)), atZeta)
            );
            batch = mul(add(mul(beta, g), mul(betaSquare, s)), ab);
            batch = add(batch, mul(mul(calldataWord(proof + 0x180), atInverse), b));
            g = mul(mul(calldataWord(proof + 0x1a0), atZeta), mul(mul(zeta, zeta), a));
            batch = mul(mul(sub(batch, g), atAlpha), mul(add(power, power), zeta));
            batch = add(batch, mul(mul(pAlpha, mul(atZeta, atInverse)), c));
            // d at zeta, where it is zeta^(b - 1) g(1/zeta)
            s = mul(mul(power, calldataWord(proof + 0x160)), mul(beta, betaSquare));
            batch = add(batch, mul(mul(s, scale), mul(atInverse, atAlpha)));
        }
        if (scale == 0) {
            revert PointsCoincide(); // Protocol
        }
        scale = mul(scale, delta);
        // C - (zeta^b - alpha) [q] - g(zeta) [1] + zeta [t], and delta times
        // scale (sum_i beta^i Z_(T - T_i)(xi) [f_i] - Z_T(xi) [w] + xi [w']) - batch [1]
        takePoint(proof + 0x40);
        addTerm(sub(alpha, mul(power, zeta)));
        put(TERM, 1);
        put(TERM + 0x20, 2);
        addTerm(sub(0, add(calldataWord(proof + 0x140), mul(delta, batch))));
        // [d] and [w] have the factor xi - 1/zeta
        atInverse = mul(mul(scale, atAlpha), atInverse);
        takePoint(proof + 0x100);
        addTerm(mul(mul(beta, betaSquare), atInverse));
        takePoint(proof + 0x240);
        addTerm(sub(0, mul(atInverse, atZeta)));
        scale = mul(scale, zeta);
        takePoint(proof);
        addTerm(scale);
        atAlpha = mul(scale, atAlpha);
        takePoint(proof + 0x80);
        addTerm(mul(beta, atAlpha));
        takePoint(proof + 0xc0);
        addTerm(mul(betaSquare, atAlpha));
        takePoint(proof + 0x280);
        addTerm(mul(scale, xi));
        takePoint(proof + 0x200);
        addTerm(zeta);
        copyPoint(LEFT, SUM);
        takePoint(proof + 0x200);
        copyPoint(SUM, TERM);
        takePoint(proof + 0x280);
        addTerm(scale);
        copyPoint(RIGHT, SUM);
    }
}
