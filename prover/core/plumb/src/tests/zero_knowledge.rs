//! Zero knowledge as a rank: everything that a proof shows is multi-affine in the random cells, so the difference that one
//! cell makes is an exact derivative. All functionals shown must be independent but for the verification relations.

use super::honest::CTX;
use super::networks::*;
use crate::descriptor::{Descriptor, Kind, Layer};
use crate::field::{Fr, from_word};
use crate::gather::{indices, weight_position};
use crate::keys::key_of_chunks;
use crate::layout::Layout;
use crate::lookup::multiplicities;
use crate::masks::sparse_rows;
use crate::prove::{Prover, Total};
use crate::randomness::{Randomness, RandomnessError};
use crate::scheme::Committer;
use crate::scheme::ideal::Ideal;
use crate::statement::Statement;
use crate::transcript::{Script, Transcript};
use crate::verify::DOMAIN;
use crate::witness::{columns, execute};
use ark_ff::{Field, One, Zero};

/// Randomness read from a list.
struct Tape {
    cells: Vec<Fr>,
    at: usize,
}

impl Randomness for Tape {
    fn fields(&mut self, n: usize) -> Result<Vec<Fr>, RandomnessError> {
        self.at += n;
        Ok(self.cells[self.at - n..self.at].to_vec())
    }
}

pub(super) fn rank(mut rows: Vec<Vec<Fr>>) -> usize {
    let mut rank = 0;
    for column in 0..rows[0].len() {
        let Some(pivot) = (rank..rows.len()).find(|i| !rows[*i][column].is_zero()) else { continue };
        rows.swap(rank, pivot);
        let (done, rest) = rows.split_at_mut(rank + 1);
        let top = &done[rank];
        let scale = top[column].inverse().unwrap();
        for row in rest {
            if !row[column].is_zero() {
                let factor = row[column] * scale;
                row[column..].iter_mut().zip(&top[column..]).for_each(|(v, t)| *v -= factor * t);
            }
        }
        rank += 1;
    }
    rank
}

/// What one proof shows: its words, C_in, the whole opened column; and apart from those C_W.
struct View {
    shown: Vec<Fr>,
    weights: Vec<Fr>,
}

fn view(s: &Setting, tape: &[Fr], chunks: &[Vec<Fr>], input: Option<&[Fr]>) -> View {
    let layout = s.layout();
    let trace = execute(layout, &s.key.model, &s.inputs).unwrap();
    let mut phase1 = columns(layout, &trace);
    phase1.push(multiplicities(layout, &phase1));
    let key = key_of_chunks(&s.scheme, layout.clone(), s.key.model.clone(), chunks.to_vec()).unwrap();
    let public = layout.descriptor().input_visibility == crate::descriptor::Visibility::Public;
    let field = |v: &[i64]| v.iter().map(|v| Fr::from(*v)).collect::<Vec<_>>();
    let statement = Statement {
        circuit_id: [0; 32],
        ctx: CTX,
        commitment: input.map(|column| s.scheme.commit(column).unwrap()),
        inputs: if public { field(&s.inputs) } else { vec![] },
        outputs: field(&trace.outputs),
    };
    let total = Total::Zero;
    let prover =
        Prover { committer: &s.scheme, key: &key.verifying, chunks, statement: &statement, input_column: input, total };
    let mut shown = shown(&prover, phase1, DOMAIN, tape);
    shown.extend(statement.commitment);
    View { shown, weights: key.verifying.weights.clone() }
}

/// The words of a proof under fixed challenges, and the opened column.
pub(super) fn shown(prover: &Prover<'_, Ideal>, phase1: Vec<Vec<Fr>>, domain: &str, tape: &[Fr]) -> Vec<Fr> {
    let mut transcript = Transcript::new(domain);
    transcript.script = Script::Fixed(3);
    prover.committer.take_opened();
    let mut tape = Tape { cells: tape.to_vec(), at: 0 };
    let (proof, _) = prover.run(phase1, transcript, &mut tape).unwrap();
    assert_eq!(tape.at, tape.cells.len());
    let mut shown: Vec<Fr> = proof.as_chunks::<32>().0.iter().map(|w| from_word(w).unwrap()).collect();
    shown.extend(prover.committer.take_opened().concat());
    shown
}

/// How many random cells a proof draws: pads of phase 1, G1, G2, pads of phase 2.
pub(super) fn cells(layout: &Layout) -> [usize; 4] {
    let pads = layout.rows() - layout.active_rows();
    [layout.phase1().len() * pads, sparse_rows(layout).len(), layout.rows(), layout.phase2().len() * pads]
}

