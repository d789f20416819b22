//! A checked layout: which columns there are, in which order, and what is derived from a descriptor's numbers.
//!
//! Columns are numbered in the order of the protocol: `RC_0 .. FI_0 FO_0 FI_1 FO_1 .. M | H_0 .. HT | G1 G2 | W_0 .. | CIN`.

use crate::checker::{self, LayoutError};
use crate::closed_forms::index_bits;
use crate::descriptor::{Block, Column, Descriptor, Layer, Linear, Map, Visibility, volume};
use crate::field::Fr;
use crate::ranges::Ranges;
use crate::sumcheck::Degrees;
use std::ops::Range;

/// The degree of sumcheck A in the variables that say which chunk a weight is in: it is a product's.
pub const DEGREE_OF_CHUNKS: usize = 2;
/// The degree of sumcheck A in a row's variables: it is that of the look-ups' gates.
pub const DEGREE_OF_ROWS: usize = 4;
/// The degree of sumcheck D, over all linear claims.
pub const DEGREE_D: usize = 2;

/// The last rows of G1, which hold zero, so that the coefficients of one variable stand in an aligned group of rows, and
/// their functional at a point is one product for all of them.
pub const MASK_GAPS: usize = 3;

/// A descriptor that the checker has accepted, or the registration of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    descriptor: Descriptor,
    /// What a registration proves; a model's layout has layers instead.
    ranges: Option<Ranges>,
}

impl Layout {
    /// Checks a descriptor.
    pub fn new(descriptor: Descriptor) -> Result<Self, LayoutError> {
        checker::check(&descriptor)?;
        Ok(Layout { descriptor, ranges: None })
    }

    /// A layout that nobody has checked: to show what the checker is for.
    #[cfg(test)]
    pub(crate) fn unchecked(descriptor: Descriptor) -> Self {
        Layout { descriptor, ranges: None }
    }

    /// The layout of a registration; sound because of how [`crate::ranges`] derives it.
    pub(crate) fn of_ranges(descriptor: Descriptor, ranges: Ranges) -> Self {
        Layout { descriptor, ranges: Some(ranges) }
    }

    /// What a registration proves.
    pub(crate) fn weight_ranges(&self) -> Option<&Ranges> {
        self.ranges.as_ref()
    }

