//! What a registration proves of hidden weights, as a layout of its own.
//!
//! A weight block of range `[-2^b, 2^b)` has, for each real position k of the weight index domain, cells in range columns:
//! limbs of s bits of `W(k) + 2^b < 2^(b+1)`, and where `b + 1` is no multiple of s a scaled copy of the top limb, so
//! that its range is exact. One linear claim batches all equations; with `N` the length of the domain, position k has
//!
//! ```text
//! r^k        * ( W(k) + 2^b - sum_l 2^(s l) limb_l(k) ) = 0              k real
//! r^(N + k)  * W(k) = 0                                                  k neither real nor a salt
//! r^(2N + k) * ( scaled(k) - 2^(s - t) top(k) ) = 0                      k real, t bits in the top limb
//! ```
//!
//! **Positions that are not real.** Soundness of inference does not need them to be zero: sumcheck A pairs `Wtot(k)` with
//! `Xtot(k)`, whose claim fixes `Xtot` to a functional that is zero at every position but the real ones (contractions are
//! bounded by real lengths) and the mask cells of the virtual chunk, which the checker keeps off every weight and off each
//! other. So no value there meets a cell, and it is for that reason that salts may lie there. They are proved zero all the
//! same: it costs no commitment and no word, the model behind a registered `C_W` is then unique but for its salts, and a
//! contraction that forgot its real length would still multiply zeros.
//!
//! **Placement.** A cell's block keeps its shape, so that it has the closed form of the weights themselves. Blocks larger
//! than a column are cut into parts of one column. Larger ones come first, each after the one before: powers of two in
//! descending order are aligned by themselves. What falls into a column's pad rows is a tail of `2^pad` rows: it moves to
//! a place of its own after the larger ones, and smaller parts skip pad rows. s is chosen for the fewest rows. All this
//! follows from the descriptor, so there is nothing to trust.

use crate::closed_forms::{geom_lt, geom_sum, index_bits};
use crate::descriptor::{Descriptor, Slot, Visibility};
use crate::field::{Fr, power_of_two, to_integer};
use crate::functionals::split;
use crate::layout::Layout;
use ark_ff::{Field, One, Zero};
use std::cmp::Reverse;

/// A tensor in the weight index domain, each dimension padded to a power of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    /// Its first position.
    pub(crate) start: u64,
    /// Index bits of each dimension.
    bits: [usize; 5],
    /// Real lengths.
    dims: [u32; 5],
}

impl Tensor {
    fn new(start: u32, dims: [u32; 5]) -> Self {
        Tensor { start: start.into(), bits: dims.map(index_bits), dims }
    }

    /// `2^bits` positions, all real.
    fn full(start: u64, bits: usize) -> Self {
        Tensor { start, bits: [bits, 0, 0, 0, 0], dims: [1 << bits, 1, 1, 1, 1] }
    }

    /// log2 of its positions.
    fn size_bits(&self) -> usize {
        self.bits.iter().sum()
    }

    /// Part i of `2^bits` positions, which fixes the leading bits of an index to i; `None` if it has no real position.
    fn part(&self, bits: usize, i: u64) -> Option<Tensor> {
        let mut part = self.clone();
        part.start += i << bits;
        let mut fixed = self.size_bits().saturating_sub(bits);
        for (n, rest) in part.dims.iter_mut().zip(&mut part.bits) {
            let here = fixed.min(*rest);
            (fixed, *rest) = (fixed - here, *rest - here);
            let index = (i >> fixed) & ((1 << here) - 1);
            *n = (u64::from(*n).saturating_sub(index << *rest)).min(1 << *rest) as u32;
        }
        part.dims.iter().all(|n| *n > 0).then_some(part)
    }

