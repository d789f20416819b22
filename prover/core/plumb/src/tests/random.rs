//! Random networks: convolutions with any window, stride and padding, pools, residual sums, batches, shifts in limbs.
//! Their functionals equal the sums over products, and their proofs are accepted with the second executor's outputs.

use super::honest::{CTX, honest, outputs};
use super::networks::*;
use super::products;
use crate::checker::LayoutError;
use crate::descriptor::*;
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::verify::verify;

/// A layer, as the second executor runs it.
enum Plain {
    Convolution(Window, u32),
    Dense(u32),
    Pool,
    /// x + f x for the clamp f of a pair.
    Residual(usize),
}

const CLAMPS: [(i32, i32); 3] = [(0, 255), (-256, 255), (-5, 60)];

/// Each layer and the clamp after it, if there is one.
type Layers = Vec<(Plain, Option<usize>)>;

fn network(rng: &mut Seeded) -> (Descriptor, Layers, [usize; 3]) {
    let batch = 1 + rng.below(2) as u32;
    let visibility = [Visibility::Hidden, Visibility::Committed, Visibility::Public][rng.below(3) as usize];
    let weights = if rng.below(2) == 0 { Visibility::Hidden } else { Visibility::Public };
    let functions = &CLAMPS[..1 + rng.below(3) as usize];
    let mut net = Net::new([12, 3, 4, 9], batch, visibility, weights, functions);
    net.d.range_columns = 1 + rng.below(2) as u8;
    let inner = [1 + rng.below(2) as u32, 2 + rng.below(5) as u32, 2 + rng.below(5) as u32];
    let (mut view, mut dims) = net.input(inner, 0, 1 + rng.below(4) as u8);
    let mut plain = vec![];
    let pair = |rng: &mut Seeded| rng.below(functions.len() as u64) as u8;
    for _ in 0..1 + rng.below(3) {
        match rng.below(4) {
            0 if !plain.is_empty() && dims[2] % 2 == 0 && dims[3] % 2 == 0 && view.len() == 1 => {
                (view, dims) = net.max_pool(view, dims, 0);
                plain.push((Plain::Pool, None));
            }
            1 if view.len() == 1 => {
                let j = pair(rng);
                let f = net.combine(view.clone(), dims, j);
                view.extend(f);
                plain.push((Plain::Residual(usize::from(j)), None));
            }
            _ => {
                let kernel = [2, 3].map(|i: usize| 1 + rng.below(u64::from(dims[i]).min(3)) as u8);
                let mut up_to = |n: u64| rng.below(n) as u8;
                let window = Window {
                    kernel,
                    stride: [1 + up_to(2), 1 + up_to(2)],
                    before: [up_to(3), up_to(2)],
                    after: [up_to(2), up_to(3)],
                };
                let (shift, j) = (4 + rng.below(4) as u8, pair(rng));
                let out = 1 + rng.below(3) as u32;
                (view, dims) = net.linear(Kind::Convolution(window), view, dims, out, shift, Some(j));
                plain.push((Plain::Convolution(window, shift.into()), Some(usize::from(j))));
            }
        }
    }
    let shift = 5 + rng.below(5) as u8;
    net.linear(Kind::Dense, view, dims, 2 + rng.below(3) as u32, shift, None);
    plain.push((Plain::Dense(shift.into()), None));
    (net.finish(), plain, inner.map(|n| n as usize))
}

#[test]
fn random_networks() {
    let mut rng = Seeded::new(2024);
    let clamp = |x: &Maps, j: usize| plain_clamp(x, CLAMPS[j].0.into(), CLAMPS[j].1.into());
    let mut proved = 0;
    for seed in 0..60 {
        if proved == 12 {
            break;
        }
        let (descriptor, plain, inner) = network(&mut rng);
        let layout = match Layout::new(descriptor.clone()) {
            Err(LayoutError::BlockTouchesPadRows { .. }) => continue, // too large for 2^12 rows
            layout => layout.unwrap(),
        };
        products::check_claims(descriptor, 1);
        let Some(mut s) = Setting::found(layout, seed, 256) else { continue };
        proved += 1;
        let proven = honest(&mut s);
        verify(&s.scheme, &s.key.verifying, &proven.proof, &proven.public_inputs, &CTX).unwrap();
        let mut expected = vec![];
        for image in s.inputs.chunks(inner.iter().product()) {
            let (mut x, mut given) = (maps(image, inner), s.key.model.iter());
            for (op, activation) in &plain {
                x = match op {
                    Plain::Convolution(w, shift) => plain_conv(&x, given.next().unwrap(), w, *shift),
                    Plain::Dense(shift) => plain_dense(&x, given.next().unwrap(), *shift),
                    Plain::Pool => plain_pool(&x),
                    Plain::Residual(j) => {
                        let f = flat(&clamp(&x, *j));
                        let sum: Vec<i64> = flat(&x).iter().zip(&f).map(|(x, f)| x + f).collect();
                        maps(&sum, [x.len(), x[0].len(), x[0][0].len()])
                    }
                };
                if let Some(j) = activation {
                    x = clamp(&x, *j);
                }
            }
            expected.extend(flat(&x));
        }
        assert_eq!(outputs(s.layout(), &proven), expected, "network {seed}");
    }
    assert!(proved >= 8, "{proved}");
}
