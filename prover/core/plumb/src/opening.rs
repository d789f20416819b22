//! The opening: a column, taken as a multilinear polynomial H, has the value h at a point.
//!
//! Mercury (Eagen and Gabizon, ePrint 2025/385) over KZG: 7 points and 7 scalars whatever the size, and a prover that
//! commits to two polynomials of the column's size n and to a few of size sqrt(n). Its last step is the batched opening
//! of Boneh, Drake, Fisch and Gabizon (ePrint 2020/081, section 4.1), which here takes in the division as well: one pairing
//! equation instead of two, and one commitment less.
//!
//! # Order
//!
//! A column has `n = 2^c` cells, c even, and `b = 2^(c/2)`. Cell i is the value of H at the vertex that is the
//! big-endian binary expansion of i, so the first variable is the most significant bit, and it is the coefficient of
//! X^i in the polynomial f that is committed. Row and column of the square that the cells form are the two halves of
//! the index: `i = row b + col`, and so the first half of the point, `u`, belongs to rows, the second, `v`, to columns:
//!
//! ```text
//! h = sum_(row, col) eq(u, row) eq(v, col) f_(row b + col)
//! ```
//!
//! # Protocol
//!
//! ```text
//!      claim        C = [f], the point, the value h
//! 1    P -> [p]     p_row = sum_col eq(v, col) f_(row b + col), so <p, eq(u, .)> = h
//!      V -> alpha
//! 2    P -> [q], [g]    f = (X^b - alpha) q + g with deg g < b, so <g, eq(v, .)> = p(alpha)
//!      V -> gamma
//! 3    P -> [s], [d]    d = X^(b-1) g(1/X): the degree of g is below b; and, for E_v(X) = sum_i eq(v, i) X^i,
//!                   g(X) E_v(1/X) + g(1/X) E_v(X) + gamma (p(X) E_u(1/X) + p(1/X) E_u(X))
//!                       = 2 (p(alpha) + gamma h) + X s(X) + s(1/X) / X
//!      V -> zeta
//! 4    P -> r_g, r_p, r_s   their interpolants, as coefficients: of g and s at zeta and 1/zeta, of p at alpha too,
//!                   with which the equation of step 3 holds at zeta
//!      V -> beta
//! 5    P -> [w]     w = sum_i beta^i (f_i - r_i) / Z_i, for p, g and s, for d, and for f - (X^b - alpha) q - g, which has
//!                   the value 0 at zeta; Z_i vanishes where f_i is opened
//!      V -> xi
//! 6    P -> [w']    w' = (sum_i beta^i (Z / Z_i)(xi) (f_i - r_i(xi)) - Z(xi) w) / (X - xi), for
//!                   Z = (X - zeta) (zeta X - 1) (X - alpha); of the last f_i it takes f - (xi^b - alpha) q - g, whose
//!                   commitment can be combined, and which has the same value at xi
//! ```
//!
//! The last f_i is zero if f is divided as it should be, so w is short.
//!
//! Nothing is divided by a verifier: interpolants are sent as coefficients, and of 1/zeta the factor is zeta X - 1. The
//! paper sends values, and shows f's division by an equation of its own.
//!
//! What the paper calls h is p here, as h is the value. Nothing in a proof is hidden: the caller masks the column.
//!
//! The parameters may have more than n powers. Then the commitment may hide cells beyond the n-th, and what is shown is
//! the value of the first n.
//!
//! No point of a proof is the identity. An honest one is only where the column has too much structure, such as a single
//! row: [`OpeningError::Vanishing`].

use crate::closed_forms::eq_table;
use crate::commit::{Commitment, Encoding, commit, g1_from_bytes, g1_to_bytes};
use crate::field::{from_word, to_word};
use crate::msm;
use crate::srs::{G1_BYTES, PairingClaim, Srs, SrsVerifier};
use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, One, Zero};
use rayon::prelude::*;

mod error;
mod polynomials;
pub use error::OpeningError;
use polynomials::{cross_terms, divide, divide_by_binomial, eq_polynomial, horner, inner_product};

