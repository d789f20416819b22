//! The universal parameters: powers of one secret tau in the first group, and tau in the second.
//!
//! ```text
//! first group    [tau^0]_1, [tau^1]_1, .., [tau^(2^c - 1)]_1     2^c points, 64 bytes each
//! second group   [1]_2, [tau]_2                                  2 points, 128 bytes each
//! ```
//!
//! Points are uncompressed and big-endian, as in EIP-196 and EIP-197: `x || y`, in the second group with the imaginary
//! part of each coordinate first. Nothing is trusted: each point is checked when it is read, and one pairing equation
//! shows that all are powers of one secret. Who made them, and whether the secret was destroyed, points cannot show;
//! [`Srs::id`] names them.

use crate::commit::{Encoding, PointError, coordinate_to_word, g1_from_bytes, g1_to_bytes, word_to_coordinate};
use crate::msm;
use ark_bn254::{Bn254, Fq2, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::scalar_mul::ScalarMul;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{One, PrimeField, Zero};
use rayon::prelude::*;
use sha3::{Digest, Keccak256};
use std::fmt;

/// Bytes of a point of the first group.
pub const G1_BYTES: usize = 64;
/// Bytes of a point of the second group.
pub const G2_BYTES: usize = 128;
/// The smallest c: [tau]_1 must be there.
pub const SMALLEST_LOG_SIZE: u32 = 1;
/// The largest c: that of the largest ceremonies over this curve.
pub const LARGEST_LOG_SIZE: u32 = 28;

/// What may be wrong with universal parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SrsError {
    /// c is not in `[SMALLEST_LOG_SIZE, LARGEST_LOG_SIZE]`.
    LogSize {
        /// c.
        got: u32,
    },
    /// The bytes of a group have another length than its points.
    Length {
        /// 1 or 2.
        group: u8,
        /// Bytes of the points.
        expected: usize,
        /// Bytes that there are.
        got: usize,
    },
    /// A point is not in its group, or is the identity.
    Point {
        /// 1 or 2.
        group: u8,
        /// Its power of tau.
        power: usize,
        /// What is wrong with it.
        error: PointError,
    },
    /// The power 0 is not the generator that everybody uses.
    Generator {
        /// 1 or 2.
        group: u8,
    },
    /// The points are not consecutive powers of one secret, or the two groups do not share it.
    Inconsistent,
    /// A secret of zero, whose powers are the identity.
    ZeroSecret,
}

impl fmt::Display for SrsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogSize { got } => {
                write!(f, "2^{got} powers; there must be 2^{SMALLEST_LOG_SIZE} to 2^{LARGEST_LOG_SIZE}")
            }
            Self::Length { group, expected, got } => {
                write!(f, "the points of group {group} take {expected} bytes, got {got}")
            }
            Self::Point { group, power, error } => write!(f, "[tau^{power}]_{group}: {error}"),
            Self::Generator { group } => {
                write!(f, "[tau^0]_{group} is not the generator of group {group}")
            }
            Self::Inconsistent => write!(f, "the points are not consecutive powers of one secret"),
            Self::ZeroSecret => write!(f, "the secret is zero"),
        }
    }
}

impl std::error::Error for SrsError {}

/// An equation e(left, [1]_2) = e(right, [tau]_2) that is still to be checked.
///
/// Several can be checked at once: [`SrsVerifier::check_all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is verified until the equation is checked"]
pub struct PairingClaim {
    /// What is paired with [1]_2.
    pub left: G1Affine,
    /// What is paired with [tau]_2.
    pub right: G1Affine,
}

/// A pairing equation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairingMismatch;

impl fmt::Display for PairingMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e(left, [1]_2) is not e(right, [tau]_2)")
    }
}

impl std::error::Error for PairingMismatch {}

/// All that a verifier needs of the parameters: [tau]_2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrsVerifier {
    tau_g1: G1Affine,
    tau_g2: G2Affine,
}

impl SrsVerifier {
    /// Reads [tau]_1 and [tau]_2, 64 and 128 bytes, and checks that they are of one secret.
    ///
    /// # Errors
    ///
    /// `Point`, `Inconsistent`.
    pub fn from_bytes(tau_g1: &[u8; G1_BYTES], tau_g2: &[u8; G2_BYTES]) -> Result<Self, SrsError> {
        let point = |group| move |error| SrsError::Point { group, power: 1, error };
        let tau_g1 = g1_from_bytes(tau_g1, Encoding::Nonzero).map_err(point(1))?;
        let verifier = SrsVerifier { tau_g1, tau_g2: g2_from_bytes(tau_g2).map_err(point(2))? };
        // e([tau]_1, [1]_2) = e([1]_1, [tau]_2)
        let claim = PairingClaim { left: tau_g1, right: G1Affine::generator() };
        verifier.check(&claim).map_err(|PairingMismatch| SrsError::Inconsistent)?; // A15
        Ok(verifier)
    }

