use super::*;
use crate::closed_forms::evaluate;
use crate::commit::{CommitError, PointError, commit_small};
use crate::srs::PairingMismatch;
use crate::testing::{Stream, Transcript, srs};

/// A random column with its commitment, a point and the value there.
struct Case {
    srs: Srs,
    cells: Vec<Fr>,
    commitment: Commitment,
    point: Vec<Fr>,
    value: Fr,
}

impl Case {
    fn new(variables: u32, seed: u64) -> Self {
        let mut stream = Stream::new(seed);
        let srs = srs(variables);
        let cells = stream.scalars(1 << variables);
        let point = stream.scalars(variables as usize);
        Self { commitment: commit(&srs, &cells).unwrap(), value: evaluate(&cells, &point), srs, cells, point }
    }

    fn open(&self) -> OpeningProof {
        open(&self.srs, &self.cells, &self.commitment, &self.point, self.value, &mut Transcript::new()).unwrap()
    }

    fn verify(&self, proof: &OpeningProof) -> Result<(), OpeningError> {
        self.verify_claim(&self.commitment, &self.point, self.value, proof)
    }

    fn verify_claim(
        &self,
        commitment: &Commitment,
        point: &[Fr],
        value: Fr,
        proof: &OpeningProof,
    ) -> Result<(), OpeningError> {
        verify(self.srs.verifier(), commitment, point, value, proof, &mut Transcript::new())
    }
}

/// sum_i cells_i prod_j (x_j if bit j of i is set, else 1 - x_j), the first variable being the most significant bit.
fn naive_value(cells: &[Fr], point: &[Fr]) -> Fr {
    let term = |(i, cell): (usize, &Fr)| {
        point.iter().enumerate().fold(*cell, |product, (j, x)| {
            let set = i >> (point.len() - 1 - j) & 1 == 1;
            product * if set { *x } else { Fr::one() - x }
        })
    };
    cells.iter().enumerate().map(term).sum()
}

#[test]
fn honest_openings_pass() {
    for variables in (2..=14).step_by(2) {
        let case = Case::new(variables, u64::from(variables));
        if variables <= 10 {
            assert_eq!(case.value, naive_value(&case.cells, &case.point));
        }
        let proof = case.open();
        assert_eq!(case.verify(&proof), Ok(()), "{variables} variables");
        let bytes = proof.to_bytes();
        assert_eq!(bytes.len(), 704);
        assert_eq!(OpeningProof::from_bytes(&bytes), Ok(proof));
    }
}

#[test]
fn the_first_variable_is_the_most_significant_bit() {
    // The cell 0b0111 is at the vertex (0, 1, 1, 1).
    let mut cells = vec![Fr::zero(); 16];
    cells[7] = Fr::from(5u64);
    let vertex: Vec<Fr> = [0u64, 1, 1, 1].map(Fr::from).to_vec();
    assert_eq!(evaluate(&cells, &vertex), Fr::from(5u64));
    assert_eq!(naive_value(&cells, &vertex), Fr::from(5u64));
}

#[test]
fn cells_can_be_read_out() {
    let case = Case::new(4, 1);
    for i in [0usize, 1, 6, 15] {
        let point: Vec<Fr> = (0..4).map(|j| Fr::from((i >> (3 - j) & 1) as u64)).collect();
        let proof =
            open(&case.srs, &case.cells, &case.commitment, &point, case.cells[i], &mut Transcript::new()).unwrap();
        assert_eq!(case.verify_claim(&case.commitment, &point, case.cells[i], &proof), Ok(()));
    }
}

#[test]
fn small_columns_open_too() {
    let mut stream = Stream::new(2);
    let srs = srs(6);
    let values: Vec<i64> = (0..64).map(|_| stream.small(4095)).collect();
    let commitment = commit_small(&srs, &values, 4095).unwrap();
    let cells: Vec<Fr> = values.iter().map(|&value| Fr::from(value)).collect();
    let point = stream.scalars(6);
    let value = evaluate(&cells, &point);
    let proof = open(&srs, &cells, &commitment, &point, value, &mut Transcript::new()).unwrap();
    let verifier = srs.verifier();
    assert_eq!(verify(verifier, &commitment, &point, value, &proof, &mut Transcript::new()), Ok(()));
}

