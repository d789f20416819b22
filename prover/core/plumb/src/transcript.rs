//! Fiat-Shamir: keccak256 over 32-byte words, cheap to replay in a contract.
//!
//! Absorbing is `state = keccak(state || label || words)`. A challenge is a state modulo the order of the field. The first
//! one after an absorption is the state that it left: that is a hash of all messages already, and a hash less in every
//! round of a sumcheck. Every other one comes from a state of its own, `state = keccak(state || label || counter)`, where
//! the counter counts these: two challenges from one state would be equal or related, and with gamma = alpha a look-up
//! argument accepts -1. Labels are ASCII, padded with zeros on the right to 32 bytes.

use crate::field::{self, Fr, Word};
use ark_ff::Zero;
use sha3::{Digest, Keccak256};
use std::fmt;

/// keccak256 of the concatenation of some byte strings.
pub fn keccak(parts: &[&[u8]]) -> Word {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A challenge that must not be zero was zero. It happens with probability 2^-254; honest provers start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroChallenge {
    /// The name of the challenge.
    pub label: &'static str,
}

impl fmt::Display for ZeroChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "challenge {} is zero", self.label)
    }
}

impl std::error::Error for ZeroChallenge {}

/// The state of a transcript.
#[derive(Clone)]
pub struct Transcript {
    state: Word,
    /// Whether the state is an absorption's, and no challenge yet.
    fresh: bool,
    /// How many challenges were hashed.
    counter: u64,
    #[cfg(test)]
    pub(crate) script: Script,
    /// Every challenge so far.
    #[cfg(test)]
    pub(crate) log: Vec<Fr>,
    #[cfg(test)]
    pub(crate) tape: Option<Tape>,
    /// Whether zero is a challenge like any other: for provers that know of a check less.
    #[cfg(test)]
    pub(crate) lenient: bool,
}

/// Keeps every message that is absorbed, by its label, and damages one of them before. Clones share it.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Tape {
    pub(crate) messages: std::sync::Arc<std::sync::Mutex<Messages>>,
    /// How many messages come before the damaged one, and what happens to that.
    pub(crate) damage: Option<(usize, Edit)>,
}

/// Labels, and what was absorbed under each.
#[cfg(test)]
pub(crate) type Messages = Vec<(String, Vec<Word>)>;

#[cfg(test)]
pub(crate) type Edit = std::sync::Arc<dyn Fn(&mut [Word]) + Send + Sync>;

#[cfg(test)]
impl Tape {
    /// Keeps a message, and gives it back as it is to be absorbed.
    fn record(&self, label: &str, words: &[Word]) -> Vec<Word> {
        let (mut messages, mut words) = (self.messages.lock().unwrap(), words.to_vec());
        if let Some((_, edit)) = self.damage.as_ref().filter(|(message, _)| *message == messages.len()) {
            edit(&mut words);
        }
        messages.push((label.to_string(), words.clone()));
        words
    }
}

/// What tests may do to the challenges.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) enum Script {
    #[default]
    Honest,
    /// The named challenge is zero.
    Zero(&'static str),
    /// Challenges depend on nothing but this number: for derivatives.
    Fixed(u64),
}

fn padded(label: &str) -> Word {
    debug_assert!(label.is_ascii() && label.len() <= 32);
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().zip(label.bytes()) {
        *to = from;
    }
    word
}

impl Transcript {
    /// A transcript of the protocol named by `domain`.
    pub fn new(domain: &str) -> Self {
        Transcript {
            state: keccak(&[&padded(domain)]),
            fresh: false,
            counter: 0,
            #[cfg(test)]
            script: Script::Honest,
            #[cfg(test)]
            log: Vec::new(),
            #[cfg(test)]
            tape: None,
            #[cfg(test)]
            lenient: false,
        }
    }

    /// Absorbs words, raw.
    pub fn absorb_words(&mut self, label: &str, words: &[Word]) {
        #[cfg(test)]
        let words = &self.tape.as_ref().map_or(words.to_vec(), |tape| tape.record(label, words))[..];
        self.state = keccak(&[&self.state, &padded(label), words.as_flattened()]);
        self.fresh = true;
    }

    /// Absorbs field elements in their canonical encoding.
    pub fn absorb(&mut self, label: &str, values: &[Fr]) {
        let words: Vec<Word> = values.iter().map(field::to_word).collect();
        self.absorb_words(label, &words);
    }

