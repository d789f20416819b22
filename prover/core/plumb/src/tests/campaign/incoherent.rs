//! Damage of what an honest prover and an honest setup have made; nothing after it is made anew.

use super::attempts::{Attempt, Proof, WithKey};
use super::cases::Case;
use super::words::*;
use super::{Classes, Found, World};
use crate::field::{Fr, Word, to_word};
use crate::keys::ProvingKey;
use crate::kzg::{Kzg, KzgCommitter};
use crate::prove::prove_with;
use crate::randomness::Seeded;
use crate::srs::Srs;
use crate::transcript::keccak;
use ark_bn254::{Fq, Fq2, G2Affine};
use ark_ff::PrimeField;
use std::sync::Arc;

fn word(bytes: &mut [u8], i: usize) -> &mut Word {
    &mut bytes.as_chunks_mut().0[i]
}

fn bit(bytes: &mut [u8], rng: &mut Seeded) {
    let at = rng.below(bytes.len() as u64) as usize;
    bytes[at] ^= 1 << rng.below(8);
}

fn one_of<'a, T>(items: &'a [T], rng: &mut Seeded) -> &'a T {
    &items[rng.below(items.len() as u64) as usize]
}

/// The honest proof, damaged.
fn proof(case: &Case, edit: impl FnOnce(&mut Vec<u8>)) -> Found {
    let mut attempt = Proof::honest(case);
    edit(&mut attempt.proof);
    let changed = attempt.proof != case.proofs[0];
    changed.then(|| Box::new(attempt) as Box<dyn Attempt>)
}

fn public(case: &Case, edit: impl FnOnce(&mut Vec<Word>)) -> Found {
    let mut attempt = Proof::honest(case);
    edit(&mut attempt.public);
    (attempt.public != case.public).then(|| Box::new(attempt) as Box<dyn Attempt>)
}

fn ctx(case: &Case, ctx: Word) -> Found {
    let attempt = Proof { ctx, ..Proof::honest(case) };
    (ctx != case.real.ctx).then(|| Box::new(attempt) as Box<dyn Attempt>)
}

fn key(case: &Case, edit: impl FnOnce(&mut Vec<u8>)) -> Found {
    let mut attempt = WithKey::honest(case);
    edit(&mut attempt.key);
    (attempt.key != case.key_bytes).then(|| Box::new(attempt) as Box<dyn Attempt>)
}

/// A part of the key: [tau]_1, [tau]_2, descriptor, commitments, registration.
fn part(case: &Case, which: usize, edit: impl FnOnce(&mut [u8])) -> Found {
    let parts = case.key_parts();
    let end = if which == 1 { 198 } else { parts[which + 1] };
    if parts[which] == end {
        return None;
    }
    key(case, |key| edit(&mut key[parts[which]..end]))
}

/// A point of the twist that is on the curve, and not in the subgroup.
fn outside_the_subgroup(rng: &mut Seeded) -> G2Affine {
    loop {
        let [a, b] = [rng.one(), rng.one()].map(|v| Fq::from_be_bytes_mod_order(&to_word(&v)));
        if let Some(p) = G2Affine::get_point_from_x_unchecked(Fq2::new(a, b), true)
            && !p.is_in_correct_subgroup_assuming_on_curve()
        {
            return p;
        }
    }
}

/// Damages [tau]_2: as words, imaginary part first.
fn second_group(bytes: &mut [u8], rng: &mut Seeded) {
    let i = rng.below(4) as usize;
    match rng.below(5) {
        0 => *word(bytes, i) = uncanonical_coordinate(word(bytes, i), rng),
        1 => word(bytes, i)[31] ^= 1 << rng.below(3),
        2 => bytes.fill(0),
        3 => {
            let p = outside_the_subgroup(rng);
            let coordinates = [p.x.c1, p.x.c0, p.y.c1, p.y.c0];
            bytes.copy_from_slice(coordinates.map(|v| crate::commit::coordinate_to_word(&v)).as_flattened());
        }
        _ => {
            let other = Srs::unsafe_from_known_secret(rng.one(), 1).unwrap();
            bytes.copy_from_slice(&other.verifier().to_bytes().1);
        }
    }
}

