//! A small compiler, and networks made with it.

use crate::closed_forms::index_bits;
use crate::descriptor::*;
use crate::gather::{indices, weight_position};
use crate::keys::{CommittedInput, ProvingKey, commit_input_with, salted_key};
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::scheme::ideal::Ideal;
use crate::witness::{LayerWeights, execute};
use std::collections::BTreeMap;

pub(super) type View = Vec<Term>;

/// Builds descriptors: blocks go to the first aligned rows that are free.
pub(super) struct Net {
    pub(super) d: Descriptor,
    taken: BTreeMap<Column, Vec<[u64; 2]>>,
    exponent: u64,
    weights: u64,
    /// Whether weights stand in the padding of the block before.
    packed: bool,
}

fn low(shift: u8, low: u32) -> Select {
    Select { shift, low }
}

/// Reads a block as it is.
pub(super) fn whole(block: u16) -> View {
    vec![Term { coefficient: 1, block, height: low(0, 0), width: low(0, 0) }]
}

/// Every second column or row of a view, starting at `odd`.
fn every_second(view: &View, heights: bool, odd: u32) -> View {
    let halve = |s: Select| low(s.shift + 1, s.low + (odd << s.shift));
    let each = |t: &Term| match heights {
        true => Term { height: halve(t.height), ..*t },
        false => Term { width: halve(t.width), ..*t },
    };
    view.iter().map(each).collect()
}

/// The last place of each square.
pub(super) fn last_places(view: &View) -> View {
    every_second(&every_second(view, true, 1), false, 1)
}

pub(super) fn square(kernel: u8, stride: u8, pad: u8) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], before: [pad; 2], after: [pad; 2] }
}

impl Net {
    /// `sizes`: c, log2 of the pad rows, s, K. `functions`: bounds of the clamps; pair j has function j.
    pub(super) fn new(
        sizes: [u8; 4],
        batch: u32,
        input: Visibility,
        weights: Visibility,
        functions: &[(i32, i32)],
    ) -> Net {
        let [log_rows, log_pad, range_bits, value_bits] = sizes;
        let slot = |j: usize| {
            let align = |v: u32| v.next_multiple_of(1 << value_bits);
            Slot { offset: align(1 << range_bits) + ((j as u32) << value_bits), bits: value_bits }
        };
        let function = |(j, (low, high)): (usize, &(i32, i32))| Function {
            slot: slot(j),
            kind: FunctionKind::Clamp { low: *low, high: *high },
        };
        let rows = 1u32 << log_rows;
        Net {
            d: Descriptor {
                log_rows,
                log_pad,
                range_bits,
                value_bits,
                batch,
                input_visibility: input,
                weight_visibility: weights,
                input_domain: [0, (1 << range_bits) - 1],
                range_columns: 1,
                pairs: (0..functions.len() as u8).collect(),
                chunks: 1,
                range_table: Slot { offset: 0, bits: range_bits },
                functions: functions.iter().enumerate().map(function).collect(),
                blocks: vec![],
                layers: vec![],
                mask_cells: MaskCells {
                    rows: [rows - 1, rows - 2, rows - 3, rows - 4],
                    weights: [0, 1],
                    inputs: [2, 3],
                },
                salts: vec![],
                input_salts: if input == Visibility::Committed { vec![rows - 1, rows - 2] } else { vec![] },
            },
            taken: BTreeMap::new(),
            exponent: 0,
            weights: 0,
            packed: false,
        }
    }

    pub(super) fn place(&mut self, column: Column, dims: Dims, from: u32) -> u16 {
        let mut block = Block { column, offset: 0, dims };
        let size = block.size();
        let taken = self.taken.entry(column).or_default();
        let free = |at: &u64| taken.iter().all(|[start, end]| at + size <= *start || *end <= *at);
        let at = (u64::from(from).next_multiple_of(size)..).step_by(size as usize).find(free).unwrap();
        taken.push([at, at + size]);
        block.offset = at as u32;
        self.d.blocks.push(block);
        self.d.blocks.len() as u16 - 1
    }

    fn value_of(&mut self, argument: u16) -> u16 {
        let mut block = self.d.blocks[usize::from(argument)].clone();
        let Column::Argument(j) = block.column else { panic!("no argument") };
        block.column = Column::Value(j);
        self.d.blocks.push(block);
        self.d.blocks.len() as u16 - 1
    }

