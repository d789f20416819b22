//! Bad layouts, each refused by a rule of its own; the descriptor's encoding.

use super::networks::*;
use super::zero_knowledge::smallest;
use crate::checker::{LayoutError as E, check};
use crate::descriptor::*;
use crate::field::{Fr, number};
use crate::keys::VerifyingKey;
use crate::layout::Layout;
use crate::randomness::Seeded;
use crate::register::{check_registration, registration_words};
use crate::scheme::ideal::Ideal;
use crate::statement::public_input_words;
use crate::verify::{VerifyError, proof_words, verify};

fn linear(d: &mut Descriptor, layer: usize) -> &mut Linear {
    match &mut d.layers[layer] {
        Layer::Linear(l) => l,
        _ => panic!("no weights in layer {layer}"),
    }
}

/// The layers of [`cnn`].
pub(super) const CONV1: usize = 1;
pub(super) const POOL1: usize = 2;
pub(super) const POOL2: usize = 3;
pub(super) const FC1: usize = 4;
pub(super) const FC2: usize = 5;

/// The block that a layer's limb is in.
pub(super) fn remainder(d: &Descriptor, layer: usize) -> u16 {
    match &d.layers[layer] {
        Layer::Linear(l) => l.remainders[0],
        _ => panic!("no remainder"),
    }
}

/// The argument block that a layer writes.
pub(super) fn argument(d: &Descriptor, layer: usize) -> u16 {
    match &d.layers[layer] {
        Layer::Linear(l) => l.output.fixes().unwrap(),
        Layer::Combine { cell, .. } => *cell,
        Layer::Input { block, .. } => *block,
        Layer::Output { .. } | Layer::Top1 { .. } => panic!("writes nothing"),
    }
}

/// The block of its values.
pub(super) fn value(d: &Descriptor, layer: usize) -> u16 {
    let y = &d.blocks[usize::from(argument(d, layer))];
    let paired = |b: &Block| matches!(b.column, Column::Value(_)) && b.same_rows(y);
    d.blocks.iter().position(paired).unwrap() as u16
}

fn broken(name: &str, good: &Descriptor, change: impl FnOnce(&mut Descriptor)) -> E {
    let mut bad = good.clone();
    change(&mut bad);
    assert_ne!(*good, bad);
    let Err(error) = check(&bad) else { panic!("{name}: a bad layout was accepted") };
    assert!(!error.to_string().is_empty());
    error
}

macro_rules! refused {
    ($good:expr, $($name:literal: $change:expr => $error:pat),* $(,)?) => {$(
        let error = broken($name, &$good, $change);
        assert!(matches!(error, $error), "{}: {error:?}", $name);
    )*};
}

pub(super) mod pooled;

