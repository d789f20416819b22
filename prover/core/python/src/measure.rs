//! What a proof's multi-scalar multiplications take alone, by the fastest library at hand: a yardstick for benchmarks.

use crate::keys::{Srs, VerifyingKey};
use crate::work::detached;
use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::VariableBaseMSM;
use plumb::layout::Layout;
use pyo3::prelude::*;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

/// Two of an opening are as long as a column; the others are square roots of that.
const OPENING: usize = 2;

/// Scalars without structure; nothing depends on their values.
fn scalars(n: usize) -> Vec<Fr> {
    let step = |v: &Fr| Some(*v * v + Fr::from(7u64));
    std::iter::successors(Some(Fr::from(3u64)), step).skip(16).take(n).collect()
}

fn seconds(powers: &[G1Affine], layout: &Layout) -> f64 {
    let points = &powers[..layout.rows()];
    let large = scalars(points.len());
    let bits = 12;
    let small: Vec<u16> = (0..points.len()).map(|i| (i * 2_654_435_761 % (1 << bits)) as u16).collect();
    let pads = layout.rows() - layout.active_rows();
    let full = layout.masks().len() + layout.phase2().len() + OPENING;
    let start = Instant::now();
    for _ in layout.phase1() {
        let _ = black_box(G1Projective::msm_u16(points, &small));
        let _ = black_box(G1Projective::msm_unchecked(&points[..pads], &large[..pads]));
    }
    for _ in 0..full {
        let _ = black_box(G1Projective::msm_unchecked(points, &large));
    }
    start.elapsed().as_secs_f64()
}

/// Returns the seconds that the multi-scalar multiplications of one proof take by ark-ec: small integers and pad rows for
/// columns of phase 1, full-size scalars for the others.
#[pyfunction]
pub(crate) fn msm_seconds(py: Python<'_>, srs: &Bound<'_, Srs>, vk: &Bound<'_, VerifyingKey>) -> PyResult<f64> {
    let (srs, vk) = (srs.get(), vk.get());
    srs.fits(&vk.scheme, vk.key.layout().c())?;
    detached(py, || Ok::<_, Infallible>(seconds(srs.committer.srs().powers(), vk.key.layout())))
}
