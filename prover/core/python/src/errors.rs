//! Everything that can be refused, as Python exceptions with the facts as attributes.
//!
//! ```text
//! CoreError
//! ├── LayoutRefused       a descriptor is malformed, or its layout is not sound
//! ├── WeightsRefused      weights do not fit the descriptor              layer, map, position, value, low, high
//! ├── SrsRefused          universal parameters are wrong, too small, or not those of the key
//! ├── KeyMalformed        bytes are no key, or no committed input
//! ├── InputRefused        another number of inputs, or another committed input
//! ├── WitnessOutOfRange   an input or an activation is out of its range  layer, position, value, low, high
//! ├── StatementRefused    public inputs or context are not of this circuit
//! ├── ProofMalformed      bytes are no proof of this circuit
//! ├── ProofRejected       a well-formed proof that proves nothing
//! ├── Cancelled           the work was stopped; also for a callback to raise
//! └── CoreFailed          the core itself failed: no randomness, a fork, a bug
//! ```

use plumb::checker::LayoutError;
use plumb::descriptor::DescriptorError;
use plumb::keys::{KeyError, SetupError};
use plumb::prove::ProveError;
use plumb::srs::SrsError;
use plumb::verify::VerifyError;
use plumb::witness::WitnessError;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::convert::Infallible;
use std::fmt::Display;

create_exception!(zkinfer_core, CoreError, PyException, "What the core refuses or fails at.");
create_exception!(zkinfer_core, LayoutRefused, CoreError, "A descriptor is malformed, or its layout is not sound.");
create_exception!(
    zkinfer_core,
    WeightsRefused,
    CoreError,
    "Weights do not fit the descriptor; layer counts linear layers, None is not known."
);
create_exception!(
    zkinfer_core,
    SrsRefused,
    CoreError,
    "Universal parameters are wrong, too small, or others than the key's."
);
create_exception!(zkinfer_core, KeyMalformed, CoreError, "Bytes are no key, or no committed input.");
create_exception!(zkinfer_core, InputRefused, CoreError, "Another number of inputs, or another committed input.");
create_exception!(
    zkinfer_core,
    WitnessOutOfRange,
    CoreError,
    "A value is out of its range: an activation of a layer, or an input, where layer is None."
);
create_exception!(zkinfer_core, StatementRefused, CoreError, "Public inputs or context are not of this circuit.");
create_exception!(zkinfer_core, ProofMalformed, CoreError, "Bytes are no proof of this circuit.");
create_exception!(zkinfer_core, ProofRejected, CoreError, "A well-formed proof that proves nothing.");
create_exception!(zkinfer_core, Cancelled, CoreError, "The work was stopped; also for a callback to raise.");
create_exception!(zkinfer_core, CoreFailed, CoreError, "The core itself failed: no randomness, a fork, a bug.");

/// An error of ours as one of Python's.
pub(crate) trait Raise {
    fn raise(self, py: Python<'_>) -> PyErr;
}

/// What [`Raise`] makes of a result.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Raise> OrRaise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|e| e.raise(py))
    }
}

fn new<E: pyo3::PyTypeInfo>(error: &impl Display) -> PyErr {
    PyErr::new::<E, _>(error.to_string())
}

/// Where a value is, and what it should be.
#[derive(Default)]
struct Place {
    layer: Option<usize>,
    map: Option<usize>,
    position: Option<usize>,
    value: Option<i64>,
    range: Option<[i64; 2]>,
}

impl Place {
    fn layer(layer: usize) -> Self {
        Place { layer: Some(layer), ..Place::default() }
    }

    fn map(self, map: usize) -> Self {
        Place { map: Some(map), ..self }
    }

    fn at(self, position: usize, value: i64, range: Option<[i64; 2]>) -> Self {
        Place { position: Some(position), value: Some(value), range, ..self }
    }
}