/// Points of a proof.
const POINTS: usize = 7;
/// Scalars of a proof.
const SCALARS: usize = 7;
/// Bytes of a proof.
pub const PROOF_BYTES: usize = POINTS * G1_BYTES + SCALARS * 32;
/// The smallest c.
pub const SMALLEST_VARIABLES: usize = 2;
/// The largest c.
pub const LARGEST_VARIABLES: usize = 28;

/// Fiat-Shamir, as the opening uses it. Labels are ASCII and have at most 32 bytes.
pub trait FiatShamir {
    /// Absorbs words under a label.
    fn absorb(&mut self, label: &'static str, words: &[[u8; 32]]);

    /// The next challenge: uniform, from a state of its own.
    fn challenge(&mut self, label: &'static str) -> Fr;
}

/// A proof, checked to be made of points of the group and of field elements, and of nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningProof {
    p: G1Affine,
    q: G1Affine,
    g: G1Affine,
    s: G1Affine,
    d: G1Affine,
    interpolants: Interpolants,
    w: G1Affine,
    w_prime: G1Affine,
}

/// The scalars of a proof: coefficients, the lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Interpolants {
    g: [Fr; 2],
    p: [Fr; 3],
    s: [Fr; 2],
}

impl Interpolants {
    const NAMES: [&str; SCALARS] = ["g_0", "g_1", "p_0", "p_1", "p_2", "s_0", "s_1"];

    fn of(g: &[Fr], p: &[Fr], s: &[Fr], place: &Place) -> Result<Self, OpeningError> {
        let zeta = place.zeta;
        let over = zeta.inverse().ok_or(OpeningError::Challenge)?; // Usage
        // Newton: a line, and a multiple of (X - zeta) (X - 1/zeta) = X^2 - (zeta + 1/zeta) X + 1
        let line = |f: &[Fr]| {
            let (rest, at_zeta) = divide(f, zeta);
            let (rest, slope) = divide(&rest, over);
            ([at_zeta - slope * zeta, slope], rest)
        };
        let ([p_0, p_1], rest) = line(p);
        let bend = horner(&rest, place.alpha);
        Ok(Self { g: line(g).0, p: [p_0 + bend, p_1 - bend * (zeta + over), bend], s: line(s).0 })
    }

    fn to_array(self) -> [Fr; SCALARS] {
        let ([g_0, g_1], [p_0, p_1, p_2], [s_0, s_1]) = (self.g, self.p, self.s);
        [g_0, g_1, p_0, p_1, p_2, s_0, s_1]
    }

    fn from_array([g_0, g_1, p_0, p_1, p_2, s_0, s_1]: [Fr; SCALARS]) -> Self {
        Self { g: [g_0, g_1], p: [p_0, p_1, p_2], s: [s_0, s_1] }
    }

    fn to_words(self) -> [[u8; 32]; SCALARS] {
        self.to_array().map(|value| to_word(&value))
    }
}

impl OpeningProof {
    /// Reads a proof: `[p] [q] [g] [s] [d]`, the seven scalars, `[w] [w']`, in the order in which they are absorbed.
    ///
    /// # Errors
    ///
    /// `Length`, `Point`, `Scalar`: each proof has one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpeningError> {
        let mut reader = Reader::new(bytes)?;
        Ok(Self {
            p: reader.point("[p]")?,
            q: reader.point("[q]")?,
            g: reader.point("[g]")?,
            s: reader.point("[s]")?,
            d: reader.point("[d]")?,
            interpolants: {
                let mut values = [Fr::zero(); SCALARS];
                for (value, name) in values.iter_mut().zip(Interpolants::NAMES) {
                    *value = reader.scalar(name)?;
                }
                Interpolants::from_array(values)
            },
            w: reader.point("[w]")?,
            w_prime: reader.point("[w']")?,
        })
    }

    /// The bytes that [`OpeningProof::from_bytes`] reads.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = [0; PROOF_BYTES];
        let points = |points: &[G1Affine]| points.iter().flat_map(g1_to_bytes).collect::<Vec<u8>>();
        let parts = [
            points(&[self.p, self.q, self.g, self.s, self.d]),
            self.interpolants.to_words().concat(),
            points(&[self.w, self.w_prime]),
        ];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        bytes
    }
}

