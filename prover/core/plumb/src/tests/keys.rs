//! Keys as bytes, over KZG; work that is watched and stopped.

use super::honest::CTX;
use super::networks::*;
use crate::descriptor::*;
use crate::keys::{CommittedInput, KeyError, ProvingKey, VerifyingKey, commit_input_with, setup_with};
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::progress::{Cancelled, Stage, Step, Watched};
use crate::prove::{ProveError, prove, prove_with};
use crate::scheme::Committer;
use crate::testing::srs;
use crate::verify::verify;
use std::sync::Mutex;

/// A model over an ideal commitment, once more over KZG.
fn keys(descriptor: Descriptor, seed: u64) -> (KzgCommitter, ProvingKey<Kzg>, Option<CommittedInput<Kzg>>, Setting) {
    let mut s = Setting::new(descriptor, seed);
    let layout: Layout = s.layout().clone();
    let committer = KzgCommitter::new(srs(layout.c() as u32));
    let committed =
        layout.commits_input().then(|| commit_input_with(&committer, &layout, &s.inputs, &mut s.rng).unwrap());
    let key = setup_with(&committer, layout, s.key.model.clone(), &mut s.rng).unwrap();
    (committer, key, committed, s)
}

#[test]
fn keys_come_back_from_their_bytes_and_work() {
    // openings need an even c
    for descriptor in [mlp(), cnn(&Cnn { sizes: [8, 3, 4, 5], ..SMALL_CNN }, false), sums([10, 4, 4, 6], 1, [2, 4, 4])]
    {
        let (committer, key, committed, mut s) = keys(descriptor, 1);
        let bytes = key.to_bytes(committer.scheme());
        let (scheme, again) = ProvingKey::from_bytes(&bytes).unwrap();
        assert_eq!(&scheme, committer.scheme());
        assert_eq!((&again.model, &again.chunks), (&key.model, &key.chunks));
        assert_eq!(again.to_bytes(&scheme), bytes);
        let verifying = key.verifying_key().to_bytes(&scheme);
        let (scheme, verifying_again) = VerifyingKey::from_bytes(&verifying).unwrap();
        assert_eq!(verifying_again.circuit_id(), key.verifying_key().circuit_id());
        assert_eq!(verifying_again.to_bytes(&scheme), verifying);
        let committed = committed.map(|committed| {
            let bytes = committed.to_bytes(&verifying_again);
            let again = CommittedInput::from_bytes(&scheme, &verifying_again, &bytes).unwrap();
            assert_eq!((&again.column, again.commitment), (&committed.column, committed.commitment));
            again
        });
        let proven = prove_with(&committer, &again, &s.inputs, committed.as_ref(), &CTX, &mut s.rng).unwrap();
        assert_eq!(verify(&scheme, &verifying_again, &proven.proof, &proven.public_inputs, &CTX), Ok(()));
    }
}

#[test]
fn every_prefix_and_every_longer_key_is_refused() {
    let (committer, key, _, _) = keys(mlp(), 1);
    let bytes = key.verifying_key().to_bytes(committer.scheme());
    for n in 0..bytes.len() {
        assert!(matches!(VerifyingKey::from_bytes(&bytes[..n]), Err(KeyError::Length { .. } | KeyError::Kind { .. })));
    }
    let longer = [&bytes[..], &[0]].concat();
    let error = KeyError::Length { part: "after the end", expected: 0, got: 1 };
    assert_eq!(VerifyingKey::from_bytes(&longer).err(), Some(error));
    let bytes = key.to_bytes(committer.scheme());
    for n in 0..bytes.len() {
        let error = ProvingKey::from_bytes(&bytes[..n]).err();
        assert!(matches!(error, Some(KeyError::Length { .. } | KeyError::Damaged)), "{n}: {error:?}");
    }
}

#[test]
fn a_watcher_hears_every_step_and_can_stop_before_any() {
    let mut s = Setting::new(mlp(), 1);
    let heard = Mutex::new(vec![]);
    let watched = Watched::new(&s.scheme, |step: Step| {
        heard.lock().unwrap().push(step);
        Ok(())
    });
    prove_with(&watched, &s.key, &s.inputs, None, &CTX, &mut s.rng).unwrap();
    let steps = heard.into_inner().unwrap();
    assert!(steps.is_sorted_by_key(|s| (s.stage, s.part)));
    let count = |stage| steps.iter().filter(|s| s.stage == stage).count();
    assert_eq!(count(Stage::Commit), s.layout().phase1().len() + 2);
    assert_eq!(count(Stage::CommitHelpers), s.layout().phase2().len());
    for whole in [Stage::Execute, Stage::Lookups, Stage::Weights, Stage::Claims, Stage::Open] {
        assert!(steps.contains(&Step::whole(whole)));
    }
    for stop in &steps {
        let watched = Watched::new(&s.scheme, |step| if step == *stop { Err(Cancelled) } else { Ok(()) });
        let error = prove(&watched, &s.key, &s.inputs, None, &CTX).unwrap_err();
        assert_eq!(error, ProveError::Cancelled(Cancelled));
    }
    assert!(s.scheme.take_opened().len() == 1);
}
