//! Polynomials as coefficients, the lowest first: what an opening computes with.

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

/// `E_u(x) = sum_i eq(u, i) x^i = prod_j (1 - u_j + u_j x^(2^j))`, where u_0 is the last variable.
pub(super) fn eq_polynomial(u: &[Fr], x: Fr) -> Fr {
    let mut power = x;
    u.iter().rev().fold(Fr::one(), |product, u| {
        let factor = Fr::one() - u + power * u;
        power.square_in_place();
        product * factor
    })
}

/// The value of a polynomial, by Horner's rule.
pub(super) fn horner(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::zero(), |value, coefficient| value * x + coefficient)
}

pub(super) fn inner_product(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(a, b)| *a * b).sum()
}

/// `f = (X - x) quotient + remainder`: the quotient and the remainder f(x), by synthetic division.
pub(super) fn divide(f: &[Fr], x: Fr) -> (Vec<Fr>, Fr) {
    let mut quotient = vec![Fr::zero(); f.len()];
    let mut carry = Fr::zero();
    for (coefficient, place) in f.iter().zip(&mut quotient).rev() {
        *place = carry;
        carry = carry * x + coefficient;
    }
    quotient.truncate(f.len().saturating_sub(1));
    (quotient, carry)
}

/// `f = (X^b - alpha) q + g` with deg g < b: q and g.
///
/// By rows of b coefficients, `f_row = q_(row-1) - alpha q_row`, from the last one down (Mercury, section 5).
pub(super) fn divide_by_binomial(f: &[Fr], b: usize, alpha: Fr) -> (Vec<Fr>, Vec<Fr>) {
    let mut q = f.to_vec();
    let mut rows: Vec<&mut [Fr]> = q.chunks_mut(b).collect();
    for row in (1..rows.len()).rev() {
        let (below, above) = rows.split_at_mut(row);
        if let (Some(low), Some(high)) = (below.last_mut(), above.first()) {
            for (low, high) in low.iter_mut().zip(high.iter()) {
                *low += alpha * high;
            }
        }
    }
    let q_rows = q.split_off(b.min(q.len()));
    (q_rows, q)
}

/// The coefficients of X^1, X^2, .., X^(len - 1) in `a(X) E_u(1/X) + a(1/X) E_u(X)`, where a has `len` coefficients.
///
/// E_u is a product of c/2 binomials, so this takes c/2 passes and no transform.
pub(super) fn cross_terms(a: &[Fr], u: &[Fr]) -> Vec<Fr> {
    let b = 1 << u.len();
    // a(X) E_u(1/X), times X^(b - 1), so that no exponent is negative.
    let mut product = vec![Fr::zero(); b - 1];
    product.extend_from_slice(a);
    let mut shift = 1;
    for x in u.iter().rev() {
        // Times 1 - x + x X^(-shift), from the lowest coefficient up: the ones read are still old.
        for i in 0..product.len() {
            let old = product[i];
            let carried = product.get(i + shift).copied().unwrap_or_default();
            product[i] = old + *x * (carried - old);
        }
        shift *= 2;
    }
    let at = |exponent: usize| product.get(exponent).copied().unwrap_or_default();
    (1..a.len().max(b)).map(|k| at(b - 1 + k) + (b - 1).checked_sub(k).map_or(Fr::zero(), at)).collect()
}
