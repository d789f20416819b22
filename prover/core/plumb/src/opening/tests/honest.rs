//! Honest openings pass, one by one and several in one equation, and their parts are what the paper says.

use super::forged::{Weakness, forge};
use super::*;
use crate::commit::commit_small;
use crate::srs::PairingMismatch;

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
        assert_eq!(bytes.len(), 672);
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
        let transcript = &mut transcript_of(&case.commitment, &point, case.cells[i]);
        let proof = open(&case.srs, &case.cells, &point, case.cells[i], transcript).unwrap();
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
    let proof = open(&srs, &cells, &point, value, &mut Transcript::new()).unwrap();
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
    let forged = |value| {
        let transcript = &mut transcript_of(&commitment, &case.point, value);
        forge(&long, &cells, &case.point, value, Weakness::None, transcript)
    };
    let proof = forged(case.value);
    assert_eq!(case.verify_claim(&commitment, &case.point, case.value, &proof), Ok(()));
    let wrong = case.value + Fr::one();
    let proof = forged(wrong);
    assert_eq!(case.verify_claim(&commitment, &case.point, wrong, &proof), Err(OpeningError::InnerProducts));
}

#[test]
fn several_openings_take_one_equation() {
    let cases: Vec<Case> = (0..3).map(|seed| Case::new(4, seed)).collect();
    let claims: Vec<PairingClaim> = cases
        .iter()
        .map(|case| {
            let (proof, mut transcript) = (case.open(), case.transcript());
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
    let proof = open(srs, &case.cells, point, case.value, &mut ours).unwrap();
    verify(srs.verifier(), c, point, case.value, &proof, &mut theirs).unwrap();
    assert_eq!(ours.challenge("next"), theirs.challenge("next"));
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
