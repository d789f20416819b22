//! The functionals of [`crate::functionals`] as dense vectors, and the gather of sumcheck A: what the prover computes.
//!
//! The exponents of r are sums over dimensions, so everything here is an outer product of one vector per dimension. The
//! cost is that of touching each weight and each cell once, plus the taps of a convolution per cell.

use crate::closed_forms::{eq_index, eq_table};
use crate::descriptor::{Block, Dims, Exponents, Kind, Linear, Map, Select, Term, Window};
use crate::field::{Fr, powers};
use crate::functionals::{Queries, Weighted, bases, chosen_cells, linear_terms, link_terms, split};
use crate::layout::Layout;
use ark_ff::Zero;
use rayon::prelude::*;

/// The row of a block's cell.
pub(crate) fn row(block: &Block, index: [usize; 4]) -> usize {
    let inside = index.iter().zip(block.bits()).fold(0, |row, (i, bits)| (row << bits) + i);
    block.offset as usize + inside
}

pub(crate) fn selected(s: Select, i: usize) -> usize {
    (i << s.shift) + s.low as usize
}

/// The row that a term reads at a view's coordinate.
pub(crate) fn term_row(block: &Block, term: &Term, [b, c, h, w]: [usize; 4]) -> usize {
    row(block, [b, c, selected(term.height, h), selected(term.width, w)])
}

/// All indices below some lengths, in order.
pub(crate) fn indices(dims: Dims) -> impl Iterator<Item = [usize; 4]> {
    let [nb, nc, nh, nw] = dims.map(|n| n as usize);
    (0..nb).flat_map(move |b| (0..nc).flat_map(move |c| (0..nh).flat_map(move |h| (0..nw).map(move |w| [b, c, h, w]))))
}

/// The position of a weight in the weight index domain.
pub(crate) fn weight_position(l: &Linear, map: &Map, index: [usize; 5]) -> usize {
    let inside = index.iter().zip(map.weight_index_bits(l.out())).fold(0, |k, (i, bits)| (k << bits) + i);
    map.weights as usize + inside
}

/// The input coordinate of output `o` under tap `t`, if it is a real one.
pub(crate) fn tap_input(w: &Window, dimension: usize, o: usize, t: usize, n_in: u32) -> Option<usize> {
    let padded = o * usize::from(w.stride[dimension]) + t;
    let i = padded.checked_sub(w.before[dimension].into())?;
    (i < n_in as usize).then_some(i)
}

/// `r^(offset + <strides, index>)` for all real indices, in order.
fn exponent_powers(e: &Exponents, r: &Fr) -> Vec<Fr> {
    let (offset, strides) = bases(e, r);
    let mut out = vec![offset];
    for (base, n) in strides.iter().zip(&e.dims) {
        let along = powers(base, *n);
        out = out.iter().flat_map(|v| along.iter().map(move |p| *v * p)).collect();
    }
    out
}

/// Xtot without its mask cells: for each weight, the cells that it meets, weighed by r to the exponents of the outputs.
pub(crate) fn gather(layout: &Layout, r: &Fr, columns: &[Vec<Fr>]) -> Vec<Fr> {
    let mut x = vec![Fr::zero(); 1 << layout.weight_variables()];
    for l in layout.linear_layers() {
        let (offset, strides) = bases(&l.exponents, r);
        let out = powers(&strides[1], l.exponents.dims[1]);
        for map in &l.maps {
            let cells = batch_sum(layout, l, map, &offset, &strides[0], columns);
            let [_, nc, nh, nw] = map.input;
            let (first, bits) = (map.weights as usize, map.weight_index_bits(l.out()));
            // what one output of a dense map meets, or one tap, stands together, padded to a power of two
            let inside: usize = bits[2..].iter().sum();
            let mut each_tap = |w: &Window, meet: &(dyn Fn(&mut [Fr], &[Fr]) + Sync)| {
                let [rows, columns] = w.kernel.map(usize::from);
                let sums = slide(w, map.input, &l.exponents, &strides, &cells);
                let taps = x[first..].par_chunks_mut(1 << inside).take(rows << bits[1]).enumerate();
                taps.for_each(|(tap, met)| {
                    let (row, column) = (tap >> bits[1], tap & ((1 << bits[1]) - 1));
                    if column < columns {
                        let of_tap = sums.iter().skip(row * columns + column).step_by(rows * columns);
                        meet(met, &of_tap.copied().collect::<Vec<_>>());
                    }
                });
            };
            match &map.kind {
                Kind::Dense => {
                    let place = |[_, c, h, w]: [usize; 4]| weight_position(l, map, [0, 0, c, h, w]) - first;
                    let places: Vec<usize> = indices([1, nc, nh, nw]).map(place).collect();
                    x[first..].par_chunks_mut(1 << inside).zip(&out).for_each(|(met, weight)| {
                        places.iter().zip(&cells).for_each(|(place, cell)| met[*place] = *weight * cell);
                    });
                }
                Kind::Convolution(w) => each_tap(w, &|met, cells| {
                    for (met, cell) in met.chunks_mut(1 << bits[3]).zip(cells) {
                        met.iter_mut().zip(&out).for_each(|(x, weight)| *x = *weight * cell);
                    }
                }),
                Kind::Depthwise(w) => each_tap(w, &|met, cells| {
                    met.iter_mut().zip(cells.iter().zip(&out)).for_each(|(x, (cell, weight))| *x = *weight * cell);
                }),
            }
        }
        // a bias meets the constant 1 at each of its outputs
        let [nb, no, nh, nw] = l.exponents.dims;
        let sum = |i: usize, n| powers(&strides[i], n).iter().sum::<Fr>();
        let all = offset * sum(0, nb) * sum(2, nh) * sum(3, nw);
        for (o, weight) in out.iter().enumerate().take(no as usize) {
            x[l.biases as usize + o] = *weight * all;
        }
    }
    x
}

