//! setup, commit, prove, verify.

use crate::convert::{context, integers, model, numbers, words};
use crate::errors::{LayoutRefused, OrRaise};
use crate::keys::{CommittedInput, ProvingKey, Srs, VerifyingKey};
use crate::work::{detached, proof_done, setup_done, watched};
use plumb::descriptor::{Descriptor, Visibility};
use plumb::kzg::Kzg;
use plumb::layout::Layout;
use plumb::progress::Watched;
use plumb::statement::public_input_words;
use plumb::verify::proof_words;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt};

fn visibility(v: Visibility) -> &'static str {
    match v {
        Visibility::Hidden => "hidden",
        Visibility::Committed => "committed",
        Visibility::Public => "public",
    }
}

/// A layout that the checker accepts, and Mercury, which splits c in two.
fn sound(py: Python<'_>, descriptor: &[u8]) -> PyResult<Layout> {
    let layout = Layout::new(Descriptor::from_bytes(descriptor).or_raise(py)?).or_raise(py)?;
    match layout.c() % 2 {
        0 => Ok(layout),
        _ => Err(LayoutRefused::new_err(format!("columns of 2^{} rows; openings need an even power", layout.c()))),
    }
}

/// Checks a descriptor's layout, and says how large everything is.
#[pyfunction]
pub(crate) fn check_descriptor<'py>(py: Python<'py>, descriptor: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let layout = sound(py, descriptor)?;
    let d = layout.descriptor();
    let sizes = PyDict::new(py);
    sizes.set_item("log_rows", layout.c())?;
    sizes.set_item("batch", d.batch)?;
    sizes.set_item("phase1_columns", layout.phase1().len() + layout.masks().len())?;
    sizes.set_item("phase2_columns", layout.phase2().len())?;
    sizes.set_item("weight_chunks", layout.chunks())?;
    sizes.set_item("columns", layout.columns())?;
    sizes.set_item("linear_layers", layout.linear_layers().count())?;
    sizes.set_item("inputs", layout.inputs())?;
    sizes.set_item("outputs", layout.outputs())?;
    sizes.set_item("public_inputs", public_input_words::<Kzg>(&layout))?;
    sizes.set_item("proof_bytes", 32 * proof_words::<Kzg>(&layout))?;
    sizes.set_item("input_visibility", visibility(d.input_visibility))?;
    sizes.set_item("weight_visibility", visibility(d.weight_visibility))?;
    Ok(sizes)
}

/// Checks the layout, salts hidden weights, commits to them and registers them.
#[pyfunction]
#[pyo3(signature = (srs, descriptor, weights, *, on_progress=None))]
pub(crate) fn setup(
    py: Python<'_>,
    srs: &Bound<'_, Srs>,
    descriptor: &[u8],
    weights: Vec<(Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>)>,
    on_progress: Option<Py<PyAny>>,
) -> PyResult<ProvingKey> {
    let committer = &srs.get().committer;
    let layout = sound(py, descriptor)?;
    srs.get().holds(layout.c())?;
    let (descriptor, model) = (layout.descriptor().clone(), model(weights)?);
    let done = setup_done(descriptor.weight_visibility == Visibility::Hidden);
    let key =
        watched(py, on_progress, done, |watch| plumb::keys::setup(&Watched::new(committer, watch), descriptor, model))?;
    Ok(ProvingKey { scheme: Kzg::new(committer.srs().verifier().clone()), key })
}

/// Runs the model on integers without a proof; returns the public outputs.
#[pyfunction]
pub(crate) fn execute(
    py: Python<'_>,
    descriptor: &[u8],
    weights: Vec<(Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>)>,
    inputs: &Bound<'_, PyAny>,
) -> PyResult<Vec<i64>> {
    let layout = sound(py, descriptor)?;
    let (model, inputs) = (model(weights)?, integers(inputs, "inputs")?);
    Ok(detached(py, || plumb::witness::execute(&layout, &model, &inputs))?.outputs.clone())
}

/// Commits to an input, with fresh salts.
#[pyfunction]
pub(crate) fn commit_input(
    py: Python<'_>,
    srs: &Bound<'_, Srs>,
    vk: &Bound<'_, VerifyingKey>,
    inputs: &Bound<'_, PyAny>,
) -> PyResult<CommittedInput> {
    let (srs, vk) = (srs.get(), vk.get());
    srs.fits(&vk.scheme, vk.key.layout().c())?;
    let inputs = integers(inputs, "inputs")?;
    let input = detached(py, || plumb::keys::commit_input(&srs.committer, &vk.key, &inputs))?;
    Ok(CommittedInput { input })
}

/// Proves a batch of inferences; returns the proof and its public inputs.
#[pyfunction]
#[pyo3(signature = (srs, pk, inputs, context, *, committed=None, on_progress=None))]
pub(crate) fn prove<'py>(
    py: Python<'py>,
    srs: &Bound<'_, Srs>,
    pk: &Bound<'_, ProvingKey>,
    inputs: &Bound<'_, PyAny>,
    context: &[u8],
    committed: Option<&Bound<'_, CommittedInput>>,
    on_progress: Option<Py<PyAny>>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<Py<PyAny>>)> {
    let (srs, pk) = (srs.get(), pk.get());
    srs.fits(&pk.scheme, pk.key.verifying_key().layout().c())?;
    let inputs = integers(inputs, "inputs")?;
    let context = self::context(context)?;
    let committed = committed.map(|c| &c.get().input);
    let proven = watched(py, on_progress, proof_done, |watch| {
        plumb::prove::prove(&Watched::new(&srs.committer, watch), &pk.key, &inputs, committed, &context)
    })?;
    Ok((PyBytes::new(py, &proven.proof), numbers(py, &proven.public_inputs)?))
}

/// Returns if the proof convinces, and raises otherwise.
#[pyfunction]
pub(crate) fn verify(
    py: Python<'_>,
    vk: &Bound<'_, VerifyingKey>,
    proof: &[u8],
    public_inputs: Vec<Bound<'_, PyInt>>,
    context: &[u8],
) -> PyResult<()> {
    let vk = vk.get();
    let public_inputs = words(&public_inputs)?;
    let context = self::context(context)?;
    detached(py, || plumb::verify::verify(&vk.scheme, &vk.key, proof, &public_inputs, &context))
}
