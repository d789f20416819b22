//! Universal parameters, keys and committed inputs as Python objects: immutable, with their bytes.

use crate::errors::{OrRaise, SrsRefused};
use crate::work::detached;
use plumb::field::Word;
use plumb::keys;
use plumb::kzg::{Kzg, KzgCommitter};
use plumb::scheme::Scheme;
use plumb::srs::{G1_BYTES, SrsError};
use plumb::verify::proof_words;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Universal parameters: powers of one secret, checked.
#[pyclass(frozen, module = "zkinfer_core")]
pub(crate) struct Srs {
    pub(crate) committer: KzgCommitter,
}

impl From<plumb::srs::Srs> for Srs {
    fn from(srs: plumb::srs::Srs) -> Self {
        Srs { committer: KzgCommitter::new(srs) }
    }
}

impl Srs {
    fn inner(&self) -> &plumb::srs::Srs {
        self.committer.srs()
    }

    /// Refuses to work for a circuit over other parameters, or with larger columns.
    pub(crate) fn fits(&self, scheme: &Kzg, log_rows: usize) -> PyResult<()> {
        if scheme.id() != self.inner().id() {
            let error =
                format!("the key is over the parameters {}, these are {}", hex(&scheme.id()), hex(&self.inner().id()));
            return Err(SrsRefused::new_err(error));
        }
        self.holds(log_rows)
    }

    /// Refuses columns that are larger than there are powers.
    pub(crate) fn holds(&self, log_rows: usize) -> PyResult<()> {
        if log_rows > self.inner().log_size() as usize {
            let error = format!("the circuit needs 2^{log_rows} powers, there are 2^{}", self.inner().log_size());
            return Err(SrsRefused::new_err(error));
        }
        Ok(())
    }
}

#[pymethods]
impl Srs {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, g1: &[u8], g2: &[u8]) -> PyResult<Self> {
        let powers = g1.len() / G1_BYTES;
        detached(py, || {
            let log_size = powers.checked_ilog2().unwrap_or(0);
            if !powers.is_power_of_two() {
                let expected = G1_BYTES << log_size;
                return Err(SrsError::Length { group: 1, expected, got: g1.len() });
            }
            plumb::srs::Srs::from_bytes(log_size, g1, g2).map(Srs::from)
        })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let (g1, g2) = self.inner().to_bytes();
        (PyBytes::new(py, &g1), PyBytes::new(py, &g2))
    }

    fn truncated(&self, py: Python<'_>, log_size: u32) -> PyResult<Self> {
        self.inner().truncated(log_size).map(Srs::from).or_raise(py)
    }

    #[getter]
    fn log_size(&self) -> u32 {
        self.inner().log_size()
    }

    #[getter]
    fn id(&self) -> Word {
        self.inner().id()
    }

    fn __repr__(&self) -> String {
        format!("<Srs {} of 2^{} powers>", hex(&self.id()), self.log_size())
    }
}

/// What a verifier needs.
#[pyclass(frozen, module = "zkinfer_core")]
pub(crate) struct VerifyingKey {
    pub(crate) scheme: Kzg,
    pub(crate) key: keys::VerifyingKey<Kzg>,
}

#[pymethods]
impl VerifyingKey {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let (scheme, key) = detached(py, || keys::VerifyingKey::from_bytes(bytes))?;
        Ok(VerifyingKey { scheme, key })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.key.to_bytes(&self.scheme))
    }

    #[getter]
    fn circuit_id(&self) -> Word {
        self.key.circuit_id()
    }

    #[getter]
    fn srs_id(&self) -> Word {
        self.scheme.id()
    }

    #[getter]
    fn descriptor<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.key.layout().descriptor().to_bytes())
    }

    #[getter]
    fn commitments<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.key.weights().iter().map(|c| PyBytes::new(py, &c.to_bytes())).collect()
    }

    #[getter]
    fn registration<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.key.registration())
    }

    #[getter]
    fn proof_bytes(&self) -> usize {
        32 * proof_words::<Kzg>(self.key.layout())
    }

    fn __repr__(&self) -> String {
        format!("<VerifyingKey of circuit {}>", hex(&self.circuit_id()))
    }
}

/// What a prover needs; secret where the weights are hidden.
#[pyclass(frozen, module = "zkinfer_core")]
pub(crate) struct ProvingKey {
    pub(crate) scheme: Kzg,
    pub(crate) key: keys::ProvingKey<Kzg>,
}

#[pymethods]
impl ProvingKey {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let (scheme, key) = detached(py, || keys::ProvingKey::from_bytes(bytes))?;
        Ok(ProvingKey { scheme, key })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.key.to_bytes(&self.scheme))
    }

    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { scheme: self.scheme.clone(), key: self.key.verifying_key().clone() }
    }

    fn __repr__(&self) -> String {
        format!("<ProvingKey of circuit {}>", hex(&self.key.verifying_key().circuit_id()))
    }
}

/// An input behind its commitment; secret.
#[pyclass(frozen, module = "zkinfer_core")]
pub(crate) struct CommittedInput {
    pub(crate) input: keys::CommittedInput<Kzg>,
}

#[pymethods]
impl CommittedInput {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, vk: &Bound<'_, VerifyingKey>, bytes: &[u8]) -> PyResult<Self> {
        let vk = vk.get();
        let input = detached(py, || keys::CommittedInput::from_bytes(&vk.scheme, &vk.key, bytes))?;
        Ok(CommittedInput { input })
    }

    fn to_bytes<'py>(&self, py: Python<'py>, vk: &Bound<'_, VerifyingKey>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.input.to_bytes(&vk.get().key))
    }

    #[getter]
    fn commitment<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.input.commitment.to_bytes())
    }
}

pub(crate) fn hex(word: &Word) -> String {
    word.iter().fold("0x".to_string(), |text, byte| text + &format!("{byte:02x}"))
}
