//! What the protocol needs of a commitment: it is homomorphic and opens one column at one point.
//!
//! A column is a vector of `2^c` field elements, the values of a multilinear polynomial on the cube, index bits from the
//! most significant one (`closed_forms`). The scheme takes the same vector as the coefficients of its polynomial.

use crate::field::{Fr, Word, to_integer};
use crate::progress::{Cancelled, Step};
use crate::transcript::Transcript;
use std::fmt;

/// Words that are no commitment: not on the curve, not canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCommitment {
    /// What is wrong, in words.
    pub reason: String,
}

impl fmt::Display for InvalidCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)
    }
}

impl std::error::Error for InvalidCommitment {}

/// The scheme could not commit or open, or an opening was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeError {
    /// What happened, in words.
    pub reason: String,
}

impl fmt::Display for SchemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)
    }
}

impl std::error::Error for SchemeError {}

/// The verifier's side of a homomorphic commitment to columns.
pub trait Scheme: Sync {
    /// A commitment.
    type Commitment: Clone + PartialEq + fmt::Debug + Send + Sync;

    /// The words of one commitment.
    const COMMITMENT_WORDS: usize;

    /// Names the parameters (the ceremony of the SRS); part of every circuit's id.
    fn id(&self) -> Word;

    /// The words of an opening of a column of `2^c` cells. Never depends on secrets.
    fn opening_words(c: usize) -> usize;

    /// The canonical encoding of a commitment, `COMMITMENT_WORDS` words.
    fn to_words(&self, commitment: &Self::Commitment) -> Vec<Word>;

    /// The commitment that some words encode. Exactly one encoding of each commitment is accepted.
    fn parse(&self, words: &[Word]) -> Result<Self::Commitment, InvalidCommitment>;

    /// Whether a commitment is the identity, that is commits to zero.
    fn is_identity(&self, commitment: &Self::Commitment) -> bool;

    /// `sum_i scalar_i * commitment_i`, the commitment of the same combination of columns.
    fn combine(&self, terms: &[(Fr, &Self::Commitment)]) -> Self::Commitment;

    /// Accepts if `opening` shows that the committed column's extension is `value` at `point`. Absorbs commitment, point
    /// and value itself.
    fn check(
        &self,
        transcript: &mut Transcript,
        commitment: &Self::Commitment,
        point: &[Fr],
        value: &Fr,
        opening: &[Word],
    ) -> Result<(), SchemeError>;
}

/// The prover's side of a scheme.
pub trait Committer: Sync {
    /// What verifies.
    type Scheme: Scheme;

    /// The verifier's side.
    fn scheme(&self) -> &Self::Scheme;

    /// Hears of each step before it begins; an error ends the work there. See [`crate::progress`].
    fn reached(&self, step: Step) -> Result<(), Cancelled> {
        let _ = step;
        Ok(())
    }

    /// Commits to a column. Most cells of most columns are small; an implementation should use that.
    fn commit(&self, column: &[Fr]) -> Result<<Self::Scheme as Scheme>::Commitment, SchemeError>;

    /// The words that convince [`Scheme::check`].
    fn open(
        &self,
        transcript: &mut Transcript,
        column: &[Fr],
        point: &[Fr],
        value: &Fr,
    ) -> Result<Vec<Word>, SchemeError>;
}

/// Splits a column into integers in `[-bound, bound]` and the cells that are none, by row: a column is their sum. Most
/// cells of most columns are small, which an implementation of [`Committer::commit`] should use.
pub fn small_and_large(column: &[Fr], bound: i64) -> (Vec<i64>, Vec<(usize, Fr)>) {
    let mut large = Vec::new();
    let mut split = |(row, cell): (usize, &Fr)| {
        to_integer(cell, -bound, bound).unwrap_or_else(|| {
            large.push((row, *cell));
            0
        })
    };
    let small = column.iter().enumerate().map(&mut split).collect();
    (small, large)
}

/// An ideal commitment, for tests only: a column is committed as its value at a secret point, as KZG does in the
/// exponent, and an opening is checked against the columns that have been opened, as a sound opening proof would.
#[cfg(test)]
pub(crate) mod ideal {
    use super::*;
    use crate::closed_forms::evaluate;
    use crate::field::{from_word, to_word};
    use crate::randomness::Seeded;
    use ark_ff::Zero;
    use std::collections::HashMap;
    use std::sync::Mutex;

    pub(crate) struct Ideal {
        secret: Fr,
        opened: Mutex<HashMap<Word, Vec<Fr>>>,
    }

    impl Ideal {
        pub(crate) fn new(seed: u64) -> Self {
            Ideal { secret: Seeded::new(seed).one(), opened: Mutex::default() }
        }

        /// The column behind a combined commitment that has been opened, forgetting it.
        pub(crate) fn take_opened(&self) -> Vec<Vec<Fr>> {
            let mut opened = self.opened.lock().unwrap();
            opened.drain().map(|(_, column)| column).collect()
        }
    }

    impl Scheme for Ideal {
        type Commitment = Fr;
        const COMMITMENT_WORDS: usize = 1;

        fn id(&self) -> Word {
            [7; 32]
        }

        fn opening_words(_: usize) -> usize {
            0
        }

        fn to_words(&self, commitment: &Fr) -> Vec<Word> {
            vec![to_word(commitment)]
        }

        fn parse(&self, words: &[Word]) -> Result<Fr, InvalidCommitment> {
            match words {
                [word] => from_word(word).map_err(|e| InvalidCommitment { reason: e.to_string() }),
                _ => Err(InvalidCommitment { reason: format!("expected 1 word, got {}", words.len()) }),
            }
        }

        fn is_identity(&self, commitment: &Fr) -> bool {
            commitment.is_zero()
        }

        fn combine(&self, terms: &[(Fr, &Fr)]) -> Fr {
            terms.iter().map(|(s, c)| *s * *c).sum()
        }

        fn check(
            &self,
            _: &mut Transcript,
            commitment: &Fr,
            point: &[Fr],
            value: &Fr,
            _: &[Word],
        ) -> Result<(), SchemeError> {
            let refuse = |reason: &str| SchemeError { reason: reason.to_string() };
            let opened = self.opened.lock().unwrap();
            let column = opened.get(&to_word(commitment)).ok_or_else(|| refuse("nobody has opened this commitment"))?;
            if evaluate(column, point) != *value {
                return Err(refuse("the value at the point is another one"));
            }
            Ok(())
        }
    }

    impl Committer for Ideal {
        type Scheme = Ideal;

        fn scheme(&self) -> &Ideal {
            self
        }

        fn commit(&self, column: &[Fr]) -> Result<Fr, SchemeError> {
            Ok(column.iter().rev().fold(Fr::zero(), |v, x| v * self.secret + x))
        }

        fn open(&self, _: &mut Transcript, column: &[Fr], _: &[Fr], _: &Fr) -> Result<Vec<Word>, SchemeError> {
            let commitment = self.commit(column)?;
            self.opened.lock().unwrap().insert(to_word(&commitment), column.to_vec());
            Ok(vec![])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Field;

    #[test]
    fn a_column_is_the_sum_of_its_small_and_large_cells() {
        let half = Fr::from(2u64).inverse().unwrap();
        let column = [Fr::from(3u64), -Fr::from(4u64), half, Fr::from(5u64), -Fr::from(5u64)];
        let (small, large) = small_and_large(&column, 4);
        assert_eq!(small, [3, -4, 0, 0, 0]);
        assert_eq!(large, [(2, half), (3, Fr::from(5u64)), (4, -Fr::from(5u64))]);
    }
}
