//! Dishonest provers: each is refused, and the claim that it made false is named. Where a check can be taken away, the same
//! prover is accepted without it.

mod outputs;
mod pooled;
mod sums;

use super::honest::CTX;
use super::layouts::{CONV1, FC1, FC2, POOL1, POOL2, argument, remainder, value};
use super::networks::*;
use crate::descriptor::*;
use crate::field::{Fr, power_of_two};
use crate::functionals::Queries;
use crate::gather::{gather, row, weight_position};
use crate::keys::{CommittedInput, ProvingKey, commit_input_with, key_of_chunks};
use crate::layout::Layout;
use crate::lookup::multiplicities;
use crate::prove::{Prover, Total, linear_side};
use crate::scheme::ideal::Ideal;
use crate::statement::{Statement, StatementError};
use crate::sumcheck::inner;
use crate::transcript::Transcript;
use crate::verify::{DOMAIN, Rejection, Replay, VerifyError, accept, replay};
use crate::witness::{Trace, columns, execute, execute_tampered};
use ark_ff::{Field, Zero};

/// What became of an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Accepted,
    /// Refused before the proof was looked at.
    Statement(StatementError),
    /// Refused by the opening; these claims are false.
    Refused(Vec<&'static str>),
}

type During<'a> = &'a dyn Fn(u16, &mut Trace);
type Edit<'a, T> = &'a dyn Fn(&mut T);

#[derive(Default)]
struct Attempt<'a> {
    /// Tampers while the model runs: later layers follow.
    during: Option<During<'a>>,
    /// Tampers with the finished trace.
    after: Option<Edit<'a, Trace>>,
    /// Tampers with the columns.
    edit: Option<Edit<'a, Vec<Vec<Fr>>>>,
    /// Tampers with the outputs, as field elements.
    outputs: Option<Edit<'a, Vec<Fr>>>,
    inputs: Option<Vec<i64>>,
    total: Total,
    key: Option<&'a ProvingKey<Ideal>>,
    committed: Option<&'a CommittedInput<Ideal>>,
    /// The verifier's check of the outputs' domain is taken away.
    no_domain: bool,
}

impl Attempt<'_> {
    fn run(self, s: &mut Setting) -> Verdict {
        let layout = s.layout().clone();
        let key = self.key.unwrap_or(&s.key);
        let committed = self.committed.or(s.committed.as_ref());
        let inputs = self.inputs.as_ref().unwrap_or(&s.inputs);
        let mut trace = match self.during {
            Some(tamper) => execute_tampered(&layout, &s.key.model, inputs, &mut |id, trace| tamper(id, trace)),
            None => execute(&layout, &s.key.model, inputs).unwrap(),
        };
        if let Some(tamper) = self.after {
            tamper(&mut trace);
        }
        let mut outputs = trace.outputs.iter().map(|v| Fr::from(*v)).collect();
        if let Some(tamper) = self.outputs {
            tamper(&mut outputs);
        }
        let mut phase1 = columns(&layout, &trace);
        if let Some(edit) = self.edit {
            edit(&mut phase1);
        }
        phase1.push(multiplicities(&key.verifying.layout, &phase1));
        let statement = Statement {
            circuit_id: key.verifying.circuit_id,
            ctx: CTX,
            commitment: committed.map(|c| c.commitment),
            inputs: vec![],
            outputs,
        };
        let prover = Prover {
            committer: &s.scheme,
            key: &key.verifying,
            chunks: &key.chunks,
            statement: &statement,
            input_column: committed.map(|c| &c.column[..]),
            total: self.total,
        };
        let (proof, secret) = prover.run(phase1, Transcript::new(DOMAIN), &mut s.rng).unwrap();
        let words = statement.to_words(&s.scheme);
        match Statement::from_words(&s.scheme, &key.verifying, &words, &CTX) {
            Err(e) if !self.no_domain => return Verdict::Statement(e),
            _ => {}
        }
        let end = replay(&s.scheme, &key.verifying, &proof, &statement, Transcript::new(DOMAIN)).unwrap();
        judge(&s.scheme, &key.verifying.layout, &secret, end)
    }
}

/// What the verifier says, and which claims do not hold of the columns.
pub(super) fn judge(scheme: &Ideal, layout: &Layout, secret: &[Vec<Fr>], end: Replay<'_, Fr>) -> Verdict {
    let claims = false_claims(layout, secret, &end.claims);
    match accept(scheme, end) {
        Ok(()) => {
            assert!(claims.is_empty());
            Verdict::Accepted
        }
        Err(VerifyError::Rejected(Rejection::Opening(_))) => Verdict::Refused(claims),
        Err(e) => panic!("refused elsewhere: {e}"),
    }
}

