//! KZG commitments to columns, and the one encoding of points.
//!
//! The commitment to the column `(v_0, .., v_(n-1))` is `sum_i v_i [tau^i]_1` (Kate, Zaverucha and Goldberg, ASIACRYPT
//! 2010): the values over the boolean cube are taken as the coefficients of a polynomial in tau, as in Gemini (ePrint
//! 2022/420, section 5) and Mercury (ePrint 2025/385), so nothing is interpolated. Cell i sits at the vertex that is the
//! big-endian binary expansion of i: the first variable is the most significant bit.
//!
//! Commitments add up: `C(a v + b w) = a C(v) + b C(w)`. So a column of small integers with a few full-size cells is
//! committed in parts, and a column that is mostly zero by its other cells.
//!
//! Running times depend on the values. Do not commit where others can measure you.

use crate::msm;
use crate::srs::{G1_BYTES, Srs};
use ark_bn254::{Fq, Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, PrimeField, Zero};
use std::fmt;
use std::ops::Add;

/// Why bytes are no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointError {
    /// A coordinate is not below the modulus of its field.
    NotCanonical {
        /// The coordinate as it was read.
        got: [u8; 32],
    },
    /// The coordinates solve no equation of the curve.
    NotOnCurve,
    /// The point has another order than the group; only in the second group.
    NotInSubgroup,
    /// The point is the identity, where it must not be.
    Identity,
}

impl fmt::Display for PointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCanonical { got } => {
                write!(f, "coordinate 0x")?;
                got.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, " is not below the modulus of the base field")
            }
            Self::NotOnCurve => write!(f, "not on the curve"),
            Self::NotInSubgroup => write!(f, "not in the subgroup"),
            Self::Identity => write!(f, "the identity is not allowed here"),
        }
    }
}

impl std::error::Error for PointError {}

/// Whether the identity, written as 64 zero bytes, may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// It may not.
    Nonzero,
    /// It may.
    Any,
}

/// Reads a big-endian coordinate; refuses what is not below the modulus.
pub(crate) fn word_to_coordinate(word: &[u8; 32]) -> Result<Fq, PointError> {
    let mut limbs = [0u64; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(word.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fq::from_bigint(BigInt(limbs)).ok_or(PointError::NotCanonical { got: *word }) // Protocol
}

/// Writes a coordinate.
pub(crate) fn coordinate_to_word(value: &Fq) -> [u8; 32] {
    let mut word = [0; 32];
    for (bytes, limb) in word.as_chunks_mut::<8>().0.iter_mut().zip(value.into_bigint().0.iter().rev()) {
        *bytes = limb.to_be_bytes();
    }
    word
}

/// Reads a point of the first group: `x || y`, big-endian, as in EIP-196. The group is the whole curve.
pub fn g1_from_bytes(bytes: &[u8; G1_BYTES], encoding: Encoding) -> Result<G1Affine, PointError> {
    let (words, _) = bytes.as_chunks::<32>();
    let &[x, y] = words else {
        return Err(PointError::NotOnCurve); // Unreachable: 64 bytes are two words
    };
    let (x, y) = (word_to_coordinate(&x)?, word_to_coordinate(&y)?);
    // (0, 0) is no point of y^2 = x^3 + 3, so it is free to mean the identity.
    if x.is_zero() && y.is_zero() {
        return match encoding {
            Encoding::Nonzero => Err(PointError::Identity), // Protocol
            Encoding::Any => Ok(G1Affine::identity()),
        };
    }
    let point = G1Affine::new_unchecked(x, y);
    if point.is_on_curve() { Ok(point) } else { Err(PointError::NotOnCurve) } // Protocol
}

/// Writes a point of the first group; the identity is zeros.
pub fn g1_to_bytes(point: &G1Affine) -> [u8; G1_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    let mut bytes = [0; G1_BYTES];
    for (to, from) in bytes.as_chunks_mut::<32>().0.iter_mut().zip([x, y]) {
        *to = coordinate_to_word(&from);
    }
    bytes
}

/// A commitment to a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commitment(G1Affine);

impl Commitment {
    /// Reads a commitment; refuses the identity.
    pub fn from_bytes(bytes: &[u8; G1_BYTES]) -> Result<Self, PointError> {
        g1_from_bytes(bytes, Encoding::Nonzero).map(Self)
    }

    /// Reads a commitment that may be the identity, such as one to a column of public zeros.
    pub fn from_bytes_or_identity(bytes: &[u8; G1_BYTES]) -> Result<Self, PointError> {
        g1_from_bytes(bytes, Encoding::Any).map(Self)
    }

    /// The 64 bytes.
    pub fn to_bytes(&self) -> [u8; G1_BYTES] {
        g1_to_bytes(&self.0)
    }

    /// The two words that a transcript absorbs: x and y.
    pub fn to_words(&self) -> [[u8; 32]; 2] {
        let (x, y) = self.0.xy().unwrap_or_default();
        [coordinate_to_word(&x), coordinate_to_word(&y)]
    }

    /// The point.
    pub fn point(&self) -> G1Affine {
        self.0
    }

    /// Whether it is the identity, the commitment to zeros.
    pub fn is_identity(&self) -> bool {
        self.0.is_zero()
    }

    /// `sum_i a_i C_i`, the commitment to the same combination of columns.
    pub fn combine(terms: &[(Fr, Commitment)]) -> Self {
        let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = terms.iter().map(|(a, c)| (*a, c.0)).unzip();
        Self(msm::full(&points, &scalars).into_affine())
    }
}

impl From<G1Affine> for Commitment {
    fn from(point: G1Affine) -> Self {
        Self(point)
    }
}

impl Add for Commitment {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).into_affine())
    }
}

