//! The linear claims about columns, and their functionals at a point, in O(log) each: what the verifier evaluates.
//!
//! Sumcheck A ends in claims `<column, Q> = value`. All of them, weighed by powers of eta, become one: the functional
//! of column i is `Q_i = sum_j eta^j Q_(i,j)`. [`crate::gather`] builds the same vectors densely for the prover.

use crate::closed_forms::{conv_dim, eq, eq_index, eq_lt, geom_eq_lt, geom_lt, geom_sum, index_bits, lt};
use crate::descriptor::{
    Block, Corner, Destination, Exponents, Kind, Layer, Linear, Map, SQUARE, Select, Term, Tight, Visibility, Window,
};
use crate::field::{Fr, power_of_two, to_integer};
use crate::gather::term_row;
use crate::layout::Layout;
use ark_ff::{Field, One, Zero};
use std::borrow::Cow;

/// What the functionals depend on.
pub(crate) struct Queries<'a> {
    pub(crate) layout: &'a Layout,
    /// The base of the linear equations.
    pub(crate) r: Fr,
    /// The point of sumcheck A.
    pub(crate) k: &'a [Fr],
    /// What the mask of sumcheck A is multiplied with.
    pub(crate) rho_a: Fr,
    /// `eta^i` for every claim.
    pub(crate) weights: Vec<Fr>,
    /// The public outputs: where they are indices, they say which cells are read.
    pub(crate) outputs: &'a [Fr],
}

/// `coefficient * sum_i r^(exponent of i) cell_i` over the real indices of a family of equations.
pub(crate) struct Weighted<'a> {
    pub(crate) coefficient: Fr,
    pub(crate) term: Term,
    pub(crate) exponents: Cow<'a, Exponents>,
}

impl<'a> Weighted<'a> {
    fn block(coefficient: Fr, block: u16, exponents: &'a Exponents) -> Self {
        let term = Term { coefficient: 1, block, height: Select::default(), width: Select::default() };
        Weighted { coefficient, term, exponents: Cow::Borrowed(exponents) }
    }
}

/// `phi_r`: `sum_j r^j (2^S_j y_j + sum_l 2^(s l) rem_(j,l))` over committed cells, all layers at once. A public y is in
/// [`linear_constant`] instead.
pub(crate) fn linear_terms(layout: &Layout) -> Vec<Weighted<'_>> {
    let s = u32::from(layout.descriptor().range_bits);
    let mut terms = Vec::new();
    for l in layout.linear_layers() {
        let scale = power_of_two(l.shift.into());
        match l.output {
            Destination::Public => (),
            Destination::Cells(id) => terms.push(Weighted::block(scale, id, &l.exponents)),
            Destination::Pooled { arguments, values } => {
                terms.extend(pooled_terms(scale, arguments, values, &l.exponents));
            }
        }
        let limbs = l.remainders.iter().zip(0u32..);
        terms.extend(limbs.map(|(id, limb)| Weighted::block(power_of_two(s * limb), *id, &l.exponents)));
    }
    terms
}

/// The y of squares, times a factor: each is a sum of cells that the views of every second row and column read.
fn pooled_terms<'a>(scale: Fr, arguments: u16, values: u16, e: &Exponents) -> Vec<Weighted<'a>> {
    let [batch, channel, height, width] = e.strides;
    let [nb, nc, nh, nw] = e.dims;
    let corner = |y: &Corner| {
        let [row, column] = y.at.map(u64::from);
        let exponents = Exponents {
            offset: e.offset + row * height + column * width,
            strides: [batch, channel, 2 * height, 2 * width],
            dims: [nb, nc, nh / 2, nw / 2],
        };
        let weighted = |block, coefficient, at: &[u32; 2]| {
            let [height, width] = at.map(|low| Select { shift: 1, low });
            let term = Term { coefficient: 1, block, height, width };
            Weighted { coefficient, term, exponents: Cow::Owned(exponents.clone()) }
        };
        let added = y.added.iter().map(|at| weighted(arguments, scale, at));
        added.chain(y.taken.iter().map(|at| weighted(values, -scale, at))).collect::<Vec<_>>()
    };
    SQUARE.iter().flat_map(corner).collect()
}

