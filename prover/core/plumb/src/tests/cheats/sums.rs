//! Sums of maps, layers without a shift, functions given as tables.

use super::*;

fn summing() -> Setting {
    Setting::new(sums([10, 3, 4, 6], 2, [3, 3, 6]), 2)
}

/// A value that the table does not give, and a verifier with another table.
#[test]
fn wrong_values_of_a_table() {
    let s = &mut summing();
    let d = s.layout().descriptor().clone();
    let wrong = bump(value(&d, 1), -1);
    let verdict = Attempt { during: Some(&wrong), total: Total::True, ..Default::default() }.run(s);
    assert_eq!(verdict, refused("sum"));
    // the table that would allow it is another circuit
    let mut other = d.clone();
    let FunctionKind::Table(values) = &mut other.functions[1].kind else { panic!() };
    let largest = *values.iter().max().unwrap();
    let trace = execute(s.layout(), &s.key.model, &s.inputs).unwrap();
    let used = trace.cells[usize::from(value(&d, 1))].iter().max().unwrap();
    assert_eq!(i64::from(largest), *used);
    values.iter_mut().filter(|v| **v == largest).for_each(|v| *v -= 1);
    let key = |layout| key_of_chunks(&s.scheme, layout, s.key.model.clone(), s.key.chunks.clone()).unwrap();
    let (same, other) = (key(s.layout().clone()), key(Layout::new(other).unwrap()));
    assert_eq!(same.verifying.circuit_id, s.key.verifying.circuit_id);
    assert_ne!(other.verifying.circuit_id, s.key.verifying.circuit_id);
    let all = |id: u16, t: &mut Trace| {
        if id == value(&d, 1) {
            t.cells[usize::from(id)].iter_mut().filter(|v| **v == i64::from(largest)).for_each(|v| *v -= 1);
        }
    };
    let attempt = |key| Attempt { during: Some(&all), total: Total::True, key: Some(key), ..Default::default() };
    assert_eq!(attempt(&same).run(s), refused("sum"));
    assert_eq!(attempt(&other).run(s), Verdict::Accepted);
}

/// Another sum than that of the committed weights: one map with other weights, one without any.
#[test]
fn wrong_sums_of_maps() {
    for (layer, map) in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)] {
        let s = &mut summing();
        let honest = key_of_chunks(&s.scheme, s.layout().clone(), s.key.model.clone(), s.key.chunks.clone()).unwrap();
        let given = s.key.model.clone();
        let weights = |s: &mut Setting| std::mem::take(&mut s.key.model[layer].maps[map]);
        let mut rotated = weights(s);
        rotated.rotate_left(1); // of a depthwise map: another channel's tap
        for replaced in [rotated, vec![0; given[layer].maps[map].len()]] {
            assert_ne!(replaced, given[layer].maps[map]);
            s.key.model[layer].maps[map] = replaced;
            let wrong = |_: u16, _: &mut Trace| {};
            let attempt = |key| Attempt { during: Some(&wrong), key, ..Default::default() };
            let verdict = attempt(Some(&honest)).run(s);
            let Verdict::Refused(claims) = verdict else { panic!("map {map} of layer {layer}: {verdict:?}") };
            assert!(claims.contains(&"linear") && !claims.contains(&"inputs"), "{claims:?}");
        }
    }
}

/// Without a shift there is no remainder that could make up for another y.
#[test]
fn wrong_sums_without_a_shift() {
    let s = &mut summing();
    let y = argument(s.layout().descriptor(), 2);
    let less = bump(y, -1);
    assert_eq!(Attempt { during: Some(&less), ..Default::default() }.run(s), refused("linear"));
}

/// Pads of activations under a depthwise window, and weights of its padded channel, change nothing.
#[test]
fn padded_channels_meet_nothing() {
    let s = &mut summing();
    let d = s.layout().descriptor().clone();
    let Layer::Linear(l) = &d.layers[2] else { panic!() };
    let (map, x) = (&l.maps[0], &d.blocks[usize::from(value(&d, 1))]);
    assert_eq!((x.dims[1], map.weight_index_bits(3)[2]), (3, 2));
    let (at, k) = (row(x, [0, 3, 0, 0]), map.weights as usize + 3);
    let mut chunks = s.key.chunks.clone();
    chunks[k / s.layout().rows()][k % s.layout().rows()] = Fr::from(2u64);
    let key = key_of_chunks(&s.scheme, s.layout().clone(), s.key.model.clone(), chunks).unwrap();
    let function = &d.functions[1];
    let (fi, fo) = (s.layout().column(Column::Argument(1)), s.layout().column(Column::Value(1)));
    let inject = |columns: &mut Vec<Vec<Fr>>| {
        columns[fi][at] = Fr::from(7u64);
        columns[fo][at] = Fr::from(function.apply(7));
    };
    assert_ne!(function.apply(7), function.apply(0));
    assert_eq!(Attempt { edit: Some(&inject), key: Some(&key), ..Default::default() }.run(s), Verdict::Accepted);
}
