//! The weight index domain: blocks of weights, salts, and nothing else.

use super::{Checked, E, need, overlap, rows};
use crate::closed_forms::index_bits;
use crate::descriptor::{Descriptor, Visibility};
use std::collections::BTreeMap;

/// A block of weights or biases.
struct Block {
    start: u64,
    dims: Vec<u32>,
}

impl Block {
    /// Positions with padding.
    fn size(&self) -> u64 {
        let bits: usize = self.dims.iter().map(|n| index_bits(*n)).sum();
        1u64.checked_shl(bits as u32).unwrap_or(u64::MAX)
    }

    /// The position after its last weight. The padding behind is not the block's: contractions end before it, so no
    /// closed form reads it. The first length that is not 1 is more than half of its power of two, so a block that ends
    /// inside the weight index domain has its padding there too.
    fn end(&self) -> u64 {
        let down = |k: u64, n: &u32| k.saturating_mul(1 << index_bits(*n)).saturating_add(u64::from(n - 1));
        self.dims.iter().fold(0, down).saturating_add(1).saturating_add(self.start)
    }

    /// Whether a position holds a real weight. Positions of a block beyond its real lengths meet no cell, since every
    /// contraction is bounded by those: a salt may be there.
    fn is_weight(&self, k: u64) -> bool {
        let Some(mut rest) = k.checked_sub(self.start) else { return false };
        let real = self.dims.iter().rev().all(|n| {
            let bits = index_bits(*n);
            let i = rest & ((1 << bits) - 1);
            rest >>= bits;
            i < u64::from(*n)
        });
        real && rest == 0
    }
}

/// All blocks of a descriptor.
#[derive(Default)]
pub(super) struct Weights {
    blocks: Vec<Block>,
}

impl Weights {
    /// One more block of a layer.
    pub(super) fn register(&mut self, d: &Descriptor, layer: usize, start: u32, dims: &[u32]) -> Checked {
        let block = Block { start: start.into(), dims: dims.to_vec() };
        let (offset, size) = (block.start, block.size());
        need(offset.is_multiple_of(size), E::WeightsNotAligned { layer, size, offset })?;
        let (end, expected_below) = (block.end(), u64::from(d.chunks) * rows(d));
        need(end <= expected_below, E::WeightsInVirtualChunk { layer, expected_below, end })?;
        self.blocks.push(block);
        Ok(())
    }

    /// No two blocks meet; every chunk of hidden weights has salts, and no salt is on a weight.
    pub(super) fn check(&self, d: &Descriptor) -> Checked {
        let mut ranges: Vec<_> = self.blocks.iter().map(|b| [b.start, b.end()]).collect();
        if let Some(position) = overlap(&mut ranges) {
            return Err(E::WeightsOverlap { position });
        }
        let mut salts: Vec<u64> = d.salts.iter().map(|k| u64::from(*k)).collect();
        salts.sort_unstable();
        let mut counts = vec![0usize; usize::from(d.chunks)];
        for k in &salts {
            let expected_below = u64::from(d.chunks) * rows(d);
            let error = E::WeightsInVirtualChunk { layer: d.layers.len(), expected_below, end: *k + 1 };
            *counts.get_mut((*k >> d.log_rows) as usize).ok_or(error)? += 1;
        }
        let hidden = d.weight_visibility == Visibility::Hidden;
        let expected_at_least = if hidden { 2 } else { 0 };
        for (chunk, got) in counts.into_iter().enumerate() {
            need(got >= expected_at_least && (hidden || got == 0), E::SaltsOfChunk { chunk, expected_at_least, got })?;
        }
        // the block that starts last at or before a salt is the only one that may hold it
        let starts: BTreeMap<u64, &Block> = self.blocks.iter().map(|b| (b.start, b)).collect();
        for (i, k) in salts.iter().enumerate() {
            let taken = starts.range(..=k).next_back().is_some_and(|(_, b)| b.is_weight(*k));
            need(!taken && salts.get(i + 1) != Some(k), E::SaltOnWeight { position: *k as u32 })?;
        }
        Ok(())
    }
}
