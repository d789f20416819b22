//! The verifier: replays the transcript, reduces everything to one opening, and checks that.

use crate::closed_forms::geom;
use crate::field::{Fr, Word};
use crate::functionals::{Queries, active, bias_constant, linear_constant, link_constant};
use crate::keys::VerifyingKey;
use crate::layout::Layout;
use crate::lookup::{Gates, table_at};
use crate::proof::{Malformed, Reader};
use crate::scheme::{Scheme, SchemeError};
use crate::statement::{Statement, StatementError};
use crate::sumcheck::{self, Combination};
use crate::transcript::{Transcript, ZeroChallenge};
use ark_ff::Zero;
use std::fmt;

/// The name of the protocol, absorbed first.
pub(crate) const DOMAIN: &str = "plumb-v1";

/// Why a proof does not convince: because of the key, of its form (the next two), of its truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The weights are hidden, and no registration proof of this key has been accepted.
    Unregistered,
    /// The public inputs are not of this circuit.
    Statement(StatementError),
    /// The bytes are not those of a proof of this circuit.
    Malformed(Malformed),
    /// A well-formed proof that proves nothing.
    Rejected(Rejection),
}

/// Which check refused a well-formed proof. Sumchecks derive a coefficient from their claims, so all their equations meet in the
/// opening: a proof that is wrong anywhere fails there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A column of phase 1 or a mask is committed as the identity.
    IdentityCommitment {
        /// Its position in the message.
        position: usize,
    },
    /// A challenge that must not be zero is.
    ZeroChallenge(ZeroChallenge),
    /// The combined column does not have the value at the point that all claims together say.
    Opening(SchemeError),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::Unregistered => {
                write!(f, "these hidden weights are not registered: give the key its registration proof first")
            }
            VerifyError::Statement(e) => e.fmt(f),
            VerifyError::Malformed(e) => write!(f, "malformed proof: {e}"),
            VerifyError::Rejected(e) => write!(f, "proof rejected: {e}"),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::IdentityCommitment { position } => write!(f, "commitment {position} is the identity"),
            Rejection::ZeroChallenge(e) => e.fmt(f),
            Rejection::Opening(e) => write!(f, "opening: {e}"),
        }
    }
}

impl std::error::Error for VerifyError {}

impl From<Malformed> for VerifyError {
    fn from(e: Malformed) -> Self {
        VerifyError::Malformed(e)
    }
}

impl From<ZeroChallenge> for VerifyError {
    fn from(e: ZeroChallenge) -> Self {
        VerifyError::Rejected(Rejection::ZeroChallenge(e))
    }
}

/// The words of a proof: fixed by the layout.
pub fn proof_words<S: Scheme>(layout: &Layout) -> usize {
    let commitments = layout.phase1().len() + layout.masks().len() + layout.phase2().len();
    let rounds = layout.degrees_a().words() + layout.degrees_d().words();
    // H_A, the values at k, mu
    let values = 1 + values_at_k(layout) + 1;
    commitments * S::COMMITMENT_WORDS + rounds + values + S::opening_words(layout.c())
}

/// The values that are sent at the point of sumcheck A: the evaluated columns at its row, then e_W and e_X.
fn values_at_k(layout: &Layout) -> usize {
    layout.evaluated() + if layout.has_products() { 2 } else { 0 }
}

/// Accepts a proof, or says why not. `ctx` are the 32 bytes that the proof was made for.
pub fn verify<S: Scheme>(
    scheme: &S,
    key: &VerifyingKey<S>,
    proof: &[u8],
    public_inputs: &[Word],
    ctx: &Word,
) -> Result<(), VerifyError> {
    if !key.is_registered() {
        return Err(VerifyError::Unregistered); // A4
    }
    let statement = Statement::from_words(scheme, key, public_inputs, ctx).map_err(VerifyError::Statement)?;
    accept(scheme, replay(scheme, key, proof, &statement, Transcript::new(DOMAIN))?)
}

/// The last step: `C_H = sum_i Q_i(d) C_i` opens to `hD` at d.
pub(crate) fn accept<S: Scheme>(scheme: &S, mut end: Replay<'_, S::Commitment>) -> Result<(), VerifyError> {
    let terms: Vec<_> = end.functionals.iter().copied().zip(&end.commitments).collect();
    let combined = scheme.combine(&terms);
    scheme
        .check(&mut end.transcript, &combined, &end.point, &end.value, end.opening)
        .map_err(|e| VerifyError::Rejected(Rejection::Opening(e)))
}

/// All that a proof has been reduced to.
pub(crate) struct Replay<'a, C> {
    pub(crate) transcript: Transcript,
    /// The commitment of every column, in order.
    pub(crate) commitments: Vec<C>,
    /// `Q_i(d)` of every column.
    pub(crate) functionals: Vec<Fr>,
    /// d.
    pub(crate) point: Vec<Fr>,
    /// hD.
    pub(crate) value: Fr,
    pub(crate) opening: &'a [Word],
    /// For tests that want to know which claim is false.
    #[cfg(test)]
    pub(crate) claims: Reduced,
}

