//! Damage after which everything is made anew, as an attacker would: the prover goes on from it, so that only the check
//! that it is about refuses.

use super::attempts::{Proof, WithKey};
use super::cases::{Bench, Case};
use super::prover::{Columns, Forged, Made, Masks, is_sent, proof_of};
use super::words::*;
use super::{Classes, Found};
use crate::descriptor::{Column, Layer};
use crate::field::{Fr, Word, power_of_two};
use crate::keys::{VerifyingKey, key_of_chunks};
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::lookup::multiplicities;
use crate::opening;
use crate::opening::tests::forged::{Weakness, forge};
use crate::prove::Total;
use crate::randomness::Seeded;
use crate::ranges::weight_blocks;
use crate::register;
use crate::scheme::{Committer, Scheme};
use crate::srs::Srs;
use crate::transcript::{Script, Tape, keccak};
use crate::witness::{Trace, execute, execute_tampered};
use ark_ff::{Field, One, Zero};
use std::sync::Arc;

fn below(rng: &mut Seeded, n: usize) -> usize {
    rng.below(n as u64) as usize
}

fn found<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, made: Made) -> Found {
    Some(Box::new(Proof::of(bench, made.proof, made.public)))
}

fn honest<P: Committer>(bench: &Bench<P>) -> Columns {
    Columns::honest(bench.layout(), &bench.key.model, &bench.inputs)
}

/// One of the messages that are sent, from the n-th on; and an edit of it.
fn damage(messages: &[(String, Vec<Word>)], rng: &mut Seeded) -> (usize, crate::transcript::Edit) {
    loop {
        let at = below(rng, messages.len());
        if is_sent(&messages[at].0) && !messages[at].1.is_empty() {
            return (at, edit(&messages[at].0, rng.below(u64::MAX)));
        }
    }
}

/// Any message of a proof, damaged before it is absorbed.
fn message<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, count: &Case, rng: &mut Seeded) -> Found {
    let mut forged = Forged::honest(bench, &honest(bench));
    // the messages before the opening are alike in number and kind over every scheme
    let messages = match P::Scheme::COMMITMENT_WORDS {
        2 => &count.messages[..],
        _ => &count.messages[..count.messages.iter().position(|m| m.0 == OPENING)?],
    };
    let (at, change) = damage(messages, rng);
    if P::Scheme::COMMITMENT_WORDS != 2 && of_points(&messages[at].0) {
        return None;
    }
    forged.damage = Some((at, change));
    found(bench, forged.run(&bench.committer, rng)?)
}

/// The first message of an opening.
const OPENING: &str = "opening p";

/// The opening alone, from the state before it.
fn opening(case: &Case, rng: &mut Seeded, column: Option<&[Fr]>) -> Found {
    let end = &case.end;
    let first = case.messages.iter().position(|m| m.0 == OPENING)?;
    let mut transcript = end.transcript.clone();
    let (damage, value) = match column {
        None => (Some(damage(&case.messages[first..], rng)), end.value),
        // another column and its value
        Some(column) => (None, crate::closed_forms::evaluate(column, &end.point)),
    };
    let tape = Tape { damage, ..Tape::default() };
    transcript.tape = Some(tape.clone());
    let cells = column.unwrap_or(&end.column);
    opening::open(case.real.committer.srs(), cells, &end.point, value, &mut transcript).ok()?;
    let messages = std::mem::take(&mut *tape.messages.lock().unwrap());
    let before = proof_of(&case.messages[..first]);
    let proof = [before, proof_of(&messages)].concat();
    Some(Box::new(Proof::of(&case.real, proof, case.public.clone())))
}

/// An opening of the right column that has not its value: of another s, so that only the inner products are wrong.
fn another_value(case: &Case) -> Found {
    let (end, srs) = (&case.end, case.real.committer.srs());
    let first = case.messages.iter().position(|m| m.0 == OPENING)?;
    let transcript = &mut end.transcript.clone();
    transcript.tape = None;
    let forged = forge(srs, &end.column, &end.point, end.value, Weakness::LateClaim, transcript);
    let proof = [proof_of(&case.messages[..first]), forged.to_bytes().to_vec()].concat();
    Some(Box::new(Proof::of(&case.real, proof, case.public.clone())))
}

