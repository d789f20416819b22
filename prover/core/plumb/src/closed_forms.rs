//! Multilinear extensions of structured vectors, evaluated in O(log n).
//!
//! Points list the bits of an index from the most significant one: the vector `v` of length `2^m` has the extension
//! `v(z) = sum_i v_i eq(i, z)` with `eq(i, z) = prod_k (i_k z_k + (1 - i_k)(1 - z_k))`. Every contraction and every output
//! index is bounded by its real length `n`, never by the padded `2^m`: cells between the two are free.

use crate::field::{Fr, power_of_two};
use ark_ff::{Field, One, Zero};

/// Whether bit `k`, counted from the most significant of `m`, is set in `n`.
fn bit(n: u64, m: usize, k: usize) -> bool {
    let shift = m - 1 - k;
    shift < 64 && (n >> shift) & 1 == 1
}

/// Whether `n` covers the whole cube of dimension `m`.
fn covers(n: u64, m: usize) -> bool {
    m < 64 && n >= 1 << m
}

/// `ceil(log2 n)`: the bits of an index below `n`; 0 for `n <= 1`.
pub fn index_bits(n: u32) -> usize {
    (32 - n.saturating_sub(1).leading_zeros()) as usize
}

/// One factor of eq: `x y + (1 - x)(1 - y)`.
pub fn eq1(x: &Fr, y: &Fr) -> Fr {
    let product = *x * y;
    product + product - x - y + Fr::one()
}

/// `eq(u, v) = prod_k (u_k v_k + (1 - u_k)(1 - v_k))`.
pub fn eq(u: &[Fr], v: &[Fr]) -> Fr {
    debug_assert_eq!(u.len(), v.len());
    u.iter().zip(v).map(|(x, y)| eq1(x, y)).product()
}

/// `eq(i, z)` for an index `i`.
pub fn eq_index(i: u64, z: &[Fr]) -> Fr {
    let m = z.len();
    z.iter().enumerate().map(|(k, x)| if bit(i, m, k) { *x } else { Fr::one() - x }).product()
}

/// The dense vector `eq(i, z)` over all i. For the prover.
pub fn eq_table(z: &[Fr]) -> Vec<Fr> {
    let mut table = vec![Fr::one()];
    for x in z {
        let mut next = Vec::with_capacity(2 * table.len());
        for t in &table {
            let one = *t * x;
            next.extend([*t - one, one]);
        }
        table = next;
    }
    table
}

/// The value at `z` of the multilinear extension of a dense vector. For the prover.
pub fn evaluate(vector: &[Fr], z: &[Fr]) -> Fr {
    debug_assert_eq!(vector.len(), 1 << z.len());
    let mut table = vector.to_vec();
    for x in z {
        let half = table.len() / 2;
        let (low, high) = table.split_at_mut(half);
        for (a, b) in low.iter_mut().zip(high) {
            *a += *x * (*b - *a);
        }
        table.truncate(half);
    }
    table[0]
}

/// `base^(2^j)` for j below m.
fn squarings(base: &Fr, m: usize) -> Vec<Fr> {
    std::iter::successors(Some(*base), |b| Some(b.square())).take(m).collect()
}

/// `geom(z) = sum_i base^i eq(i, z) = prod_k (1 - z_k + z_k base^(2^(m-1-k)))`.
pub fn geom(z: &[Fr], base: &Fr) -> Fr {
    let powers = squarings(base, z.len());
    z.iter().rev().zip(&powers).map(|(x, b)| Fr::one() - x + *x * b).product()
}

/// `geom_lt(z) = sum_(i<n) base^i eq(i, z)`: one subcube for each set bit of n, as a binary prefix of n times the full
/// geometric series of the bits that follow.
pub fn geom_lt(z: &[Fr], base: &Fr, n: u64) -> Fr {
    let m = z.len();
    if covers(n, m) {
        return geom(z, base);
    }
    let powers = squarings(base, m);
    // suffix[k] = geom(z[k..])
    let mut suffix = vec![Fr::one(); m + 1];
    for k in (0..m).rev() {
        suffix[k] = suffix[k + 1] * (Fr::one() - z[k] + z[k] * powers[m - 1 - k]);
    }
    let (mut out, mut prefix) = (Fr::zero(), Fr::one());
    for k in 0..m {
        if bit(n, m, k) {
            out += prefix * (Fr::one() - z[k]) * suffix[k + 1];
            prefix *= z[k] * powers[m - 1 - k];
        } else {
            prefix *= Fr::one() - z[k];
        }
    }
    out
}

/// `lt(z) = sum_(i<n) eq(i, z)`.
pub fn lt(z: &[Fr], n: u64) -> Fr {
    geom_lt(z, &Fr::one(), n)
}

