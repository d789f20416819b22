//! Pooled layers: cells that stand for another y, or for y without being f of each other.

use super::super::layouts::pooled::{MAXIMA, SQUARES};
use super::super::plain::cells_of;
use super::*;
use crate::checker::{LayoutError, check};

/// The cells of a square of a trace's block, in the order y00 y01 y10 y11: where they are.
fn places(d: &Descriptor, block: u16, square: usize) -> [usize; 4] {
    let [_, _, height, width] = d.blocks[usize::from(block)].dims.map(|n| n as usize);
    let (plane, square) = (square / (height / 2 * (width / 2)), square % (height / 2 * (width / 2)));
    let at = (plane * height + square / (width / 2) * 2) * width + square % (width / 2) * 2;
    [at, at + 1, at + width, at + width + 1]
}

/// What y is where the cells of a square are z, and their values f.
fn sums_of(z: [i64; 4], f: [i64; 4]) -> [i64; 4] {
    let sum = |v: [i64; 4], at: &[[u32; 2]]| at.iter().map(|[h, w]| v[(2 * h + w) as usize]).sum::<i64>();
    SQUARE.each_ref().map(|y| sum(z, y.added) - sum(f, y.taken))
}

/// A layer of a network: its blocks and its f.
struct Pooled {
    d: Descriptor,
    layer: usize,
    z: u16,
    f: u16,
}

impl Pooled {
    fn new(d: &Descriptor, layer: usize) -> Pooled {
        let Layer::Linear(Linear { output: Destination::Pooled { arguments, values }, .. }) = d.layers[layer] else {
            panic!("not pooled")
        };
        Pooled { d: d.clone(), layer, z: arguments, f: values }
    }

    fn apply(&self, z: i64) -> i64 {
        let Column::Argument(j) = self.d.blocks[usize::from(self.z)].column else { panic!() };
        self.d.functions[usize::from(self.d.pairs[usize::from(j)])].apply(z)
    }

    /// Moves the y of the first square, as soon as its cells exist.
    fn moves(&self, by: [i64; 4]) -> impl Fn(u16, &mut Trace) {
        move |id, t| {
            if id == self.z {
                let cells = &mut t.cells[usize::from(id)];
                let places = places(&self.d, id, 0);
                let z = places.map(|i| cells[i]);
                let y = sums_of(z, z.map(|z| self.apply(z)));
                let moved = cells_of(std::array::from_fn(|i| y[i] + by[i]), |z| self.apply(z));
                places.iter().zip(moved).for_each(|(i, z)| cells[*i] = z);
            }
        }
    }

    /// Takes `2^S` off the remainder for each 1 that a y is moved by: the equations hold again.
    fn makes_up(&self, by: [i64; 4]) -> impl Fn(&mut Trace) {
        let Layer::Linear(l) = self.d.layers[self.layer].clone() else { panic!() };
        let places = places(&self.d, self.z, 0);
        let (top, below) = (*l.remainders.last().unwrap(), usize::from(self.d.range_bits) * (l.remainders.len() - 1));
        move |t| {
            for (i, by) in places.iter().zip(by) {
                let less = by << (usize::from(l.shift) - below);
                t.cells[usize::from(top)][*i] -= less;
                if let Some(scaled) = &l.tight {
                    t.cells[usize::from(scaled.block)][*i] -= less << (self.d.range_bits - scaled.bits);
                }
            }
        }
    }
}

fn pooling() -> Setting {
    Setting::new(pooled(POOLED, 2), 1)
}

/// Sums of cells are the y of [`cells_of`], whatever f is.
#[test]
fn cells_and_sums() {
    let mut rng = crate::randomness::Seeded::new(1);
    let mut number = || rng.between(-50, 50);
    for _ in 0..100 {
        let (y, table): (_, [i64; 301]) = (std::array::from_fn(|_| number()), std::array::from_fn(|_| number()));
        let f = |z: i64| table[(z + 150).rem_euclid(301) as usize];
        let z = cells_of(y, f);
        assert_eq!(sums_of(z, z.map(f)), y);
    }
}