    /// All parts of `2^bits` positions that have real ones; the tensor itself if it is no larger.
    fn parts(&self, bits: usize) -> impl Iterator<Item = Tensor> + '_ {
        let bits = bits.min(self.size_bits());
        (0..1u64 << (self.size_bits() - bits)).filter_map(move |i| self.part(bits, i))
    }

    /// The last part of `2^bits` positions.
    fn last(&self, bits: usize) -> Option<Tensor> {
        self.part(bits, (1 << (self.size_bits() - bits)) - 1)
    }

    /// The distance of every real position from the first, in order.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let mut out = vec![0];
        for (bits, n) in self.bits.iter().zip(&self.dims) {
            out = out.iter().flat_map(|v| (0..*n as usize).map(move |i| (v << bits) + i)).collect();
        }
        out
    }

    /// Each dimension's power of r and real length, from the innermost.
    fn bases(&self, r: &Fr) -> impl Iterator<Item = (Fr, u64)> {
        let mut next = *r;
        self.bits.iter().zip(&self.dims).rev().map(move |(bits, n)| {
            let base = next;
            (0..*bits).for_each(|_| _ = next.square_in_place());
            (base, u64::from(*n))
        })
    }

    /// `sum_k r^k` over real positions.
    fn sum(&self, r: &Fr) -> Fr {
        r.pow([self.start]) * self.bases(r).map(|(base, n)| geom_sum(&base, n)).product::<Fr>()
    }
}

/// A tensor whose entries have one range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeightBlock {
    pub(crate) tensor: Tensor,
    /// Entries are in `[-2^bits, 2^bits)`.
    pub(crate) bits: u8,
}

/// Every block of weights and of biases.
pub(crate) fn weight_blocks(layout: &Layout) -> Vec<WeightBlock> {
    let mut blocks = Vec::new();
    for l in layout.linear_layers() {
        for map in &l.maps {
            let tensor = Tensor::new(map.weights, map.weight_dims(l.out()));
            blocks.push(WeightBlock { tensor, bits: map.weight_bits });
        }
        let biases = [l.out(), 1, 1, 1, 1];
        blocks.push(WeightBlock { tensor: Tensor::new(l.biases, biases), bits: l.bias_bits });
    }
    blocks
}

/// A column that a part of the claim reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// A range column.
    Range(usize),
    /// A weight chunk.
    Chunk(usize),
}

/// A part of the claim: `sum_j factor_j sum_k r^(exponent_j + k) cell(k)` over the real positions k of a tensor, whose
/// cells are in a column's rows in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) home: Home,
    pub(crate) row: usize,
    pub(crate) tensor: Tensor,
    pub(crate) factors: Vec<(Fr, u64)>,
}

impl Run {
    /// Weights, where they are.
    fn weights(layout: &Layout, tensor: Tensor, factors: Vec<(Fr, u64)>) -> Run {
        let start = tensor.start as usize;
        Run { home: Home::Chunk(start / layout.rows()), row: start % layout.rows(), tensor, factors }
    }

    /// The number of its column.
    pub(crate) fn column(&self, layout: &Layout) -> usize {
        match self.home {
            Home::Range(j) => j,
            Home::Chunk(k) => layout.chunk(k),
        }
    }

    /// `sum_j factor_j r^(exponent_j + start)`.
    fn scale(&self, r: &Fr) -> Fr {
        self.factors.iter().map(|(factor, exponent)| *factor * r.pow([exponent + self.tensor.start])).sum()
    }

    /// The functional at a point.
    pub(crate) fn at(&self, r: &Fr, d: &[Fr]) -> Fr {
        let (selector, parts) = split(d, self.row as u32, self.tensor.bits);
        let sums = parts.iter().rev().zip(self.tensor.bases(r)).map(|(z, (base, n))| geom_lt(z, &base, n));
        selector * self.scale(r) * sums.product::<Fr>()
    }

    /// Adds the functional to a column; `powers` are those of r.
    pub(crate) fn add(&self, r: &Fr, powers: &[Fr], weight: &Fr, column: &mut [Fr]) {
        let scale = self.scale(r) * weight;
        for offset in self.tensor.offsets() {
            column[self.row + offset] += scale * powers[offset];
        }
    }
}