/// `eq_lt(u, v) = sum_(i<n) eq(i, u) eq(i, v)`: a contraction over n real indices.
///
/// Where one point has more bits than the other, its leading bits are zeros in every real index: n must not exceed
/// either cube.
pub fn eq_lt(u: &[Fr], v: &[Fr], n: u64) -> Fr {
    geom_eq_lt(u, v, &Fr::one(), n)
}

/// `geom_eq_lt(u, v) = sum_(i<n) base^i eq(i, u) eq(i, v)`: n real indices that are an output's as well. Points of unlike
/// lengths as in [`eq_lt`].
pub fn geom_eq_lt(u: &[Fr], v: &[Fr], base: &Fr, n: u64) -> Fr {
    if u.len() < v.len() {
        return geom_eq_lt(v, u, base, n);
    }
    let (leading, u) = u.split_at(u.len() - v.len());
    let zeros: Fr = leading.iter().map(|x| Fr::one() - x).product();
    zeros * geom_eq_lt_same(u, v, base, n)
}

fn geom_eq_lt_same(u: &[Fr], v: &[Fr], base: &Fr, n: u64) -> Fr {
    let m = u.len();
    // what bit k contributes where it is zero in an index, and where it is one
    let bits: Vec<[Fr; 2]> = (u.iter().zip(v).zip(squarings(base, m).iter().rev()))
        .map(|((x, y), power)| [(Fr::one() - x) * (Fr::one() - y), *x * y * power])
        .collect();
    // suffix[k]: the sum over all indices of the bits from k on
    let mut suffix = vec![Fr::one(); m + 1];
    for k in (0..m).rev() {
        suffix[k] = suffix[k + 1] * (bits[k][0] + bits[k][1]);
    }
    if covers(n, m) {
        return suffix[0];
    }
    let (mut out, mut prefix) = (Fr::zero(), Fr::one());
    for (k, [zero, one]) in bits.iter().enumerate() {
        if bit(n, m, k) {
            out += prefix * zero * suffix[k + 1];
            prefix *= one;
        } else {
            prefix *= zero;
        }
    }
    out
}

/// `sum_(i<n) base^i`, by doubling and without an inversion.
pub fn geom_sum(base: &Fr, n: u64) -> Fr {
    // total = sum_(i<m) base^i and power = base^m, m the leading bits of n
    let (mut total, mut power) = (Fr::zero(), Fr::one());
    for k in (0..64 - n.leading_zeros()).rev() {
        total *= Fr::one() + power;
        power.square_in_place();
        if (n >> k) & 1 == 1 {
            total += power;
            power *= base;
        }
    }
    total
}

/// `index(z) = sum_i i eq(i, z) = sum_k 2^(m-1-k) z_k`.
pub fn index(z: &[Fr]) -> Fr {
    z.iter().fold(Fr::zero(), |v, x| v + v + x)
}

/// `index_lt(z) = sum_(i<n) i eq(i, z)`, with the subcubes of [`geom_lt`].
pub fn index_lt(z: &[Fr], n: u64) -> Fr {
    let m = z.len();
    if covers(n, m) {
        return index(z);
    }
    let (mut out, mut prefix, mut start) = (Fr::zero(), Fr::one(), Fr::zero());
    for k in 0..m {
        start += start;
        if bit(n, m, k) {
            // the indices that start like n does and then have a zero: upper bits `start`, the others free
            let upper = start * power_of_two((m - 1 - k) as u32);
            out += prefix * (Fr::one() - z[k]) * (upper + index(&z[k + 1..]));
            prefix *= z[k];
            start += Fr::one();
        } else {
            prefix *= Fr::one() - z[k];
        }
    }
    out
}

