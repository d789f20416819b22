//! Bad pooled layers, and what a layer writes in the encoding.

use super::*;

fn pooling() -> Descriptor {
    pooled(POOLED, 2)
}

/// The layers of [`pooled`].
pub(in crate::tests) const MAXIMA: usize = 1;
pub(in crate::tests) const SQUARES: usize = 2;
const OF_BOTH: usize = 3;

/// The first pooled layer has other heights and widths, and so do all blocks of it.
fn resized(d: &mut Descriptor, size: [u32; 2]) {
    let l = linear(d, MAXIMA);
    let Kind::Convolution(window) = &mut l.maps[0].kind else { panic!() };
    window.after = [0, 1].map(|i| (size[i] - [3, 5][i]) as u8);
    let tight = l.tight.as_mut().unwrap();
    let blocks = [&l.remainders[..], &[tight.block]].concat();
    for e in [&mut l.exponents, &mut tight.exponents] {
        e.dims[2..].copy_from_slice(&size);
    }
    for id in blocks.into_iter().chain([argument(d, MAXIMA), value(d, MAXIMA)]) {
        d.blocks[usize::from(id)].dims[2..].copy_from_slice(&size);
    }
}

fn pooled_in(d: &mut Descriptor, layer: usize, arguments: u16, values: u16) {
    linear(d, layer).output = Destination::Pooled { arguments, values };
}

#[test]
fn bad_pooled_layers() {
    let good = pooling();
    check(&good).unwrap();
    let (z, f, rest) = (argument(&good, MAXIMA), value(&good, MAXIMA), remainder(&good, MAXIMA));
    let (last_z, last_f) = (argument(&good, SQUARES), value(&good, SQUARES));
    let read = |d: &mut Descriptor, layer: usize, block: u16| linear(d, layer).maps[0].view[0].block = block;
    fn block(d: &mut Descriptor, id: u16) -> &mut Block {
        &mut d.blocks[usize::from(id)]
    }
    refused! { good,
        "odd height": |d: &mut Descriptor| resized(d, [3, 6]) => E::PooledLength { layer: MAXIMA, got: [2, 1, 3, 6] },
        "odd width": |d: &mut Descriptor| resized(d, [4, 5]) => E::PooledLength { layer: MAXIMA, got: [2, 1, 4, 5] },
        "values of other rows": |d: &mut Descriptor| block(d, f).offset += 64 => E::PooledValues { layer: MAXIMA },
        "values of other lengths": |d: &mut Descriptor| block(d, f).dims[3] = 5 => E::PooledValues { layer: MAXIMA },
        "values of another channel": |d: &mut Descriptor| {
            block(d, last_f).dims[1] = 2;
        } => E::PooledValues { layer: SQUARES },
        "values of another layer": |d: &mut Descriptor| pooled_in(d, SQUARES, last_z, f) => E::PooledValues { layer: SQUARES },
        "values of another pair, in the same rows": |d: &mut Descriptor| {
            [last_z, last_f].into_iter().for_each(|id| block(d, id).offset = 64);
            block(d, f).column = Column::Value(1);
        } => E::PooledValues { layer: MAXIMA },
        "arguments that are the values": |d: &mut Descriptor| pooled_in(d, MAXIMA, z, z) => E::PooledValues { layer: MAXIMA },
        "values in a range column": |d: &mut Descriptor| pooled_in(d, MAXIMA, z, rest) => E::PooledValues { layer: MAXIMA },
        "no block of values": |d: &mut Descriptor| pooled_in(d, MAXIMA, z, 999) => E::NoSuchBlock { layer: MAXIMA, got: 999 },
        "no block of arguments": |d: &mut Descriptor| pooled_in(d, MAXIMA, 999, f) => E::NoSuchBlock { layer: MAXIMA, got: 999 },
        "arguments in a column of values": |d: &mut Descriptor| pooled_in(d, MAXIMA, f, f) => E::OutputBlock { layer: MAXIMA },
        "arguments in a range column": |d: &mut Descriptor| pooled_in(d, MAXIMA, rest, f) => E::OutputBlock { layer: MAXIMA },
        "arguments of other lengths": |d: &mut Descriptor| block(d, z).dims[2] = 3 => E::OutputBlock { layer: MAXIMA },
        "arguments of another layer": |d: &mut Descriptor| pooled_in(d, SQUARES, z, f) => E::OutputBlock { layer: SQUARES },
        "pooled classes": |d: &mut Descriptor| pooled_in(d, OF_BOTH, last_z, last_f) => E::OutputBlock { layer: OF_BOTH },
        "reads its own z": |d: &mut Descriptor| read(d, MAXIMA, z) => E::UnfixedCells { layer: MAXIMA, .. },
        "reads its own f(z)": |d: &mut Descriptor| read(d, MAXIMA, f) => E::UnfixedCells { layer: MAXIMA, .. },
        "reads z of a later layer": |d: &mut Descriptor| read(d, MAXIMA, last_z) => E::UnfixedCells { layer: MAXIMA, .. },
    }
    // a second layer of the same lengths, which pools into the cells of the first
    let mut twice = good.clone();
    twice.layers.insert(SQUARES, twice.layers[MAXIMA].clone());
    assert_eq!(check(&twice), Err(E::WrittenTwice { layer: SQUARES, block: rest }));
    linear(&mut twice, SQUARES).remainders.clear();
    (linear(&mut twice, SQUARES).shift, linear(&mut twice, SQUARES).tight) = (0, None);
    assert_eq!(check(&twice), Err(E::WrittenTwice { layer: SQUARES, block: z }));
}

