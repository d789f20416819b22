//! The layout checker: re-derives from a descriptor alone that no cell is free where the protocol relies on it.
//!
//! It knows nothing of the compiler that made the descriptor. Each rule has an error of its own; each was, when broken,
//! a forgery or a leak.

use crate::closed_forms::index_bits;
use crate::descriptor::*;
use crate::layout::{DEGREE_A, DEGREE_C};
use crate::sumcheck::mask_length;

mod error;
pub use error::LayoutError;
use error::LayoutError as E;
type Checked = Result<(), LayoutError>;

fn need(ok: bool, error: LayoutError) -> Checked {
    if ok { Ok(()) } else { Err(error) }
}

/// The first start that lies before the end of the range before it.
fn overlap(ranges: &mut [[u64; 2]]) -> Option<u64> {
    ranges.sort_unstable();
    let bad = ranges.windows(2).find(|w| w[0][1] > w[1][0])?;
    Some(bad[1][0])
}

/// Exponents stay below this, so that no power of r costs more than a contract can pay.
const MAX_EXPONENT: u64 = 1 << 40;
/// The executor's integers stay below 2^62.
const MAX_SUM_BITS: u32 = 62;

/// Accepts a descriptor whose layout is sound.
pub fn check(d: &Descriptor) -> Checked {
    sizes(d)?;
    blocks(d)?;
    tables(d)?;
    Layers::new(d).check()?;
    mask_cells(d)
}

fn sizes(d: &Descriptor) -> Checked {
    let range = |what, got: u64, low: u64, high: u64| {
        need((low..=high).contains(&got), E::Size { what, expected: [low, high], got })
    };
    range("log2 of the rows", d.log_rows.into(), 4, 24)?;
    // column M spends a pad row on its value, one on its commitment and four as mask cells
    range("log2 of the pad rows", d.log_pad.into(), 3, u64::from(d.log_rows) - 1)?;
    range("bits of the range table", d.range_bits.into(), 1, 20)?;
    range("bits of an activation", d.value_bits.into(), 2, 20)?;
    range("batch", d.batch.into(), 1, 1 << 24)?;
    range("range columns", d.range_columns.into(), 1, 64)?;
    range("pairs of columns", d.pairs.len() as u64, 0, 64)?;
    range("functions", d.functions.len() as u64, 0, 64)?;
    range("weight chunks", d.chunks.into(), 1, (1 << 31 >> d.log_rows) - 1)?;
    range("blocks", d.blocks.len() as u64, 1, 1 << 15)?;
    range("layers", d.layers.len() as u64, 2, 1 << 12)?;
    // what the encoding can count
    range("salts", d.salts.len() as u64, 0, u16::MAX.into())?;
    range("input salts", d.input_salts.len() as u64, 0, u16::MAX.into())?;
    let hidden = [Visibility::Hidden, Visibility::Public].contains(&d.weight_visibility);
    range("weight visibility (hidden 0, public 2)", if hidden { 0 } else { 1 }, 0, 0)
}

fn rows(d: &Descriptor) -> u64 {
    1 << d.log_rows
}

fn active(d: &Descriptor) -> u64 {
    rows(d) - (1 << d.log_pad)
}

fn blocks(d: &Descriptor) -> Checked {
    let mut columns: std::collections::BTreeMap<Column, Vec<[u64; 2]>> = Default::default();
    for (i, b) in d.blocks.iter().enumerate() {
        need(b.dims.iter().all(|n| *n >= 1), E::EmptyBlock { block: i })?;
        let exists = match b.column {
            Column::Range(j) => j < d.range_columns,
            Column::Argument(j) | Column::Value(j) => usize::from(j) < d.pairs.len(),
            Column::Input => d.input_visibility == Visibility::Committed,
        };
        need(exists, E::NoSuchColumn { block: i })?;
        need(b.dims[0] == d.batch, E::BatchLength { block: i, expected: d.batch, got: b.dims[0] })?;
        let (offset, size) = (u64::from(b.offset), b.size());
        need(offset.is_multiple_of(size), E::BlockNotAligned { block: i, size, offset })?;
        let end = offset.saturating_add(size);
        need(end <= active(d), E::BlockTouchesPadRows { block: i, active: active(d), end })?;
        columns.entry(b.column).or_default().push([offset, end]);
    }
    for (column, mut ranges) in columns {
        if let Some(row) = overlap(&mut ranges) {
            return Err(E::BlocksOverlap { column, row });
        }
    }
    Ok(())
}