/// `sum over the batch of r^(offset + s_b b) view(b, channel, height, width)`, for each index of the view.
fn batch_sum(layout: &Layout, l: &Linear, map: &Map, offset: &Fr, base: &Fr, columns: &[Vec<Fr>]) -> Vec<Fr> {
    let along = powers(base, l.exponents.dims[0]);
    let [_, nc, nh, nw] = map.input;
    let mut cells = vec![Fr::zero(); (nc * nh * nw) as usize];
    for term in &map.view {
        let block = layout.block(term.block);
        let column = &columns[layout.column(block.column)];
        let coefficient = *offset * Fr::from(term.coefficient);
        for (b, weight) in along.iter().enumerate() {
            let weight = coefficient * weight;
            for (cell, [_, c, h, w]) in cells.iter_mut().zip(indices([1, nc, nh, nw])) {
                *cell += weight * column[term_row(block, term, [b, c, h, w])];
            }
        }
    }
    cells
}

/// For each channel and tap (u, v): `sum_(o_h, o_w) r^(s_h o_h + s_w o_w) cell(channel, input of o_h and u, input of o_w
/// and v)`, one dimension after the other.
fn slide(window: &Window, input: Dims, e: &Exponents, strides: &[Fr; 4], cells: &[Fr]) -> Vec<Fr> {
    let [_, nc, nh, nw] = input.map(|n| n as usize);
    let [kh, kw] = window.kernel.map(usize::from);
    let along_h = powers(&strides[2], e.dims[2]);
    let along_w = powers(&strides[3], e.dims[3]);
    let mut out = Vec::with_capacity(nc * kh * kw);
    for channel in cells.chunks(nh * nw).take(nc) {
        let sum = |weights: &[Fr], dimension, tap, at: &dyn Fn(usize) -> Fr| -> Fr {
            let inputs = weights.iter().enumerate();
            inputs.filter_map(|(o, p)| Some(*p * at(tap_input(window, dimension, o, tap, input[2 + dimension])?))).sum()
        };
        let rows: Vec<Vec<Fr>> =
            channel.chunks(nw).map(|line| (0..kw).map(|v| sum(&along_w, 1, v, &|i| line[i])).collect()).collect();
        for u in 0..kh {
            out.extend((0..kw).map(|v| sum(&along_h, 0, u, &|i| rows[i][v])));
        }
    }
    out
}