    /// Whether weights meet inputs, so that sumcheck A is about their products too: not in a registration.
    pub fn has_products(&self) -> bool {
        self.ranges.is_none()
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// c: the variables of a column.
    pub fn c(&self) -> usize {
        usize::from(self.descriptor.log_rows)
    }

    /// `2^c`.
    pub fn rows(&self) -> usize {
        1 << self.c()
    }

    /// Rows before the pad rows.
    pub fn active_rows(&self) -> usize {
        self.rows() - (1 << self.descriptor.log_pad)
    }

    /// How many of a row's index bits are all ones in a pad row.
    pub fn high_bits(&self) -> usize {
        self.c() - usize::from(self.descriptor.log_pad)
    }

    /// Range columns.
    pub fn ranges(&self) -> usize {
        self.ranges.as_ref().map_or(usize::from(self.descriptor.range_columns), |ranges| ranges.columns)
    }

    /// Function pairs.
    pub fn pairs(&self) -> usize {
        self.descriptor.pairs.len()
    }

    /// Looked-up columns: ranges, then pairs.
    pub fn lookups(&self) -> usize {
        self.ranges() + self.pairs()
    }

    /// Helper columns H: one for two look-ups.
    pub fn helpers(&self) -> usize {
        self.lookups().div_ceil(2)
    }

    /// Weight chunks.
    pub fn chunks(&self) -> usize {
        usize::from(self.descriptor.chunks)
    }

    /// The variables that say which chunk a position of the weight index domain is in, the virtual one included. None where
    /// no weight meets an input.
    pub fn chunk_variables(&self) -> usize {
        if self.has_products() { chunk_variables(&self.descriptor) } else { 0 }
    }

    /// n: the variables of sumcheck A, those of the weight index domain. The last c are a row's.
    pub fn weight_variables(&self) -> usize {
        self.chunk_variables() + self.c()
    }

    /// The degrees of sumcheck A.
    pub fn degrees_a(&self) -> Degrees {
        degrees_a(self.chunk_variables(), self.c())
    }

    /// The degrees of sumcheck D.
    pub fn degrees_d(&self) -> Degrees {
        Degrees::uniform(self.c(), DEGREE_D)
    }

    /// Column M.
    pub fn multiplicities(&self) -> usize {
        self.ranges() + 2 * self.pairs()
    }

    /// The columns of phase 1 but the masks.
    pub fn phase1(&self) -> Range<usize> {
        0..self.multiplicities() + 1
    }

    /// The columns of phase 2; the last is HT.
    pub fn phase2(&self) -> Range<usize> {
        let start = self.phase1().end;
        start..start + self.helpers() + 1
    }

    /// The columns whose values at the row of sumcheck A's point are sent: phases 1 and 2.
    pub fn evaluated(&self) -> usize {
        self.phase2().end
    }

    /// G1 and G2.
    pub fn masks(&self) -> [usize; 2] {
        [self.evaluated(), self.evaluated() + 1]
    }

    /// Weight chunk k.
    pub fn chunk(&self, k: usize) -> usize {
        self.evaluated() + 2 + k
    }

    /// Whether a column is a weight chunk.
    pub fn is_chunk(&self, column: usize) -> bool {
        (self.chunk(0)..self.chunk(self.chunks())).contains(&column)
    }

    /// All columns.
    pub fn columns(&self) -> usize {
        self.chunk(self.chunks()) + usize::from(self.commits_input())
    }

    /// Whether there is a column CIN.
    pub fn commits_input(&self) -> bool {
        self.descriptor.input_visibility == Visibility::Committed
    }

    /// The number of a column that holds blocks.
    pub fn column(&self, column: Column) -> usize {
        match column {
            Column::Range(j) => usize::from(j),
            Column::Argument(j) => self.ranges() + 2 * usize::from(j),
            Column::Value(j) => self.ranges() + 2 * usize::from(j) + 1,
            Column::Input => self.chunk(self.chunks()),
        }
    }

    /// A block by its number. The checker has seen that every number is one.
    pub fn block(&self, id: u16) -> &Block {
        &self.descriptor.blocks[usize::from(id)]
    }

    /// The layers with weights.
    pub fn linear_layers(&self) -> impl Iterator<Item = &Linear> {
        self.descriptor.layers.iter().filter_map(|layer| match layer {
            Layer::Linear(linear) => Some(linear),
            _ => None,
        })
    }

    /// Every map, with its layer.
    pub fn maps(&self) -> impl Iterator<Item = (&Linear, &Map)> {
        self.linear_layers().flat_map(|l| l.maps.iter().map(move |map| (l, map)))
    }

    /// The last layer, whose outputs are public.
    pub fn public_layer(&self) -> Option<&Layer> {
        self.descriptor.layers.iter().find(|layer| layer.is_public())
    }

    /// The number of public outputs.
    pub fn outputs(&self) -> usize {
        match self.public_layer() {
            Some(Layer::Linear(Linear { exponents, .. }) | Layer::Output { exponents, .. }) => {
                volume(&exponents.dims) as usize
            }
            Some(Layer::Top1 { exponents, .. }) => exponents.dims[0] as usize,
            _ => 0,
        }
    }

    /// The domain of an activation, both ends included: K-bit signed integers.
    pub fn value_domain(&self) -> [i64; 2] {
        let half = 1i64 << (self.descriptor.value_bits - 1);
        [-half, half - 1]
    }

    /// The domain of a public output, both ends included: activations, or indices below the number of classes.
    pub fn output_domain(&self) -> [i64; 2] {
        match self.public_layer() {
            Some(Layer::Top1 { exponents, .. }) => [0, i64::from(exponents.dims[1]) - 1],
            _ => self.value_domain(),
        }
    }

    /// The block of the input.
    pub fn input_block(&self) -> Option<&Block> {
        self.descriptor.layers.iter().find_map(|layer| match layer {
            Layer::Input { block, .. } => Some(self.block(*block)),
            _ => None,
        })
    }

    /// The number of input values.
    pub fn inputs(&self) -> usize {
        self.input_block().map_or(0, |b| b.len() as usize)
    }

    /// The row of G1 that is the k-th coefficient of the mask of sumcheck A. Counted from the last row, `g_0` is at 3, the
    /// four of row variable i (from 0) from `4 + 4i` on, and behind them the two of chunk variable i from `4 + 4c + 2i` on:
    /// none of these groups crosses a multiple of its size.
    pub fn mask_row(&self, k: usize) -> usize {
        let of_chunks = DEGREE_OF_CHUNKS * self.chunk_variables();
        let position = match k.checked_sub(1) {
            None => 0,
            Some(i) if i < of_chunks => 1 + DEGREE_OF_ROWS * self.c() + i,
            Some(i) => 1 + i - of_chunks,
        };
        self.rows() - 1 - (position + MASK_GAPS)
    }

    /// The rows of G1 below those that are kept for the mask's coefficients.
    pub fn rows_below_masks(&self) -> usize {
        self.rows() - MASK_GAPS - self.degrees_a().mask_length()
    }

    /// The powers of eta that weigh the linear claims.
    pub fn claims(&self) -> Claims {
        Claims { columns: self.evaluated() }
    }
}

/// The bits of a chunk's number, the virtual chunk included.
fn chunk_variables(d: &Descriptor) -> usize {
    index_bits(u32::from(d.chunks) + 1)
}

fn degrees_a(chunk_variables: usize, c: usize) -> Degrees {
    Degrees([(chunk_variables, DEGREE_OF_CHUNKS), (c, DEGREE_OF_ROWS)])
}

/// How many rows of G1 a proof about this descriptor needs: those that hold zero, the mask's coefficients, and the cells
/// that hide sumcheck D.
pub(crate) fn rows_of_masks(d: &Descriptor) -> usize {
    let c = usize::from(d.log_rows);
    MASK_GAPS + degrees_a(chunk_variables(d), c).mask_length() + HIDING_CELLS * c
}

/// For each variable of a row, the cells of G1 that hide sumcheck D: twice as many as its rounds show numbers.
pub(crate) const HIDING_CELLS: usize = 4;

/// The order of the linear claims: claim i is weighed by `eta^i`.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// The first claims: the value of each evaluated column at the row of sumcheck A's point.
    pub columns: usize,
}