fn tables(d: &Descriptor) -> Checked {
    let slots =
        std::iter::once((d.range_table, d.range_bits)).chain(d.functions.iter().map(|f| (f.slot, d.value_bits)));
    let mut ranges = Vec::new();
    for (table, (slot, expected)) in slots.enumerate() {
        need(slot.bits == expected, E::TableSize { table, expected, got: slot.bits })?;
        let (offset, size) = (u64::from(slot.offset), 1u64 << slot.bits);
        let end = offset + size;
        need(offset.is_multiple_of(size) && end <= active(d), E::TablePlacement { table, active: active(d), end })?;
        ranges.push([offset, end]);
    }
    if let Some(row) = overlap(&mut ranges) {
        return Err(E::TablesOverlap { row });
    }
    let half = 1i64 << (d.value_bits - 1);
    for (function, f) in d.functions.iter().enumerate() {
        let inside = |v: i32| (-half..half).contains(&i64::from(v));
        let error = E::FunctionBounds { function, domain: [-half, half - 1], got: [f.low, f.high] };
        need(inside(f.low) && inside(f.high) && f.low <= f.high, error)?;
    }
    for (pair, f) in d.pairs.iter().enumerate() {
        need(usize::from(*f) < d.functions.len(), E::NoSuchFunction { pair, got: *f })?;
    }
    Ok(())
}

/// Walks the layers in order and remembers which cells are fixed by then.
struct Layers<'a> {
    d: &'a Descriptor,
    layer: usize,
    /// Blocks that a view may read.
    readable: Vec<bool>,
    /// Blocks that a layer has fixed.
    written: Vec<bool>,
    exponents: Vec<[u64; 2]>,
    weights: Vec<[u64; 2]>,
}

impl<'a> Layers<'a> {
    fn new(d: &'a Descriptor) -> Self {
        let none = vec![false; d.blocks.len()];
        Layers { d, layer: 0, readable: none.clone(), written: none, exponents: vec![], weights: vec![] }
    }

    fn check(mut self) -> Checked {
        let d = self.d;
        for (i, layer) in d.layers.iter().enumerate() {
            self.layer = i;
            let is_input = matches!(layer, Layer::Input { .. });
            need(is_input == (i == 0), E::InputLayer { layer: i })?;
            match layer {
                Layer::Input { block, link, tight, exponents } => {
                    self.input(*block, *link, tight.as_ref(), exponents)?
                }
                Layer::Combine { cell, view, exponents } => self.combine(*cell, view, exponents)?,
                Layer::Linear(linear) => self.linear(linear)?,
            }
        }
        let public = |l: &Layer| matches!(l, Layer::Linear(Linear { output: None, .. }));
        let (last, got) = (d.layers.len() - 1, d.layers.iter().position(public));
        need(got == Some(last), E::PublicLayer { expected: last, got })?;
        if let Some(exponent) = overlap(&mut self.exponents) {
            return Err(E::ExponentsOverlap { exponent });
        }
        self.salts()
    }