    pub(super) fn family(&mut self, dims: Dims) -> Exponents {
        let bits = dims.map(index_bits);
        let strides = [0, 1, 2, 3].map(|i| 1 << bits[i + 1..].iter().sum::<usize>());
        let offset = self.exponent;
        self.exponent += 1 << bits.iter().sum::<usize>();
        Exponents { offset, strides, dims }
    }

    fn tight(&mut self, dims: Dims, bits: u8, from: u32) -> Option<Tight> {
        (bits < self.d.range_bits).then(|| {
            let column = Column::Range(self.d.range_columns - 1);
            Tight { block: self.place(column, dims, from), bits, exponents: self.family(dims) }
        })
    }

    /// The input in a range column, at a given row or after it; `bits` is its exact range.
    pub(super) fn input(&mut self, inner: [u32; 3], from: u32, bits: u8) -> (View, Dims) {
        let dims = [self.d.batch, inner[0], inner[1], inner[2]];
        let block = self.place(Column::Range(0), dims, from);
        let link = (self.d.input_visibility == Visibility::Committed).then(|| {
            self.d.blocks.push(Block { column: Column::Input, ..self.d.blocks[usize::from(block)].clone() });
            self.d.blocks.len() as u16 - 1
        });
        self.d.input_domain = [0, (1 << bits) - 1];
        let tight = self.tight(dims, bits, from);
        let exponents = self.family(dims);
        self.d.layers.push(Layer::Input { block, link, tight, exponents });
        (whole(block), dims)
    }

    /// A signed input, in an argument column.
    pub(super) fn signed_input(&mut self, inner: [u32; 3], pair: u8) -> (View, Dims) {
        let dims = [self.d.batch, inner[0], inner[1], inner[2]];
        let block = self.place(Column::Argument(pair), dims, 0);
        let half = 1i64 << (self.d.value_bits - 1);
        self.d.input_domain = [-half, half - 1];
        let exponents = self.family(dims);
        self.d.layers.push(Layer::Input { block, link: None, tight: None, exponents });
        (whole(block), dims)
    }

    /// Makes a function a table.
    pub(super) fn table(&mut self, function: usize, f: impl Fn(i32) -> i32) {
        let half = 1i32 << (self.d.value_bits - 1);
        self.d.functions[function].kind = FunctionKind::Table((-half..half).map(f).collect());
    }

    /// A layer with weights; `pair` is its activation, none for the public output.
    pub(super) fn linear(
        &mut self,
        kind: Kind,
        view: View,
        input: Dims,
        out: u32,
        shift: u8,
        pair: Option<u8>,
    ) -> (View, Dims) {
        self.sum(vec![(kind, view, input)], out, shift, pair)
    }

    /// A layer that sums maps.
    pub(super) fn sum(&mut self, maps: Vec<(Kind, View, Dims)>, out: u32, shift: u8, pair: Option<u8>) -> (View, Dims) {
        let map = |(kind, view, input)| Map { kind, view, input, weights: 0, weight_bits: 3 };
        let mut maps: Vec<Map> = maps.into_iter().map(map).collect();
        let length = |i: usize| {
            maps[0].window().map_or(1, |w| {
                let padded = maps[0].input[2 + i] + u32::from(w.before[i]) + u32::from(w.after[i]);
                (padded - u32::from(w.kernel[i])) / u32::from(w.stride[i]) + 1
            })
        };
        let dims = [self.d.batch, out, length(0), length(1)];
        let cells = pair.map(|j| self.place(Column::Argument(j), dims, 0));
        let output = cells.map_or(Destination::Public, Destination::Cells);
        let s = self.d.range_bits;
        let limbs = shift.div_ceil(s);
        let remainders = (0..limbs).map(|i| self.place(Column::Range(i % self.d.range_columns), dims, 0)).collect();
        let tight = if shift == 0 { None } else { self.tight(dims, shift - s * (limbs - 1), 0) };
        let exponents = self.family(dims);
        let mut place = |dims: &[u32]| {
            let size = 1 << dims.iter().map(|n| index_bits(*n)).sum::<usize>();
            let last = dims.iter().fold(0, |k, n| (k << index_bits(*n)) + u64::from(n - 1));
            let at = self.weights.next_multiple_of(size);
            self.weights = at + if self.packed { last + 1 } else { size };
            at as u32
        };
        for map in &mut maps {
            map.weights = place(&map.weight_dims(out));
        }
        let biases = place(&[out]);
        let l = Linear { maps, output, remainders, tight, shift, exponents, biases, bias_bits: 4 };
        self.d.layers.push(Layer::Linear(l));
        (cells.map_or(vec![], |y| whole(self.value_of(y))), dims)
    }

