//! The keys of a circuit, its id, and committed inputs.

use crate::checker::LayoutError;
use crate::descriptor::{Descriptor, Visibility};
use crate::field::{Fr, Word};
use crate::layout::Layout;
use crate::masks;
use crate::progress::{Cancelled, Stage, Step};
use crate::prove::ProveError;
use crate::randomness::{Randomness, RandomnessError, System};
use crate::register::register_with;
use crate::scheme::{Committer, Scheme, SchemeError};
use crate::transcript::keccak;
use crate::verify::VerifyError;
use crate::witness::{LayerWeights, WitnessError, weight_chunks};
use std::fmt;
use zeroize::Zeroize;

mod bytes;
pub use bytes::KeyError;

/// What a verifier needs: the layout, the commitments of the weights, and the id that binds both.
pub struct VerifyingKey<S: Scheme> {
    pub(crate) layout: Layout,
    pub(crate) weights: Vec<S::Commitment>,
    pub(crate) circuit_id: Word,
    /// The proof, checked, that hidden weights are in their ranges.
    pub(crate) registration: Vec<u8>,
}

// Derived, these would ask the scheme itself to be Clone and Debug.
impl<S: Scheme> Clone for VerifyingKey<S> {
    fn clone(&self) -> Self {
        let (layout, weights) = (self.layout.clone(), self.weights.clone());
        VerifyingKey { layout, weights, circuit_id: self.circuit_id, registration: self.registration.clone() }
    }
}

impl<S: Scheme> fmt::Debug for VerifyingKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("circuit_id", &self.circuit_id).finish_non_exhaustive()
    }
}

/// The number of weight commitments is not the number of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkCount {
    /// Chunks of the layout.
    pub expected: usize,
    /// Commitments given.
    pub got: usize,
}

impl fmt::Display for ChunkCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} commitments of weights, got {}", self.expected, self.got)
    }
}

impl std::error::Error for ChunkCount {}

impl<S: Scheme> VerifyingKey<S> {
    /// The key of a layout and the commitments of its weights.
    ///
    /// `circuitId = keccak("plumb-circuit-v1" || id of the parameters || keccak(descriptor) || words of C_W)`. The tables
    /// are functions of the descriptor.
    ///
    /// A key of hidden weights is good for nothing until [`VerifyingKey::registered`] has seen the proof that they lie in
    /// their ranges. Whoever uses a key of public weights has committed to them, or trusts somebody who has.
    pub fn new(scheme: &S, layout: Layout, weights: Vec<S::Commitment>) -> Result<Self, ChunkCount> {
        if weights.len() != layout.chunks() {
            return Err(ChunkCount { expected: layout.chunks(), got: weights.len() }); // Protocol
        }
        let words: Vec<Word> = weights.iter().flat_map(|w| scheme.to_words(w)).collect();
        let descriptor = keccak(&[&layout.descriptor().to_bytes()]);
        let mut label = [0; 32];
        label[..16].copy_from_slice(b"plumb-circuit-v1");
        let circuit_id = keccak(&[&label, &scheme.id(), &descriptor, words.as_flattened()]);
        Ok(VerifyingKey { layout, weights, circuit_id, registration: vec![] })
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The commitments of the weights.
    pub fn weights(&self) -> &[S::Commitment] {
        &self.weights
    }

    /// Whether proofs can be verified with it.
    pub fn is_registered(&self) -> bool {
        self.layout.descriptor().weight_visibility == Visibility::Public || !self.registration.is_empty()
    }

    /// The registration proof of hidden weights, for [`VerifyingKey::registered`] wherever the key goes; empty where
    /// weights are public. It reveals nothing of the weights.
    pub fn registration(&self) -> &[u8] {
        &self.registration
    }

    /// The circuit's identity.
    pub fn circuit_id(&self) -> Word {
        self.circuit_id
    }
}

/// What a prover needs beside the input. Holds hidden weights and their salts: keep it secret where they are hidden.
pub struct ProvingKey<S: Scheme> {
    pub(crate) verifying: VerifyingKey<S>,
    pub(crate) model: Vec<LayerWeights>,
    pub(crate) chunks: Vec<Vec<Fr>>,
}

impl<S: Scheme> ProvingKey<S> {
    /// The verifier's part.
    pub fn verifying_key(&self) -> &VerifyingKey<S> {
        &self.verifying
    }
}

/// Why a setup failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// The layout is not sound.
    Layout(LayoutError),
    /// The weights do not fit the descriptor.
    Weights(WitnessError),
    /// The commitment scheme failed.
    Scheme(SchemeError),
    /// The random generator failed.
    Randomness(RandomnessError),
    /// The caller wants no more.
    Cancelled(Cancelled),
    /// There is no registration proof.
    Registration(ProveError),
    /// The registration proof does not convince.
    Registered(VerifyError),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Layout(e) => e.fmt(f),
            SetupError::Weights(e) => e.fmt(f),
            SetupError::Scheme(e) => e.fmt(f),
            SetupError::Randomness(e) => e.fmt(f),
            SetupError::Cancelled(e) => e.fmt(f),
            SetupError::Registration(e) => write!(f, "registration of the weights: {e}"),
            SetupError::Registered(e) => write!(f, "registration of the weights: {e}"),
        }
    }
}

impl std::error::Error for SetupError {}