/// Takes a proof apart.
struct Reader<'a> {
    words: std::slice::Iter<'a, [u8; 32]>,
    length: OpeningError,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, OpeningError> {
        let length = OpeningError::Length { expected: PROOF_BYTES, got: bytes.len() };
        if bytes.len() != PROOF_BYTES {
            return Err(length); // Protocol
        }
        Ok(Self { words: bytes.as_chunks().0.iter(), length })
    }

    fn point(&mut self, element: &'static str) -> Result<G1Affine, OpeningError> {
        let mut bytes = [0; G1_BYTES];
        for half in bytes.as_chunks_mut().0 {
            *half = *self.words.next().ok_or(self.length)?; // Unreachable: the length is right
        }
        g1_from_bytes(&bytes, Encoding::Nonzero).map_err(|error| OpeningError::Point { element, error })
    }

    fn scalar(&mut self, element: &'static str) -> Result<Fr, OpeningError> {
        let got = *self.words.next().ok_or(self.length)?; // Unreachable: the length is right
        from_word(&got).map_err(|_| OpeningError::Scalar { element, got })
    }
}

/// The challenges alpha and zeta, and what they imply.
#[derive(Clone, Copy)]
struct Place {
    alpha: Fr,
    zeta: Fr,
    /// zeta^(b - 2).
    power: Fr,
}

impl Place {
    fn new(alpha: Fr, zeta: Fr, b: usize) -> Self {
        Self { alpha, zeta, power: zeta.pow([b as u64 - 2]) }
    }

    /// The factors of Z at x: of zeta, of 1/zeta, and of alpha.
    fn factors(&self, x: Fr) -> [Fr; 3] {
        [x - self.zeta, self.zeta * x - Fr::one(), x - self.alpha]
    }
}

/// Whether the equation of step 3 holds at zeta.
fn inner_products_hold(
    values: &Interpolants,
    place: &Place,
    gamma: Fr,
    value: Fr,
    [u, v]: [&[Fr]; 2],
) -> Result<bool, OpeningError> {
    let zeta = place.zeta;
    let over = zeta.inverse().ok_or(OpeningError::Challenge)?; // Protocol
    let [g, p, s] = [&values.g[..], &values.p, &values.s].map(|f| [horner(f, zeta), horner(f, over)]);
    let products = |[at, over_at]: [Fr; 2], u| at * eq_polynomial(u, over) + over_at * eq_polynomial(u, zeta);
    let left = products(g, v) + gamma * products(p, u);
    let right = (horner(&values.p, place.alpha) + gamma * value).double() + zeta * s[0] + over * s[1];
    Ok(left == right)
}

/// A polynomial of the batched opening.
struct Opened {
    /// Its interpolant.
    interpolant: [Fr; 3],
    /// Whether it is opened at zeta, 1/zeta and alpha.
    at: [bool; 3],
    /// Its power of beta.
    weight: Fr,
}

/// How many there are.
const OPENED: usize = 5;

/// The polynomials of step 5: p, g, s, d and f - (X^b - alpha) q - g.
fn opened(values: &Interpolants, place: &Place, beta: Fr) -> [Opened; OPENED] {
    let zero = Fr::zero();
    let ([g_0, g_1], [s_0, s_1]) = (values.g, values.s);
    // zeta^(b - 1) g(1/zeta)
    let d_zeta = place.power * (g_0 * place.zeta + g_1);
    let all = [
        (values.p, [true, true, true]),
        ([g_0, g_1, zero], [true, true, false]),
        ([s_0, s_1, zero], [true, true, false]),
        ([d_zeta, zero, zero], [true, false, false]),
        ([zero; 3], [true, false, false]),
    ];
    let mut weight = Fr::one();
    all.map(|(interpolant, at)| {
        let opened = Opened { interpolant, at, weight };
        weight *= beta;
        opened
    })
}

/// The batched opening at one x.
struct AtX {
    /// `beta^i (Z / Z_i)(x)` for each polynomial.
    scales: [Fr; OPENED],
    /// `sum_i beta^i (Z / Z_i)(x) r_i(x)`.
    value: Fr,
    /// `Z(x)`.
    vanishing: Fr,
}

