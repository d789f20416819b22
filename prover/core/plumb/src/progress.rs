//! How far long work is, and how it is stopped: a [`Committer`] hears of each step before it begins.
//!
//! No step depends on secret values, only on the layout.

use crate::field::{Fr, Word};
use crate::scheme::{Committer, Scheme, SchemeError};
use crate::transcript::Transcript;
use std::fmt;

/// The parts of setup and proving, in order. A setup commits to the weights and, where they are hidden, proves their
/// registration: the stages from `Commit` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The weights are committed.
    CommitWeights,
    /// The model runs on integers.
    Execute,
    /// The columns of phase 1 are committed.
    Commit,
    /// The helpers of phase 2 are computed and committed.
    CommitHelpers,
    /// Sumcheck A in the variables of chunks.
    Weights,
    /// Sumcheck A in the variables of rows.
    Lookups,
    /// Sumcheck D.
    Claims,
    /// The opening.
    Open,
}

/// A step of some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its stage.
    pub stage: Stage,
    /// Its number within the stage, from zero.
    pub part: usize,
    /// How many steps the stage has.
    pub parts: usize,
}

impl Step {
    /// The only step of a stage.
    pub fn whole(stage: Stage) -> Self {
        Step { stage, part: 0, parts: 1 }
    }
}

/// The work was stopped by the one who wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// A committer whose steps somebody watches, and may stop.
pub struct Watched<'a, P, F> {
    committer: &'a P,
    watch: F,
}

impl<'a, P: Committer, F: Fn(Step) -> Result<(), Cancelled> + Sync> Watched<'a, P, F> {
    /// `watch` is called on the thread that does the work, between steps.
    pub fn new(committer: &'a P, watch: F) -> Self {
        Watched { committer, watch }
    }
}

impl<P: Committer, F: Fn(Step) -> Result<(), Cancelled> + Sync> Committer for Watched<'_, P, F> {
    type Scheme = P::Scheme;

    fn scheme(&self) -> &P::Scheme {
        self.committer.scheme()
    }

    fn reached(&self, step: Step) -> Result<(), Cancelled> {
        (self.watch)(step)
    }

    fn commit(&self, column: &[Fr]) -> Result<<P::Scheme as Scheme>::Commitment, SchemeError> {
        self.committer.commit(column)
    }

    fn open(
        &self,
        transcript: &mut Transcript,
        column: &[Fr],
        point: &[Fr],
        value: &Fr,
    ) -> Result<Vec<Word>, SchemeError> {
        self.committer.open(transcript, column, point, value)
    }
}