/// The claims that do not hold of the columns.
fn false_claims(layout: &Layout, columns: &[Vec<Fr>], reduced: &crate::verify::Reduced) -> Vec<&'static str> {
    let claims = layout.claims();
    // the claim about the sum is false for one of two reasons
    let name = |i| match layout.has_products() && i == claims.sum() {
        true if !is_linear(layout, columns, reduced) => "linear",
        _ => claims.name(i),
    };
    let holds = |i: &usize| {
        let mut weights = vec![Fr::zero(); claims.count()];
        weights[*i] = Fr::from(1u64);
        let (r, k, rho_a) = (reduced.r, &reduced.k[..], reduced.rho_a);
        let q = Queries { layout, r, k, rho_a, weights, outputs: &reduced.outputs }.dense();
        columns.iter().zip(&q).map(|(f, q)| inner(f, q)).sum::<Fr>() == reduced.values[*i]
    };
    (0..claims.count()).filter(|i| !holds(i)).map(name).collect()
}

/// Whether all linear layers hold of the columns.
fn is_linear(layout: &Layout, columns: &[Vec<Fr>], reduced: &crate::verify::Reduced) -> bool {
    let weights = columns[layout.chunk(0)..layout.chunk(layout.chunks())].concat();
    let products = inner(&weights, &gather(layout, &reduced.r, columns));
    products == linear_side(layout, reduced.r, columns, &reduced.outputs)
}

fn setting() -> Setting {
    Setting::new(cnn(&CNN, false), 1)
}

/// Adds to a block's largest cell as soon as it exists.
fn bump(id: u16, by: i64) -> impl Fn(u16, &mut Trace) {
    move |at, trace| {
        if at == id {
            *trace.cells[usize::from(id)].iter_mut().max().unwrap() += by;
        }
    }
}

pub(super) fn refused(claim: &'static str) -> Verdict {
    Verdict::Refused(vec![claim])
}

#[test]
fn wrong_outputs() {
    let s = &mut setting();
    assert_eq!(Attempt::default().run(s), Verdict::Accepted);
    let wrong = |out: &mut Vec<Fr>| out[0] += Fr::from(1u64);
    assert_eq!(Attempt { outputs: Some(&wrong), ..Default::default() }.run(s), refused("linear"));
    let swapped = |out: &mut Vec<Fr>| out.rotate_left(4);
    assert_eq!(Attempt { outputs: Some(&swapped), ..Default::default() }.run(s), refused("linear"));
    // a sum that fits the outputs, and not the products
    for lie in [&wrong as Edit<'_, Vec<Fr>>, &swapped] {
        let verdict = Attempt { outputs: Some(lie), total: Total::Fitting, ..Default::default() }.run(s);
        assert_eq!(verdict, refused("mask"));
    }
}

/// `out + 2^-S mod p` with `rem - 1` satisfies the linear equation: only the outputs' domain refuses it.
#[test]
fn output_moved_by_a_fraction() {
    let s = &mut setting();
    let rem = usize::from(remainder(s.layout().descriptor(), FC2));
    let trace = execute(s.layout(), &s.key.model, &s.inputs).unwrap();
    let largest = (0..8).max_by_key(|i| trace.cells[rem][*i]).unwrap();
    let less = |t: &mut Trace| t.cells[rem][largest] -= 1;
    let more = |out: &mut Vec<Fr>| out[largest] += power_of_two(4).inverse().unwrap();
    let attempt = || Attempt { after: Some(&less), outputs: Some(&more), ..Default::default() };
    let verdict = attempt().run(s);
    let position = 1 + largest;
    assert!(matches!(verdict, Verdict::Statement(StatementError::Domain { position: p, .. }) if p == position));
    assert_eq!(Attempt { no_domain: true, ..attempt() }.run(s), Verdict::Accepted);
}

#[test]
fn wrong_activations() {
    let s = &mut setting();
    let a = value(s.layout().descriptor(), CONV1);
    let wrong = bump(a, 1);
    assert_eq!(Attempt { during: Some(&wrong), ..Default::default() }.run(s), refused("mask"));
    let verdict = Attempt { during: Some(&wrong), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("sum"));
}