/// Equations between cells that sum to a public number: `x = x_in`, `scaled = 2^(s-bits) cell`, `cell = view`,
/// `view = out`, `-y_i - rem_i = [i < idx]` but for y_idx, which is one of the [`chosen_cells`].
pub(crate) fn link_terms(layout: &Layout) -> Vec<Weighted<'_>> {
    let d = layout.descriptor();
    let mut terms = Vec::new();
    for layer in &d.layers {
        match layer {
            Layer::Input { block, link, tight, exponents } => {
                if d.input_visibility != Visibility::Hidden {
                    terms.push(Weighted::block(Fr::one(), *block, exponents));
                }
                if let Some(link) = link {
                    terms.push(Weighted::block(-Fr::one(), *link, exponents));
                }
                tight_terms(&mut terms, d.range_bits, *block, tight.as_ref());
            }
            Layer::Combine { cell, view, exponents } => {
                terms.push(Weighted::block(Fr::one(), *cell, exponents));
                terms.extend(view_terms(view, -Fr::one(), exponents));
            }
            Layer::Linear(l) => {
                if let Some(top) = l.remainders.last() {
                    tight_terms(&mut terms, d.range_bits, *top, l.tight.as_ref());
                }
            }
            Layer::Output { view, exponents } => terms.extend(view_terms(view, Fr::one(), exponents)),
            Layer::Top1 { view, remainders, tight, exponents } => {
                terms.extend(view_terms(view, -Fr::one(), exponents));
                let limbs = remainders.iter().zip(0u32..);
                let base = |limb| -power_of_two(u32::from(d.range_bits) * limb);
                terms.extend(limbs.map(|(id, limb)| Weighted::block(base(limb), *id, exponents)));
                if let Some(top) = remainders.last() {
                    tight_terms(&mut terms, d.range_bits, *top, tight.as_ref());
                }
            }
        }
    }
    terms
}

fn view_terms<'a>(view: &'a [Term], factor: Fr, e: &'a Exponents) -> impl Iterator<Item = Weighted<'a>> {
    view.iter().map(move |t| Weighted {
        coefficient: factor * Fr::from(t.coefficient),
        term: *t,
        exponents: Cow::Borrowed(e),
    })
}

fn tight_terms<'a>(terms: &mut Vec<Weighted<'a>>, s: u8, cell: u16, tight: Option<&'a Tight>) {
    if let Some(t) = tight {
        let scale = power_of_two(u32::from(s.saturating_sub(t.bits)));
        terms.push(Weighted::block(Fr::one(), t.block, &t.exponents));
        terms.push(Weighted::block(-scale, cell, &t.exponents));
    }
}

/// r to the exponent's offset, and to each of its strides.
pub(crate) fn bases(e: &Exponents, r: &Fr) -> (Fr, [Fr; 4]) {
    (r.pow([e.offset]), e.strides.map(|s| r.pow([s])))
}

/// `sum_i r^(exponent of i) v_i` for values in the order of their indices.
pub(crate) fn horner(e: &Exponents, r: &Fr, values: &[Fr]) -> Fr {
    let (offset, strides) = bases(e, r);
    // the innermost dimension first: each pass folds a dimension of length n into sum_i base^i v_i
    let mut level = values.to_vec();
    for (base, n) in strides.iter().zip(&e.dims).rev() {
        let fold = |row: &[Fr]| row.iter().rev().fold(Fr::zero(), |v, x| v * base + x);
        level = level.chunks(*n as usize).map(fold).collect();
    }
    offset * level.first().copied().unwrap_or_default()
}

/// `c0(out) = sum_out r^j 2^S out_j`: what the public outputs contribute to the linear claim.
pub(crate) fn linear_constant(layout: &Layout, r: &Fr, outputs: &[Fr]) -> Fr {
    let public = layout.linear_layers().filter(|l| l.output == Destination::Public);
    public.map(|l| power_of_two(l.shift.into()) * horner(&l.exponents, r, outputs)).sum()
}