impl Queries<'_> {
    /// `Q_i` for every column, as vectors.
    #[cfg(test)]
    pub(crate) fn dense(&self) -> Vec<Vec<Fr>> {
        let mut q = self.dense_but_weights();
        if !self.layout.has_products() {
            return q;
        }
        let (coefficients, at_k) = self.weights();
        for (chunk, coefficient) in coefficients.iter().enumerate() {
            q[self.layout.chunk(chunk)] = at_k.iter().map(|v| *coefficient * v).collect();
        }
        q
    }

    /// The functionals of the weight chunks, which are multiples of one vector: `Q_chunk = coefficient_chunk * vector`.
    pub(crate) fn weights(&self) -> (Vec<Fr>, Vec<Fr>) {
        let (high, a) = self.k.split_at(self.layout.chunk_variables());
        let weight = self.weights[self.layout.claims().weights()];
        let chunks = 0..self.layout.chunks() as u64;
        (chunks.map(|chunk| weight * eq_index(chunk, high)).collect(), eq_table(a))
    }

    /// `Q_i` for every column, as vectors; those of weight chunks are empty, but in a registration.
    pub(crate) fn dense_but_weights(&self) -> Vec<Vec<Fr>> {
        let (layout, claims) = (self.layout, self.layout.claims());
        let (at_a, rows) = (eq_table(self.a()), layout.rows());
        let mut q: Vec<Vec<Fr>> = (0..layout.columns())
            .into_par_iter()
            .map(|i| match self.weights[..claims.columns].get(i) {
                Some(weight) => at_a.iter().map(|v| *weight * v).collect(),
                None if layout.has_products() && layout.is_chunk(i) => vec![],
                None => vec![Fr::zero(); rows],
            })
            .collect();
        for (row, v) in self.mask_cells() {
            q[layout.masks()[0]][row] += v;
        }
        for (claim, terms) in [(claims.sum(), linear_terms(layout)), (claims.links(), link_terms(layout))] {
            for t in terms {
                let column = &mut q[self.column_of(&t.term)];
                self.add_weighted(column, &t, self.weights[claim]);
            }
        }
        for (term, at, v) in chosen_cells(layout, &self.r, self.outputs) {
            let row = term_row(layout.block(term.block), &term, at);
            q[self.column_of(&term)][row] += self.weights[claims.links()] * v;
        }
        if let Some(ranges) = layout.weight_ranges() {
            let powers = powers(&self.r, rows as u32);
            for run in &ranges.runs {
                run.add(&self.r, &powers, &self.weights[claims.links()], &mut q[run.column(layout)]);
            }
            return q;
        }
        for (row, v) in self.hidden_cells() {
            q[layout.multiplicities()][row] += v;
        }
        for (l, map) in layout.maps() {
            for term in &map.view {
                let column = &mut q[self.column_of(term)];
                self.add_gathered(column, l, map, term, self.weights[claims.inputs()]);
            }
        }
        q
    }

    fn add_weighted(&self, column: &mut [Fr], t: &Weighted<'_>, weight: Fr) {
        let block = self.layout.block(t.term.block);
        let weight = weight * t.coefficient;
        let all = exponent_powers(&t.exponents, &self.r);
        for (index, power) in indices(t.exponents.dims).zip(&all) {
            column[term_row(block, &t.term, index)] += weight * power;
        }
    }

    fn add_gathered(&self, column: &mut [Fr], l: &Linear, map: &Map, term: &Term, weight: Fr) {
        let block = self.layout.block(term.block);
        let (at_k, k) = split(self.k, map.weights, map.weight_index_bits(l.out()));
        let (offset, strides) = bases(&l.exponents, &self.r);
        let common = weight * Fr::from(term.coefficient) * at_k * offset;
        let [nb, nc, nh, nw] = map.input;
        let (ko, kc, rows, columns) = match (map.window(), k) {
            (None, [_, ko, kc, kh, kw]) => (ko, kc, eq_table(kh), eq_table(kw)),
            (Some(w), [rows, columns, kc, ko, _]) => {
                let side = |i, taps| spread(w, i, map.input, &l.exponents, &strides, &eq_table(taps));
                (ko, kc, side(0, rows), side(1, columns))
            }
        };
        let line = |factor: &Fr| columns[..nw as usize].iter().map(|v| *factor * v).collect::<Vec<_>>();
        let plane: Vec<Fr> = rows[..nh as usize].iter().flat_map(line).collect();
        let (along, mut channels, out) = (powers(&strides[0], nb), eq_table(kc), powers(&strides[1], l.out()));
        match &map.kind {
            Kind::Depthwise(_) => channels.iter_mut().zip(&out).for_each(|(v, p)| *v *= p),
            Kind::Dense | Kind::Convolution(_) => {
                let all: Fr = out.iter().zip(eq_table(ko)).map(|(p, t)| *p * t).sum();
                channels.iter_mut().for_each(|v| *v *= all);
            }
        }
        for (b, at_b) in along.iter().enumerate() {
            for (c, at_c) in channels.iter().enumerate().take(nc as usize) {
                let factor = common * at_b * at_c;
                for (v, [_, _, h, w]) in plane.iter().zip(indices([1, 1, nh, nw])) {
                    column[term_row(block, term, [b, c, h, w])] += factor * v;
                }
            }
        }
    }
}

/// For each coordinate of the input: `sum over taps of eq(tap, k_tap) r^(s o)` where the output o meets it under that tap.
fn spread(w: &Window, dimension: usize, input: Dims, e: &Exponents, strides: &[Fr; 4], taps: &[Fr]) -> Vec<Fr> {
    let n_in = input[2 + dimension];
    let along = powers(&strides[2 + dimension], e.dims[2 + dimension]);
    let mut out = vec![Fr::zero(); n_in as usize];
    for (t, at_tap) in taps.iter().enumerate().take(w.kernel[dimension].into()) {
        for (o, p) in along.iter().enumerate() {
            if let Some(i) = tap_input(w, dimension, o, t, n_in) {
                out[i] += *at_tap * p;
            }
        }
    }
    out
}