    /// The next challenge, from a state that no other comes from.
    pub fn challenge(&mut self, label: &'static str) -> Fr {
        if !std::mem::take(&mut self.fresh) {
            self.counter += 1;
            self.state = keccak(&[&self.state, &padded(label), &field::number(self.counter)]);
        }
        #[cfg(test)]
        {
            let value = self.scripted(label).unwrap_or_else(|| field::reduce(&self.state));
            self.log.push(value);
            value
        }
        #[cfg(not(test))]
        field::reduce(&self.state)
    }

    #[cfg(test)]
    fn scripted(&self, label: &'static str) -> Option<Fr> {
        match self.script {
            Script::Zero(target) if target == label => Some(Fr::zero()),
            Script::Fixed(seed) => {
                let fixed = [field::number(seed), field::number(self.log.len() as u64)];
                Some(field::reduce(&keccak(&[fixed.as_flattened()])))
            }
            _ => None,
        }
    }

    /// The next challenge; refuses zero.
    pub fn nonzero_challenge(&mut self, label: &'static str) -> Result<Fr, ZeroChallenge> {
        let value = self.challenge(label);
        #[cfg(test)]
        if self.lenient {
            return Ok(value);
        }
        if value.is_zero() {
            return Err(ZeroChallenge { label }); // Protocol
        }
        Ok(value)
    }

    /// `n` challenges of one name.
    pub fn challenges(&mut self, label: &'static str, n: usize) -> Vec<Fr> {
        (0..n).map(|_| self.challenge(label)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(word: &Word) -> String {
        word.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn keccak_is_ethereums() {
        assert_eq!(hex(&keccak(&[])), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assert_eq!(hex(&keccak(&[b"a", b"bc"])), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    }

    #[test]
    fn states_follow_the_definition() {
        let mut t = Transcript::new("domain");
        t.absorb("label", &[Fr::from(3u64), -Fr::from(1u64)]);
        let (x, y, z) = (t.challenge("x"), t.challenge("y"), t.challenge("z"));
        let start = keccak(&[&padded("domain")]);
        let absorbed = keccak(&[&start, &padded("label"), &field::number(3), &field::to_word(&-Fr::from(1u64))]);
        let second = keccak(&[&absorbed, &padded("y"), &field::number(1)]);
        let third = keccak(&[&second, &padded("z"), &field::number(2)]);
        assert_eq!([x, y, z], [absorbed, second, third].map(|state| field::reduce(&state)));
        // only what is hashed counts
        t.absorb("more", &[]);
        let more = keccak(&[&third, &padded("more")]);
        let next = keccak(&[&more, &padded("y"), &field::number(3)]);
        assert_eq!([t.challenge("x"), t.challenge("y")], [more, next].map(|state| field::reduce(&state)));
    }

    #[test]
    fn a_challenge_before_any_message_is_hashed() {
        let state = keccak(&[&keccak(&[&padded("domain")]), &padded("x"), &field::number(1)]);
        assert_eq!(Transcript::new("domain").challenge("x"), field::reduce(&state));
    }

    #[test]
    fn scripts_reach_every_challenge() {
        let scripted = |script| {
            let mut t = Transcript::new("domain");
            t.script = script;
            t.absorb("label", &[]);
            [t.challenge("x"), t.challenge("y"), t.challenge("x")]
        };
        let zero = Fr::zero();
        let [x, y, z] = scripted(Script::Honest);
        assert!(x != y && y != z && x != z);
        assert_eq!(scripted(Script::Zero("x")), [zero, y, zero]);
        let [x, y, z] = scripted(Script::Fixed(3));
        assert!(x != y && y != z && x != z);
    }

    #[test]
    fn every_challenge_has_a_state_of_its_own() {
        let mut t = Transcript::new("domain");
        let (a, b) = (t.challenge("x"), t.challenge("x"));
        assert_ne!(a, b);
        let mut other = Transcript::new("domain");
        assert_eq!(other.challenge("x"), a);
        other.absorb("nothing", &[]);
        let (c, d) = (other.challenge("x"), other.challenge("x"));
        assert!(c != a && c != b && d != b && c != d);
    }

    #[test]
    fn zero_is_refused_where_it_matters() {
        let mut t = Transcript::new("domain");
        t.script = Script::Zero("r");
        assert_eq!(t.nonzero_challenge("r"), Err(ZeroChallenge { label: "r" }));
        assert!(t.nonzero_challenge("alpha").is_ok());
    }
}
