//! The integers of one inference, and the columns made of them.
//!
//! The executor follows the descriptor: `y = floor((W x + b) / 2^S)`, functions, sums. A value outside its table is
//! an error that names its place, never a wrap.

use crate::descriptor::{Block, Column, Destination, Dims, Kind, Layer, Linear, Map, Term, Tight, Window, volume};
use crate::field::Fr;
use crate::gather::{indices, row, selected, tap_input, weight_position};
use crate::layout::Layout;
use ark_ff::Zero;
use std::fmt;
use zeroize::Zeroize;

/// The weights of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerWeights {
    /// Those of each map, in the order (out, channel, height, width); of the kernel for a convolution, of the input for a
    /// dense map. A depthwise window has no out: (channel, height, width).
    pub maps: Vec<Vec<i64>>,
    /// One for each out.
    pub biases: Vec<i64>,
}

/// Every cell of every block, in the order of its real indices, and the public outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// By block; empty where nothing is stored.
    pub cells: Vec<Vec<i64>>,
    /// Of the last layer: (batch, out, height, width), or an index for each element of the batch.
    pub outputs: Vec<i64>,
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.cells.zeroize();
    }
}

/// Integers that have no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the facts of the sentence that Display writes
pub enum WitnessError {
    InputCount { expected: usize, got: usize },
    InputOutOfDomain { position: usize, domain: [i64; 2], got: i64 },
    LayerCount { expected: usize, got: usize },
    MapCount { layer: usize, expected: usize, got: usize },
    WeightCount { layer: usize, map: usize, expected: u64, got: usize },
    BiasCount { layer: usize, expected: u32, got: usize },
    WeightOutOfRange { layer: usize, map: usize, position: usize, bits: u8, got: i64 },
    BiasOutOfRange { layer: usize, position: usize, bits: u8, got: i64 },
    OutOfCalibratedRange { layer: usize, position: usize, domain: [i64; 2], got: i64 },
}

impl fmt::Display for WitnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use WitnessError::*;
        match self {
            InputCount { expected, got } => write!(f, "expected {expected} input values, got {got}"),
            InputOutOfDomain { position, domain: [low, high], got } => {
                write!(f, "input value {position} is {got}, outside [{low}, {high}]")
            }
            LayerCount { expected, got } => write!(f, "expected weights for {expected} layers, got {got}"),
            MapCount { layer, expected, got } => {
                write!(f, "linear layer {layer}: expected weights of {expected} maps, got {got}")
            }
            WeightCount { layer, map, expected, got } => {
                write!(f, "linear layer {layer}, map {map}: expected {expected} weights, got {got}")
            }
            BiasCount { layer, expected, got } => {
                write!(f, "linear layer {layer}: expected {expected} biases, got {got}")
            }
            WeightOutOfRange { layer, map, position, bits, got } => {
                write!(f, "linear layer {layer}, map {map}: weight {position} is {got}, outside [-2^{bits}, 2^{bits})")
            }
            BiasOutOfRange { layer, position, bits, got } => {
                write!(f, "linear layer {layer}: bias {position} is {got}, outside [-2^{bits}, 2^{bits})")
            }
            OutOfCalibratedRange { layer, position, domain: [low, high], got } => {
                write!(f, "layer {layer}: value {position} is {got}, out of the calibrated range [{low}, {high}]")
            }
        }
    }
}

impl std::error::Error for WitnessError {}

/// Refuses weights of wrong numbers or sizes.
pub fn check_weights(layout: &Layout, model: &[LayerWeights]) -> Result<(), WitnessError> {
    let layers: Vec<&Linear> = layout.linear_layers().collect();
    if layers.len() != model.len() {
        return Err(WitnessError::LayerCount { expected: layers.len(), got: model.len() });
    }
    for (layer, (l, given)) in layers.iter().zip(model).enumerate() {
        if given.maps.len() != l.maps.len() {
            return Err(WitnessError::MapCount { layer, expected: l.maps.len(), got: given.maps.len() });
        }
        if given.biases.len() != l.out() as usize {
            return Err(WitnessError::BiasCount { layer, expected: l.out(), got: given.biases.len() });
        }
        let outside = |values: &[i64], bits: u8| {
            let limit = 1i64.checked_shl(bits.into()).filter(|v| *v > 0);
            let inside = |v: i64| limit.is_none_or(|limit| (-limit..limit).contains(&v));
            values.iter().position(|v| !inside(*v)).map(|i| (i, values[i]))
        };
        for (map, (m, weights)) in l.maps.iter().zip(&given.maps).enumerate() {
            let expected = volume(&m.weight_dims(l.out()));
            if weights.len() as u64 != expected {
                return Err(WitnessError::WeightCount { layer, map, expected, got: weights.len() });
            }
            if let Some((position, got)) = outside(weights, m.weight_bits) {
                return Err(WitnessError::WeightOutOfRange { layer, map, position, bits: m.weight_bits, got });
            }
        }
        if let Some((position, got)) = outside(&given.biases, l.bias_bits) {
            return Err(WitnessError::BiasOutOfRange { layer, position, bits: l.bias_bits, got });
        }
    }
    Ok(())
}