/// ePrint 2020/081, section 4.1, at x.
fn batch_at(place: &Place, polynomials: &[Opened; OPENED], x: Fr) -> AtX {
    let factors = place.factors(x);
    let scales = std::array::from_fn(|i| {
        let Opened { at, weight, .. } = &polynomials[i];
        let others = factors.iter().zip(at).filter(|(_, opened)| !**opened);
        *weight * others.map(|(factor, _)| *factor).product::<Fr>()
    });
    let values = polynomials.iter().zip(&scales).map(|(f, scale)| *scale * horner(&f.interpolant, x));
    AtX { scales, value: values.sum(), vanishing: factors.iter().product() }
}

/// `x^b - alpha`.
fn divisor(x: Fr, alpha: Fr, b: usize) -> Fr {
    x.pow([b as u64]) - alpha
}

/// The halves u and v of a point, and b.
fn halves(point: &[Fr]) -> Result<([&[Fr]; 2], usize), OpeningError> {
    let variables = point.len();
    if !(SMALLEST_VARIABLES..=LARGEST_VARIABLES).contains(&variables) || !variables.is_multiple_of(2) {
        return Err(OpeningError::Variables { got: variables }); // Protocol
    }
    let (u, v) = point.split_at(variables / 2);
    Ok(([u, v], 1 << (variables / 2)))
}

fn absorb_points(transcript: &mut impl FiatShamir, label: &'static str, points: &[G1Affine]) {
    let words: Vec<[u8; 32]> = points.iter().flat_map(|point| Commitment::from(*point).to_words()).collect();
    transcript.absorb(label, &words);
}

/// `p_row = sum_col eq(v, col) f_(row b + col)`: the column with its last c/2 variables fixed (Mercury, section 2).
fn fix_columns(cells: &[Fr], v: &[Fr]) -> Vec<Fr> {
    let weights = eq_table(v);
    cells.par_chunks(weights.len()).map(|row| inner_product(row, &weights)).collect()
}

/// `s`, from the equation of step 3 (Mercury, section 4).
fn inner_product_witness(p: &[Fr], g: &[Fr], [u, v]: [&[Fr]; 2], gamma: Fr) -> Vec<Fr> {
    let mut s = cross_terms(g, v);
    let others = cross_terms(p, u);
    s.resize(s.len().max(others.len()), Fr::zero());
    for (coefficient, other) in s.iter_mut().zip(&others) {
        *coefficient += gamma * other;
    }
    s
}

/// `f - (x^b - alpha) q - g`, which is zero at x if f = (X^b - alpha) q + g.
fn division([f, q, g]: [&[Fr]; 3], divisor: Fr) -> Vec<Fr> {
    let mut rest = f.to_vec();
    rest.par_iter_mut().zip(q).for_each(|(rest, q)| *rest -= divisor * q);
    add_scaled(&mut rest, g, -Fr::one());
    rest
}

/// `w = sum_i beta^i (f_i - r_i) / Z_i`; what is zero may be left out at the end.
fn batch_witness(polynomials: &[&[Fr]], place: &Place, opened: &[Opened; OPENED]) -> Result<Vec<Fr>, OpeningError> {
    let over = place.zeta.inverse().ok_or(OpeningError::Challenge)?; // Usage
    // 1 / (zeta X - 1) = over / (X - over)
    let factors = [(place.zeta, Fr::one()), (over, over), (place.alpha, Fr::one())];
    let mut sum = Vec::new();
    for (polynomial, opened) in polynomials.iter().zip(opened) {
        let mut quotient = polynomial.to_vec();
        add_scaled(&mut quotient, &opened.interpolant, -Fr::one());
        let mut weight = opened.weight;
        for ((point, scale), _) in factors.iter().zip(&opened.at).filter(|(_, at)| **at) {
            quotient = divide(&quotient, *point).0;
            weight *= scale;
        }
        add_scaled(&mut sum, &quotient, weight);
    }
    Ok(sum)
}

/// `w' = (sum_i beta^i (Z / Z_i)(xi) (f_i - r_i(xi)) - Z(xi) w) / (X - xi)`.
fn batch_quotient(polynomials: [&[Fr]; OPENED], w: &[Fr], at_xi: &AtX, xi: Fr) -> Vec<Fr> {
    let mut sum = Vec::new();
    for (polynomial, scale) in polynomials.iter().zip(&at_xi.scales) {
        add_scaled(&mut sum, polynomial, *scale);
    }
    add_scaled(&mut sum, w, -at_xi.vanishing);
    divide(&sum, xi).0
}

