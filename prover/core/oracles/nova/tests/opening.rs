//! Our commitments and openings beside Nova's, on the same parameters: an implementation of the same papers by others.
//!
//! Both sides do the same up to zeta: five points, which follow the challenges alpha and gamma. There the paper, and Nova
//! with it, sends six values and shows the division by a point and an equation of its own. We send interpolants, which
//! have these values and that of p (Nova's h) at alpha, and open the division with the rest. So the points and the values
//! are compared, under the same challenges, and nothing after them; each proof verifies in its own verifier only.

use ark_bn254::Fr;
use ark_ff::{Field, One, PrimeField, Zero};
use halo2curves::bn256;
use halo2curves::group::Curve;
use nova_snark::provider::{hyperkzg, mercury};
use nova_snark::spartan::polys::multilinear::MultilinearPolynomial;
use nova_snark::traits::TranscriptEngineTrait;
use nova_snark::traits::commitment::CommitmentEngineTrait;
use nova_snark::traits::evaluation::EvaluationEngineTrait;
use plumb::closed_forms::evaluate;
use plumb::commit::{Commitment, Encoding, commit, g1_from_bytes};
use plumb::field::from_word;
use plumb::kzg::KzgCommitter;
use plumb::opening::{self, OpeningError, OpeningProof};
use plumb::scheme::Committer;
use plumb::srs::Srs;
use plumb::transcript::Transcript;
use plumb_oracle_nova::{AsNova, E, NovaTranscript, commitment, ours, point, scalar, scalars};
use serde_json::Value;
use sha3::{Digest, Keccak256};

type Ck = hyperkzg::CommitmentKey<E>;
type Engine = hyperkzg::CommitmentEngine<E>;
type Mercury = mercury::EvaluationEngine<E>;
type HyperKzg = hyperkzg::EvaluationEngine<E>;

const LABEL: &[u8] = b"oracle";
const RUNS: usize = 12;

struct Stream(u64);

impl Stream {
    fn word(&mut self) -> [u8; 32] {
        self.0 += 1;
        Keccak256::digest(self.0.to_be_bytes()).into()
    }

    fn scalar(&mut self) -> Fr {
        Fr::from_be_bytes_mod_order(&self.word())
    }

    fn below(&mut self, n: u64) -> u64 {
        u64::from_be_bytes(self.word()[..8].try_into().unwrap()) % n
    }

    fn scalars(&mut self, n: usize) -> Vec<Fr> {
        (0..n).map(|_| self.scalar()).collect()
    }
}

/// Both sides' parameters: our powers, and [tau]_2 by Nova's curve.
fn parameters(stream: &mut Stream, log_size: u32) -> (Srs, Ck) {
    let tau = stream.scalar();
    let srs = Srs::unsafe_from_known_secret(tau, log_size).unwrap();
    let powers: Vec<bn256::G1Affine> = srs.powers().iter().map(point).collect();
    let tau_g2 = (bn256::G2Affine::generator() * scalar(&tau)).to_affine();
    let h = powers[0];
    (srs, Ck::new(powers, h, tau_g2).unwrap())
}

/// Columns of every kind that Plumb commits to.
fn columns(stream: &mut Stream, n: usize) -> Vec<(&'static str, Vec<Fr>)> {
    let small = |stream: &mut Stream| Fr::from(stream.below(1 << 17) as i64 - (1 << 16));
    let dense = stream.scalars(n);
    let integers: Vec<Fr> = (0..n).map(|_| small(stream)).collect();
    let mut sparse = vec![Fr::zero(); n];
    for _ in 0..n.div_ceil(8) + 2 {
        sparse[stream.below(n as u64) as usize] = stream.scalar();
    }
    // not all in the first row: then there is no proof, see below
    sparse[n - 1] = stream.scalar();
    let mut zero_tail = stream.scalars(n);
    zero_tail[n / 2 + 1..].fill(Fr::zero());
    let mut padded = integers.clone();
    let pads = 8.min(n / 2);
    padded[n - pads..].copy_from_slice(&stream.scalars(pads));
    vec![
        ("dense", dense),
        ("small integers", integers),
        ("sparse", sparse),
        ("zero tail", zero_tail),
        ("small integers before random pads", padded),
    ]
}