/// One z alone, and all that follows of it.
#[test]
fn wrong_cells_of_a_square() {
    let s = &mut pooling();
    assert_eq!(Attempt::default().run(s), Verdict::Accepted);
    for layer in [MAXIMA, SQUARES] {
        let p = Pooled::new(s.layout().descriptor(), layer);
        for i in places(&p.d, p.z, 0) {
            let wrong = |id: u16, t: &mut Trace| {
                if id == p.z {
                    let z = &mut t.cells[usize::from(id)][i];
                    *z += if *z > 0 { -1 } else { 1 };
                }
            };
            assert_eq!(Attempt { during: Some(&wrong), ..Default::default() }.run(s), refused("linear"));
        }
    }
}

/// Other y, with the cells that stand for them: of two places of a square, whose sum stays, and of one alone. Remainders
/// that make up for it are out of their ranges.
#[test]
fn moved_sums_of_a_square() {
    let s = &mut pooling();
    for layer in [MAXIMA, SQUARES] {
        let p = Pooled::new(s.layout().descriptor(), layer);
        for by in [[1, -1, 0, 0], [-1, 0, 1, 0], [0, 1, 0, -1], [0, -1, 0, 0], [0, 0, 0, 1]] {
            let (moved, made_up) = (p.moves(by), p.makes_up(by));
            let verdict = Attempt { during: Some(&moved), ..Default::default() }.run(s);
            assert_eq!(verdict, refused("linear"));
            let verdict =
                Attempt { during: Some(&moved), after: Some(&made_up), total: Total::True, ..Default::default() }
                    .run(s);
            assert_eq!(verdict, refused("sum"));
        }
    }
}

/// A value that f does not give: alone it moves y, and with its maximum beside it nothing but the look-up is false.
#[test]
fn wrong_values_of_a_square() {
    let s = &mut pooling();
    for layer in [MAXIMA, SQUARES] {
        let p = Pooled::new(s.layout().descriptor(), layer);
        for (place, i) in places(&p.d, p.z, 0).into_iter().enumerate() {
            let alone = |id: u16, t: &mut Trace| {
                if id == p.f {
                    t.cells[usize::from(id)][i] += 1;
                }
            };
            let verdict = Attempt { during: Some(&alone), total: Total::True, ..Default::default() }.run(s);
            let expected = if place == 3 { vec!["sum"] } else { vec!["linear"] };
            assert_eq!(verdict, Verdict::Refused(expected));
        }
        let [_, upper, _, last] = places(&p.d, p.z, 0);
        let maximum = |id: u16, t: &mut Trace| {
            let cell = if id == p.z { last } else { upper };
            if id == p.z || id == p.f {
                t.cells[usize::from(id)][cell] += 1;
            }
        };
        let attempt = |total| Attempt { during: Some(&maximum), total, ..Default::default() };
        assert_eq!(attempt(Total::Zero).run(s), refused("mask"));
        assert_eq!(attempt(Total::True).run(s), refused("sum"));
    }
}

/// A window of one place, pooled; the scores read all of its values, or all of its arguments.
fn plain(height: u32, read_values: bool) -> Descriptor {
    let mut net = Net::new([8, 3, 3, 5], 1, Visibility::Hidden, Visibility::Hidden, &[(0, 15)]);
    let (x, dims) = net.input([1, height, 2], 0, 3);
    let (y, dims) = net.linear(Kind::Convolution(square(1, 1, 0)), x, dims, 1, 4, Some(0));
    net.pool_in_place(&y, dims);
    let view = if read_values { y } else { net.argument_of(&y) };
    net.linear(Kind::Dense, view, dims, 3, 3, None);
    net.finish()
}

/// With a weight of 1, no bias, and inputs below 2^3, every y is 0 = floor((x + 2^3) / 2^4).
fn without_y(s: &mut Setting) -> ProvingKey<Ideal> {
    (s.key.model[0].maps[0][0], s.key.model[0].biases[0]) = (1, 0);
    let chunks = crate::witness::weight_chunks(s.layout(), &s.key.model).unwrap();
    key_of_chunks(&s.scheme, s.layout().clone(), s.key.model.clone(), chunks).unwrap()
}

