//! Layouts that break a rule of the checker, with keys, registrations and proofs made for them.

use super::attempts::WithKey;
use super::cases::{Bench, Case, Tier};
use super::coherent::{key_bytes, registration};
use super::prover::{Columns, Forged};
use super::{Classes, Found};
use crate::checker::check;
use crate::descriptor::*;
use crate::keys::{VerifyingKey, key_of_chunks};
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::witness::{execute, weight_chunks};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn below(rng: &mut Seeded, n: usize) -> usize {
    rng.below(n.max(1) as u64) as usize
}

/// A number near another one, or far away.
fn near(v: u64, rng: &mut Seeded) -> u64 {
    match rng.below(6) {
        0 => v.wrapping_add(1),
        1 => v.saturating_sub(1),
        2 => v.wrapping_add(1 << rng.below(12)),
        3 => v.saturating_sub(1 << rng.below(12)),
        4 => 0,
        _ => rng.below(1 << 14),
    }
}

fn word(v: &mut u32, rng: &mut Seeded) {
    *v = near(u64::from(*v), rng) as u32;
}

fn byte(v: &mut u8, rng: &mut Seeded) {
    *v = near(u64::from(*v), rng) as u8;
}

fn id(v: &mut u16, n: usize, rng: &mut Seeded) {
    *v = rng.below(n as u64 + 2) as u16;
}

fn exponents(e: &mut Exponents, rng: &mut Seeded) {
    match rng.below(3) {
        0 => e.offset = near(e.offset, rng),
        1 => {
            // only powers of two have an encoding
            e.strides[below(rng, 4)] = 1 << rng.below(24);
        }
        _ => word(&mut e.dims[below(rng, 4)], rng),
    }
}

fn view(terms: &mut Vec<Term>, n: usize, rng: &mut Seeded) {
    let at = below(rng, terms.len());
    let Some(term) = terms.get_mut(at) else { return };
    match rng.below(7) {
        0 => term.coefficient = [0, -1, 2, i32::MAX][below(rng, 4)],
        1 => id(&mut term.block, n, rng),
        2 => term.height.low = near(term.height.low.into(), rng) as u32,
        3 => byte(&mut term.width.shift, rng),
        4 => {
            let again = *term;
            terms.push(again);
        }
        5 => terms.clear(),
        _ => term.width.low = near(term.width.low.into(), rng) as u32,
    }
}

fn limbs(list: &mut Vec<u16>, tight: &mut Option<Tight>, n: usize, rng: &mut Seeded) {
    match rng.below(6) {
        0 => _ = list.pop(),
        1 => list.push(rng.below(n as u64) as u16),
        2 => {
            let at = below(rng, list.len());
            if let Some(v) = list.get_mut(at) {
                id(v, n, rng);
            }
        }
        3 => *tight = None,
        4 => {
            if let Some(t) = tight {
                byte(&mut t.bits, rng);
            }
        }
        _ => {
            if let Some(t) = tight {
                id(&mut t.block, n, rng);
            }
        }
    }
}

/// Another block, or another kind with blocks of either.
fn destination(d: &mut Destination, n: usize, rng: &mut Seeded) {
    let mut block = d.fixes().unwrap_or_default();
    let mut values = match *d {
        Destination::Pooled { values, .. } => values,
        _ => block + 1,
    };
    match rng.below(4) {
        0 => id(&mut block, n, rng),
        1 => id(&mut values, n, rng),
        _ => {}
    }
    *d = match rng.below(3) {
        0 => Destination::Cells(block),
        _ => Destination::Pooled { arguments: block, values },
    };
}

fn linear(l: &mut Linear, n: usize, rng: &mut Seeded) {
    let at = below(rng, l.maps.len());
    match rng.below(12) {
        0 => destination(&mut l.output, n, rng),
        1 => l.output = Destination::Public,
        2 => byte(&mut l.shift, rng),
        3 => word(&mut l.biases, rng),
        4 => byte(&mut l.bias_bits, rng),
        5 => exponents(&mut l.exponents, rng),
        6 => limbs(&mut l.remainders, &mut l.tight, n, rng),
        7 => word(&mut l.maps[at].weights, rng),
        8 => byte(&mut l.maps[at].weight_bits, rng),
        9 => view(&mut l.maps[at].view, n, rng),
        10 => word(&mut l.maps[at].input[below(rng, 4)], rng),
        _ => match &mut l.maps[at].kind {
            Kind::Dense => {}
            Kind::Convolution(w) | Kind::Depthwise(w) => {
                let parts = [&mut w.kernel, &mut w.stride, &mut w.before, &mut w.after];
                byte(&mut parts.into_iter().nth(below(rng, 4)).unwrap()[below(rng, 2)], rng);
            }
        },
    }
}

fn layer(layer: &mut Layer, n: usize, rng: &mut Seeded) {
    match layer {
        Layer::Input { block, link, tight, exponents: e } => match rng.below(4) {
            0 => id(block, n, rng),
            1 => *link = [None, Some(rng.below(n as u64) as u16)][below(rng, 2)],
            2 => limbs(&mut vec![], tight, n, rng),
            _ => exponents(e, rng),
        },
        Layer::Combine { cell, view: terms, exponents: e } => match rng.below(3) {
            0 => id(cell, n, rng),
            1 => view(terms, n, rng),
            _ => exponents(e, rng),
        },
        Layer::Linear(l) => linear(l, n, rng),
        Layer::Output { view: terms, exponents: e } => match rng.below(2) {
            0 => view(terms, n, rng),
            _ => exponents(e, rng),
        },
        Layer::Top1 { view: terms, remainders, tight, exponents: e } => match rng.below(3) {
            0 => view(terms, n, rng),
            1 => limbs(remainders, tight, n, rng),
            _ => exponents(e, rng),
        },
    }
}

