//! Public outputs that are not the model's: cells, indices.

use super::*;

fn of_end(end: End) -> Setting {
    Setting::new(ending([9, 3, 4, 6], 3, 5, end), 3)
}

/// Public outputs that are not the cells.
#[test]
fn wrong_public_cells() {
    for end in [End::Threshold, End::Scores] {
        let s = &mut of_end(end);
        assert_eq!(Attempt::default().run(s), Verdict::Accepted);
        let wrong = |out: &mut Vec<Fr>| out[7] = Fr::from(1u64) - out[7];
        assert_eq!(Attempt { outputs: Some(&wrong), ..Default::default() }.run(s), refused("links"));
        let swapped = |out: &mut Vec<Fr>| out.rotate_left(5);
        assert_eq!(Attempt { outputs: Some(&swapped), ..Default::default() }.run(s), refused("links"));
        // cells that follow the output
        let d = s.layout().descriptor().clone();
        let cells = if end == End::Scores { argument(&d, 2) } else { value(&d, 2) };
        let cell = bump(cells, -1);
        let verdict = Attempt { during: Some(&cell), total: Total::True, ..Default::default() }.run(s);
        assert_eq!(verdict, refused(if end == End::Scores { "linear" } else { "sum" }));
    }
}

/// Public values whose arguments no layer fixes are whatever the prover wants.
#[test]
fn unpaired_public_cells() {
    let s = &mut of_end(End::Threshold);
    let d = s.layout().descriptor().clone();
    let (v, new) = (value(&d, 2), 384usize);
    let mut unpaired = d.clone();
    unpaired.blocks[usize::from(v)].offset = new as u32;
    let layout = Layout::unchecked(unpaired.clone());
    assert!(matches!(
        crate::checker::check(&unpaired),
        Err(crate::checker::LayoutError::UnfixedCells { layer: 3, .. })
    ));
    let key = key_of_chunks(&s.scheme, layout, s.key.model.clone(), s.key.chunks.clone()).unwrap();
    let chosen = Fr::from(1u64);
    let all = |out: &mut Vec<Fr>| out.fill(chosen);
    let (fi, fo) = (s.layout().column(Column::Argument(1)), s.layout().column(Column::Value(1)));
    let choose = |columns: &mut Vec<Vec<Fr>>| {
        columns[fi][new..new + 32].fill(Fr::from(3u64));
        columns[fo][new..new + 32].fill(chosen);
    };
    let attempt = || Attempt { outputs: Some(&all), edit: Some(&choose), ..Default::default() };
    assert_eq!(Attempt { key: Some(&key), ..attempt() }.run(s), Verdict::Accepted);
    assert_eq!(attempt().run(s), refused("links"));
}

/// Remainders that make the equations of any index hold, as integers that need not be in their range. `scores` are one
/// batch element's.
fn remainders_of(index: usize, scores: &[i64]) -> Vec<i64> {
    (0..).zip(scores).map(|(i, y)| scores[index] - y - i64::from(i < index)).collect()
}

/// The limbs of [`remainders_of`] for the first batch element: what is negative stays in the first limb.
fn claim_index(d: &Descriptor, index: usize, score: Option<i64>) -> impl Fn(&mut Trace) {
    let Some(Layer::Top1 { view, remainders, tight, .. }) = d.layers.last() else { panic!() };
    let (view, limbs, scaled) = (view[0].block, remainders.clone(), tight.clone().unwrap());
    move |t| {
        let mut scores = t.cells[usize::from(view)][..5].to_vec();
        scores.extend(score); // of a pad
        for (i, rest) in remainders_of(index, &scores)[..5].iter().enumerate() {
            let high = if *rest < 0 { 0 } else { rest >> 4 };
            t.cells[usize::from(limbs[0])][i] = rest - (high << 4);
            t.cells[usize::from(limbs[1])][i] = high;
            t.cells[usize::from(scaled.block)][i] = high << (4 - scaled.bits);
        }
        t.outputs[0] = index as i64;
    }
}

