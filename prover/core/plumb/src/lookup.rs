//! The look-ups: LogUp with fractional helpers (Haboeck, ePrint 2022/1530, section 3).
//!
//! Row x of look-up j has a fingerprint: `v` for a range column (tag 0), `y + gamma f(y) + gamma^2 tag` for a pair. With
//! `D = alpha - fingerprint`, helper column `H_j` holds `1/D_1 + 1/D_2` of two look-ups (`1/D_1` of the last, if their
//! number is odd) and `HT` holds `M / D_T` of the table. All look-ups hit the table if and only if, over active rows,
//! `sum_x (sum_j H_j(x) - HT(x)) = 0`, but for a set of alpha of density degree/p.

use crate::closed_forms::{evaluate, index};
use crate::descriptor::{FunctionKind, Slot};
use crate::field::Fr;
use crate::functionals::{clamp, split};
use crate::layout::{DEGREE_OF_ROWS, Layout};
use crate::sumcheck::{Combination, InnerProduct, for_each_row};
use ark_ff::{One, Zero, batch_inversion};
use rayon::prelude::*;
use std::collections::HashMap;

/// The combination that sumcheck A sums over the rows. The tables are E, act, the evaluated columns in order, the table
/// column, and then, unless no weight meets an input, Wtot and Xtot.
pub(crate) struct Gates<'a> {
    layout: &'a Layout,
    alpha: Fr,
    gamma: Fr,
    /// gamma^2 times the tag of each pair's function.
    tags: Vec<Fr>,
    /// Powers of lambda, from the first on: one per helper, one for the table, one for the sum. The product has none.
    lambda: Vec<Fr>,
}

/// How many tables of sumcheck A come before the columns.
pub(crate) const BEFORE_COLUMNS: usize = 2;

impl<'a> Gates<'a> {
    pub(crate) fn new(layout: &'a Layout, alpha: Fr, gamma: Fr, lambda: Fr) -> Self {
        let tag = |function: &u8| gamma * gamma * Fr::from(u64::from(*function) + 1);
        let lambda = std::iter::successors(Some(lambda), |p| Some(*p * lambda));
        Gates {
            layout,
            alpha,
            gamma,
            tags: layout.descriptor().pairs.iter().map(tag).collect(),
            lambda: lambda.take(layout.helpers() + 2).collect(),
        }
    }

    /// `D` of look-up i, given the columns' values in one row.
    fn denominator(&self, i: usize, columns: &[Fr]) -> Fr {
        let constant = match i.checked_sub(self.layout.ranges()) {
            None => self.alpha,
            Some(pair) => self.alpha - self.tags[pair],
        };
        constant + self.denominator_step(i, columns)
    }

    /// What `D` changes by where the columns' values change by `steps`.
    fn denominator_step(&self, i: usize, steps: &[Fr]) -> Fr {
        match i.checked_sub(self.layout.ranges()) {
            None => -steps[i],
            Some(pair) => {
                let at = self.layout.ranges() + 2 * pair;
                -(steps[at] + self.gamma * steps[at + 1])
            }
        }
    }
}

impl Combination for Gates<'_> {
    const DEGREE: usize = DEGREE_OF_ROWS;

    fn at(&self, values: &[Fr]) -> Fr {
        let (gates, products) = values.split_at(self.tables());
        self.gates_at(gates) + InnerProduct.at(products)
    }

    fn coefficients(&self, low: &[&[Fr]], high: &[&[Fr]]) -> Vec<Fr> {
        let ((low, low_products), (high, high_products)) = (low.split_at(self.tables()), high.split_at(self.tables()));
        let mut sums = InnerProduct.coefficients(low_products, high_products);
        sums.resize(DEGREE_OF_ROWS, Fr::zero());
        for_each_row(low, high, |values, steps| self.add_row(values, steps, &mut sums));
        sums
    }
}