    /// The bytes that [`SrsVerifier::from_bytes`] reads.
    pub fn to_bytes(&self) -> ([u8; G1_BYTES], [u8; G2_BYTES]) {
        (g1_to_bytes(&self.tau_g1), g2_to_bytes(&self.tau_g2))
    }

    /// The name of the parameters, whatever their size: keccak256([tau]_1 || [tau]_2).
    pub fn id(&self) -> [u8; 32] {
        let (tau_g1, tau_g2) = self.to_bytes();
        Keccak256::new().chain_update(tau_g1).chain_update(tau_g2).finalize().into()
    }

    /// Checks e(left, [1]_2) = e(right, [tau]_2).
    pub fn check(&self, claim: &PairingClaim) -> Result<(), PairingMismatch> {
        // e(left, [1]_2) e(-right, [tau]_2) = 1
        let product = Bn254::multi_pairing([claim.left, -claim.right], [G2Affine::generator(), self.tau_g2]);
        if product.is_zero() { Ok(()) } else { Err(PairingMismatch) } // A15
    }

    /// Checks several equations by one: sum rho^i left_i against sum rho^i right_i, where rho is the hash of all.
    ///
    /// If one of m equations is wrong, the sum is right for at most m - 1 values of rho. No equation holds trivially:
    /// an empty list passes.
    pub fn check_all(&self, claims: &[PairingClaim]) -> Result<(), PairingMismatch> {
        if let [claim] = claims {
            return self.check(claim);
        }
        let mut hasher = Keccak256::new_with_prefix(b"pairing equations");
        for claim in claims {
            hasher.update(g1_to_bytes(&claim.left));
            hasher.update(g1_to_bytes(&claim.right));
        }
        let rho = Fr::from_be_bytes_mod_order(&hasher.finalize());
        let (mut left, mut right) = (G1Projective::zero(), G1Projective::zero());
        // Horner's rule.
        for claim in claims.iter().rev() {
            left = left * rho + claim.left;
            right = right * rho + claim.right;
        }
        self.check(&PairingClaim { left: left.into_affine(), right: right.into_affine() })
    }
}

/// Universal parameters for columns of 2^c cells, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srs {
    log_size: u32,
    powers: Vec<G1Affine>,
    verifier: SrsVerifier,
}

impl Srs {
    /// Reads 2^c powers of the first group and the two points of the second, and checks them all.
    ///
    /// The cost is that of one multi-scalar multiplication with 2^c full-size scalars.
    ///
    /// # Errors
    ///
    /// Every variant of [`SrsError`] but `ZeroSecret`. Where several points are wrong, any one of them is named.
    pub fn from_bytes(log_size: u32, g1: &[u8], g2: &[u8]) -> Result<Self, SrsError> {
        if !(SMALLEST_LOG_SIZE..=LARGEST_LOG_SIZE).contains(&log_size) {
            return Err(SrsError::LogSize { got: log_size }); // A15
        }
        let (chunks, rest) = g1.as_chunks::<G1_BYTES>();
        if chunks.len() != 1 << log_size || !rest.is_empty() {
            return Err(SrsError::Length { group: 1, expected: G1_BYTES << log_size, got: g1.len() }); // A15
        }
        let (&[one_g2, tau_g2], []) = g2.as_chunks::<G2_BYTES>() else {
            return Err(SrsError::Length { group: 2, expected: 2 * G2_BYTES, got: g2.len() }); // A15
        };
        let powers: Vec<G1Affine> = chunks
            .par_iter()
            .enumerate()
            .map(|(power, bytes)| {
                g1_from_bytes(bytes, Encoding::Nonzero).map_err(|error| SrsError::Point { group: 1, power, error })
            })
            .collect::<Result<_, _>>()?;
        if powers.first() != Some(&G1Affine::generator()) {
            return Err(SrsError::Generator { group: 1 }); // A15
        }
        let second = |power, bytes| g2_from_bytes(bytes).map_err(|error| SrsError::Point { group: 2, power, error });
        if second(0, &one_g2)? != G2Affine::generator() {
            return Err(SrsError::Generator { group: 2 }); // A15
        }
        let tau_g1 = powers.get(1).copied().unwrap_or_default();
        let verifier = SrsVerifier { tau_g1, tau_g2: second(1, &tau_g2)? };
        let digest = Keccak256::new_with_prefix(b"powers of tau").chain_update(g1).chain_update(g2).finalize();
        let claim = consistency(&powers, Fr::from_be_bytes_mod_order(&digest))?;
        verifier.check(&claim).map_err(|PairingMismatch| SrsError::Inconsistent)?; // A15
        Ok(Self { log_size, powers, verifier })
    }

