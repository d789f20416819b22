//! The sumcheck protocol, for polynomials of degree 2 and 4 in each variable, with the masks of Libra.
//!
//! A round sends the coefficients of `g(X) = c_0 + c_1 X + .. + c_deg X^deg` but for c_1, as Spartan's (ePrint 2019/550)
//! implementation does; the verifier derives `c_1` from `g(0) + g(1) = claim`. So no round can fail: a false claim moves to
//! the last one, and the final equation finds it. Zero knowledge is Libra's (ePrint 2019/317, section 4.1): the
//! prover adds `rho * g(x)` for `g(x) = g_0 + sum_i sum_k g_(i,k) x_i^k` with random, committed coefficients.

use crate::field::{Fr, power_of_two};
use crate::proof::{Malformed, Reader, Writer};
use crate::transcript::Transcript;
use ark_ff::{AdditiveGroup, Field, One, Zero};
use rayon::prelude::*;

/// The coefficients of one Libra mask: `g_0, g_(1,1), .., g_(1,deg), g_(2,1), ..`.
#[derive(Clone)]
pub(crate) struct Mask {
    pub(crate) coefficients: Vec<Fr>,
    pub(crate) rho: Fr,
}

/// How many coefficients a Libra mask has: `1 + n deg`.
pub fn mask_length(n: usize, degree: usize) -> usize {
    1 + n * degree
}

/// The functional that evaluates a mask: `g(point) = <coefficients, (1, z_1, .., z_1^deg, z_2, ..)>`.
pub fn mask_at(point: &[Fr], degree: usize) -> Vec<Fr> {
    let mut out = vec![Fr::one()];
    for z in point {
        out.extend(std::iter::successors(Some(*z), |p| Some(*p * z)).take(degree));
    }
    out
}

/// The functional that sums a mask over the cube: `sum g = <coefficients, (2^n, 2^(n-1), ..)>`.
pub fn mask_sum(n: usize, degree: usize) -> Vec<Fr> {
    let mut out = vec![power_of_two(n as u32)];
    if n > 0 {
        out.resize(mask_length(n, degree), power_of_two(n as u32 - 1));
    }
    out
}

/// A polynomial that is a fixed combination of multilinear ones.
pub(crate) trait Combination: Sync {
    /// Its degree in each variable, at least 2.
    const DEGREE: usize;
    /// Its value, given the values of the multilinear polynomials.
    fn at(&self, values: &[Fr]) -> Fr;
    /// The coefficients of `X^0, X^2, .., X^DEGREE` of the sum of its values where each table is `low + X (high - low)`.
    fn coefficients(&self, low: &[&[Fr]], high: &[&[Fr]]) -> Vec<Fr>;
}

/// `sum_i f_i q_i`: the tables of all f_i, then those of all q_i.
pub(crate) struct InnerProduct;
impl Combination for InnerProduct {
    const DEGREE: usize = 2;

    fn at(&self, values: &[Fr]) -> Fr {
        let (f, q) = values.split_at(values.len() / 2);
        inner(f, q)
    }

    fn coefficients(&self, low: &[&[Fr]], high: &[&[Fr]]) -> Vec<Fr> {
        let half = low.len() / 2;
        let mut sums = vec![Fr::zero(); 2];
        for (f, q) in (0..half).zip(half..) {
            sums[0] += inner(low[f], low[q]);
            let steps = [f, q].map(|i| low[i].iter().zip(high[i]).map(|(a, b)| *b - a).collect::<Vec<_>>());
            sums[1] += inner(&steps[0], &steps[1]);
        }
        sums
    }
}

/// What the prover knows at the end.
pub(crate) struct Folded {
    /// The point that the verifier chose.
    pub(crate) point: Vec<Fr>,
    /// The value of every table there.
    pub(crate) values: Vec<Fr>,
}