/// The weight chunks without salts: zero wherever no layer has a weight.
pub fn weight_chunks(layout: &Layout, model: &[LayerWeights]) -> Result<Vec<Vec<Fr>>, WitnessError> {
    check_weights(layout, model)?;
    let mut flat = vec![Fr::zero(); layout.chunks() * layout.rows()];
    for (l, given) in layout.linear_layers().zip(model) {
        for (map, weights) in l.maps.iter().zip(&given.maps) {
            let inner = weights.len() / l.out() as usize;
            for (i, value) in weights.iter().enumerate() {
                flat[weight_position(l, map, weight_index(map, i / inner, i % inner))] = Fr::from(*value);
            }
        }
        for (o, value) in given.biases.iter().enumerate() {
            flat[l.biases as usize + o] = Fr::from(*value);
        }
    }
    Ok(flat.chunks(layout.rows()).map(<[Fr]>::to_vec).collect())
}

/// The index of an output channel's weight at `inner` in (channel, height, width).
fn weight_index(map: &Map, out: usize, inner: usize) -> [usize; 5] {
    let [h, w] = match map.window() {
        None => [map.input[2] as usize, map.input[3] as usize],
        Some(window) => window.kernel.map(usize::from),
    };
    let (channel, row, column) = (inner / (h * w), inner / w % h, inner % w);
    match &map.kind {
        Kind::Dense => [0, out, channel, row, column],
        Kind::Convolution(_) => [row, column, channel, out, 0],
        Kind::Depthwise(_) => [row, column, out, 0, 0],
    }
}

/// `sum over taps of weight * image` at one output; zero outside the image of height and width `size`.
fn windowed(w: &Window, size: [u32; 2], at: [usize; 2], weights: &[i64], image: &[i64]) -> i64 {
    let [kh, kw] = w.kernel.map(usize::from);
    let mut sum = 0;
    for u in 0..kh {
        let Some(i) = tap_input(w, 0, at[0], u, size[0]) else { continue };
        for v in 0..kw {
            let Some(j) = tap_input(w, 1, at[1], v, size[1]) else { continue };
            sum += weights[u * kw + v] * image[i * size[1] as usize + j];
        }
    }
    sum
}

/// Tampers with a trace as soon as a block exists: later blocks follow from what it leaves. Honest provers have none.
pub(crate) type Tamper<'a> = &'a mut dyn FnMut(u16, &mut Trace);

/// Runs the model.
pub fn execute(layout: &Layout, model: &[LayerWeights], inputs: &[i64]) -> Result<Trace, WitnessError> {
    Executor::new(layout, model, inputs, None)?.run()
}

/// Runs the model for a dishonest prover: nothing is checked.
#[cfg(test)]
pub(crate) fn execute_tampered(layout: &Layout, model: &[LayerWeights], inputs: &[i64], tamper: Tamper<'_>) -> Trace {
    Executor::new(layout, model, inputs, Some(tamper)).and_then(Executor::run).unwrap()
}

struct Executor<'a> {
    layout: &'a Layout,
    model: &'a [LayerWeights],
    trace: Trace,
    tamper: Option<Tamper<'a>>,
}

impl<'a> Executor<'a> {
    fn new(
        layout: &'a Layout,
        model: &'a [LayerWeights],
        inputs: &[i64],
        tamper: Option<Tamper<'a>>,
    ) -> Result<Self, WitnessError> {
        check_weights(layout, model)?;
        if inputs.len() != layout.inputs() {
            return Err(WitnessError::InputCount { expected: layout.inputs(), got: inputs.len() });
        }
        let [low, high] = layout.descriptor().input_domain;
        for (position, got) in inputs.iter().enumerate() {
            if tamper.is_none() && !(low..=high).contains(got) {
                return Err(WitnessError::InputOutOfDomain { position, domain: [low, high], got: *got });
            }
        }
        let mut cells = vec![Vec::new(); layout.descriptor().blocks.len()];
        if let Some(Layer::Input { block, .. }) = layout.descriptor().layers.first() {
            cells[usize::from(*block)] = inputs.to_vec();
        }
        Ok(Executor { layout, model, trace: Trace { cells, outputs: vec![] }, tamper })
    }