/// The linear claims, and what their functionals depend on.
#[cfg(test)]
pub(crate) struct Reduced {
    pub(crate) values: Vec<Fr>,
    pub(crate) r: Fr,
    pub(crate) k: Vec<Fr>,
    pub(crate) rho_a: Fr,
    pub(crate) outputs: Vec<Fr>,
}

fn receive<S: Scheme>(
    scheme: &S,
    reader: &mut Reader<'_>,
    transcript: &mut Transcript,
    label: &str,
    n: usize,
) -> Result<Vec<S::Commitment>, VerifyError> {
    let position = reader.position();
    let words = reader.words(n.saturating_mul(S::COMMITMENT_WORDS))?;
    transcript.absorb_words(label, words);
    let parse = |(i, words)| {
        scheme
            .parse(words)
            .map_err(|reason| Malformed::Commitment { position: position + i * S::COMMITMENT_WORDS, reason }.into())
    };
    words.chunks_exact(S::COMMITMENT_WORDS).enumerate().map(parse).collect()
}

/// Steps 0 to 4 of the protocol, and what step 5 opens.
pub(crate) fn replay<'a, S: Scheme>(
    scheme: &S,
    key: &VerifyingKey<S>,
    proof: &'a [u8],
    statement: &Statement<S::Commitment>,
    mut t: Transcript,
) -> Result<Replay<'a, S::Commitment>, VerifyError> {
    let layout = &key.layout;
    let mut reader = Reader::new(proof, proof_words::<S>(layout))?;
    // 0
    statement.absorb(scheme, layout, &mut t);
    // 1: phase 1, then G1 and G2
    let phase1 = receive(scheme, &mut reader, &mut t, "phase 1", layout.phase1().len() + 2)?;
    if let Some(position) = phase1.iter().position(|c| scheme.is_identity(c)) {
        return Err(VerifyError::Rejected(Rejection::IdentityCommitment { position })); // Protocol
    }
    let r = t.nonzero_challenge("r")?;
    let (alpha, gamma) = (t.challenge("alpha"), t.challenge("gamma"));
    // 2
    let phase2 = receive(scheme, &mut reader, &mut t, "phase 2", layout.phase2().len())?;
    let lambda = t.challenge("lambda");
    let tau = t.challenges("tau", layout.c());
    let rho_a = t.nonzero_challenge("rhoA")?;
    // columns in their order: phase 1, phase 2, G1, G2, weights, input
    let (columns, masks) = phase1.split_at(layout.phase1().len());
    let commitments = [columns, &phase2, masks, &key.weights, statement.commitment.as_slice()].concat();

    // 3: sumcheck A
    let h_a = reader.scalar()?;
    t.absorb("H_A", &[h_a]);
    let (k, claim_a) = sumcheck::verify(&mut t, "sumcheck A", &mut reader, layout.degrees_a(), h_a)?;
    let at_k = reader.scalars(values_at_k(layout))?;
    t.absorb("values at k", &at_k);
    let (e, products) = at_k.split_at(layout.evaluated());
    // without products, the claims about them say that zero is zero
    let [e_w, e_x] = products.try_into().unwrap_or_default();
    let a = &k[layout.chunk_variables()..];
    let (on_active, act) = active(layout, &tau, a);
    let tables = [&[on_active, act], e, &[table_at(layout, &gamma, a)], products].concat();
    let f_a = Gates::new(layout, alpha, gamma, lambda).at(&tables);

    // 4: the values of all linear claims, in the order of `Claims`
    let eta = t.challenge("eta");
    let (z1, z2) = (t.challenge("z1"), t.challenge("z2"));
    let mut values = e.to_vec();
    values.extend([
        claim_a - f_a,
        h_a - linear_constant(layout, &r, &statement.outputs),
        e_w,
        e_x - bias_constant(layout, &r, &k),
        link_constant(layout, &r, &statement.inputs, &statement.outputs),
    ]);
    let weights = layout.claims().powers(&eta);
    let mut claim = sumcheck::inner(&values, &weights);
    let mu = reader.scalar()?;
    t.absorb("mu", &[mu]);
    let rho_d = t.nonzero_challenge("rhoD")?;
    claim += rho_d * mu;
    let (d, value) = sumcheck::verify(&mut t, "sumcheck D", &mut reader, layout.degrees_d(), claim)?;
    let opening = reader.words(S::opening_words(layout.c()))?;
    debug_assert!(reader.is_at_end());

    // 5: the functionals at d
    let mut functionals = Queries { layout, r, k: &k, rho_a, weights, outputs: &statement.outputs }.closed(&d);
    for (mask, z) in layout.masks().into_iter().zip([z1, z2]) {
        functionals[mask] += rho_d * geom(&d, &z);
    }
    debug_assert!(functionals.len() == commitments.len() && !rho_d.is_zero());
    Ok(Replay {
        transcript: t,
        commitments,
        functionals,
        point: d,
        value,
        opening,
        #[cfg(test)]
        claims: Reduced { values, r, k, rho_a, outputs: statement.outputs.clone() },
    })
}
