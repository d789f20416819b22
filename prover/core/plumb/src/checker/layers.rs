//! The layers, in order: every cell that is read has been fixed, no two equations share a power of r, no sum overflows.

use super::weights::Weights;
use super::{Checked, E, LayoutError, active, need, overlap, rows};
use crate::closed_forms::index_bits;
use crate::descriptor::*;

/// Exponents stay below this, so that no power of r costs more than a contract can pay.
const MAX_EXPONENT: u64 = 1 << 40;
/// The executor's integers stay below 2^62.
const MAX_SUM_BITS: u32 = 62;
/// The longest lists that a layer has.
const MAX_TERMS: u64 = 64;

/// Walks the layers in order and remembers which cells are fixed by then.
pub(super) struct Layers<'a> {
    d: &'a Descriptor,
    layer: usize,
    /// Blocks that a view may read.
    readable: Vec<bool>,
    /// Blocks that a layer has fixed.
    written: Vec<bool>,
    exponents: Vec<[u64; 2]>,
    weights: Weights,
}

impl<'a> Layers<'a> {
    pub(super) fn new(d: &'a Descriptor) -> Self {
        let none = vec![false; d.blocks.len()];
        let weights = Weights::default();
        Layers { d, layer: 0, readable: none.clone(), written: none, exponents: vec![], weights }
    }