    /// Makes parameters from a secret that the caller knows. Whoever knows it opens any commitment to any value.
    ///
    /// Only for tests. Nothing that was proved with such parameters means anything.
    ///
    /// # Errors
    ///
    /// `LogSize`, `ZeroSecret`.
    pub fn unsafe_from_known_secret(tau: Fr, log_size: u32) -> Result<Self, SrsError> {
        if !(SMALLEST_LOG_SIZE..=LARGEST_LOG_SIZE).contains(&log_size) {
            return Err(SrsError::LogSize { got: log_size }); // Usage
        }
        if tau.is_zero() {
            return Err(SrsError::ZeroSecret); // Usage
        }
        let exponents: Vec<Fr> =
            std::iter::successors(Some(Fr::one()), |power| Some(*power * tau)).take(1 << log_size).collect();
        let powers = G1Projective::generator().batch_mul(&exponents);
        let tau_g1 = powers.get(1).copied().unwrap_or_default();
        Ok(Self {
            log_size,
            powers,
            verifier: SrsVerifier { tau_g1, tau_g2: (G2Affine::generator() * tau).into_affine() },
        })
    }

    /// The same parameters for smaller columns.
    ///
    /// # Errors
    ///
    /// `LogSize`: too small, or larger than these.
    pub fn truncated(&self, log_size: u32) -> Result<Self, SrsError> {
        if !(SMALLEST_LOG_SIZE..=self.log_size).contains(&log_size) {
            return Err(SrsError::LogSize { got: log_size }); // Usage
        }
        let powers = self.powers.iter().take(1 << log_size).copied().collect();
        Ok(Self { log_size, powers, verifier: self.verifier.clone() })
    }

    /// c: columns have 2^c cells.
    pub fn log_size(&self) -> u32 {
        self.log_size
    }

    /// [tau^i]_1 for i < 2^c.
    pub fn powers(&self) -> &[G1Affine] {
        &self.powers
    }

    /// The part that verifiers need.
    pub fn verifier(&self) -> &SrsVerifier {
        &self.verifier
    }

    /// The name of the parameters, whatever their size.
    pub fn id(&self) -> [u8; 32] {
        self.verifier.id()
    }

    /// The bytes that [`Srs::from_bytes`] reads: those of the first group, and of the second.
    pub fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        (
            self.powers.iter().flat_map(g1_to_bytes).collect(),
            [G2Affine::generator(), self.verifier.tau_g2].iter().flat_map(g2_to_bytes).collect(),
        )
    }
}

/// One equation that says: each power is tau times the one before it.
///
/// For n powers P_i and a random rho (powers of one challenge instead of the independent coefficients of Nikolaenko,
/// Ragsdale, Bonneau and Boneh, "Powers-of-Tau to the People", ePrint 2022/1592, section 4.1):
///
/// ```text
/// e(sum_(i=1)^(n-1) rho^i P_i, [1]_2) = e(rho sum_(i=0)^(n-2) rho^i P_i, [tau]_2)
/// ```
///
/// Both sums come from S = sum_(i=0)^(n-1) rho^i P_i. If a power is wrong, the equation is a non-zero polynomial in rho
/// of degree below n; rho is the hash of all points.
fn consistency(powers: &[G1Affine], rho: Fr) -> Result<PairingClaim, SrsError> {
    let (&[first, .., last], false) = (powers, rho.is_zero()) else {
        return Err(SrsError::Inconsistent); // Unreachable: there are two powers or more, and rho is a digest
    };
    let mut coefficients = Vec::with_capacity(powers.len());
    let mut power = Fr::one();
    let mut highest = power;
    for _ in powers {
        coefficients.push(power);
        highest = power;
        power *= rho;
    }
    let sum = msm::full(powers, &coefficients);
    Ok(PairingClaim { left: (sum - first).into_affine(), right: ((sum - last * highest) * rho).into_affine() })
}

/// Reads a point of the second group; refuses the identity and what is not in the subgroup.
fn g2_from_bytes(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointError> {
    let (words, _) = bytes.as_chunks::<32>();
    let &[x1, x0, y1, y0] = words else {
        return Err(PointError::Identity); // Unreachable: 128 bytes are four words
    };
    let coordinate =
        |real: &[u8; 32], imaginary: &[u8; 32]| Ok(Fq2::new(word_to_coordinate(real)?, word_to_coordinate(imaginary)?));
    let (x, y) = (coordinate(&x0, &x1)?, coordinate(&y0, &y1)?);
    if x.is_zero() && y.is_zero() {
        return Err(PointError::Identity); // A15
    }
    let point = G2Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PointError::NotOnCurve); // A15
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PointError::NotInSubgroup); // A15
    }
    Ok(point)
}

/// Writes a point of the second group; the identity is zeros.
fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    let mut bytes = [0; G2_BYTES];
    for (word, value) in bytes.chunks_exact_mut(32).zip([x.c1, x.c0, y.c1, y.c0]) {
        word.copy_from_slice(&coordinate_to_word(&value));
    }
    bytes
}

#[cfg(test)]
mod tests;