#[test]
fn wrong_remainders() {
    let s = &mut setting();
    let d = s.layout().descriptor().clone();
    let (y, rem, last) = (argument(&d, CONV1), remainder(&d, CONV1), remainder(&d, FC2));
    let inside = |t: &mut Trace| {
        let cell = &mut t.cells[usize::from(remainder(&d, FC1))][0];
        *cell += if *cell < 15 { 1 } else { -1 };
    };
    assert_eq!(Attempt { after: Some(&inside), ..Default::default() }.run(s), refused("linear"));
    // y - 1 and rem + 2^s: the equation holds, the range does not. The limb is written first, y after it.
    let beyond = |id: u16, t: &mut Trace| {
        if id == rem {
            t.cells[usize::from(rem)][51] += 16;
        } else if id == y {
            t.cells[usize::from(y)][51] -= 1;
        }
    };
    assert_eq!(Attempt { during: Some(&beyond), ..Default::default() }.run(s), refused("mask"));
    let verdict = Attempt { during: Some(&beyond), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("sum"));
    let big = |t: &mut Trace| {
        t.cells[usize::from(last)][4] += 16;
        t.outputs[4] -= 1;
    };
    let verdict = Attempt { after: Some(&big), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("sum"));
}

#[test]
fn wrong_maxima() {
    let s = &mut setting();
    let d = s.layout().descriptor().clone();
    let relu = bump(value(&d, POOL1), 1);
    let verdict = Attempt { during: Some(&relu), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("sum"));
    let difference = bump(argument(&d, POOL2), 1);
    let verdict = Attempt { during: Some(&difference), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("links"));
}

/// A key whose layer `FC2` has a weight at (out 0, in 5): in has the real length 5, so that position is padding.
fn padded_key(s: &Setting, layout: Layout) -> ProvingKey<Ideal> {
    let Layer::Linear(fc2) = &s.layout().descriptor().layers[FC2] else { panic!() };
    let k = fc2.maps[0].weights as usize + 5;
    let mut chunks = s.key.chunks.clone();
    chunks[k / layout.rows()][k % layout.rows()] = Fr::from(2u64);
    key_of_chunks(&s.scheme, layout, s.key.model.clone(), chunks).unwrap()
}

/// Pads of activations are free cells, and a dishonest owner commits to weights in padded positions: only the real length
/// of the contraction keeps them apart.
#[test]
fn padded_weights_meet_padded_cells() {
    let s = &mut setting();
    let d = s.layout().descriptor().clone();
    let at = row(&d.blocks[usize::from(argument(&d, FC1))], [0, 5, 0, 0]);
    let (fi, fo) = (s.layout().column(Column::Argument(0)), s.layout().column(Column::Value(0)));
    let inject = |columns: &mut Vec<Vec<Fr>>| {
        columns[fi][at] = Fr::from(16u64);
        columns[fo][at] = Fr::from(16u64);
    };
    let pays = |t: &mut Trace| t.outputs[0] += 2; // 2 * 16 / 2^4
    let honest_layout = padded_key(s, s.layout().clone());
    let forged = |key| Attempt { edit: Some(&inject), after: Some(&pays), key: Some(key), ..Default::default() };
    assert_eq!(forged(&honest_layout).run(s), refused("linear"));
    // the padded length instead of the real one
    let mut padded = d.clone();
    let Layer::Linear(fc2) = &mut padded.layers[FC2] else { panic!() };
    fc2.maps[0].input[1] = 8;
    let bad_layout = padded_key(s, Layout::unchecked(padded));
    assert_eq!(forged(&bad_layout).run(s), Verdict::Accepted);
    // the same injection changes nothing where the layout is sound
    let harmless = Attempt { edit: Some(&inject), key: Some(&honest_layout), ..Default::default() };
    assert_eq!(harmless.run(s), Verdict::Accepted);
    let x = row(&d.blocks[usize::from(argument(&d, 0))], [0, 0, 6, 6]);
    let image = |columns: &mut Vec<Vec<Fr>>| columns[0][x] = Fr::from(15u64);
    assert_eq!(Attempt { edit: Some(&image), ..Default::default() }.run(s), Verdict::Accepted);
}