#[test]
fn wrong_indices() {
    let s = &mut of_end(End::Top1);
    assert_eq!(Attempt::default().run(s), Verdict::Accepted);
    let d = s.layout().descriptor().clone();
    let honest = execute(s.layout(), &s.key.model, &s.inputs).unwrap().outputs.clone();
    for index in 0..5 {
        let claimed = claim_index(&d, index, None);
        let attempt = |total| Attempt { after: Some(&claimed), total, ..Default::default() };
        if index as i64 == honest[0] {
            assert_eq!(attempt(Total::Zero).run(s), Verdict::Accepted);
            continue;
        }
        // with remainders that fit the index, some of which are negative; and with those of the honest index
        assert_eq!(attempt(Total::True).run(s), refused("sum"));
        let wrong = |out: &mut Vec<Fr>| out[0] = Fr::from(index as u64);
        assert_eq!(Attempt { outputs: Some(&wrong), ..Default::default() }.run(s), refused("links"));
    }
    // another element's index
    let rotated = |out: &mut Vec<Fr>| out.rotate_left(1);
    assert_eq!(Attempt { outputs: Some(&rotated), ..Default::default() }.run(s), refused("links"));
    // the equation holds, the limb is not in its range
    let Some(Layer::Top1 { remainders, .. }) = d.layers.last() else { panic!() };
    let (low, high) = (usize::from(remainders[0]), usize::from(remainders[1]));
    let trace = execute(s.layout(), &s.key.model, &s.inputs).unwrap();
    let at = (0..15).find(|i| trace.cells[low][*i] > 0).unwrap();
    let moved = |t: &mut Trace| {
        t.cells[low][at] += 16;
        t.cells[high][at] -= 1;
    };
    let verdict = Attempt { after: Some(&moved), total: Total::True, ..Default::default() }.run(s);
    assert!(matches!(verdict, Verdict::Refused(claims) if claims.contains(&"sum")));
}

/// Of equal scores the first one counts: the second would need a remainder of -1.
#[test]
fn wrong_index_of_a_tie() {
    let s = &mut of_end(End::Top1);
    s.key.model[1].maps[0].fill(0);
    s.key.model[1].biases = vec![4, 12, 4, 12, 11]; // (b + 2) / 4 is 1, 3, 1, 3, 3
    let chunks = crate::witness::weight_chunks(s.layout(), &s.key.model).unwrap();
    let key = key_of_chunks(&s.scheme, s.layout().clone(), s.key.model.clone(), chunks).unwrap();
    let d = s.layout().descriptor().clone();
    for (index, expected) in [(1, Verdict::Accepted), (3, refused("sum")), (4, refused("sum"))] {
        let claimed = claim_index(&d, index, None);
        let attempt = Attempt {
            after: Some(&claimed),
            key: Some(&key),
            total: if index == 1 { Total::Zero } else { Total::True },
            ..Default::default()
        };
        assert_eq!(attempt.run(s), expected);
    }
}

/// Classes beyond the last are pads, which are free cells: only the domain of an index keeps them out.
#[test]
fn index_of_a_pad() {
    let s = &mut of_end(End::Top1);
    let d = s.layout().descriptor().clone();
    let Some(Layer::Top1 { view, .. }) = d.layers.last() else { panic!() };
    let block = &d.blocks[usize::from(view[0].block)];
    let at = row(block, [0, 5, 0, 0]);
    let (fi, fo) = (s.layout().column(Column::Argument(1)), s.layout().column(Column::Value(1)));
    let inject = |columns: &mut Vec<Vec<Fr>>| {
        columns[fi][at] = Fr::from(30u64);
        columns[fo][at] = Fr::from(1u64);
    };
    let claimed = claim_index(&d, 5, Some(30));
    let attempt = || Attempt { edit: Some(&inject), after: Some(&claimed), ..Default::default() };
    let verdict = attempt().run(s);
    let expected = [0, 4];
    assert!(
        matches!(verdict, Verdict::Statement(StatementError::Domain { position: 1, expected: e, .. }) if e == expected)
    );
    assert_eq!(Attempt { no_domain: true, ..attempt() }.run(s), Verdict::Accepted);
    // what is no index at all is none either
    let negative = |out: &mut Vec<Fr>| out[2] = -Fr::from(1u64);
    let verdict = Attempt { outputs: Some(&negative), ..Default::default() }.run(s);
    assert!(matches!(verdict, Verdict::Statement(StatementError::Domain { position: 3, .. })));
}
