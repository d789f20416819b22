//! Plumb for Python: a thin, private module. What it does is done in [`plumb`]; here are only conversions.
//!
//! Whatever takes long runs detached from the interpreter, so other threads go on, and between its steps it looks for
//! Ctrl-C and tells how far it is (`work`). Everything that `plumb` refuses is raised as a class of its own (`errors`).
//! All masks come from the operating system's generator; nothing here takes a seed.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

use pyo3::prelude::*;

mod convert;
mod errors;
mod keys;
mod measure;
mod verbs;
mod work;

/// The prover's core of zkinfer: private, use the package `zkinfer`.
#[pymodule]
mod zkinfer_core {
    #[pymodule_export]
    use super::errors::{
        Cancelled, CoreError, CoreFailed, InputRefused, KeyMalformed, LayoutRefused, ProofMalformed, ProofRejected,
        SrsRefused, StatementRefused, WeightsRefused, WitnessOutOfRange,
    };
    #[pymodule_export]
    use super::keys::{CommittedInput, ProvingKey, Srs, VerifyingKey};
    #[pymodule_export]
    use super::measure::msm_seconds;
    #[pymodule_export]
    use super::verbs::{check_descriptor, commit_input, execute, prove, setup, verify};
}
