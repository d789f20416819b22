//! Tests of the opening.

mod damaged;
pub(crate) mod forged;
mod honest;
mod refused;

use super::*;
use crate::closed_forms::evaluate;
use crate::testing::{Stream, Transcript, srs};

/// What a caller owes the opening: the transcript determines the claim.
fn absorb_claim(transcript: &mut impl FiatShamir, commitment: &Commitment, point: &[Fr], value: Fr) {
    let mut words = commitment.to_words().to_vec();
    words.extend(point.iter().chain([&value]).map(to_word));
    transcript.absorb("claim", &words);
}

fn transcript_of(commitment: &Commitment, point: &[Fr], value: Fr) -> Transcript {
    let mut transcript = Transcript::new();
    absorb_claim(&mut transcript, commitment, point, value);
    transcript
}

/// A random column with its commitment, a point and the value there.
struct Case {
    srs: Srs,
    cells: Vec<Fr>,
    commitment: Commitment,
    point: Vec<Fr>,
    value: Fr,
}

impl Case {
    fn new(variables: u32, seed: u64) -> Self {
        let mut stream = Stream::new(seed);
        let srs = srs(variables);
        let cells = stream.scalars(1 << variables);
        let point = stream.scalars(variables as usize);
        Self { commitment: commit(&srs, &cells).unwrap(), value: evaluate(&cells, &point), srs, cells, point }
    }

    fn transcript(&self) -> Transcript {
        transcript_of(&self.commitment, &self.point, self.value)
    }

    fn open(&self) -> OpeningProof {
        open(&self.srs, &self.cells, &self.point, self.value, &mut self.transcript()).unwrap()
    }

    fn verify(&self, proof: &OpeningProof) -> Result<(), OpeningError> {
        self.verify_claim(&self.commitment, &self.point, self.value, proof)
    }

    fn verify_claim(
        &self,
        commitment: &Commitment,
        point: &[Fr],
        value: Fr,
        proof: &OpeningProof,
    ) -> Result<(), OpeningError> {
        let transcript = &mut transcript_of(commitment, point, value);
        verify(self.srs.verifier(), commitment, point, value, proof, transcript)
    }
}