/// The public side of the links: `sum r^j x_j` of a public input, `sum r^j out_j` of outputs that are cells,
/// `sum r^(b, i) [i < idx_b]` of outputs that are indices; in a registration the least weights.
pub(crate) fn link_constant(layout: &Layout, r: &Fr, inputs: &[Fr], outputs: &[Fr]) -> Fr {
    if let Some(ranges) = layout.weight_ranges() {
        return ranges.constant(r);
    }
    let public = layout.descriptor().input_visibility == Visibility::Public;
    let side = |layer: &Layer| match layer {
        Layer::Input { exponents, .. } if public => horner(exponents, r, inputs),
        Layer::Output { exponents, .. } => horner(exponents, r, outputs),
        Layer::Top1 { exponents, .. } => {
            let (_, [_, class, _, _]) = bases(exponents, r);
            let before = |(weight, index)| weight * geom_sum(&class, index);
            chosen(exponents, r, outputs).map(before).sum()
        }
        _ => Fr::zero(),
    };
    layout.descriptor().layers.iter().map(side).sum()
}

/// `r^(offset + s_b b)` and the index idx_b, for every element b of the batch.
///
/// Statements hold no index but those below the number of classes. Here every index of the padded block is one, and what
/// is none counts as 0, so that nothing is read outside the block.
fn chosen(e: &Exponents, r: &Fr, outputs: &[Fr]) -> impl Iterator<Item = (Fr, u64)> {
    let (offset, [batch, ..]) = bases(e, r);
    let last = (1i64 << index_bits(e.dims[1])) - 1;
    let weights = std::iter::successors(Some(offset), move |w| Some(*w * batch));
    let index = move |v| to_integer(v, 0, last).map_or(0, |i| i as u64);
    weights.zip(outputs.iter().map(index)).take(e.dims[0] as usize)
}

/// The cells y_idx of outputs that are indices: the term, the coordinate, and `r^(offset + s_b b) sum_(i<n) r^(s_c i)`,
/// since each meets all n equations.
pub(crate) fn chosen_cells(layout: &Layout, r: &Fr, outputs: &[Fr]) -> Vec<(Term, [usize; 4], Fr)> {
    let Some(Layer::Top1 { view, exponents, .. }) = layout.public_layer() else { return vec![] };
    let (_, [_, class, _, _]) = bases(exponents, r);
    let all = geom_sum(&class, exponents.dims[1].into());
    let cells = (0..).zip(chosen(exponents, r, outputs));
    let cells = cells.map(|(b, (weight, index))| ([b, index as usize, 0, 0], weight * all));
    cells.flat_map(|(at, v)| view.iter().map(move |t| (*t, at, v * Fr::from(t.coefficient)))).collect()
}

/// What the biases contribute to `Xtot(k)`: each meets the constant 1, weighed by the exponents of all its outputs.
pub(crate) fn bias_constant(layout: &Layout, r: &Fr, k: &[Fr]) -> Fr {
    let term = |l: &Linear| {
        let (offset, [b, c, h, w]) = bases(&l.exponents, r);
        let [nb, nc, nh, nw] = l.exponents.dims.map(u64::from);
        let (selector, [out]) = split(k, l.biases, [index_bits(l.out())]);
        selector * offset * geom_lt(out, &c, nc) * geom_sum(&b, nb) * geom_sum(&h, nh) * geom_sum(&w, nw)
    };
    layout.linear_layers().map(term).sum()
}

/// Splits a point at an aligned block: the selector of the block, and the coordinates inside it.
pub(crate) fn split<const N: usize>(z: &[Fr], offset: u32, bits: [usize; N]) -> (Fr, [&[Fr]; N]) {
    let inner: usize = bits.iter().sum();
    let (head, mut tail) = z.split_at(z.len() - inner);
    let parts = bits.map(|n| {
        let (part, rest) = tail.split_at(n);
        tail = rest;
        part
    });
    let prefix = u64::from(offset).checked_shr(inner as u32).unwrap_or(0);
    (eq_index(prefix, head), parts)
}

/// The coordinate bits of a term's dimension, and the factor that fixes its low bits.
fn select(part: &[Fr], s: Select) -> (Fr, &[Fr]) {
    let (high, low) = part.split_at(part.len() - usize::from(s.shift));
    (eq_index(u64::from(s.low), low), high)
}

