//! Forgeries. Each check of the verifier, and each absorption, stands between a false claim and acceptance: with it
//! removed, the claim passes; with all of them, it does not.

use super::*;
use crate::srs::PairingMismatch;

/// What a forger does otherwise than an honest prover, who does nothing here.
#[derive(Default)]
pub(super) struct Plan {
    checks: Option<Checks>,
    /// What the verifier does not absorb. A forger who knows of one label uses it.
    deaf: &'static [&'static str],
    /// Another column, to which p, q, g and t belong.
    cells: Option<Vec<Fr>>,
    /// Whether g has a degree that it must not have.
    long_g: bool,
    /// Added to s.
    s: Fr,
    /// Whether 1 is added to t.
    t: bool,
}

/// A prover with no conscience: proves any value.
pub(super) fn forge(
    srs: &Srs,
    cells: &[Fr],
    commitment: &Commitment,
    point: &[Fr],
    value: Fr,
    plan: &Plan,
) -> OpeningProof {
    let transcript = &mut Transcript::deaf(plan.deaf);
    let unheard = |label| plan.deaf.contains(&label);
    let checks = plan.checks.unwrap_or(Checks::ALL);
    let ([u, v], b) = halves(point).unwrap();
    let (eq_u, eq_v) = (eq_table(u), eq_table(v));
    let inverse = |x: Fr| x.inverse().unwrap();
    let point_of = |f: &[Fr]| commit(srs, f).unwrap().point();
    let cells = plan.cells.as_deref().unwrap_or(cells);

    absorb_claim(transcript, commitment, point, &value);
    let mut p_poly = fix_columns(cells, v);
    // How far the claim is off.
    let error = value - inner_product(&p_poly, &eq_u);
    // e moves <p, eq(u, .)> to the claim, and p(alpha) by e.
    let e = error * inverse(eq_u[0]);
    if plan.long_g || unheard("opening q g") {
        p_poly[0] += e;
    }
    absorb_points(transcript, "opening p", &[point_of(&p_poly)]);
    let alpha = transcript.challenge("opening alpha");
    if unheard("opening p") {
        // k (1 - X / alpha) moves <p, eq(u, .)> and not p(alpha).
        let k = error * inverse(eq_u[0] - eq_u[1] * inverse(alpha));
        add_scaled(&mut p_poly, &[Fr::one(), -inverse(alpha)], k);
    }
    let (mut q_poly, mut g_poly) = divide_by_binomial(cells, b, alpha);
    if plan.long_g {
        // k (X^b - alpha) moves <g, eq(v, .)> by e, and goes over to q.
        let k = -e * inverse(alpha * eq_v[0]);
        let mut binomial = vec![Fr::zero(); b + 1];
        (binomial[0], binomial[b]) = (-alpha, Fr::one());
        add_scaled(&mut g_poly, &binomial, k);
        q_poly[0] -= k;
    }
    if unheard("opening q g") {
        g_poly[0] += e * inverse(eq_v[0]);
    }
    let g = point_of(&g_poly);
    absorb_points(transcript, "opening q g", &[point_of(&q_poly), g]);
    let gamma = transcript.challenge("opening gamma");
    let mut s_poly = inner_product_witness(&p_poly, &g_poly, [u, v], gamma);
    s_poly[0] += plan.s;
    let d_poly: Vec<Fr> = g_poly.iter().take(b).rev().copied().collect();
    let d = point_of(&d_poly);
    absorb_points(transcript, "opening s d", &[point_of(&s_poly), d]);
    let place = Place::new(alpha, transcript.challenge("opening zeta"), b);
    if unheard("opening q g") {
        // At zeta alone, a constant makes up for g.
        q_poly[0] -= e * inverse(eq_v[0] * (place.power * place.zeta - alpha));
    }
    if unheard("opening s d") {
        s_poly[0] -= gamma.double() * error * inverse(place.zeta + place.inverse);
    }
    let mut evaluations = Evaluations::of(&g_poly, &p_poly, &s_poly, &place);
    transcript.absorb("opening evaluations", &evaluations.to_words());
    let mut t_poly = division_witness(cells, &q_poly, &place);
    if plan.t {
        t_poly[0] += Fr::one();
    }
    absorb_points(transcript, "opening t", &[point_of(&t_poly)]);
    let beta = transcript.challenge("opening beta");
    if unheard("opening evaluations") {
        // Errors of s(zeta) and p(zeta) that cancel in the batch, and make up for the claim.
        let ratio = -beta.square() * (place.zeta - alpha);
        let effect = gamma * ratio * eq_polynomial(u, place.inverse) - place.zeta;
        let k = gamma.double() * error * inverse(effect);
        evaluations.s_zeta += k;
        evaluations.p_zeta += k * ratio;
    }
    let p_alpha = p_at_alpha(&evaluations, &place, gamma, value, [u, v]).unwrap();
    let mut opened = opened(&evaluations, p_alpha, place.power * evaluations.g_inverse, beta);
    if !checks.inner_product {
        opened[0].values[2] = None;
    }
    if !checks.degree {
        opened[3].weight = Fr::zero();
    }
    let polynomials = [&p_poly[..], &g_poly, &s_poly, &d_poly];
    let mut w_poly = batch_witness(polynomials, &place, &opened);
    absorb_points(transcript, "opening w", &[point_of(&w_poly)]);
    let xi = transcript.challenge("opening xi");
    let at_xi = batch_at(&place, &opened, xi).unwrap();
    let at = |w: &[Fr], x| {
        let sum: Fr = polynomials.iter().zip(&at_xi.scales).map(|(f, scale)| *scale * horner(f, x)).sum();
        sum - at_xi.value - at_xi.vanishing * horner(w, x)
    };
    if unheard("opening w") {
        let k = at(&w_poly, xi) * inverse(at_xi.vanishing);
        w_poly[0] += k;
    }
    let mut w_prime = batch_quotient(polynomials, &w_poly, &at_xi, xi);
    if unheard("opening t") {
        // Both equations are off by multiples of X - zeta that cancel: what is wrong at xi moves to zeta.
        let k = at(&w_poly, xi) * inverse(place.zeta - xi);
        w_prime[0] += k;
        absorb_points(transcript, "opening w'", &[point_of(&w_prime)]);
        let delta = transcript.challenge("opening delta");
        // L(X) - (X - xi) w' = L(xi) - (X - xi) k = -k (X - zeta)
        t_poly[0] -= delta * k;
    }
    OpeningProof {
        p: point_of(&p_poly),
        q: point_of(&q_poly),
        g,
        s: point_of(&s_poly),
        d,
        evaluations,
        t: point_of(&t_poly),
        w: point_of(&w_poly),
        w_prime: point_of(&w_prime),
    }
}

