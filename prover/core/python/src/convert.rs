//! Integers and words between Python and Rust. No float anywhere.

use crate::errors::StatementRefused;
use plumb::field::Word;
use plumb::witness::LayerWeights;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};

/// Any array of int64 that offers the buffer protocol, such as numpy's, in the order of its indices.
pub(crate) fn integers(array: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<i64>> {
    let refused = || PyTypeError::new_err(format!("{what}: expected an array of int64"));
    let buffer = PyBuffer::<i64>::get(array).map_err(|e| {
        let error = refused();
        error.set_cause(array.py(), Some(e));
        error
    })?;
    // pyo3 0.30 takes big-endian arrays for native ones on little-endian machines
    match buffer.format().to_bytes() {
        [_] | [b'@' | b'=', _] => buffer.to_vec(array.py()),
        _ => Err(refused()),
    }
}

/// For each layer (one array for each of its maps, the biases).
pub(crate) fn model(weights: Vec<(Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>)>) -> PyResult<Vec<LayerWeights>> {
    let layer = |(layer, (maps, biases)): (usize, (Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>))| {
        let weights = |map: &Bound<'_, PyAny>| integers(map, &format!("weights of layer {layer}"));
        let maps = maps.iter().map(weights).collect::<PyResult<_>>()?;
        Ok(LayerWeights { maps, biases: integers(&biases, &format!("biases of layer {layer}"))? })
    };
    weights.into_iter().enumerate().map(layer).collect()
}

/// The 32 bytes that a proof is made for.
pub(crate) fn context(bytes: &[u8]) -> PyResult<Word> {
    let wrong = |_| StatementRefused::new_err(format!("the context has 32 bytes, got {}", bytes.len()));
    bytes.try_into().map_err(wrong)
}

/// Integers from 0 on to words. Whether they are field elements of their domain is for the verifier to say.
pub(crate) fn words(values: &[Bound<'_, PyInt>]) -> PyResult<Vec<Word>> {
    let word = |(position, value): (usize, &Bound<'_, PyInt>)| {
        let py = value.py();
        let bytes =
            value.call_method1("to_bytes", (32, "big")).map_err(|e| match e.is_instance_of::<PyOverflowError>(py) {
                true => StatementRefused::new_err(format!("public input {position} is no number of 32 bytes")),
                false => e,
            })?;
        let word = bytes.cast::<PyBytes>()?.as_bytes().try_into();
        word.map_err(|_| PyTypeError::new_err(format!("public input {position} is no integer")))
    };
    values.iter().enumerate().map(word).collect()
}

/// The integers of words.
pub(crate) fn numbers(py: Python<'_>, words: &[Word]) -> PyResult<Vec<Py<PyAny>>> {
    let int = py.get_type::<PyInt>();
    let number = |word: &Word| Ok(int.call_method1("from_bytes", (PyBytes::new(py, word), "big"))?.unbind());
    words.iter().map(number).collect()
}
