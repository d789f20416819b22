//! Descriptors as bytes.
//!
//! ```text
//! "PLMB" version:u16 c pad s K : u8 batch:u32 input weights : u8 domain:2 x i64 range_columns:u8 chunks:u16
//! range table  offset:u32 bits:u8
//! functions    count:u8,  each offset:u32 bits:u8 kind:u8, then for a clamp (0) low:i32 high:i32,
//!              for a table (1) count:u32, each i32
//! pairs        count:u8,  each function:u8
//! mask cells   8 x u32;  salts count:u16, each u32;  input salts count:u16, each u32
//! blocks       count:u16, each column:u8 number:u8 offset:u32 dims
//! layers       count:u16, each op:u8 and its fields in the order of the struct; lists and optional fields are a count:u8
//!              and that many records
//! dims         4 x u32, then the bits of an index below each: 4 x u8. Other bits than these are refused.
//! exponents    offset:u64, log2 of each stride: 4 x u8, dims
//! ```
//!
//! A linear layer's output is a byte, 0 public, 1 cells, 2 pooled, and that many blocks.
//!
//! Operations are 0 input, 1 combine, 2 linear, 3 output, 4 top-1; kinds of maps 0 dense, 1 convolution, 2 depthwise, the last two followed by
//! their window.
//!
//! The bits of dimensions follow from the lengths, and strides are powers of two in every sound layout: a contract that reads a
//! descriptor takes no logarithm, and a family of exponents is one word of 32 bytes.

use crate::closed_forms::index_bits;
use crate::descriptor::*;

const MAGIC: [u8; 4] = *b"PLMB";
const VERSION: u16 = 3;

impl Descriptor {
    /// The one encoding. Lists longer than their count can say have no encoding and no sound layout: they are cut. Nor have
    /// strides that are no power of two: they are rounded down to one.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(VERSION.to_be_bytes());
        out.extend([self.log_rows, self.log_pad, self.range_bits, self.value_bits]);
        out.extend(self.batch.to_be_bytes());
        out.extend([self.input_visibility, self.weight_visibility].map(visibility));
        self.input_domain.iter().for_each(|v| out.extend(v.to_be_bytes()));
        out.push(self.range_columns);
        out.extend(self.chunks.to_be_bytes());
        slot(&mut out, &self.range_table);
        list8(&mut out, &self.functions, |out, f| {
            slot(out, &f.slot);
            match &f.kind {
                FunctionKind::Clamp { low, high } => {
                    out.push(0);
                    [low, high].iter().for_each(|v| out.extend(v.to_be_bytes()));
                }
                FunctionKind::Table(values) => {
                    out.push(1);
                    // a table that one descriptor cannot count is cut, like every list
                    let n = values.len().min(u32::MAX as usize);
                    out.extend((n as u32).to_be_bytes());
                    values[..n].iter().for_each(|v| out.extend(v.to_be_bytes()));
                }
            }
        });
        list8(&mut out, &self.pairs, |out, p| out.push(*p));
        let m = &self.mask_cells;
        for v in m.rows.iter().chain(&m.weights).chain(&m.inputs) {
            out.extend(v.to_be_bytes());
        }
        let word = |out: &mut Vec<u8>, v: &u32| out.extend(v.to_be_bytes());
        list16(&mut out, &self.salts, word);
        list16(&mut out, &self.input_salts, word);
        list16(&mut out, &self.blocks, |out, b| {
            out.extend(match b.column {
                Column::Range(j) => [0, j],
                Column::Argument(j) => [1, j],
                Column::Value(j) => [2, j],
                Column::Input => [3, 0],
            });
            out.extend(b.offset.to_be_bytes());
            dims(out, &b.dims);
        });
        list16(&mut out, &self.layers, layer);
        out
    }
}

fn visibility(v: Visibility) -> u8 {
    match v {
        Visibility::Hidden => 0,
        Visibility::Committed => 1,
        Visibility::Public => 2,
    }
}

fn list8<T>(out: &mut Vec<u8>, items: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    let n = items.len().min(usize::from(u8::MAX));
    out.push(n as u8);
    items[..n].iter().for_each(|item| each(out, item));
}

fn list16<T>(out: &mut Vec<u8>, items: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    let n = items.len().min(usize::from(u16::MAX));
    out.extend((n as u16).to_be_bytes());
    items[..n].iter().for_each(|item| each(out, item));
}

fn option<T>(out: &mut Vec<u8>, item: &Option<T>, each: impl FnMut(&mut Vec<u8>, &T)) {
    list8(out, item.as_slice(), each);
}