/// Another column than the one that is committed, with its own value at the point.
fn another_column(case: &Case, rng: &mut Seeded) -> Found {
    let mut column = case.end.column.clone();
    let at = below(rng, column.len());
    column[at] += rng.one();
    if rng.below(2) == 0 {
        // one of the same value at the point, by another cell: the same one would undo the change
        let other = (at + 1) % column.len();
        let value = crate::closed_forms::evaluate(&column, &case.end.point) - case.end.value;
        let mut vertex = vec![Fr::zero(); column.len()];
        vertex[other] = Fr::one();
        let weight = crate::closed_forms::evaluate(&vertex, &case.end.point);
        column[other] -= value * weight.inverse()?;
    }
    opening(case, rng, Some(&column))
}

/// Blocks that a prover may fill as it likes, but for the input, whose every value is a true statement about another input.
fn blocks(layout: &Layout, trace: &Trace) -> Vec<usize> {
    let input = layout.descriptor().layers.iter().find_map(|layer| match layer {
        Layer::Input { block, .. } => Some(usize::from(*block)),
        _ => None,
    });
    let stored = |i: &usize| !trace.cells[*i].is_empty() && layout.descriptor().blocks[*i].column != Column::Input;
    (0..trace.cells.len()).filter(|i| Some(*i) != input).filter(stored).collect()
}

fn total(rng: &mut Seeded) -> Total {
    if rng.below(2) == 0 { Total::Zero } else { Total::True }
}

fn attempt<P: Committer + Send + 'static>(
    bench: &Arc<Bench<P>>,
    columns: Columns,
    rng: &mut Seeded,
    change: impl FnOnce(&mut Forged<'_, P::Scheme>),
) -> Found {
    let mut forged = Forged::honest(bench, &columns);
    change(&mut forged);
    let made = forged.run(&bench.committer, rng)?;
    found(bench, made)
}

/// A cell that is not what the model gives; later layers follow from it, or do not.
fn cell<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded, follow: bool) -> Found {
    let (layout, model) = (bench.layout(), &bench.key.model);
    let mut trace = execute(layout, model, &bench.inputs).ok()?;
    let blocks = blocks(layout, &trace);
    let block = blocks[below(rng, blocks.len())];
    let at = below(rng, trace.cells[block].len());
    let by = [1, -1, 2, 16, -16, 1 << 20][below(rng, 6)];
    if follow {
        let mut tamper = |id: u16, trace: &mut Trace| {
            if usize::from(id) == block {
                trace.cells[block][at] += by;
            }
        };
        trace = execute_tampered(layout, model, &bench.inputs, &mut tamper);
    } else {
        trace.cells[block][at] += by;
    }
    let total = total(rng);
    attempt(bench, Columns::of(layout, &trace), rng, |forged| forged.total = total)
}

/// Outputs that the model does not give, in their domain.
fn output<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let mut columns = honest(bench);
    let [low, high] = bench.layout().output_domain();
    let at = below(rng, columns.outputs.len());
    let other = Fr::from(rng.between(low, high));
    if columns.outputs[at] == other {
        return None;
    }
    columns.outputs[at] = other;
    attempt(bench, columns, rng, |_| {})
}