/// One field of a descriptor, damaged.
fn damage(d: &mut Descriptor, rng: &mut Seeded) {
    let n = d.blocks.len();
    match rng.below(16) {
        0 => byte(&mut d.log_pad, rng),
        1 => byte([&mut d.range_bits, &mut d.value_bits][below(rng, 2)], rng),
        2 => d.input_domain[below(rng, 2)] += [1, -1][below(rng, 2)],
        3 => d.range_columns = d.range_columns.wrapping_add([1, 255][below(rng, 2)]),
        4 => {
            let slots = d.functions.iter_mut().map(|f| &mut f.slot).chain([&mut d.range_table]);
            let mut slots: Vec<_> = slots.collect();
            let at = below(rng, slots.len());
            word(&mut slots[at].offset, rng);
        }
        5 => {
            let cells = &mut d.mask_cells;
            let list = [&mut cells.rows[..], &mut cells.weights, &mut cells.inputs];
            let list = list.into_iter().nth(below(rng, 3)).unwrap();
            let at = below(rng, list.len());
            word(&mut list[at], rng);
        }
        6 => {
            let list = if rng.below(2) == 0 { &mut d.salts } else { &mut d.input_salts };
            let at = below(rng, list.len());
            match list.get_mut(at) {
                Some(v) if rng.below(2) == 0 => word(v, rng),
                _ => _ = list.pop(),
            }
        }
        7 => d.layers.swap(below(rng, 2), 1),
        8..=10 => {
            let block = &mut d.blocks[below(rng, n)];
            match rng.below(3) {
                0 => word(&mut block.dims[below(rng, 4)], rng),
                _ => word(&mut block.offset, rng),
            }
        }
        11 => {
            let (i, j) = (below(rng, n), below(rng, n));
            d.blocks[i].offset = d.blocks[j].offset;
        }
        _ => {
            let at = below(rng, d.layers.len());
            layer(&mut d.layers[at], n, rng);
        }
    }
}

/// Keys, registration and proof over a layout that the checker refuses, by a prover that does not ask it. Few layouts have
/// them: most of what the checker refuses could not be proved.
fn made(case: &Case, bad: &Descriptor, rng: &mut Seeded) -> Option<WithKey> {
    let (layout, bench): (_, &Bench<KzgCommitter>) = (Layout::unchecked(bad.clone()), &case.real);
    let chunks = weight_chunks(&layout, &bench.key.model).ok()?;
    let trace = execute(&layout, &bench.key.model, &bench.inputs).ok()?;
    let key = key_of_chunks(&bench.committer, layout.clone(), vec![], chunks).ok()?;
    let hidden = bad.weight_visibility == Visibility::Hidden;
    let shown = match hidden {
        true => registration(&bench.committer, &key.verifying, &key.chunks, None, rng)?.proof,
        false => vec![],
    };
    let columns = Columns::of(&layout, &trace);
    let mut forged = Forged::honest(bench, &columns);
    (forged.key, forged.chunks) = (&key.verifying, &key.chunks);
    forged.statement.circuit_id = key.verifying.circuit_id;
    let proven = forged.run(&bench.committer, rng)?;
    let key: VerifyingKey<Kzg> = key.verifying;
    let points: Vec<u8> = key.weights.iter().flat_map(|c| c.to_bytes()).collect();
    let (g1, g2) = case.scheme().srs().to_bytes();
    let key = key_bytes((&g1, &g2), &bad.to_bytes(), &points, &shown);
    Some(WithKey { key, proof: proven.proof, public: proven.public, ctx: bench.ctx })
}

/// A layout that breaks a rule. `provable`: with everything made for it; otherwise whatever the rule, with what was there.
fn broken(case: &Case, rng: &mut Seeded) -> Found {
    if case.tier > Tier::Small {
        return None;
    }
    let mut bad = case.layout().descriptor().clone();
    damage(&mut bad, rng);
    // what the checker accepts is another circuit, and no damage
    if Descriptor::from_bytes(&bad.to_bytes()).ok()? != bad || check(&bad).is_ok() {
        return None;
    }
    let honest = catch_unwind(AssertUnwindSafe(|| made(case, &bad, rng))).ok().flatten();
    let attempt = honest.unwrap_or_else(|| {
        let mut attempt = WithKey::honest(case);
        let [_, _, start, end, ..] = case.key_parts();
        let bytes = bad.to_bytes();
        attempt.key[start - 4..start].copy_from_slice(&(bytes.len() as u32).to_be_bytes());
        attempt.key.splice(start..end, bytes);
        attempt
    });
    Some(Box::new(attempt))
}

pub(super) const CLASSES: Classes =
    &[("a layout that breaks a rule", [5000, 300, 0, 0], |_, case, rng| broken(case, rng))];
