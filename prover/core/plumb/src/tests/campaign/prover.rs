//! A prover with no conscience: the honest one, over columns, a statement and a key that need not be.

use super::cases::Bench;
use crate::field::{Fr, Word};
use crate::keys::VerifyingKey;
use crate::layout::Layout;
use crate::lookup::multiplicities;
use crate::prove::{Prover, Total};
use crate::randomness::{Randomness, RandomnessError, Seeded};
use crate::scheme::{Committer, Scheme};
use crate::statement::Statement;
use crate::transcript::{Edit, Script, Tape, Transcript};
use crate::verify::DOMAIN;
use crate::witness::{LayerWeights, Trace, columns, execute};

/// A trace as columns.
#[derive(Clone)]
pub(super) struct Columns {
    /// Those of phase 1, M included.
    pub(super) phase1: Vec<Vec<Fr>>,
    pub(super) outputs: Vec<Fr>,
}

impl Columns {
    pub(super) fn of(layout: &Layout, trace: &Trace) -> Columns {
        let mut phase1 = columns(layout, trace);
        phase1.push(multiplicities(layout, &phase1));
        Columns { phase1, outputs: trace.outputs.iter().map(|v| Fr::from(*v)).collect() }
    }

    pub(super) fn honest(layout: &Layout, model: &[LayerWeights], inputs: &[i64]) -> Columns {
        Columns::of(layout, &execute(layout, model, inputs).unwrap())
    }
}

/// Which masks are what they should not be.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    /// G1, G2 are zero.
    pub(super) zero: [bool; 2],
}

/// Draws as it is told to: pad rows of each column of phase 1, then G1 and G2.
struct Drawn<'a> {
    rng: &'a mut Seeded,
    masks: Masks,
    calls: usize,
    /// Columns before the masks.
    before: usize,
}

impl Randomness for Drawn<'_> {
    fn fields(&mut self, n: usize) -> Result<Vec<Fr>, RandomnessError> {
        let mut out = self.rng.fields(n)?;
        let which = self.calls.checked_sub(self.before);
        self.calls += 1;
        if which.is_some_and(|i| self.masks.zero.get(i) == Some(&true)) {
            out.fill(Fr::from(0u64));
        }
        Ok(out)
    }
}

/// A proof with all that was absorbed.
pub(super) struct Made {
    pub(super) proof: Vec<u8>,
    pub(super) public: Vec<Word>,
    pub(super) messages: Vec<(String, Vec<Word>)>,
}

/// What is to be proved, and how.
pub(super) struct Forged<'a, S: Scheme> {
    pub(super) key: &'a VerifyingKey<S>,
    pub(super) chunks: &'a [Vec<Fr>],
    pub(super) statement: Statement<S::Commitment>,
    pub(super) input_column: Option<&'a [Fr]>,
    pub(super) phase1: Vec<Vec<Fr>>,
    pub(super) total: Total,
    pub(super) domain: &'static str,
    pub(super) script: Script,
    pub(super) masks: Masks,
    pub(super) damage: Option<(usize, Edit)>,
}

impl<'a, S: Scheme> Forged<'a, S> {
    pub(super) fn honest<P: Committer<Scheme = S>>(bench: &'a Bench<P>, columns: &Columns) -> Self {
        use crate::descriptor::Visibility::Public;
        let public = bench.layout().descriptor().input_visibility == Public;
        let statement = Statement {
            circuit_id: bench.verifying().circuit_id,
            ctx: bench.ctx,
            commitment: bench.committed.as_ref().map(|c| c.commitment.clone()),
            inputs: if public { bench.inputs.iter().map(|v| Fr::from(*v)).collect() } else { vec![] },
            outputs: columns.outputs.clone(),
        };
        Forged {
            key: bench.verifying(),
            chunks: &bench.key.chunks,
            statement,
            input_column: bench.committed.as_ref().map(|c| &c.column[..]),
            phase1: columns.phase1.clone(),
            total: Total::Zero,
            domain: DOMAIN,
            script: Script::Honest,
            masks: Masks::default(),
            damage: None,
        }
    }

    /// The proof; `None` where the prover gives up.
    pub(super) fn run<P: Committer<Scheme = S>>(self, committer: &P, rng: &mut Seeded) -> Option<Made> {
        let mut transcript = Transcript::new(self.domain);
        let tape = Tape { damage: self.damage, ..Tape::default() };
        (transcript.script, transcript.lenient, transcript.tape) = (self.script, true, Some(tape.clone()));
        let prover = Prover {
            committer,
            key: self.key,
            chunks: self.chunks,
            statement: &self.statement,
            input_column: self.input_column,
            total: self.total,
        };
        let mut drawn = Drawn { rng, masks: self.masks, calls: 0, before: self.phase1.len() };
        prover.run(self.phase1, transcript, &mut drawn).ok()?;
        let messages = std::mem::take(&mut *tape.messages.lock().unwrap());
        let public = self.statement.to_words(committer.scheme());
        Some(Made { proof: proof_of(&messages), public, messages })
    }
}

/// The message that both sides know: it is absorbed, and not sent.
pub(super) fn is_sent(label: &str) -> bool {
    label != "statement"
}

/// A proof is what its prover has absorbed, in order.
pub(super) fn proof_of(messages: &[(String, Vec<Word>)]) -> Vec<u8> {
    let sent = messages.iter().filter(|(label, _)| is_sent(label));
    sent.flat_map(|(_, words)| words.as_flattened()).copied().collect()
}
