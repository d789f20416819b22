//! Keys as bytes, over KZG; work that is watched and stopped.

use super::honest::CTX;
use super::mutations::{plus_modulus, plus_one};
use super::networks::*;
use crate::descriptor::*;
use crate::field::{Fr, Word, number};
use crate::keys::{ChunkCount, CommittedInput, KeyError, ProvingKey, VerifyingKey, commit_input_with, setup_with};
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::progress::{Cancelled, Stage, Step, Watched};
use crate::prove::{ProveError, prove, prove_with};
use crate::scheme::{Committer, Scheme};
use crate::srs::Srs;
use crate::statement::Statement;
use crate::testing::srs;
use crate::transcript::{Transcript, keccak};
use crate::verify::{DOMAIN, VerifyError, replay, verify};
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
    let convolution = Cnn { sizes: [8, 3, 4, 5], ..SMALL_CNN };
    let descriptors = [mlp(), cnn(&convolution, false), sums([10, 4, 4, 6], 1, [2, 4, 4]), pooled(POOLED, 2)];
    for descriptor in descriptors {
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

/// With the digest that belongs to it: whoever damages a file may make it anew.
fn resealed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = bytes[..bytes.len() - 32].to_vec();
    change(&mut body);
    let digest = keccak(&[&body]);
    [body, digest.to_vec()].concat()
}

/// Each part of a key is checked by itself.
#[test]
fn damaged_keys_are_refused_for_what_is_damaged() {
    let (committer, key, committed, _) = keys(cnn(&Cnn { sizes: [8, 3, 4, 5], ..SMALL_CNN }, false), 1);
    let scheme = committer.scheme();
    let (vk, pk) = (key.verifying_key().to_bytes(scheme), key.to_bytes(scheme));
    let ci = committed.unwrap().to_bytes(key.verifying_key());
    let read_vk = |bytes: &[u8]| VerifyingKey::from_bytes(bytes).err();
    let read_pk = |bytes: &[u8]| ProvingKey::from_bytes(bytes).err();
    let read_ci = |bytes: &[u8]| CommittedInput::from_bytes(scheme, key.verifying_key(), bytes).err();
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 2;
        bytes
    };
    for (bytes, error) in [(&vk, &read_vk as &dyn Fn(&[u8]) -> Option<KeyError>), (&pk, &read_pk), (&ci, &read_ci)] {
        assert_eq!(error(bytes), None);
        assert!(matches!(error(&flipped(bytes, 3)), Some(KeyError::Kind { .. })));
        assert_eq!(error(&flipped(bytes, 5)), Some(KeyError::Version { expected: 1, got: 3 }));
    }
    // one key's kind is no other's
    assert!(matches!(read_pk(&vk), Some(KeyError::Kind { .. })));
    // the end of a verifying key is that of its registration
    let registration = read_vk(&flipped(&vk, vk.len() - 1));
    assert!(matches!(registration, Some(KeyError::Registration(VerifyError::Rejected(_)))), "{registration:?}");
    // a digest is about all bytes, and no use against somebody who makes it anew
    for (bytes, error) in [(&pk, &read_pk as &dyn Fn(&[u8]) -> Option<KeyError>), (&ci, &read_ci)] {
        assert_eq!(error(&flipped(bytes, bytes.len() - 1)), Some(KeyError::Damaged));
        let longer = error(&resealed(bytes, |body| body.push(0)));
        assert_eq!(longer, Some(KeyError::Length { part: "after the end", expected: 0, got: 1 }));
        let shorter = error(&resealed(bytes, |body| body.truncate(body.len() - 1)));
        assert!(matches!(shorter, Some(KeyError::Length { .. })), "{shorter:?}");
    }
    let salts = 4 + 2 + 4 + vk.len();
    let salt = resealed(&pk, |body| {
        let word = plus_modulus(body[salts..salts + 32].try_into().unwrap());
        body[salts..salts + 32].copy_from_slice(&word);
    });
    assert!(matches!(read_pk(&salt), Some(KeyError::Salt { position: 0, .. })));
    // 0x7f.. is above every range: weights take the fewest bytes that hold theirs
    let wide = resealed(&pk, |body| *body.last_mut().unwrap() = 0x7f);
    assert!(matches!(read_pk(&wide), Some(KeyError::Values(_))), "{:?}", read_pk(&wide));
    let elsewhere = resealed(&ci, |body| body[6] ^= 1);
    assert!(matches!(read_ci(&elsewhere), Some(KeyError::Circuit { .. })));
    let value = resealed(&ci, |body| *body.last_mut().unwrap() = 16);
    assert!(matches!(read_ci(&value), Some(KeyError::Values(_))));
    let point = resealed(&ci, |body| body[6 + 32 + 63] ^= 1);
    assert!(matches!(read_ci(&point), Some(KeyError::Commitment(_))));
}

