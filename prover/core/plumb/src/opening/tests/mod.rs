//! Tests of the opening.

mod damaged;
mod forged;
mod honest;
mod refused;

use super::*;
use crate::closed_forms::evaluate;
use crate::testing::{Stream, Transcript, srs};

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

    fn open(&self) -> OpeningProof {
        open(&self.srs, &self.cells, &self.commitment, &self.point, self.value, &mut Transcript::new()).unwrap()
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
        verify(self.srs.verifier(), commitment, point, value, proof, &mut Transcript::new())
    }
}
