use super::*;
use crate::testing::{Stream, srs};
use ark_bn254::G1Projective;
use ark_ff::One;

/// sum_i v_i [tau^i]_1, one by one.
fn naive(srs: &Srs, first: usize, values: &[Fr]) -> Commitment {
    let sum: G1Projective = srs.powers()[first..].iter().zip(values).map(|(power, value)| *power * value).sum();
    Commitment(sum.into_affine())
}

fn fields(values: &[i64]) -> Vec<Fr> {
    values.iter().map(|&value| Fr::from(value)).collect()
}

#[test]
fn commitments_are_sums_of_powers() {
    let srs = srs(6);
    let mut stream = Stream::new(1);
    for len in [0, 1, 2, 31, 32, 33, 64] {
        let values = stream.scalars(len);
        assert_eq!(commit(&srs, &values), Ok(naive(&srs, 0, &values)), "{len}");
    }
    let values = stream.scalars(10);
    assert_eq!(commit_at(&srs, 54, &values), Ok(naive(&srs, 54, &values)));
    assert_eq!(commit_at(&srs, 64, &[]), Ok(Commitment::default()));
    assert!(commit(&srs, &[Fr::zero(); 64]).unwrap().is_identity());
}

#[test]
fn a_known_secret_shows_the_polynomial() {
    // The commitment is f(tau) times the generator.
    let srs = Srs::unsafe_from_known_secret(Fr::from(10u64), 2).unwrap();
    let digits = fields(&[4, 3, 2, 1]);
    assert_eq!(commit(&srs, &digits).unwrap().point(), (G1Affine::generator() * Fr::from(1234u64)).into_affine());
}

#[test]
fn small_integers_are_field_elements() {
    let srs = srs(8);
    let mut stream = Stream::new(2);
    for bound in [1, 2, 100, 4095, 4096, 1 << 16, 1 << 20, 1 << 40, i64::MAX] {
        for len in [0, 1, 7, 100, 256] {
            let values: Vec<i64> = (0..len)
                .map(|_| if bound == i64::MAX { stream.number() as i64 >> 1 } else { stream.small(bound) })
                .collect();
            assert_eq!(
                commit_small(&srs, &values, bound as u64),
                commit(&srs, &fields(&values)),
                "{len} values up to {bound}"
            );
        }
    }
}

#[test]
fn small_integers_at_their_limits() {
    let srs = srs(4);
    for bound in [0, 1, 255, 256, 4095, (1 << 62) - 1, i64::MAX as u64] {
        let b = bound as i64;
        // Equal values meet in one sum, opposite ones cancel.
        for values in [vec![b, -b, b, b, -b, 0], vec![-b; 16], vec![b; 16], vec![0; 16]] {
            assert_eq!(commit_small(&srs, &values, bound), commit(&srs, &fields(&values)), "{bound}");
        }
    }
    let least = [i64::MIN, 3, i64::MIN];
    assert_eq!(commit_small(&srs, &least, 1 << 63), commit(&srs, &fields(&least)));
    assert_eq!(commit_small(&srs, &[i64::MAX, i64::MIN], u64::MAX), commit(&srs, &fields(&[i64::MAX, i64::MIN])));
}

#[test]
fn parts_of_a_column_add_up() {
    let srs = srs(6);
    let mut stream = Stream::new(3);
    let small: Vec<i64> = (0..40).map(|_| stream.small(4095)).collect();
    let masks = stream.scalars(8);
    let mut column = fields(&small);
    column.resize(56, Fr::zero());
    column.extend(&masks);
    let whole = commit(&srs, &column).unwrap();
    assert_eq!(commit_small(&srs, &small, 4095).unwrap() + commit_at(&srs, 56, &masks).unwrap(), whole);
    let cells: Vec<(usize, Fr)> = (56..).zip(masks).collect();
    assert_eq!(commit_small(&srs, &small, 4095).unwrap() + commit_sparse(&srs, &cells).unwrap(), whole);
    let twice = [cells[0], cells[0]];
    let double = (cells[0].0, cells[0].1 + cells[0].1);
    assert_eq!(commit_sparse(&srs, &twice), commit_sparse(&srs, &[double]));
}

