//! Proofs that another implementation made from the same seeds: `tests/reference/plumb`, in Python. Every byte agrees.

use crate::descriptor::Descriptor;
use crate::field::{Fr, Word};
use crate::keys::{commit_input_with, setup_with};
use crate::kzg::KzgCommitter;
use crate::layout::Layout;
use crate::prove::prove_with;
use crate::randomness::Seeded;
use crate::scheme::{Committer, Scheme};
use crate::srs::Srs;
use crate::verify::verify;
use crate::witness::LayerWeights;
use ark_ff::PrimeField;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn files(prefix: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/golden"));
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| name(path).starts_with(prefix) && name(path).ends_with(".json"));
    files.sort();
    files
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn word(value: &Value) -> Word {
    bytes(value).try_into().unwrap()
}

fn words(value: &Value) -> Vec<Word> {
    value.as_array().unwrap().iter().map(word).collect()
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect()
}

fn model(value: &Value) -> Vec<LayerWeights> {
    let maps = |layer: &Value| layer["maps"].as_array().unwrap().iter().map(integers).collect();
    let layers = value.as_array().unwrap().iter();
    layers.map(|layer| LayerWeights { maps: maps(layer), biases: integers(&layer["biases"]) }).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Message by message, so that a difference has a name.
fn compare(proof: &[u8], golden: &Value) {
    let mut rest = proof.as_chunks::<32>().0;
    for (i, message) in golden["messages"].as_array().unwrap().iter().enumerate() {
        let expected = words(&message[1]);
        let (got, after) = rest.split_at(expected.len());
        assert_eq!(got, expected, "message {i}, {}", message[0]);
        rest = after;
    }
    assert!(rest.is_empty());
    assert_eq!(proof, bytes(&golden["proof"]));
}

/// Proves again from the seeds, and compares.
fn check(path: &Path) {
    let golden = read(path);
    let seed = |name: &str| Seeded::new(golden["seeds"][name].as_u64().unwrap());
    let encoded = bytes(&golden["descriptor"]);
    let descriptor = Descriptor::from_bytes(&encoded).unwrap();
    assert_eq!(descriptor.to_bytes(), encoded);
    let layout = Layout::new(descriptor).unwrap();
    let tau = Fr::from_be_bytes_mod_order(&bytes(&golden["tau"]));
    let committer = KzgCommitter::new(Srs::unsafe_from_known_secret(tau, layout.c() as u32).unwrap());
    let (inputs, ctx) = (integers(&golden["inputs"]), word(&golden["ctx"]));

    let key = setup_with(&committer, layout, model(&golden["model"]), &mut seed("setup")).unwrap();
    let weights: Vec<_> = key.verifying.weights.iter().map(|c| committer.scheme().to_words(c)).collect();
    assert_eq!(weights, golden["weights"].as_array().unwrap().iter().map(words).collect::<Vec<_>>());
    assert_eq!(key.verifying.circuit_id(), word(&golden["circuit_id"]));

    let registration =
        path.with_file_name(path.file_name().unwrap().to_str().unwrap().replace("-v1-", "-register-v1-"));
    match key.verifying.registration() {
        [] => assert!(!registration.exists()),
        proof => compare(proof, &read(&registration)),
    }

    let layout = key.verifying.layout();
    let committed =
        layout.commits_input().then(|| commit_input_with(&committer, layout, &inputs, &mut seed("input")).unwrap());
    let proven = prove_with(&committer, &key, &inputs, committed.as_ref(), &ctx, &mut seed("proof")).unwrap();
    assert_eq!(proven.public_inputs, words(&golden["public_inputs"]));

    compare(&proven.proof, &golden);
    verify(committer.scheme(), &key.verifying, &proven.proof, &proven.public_inputs, &ctx).unwrap();
}

#[test]
fn both_implementations_agree() {
    let files = files("plumb-v1-");
    assert!(files.len() >= 6);
    files.iter().for_each(|path| check(path));
}