/// `circuitId = keccak("plumb-circuit-v1" || id of the parameters || keccak(descriptor) || words of C_W)`.
#[test]
fn an_id_is_the_digest_of_what_is_public() {
    let (committer, key, _, _) = keys(mlp(), 1);
    let (scheme, key) = (committer.scheme(), key.verifying_key());
    let mut label = [0; 32];
    label[..16].copy_from_slice(b"plumb-circuit-v1");
    let words: Vec<_> = key.weights().iter().flat_map(|w| scheme.to_words(w)).collect();
    let descriptor = keccak(&[&key.layout().descriptor().to_bytes()]);
    assert_eq!(key.circuit_id(), keccak(&[&label, &scheme.id(), &descriptor, words.as_flattened()]));
    // one commitment for each chunk
    let none = VerifyingKey::new(scheme, key.layout().clone(), vec![]);
    assert_eq!(none.err(), Some(ChunkCount { expected: key.weights().len(), got: 0 }));
    // other parameters, another circuit
    let other = Srs::unsafe_from_known_secret(Fr::from(5u64), 2).unwrap();
    let elsewhere =
        VerifyingKey::new(&Kzg::new(other.verifier().clone()), key.layout().clone(), key.weights().to_vec());
    assert_ne!(elsewhere.unwrap().circuit_id(), key.circuit_id());
}

/// The last check is the opening's: each of its words counts.
#[test]
fn every_word_of_an_opening_counts() {
    let (committer, key, _, mut s) = keys(mlp(), 2);
    let proven = prove_with(&committer, &key, &s.inputs, None, &CTX, &mut s.rng).unwrap();
    let check = |proof: &[u8]| verify(committer.scheme(), key.verifying_key(), proof, &proven.public_inputs, &CTX);
    assert_eq!(check(&proven.proof), Ok(()));
    let words = proven.proof.as_chunks::<32>().0;
    for i in words.len() - Kzg::opening_words(0)..words.len() {
        let mut words = words.to_vec();
        words[i] = plus_one(&words[i]);
        let got = check(words.as_flattened());
        assert!(matches!(got, Err(VerifyError::Rejected(_))), "{i}: {got:?}");
    }
}

/// Fiat-Shamir inside the opening: the first challenge after a word depends on it, and no challenge before it does.
#[test]
fn every_word_of_an_opening_is_absorbed_before_the_next_challenge() {
    let (committer, proving, _, mut s) = keys(mlp(), 2);
    let (scheme, key) = (committer.scheme(), proving.verifying_key());
    let proven = prove_with(&committer, &proving, &s.inputs, None, &CTX, &mut s.rng).unwrap();
    let statement = Statement::from_words(scheme, key, &proven.public_inputs, &CTX).unwrap();
    let end = replay(scheme, key, &proven.proof, &statement, Transcript::new(DOMAIN)).unwrap();
    let before = end.transcript.log.len();
    let log = |opening: &[Word]| {
        let mut t = end.transcript.clone();
        let _ = scheme.check(&mut t, &end.commitments[0], &end.point, &end.value, opening);
        t.challenge("next");
        t.log.split_off(before)
    };
    let honest = log(end.opening);
    // alpha, gamma, zeta, beta, xi, and whatever may come next
    assert_eq!(honest.len(), 6);
    let first = |got: Vec<Fr>| got.iter().zip(&honest).position(|(x, y)| x != y);
    let point = |at: usize, challenge: usize| (at, true, challenge);
    let mut parts = vec![point(0, 0), point(2, 1), point(4, 1), point(6, 2), point(8, 2)];
    parts.extend((10..17).map(|at| (at, false, 3)));
    parts.extend([point(17, 4), point(19, 5)]);
    for (at, is_point, challenge) in parts {
        let mut opening = end.opening.to_vec();
        if is_point {
            // the generator
            opening[at..at + 2].copy_from_slice(&[number(1), number(2)]);
        } else {
            opening[at] = plus_one(&opening[at]);
        }
        assert_eq!(first(log(&opening)), Some(challenge), "word {at}");
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