#[test]
fn longer_parameters_open_the_first_cells() {
    let long = srs(8);
    let case = Case::new(6, 3);
    let mut cells = case.cells.clone();
    cells.extend(Stream::new(4).scalars(192));
    // The commitment hides 192 cells more; the opening is to the first 64 and uses powers beyond them.
    let commitment = commit(&long, &cells).unwrap();
    let proof = forge(&long, &cells, &commitment, &case.point, case.value, &Plan::default());
    assert_eq!(case.verify_claim(&commitment, &case.point, case.value, &proof), Ok(()));
    let wrong = case.value + Fr::one();
    let proof = forge(&long, &cells, &commitment, &case.point, wrong, &Plan::default());
    assert_eq!(case.verify_claim(&commitment, &case.point, wrong, &proof), Err(OpeningError::Rejected));
}

#[test]
fn several_openings_take_one_equation() {
    let cases: Vec<Case> = (0..3).map(|seed| Case::new(4, seed)).collect();
    let claims: Vec<PairingClaim> = cases
        .iter()
        .map(|case| {
            let (proof, mut transcript) = (case.open(), Transcript::new());
            reduce(&case.commitment, &case.point, case.value, &proof, &mut transcript).unwrap()
        })
        .collect();
    let verifier = cases[0].srs.verifier();
    assert_eq!(verifier.check_all(&claims), Ok(()));
    for i in 0..3 {
        let mut damaged = claims.clone();
        damaged[i].left = (damaged[i].left + G1Affine::generator()).into_affine();
        assert_eq!(verifier.check_all(&damaged), Err(PairingMismatch));
        assert_eq!(verifier.check(&damaged[i]), Err(PairingMismatch));
        // Errors that would cancel in a plain sum do not cancel.
        let other = (i + 1) % 3;
        damaged[other].left = (damaged[other].left - G1Affine::generator()).into_affine();
        assert_eq!(verifier.check_all(&damaged), Err(PairingMismatch));
    }
}

#[test]
fn prover_and_verifier_leave_one_transcript() {
    let case = Case::new(4, 5);
    let (mut ours, mut theirs) = (Transcript::new(), Transcript::new());
    let (srs, c, point) = (&case.srs, &case.commitment, &case.point);
    let proof = open(srs, &case.cells, c, point, case.value, &mut ours).unwrap();
    verify(srs.verifier(), c, point, case.value, &proof, &mut theirs).unwrap();
    assert_eq!(ours.challenge("next"), theirs.challenge("next"));
}

#[test]
fn another_claim_is_rejected() {
    let case = Case::new(6, 6);
    let proof = case.open();
    let (c, value) = (&case.commitment, case.value);
    let rejected = Err(OpeningError::Rejected);
    assert_eq!(case.verify_claim(c, &case.point, value + Fr::one(), &proof), rejected);
    assert_eq!(case.verify_claim(c, &case.point, Fr::zero(), &proof), rejected);
    for i in 0..6 {
        let mut point = case.point.clone();
        point[i] += Fr::one();
        assert_eq!(case.verify_claim(c, &point, value, &proof), rejected);
        point = case.point.clone();
        point.swap(i, (i + 1) % 6);
        assert_eq!(case.verify_claim(c, &point, value, &proof), rejected);
    }
    let other = *c + Commitment::from(G1Affine::generator());
    assert_eq!(case.verify_claim(&other, &case.point, value, &proof), rejected);
    assert_eq!(case.verify_claim(&Commitment::default(), &case.point, value, &proof), rejected);
    let mut later = Transcript::new();
    later.absorb("something", &[]);
    let verifier = case.srs.verifier();
    assert_eq!(verify(verifier, c, &case.point, value, &proof, &mut later), rejected);
    let others = Srs::unsafe_from_known_secret(Fr::from(3u64), 6).unwrap();
    let transcript = &mut Transcript::new();
    assert_eq!(verify(others.verifier(), c, &case.point, value, &proof, transcript), rejected);
}