/// `out + k 2^-S` with `rem - k`: an honest proof of a number that is no integer.
fn fraction<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let layout = bench.layout();
    let Some(Layer::Linear(last)) = layout.public_layer() else { return None };
    let mut trace = execute(layout, &bench.key.model, &bench.inputs).ok()?;
    let limb = usize::from(*last.remainders.first()?);
    let at = below(rng, trace.cells[limb].len());
    let by = rng.between(0, trace.cells[limb][at]);
    if by == 0 {
        return None;
    }
    // a scaled copy of the limb, where its range is tight
    if last.remainders.len() == 1 && last.tight.is_some() {
        let tight = last.tight.as_ref()?;
        let scale = layout.descriptor().range_bits - tight.bits;
        trace.cells[usize::from(tight.block)][at] -= by << scale;
    }
    trace.cells[limb][at] -= by;
    let mut columns = Columns::of(layout, &trace);
    columns.outputs[at] += Fr::from(by) * power_of_two(last.shift.into()).inverse()?;
    attempt(bench, columns, rng, |_| {})
}

/// Multiplicities of other look-ups.
fn multiplicity<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let mut columns = honest(bench);
    let at = below(rng, bench.layout().active_rows());
    let m = bench.layout().multiplicities();
    columns.phase1[m][at] += [Fr::one(), -Fr::one(), rng.one()][below(rng, 3)];
    let total = total(rng);
    attempt(bench, columns, rng, |forged| forged.total = total)
}

/// A cell of a looked-up column that no table holds, anywhere in its active rows.
fn stray<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let (layout, mut columns) = (bench.layout(), honest(bench));
    let column = below(rng, layout.multiplicities());
    columns.phase1[column][below(rng, layout.active_rows())] = rng.one();
    columns.phase1.pop();
    columns.phase1.push(multiplicities(layout, &columns.phase1));
    let total = total(rng);
    attempt(bench, columns, rng, |forged| forged.total = total)
}

/// Other weights than those of the key: the prover believes in them.
fn weights<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let mut chunks = bench.key.chunks.clone();
    let chunk = below(rng, chunks.len());
    let at = below(rng, chunks[chunk].len());
    chunks[chunk][at] += [Fr::one(), -Fr::one(), rng.one()][below(rng, 3)];
    let columns = honest(bench);
    let mut forged = Forged::honest(bench, &columns);
    forged.chunks = &chunks;
    let made = forged.run(&bench.committer, rng)?;
    found(bench, made)
}

/// The same proof for another context, id or statement than the verifier's.
fn statement<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let columns = honest(bench);
    let (which, bit) = (rng.below(2), below(rng, 256));
    let mut forged = Forged::honest(bench, &columns);
    let word = if which == 0 { &mut forged.statement.ctx } else { &mut forged.statement.circuit_id };
    word[bit / 8] ^= 1 << (bit % 8);
    let made = forged.run(&bench.committer, rng)?;
    found(bench, made)
}

/// More outputs than there are: an honest proof of the others.
fn more_outputs<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let mut columns = honest(bench);
    columns.outputs.extend(vec![Fr::zero(); 1 + below(rng, 3)]);
    attempt(bench, columns, rng, |_| {})
}

/// Masks that are zero: an honest proof that hides less.
fn no_masks<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let zero = [[true, false], [false, true], [true, true]][below(rng, 3)];
    attempt(bench, honest(bench), rng, |forged| forged.masks.zero = zero)
}

/// A committed input of zeros, without salts.
fn no_input(case: &Case, rng: &mut Seeded) -> Found {
    let bench = &case.real;
    bench.committed.as_ref()?;
    let inputs = vec![0i64; bench.inputs.len()];
    let trace = execute(bench.layout(), &bench.key.model, &inputs).ok()?;
    let (columns, zeros) = (Columns::of(bench.layout(), &trace), vec![Fr::zero(); bench.layout().rows()]);
    let mut forged = Forged::honest(bench, &columns);
    forged.statement.commitment = Some(Default::default());
    forged.input_column = Some(&zeros);
    let made = forged.run(&bench.committer, rng)?;
    found(bench, made)
}

/// Challenges that are zero, and a proof that is good if they may be.
fn zero_challenge<P: Committer + Send + 'static>(bench: &Arc<Bench<P>>, rng: &mut Seeded) -> Found {
    let script = Script::Zero(["r", "rhoA", "rhoD"][below(rng, 3)]);
    let columns = honest(bench);
    let mut forged = Forged::honest(bench, &columns);
    forged.script = script.clone();
    let made = forged.run(&bench.committer, rng)?;
    Some(Box::new(Proof { script, ..Proof::of(bench, made.proof, made.public) }))
}

