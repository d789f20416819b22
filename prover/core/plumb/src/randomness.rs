//! Where masks come from: the operating system's generator, in every build that others can use.
//!
//! A seeded source exists for the crate's own tests, and under `--cfg plumb_insecure_seed`, a compiler flag rather than
//! a cargo feature, so that no dependant can switch it on by accident.

use crate::field::{self, Fr, Word};
use std::fmt;

/// The system's generator failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomnessError(String);

impl fmt::Display for RandomnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system's random generator failed: {}", self.0)
    }
}

impl std::error::Error for RandomnessError {}

/// A source of uniform field elements. Sealed in practice: [`crate::prove::prove`] takes none, it uses [`System`].
pub(crate) trait Randomness {
    /// `n` uniform field elements that nobody has seen.
    fn fields(&mut self, n: usize) -> Result<Vec<Fr>, RandomnessError>;
}

/// The operating system's cryptographic generator.
pub(crate) struct System;

impl Randomness for System {
    fn fields(&mut self, n: usize) -> Result<Vec<Fr>, RandomnessError> {
        let mut out = Vec::with_capacity(n);
        let mut buffer = vec![0u8; n.min(1024) * 32];
        while out.len() < n {
            let wanted = (n - out.len()).min(1024) * 32;
            getrandom::fill(&mut buffer[..wanted]).map_err(|e| RandomnessError(e.to_string()))?;
            out.extend(buffer[..wanted].as_chunks::<32>().0.iter().filter_map(sample));
        }
        zeroize::Zeroize::zeroize(&mut buffer);
        Ok(out)
    }
}

/// Rejection sampling: 254 random bits are below the modulus three times out of four.
fn sample(bytes: &Word) -> Option<Fr> {
    let mut word = *bytes;
    word[0] &= 0x3f;
    field::from_word(&word).ok()
}

/// A reproducible and therefore insecure source, for tests.
#[cfg(any(test, plumb_insecure_seed))]
pub(crate) struct Seeded {
    seed: u64,
    counter: u64,
}

#[cfg(any(test, plumb_insecure_seed))]
impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Seeded { seed, counter: 0 }
    }

    fn word(&mut self) -> Word {
        self.counter += 1;
        let words = [field::number(self.seed), field::number(self.counter)];
        crate::transcript::keccak(&[b"insecure", words.as_flattened()])
    }
}

#[cfg(any(test, plumb_insecure_seed))]
impl Randomness for Seeded {
    fn fields(&mut self, n: usize) -> Result<Vec<Fr>, RandomnessError> {
        let mut out = Vec::with_capacity(n);
        while out.len() < n {
            out.extend(sample(&self.word()));
        }
        Ok(out)
    }
}

#[cfg(test)]
impl Seeded {
    pub(crate) fn one(&mut self) -> Fr {
        self.fields(1).unwrap()[0]
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let word = self.word();
        u64::from_be_bytes(word[..8].try_into().unwrap()) % n
    }

    /// A number in `[low, high]`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_what_was_asked_for() {
        let got = System.fields(3000).unwrap();
        assert_eq!(got.len(), 3000);
        let mut distinct = got.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 3000);
    }

    #[test]
    fn a_seed_decides_everything() {
        let draw = |seed| Seeded::new(seed).fields(40).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