/// Behind the last weight of a block its padding may hold anything: a row of taps there meets nothing, and the free cells
/// under it neither. Only the real lengths of the window and of its input keep them apart.
#[test]
fn padded_taps_meet_padded_cells() {
    let s = &mut Setting::new(packed(PACKED, 5), 1);
    let d = s.layout().descriptor().clone();
    let Layer::Linear(window) = &d.layers[1] else { panic!() };
    let k = weight_position(window, &window.maps[0], [5, 1, 0, 0, 0]);
    let mut chunks = s.key.chunks.clone();
    chunks[k / s.layout().rows()][k % s.layout().rows()] = Fr::from(16u64);
    let key = |layout| key_of_chunks(&s.scheme, layout, s.key.model.clone(), chunks.clone()).unwrap();
    let mut longer = d.clone();
    let Layer::Linear(l) = &mut longer.layers[1] else { panic!() };
    l.maps[0].input[2] = 6;
    l.maps[0].kind = Kind::Convolution(Window { kernel: [6, 2], stride: [1; 2], before: [0; 2], after: [0; 2] });
    let (sound, unsound) = (key(s.layout().clone()), key(Layout::unchecked(longer)));
    let at = row(&d.blocks[usize::from(argument(&d, 0))], [0, 0, 5, 1]);
    let inject = |columns: &mut Vec<Vec<Fr>>| columns[0][at] = Fr::from(1u64);
    let y = argument(&d, 1);
    let pays = |id: u16, trace: &mut Trace| {
        if id == y {
            trace.cells[usize::from(y)][0] += 1; // 16 / 2^4
        }
    };
    let forged = |key| Attempt { during: Some(&pays), edit: Some(&inject), key: Some(key), ..Default::default() };
    assert_eq!(forged(&sound).run(s), refused("linear"));
    assert_eq!(forged(&unsound).run(s), Verdict::Accepted);
    let harmless = Attempt { edit: Some(&inject), key: Some(&sound), ..Default::default() };
    assert_eq!(harmless.run(s), Verdict::Accepted);
}

/// A view on values whose arguments no layer fixes chooses its activations at will.
#[test]
fn unpaired_activations() {
    let s = &mut setting();
    let d = s.layout().descriptor().clone();
    let (a, old, new) = (value(&d, FC1), d.blocks[usize::from(argument(&d, FC1))].offset as usize, 480);
    let (fi, fo) = (s.layout().column(Column::Argument(0)), s.layout().column(Column::Value(0)));
    let wrong = bump(a, 4);
    let mut unpaired = d.clone();
    unpaired.blocks[usize::from(a)].offset = new as u32;
    let key = key_of_chunks(&s.scheme, Layout::unchecked(unpaired), s.key.model.clone(), s.key.chunks.clone()).unwrap();
    let choose = |columns: &mut Vec<Vec<Fr>>| {
        for i in 0..16 {
            let chosen = columns[fo][old + i];
            columns[fi][new + i] = chosen;
            columns[fo][new + i] = chosen;
            let y = columns[fi][old + i];
            columns[fo][old + i] = if crate::field::to_integer(&y, 0, 31).is_some() { y } else { Fr::zero() };
        }
    };
    let forged = Attempt { during: Some(&wrong), edit: Some(&choose), key: Some(&key), ..Default::default() };
    assert_eq!(forged.run(s), Verdict::Accepted);
    assert_eq!(Attempt { during: Some(&wrong), ..Default::default() }.run(s), refused("mask"));
}

#[test]
fn wrong_inputs() {
    let s = &mut setting();
    // another image than the committed one
    let mut other = s.inputs.clone();
    other[71] = (other[71] + 5) % 16;
    let verdict = Attempt { inputs: Some(other), during: Some(&|_, _| {}), ..Default::default() }.run(s);
    assert_eq!(verdict, refused("links"));
    // a value beyond its domain, committed as it is
    let mut large = s.inputs.clone();
    large[0] = 16;
    let layout = s.layout().clone();
    let committed = commit_input_with(&s.scheme, &layout, &large, &mut s.rng).unwrap();
    let attempt = Attempt {
        inputs: Some(large),
        during: Some(&|_, _| {}),
        committed: Some(&committed),
        total: Total::True,
        ..Default::default()
    };
    assert_eq!(attempt.run(s), refused("sum"));
}

/// The limbs of a shift, and ranges below the table's: rem + 2^S with y - 1 fits the limbs but for the scaled cell.
#[test]
fn ranges_below_the_table() {
    let mut s = Setting::new(signed(), 3);
    let d = s.layout().descriptor().clone();
    // layer 1 shifts by 5 = 4 + 1: its top limb has one bit
    let Layer::Linear(l) = d.layers[1].clone() else { panic!() };
    let (top, y) = (l.remainders[1], l.output.fixes().unwrap());
    let tight = l.tight.clone().unwrap();
    assert_eq!(tight.bits, 1);
    let beyond = |scaled: bool| {
        move |id: u16, t: &mut Trace| {
            if id == top {
                t.cells[usize::from(top)][2] += 2;
            } else if id == tight.block && !scaled {
                t.cells[usize::from(id)][2] -= 16; // in range again, but no longer 2^3 times the limb
            } else if id == y {
                t.cells[usize::from(y)][2] -= 1;
            }
        }
    };
    let attempt = |f: &dyn Fn(u16, &mut Trace), s: &mut Setting| {
        Attempt { during: Some(f), total: Total::True, ..Default::default() }.run(s)
    };
    assert_eq!(attempt(&beyond(true), &mut s), refused("sum"));
    assert_eq!(attempt(&beyond(false), &mut s), refused("links"));
}
