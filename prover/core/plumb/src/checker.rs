//! The layout checker: re-derives from a descriptor alone that no cell is free where the protocol relies on it.
//!
//! It knows nothing of the compiler that made the descriptor. Each rule has an error of its own; each was, when broken,
//! a forgery or a leak.

use crate::descriptor::*;
use crate::layout::rows_of_masks;

mod error;
mod layers;
mod weights;
pub use error::LayoutError;
use error::LayoutError as E;
use layers::Layers;
type Checked = Result<(), LayoutError>;

fn need(ok: bool, error: LayoutError) -> Checked {
    if ok { Ok(()) } else { Err(error) }
}

/// The first start that lies before the end of the range before it.
fn overlap(ranges: &mut [[u64; 2]]) -> Option<u64> {
    ranges.sort_unstable();
    let bad = ranges.windows(2).find(|w| w[0][1] > w[1][0])?;
    Some(bad[1][0])
}

/// Accepts a descriptor whose layout is sound.
pub fn check(d: &Descriptor) -> Checked {
    sizes(d)?;
    blocks(d)?;
    tables(d)?;
    Layers::new(d).check()?;
    mask_cells(d)
}

fn sizes(d: &Descriptor) -> Checked {
    let range = |what, got: u64, low: u64, high: u64| {
        need((low..=high).contains(&got), E::Size { what, expected: [low, high], got })
    };
    range("log2 of the rows", d.log_rows.into(), 4, 24)?;
    // column M spends a pad row on its value, one on its commitment and four as mask cells
    range("log2 of the pad rows", d.log_pad.into(), 3, u64::from(d.log_rows) - 1)?;
    range("bits of the range table", d.range_bits.into(), 1, 20)?;
    range("bits of an activation", d.value_bits.into(), 2, 20)?;
    range("batch", d.batch.into(), 1, 1 << 24)?;
    range("range columns", d.range_columns.into(), 1, 64)?;
    range("pairs of columns", d.pairs.len() as u64, 0, 64)?;
    range("functions", d.functions.len() as u64, 0, 64)?;
    range("weight chunks", d.chunks.into(), 1, (1 << 31 >> d.log_rows) - 1)?;
    range("blocks", d.blocks.len() as u64, 1, 1 << 15)?;
    range("layers", d.layers.len() as u64, 2, 1 << 12)?;
    // what the encoding can count
    range("salts", d.salts.len() as u64, 0, u16::MAX.into())?;
    range("input salts", d.input_salts.len() as u64, 0, u16::MAX.into())?;
    let hidden = [Visibility::Hidden, Visibility::Public].contains(&d.weight_visibility);
    range("weight visibility (hidden 0, public 2)", if hidden { 0 } else { 1 }, 0, 0)
}

fn rows(d: &Descriptor) -> u64 {
    1 << d.log_rows
}

fn active(d: &Descriptor) -> u64 {
    rows(d) - (1 << d.log_pad)
}

fn blocks(d: &Descriptor) -> Checked {
    let mut columns: std::collections::BTreeMap<Column, Vec<[u64; 2]>> = Default::default();
    for (i, b) in d.blocks.iter().enumerate() {
        need(b.dims.iter().all(|n| *n >= 1), E::EmptyBlock { block: i })?;
        let exists = match b.column {
            Column::Range(j) => j < d.range_columns,
            Column::Argument(j) | Column::Value(j) => usize::from(j) < d.pairs.len(),
            Column::Input => d.input_visibility == Visibility::Committed,
        };
        need(exists, E::NoSuchColumn { block: i })?;
        need(b.dims[0] == d.batch, E::BatchLength { block: i, expected: d.batch, got: b.dims[0] })?;
        let (offset, size) = (u64::from(b.offset), b.size());
        need(offset.is_multiple_of(size), E::BlockNotAligned { block: i, size, offset })?;
        let end = offset.saturating_add(size);
        need(end <= active(d), E::BlockTouchesPadRows { block: i, active: active(d), end })?;
        columns.entry(b.column).or_default().push([offset, end]);
    }
    for (column, mut ranges) in columns {
        if let Some(row) = overlap(&mut ranges) {
            return Err(E::BlocksOverlap { column, row });
        }
    }
    Ok(())
}

fn tables(d: &Descriptor) -> Checked {
    let slots =
        std::iter::once((d.range_table, d.range_bits)).chain(d.functions.iter().map(|f| (f.slot, d.value_bits)));
    let mut ranges = Vec::new();
    for (table, (slot, expected)) in slots.enumerate() {
        need(slot.bits == expected, E::TableSize { table, expected, got: slot.bits })?;
        let (offset, size) = (u64::from(slot.offset), 1u64 << slot.bits);
        let end = offset + size;
        need(offset.is_multiple_of(size) && end <= active(d), E::TablePlacement { table, active: active(d), end })?;
        ranges.push([offset, end]);
    }
    if let Some(row) = overlap(&mut ranges) {
        return Err(E::TablesOverlap { row });
    }
    let half = 1i64 << (d.value_bits - 1);
    let domain = [-half, half - 1];
    let inside = |v: i32| (-half..half).contains(&i64::from(v));
    for (function, f) in d.functions.iter().enumerate() {
        match &f.kind {
            FunctionKind::Clamp { low, high } => {
                let error = E::FunctionBounds { function, domain, got: [*low, *high] };
                need(inside(*low) && inside(*high) && low <= high, error)?;
            }
            FunctionKind::Table(values) => {
                let (expected, got) = (1u64 << d.value_bits, values.len() as u64);
                need(got == expected, E::FunctionLength { function, expected, got })?;
                if let Some(position) = values.iter().position(|v| !inside(*v)) {
                    return Err(E::FunctionValue { function, position, domain, got: values[position] });
                }
            }
        }
    }
    for (pair, f) in d.pairs.iter().enumerate() {
        need(usize::from(*f) < d.functions.len(), E::NoSuchFunction { pair, got: *f })?;
    }
    Ok(())
}

fn mask_cells(d: &Descriptor) -> Checked {
    let m = &d.mask_cells;
    let unique = |cells: &[u32]| {
        let mut sorted = cells.to_vec();
        sorted.sort_unstable();
        sorted.windows(2).find(|w| w[0] == w[1]).map_or(Ok(()), |w| Err(E::MaskCellsOverlap { got: w[0] }))
    };
    let positions = [m.weights, m.inputs].concat();
    unique(&positions)?;
    unique(&m.rows)?;
    let start = u64::from(d.chunks) * rows(d);
    let virtual_chunk = [start, start + rows(d)];
    for got in positions {
        let inside = (virtual_chunk[0]..virtual_chunk[1]).contains(&u64::from(got));
        need(inside, E::MaskCellOutsideVirtualChunk { expected: virtual_chunk, got })?;
    }
    for got in m.rows {
        let inside = (active(d)..rows(d)).contains(&u64::from(got));
        need(inside, E::MaskCellOutsidePadRows { expected: [active(d), rows(d)], got })?;
    }
    let (needed, at_most) = (rows_of_masks(d), 1 << d.log_rows);
    need(needed <= at_most, E::MasksDoNotFit { rows: needed, at_most })
}
