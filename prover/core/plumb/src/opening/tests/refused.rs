//! Claims that are false, and what has no opening: refused, and said why.

use super::*;
use crate::commit::CommitError;

#[test]
fn another_claim_is_rejected() {
    let case = Case::new(6, 6);
    let proof = case.open();
    let (c, value) = (&case.commitment, case.value);
    // it changes the challenges, and so what the equation at zeta says
    let rejected = Err(OpeningError::InnerProducts);
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
    let mut later = case.transcript();
    later.absorb("something", &[]);
    let verifier = case.srs.verifier();
    assert_eq!(verify(verifier, c, &case.point, value, &proof, &mut later), rejected);
    let others = Srs::unsafe_from_known_secret(Fr::from(3u64), 6).unwrap();
    let transcript = &mut case.transcript();
    let verdict = verify(others.verifier(), c, &case.point, value, &proof, transcript);
    assert_eq!(verdict, Err(OpeningError::Rejected));
}

#[test]
fn provers_learn_that_a_claim_is_wrong() {
    let case = Case::new(4, 7);
    let attempt = |cells: &[Fr], point: &[Fr], value| {
        let transcript = &mut Transcript::new();
        open(&case.srs, cells, point, value, transcript).unwrap_err()
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
        assert_eq!(open(&case.srs, &case.cells, &point, case.value, transcript), Err(OpeningError::Variables { got }));
    }
    for cells in [&[][..], &case.cells[1..]] {
        let transcript = &mut Transcript::new();
        let got = open(&case.srs, cells, &case.point, case.value, transcript);
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
    let transcript = &mut Transcript::new();
    assert_eq!(open(&srs, &cells, &point, value, transcript), Err(OpeningError::Vanishing { element: "[q]" }));
    let zeros = vec![Fr::zero(); 16];
    let transcript = &mut Transcript::new();
    assert_eq!(open(&srs, &zeros, &point, Fr::zero(), transcript), Err(OpeningError::Vanishing { element: "[p]" }));
}

/// Challenges alpha and zeta that are as they are, and others.
struct Fixed([Fr; 2], Stream);

impl FiatShamir for Fixed {
    fn absorb(&mut self, _: &'static str, _: &[[u8; 32]]) {}

    fn challenge(&mut self, label: &'static str) -> Fr {
        let [alpha, zeta] = self.0;
        let other = self.1.scalar();
        match label {
            "opening alpha" => alpha,
            "opening zeta" => zeta,
            _ => other,
        }
    }
}

#[test]
fn a_challenge_without_an_inverse_is_refused() {
    let case = Case::new(4, 17);
    let (proof, three) = (case.open(), Fr::from(3u64));
    let fixed = || Fixed([three, Fr::zero()], Stream::new(18));
    let (srs, c, point, value) = (&case.srs, &case.commitment, &case.point, case.value);
    assert_eq!(verify(srs.verifier(), c, point, value, &proof, &mut fixed()), Err(OpeningError::Challenge));
    assert_eq!(open(srs, &case.cells, point, value, &mut fixed()), Err(OpeningError::Challenge));
}

/// Z has a double root there: an interpolant has the polynomial's derivative, and nothing is divided by zero.
#[test]
fn points_may_coincide() {
    let case = Case::new(4, 17);
    let three = Fr::from(3u64);
    let third = three.inverse().unwrap();
    let (srs, c, point, value) = (&case.srs, &case.commitment, &case.point, case.value);
    // (alpha, zeta)
    for pair in [[three, Fr::one()], [three, -Fr::one()], [three, three], [three, third], [Fr::one(), Fr::one()]] {
        let fixed = || Fixed(pair, Stream::new(18));
        let proof = open(srs, &case.cells, point, value, &mut fixed()).unwrap();
        assert_eq!(verify(srs.verifier(), c, point, value, &proof, &mut fixed()), Ok(()));
        let wrong = verify(srs.verifier(), c, point, value + Fr::one(), &proof, &mut fixed());
        assert_eq!(wrong, Err(OpeningError::InnerProducts));
    }
}
