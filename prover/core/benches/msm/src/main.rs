//! Measures multi-scalar multiplication over BN254: `ark-ec` against `halo2curves`.
//!
//! Prints a Markdown table of medians in milliseconds. Both libraries get the same points, and the
//! sums are compared.
#![forbid(unsafe_code)]

use std::time::Instant;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInteger, PrimeField};
use halo2curves::bn256;
use halo2curves::ff::PrimeField as _;
use halo2curves::group::Curve as _;
use halo2curves::msm::msm_best;

const RUNS: usize = 7;

/// SplitMix64: a fixed stream, so that each run measures the same.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn scalar(&mut self) -> Fr {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.next().to_le_bytes()).collect();
        Fr::from_le_bytes_mod_order(&bytes)
    }
}

fn to_bytes(value: impl PrimeField) -> [u8; 32] {
    value.into_bigint().to_bytes_le().try_into().expect("32 bytes")
}

fn other_scalar(value: &Fr) -> bn256::Fr {
    bn256::Fr::from_repr(to_bytes(*value).into()).expect("below the modulus")
}

fn other_point(point: &G1Affine) -> bn256::G1Affine {
    let (x, y) = point.xy().expect("not the identity");
    let coordinate = |value| bn256::Fq::from_repr(to_bytes(value).into()).expect("below the modulus");
    bn256::G1Affine { x: coordinate(x), y: coordinate(y) }
}

/// The median of the times of `RUNS` runs after one that is not counted, in milliseconds.
fn median<T>(mut run: impl FnMut() -> T) -> (f64, T) {
    let mut value = run();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            value = run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[RUNS / 2], value)
}

fn row(log_size: u32, threads: usize, kind: &str, bases: &[G1Affine], scalars: &[Fr], small: Option<&[u16]>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
    let others: Vec<_> = bases.iter().map(other_point).collect();
    let other_scalars: Vec<_> = scalars.iter().map(other_scalar).collect();
    let (ark, sum) = pool.install(|| median(|| G1Projective::msm_unchecked(bases, scalars)));
    let (halo2, other_sum) = pool.install(|| median(|| msm_best(&other_scalars, &others)));
    assert!(other_point(&sum.into_affine()) == other_sum.to_affine(), "the libraries disagree");
    let typed = small.map_or("-".to_owned(), |small| {
        let (time, typed_sum) = pool.install(|| median(|| G1Projective::msm_u16(bases, small)));
        assert!(typed_sum == sum, "msm_u16 disagrees");
        format!("{time:.1}")
    });
    println!("| 2^{log_size} | {kind} | {threads} | {ark:.1} | {typed} | {halo2:.1} |");
}

fn main() {
    println!("| points | scalars | threads | ark-ec `msm` | ark-ec `msm_u16` | halo2curves `msm_best` |");
    println!("|---|---|---|---|---|---|");
    for log_size in [14, 16, 18] {
        let size = 1 << log_size;
        let mut stream = Stream(log_size.into());
        // Multiples 1, 2, 3, .. of one point: cheap, and all different.
        let step = G1Affine::generator() * stream.scalar();
        let mut next = step;
        let points: Vec<G1Projective> = (0..size).map(|_| { next += step; next }).collect();
        let bases = G1Projective::normalize_batch(&points);
        let full: Vec<Fr> = (0..size).map(|_| stream.scalar()).collect();
        let words: Vec<u16> = (0..size).map(|_| stream.next() as u16).collect();
        let unsigned: Vec<Fr> = words.iter().map(|&word| Fr::from(word)).collect();
        let signed: Vec<Fr> = words.iter().map(|&word| Fr::from(word as i16)).collect();
        for threads in [2, 1] {
            row(log_size, threads, "full", &bases, &full, None);
            row(log_size, threads, "16 bits", &bases, &unsigned, Some(&words));
            row(log_size, threads, "16 bits, signed", &bases, &signed, None);
        }
    }
}