/// Checks the layout, salts hidden weights, commits to them and registers them. Public weights have no salts, so
/// everybody gets the same circuit id from the same model.
pub fn setup<P: Committer>(
    committer: &P,
    descriptor: Descriptor,
    model: Vec<LayerWeights>,
) -> Result<ProvingKey<P::Scheme>, SetupError> {
    let layout = Layout::new(descriptor).map_err(SetupError::Layout)?;
    setup_with(committer, layout, model, &mut System)
}

/// [`setup`] with salts that anybody who knows the seed can recompute; exists only under `--cfg plumb_insecure_seed`.
#[cfg(plumb_insecure_seed)]
pub fn setup_with_insecure_seed<P: Committer>(
    committer: &P,
    descriptor: Descriptor,
    model: Vec<LayerWeights>,
    seed: u64,
) -> Result<ProvingKey<P::Scheme>, SetupError> {
    let layout = Layout::new(descriptor).map_err(SetupError::Layout)?;
    setup_with(committer, layout, model, &mut crate::randomness::Seeded::new(seed))
}

pub(crate) fn setup_with<P: Committer>(
    committer: &P,
    layout: Layout,
    model: Vec<LayerWeights>,
    rng: &mut impl Randomness,
) -> Result<ProvingKey<P::Scheme>, SetupError> {
    let mut key = salted_key(committer, layout, model, rng)?;
    if !key.verifying.is_registered() {
        let registration = register_with(committer, &key, rng).map_err(SetupError::Registration)?;
        let verifying = key.verifying.registered(committer.scheme(), &registration);
        key.verifying = verifying.map_err(SetupError::Registered)?;
    }
    Ok(key)
}

/// [`setup_with`] without registration.
pub(crate) fn salted_key<P: Committer>(
    committer: &P,
    layout: Layout,
    model: Vec<LayerWeights>,
    rng: &mut impl Randomness,
) -> Result<ProvingKey<P::Scheme>, SetupError> {
    let mut chunks = weight_chunks(&layout, &model).map_err(SetupError::Weights)?;
    masks::salt_weights(&layout, &mut chunks, rng).map_err(SetupError::Randomness)?; // Usage
    key_of_chunks(committer, layout, model, chunks)
}

/// The key of given chunks, whatever they hold.
pub(crate) fn key_of_chunks<P: Committer>(
    committer: &P,
    layout: Layout,
    model: Vec<LayerWeights>,
    chunks: Vec<Vec<Fr>>,
) -> Result<ProvingKey<P::Scheme>, SetupError> {
    let mut weights = Vec::with_capacity(chunks.len());
    for (part, chunk) in chunks.iter().enumerate() {
        let step = Step { stage: Stage::CommitWeights, part, parts: chunks.len() };
        committer.reached(step).map_err(SetupError::Cancelled)?; // Usage
        weights.push(committer.commit(chunk).map_err(SetupError::Scheme)?);
    }
    let verifying = VerifyingKey::new(committer.scheme(), layout, weights);
    let verifying = verifying.map_err(|e| SetupError::Scheme(SchemeError { reason: e.to_string() }))?;
    Ok(ProvingKey { verifying, model, chunks })
}

/// An input and the salted column behind its commitment `C_in`, which may be published or signed before any proof. Whoever
/// holds this can open the commitment.
pub struct CommittedInput<S: Scheme> {
    pub(crate) column: Vec<Fr>,
    /// C_in.
    pub commitment: S::Commitment,
}

impl<S: Scheme> Drop for CommittedInput<S> {
    fn drop(&mut self) {
        self.column.zeroize();
    }
}

/// Commits to an input, with fresh salts.
pub fn commit_input<P: Committer>(
    committer: &P,
    key: &VerifyingKey<P::Scheme>,
    inputs: &[i64],
) -> Result<CommittedInput<P::Scheme>, SetupError> {
    let layout = &key.layout;
    let d = layout.descriptor();
    if inputs.len() != layout.inputs() {
        let error = WitnessError::InputCount { expected: layout.inputs(), got: inputs.len() };
        return Err(SetupError::Weights(error)); // Usage
    }
    if d.input_visibility != Visibility::Committed {
        let reason = "this circuit has no committed input".to_string();
        return Err(SetupError::Scheme(SchemeError { reason })); // Usage
    }
    commit_input_with(committer, layout, inputs, &mut System)
}

/// [`commit_input`] with salts that anybody who knows the seed can recompute; exists only under
/// `--cfg plumb_insecure_seed`.
#[cfg(plumb_insecure_seed)]
pub fn commit_input_with_insecure_seed<P: Committer>(
    committer: &P,
    key: &VerifyingKey<P::Scheme>,
    inputs: &[i64],
    seed: u64,
) -> Result<CommittedInput<P::Scheme>, SetupError> {
    commit_input_with(committer, &key.layout, inputs, &mut crate::randomness::Seeded::new(seed))
}

pub(crate) fn commit_input_with<P: Committer>(
    committer: &P,
    layout: &Layout,
    inputs: &[i64],
    rng: &mut impl Randomness,
) -> Result<CommittedInput<P::Scheme>, SetupError> {
    let column = masks::input_column(layout, inputs, rng).map_err(SetupError::Randomness)?;
    let commitment = committer.commit(&column).map_err(SetupError::Scheme)?;
    Ok(CommittedInput { column, commitment })
}
