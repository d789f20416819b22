//! Mutations as bytes, for verifiers that are no part of this crate: tests/deep/test_plumb_contract.py shows them to a
//! contract. Parameters are those of zkinfer's unsafe test SRS, and contexts what the contract makes of an id and of
//! the bytes 0, 1, .. 31.

use super::attempts::Attempt;
use super::cases::{Case, Tier};
use super::{World, classes, setting, tiny};
use crate::field::{Fr, Word};
use crate::srs::Srs;
use crate::transcript::keccak;
use ark_ff::PrimeField;
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::sync::Arc;

fn unsafe_srs(log_size: u32) -> Srs {
    let secret = keccak(&[b"zkinfer unsafe test SRS: everyone knows this secret"]);
    Srs::unsafe_from_known_secret(Fr::from_be_bytes_mod_order(&secret), log_size).unwrap()
}

/// What enters the transcript of a circuit with such an id.
fn context(circuit_id: &Word) -> Word {
    let parts: [&[u8]; 4] = [b"zkinfer.plumb.circuit.v1", b"statement", b"settings", circuit_id];
    let digest = keccak(&[&parts.map(|part| keccak(&[part])).concat()]);
    let id = [b"unsafe", &digest[..26]].concat();
    let given: Vec<u8> = (0..32).collect();
    keccak(&[&id, &given])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A mutation, unless it is of a kind that cannot be written, or about another context.
fn line(case: &Case, attempt: &dyn Attempt, class: &str, coherent: bool) -> Option<Value> {
    let written = attempt.written()?;
    if *written.ctx != case.real.ctx {
        return None;
    }
    let public: Vec<_> = written.public.iter().map(|word| hex(word)).collect();
    Some(json!({
        "class": class,
        "coherent": coherent,
        "case": case.name,
        "key": written.key.map(hex),
        "proof": hex(written.proof),
        "public": public,
        "said": attempt.judge().expect_err(class),
    }))
}

/// About PLUMB_CAMPAIGN_MUTATIONS mutations, a line for each, into PLUMB_CAMPAIGN_WRITE; before them the cases.
#[test]
#[ignore = "writes a file for tests/deep/test_plumb_contract.py"]
fn mutations_for_a_contract() {
    let Some(path) = setting("WRITE") else { return };
    let number = |name: &str| setting(name).map_or(1, |v| v.parse().unwrap());
    let (seed, mutations): (u64, u64) = (number("SEED"), number("MUTATIONS"));
    let cases = tiny(|name, descriptor| Case::on(name, descriptor, seed, unsafe_srs, context));
    let world = World { cases: cases.into_iter().map(Arc::new).collect() };
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    for case in &world.cases {
        let public: Vec<_> = case.public.iter().map(|word| hex(word)).collect();
        let honest = json!({"name": case.name, "honest_key": hex(&case.key_bytes), "proof": hex(&case.proofs[0]),
            "public": public});
        writeln!(file, "{honest}").unwrap();
    }
    // over an ideal commitment there are no bytes
    let real: Vec<_> = classes().filter(|(_, (name, plan, _))| plan[0] > 0 && !name.ends_with(", ideal")).collect();
    let planned: u64 = real.iter().map(|(_, (_, plan, _))| u64::from(plan[0])).sum();
    for (coherent, (name, plan, make)) in real {
        let count = (u64::from(plan[0]) * mutations).div_ceil(planned) as u32;
        for number in 0..count {
            let Some((case, attempt)) = world.make(seed, (name, make), Tier::Tiny, number) else { break };
            if let Some(line) = line(case, &*attempt, name, coherent) {
                writeln!(file, "{line}").unwrap();
            }
        }
    }
}
