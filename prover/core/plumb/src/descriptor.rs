//! The description of a model: everything the verifier needs to know beside the commitments of the weights.
//!
//! A descriptor is plain data, read from bytes whose every length is checked; whether it describes a sound layout is for
//! [`crate::checker`] to say. It is encoded big-endian, in records of fixed size, and each descriptor has one encoding.
//!
//! Tensors have four dimensions, (batch, channel, height, width). A *block* is a tensor stored in a column at an offset,
//! each dimension padded to a power of two. A *view* is a sum of terms over blocks: coordinate (b, ch, h, w) of a term
//! reads row (b, ch, h 2^s_h + l_h, w 2^s_w + l_w) of its block, times a coefficient. So `max(a, b) = b + relu(a - b)` is a
//! view, and max pooling needs no cell for a maximum.

use crate::closed_forms::index_bits;
use std::fmt;

/// Lengths of (batch, channel, height, width).
pub type Dims = [u32; 4];

/// Who learns a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Nobody but the prover.
    Hidden,
    /// Nobody, but a hiding commitment to it is public.
    Committed,
    /// Everybody.
    Public,
}

/// The columns that hold blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// `RC_j`: each cell in `[0, 2^s)`.
    Range(u8),
    /// `FI_j`: inputs of the function of pair j.
    Argument(u8),
    /// `FO_j`: its outputs, row by row.
    Value(u8),
    /// The column behind the input's commitment `C_in`.
    Input,
}

/// A tensor in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The column.
    pub column: Column,
    /// The first row.
    pub offset: u32,
    /// Real lengths.
    pub dims: Dims,
}

impl Block {
    /// Index bits of each dimension.
    pub fn bits(&self) -> [usize; 4] {
        self.dims.map(index_bits)
    }

    /// Rows including padding: `2^bits`. Saturates where that does not fit.
    pub fn size(&self) -> u64 {
        1u64.checked_shl(self.bits().iter().sum::<usize>() as u32).unwrap_or(u64::MAX)
    }

    /// Rows that hold real cells. Saturates.
    pub fn len(&self) -> u64 {
        volume(&self.dims)
    }

    /// Whether there is no real cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two blocks have the same rows and the same lengths, in whatever columns.
    pub fn same_rows(&self, other: &Block) -> bool {
        self.offset == other.offset && self.dims == other.dims
    }
}

/// The product of lengths, saturating.
pub fn volume(dims: &[u32]) -> u64 {
    dims.iter().fold(1u64, |v, n| v.saturating_mul(u64::from(*n)))
}

/// Low bits of a coordinate that a term fixes: it reads `i 2^shift + low`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// How many low bits.
    pub shift: u8,
    /// Their value.
    pub low: u32,
}

/// One summand of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// What its cells are multiplied with.
    pub coefficient: i32,
    /// The block that it reads.
    pub block: u16,
    /// Which heights.
    pub height: Select,
    /// Which widths.
    pub width: Select,
}

/// The powers of the challenge r that weigh the cells of one family of linear equations: index i has exponent
/// `offset + <strides, i>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponents {
    /// The first exponent.
    pub offset: u64,
    /// One stride per dimension, a power of two.
    pub strides: [u64; 4],
    /// Real lengths.
    pub dims: Dims,
}

/// A range below the range table's: `block = 2^(s-bits) cell`, so that both in `[0, 2^s)` means `cell < 2^bits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tight {
    /// The block of scaled cells, in a range column.
    pub block: u16,
    /// The exact width of the range.
    pub bits: u8,
    /// The equations' exponents.
    pub exponents: Exponents,
}

/// The window of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [u8; 2],
    /// Steps, 1 or 2.
    pub stride: [u8; 2],
    /// Zeros before the input, in height and width.
    pub before: [u8; 2],
    /// Zeros after it.
    pub after: [u8; 2],
}

/// Which products a map sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every cell of the view, each with a weight of its own for each output channel.
    Dense,
    /// A sliding window over all channels.
    Convolution(Window),
    /// A sliding window over one channel: output channel o reads channel o alone.
    Depthwise(Window),
}

/// Weights times cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Which products.
    pub kind: Kind,
    /// What it reads.
    pub view: Vec<Term>,
    /// Real lengths of the view.
    pub input: Dims,
    /// First weight, in the weight index domain.
    pub weights: u32,
    /// Weights are in `[-2^bits, 2^bits)`.
    pub weight_bits: u8,
}

impl Map {
    /// The window, if there is one.
    pub fn window(&self) -> Option<&Window> {
        match &self.kind {
            Kind::Dense => None,
            Kind::Convolution(w) | Kind::Depthwise(w) => Some(w),
        }
    }

    /// Taps of the window; 1 for a dense map.
    pub fn taps(&self) -> u32 {
        self.window().map_or(1, |w| u32::from(w.kernel[0]) * u32::from(w.kernel[1]))
    }