/// A term's block at the point: its selector, and the view's coordinates (batch, channel, height, width).
fn locate<'a>(block: &Block, term: &Term, d: &'a [Fr]) -> (Fr, [&'a [Fr]; 4]) {
    let (selector, [b, c, h, w]) = split(d, block.offset, block.bits());
    let (fix_h, h) = select(h, term.height);
    let (fix_w, w) = select(w, term.width);
    (selector * fix_h * fix_w, [b, c, h, w])
}

impl Queries<'_> {
    /// `Q_i(d)` for every column.
    pub(crate) fn closed(&self, d: &[Fr]) -> Vec<Fr> {
        let (layout, claims) = (self.layout, self.layout.claims());
        let mut q = vec![Fr::zero(); layout.columns()];
        // columns: <f, eq(a, .)> = e
        let (chunk_at, a) = self.k.split_at(layout.chunk_variables());
        let at_a = eq(a, d);
        for (q, weight) in q.iter_mut().zip(&self.weights[..claims.columns]) {
            *q = *weight * at_a;
        }
        // masks: cells of G1
        q[layout.masks()[0]] = self.mask_cells().map(|(row, v)| v * eq_index(row as u64, d)).sum();
        for (claim, terms) in [(claims.sum(), linear_terms(layout)), (claims.links(), link_terms(layout))] {
            for t in terms {
                q[self.column_of(&t.term)] += self.weights[claim] * self.weighted(&t, d);
            }
        }
        for (term, at, v) in chosen_cells(layout, &self.r, self.outputs) {
            let row = term_row(layout.block(term.block), &term, at);
            q[self.column_of(&term)] += self.weights[claims.links()] * v * eq_index(row as u64, d);
        }
        // a registration: all claims about weights and their limbs
        for run in layout.weight_ranges().iter().flat_map(|ranges| &ranges.runs) {
            q[run.column(layout)] += self.weights[claims.links()] * run.at(&self.r, d);
        }
        if !layout.has_products() {
            return q;
        }
        // weights: sum_chunks eq(k_high, chunk) <W_chunk, eq(a, .)> + <M, mask cells> = e_W
        for chunk in 0..layout.chunks() {
            q[layout.chunk(chunk)] = self.weights[claims.weights()] * eq_index(chunk as u64, chunk_at) * at_a;
        }
        for (row, v) in self.hidden_cells() {
            q[layout.multiplicities()] += v * eq_index(row as u64, d);
        }
        // inputs: <w, psi_(r,k)> + <M, mask cells> = e_X - bias(k)
        for (l, map) in layout.maps() {
            for term in &map.view {
                q[self.column_of(term)] += self.weights[claims.inputs()] * self.gathered(l, map, term, d);
            }
        }
        q
    }

    pub(crate) fn column_of(&self, term: &Term) -> usize {
        self.layout.column(self.layout.block(term.block).column)
    }

    /// The row of sumcheck A's point: its last c coordinates.
    pub(crate) fn a(&self) -> &[Fr] {
        &self.k[self.layout.chunk_variables()..]
    }

    /// Rows of G1 and what they count in the claims about the mask, already weighed: `rhoA g(k)`, and rhoA times the sum of
    /// g, which is a part of the claim about the sum.
    pub(crate) fn mask_cells(&self) -> impl Iterator<Item = (usize, Fr)> + '_ {
        let (layout, claims, degrees) = (self.layout, self.layout.claims(), self.layout.degrees_a());
        let [value, sum] = [claims.mask(), claims.sum()].map(|claim| self.weights[claim] * self.rho_a);
        let coefficients = degrees.mask_at(self.k).into_iter().zip(degrees.mask_sum()).enumerate();
        coefficients.map(move |(j, (at_k, in_sum))| (layout.mask_row(j), value * at_k + sum * in_sum))
    }

    /// Rows of M that hide e_W and e_X, and what they count.
    pub(crate) fn hidden_cells(&self) -> impl Iterator<Item = (usize, Fr)> + '_ {
        let (m, claims) = (&self.layout.descriptor().mask_cells, self.layout.claims());
        let weights = m.weights.iter().map(move |k| (claims.weights(), k));
        let inputs = m.inputs.iter().map(move |k| (claims.inputs(), k));
        weights
            .chain(inputs)
            .zip(&m.rows)
            .map(|((claim, k), row)| (*row as usize, self.weights[claim] * eq_index(u64::from(*k), self.k)))
    }

    /// `sum over real indices of r^exponent eq(row, d)`.
    fn weighted(&self, t: &Weighted<'_>, d: &[Fr]) -> Fr {
        let (selector, parts) = locate(self.layout.block(t.term.block), &t.term, d);
        let (offset, strides) = bases(&t.exponents, &self.r);
        let dims = parts.iter().zip(strides.iter().zip(&t.exponents.dims));
        let sums = dims.map(|(z, (base, n))| geom_lt(z, base, u64::from(*n)));
        t.coefficient * selector * offset * sums.product::<Fr>()
    }

    /// `psi_(r,k)` of one term of one map: the weight positions near k that meet a cell near d, times r to the exponents
    /// of the outputs where they do.
    fn gathered(&self, l: &Linear, map: &Map, term: &Term, d: &[Fr]) -> Fr {
        let (selector, [db, dc, dh, dw]) = locate(self.layout.block(term.block), term, d);
        let (at_k, k) = split(self.k, map.weights, map.weight_index_bits(l.out()));
        let (offset, strides) = bases(&l.exponents, &self.r);
        let out = l.exponents.dims.map(u64::from);
        let input = map.input.map(u64::from);
        let common = Fr::from(term.coefficient) * selector * at_k * offset * geom_lt(db, &strides[0], out[0]);
        // each output channel has weights of its own for each channel
        let channels = |ko, kc| geom_lt(ko, &strides[1], out[1]) * eq_lt(kc, dc, input[1]);
        // one dimension of a window: sum over taps t of eq(t, k_t) conv_dim_t(z)
        let side = |w: &Window, i: usize, kt: &[Fr], z: &[Fr]| -> Fr {
            let (stride, pad) = (w.stride[i].into(), w.before[i].into());
            let (n_in, n_out) = (map.input[2 + i], l.exponents.dims[2 + i]);
            let tap = |t| eq_index(u64::from(t), kt) * conv_dim(z, &strides[2 + i], t, stride, pad, n_in, n_out);
            (0..u32::from(w.kernel[i])).map(tap).sum()
        };
        let taps = |w: &Window, rows, columns| side(w, 0, rows, dh) * side(w, 1, columns, dw);
        common
            * match (&map.kind, k) {
                // every weight meets one cell of each batch element
                (Kind::Dense, [_, ko, kc, kh, kw]) => {
                    channels(ko, kc) * eq_lt(kh, dh, input[2]) * eq_lt(kw, dw, input[3])
                }
                (Kind::Convolution(w), [rows, columns, kc, ko, _]) => channels(ko, kc) * taps(w, rows, columns),
                // the channel is the output's
                (Kind::Depthwise(w), [rows, columns, kc, _, _]) => {
                    geom_eq_lt(kc, dc, &strides[1], input[1]) * taps(w, rows, columns)
                }
            }
    }
}

