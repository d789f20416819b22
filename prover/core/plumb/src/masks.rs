//! The random cells, and what each hides.
//!
//! - The last rows of every column of phases 1 and 2: the column's value at the row of sumcheck A's point, and its
//!   commitment.
//! - Four cells of M's pad rows, repeated in the virtual chunk: `e_W` and `e_X`.
//! - Cells of G1: the coefficients of the mask of sumcheck A, so its rounds and its sum.
//! - G2: the whole opened column.
//! - More cells of G1, twice as many as the rounds of D show numbers: those rounds, mu, and G1's commitment. Two random
//!   columns, since with one the last round of D leaks a functional. The rest of G1 is zero, which spares the prover a
//!   full multi-scalar multiplication.
//! - Two cells or more of every chunk of hidden weights, and one or more of a committed input: their commitments.
//!
//! All are drawn before any challenge, and never again.

use crate::field::Fr;
use crate::gather::indices;
use crate::gather::row;
use crate::layout::{HIDING_CELLS, Layout};
use crate::randomness::{Randomness, RandomnessError};
use crate::sumcheck::Mask;
use ark_ff::Zero;

/// Fills a column's pad rows.
pub(crate) fn pad(layout: &Layout, column: &mut [Fr], rng: &mut impl Randomness) -> Result<(), RandomnessError> {
    let pads = &mut column[layout.active_rows()..];
    pads.copy_from_slice(&rng.fields(pads.len())?);
    Ok(())
}

/// G1: coefficients of the mask of sumcheck A among its last rows, and the cells that hide sumcheck D.
pub(crate) fn sparse(layout: &Layout, rng: &mut impl Randomness) -> Result<Vec<Fr>, RandomnessError> {
    let rows = sparse_rows(layout);
    let mut column = vec![Fr::zero(); layout.rows()];
    for (row, value) in rows.iter().zip(rng.fields(rows.len())?) {
        column[*row] = value;
    }
    Ok(column)
}

/// The rows of G1 that are random: those of the coefficients, then 4c below. They step through the column by an odd number
/// close to N / 1.618, so that each bit of a row is 0 as often as 1 among them: each round of sumcheck D splits the rows by
/// one bit.
pub(crate) fn sparse_rows(layout: &Layout) -> Vec<usize> {
    let (n, below) = (layout.rows(), layout.rows_below_masks());
    let coefficients = layout.degrees_a().mask_length();
    let step = ((n as u64 * GOLDEN) >> 32 | 1) as usize;
    let others = (0..n).map(|i| i * step % n).filter(|row| *row < below);
    (0..coefficients).map(|k| layout.mask_row(k)).chain(others.take(HIDING_CELLS * layout.c())).collect()
}

/// 2^32 / 1.618..
const GOLDEN: u64 = 0x9e37_79b9;

/// The mask of sumcheck A, read from G1.
pub(crate) fn libra(layout: &Layout, g1: &[Fr], rho: Fr) -> Mask {
    let coefficients = 0..layout.degrees_a().mask_length();
    Mask { coefficients: coefficients.map(|k| g1[layout.mask_row(k)]).collect(), rho }
}

/// Puts the mask cells into Wtot and Xtot.
pub(crate) fn hide(layout: &Layout, m: &[Fr], weights: &mut [Fr], inputs: &mut [Fr]) {
    let cells = &layout.descriptor().mask_cells;
    let (rows_w, rows_x) = cells.rows.split_at(cells.weights.len());
    for (k, row) in cells.weights.iter().zip(rows_w) {
        weights[*k as usize] = m[*row as usize];
    }
    for (k, row) in cells.inputs.iter().zip(rows_x) {
        inputs[*k as usize] = m[*row as usize];
    }
}

/// Fills the salts of hidden weights; public weights have none.
pub(crate) fn salt_weights(
    layout: &Layout,
    chunks: &mut [Vec<Fr>],
    rng: &mut impl Randomness,
) -> Result<(), RandomnessError> {
    place_salts(layout, chunks, rng.fields(layout.descriptor().salts.len())?);
    Ok(())
}

/// Puts known salts into their places.
pub(crate) fn place_salts(layout: &Layout, chunks: &mut [Vec<Fr>], salts: Vec<Fr>) {
    for (k, value) in layout.descriptor().salts.iter().zip(salts) {
        chunks[*k as usize / layout.rows()][*k as usize % layout.rows()] = value;
    }
}

/// The column behind a committed input: its values, and salts in pad rows.
pub(crate) fn input_column(
    layout: &Layout,
    inputs: &[i64],
    rng: &mut impl Randomness,
) -> Result<Vec<Fr>, RandomnessError> {
    Ok(input_column_of(layout, inputs, rng.fields(layout.descriptor().input_salts.len())?))
}

/// The same, with known salts.
pub(crate) fn input_column_of(layout: &Layout, inputs: &[i64], salts: Vec<Fr>) -> Vec<Fr> {
    let mut column = vec![Fr::zero(); layout.rows()];
    if let Some(block) = layout.input_block() {
        for (index, v) in indices(block.dims).zip(inputs) {
            column[row(block, index)] = Fr::from(*v);
        }
    }
    for (q, value) in layout.descriptor().input_salts.iter().zip(salts) {
        column[*q as usize] = value;
    }
    column
}