/// A challenge of the opening that has no inverse: no proof of its own is needed, it is refused before.
fn opening_challenge(case: &Case) -> Found {
    let script = Script::Zero("opening zeta");
    Some(Box::new(Proof { script, ..Proof::honest(case) }))
}

/// The bytes of a verifying key, made of its parts.
pub(super) fn key_bytes(tau: (&[u8], &[u8]), descriptor: &[u8], points: &[u8], registration: &[u8]) -> Vec<u8> {
    let length = (descriptor.len() as u32).to_be_bytes();
    [b"PLVK", &[0, 1][..], tau.0, tau.1, &length, descriptor, points, registration].concat()
}

/// The id of such a key.
fn circuit_id(tau: (&[u8], &[u8]), descriptor: &[u8], points: &[u8]) -> Word {
    let mut label = [0; 32];
    label[..16].copy_from_slice(b"plumb-circuit-v1");
    keccak(&[&label, &keccak(&[tau.0, tau.1]), &keccak(&[descriptor]), points])
}

/// A registration of a key's weights, whatever they are.
pub(super) fn registration(
    committer: &KzgCommitter,
    key: &VerifyingKey<Kzg>,
    chunks: &[Vec<Fr>],
    damage: Option<(usize, crate::transcript::Edit)>,
    rng: &mut Seeded,
) -> Option<Made> {
    let circuit = register::circuit(key);
    let forged = Forged {
        key: &circuit,
        chunks,
        statement: register::statement(&circuit),
        input_column: None,
        phase1: register::columns(&circuit, chunks),
        total: total(rng),
        domain: register::DOMAIN,
        script: Script::Honest,
        masks: Masks::default(),
        damage,
    };
    forged.run(committer, rng)
}

/// [tau]_1 of another secret than [tau]_2, or a point that is none: id and proofs are made for it.
fn parameters(case: &Case, rng: &mut Seeded) -> Found {
    let (_, g2) = case.scheme().srs().to_bytes();
    let (other, _) = Srs::unsafe_from_known_secret(rng.one(), 1).unwrap().verifier().to_bytes();
    let [.., commitments, registered, _] = case.key_parts();
    let (descriptor, points) = (case.layout().descriptor().to_bytes(), &case.key_bytes[commitments..registered]);
    let mut key = case.real.verifying().clone();
    key.circuit_id = circuit_id((&other, &g2), &descriptor, points);
    let registration = match case.hidden_weights() {
        true => registration(&case.real.committer, &key, &case.real.key.chunks, None, rng)?.proof,
        false => vec![],
    };
    let columns = honest(&case.real);
    let mut forged = Forged::honest(&case.real, &columns);
    forged.statement.circuit_id = key.circuit_id;
    let made = forged.run(&case.real.committer, rng)?;
    let key = key_bytes((&other, &g2), &descriptor, points, &registration);
    Some(Box::new(WithKey { key, proof: made.proof, public: made.public, ctx: case.real.ctx }))
}

/// The key of other chunks, with its own id, registration and proof.
fn key_of(case: &Case, chunks: Vec<Vec<Fr>>, rng: &mut Seeded) -> Found {
    let bench = &case.real;
    let (layout, model) = (bench.layout().clone(), bench.key.model.clone());
    let made = key_of_chunks(&bench.committer, layout, model, chunks).ok()?;
    let registration = registration(&bench.committer, &made.verifying, &made.chunks, None, rng)?.proof;
    let columns = honest(bench);
    let mut forged = Forged::honest(bench, &columns);
    (forged.key, forged.chunks) = (&made.verifying, &made.chunks);
    forged.statement.circuit_id = made.verifying.circuit_id;
    let proven = forged.run(&bench.committer, rng)?;
    let key = VerifyingKey { registration, ..made.verifying };
    let key = key.to_bytes(case.scheme());
    Some(Box::new(WithKey { key, proof: proven.proof, public: proven.public, ctx: bench.ctx }))
}