/// Proves `sum_x combination(tables(x)) + rho g(x)`. The tables all have `2^n` entries.
pub(crate) fn prove<C: Combination>(
    transcript: &mut Transcript,
    label: &'static str,
    mut tables: Vec<Vec<Fr>>,
    combination: &C,
    mask: Option<&Mask>,
    proof: &mut Writer,
) -> Folded {
    let n = tables.first().map_or(0, |t| t.len().trailing_zeros() as usize);
    let mut point = Vec::with_capacity(n);
    // what the variables bound so far contribute to the mask
    let mut bound = mask.map_or(Fr::zero(), |m| m.coefficients[0]);
    for round in 0..n {
        let mut sent = round_coefficients(&tables, combination);
        if let Some(m) = mask {
            add_mask(&mut sent, m, round, n, &bound);
        }
        transcript.absorb(label, &sent);
        proof.scalars(&sent);
        let z = transcript.challenge(label);
        point.push(z);
        if let Some(m) = mask {
            let at = 1 + round * C::DEGREE;
            let powers = mask_at(&[z], C::DEGREE);
            bound += inner(&m.coefficients[at..at + C::DEGREE], &powers[1..]);
        }
        tables.par_iter_mut().for_each(|t| fold(t, &z));
    }
    let values = tables.iter().map(|t| t[0]).collect();
    Folded { point, values }
}

/// `sum_i u_i v_i`. Three products share one reduction.
pub(crate) fn inner(u: &[Fr], v: &[Fr]) -> Fr {
    let n = u.len().min(v.len());
    let ((u, u_rest), (v, v_rest)) = (u[..n].as_chunks::<3>(), v[..n].as_chunks::<3>());
    let rest: Fr = u_rest.iter().zip(v_rest).map(|(x, y)| *x * y).sum();
    u.iter().zip(v).map(|(x, y)| Fr::sum_of_products(x, y)).sum::<Fr>() + rest
}

/// Binds the first variable: `t(z, x) = t(0, x) + z (t(1, x) - t(0, x))`.
fn fold(table: &mut Vec<Fr>, z: &Fr) {
    let half = table.len() / 2;
    let (low, high) = table.split_at_mut(half);
    // in parallel within a table, as there may be two large ones
    low.par_iter_mut().with_min_len(2048).zip(high).for_each(|(a, b)| *a += *z * (*b - *a));
    table.truncate(half);
}

/// The coefficients that a round sends, of `sum_x combination(tables(X, x))`.
fn round_coefficients<C: Combination>(tables: &[Vec<Fr>], combination: &C) -> Vec<Fr> {
    let half = tables.first().map_or(0, |t| t.len() / 2);
    let span = (half / (4 * rayon::current_num_threads())).clamp(64, 1024);
    (0..half.div_ceil(span))
        .into_par_iter()
        .map(|chunk| {
            let (start, end) = (chunk * span, ((chunk + 1) * span).min(half));
            let low: Vec<&[Fr]> = tables.iter().map(|t| &t[start..end]).collect();
            let high: Vec<&[Fr]> = tables.iter().map(|t| &t[half + start..half + end]).collect();
            combination.coefficients(&low, &high)
        })
        .reduce(|| vec![Fr::zero(); C::DEGREE], |u, v| u.iter().zip(&v).map(|(x, y)| *x + y).collect())
}

/// Calls `add` for each row, with the tables' values at X = 0 there, and what they change by up to X = 1.
pub(crate) fn for_each_row(low: &[&[Fr]], high: &[&[Fr]], mut add: impl FnMut(&[Fr], &[Fr])) {
    let (mut values, mut steps) = (vec![Fr::zero(); low.len()], vec![Fr::zero(); low.len()]);
    for row in 0..low.first().map_or(0, |t| t.len()) {
        for (i, (low, high)) in low.iter().zip(high).enumerate() {
            values[i] = low[row];
            steps[i] = high[row] - low[row];
        }
        add(&values, &steps);
    }
}

/// Adds those of `rho sum_(x_(i+1)..x_n) g(z_1, .., X, x_(i+1), ..)`: with `m` free variables this is
/// `rho (2^m (bound + sum_k g_(i,k) X^k) + 2^(m-1) sum of all later coefficients)`.
fn add_mask(sent: &mut [Fr], mask: &Mask, round: usize, n: usize, bound: &Fr) {
    let free = (n - round - 1) as u32;
    let scale = mask.rho * power_of_two(free);
    let (here, later) = mask.coefficients[1 + round * sent.len()..].split_at(sent.len());
    sent[0] += scale * bound;
    if free > 0 {
        sent[0] += mask.rho * power_of_two(free - 1) * later.iter().sum::<Fr>();
    }
    // that of X is not sent
    sent[1..].iter_mut().zip(&here[1..]).for_each(|(c, g)| *c += scale * g);
}

/// The words of a sumcheck: `n deg`.
pub fn words(n: usize, degree: usize) -> usize {
    n * degree
}

