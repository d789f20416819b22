//! Measures multi-scalar multiplication over BN254: `ark-ec`, `halo2curves`, and Plumb's own.
//!
//! Prints a Markdown table. All get the same points, and the sums are compared.
#![forbid(unsafe_code)]

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInteger, PrimeField};
use halo2curves::bn256;
use halo2curves::ff::PrimeField as _;
use halo2curves::group::Curve as _;
use halo2curves::msm::msm_best;
use plumb::commit::{commit, commit_small};
use plumb::srs::Srs;
use plumb_bench::{Stream, measure};

fn to_bytes(value: impl PrimeField) -> [u8; 32] {
    value
        .into_bigint()
        .to_bytes_le()
        .try_into()
        .expect("32 bytes")
}

fn other_scalar(value: &Fr) -> bn256::Fr {
    bn256::Fr::from_repr(to_bytes(*value).into()).expect("below the modulus")
}

fn other_point(point: &G1Affine) -> bn256::G1Affine {
    let (x, y) = point.xy().expect("not the identity");
    let coordinate =
        |value| bn256::Fq::from_repr(to_bytes(value).into()).expect("below the modulus");
    bn256::G1Affine {
        x: coordinate(x),
        y: coordinate(y),
    }
}

/// The scalars of one row: as field elements, and as integers with their bound where they are small.
struct Scalars {
    kind: &'static str,
    fields: Vec<Fr>,
    small: Option<(Vec<i64>, u64)>,
}

fn row(srs: &Srs, threads: usize, scalars: &Scalars) {
    let bases = srs.powers();
    let others: Vec<_> = bases.iter().map(other_point).collect();
    let other_scalars: Vec<_> = scalars.fields.iter().map(other_scalar).collect();
    let (ark, sum) = measure(threads, || {
        G1Projective::msm_unchecked(bases, &scalars.fields)
    });
    let (halo2, other_sum) = measure(threads, || msm_best(&other_scalars, &others));
    assert!(
        other_point(&sum.into_affine()) == other_sum.to_affine(),
        "the libraries disagree"
    );
    let (own, own_sum) = measure(threads, || match &scalars.small {
        None => commit(srs, &scalars.fields),
        Some((values, bound)) => commit_small(srs, values, *bound),
    });
    assert_eq!(own_sum.map(|sum| sum.point()), Ok(sum.into_affine()));
    let typed = match &scalars.small {
        Some((values, 65535)) if values.iter().all(|value| *value >= 0) => {
            let words: Vec<u16> = values.iter().map(|value| *value as u16).collect();
            let (time, typed_sum) = measure(threads, || G1Projective::msm_u16(bases, &words));
            assert!(typed_sum == sum, "msm_u16 disagrees");
            time.to_string()
        }
        _ => "-".to_owned(),
    };
    println!(
        "| 2^{} | {} | {threads} | {ark} | {typed} | {halo2} | {own} |",
        srs.log_size(),
        scalars.kind
    );
}

fn small(kind: &'static str, values: Vec<i64>, bound: u64) -> Scalars {
    Scalars {
        kind,
        fields: values.iter().map(|value| Fr::from(*value)).collect(),
        small: Some((values, bound)),
    }
}

fn main() {
    println!(
        "| points | scalars | threads | ark-ec `msm` | ark-ec `msm_u16` | halo2curves `msm_best` | Plumb |"
    );
    println!("|---|---|---|---|---|---|---|");
    for log_size in [14, 16, 18] {
        let mut stream = Stream(log_size.into());
        let srs = Srs::unsafe_from_known_secret(stream.scalar(), log_size).expect("parameters");
        let mut words = |shift: u32| {
            (0..1 << log_size)
                .map(|_| (stream.word() as i64) >> shift)
                .collect::<Vec<_>>()
        };
        let signed = words(48);
        let unsigned = words(48)
            .iter()
            .map(|value| value.unsigned_abs() as i64 * 2 % 65536)
            .collect();
        let activations = words(52);
        let full = Scalars {
            kind: "full",
            fields: (0..1 << log_size).map(|_| stream.scalar()).collect(),
            small: None,
        };
        let rows = [
            full,
            small("16 bits", unsigned, 65535),
            small("16 bits, signed", signed, 32768),
            small("12 bits, signed", activations, 2048),
        ];
        for threads in [2, 1] {
            for scalars in &rows {
                row(&srs, threads, scalars);
            }
        }
    }
}