/// Cells of one kind: `((W + 2^bits) >> right) mod 2^s << left`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) column: usize,
    pub(crate) row: usize,
    pub(crate) tensor: Tensor,
    bits: u8,
    pub(crate) right: u32,
    pub(crate) left: u32,
}

/// The claim, and where its cells are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// How many range columns.
    pub(crate) columns: usize,
    pub(crate) runs: Vec<Run>,
    pub(crate) cells: Vec<Cells>,
    pub(crate) blocks: Vec<WeightBlock>,
}

/// A part of a block's cells that has no place yet.
#[derive(Clone)]
struct Unplaced {
    cells: Cells,
    factors: Vec<(Fr, u64)>,
}

impl WeightBlock {
    /// How many limbs of s bits its entries have, and s - t for the t bits of the top limb.
    fn limbs(&self, s: u32) -> (u32, u32) {
        let width = u32::from(self.bits) + 1;
        let limbs = width.div_ceil(s);
        (limbs, s * limbs - width)
    }

    /// The limbs of every part of it, and the scaled top limbs.
    fn cells(&self, c: usize, s: u32, domain: u64) -> Vec<Unplaced> {
        let (limbs, scale) = self.limbs(s);
        let (top, tight) = (s * (limbs - 1), 2 * domain);
        let mut out = Vec::new();
        for tensor in self.tensor.parts(c) {
            let mut cells = |right, left, factors| {
                let cells = Cells { column: 0, row: 0, tensor: tensor.clone(), bits: self.bits, right, left };
                out.push(Unplaced { cells, factors });
            };
            for limb in (0..limbs).map(|l| s * l) {
                let mut factors = vec![(-power_of_two(limb), 0)];
                if limb == top && scale > 0 {
                    factors.push((-power_of_two(scale), tight));
                    cells(top, scale, vec![(Fr::one(), tight)]);
                }
                cells(limb, 0, factors);
            }
        }
        out
    }
}

impl Ranges {
    /// The claim and a place for every cell.
    fn new(model: &Layout) -> (u32, Ranges) {
        let blocks = weight_blocks(model);
        let (c, domain) = (model.c(), (model.chunks() * model.rows()) as u64);
        // s is below c: the table fits, since half of the rows or fewer are pads
        let s = (1..c as u32).min_by_key(|s| rows(&blocks, c, *s)).unwrap_or(1);
        let mut out = Ranges { columns: 1, runs: vec![], cells: vec![], blocks };
        let one = Fr::one();
        for block in &out.blocks {
            let factors = vec![(one, 0), (-one, domain)];
            out.runs.extend(block.tensor.parts(c).map(|tensor| Run::weights(model, tensor, factors.clone())));
        }
        for chunk in 0..model.chunks() as u64 {
            out.runs.push(Run::weights(model, Tensor::full(chunk << c, c), vec![(one, domain)]));
        }
        for k in &model.descriptor().salts {
            out.runs.push(Run::weights(model, Tensor::full(u64::from(*k), 0), vec![(-one, domain)]));
        }
        let cells = out.blocks.iter().flat_map(|block| block.cells(c, s, domain)).collect();
        out.place(model, cells);
        (s, out)
    }