impl Gates<'_> {
    /// How many tables the gates are about.
    fn tables(&self) -> usize {
        BEFORE_COLUMNS + self.layout.evaluated() + 1
    }

    /// ```text
    /// E * ( sum_j lambda^(j+1) (H_j D_1 D_2 - D_1 - D_2) + lambda^(n+1) (HT D_T - M) ) + lambda^(n+2) act * (sum_j H_j - HT)
    /// ```
    fn gates_at(&self, values: &[Fr]) -> Fr {
        let (e, active, columns) = (values[0], values[1], &values[BEFORE_COLUMNS..]);
        let table = columns[self.layout.evaluated()];
        let helpers = self.layout.phase2().start;
        let n = self.layout.helpers();
        let (mut gates, mut sum) = (Fr::zero(), Fr::zero());
        for j in 0..n {
            let h = columns[helpers + j];
            let first = self.denominator(2 * j, columns);
            let gate = if 2 * j + 1 < self.layout.lookups() {
                let second = self.denominator(2 * j + 1, columns);
                h * first * second - first - second
            } else {
                h * first - Fr::one()
            };
            gates += self.lambda[j] * gate;
            sum += h;
        }
        let ht = columns[helpers + n];
        let multiplicity = columns[self.layout.multiplicities()];
        gates += self.lambda[n] * (ht * (self.alpha - table) - multiplicity);
        e * gates + self.lambda[n + 1] * active * (sum - ht)
    }

    /// What [`Gates::gates_at`] sums, of polynomials of degree 1 in X: adds the coefficients of `X^0, X^2, X^3, X^4`. Where a
    /// name has a number, that is the power of X.
    fn add_row(&self, values: &[Fr], steps: &[Fr], sums: &mut [Fr]) {
        let ([e_0, active_0, columns @ ..], [e_1, active_1, slopes @ ..]) = (values, steps) else { return };
        let table = self.layout.evaluated();
        let helpers = self.layout.phase2().start;
        let n = self.layout.helpers();
        let (mut gates, mut sum) = ([Fr::zero(); 4], [Fr::zero(); 2]);
        for j in 0..n {
            let h = [columns[helpers + j], slopes[helpers + j]];
            let [a_0, a_1] = [self.denominator(2 * j, columns), self.denominator_step(2 * j, slopes)];
            let gate = if 2 * j + 1 < self.layout.lookups() {
                let [b_0, b_1] = [self.denominator(2 * j + 1, columns), self.denominator_step(2 * j + 1, slopes)];
                let product = [a_0 * b_0, a_0 * b_1 + a_1 * b_0, a_1 * b_1];
                [
                    h[0] * product[0] - a_0 - b_0,
                    h[0] * product[1] + h[1] * product[0] - a_1 - b_1,
                    h[0] * product[2] + h[1] * product[1],
                    h[1] * product[2],
                ]
            } else {
                [h[0] * a_0 - Fr::one(), h[0] * a_1 + h[1] * a_0, h[1] * a_1, Fr::zero()]
            };
            gates.iter_mut().zip(gate).for_each(|(sum, c)| *sum += self.lambda[j] * c);
            sum.iter_mut().zip(h).for_each(|(sum, c)| *sum += c);
        }
        let ht = [columns[helpers + n], slopes[helpers + n]];
        let m = [columns[self.layout.multiplicities()], slopes[self.layout.multiplicities()]];
        let d = [self.alpha - columns[table], -slopes[table]];
        let gate = [ht[0] * d[0] - m[0], ht[0] * d[1] + ht[1] * d[0] - m[1], ht[1] * d[1]];
        gates.iter_mut().zip(gate).for_each(|(sum, c)| *sum += self.lambda[n] * c);
        let last = self.lambda[n + 1];
        sums[0] += *e_0 * gates[0] + last * active_0 * (sum[0] - ht[0]);
        sums[1] += *e_0 * gates[2] + *e_1 * gates[1] + last * active_1 * (sum[1] - ht[1]);
        sums[2] += *e_0 * gates[3] + *e_1 * gates[2];
        sums[3] += *e_1 * gates[3];
    }
}

/// One row of the table column.
type Entry = (u64, i64, i64);

/// The table column: (tag, y, f(y)) per row. Rows of no table are (0, 0, 0), the range table's entry 0.
fn entries(layout: &Layout) -> Vec<Entry> {
    let d = layout.descriptor();
    let mut rows = vec![(0, 0, 0); layout.rows()];
    let fill = |rows: &mut [Entry], slot: Slot, entry: &dyn Fn(i64) -> Entry| {
        let start = slot.offset as usize;
        for (t, row) in rows[start..start + (1 << slot.bits)].iter_mut().enumerate() {
            *row = entry(t as i64);
        }
    };
    fill(&mut rows, d.range_table, &|t| (0, t, 0));
    let half = 1i64 << (d.value_bits - 1);
    for (tag, f) in (1..).zip(&d.functions) {
        fill(&mut rows, f.slot, &|t| (tag, t - half, f.apply(t - half)));
    }
    rows
}