/// A full rank says that no direction is shown. That nothing at all is learned follows from this: given the pads of the
/// looked-up columns and the mask cells, everything that these do not determine is an affine function of the other random
/// cells, onto all values that the verifier's relations allow.
fn masks_are_affine(s: &Setting, tape: &[Fr], jacobian: &[Vec<Fr>], input: Option<&[Fr]>) {
    let layout = s.layout();
    let looked_up = layout.multiplicities();
    let pads = layout.rows() - layout.active_rows();
    // the first cells: pads of looked-up columns, and the cells of M that hide e_W and e_X
    let in_m = |row: &u32| looked_up * pads + *row as usize - layout.active_rows();
    let mask_cells: Vec<usize> = layout.descriptor().mask_cells.rows.iter().map(in_m).collect();
    let first_cell = |i: usize| i < looked_up * pads || mask_cells.contains(&i);
    // what they determine: commitments of looked-up columns, their values at the row of sumcheck A's point, e_W and e_X
    let values = layout.phase1().len() + 2 + layout.phase2().len() + 1 + layout.degrees_a().words();
    let e_w = values + layout.evaluated();
    let first = |i: usize| i < looked_up || (values..values + looked_up).contains(&i) || (e_w..e_w + 2).contains(&i);
    let shown = view(s, tape, &s.key.chunks, input).shown;
    let part = |of_first_cells: bool, of_first: bool| -> Vec<Vec<Fr>> {
        let rows = jacobian.iter().enumerate().filter(|(i, _)| first_cell(*i) == of_first_cells);
        let row = |row: &Vec<Fr>| (0..shown.len()).filter(|i| first(*i) == of_first).map(|i| row[i]).collect();
        rows.map(|(_, cells)| row(cells)).collect()
    };
    let (count, relations) = (2 * looked_up + 2, 2);
    assert_eq!(rank(part(true, true)), count);
    assert!(part(false, true).iter().flatten().all(Fr::is_zero));
    assert_eq!(rank(part(false, false)), shown.len() - count - relations);
    // affine: moving all of them at once does what the derivatives say
    let (mut moved, mut expected) = (tape.to_vec(), shown.clone());
    for i in (0..tape.len()).filter(|i| !first_cell(*i)) {
        let step = Fr::from(7 * i as u64 + 3);
        moved[i] += step;
        expected.iter_mut().zip(&jacobian[i]).for_each(|(v, d)| *v += step * d);
    }
    assert!(view(s, &moved, &s.key.chunks, input).shown == expected);
}

fn check(descriptor: Descriptor, seed: u64, secret_weights: bool) {
    let mut s = Setting::new(descriptor, seed);
    let [n1, g1, g2, n3] = cells(s.layout());
    let n2 = g1 + g2;
    let tape = s.rng.fields(n1 + n2 + n3).unwrap();
    let chunks = s.key.chunks.clone();
    let input = s.committed.as_ref().map(|c| c.column.clone());
    let base = view(&s, &tape, &chunks, input.as_deref());
    let derivative = |tape: &[Fr], chunks: &[Vec<Fr>], input: Option<&[Fr]>| -> Vec<Fr> {
        let v = view(&s, tape, chunks, input);
        let (after, before) = (v.shown.iter().chain(&v.weights), base.shown.iter().chain(&base.weights));
        after.zip(before).map(|(x, y)| *x - y).collect()
    };
    let mut jacobian: Vec<Vec<Fr>> = (0..tape.len())
        .map(|i| {
            let mut moved = tape.clone();
            moved[i] += Fr::one();
            derivative(&moved, &chunks, input.as_deref())
        })
        .collect();
    for q in &s.layout().descriptor().input_salts {
        let mut moved = input.clone().unwrap();
        moved[*q as usize] += Fr::one();
        jacobian.push(derivative(&tape, &chunks, Some(&moved)));
    }
    // H(d) is the last claim of sumcheck D; the commitment of H is sum_i Q_i(d) C_i
    let relations = 2;
    let shown = base.shown.len();
    let got = rank(jacobian.clone());
    println!("{} random cells, {shown} functionals, rank {got}", jacobian.len());
    assert_eq!(shown - got, relations, "something is shown that no mask hides");

    masks_are_affine(&s, &tape, &jacobian, input.as_deref());

    // controls: without some of the cells, the same derivative shows a leak
    let layout = s.layout();
    let pads = layout.rows() - layout.active_rows();
    let m = (layout.multiplicities() + 1) * pads - 1; // the last pad row of M
    let in_pads = |i: usize| i < n1 || (n1 + n2..n1 + n2 + n3).contains(&i);
    let first = |i: usize| (if i < n1 { i } else { i - n2 }) % pads == 0;
    let controls: [(&str, &dyn Fn(usize) -> bool); 4] = [
        ("no G2", &|i| !(n1 + g1..n1 + n2).contains(&i)),
        ("no mask cell for W", &|i| i != m && i != m - 1),
        ("no mask cell for X", &|i| i != m - 2 && i != m - 3),
        ("one pad row per column", &|i| !in_pads(i) || first(i) || (m - 3..=m).contains(&i)),
    ];
    for (name, kept) in controls {
        let rows = jacobian.iter().enumerate().filter(|(i, _)| kept(*i));
        let leak = shown - rank(rows.map(|(_, row)| row.clone()).collect()) - relations;
        println!("control, {name}: {leak} functionals too many");
        assert!(leak > 0, "{name}");
    }

    if secret_weights {
        // secret directions of the weights that keep every cell: salts, and weights that only meet zeros
        let trace = execute(layout, &s.key.model, &s.inputs).unwrap();
        let mut moves: Vec<usize> = layout.descriptor().salts.iter().map(|k| *k as usize).collect();
        for (l, map) in layout.maps() {
            let (Kind::Dense, [term]) = (&map.kind, &map.view[..]) else { continue };
            let values = &trace.cells[usize::from(term.block)];
            let [_, nc, nh, nw] = map.input;
            let inner = (nc * nh * nw) as usize;
            for [_, o, c, hw] in indices([1, l.out(), nc, nh * nw]) {
                let at = c * (nh * nw) as usize + hw;
                if values.chunks(inner).all(|image| image[at] == 0) {
                    let width = nw as usize;
                    moves.push(weight_position(l, map, [0, o, c, hw / width, hw % width]));
                }
            }
        }
        assert!(moves.len() > layout.descriptor().salts.len(), "no weight meets only zeros: another seed");
        for k in &moves {
            let mut moved = chunks.clone();
            moved[k / layout.rows()][k % layout.rows()] += Fr::one();
            jacobian.push(derivative(&tape, &moved, input.as_deref()));
        }
        let extra = rank(jacobian) - got;
        println!("{} secret weight directions add rank {extra}", moves.len());
        assert_eq!(extra, layout.chunks(), "only the commitments of the weights may depend on them");
    }
}

