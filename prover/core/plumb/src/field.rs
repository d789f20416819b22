//! The scalar field of BN254 and its one encoding: 32 bytes, big-endian, below the modulus. Nothing here reduces, except
//! [`reduce`], which makes challenges out of digests.

use ark_ff::{BigInt, Field, One, PrimeField};
use std::fmt;

pub use ark_bn254::Fr;

/// 32 bytes: what the transcript absorbs and a proof is made of.
pub type Word = [u8; 32];

/// A word that is not the encoding of a field element: its value is the modulus or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCanonical {
    /// The word as it was read.
    pub got: Word,
}

impl fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x")?;
        self.got.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        write!(f, " is not below the modulus of the scalar field")
    }
}

impl std::error::Error for NotCanonical {}

/// The field element that a word encodes; refuses every value that is not below the modulus.
pub fn from_word(word: &Word) -> Result<Fr, NotCanonical> {
    let mut limbs = [0u64; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(word.chunks_exact(8)) {
        *limb = bytes.iter().fold(0, |v, b| v << 8 | u64::from(*b));
    }
    Fr::from_bigint(BigInt(limbs)).ok_or(NotCanonical { got: *word }) // A11
}

/// The encoding of a field element.
pub fn to_word(value: &Fr) -> Word {
    let mut word = [0; 32];
    for (bytes, limb) in word.chunks_exact_mut(8).zip(value.into_bigint().0.iter().rev()) {
        bytes.copy_from_slice(&limb.to_be_bytes());
    }
    word
}

/// The word of a small number: a length, a mode, a counter.
pub fn number(value: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// A digest modulo the order of the field. Only for challenges: five or six digests meet in each challenge, so no
/// challenge is more than 6/5 as likely as another.
pub fn reduce(digest: &Word) -> Fr {
    Fr::from_be_bytes_mod_order(digest)
}

/// The integer in `[low, high]` that a field element stands for, negative ones counted down from the modulus; `None` if
/// there is none. Needs `high - low` to be far below the modulus, which two `i64` are.
pub fn to_integer(value: &Fr, low: i64, high: i64) -> Option<i64> {
    let small = |v: &Fr| {
        let limbs = v.into_bigint().0;
        (limbs[1..] == [0; 3]).then_some(limbs[0])
    };
    let found = match (small(value), small(&-*value)) {
        (Some(v), _) => i128::from(v),
        (_, Some(v)) => -i128::from(v),
        _ => return None,
    };
    (i128::from(low)..=i128::from(high)).contains(&found).then_some(found as i64)
}

/// `2^exponent` in the field.
pub fn power_of_two(exponent: u32) -> Fr {
    Fr::from(2u64).pow([u64::from(exponent)])
}

/// `base^i` for i below n.
pub(crate) fn powers(base: &Fr, n: u32) -> Vec<Fr> {
    std::iter::successors(Some(Fr::one()), |p| Some(*p * base)).take(n as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{One, Zero};

    fn modulus() -> Word {
        let mut word = to_word(&-Fr::one());
        word[31] += 1; // the modulus is odd, so r - 1 ends in an even byte
        word
    }

    #[test]
    fn words_are_canonical() {
        for value in [Fr::zero(), Fr::one(), -Fr::one(), Fr::from(1u64 << 40) * Fr::from(u64::MAX)] {
            assert_eq!(from_word(&to_word(&value)), Ok(value));
        }
        let r = modulus();
        assert_eq!(from_word(&r), Err(NotCanonical { got: r }));
        assert_eq!(reduce(&r), Fr::zero());
        assert!(from_word(&[0xff; 32]).is_err());
        assert_eq!(from_word(&number(7)), Ok(Fr::from(7u64)));
        assert_eq!(to_word(&Fr::one()), number(1));
    }

    #[test]
    fn integers_only_inside_their_domain() {
        for v in [-32i64, -1, 0, 31] {
            assert_eq!(to_integer(&Fr::from(v), -32, 31), Some(v));
        }
        for v in [-33i64, 32, i64::MIN, i64::MAX] {
            assert_eq!(to_integer(&Fr::from(v), -32, 31), None);
            assert_eq!(to_integer(&Fr::from(v), i64::MIN, i64::MAX), Some(v));
        }
        let half = Fr::from(2u64).inverse().unwrap();
        assert_eq!(to_integer(&half, i64::MIN, i64::MAX), None);
    }
}
