//! The prover's dense functionals against sums over every single product, and the verifier's closed forms against both.

use super::networks::*;
use crate::closed_forms::{eq_index, eq_table, evaluate};
use crate::descriptor::*;
use crate::field::Fr;
use crate::functionals::*;
use crate::gather::{gather, indices, tap_input, term_row, weight_position};
use crate::layout::Layout;
use crate::lookup::{table, table_at};
use crate::randomness::{Randomness, Seeded};
use ark_ff::{Field, Zero};

fn exponent(e: &Exponents, index: [usize; 4]) -> u64 {
    e.offset + index.iter().zip(&e.strides).map(|(i, s)| *i as u64 * s).sum::<u64>()
}

/// Every product of a weight and a cell: (weight position, exponent of r, coefficient, column, row).
fn products(layout: &Layout) -> Vec<(usize, u64, i32, usize, usize)> {
    let mut out = vec![];
    for (l, map) in layout.maps() {
        let [_, nc, nh, nw] = map.input;
        let [lines, columns] = map.window().map_or([nh, nw], |w| w.kernel.map(u32::from));
        for output in indices(l.exponents.dims) {
            let [b, o, oh, ow] = output;
            for [_, c, i, j] in indices([1, nc, lines, columns]) {
                let met = |w: &Window| tap_input(w, 0, oh, i, nh).zip(tap_input(w, 1, ow, j, nw));
                let (cell, weight) = match &map.kind {
                    Kind::Dense => (Some((i, j)), [0, o, c, i, j]),
                    Kind::Convolution(w) => (met(w), [i, j, c, o, 0]),
                    Kind::Depthwise(w) => (met(w).filter(|_| c == o), [i, j, c, 0, 0]),
                };
                let Some((h, w)) = cell else { continue };
                let k = weight_position(l, map, weight);
                for term in &map.view {
                    let block = layout.block(term.block);
                    let row = term_row(block, term, [b, c, h, w]);
                    out.push((k, exponent(&l.exponents, output), term.coefficient, layout.column(block.column), row));
                }
            }
        }
    }
    out
}

fn check(descriptor: Descriptor) {
    check_claims(descriptor, usize::MAX);
}