fn placed<E: pyo3::PyTypeInfo>(py: Python<'_>, error: &impl Display, place: Place) -> PyErr {
    let raised = new::<E>(error);
    let value = raised.value(py);
    let [low, high] = place.range.map_or([None; 2], |range| range.map(Some));
    let set = || {
        value.setattr("layer", place.layer)?;
        value.setattr("map", place.map)?;
        value.setattr("position", place.position)?;
        value.setattr("value", place.value)?;
        value.setattr("low", low)?;
        value.setattr("high", high)
    };
    match set() {
        Ok(()) => raised,
        Err(e) => e,
    }
}

/// `[-2^bits, 2^bits - 1]`.
fn signed(bits: u8) -> Option<[i64; 2]> {
    let limit = 1i64.checked_shl(bits.into()).filter(|v| *v > 0)?;
    Some([-limit, limit - 1])
}

impl Raise for WitnessError {
    fn raise(self, py: Python<'_>) -> PyErr {
        use WitnessError::*;
        match self {
            InputCount { .. } => new::<InputRefused>(&self),
            InputOutOfDomain { position, domain, got } => {
                placed::<WitnessOutOfRange>(py, &self, Place::default().at(position, got, Some(domain)))
            }
            OutOfCalibratedRange { layer, position, domain, got } => {
                placed::<WitnessOutOfRange>(py, &self, Place::layer(layer).at(position, got, Some(domain)))
            }
            LayerCount { .. } => placed::<WeightsRefused>(py, &self, Place::default()),
            MapCount { layer, .. } | BiasCount { layer, .. } => {
                placed::<WeightsRefused>(py, &self, Place::layer(layer))
            }
            WeightCount { layer, map, .. } => placed::<WeightsRefused>(py, &self, Place::layer(layer).map(map)),
            WeightOutOfRange { layer, map, position, bits, got } => {
                placed::<WeightsRefused>(py, &self, Place::layer(layer).map(map).at(position, got, signed(bits)))
            }
            BiasOutOfRange { layer, position, bits, got } => {
                placed::<WeightsRefused>(py, &self, Place::layer(layer).at(position, got, signed(bits)))
            }
        }
    }
}

impl Raise for Infallible {
    fn raise(self, _: Python<'_>) -> PyErr {
        match self {}
    }
}

impl Raise for DescriptorError {
    fn raise(self, _: Python<'_>) -> PyErr {
        new::<LayoutRefused>(&self)
    }
}

impl Raise for LayoutError {
    fn raise(self, _: Python<'_>) -> PyErr {
        new::<LayoutRefused>(&self)
    }
}

impl Raise for SrsError {
    fn raise(self, _: Python<'_>) -> PyErr {
        new::<SrsRefused>(&self)
    }
}

impl Raise for KeyError {
    fn raise(self, _: Python<'_>) -> PyErr {
        new::<KeyMalformed>(&self)
    }
}

impl Raise for SetupError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            SetupError::Layout(e) => e.raise(py),
            SetupError::Weights(e) => e.raise(py),
            SetupError::Scheme(_) | SetupError::Randomness(_) => new::<CoreFailed>(&self),
            SetupError::Cancelled(_) | SetupError::Registration(ProveError::Cancelled(_)) => new::<Cancelled>(&self),
            SetupError::Registration(_) | SetupError::Registered(_) => new::<CoreFailed>(&self),
        }
    }
}

impl Raise for ProveError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            ProveError::Witness(e) => e.raise(py),
            ProveError::Statement(_) => new::<StatementRefused>(&self),
            ProveError::CommittedInput => new::<InputRefused>(&self),
            ProveError::Scheme(_) | ProveError::Randomness(_) | ProveError::ZeroChallenge(_) => {
                new::<CoreFailed>(&self)
            }
            ProveError::Cancelled(_) => new::<Cancelled>(&self),
        }
    }
}

impl Raise for VerifyError {
    fn raise(self, _: Python<'_>) -> PyErr {
        match self {
            VerifyError::Statement(_) => new::<StatementRefused>(&self),
            VerifyError::Malformed(_) => new::<ProofMalformed>(&self),
            VerifyError::Rejected(_) => new::<ProofRejected>(&self),
            // keys that were set up or read are registered
            VerifyError::Unregistered => new::<KeyMalformed>(&self),
        }
    }
}