/// Checks that a forger's plan works against the verifier that it is made for, and only there.
fn only_without_the_check(case: &Case, value: Fr, plan: &Plan) {
    assert_ne!(value, case.value);
    let long = srs(case.srs.log_size() + 1);
    let (c, point) = (&case.commitment, &case.point);
    let verdict = |proof: &OpeningProof, checks: Checks, deaf| {
        let transcript = &mut Transcript::deaf(deaf);
        let claim = reduce_by(checks, c, point, value, proof, transcript).unwrap();
        case.srs.verifier().check(&claim)
    };
    let weak = plan.checks.unwrap_or(Checks::ALL);
    let proof = forge(&long, &case.cells, c, point, value, plan);
    assert_eq!(verdict(&proof, weak, plan.deaf), Ok(()), "the forgery does not work");
    assert_eq!(verdict(&proof, Checks::ALL, &[]), Err(PairingMismatch));
}

#[test]
fn without_the_division_another_column_is_opened() {
    let case = Case::new(6, 20);
    let other = Stream::new(21).scalars(64);
    let value = evaluate(&other, &case.point);
    let plan = Plan { checks: Some(Checks { division: false, ..Checks::ALL }), cells: Some(other), ..Plan::default() };
    only_without_the_check(&case, value, &plan);
}