#[test]
fn bad_layouts() {
    let good = cnn(&CNN, false);
    check(&good).unwrap();
    let (rows, active) = (512u32, 496u32);
    let block = |d: &Descriptor, id: u16| d.blocks[usize::from(id)].clone();
    let rem = |layer| usize::from(remainder(&good, layer));
    let (x, fc1_a) = (block(&good, argument(&good, 0)), usize::from(value(&good, FC1)));
    refused! { good,
        "pad rows": |d: &mut Descriptor| d.blocks[rem(FC2)].offset = rows - 8 => E::BlockTouchesPadRows { .. },
        "block overlap": |d: &mut Descriptor| d.blocks[rem(FC1)].offset = x.offset => E::BlocksOverlap { column: Column::Range(0), .. },
        "misaligned": |d: &mut Descriptor| d.blocks[rem(FC1)].offset += 1 => E::BlockNotAligned { .. },
        "exponent overlap": |d: &mut Descriptor| linear(d, FC2).exponents.offset -= 1 => E::ExponentsOverlap { .. },
        "exponent stride of 5": |d: &mut Descriptor| linear(d, FC2).exponents.strides[0] = 5 => E::ExponentStrides { layer: FC2 },
        "no exponent stride": |d: &mut Descriptor| linear(d, FC2).exponents.strides[3] = 0 => E::ExponentStrides { layer: FC2 },
        "exponent beyond all powers": |d: &mut Descriptor| linear(d, FC2).exponents.offset = 1 << 40 => E::ExponentStrides { layer: FC2 },
        "exponent stride": |d: &mut Descriptor| linear(d, CONV1).exponents.strides[2] = 4 => E::ExponentStrides { layer: CONV1 },
        "mask overlap": |d: &mut Descriptor| d.mask_cells.inputs = d.mask_cells.weights => E::MaskCellsOverlap { .. },
        "mask rows overlap": |d: &mut Descriptor| d.mask_cells.rows[1] = d.mask_cells.rows[0] => E::MaskCellsOverlap { .. },
        "mask in weights": |d: &mut Descriptor| d.mask_cells.weights = [0, 1] => E::MaskCellOutsideVirtualChunk { got: 0, .. },
        "mask rows": |d: &mut Descriptor| d.mask_cells.rows[0] = active - 1 => E::MaskCellOutsidePadRows { .. },
        "weights in virtual chunk": |d: &mut Descriptor| linear(d, FC1).maps[0].weights = 2 * rows => E::WeightsInVirtualChunk { layer: FC1, .. },
        "weight overlap": |d: &mut Descriptor| linear(d, FC2).maps[0].weights = linear(d, CONV1).maps[0].weights => E::WeightsOverlap { .. },
        "salt overlap": |d: &mut Descriptor| linear(d, FC2).biases = 2 * rows - 4 => E::SaltOnWeight { .. },
        "padded contraction": |d: &mut Descriptor| linear(d, FC2).maps[0].input[1] = 8 => E::ViewShape { layer: FC2, .. },
        "padded image": |d: &mut Descriptor| linear(d, CONV1).maps[0].input[3] = 8 => E::ViewBeyondRealLength { layer: CONV1, .. },
        "padded output": |d: &mut Descriptor| linear(d, FC1).exponents.dims[1] = 8 => E::OutputBlock { layer: FC1 },
        "unpaired activation": |d: &mut Descriptor| d.blocks[fc1_a].offset = 480 => E::UnfixedCells { layer: FC2, .. },
        "reads remainder": |d: &mut Descriptor| linear(d, FC2).maps[0].view[0].block = rem(FC1) as u16 => E::UnfixedCells { layer: FC2, .. },
        "reads later layer": |d: &mut Descriptor| d.layers.swap(CONV1, POOL1) => E::UnfixedCells { layer: CONV1, .. },
        "short pool": |d: &mut Descriptor| match &mut d.layers[POOL1] {
            Layer::Combine { exponents, .. } => exponents.dims[3] = 2,
            _ => panic!(),
        } => E::CombineLength { layer: POOL1 },
        "pool in a column of values": |d: &mut Descriptor| match &mut d.layers[POOL1] {
            Layer::Combine { cell, .. } => *cell = value(&good, POOL1),
            _ => panic!(),
        } => E::CombineLength { layer: POOL1 },
        "wide table": |d: &mut Descriptor| d.range_table.bits = 5 => E::TableSize { table: 0, expected: 4, got: 5 },
        "one salt": |d: &mut Descriptor| { d.salts.pop(); } => E::SaltsOfChunk { chunk: 1, got: 1, .. },
    }
}

