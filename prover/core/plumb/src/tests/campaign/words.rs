//! Damages of words: of scalars, of points, of bytes.

use crate::commit::{g1_from_bytes, g1_to_bytes};
use crate::field::{Fr, Word, from_word, to_word};
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::transcript::Edit;
use ark_bn254::{Fq, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, One, PrimeField};
use std::sync::Arc;

/// A word plus a number, both big-endian; `None` where that has no 32 bytes.
fn plus(word: &Word, other: &Word) -> Option<Word> {
    let (mut out, mut carry) = ([0; 32], 0u16);
    for i in (0..32).rev() {
        let sum = u16::from(word[i]) + u16::from(other[i]) + carry;
        (out[i], carry) = (sum as u8, sum >> 8);
    }
    (carry == 0).then_some(out)
}

/// The same element in another encoding: plus once or several times the modulus.
fn uncanonical<F: PrimeField>(word: &Word, rng: &mut Seeded) -> Word {
    let modulus: Word = F::MODULUS.to_bytes_be().try_into().unwrap();
    let times = 1 + rng.below(4);
    let mut out = plus(word, &modulus).unwrap();
    for _ in 1..times {
        out = plus(&out, &modulus).unwrap_or(out);
    }
    out
}

pub(super) fn uncanonical_scalar(word: &Word, rng: &mut Seeded) -> Word {
    uncanonical::<Fr>(word, rng)
}

pub(super) fn uncanonical_coordinate(word: &Word, rng: &mut Seeded) -> Word {
    uncanonical::<Fq>(word, rng)
}

/// Where points and scalars are in the words of a proof: the first words of points, and scalars.
pub(super) fn places(layout: &Layout) -> (Vec<usize>, Vec<usize>) {
    let commitments = layout.phase1().len() + layout.masks().len() + layout.phase2().len();
    let scalars = layout.degrees_a().words()
        + layout.degrees_d().words()
        + 2
        + layout.evaluated()
        + if layout.has_products() { 2 } else { 0 };
    let opening = 2 * commitments + scalars;
    let mut points: Vec<usize> = (0..commitments).map(|i| 2 * i).collect();
    points.extend([0, 2, 4, 6, 8, 17, 19].map(|i| opening + i));
    let mut out: Vec<usize> = (2 * commitments..opening).collect();
    out.extend(opening + 10..opening + 17);
    (points, out)
}

fn point(words: &[Word]) -> Option<G1Affine> {
    g1_from_bytes(words.as_flattened().try_into().unwrap(), crate::commit::Encoding::Any).ok()
}

fn set_point(words: &mut [Word], point: &G1Affine) {
    words.copy_from_slice(g1_to_bytes(point).as_chunks().0);
}

/// Damages of a point.
#[derive(Clone, Copy, Debug)]
pub(super) enum OfPoint {
    Negated,
    PlusGenerator,
    Random,
    Identity,
    OffCurve,
    Uncanonical,
    Largest,
}
pub(super) const OF_POINT: [OfPoint; 7] = [
    OfPoint::Negated,
    OfPoint::PlusGenerator,
    OfPoint::Random,
    OfPoint::Identity,
    OfPoint::OffCurve,
    OfPoint::Uncanonical,
    OfPoint::Largest,
];

/// Damages the two words of a point.
pub(super) fn damage_point(words: &mut [Word], how: OfPoint, rng: &mut Seeded) {
    let (old, which) = (point(words), rng.below(2) as usize);
    match how {
        OfPoint::Negated => {
            if let Some(p) = old {
                set_point(words, &-p);
            }
        }
        OfPoint::PlusGenerator => {
            if let Some(p) = old {
                set_point(words, &(p + G1Affine::generator()).into_affine());
            }
        }
        OfPoint::Random => set_point(words, &(G1Affine::generator() * rng.one()).into_affine()),
        OfPoint::Identity => words.fill([0; 32]),
        OfPoint::OffCurve => words[which][31] ^= 1 << rng.below(3),
        OfPoint::Uncanonical => words[which] = uncanonical_coordinate(&words[which], rng),
        OfPoint::Largest => words[which] = [0xff; 32],
    }
}

/// Damages of a scalar.
#[derive(Clone, Copy, Debug)]
pub(super) enum OfScalar {
    PlusOne,
    Negated,
    Zero,
    Random,
    Uncanonical,
    Bit,
}
pub(super) const OF_SCALAR: [OfScalar; 6] =
    [OfScalar::PlusOne, OfScalar::Negated, OfScalar::Zero, OfScalar::Random, OfScalar::Uncanonical, OfScalar::Bit];

/// Damages a scalar.
pub(super) fn damage_scalar(word: &mut Word, how: OfScalar, rng: &mut Seeded) {
    let old = from_word(word).unwrap_or_default();
    *word = match how {
        OfScalar::PlusOne => to_word(&(old + Fr::one())),
        OfScalar::Negated => to_word(&-old),
        OfScalar::Zero => [0; 32],
        OfScalar::Random => to_word(&rng.one()),
        OfScalar::Uncanonical => uncanonical_scalar(word, rng),
        OfScalar::Bit => {
            word[rng.below(32) as usize] ^= 1 << rng.below(8);
            *word
        }
    };
}

/// Whether a message is made of points.
pub(super) fn of_points(label: &str) -> bool {
    let opening = ["opening p", "opening q g", "opening s d", "opening w", "opening w'"];
    ["phase 1", "phase 2"].contains(&label) || opening.contains(&label)
}

/// A damage of a message, by the label that it has: the same for the same seed, and never none.
pub(super) fn edit(label: &str, seed: u64) -> Edit {
    let points = of_points(label);
    Arc::new(move |words: &mut [Word]| {
        let (mut rng, before) = (Seeded::new(seed), words.to_vec());
        while words == before {
            let n = words.len() as u64;
            if points {
                let (i, j) = (2 * rng.below(n / 2) as usize, 2 * rng.below(n / 2) as usize);
                match rng.below(OF_POINT.len() as u64 + 1) as usize {
                    0 => (0..2).for_each(|k| words.swap(i + k, j + k)),
                    how => damage_point(&mut words[i..i + 2], OF_POINT[how - 1], &mut rng),
                }
            } else {
                let (i, j) = (rng.below(n) as usize, rng.below(n) as usize);
                match rng.below(OF_SCALAR.len() as u64 + 1) as usize {
                    0 => words.swap(i, j),
                    how => damage_scalar(&mut words[i], OF_SCALAR[how - 1], &mut rng),
                }
            }
        }
    })
}
