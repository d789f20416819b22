//! Plumb over KZG and Mercury: the commitments of [`crate::commit`] and the openings of [`crate::opening`] as a
//! [`Scheme`].

use crate::commit::{self, Commitment, PointError};
use crate::field::{Fr, Word};
use crate::opening::{self, FiatShamir, OpeningProof, PROOF_BYTES};
use crate::scheme::{Committer, InvalidCommitment, Scheme, SchemeError, small_and_large};
use crate::srs::{Srs, SrsVerifier};
use crate::transcript::Transcript;
use std::fmt::Display;

/// Cells of at most this absolute value are committed as small integers: 16 bits take two windows of digits where a
/// field element takes twenty.
const SMALL: i64 = 1 << 16;

impl FiatShamir for Transcript {
    fn absorb(&mut self, label: &'static str, words: &[Word]) {
        self.absorb_words(label, words);
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        Transcript::challenge(self, label)
    }
}

/// The verifier's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kzg {
    srs: SrsVerifier,
}

impl Kzg {
    /// Over the parameters with this [tau]_2.
    pub fn new(srs: SrsVerifier) -> Self {
        Kzg { srs }
    }

    /// The parameters.
    pub fn srs(&self) -> &SrsVerifier {
        &self.srs
    }
}

fn refused(error: impl Display) -> SchemeError {
    SchemeError { reason: error.to_string() }
}

impl Scheme for Kzg {
    type Commitment = Commitment;

    const COMMITMENT_WORDS: usize = 2;

    fn id(&self) -> Word {
        self.srs.id()
    }

    fn opening_words(_: usize) -> usize {
        PROOF_BYTES / 32
    }

    fn to_words(&self, commitment: &Commitment) -> Vec<Word> {
        commitment.to_words().to_vec()
    }

    fn parse(&self, words: &[Word]) -> Result<Commitment, InvalidCommitment> {
        let invalid = |e: PointError| InvalidCommitment { reason: e.to_string() };
        match words.as_flattened().try_into() {
            // the protocol says where the identity is refused
            Ok(bytes) => Commitment::from_bytes_or_identity(bytes).map_err(invalid),
            Err(_) => Err(InvalidCommitment { reason: format!("expected 2 words, got {}", words.len()) }), // Protocol
        }
    }

    fn is_identity(&self, commitment: &Commitment) -> bool {
        commitment.is_identity()
    }

    fn combine(&self, terms: &[(Fr, &Commitment)]) -> Commitment {
        let terms: Vec<_> = terms.iter().map(|(scalar, commitment)| (*scalar, **commitment)).collect();
        Commitment::combine(&terms)
    }

    fn check(
        &self,
        transcript: &mut Transcript,
        commitment: &Commitment,
        point: &[Fr],
        value: &Fr,
        opening: &[Word],
    ) -> Result<(), SchemeError> {
        let proof = OpeningProof::from_bytes(opening.as_flattened()).map_err(refused)?;
        opening::verify(&self.srs, commitment, point, *value, &proof, transcript).map_err(refused)
    }
}

/// The prover's side.
#[derive(Clone, Debug)]
pub struct KzgCommitter {
    srs: Srs,
    scheme: Kzg,
}

impl KzgCommitter {
    /// Over these parameters.
    pub fn new(srs: Srs) -> Self {
        let scheme = Kzg::new(srs.verifier().clone());
        KzgCommitter { srs, scheme }
    }

    /// The parameters.
    pub fn srs(&self) -> &Srs {
        &self.srs
    }
}

impl Committer for KzgCommitter {
    type Scheme = Kzg;

    fn scheme(&self) -> &Kzg {
        &self.scheme
    }

    fn commit(&self, column: &[Fr]) -> Result<Commitment, SchemeError> {
        let (small, large) = small_and_large(column, SMALL);
        // a window of digits costs as much for few small cells as for many
        if 2 * large.len() > column.len() {
            return commit::commit(&self.srs, column).map_err(refused);
        }
        let integers = commit::commit_small(&self.srs, &small, SMALL as u64).map_err(refused)?;
        let rest = commit::commit_sparse(&self.srs, &large).map_err(refused)?;
        Ok(integers + rest)
    }

    fn open(
        &self,
        transcript: &mut Transcript,
        column: &[Fr],
        point: &[Fr],
        value: &Fr,
    ) -> Result<Vec<Word>, SchemeError> {
        let proof = opening::open(&self.srs, column, point, *value, transcript).map_err(refused)?;
        Ok(proof.to_bytes().as_chunks().0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stream, srs};

    #[test]
    fn a_column_is_committed_the_same_whatever_its_cells_are() {
        let srs = srs(8);
        let committer = KzgCommitter::new(srs.clone());
        let mut stream = Stream::new(7);
        for large in [0, 3, 100, 200, 256] {
            let mut column: Vec<Fr> = (0..256).map(|_| Fr::from(stream.small(SMALL + 5))).collect();
            column.iter_mut().rev().take(large).for_each(|cell| *cell = stream.scalar());
            assert_eq!(committer.commit(&column), commit::commit(&srs, &column).map_err(refused), "{large}");
        }
        let scheme = committer.scheme();
        let zeros = committer.commit(&[Fr::from(0u64); 256]).unwrap();
        assert!(scheme.is_identity(&zeros));
        assert_eq!(scheme.parse(&scheme.to_words(&zeros)), Ok(zeros));
        assert!(scheme.parse(&[[0; 32]]).is_err());
        assert!(scheme.parse(&[[1; 32], [1; 32]]).is_err());
    }
}
