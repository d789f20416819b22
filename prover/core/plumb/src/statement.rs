//! What a proof is about, as both sides see it.
//!
//! Public inputs are words: the commitment `C_in` or the values of a public input, then the outputs. Every value is a
//! canonical field element, negative ones counted down from the modulus, **and an integer of its declared domain**: canonical
//! is not enough, since `out + 2^-S mod p` with `rem - 1` satisfies the linear equation.

use crate::descriptor::Visibility;
use crate::field::{self, Fr, NotCanonical, Word};
use crate::keys::VerifyingKey;
use crate::layout::Layout;
use crate::scheme::{InvalidCommitment, Scheme};
use crate::transcript::Transcript;
use std::fmt;

/// The parsed public side of a proof.
#[derive(Clone, Debug)]
pub(crate) struct Statement<C> {
    pub(crate) circuit_id: Word,
    pub(crate) ctx: Word,
    /// C_in, where the input is committed.
    pub(crate) commitment: Option<C>,
    /// The input, where it is public.
    pub(crate) inputs: Vec<Fr>,
    pub(crate) outputs: Vec<Fr>,
}

/// Public inputs that are refused before the proof is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementError {
    /// Another number of words than the circuit has.
    Count {
        /// What the circuit has.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// A word is no field element.
    Scalar {
        /// Its position.
        position: usize,
        /// The word.
        got: NotCanonical,
    },
    /// A value is a field element but no integer of its domain.
    Domain {
        /// Its position.
        position: usize,
        /// The least and the greatest integer of its domain.
        expected: [i64; 2],
        /// The word.
        got: Word,
    },
    /// C_in is no commitment.
    Commitment(InvalidCommitment),
    /// C_in is the identity, which hides nothing.
    IdentityCommitment,
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatementError::Count { expected, got } => write!(f, "expected {expected} public inputs, got {got}"),
            StatementError::Scalar { position, got } => write!(f, "public input {position}: {got}"),
            StatementError::Domain { position, expected: [low, high], got } => {
                write!(f, "public input {position}: 0x")?;
                got.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
                write!(f, " is no integer in [{low}, {high}]")
            }
            StatementError::Commitment(e) => write!(f, "the input's commitment: {e}"),
            StatementError::IdentityCommitment => write!(f, "the input's commitment is the identity"),
        }
    }
}

impl std::error::Error for StatementError {}

/// How many words the public inputs of a layout have.
pub fn public_input_words<S: Scheme>(layout: &Layout) -> usize {
    layout.outputs()
        + match layout.descriptor().input_visibility {
            Visibility::Hidden => 0,
            Visibility::Committed => S::COMMITMENT_WORDS,
            Visibility::Public => layout.inputs(),
        }
}

fn value(position: usize, word: &Word, [low, high]: [i64; 2]) -> Result<Fr, StatementError> {
    let scalar = field::from_word(word).map_err(|got| StatementError::Scalar { position, got })?;
    match field::to_integer(&scalar, low, high) {
        Some(_) => Ok(scalar),
        None => Err(StatementError::Domain { position, expected: [low, high], got: *word }), // A4
    }
}

impl<C> Statement<C> {
    /// Parses public inputs.
    pub(crate) fn from_words<S: Scheme<Commitment = C>>(
        scheme: &S,
        key: &VerifyingKey<S>,
        words: &[Word],
        ctx: &Word,
    ) -> Result<Self, StatementError> {
        let layout = &key.layout;
        let expected = public_input_words::<S>(layout);
        if words.len() != expected {
            return Err(StatementError::Count { expected, got: words.len() }); // A10
        }
        let (first, outputs) = words.split_at(expected - layout.outputs());
        let values = |words: &[Word], start: usize, domain| {
            let each = words.iter().zip(start..);
            each.map(|(word, position)| value(position, word, domain)).collect::<Result<Vec<_>, _>>()
        };
        let (mut commitment, mut inputs) = (None, vec![]);
        match layout.descriptor().input_visibility {
            Visibility::Hidden => {}
            Visibility::Committed => {
                let c = scheme.parse(first).map_err(StatementError::Commitment)?;
                if scheme.is_identity(&c) {
                    return Err(StatementError::IdentityCommitment); // A8
                }
                commitment = Some(c);
            }
            Visibility::Public => inputs = values(first, 0, layout.descriptor().input_domain)?,
        }
        let outputs = values(outputs, first.len(), layout.output_domain())?;
        Ok(Statement { circuit_id: key.circuit_id, ctx: *ctx, commitment, inputs, outputs })
    }

    /// The inverse of [`Statement::from_words`].
    pub(crate) fn to_words<S: Scheme<Commitment = C>>(&self, scheme: &S) -> Vec<Word> {
        let commitment = self.commitment.iter().flat_map(|c| scheme.to_words(c));
        commitment.chain(self.inputs.iter().chain(&self.outputs).map(field::to_word)).collect()
    }

    /// Step 0 of the protocol: circuit id and ctx raw, then who learns the input, the batch, both lengths, and the public
    /// inputs.
    pub(crate) fn absorb<S: Scheme<Commitment = C>>(&self, scheme: &S, layout: &Layout, transcript: &mut Transcript) {
        let d = layout.descriptor();
        let mode = match d.input_visibility {
            Visibility::Hidden => 0,
            Visibility::Committed => 1,
            Visibility::Public => 2,
        };
        let mut words = vec![self.circuit_id, self.ctx, field::number(mode), field::number(d.batch.into())];
        words.extend([layout.inputs(), layout.outputs()].map(|n| field::number(n as u64)));
        words.extend(self.to_words(scheme));
        transcript.absorb_words("statement", &words);
    }
}
