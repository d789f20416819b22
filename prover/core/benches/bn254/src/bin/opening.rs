//! Measures commitments and openings: prints a Markdown table.
#![forbid(unsafe_code)]

use ark_bn254::Fr;
use ark_ff::PrimeField;
use plumb::closed_forms::evaluate;
use plumb::commit::{commit, commit_small};
use plumb::opening::{FiatShamir, open, verify};
use plumb::srs::Srs;
use plumb_bench::{Stream, measure};
use sha3::{Digest, Keccak256};

struct Transcript([u8; 32]);

impl FiatShamir for Transcript {
    fn absorb(&mut self, label: &'static str, words: &[[u8; 32]]) {
        let hasher = Keccak256::new().chain_update(self.0).chain_update(label);
        self.0 = hasher.chain_update(words.as_flattened()).finalize().into();
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        self.absorb(label, &[]);
        Fr::from_be_bytes_mod_order(&self.0)
    }
}

fn main() {
    println!("| c | threads | load parameters | commit, 12 bits | commit, full | open | verify |");
    println!("|---|---|---|---|---|---|---|");
    for log_size in [14, 16, 18] {
        let mut stream = Stream(log_size.into());
        let srs = Srs::unsafe_from_known_secret(stream.scalar(), log_size).expect("parameters");
        let (g1, g2) = srs.to_bytes();
        let small: Vec<i64> = (0..1 << log_size)
            .map(|_| (stream.word() as i64) >> 52)
            .collect();
        let cells: Vec<Fr> = (0..1 << log_size).map(|_| stream.scalar()).collect();
        let point: Vec<Fr> = (0..log_size).map(|_| stream.scalar()).collect();
        let value = evaluate(&cells, &point);
        for threads in [2, 1] {
            let (load, _) = measure(threads, || {
                Srs::from_bytes(log_size, &g1, &g2).expect("parameters")
            });
            let (few, _) = measure(threads, || {
                commit_small(&srs, &small, 2048).expect("a commitment")
            });
            let (full, c) = measure(threads, || commit(&srs, &cells).expect("a commitment"));
            let (opening, proof) = measure(threads, || {
                open(&srs, &cells, &point, value, &mut Transcript([0; 32])).expect("a proof")
            });
            let (verification, verdict) = measure(threads, || {
                verify(
                    srs.verifier(),
                    &c,
                    &point,
                    value,
                    &proof,
                    &mut Transcript([0; 32]),
                )
            });
            assert_eq!(verdict, Ok(()));
            println!(
                "| {log_size} | {threads} | {load} | {few} | {full} | {opening} | {verification} |"
            );
        }
    }
}