    /// Pools the last layer's y in their own cells; gives f of the last of each square. Where the pair's function is ReLU,
    /// those are the maxima.
    pub(super) fn pool_in_place(&mut self, view: &View, dims: Dims) -> (View, Dims) {
        let Some(Layer::Linear(l)) = self.d.layers.last_mut() else { panic!("no linear layer") };
        let (arguments, values) = (l.output.fixes().unwrap(), view[0].block);
        l.output = Destination::Pooled { arguments, values };
        (last_places(view), [dims[0], dims[1], dims[2] / 2, dims[3] / 2])
    }

    /// The arguments of a view of values.
    pub(super) fn argument_of(&self, values: &View) -> View {
        let value = &self.d.blocks[usize::from(values[0].block)];
        let argument = |b: &Block| matches!(b.column, Column::Argument(_)) && b.same_rows(value);
        whole(self.d.blocks.iter().position(argument).unwrap() as u16)
    }

    /// Public cells.
    pub(super) fn output(&mut self, view: View, dims: Dims) {
        let exponents = self.family(dims);
        self.d.layers.push(Layer::Output { view, exponents });
    }

    /// Public indices.
    pub(super) fn top1(&mut self, view: View, dims: Dims) {
        let s = self.d.range_bits;
        let limbs = self.d.value_bits.div_ceil(s);
        let remainders = (0..limbs).map(|_| self.place(Column::Range(0), dims, 0)).collect();
        let tight = self.tight(dims, self.d.value_bits - s * (limbs - 1), 0);
        let exponents = self.family(dims);
        self.d.layers.push(Layer::Top1 { view, remainders, tight, exponents });
    }

    /// `cell = view`, and f of it.
    pub(super) fn combine(&mut self, view: View, dims: Dims, pair: u8) -> View {
        let cell = self.place(Column::Argument(pair), dims, 0);
        let exponents = self.family(dims);
        self.d.layers.push(Layer::Combine { cell, view, exponents });
        whole(self.value_of(cell))
    }

    /// max(a, b) = b + relu(a - b), first over columns and then over rows. The pair's function must be ReLU.
    pub(super) fn max_pool(&mut self, view: View, dims: Dims, pair: u8) -> (View, Dims) {
        let mut larger = |view: &View, heights: bool, dims: Dims| {
            let (a, b) = (every_second(view, heights, 0), every_second(view, heights, 1));
            let minus = b.iter().map(|t| Term { coefficient: -t.coefficient, ..*t });
            let difference = a.into_iter().chain(minus).collect();
            let relu = self.combine(difference, dims, pair);
            [b, relu].concat()
        };
        let half = [dims[0], dims[1], dims[2], dims[3] / 2];
        let quarter = [dims[0], dims[1], dims[2] / 2, dims[3] / 2];
        let across = larger(&view, false, half);
        (larger(&across, true, quarter), quarter)
    }

    /// Places the virtual chunk and the salts.
    pub(super) fn finish(mut self) -> Descriptor {
        let rows = 1u64 << self.d.log_rows;
        self.d.chunks = self.weights.div_ceil(rows) as u16;
        let start = u32::from(self.d.chunks) << self.d.log_rows;
        self.d.mask_cells.weights = [start, start + 1];
        self.d.mask_cells.inputs = [start + 2, start + 3];
        if self.d.weight_visibility == Visibility::Hidden {
            let mut used = vec![false; start as usize];
            for layer in &self.d.layers {
                let Layer::Linear(l) = layer else { continue };
                for map in &l.maps {
                    let [n0, n1, n2, n3, n4] = map.weight_dims(l.out());
                    for [i, j, k, rest] in indices([n0, n1, n2, n3 * n4]) {
                        used[weight_position(l, map, [i, j, k, rest / n4 as usize, rest % n4 as usize])] = true;
                    }
                }
                used[l.biases as usize..(l.biases + l.out()) as usize].fill(true);
            }
            for chunk in 0..u32::from(self.d.chunks) {
                let all = (chunk << self.d.log_rows..(chunk + 1) << self.d.log_rows).rev();
                self.d.salts.extend(all.filter(|k| !used[*k as usize]).take(2));
            }
        }
        self.d
    }
}