impl Claims {
    /// The mask of sumcheck A at its point.
    pub fn mask(&self) -> usize {
        self.columns
    }
    /// The sum of sumcheck A: all linear layers, and the sum of the mask.
    pub fn sum(&self) -> usize {
        self.columns + 1
    }
    /// The weights at the point of sumcheck A.
    pub fn weights(&self) -> usize {
        self.columns + 2
    }
    /// The layers' inputs there.
    pub fn inputs(&self) -> usize {
        self.columns + 3
    }
    /// Copies, tight ranges, and the input's link.
    pub fn links(&self) -> usize {
        self.columns + 4
    }
    /// How many claims there are.
    pub fn count(&self) -> usize {
        self.columns + 5
    }

    /// `eta^i` for every claim.
    pub fn powers(&self, eta: &Fr) -> Vec<Fr> {
        std::iter::successors(Some(Fr::from(1u64)), |p| Some(*p * eta)).take(self.count()).collect()
    }

    /// What a claim is about.
    pub fn name(&self, i: usize) -> &'static str {
        const NAMES: [&str; 5] = ["mask", "sum", "weights", "inputs", "links"];
        match i.checked_sub(self.columns) {
            None => "column",
            Some(k) => NAMES.get(k).copied().unwrap_or("none"),
        }
    }
}