#[test]
fn more_bad_layouts() {
    let good = cnn(&CNN, false);
    let rem = |layer| usize::from(remainder(&good, layer));
    let argument_of = |layer| usize::from(argument(&good, layer));
    let tight = |l: &Descriptor| Tight {
        block: 0,
        bits: 3,
        exponents: l
            .layers
            .iter()
            .find_map(|l| match l {
                Layer::Input { exponents, .. } => Some(exponents.clone()),
                _ => None,
            })
            .unwrap(),
    };
    refused! { good,
        "range column": |d: &mut Descriptor| d.range_columns = 0 => E::Size { what: "range columns", .. },
        "no such column": |d: &mut Descriptor| d.blocks[rem(FC2)].column = Column::Range(1) => E::NoSuchColumn { .. },
        "no such block": |d: &mut Descriptor| linear(d, FC2).maps[0].view[0].block = 999 => E::NoSuchBlock { layer: FC2, got: 999 },
        "no such function": |d: &mut Descriptor| d.pairs[0] = 1 => E::NoSuchFunction { pair: 0, got: 1 },
        "batch": |d: &mut Descriptor| d.batch = 1 => E::BatchLength { expected: 1, got: 2, .. },
        "empty block": |d: &mut Descriptor| d.blocks[rem(FC2)].dims[1] = 0 => E::EmptyBlock { .. },
        "table overlap": |d: &mut Descriptor| d.functions[0].slot.offset = 0 => E::TablesOverlap { .. },
        "table in pad rows": |d: &mut Descriptor| d.functions[0].slot.offset = 448 => E::TablePlacement { .. },
        "table not aligned": |d: &mut Descriptor| d.functions[0].slot.offset += 1 => E::TablePlacement { table: 1, .. },
        "lowest value of a function": |d: &mut Descriptor| d.functions[0].kind = FunctionKind::Clamp { low: -33, high: 31 } => E::FunctionBounds { .. },
        "bounds that cross": |d: &mut Descriptor| d.functions[0].kind = FunctionKind::Clamp { low: 2, high: 1 } => E::FunctionBounds { .. },
        "function bounds": |d: &mut Descriptor| d.functions[0].kind = FunctionKind::Clamp { low: 0, high: 32 } => E::FunctionBounds { .. },
        "input domain": |d: &mut Descriptor| d.input_domain[1] = 16 => E::InputDomain { expected: [0, 15], got: [0, 16] },
        "two inputs": |d: &mut Descriptor| d.layers.insert(1, d.layers[0].clone()) => E::InputLayer { layer: 1 },
        "no input": |d: &mut Descriptor| { d.layers.remove(0); } => E::InputLayer { layer: 0 },
        "input in a free column": |d: &mut Descriptor| match &mut d.layers[0] {
            Layer::Input { block, .. } => *block = value(&good, CONV1),
            _ => panic!(),
        } => E::InputBlock { .. },
        "input in a column of values": |d: &mut Descriptor| {
            let (id, dims) = (value(&good, CONV1), d.blocks[usize::from(value(&good, CONV1))].dims);
            let Layer::Input { block, exponents, .. } = &mut d.layers[0] else { panic!() };
            (*block, exponents.dims) = (id, dims);
        } => E::InputBlock { layer: 0 },
        "link missing": |d: &mut Descriptor| match &mut d.layers[0] {
            Layer::Input { link, .. } => *link = None,
            _ => panic!(),
        } => E::InputLink { layer: 0 },
        "link to itself": |d: &mut Descriptor| match &mut d.layers[0] {
            Layer::Input { block, link, .. } => *link = Some(*block),
            _ => panic!(),
        } => E::InputLink { layer: 0 },
        "exponents of another length than the input": |d: &mut Descriptor| match &mut d.layers[0] {
            Layer::Input { exponents, .. } => exponents.dims[1] = 2,
            _ => panic!(),
        } => E::InputBlock { layer: 0 },
        "no output channel": |d: &mut Descriptor| linear(d, FC2).exponents.dims[1] = 0 => E::OutputLength { layer: FC2, .. },
        "output in a column of values": |d: &mut Descriptor| linear(d, FC1).output = Destination::Cells(value(&good, FC1)) => E::OutputBlock { layer: FC1 },
        "many terms": |d: &mut Descriptor| { let term = linear(d, FC2).maps[0].view[0]; linear(d, FC2).maps[0].view.resize(65, term) } => E::Size { what: "terms of a view", .. },
        "link elsewhere": |d: &mut Descriptor| d.blocks.iter_mut().filter(|b| b.column == Column::Input).for_each(|b| b.offset = 0) => E::InputLink { layer: 0 },
        "no input salt": |d: &mut Descriptor| d.input_salts.clear() => E::InputSalts { got: 0, .. },
        "input salt in a cell": |d: &mut Descriptor| d.input_salts[0] = 0 => E::InputSalts { .. },
        "needless tight range": |d: &mut Descriptor| { let t = tight(d); linear(d, FC2).tight = Some(t) } => E::TightRange { layer: FC2 },
        "no public layer": |d: &mut Descriptor| { d.layers.pop(); } => E::PublicLayer { expected: FC1, got: None },
        "written twice": |d: &mut Descriptor| linear(d, FC2).output = Destination::Cells(argument_of(FC1) as u16) => E::OutputBlock { .. } | E::WrittenTwice { .. },
        "remainder written twice": |d: &mut Descriptor| {
            let [dims, batch] = [d.blocks[rem(FC1)].dims, d.blocks[rem(FC2)].dims];
            assert_ne!(dims, batch);
            linear(d, FC2).remainders[0] = rem(FC1) as u16;
        } => E::RemainderBlock { layer: FC2, limb: 0 },
        "limb missing": |d: &mut Descriptor| linear(d, FC2).remainders.clear() => E::RemainderLimbs { expected: 1, got: 0, .. },
        "range not tight": |d: &mut Descriptor| linear(d, FC2).shift = 3 => E::TightRange { layer: FC2 },
        "shift of two limbs": |d: &mut Descriptor| linear(d, FC2).shift = 5 => E::RemainderLimbs { expected: 2, got: 1, .. },
        "remainder without a shift": |d: &mut Descriptor| linear(d, FC2).shift = 0 => E::RemainderLimbs { expected: 0, got: 1, .. },
        "shift of many limbs": |d: &mut Descriptor| linear(d, FC2).shift = 41 => E::Size { what: "shift", .. },
        "empty view": |d: &mut Descriptor| linear(d, FC2).maps[0].view.clear() => E::EmptyView { layer: FC2 },
        "low bits beyond the shift": |d: &mut Descriptor| linear(d, FC1).maps[0].view[0].height.low = 2 => E::ViewShape { layer: FC1, .. },
        "shift beyond the block": |d: &mut Descriptor| linear(d, FC1).maps[0].view[0].height.shift = 200 => E::ViewShape { layer: FC1, .. },
        "stride 3": |d: &mut Descriptor| linear(d, CONV1).maps[0].kind = Kind::Convolution(square(3, 3, 1)) => E::ConvolutionWindow { layer: CONV1 },
        "window too large": |d: &mut Descriptor| linear(d, CONV1).maps[0].kind = Kind::Convolution(square(9, 1, 1)) => E::ConvolutionWindow { layer: CONV1 },
        "convolution length": |d: &mut Descriptor| linear(d, CONV1).maps[0].kind = Kind::Convolution(square(3, 1, 0)) => E::OutputLength { layer: CONV1, expected: [2, 2, 4, 4], got: [2, 2, 6, 6] },
        "weights not aligned": |d: &mut Descriptor| linear(d, FC2).maps[0].weights += 1 => E::WeightsNotAligned { layer: FC2, .. },
        "overflow": |d: &mut Descriptor| linear(d, FC1).maps[0].weight_bits = 60 => E::Overflow { layer: FC1, .. },
        "overflow of everything": |d: &mut Descriptor| linear(d, FC1).maps[0].weight_bits = 255 => E::Overflow { layer: FC1, bits: 128 },
        "too large an exponent": |d: &mut Descriptor| linear(d, FC2).exponents.offset = u64::MAX => E::ExponentStrides { layer: FC2 },
        "salt twice": |d: &mut Descriptor| d.salts[1] = d.salts[0] => E::SaltOnWeight { .. },
        "salt in the virtual chunk": |d: &mut Descriptor| d.salts.push(1024) => E::WeightsInVirtualChunk { .. },
        "committed weights": |d: &mut Descriptor| d.weight_visibility = Visibility::Committed => E::Size { .. },
        "salted public weights": |d: &mut Descriptor| d.weight_visibility = Visibility::Public => E::SaltsOfChunk { got: 2, .. },
        "too few pad rows": |d: &mut Descriptor| d.log_pad = 2 => E::Size { what: "log2 of the pad rows", .. },
        "no range": |d: &mut Descriptor| d.range_bits = 0 => E::Size { what: "bits of the range table", .. },
        "too large a range": |d: &mut Descriptor| d.range_bits = 21 => E::Size { what: "bits of the range table", .. },
        "no activations": |d: &mut Descriptor| d.value_bits = 1 => E::Size { what: "bits of an activation", .. },
        "too large activations": |d: &mut Descriptor| d.value_bits = 21 => E::Size { what: "bits of an activation", .. },
        "no batch": |d: &mut Descriptor| d.batch = 0 => E::Size { what: "batch", .. },
        "many pairs": |d: &mut Descriptor| d.pairs.resize(65, 0) => E::Size { what: "pairs of columns", .. },
        "many functions": |d: &mut Descriptor| d.functions.resize(65, d.functions[0].clone()) => E::Size { what: "functions", .. },
        "no chunks": |d: &mut Descriptor| d.chunks = 0 => E::Size { what: "weight chunks", .. },
        "no blocks": |d: &mut Descriptor| d.blocks.clear() => E::Size { what: "blocks", .. },
        "one layer": |d: &mut Descriptor| d.layers.truncate(1) => E::Size { what: "layers", .. },
        "more salts than can be counted": |d: &mut Descriptor| d.salts.resize(1 << 16, 0) => E::Size { what: "salts", .. },
        "more input salts than can be counted": |d: &mut Descriptor| d.input_salts.resize(1 << 16, 0) => E::Size { what: "input salts", .. },
        "no column": |d: &mut Descriptor| d.log_rows = 255 => E::Size { what: "log2 of the rows", .. },
    }
    refused! { mlp(),
        "salt of a hidden input": |d: &mut Descriptor| d.input_salts.push((1 << d.log_rows) - 1) => E::InputSalts { expected_at_least: 0, got: 1 },
    }
    fn tight_input(d: &mut Descriptor) -> (u16, &mut Tight) {
        match &mut d.layers[0] {
            Layer::Input { block, tight: Some(tight), .. } => (*block, tight),
            _ => panic!(),
        }
    }
    refused! { mixed(),
        "input of no bits": |d: &mut Descriptor| {
            tight_input(d).1.bits = 0;
            d.input_domain = [0, 0];
        } => E::TightRange { layer: 0 },
        "scaled input of other lengths": |d: &mut Descriptor| tight_input(d).1.exponents.dims[1] = 1 => E::TightRange { layer: 0 },
        "an input that is its own scaled cells": |d: &mut Descriptor| {
            let (block, tight) = tight_input(d);
            tight.block = block;
        } => E::WrittenTwice { layer: 0, .. },
    }
    let small = Net::new([5, 3, 3, 3], 1, Visibility::Hidden, Visibility::Public, &[(0, 3)]);
    let mut net = small;
    let (x, dims) = net.input([2, 1, 1], 0, 3);
    net.linear(Kind::Dense, x, dims, 2, 3, None);
    assert!(matches!(check(&net.finish()), Err(E::MasksDoNotFit { .. })));
    check(&smallest(63)).unwrap();
    assert_eq!(check(&smallest(64)), Err(E::MasksDoNotFit { rows: 66, at_most: 64 }));
    let mut net = Net::new([8, 3, 3, 3], 1, Visibility::Hidden, Visibility::Public, &[(0, 3)]);
    let (x, dims) = net.input([2, 1, 1], 0, 3);
    net.linear(Kind::Dense, x.clone(), dims, 2, 3, None);
    check(&net.d.clone()).unwrap_err(); // the virtual chunk has not been placed
    net.combine(x, dims, 0);
    assert_eq!(check(&net.finish()), Err(E::PublicLayer { expected: 2, got: Some(1) }));
}

