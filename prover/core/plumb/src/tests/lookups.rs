//! What sumcheck A sums, and how claims are weighed, against their definitions: a prover may choose all columns, so nothing
//! of them may be left out.

use super::networks::*;
use crate::field::Fr;
use crate::layout::Layout;
use crate::lookup::{Gates, table};
use crate::sumcheck::Combination;
use crate::testing::Stream;
use ark_ff::{Field, One, Zero};

fn layouts() -> Vec<Layout> {
    let descriptors = [mlp(), cnn(&CNN, false), sums([10, 3, 4, 6], 2, [3, 3, 6]), signed(), pooled(POOLED, 2)];
    descriptors.into_iter().map(|d| Layout::new(d).unwrap()).collect()
}

/// `E * ( sum_j lambda^(j+1) (H_j D_1 D_2 - D_1 - D_2) + lambda^(n+1) (HT D_T - M) ) + lambda^(n+2) act * (sum_j H_j - HT)`
/// and a product at any columns, with `D = alpha - v` of a range column and `alpha - y - gamma f - gamma^2 tag` of a pair.
#[test]
fn every_gate_counts() {
    let mut stream = Stream::new(1);
    for layout in layouts() {
        let (alpha, gamma, lambda) = (stream.scalar(), stream.scalar(), stream.scalar());
        let gates = Gates::new(&layout, alpha, gamma, lambda);
        let columns = stream.scalars(layout.evaluated());
        let (e, active, entry) = (stream.scalar(), stream.scalar(), stream.scalar());
        let mut d: Vec<Fr> = columns[..layout.ranges()].iter().map(|v| alpha - v).collect();
        let pairs = columns[layout.ranges()..layout.multiplicities()].chunks(2);
        d.extend(pairs.zip(&layout.descriptor().pairs).map(|(pair, function)| {
            alpha - pair[0] - gamma * pair[1] - gamma.square() * Fr::from(u64::from(*function) + 1)
        }));
        let (m, phase2) = (columns[layout.multiplicities()], &columns[layout.phase2()]);
        let (ht, helpers) = phase2.split_last().unwrap();
        assert_eq!(helpers.len(), d.len().div_ceil(2));
        let (mut expected, mut power) = (Fr::zero(), e * lambda);
        for (h, d) in helpers.iter().zip(d.chunks(2)) {
            let sum = if let [d1, d2] = d { *d1 + d2 } else { Fr::one() };
            expected += power * (*h * d.iter().product::<Fr>() - sum);
            power *= lambda;
        }
        expected += power * (*ht * (alpha - entry) - m);
        let last = lambda.pow([helpers.len() as u64 + 2]);
        expected += last * active * (helpers.iter().sum::<Fr>() - ht);
        let tables = [&[e, active], &columns[..], &[entry]].concat();
        assert_eq!(gates.at(&tables), expected);
        let (w, x) = (stream.scalar(), stream.scalar());
        assert_eq!(gates.at(&[&tables[..], &[w, x]].concat()), expected + w * x);
    }
}

/// A row of a function's table is (y, f(y), tag), and the tag is the function's own.
#[test]
fn every_row_of_a_table_counts() {
    let gamma = Stream::new(2).scalar();
    for layout in layouts() {
        let (d, found) = (layout.descriptor(), table(&layout, &gamma));
        let half = 1i64 << (d.value_bits - 1);
        for (tag, function) in (1u64..).zip(&d.functions) {
            for y in -half..half {
                let row = function.slot.offset as usize + (y + half) as usize;
                let f = Fr::from(function.apply(y));
                assert_eq!(found[row], Fr::from(y) + gamma * f + gamma.square() * Fr::from(tag));
            }
        }
    }
}

/// Claim i is weighed by `eta^i`: none is left out, and none can make up for another.
#[test]
fn every_claim_has_a_weight_of_its_own() {
    let eta = Stream::new(3).scalar();
    for layout in layouts() {
        let claims = layout.claims();
        let expected: Vec<Fr> = (0..claims.columns as u64 + 5).map(|i| eta.pow([i])).collect();
        assert_eq!(claims.powers(&eta), expected);
        let named = [claims.mask(), claims.sum(), claims.weights(), claims.inputs(), claims.links()];
        assert_eq!(named.to_vec(), (claims.columns..claims.count()).collect::<Vec<_>>());
    }
}
