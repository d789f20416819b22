//! Honest proofs are accepted, and their outputs are those of a second executor.

use super::networks::*;
use super::plain::*;
use crate::descriptor::*;
use crate::field::{Word, from_word, to_integer};
use crate::keys::setup;
use crate::layout::Layout;
use crate::prove::{ProveError, Proven, prove, prove_with};
use crate::scheme::ideal::Ideal;
use crate::verify::{proof_words, verify};
use crate::witness::{LayerWeights, WitnessError, execute};

pub(super) const CTX: Word = [0xc7; 32];

pub(super) fn honest(s: &mut Setting) -> Proven {
    prove_with(&s.scheme, &s.key, &s.inputs, s.committed.as_ref(), &CTX, &mut s.rng).unwrap()
}

pub(super) fn outputs(layout: &Layout, proven: &Proven) -> Vec<i64> {
    let [low, high] = layout.output_domain();
    let words = &proven.public_inputs[proven.public_inputs.len() - layout.outputs()..];
    words.iter().map(|w| to_integer(&from_word(w).unwrap(), low, high).unwrap()).collect()
}

fn accepted(descriptor: Descriptor, plain: impl Fn(&Setting, &[i64]) -> Vec<i64>) {
    for seed in 1..4 {
        let mut s = Setting::new(descriptor.clone(), seed);
        let proven = honest(&mut s);
        assert_eq!(proven.proof.len(), 32 * proof_words::<Ideal>(s.layout()));
        verify(&s.scheme, &s.key.verifying, &proven.proof, &proven.public_inputs, &CTX).unwrap();
        let one = s.inputs.len() / s.layout().descriptor().batch as usize;
        let expected: Vec<i64> = s.inputs.chunks(one).flat_map(|image| plain(&s, image)).collect();
        assert_eq!(outputs(s.layout(), &proven), expected);
    }
}

#[test]
fn a_dense_network() {
    accepted(mlp(), |s, x| {
        let m = &s.key.model;
        let h = plain_clamp(&plain_dense(&maps(x, [10, 1, 1]), &m[0], 4), 0, 31);
        let h = plain_clamp(&plain_dense(&h, &m[1], 4), 0, 31);
        flat(&plain_dense(&h, &m[2], 4))
    });
    accepted(signed(), |s, x| {
        let m = &s.key.model;
        let h = plain_clamp(&plain_dense(&maps(x, [4, 1, 1]), &m[0], 5), 0, 31);
        flat(&plain_dense(&h, &m[1], 4))
    });
}

#[test]
fn a_convolutional_network() {
    for stride2 in [false, true] {
        accepted(cnn(&CNN, stride2), |s, x| {
            let m = &s.key.model;
            let a = plain_clamp(&plain_conv(&maps(x, [1, 6, 6]), &m[0], &square(3, 1, 1), 4), 0, 31);
            let pooled = plain_pool(&a);
            let h =
                if stride2 { plain_conv(&pooled, &m[1], &square(3, 2, 1), 4) } else { plain_dense(&pooled, &m[1], 4) };
            flat(&plain_dense(&plain_clamp(&h, 0, 31), &m[2], 4))
        });
    }
}

#[test]
fn every_other_feature() {
    accepted(mixed(), |s, x| {
        let m = &s.key.model;
        let window = Window { kernel: [2, 3], stride: [2, 1], before: [1, 0], after: [0, 2] };
        let a = plain_conv(&maps(x, [2, 5, 7]), &m[0], &window, 3);
        let b = plain_clamp(&plain_conv(&a, &m[1], &square(1, 1, 0), 3), 3, 20);
        let residual: Vec<i64> = flat(&a).iter().zip(flat(&b)).map(|(a, b)| a - 2 * b).collect();
        let twice: Vec<i64> = residual.iter().map(|v| 2 * v).collect(); // the identity of it, and itself
        let h = plain_dense(&maps(&twice, [3, 3, 7]), &m[2], 7);
        flat(&plain_dense(&plain_clamp(&h, 0, 31), &m[3], 1))
    });
}

#[test]
fn public_cells_and_indices() {
    for (end, n) in [(End::Threshold, 5), (End::Scores, 5), (End::Top1, 5), (End::Top1, 8), (End::Top1, 2)] {
        accepted(ending([9, 3, 4, 6], 3, n, end), |s, x| {
            let m = &s.key.model;
            let h = plain_clamp(&plain_dense(&maps(x, [6, 1, 1]), &m[0], 3), 0, 31);
            let y = flat(&plain_dense(&h, &m[1], 2));
            match end {
                End::Threshold => y.iter().map(|v| i64::from(*v >= 3)).collect(),
                End::Scores => y,
                End::Top1 => vec![first_of_largest(&y)],
            }
        });
    }
}

#[test]
fn sums_of_maps() {
    accepted(sums([10, 3, 4, 6], 2, [3, 3, 6]), |s, x| {
        let m = &s.key.model;
        let x = maps(x, [3, 3, 6]);
        let parts = [
            conv_sums(&x, &m[0].maps[0], &WIDE, true),
            conv_sums(&x, &m[0].maps[1], &NARROW, false),
            conv_sums(&x, &m[0].maps[2], &NARROW, true),
        ];
        let a = plain_each(&requantised(&parts, &m[0].biases, 4), |y| ragged(y as i32).into());
        let b = conv_sums(&a, &m[1].maps[0], &square(1, 1, 0), true);
        let b = plain_clamp(&requantised(&[b], &m[1].biases, 0), 0, 31);
        let h = requantised(&[dense_sums(&a, &m[2].maps[0]), dense_sums(&b, &m[2].maps[1])], &m[2].biases, 6);
        flat(&plain_dense(&plain_clamp(&h, 0, 31), &m[3], 3))
    });
}