fn every_case(mut check: impl FnMut(&Srs, &Ck, &str, &[Fr], &[Fr])) {
    let mut stream = Stream(0);
    for log_size in [2, 4, 6, 8, 10] {
        let (srs, ck) = parameters(&mut stream, log_size);
        for _ in 0..RUNS {
            for (kind, cells) in columns(&mut stream, 1 << log_size) {
                let at = stream.scalars(log_size as usize);
                check(&srs, &ck, &format!("{kind}, 2^{log_size}"), &cells, &at);
            }
        }
    }
}

fn nova_commitment(ck: &Ck, cells: &[Fr]) -> hyperkzg::Commitment<E> {
    Engine::commit(ck, &scalars(cells), &bn256::Fr::zero())
}

/// Nova's proof of a value, true or not.
fn prove<EE: EvaluationEngineTrait<E>>(ck: &Ck, cells: &[Fr], at: &[Fr], value: Fr) -> EE::EvaluationArgument {
    let (pk, _) = EE::setup(ck).unwrap();
    let (cells, at, value) = (scalars(cells), scalars(at), scalar(&value));
    let comm = Engine::commit(ck, &cells, &bn256::Fr::zero());
    EE::prove(ck, &pk, &mut NovaTranscript::new(LABEL), &comm, &cells, &at, &value).unwrap()
}

fn verify<EE: EvaluationEngineTrait<E>>(
    ck: &Ck,
    comm: &hyperkzg::Commitment<E>,
    at: &[Fr],
    value: Fr,
    proof: &EE::EvaluationArgument,
) -> bool {
    let (_, vk) = EE::setup(ck).unwrap();
    EE::verify(&vk, &mut NovaTranscript::new(LABEL), comm, &scalars(at), &scalar(&value), proof).is_ok()
}

#[test]
fn commitments_are_the_same_points() {
    every_case(|srs, ck, name, cells, _| {
        let theirs = nova_commitment(ck, cells);
        let ours = commit(srs, cells).unwrap();
        assert_eq!(commitment(&ours.point()), theirs, "{name}");
        // split into small integers and others, as columns are
        assert_eq!(KzgCommitter::new(srs.clone()).commit(cells), Ok(ours), "{name}");
    });
}

#[test]
fn values_are_the_same_and_both_sides_accept_them_alone() {
    every_case(|srs, ck, name, cells, at| {
        let value = evaluate(cells, at);
        let theirs = MultilinearPolynomial::evaluate_with(&scalars(cells), &scalars(at));
        assert_eq!(value, self::ours(&theirs), "{name}");
        let wrong = value + Fr::one();

        let c = commit(srs, cells).unwrap();
        let fresh = || Transcript::new("oracle");
        let proof = opening::open(srs, cells, at, value, &mut fresh()).unwrap();
        let verdict = |value| opening::verify(srs.verifier(), &c, at, value, &proof, &mut fresh());
        assert_eq!(verdict(value), Ok(()), "{name}");
        assert_eq!(verdict(wrong), Err(OpeningError::InnerProducts), "{name}");
        let refused = opening::open(srs, cells, at, wrong, &mut fresh());
        assert!(matches!(refused, Err(OpeningError::Value { .. })), "{name}");

        // Nova judges the value too, by Mercury and by HyperKZG.
        let comm = commitment(&c.point());
        let proof = prove::<Mercury>(ck, cells, at, value);
        assert!(verify::<Mercury>(ck, &comm, at, value, &proof), "{name}");
        assert!(!verify::<Mercury>(ck, &comm, at, wrong, &proof), "{name}");
        let proof = prove::<HyperKzg>(ck, cells, at, value);
        assert!(verify::<HyperKzg>(ck, &comm, at, value, &proof), "{name}");
        assert!(!verify::<HyperKzg>(ck, &comm, at, wrong, &proof), "{name}");
    });
}