fn add_scaled(sum: &mut Vec<Fr>, polynomial: &[Fr], scale: Fr) {
    sum.resize(sum.len().max(polynomial.len()), Fr::zero());
    for (sum, coefficient) in sum.iter_mut().zip(polynomial) {
        *sum += scale * coefficient;
    }
}

/// A commitment of the proof, which must not be the identity.
fn commit_element(srs: &Srs, element: &'static str, polynomial: &[Fr]) -> Result<G1Affine, OpeningError> {
    let commitment = commit(srs, polynomial)?;
    if commitment.is_identity() {
        return Err(OpeningError::Vanishing { element }); // Usage
    }
    Ok(commitment.point())
}

/// Proves that the column `cells` has the value `value` at `point`.
///
/// The transcript must determine the commitment, the point and the value: nothing here absorbs them, and a prover who could
/// choose one of them after a challenge could show anything.
///
/// # Errors
///
/// `Variables`, `Cells` and `Parameters` for sizes that do not fit, `Value` for a wrong value, `Vanishing` for a column
/// that has too much structure, `Challenge` never in practice.
pub fn open(
    srs: &Srs,
    cells: &[Fr],
    point: &[Fr],
    value: Fr,
    transcript: &mut impl FiatShamir,
) -> Result<OpeningProof, OpeningError> {
    let ([u, v], b) = halves(point)?;
    if cells.len() != b * b {
        return Err(OpeningError::Cells { expected: b * b, got: cells.len() }); // Usage
    }
    // 1
    let p_poly = fix_columns(cells, v);
    let expected = inner_product(&p_poly, &eq_table(u));
    if expected != value {
        return Err(OpeningError::Value { expected, got: value }); // Usage
    }
    let p = commit_element(srs, "[p]", &p_poly)?;
    absorb_points(transcript, "opening p", &[p]);
    let alpha = transcript.challenge("opening alpha");

    // 2
    let (q_poly, g_poly) = divide_by_binomial(cells, b, alpha);
    let d_poly: Vec<Fr> = g_poly.iter().rev().copied().collect();
    // [d] is of step 3, but needs nothing of it: the short sums fill the gaps of the long one
    let (q, short) = rayon::join(
        || commit_element(srs, "[q]", &q_poly),
        || [("[g]", &g_poly), ("[d]", &d_poly)].map(|(element, poly)| commit_element(srs, element, poly)),
    );
    let (q, [g, d]) = (q?, short);
    let (g, d) = (g?, d?);
    absorb_points(transcript, "opening q g", &[q, g]);
    let gamma = transcript.challenge("opening gamma");

    // 3
    let s_poly = inner_product_witness(&p_poly, &g_poly, [u, v], gamma);
    let s = commit_element(srs, "[s]", &s_poly)?;
    absorb_points(transcript, "opening s d", &[s, d]);
    let place = Place::new(alpha, transcript.challenge("opening zeta"), b);

    // 4
    let interpolants = Interpolants::of(&g_poly, &p_poly, &s_poly, &place)?;
    transcript.absorb("opening interpolants", &interpolants.to_words());
    let beta = transcript.challenge("opening beta");

    // 5
    let opened = opened(&interpolants, &place, beta);
    let w_poly = batch_witness(&[&p_poly, &g_poly, &s_poly, &d_poly], &place, &opened)?;
    let w = commit_element(srs, "[w]", &w_poly)?;
    absorb_points(transcript, "opening w", &[w]);
    let xi = transcript.challenge("opening xi");

    // 6
    let rest = division([cells, &q_poly, &g_poly], divisor(xi, alpha, b));
    let polynomials = [&p_poly[..], &g_poly, &s_poly, &d_poly, &rest];
    let w_prime_poly = batch_quotient(polynomials, &w_poly, &batch_at(&place, &opened, xi), xi);
    let w_prime = commit_element(srs, "[w']", &w_prime_poly)?;
    absorb_points(transcript, "opening w'", &[w_prime]);

    Ok(OpeningProof { p, q, g, s, d, interpolants, w, w_prime })
}

