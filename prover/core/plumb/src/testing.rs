//! What several tests need.

use crate::opening::FiatShamir;
use crate::srs::Srs;
use ark_bn254::Fr;
use ark_ff::PrimeField;
use sha3::{Digest, Keccak256};

/// A reproducible stream.
pub(crate) struct Stream {
    seed: u64,
    counter: u64,
}

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    pub(crate) fn word(&mut self) -> [u8; 32] {
        self.counter += 1;
        Keccak256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into()
    }

    pub(crate) fn scalar(&mut self) -> Fr {
        Fr::from_be_bytes_mod_order(&self.word())
    }

    pub(crate) fn scalars(&mut self, n: usize) -> Vec<Fr> {
        (0..n).map(|_| self.scalar()).collect()
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.word().iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
    }

    /// An integer in [-bound, bound].
    pub(crate) fn small(&mut self, bound: i64) -> i64 {
        i64::try_from(self.number() % (2 * bound as u64 + 1)).unwrap() - bound
    }
}

/// Parameters that only tests use.
pub(crate) fn srs(log_size: u32) -> Srs {
    Srs::unsafe_from_known_secret(Stream::new(0).scalar(), log_size).unwrap()
}

/// keccak256 over words.
#[derive(Clone)]
pub(crate) struct Transcript {
    state: [u8; 32],
    counter: u64,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self { state: [0; 32], counter: 0 }
    }

    fn step(&mut self, label: &str, words: &[[u8; 32]]) {
        let mut padded = [0; 32];
        padded[..label.len()].copy_from_slice(label.as_bytes());
        self.state = Keccak256::new()
            .chain_update(self.state)
            .chain_update(padded)
            .chain_update(words.as_flattened())
            .finalize()
            .into();
    }
}

impl FiatShamir for Transcript {
    fn absorb(&mut self, label: &'static str, words: &[[u8; 32]]) {
        self.step(label, words);
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        self.counter += 1;
        let mut word = [0; 32];
        word[24..].copy_from_slice(&self.counter.to_be_bytes());
        self.step(label, &[word]);
        Fr::from_be_bytes_mod_order(&self.state)
    }
}
