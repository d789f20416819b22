//! A proof is accepted if and only if nothing was damaged: every word, lengths, the statement, the key.

use super::honest::{CTX, honest};
use super::networks::*;
use crate::descriptor::Descriptor;
use crate::field::{Word, from_word, to_word};
use crate::keys::{VerifyingKey, commit_input_with};
use crate::proof::Malformed;
use crate::prove::Proven;
use crate::randomness::Seeded;
use crate::scheme::ideal::Ideal;
use crate::statement::{Statement, StatementError};
use crate::transcript::{Script, Transcript, ZeroChallenge};
use crate::verify::{DOMAIN, Rejection, VerifyError, replay, verify};
use ark_ff::One;

pub(super) fn plus_one(word: &Word) -> Word {
    to_word(&(from_word(word).unwrap() + crate::field::Fr::one()))
}

/// The word plus the modulus: the same element, another encoding.
pub(super) fn plus_modulus(word: &Word) -> Word {
    let minus_one = to_word(&-crate::field::Fr::one());
    let mut out = [0; 32];
    let mut carry = 1u16;
    for i in (0..32).rev() {
        let sum = u16::from(word[i]) + u16::from(minus_one[i]) + carry;
        out[i] = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    out
}

fn setting(d: Descriptor) -> (Setting, Proven) {
    let mut s = Setting::new(d, 1);
    let proven = honest(&mut s);
    (s, proven)
}

fn check(s: &Setting, proof: &[u8], public: &[Word]) -> Result<(), VerifyError> {
    verify(&s.scheme, &s.key.verifying, proof, public, &CTX)
}

#[test]
fn every_word_of_a_proof() {
    for d in [mlp(), cnn(&CNN, false), mixed(), pooled(POOLED, 2), ending([9, 3, 4, 6], 3, 5, End::Top1)] {
        let (s, proven) = setting(d);
        check(&s, &proven.proof, &proven.public_inputs).unwrap();
        let words = proven.proof.as_chunks::<32>().0;
        let commitments = s.layout().phase1().len() + 2;
        let with = |i: usize, word: Word| {
            let mut words = words.to_vec();
            words[i] = word;
            check(&s, words.as_flattened(), &proven.public_inputs)
        };
        for (i, word) in words.iter().enumerate() {
            assert!(matches!(with(i, plus_one(word)), Err(VerifyError::Rejected(Rejection::Opening(_)))), "{i}");
            assert!(matches!(with(i, plus_modulus(word)), Err(VerifyError::Malformed(_))), "{i}");
            let zero = with(i, [0; 32]);
            match i < commitments {
                true => assert_eq!(zero, Err(VerifyError::Rejected(Rejection::IdentityCommitment { position: i }))),
                false => assert!(zero.is_err()),
            }
            let next = (i + 1) % words.len();
            let mut swapped = words.to_vec();
            swapped.swap(i, next);
            assert!(check(&s, swapped.as_flattened(), &proven.public_inputs).is_err(), "swap {i}");
        }
    }
}

#[test]
fn lengths() {
    let (s, proven) = setting(mlp());
    let expected = proven.proof.len();
    let longer = [&proven.proof[..], &[0; 32]].concat();
    for got in [0, 1, 31, 32, expected - 32, expected - 1, expected + 1, expected + 32] {
        let error = VerifyError::Malformed(Malformed::Length { expected, got });
        assert_eq!(check(&s, &longer[..got], &proven.public_inputs), Err(error));
    }
    let public = &proven.public_inputs;
    for words in [&public[1..], &[&public[..], &[[0; 32]]].concat()] {
        let error = StatementError::Count { expected: public.len(), got: words.len() };
        assert_eq!(check(&s, &proven.proof, words), Err(VerifyError::Statement(error)));
    }
}

#[test]
fn statements() {
    let (mut s, proven) = setting(cnn(&CNN, false));
    let public = proven.public_inputs.clone();
    assert_eq!(public.len(), 1 + 8);
    let opening =
        |r: Result<(), VerifyError>| assert!(matches!(r, Err(VerifyError::Rejected(Rejection::Opening(_)))), "{r:?}");
    let key = |s: &Setting| s.key.verifying.clone();
    let with = |s: &Setting, key: &VerifyingKey<Ideal>, public: &[Word], ctx: &Word| {
        verify(&s.scheme, key, &proven.proof, public, ctx)
    };
    with(&s, &key(&s), &public, &CTX).unwrap();
    // another ctx, another mode or batch word, another circuit id
    opening(with(&s, &key(&s), &public, &[7; 32]));
    let mut renamed = key(&s);
    renamed.circuit_id[31] ^= 1;
    opening(with(&s, &renamed, &public, &CTX));
    let statement = Statement::from_words(&s.scheme, &key(&s), &public, &CTX).unwrap();
    let absorbed = |visibility, batch| {
        let mut d = s.layout().descriptor().clone();
        (d.input_visibility, d.batch) = (visibility, batch);
        let mut t = Transcript::new(DOMAIN);
        statement.absorb(&s.scheme, &crate::layout::Layout::unchecked(d), &mut t);
        t.challenge("r")
    };
    use crate::descriptor::Visibility::{Committed, Hidden, Public};
    let challenges = [absorbed(Committed, 2), absorbed(Hidden, 2), absorbed(Public, 2), absorbed(Committed, 3)];
    assert!((1..4).all(|i| !challenges[..i].contains(&challenges[i])));
    // another model, under its own id and under this one; the same model with other salts; another committed input
    let layout = s.layout().clone();
    let model = random_model(&layout, &mut Seeded::new(999), [-3, 4], [-8, 8]);
    let other = registered_key(&s.scheme, layout.clone(), model, &mut s.rng).verifying;
    opening(with(&s, &other, &public, &CTX));
    let mut patched = other.clone();
    patched.circuit_id = s.key.verifying.circuit_id;
    opening(with(&s, &patched, &public, &CTX));
    let resalted = registered_key(&s.scheme, layout.clone(), s.key.model.clone(), &mut s.rng).verifying;
    opening(with(&s, &resalted, &public, &CTX));
    let committed = commit_input_with(&s.scheme, &layout, &s.inputs, &mut s.rng).unwrap();
    let edited = |i: usize, word: Word| {
        let mut public = public.clone();
        public[i] = word;
        public
    };
    opening(with(&s, &key(&s), &edited(0, to_word(&committed.commitment)), &CTX));
    let identity = with(&s, &key(&s), &edited(0, [0; 32]), &CTX);
    assert_eq!(identity, Err(VerifyError::Statement(StatementError::IdentityCommitment)));
    // outputs: others, in another order, in another encoding, outside their domain
    for (i, word) in public.iter().enumerate().skip(1) {
        opening(with(&s, &key(&s), &edited(i, plus_one(word)), &CTX));
        let canonical = with(&s, &key(&s), &edited(i, plus_modulus(word)), &CTX);
        assert!(
            matches!(canonical, Err(VerifyError::Statement(StatementError::Scalar { position, .. })) if position == i)
        );
        for far in [32i64, -33, 1 << 40] {
            let word = to_word(&crate::field::Fr::from(far));
            let expected = StatementError::Domain { position: i, expected: [-32, 31], got: word };
            assert_eq!(with(&s, &key(&s), &edited(i, word), &CTX), Err(VerifyError::Statement(expected)));
        }
    }
    let mut swapped = public.clone();
    swapped[1..].rotate_left(4);
    assert_ne!(swapped, public);
    opening(with(&s, &key(&s), &swapped, &CTX));
}

/// The statement is absorbed as the protocol says: ids, mode, batch, lengths, public inputs.
#[test]
fn every_word_of_a_statement() {
    let (s, proven) = setting(cnn(&CNN, false));
    let key = &s.key.verifying;
    let statement = Statement::from_words(&s.scheme, key, &proven.public_inputs, &CTX).unwrap();
    let (inputs, outputs) = (s.layout().inputs() as u64, s.layout().outputs() as u64);
    let mut words = vec![key.circuit_id, CTX];
    words.extend([1, 2, inputs, outputs].map(crate::field::number));
    words.extend(&proven.public_inputs);
    let [mut expected, mut got] = [Transcript::new(DOMAIN), Transcript::new(DOMAIN)];
    expected.absorb_words("statement", &words);
    statement.absorb(&s.scheme, s.layout(), &mut got);
    assert_eq!(got.challenge("r"), expected.challenge("r"));
}

/// Public cells and indices: any other one, in any encoding, is refused.
#[test]
fn every_other_output() {
    for (end, domain) in [(End::Threshold, [-32, 31]), (End::Scores, [-32, 31]), (End::Top1, [0, 4])] {
        let (s, proven) = setting(ending([9, 3, 4, 6], 3, 5, end));
        let outputs = s.layout().outputs();
        assert_eq!((outputs, s.layout().output_domain()), (if end == End::Top1 { 3 } else { 15 }, domain));
        for i in 1..=outputs {
            for other in domain[0] - 2..domain[1] + 3 {
                let mut public = proven.public_inputs.clone();
                let word = to_word(&crate::field::Fr::from(other));
                let same = std::mem::replace(&mut public[i], word) == word;
                match check(&s, &proven.proof, &public) {
                    Ok(()) => assert!(same),
                    Err(VerifyError::Rejected(Rejection::Opening(_))) => {
                        assert!(!same && (domain[0]..=domain[1]).contains(&other))
                    }
                    Err(VerifyError::Statement(StatementError::Domain { position, expected, got })) => {
                        assert_eq!((position, expected, got), (i, domain, word));
                        assert!(!(domain[0]..=domain[1]).contains(&other))
                    }
                    Err(e) => panic!("{e}"),
                }
            }
        }
    }
}

#[test]
fn public_inputs_are_bound() {
    let (s, proven) = setting(mixed());
    let public = &proven.public_inputs;
    assert_eq!(public.len(), 3 * 70 + 6);
    for i in [0, 1, 69, 70, 209] {
        let mut edited = public.clone();
        edited[i] = to_word(&crate::field::Fr::from(8u64));
        let expected = StatementError::Domain { position: i, expected: [0, 7], got: edited[i] };
        assert_eq!(check(&s, &proven.proof, &edited), Err(VerifyError::Statement(expected)));
        edited[i] = to_word(&crate::field::Fr::from((public[i][31] as u64 + 1) % 8));
        assert!(matches!(check(&s, &proven.proof, &edited), Err(VerifyError::Rejected(Rejection::Opening(_)))));
    }
}

#[test]
fn zero_challenges() {
    let (s, proven) = setting(mlp());
    let statement = Statement::from_words(&s.scheme, &s.key.verifying, &proven.public_inputs, &CTX).unwrap();
    for label in ["r", "rhoA", "rhoD"] {
        let mut t = Transcript::new(DOMAIN);
        t.script = Script::Zero(label);
        let error = replay(&s.scheme, &s.key.verifying, &proven.proof, &statement, t).err();
        assert_eq!(error, Some(VerifyError::Rejected(Rejection::ZeroChallenge(ZeroChallenge { label }))));
    }
}

/// Any combination of damages: accepted if and only if there is none.
#[test]
fn accepted_if_and_only_if_undamaged() {
    let (s, proven) = setting(cnn(&CNN, true));
    let mut rng = Seeded::new(5);
    let mut accepted = 0;
    for _ in 0..400 {
        let (mut proof, mut public, mut ctx) = (proven.proof.clone(), proven.public_inputs.clone(), CTX);
        let mut key = s.key.verifying.clone();
        for _ in 0..rng.below(3) {
            match rng.below(6) {
                0 => {
                    let at = rng.below(proof.len() as u64) as usize;
                    proof[at] ^= 1 << rng.below(8);
                }
                1 => {
                    let at = rng.below(public.len() as u64) as usize;
                    public[at][rng.below(32) as usize] ^= 1 << rng.below(8);
                }
                2 => ctx[rng.below(32) as usize] ^= 1 << rng.below(8),
                3 => key.circuit_id[rng.below(32) as usize] ^= 1 << rng.below(8),
                4 => proof.truncate(proof.len() - rng.below(40).min(proof.len() as u64) as usize),
                _ => key.weights[0] += crate::field::Fr::one(),
            }
        }
        let same_key = key.circuit_id == s.key.verifying.circuit_id && key.weights == s.key.verifying.weights;
        let undamaged = proof == proven.proof && public == proven.public_inputs && ctx == CTX && same_key;
        let got = verify(&s.scheme, &key, &proof, &public, &ctx);
        assert_eq!(got.is_ok(), undamaged, "{got:?}");
        accepted += usize::from(undamaged);
        if proof.is_empty() {
            break;
        }
    }
    assert!(accepted > 50);
}

/// Fiat-Shamir: the first challenge after a word depends on it, and no challenge before it does.
#[test]
fn every_word_is_absorbed_before_the_next_challenge() {
    let (s, proven) = setting(cnn(&CNN, false));
    let key = &s.key.verifying;
    let log = |proof: &[u8], statement: &Statement<crate::field::Fr>| {
        replay(&s.scheme, key, proof, statement, Transcript::new(DOMAIN)).unwrap().transcript.log
    };
    let statement = Statement::from_words(&s.scheme, key, &proven.public_inputs, &CTX).unwrap();
    let honest = log(&proven.proof, &statement);
    // (words, challenges after them)
    let (layout, c) = (s.layout(), s.layout().c());
    let mut schedule = vec![(layout.phase1().len() + 2, 3), (layout.phase2().len(), 1 + c + 1)];
    // H_A is absorbed with the first round
    let degrees = std::iter::repeat_n(2, layout.weight_variables() - c).chain(std::iter::repeat_n(4, c));
    schedule.extend((0..).zip(degrees).map(|(i, degree)| (degree + usize::from(i == 0), 1)));
    schedule.extend([(layout.evaluated() + 2, 3), (1, 1)]);
    schedule.extend(vec![(2, 1); c]);
    let words = proven.proof.as_chunks::<32>().0;
    assert_eq!(schedule.iter().map(|s| s.0).sum::<usize>(), words.len());
    assert_eq!(schedule.iter().map(|s| s.1).sum::<usize>(), honest.len());
    let (mut word, mut challenge) = (0, 0);
    for (n, challenges) in schedule {
        for i in word..word + n {
            let mut words = words.to_vec();
            words[i] = plus_one(&words[i]);
            let got = log(words.as_flattened(), &statement);
            let first = got.iter().zip(&honest).position(|(x, y)| x != y);
            assert_eq!(first, Some(challenge), "word {i}");
            assert!(got[challenge..].iter().zip(&honest[challenge..]).all(|(x, y)| x != y));
        }
        (word, challenge) = (word + n, challenge + challenges);
    }
    // the statement, before them all
    let mut others = vec![];
    for i in 0..32 {
        others.extend([statement.clone(), statement.clone()]);
        let [a, b] = others.last_chunk_mut().unwrap();
        a.ctx[i] ^= 1;
        b.circuit_id[i] ^= 1;
    }
    others.extend((0..8).map(|i| {
        let mut other = statement.clone();
        other.outputs[i] += crate::field::Fr::one();
        other
    }));
    others
        .push(Statement { commitment: statement.commitment.map(|c| c + crate::field::Fr::one()), ..statement.clone() });
    assert!(others.iter().all(|other| log(&proven.proof, other)[0] != honest[0]));
}
