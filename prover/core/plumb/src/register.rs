//! Registration: a proof, made once, that hidden weights are in their declared ranges. Without it an owner could commit to
//! weights such as `1/2 mod p`, and bounds against overflow would mean nothing.
//!
//! It is the protocol of inference on another layout ([`crate::ranges`]): the same chunks, range columns for the limbs of
//! the weights, no products in sumcheck A, no input, no output, and a domain tag of its own. The circuit's id is absorbed
//! first, so a registration is good for one key alone.

use crate::field::{Fr, Word};
use crate::keys::{ProvingKey, VerifyingKey};
use crate::lookup::multiplicities;
use crate::prove::{ProveError, Prover, Total};
use crate::randomness::{Randomness, System};
use crate::scheme::{Committer, Scheme};
use crate::statement::Statement;
use crate::transcript::Transcript;
use crate::verify::{VerifyError, accept, proof_words, replay};

/// The name of the protocol, absorbed first.
pub(crate) const DOMAIN: &str = "plumb-register-v1";

/// The words of a registration proof: fixed by the descriptor.
pub fn registration_words<S: Scheme>(key: &VerifyingKey<S>) -> usize {
    proof_words::<S>(&key.layout.registration())
}

/// Proves that all weights are in their ranges, and everything beside them and their salts zero. All masks come from the
/// operating system's generator; any number of registrations of one key reveal nothing.
pub fn register<P: Committer>(committer: &P, key: &ProvingKey<P::Scheme>) -> Result<Vec<u8>, ProveError> {
    register_with(committer, key, &mut System)
}

pub(crate) fn register_with<P: Committer>(
    committer: &P,
    key: &ProvingKey<P::Scheme>,
    rng: &mut impl Randomness,
) -> Result<Vec<u8>, ProveError> {
    let circuit = circuit(&key.verifying);
    let phase1 = columns(&circuit, &key.chunks);
    let (statement, total) = (&statement(&circuit), Total::Zero);
    let prover = Prover { committer, key: &circuit, chunks: &key.chunks, statement, input_column: None, total };
    let (proof, _) = prover.run(phase1, Transcript::new(DOMAIN), rng)?;
    Ok(proof)
}

/// Accepts a registration proof of this key's weights, or says why not.
pub fn check_registration<S: Scheme>(scheme: &S, key: &VerifyingKey<S>, proof: &[u8]) -> Result<(), VerifyError> {
    let circuit = circuit(key);
    accept(scheme, replay(scheme, &circuit, proof, &statement(&circuit), Transcript::new(DOMAIN))?)
}

impl<S: Scheme> VerifyingKey<S> {
    /// The key, fit for use, if `proof` is a registration of its weights. A key that is fit already stays as it is: one of
    /// public weights never holds a registration.
    pub fn registered(&self, scheme: &S, proof: &[u8]) -> Result<Self, VerifyError> {
        check_registration(scheme, self, proof)?; // A4
        let registration = if self.is_registered() { self.registration.clone() } else { proof.to_vec() };
        Ok(VerifyingKey { registration, ..self.clone() })
    }
}

/// The key of the circuit that is a registration.
pub(crate) fn circuit<S: Scheme>(key: &VerifyingKey<S>) -> VerifyingKey<S> {
    VerifyingKey { layout: key.layout.registration(), ..key.clone() }
}

/// A registration has no public inputs.
pub(crate) fn statement<S: Scheme>(circuit: &VerifyingKey<S>) -> Statement<S::Commitment> {
    let ctx: Word = [0; 32];
    Statement { circuit_id: circuit.circuit_id, ctx, commitment: None, inputs: vec![], outputs: vec![] }
}

/// The columns of phase 1: limbs, then multiplicities.
pub(crate) fn columns<S: Scheme>(circuit: &VerifyingKey<S>, chunks: &[Vec<Fr>]) -> Vec<Vec<Fr>> {
    let layout = &circuit.layout;
    let mut out = layout.weight_ranges().map_or(vec![], |ranges| ranges.fill(layout, chunks));
    out.push(multiplicities(layout, &out));
    out
}