    fn block(&self, id: u16) -> Result<&'a Block, LayoutError> {
        self.d.blocks.get(usize::from(id)).ok_or(E::NoSuchBlock { layer: self.layer, got: id })
    }

    /// A layer fixes a block. Fixing the argument of a function fixes its value: the pair's look-up sees to that, if the
    /// value is in the same rows and has the same lengths.
    fn write(&mut self, id: u16) -> Checked {
        let block = self.block(id)?;
        need(!self.written[usize::from(id)], E::WrittenTwice { layer: self.layer, block: id })?;
        self.written[usize::from(id)] = true;
        if let Column::Argument(j) = block.column {
            for (b, readable) in self.d.blocks.iter().zip(&mut self.readable) {
                *readable |= b.column == Column::Value(j) && b.same_rows(block);
            }
        }
        Ok(())
    }

    /// Strides are injective on the padded lengths, ranges disjoint between families.
    fn family(&mut self, e: &Exponents) -> Checked {
        let error = E::ExponentStrides { layer: self.layer };
        let width = |i: usize| e.strides[i].checked_mul(1u64.checked_shl(index_bits(e.dims[i]) as u32)?);
        let injective = (0..3).all(|i| width(i + 1).is_some_and(|w| e.strides[i] >= w));
        need(injective && e.strides[3] >= 1 && e.dims.iter().all(|n| *n >= 1), error.clone())?;
        let end = width(0).and_then(|w| e.offset.checked_add(w)).ok_or(error.clone())?;
        need(end <= MAX_EXPONENT, error)?;
        self.exponents.push([e.offset, end]);
        Ok(())
    }

    /// `bits` is the exact width of a cell's range: below the table's it needs scaled cells.
    fn tight(&mut self, cell: &Block, bits: u8, tight: Option<&Tight>) -> Checked {
        let error = E::TightRange { layer: self.layer };
        need(tight.is_some() == (bits < self.d.range_bits), error.clone())?;
        if let Some(t) = tight {
            let scaled = self.block(t.block)?;
            let ranged = matches!(cell.column, Column::Range(_)) && matches!(scaled.column, Column::Range(_));
            need(
                ranged && t.bits == bits && bits >= 1 && scaled.dims == cell.dims && t.exponents.dims == cell.dims,
                error,
            )?;
            self.write(t.block)?;
            self.family(&t.exponents)?;
        }
        Ok(())
    }

    fn input(&mut self, id: u16, link: Option<u16>, tight: Option<&Tight>, e: &Exponents) -> Checked {
        let (d, block) = (self.d, self.block(id)?);
        need(e.dims == block.dims, E::InputBlock { layer: self.layer })?;
        let expected = match (block.column, tight) {
            (Column::Range(_), None) => [0, (1i64 << d.range_bits) - 1],
            (Column::Range(_), Some(t)) => [0, (1i64 << t.bits.min(d.range_bits)) - 1],
            (Column::Argument(_), _) => [-(1i64 << (d.value_bits - 1)), (1i64 << (d.value_bits - 1)) - 1],
            _ => return Err(E::InputBlock { layer: self.layer }),
        };
        self.tight(block, tight.map_or(d.range_bits, |t| t.bits), tight)?;
        need(d.input_domain == expected, E::InputDomain { expected, got: d.input_domain })?;
        let committed = d.input_visibility == Visibility::Committed;
        need(link.is_some() == committed, E::InputLink { layer: self.layer })?;
        if let Some(link) = link {
            let behind = self.block(link)?;
            need(behind.column == Column::Input && behind.same_rows(block), E::InputLink { layer: self.layer })?;
        }
        let pad = |q: &u32| (active(d)..rows(d)).contains(&u64::from(*q));
        let mut distinct = d.input_salts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let (expected_at_least, got) = (usize::from(committed), distinct.len());
        let right = distinct.iter().all(pad) && got == d.input_salts.len() && got >= expected_at_least;
        need(right && (committed || got == 0), E::InputSalts { expected_at_least, got })?;
        self.write(id)?;
        self.readable[usize::from(id)] = true;
        self.family(e)
    }

    /// Every term reads cells that an earlier layer fixes, inside their real lengths. Gives a bound on the view's values.
    fn view(&self, view: &[Term], dims: &Dims) -> Result<u128, LayoutError> {
        let layer = self.layer;
        need(!view.is_empty(), E::EmptyView { layer })?;
        need(view.len() <= 64, E::Size { what: "terms of a view", expected: [1, 64], got: view.len() as u64 })?;
        let mut bound = 0u128;
        for term in view {
            let (block, id) = (self.block(term.block)?, term.block);
            need(self.readable[usize::from(id)], E::UnfixedCells { layer, block: id })?;
            need(block.dims[..2] == dims[..2], E::ViewShape { layer, block: id })?;
            for (i, select) in [(2, term.height), (3, term.width)] {
                let fits = usize::from(select.shift) <= block.bits()[i] && u64::from(select.low) < 1 << select.shift;
                need(fits && dims[i] >= 1, E::ViewShape { layer, block: id })?;
                let last = (u64::from(dims[i] - 1) << select.shift) + u64::from(select.low);
                need(last < u64::from(block.dims[i]), E::ViewBeyondRealLength { layer, block: id })?;
            }
            let largest = match block.column {
                Column::Range(_) => 1u128 << self.d.range_bits,
                _ => 1u128 << (self.d.value_bits - 1),
            };
            bound += largest * u128::from(term.coefficient.unsigned_abs());
        }
        Ok(bound)
    }

    fn sums(&self, bound: Option<u128>) -> Checked {
        let bits = bound.map_or(128, |b| 128 - b.leading_zeros());
        need(bits <= MAX_SUM_BITS, E::Overflow { layer: self.layer, bits })
    }

    fn combine(&mut self, cell: u16, view: &[Term], e: &Exponents) -> Checked {
        let block = self.block(cell)?;
        let argument = matches!(block.column, Column::Argument(_));
        need(argument && block.dims == e.dims, E::CombineLength { layer: self.layer })?;
        let bound = self.view(view, &e.dims)?;
        self.sums(Some(bound))?;
        self.write(cell)?;
        self.family(e)
    }

    fn linear(&mut self, l: &Linear) -> Checked {
        let (layer, d, out) = (self.layer, self.d, l.exponents.dims);
        let values = self.view(&l.view, &l.input)?;
        let spatial = match &l.kind {
            Kind::Dense => [1, 1],
            Kind::Convolution(w) => {
                let length = |i: usize| {
                    let padded = u64::from(l.input[2 + i]) + u64::from(w.before[i]) + u64::from(w.after[i]);
                    let span = padded.checked_sub(w.kernel[i].into())?;
                    let right = w.kernel[i] >= 1 && (1..=2).contains(&w.stride[i]);
                    right.then(|| u32::try_from(span / u64::from(w.stride[i]) + 1).ok())?
                };
                let lengths = length(0).zip(length(1)).ok_or(E::ConvolutionWindow { layer })?;
                [lengths.0, lengths.1]
            }
        };
        let expected = [d.batch, out[1], spatial[0], spatial[1]];
        need(out == expected && out[1] >= 1, E::OutputLength { layer, expected, got: out })?;
        if let Some(id) = l.output {
            let block = self.block(id)?;
            let argument = matches!(block.column, Column::Argument(_));
            need(argument && block.dims == out, E::OutputBlock { layer })?;
        }
        self.remainders(l)?;
        self.overflow(l, values)?;
        // after the view: a layer cannot read what it writes
        if let Some(id) = l.output {
            self.write(id)?;
        }
        self.family(&l.exponents)?;
        let weights: usize = l.weight_index_bits().iter().sum();
        for (offset, bits) in [(l.weights, weights), (l.biases, index_bits(out[1]))] {
            let (offset, size) = (u64::from(offset), 1u64.checked_shl(bits as u32).unwrap_or(u64::MAX));
            need(offset.is_multiple_of(size), E::WeightsNotAligned { layer, size, offset })?;
            let (end, expected_below) = (offset.saturating_add(size), u64::from(d.chunks) * rows(d));
            need(end <= expected_below, E::WeightsInVirtualChunk { layer, expected_below, end })?;
            self.weights.push([offset, end]);
        }
        Ok(())
    }

    /// `ceil(S / s)` limbs; the top one is tight unless it fills its table.
    fn remainders(&mut self, l: &Linear) -> Checked {
        let (layer, s) = (self.layer, self.d.range_bits);
        need((1..=40).contains(&l.shift), E::Size { what: "shift", expected: [1, 40], got: l.shift.into() })?;
        let (expected, got) = (usize::from(l.shift.div_ceil(s)), l.remainders.len());
        need(expected == got, E::RemainderLimbs { layer, expected, got })?;
        for (limb, id) in l.remainders.iter().enumerate() {
            let block = self.block(*id)?;
            let ranged = matches!(block.column, Column::Range(_));
            need(ranged && block.dims == l.exponents.dims, E::RemainderBlock { layer, limb })?;
            self.write(*id)?;
            if limb + 1 == expected {
                let below = u32::from(s) * (expected as u32 - 1);
                self.tight(block, (u32::from(l.shift) - below) as u8, l.tight.as_ref())?;
            }
        }
        Ok(())
    }

    /// `sum |W| |x| + |b| + 2^(S+K) < 2^62`.
    fn overflow(&self, l: &Linear, values: u128) -> Checked {
        let [taps, _, channels, height, width] = l.weight_dims();
        let fan_in = u128::from(volume(&[taps, channels, height, width]));
        let power = |bits: u32| 1u128.checked_shl(bits);
        let bound = || {
            let products = fan_in.checked_mul(values)?.checked_mul(power(l.weight_bits.into())?)?;
            let rest =
                power(l.bias_bits.into())?.checked_add(power(u32::from(l.shift) + u32::from(self.d.value_bits))?)?;
            products.checked_add(rest)
        };
        self.sums(bound())
    }

    /// Whether a position holds a real weight. Positions of a block beyond its real lengths meet no cell, since every
    /// contraction is bounded by those: a salt may be there.
    fn is_weight(&self, k: u32) -> bool {
        let inside = |offset: u32, dims: &[u32], bits: &[usize]| {
            let Some(mut rest) = k.checked_sub(offset).map(u64::from) else {
                return false;
            };
            let real = dims.iter().zip(bits).rev().all(|(n, bits)| {
                let i = rest & ((1 << bits) - 1);
                rest >>= bits;
                i < u64::from(*n)
            });
            real && rest == 0
        };
        self.d.layers.iter().any(|layer| {
            let Layer::Linear(l) = layer else { return false };
            let (bits, dims) = (l.weight_index_bits(), l.weight_dims());
            inside(l.weights, &dims, &bits) || inside(l.biases, &dims[1..2], &bits[1..2])
        })
    }

    fn salts(mut self) -> Checked {
        let d = self.d;
        for chunk in 0..usize::from(d.chunks) {
            let inside = |k: &&u32| u64::from(**k) >> d.log_rows == chunk as u64;
            let got = d.salts.iter().filter(inside).count();
            let hidden = d.weight_visibility == Visibility::Hidden;
            let expected_at_least = if hidden { 2 } else { 0 };
            need(got >= expected_at_least && (hidden || got == 0), E::SaltsOfChunk { chunk, expected_at_least, got })?;
        }
        let end = u64::from(d.chunks) * rows(d);
        if let Some(k) = d.salts.iter().find(|k| u64::from(**k) >= end) {
            return Err(E::WeightsInVirtualChunk {
                layer: d.layers.len(),
                expected_below: end,
                end: u64::from(*k) + 1,
            });
        }
        for (i, k) in d.salts.iter().enumerate() {
            need(!d.salts[..i].contains(k) && !self.is_weight(*k), E::SaltOnWeight { position: *k })?;
        }
        match overlap(&mut self.weights) {
            Some(position) => Err(E::WeightsOverlap { position }),
            None => Ok(()),
        }
    }
}