/// A dense network with ReLU: hidden input, hidden weights.
pub(super) fn mlp() -> Descriptor {
    let mut net = Net::new([8, 3, 4, 6], 1, Visibility::Hidden, Visibility::Hidden, &[(0, 31)]);
    let (x, dims) = net.input([10, 1, 1], 0, 4);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 7, 4, Some(0));
    let (h, dims) = net.linear(Kind::Dense, h, dims, 5, 4, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 4, None);
    net.finish()
}

/// A window that covers its input, then a dense layer: all other weights, and the virtual chunk, stand in the padding of the
/// window's.
pub(super) fn packed(sizes: [u8; 4], channels: u32) -> Descriptor {
    let relu = (0, (1 << (sizes[3] - 1)) - 1);
    let mut net = Net::new(sizes, 1, Visibility::Hidden, Visibility::Hidden, &[relu]);
    net.packed = true;
    let (x, dims) = net.input([channels, 5, 2], 0, 4);
    let window = Window { kernel: [5, 2], stride: [1, 1], before: [0, 0], after: [0, 0] };
    let (h, dims) = net.linear(Kind::Convolution(window), x, dims, 7, 4, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 4, None);
    net.finish()
}

/// Of 1024 positions with padding, the window's weights take 575 and 8 for each channel; the virtual chunk begins at 768. For
/// five to eight channels.
pub(super) const PACKED: [u8; 4] = [8, 3, 4, 6];

/// The sizes of [`cnn`].
pub(super) struct Cnn {
    pub(super) sizes: [u8; 4],
    pub(super) size: u32,
    pub(super) hidden: u32,
    pub(super) classes: u32,
}

pub(super) const CNN: Cnn = Cnn { sizes: [9, 4, 4, 6], size: 6, hidden: 5, classes: 4 };
pub(super) const SMALL_CNN: Cnn = Cnn { sizes: [7, 3, 4, 5], size: 4, hidden: 3, classes: 2 };

/// Convolution, max pool, dense, dense: a batch of two, a committed input, hidden weights. With `stride2`, the hidden layer
/// is a convolution of stride 2 that reads the pooled view.
pub(super) fn cnn(p: &Cnn, stride2: bool) -> Descriptor {
    let relu = (0, (1 << (p.sizes[3] - 1)) - 1);
    let mut net = Net::new(p.sizes, 2, Visibility::Committed, Visibility::Hidden, &[relu]);
    let remainders = 4 * p.size.next_power_of_two().pow(2); // the first convolution's, in front of the input
    let (x, dims) = net.input([1, p.size, p.size], remainders, 4);
    let conv1 = Kind::Convolution(square(3, 1, 1));
    let (maps, dims) = net.linear(conv1, x, dims, 2, 4, Some(0));
    let (pooled, dims) = net.max_pool(maps, dims, 0);
    let (h, dims) = if stride2 {
        net.linear(Kind::Convolution(square(3, 2, 1)), pooled, dims, 2, 4, Some(0))
    } else {
        net.linear(Kind::Dense, pooled, dims, p.hidden, 4, Some(0))
    };
    net.linear(Kind::Dense, h, dims, p.classes, 4, None);
    net.finish()
}

/// Everything else: public input with an exact range below the table's, public weights, three functions, two range
/// columns (five look-ups), shifts in limbs and below the table, a window that is not square, a residual sum.
pub(super) fn mixed() -> Descriptor {
    let functions = [(0, 31), (-32, 31), (3, 20)];
    let mut net = Net::new([11, 4, 5, 6], 3, Visibility::Public, Visibility::Public, &functions);
    net.d.range_columns = 2;
    let (x, dims) = net.input([2, 5, 7], 0, 3);
    let window = Window { kernel: [2, 3], stride: [2, 1], before: [1, 0], after: [0, 2] };
    let (a, dims_a) = net.linear(Kind::Convolution(window), x, dims, 3, 3, Some(1));
    let (b, _) = net.linear(Kind::Convolution(square(1, 1, 0)), a.clone(), dims_a, 3, 3, Some(2));
    let residual = [a, b.iter().map(|t| Term { coefficient: -2, ..*t }).collect()].concat();
    let sum = net.combine(residual.clone(), dims_a, 1);
    let both = [sum, residual].concat();
    let (h, dims) = net.linear(Kind::Dense, both, dims_a, 3, 7, Some(0));
    net.linear(Kind::Dense, h, dims, 2, 1, None);
    net.finish()
}