    fn run(mut self) -> Result<Trace, WitnessError> {
        let layout = self.layout;
        let mut linear = 0;
        for (layer, op) in layout.descriptor().layers.iter().enumerate() {
            match op {
                Layer::Input { block, tight, .. } => {
                    let values = std::mem::take(&mut self.trace.cells[usize::from(*block)]);
                    self.store(layer, *block, values)?;
                    if let Some(t) = tight {
                        self.scale(layer, *block, t.block, t.bits)?;
                    }
                }
                Layer::Combine { cell, view, exponents } => {
                    let values = self.view(view, exponents.dims);
                    self.store(layer, *cell, values)?;
                }
                Layer::Linear(l) => {
                    let sums = self.sums(l, linear);
                    linear += 1;
                    self.requantise(layer, l, &sums)?;
                }
                Layer::Output { view, exponents } => self.trace.outputs = self.view(view, exponents.dims),
                Layer::Top1 { view, remainders, tight, exponents } => {
                    let cells = self.view(view, exponents.dims);
                    let mut rest = vec![];
                    for y in cells.chunks(exponents.dims[1] as usize) {
                        let index = first_of_largest(y);
                        rest.extend((0..).zip(y).map(|(i, v)| y[index] - v - i64::from(i < index)));
                        self.trace.outputs.push(index as i64);
                    }
                    self.limbs(layer, &rest, remainders, tight.as_ref())?;
                }
            }
        }
        Ok(self.trace)
    }

    /// Stores a block, and f of it in the block of its values.
    fn store(&mut self, layer: usize, id: u16, values: Vec<i64>) -> Result<(), WitnessError> {
        let (layout, d) = (self.layout, self.layout.descriptor());
        self.trace.cells[usize::from(id)] = values;
        self.tampered(id);
        let block = layout.block(id);
        let Column::Argument(j) = block.column else {
            return Ok(());
        };
        let domain = layout.value_domain();
        self.in_range(layer, &self.trace.cells[usize::from(id)], domain)?;
        let function = &d.functions[usize::from(d.pairs[usize::from(j)])];
        let value = |b: &Block| b.column == Column::Value(j) && b.same_rows(block);
        if let Some(to) = d.blocks.iter().position(value) {
            let applied = self.trace.cells[usize::from(id)].iter().map(|y| function.apply(*y)).collect();
            self.trace.cells[to] = applied;
            self.tampered(to as u16);
        }
        Ok(())
    }

    fn tampered(&mut self, id: u16) {
        if let Some(tamper) = &mut self.tamper {
            tamper(id, &mut self.trace);
        }
    }

    fn in_range(&self, layer: usize, values: &[i64], [low, high]: [i64; 2]) -> Result<(), WitnessError> {
        match values.iter().position(|v| !(low..=high).contains(v)) {
            Some(position) if self.tamper.is_none() => {
                Err(WitnessError::OutOfCalibratedRange { layer, position, domain: [low, high], got: values[position] })
            }
            _ => Ok(()),
        }
    }

    /// `scaled = 2^(s-bits) cell`.
    fn scale(&mut self, layer: usize, cell: u16, scaled: u16, bits: u8) -> Result<(), WitnessError> {
        let shift = self.layout.descriptor().range_bits.saturating_sub(bits);
        let values = self.trace.cells[usize::from(cell)].iter().map(|v| v << shift).collect();
        self.store(layer, scaled, values)
    }

    fn view(&self, view: &[Term], dims: Dims) -> Vec<i64> {
        let mut out = vec![0i64; volume(&dims) as usize];
        for term in view {
            let (cells, [_, nc, nh, nw]) =
                (&self.trace.cells[usize::from(term.block)], self.layout.block(term.block).dims.map(|n| n as usize));
            for (v, [b, c, h, w]) in out.iter_mut().zip(indices(dims)) {
                let at = ((b * nc + c) * nh + selected(term.height, h)) * nw + selected(term.width, w);
                *v += i64::from(term.coefficient) * cells[at];
            }
        }
        out
    }

    /// The sum of the maps, and b.
    fn sums(&self, l: &Linear, linear: usize) -> Vec<i64> {
        let given = &self.model[linear];
        let mut out: Vec<i64> = indices(l.exponents.dims).map(|[_, o, _, _]| given.biases[o]).collect();
        for (map, weights) in l.maps.iter().zip(&given.maps) {
            let x = self.view(&map.view, map.input);
            let [_, nc, nh, nw] = map.input.map(|n| n as usize);
            let inner = weights.len() / l.out() as usize;
            for (sum, [b, o, oh, ow]) in out.iter_mut().zip(indices(l.exponents.dims)) {
                let weights = &weights[o * inner..(o + 1) * inner];
                let image = &x[b * nc * nh * nw..(b + 1) * nc * nh * nw];
                let size = [map.input[2], map.input[3]];
                *sum += match &map.kind {
                    Kind::Dense => weights.iter().zip(image).map(|(w, x)| w * x).sum::<i64>(),
                    Kind::Convolution(w) => {
                        let channels = weights.chunks(map.taps() as usize).zip(image.chunks(nh * nw));
                        channels.map(|(weights, image)| windowed(w, size, [oh, ow], weights, image)).sum()
                    }
                    Kind::Depthwise(w) => windowed(w, size, [oh, ow], weights, &image[o * nh * nw..(o + 1) * nh * nw]),
                };
            }
        }
        out
    }