fn destination(out: &mut Vec<u8>, d: &Destination) {
    match d {
        Destination::Public => list8(out, &[], id),
        Destination::Cells(block) => list8(out, &[*block], id),
        Destination::Pooled { arguments, values } => list8(out, &[*arguments, *values], id),
    }
}

fn slot(out: &mut Vec<u8>, s: &Slot) {
    out.extend(s.offset.to_be_bytes());
    out.push(s.bits);
}

fn dims(out: &mut Vec<u8>, d: &Dims) {
    d.iter().for_each(|n| out.extend(n.to_be_bytes()));
    out.extend(d.map(|n| index_bits(n) as u8));
}

fn exponents(out: &mut Vec<u8>, e: &Exponents) {
    out.extend(e.offset.to_be_bytes());
    out.extend(e.strides.map(|n| n.checked_ilog2().unwrap_or(0) as u8));
    dims(out, &e.dims);
}

fn tight(out: &mut Vec<u8>, t: &Tight) {
    out.extend(t.block.to_be_bytes());
    out.push(t.bits);
    exponents(out, &t.exponents);
}

fn view(out: &mut Vec<u8>, terms: &[Term]) {
    list8(out, terms, |out, t| {
        out.extend(t.coefficient.to_be_bytes());
        out.extend(t.block.to_be_bytes());
        for s in [t.height, t.width] {
            out.push(s.shift);
            out.extend(s.low.to_be_bytes());
        }
    });
}

fn id(out: &mut Vec<u8>, block: &u16) {
    out.extend(block.to_be_bytes());
}

fn map(out: &mut Vec<u8>, m: &Map) {
    out.push(match m.kind {
        Kind::Dense => 0,
        Kind::Convolution(_) => 1,
        Kind::Depthwise(_) => 2,
    });
    if let Some(w) = m.window() {
        out.extend([w.kernel, w.stride, w.before, w.after].as_flattened());
    }
    view(out, &m.view);
    dims(out, &m.input);
    out.extend(m.weights.to_be_bytes());
    out.push(m.weight_bits);
}

fn layer(out: &mut Vec<u8>, layer: &Layer) {
    match layer {
        Layer::Input { block, link, tight: range, exponents: e } => {
            out.push(0);
            id(out, block);
            option(out, link, id);
            option(out, range, tight);
            exponents(out, e);
        }
        Layer::Combine { cell, view: terms, exponents: e } => {
            out.push(1);
            id(out, cell);
            view(out, terms);
            exponents(out, e);
        }
        Layer::Linear(l) => {
            out.push(2);
            list8(out, &l.maps, map);
            destination(out, &l.output);
            list8(out, &l.remainders, id);
            option(out, &l.tight, tight);
            out.push(l.shift);
            exponents(out, &l.exponents);
            out.extend(l.biases.to_be_bytes());
            out.push(l.bias_bits);
        }
        Layer::Output { view: terms, exponents: e } => {
            out.push(3);
            view(out, terms);
            exponents(out, e);
        }
        Layer::Top1 { view: terms, remainders, tight: range, exponents: e } => {
            out.push(4);
            view(out, terms);
            list8(out, remainders, id);
            option(out, range, tight);
            exponents(out, e);
        }
    }
}

/// Reads fields off the front of some bytes.
struct Parser<'a> {
    bytes: &'a [u8],
    position: usize,
}

type Parsed<T> = Result<T, DescriptorError>;