fn of_end(end: End) -> Descriptor {
    ending([9, 3, 4, 6], 3, 5, end)
}

fn summing() -> Descriptor {
    sums([10, 3, 4, 6], 2, [3, 3, 6])
}

#[test]
fn bad_sums_and_tables() {
    let good = summing();
    check(&good).unwrap();
    let rest = remainder(&good, 1);
    refused! { good,
        "table too short": |d: &mut Descriptor| table(d).truncate(63) => E::FunctionLength { function: 1, expected: 64, got: 63 },
        "table too long": |d: &mut Descriptor| table(d).push(0) => E::FunctionLength { function: 1, got: 65, .. },
        "table value": |d: &mut Descriptor| table(d)[9] = 32 => E::FunctionValue { function: 1, position: 9, domain: [-32, 31], got: 32 },
        "low table value": |d: &mut Descriptor| table(d)[63] = i32::MIN => E::FunctionValue { position: 63, .. },
        "no maps": |d: &mut Descriptor| linear(d, 1).maps.clear() => E::Size { what: "maps", .. },
        "many maps": |d: &mut Descriptor| { let map = linear(d, 1).maps[0].clone(); linear(d, 1).maps.resize(65, map) } => E::Size { what: "maps", .. },
        "maps of unlike lengths": |d: &mut Descriptor| linear(d, 1).maps[1].kind = Kind::Convolution(square(1, 1, 0)) => E::OutputLength { layer: 1, .. },
        "dense beside a window": |d: &mut Descriptor| linear(d, 1).maps[2].kind = Kind::Dense => E::OutputLength { layer: 1, .. },
        "two maps share weights": |d: &mut Descriptor| linear(d, 3).maps[1].weights = linear(d, 3).maps[0].weights => E::WeightsOverlap { .. },
        "weights and biases meet": |d: &mut Descriptor| linear(d, 3).biases = linear(d, 3).maps[0].weights => E::WeightsOverlap { .. },
        "second map beyond the chunks": |d: &mut Descriptor| linear(d, 3).maps[1].weights = u32::from(d.chunks) << 10 => E::WeightsInVirtualChunk { layer: 3, .. },
        "second map not aligned": |d: &mut Descriptor| linear(d, 3).maps[1].weights += 1 => E::WeightsNotAligned { layer: 3, .. },
        "second map reads free cells": |d: &mut Descriptor| linear(d, 3).maps[1].view[0].block = rest => E::UnfixedCells { layer: 3, .. },
        "second map longer than its view": |d: &mut Descriptor| linear(d, 3).maps[1].input[3] += 1 => E::ViewBeyondRealLength { layer: 3, .. },
        "tight range without a shift": |d: &mut Descriptor| {
            let exponents = linear(d, 2).exponents.clone();
            linear(d, 2).tight = Some(Tight { block: rest, bits: 3, exponents })
        } => E::TightRange { layer: 2 },
        // each map fits, the sum of both does not
        "overflow of a sum": |d: &mut Descriptor| linear(d, 3).maps.iter_mut().for_each(|map| map.weight_bits = 52) => E::Overflow { layer: 3, bits: 63 },
    }
    let mut alone = good.clone();
    linear(&mut alone, 3).maps[0].weight_bits = 52;
    check(&alone).unwrap();
    let depthwise = |d: &mut Descriptor| linear(d, CONV1).maps[0].kind = Kind::Depthwise(square(3, 1, 1));
    let expected = E::OutputLength { layer: CONV1, expected: [2, 1, 6, 6], got: [2, 2, 6, 6] };
    assert_eq!(broken("depthwise", &cnn(&CNN, false), depthwise), expected);
}