#[test]
fn provers_learn_that_a_claim_is_wrong() {
    let case = Case::new(4, 7);
    let attempt = |cells: &[Fr], point: &[Fr], value| {
        let transcript = &mut Transcript::new();
        open(&case.srs, cells, &case.commitment, point, value, transcript).unwrap_err()
    };
    assert_eq!(
        attempt(&case.cells, &case.point, Fr::zero()),
        OpeningError::Value { expected: case.value, got: Fr::zero() }
    );
    assert_eq!(attempt(&case.cells[..8], &case.point, case.value), OpeningError::Cells { expected: 16, got: 8 });
    let mut stream = Stream::new(8);
    let (cells, point) = (stream.scalars(64), stream.scalars(6));
    let value = evaluate(&cells, &point);
    assert!(matches!(attempt(&cells, &point, value), OpeningError::Parameters(CommitError::Row { row: 16, rows: 16 })));
}

#[test]
fn sizes_must_be_even_and_in_range() {
    let case = Case::new(4, 9);
    let proof = case.open();
    for got in [0, 1, 3, 5, 30, 64] {
        let point = vec![Fr::one(); got];
        assert_eq!(
            case.verify_claim(&case.commitment, &point, case.value, &proof),
            Err(OpeningError::Variables { got })
        );
        let transcript = &mut Transcript::new();
        assert_eq!(
            open(&case.srs, &case.cells, &case.commitment, &point, case.value, transcript),
            Err(OpeningError::Variables { got })
        );
    }
    for cells in [&[][..], &case.cells[1..]] {
        let transcript = &mut Transcript::new();
        let got = open(&case.srs, cells, &case.commitment, &case.point, case.value, transcript);
        assert_eq!(got, Err(OpeningError::Cells { expected: 16, got: cells.len() }));
    }
}

#[test]
fn columns_with_too_much_structure_cannot_be_opened() {
    // Cells in the first row alone: no multiple of X^b - alpha is in f.
    let mut stream = Stream::new(10);
    let srs = srs(4);
    let mut cells = stream.scalars(4);
    cells.resize(16, Fr::zero());
    let point = stream.scalars(4);
    let value = evaluate(&cells, &point);
    let commitment = commit(&srs, &cells).unwrap();
    let transcript = &mut Transcript::new();
    assert_eq!(
        open(&srs, &cells, &commitment, &point, value, transcript),
        Err(OpeningError::Vanishing { element: "[q]" })
    );
    let zeros = vec![Fr::zero(); 16];
    let transcript = &mut Transcript::new();
    assert_eq!(
        open(&srs, &zeros, &Commitment::default(), &point, Fr::zero(), transcript),
        Err(OpeningError::Vanishing { element: "[p]" })
    );
}

/// The 8 points and the 6 scalars by their places in the bytes.
fn places() -> impl Iterator<Item = (usize, usize)> {
    let point = |start| (start, 64);
    let scalar = |start| (start, 32);
    (0..5)
        .map(move |i| point(64 * i))
        .chain((0..6).map(move |i| scalar(320 + 32 * i)))
        .chain((0..3).map(move |i| point(512 + 64 * i)))
}

#[test]
fn each_changed_element_is_rejected() {
    let case = Case::new(6, 11);
    let other = Case::new(6, 12).open().to_bytes();
    let bytes = case.open().to_bytes();
    for (start, len) in places() {
        // The element of another good proof.
        let mut changed = bytes;
        changed[start..start + len].copy_from_slice(&other[start..start + len]);
        let proof = OpeningProof::from_bytes(&changed).unwrap();
        assert_eq!(case.verify(&proof), Err(OpeningError::Rejected), "byte {start}");
        // The negated point, or the scalar plus 1: what a relation with a sign or a factor might let through.
        let mut changed = bytes;
        if len == 64 {
            let point = g1_from_bytes(bytes[start..start + 64].try_into().unwrap(), Encoding::Nonzero);
            changed[start..start + 64].copy_from_slice(&g1_to_bytes(&-point.unwrap()));
        } else {
            changed[start..start + 32].fill(0);
        }
        let proof = OpeningProof::from_bytes(&changed).unwrap();
        assert_eq!(case.verify(&proof), Err(OpeningError::Rejected), "byte {start}");
    }
}