    /// Stores a number in limbs of s bits, and the top one scaled where its range is tight.
    fn limbs(&mut self, layer: usize, rest: &[i64], limbs: &[u16], tight: Option<&Tight>) -> Result<(), WitnessError> {
        let s = self.layout.descriptor().range_bits;
        for (limb, id) in (0..).zip(limbs) {
            let values = rest.iter().map(|v| (v >> (limb * u32::from(s))) & ((1 << s) - 1)).collect();
            self.store(layer, *id, values)?;
        }
        match (tight, limbs.last()) {
            (Some(t), Some(top)) => self.scale(layer, *top, t.block, t.bits),
            _ => Ok(()),
        }
    }

    /// `y = floor(acc / 2^S)`, and the remainder in limbs of s bits.
    fn requantise(&mut self, layer: usize, l: &Linear, sums: &[i64]) -> Result<(), WitnessError> {
        let y: Vec<i64> = sums.iter().map(|acc| acc >> l.shift).collect();
        let rest: Vec<i64> = sums.iter().map(|acc| acc & ((1 << l.shift) - 1)).collect();
        self.limbs(layer, &rest, &l.remainders, l.tight.as_ref())?;
        match l.output {
            Destination::Cells(id) => self.store(layer, id, y),
            Destination::Public => {
                self.in_range(layer, &y, self.layout.value_domain())?;
                self.trace.outputs = y;
                Ok(())
            }
            Destination::Pooled { arguments, .. } => {
                // with a bit less, all differences are in the arguments' domain
                self.in_range(layer, &y, self.layout.value_domain().map(|end| end >> 1))?;
                let z = self.pool(self.layout.block(arguments), y);
                self.store(layer, arguments, z)
            }
        }
    }

    /// The arguments that stand for y, square by square: see [`Destination::Pooled`].
    fn pool(&self, block: &Block, mut y: Vec<i64>) -> Vec<i64> {
        let d = self.layout.descriptor();
        let Column::Argument(j) = block.column else { return y };
        let function = &d.functions[usize::from(d.pairs[usize::from(j)])];
        let width = block.dims[3] as usize;
        for rows in y.chunks_mut(2 * width) {
            let (upper, lower) = rows.split_at_mut(width);
            for (upper, lower) in upper.chunks_mut(2).zip(lower.chunks_mut(2)) {
                if let ([y00, y01], [y10, y11]) = (upper, lower) {
                    *y00 -= *y01;
                    *y10 -= *y11;
                    *y11 += function.apply(*y10);
                    *y01 += function.apply(*y00) - *y11;
                    *y11 += function.apply(*y01);
                }
            }
        }
        y
    }
}

/// Ties go to the first.
fn first_of_largest(y: &[i64]) -> usize {
    (0..y.len()).rev().max_by_key(|i| y[*i]).unwrap_or(0)
}

/// The looked-up columns of phase 1, range columns and pairs. Rows of no block hold 0, or (0, f(0)); pad rows hold zeros
/// until they are masked.
pub(crate) fn columns(layout: &Layout, trace: &Trace) -> Vec<Vec<Fr>> {
    let d = layout.descriptor();
    let mut out = vec![vec![Fr::zero(); layout.rows()]; layout.multiplicities()];
    for (j, function) in d.pairs.iter().enumerate() {
        let default = Fr::from(d.functions[usize::from(*function)].apply(0));
        out[layout.column(Column::Value(j as u8))].fill(default);
    }
    let place = |out: &mut [Vec<Fr>], column: Column, dims: Dims, block, values: &mut dyn Iterator<Item = i64>| {
        let column = &mut out[layout.column(column)];
        for (index, v) in indices(dims).zip(values) {
            column[row(block, index)] = Fr::from(v);
        }
    };
    // arguments with their values first, then whatever the trace says the values are
    for (block, cells) in d.blocks.iter().zip(&trace.cells) {
        if let Column::Argument(j) = block.column {
            let function = &d.functions[usize::from(d.pairs[usize::from(j)])];
            let mut values = cells.iter().map(|y| function.apply(*y));
            place(&mut out, Column::Value(j), block.dims, block, &mut values);
        }
    }
    for (block, cells) in d.blocks.iter().zip(&trace.cells) {
        if block.column != Column::Input {
            place(&mut out, block.column, block.dims, block, &mut cells.iter().copied());
        }
    }
    out
}