/// The fingerprints of the table column.
pub(crate) fn table(layout: &Layout, gamma: &Fr) -> Vec<Fr> {
    let fingerprint = |(tag, y, f): Entry| Fr::from(y) + *gamma * (Fr::from(f) + *gamma * Fr::from(tag));
    entries(layout).into_iter().map(fingerprint).collect()
}

/// The table column's extension at a point, from the descriptor alone: in O(K) for a clamp, in O(2^K) for a table.
pub(crate) fn table_at(layout: &Layout, gamma: &Fr, a: &[Fr]) -> Fr {
    let d = layout.descriptor();
    let at = |slot: Slot| split(a, slot.offset, [usize::from(slot.bits)]);
    let (range, [z]) = at(d.range_table);
    let mut out = range * index(z);
    let half = 1i64 << (d.value_bits - 1);
    for (tag, f) in (1u64..).zip(&d.functions) {
        let (selector, [u]) = at(f.slot);
        let value = match &f.kind {
            FunctionKind::Clamp { low, high } => clamp(u, (*low).into(), (*high).into()),
            FunctionKind::Table(values) => evaluate(&values.iter().map(|v| Fr::from(*v)).collect::<Vec<_>>(), u),
        };
        out += selector * (index(u) - Fr::from(half) + *gamma * (value + *gamma * Fr::from(tag)));
    }
    out
}

/// Column M: how often each row of the table is looked up from an active row. A value that is in no table is counted
/// nowhere: then no proof will convince.
pub(crate) fn multiplicities(layout: &Layout, columns: &[Vec<Fr>]) -> Vec<Fr> {
    let active = layout.active_rows();
    let mut first = HashMap::new();
    for (t, entry) in entries(layout).into_iter().enumerate().take(active) {
        let (tag, y, f) = entry;
        first.entry((tag, Fr::from(y), Fr::from(f))).or_insert(t);
    }
    let mut counts = vec![0u64; layout.rows()];
    let mut count = |key: (u64, Fr, Fr)| {
        if let Some(t) = first.get(&key) {
            counts[*t] += 1;
        }
    };
    for column in &columns[..layout.ranges()] {
        column[..active].iter().for_each(|v| count((0, *v, Fr::zero())));
    }
    for (j, function) in layout.descriptor().pairs.iter().enumerate() {
        let at = layout.ranges() + 2 * j;
        let rows = columns[at][..active].iter().zip(&columns[at + 1]);
        rows.for_each(|(y, f)| count((u64::from(*function) + 1, *y, *f)));
    }
    counts.into_iter().map(Fr::from).collect()
}

/// The columns of phase 2 on active rows, `H_0 ..` and `HT`. A denominator is zero with probability 2^-230; its inverse
/// is then left at zero and no proof will convince.
pub(crate) fn helpers(gates: &Gates<'_>, columns: &[Vec<Fr>], table: &[Fr]) -> Vec<Vec<Fr>> {
    let (layout, active) = (gates.layout, gates.layout.active_rows());
    let inverses = |denominator: &(dyn Fn(usize) -> Fr + Sync)| {
        let mut out: Vec<Fr> = (0..active).into_par_iter().map(denominator).collect();
        batch_inversion(&mut out);
        out.resize(layout.rows(), Fr::zero());
        out
    };
    let lookup = |i: usize| match i.checked_sub(layout.ranges()) {
        None => inverses(&|x| gates.alpha - columns[i][x]),
        Some(pair) => {
            let at = layout.ranges() + 2 * pair;
            let (y, f) = (&columns[at], &columns[at + 1]);
            inverses(&|x| gates.alpha - y[x] - gates.gamma * f[x] - gates.tags[pair])
        }
    };
    let mut out: Vec<Vec<Fr>> = (0..layout.helpers())
        .map(|j| {
            let mut h = lookup(2 * j);
            if 2 * j + 1 < layout.lookups() {
                h.iter_mut().zip(lookup(2 * j + 1)).for_each(|(v, w)| *v += w);
            }
            h
        })
        .collect();
    let mut ht = inverses(&|x| gates.alpha - table[x]);
    ht.iter_mut().zip(&columns[layout.multiplicities()]).for_each(|(v, m)| *v *= m);
    out.push(ht);
    out
}