#[test]
fn swapped_elements_are_rejected() {
    let case = Case::new(6, 13);
    let bytes = case.open().to_bytes();
    let all: Vec<_> = places().collect();
    for (i, &(a, len_a)) in all.iter().enumerate() {
        for &(b, len_b) in all[i + 1..].iter().filter(|(_, len)| *len == len_a) {
            let mut swapped = bytes;
            swapped[a..a + len_a].copy_from_slice(&bytes[b..b + len_b]);
            swapped[b..b + len_b].copy_from_slice(&bytes[a..a + len_a]);
            let proof = OpeningProof::from_bytes(&swapped).unwrap();
            assert_eq!(case.verify(&proof), Err(OpeningError::Rejected), "{a} and {b}");
        }
    }
}

#[test]
fn bytes_that_are_no_proof_are_refused() {
    let case = Case::new(4, 14);
    let bytes = case.open().to_bytes();
    for got in [0, 31, 703, 705, 736, 1408] {
        let mut resized = bytes.to_vec();
        resized.resize(got, 0);
        assert_eq!(OpeningProof::from_bytes(&resized), Err(OpeningError::Length { expected: 704, got }));
    }
    let mut names = Vec::new();
    for (start, len) in places() {
        let element = |bytes: &[u8]| match OpeningProof::from_bytes(bytes) {
            Err(OpeningError::Point { element, error }) => (element, Some(error)),
            Err(OpeningError::Scalar { element, .. }) => (element, None),
            other => panic!("{other:?}"),
        };
        if len == 32 {
            // value + r, where it fits into 32 bytes: the same field element, spelled in another way.
            let mut word: [u8; 32] = bytes[start..start + 32].try_into().unwrap();
            add_modulus(&mut word, &modulus_of_scalars());
            let mut changed = bytes;
            changed[start..start + 32].copy_from_slice(&word);
            assert_eq!(
                OpeningProof::from_bytes(&changed),
                Err(OpeningError::Scalar { element: element(&changed).0, got: word })
            );
            names.push(element(&changed).0);
            continue;
        }
        let mut changed = bytes;
        changed[start..start + 64].fill(0);
        assert_eq!(element(&changed).1, Some(PointError::Identity));
        names.push(element(&changed).0);
        for half in [start, start + 32] {
            let mut changed = bytes;
            let mut word: [u8; 32] = bytes[half..half + 32].try_into().unwrap();
            add_modulus(&mut word, &modulus_of_coordinates());
            changed[half..half + 32].copy_from_slice(&word);
            assert_eq!(element(&changed).1, Some(PointError::NotCanonical { got: word }));
            changed = bytes;
            changed[half..half + 32].fill(0);
            assert_eq!(element(&changed).1, Some(PointError::NotOnCurve));
        }
    }
    assert_eq!(
        names,
        [
            "[p]",
            "[q]",
            "[g]",
            "[s]",
            "[d]",
            "g(zeta)",
            "g(1/zeta)",
            "p(zeta)",
            "p(1/zeta)",
            "s(zeta)",
            "s(1/zeta)",
            "[t]",
            "[w]",
            "[w']"
        ]
    );
}

#[test]
fn no_bytes_make_the_verifier_panic() {
    let case = Case::new(4, 15);
    let bytes = case.open().to_bytes();
    let mut stream = Stream::new(16);
    for _ in 0..200 {
        let mut changed = bytes;
        for _ in 0..=stream.number() % 3 {
            changed[(stream.number() % 704) as usize] ^= 1 << (stream.number() % 8);
        }
        if changed == bytes {
            continue;
        }
        if let Ok(proof) = OpeningProof::from_bytes(&changed) {
            assert_eq!(case.verify(&proof), Err(OpeningError::Rejected));
        }
    }
}

fn modulus_of_scalars() -> [u8; 32] {
    let mut word = to_word(&-Fr::one());
    word[31] += 1; // r is odd
    word
}