impl Parser<'_> {
    fn take<const N: usize>(&mut self, reading: &'static str) -> Parsed<[u8; N]> {
        let position = self.position;
        let rest = self.bytes.get(position..).unwrap_or_default();
        let got = rest.first_chunk::<N>().ok_or(DescriptorError::Truncated { reading, position })?; // Protocol
        self.position += N;
        Ok(*got)
    }

    fn u8(&mut self, reading: &'static str) -> Parsed<u8> {
        Ok(self.take::<1>(reading)?[0])
    }

    fn u16(&mut self, reading: &'static str) -> Parsed<u16> {
        Ok(u16::from_be_bytes(self.take(reading)?))
    }

    fn u32(&mut self, reading: &'static str) -> Parsed<u32> {
        Ok(u32::from_be_bytes(self.take(reading)?))
    }

    fn u64(&mut self, reading: &'static str) -> Parsed<u64> {
        Ok(u64::from_be_bytes(self.take(reading)?))
    }

    fn i32(&mut self, reading: &'static str) -> Parsed<i32> {
        Ok(i32::from_be_bytes(self.take(reading)?))
    }

    /// A byte that `known` gives a meaning to.
    fn choice<T>(&mut self, reading: &'static str, known: impl Fn(u8) -> Option<T>) -> Parsed<T> {
        let position = self.position;
        let got = self.u8(reading)?;
        known(got).ok_or(DescriptorError::Value { reading, position, got: u64::from(got) }) // Protocol
    }

    // Lists grow as they are read, so a large count in a short descriptor costs nothing.
    fn list<T>(&mut self, n: usize, mut each: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        (0..n).map(|_| each(self)).collect()
    }

    fn list8<T>(&mut self, reading: &'static str, each: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let n = self.u8(reading)?;
        self.list(usize::from(n), each)
    }

    fn list16<T>(&mut self, reading: &'static str, each: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let n = self.u16(reading)?;
        self.list(usize::from(n), each)
    }

    fn option<T>(&mut self, reading: &'static str, mut each: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        let present = self.choice(reading, |v| match v {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })?;
        present.then(|| each(self)).transpose()
    }

    fn visibility(&mut self, reading: &'static str) -> Parsed<Visibility> {
        self.choice(reading, |v| match v {
            0 => Some(Visibility::Hidden),
            1 => Some(Visibility::Committed),
            2 => Some(Visibility::Public),
            _ => None,
        })
    }

    fn slot(&mut self) -> Parsed<Slot> {
        Ok(Slot { offset: self.u32("table offset")?, bits: self.u8("table bits")? })
    }

    fn dims(&mut self) -> Parsed<Dims> {
        let mut dims = [0; 4];
        for n in &mut dims {
            *n = self.u32("dimensions")?;
        }
        for n in dims {
            self.choice("dimension bits", |bits| (usize::from(bits) == index_bits(n)).then_some(bits))?;
        }
        Ok(dims)
    }

    fn exponents(&mut self) -> Parsed<Exponents> {
        let offset = self.u64("exponent offset")?;
        let mut strides = [0; 4];
        for s in &mut strides {
            *s = self.choice("exponent strides", |log| 1u64.checked_shl(log.into()))?;
        }
        Ok(Exponents { offset, strides, dims: self.dims()? })
    }

    fn tight(&mut self) -> Parsed<Tight> {
        Ok(Tight { block: self.u16("tight block")?, bits: self.u8("tight bits")?, exponents: self.exponents()? })
    }

    fn select(&mut self) -> Parsed<Select> {
        Ok(Select { shift: self.u8("term selection")?, low: self.u32("term selection")? })
    }

    fn view(&mut self) -> Parsed<Vec<Term>> {
        self.list8("view length", |p| {
            Ok(Term {
                coefficient: p.i32("term coefficient")?,
                block: p.u16("term block")?,
                height: p.select()?,
                width: p.select()?,
            })
        })
    }

    fn block(&mut self) -> Parsed<Block> {
        let position = self.position;
        let [column, j] = self.take("block column")?;
        let column = match (column, j) {
            (0, j) => Column::Range(j),
            (1, j) => Column::Argument(j),
            (2, j) => Column::Value(j),
            (3, 0) => Column::Input,
            _ => {
                return Err(DescriptorError::Value {
                    reading: "block column",
                    position,
                    got: u64::from(u16::from_be_bytes([column, j])),
                }); // Protocol
            }
        };
        Ok(Block { column, offset: self.u32("block offset")?, dims: self.dims()? })
    }

    fn function(&mut self) -> Parsed<Function> {
        let slot = self.slot()?;
        let kind = match self.choice("kind of a function", |v| (v < 2).then_some(v))? {
            0 => FunctionKind::Clamp { low: self.i32("function bounds")?, high: self.i32("function bounds")? },
            _ => {
                let n = self.u32("table length")?;
                FunctionKind::Table(self.list(n as usize, |p| p.i32("table values"))?)
            }
        };
        Ok(Function { slot, kind })
    }

    fn window(&mut self) -> Parsed<Window> {
        Ok(Window {
            kernel: self.take("kernel")?,
            stride: self.take("stride")?,
            before: self.take("padding")?,
            after: self.take("padding")?,
        })
    }

    fn map(&mut self) -> Parsed<Map> {
        let kind = match self.choice("kind of a map", |v| (v < 3).then_some(v))? {
            0 => Kind::Dense,
            1 => Kind::Convolution(self.window()?),
            _ => Kind::Depthwise(self.window()?),
        };
        Ok(Map {
            kind,
            view: self.view()?,
            input: self.dims()?,
            weights: self.u32("weight offset")?,
            weight_bits: self.u8("weight bits")?,
        })
    }

    fn linear(&mut self) -> Parsed<Layer> {
        Ok(Layer::Linear(Linear {
            maps: self.list8("maps", Self::map)?,
            output: self.destination()?,
            remainders: self.list8("limbs", |p| p.u16("remainder block"))?,
            tight: self.option("tight range", Self::tight)?,
            shift: self.u8("shift")?,
            exponents: self.exponents()?,
            biases: self.u32("bias offset")?,
            bias_bits: self.u8("bias bits")?,
        }))
    }

    fn destination(&mut self) -> Parsed<Destination> {
        match self.choice("output", |v| (v < 3).then_some(v))? {
            0 => Ok(Destination::Public),
            1 => Ok(Destination::Cells(self.u16("output block")?)),
            _ => Ok(Destination::Pooled { arguments: self.u16("output block")?, values: self.u16("block of values")? }),
        }
    }

    fn layer(&mut self) -> Parsed<Layer> {
        match self.choice("operation", |v| (v < 5).then_some(v))? {
            0 => Ok(Layer::Input {
                block: self.u16("input block")?,
                link: self.option("input link", |p| p.u16("input link"))?,
                tight: self.option("tight range", Self::tight)?,
                exponents: self.exponents()?,
            }),
            1 => Ok(Layer::Combine {
                cell: self.u16("combined block")?,
                view: self.view()?,
                exponents: self.exponents()?,
            }),
            2 => self.linear(),
            3 => Ok(Layer::Output { view: self.view()?, exponents: self.exponents()? }),
            _ => Ok(Layer::Top1 {
                view: self.view()?,
                remainders: self.list8("limbs", |p| p.u16("remainder block"))?,
                tight: self.option("tight range", Self::tight)?,
                exponents: self.exponents()?,
            }),
        }
    }

    fn descriptor(&mut self) -> Parsed<Descriptor> {
        let magic = self.take("magic")?;
        if magic != MAGIC {
            return Err(DescriptorError::Value {
                reading: "magic",
                position: 0,
                got: u64::from(u32::from_be_bytes(magic)),
            }); // Protocol
        }
        let version = self.u16("version")?;
        if version != VERSION {
            return Err(DescriptorError::Value { reading: "version", position: MAGIC.len(), got: u64::from(version) }); // Protocol
        }
        let [log_rows, log_pad, range_bits, value_bits] = self.take("sizes")?;
        let batch = self.u32("batch")?;
        let input_visibility = self.visibility("input visibility")?;
        let weight_visibility = self.visibility("weight visibility")?;
        let input_domain =
            [i64::from_be_bytes(self.take("input domain")?), i64::from_be_bytes(self.take("input domain")?)];
        let range_columns = self.u8("range columns")?;
        let chunks = self.u16("chunks")?;
        let range_table = self.slot()?;
        let functions = self.list8("functions", Self::function)?;
        let pairs = self.list8("pairs", |p| p.u8("function of a pair"))?;
        let mut cells = [0; 8];
        for v in &mut cells {
            *v = self.u32("mask cells")?;
        }
        let [r0, r1, r2, r3, w0, w1, x0, x1] = cells;
        Ok(Descriptor {
            log_rows,
            log_pad,
            range_bits,
            value_bits,
            batch,
            input_visibility,
            weight_visibility,
            input_domain,
            range_columns,
            pairs,
            chunks,
            range_table,
            functions,
            mask_cells: MaskCells { rows: [r0, r1, r2, r3], weights: [w0, w1], inputs: [x0, x1] },
            salts: self.list16("salts", |p| p.u32("salts"))?,
            input_salts: self.list16("input salts", |p| p.u32("input salts"))?,
            blocks: self.list16("blocks", Self::block)?,
            layers: self.list16("layers", Self::layer)?,
        })
    }
}

impl Descriptor {
    /// Reads a descriptor; refuses unknown values and bytes left over. Says nothing about its soundness.
    pub fn from_bytes(bytes: &[u8]) -> Result<Descriptor, DescriptorError> {
        let mut parser = Parser { bytes, position: 0 };
        let descriptor = parser.descriptor()?;
        if parser.position != bytes.len() {
            return Err(DescriptorError::Trailing { expected: parser.position, got: bytes.len() }); // Protocol
        }
        Ok(descriptor)
    }
}