#[test]
fn combinations_commit_to_combinations() {
    let srs = srs(4);
    let mut stream = Stream::new(4);
    let (v, w) = (stream.scalars(16), stream.scalars(16));
    let (a, b) = (stream.scalar(), stream.scalar());
    let sum: Vec<Fr> = v.iter().zip(&w).map(|(v, w)| a * v + b * w).collect();
    let (c_v, c_w) = (commit(&srs, &v).unwrap(), commit(&srs, &w).unwrap());
    assert_eq!(Commitment::combine(&[(a, c_v), (b, c_w)]), commit(&srs, &sum).unwrap());
    assert!(Commitment::combine(&[]).is_identity());
    assert!(Commitment::combine(&[(a, c_v), (-a, c_v)]).is_identity());
}

#[test]
fn cells_must_lie_in_the_column() {
    let srs = srs(4);
    let values = vec![Fr::one(); 17];
    let outside = |row| Err(CommitError::Row { row, rows: 16 });
    assert_eq!(commit(&srs, &values), outside(16));
    assert_eq!(commit_at(&srs, 1, &values[..16]), outside(16));
    assert_eq!(commit_at(&srs, 17, &[]), outside(17));
    assert_eq!(commit_at(&srs, usize::MAX, &values), outside(usize::MAX));
    assert_eq!(commit_small(&srs, &[1; 17], 1), outside(16));
    assert_eq!(commit_small_at(&srs, 15, &[1; 2], 1), outside(16));
    assert_eq!(commit_sparse(&srs, &[(3, Fr::one()), (16, Fr::one())]), outside(16));
}

#[test]
fn values_must_lie_in_their_bound() {
    let srs = srs(4);
    for value in [8, -8, i64::MIN] {
        let error = CommitError::Bound { row: 5, value, bound: 7 };
        assert_eq!(commit_small_at(&srs, 3, &[7, -7, value, 9], 7), Err(error));
    }
    let error = CommitError::Bound { row: 5, value: -8, bound: 7 };
    assert_eq!(error.to_string(), "the value -8 in row 5 is not in [-7, 7]");
}

#[test]
fn points_have_one_encoding() {
    let generator = Commitment::from(G1Affine::generator());
    let mut bytes = generator.to_bytes();
    assert_eq!(Commitment::from_bytes(&bytes), Ok(generator));
    assert_eq!(generator.to_words().concat(), bytes);
    bytes[63] = 3;
    assert_eq!(Commitment::from_bytes(&bytes), Err(PointError::NotOnCurve));
    // x = 1 + q is 1 in the field, and refused.
    let mut x = coordinate_to_word(&-Fq::one());
    x[31] += 2;
    bytes = generator.to_bytes();
    bytes[..32].copy_from_slice(&x);
    assert_eq!(Commitment::from_bytes(&bytes), Err(PointError::NotCanonical { got: x }));
    let identity = Commitment::default();
    assert_eq!(identity.to_bytes(), [0; 64]);
    assert_eq!(identity.to_words(), [[0; 32]; 2]);
    assert_eq!(Commitment::from_bytes(&[0; 64]), Err(PointError::Identity));
    assert_eq!(Commitment::from_bytes_or_identity(&[0; 64]), Ok(identity));
    // (q, q) and (0, q) are no identity either.
    x[31] -= 1;
    for bytes in [[x, x].concat(), [[0; 32], x].concat(), [x, [0; 32]].concat()] {
        assert_eq!(
            Commitment::from_bytes_or_identity(&bytes.try_into().unwrap()),
            Err(PointError::NotCanonical { got: x })
        );
    }
}

#[test]
fn random_points_survive_a_round_trip() {
    let mut stream = Stream::new(5);
    for _ in 0..20 {
        let point = Commitment::from((G1Affine::generator() * stream.scalar()).into_affine());
        assert_eq!(Commitment::from_bytes(&point.to_bytes()), Ok(point));
        let negated = Commitment::from(-point.point());
        assert!((point + negated).is_identity());
        assert_ne!(point.to_bytes(), negated.to_bytes());
    }
}
