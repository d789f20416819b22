//! The bytes of a proof: 32-byte words, read in order, every scalar canonical, no word left over.

use crate::field::{self, Fr, NotCanonical, Word};
use crate::scheme::InvalidCommitment;
use std::fmt;

/// A proof that is not even well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The number of bytes is not the one that the circuit fixes.
    Length {
        /// What the circuit fixes.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// A scalar is not below the modulus.
    Scalar {
        /// Its position, in words.
        position: usize,
        /// The word.
        got: NotCanonical,
    },
    /// Words are no commitment.
    Commitment {
        /// Their position, in words.
        position: usize,
        /// What is wrong with them.
        reason: InvalidCommitment,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Length { expected, got } => {
                write!(f, "expected {expected} bytes, got {got}")
            }
            Malformed::Scalar { position, got } => write!(f, "word {position}: {got}"),
            Malformed::Commitment { position, reason } => write!(f, "word {position}: {reason}"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Writes words.
#[derive(Default)]
pub(crate) struct Writer(Vec<Word>);

impl Writer {
    pub(crate) fn scalars(&mut self, values: &[Fr]) {
        self.0.extend(values.iter().map(field::to_word));
    }

    pub(crate) fn words(&mut self, words: &[Word]) {
        self.0.extend_from_slice(words);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_flattened()
    }
}

/// Reads words; knows where it is.
pub(crate) struct Reader<'a> {
    words: &'a [Word],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Refuses anything but exactly `expected` words.
    pub(crate) fn new(bytes: &'a [u8], expected: usize) -> Result<Self, Malformed> {
        let (words, rest) = bytes.as_chunks::<32>();
        if words.len() != expected || !rest.is_empty() {
            return Err(Malformed::Length { expected: expected.saturating_mul(32), got: bytes.len() }); // Protocol
        }
        Ok(Reader { words, position: 0 })
    }

    /// How many words have been read.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next `n` words, raw.
    pub(crate) fn words(&mut self, n: usize) -> Result<&'a [Word], Malformed> {
        let end = self.position.saturating_add(n);
        let got = self
            .words
            .get(self.position..end)
            .ok_or(Malformed::Length { expected: end.saturating_mul(32), got: self.words.len() * 32 })?; // Protocol
        self.position = end;
        Ok(got)
    }

    /// The next `n` words as scalars.
    pub(crate) fn scalars(&mut self, n: usize) -> Result<Vec<Fr>, Malformed> {
        let start = self.position;
        let scalar = |(i, word)| field::from_word(word).map_err(|got| Malformed::Scalar { position: start + i, got });
        self.words(n)?.iter().enumerate().map(scalar).collect()
    }

    /// The next word as a scalar.
    pub(crate) fn scalar(&mut self) -> Result<Fr, Malformed> {
        Ok(self.scalars(1)?[0])
    }

    /// Whether every word has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_and_nothing_more() {
        let values = [Fr::from(5u64), -Fr::from(1u64)];
        let mut writer = Writer::default();
        writer.scalars(&values);
        writer.words(&[[0xff; 32]]);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes, 3).unwrap();
        assert_eq!(reader.scalars(2).unwrap(), values);
        assert!(matches!(reader.scalar(), Err(Malformed::Scalar { position: 2, .. })));
        assert!(reader.is_at_end());
        assert!(reader.words(1).is_err() && reader.words(usize::MAX).is_err());
        for length in [0, 95, 97, 128] {
            let expected = Malformed::Length { expected: 96, got: length };
            let given = vec![0; length];
            assert_eq!(Reader::new(&given, 3).err(), Some(expected));
        }
    }
}