#[test]
fn of_a_convolutional_network() {
    check(cnn(&SMALL_CNN, false), 5, true);
}

#[test]
fn of_a_dense_network_with_a_hidden_input() {
    let mut net = Net::new(
        [7, 3, 4, 5],
        1,
        crate::descriptor::Visibility::Hidden,
        crate::descriptor::Visibility::Hidden,
        &[(0, 15)],
    );
    let (x, dims) = net.input([5, 1, 1], 0, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 6, 5, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 4, None);
    check(net.finish(), 2, true);
}

/// The positions of the mask cells are padding of weights.
#[test]
fn of_masks_behind_the_last_weight() {
    let descriptor = packed([7, 3, 4, 5], 3);
    let Layer::Linear(l) = &descriptor.layers[1] else { panic!() };
    let padded: usize = l.maps[0].weight_index_bits(7).iter().sum();
    assert!(descriptor.mask_cells.inputs.iter().all(|k| *k < 1 << padded));
    check(descriptor, 3, true);
}

#[test]
fn of_sums_of_maps() {
    check(sums([7, 3, 4, 5], 1, [2, 2, 4]), 3, true);
}

#[test]
fn of_pooled_layers() {
    check(pooled([7, 3, 3, 5], 1), 2, false);
}

#[test]
fn of_public_cells_and_indices() {
    for end in ENDS {
        check(ending([7, 3, 4, 5], 2, 3, end), 4, true);
    }
}

/// Public input and weights, an odd number of look-ups, two range columns, two functions, a residual sum.
#[test]
fn of_public_tensors() {
    use crate::descriptor::Visibility::Public;
    let mut net = Net::new([7, 3, 4, 5], 1, Public, Public, &[(0, 15), (-16, 15)]);
    net.d.range_columns = 2;
    let (x, dims) = net.input([5, 1, 1], 0, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 6, 5, Some(1));
    let sum = net.combine(h.clone(), dims, 0);
    let (h, dims) = net.linear(Kind::Dense, [h, sum].concat(), dims, 4, 5, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 4, None);
    let mut d = net.finish();
    d.pairs.push(0); // five look-ups, so the last helper has one
    check(d, 2, false);
}

/// Columns of 64 rows leave the two random columns too few cells of their own for sumcheck D: there the spare pads of the
/// other columns help. The least look-ups, and no chunk more than the mask of sumcheck A allows.
pub(super) fn smallest(chunks: u16) -> Descriptor {
    use crate::descriptor::Visibility::{Hidden, Public};
    let mut net = Net::new([6, 3, 3, 4], 1, Hidden, Public, &[(0, 7)]);
    let (x, dims) = net.input([4, 1, 1], 0, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 3, 3, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 3, None);
    let mut d = net.finish();
    d.chunks = chunks;
    let start = u32::from(chunks) << d.log_rows;
    d.mask_cells.weights = [start, start + 1];
    d.mask_cells.inputs = [start + 2, start + 3];
    d
}

#[test]
fn of_the_smallest_columns() {
    for chunks in [1, 3, 7, 15, 31, 63] {
        check(smallest(chunks), 2, false);
    }
}

/// No function, so one look-up: the fewest columns.
#[test]
fn of_one_layer() {
    use crate::descriptor::Visibility::{Hidden, Public};
    for log_rows in [6, 7] {
        let mut net = Net::new([log_rows, 3, 3, 4], 1, Hidden, Public, &[]);
        let (x, dims) = net.input([4, 1, 1], 0, 3);
        net.linear(Kind::Dense, x, dims, 3, 3, None);
        check(net.finish(), 2, false);
    }
}