/// The last of three rows is in no square: its cells are what a prover chooses, and later layers read them.
#[test]
fn rows_in_no_square() {
    let odd = plain(3, true);
    assert_eq!(check(&odd), Err(LayoutError::PooledLength { layer: 1, got: [1, 1, 3, 2] }));
    for (descriptor, expected) in [(odd, Verdict::Accepted), (plain(4, true), refused("linear"))] {
        let p = Pooled::new(&descriptor, 1);
        let s = &mut Setting::of(Layout::unchecked(descriptor), 1);
        let key = &without_y(s);
        let true_outputs = execute(s.layout(), &s.key.model, &s.inputs).unwrap().outputs.clone();
        assert_eq!(Attempt { key: Some(key), ..Default::default() }.run(s), Verdict::Accepted);
        let chosen = |id: u16, t: &mut Trace| {
            if id == p.z {
                t.cells[usize::from(id)][4] = 9;
            }
        };
        let differ = |t: &mut Trace| assert_ne!(t.outputs, true_outputs);
        let forged = Attempt { during: Some(&chosen), after: Some(&differ), key: Some(key), ..Default::default() };
        assert_eq!(forged.run(s), expected);
    }
}

/// Values in rows whose arguments no layer fixes are any values of f, and the arguments whatever makes up for them.
#[test]
fn values_in_other_rows() {
    let sound = plain(2, false);
    let (mut unsound, p, new) = (sound.clone(), Pooled::new(&sound, 1), 64);
    unsound.blocks[usize::from(p.f)].offset = new as u32;
    assert_eq!(check(&unsound), Err(LayoutError::PooledValues { layer: 1 }));
    let s = &mut Setting::new(sound, 1);
    let true_outputs = execute(s.layout(), &s.key.model, &s.inputs).unwrap().outputs.clone();
    let key = |layout| key_of_chunks(&s.scheme, layout, s.key.model.clone(), s.key.chunks.clone()).unwrap();
    let [sound, unsound] = [s.layout().clone(), Layout::unchecked(unsound)].map(key);
    // the values that are chosen, and the arguments that satisfy the equations with them
    let chosen = [5, 3, 0, 0];
    let solved = |id: u16, t: &mut Trace| {
        if id == p.z {
            let cells = &mut t.cells[usize::from(id)];
            let z: [i64; 4] = std::array::from_fn(|i| cells[i]);
            let [y00, y01, y10, y11] = sums_of(z, z.map(|z| p.apply(z)));
            cells[0] = y00 - y01;
            cells[2] = y10 - y11;
            cells[1] = y01 + chosen[0] - y11 - chosen[2];
            cells[3] = y11 + chosen[2] + chosen[1];
        }
    };
    let differ = |t: &mut Trace| assert_ne!(t.outputs, true_outputs);
    let (fi, fo) = (s.layout().column(Column::Argument(0)), s.layout().column(Column::Value(0)));
    let choose = |columns: &mut Vec<Vec<Fr>>| {
        for (i, v) in chosen.iter().enumerate() {
            columns[fi][new + i] = Fr::from(*v);
            columns[fo][new + i] = Fr::from(*v);
        }
    };
    let forged = |key| Attempt {
        during: Some(&solved),
        after: Some(&differ),
        edit: Some(&choose),
        key: Some(key),
        ..Default::default()
    };
    assert_eq!(forged(&unsound).run(s), Verdict::Accepted);
    assert_eq!(forged(&sound).run(s), refused("linear"));
}

/// The executor takes y of K - 1 bits. Nothing in a proof says that they are, and nothing needs it: z and outputs are those
/// of the integers.
#[test]
fn sums_that_the_executor_refuses() {
    let s = &mut pooling();
    let weights = [vec![0, 0, 0, 0, 4, 4, 0, 4, 5], vec![1; 6], vec![1; 6]];
    for (l, (maps, bias)) in s.key.model.iter_mut().zip(weights.into_iter().zip([9, 0, 0])) {
        l.maps = vec![maps];
        l.biases.fill(bias);
    }
    s.inputs.fill(7);
    let chunks = crate::witness::weight_chunks(s.layout(), &s.key.model).unwrap();
    let key = key_of_chunks(&s.scheme, s.layout().clone(), s.key.model.clone(), chunks).unwrap();
    let refusal = execute(s.layout(), &s.key.model, &s.inputs).unwrap_err();
    assert_eq!(refusal.to_string(), "layer 1: value 0 is 8, out of the calibrated range [-8, 7]");
    let p = Pooled::new(s.layout().descriptor(), MAXIMA);
    let maximum = |t: &mut Trace| assert_eq!(t.cells[usize::from(p.z)][places(&p.d, p.z, 0)[3]], 8);
    let anyway: During<'_> = &|_, _| {};
    let attempt = Attempt { during: Some(anyway), after: Some(&maximum), key: Some(&key), ..Default::default() };
    assert_eq!(attempt.run(s), Verdict::Accepted);
}
