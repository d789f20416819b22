//! The opening: a column, taken as a multilinear polynomial H, has the value h at a point.
//!
//! Mercury (Eagen and Gabizon, ePrint 2025/385) over KZG: 8 points and 6 scalars whatever the size, and a prover that
//! commits to two polynomials of the column's size n and to a few of size sqrt(n). Its last step is the batched opening
//! of Boneh, Drake, Fisch and Gabizon (ePrint 2020/081, section 4.1).
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
//! 4    P -> g(zeta), g(1/zeta), p(zeta), p(1/zeta), s(zeta), s(1/zeta),
//!           [t]     t = (f - (zeta^b - alpha) q - g(zeta)) / (X - zeta)
//!      V -> beta; p(alpha) follows from step 3, d(zeta) = zeta^(b-1) g(1/zeta)
//! 5    P -> [w]     all of these values in one opening, weighted by powers of beta
//!      V -> xi
//! 6    P -> [w']    its quotient at xi
//!      V -> delta, which joins both pairing equations
//! ```
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
const POINTS: usize = 8;
/// Scalars of a proof.
const SCALARS: usize = 6;
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
    evaluations: Evaluations,
    t: G1Affine,
    w: G1Affine,
    w_prime: G1Affine,
}

/// The scalars of a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Evaluations {
    g_zeta: Fr,
    g_inverse: Fr,
    p_zeta: Fr,
    p_inverse: Fr,
    s_zeta: Fr,
    s_inverse: Fr,
}

impl Evaluations {
    const NAMES: [&str; SCALARS] = ["g(zeta)", "g(1/zeta)", "p(zeta)", "p(1/zeta)", "s(zeta)", "s(1/zeta)"];

    fn of(g: &[Fr], p: &[Fr], s: &[Fr], place: &Place) -> Self {
        let [[g_zeta, g_inverse], [p_zeta, p_inverse], [s_zeta, s_inverse]] =
            [g, p, s].map(|f| [place.zeta, place.inverse].map(|x| horner(f, x)));
        Self { g_zeta, g_inverse, p_zeta, p_inverse, s_zeta, s_inverse }
    }

    fn to_array(self) -> [Fr; SCALARS] {
        [self.g_zeta, self.g_inverse, self.p_zeta, self.p_inverse, self.s_zeta, self.s_inverse]
    }

    fn to_words(self) -> [[u8; 32]; SCALARS] {
        self.to_array().map(|value| to_word(&value))
    }
}