fn mask_cells(d: &Descriptor) -> Checked {
    let m = &d.mask_cells;
    let unique = |cells: &[u32]| {
        let mut sorted = cells.to_vec();
        sorted.sort_unstable();
        sorted.windows(2).find(|w| w[0] == w[1]).map_or(Ok(()), |w| Err(E::MaskCellsOverlap { got: w[0] }))
    };
    let positions = [m.weights, m.inputs].concat();
    unique(&positions)?;
    unique(&m.rows)?;
    let start = u64::from(d.chunks) * rows(d);
    let virtual_chunk = [start, start + rows(d)];
    for got in positions {
        let inside = (virtual_chunk[0]..virtual_chunk[1]).contains(&u64::from(got));
        need(inside, E::MaskCellOutsideVirtualChunk { expected: virtual_chunk, got })?;
    }
    for got in m.rows {
        let inside = (active(d)..rows(d)).contains(&u64::from(got));
        need(inside, E::MaskCellOutsidePadRows { expected: [active(d), rows(d)], got })?;
    }
    let c = usize::from(d.log_rows);
    let used = mask_length(c, DEGREE_A) + mask_length(c + index_bits(u32::from(d.chunks) + 1), DEGREE_C);
    need(used < 1 << c, E::MasksDoNotFit { rows: used, expected_below: 1 << c })
}
