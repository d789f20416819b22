//! The sumcheck protocol, for polynomials of degree 2 or 4 in each variable, with the masks of Libra.
//!
//! A round sends the coefficients of `g(X) = c_0 + c_1 X + .. + c_deg X^deg` but for c_1, as Spartan's (ePrint 2019/550)
//! implementation does; the verifier derives `c_1` from `g(0) + g(1) = claim`. So no round can fail: a false claim moves to
//! the last one, and the final equation finds it. Zero knowledge is Libra's (ePrint 2019/317, section 4.1): the
//! prover adds `rho * g(x)` for `g(x) = g_0 + sum_i sum_k g_(i,k) x_i^k` with random, committed coefficients.

use crate::field::{Fr, power_of_two, powers};
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

/// The degrees in a sumcheck's variables: first some, then others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degrees(pub [(usize, usize); 2]);

impl Degrees {
    /// The same degree in each of n variables.
    pub fn uniform(n: usize, degree: usize) -> Self {
        Degrees([(0, 0), (n, degree)])
    }

    /// The degree in each variable.
    pub fn each(&self) -> impl Iterator<Item = usize> + use<> {
        self.0.into_iter().flat_map(|(n, degree)| std::iter::repeat_n(degree, n))
    }

    /// The variables.
    pub fn variables(&self) -> usize {
        self.0.iter().map(|(n, _)| n).sum()
    }

    /// The words of a sumcheck, one for each degree of each variable.
    pub fn words(&self) -> usize {
        self.0.iter().map(|(n, degree)| n * degree).sum()
    }

    /// How many coefficients a Libra mask has.
    pub fn mask_length(&self) -> usize {
        1 + self.words()
    }

    /// The functional that evaluates a mask: `g(point) = <coefficients, (1, z_1, .., z_1^deg, z_2, ..)>`.
    pub fn mask_at(&self, point: &[Fr]) -> Vec<Fr> {
        let of_variable = |(z, degree): (&Fr, usize)| powers(z, degree as u32 + 1).into_iter().skip(1);
        std::iter::once(Fr::one()).chain(point.iter().zip(self.each()).flat_map(of_variable)).collect()
    }

    /// The functional that sums a mask over the cube: `sum g = <coefficients, (2^n, 2^(n-1), ..)>`.
    pub fn mask_sum(&self) -> Vec<Fr> {
        let n = self.variables() as u32;
        let mut out = vec![power_of_two(n)];
        if n > 0 {
            out.resize(self.mask_length(), power_of_two(n - 1));
        }
        out
    }
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

/// The rounds of one sumcheck, as the prover makes them: of `sum_x combination(tables(x)) + rho g(x)`.
pub(crate) struct Rounds<'a> {
    transcript: &'a mut Transcript,
    label: &'static str,
    mask: Option<&'a Mask>,
    /// What the variables bound so far contribute to the mask.
    bound: Fr,
    /// The variables that are left.
    free: usize,
    /// The mask's coefficients of the bound variables, and g_0.
    used: usize,
    point: Vec<Fr>,
}

impl<'a> Rounds<'a> {
    /// Of n variables.
    pub(crate) fn new(transcript: &'a mut Transcript, label: &'static str, n: usize, mask: Option<&'a Mask>) -> Self {
        let bound = mask.map_or(Fr::zero(), |m| m.coefficients[0]);
        Rounds { transcript, label, mask, bound, free: n, used: 1, point: Vec::with_capacity(n) }
    }

    /// Binds the first `n` variables of all tables. `rest` is what does not depend on these variables and is summed too, for
    /// each of their values.
    pub(crate) fn bind<C: Combination>(
        &mut self,
        n: usize,
        tables: &mut [Vec<Fr>],
        combination: &C,
        rest: Fr,
        proof: &mut Writer,
    ) {
        for round in 1..=n {
            let mut sent = round_coefficients(tables, combination);
            sent[0] += rest * power_of_two((n - round) as u32);
            self.free -= 1;
            if let Some(m) = self.mask {
                self.add_mask(&mut sent, m);
            }
            self.transcript.absorb(self.label, &sent);
            proof.scalars(&sent);
            let z = self.transcript.challenge(self.label);
            self.point.push(z);
            if let Some(m) = self.mask {
                let here = &m.coefficients[self.used..][..C::DEGREE];
                self.bound += inner(here, &powers(&z, C::DEGREE as u32 + 1)[1..]);
                self.used += C::DEGREE;
            }
            tables.par_iter_mut().for_each(|t| fold(t, &z));
        }
    }

