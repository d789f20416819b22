//! Long work: detached from the interpreter, watched, and stopped when somebody wants it.

use crate::errors::{CoreFailed, OrRaise, Raise};
use plumb::progress::{Cancelled, Stage, Step};
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Mutex, OnceLock};

/// Runs work while other Python threads go on.
///
/// The core's threads do not live through a fork, and work in the child would wait for them for ever: it is refused. A
/// panic would be a bug; it becomes an `Exception` like others, where pyo3 would make it a `BaseException`.
pub(crate) fn detached<T: Send, E: Raise + Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    if *PROCESS.get_or_init(process::id) != process::id() {
        let reason = "the core was used before this process was forked; start processes with \"spawn\"";
        return Err(CoreFailed::new_err(reason));
    }
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    result.map_err(|_| CoreFailed::new_err("a bug in the core: it panicked"))?.or_raise(py)
}

/// Like [`detached`], for work that calls what it is given between its steps: then the callback hears how far it is, and
/// Ctrl-C is looked for. What either raises ends the work, and is raised.
pub(crate) fn watched<T: Send, E: Raise + Send>(
    py: Python<'_>,
    on_progress: Option<Py<PyAny>>,
    done: impl Fn(Step) -> f64 + Sync,
    work: impl FnOnce(&(dyn Fn(Step) -> Result<(), Cancelled> + Sync)) -> Result<T, E> + Send,
) -> PyResult<T> {
    let stopped: Mutex<Option<PyErr>> = Mutex::new(None);
    let watch = |step: Step| {
        let told = Python::attach(|py| {
            py.check_signals()?;
            match &on_progress {
                Some(callback) => callback.call1(py, (name(step.stage), done(step))).map(drop),
                None => Ok(()),
            }
        });
        told.map_err(|e| {
            if let Ok(mut stopped) = stopped.lock() {
                *stopped = Some(e);
            }
            Cancelled
        })
    };
    let result = detached(py, || work(&watch));
    match stopped.into_inner() {
        Ok(Some(e)) => Err(e),
        _ => result,
    }
}

/// A stage as callers hear of it.
fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::CommitWeights => "commit weights",
        Stage::Execute => "execute",
        Stage::Commit => "commit",
        Stage::CommitHelpers => "commit helpers",
        Stage::Weights => "weights",
        Stage::Lookups => "look-ups",
        Stage::Claims => "claims",
        Stage::Open => "open",
    }
}

fn part(step: Step) -> f64 {
    step.part as f64 / step.parts.max(1) as f64
}

/// The fraction of a proof's time before a step, roughly.
pub(crate) fn proof_done(step: Step) -> f64 {
    let [start, end] = match step.stage {
        Stage::CommitWeights => [0.0, 0.0],
        Stage::Execute => [0.0, 0.02],
        Stage::Commit => [0.02, 0.4],
        Stage::CommitHelpers => [0.4, 0.6],
        Stage::Weights => [0.6, 0.63],
        Stage::Lookups => [0.63, 0.88],
        Stage::Claims => [0.88, 0.95],
        Stage::Open => [0.95, 1.0],
    };
    start + (end - start) * part(step)
}

/// The fraction of a setup before a step, roughly: commitments, then the registration of hidden weights.
pub(crate) fn setup_done(hidden: bool) -> impl Fn(Step) -> f64 + Sync {
    let commitments = if hidden { 0.2 } else { 1.0 };
    move |step| match step.stage {
        Stage::CommitWeights => commitments * part(step),
        _ => commitments + (1.0 - commitments) * proof_done(step),
    }
}