impl OpeningProof {
    /// Reads a proof: `[p] [q] [g] [s] [d]`, the six scalars, `[t] [w] [w']`, in the order in which they are absorbed.
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
            evaluations: {
                let [g_zeta, g_inverse, p_zeta, p_inverse, s_zeta, s_inverse] = {
                    let mut values = [Fr::zero(); SCALARS];
                    for (value, name) in values.iter_mut().zip(Evaluations::NAMES) {
                        *value = reader.scalar(name)?;
                    }
                    values
                };
                Evaluations { g_zeta, g_inverse, p_zeta, p_inverse, s_zeta, s_inverse }
            },
            t: reader.point("[t]")?,
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
            self.evaluations.to_words().concat(),
            points(&[self.t, self.w, self.w_prime]),
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

/// The challenges of the first four steps, and what they imply.
#[derive(Clone, Copy)]
struct Place {
    alpha: Fr,
    zeta: Fr,
    inverse: Fr,
    /// zeta^(b - 1).
    power: Fr,
}

impl Place {
    /// That alpha, zeta and its inverse are three points, `batch_at` sees, since p is opened at all of them. Zero, which
    /// has no inverse, counts as its own.
    fn new(alpha: Fr, zeta: Fr, b: usize) -> Self {
        let inverse = zeta.inverse().unwrap_or_default();
        Self { alpha, zeta, inverse, power: zeta.pow([b as u64 - 1]) }
    }
}

/// A polynomial of the batched opening: where it is opened, and its values there.
struct Opened {
    /// Its value at each point of T = {zeta, 1/zeta, alpha}, or nothing where it is not opened.
    values: [Option<Fr>; 3],
    /// Its power of beta.
    weight: Fr,
}

/// The polynomials p, g, s, d of step 5, in this order.
fn opened(values: &Evaluations, p_alpha: Fr, d_zeta: Fr, beta: Fr) -> [Opened; 4] {
    let beta_2 = beta.square();
    [
        Opened { values: [Some(values.p_zeta), Some(values.p_inverse), Some(p_alpha)], weight: Fr::one() },
        Opened { values: [Some(values.g_zeta), Some(values.g_inverse), None], weight: beta },
        Opened { values: [Some(values.s_zeta), Some(values.s_inverse), None], weight: beta_2 },
        Opened { values: [Some(d_zeta), None, None], weight: beta_2 * beta },
    ]
}

/// The batched opening at one x, for `T = {zeta, 1/zeta, alpha}`.
struct AtX {
    /// `beta^i Z_(T - T_i)(x)` for each polynomial.
    scales: [Fr; 4],
    /// `sum_i beta^i Z_(T - T_i)(x) r_i(x)`, where r_i interpolates the values of polynomial i.
    value: Fr,
    /// `Z_T(x)`.
    vanishing: Fr,
}

/// ePrint 2020/081, section 4.1, at x.
fn batch_at(place: &Place, polynomials: &[Opened; 4], x: Fr) -> Result<AtX, OpeningError> {
    let points = [place.zeta, place.inverse, place.alpha];
    let differences = points.map(|point| x - point);
    let mut scales = [Fr::zero(); 4];
    let mut value = Fr::zero();
    for (polynomial, scale) in polynomials.iter().zip(&mut scales) {
        // The points where it is opened, and the factor of the others: Z_(T - T_i)(x).
        let mut here = Vec::with_capacity(3);
        *scale = polynomial.weight;
        for ((point, difference), opened) in points.iter().zip(&differences).zip(&polynomial.values) {
            match opened {
                Some(opened) => here.push((*point, *difference, *opened)),
                None => *scale *= difference,
            }
        }
        // r_i(x) = sum_k y_k prod_(l != k) (x - x_l) / (x_k - x_l)
        for (k, (point, _, opened)) in here.iter().enumerate() {
            let (mut numerator, mut denominator) = (*opened, Fr::one());
            for (_, (other, difference, _)) in here.iter().enumerate().filter(|(l, _)| *l != k) {
                numerator *= difference;
                denominator *= *point - other;
            }
            let inverse = denominator.inverse().ok_or(OpeningError::Challenge)?; // Protocol
            value += *scale * numerator * inverse;
        }
    }
    Ok(AtX { scales, value, vanishing: differences.iter().product() })
}

/// p(alpha), by the equation of step 3 at zeta.
fn p_at_alpha(
    values: &Evaluations,
    place: &Place,
    gamma: Fr,
    value: Fr,
    [u, v]: [&[Fr]; 2],
) -> Result<Fr, OpeningError> {
    // 2 p(alpha) = g(zeta) E_v(1/zeta) + g(1/zeta) E_v(zeta)
    //              + gamma (p(zeta) E_u(1/zeta) + p(1/zeta) E_u(zeta) - 2 h)
    //              - zeta s(zeta) - s(1/zeta) / zeta
    let twice = values.g_zeta * eq_polynomial(v, place.inverse)
        + values.g_inverse * eq_polynomial(v, place.zeta)
        + gamma
            * (values.p_zeta * eq_polynomial(u, place.inverse) + values.p_inverse * eq_polynomial(u, place.zeta)
                - value.double())
        - place.zeta * values.s_zeta
        - place.inverse * values.s_inverse;
    let half = Fr::from(2u64).inverse().ok_or(OpeningError::Challenge)?; // Unreachable: 2 is not zero
    Ok(twice * half)
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

fn absorb_claim(transcript: &mut impl FiatShamir, commitment: &Commitment, point: &[Fr], value: &Fr) {
    let mut words = commitment.to_words().to_vec();
    words.extend(point.iter().chain([value]).map(to_word));
    transcript.absorb("opening claim", &words);
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

/// `t = (f - (zeta^b - alpha) q - g(zeta)) / (X - zeta)`.
fn division_witness(f: &[Fr], q: &[Fr], place: &Place) -> Vec<Fr> {
    let scale = place.power * place.zeta - place.alpha;
    let mut rest = f.to_vec();
    rest.par_iter_mut().zip(q).for_each(|(rest, q)| *rest -= scale * q);
    divide(&rest, place.zeta).0
}

/// `w = sum_i beta^i (f_i - r_i) / Z_(T_i)`: the quotients, as divisions drop the remainders r_i.
fn batch_witness(polynomials: [&[Fr]; 4], place: &Place, opened: &[Opened; 4]) -> Vec<Fr> {
    let points = [place.zeta, place.inverse, place.alpha];
    let mut sum = Vec::new();
    for (polynomial, opened) in polynomials.iter().zip(opened) {
        let mut quotient = polynomial.to_vec();
        for (point, _) in points.iter().zip(&opened.values).filter(|(_, value)| value.is_some()) {
            quotient = divide(&quotient, *point).0;
        }
        add_scaled(&mut sum, &quotient, opened.weight);
    }
    sum
}

/// `w' = (sum_i beta^i Z_(T - T_i)(xi) (f_i - r_i(xi)) - Z_T(xi) w) / (X - xi)`.
fn batch_quotient(polynomials: [&[Fr]; 4], w: &[Fr], at_xi: &AtX, xi: Fr) -> Vec<Fr> {
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

/// Proves that the column `cells`, whose commitment is `commitment`, has the value `value` at `point`.
///
/// The transcript must already determine the commitment and the point; both are absorbed again, with the value.
///
/// # Errors
///
/// `Variables`, `Cells` and `Parameters` for sizes that do not fit, `Value` for a wrong value, `Vanishing` for a column
/// that has too much structure, `Challenge` never in practice. That `commitment` belongs to `cells` is not checked.
pub fn open(
    srs: &Srs,
    cells: &[Fr],
    commitment: &Commitment,
    point: &[Fr],
    value: Fr,
    transcript: &mut impl FiatShamir,
) -> Result<OpeningProof, OpeningError> {
    let ([u, v], b) = halves(point)?;
    if cells.len() != b * b {
        return Err(OpeningError::Cells { expected: b * b, got: cells.len() }); // Usage
    }
    absorb_claim(transcript, commitment, point, &value);

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
    let evaluations = Evaluations::of(&g_poly, &p_poly, &s_poly, &place);
    transcript.absorb("opening evaluations", &evaluations.to_words());
    let t_poly = division_witness(cells, &q_poly, &place);
    let t = commit_element(srs, "[t]", &t_poly)?;
    absorb_points(transcript, "opening t", &[t]);
    let beta = transcript.challenge("opening beta");

    // 5
    let opened = opened(&evaluations, horner(&p_poly, alpha), place.power * evaluations.g_inverse, beta);
    let polynomials = [&p_poly[..], &g_poly, &s_poly, &d_poly];
    let w_poly = batch_witness(polynomials, &place, &opened);
    let w = commit_element(srs, "[w]", &w_poly)?;
    absorb_points(transcript, "opening w", &[w]);
    let xi = transcript.challenge("opening xi");

    // 6
    let at_xi = batch_at(&place, &opened, xi)?;
    let w_prime_poly = batch_quotient(polynomials, &w_poly, &at_xi, xi);
    let w_prime = commit_element(srs, "[w']", &w_prime_poly)?;
    absorb_points(transcript, "opening w'", &[w_prime]);
    // The prover has no use for delta, but both sides leave the transcript in one state.
    transcript.challenge("opening delta");

    Ok(OpeningProof { p, q, g, s, d, evaluations, t, w, w_prime })
}

/// The checks that a verifier makes. All of them, outside the tests that show what each is for.
#[derive(Clone, Copy)]
struct Checks {
    /// `f = (X^b - alpha) q + g`, at zeta.
    division: bool,
    /// The values of p, g, s and d.
    batch: bool,
    /// The degree of g, by d.
    degree: bool,
    /// The inner products, by p(alpha).
    inner_product: bool,
}

impl Checks {
    const ALL: Self = Self { division: true, batch: true, degree: true, inner_product: true };
}

/// Reduces the claim that a committed column has a value at a point to one pairing equation.
///
/// The proof is good if and only if the equation holds: check it, alone or together with others
/// ([`SrsVerifier::check_all`]). The commitment is one of 2^c cells, c being the number of variables of the point.
///
/// # Errors
///
/// `Variables`; `Challenge`, which no honest proof meets in practice.
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
    let values = &proof.evaluations;

    absorb_claim(transcript, commitment, point, &value);
    absorb_points(transcript, "opening p", &[proof.p]);
    let alpha = transcript.challenge("opening alpha");
    absorb_points(transcript, "opening q g", &[proof.q, proof.g]);
    let gamma = transcript.challenge("opening gamma");
    absorb_points(transcript, "opening s d", &[proof.s, proof.d]);
    let zeta = transcript.challenge("opening zeta");
    transcript.absorb("opening evaluations", &values.to_words());
    absorb_points(transcript, "opening t", &[proof.t]);
    let beta = transcript.challenge("opening beta");
    absorb_points(transcript, "opening w", &[proof.w]);
    let xi = transcript.challenge("opening xi");
    absorb_points(transcript, "opening w'", &[proof.w_prime]);
    let delta = transcript.challenge("opening delta");

    let place = Place::new(alpha, zeta, b);
    let p_alpha = p_at_alpha(values, &place, gamma, value, halves)?;
    // d(zeta) = zeta^(b-1) g(1/zeta)
    let mut opened = opened(values, p_alpha, place.power * values.g_inverse, beta);
    if !checks.inner_product {
        opened[0].values[2] = None;
    }
    if !checks.degree {
        opened[3].weight = Fr::zero();
    }
    let at_xi = batch_at(&place, &opened, xi)?;

    // Both equations have the form e(left, [1]_2) = e(right, [tau]_2):
    //   division   C - (zeta^b - alpha) [q] - g(zeta) [1] + zeta [t]     and [t]
    //   batch      sum_i scale_i [f_i] - value [1] - Z_T(xi) [w] + xi [w']    and [w']
    // and the sum of the first and delta times the second is what is checked.
    let first = if checks.division { Fr::one() } else { Fr::zero() };
    let second = if checks.batch { delta } else { Fr::zero() };
    let [p_scale, g_scale, s_scale, d_scale] = at_xi.scales.map(|scale| second * scale);
    let left = [
        (commitment.point(), first),
        (proof.q, first * (alpha - place.power * zeta)),
        (G1Affine::generator(), -(first * values.g_zeta + second * at_xi.value)),
        (proof.t, first * zeta),
        (proof.p, p_scale),
        (proof.g, g_scale),
        (proof.s, s_scale),
        (proof.d, d_scale),
        (proof.w, -(second * at_xi.vanishing)),
        (proof.w_prime, second * xi),
    ];
    let right = [(proof.t, first), (proof.w_prime, second)];
    Ok(PairingClaim { left: combination(&left), right: combination(&right) })
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
mod tests;