/// A block ends behind its last weight: other blocks, salts and the virtual chunk may stand in its padding.
#[test]
fn padding_of_weights() {
    let good = packed(PACKED, 8);
    check(&good).unwrap();
    assert_eq!((linear(&mut good.clone(), 1).biases, good.mask_cells.weights), (640, [768, 769]));
    let mut shorter = packed(PACKED, 5);
    check(&shorter).unwrap();
    refused! { shorter,
        "one position of two blocks": |d: &mut Descriptor| linear(d, 2).biases = 612 => E::WeightsOverlap { position: 612 },
        "salt on the last weight": |d: &mut Descriptor| d.salts.push(614) => E::SaltOnWeight { position: 614 },
        "salt on a bias in the padding": |d: &mut Descriptor| d.salts.push(616) => E::SaltOnWeight { position: 616 },
        "last weights in the virtual chunk": |d: &mut Descriptor| d.chunks = 2 => E::WeightsInVirtualChunk { layer: 1, end: 615, .. },
        "not aligned to the padding": |d: &mut Descriptor| linear(d, 1).maps[0].weights = 512 => E::WeightsNotAligned { layer: 1, size: 1024, .. },
    }
    shorter.salts.push(615);
    check(&shorter).unwrap();
}

/// The layers of [`ending`].
const SCORES: usize = 2;
const END: usize = 3;

