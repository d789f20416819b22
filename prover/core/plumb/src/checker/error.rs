//! The rules of a sound layout, as the errors of breaking them.

use crate::descriptor::{Column, Dims};
use std::fmt;

/// A rule that a descriptor breaks. `layer` and `block` are positions in its lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the facts of the sentence that Display writes
pub enum LayoutError {
    Size { what: &'static str, expected: [u64; 2], got: u64 },
    InputDomain { expected: [i64; 2], got: [i64; 2] },
    BatchLength { block: usize, expected: u32, got: u32 },
    EmptyBlock { block: usize },
    NoSuchColumn { block: usize },
    NoSuchBlock { layer: usize, got: u16 },
    NoSuchFunction { pair: usize, got: u8 },
    BlockNotAligned { block: usize, size: u64, offset: u64 },
    BlockTouchesPadRows { block: usize, active: u64, end: u64 },
    BlocksOverlap { column: Column, row: u64 },
    TableSize { table: usize, expected: u8, got: u8 },
    TablePlacement { table: usize, active: u64, end: u64 },
    TablesOverlap { row: u64 },
    FunctionBounds { function: usize, domain: [i64; 2], got: [i32; 2] },
    FunctionLength { function: usize, expected: u64, got: u64 },
    FunctionValue { function: usize, position: usize, domain: [i64; 2], got: i32 },
    ExponentStrides { layer: usize },
    ExponentsOverlap { exponent: u64 },
    InputLayer { layer: usize },
    InputBlock { layer: usize },
    InputLink { layer: usize },
    InputSalts { expected_at_least: usize, got: usize },
    PublicLayer { expected: usize, got: Option<usize> },
    UnfixedCells { layer: usize, block: u16 },
    WrittenTwice { layer: usize, block: u16 },
    ViewShape { layer: usize, block: u16 },
    ViewBeyondRealLength { layer: usize, block: u16 },
    EmptyView { layer: usize },
    CombineLength { layer: usize },
    ConvolutionWindow { layer: usize },
    OutputLength { layer: usize, expected: Dims, got: Dims },
    OutputBlock { layer: usize },
    PooledLength { layer: usize, got: Dims },
    PooledValues { layer: usize },
    OutputView { layer: usize },
    ClassLengths { layer: usize, got: Dims },
    RemainderLimbs { layer: usize, expected: usize, got: usize },
    RemainderBlock { layer: usize, limb: usize },
    TightRange { layer: usize },
    WeightsNotAligned { layer: usize, size: u64, offset: u64 },
    WeightsInVirtualChunk { layer: usize, expected_below: u64, end: u64 },
    WeightsOverlap { position: u64 },
    SaltsOfChunk { chunk: usize, expected_at_least: usize, got: usize },
    SaltOnWeight { position: u32 },
    Overflow { layer: usize, bits: u32 },
    MaskCellsOverlap { got: u32 },
    MaskCellOutsideVirtualChunk { expected: [u64; 2], got: u32 },
    MaskCellOutsidePadRows { expected: [u64; 2], got: u32 },
    MasksDoNotFit { rows: usize, at_most: usize },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use LayoutError::*;
        match self {
            Size { what, expected: [low, high], got } => write!(f, "{what}: expected {low} to {high}, got {got}"),
            InputDomain { expected, got } => write!(f, "the input's cells have the domain {expected:?}, not {got:?}"),
            BatchLength { block, expected, got } => {
                write!(f, "block {block}: expected a batch of {expected}, got {got}")
            }
            EmptyBlock { block } => write!(f, "block {block} has a length of 0"),
            NoSuchColumn { block } => write!(f, "block {block} is in a column that does not exist"),
            NoSuchBlock { layer, got } => write!(f, "layer {layer}: there is no block {got}"),
            NoSuchFunction { pair, got } => write!(f, "pair {pair}: there is no function {got}"),
            BlockNotAligned { block, size, offset } => {
                write!(f, "block {block} of {size} rows is not aligned at row {offset}")
            }
            BlockTouchesPadRows { block, active, end } => {
                write!(f, "block {block} ends at row {end}, pad rows start at {active}")
            }
            BlocksOverlap { column, row } => write!(f, "two blocks of {column:?} hold row {row}"),
            TableSize { table, expected, got } => write!(f, "table {table}: expected 2^{expected} rows, got 2^{got}"),
            TablePlacement { table, active, end } => {
                write!(f, "table {table} is not aligned, or ends at row {end}; pad rows start at {active}")
            }
            TablesOverlap { row } => write!(f, "two tables hold row {row}"),
            FunctionBounds { function, domain, got } => {
                write!(f, "function {function}: bounds {got:?} are not in order inside {domain:?}")
            }
            FunctionLength { function, expected, got } => {
                write!(f, "function {function}: expected {expected} values, got {got}")
            }
            FunctionValue { function, position, domain, got } => {
                write!(f, "function {function}: value {position} is {got}, outside {domain:?}")
            }
            ExponentStrides { layer } => {
                write!(
                    f,
                    "layer {layer}: two equations share an exponent of r, a stride is no power of two, or it is too large"
                )
            }
            ExponentsOverlap { exponent } => write!(f, "two families of equations share the exponent {exponent} of r"),
            InputLayer { layer } => write!(f, "layer {layer}: the first layer, and no other, is the input"),
            InputBlock { layer } => {
                write!(f, "layer {layer}: the input's block is in no looked-up column, or has other lengths")
            }
            InputLink { layer } => {
                write!(f, "layer {layer}: a committed input, and no other, has a link to the same rows of its column")
            }
            InputSalts { expected_at_least, got } => write!(
                f,
                "expected {expected_at_least} or more distinct salts in pad rows of the input's column, got {got}"
            ),
            PublicLayer { expected, got } => {
                write!(f, "layer {expected}, the last, and no other has public outputs; got {got:?}")
            }
            UnfixedCells { layer, block } => {
                write!(f, "layer {layer} reads block {block}, which no earlier layer fixes")
            }
            WrittenTwice { layer, block } => {
                write!(f, "layer {layer} writes block {block}, which an earlier layer fixes")
            }
            ViewShape { layer, block } => write!(f, "layer {layer}: the shape of block {block} is not the view's"),
            ViewBeyondRealLength { layer, block } => {
                write!(f, "layer {layer} reads block {block} beyond its real lengths")
            }
            EmptyView { layer } => write!(f, "layer {layer} reads nothing"),
            CombineLength { layer } => {
                write!(f, "layer {layer}: the block does not have the equations' lengths, or is in no argument column")
            }
            ConvolutionWindow { layer } => {
                write!(f, "layer {layer}: the window does not fit, or its stride is not 1 or 2")
            }
            OutputLength { layer, expected, got } => {
                write!(f, "layer {layer}: expected output lengths {expected:?}, got {got:?}")
            }
            OutputBlock { layer } => {
                write!(f, "layer {layer}: the output's block has other lengths, or is in no argument column")
            }
            PooledLength { layer, got } => {
                write!(f, "layer {layer}: what is pooled by squares has even heights and widths, not {got:?}")
            }
            PooledValues { layer } => {
                write!(f, "layer {layer}: the values are not in the same rows of the arguments' pair")
            }
            OutputView { layer } => {
                write!(f, "layer {layer}: public outputs are the cells of one block of activations, as they are")
            }
            ClassLengths { layer, got } => {
                write!(f, "layer {layer}: classes have the lengths (batch, n, 1, 1), not {got:?}")
            }
            RemainderLimbs { layer, expected, got } => write!(f, "layer {layer}: expected {expected} limbs, got {got}"),
            RemainderBlock { layer, limb } => {
                write!(f, "layer {layer}: limb {limb} has other lengths, or is in no range column")
            }
            TightRange { layer } => write!(
                f,
                "layer {layer}: a range below the table's needs, and no other has, scaled cells of the same lengths in a range column"
            ),
            WeightsNotAligned { layer, size, offset } => {
                write!(f, "layer {layer}: {size} weights are not aligned at {offset}")
            }
            WeightsInVirtualChunk { layer, expected_below, end } => {
                write!(f, "layer {layer}: weights end at {end}, the virtual chunk starts at {expected_below}")
            }
            WeightsOverlap { position } => write!(f, "two blocks of weights share position {position}"),
            SaltsOfChunk { chunk, expected_at_least, got } => write!(
                f,
                "chunk {chunk}: expected {expected_at_least} or more salts (none if weights are public), got {got}"
            ),
            SaltOnWeight { position } => write!(f, "a weight and a salt, or two salts, share position {position}"),
            Overflow { layer, bits } => write!(f, "layer {layer}: sums may reach 2^{bits}, the limit is 2^62"),
            MaskCellsOverlap { got } => write!(f, "mask cell {got} is used twice"),
            MaskCellOutsideVirtualChunk { expected, got } => {
                write!(f, "mask cell {got} is outside the virtual chunk {expected:?}")
            }
            MaskCellOutsidePadRows { expected, got } => {
                write!(f, "mask cell {got} is outside the pad rows {expected:?}")
            }
            MasksDoNotFit { rows, at_most } => write!(f, "masks need {rows} rows, expected at most {at_most}"),
        }
    }
}

impl std::error::Error for LayoutError {}