    pub(super) fn check(mut self) -> Checked {
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
                Layer::Output { view, exponents } => {
                    self.activations(view, &exponents.dims)?;
                    self.family(exponents)?;
                }
                Layer::Top1 { view, remainders, tight, exponents } => {
                    let got = exponents.dims;
                    need(got[2..] == [1, 1], E::ClassLengths { layer: i, got })?;
                    self.activations(view, &got)?;
                    // differences of K-bit integers have K bits and a sign: those that are not negative have K
                    self.limbs(d.value_bits, remainders, tight.as_ref(), &got)?;
                    self.family(exponents)?;
                }
            }
        }
        let (last, got) = (d.layers.len() - 1, d.layers.iter().position(Layer::is_public));
        need(got == Some(last), E::PublicLayer { expected: last, got })?;
        if let Some(exponent) = overlap(&mut self.exponents) {
            return Err(E::ExponentsOverlap { exponent });
        }
        self.weights.check(d)
    }

    fn block(&self, id: u16) -> Result<&'a Block, LayoutError> {
        self.d.blocks.get(usize::from(id)).ok_or(E::NoSuchBlock { layer: self.layer, got: id })
    }

    /// A layer fixes a block. An argument is looked up, so it is a K-bit integer that views may read. Fixing it fixes its
    /// value too: the pair's look-up sees to that, if the value is in the same rows and has the same lengths.
    fn write(&mut self, id: u16) -> Checked {
        let block = self.block(id)?;
        need(!self.written[usize::from(id)], E::WrittenTwice { layer: self.layer, block: id })?;
        self.written[usize::from(id)] = true;
        if let Column::Argument(j) = block.column {
            self.readable[usize::from(id)] = true;
            for (b, readable) in self.d.blocks.iter().zip(&mut self.readable) {
                *readable |= b.column == Column::Value(j) && b.same_rows(block);
            }
        }
        Ok(())
    }

    /// Strides are powers of two, as the encoding has them, and injective on the padded lengths, ranges disjoint between
    /// families. Every length is at least 1: it is a block's, or was checked against one.
    fn family(&mut self, e: &Exponents) -> Checked {
        let error = E::ExponentStrides { layer: self.layer };
        let width = |i: usize| e.strides[i].checked_mul(1u64.checked_shl(index_bits(e.dims[i]) as u32)?);
        let injective = (0..3).all(|i| width(i + 1).is_some_and(|w| e.strides[i] >= w));
        let powers = e.strides.iter().all(|s| s.is_power_of_two());
        need(injective && powers, error.clone())?;
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
        self.length("terms of a view", view.len())?;
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

    /// A view whose cells are K-bit integers: one block of activations, as it is.
    fn activations(&self, view: &[Term], dims: &Dims) -> Checked {
        self.view(view, dims)?;
        let [Term { coefficient: 1, block, .. }] = view else { return Err(E::OutputView { layer: self.layer }) };
        let column = self.block(*block)?.column;
        need(matches!(column, Column::Argument(_) | Column::Value(_)), E::OutputView { layer: self.layer })
    }

    fn length(&self, what: &'static str, got: usize) -> Checked {
        need((1..=MAX_TERMS).contains(&(got as u64)), E::Size { what, expected: [1, MAX_TERMS], got: got as u64 })
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
        self.sums(Some(bound))?; // Unreachable: 64 terms of 2^31 times 2^20 are below 2^62
        self.write(cell)?;
        self.family(e)
    }

    fn linear(&mut self, l: &Linear) -> Checked {
        let (layer, d, out) = (self.layer, self.d, l.exponents.dims);
        self.length("maps", l.maps.len())?;
        need(out[1] >= 1, E::OutputLength { layer, expected: [d.batch, 1, out[2], out[3]], got: out })?;
        let mut products = Some(0u128);
        for map in &l.maps {
            let values = self.view(&map.view, &map.input)?;
            let expected = self.output_dims(map, out[1])?;
            need(out == expected, E::OutputLength { layer, expected, got: out })?;
            products = products.zip(largest_sum(map, values)).and_then(|(a, b)| a.checked_add(b));
            self.weights.register(d, layer, map.weights, &map.weight_dims(out[1]))?;
        }
        self.weights.register(d, layer, l.biases, &out[1..2])?;
        // |y| <= 2^(K-1); where y is a sum of five cells |y| <= 5 2^(K-1)
        let mut value_bits = u32::from(d.value_bits);
        if let Some(id) = l.output.fixes() {
            let block = self.block(id)?;
            let argument = matches!(block.column, Column::Argument(_));
            need(argument && block.dims == out, E::OutputBlock { layer })?;
            if let Destination::Pooled { values, .. } = l.output {
                self.pooled(block, values)?;
                value_bits += 2;
            }
        }
        let shift = u64::from(l.shift);
        need(shift <= 40, E::Size { what: "shift", expected: [0, 40], got: shift })?;
        self.limbs(l.shift, &l.remainders, l.tight.as_ref(), &out)?;
        // sum |W| |x| + |b| + 2^(S+K) < 2^62
        let rest =
            (1u128.checked_shl(l.bias_bits.into())).and_then(|b| b.checked_add(1 << (u32::from(l.shift) + value_bits)));
        self.sums(products.zip(rest).and_then(|(a, b)| a.checked_add(b)))?;
        // after the views: a layer cannot read what it writes
        if let Some(id) = l.output.fixes() {
            self.write(id)?;
        }
        self.family(&l.exponents)
    }

    /// Squares of 2 x 2 are whole, and each argument has its value beside it.
    fn pooled(&self, arguments: &Block, values: u16) -> Checked {
        let layer = self.layer;
        need(arguments.dims[2..].iter().all(|n| n % 2 == 0), E::PooledLength { layer, got: arguments.dims })?;
        let values = self.block(values)?;
        let pair = matches!((arguments.column, values.column), (Column::Argument(i), Column::Value(j)) if i == j);
        need(pair && values.same_rows(arguments), E::PooledValues { layer })
    }

    /// The lengths of what a map gives.
    fn output_dims(&self, map: &Map, out: u32) -> Result<Dims, LayoutError> {
        let error = E::ConvolutionWindow { layer: self.layer };
        let length = |w: &Window, i: usize| {
            let padded = u64::from(map.input[2 + i]) + u64::from(w.before[i]) + u64::from(w.after[i]);
            let span = padded.checked_sub(w.kernel[i].into())?;
            let right = w.kernel[i] >= 1 && (1..=2).contains(&w.stride[i]);
            right.then(|| u32::try_from(span / u64::from(w.stride[i]) + 1).ok())?
        };
        let spatial = match map.window() {
            None => Some((1, 1)),
            Some(w) => length(w, 0).zip(length(w, 1)),
        };
        let (height, width) = spatial.ok_or(error)?;
        let channels = match map.kind {
            Kind::Dense | Kind::Convolution(_) => out,
            Kind::Depthwise(_) => map.input[1],
        };
        Ok([self.d.batch, channels, height, width])
    }

    /// A number of exactly `bits` bits in `ceil(bits / s)` limbs; the top one is tight unless it fills its table. Zero has
    /// no limbs.
    fn limbs(&mut self, bits: u8, limbs: &[u16], tight: Option<&Tight>, dims: &Dims) -> Checked {
        let (layer, s) = (self.layer, self.d.range_bits);
        let (expected, got) = (usize::from(bits.div_ceil(s)), limbs.len());
        need(expected == got, E::RemainderLimbs { layer, expected, got })?;
        for (limb, id) in limbs.iter().enumerate() {
            let block = self.block(*id)?;
            let ranged = matches!(block.column, Column::Range(_));
            need(ranged && block.dims == *dims, E::RemainderBlock { layer, limb })?;
            self.write(*id)?;
            if limb + 1 == expected {
                let below = u32::from(s) * (expected as u32 - 1);
                self.tight(block, (u32::from(bits) - below) as u8, tight)?;
            }
        }
        need(expected > 0 || tight.is_none(), E::TightRange { layer })
    }
}

/// `sum |W| |x|` over the products of one output, for views of at most `values`.
fn largest_sum(map: &Map, values: u128) -> Option<u128> {
    let [_, channels, ..] = map.input;
    let fan_in = match map.kind {
        Kind::Dense => volume(&map.input[1..]),
        Kind::Convolution(_) => volume(&[map.taps(), channels]),
        Kind::Depthwise(_) => map.taps().into(),
    };
    u128::from(fan_in).checked_mul(values)?.checked_mul(1u128.checked_shl(map.weight_bits.into())?)
}