/// A signed input, in an argument column.
pub(super) fn signed() -> Descriptor {
    let mut net = Net::new([8, 3, 4, 6], 2, Visibility::Hidden, Visibility::Hidden, &[(-32, 31), (0, 31)]);
    let (x, dims) = net.signed_input([4, 1, 1], 0);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 3, 5, Some(1));
    net.linear(Kind::Dense, h, dims, 2, 4, None);
    net.finish()
}

/// A function without order or sign, for any K: f(0) is not 0.
pub(super) fn ragged(y: i32) -> i32 {
    (y * y + 3 * y).rem_euclid(17) - 6
}

/// The windows of [`sums`].
pub(super) const WIDE: Window = Window { kernel: [3, 2], stride: [1, 2], before: [1, 1], after: [1, 0] };
pub(super) const NARROW: Window = Window { kernel: [1, 1], stride: [1, 2], before: [0, 0], after: [0, 0] };

/// Sums of maps, a depthwise window without a shift, a function given as a table. The input has an even width.
pub(super) fn sums(sizes: [u8; 4], batch: u32, inner: [u32; 3]) -> Descriptor {
    let relu = (0, (1 << (sizes[3] - 1)) - 1);
    let mut net = Net::new(sizes, batch, Visibility::Hidden, Visibility::Hidden, &[relu, relu]);
    net.table(1, ragged);
    let (x, dims) = net.input(inner, 0, 3);
    let maps = vec![
        (Kind::Depthwise(WIDE), x.clone(), dims),
        (Kind::Convolution(NARROW), x.clone(), dims),
        (Kind::Depthwise(NARROW), x, dims),
    ];
    let (a, dims) = net.sum(maps, inner[0], 4, Some(1));
    let (b, _) = net.linear(Kind::Depthwise(square(1, 1, 0)), a.clone(), dims, inner[0], 0, Some(0));
    let (h, dims) = net.sum(vec![(Kind::Dense, a, dims), (Kind::Dense, b, dims)], 3, 6, Some(0));
    net.linear(Kind::Dense, h, dims, 2, 3, None);
    net.finish()
}

/// The window of the second layer of [`pooled`].
pub(super) const FLAT: Window = Window { kernel: [1, 2], stride: [1, 1], before: [0, 0], after: [0, 0] };

/// Two pooled convolutions. The first is a max pooling; the second's f has no order, and both z and f(z) are read at the
/// last places of its squares.
pub(super) fn pooled(sizes: [u8; 4], batch: u32) -> Descriptor {
    let relu = (0, (1 << (sizes[3] - 1)) - 1);
    let mut net = Net::new(sizes, batch, Visibility::Hidden, Visibility::Hidden, &[relu, relu]);
    net.table(1, ragged);
    net.d.range_columns = 2;
    let (x, dims) = net.input([1, 4, 6], 0, 3);
    let (y, dims) = net.linear(Kind::Convolution(square(3, 1, 1)), x, dims, 1, 4, Some(0));
    let (maxima, dims) = net.pool_in_place(&y, dims);
    let (y, dims) = net.linear(Kind::Convolution(FLAT), maxima, dims, 3, 2, Some(1));
    let (values, dims) = net.pool_in_place(&y, dims);
    let arguments = last_places(&net.argument_of(&values));
    net.linear(Kind::Dense, [values, arguments].concat(), dims, 2, 3, None);
    net.finish()
}

/// The sizes of [`pooled`].
pub(super) const POOLED: [u8; 4] = [8, 3, 3, 5];

/// What is public of the last layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// Whether each score reaches 3.
    Threshold,
    /// The scores, whatever their function is.
    Scores,
    /// The first of the largest.
    Top1,
}
pub(super) const ENDS: [End; 3] = [End::Threshold, End::Scores, End::Top1];

/// Two dense layers, and the public outputs of n classes.
pub(super) fn ending(sizes: [u8; 4], batch: u32, n: u32, end: End) -> Descriptor {
    let relu = (0, (1 << (sizes[3] - 1)) - 1);
    let mut net = Net::new(sizes, batch, Visibility::Committed, Visibility::Hidden, &[relu, (0, 0)]);
    net.table(1, |y| (y >= 3).into());
    let (x, dims) = net.input([6, 1, 1], 64, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 4, 3, Some(0));
    let (values, dims) = net.linear(Kind::Dense, h, dims, n, 2, Some(1));
    let scores = net.argument_of(&values);
    match end {
        End::Threshold => net.output(values, dims),
        End::Scores => net.output(scores, dims),
        End::Top1 => net.top1(scores, dims),
    }
    net.finish()
}