/// The active rows at a point: `act(x) = 1 - prod_high x_i`, and eq restricted to them,
/// `E(x) = eq(tau, x) - (prod_high tau_i x_i) eq(tau_low, x_low)`.
pub(crate) fn active(layout: &Layout, tau: &[Fr], x: &[Fr]) -> (Fr, Fr) {
    let high = layout.high_bits();
    let ones = |z: &[Fr]| z[..high].iter().product::<Fr>();
    let pads = ones(tau) * ones(x) * eq(&tau[high..], &x[high..]);
    (eq(tau, x) - pads, Fr::one() - ones(x))
}

/// The multilinear extension of `t -> min(max(t - 2^(K-1), low), high)` on K-bit rows, and the sum of eq, which is 1.
///
/// With `L = low + 2^(K-1)` and `H = high + 2^(K-1)`: `low` below L, `t - 2^(K-1)` from L to H, `high` after H.
pub(crate) fn clamp(u: &[Fr], low: i64, high: i64) -> Fr {
    let half = 1i64 << (u.len() - 1);
    let (first, after) = ((low + half) as u64, (high + half) as u64 + 1);
    let (below, upto) = (lt(u, first), lt(u, after));
    let middle = crate::closed_forms::index_lt(u, after)
        - crate::closed_forms::index_lt(u, first)
        - Fr::from(half) * (upto - below);
    Fr::from(low) * below + middle + Fr::from(high) * (Fr::one() - upto)
}