/// The checks that a verifier makes. All of them, outside the tests that show what each is for.
#[derive(Clone, Copy)]
struct Checks {
    /// The inner products, by the equation at zeta.
    inner_product: bool,
    /// Each polynomial at zeta, 1/zeta and alpha, as far as it is opened there: d, for the degree of g, and the last one,
    /// for `f = (X^b - alpha) q + g`, too.
    opened: [[bool; 3]; OPENED],
}

impl Checks {
    const ALL: Self = Self { inner_product: true, opened: [[true; 3]; OPENED] };

    /// Does not open what is not checked.
    fn apply(&self, opened: &mut [Opened; OPENED]) {
        for (opened, checked) in opened.iter_mut().zip(&self.opened) {
            for (at, checked) in opened.at.iter_mut().zip(checked) {
                *at &= checked;
            }
        }
    }
}

/// Reduces the claim that a committed column has a value at a point to one pairing equation.
///
/// The transcript must determine all three, as for [`open`].
///
/// The proof is good if and only if the equation holds: check it, alone or together with others
/// ([`SrsVerifier::check_all`]). The commitment is one of 2^c cells, c being the number of variables of the point.
///
/// # Errors
///
/// `Variables`; `InnerProducts`; `Challenge`, which no honest proof meets in practice.
pub fn reduce(
    commitment: &Commitment,
    point: &[Fr],
    value: Fr,
    proof: &OpeningProof,
    transcript: &mut impl FiatShamir,
) -> Result<PairingClaim, OpeningError> {
    reduce_by(Checks::ALL, commitment, point, value, proof, transcript)
}

fn reduce_by(
    checks: Checks,
    commitment: &Commitment,
    point: &[Fr],
    value: Fr,
    proof: &OpeningProof,
    transcript: &mut impl FiatShamir,
) -> Result<PairingClaim, OpeningError> {
    let (halves, b) = halves(point)?;
    let values = &proof.interpolants;

    absorb_points(transcript, "opening p", &[proof.p]);
    let alpha = transcript.challenge("opening alpha");
    absorb_points(transcript, "opening q g", &[proof.q, proof.g]);
    let gamma = transcript.challenge("opening gamma");
    absorb_points(transcript, "opening s d", &[proof.s, proof.d]);
    let zeta = transcript.challenge("opening zeta");
    transcript.absorb("opening interpolants", &values.to_words());
    let beta = transcript.challenge("opening beta");
    absorb_points(transcript, "opening w", &[proof.w]);
    let xi = transcript.challenge("opening xi");
    absorb_points(transcript, "opening w'", &[proof.w_prime]);

    let place = Place::new(alpha, zeta, b);
    if !inner_products_hold(values, &place, gamma, value, halves)? && checks.inner_product {
        return Err(OpeningError::InnerProducts); // Protocol
    }
    let mut opened = opened(values, &place, beta);
    checks.apply(&mut opened);
    let at_xi = batch_at(&place, &opened, xi);
    let [p_scale, g_scale, s_scale, d_scale, f_scale] = at_xi.scales;
    let left = [
        (proof.p, p_scale),
        (proof.g, g_scale - f_scale),
        (proof.s, s_scale),
        (proof.d, d_scale),
        (commitment.point(), f_scale),
        (proof.q, -f_scale * divisor(xi, alpha, b)),
        (G1Affine::generator(), -at_xi.value),
        (proof.w, -at_xi.vanishing),
        (proof.w_prime, xi),
    ];
    Ok(PairingClaim { left: combination(&left), right: proof.w_prime })
}

fn combination(terms: &[(G1Affine, Fr)]) -> G1Affine {
    let (points, scalars): (Vec<G1Affine>, Vec<Fr>) = terms.iter().copied().unzip();
    msm::full(&points, &scalars).into_affine()
}

/// Verifies that a committed column has a value at a point: [`reduce`], and the pairing equation.
///
/// # Errors
///
/// Those of [`reduce`], and `Rejected`.
pub fn verify(
    srs: &SrsVerifier,
    commitment: &Commitment,
    point: &[Fr],
    value: Fr,
    proof: &OpeningProof,
    transcript: &mut impl FiatShamir,
) -> Result<(), OpeningError> {
    let claim = reduce(commitment, point, value, proof, transcript)?;
    Ok(srs.check(&claim)?)
}

#[cfg(test)]
pub(crate) mod tests;