/// Replays a sumcheck of `n` rounds: gives the point, and what the polynomial must be there if `claim` is its sum.
pub(crate) fn verify(
    transcript: &mut Transcript,
    label: &'static str,
    reader: &mut Reader<'_>,
    n: usize,
    degree: usize,
    mut claim: Fr,
) -> Result<(Vec<Fr>, Fr), Malformed> {
    let mut point = Vec::with_capacity(n);
    for _ in 0..n {
        let sent = reader.scalars(degree)?;
        transcript.absorb(label, &sent);
        let z = transcript.challenge(label);
        // g(0) + g(1) = 2 c_0 + c_1 + .. + c_deg = claim
        let (c_0, others) = (sent[0], &sent[1..]);
        let c_1 = claim - c_0.double() - others.iter().sum::<Fr>();
        let high = others.iter().rev().fold(Fr::zero(), |sum, c| sum * z + c);
        claim = c_0 + z * (c_1 + z * high);
        point.push(z);
    }
    Ok((point, claim))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_forms::evaluate;
    use crate::randomness::{Randomness, Seeded};

    struct Quartic;
    impl Combination for Quartic {
        const DEGREE: usize = 4;
        fn at(&self, v: &[Fr]) -> Fr {
            v[0] * v[1] * v[2] * v[3] - v[0]
        }
        fn coefficients(&self, low: &[&[Fr]], high: &[&[Fr]]) -> Vec<Fr> {
            let mut sums = vec![Fr::zero(); 4];
            for_each_row(low, high, |v, d| {
                // all products of four values and steps with `power` steps
                for (sum, power) in sums.iter_mut().zip([0, 2, 3, 4]) {
                    let chosen = (0u32..16).filter(|set| set.count_ones() == power);
                    let factor = |set: u32, i: usize| if set >> i & 1 == 1 { d[i] } else { v[i] };
                    *sum += chosen.map(|set| (0..4).map(|i| factor(set, i)).product::<Fr>()).sum::<Fr>();
                }
                sums[0] -= v[0];
            });
            sums
        }
    }

    fn round_trip<C: Combination>(combination: &C, n: usize, masked: bool) {
        let mut rng = Seeded::new(n as u64);
        let tables: Vec<Vec<Fr>> = (0..4).map(|_| rng.fields(1 << n).unwrap()).collect();
        let mask =
            masked.then(|| Mask { coefficients: rng.fields(mask_length(n, C::DEGREE)).unwrap(), rho: rng.one() });
        let row = |x: usize| tables.iter().map(|t| t[x]).collect::<Vec<_>>();
        let mut sum: Fr = (0..1 << n).map(|x| combination.at(&row(x))).sum();
        if let Some(m) = &mask {
            sum += m.rho * inner(&m.coefficients, &mask_sum(n, C::DEGREE));
        }
        let mut writer = Writer::default();
        let mut transcript = Transcript::new("test");
        let folded = prove(&mut transcript, "rounds", tables.clone(), combination, mask.as_ref(), &mut writer);
        let bytes = writer.into_bytes();
        assert_eq!(bytes.len(), 32 * words(n, C::DEGREE));
        let check = |bytes: &[u8], sum: Fr| {
            let mut reader = Reader::new(bytes, words(n, C::DEGREE)).unwrap();
            let mut transcript = Transcript::new("test");
            let got = verify(&mut transcript, "rounds", &mut reader, n, C::DEGREE, sum);
            let (point, claim) = got.unwrap();
            let values: Vec<Fr> = tables.iter().map(|t| evaluate(t, &point)).collect();
            let mut value = combination.at(&values);
            if let Some(m) = &mask {
                value += m.rho * inner(&m.coefficients, &mask_at(&point, C::DEGREE));
            }
            (point, values, value == claim)
        };
        assert_eq!(check(&bytes, sum), (folded.point, folded.values, true));
        assert!(!check(&bytes, sum + Fr::one()).2 || n == 0);
        for word in 0..bytes.len() / 32 {
            let mut bad = bytes.clone();
            bad[32 * word + 31] ^= 1;
            assert!(!check(&bad, sum).2, "word {word} of {n} rounds");
        }
    }

    #[test]
    fn complete_and_bound_to_every_word() {
        for n in 1..8 {
            for masked in [false, true] {
                round_trip(&InnerProduct, n, masked);
                round_trip(&Quartic, n, masked);
            }
        }
    }
}