    /// Adds the coefficients of `rho sum_(x_(i+1)..x_n) g(z_1, .., X, x_(i+1), ..)`: with `m` free variables this is
    /// `rho (2^m (bound + sum_k g_(i,k) X^k) + 2^(m-1) sum of all later coefficients)`.
    fn add_mask(&self, sent: &mut [Fr], mask: &Mask) {
        let scale = mask.rho * power_of_two(self.free as u32);
        let (here, later) = mask.coefficients[self.used..].split_at(sent.len());
        sent[0] += scale * self.bound;
        if self.free > 0 {
            sent[0] += mask.rho * power_of_two(self.free as u32 - 1) * later.iter().sum::<Fr>();
        }
        // that of X is not sent
        sent[1..].iter_mut().zip(&here[1..]).for_each(|(c, g)| *c += scale * g);
    }

    /// The point that the verifier chose.
    pub(crate) fn point(self) -> Vec<Fr> {
        self.point
    }
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

/// Replays a sumcheck: gives the point, and what the polynomial must be there if `claim` is its sum.
pub(crate) fn verify(
    transcript: &mut Transcript,
    label: &'static str,
    reader: &mut Reader<'_>,
    degrees: Degrees,
    mut claim: Fr,
) -> Result<(Vec<Fr>, Fr), Malformed> {
    let mut point = Vec::with_capacity(degrees.variables());
    for degree in degrees.each() {
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

    /// Some variables of degree 2 before those of a combination, which does not depend on them; its tables then are theirs.
    fn round_trip<C: Combination>(combination: &C, before: usize, n: usize, masked: bool) {
        let mut rng = Seeded::new(n as u64);
        let degrees = Degrees([(before, 2), (n, C::DEGREE)]);
        let mut products: Vec<Vec<Fr>> = (0..2).map(|_| rng.fields(1 << (before + n)).unwrap()).collect();
        let mut tables: Vec<Vec<Fr>> = (0..4).map(|_| rng.fields(1 << n).unwrap()).collect();
        let mask = masked.then(|| Mask { coefficients: rng.fields(degrees.mask_length()).unwrap(), rho: rng.one() });
        let (all_products, all_tables) = (products.clone(), tables.clone());
        let row = |x: usize| tables.iter().map(|t| t[x]).collect::<Vec<_>>();
        let others: Fr = (0..1 << n).map(|x| combination.at(&row(x))).sum();
        let mut sum = inner(&products[0], &products[1]) + others * power_of_two(before as u32);
        if let Some(m) = &mask {
            sum += m.rho * inner(&m.coefficients, &degrees.mask_sum());
        }
        let mut writer = Writer::default();
        let mut transcript = Transcript::new("test");
        let mut rounds = Rounds::new(&mut transcript, "rounds", before + n, mask.as_ref());
        rounds.bind(before, &mut products, &InnerProduct, others, &mut writer);
        tables.extend(products);
        rounds.bind(n, &mut tables, &Both(combination), Fr::zero(), &mut writer);
        let end = rounds.point();
        let bytes = writer.into_bytes();
        assert_eq!(bytes.len(), 32 * degrees.words());
        let check = |bytes: &[u8], sum: Fr| {
            let mut reader = Reader::new(bytes, degrees.words()).unwrap();
            let mut transcript = Transcript::new("test");
            let (point, claim) = verify(&mut transcript, "rounds", &mut reader, degrees, sum).unwrap();
            let mut values: Vec<Fr> = all_tables.iter().map(|t| evaluate(t, &point[before..])).collect();
            values.extend(all_products.iter().map(|t| evaluate(t, &point)));
            let mut value = Both(combination).at(&values);
            if let Some(m) = &mask {
                value += m.rho * inner(&m.coefficients, &degrees.mask_at(&point));
            }
            (point, values, value == claim)
        };
        let ends = tables.iter().map(|t| t[0]).collect::<Vec<_>>();
        assert_eq!(check(&bytes, sum), (end, ends, true));
        assert!(!check(&bytes, sum + Fr::one()).2);
        for word in 0..bytes.len() / 32 {
            let mut bad = bytes.clone();
            bad[32 * word + 31] ^= 1;
            assert!(!check(&bad, sum).2, "word {word} of {before} and {n} rounds");
        }
    }

    /// A combination of the first four tables, and the product of two others.
    struct Both<'a, C>(&'a C);
    impl<C: Combination> Combination for Both<'_, C> {
        const DEGREE: usize = C::DEGREE;
        fn at(&self, values: &[Fr]) -> Fr {
            self.0.at(&values[..4]) + InnerProduct.at(&values[4..])
        }
        fn coefficients(&self, low: &[&[Fr]], high: &[&[Fr]]) -> Vec<Fr> {
            let mut sums = self.0.coefficients(&low[..4], &high[..4]);
            let products = InnerProduct.coefficients(&low[4..], &high[4..]);
            sums.iter_mut().zip(products).for_each(|(sum, c)| *sum += c);
            sums
        }
    }

    #[test]
    fn complete_and_bound_to_every_word() {
        for (before, n) in [(0, 1), (0, 2), (0, 5), (0, 7), (1, 1), (1, 6), (3, 1), (4, 3)] {
            for masked in [false, true] {
                round_trip(&InnerProduct, before, n, masked);
                round_trip(&Quartic, before, n, masked);
            }
        }
    }
}