/// Later layers read z and f(z), at every place of the squares.
#[test]
fn pooled_cells_are_fixed() {
    let good = pooling();
    let (z, f) = (argument(&good, SQUARES), value(&good, SQUARES));
    for block in [z, f] {
        for (height, width) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut d = good.clone();
            let view = &mut linear(&mut d, OF_BOTH).maps[0].view;
            *view = whole(block);
            (view[0].height, view[0].width) = (Select { shift: 1, low: height }, Select { shift: 1, low: width });
            check(&d).unwrap();
        }
    }
}

/// The sums that stand for y have two bits more: the bound is `2^(S+K+2)`.
#[test]
fn overflow_of_a_pooled_layer() {
    let net = |shift: u8, pooled: bool| {
        let relu = (0, (1 << 19) - 1);
        let mut net = Net::new([22, 3, 20, 20], 1, Visibility::Hidden, Visibility::Public, &[relu]);
        let (x, dims) = net.input([1, 2, 2], 0, 20);
        let (y, dims) = net.linear(Kind::Convolution(square(1, 1, 0)), x, dims, 1, shift, Some(0));
        let (h, dims) = if pooled { net.pool_in_place(&y, dims) } else { (y, dims) };
        net.linear(Kind::Dense, h, dims, 2, 4, None);
        check(&net.finish())
    };
    assert_eq!([net(40, false), net(39, true)], [Ok(()), Ok(())]);
    assert_eq!(net(40, true), Err(E::Overflow { layer: 1, bits: 63 }));
}

#[test]
fn destinations_have_a_byte() {
    let good = pooling();
    let encoded = |output: Destination| {
        let mut d = good.clone();
        linear(&mut d, MAXIMA).output = output;
        let bytes = d.to_bytes();
        assert_eq!(Descriptor::from_bytes(&bytes), Ok(d));
        bytes
    };
    let bytes = encoded(Destination::Pooled { arguments: 0xaabb, values: 0xccdd });
    let position = find(&bytes, &[2, 0xaa, 0xbb, 0xcc, 0xdd]);
    for (output, expected) in [(Destination::Public, &[0][..]), (Destination::Cells(0xaabb), &[1, 0xaa, 0xbb])] {
        assert_eq!(encoded(output), [&bytes[..position], expected, &bytes[position + 5..]].concat());
    }
    for to in 3..=u8::MAX {
        let mut bytes = bytes.clone();
        bytes[position] = to;
        let expected = DescriptorError::Value { reading: "output", position, got: to.into() };
        assert_eq!(Descriptor::from_bytes(&bytes), Err(expected));
    }
}