/// Hidden weights that are out of their range, or where there are none.
fn weights_out_of_range(case: &Case, rng: &mut Seeded) -> Found {
    if !case.hidden_weights() {
        return None;
    }
    let (layout, mut chunks) = (case.layout(), case.real.key.chunks.clone());
    let blocks = weight_blocks(layout);
    let block = &blocks[below(rng, blocks.len())];
    let offsets = block.tensor.offsets();
    let k = block.tensor.start as usize + offsets[below(rng, offsets.len())];
    let limit = power_of_two(block.bits.into());
    let half = Fr::from(2u64).inverse()?;
    let bad = [limit, -limit - Fr::one(), half, -half, power_of_two(200), rng.one()][below(rng, 6)];
    chunks[k / layout.rows()][k % layout.rows()] = bad;
    key_of(case, chunks, rng)
}

/// A key of other weights, and a proof with those of the old one; or the other way round.
fn key_of_others(case: &Case, rng: &mut Seeded) -> Found {
    let (bench, mut chunks) = (&case.real, case.real.key.chunks.clone());
    let chunk = below(rng, chunks.len());
    let at = below(rng, chunks[chunk].len());
    chunks[chunk][at] += Fr::one();
    let made = key_of_chunks(&bench.committer, bench.layout().clone(), vec![], chunks).ok()?;
    let columns = honest(bench);
    let mut forged = Forged::honest(bench, &columns);
    forged.statement.circuit_id = made.verifying.circuit_id;
    let proven = forged.run(&bench.committer, rng)?;
    let key = VerifyingKey { registration: bench.verifying().registration.clone(), ..made.verifying };
    Some(Box::new(Proof { key: Some(key), ..Proof::of(bench, proven.proof, proven.public) }))
}

/// A message of the registration, damaged before it is absorbed.
fn registration_message(case: &Case, rng: &mut Seeded) -> Found {
    if !case.hidden_weights() {
        return None;
    }
    let bench = &case.real;
    let honest = registration(&bench.committer, bench.verifying(), &bench.key.chunks, None, &mut Seeded::new(1))?;
    let damage = damage(&honest.messages, rng);
    let made = registration(&bench.committer, bench.verifying(), &bench.key.chunks, Some(damage), rng)?;
    let [.., registered, _] = case.key_parts();
    let mut attempt = WithKey::honest(case);
    attempt.key.truncate(registered);
    attempt.key.extend(made.proof);
    Some(Box::new(attempt))
}

/// Points and scalars of the honest proof that nothing but their encoding distinguishes.
fn encoding(case: &Case, rng: &mut Seeded) -> Found {
    let mut attempt = Proof::honest(case);
    let (points, scalars) = places(case.layout());
    let words = attempt.proof.as_chunks_mut::<32>().0;
    match rng.below(2) {
        0 => {
            let at = points[below(rng, points.len())] + below(rng, 2);
            words[at] = uncanonical_coordinate(&words[at], rng);
        }
        _ => {
            let at = scalars[below(rng, scalars.len())];
            words[at] = uncanonical_scalar(&words[at], rng);
        }
    }
    Some(Box::new(attempt))
}

/// Commitments in another encoding, absorbed as they are sent.
fn encoding_absorbed(case: &Case, rng: &mut Seeded) -> Found {
    let columns = honest(&case.real);
    let (label, at) = [("phase 1", 1), ("phase 2", 2)][below(rng, 2)];
    let seed = rng.below(u64::MAX);
    let change: crate::transcript::Edit = Arc::new(move |words: &mut [Word]| {
        let mut rng = Seeded::new(seed);
        let at = below(&mut rng, words.len());
        words[at] = uncanonical_coordinate(&words[at], &mut rng);
    });
    assert_eq!(case.messages[at].0, label);
    attempt(&case.real, columns, rng, |forged| forged.damage = Some((at, change)))
}

