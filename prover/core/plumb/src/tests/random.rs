//! Random networks: convolutions with any window, stride and padding, sums of them with depthwise windows, pools, residual
//! sums, tables, batches, shifts in limbs or none, all kinds of public outputs.
//! Their functionals equal the sums over products, and their proofs are accepted with the second executor's outputs.

use super::honest::{CTX, honest, outputs};
use super::networks::*;
use super::plain::*;
use super::products;
use crate::checker::LayoutError;
use crate::descriptor::*;
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::verify::verify;

/// A layer, as the second executor runs it.
enum Plain {
    Convolution(Window, u32),
    /// A depthwise window and, if true, a convolution with the same window.
    Depthwise(Window, bool, u32),
    Dense(u32),
    Pool,
    /// The last cells of the squares of a pair.
    Squares(usize),
    /// x + f x for the clamp f of a pair.
    Residual(usize),
}

const CLAMPS: [(i32, i32); 3] = [(0, 255), (-256, 255), (0, 0)]; // the last is replaced by a table

/// What the function of a pair does.
fn activation(j: usize, y: i64) -> i64 {
    match j {
        2 => ragged(y as i32).into(),
        _ => y.clamp(CLAMPS[j].0.into(), CLAMPS[j].1.into()),
    }
}

/// Each layer and the function after it, if there is one.
type Layers = Vec<(Plain, Option<usize>)>;

fn network(rng: &mut Seeded, end: Option<End>) -> (Descriptor, Layers, [usize; 3]) {
    let batch = 1 + rng.below(2) as u32;
    let visibility = [Visibility::Hidden, Visibility::Committed, Visibility::Public][rng.below(3) as usize];
    let weights = if rng.below(2) == 0 { Visibility::Hidden } else { Visibility::Public };
    let functions = &CLAMPS[..1 + rng.below(3) as usize];
    let mut net = Net::new([12, 3, 4, 9], batch, visibility, weights, functions);
    if functions.len() > 2 {
        net.table(2, ragged);
    }
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
                let layer;
                if rng.below(2) == 0 {
                    let shift = if rng.below(3) == 0 { 0 } else { shift };
                    let both = rng.below(2) == 0;
                    let mut maps = vec![(Kind::Depthwise(window), view.clone(), dims)];
                    maps.extend(both.then_some((Kind::Convolution(window), view, dims)));
                    (view, dims) = net.sum(maps, dims[1], shift, Some(j));
                    layer = Plain::Depthwise(window, both, shift.into());
                } else {
                    let out = 1 + rng.below(3) as u32;
                    (view, dims) = net.linear(Kind::Convolution(window), view, dims, out, shift, Some(j));
                    layer = Plain::Convolution(window, shift.into());
                }
                let j = usize::from(j);
                if dims[2] % 2 == 0 && dims[3] % 2 == 0 && rng.below(4) != 0 {
                    (view, dims) = net.pool_in_place(&view, dims);
                    // the maximum, where j is ReLU
                    plain.extend([(layer, None), (if j == 0 { Plain::Pool } else { Plain::Squares(j) }, Some(j))]);
                } else {
                    plain.push((layer, Some(j)));
                }
            }
        }
    }
    let shift = 5 + rng.below(5) as u8;
    let out = 2 + rng.below(3) as u32;
    match end {
        None => _ = net.linear(Kind::Dense, view, dims, out, shift, None),
        Some(end) => {
            let (values, dims) = net.linear(Kind::Dense, view, dims, out, shift, Some(0));
            let scores = net.argument_of(&values);
            match end {
                End::Threshold => net.output(values, dims),
                End::Scores => net.output(scores, dims),
                End::Top1 => net.top1(scores, dims),
            }
        }
    }
    plain.push((Plain::Dense(shift.into()), (end == Some(End::Threshold)).then_some(0)));
    (net.finish(), plain, inner.map(|n| n as usize))
}

#[test]
fn random_networks() {
    let mut rng = Seeded::new(2030);
    let applied = |x: &Maps, j: usize| plain_each(x, |y| activation(j, y));
    let (mut proved, mut pooled) = (0, 0);
    for seed in 0..80 {
        if proved == 16 {
            break;
        }
        let end = [None, Some(End::Threshold), Some(End::Scores), Some(End::Top1)][rng.below(4) as usize];
        let (descriptor, plain, inner) = network(&mut rng, end);
        let layout = match Layout::new(descriptor.clone()) {
            Err(LayoutError::BlockTouchesPadRows { .. }) => continue, // too large for 2^12 rows
            layout => layout.unwrap(),
        };
        products::check_claims(descriptor, 1);
        let Some(mut s) = Setting::found(layout, seed, 256) else { continue };
        proved += 1;
        pooled += usize::from(s.layout().linear_layers().any(|l| matches!(l.output, Destination::Pooled { .. })));
        let proven = honest(&mut s);
        verify(&s.scheme, &s.key.verifying, &proven.proof, &proven.public_inputs, &CTX).unwrap();
        let mut expected = vec![];
        for image in s.inputs.chunks(inner.iter().product()) {
            let (mut x, mut given) = (maps(image, inner), s.key.model.iter());
            for (op, function) in &plain {
                x = match op {
                    Plain::Convolution(w, shift) => plain_conv(&x, given.next().unwrap(), w, *shift),
                    Plain::Depthwise(w, both, shift) => {
                        let m = given.next().unwrap();
                        let mut parts = vec![conv_sums(&x, &m.maps[0], w, true)];
                        parts.extend(both.then(|| conv_sums(&x, &m.maps[1], w, false)));
                        requantised(&parts, &m.biases, *shift)
                    }
                    Plain::Dense(shift) => plain_dense(&x, given.next().unwrap(), *shift),
                    Plain::Pool => plain_pool(&x),
                    Plain::Squares(j) => plain_squares(&x, |y| activation(*j, y)),
                    Plain::Residual(j) => {
                        let f = flat(&applied(&x, *j));
                        let sum: Vec<i64> = flat(&x).iter().zip(&f).map(|(x, f)| x + f).collect();
                        maps(&sum, [x.len(), x[0].len(), x[0][0].len()])
                    }
                };
                if let Some(j) = function {
                    x = applied(&x, *j);
                }
            }
            match end {
                Some(End::Top1) => expected.push(first_of_largest(&flat(&x))),
                _ => expected.extend(flat(&x)),
            }
        }
        assert_eq!(outputs(s.layout(), &proven), expected, "network {seed}");
    }
    assert!(proved >= 12 && pooled >= 3, "{proved} {pooled}");
}