#[test]
fn bad_public_outputs() {
    for end in ENDS {
        check(&of_end(end)).unwrap();
    }
    let good = of_end(End::Threshold);
    let (y, x) = (argument(&good, SCORES), argument(&good, 0));
    let (rest, h) = (remainder(&good, SCORES), value(&good, 1));
    fn view(d: &mut Descriptor) -> &mut View {
        match &mut d.layers[END] {
            Layer::Output { view, .. } | Layer::Top1 { view, .. } => view,
            _ => panic!(),
        }
    }
    fn exponents(d: &mut Descriptor) -> &mut Exponents {
        match &mut d.layers[END] {
            Layer::Output { exponents, .. } | Layer::Top1 { exponents, .. } => exponents,
            _ => panic!(),
        }
    }
    for end in [End::Threshold, End::Top1] {
        refused! { of_end(end),
            "nothing": |d: &mut Descriptor| view(d).clear() => E::EmptyView { layer: END },
            "a sum": |d: &mut Descriptor| view(d).extend(whole(y)) => E::OutputView { layer: END },
            "a multiple": |d: &mut Descriptor| view(d)[0].coefficient = 2 => E::OutputView { layer: END },
            "the negative": |d: &mut Descriptor| view(d)[0].coefficient = -1 => E::OutputView { layer: END },
            "an input in a range column": |d: &mut Descriptor| {
                view(d)[0].block = x;
                exponents(d).dims[1] = 6;
            } => E::OutputView { layer: END },
            "a remainder": |d: &mut Descriptor| view(d)[0].block = rest => E::UnfixedCells { layer: END, .. },
            "no block": |d: &mut Descriptor| view(d)[0].block = 999 => E::NoSuchBlock { layer: END, got: 999 },
            "another length": |d: &mut Descriptor| view(d)[0].block = h => E::ViewShape { layer: END, .. },
            "padded classes": |d: &mut Descriptor| exponents(d).dims[1] = 8 => E::ViewShape { layer: END, .. },
            "no height": |d: &mut Descriptor| exponents(d).dims[2] = 0 => E::ViewShape { layer: END, .. } | E::ClassLengths { .. },
            "shared exponents": |d: &mut Descriptor| exponents(d).offset -= 1 => E::ExponentsOverlap { .. },
            "equal strides": |d: &mut Descriptor| exponents(d).strides[0] = 4 => E::ExponentStrides { layer: END },
            "in the middle": |d: &mut Descriptor| d.layers.swap(END, SCORES) => E::UnfixedCells { layer: SCORES, .. },
            "not there": |d: &mut Descriptor| { d.layers.pop(); } => E::PublicLayer { expected: SCORES, got: None },
            "scores public as well": |d: &mut Descriptor| linear(d, SCORES).output = Destination::Public => E::UnfixedCells { layer: END, .. },
        }
    }
    refused! { good,
        "unpaired values": |d: &mut Descriptor| { let id = view(d)[0].block; d.blocks[usize::from(id)].offset += 64 } => E::UnfixedCells { layer: END, .. },
        "a longer output": |d: &mut Descriptor| exponents(d).dims[2] = 2 => E::ViewBeyondRealLength { layer: END, .. },
        "twice": |d: &mut Descriptor| {
            let mut again = d.layers[END].clone();
            let Layer::Output { exponents, .. } = &mut again else { panic!() };
            exponents.offset += 1 << 20;
            d.layers.push(again)
        } => E::PublicLayer { expected: 4, got: Some(END) },
    }
    let good = of_end(End::Top1);
    let limbs = |d: &mut Descriptor, change: &dyn Fn(&mut Vec<u16>, &mut Option<Tight>)| {
        let Layer::Top1 { remainders, tight, .. } = &mut d.layers[END] else { panic!() };
        change(remainders, tight)
    };
    refused! { good,
        "a limb less": |d: &mut Descriptor| limbs(d, &|r, _| r.truncate(1)) => E::RemainderLimbs { layer: END, expected: 2, got: 1 },
        "no limb": |d: &mut Descriptor| limbs(d, &|r, _| r.clear()) => E::RemainderLimbs { layer: END, expected: 2, got: 0 },
        "a limb more": |d: &mut Descriptor| limbs(d, &|r, _| r.push(r[0])) => E::RemainderLimbs { layer: END, expected: 2, got: 3 },
        "a limb twice": |d: &mut Descriptor| limbs(d, &|r, _| r[1] = r[0]) => E::WrittenTwice { layer: END, .. },
        "the remainder of another layer": |d: &mut Descriptor| limbs(d, &|r, _| r[0] = rest) => E::WrittenTwice { layer: END, .. },
        "a limb of other lengths": |d: &mut Descriptor| limbs(d, &|r, _| r[1] = x) => E::RemainderBlock { layer: END, limb: 1 },
        "a limb in a free column": |d: &mut Descriptor| limbs(d, &|r, _| r[1] = y) => E::RemainderBlock { layer: END, limb: 1 },
        "no tight range": |d: &mut Descriptor| limbs(d, &|_, t| *t = None) => E::TightRange { layer: END },
        "a wider range": |d: &mut Descriptor| limbs(d, &|_, t| t.as_mut().unwrap().bits = 3) => E::TightRange { layer: END },
        "scaled cells elsewhere": |d: &mut Descriptor| limbs(d, &|_, t| t.as_mut().unwrap().block = x) => E::TightRange { layer: END },
        "scaled cells in a free column": |d: &mut Descriptor| limbs(d, &|_, t| t.as_mut().unwrap().block = y) => E::TightRange { layer: END },
        "scaled cells that are a limb": |d: &mut Descriptor| limbs(d, &|r, t| t.as_mut().unwrap().block = r[0]) => E::WrittenTwice { layer: END, .. },
        "scaled cells of other lengths": |d: &mut Descriptor| limbs(d, &|_, t| t.as_mut().unwrap().exponents.dims[1] = 4) => E::TightRange { layer: END },
        "classes of height 2": |d: &mut Descriptor| exponents(d).dims[2] = 2 => E::ClassLengths { layer: END, got: [3, 5, 2, 1] },
    }
}