fn modulus_of_coordinates() -> [u8; 32] {
    let mut word = crate::commit::coordinate_to_word(&-ark_bn254::Fq::one());
    word[31] += 1;
    word
}

fn add_modulus(word: &mut [u8; 32], modulus: &[u8; 32]) {
    let mut carry = 0;
    for (byte, other) in word.iter_mut().zip(modulus).rev() {
        let sum = u16::from(*byte) + u16::from(*other) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
}

#[test]
fn fixed_challenges_that_divide_by_zero_are_refused() {
    struct Fixed(Vec<Fr>);
    impl FiatShamir for Fixed {
        fn absorb(&mut self, _: &'static str, _: &[[u8; 32]]) {}
        fn challenge(&mut self, _: &'static str) -> Fr {
            self.0.remove(0)
        }
    }
    let case = Case::new(4, 17);
    let proof = case.open();
    let third = Fr::from(3u64).inverse().unwrap();
    // (alpha, zeta)
    for (alpha, zeta) in [
        (Fr::from(3u64), Fr::zero()),
        (Fr::from(3u64), Fr::one()),
        (Fr::from(3u64), -Fr::one()),
        (Fr::from(3u64), Fr::from(3u64)),
        (Fr::from(3u64), third),
    ] {
        let rest = Stream::new(18).scalars(4);
        let mut all = vec![alpha, rest[0], zeta];
        all.extend(&rest[1..]);
        assert_eq!(
            verify(case.srs.verifier(), &case.commitment, &case.point, case.value, &proof, &mut Fixed(all)),
            Err(OpeningError::Challenge)
        );
    }
}

#[test]
fn parts_follow_their_equations() {
    let mut stream = Stream::new(19);
    let f = stream.scalars(64);
    let (x, alpha) = (stream.scalar(), stream.scalar());
    let (quotient, remainder) = divide(&f, alpha);
    assert_eq!(remainder, horner(&f, alpha));
    assert_eq!(horner(&f, x), (x - alpha) * horner(&quotient, x) + remainder);

    let (q, g) = divide_by_binomial(&f, 8, alpha);
    assert_eq!((q.len(), g.len()), (56, 8));
    assert_eq!(horner(&f, x), (x.pow([8u64]) - alpha) * horner(&q, x) + horner(&g, x));

    let (u, v) = (stream.scalars(3), stream.scalars(3));
    assert_eq!(eq_polynomial(&u, x), horner(&eq_table(&u), x));
    let p = fix_columns(&f, &v);
    let point = [u.clone(), v.clone()].concat();
    assert_eq!(inner_product(&p, &eq_table(&u)), evaluate(&f, &point));
    assert_eq!(inner_product(&g, &eq_table(&v)), horner(&p, alpha));

    // a(X) E(1/X) + a(1/X) E(X) = 2 <a, E> + X s(X) + s(1/X) / X, for short and long a
    let y = x.inverse().unwrap();
    for len in [8, 9, 13] {
        let a = stream.scalars(len);
        let s = cross_terms(&a, &u);
        let left = horner(&a, x) * eq_polynomial(&u, y) + horner(&a, y) * eq_polynomial(&u, x);
        let right = inner_product(&a, &eq_table(&u)).double() + x * horner(&s, x) + y * horner(&s, y);
        assert_eq!(left, right, "{len}");
    }
}

// Forgeries. Each check of the verifier, and each absorption, stands between a false claim and acceptance: with it
// removed, the claim passes; with all of them, it does not.

/// What a forger does otherwise than an honest prover, who does nothing here.
#[derive(Default)]
struct Plan {
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
fn forge(srs: &Srs, cells: &[Fr], commitment: &Commitment, point: &[Fr], value: Fr, plan: &Plan) -> OpeningProof {
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
    let mut evaluations = Evaluations {
        g_zeta: horner(&g_poly, place.zeta),
        g_inverse: horner(&g_poly, place.inverse),
        p_zeta: horner(&p_poly, place.zeta),
        p_inverse: horner(&p_poly, place.inverse),
        s_zeta: horner(&s_poly, place.zeta),
        s_inverse: horner(&s_poly, place.inverse),
    };
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