/// Maxima, and squares of a function that has no order.
#[test]
fn pooled_layers() {
    accepted(pooled(POOLED, 2), |s, x| {
        let m = &s.key.model;
        let y = plain_conv(&maps(x, [1, 4, 6]), &m[0], &square(3, 1, 1), 4);
        let maxima = plain_clamp(&plain_pool(&y), 0, 15);
        let f = |v| i64::from(ragged(v as i32));
        let z = plain_squares(&plain_conv(&maxima, &m[1], &FLAT, 2), f);
        flat(&plain_dense(&plain_each(&z, |z| f(z) + z), &m[2], 3))
    });
}

#[test]
fn public_maxima() {
    for end in ENDS {
        accepted(pooled_ending(end), |s, x| {
            let maxima = plain_pool(&plain_conv(&maps(x, [1, 2, 2]), &s.key.model[0], &square(3, 1, 1), 4));
            match end {
                End::Threshold => flat(&plain_clamp(&maxima, 0, 15)),
                End::Scores => flat(&maxima),
                End::Top1 => vec![first_of_largest(&flat(&maxima))],
            }
        });
    }
}

/// With ReLU the last of a square's cells is its maximum, and every cell has a bit more than y at most.
#[test]
fn maxima_of_squares() {
    let y = |n: i64| [n % 8, n / 8 % 8, n / 64 % 8, n / 512].map(|v| v - 4);
    for y in (0..4096).map(y) {
        let z = cells_of(y, |v| v.max(0));
        assert_eq!(Some(&z[3]), y.iter().max());
        assert!(z.iter().all(|z| (-8..8).contains(z)));
    }
}

/// A y of K bits, one more than its differences allow, is refused by the executor.
#[test]
fn a_pooled_y_has_a_bit_less() {
    let s = Setting::new(pooled(POOLED, 2), 1);
    let mut model = s.key.model.clone();
    for (weight, last, bias, expected) in
        [(4, 5, 8, None), (4, 5, 9, Some(8)), (-5, -5, 12, None), (-5, -5, 11, Some(-9))]
    {
        model[0] = LayerWeights { maps: vec![vec![0, 0, 0, 0, weight, weight, 0, weight, last]], biases: vec![bias] };
        // y = (7 (3 weight + last) + bias) / 16
        let bits =
            expected.map(|got| WitnessError::OutOfCalibratedRange { layer: 1, position: 0, domain: [-8, 7], got });
        let error = execute(s.layout(), &model, &vec![7; s.inputs.len()])
            .err()
            .filter(|e| e.to_string().starts_with("layer 1:"));
        assert_eq!(error, bits);
    }
}

#[test]
fn the_public_door() {
    let s = Setting::new(mlp(), 5);
    let scheme = Ideal::new(9);
    let key = setup(&scheme, mlp(), s.key.model.clone()).unwrap();
    let again = setup(&scheme, mlp(), s.key.model.clone()).unwrap();
    assert_ne!(key.verifying.circuit_id(), again.verifying.circuit_id()); // fresh salts
    let proven = prove(&scheme, &key, &s.inputs, None, &CTX).unwrap();
    verify(&scheme, &key.verifying, &proven.proof, &proven.public_inputs, &CTX).unwrap();
    // two proofs of one witness share no word of their commitments and no value
    let other = prove(&scheme, &key, &s.inputs, None, &CTX).unwrap();
    assert_eq!(proven.public_inputs, other.public_inputs);
    let words = |p: &Proven| p.proof.as_chunks::<32>().0.to_vec();
    assert!(words(&proven).iter().all(|w| !words(&other).contains(w)));
    // public weights have no salts: anyone gets the same circuit
    let m = Setting::new(mixed(), 1).key.model;
    let ids = [(); 2].map(|_| setup(&scheme, mixed(), m.clone()).unwrap().verifying.circuit_id());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn values_out_of_range_are_named() {
    let mut s = Setting::new(mlp(), 5);
    let mut model = s.key.model.clone();
    model[1].maps[0].fill(7);
    model[1].biases.fill(15);
    s.inputs.fill(15);
    model[0].maps[0].fill(2);
    let error = execute(s.layout(), &model, &s.inputs).unwrap_err();
    assert_eq!(error.to_string(), "layer 2: value 0 is 57, out of the calibrated range [-32, 31]");
    s.inputs[3] = 16;
    let error = prove(&s.scheme, &s.key, &s.inputs, None, &CTX).unwrap_err();
    let expected = WitnessError::InputOutOfDomain { position: 3, domain: [0, 15], got: 16 };
    assert_eq!(error, ProveError::Witness(expected));
    model[0].maps[0][2] = 8;
    assert!(matches!(
        setup(&s.scheme, mlp(), model.clone()),
        Err(crate::keys::SetupError::Weights(WitnessError::WeightOutOfRange { layer: 0, position: 2, .. }))
    ));
    model.pop();
    assert!(setup(&s.scheme, mlp(), model).is_err());
}