/// One spatial dimension of a convolution, for the tap `tap`:
/// `sum over real outputs o < n_out of base^o eq(o stride + tap - pad, z)`, inside the real input `[0, n_in)` only.
///
/// With stride 1 the input is `t = o + tap - pad`. With stride 2 the low bit of the input is the parity of `tap - pad`,
/// and the other bits are `t = o + floor((tap - pad) / 2)`. Both are `base^(-q) (geom_lt(hi) - geom_lt(lo))` with `q` the
/// distance of t from o. `base` must not be zero. Strides other than 1 and 2 have no closed form here: the checker
/// refuses them.
pub fn conv_dim(z: &[Fr], base: &Fr, tap: u32, stride: u32, pad: u32, n_in: u32, n_out: u32) -> Fr {
    let distance = i64::from(tap) - i64::from(pad);
    let (n_in, n_out) = (i64::from(n_in), i64::from(n_out));
    let (factor, rest, q, limit) = if stride == 1 {
        (Fr::one(), z, distance, n_in)
    } else {
        let odd = distance & 1;
        let limit = (n_in - odd + 1) / 2;
        match z.split_last() {
            Some((low, rest)) if odd == 1 => (*low, rest, distance >> 1, limit),
            Some((low, rest)) => (Fr::one() - low, rest, distance >> 1, limit),
            None => (Fr::one(), z, distance >> 1, limit), // one input cell, index 0: limit is 0 for odd parity
        }
    };
    let (low, high) = (q.max(0), limit.min(q + n_out));
    if high <= low {
        return Fr::zero();
    }
    let range = geom_lt(rest, base, high as u64) - geom_lt(rest, base, low as u64);
    let shift = if q > 0 { base.inverse().unwrap_or_default().pow([q as u64]) } else { base.pow([q.unsigned_abs()]) };
    factor * shift * range
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::{Randomness, Seeded};

    fn sum(terms: impl Iterator<Item = Fr>) -> Fr {
        terms.sum()
    }

    #[test]
    fn bits_of_an_index() {
        let expected = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 31, 31), (u32::MAX, 32)];
        for (n, bits) in expected {
            assert_eq!(index_bits(n), bits, "{n}");
        }
    }

    #[test]
    fn equal_to_dense_sums() {
        let mut rng = Seeded::new(1);
        for m in 0..6 {
            let (u, v, base) = (rng.fields(m).unwrap(), rng.fields(m).unwrap(), rng.one());
            let (tu, tv) = (eq_table(&u), eq_table(&v));
            assert_eq!(geom(&u, &base), sum(tu.iter().enumerate().map(|(i, t)| base.pow([i as u64]) * t)));
            for n in 0..(1usize << m) + 3 {
                let real = |t: &[Fr]| t[..n.min(t.len())].to_vec();
                let dense = |f: &dyn Fn(usize) -> Fr| sum(real(&tu).iter().enumerate().map(|(i, t)| f(i) * t));
                let bound = n as u64;
                assert_eq!(geom_lt(&u, &base, bound), dense(&|i| base.pow([i as u64])));
                assert_eq!(lt(&u, bound), dense(&|_| Fr::one()));
                assert_eq!(index_lt(&u, bound), dense(&|i| Fr::from(i as u64)), "{m} {n}");
                assert_eq!(eq_lt(&u, &v, bound), dense(&|i| tv[i]));
                assert_eq!(geom_eq_lt(&u, &v, &base, bound), dense(&|i| base.pow([i as u64]) * tv[i]));
                assert_eq!(geom_sum(&base, bound), sum((0..bound).map(|i| base.pow([i]))));
            }
            for (i, t) in tu.iter().enumerate() {
                assert_eq!(eq_index(i as u64, &u), *t);
            }
            assert_eq!(eq(&u, &v), evaluate(&tu, &v));
            // points of different lengths
            let longer = [rng.fields(2).unwrap(), v.clone()].concat();
            let tl = eq_table(&longer);
            for n in 0..=1usize << m {
                let dense = sum((0..n).map(|i| tu[i] * tl[i]));
                assert_eq!(eq_lt(&u, &longer, n as u64), dense);
                assert_eq!(eq_lt(&longer, &u, n as u64), dense);
                let dense = sum((0..n).map(|i| base.pow([i as u64]) * tu[i] * tl[i]));
                assert_eq!(geom_eq_lt(&u, &longer, &base, n as u64), dense);
                assert_eq!(geom_eq_lt(&longer, &u, &base, n as u64), dense);
            }
        }
    }

    #[test]
    fn lengths_beyond_64_bits_of_cube_do_not_overflow() {
        let z = Seeded::new(2).fields(70).unwrap();
        let base = Fr::from(3u64);
        let expected = eq_index(0, &z) + base * eq_index(1, &z) + base.square() * eq_index(2, &z);
        assert_eq!(geom_lt(&z, &base, 3), expected);
        assert_ne!(eq_lt(&z, &z, u64::MAX), eq(&z, &z));
    }

    #[test]
    fn convolutions() {
        let mut rng = Seeded::new(3);
        for _ in 0..400 {
            let (kernel, stride) = (1 + rng.below(5) as u32, 1 + rng.below(2) as u32);
            let pad = rng.below(u64::from(kernel)) as u32;
            let n_in = 1 + rng.below(33) as u32;
            let end = rng.below(3) as u32; // zeros after the input, more or fewer than before it
            let Some(span) = (n_in + pad + end).checked_sub(kernel) else {
                continue;
            };
            let n_out = span / stride + 1;
            let z = rng.fields(index_bits(n_in)).unwrap();
            let (table, base) = (eq_table(&z), rng.one());
            for tap in 0..kernel {
                let dense = sum((0..n_out).filter_map(|o| {
                    let i = (o * stride + tap).checked_sub(pad)?;
                    (i < n_in).then(|| base.pow([u64::from(o)]) * table[i as usize])
                }));
                let closed = conv_dim(&z, &base, tap, stride, pad, n_in, n_out);
                assert_eq!(closed, dense, "k{kernel} s{stride} p{pad} {n_in}->{n_out} tap {tap}");
            }
        }
    }
}