#[test]
fn without_the_batch_any_value_passes() {
    let case = Case::new(6, 22);
    let plan = Plan { checks: Some(Checks { batch: false, ..Checks::ALL }), ..Plan::default() };
    only_without_the_check(&case, case.value + Fr::one(), &plan);
}

#[test]
fn without_the_inner_products_any_value_passes() {
    let case = Case::new(6, 23);
    let plan = Plan { checks: Some(Checks { inner_product: false, ..Checks::ALL }), ..Plan::default() };
    only_without_the_check(&case, case.value + Fr::one(), &plan);
}

#[test]
fn without_the_degree_any_value_passes() {
    let case = Case::new(6, 24);
    let plan = Plan { checks: Some(Checks { degree: false, ..Checks::ALL }), long_g: true, ..Plan::default() };
    only_without_the_check(&case, case.value + Fr::one(), &plan);
}

/// All messages but the last one: by then, what w' must be is fixed.
#[test]
fn without_absorbing_a_message_any_value_passes() {
    let case = Case::new(6, 25);
    let labels: [&'static [&'static str]; 6] =
        [&["opening p"], &["opening q g"], &["opening s d"], &["opening evaluations"], &["opening t"], &["opening w"]];
    for deaf in labels {
        let plan = Plan { deaf, ..Plan::default() };
        only_without_the_check(&case, case.value + Fr::one(), &plan);
    }
}

/// The claim is not absorbed: a value, a point or a commitment is chosen after the challenges.
#[test]
fn without_absorbing_the_claim_false_claims_pass() {
    let case = Case::new(6, 26);
    let deaf = &["opening claim"];
    let verdict = |c: &Commitment, point: &[Fr], value, proof: &OpeningProof, deaf| {
        let transcript = &mut Transcript::deaf(deaf);
        verify(case.srs.verifier(), c, point, value, proof, transcript)
    };
    let challenges = |proof: &OpeningProof| {
        let mut transcript = Transcript::deaf(deaf);
        absorb_points(&mut transcript, "opening p", &[proof.p]);
        let alpha = transcript.challenge("opening alpha");
        absorb_points(&mut transcript, "opening q g", &[proof.q, proof.g]);
        let gamma = transcript.challenge("opening gamma");
        absorb_points(&mut transcript, "opening s d", &[proof.s, proof.d]);
        (alpha, gamma, transcript.challenge("opening zeta"))
    };
    let (c, point) = (&case.commitment, &case.point);
    let refused = Err(OpeningError::Rejected);

    // The value: s + 1 moves zeta s(zeta) + s(1/zeta) / zeta, which a value moves back. The proof is made for that
    // value, as p(alpha) is computed from it.
    let plan = Plan { deaf, s: Fr::one(), ..Plan::default() };
    let draft = forge(&case.srs, &case.cells, c, point, case.value, &plan);
    let (_, gamma, zeta) = challenges(&draft);
    let moved = (zeta + zeta.inverse().unwrap()) * (gamma.double()).inverse().unwrap();
    let value = case.value - moved;
    let proof = forge(&case.srs, &case.cells, c, point, value, &plan);
    assert_eq!(verdict(c, point, value, &proof, deaf), Ok(()));
    assert_eq!(verdict(c, point, value, &proof, &[]), refused);

    // The point: its first variable enters the equation linearly, so one of them moves s back too.
    let at = |first: Fr| {
        let mut point = case.point.clone();
        point[0] = first;
        let place = Place::new(Fr::zero(), zeta, 8);
        let values = &draft.evaluations;
        p_at_alpha(values, &place, gamma, case.value, [&point[..3], &point[3..]]).unwrap()
    };
    let true_p = horner(&fix_columns(&case.cells, &point[3..]), challenges(&draft).0);
    // at(x) = at(0) + x (at(1) - at(0)) = p(alpha)
    let (zero, one) = (at(Fr::zero()), at(Fr::one()));
    let first = (true_p - zero) * (one - zero).inverse().unwrap();
    let mut other = case.point.clone();
    other[0] = first;
    assert_ne!(evaluate(&case.cells, &other), case.value);
    // Made for the old point, it is good for the new one: the first half of the point shapes no polynomial but s.
    let proof = forge_at(&case, &draft, &other, deaf);
    assert_eq!(verdict(c, &other, case.value, &proof, deaf), Ok(()));
    assert_eq!(verdict(c, &other, case.value, &proof, &[]), refused);

    // The commitment: f + (X - zeta) has the same value at zeta, and t + 1 is its witness.
    let plan = Plan { deaf, t: true, ..Plan::default() };
    let proof = forge(&case.srs, &case.cells, c, point, case.value, &plan);
    let (_, _, zeta) = challenges(&proof);
    let other = *c + commit(&case.srs, &[-zeta, Fr::one()]).unwrap();
    let mut cells = case.cells.clone();
    cells[0] -= zeta;
    cells[1] += Fr::one();
    assert_ne!(evaluate(&cells, point), case.value);
    assert_eq!(verdict(&other, point, case.value, &proof, deaf), Ok(()));
    assert_eq!(verdict(&other, point, case.value, &proof, &[]), refused);
}