fn table(d: &mut Descriptor) -> &mut Vec<i32> {
    d.functions
        .iter_mut()
        .find_map(|f| if let FunctionKind::Table(values) = &mut f.kind { Some(values) } else { None })
        .unwrap()
}

#[test]
fn descriptors_have_one_encoding() {
    for d in [
        mlp(),
        cnn(&CNN, false),
        cnn(&CNN, true),
        mixed(),
        signed(),
        summing(),
        pooled(POOLED, 2),
        of_end(End::Scores),
        of_end(End::Top1),
    ] {
        check(&d).unwrap();
        let bytes = d.to_bytes();
        assert_eq!(Descriptor::from_bytes(&bytes).unwrap(), d);
        for n in 0..bytes.len() {
            assert!(matches!(Descriptor::from_bytes(&bytes[..n]), Err(DescriptorError::Truncated { .. })), "{n}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let expected = DescriptorError::Trailing { expected: bytes.len(), got: bytes.len() + 1 };
        assert_eq!(Descriptor::from_bytes(&longer), Err(expected));
    }
}

/// Four lengths, and what an index below each has of bits.
fn with_bits(lengths: Dims, bits: [u8; 4]) -> Vec<u8> {
    lengths.iter().flat_map(|n| n.to_be_bytes()).chain(bits).collect()
}

/// Where some bytes are, which are there once.
fn find(bytes: &[u8], part: &[u8]) -> usize {
    let mut found = (0..bytes.len()).filter(|i| bytes[*i..].starts_with(part));
    let at = found.next().unwrap();
    assert_eq!(found.next(), None);
    at
}

#[test]
fn lengths_have_their_bits_and_strides_their_logarithms() {
    let mut d = cnn(&CNN, false);
    let (lengths, bits) = ([0, 1, u32::MAX, (1 << 31) + 1], [0, 0, 32, 32]);
    let e = Exponents { offset: 0x0102_0304_0506_0708, strides: [1 << 63, 1 << 33, 2, 1], dims: [1, 2, 3, 1 << 31] };
    let family = [&[1, 2, 3, 4, 5, 6, 7, 8, 63, 33, 1, 0][..], &with_bits(e.dims, [0, 1, 2, 31])].concat();
    let input = [5, 6, 7, 1 << 30];
    d.blocks[0] = Block { column: Column::Range(0xaa), offset: 0xbbbb_bbbb, dims: lengths };
    linear(&mut d, FC2).exponents = e;
    linear(&mut d, FC2).maps[0].input = input;
    let bytes = d.to_bytes();
    assert_eq!(Descriptor::from_bytes(&bytes), Ok(d));

    let block = [&[0, 0xaa, 0xbb, 0xbb, 0xbb, 0xbb][..], &with_bits(lengths, bits)].concat();
    let input = with_bits(input, [3, 3, 3, 30]);
    let at = [find(&bytes, &block) + 22, find(&bytes, &family) + 28, find(&bytes, &input) + 16];
    let set = |position: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[position] = to;
        Descriptor::from_bytes(&bytes)
    };
    for position in at.into_iter().flat_map(|start| start..start + 4) {
        for to in (0..=u8::MAX).filter(|to| *to != bytes[position]) {
            let expected = DescriptorError::Value { reading: "dimension bits", position, got: to.into() };
            assert_eq!(set(position, to), Err(expected));
        }
    }
    let logs = find(&bytes, &family) + 8;
    for position in logs..logs + 4 {
        (0..64).for_each(|to| assert!(set(position, to).is_ok()));
        for to in 64..=u8::MAX {
            let expected = DescriptorError::Value { reading: "exponent strides", position, got: to.into() };
            assert_eq!(set(position, to), Err(expected));
        }
    }
}

/// A proof made of ones, of the right length: refused, and no more than that.
fn verify_nonsense(layout: Layout) {
    let scheme = Ideal::new(1);
    let one = Fr::from(1u64);
    let proof = vec![number(1); proof_words::<Ideal>(&layout)];
    let public = vec![number(1); public_input_words::<Ideal>(&layout)];
    let chunks = layout.chunks();
    let mut key = VerifyingKey::new(&scheme, layout, vec![one; chunks]).unwrap();
    let proof_of_ranges = vec![number(1); registration_words(&key)];
    assert!(matches!(check_registration(&scheme, &key, proof_of_ranges.as_flattened()), Err(VerifyError::Rejected(_))));
    key.registration = vec![0];
    let error = verify(&scheme, &key, proof.as_flattened(), &public, &[0; 32]).unwrap_err();
    // a damaged input domain may lie beside 1
    assert!(matches!(error, VerifyError::Rejected(_) | VerifyError::Statement(_)), "{error}");
}

/// Whatever the bytes are: no panic, one encoding, a checker that comes to an end, and a verifier for what it accepts.
#[test]
fn damaged_descriptors() {
    let mut rng = Seeded::new(77);
    let (mut parsed, mut sound) = (0, 0);
    for d in [mlp(), cnn(&CNN, false), mixed(), summing(), pooled(POOLED, 2), of_end(End::Top1)] {
        let good = d.to_bytes();
        for _ in 0..6000 {
            let mut bytes = good.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = match rng.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ (1 << rng.below(8)),
                    _ => rng.below(256) as u8,
                };
            }
            let Ok(d) = Descriptor::from_bytes(&bytes) else { continue };
            assert_eq!(d.to_bytes(), bytes);
            parsed += 1;
            let Ok(layout) = Layout::new(d) else { continue };
            sound += 1;
            if sound % 8 == 0 {
                verify_nonsense(layout);
            }
        }
    }
    assert!(parsed > 10_000 && sound > 100, "{parsed} {sound}");
    // those that changed nothing but, say, a weight's width are sound: most damage is not
    assert!(sound < parsed / 2, "{sound} of {parsed}");
}