/// Maxima of squares that are the public outputs: of four channels, z as scores or f(z).
pub(super) fn pooled_ending(end: End) -> Descriptor {
    let mut net = Net::new(POOLED, 2, Visibility::Hidden, Visibility::Hidden, &[(0, 15)]);
    let (x, dims) = net.input([1, 2, 2], 0, 3);
    let (y, dims) = net.linear(Kind::Convolution(square(3, 1, 1)), x, dims, 4, 4, Some(0));
    let (values, dims) = net.pool_in_place(&y, dims);
    let scores = last_places(&net.argument_of(&values));
    match end {
        End::Threshold => net.output(values, dims),
        End::Scores => net.output(scores, dims),
        End::Top1 => net.top1(scores, dims),
    }
    net.finish()
}

/// Random weights and biases in given ranges.
pub(super) fn random_model(
    layout: &Layout,
    rng: &mut Seeded,
    weights: [i64; 2],
    biases: [i64; 2],
) -> Vec<LayerWeights> {
    let each = |l: &Linear| {
        let mut map = |m: &Map| {
            let n = m.weight_dims(l.out()).iter().product::<u32>();
            (0..n).map(|_| rng.between(weights[0], weights[1])).collect()
        };
        LayerWeights {
            maps: l.maps.iter().map(&mut map).collect(),
            biases: (0..l.out()).map(|_| rng.between(biases[0], biases[1])).collect(),
        }
    };
    layout.linear_layers().map(each).collect()
}

/// A key that counts as registered, without a proof of it.
pub(super) fn registered_key(
    scheme: &Ideal,
    layout: Layout,
    model: Vec<LayerWeights>,
    rng: &mut Seeded,
) -> ProvingKey<Ideal> {
    let mut key = salted_key(scheme, layout, model, rng).unwrap();
    key.verifying.registration = vec![0];
    key
}

/// A model, an input inside its tables, keys.
pub(super) struct Setting {
    pub(super) scheme: Ideal,
    pub(super) key: ProvingKey<Ideal>,
    pub(super) inputs: Vec<i64>,
    pub(super) committed: Option<CommittedInput<Ideal>>,
    pub(super) rng: Seeded,
}

impl Setting {
    pub(super) fn new(descriptor: Descriptor, seed: u64) -> Setting {
        Setting::of(Layout::new(descriptor).unwrap(), seed)
    }

    pub(super) fn of(layout: Layout, seed: u64) -> Setting {
        Setting::found(layout, seed, usize::MAX).unwrap()
    }

    /// Draws models until one keeps inside its tables, at most `tries` times.
    pub(super) fn found(layout: Layout, seed: u64, tries: usize) -> Option<Setting> {
        let scheme = Ideal::new(seed);
        let mut rng = Seeded::new(seed);
        let [low, high] = layout.descriptor().input_domain;
        let (model, inputs) = (0..tries).find_map(|i| {
            // smaller weights where large ones do not fit
            let (weights, biases) = [([-3, 4], [-8, 8]), ([-1, 2], [-8, 8]), ([-1, 1], [-2, 2])][(i / 64).min(2)];
            let model = random_model(&layout, &mut rng, weights, biases);
            let inputs: Vec<i64> = (0..layout.inputs()).map(|_| rng.between(low, high)).collect();
            let trace = execute(&layout, &model, &inputs).ok()?;
            // outputs inside their domain, not all alike, other ones for each batch element
            let out = &trace.outputs;
            let batch: Vec<_> = out.chunks(out.len() / layout.descriptor().batch as usize).collect();
            let constant = |o: &[i64]| o.len() > 1 && o.iter().all(|v| *v == o[0]);
            let alike = batch.windows(2).any(|w| w[0] == w[1]) || batch.iter().any(|o| constant(o));
            // another output than the honest one is in the domain too
            let indices = matches!(layout.public_layer(), Some(Layer::Top1 { .. }));
            let inside = indices || out.iter().all(|v| v.abs() < layout.output_domain()[1]);
            (inside && !alike).then_some((model, inputs))
        })?;
        let committed = layout.commits_input().then(|| commit_input_with(&scheme, &layout, &inputs, &mut rng).unwrap());
        let key = registered_key(&scheme, layout, model, &mut rng);
        Some(Setting { scheme, key, inputs, committed, rng })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.key.verifying.layout
    }
}
