//! Multi-scalar multiplication: `sum_i s_i P_i`.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::VariableBaseMSM;

/// For full-size scalars, as many as points.
pub(crate) fn full(points: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    G1Projective::msm_unchecked(points, scalars)
}

/// For integers in `[-bound, bound]`, as many as points.
pub(crate) fn small(points: &[G1Affine], scalars: &[i64], _bound: u64) -> G1Projective {
    let scalars: Vec<Fr> = scalars.iter().map(|&value| Fr::from(value)).collect();
    G1Projective::msm_unchecked(points, &scalars)
}
