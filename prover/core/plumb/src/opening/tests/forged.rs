//! Forgeries. Each check of the verifier, each absorption and each weight stands between a false claim and acceptance: with
//! it removed, the claim passes; with all of them, it does not.

use super::*;

/// What a verifier has forgotten. A forger knows of it and does otherwise than an honest prover, who does nothing here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weakness {
    None,
    /// The equation of the inner products.
    InnerProducts,
    /// To open a polynomial at a point.
    Unopened(usize, usize),
    /// To absorb what has a label.
    Deaf(&'static str),
    /// To determine the value or the point before zeta.
    LateClaim,
    /// To determine the column before zeta.
    LateColumn,
    /// That a challenge is random: it is 1.
    Known(&'static str),
}
use Weakness::{Deaf, InnerProducts, Known, LateClaim, LateColumn, Unopened};

/// The polynomials of the batch by their places in it.
const P: usize = 0;
const G: usize = 1;
const S: usize = 2;
const D: usize = 3;
const DIVISION: usize = 4;
/// The points by their places.
const ZETA: usize = 0;
const OVER: usize = 1;
const ALPHA: usize = 2;

impl Weakness {
    fn checks(&self) -> Checks {
        let mut checks = Checks::ALL;
        match self {
            InnerProducts => checks.inner_product = false,
            Unopened(polynomial, point) => checks.opened[*polynomial][*point] = false,
            _ => {}
        }
        checks
    }

    fn transcript(&self, commitment: &Commitment, point: &[Fr], value: Fr) -> Weak {
        let (mut deaf, mut known) = (None, None);
        match self {
            Deaf(label) => deaf = Some(*label),
            LateClaim | LateColumn => deaf = Some("claim"),
            Known(label) => known = Some(*label),
            _ => {}
        }
        let mut weak = Weak { transcript: Transcript::new(), deaf, known };
        absorb_claim(&mut weak, commitment, point, value);
        weak
    }
}

/// A transcript that does not hear a label, or one of whose challenges is 1.
struct Weak {
    transcript: Transcript,
    deaf: Option<&'static str>,
    known: Option<&'static str>,
}

impl FiatShamir for Weak {
    fn absorb(&mut self, label: &'static str, words: &[[u8; 32]]) {
        if self.deaf != Some(label) {
            self.transcript.absorb(label, words);
        }
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        let challenge = self.transcript.challenge(label);
        if self.known == Some(label) { Fr::one() } else { challenge }
    }
}

fn inverse(x: Fr) -> Fr {
    x.inverse().unwrap()
}

/// Changes an interpolant at one of its points.
fn bend(interpolant: &mut [Fr], place: &Place, at: usize, by: Fr) {
    let points = [place.zeta, inverse(place.zeta), place.alpha];
    let mut lagrange = vec![by];
    for (_, x) in points[..interpolant.len()].iter().enumerate().filter(|(i, _)| *i != at) {
        // times (X - x) / (points[at] - x)
        let scale = inverse(points[at] - x);
        let mut product = [&[Fr::zero()], &lagrange[..]].concat();
        add_scaled(&mut product, &lagrange, -*x);
        lagrange = product.iter().map(|coefficient| scale * coefficient).collect();
    }
    for (coefficient, change) in interpolant.iter_mut().zip(lagrange) {
        *coefficient += change;
    }
}

/// A prover with no conscience: proves any value to a verifier that has this weakness.
pub(crate) fn forge(
    srs: &Srs,
    cells: &[Fr],
    point: &[Fr],
    value: Fr,
    weak: Weakness,
    transcript: &mut impl FiatShamir,
) -> OpeningProof {
    let ([u, v], b) = halves(point).unwrap();
    let (eq_u, eq_v) = (eq_table(u), eq_table(v));
    let point_of = |f: &[Fr]| commit(srs, f).unwrap().point();
    let mut cells = cells.to_vec();

    let mut p_poly = fix_columns(&cells, v);
    // How far the claim is off.
    let error = value - inner_product(&p_poly, &eq_u);
    // e moves p(alpha) by e, and <p, eq(u, .)> to the claim, or as far beyond it as p(alpha) moves.
    let e = match weak {
        Unopened(G, OVER) | Unopened(D | DIVISION, _) | Deaf("opening q g") => error * inverse(eq_u[0]),
        Known("opening gamma") => error * inverse(eq_u[0] - Fr::one()),
        _ => Fr::zero(),
    };
    p_poly[0] += e;
    absorb_points(transcript, "opening p", &[point_of(&p_poly)]);
    let alpha = transcript.challenge("opening alpha");
    if let Deaf("opening p") = weak {
        // k (1 - X / alpha) moves <p, eq(u, .)> and not p(alpha).
        let k = error * inverse(eq_u[0] - eq_u[1] * inverse(alpha));
        add_scaled(&mut p_poly, &[Fr::one(), -inverse(alpha)], k);
    }

    let (mut q_poly, mut g_poly) = divide_by_binomial(&cells, b, alpha);
    // What d and s belong to, where that is not g.
    let (mut g_of_d, mut g_of_s): (Option<Vec<Fr>>, Option<Vec<Fr>>) = (None, None);
    // c eq(v, .), by which g is another polynomial at 1/zeta than at zeta: half of it counts.
    let c = -e.double() * inverse(inner_product(&eq_v, &eq_v));
    match weak {
        Deaf("opening q g") | Unopened(DIVISION, _) => g_poly[0] += e * inverse(eq_v[0]),
        Unopened(D, _) => {
            // k (X^b - alpha) moves <g, eq(v, .)> by e, and goes over to q.
            let k = -e * inverse(alpha * eq_v[0]);
            g_of_d = Some(g_poly.clone());
            g_poly.push(k);
            g_poly[0] -= k * alpha;
            q_poly[0] -= k;
        }
        Unopened(G, OVER) => {
            let moved = |by: Fr| {
                let mut moved = g_poly.clone();
                add_scaled(&mut moved, &eq_v, -by);
                moved
            };
            let (half, whole) = (moved(c * inverse(Fr::from(2u64))), moved(c));
            (g_of_d, g_of_s) = (Some(whole), Some(half));
        }
        _ => {}
    }
    let g = point_of(&g_poly);
    absorb_points(transcript, "opening q g", &[point_of(&q_poly), g]);
    let gamma = transcript.challenge("opening gamma");

    let mut s_poly = inner_product_witness(&p_poly, g_of_s.as_ref().unwrap_or(&g_poly), [u, v], gamma);
    if let LateClaim = weak {
        // Another value or point moves it back.
        s_poly[0] += Fr::one();
    }
    let d_poly: Vec<Fr> = g_of_d.as_ref().unwrap_or(&g_poly).iter().rev().copied().collect();
    let d = point_of(&d_poly);
    absorb_points(transcript, "opening s d", &[point_of(&s_poly), d]);
    let place = Place::new(alpha, transcript.challenge("opening zeta"), b);
    let (zeta, over) = (place.zeta, inverse(place.zeta));
    match weak {
        // At zeta alone, a constant makes up for g.
        Deaf("opening q g") => q_poly[0] -= e * inverse(eq_v[0] * divisor(zeta, alpha, b)),
        Deaf("opening s d") => s_poly[0] -= gamma.double() * error * inverse(zeta + over),
        LateColumn => {
            cells[0] -= zeta;
            cells[1] += Fr::one();
        }
        _ => {}
    }

    let mut values = Interpolants::of(&g_poly, &p_poly, &s_poly, &place).unwrap();
    match weak {
        Unopened(P, ZETA) => bend(&mut values.p, &place, ZETA, error.double() * inverse(eq_polynomial(u, over))),
        Unopened(P, OVER) => bend(&mut values.p, &place, OVER, error.double() * inverse(eq_polynomial(u, zeta))),
        Unopened(P, _) => bend(&mut values.p, &place, ALPHA, -gamma * error),
        Unopened(G, ZETA) => {
            bend(&mut values.g, &place, ZETA, gamma.double() * error * inverse(eq_polynomial(v, over)));
        }
        Unopened(G, _) => bend(&mut values.g, &place, OVER, -c * eq_polynomial(v, over)),
        Unopened(S, ZETA) | Deaf("opening w") => {
            bend(&mut values.s, &place, ZETA, -gamma.double() * error * over);
        }
        Unopened(S, _) => bend(&mut values.s, &place, OVER, -gamma.double() * error * zeta),
        _ => {}
    }
    // Errors of s(zeta) and p(zeta) that cancel in the batch, and make up for the claim.
    let cancel = |values: &mut Interpolants, beta: Fr| {
        let ratio = -beta.square() * (zeta - alpha);
        let effect = gamma * ratio * eq_polynomial(u, over) - zeta;
        let k = gamma.double() * error * inverse(effect);
        bend(&mut values.s, &place, ZETA, k);
        bend(&mut values.p, &place, ZETA, k * ratio);
    };
    if let Known("opening beta") = weak {
        cancel(&mut values, Fr::one());
    }
    transcript.absorb("opening interpolants", &values.to_words());
    let beta = transcript.challenge("opening beta");
    if let Deaf("opening interpolants") = weak {
        cancel(&mut values, beta);
    }

    let mut opened = opened(&values, &place, beta);
    weak.checks().apply(&mut opened);
    // f - (X^b - alpha) q - g
    let mut rest = division([&cells, &q_poly, &g_poly], -alpha);
    add_scaled(&mut rest, &[vec![Fr::zero(); b], q_poly.clone()].concat(), -Fr::one());
    let mut w_poly = batch_witness(&[&p_poly, &g_poly, &s_poly, &d_poly, &rest], &place, &opened).unwrap();
    absorb_points(transcript, "opening w", &[point_of(&w_poly)]);
    let xi = transcript.challenge("opening xi");
    let at_xi = batch_at(&place, &opened, xi);
    let rest = division([&cells, &q_poly, &g_poly], divisor(xi, alpha, b));
    let polynomials = [&p_poly[..], &g_poly, &s_poly, &d_poly, &rest];
    if let Deaf("opening w") = weak {
        let sum: Fr = polynomials.iter().zip(&at_xi.scales).map(|(f, scale)| *scale * horner(f, xi)).sum();
        w_poly[0] = Fr::zero();
        w_poly[0] = (sum - at_xi.value) * inverse(at_xi.vanishing) - horner(&w_poly, xi);
    }
    let w_prime = point_of(&batch_quotient(polynomials, &w_poly, &at_xi, xi));
    OpeningProof {
        p: point_of(&p_poly),
        q: point_of(&q_poly),
        g,
        s: point_of(&s_poly),
        d,
        interpolants: values,
        w: point_of(&w_poly),
        w_prime,
    }
}

/// What a verifier says that has this weakness.
fn verdict(
    case: &Case,
    c: &Commitment,
    point: &[Fr],
    value: Fr,
    proof: &OpeningProof,
    weak: Weakness,
) -> Result<(), OpeningError> {
    let claim = reduce_by(weak.checks(), c, point, value, proof, &mut weak.transcript(c, point, value))?;
    Ok(case.srs.verifier().check(&claim)?)
}

/// Checks that a false value passes where a verifier has this weakness, and only there.
fn only_with(weak: Weakness, refused: OpeningError) {
    let case = Case::new(6, 20);
    // for g that is too long
    let long = srs(case.srs.log_size() + 1);
    let (c, point, value) = (&case.commitment, &case.point, case.value + Fr::one());
    let proof = forge(&long, &case.cells, point, value, weak, &mut weak.transcript(c, point, value));
    assert_eq!(verdict(&case, c, point, value, &proof, weak), Ok(()), "{weak:?}: the forgery does not work");
    assert_eq!(verdict(&case, c, point, value, &proof, Weakness::None), Err(refused), "{weak:?}");
}

#[test]
fn without_the_inner_products_any_value_passes() {
    only_with(InnerProducts, OpeningError::InnerProducts);
}

/// Where p, g and s are opened; d, without which g has too high a degree; and the division, without which g is any. There is
/// nothing else to forget.
#[test]
fn without_opening_a_polynomial_at_a_point_any_value_passes() {
    let mut forged = [[false; 3]; OPENED];
    for polynomial in [P, G, S] {
        for point in [ZETA, OVER] {
            only_with(Unopened(polynomial, point), OpeningError::Rejected);
            forged[polynomial][point] = true;
        }
    }
    for (polynomial, point) in [(P, ALPHA), (D, ZETA), (DIVISION, ZETA)] {
        only_with(Unopened(polynomial, point), OpeningError::Rejected);
        forged[polynomial][point] = true;
    }
    let place = Place::new(Fr::from(2u64), Fr::from(3u64), 8);
    assert_eq!(opened(&Interpolants::default(), &place, Fr::one()).map(|opened| opened.at), forged);
}

/// All messages but the last one: by then, what w' must be is fixed.
#[test]
fn without_absorbing_a_message_any_value_passes() {
    // Other challenges up to zeta break the equation there; later ones, the batch.
    for label in ["opening p", "opening q g", "opening s d"] {
        only_with(Deaf(label), OpeningError::InnerProducts);
    }
    for label in ["opening interpolants", "opening w"] {
        only_with(Deaf(label), OpeningError::Rejected);
    }
}

#[test]
fn without_weights_errors_cancel() {
    only_with(Known("opening gamma"), OpeningError::InnerProducts);
    only_with(Known("opening beta"), OpeningError::Rejected);
}

/// What callers owe: a value, a point or a commitment that is chosen after the challenges is any.
#[test]
fn where_the_transcript_does_not_determine_the_claim_false_ones_pass() {
    let case = Case::new(6, 26);
    let (c, point, cells) = (&case.commitment, &case.point, &case.cells);
    let weak = LateClaim;
    let transcript = || weak.transcript(c, point, case.value);
    let proof = forge(&case.srs, cells, point, case.value, weak, &mut transcript());
    let challenges = |proof: &OpeningProof| {
        let mut transcript = transcript();
        absorb_points(&mut transcript, "opening p", &[proof.p]);
        transcript.challenge("opening alpha");
        absorb_points(&mut transcript, "opening q g", &[proof.q, proof.g]);
        let gamma = transcript.challenge("opening gamma");
        absorb_points(&mut transcript, "opening s d", &[proof.s, proof.d]);
        (gamma, transcript.challenge("opening zeta"))
    };
    let (gamma, zeta) = challenges(&proof);
    let over = inverse(zeta);

    // The value: s + 1 moves zeta s(zeta) + s(1/zeta) / zeta, which a value moves back.
    let value = case.value - (zeta + over) * inverse(gamma.double());
    assert_eq!(verdict(&case, c, point, value, &proof, weak), Ok(()));
    assert_eq!(verdict(&case, c, point, value, &proof, Weakness::None), Err(OpeningError::InnerProducts));

    // The point: its first variable enters the equation linearly, so one of them moves s back too.
    let at = |first: Fr| {
        let mut u = point[..3].to_vec();
        u[0] = first;
        let [at_zeta, at_over] = [zeta, over].map(|x| horner(&proof.interpolants.p, x));
        at_zeta * eq_polynomial(&u, over) + at_over * eq_polynomial(&u, zeta)
    };
    // gamma (at(first) - at(the true one)) = zeta + 1/zeta
    let slope = at(Fr::one()) - at(Fr::zero());
    let mut other = point.clone();
    other[0] += (zeta + over) * inverse(gamma * slope);
    assert_ne!(evaluate(cells, &other), case.value);
    assert_eq!(verdict(&case, c, &other, case.value, &proof, weak), Ok(()));
    assert_eq!(verdict(&case, c, &other, case.value, &proof, Weakness::None), Err(OpeningError::InnerProducts));

    // The commitment: f + (X - zeta) has the same value at zeta.
    let proof = forge(&case.srs, cells, point, case.value, LateColumn, &mut transcript());
    let change = [-challenges(&proof).1, Fr::one()];
    let mut changed = cells.clone();
    add_scaled(&mut changed, &change, Fr::one());
    assert_ne!(evaluate(&changed, point), case.value);
    let other = *c + commit(&case.srs, &change).unwrap();
    assert_eq!(verdict(&case, &other, point, case.value, &proof, LateColumn), Ok(()));
    assert_eq!(verdict(&case, &other, point, case.value, &proof, Weakness::None), Err(OpeningError::InnerProducts));
}