/// The parts of a proof of ours that Nova's has too, under Nova's names.
fn parts(proof: &OpeningProof, zeta: Fr) -> Vec<(&'static str, Value)> {
    let bytes = proof.to_bytes();
    let (words, _) = bytes.as_chunks::<32>();
    let at = |word: usize| {
        g1_from_bytes(words[word..word + 2].as_flattened().try_into().unwrap(), Encoding::Nonzero).unwrap()
    };
    let points = [("comm_h", 0), ("comm_q", 2), ("comm_g", 4), ("comm_s", 6), ("comm_d", 8)];
    let mut out: Vec<_> =
        points.into_iter().map(|(name, word)| (name, serde_json::to_value(commitment(&at(word))).unwrap())).collect();
    let interpolants: Vec<Fr> = words[10..17].iter().map(|word| from_word(word).unwrap()).collect();
    let (g, p, s) = (&interpolants[..2], &interpolants[2..5], &interpolants[5..]);
    let at_zeta = [("g_zeta", g), ("h_zeta", p), ("s_zeta", s)].map(|(name, f)| (name, f, zeta));
    let over = zeta.inverse().unwrap();
    let at_inverse = [("g_zeta_inv", g), ("h_zeta_inv", p), ("s_zeta_inv", s)].map(|(name, f)| (name, f, over));
    for (name, f, x) in at_zeta.into_iter().chain(at_inverse) {
        let value = f.iter().rev().fold(Fr::zero(), |value, coefficient| value * x + coefficient);
        out.push((name, serde_json::to_value(scalar(&value)).unwrap()));
    }
    out
}

#[test]
fn under_the_same_challenges_both_provers_send_the_same() {
    every_case(|srs, ck, name, cells, at| {
        let value = evaluate(cells, at);
        let c = commit(srs, cells).unwrap();
        let transcript = || AsNova::new(LABEL, &c.point(), at, value);
        let mut ours = transcript();
        let proof = opening::open(srs, cells, at, value, &mut ours).unwrap();
        // alpha, gamma, zeta, ..
        let parts = parts(&proof, ours.challenges[2]);
        let theirs = serde_json::to_value(prove::<Mercury>(ck, cells, at, value)).unwrap();
        for (part, ours) in &parts {
            assert_eq!(ours, &theirs[part], "{part} of {name}");
        }
        let verdict = opening::verify(srs.verifier(), &c, at, value, &proof, &mut transcript());
        assert_eq!(verdict, Ok(()), "{name}");
        let fields = theirs.as_object().unwrap();
        // quot_f, w and w'
        assert_eq!(fields.len(), parts.len() + 3, "a field that is not compared: {:?}", fields.keys());
    });
}

/// A column of one row has q = 0. Nova commits to it; ours has no proof with the identity in it, which masks never need.
#[test]
fn where_a_part_vanishes_ours_refuses() {
    let mut stream = Stream(1);
    let (srs, ck) = parameters(&mut stream, 4);
    let mut cells = vec![Fr::zero(); 16];
    cells[..4].copy_from_slice(&stream.scalars(4));
    let at = stream.scalars(4);
    let value = evaluate(&cells, &at);
    let c: Commitment = commit(&srs, &cells).unwrap();
    let proof = prove::<Mercury>(&ck, &cells, &at, value);
    assert!(verify::<Mercury>(&ck, &commitment(&c.point()), &at, value, &proof));
    let refused = opening::open(&srs, &cells, &at, value, &mut Transcript::new("oracle"));
    assert_eq!(refused, Err(OpeningError::Vanishing { element: "[q]" }));
}