/// Checks the last `alone` claims alone, and all together.
pub(super) fn check_claims(descriptor: Descriptor, alone: usize) {
    let layout = Layout::new(descriptor).unwrap();
    let mut rng = Seeded::new(11);
    let [r, rho_a, gamma] = std::array::from_fn(|_| rng.one());
    let d = rng.fields(layout.c()).unwrap();
    let k = rng.fields(layout.weight_variables()).unwrap();
    let a = &k[layout.chunk_variables()..];
    let claims = layout.claims();
    let all = products(&layout);
    let last = all.iter().map(|product| product.1).max().unwrap();
    let power: Vec<Fr> =
        std::iter::successors(Some(Fr::from(1u64)), |p| Some(*p * r)).take(last as usize + 1).collect();
    let at_k = eq_table(&k);
    let columns: Vec<Vec<Fr>> = (0..layout.columns()).map(|_| rng.fields(layout.rows()).unwrap()).collect();

    // the gather of sumcheck A
    let mut x = vec![Fr::zero(); 1 << layout.weight_variables()];
    for (k, e, coefficient, column, row) in &all {
        x[*k] += power[*e as usize] * Fr::from(*coefficient) * columns[*column][*row];
    }
    let mut biases = Fr::zero();
    for l in layout.linear_layers() {
        for index in indices(l.exponents.dims) {
            let (at, weight) = (l.biases as usize + index[1], r.pow([exponent(&l.exponents, index)]));
            x[at] += weight;
            biases += weight * eq_index(at as u64, &k);
        }
    }
    assert!(gather(&layout, &r, &columns) == x);
    assert_eq!(bias_constant(&layout, &r, &k), biases);

    // public outputs: any numbers, or indices
    let top1 = matches!(layout.public_layer(), Some(Layer::Top1 { .. }));
    let outputs: Vec<Fr> = match top1 {
        true => (0..layout.outputs()).map(|_| rng.between(0, layout.output_domain()[1]).into()).collect(),
        false => rng.fields(layout.outputs()).unwrap(),
    };

    // each claim's functional alone, and all together
    let eta = rng.one();
    for claim in (0..claims.count()).rev().take(alone).map(Some).chain([None]) {
        let mut weights = claims.powers(&eta);
        if let Some(i) = claim {
            weights = vec![Fr::zero(); claims.count()];
            weights[i] = Fr::from(1u64);
        }
        let queries = Queries { layout: &layout, r, k: &k, rho_a, weights, outputs: &outputs };
        let dense = queries.dense();
        let closed = queries.closed(&d);
        for (i, (vector, value)) in dense.iter().zip(&closed).enumerate() {
            assert_eq!(evaluate(vector, &d), *value, "claim {claim:?}, column {i}");
        }
        if claim == Some(claims.inputs()) {
            let mut expected = vec![vec![Fr::zero(); layout.rows()]; layout.columns()];
            for (at, e, coefficient, column, row) in &all {
                expected[*column][*row] += at_k[*at] * power[*e as usize] * Fr::from(*coefficient);
            }
            for (row, v) in queries.hidden_cells() {
                expected[layout.multiplicities()][row] += v;
            }
            assert!(expected == dense);
        }
        for (at, terms) in [(claims.sum(), linear_terms(&layout)), (claims.links(), link_terms(&layout))] {
            if claim == Some(at) {
                let mut expected = vec![vec![Fr::zero(); layout.rows()]; layout.columns()];
                for t in terms {
                    let block = layout.block(t.term.block);
                    for index in indices(t.exponents.dims) {
                        let cell = &mut expected[layout.column(block.column)][term_row(block, &t.term, index)];
                        *cell += t.coefficient * r.pow([exponent(&t.exponents, index)]);
                    }
                }
                if at == claims.links() {
                    let (cells, constant) = equations_of_classes(&layout, &r, &outputs);
                    assert!(!top1 || link_constant(&layout, &r, &[], &outputs) == constant);
                    for (column, row, v) in cells {
                        expected[column][row] += v;
                    }
                }
                let masks = layout.masks()[0];
                for (i, (got, expected)) in dense.iter().zip(&expected).enumerate() {
                    assert!(i == masks || got == expected);
                }
            }
        }
    }
    // the table column, and sums weighed by exponents
    assert_eq!(table_at(&layout, &gamma, a), evaluate(&table(&layout, &gamma), a));
    if let Some(Layer::Linear(Linear { exponents: e, .. }) | Layer::Output { exponents: e, .. }) = layout.public_layer()
    {
        let sum: Fr = indices(e.dims).zip(&outputs).map(|(i, v)| r.pow([exponent(e, i)]) * v).sum();
        assert_eq!(horner(e, &r, &outputs), sum);
    }
}

/// What y_idx adds to the equations `y_idx - y_i - rem_i = [i < idx]`, one by one, and the sum of their right sides.
fn equations_of_classes(layout: &Layout, r: &Fr, outputs: &[Fr]) -> (Vec<(usize, usize, Fr)>, Fr) {
    let (mut cells, mut constant) = (vec![], Fr::zero());
    if let Some(Layer::Top1 { view, exponents: e, .. }) = layout.public_layer() {
        for index in indices(e.dims) {
            let [b, i, _, _] = index;
            let chosen = (0..e.dims[1]).find(|c| Fr::from(*c) == outputs[b]).unwrap() as usize;
            let (block, power) = (layout.block(view[0].block), r.pow([exponent(e, index)]));
            cells.push((layout.column(block.column), term_row(block, &view[0], [b, chosen, 0, 0]), power));
            constant += if i < chosen { power } else { Fr::zero() };
        }
    }
    (cells, constant)
}

#[test]
fn of_public_cells_and_indices() {
    for end in ENDS {
        check(ending([9, 3, 4, 6], 3, 5, end));
        check(ending([9, 3, 3, 5], 1, 1, end));
    }
}

#[test]
fn of_a_dense_network() {
    check(mlp());
    check(packed(PACKED, 5));
    check(signed());
}

#[test]
fn of_sums_of_maps() {
    check(sums([10, 3, 4, 6], 2, [3, 3, 6]));
    check(sums([10, 3, 4, 6], 1, [4, 1, 2]));
}

#[test]
fn of_convolutional_networks() {
    check(cnn(&CNN, false));
    check(cnn(&CNN, true));
    check(cnn(&SMALL_CNN, false));
}

#[test]
fn of_pooled_layers() {
    check(pooled(POOLED, 2));
    check(pooled([7, 3, 3, 5], 1));
    ENDS.into_iter().map(pooled_ending).for_each(check);
}

#[test]
fn of_every_other_feature() {
    check(mixed());
}
