//! What may be wrong with an opening, or with making one.

use super::{LARGEST_VARIABLES, SMALLEST_VARIABLES};
use crate::commit::{CommitError, PointError};
use crate::field::Fr;
use crate::srs::PairingMismatch;
use std::fmt;

/// What may be wrong with an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningError {
    /// c is odd, or out of range.
    Variables {
        /// The number of variables of the point.
        got: usize,
    },
    /// The column has another number of cells than 2^c.
    Cells {
        /// 2^c.
        expected: usize,
        /// Cells of the column.
        got: usize,
    },
    /// The parameters have fewer powers than the column has cells.
    Parameters(CommitError),
    /// The column has another value at the point than was claimed. Only a prover sees this.
    Value {
        /// Its value.
        expected: Fr,
        /// The value that was claimed.
        got: Fr,
    },
    /// A commitment of an honest proof would be the identity. Only a prover sees this.
    Vanishing {
        /// Which one.
        element: &'static str,
    },
    /// The proof has another length.
    Length {
        /// [`PROOF_BYTES`].
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
    /// Bytes of the proof are no point, or the identity.
    Point {
        /// Which one.
        element: &'static str,
        /// What is wrong with it.
        error: PointError,
    },
    /// A scalar of the proof is not below the modulus of its field.
    Scalar {
        /// Which one.
        element: &'static str,
        /// The scalar as it was read.
        got: [u8; 32],
    },
    /// zeta is zero, which has no inverse: with probability 2^-254.
    Challenge,
    /// The interpolants do not have the inner products that are claimed.
    InnerProducts,
    /// The pairing equation does not hold.
    Rejected,
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables { got } => write!(
                f,
                "a point of {got} variables; there must be an even number of them, from {SMALLEST_VARIABLES} to {LARGEST_VARIABLES}"
            ),
            Self::Cells { expected, got } => {
                write!(f, "a column of {got} cells, expected {expected}")
            }
            Self::Parameters(error) => write!(f, "{error}"),
            Self::Value { expected, got } => {
                write!(f, "the column's value is {expected}, not {got}")
            }
            Self::Vanishing { element } => {
                write!(f, "the column is too simple to be opened: {element} is the identity")
            }
            Self::Length { expected, got } => {
                write!(f, "an opening has {expected} bytes, got {got}")
            }
            Self::Point { element, error } => write!(f, "{element}: {error}"),
            Self::Scalar { element, got } => {
                write!(f, "{element}: 0x")?;
                got.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, " is not below the modulus of the scalar field")
            }
            Self::Challenge => write!(f, "the challenge zeta is 0"),
            Self::InnerProducts => write!(f, "the inner products are not those that are claimed"),
            Self::Rejected => write!(f, "the pairing equation does not hold"),
        }
    }
}

impl std::error::Error for OpeningError {}

impl From<CommitError> for OpeningError {
    fn from(error: CommitError) -> Self {
        Self::Parameters(error)
    }
}

impl From<PairingMismatch> for OpeningError {
    fn from(_: PairingMismatch) -> Self {
        Self::Rejected
    }
}