/// A public word in another encoding, in an honest proof's statement.
fn public_encoding(case: &Case, rng: &mut Seeded) -> Found {
    let mut attempt = Proof::honest(case);
    let commitment = if case.layout().commits_input() { 2 } else { 0 };
    let at = below(rng, attempt.public.len());
    let word = attempt.public[at];
    attempt.public[at] =
        if at < commitment { uncanonical_coordinate(&word, rng) } else { uncanonical_scalar(&word, rng) };
    Some(Box::new(attempt))
}

#[rustfmt::skip]
pub(super) const CLASSES: Classes = &[
    ("opening: a message", [16500, 4500, 600, 100], |_, case, rng| opening(case, rng, None)),
    ("opening: another column", [2500, 1000, 200, 40], |_, case, rng| another_column(case, rng)),
    ("opening: another value", [200, 50, 20, 10], |_, case, _| another_value(case)),
    ("opening: a challenge without an inverse", [400, 0, 0, 0], |_, case, _| opening_challenge(case)),
    ("message", [4000, 1000, 100, 60], |_, case, rng| message(&case.real, case, rng)),
    ("message, ideal", [2500, 800, 100, 40], |_, case, rng| message(&case.ideal, case, rng)),
    ("a cell", [1200, 300, 40, 20], |_, case, rng| cell(&case.real, rng, false)),
    ("a cell, ideal", [1200, 400, 80, 40], |_, case, rng| cell(&case.ideal, rng, false)),
    ("a cell that later layers follow", [800, 200, 20, 10], |_, case, rng| cell(&case.real, rng, true)),
    ("a cell that later layers follow, ideal", [800, 300, 60, 30], |_, case, rng| cell(&case.ideal, rng, true)),
    ("a cell of no table", [500, 100, 10, 10], |_, case, rng| stray(&case.real, rng)),
    ("a cell of no table, ideal", [500, 200, 40, 20], |_, case, rng| stray(&case.ideal, rng)),
    ("multiplicities", [500, 100, 10, 10], |_, case, rng| multiplicity(&case.real, rng)),
    ("multiplicities, ideal", [500, 200, 40, 20], |_, case, rng| multiplicity(&case.ideal, rng)),
    ("false outputs", [900, 300, 40, 20], |_, case, rng| output(&case.real, rng)),
    ("false outputs, ideal", [900, 300, 60, 30], |_, case, rng| output(&case.ideal, rng)),
    ("outputs that are no integers", [600, 200, 20, 10], |_, case, rng| fraction(&case.real, rng)),
    ("more outputs", [300, 100, 10, 10], |_, case, rng| more_outputs(&case.real, rng)),
    ("other weights", [600, 200, 20, 20], |_, case, rng| weights(&case.real, rng)),
    ("a key of other weights", [400, 100, 10, 10], |_, case, rng| key_of_others(case, rng)),
    ("another context or id", [400, 100, 10, 10], |_, case, rng| statement(&case.real, rng)),
    ("masks of zeros", [300, 100, 10, 10], |_, case, rng| no_masks(&case.real, rng)),
    ("an input of zeros without salts", [300, 0, 0, 0], |_, case, rng| no_input(case, rng)),
    ("a challenge that is zero", [400, 100, 10, 10], |_, case, rng| zero_challenge(&case.real, rng)),
    ("parameters of two secrets", [300, 100, 0, 0], |_, case, rng| parameters(case, rng)),
    ("hidden weights out of range", [600, 100, 10, 0], |_, case, rng| weights_out_of_range(case, rng)),
    ("registration: a message", [700, 100, 10, 0], |_, case, rng| registration_message(case, rng)),
    ("another encoding", [600, 400, 100, 50], |_, case, rng| encoding(case, rng)),
    ("another encoding, absorbed", [400, 100, 10, 10], |_, case, rng| encoding_absorbed(case, rng)),
    ("another encoding of public inputs", [500, 300, 50, 20], |_, case, rng| public_encoding(case, rng)),
];