    /// Places cells, the largest parts first.
    fn place(&mut self, layout: &Layout, cells: Vec<Unplaced>) {
        let (rows, active) = (layout.rows(), layout.active_rows());
        let pad = layout.c() - layout.high_bits();
        let largest_first = |list: &mut [Unplaced]| list.sort_by_key(|u| Reverse(u.cells.tensor.size_bits()));
        let (mut large, mut small): (Vec<_>, Vec<_>) =
            cells.into_iter().partition(|u| u.cells.tensor.size_bits() > pad);
        let mut next = 0;
        largest_first(&mut large);
        for u in large {
            self.put(rows, &u, next);
            next += 1 << u.cells.tensor.size_bits();
            if next.is_multiple_of(rows)
                && let Some(tensor) = u.cells.tensor.last(pad)
            {
                // the tail is in pad rows: taken out of the claim there, and placed again
                let tail = Unplaced { cells: Cells { tensor, ..u.cells }, factors: u.factors };
                let factors = tail.factors.iter().map(|(factor, exponent)| (-*factor, *exponent)).collect();
                let home = Home::Range(next / rows - 1);
                self.runs.push(Run { home, row: active, tensor: tail.cells.tensor.clone(), factors });
                small.push(tail);
            }
        }
        largest_first(&mut small);
        for u in small {
            if next % rows >= active {
                next = next.next_multiple_of(rows);
            }
            self.put(rows, &u, next);
            next += 1 << u.cells.tensor.size_bits();
        }
    }

    fn put(&mut self, rows: usize, u: &Unplaced, at: usize) {
        let (column, row) = (at / rows, at % rows);
        self.columns = self.columns.max(column + 1);
        let (tensor, factors) = (u.cells.tensor.clone(), u.factors.clone());
        self.runs.push(Run { home: Home::Range(column), row, tensor, factors });
        self.cells.push(Cells { column, row, ..u.cells.clone() });
    }

    /// The claim's value: `- sum_blocks 2^bits sum_k r^k`.
    pub(crate) fn constant(&self, r: &Fr) -> Fr {
        let term = |block: &WeightBlock| power_of_two(block.bits.into()) * block.tensor.sum(r);
        -self.blocks.iter().map(term).sum::<Fr>()
    }

    /// The range columns for these weights; masks replace what lies in pad rows. A cell that is no integer of its range is
    /// put into its first limb as it is: then no proof will convince.
    pub(crate) fn fill(&self, layout: &Layout, chunks: &[Vec<Fr>]) -> Vec<Vec<Fr>> {
        let s = u32::from(layout.descriptor().range_bits);
        let mut out = vec![vec![Fr::zero(); layout.rows()]; self.columns];
        for cells in &self.cells {
            let start = cells.tensor.start as usize;
            let chunk = &chunks[start / layout.rows()];
            for offset in cells.tensor.offsets() {
                let cell = chunk[start % layout.rows() + offset] + power_of_two(u32::from(cells.bits));
                out[cells.column][cells.row + offset] = match to_integer(&cell, 0, (1 << (cells.bits + 1)) - 1) {
                    Some(v) => Fr::from(((v >> cells.right) & ((1 << s) - 1)) << cells.left),
                    None if cells.right == 0 && cells.left == 0 => cell,
                    None => Fr::zero(),
                };
            }
        }
        out
    }
}

/// The rows that all cells take, for limbs of s bits.
fn rows(blocks: &[WeightBlock], c: usize, s: u32) -> u64 {
    let rows = |block: &WeightBlock| {
        let (limbs, scale) = block.limbs(s);
        let positions = (block.tensor.parts(c).count() as u64) << block.tensor.size_bits().min(c);
        positions * u64::from(limbs + u32::from(scale > 0))
    };
    blocks.iter().map(rows).sum()
}

impl Layout {
    /// The layout of a model's registration: the same chunks, other columns, no layers.
    pub fn registration(&self) -> Layout {
        let (s, ranges) = Ranges::new(self);
        let descriptor = Descriptor {
            range_bits: s as u8,
            batch: 1,
            input_visibility: Visibility::Hidden,
            input_domain: [0, 0],
            pairs: vec![],
            range_table: Slot { offset: 0, bits: s as u8 },
            functions: vec![],
            blocks: vec![],
            layers: vec![],
            input_salts: vec![],
            ..self.descriptor().clone()
        };
        Layout::of_ranges(descriptor, ranges)
    }
}