/// Why a column cannot be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// A cell lies outside the column.
    Row {
        /// The first row that is too much.
        row: usize,
        /// Rows of a column.
        rows: usize,
    },
    /// A cell is larger than it may be.
    Bound {
        /// Its row.
        row: usize,
        /// Its value.
        value: i64,
        /// The largest absolute value.
        bound: u64,
    },
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { row, rows } => write!(f, "row {row} in a column of {rows} rows"),
            Self::Bound { row, value, bound } => {
                write!(f, "the value {value} in row {row} is not in [-{bound}, {bound}]")
            }
        }
    }
}

impl std::error::Error for CommitError {}

/// The powers that belong to `len` rows from `first` on.
fn powers_at(srs: &Srs, first: usize, len: usize) -> Result<&[G1Affine], CommitError> {
    let rows = srs.powers().len();
    first
        .checked_add(len)
        .and_then(|end| srs.powers().get(first..end))
        .ok_or(CommitError::Row { row: rows.max(first), rows }) // Usage
}

/// Commits to a column of field elements, the rows after the last one being zero.
///
/// # Errors
///
/// `Row` where there are more values than powers.
pub fn commit(srs: &Srs, values: &[Fr]) -> Result<Commitment, CommitError> {
    commit_at(srs, 0, values)
}

/// Commits to a column that holds `values` from row `first` on, and zeros elsewhere.
///
/// # Errors
///
/// `Row` where the last value lies outside the column.
pub fn commit_at(srs: &Srs, first: usize, values: &[Fr]) -> Result<Commitment, CommitError> {
    let powers = powers_at(srs, first, values.len())?;
    Ok(Commitment(msm::full(powers, values).into_affine()))
}

/// Commits to a column of integers in `[-bound, bound]`, the rows after the last one being zero.
///
/// Takes about a tenth of the time of [`commit`] for 16 bits.
///
/// # Errors
///
/// `Row` where there are more values than powers; `Bound` for the first value outside its range.
pub fn commit_small(srs: &Srs, values: &[i64], bound: u64) -> Result<Commitment, CommitError> {
    commit_small_at(srs, 0, values, bound)
}

/// Commits to a column that holds integers in `[-bound, bound]` from row `first` on, and zeros elsewhere.
///
/// # Errors
///
/// `Row` where the last value lies outside the column; `Bound` for the first value outside its range.
pub fn commit_small_at(srs: &Srs, first: usize, values: &[i64], bound: u64) -> Result<Commitment, CommitError> {
    let powers = powers_at(srs, first, values.len())?;
    if let Some((row, &value)) = (first..).zip(values).find(|(_, value)| value.unsigned_abs() > bound) {
        return Err(CommitError::Bound { row, value, bound }); // Usage
    }
    Ok(Commitment(msm::small(powers, values, bound).into_affine()))
}

/// Commits to a column that is zero but for some cells. Cells of one row add up.
///
/// # Errors
///
/// `Row` for the first cell outside the column.
pub fn commit_sparse(srs: &Srs, cells: &[(usize, Fr)]) -> Result<Commitment, CommitError> {
    let rows = srs.powers().len();
    let (points, values): (Vec<G1Affine>, Vec<Fr>) = cells
        .iter()
        .map(|&(row, value)| {
            let power = srs.powers().get(row);
            power.map(|power| (*power, value)).ok_or(CommitError::Row { row, rows }) // Usage
        })
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    Ok(Commitment(msm::full(&points, &values).into_affine()))
}

#[cfg(test)]
mod tests;