    /// Real lengths of the weights for `out` output channels, each to be padded: (1, out, channel, height, width) of a
    /// dense map, (row, column, channel, out, 1) of a window's taps. Depthwise, out is the channel, and has length 1.
    pub fn weight_dims(&self, out: u32) -> [u32; 5] {
        let [_, channels, height, width] = self.input;
        let taps = |w: &Window, out| [w.kernel[0].into(), w.kernel[1].into(), channels, out, 1];
        match &self.kind {
            Kind::Dense => [1, out, channels, height, width],
            Kind::Convolution(w) => taps(w, out),
            Kind::Depthwise(w) => taps(w, 1),
        }
    }

    /// Index bits of the weights.
    pub fn weight_index_bits(&self, out: u32) -> [usize; 5] {
        self.weight_dims(out).map(index_bits)
    }
}

/// Where the y of a linear layer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// In the statement.
    Public,
    /// They are the cells of a block, in an argument column.
    Cells(u16),
    /// They are sums of cells: of the arguments and values of one function f, by squares of 2 x 2. In the places of y00 y01
    /// and, below, y10 y11 stand the arguments
    ///
    /// ```text
    /// z00 = y00 - y01    z01 = (y01 + f(z00)) - (y11 + f(z10))
    /// z10 = y10 - y11    z11 = y11 + f(z10) + f(z01)
    /// ```
    ///
    /// so that with f = ReLU the z11 are the maxima of the squares. The executor takes y of K - 1 bits, for which every z has K.
    Pooled {
        /// The block of z, in an argument column.
        arguments: u16,
        /// The block of f(z), in the same rows of the value column.
        values: u16,
    },
}

impl Destination {
    /// The block that the layer fixes.
    pub fn fixes(&self) -> Option<u16> {
        match *self {
            Destination::Public => None,
            Destination::Cells(block) | Destination::Pooled { arguments: block, .. } => Some(block),
        }
    }
}

/// One y of a square, with its row and column in it, as a sum of z and f(z).
pub(crate) struct Corner {
    pub(crate) at: [u32; 2],
    /// Where the z are that are added.
    pub(crate) added: &'static [[u32; 2]],
    /// Where the z are whose f(z) are taken off.
    pub(crate) taken: &'static [[u32; 2]],
}

/// The inverse of [`Destination::Pooled`].
pub(crate) const SQUARE: [Corner; 4] = [
    Corner { at: [0, 0], added: &[[0, 0], [0, 1], [1, 1]], taken: &[[0, 0], [0, 1]] },
    Corner { at: [0, 1], added: &[[0, 1], [1, 1]], taken: &[[0, 0], [0, 1]] },
    Corner { at: [1, 0], added: &[[1, 0], [1, 1]], taken: &[[1, 0], [0, 1]] },
    Corner { at: [1, 1], added: &[[1, 1]], taken: &[[1, 0], [0, 1]] },
];

/// A sum of maps with its requantisation: `sum of maps + b = 2^S y + rem`. With 2^(S-1) in each bias, halves round upwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// What is summed.
    pub maps: Vec<Map>,
    /// Where y is.
    pub output: Destination,
    /// The limbs of rem in range columns, s bits each, the lowest first.
    pub remainders: Vec<u16>,
    /// The range of the top limb, where S is no multiple of s.
    pub tight: Option<Tight>,
    /// S.
    pub shift: u8,
    /// The equations' exponents, and the output's lengths.
    pub exponents: Exponents,
    /// First bias, in the weight index domain.
    pub biases: u32,
    /// Biases are in `[-2^bits, 2^bits)`.
    pub bias_bits: u8,
}

impl Linear {
    /// Output channels.
    pub fn out(&self) -> u32 {
        self.exponents.dims[1]
    }
}

/// One step of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The input, and what ties it to the statement.
    Input {
        /// Its block, in a range or an argument column.
        block: u16,
        /// The same block in the committed column, where the input is committed.
        link: Option<u16>,
        /// A range below the column's.
        tight: Option<Tight>,
        /// Exponents of the link, or of the public input.
        exponents: Exponents,
    },
    /// `cell = view`: sums and differences without weights, looked up in their table.
    Combine {
        /// The block, in an argument column.
        cell: u16,
        /// What it is the sum of.
        view: Vec<Term>,
        /// The equations' exponents.
        exponents: Exponents,
    },
    /// Weights.
    Linear(Linear),
    /// The public outputs are cells: activations, or values of a function.
    Output {
        /// The cells: one block, as it is.
        view: Vec<Term>,
        /// The equations' exponents, and the outputs' lengths.
        exponents: Exponents,
    },
    /// The public outputs are indices, one for each element of the batch: the first of the largest of n cells.
    /// `y_idx - y_i - [i < idx] = rem_i`, which is no negative number.
    Top1 {
        /// The cells y, of lengths (batch, n, 1, 1): one block, as it is.
        view: Vec<Term>,
        /// The limbs of rem in range columns, s bits each, the lowest first: K bits in all.
        remainders: Vec<u16>,
        /// The range of the top limb, where K is no multiple of s.
        tight: Option<Tight>,
        /// The equations' exponents.
        exponents: Exponents,
    },
}