/// A proving key, damaged and sealed again, and a proof made with it, for the verifying key that was published.
fn proving_key(case: &Case, rng: &mut Seeded) -> Found {
    let mut bytes = case.real.key.to_bytes(case.scheme());
    let sealed = bytes.len() - 32;
    let from = 10 + case.key_bytes.len();
    let at = from + rng.below((sealed - from) as u64) as usize;
    bytes[at] ^= 1 << rng.below(8);
    let digest = keccak(&[&bytes[..sealed]]);
    bytes[sealed..].copy_from_slice(&digest);
    let (_, key) = ProvingKey::<Kzg>::from_bytes(&bytes).ok()?;
    if !super::cases::runs(&key, &case.real.inputs) {
        return None;
    }
    let committer: &KzgCommitter = &case.real.committer;
    let proven =
        prove_with(committer, &key, &case.real.inputs, case.real.committed.as_ref(), &case.real.ctx, rng).ok()?;
    Some(Box::new(Proof::of(&case.real, proven.proof, proven.public_inputs)))
}

fn scalars(case: &Case) -> Vec<usize> {
    places(case.layout()).1
}

fn points(case: &Case) -> Vec<usize> {
    places(case.layout()).0
}

fn scalar(case: &Case, how: OfScalar, rng: &mut Seeded) -> Found {
    let at = *one_of(&scalars(case), rng);
    proof(case, |p| damage_scalar(word(p, at), how, rng))
}

fn point(case: &Case, how: OfPoint, rng: &mut Seeded) -> Found {
    let at = *one_of(&points(case), rng);
    proof(case, |p| damage_point(&mut p.as_chunks_mut().0[at..at + 2], how, rng))
}

fn swapped(case: &Case, at: &[usize], width: usize, rng: &mut Seeded) -> Found {
    let (i, j) = (*one_of(at, rng), *one_of(at, rng));
    proof(case, |p| (0..width).for_each(|k| p.as_chunks_mut::<32>().0.swap(i + k, j + k)))
}

fn another<'a>(world: &'a World, case: &Case, rng: &mut Seeded) -> Option<&'a Arc<Case>> {
    let other = one_of(&world.cases, rng);
    (other.name != case.name).then_some(other)
}

/// A public output or input, as a number of its word.
fn value(case: &Case, rng: &mut Seeded) -> usize {
    let commitment = if case.layout().commits_input() { 2 } else { 0 };
    commitment + rng.below((case.public.len() - commitment) as u64) as usize
}

