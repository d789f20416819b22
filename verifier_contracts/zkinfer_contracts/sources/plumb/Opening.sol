// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceVerifier} from "../IInferenceVerifier.sol";
import {add, mul, sub} from "./Field.sol";
import {requireNotIdentity} from "./Group.sol";
import {C, FREE, MODULUS, OPENING, POINT_D, at, put} from "./Memory.sol";
import {absorbCalldata, absorbScalars, calldataWord, drawn, requireNonzero} from "./Transcript.sol";

/// @dev Points of an opening, of which all but [p] are multiplied, with the generator of the group.
uint256 constant OPENING_POINTS = 7;

/// @dev The opening (docs/protocol.md, "The opening"): Mercury, with the batched opening of ePrint 2020/081, section 4.1. Of a
/// claim that a column has a value at d it leaves one equation, e(left, [1]_2) = e([w'], [tau]_2). Writes to seven words
/// what [q], [g], [s], [d], [w], [w'] and [1] are multiplied with in `left`, and gives what the column's commitment is; [p]
/// is added as it is.
function reduceOpening(uint256 value, uint256 to) pure returns (uint256 column) {
    unchecked {
        uint256 proof = at(OPENING);
        requireNotIdentity(proof, 5);
        requireNotIdentity(proof + 0x220, 2);
        absorbCalldata("opening p", proof, 2);
        uint256 alpha = drawn();
        absorbCalldata("opening q g", proof + 0x40, 4);
        uint256 gamma = drawn();
        absorbCalldata("opening s d", proof + 0xc0, 4);
        uint256 zeta = requireNonzero("opening zeta", drawn());
        absorbScalars("opening interpolants", proof + 0x140, 7);
        uint256 beta = drawn();
        absorbCalldata("opening w", proof + 0x220, 2);
        uint256 xi = drawn();
        absorbCalldata("opening w'", proof + 0x260, 2);
        uint256 power = requireInnerProducts(proof, alpha, gamma, zeta, value);
        return batch(proof, alpha, zeta, beta, xi, power, to);
    }
}

/// @dev For E_z(X) = prod_j (1 - z_j + z_j X^(2^j)), z_0 the last coordinate: E_u(x), E_v(x), x^(b - 1) E_u(1/x),
/// x^(b - 1) E_v(1/x) and x^(b - 2), written to five words at a place.
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
            x := mulmod(x, x, r)
            if gt(place, POINT_D) { all := mulmod(all, x, r) }
        }
        mstore(to, u)
        mstore(add(to, 0x20), v)
        mstore(add(to, 0x40), uBack)
        mstore(add(to, 0x60), vBack)
        mstore(add(to, 0x80), all)
    }
}

/// @dev a + b x, for two words of calldata.
function line(uint256 place, uint256 x) pure returns (uint256) {
    return add(calldataWord(place), mul(calldataWord(place + 0x20), x));
}

/// @dev Refuses interpolants for which the equation of step 3 does not hold at zeta. With r_f for the interpolant of f, and
/// times zeta^(b + 1), so that nothing is divided, it says that this is zero:
///
///     zeta^2 (r_g(zeta) zeta^(b - 1) E_v(1/zeta) + gamma r_p(zeta) zeta^(b - 1) E_u(1/zeta))
///         + zeta^(b - 1) (zeta (zeta r_g(1/zeta)) E_v(zeta) + gamma ((zeta^2 r_p(1/zeta)) E_u(zeta) - 2 zeta^2 value)
///             - zeta^3 r_s(zeta) - (zeta r_s(1/zeta)) - 2 zeta^2 r_p(alpha))
///
/// Gives zeta^(b - 2).
function requireInnerProducts(
    uint256 proof,
    uint256 alpha,
    uint256 gamma,
    uint256 zeta,
    uint256 value
) pure returns (uint256 power) {
    unchecked {
        uint256 table = at(FREE);
        eqPolynomials(zeta, table);
        power = at(table + 0x80);
        uint256 square = mul(zeta, zeta);
        uint256 p2 = calldataWord(proof + 0x1c0);
        uint256 first = mul(gamma, mul(add(line(proof + 0x180, zeta), mul(p2, square)), at(table + 0x40)));
        first = add(first, mul(line(proof + 0x140, zeta), at(table + 0x60)));
        // the interpolant of p, turned round
        uint256 rest = add(mul(zeta, calldataWord(proof + 0x1a0)), add(p2, mul(calldataWord(proof + 0x180), square)));
        rest = mul(gamma, sub(mul(rest, at(table)), mul(square, add(value, value))));
        rest = add(rest, mul(mul(zeta, turned(proof + 0x140, zeta)), at(table + 0x20)));
        uint256 pAlpha = add(line(proof + 0x180, alpha), mul(p2, mul(alpha, alpha)));
        pAlpha = add(mul(zeta, line(proof + 0x1e0, zeta)), add(pAlpha, pAlpha));
        rest = sub(rest, add(mul(square, pAlpha), turned(proof + 0x1e0, zeta)));
        if (add(mul(square, first), mul(mul(power, zeta), rest)) != 0) {
            revert IInferenceVerifier.ProofRejected(); // Protocol
        }
    }
}

/// @dev a x + b, for two words of calldata.
function turned(uint256 place, uint256 x) pure returns (uint256) {
    return add(mul(calldataWord(place), x), calldataWord(place + 0x20));
}

/// @dev The batch of p, g, s, d and f - (xi^b - alpha) q - g at xi: see `reduceOpening`.
function batch(
    uint256 proof,
    uint256 alpha,
    uint256 zeta,
    uint256 beta,
    uint256 xi,
    uint256 power,
    uint256 to
) pure returns (uint256 column) {
    unchecked {
        uint256 atAlpha = sub(xi, alpha);
        uint256 scale = mul(beta, atAlpha);
        uint256 ofG = scale;
        put(to + 0x40, mul(beta, scale));
        // sum_i beta^i Z_(T - T_i)(xi) r_i(xi)
        uint256 sum = mul(scale, add(line(proof + 0x140, xi), mul(beta, line(proof + 0x1e0, xi))));
        sum = add(sum, add(line(proof + 0x180, xi), mul(calldataWord(proof + 0x1c0), mul(xi, xi))));
        uint256 atInverse = mul(atAlpha, sub(mul(zeta, xi), 1));
        put(to + 0x80, mul(sub(zeta, xi), atInverse));
        scale = mul(mul(beta, mul(beta, beta)), atInverse);
        put(to + 0x60, scale);
        uint256 dZeta = mul(power, turned(proof + 0x140, zeta));
        put(to + 0xc0, sub(0, add(sum, mul(scale, dZeta))));
        put(to + 0xa0, xi);
        column = mul(beta, scale);
        put(to + 0x20, sub(ofG, column));
        for (uint256 i = at(C) >> 1; i != 0; --i) {
            xi = mul(xi, xi);
        }
        put(to, mul(column, sub(alpha, xi)));
    }
}
