//! How long full-size networks take, over parameters of a known secret. Run with `cargo test --release -- --ignored --nocapture sizes`.

use super::honest::CTX;
use super::networks::*;
use crate::descriptor::*;
use crate::keys::setup_with;
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::prove::prove_with;
use crate::randomness::Seeded;
use crate::register::{check_registration, register_with};
use crate::scheme::Committer;
use crate::testing::srs;
use crate::verify::{proof_words, verify};
use crate::witness::execute;
use std::time::Instant;

fn mlp_784() -> Descriptor {
    let mut net = Net::new([14, 7, 12, 12], 1, Visibility::Hidden, Visibility::Hidden, &[(0, 2047)]);
    let (x, dims) = net.input([1, 28, 28], 0, 8);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 128, 12, Some(0));
    net.linear(Kind::Dense, h, dims, 10, 12, None);
    net.finish()
}

fn lenet() -> Descriptor {
    let mut net = Net::new([14, 7, 12, 12], 1, Visibility::Hidden, Visibility::Hidden, &[(0, 2047)]);
    // after the remainders of both convolutions, 8192 and 4096 rows
    let (x, dims) = net.input([1, 28, 28], 12288, 8);
    let (a, dims) = net.linear(Kind::Convolution(square(5, 1, 2)), x, dims, 6, 12, Some(0));
    let (p, dims) = net.pool_in_place(&a, dims);
    let (a, dims) = net.linear(Kind::Convolution(square(5, 1, 0)), p, dims, 16, 12, Some(0));
    let (p, dims) = net.pool_in_place(&a, dims);
    let (h, dims) = net.linear(Kind::Dense, p, dims, 120, 12, Some(0));
    let (h, dims) = net.linear(Kind::Dense, h, dims, 84, 12, Some(0));
    net.linear(Kind::Dense, h, dims, 10, 12, None);
    net.finish()
}

fn measure(name: &str, mut descriptor: Descriptor) {
    for layer in &mut descriptor.layers {
        if let Layer::Linear(l) = layer {
            l.maps.iter_mut().for_each(|map| map.weight_bits = 11);
            l.bias_bits = 22;
        }
    }
    let layout = Layout::new(descriptor).unwrap();
    let (committer, mut rng) = (KzgCommitter::new(srs(14)), Seeded::new(1));
    let model = random_model(&layout, &mut rng, [-300, 300], [-4000, 4000]);
    let inputs: Vec<i64> = (0..layout.inputs()).map(|_| rng.between(0, 255)).collect();
    let start = Instant::now();
    let key = setup_with(&committer, layout, model, &mut rng).unwrap();
    let set_up = start.elapsed();
    let layout = key.verifying.layout.clone();
    let start = Instant::now();
    let registration = register_with(&committer, &key, &mut rng).unwrap();
    let registered = start.elapsed();
    let start = Instant::now();
    check_registration(committer.scheme(), &key.verifying, &registration).unwrap();
    let checked = start.elapsed();
    let ranges = layout.registration();
    println!(
        "{name}: setup {set_up:?}, of which registration {registered:?}: limbs of {} bits, {} range columns, {} columns, \
         check {checked:?}, {} bytes",
        ranges.descriptor().range_bits,
        ranges.ranges(),
        ranges.columns(),
        registration.len()
    );
    let start = Instant::now();
    execute(&layout, &key.model, &inputs).unwrap();
    let executed = start.elapsed();
    prove_with(&committer, &key, &inputs, None, &CTX, &mut rng).unwrap();
    let start = Instant::now();
    let proven = prove_with(&committer, &key, &inputs, None, &CTX, &mut rng).unwrap();
    let proved = start.elapsed();
    let start = Instant::now();
    let result = verify(committer.scheme(), &key.verifying, &proven.proof, &proven.public_inputs, &CTX);
    let verified = start.elapsed();
    result.unwrap();
    println!(
        "{name}: {} chunks, {} columns, execute {executed:?}, prove {proved:?}, verify {verified:?}, {} bytes",
        layout.chunks(),
        layout.columns(),
        32 * proof_words::<Kzg>(&layout)
    );
}

#[test]
#[ignore = "a measurement, to be run in release"]
fn sizes_of_full_networks() {
    measure("MLP 784-128-10", mlp_784());
    measure("LeNet-5", lenet());
}

#[test]
fn full_layouts_are_sound() {
    for descriptor in [mlp_784(), lenet()] {
        Layout::new(descriptor).unwrap();
    }
}