#[rustfmt::skip]
pub(super) const CLASSES: Classes = &[
    // name, mutations of the full campaign by tier
    ("proof: a bit", [2000, 1500, 400, 200], |_, case, rng| proof(case, |p| bit(p, rng))),
    ("proof: bits", [500, 500, 100, 50], |_, case, rng| proof(case, |p| (0..2 + rng.below(9)).for_each(|_| bit(p, rng)))),
    ("proof: a scalar + 1", [1200, 800, 200, 100], |_, case, rng| scalar(case, OfScalar::PlusOne, rng)),
    ("proof: a scalar negated", [300, 300, 50, 50], |_, case, rng| scalar(case, OfScalar::Negated, rng)),
    ("proof: a scalar zero", [500, 500, 100, 50], |_, case, rng| scalar(case, OfScalar::Zero, rng)),
    ("proof: a scalar at random", [500, 500, 100, 50], |_, case, rng| scalar(case, OfScalar::Random, rng)),
    ("proof: a scalar + r", [1200, 1500, 200, 100], |_, case, rng| scalar(case, OfScalar::Uncanonical, rng)),
    ("proof: scalars swapped", [500, 500, 100, 50], |_, case, rng| swapped(case, &scalars(case), 1, rng)),
    ("proof: points swapped", [500, 500, 100, 50], |_, case, rng| swapped(case, &points(case), 2, rng)),
    ("proof: a point negated", [500, 500, 100, 50], |_, case, rng| point(case, OfPoint::Negated, rng)),
    ("proof: a point + G", [300, 300, 50, 50], |_, case, rng| point(case, OfPoint::PlusGenerator, rng)),
    ("proof: a point at random", [300, 300, 50, 50], |_, case, rng| point(case, OfPoint::Random, rng)),
    ("proof: the identity", [800, 500, 100, 50], |_, case, rng| point(case, OfPoint::Identity, rng)),
    ("proof: a point off the curve", [500, 500, 100, 50], |_, case, rng| point(case, OfPoint::OffCurve, rng)),
    ("proof: a coordinate + q", [1000, 1000, 100, 50], |_, case, rng| point(case, OfPoint::Uncanonical, rng)),
    ("proof: a coordinate 2^256 - 1", [200, 200, 50, 50], |_, case, rng| point(case, OfPoint::Largest, rng)),
    ("proof: a word zero", [300, 300, 50, 50], |_, case, rng| {
        { let at = rng.below(case.proofs[0].len() as u64 / 32) as usize; proof(case, |p| *word(p, at) = [0; 32]) }
    }),
    ("proof: truncated", [300, 500, 50, 50], |_, case, rng| {
        proof(case, |p| p.truncate(p.len() - 1 - rng.below(p.len() as u64) as usize))
    }),
    ("proof: a word less", [200, 200, 50, 50], |_, case, _| proof(case, |p| p.truncate(p.len() - 32))),
    ("proof: extended", [500, 500, 50, 50], |_, case, rng| {
        proof(case, |p| p.extend(vec![rng.below(256) as u8; [32, 64, 1 + rng.below(64) as usize][rng.below(3) as usize]]))
    }),
    ("proof: a word in between", [200, 200, 50, 50], |_, case, rng| proof(case, |p| {
        let at = 32 * rng.below(p.len() as u64 / 32) as usize;
        p.splice(at..at, to_word(&rng.one()));
    })),
    ("proof: another model's", [300, 300, 100, 100], |world, case, rng| {
        let other = another(world, case, rng)?;
        proof(case, |p| *p = other.proofs[rng.below(2) as usize].clone())
    }),
    ("proof: spliced of two honest ones", [800, 800, 100, 100], |_, case, rng| {
        let n = case.proofs[0].len() / 32;
        let from = rng.below(n as u64) as usize;
        let to = from + 1 + rng.below((n - from) as u64) as usize;
        if to - from == n { return None }
        proof(case, |p| p[32 * from..32 * to].copy_from_slice(&case.proofs[1][32 * from..32 * to]))
    }),
    ("public: a bit", [500, 800, 100, 50], |_, case, rng| public(case, |p| bit(p.as_flattened_mut(), rng))),
    ("public: a value + 1", [700, 700, 100, 50], |_, case, rng| {
        let at = value(case, rng);
        public(case, |p| damage_scalar(&mut p[at], OfScalar::PlusOne, rng))
    }),
    ("public: a value + r", [700, 700, 100, 50], |_, case, rng| {
        let at = value(case, rng);
        public(case, |p| p[at] = uncanonical_scalar(&p[at], rng))
    }),
    ("public: a value zero", [200, 200, 50, 50], |_, case, rng| {
        let at = value(case, rng);
        public(case, |p| p[at] = [0; 32])
    }),
    ("public: a value at random", [300, 300, 50, 50], |_, case, rng| {
        let at = value(case, rng);
        public(case, |p| p[at] = to_word(&rng.one()))
    }),
    ("public: beyond its domain", [300, 300, 50, 50], |_, case, rng| {
        let (at, [low, high]) = (value(case, rng), case.layout().output_domain());
        let far = 1 + rng.below(1 << 20) as i64;
        public(case, |p| p[at] = to_word(&Fr::from(if rng.below(2) == 0 { high + far } else { low - far })))
    }),
    ("public: values swapped", [300, 500, 50, 50], |_, case, rng| {
        let (i, j) = (value(case, rng), value(case, rng));
        public(case, |p| p.swap(i, j))
    }),
    ("public: fewer", [200, 200, 20, 20], |_, case, rng| {
        public(case, |p| p.truncate(p.len() - 1 - rng.below(p.len() as u64) as usize))
    }),
    ("public: more", [200, 200, 20, 20], |_, case, rng| {
        public(case, |p| p.extend(vec![[0; 32]; 1 + rng.below(3) as usize]))
    }),
    ("public: another model's", [200, 200, 20, 20], |world, case, rng| {
        let other = another(world, case, rng)?;
        public(case, |p| *p = other.public.clone())
    }),
    ("public: the input's commitment", [900, 0, 0, 0], |_, case, rng| {
        if !case.layout().commits_input() { return None }
        public(case, |p| damage_point(&mut p[..2], *one_of(&OF_POINT, rng), rng))
    }),
    ("context: a bit", [700, 700, 100, 50], |_, case, rng| ctx(case, {
        let mut ctx = case.real.ctx;
        bit(&mut ctx, rng);
        ctx
    })),
    ("context: another", [300, 300, 50, 50], |world, case, rng| {
        let other = another(world, case, rng)?;
        ctx(case, one_of(&[other.real.ctx, [0; 32], case.real.verifying().circuit_id, to_word(&rng.one())], rng).to_owned())
    }),
    ("key: a bit", [900, 700, 150, 50], |_, case, rng| key(case, |key| bit(key, rng))),
    ("key: kind and version", [300, 100, 0, 0], |_, case, rng| key(case, |key| bit(&mut key[..6], rng))),
    ("key: [tau]_1", [500, 200, 0, 0], |_, case, rng| {
        part(case, 0, |p| damage_point(p.as_chunks_mut().0, *one_of(&OF_POINT, rng), rng))
    }),
    ("key: [tau]_2", [700, 200, 0, 0], |_, case, rng| part(case, 1, |p| second_group(p, rng))),
    ("key: of other parameters", [200, 100, 20, 0], |_, case, rng| {
        let (g1, g2) = Srs::unsafe_from_known_secret(rng.one(), 1).unwrap().verifier().to_bytes();
        key(case, |key| { key[6..70].copy_from_slice(&g1); key[70..198].copy_from_slice(&g2) })
    }),
    ("key: a bit of the descriptor", [1500, 800, 200, 50], |_, case, rng| part(case, 2, |p| bit(p, rng))),
    ("key: a byte of the descriptor", [800, 400, 100, 50], |_, case, rng| part(case, 2, |p| {
        let at = rng.below(p.len() as u64) as usize;
        p[at] = *one_of(&[0, 1, 2, 3, 0x7f, 0x80, 0xff, rng.below(256) as u8], rng);
    })),
    ("key: the descriptor's head", [500, 100, 0, 0], |_, case, rng| part(case, 2, |p| bit(&mut p[..6], rng))),
    ("key: a longer descriptor", [300, 100, 0, 0], |_, case, rng| key(case, |key| {
        let [_, _, start, end, ..] = case.key_parts();
        let extra = vec![rng.below(256) as u8; 1 + rng.below(40) as usize];
        key[start - 4..start].copy_from_slice(&((end - start + extra.len()) as u32).to_be_bytes());
        key.splice(end..end, extra);
    })),
    ("key: a shorter descriptor", [300, 100, 0, 0], |_, case, rng| key(case, |key| {
        let [_, _, start, end, ..] = case.key_parts();
        let less = 1 + rng.below((end - start - 1) as u64) as usize;
        key[start - 4..start].copy_from_slice(&((end - start - less) as u32).to_be_bytes());
        key.drain(end - less..end);
    })),
    ("key: a commitment", [1000, 500, 100, 50], |_, case, rng| part(case, 3, |p| {
        let at = rng.below(p.len() as u64 / 64) as usize;
        damage_point(&mut p.as_chunks_mut().0[2 * at..2 * at + 2], *one_of(&OF_POINT, rng), rng);
    })),
    ("key: commitments swapped", [200, 200, 0, 20], |_, case, rng| {
        let n = case.layout().chunks() as u64;
        let (i, j) = (2 * rng.below(n) as usize, 2 * rng.below(n) as usize);
        part(case, 3, |p| (0..2).for_each(|k| p.as_chunks_mut::<32>().0.swap(i + k, j + k)))
    }),
    ("key: truncated", [300, 200, 20, 0], |_, case, rng| key(case, |key| key.truncate(rng.below(key.len() as u64) as usize))),
    ("key: extended", [300, 200, 20, 0], |_, case, rng| key(case, |key| key.extend(vec![rng.below(256) as u8; 1 + rng.below(64) as usize]))),
    ("key: another model's", [200, 200, 20, 20], |world, case, rng| {
        let other = another(world, case, rng)?;
        key(case, |key| *key = other.key_bytes.clone())
    }),
    ("key: not registered", [300, 100, 0, 0], |_, case, _| {
        if !case.hidden_weights() { return None }
        let mut key = case.real.verifying().clone();
        key.registration = vec![];
        Some(Box::new(Proof { key: Some(key), ..Proof::honest(case) }))
    }),
    ("registration: a bit", [600, 300, 50, 20], |_, case, rng| part(case, 4, |p| bit(p, rng))),
    ("registration: a scalar", [500, 300, 50, 20], |_, case, rng| {
        let at = *one_of(&places(&case.layout().registration()).1, rng);
        part(case, 4, |p| damage_scalar(word(p, at), *one_of(&OF_SCALAR, rng), rng))
    }),
    ("registration: a point", [500, 300, 50, 20], |_, case, rng| {
        let at = *one_of(&places(&case.layout().registration()).0, rng);
        part(case, 4, |p| damage_point(&mut p.as_chunks_mut().0[at..at + 2], *one_of(&OF_POINT, rng), rng))
    }),
    ("registration: another key's", [200, 100, 20, 0], |world, case, rng| {
        let other = another(world, case, rng)?;
        let (from, to) = (other.key_parts(), case.key_parts());
        let registration = &other.key_bytes[from[4]..];
        if registration.is_empty() || to[4] == to[5] { return None }
        key(case, |key| { key.truncate(to[4]); key.extend(registration) })
    }),
    ("proving key: sealed again", [300, 150, 0, 0], |_, case, rng| proving_key(case, rng)),
];