impl Layer {
    /// Whether its outputs are public.
    pub fn is_public(&self) -> bool {
        match self {
            Layer::Input { .. } | Layer::Combine { .. } => false,
            Layer::Linear(l) => l.output == Destination::Public,
            Layer::Output { .. } | Layer::Top1 { .. } => true,
        }
    }
}

/// Rows of the table column that hold one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The first row.
    pub offset: u32,
    /// log2 of the rows.
    pub bits: u8,
}

/// What a function does with a K-bit signed integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// `f(y) = min(max(y, low), high)`, which has a closed form. ReLU and the identity are the clamps with `low = 0` and
    /// with no bound at all.
    Clamp {
        /// The least value.
        low: i32,
        /// The greatest value.
        high: i32,
    },
    /// Any function: the `2^K` values `f(-2^(K-1)) .. f(2^(K-1) - 1)`. The verifier reads them all.
    Table(Vec<i32>),
}

/// A function on K-bit signed integers, with K-bit signed values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where its table is.
    pub slot: Slot,
    /// Its values.
    pub kind: FunctionKind,
}

impl Function {
    /// `f(y)`; 0 where a table has no entry.
    pub fn apply(&self, y: i64) -> i64 {
        match &self.kind {
            FunctionKind::Clamp { low, high } => y.max(i64::from(*low)).min(i64::from(*high)),
            FunctionKind::Table(values) => {
                let at = usize::try_from(y.saturating_add((values.len() / 2) as i64)).ok();
                at.and_then(|t| values.get(t)).copied().map_or(0, i64::from)
            }
        }
    }
}

/// The cells that hide `e_W` and `e_X`: each is a random cell of column M, in its pad rows, and a position of the virtual
/// chunk of the weight index domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskCells {
    /// Rows of M: first those of the weights, then those of the inputs.
    pub rows: [u32; 4],
    /// Positions in Wtot.
    pub weights: [u32; 2],
    /// Positions in Xtot.
    pub inputs: [u32; 2],
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// c: columns have `2^c` rows.
    pub log_rows: u8,
    /// The last `2^log_pad` rows of a column are random.
    pub log_pad: u8,
    /// s: the range table is `[0, 2^s)`.
    pub range_bits: u8,
    /// K: activations are K-bit signed integers.
    pub value_bits: u8,
    /// Inferences in one proof.
    pub batch: u32,
    /// Who learns the input.
    pub input_visibility: Visibility,
    /// Who learns the weights: hidden or public.
    pub weight_visibility: Visibility,
    /// The exact domain of an input value, both ends included.
    pub input_domain: [i64; 2],
    /// How many range columns there are.
    pub range_columns: u8,
    /// The function of each pair of columns (FI_j, FO_j).
    pub pairs: Vec<u8>,
    /// How many weight chunks there are.
    pub chunks: u16,
    /// The range table.
    pub range_table: Slot,
    /// The functions; function j has tag j + 1.
    pub functions: Vec<Function>,
    /// All blocks.
    pub blocks: Vec<Block>,
    /// All layers, in order.
    pub layers: Vec<Layer>,
    /// Cells of M that hide what sumcheck A shows of weights and inputs.
    pub mask_cells: MaskCells,
    /// Random cells of hidden weights.
    pub salts: Vec<u32>,
    /// Random rows of the committed input's column.
    pub input_salts: Vec<u32>,
}

/// Bytes that are no descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// The bytes end too early.
    Truncated {
        /// What was being read.
        reading: &'static str,
        /// Where.
        position: usize,
    },
    /// Bytes are left over.
    Trailing {
        /// Where the descriptor ends.
        expected: usize,
        /// How many bytes were given.
        got: usize,
    },
    /// A field has a value that no descriptor has.
    Value {
        /// Which field.
        reading: &'static str,
        /// Its position.
        position: usize,
        /// Its value.
        got: u64,
    },
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DescriptorError::Truncated { reading, position } => {
                write!(f, "the descriptor ends inside {reading}, at byte {position}")
            }
            DescriptorError::Trailing { expected, got } => {
                write!(f, "the descriptor has {expected} bytes, got {got}")
            }
            DescriptorError::Value { reading, position, got } => {
                write!(f, "{reading} at byte {position} cannot be {got}")
            }
        }
    }
}

impl std::error::Error for DescriptorError {}