/// Steps 5 and 6 again, for another point: p(alpha) is computed from it.
fn forge_at(case: &Case, draft: &OpeningProof, point: &[Fr], deaf: &'static [&'static str]) -> OpeningProof {
    // The polynomials are those of the draft, whose point and plan are known.
    let plan = Plan { deaf, s: Fr::one(), ..Plan::default() };
    let mut transcript = Transcript::deaf(deaf);
    let ([u, v], b) = halves(&case.point).unwrap();
    absorb_points(&mut transcript, "opening p", &[draft.p]);
    let alpha = transcript.challenge("opening alpha");
    absorb_points(&mut transcript, "opening q g", &[draft.q, draft.g]);
    let gamma = transcript.challenge("opening gamma");
    absorb_points(&mut transcript, "opening s d", &[draft.s, draft.d]);
    let place = Place::new(alpha, transcript.challenge("opening zeta"), b);
    let evaluations = draft.evaluations;
    transcript.absorb("opening evaluations", &evaluations.to_words());
    absorb_points(&mut transcript, "opening t", &[draft.t]);
    let beta = transcript.challenge("opening beta");

    let p_poly = fix_columns(&case.cells, v);
    let (_, g_poly) = divide_by_binomial(&case.cells, b, alpha);
    let mut s_poly = inner_product_witness(&p_poly, &g_poly, [u, v], gamma);
    s_poly[0] += plan.s;
    let d_poly: Vec<Fr> = g_poly.iter().rev().copied().collect();
    let (other, _) = halves(point).unwrap();
    let p_alpha = p_at_alpha(&evaluations, &place, gamma, case.value, other).unwrap();
    let opened = opened(&evaluations, p_alpha, place.power * evaluations.g_inverse, beta);
    let polynomials = [&p_poly[..], &g_poly, &s_poly, &d_poly];
    let w_poly = batch_witness(polynomials, &place, &opened);
    let w = commit(&case.srs, &w_poly).unwrap().point();
    absorb_points(&mut transcript, "opening w", &[w]);
    let xi = transcript.challenge("opening xi");
    let at_xi = batch_at(&place, &opened, xi).unwrap();
    let quotient = batch_quotient(polynomials, &w_poly, &at_xi, xi);
    OpeningProof { w, w_prime: commit(&case.srs, &quotient).unwrap().point(), ..*draft }
}
