//! Registration: honest ones are accepted, dishonest ones refused because of the claim that they make false, and accepted
//! where that claim is taken away; nothing leaks; the derived layout covers every real position once.

use super::cheats::{Verdict, judge, refused};
use super::mutations::{plus_modulus, plus_one};
use super::networks::*;
use super::zero_knowledge::{cells, rank, shown};
use crate::closed_forms::evaluate;
use crate::descriptor::*;
use crate::field::{Fr, power_of_two};
use crate::functionals::Queries;
use crate::keys::{ProvingKey, VerifyingKey, key_of_chunks, salted_key, setup};
use crate::layout::Layout;
use crate::lookup::multiplicities;
use crate::proof::Malformed;
use crate::prove::{Prover, Total, prove};
use crate::randomness::{Randomness, Seeded};
use crate::ranges::{Ranges, WeightBlock, weight_blocks};
use crate::register::*;
use crate::scheme::ideal::Ideal;
use crate::transcript::{Script, Transcript, ZeroChallenge};
use crate::verify::{Rejection, VerifyError, replay, verify};
use ark_ff::{Field, One, Zero};
use std::collections::{BTreeMap, BTreeSet};

/// Weights and biases of these widths.
fn widths(mut d: Descriptor, weights: u8, biases: u8) -> Descriptor {
    for layer in &mut d.layers {
        if let Layer::Linear(l) = layer {
            l.maps.iter_mut().for_each(|map| map.weight_bits = weights);
            l.bias_bits = biases;
        }
    }
    d
}

/// Two dense layers over several chunks of 128 weights: the first fills four of them but for padded outs.
fn wide(log_pad: u8) -> Descriptor {
    let mut net = Net::new([7, log_pad, 4, 5], 1, Visibility::Hidden, Visibility::Hidden, &[(0, 15)]);
    let (x, dims) = net.input([15, 1, 1], 0, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 29, 4, Some(0));
    net.linear(Kind::Dense, h, dims, 2, 4, None);
    net.finish()
}

fn descriptors() -> Vec<Descriptor> {
    let plain = [
        mlp(),
        cnn(&CNN, false),
        cnn(&CNN, true),
        mixed(),
        signed(),
        sums([10, 4, 4, 6], 2, [2, 5, 6]),
        wide(3),
        wide(5),
        packed(PACKED, 5),
        packed(PACKED, 8),
    ];
    let mut out: Vec<_> =
        plain.iter().flat_map(|d| [d.clone(), widths(d.clone(), 5, 11), widths(d.clone(), 0, 20)]).collect();
    out.push(widths(wide(4), 8, 2));
    out
}

struct Registered {
    scheme: Ideal,
    key: ProvingKey<Ideal>,
    rng: Seeded,
}

/// Weights of every size that their widths allow.
fn key(descriptor: Descriptor, seed: u64) -> Registered {
    let (scheme, mut rng) = (Ideal::new(seed), Seeded::new(seed));
    let layout = Layout::new(descriptor).unwrap();
    let l = layout.linear_layers().next().unwrap();
    let range = |bits: u8| [-(1 << bits), (1 << bits) - 1];
    let (weights, biases) = (range(l.maps[0].weight_bits), range(l.bias_bits));
    let mut model = random_model(&layout, &mut rng, weights, biases);
    let first = &mut model[0];
    first.maps[0][..2].copy_from_slice(&weights);
    first.biases[..2].copy_from_slice(&biases);
    let key = salted_key(&scheme, layout, model, &mut rng).unwrap();
    Registered { scheme, key, rng }
}

impl Registered {
    fn proof(&mut self) -> Vec<u8> {
        register_with(&self.scheme, &self.key, &mut self.rng).unwrap()
    }

    fn check(&self, proof: &[u8]) -> Result<(), VerifyError> {
        check_registration(&self.scheme, &self.key.verifying, proof)
    }
}

#[test]
fn honest_weights() {
    for (i, d) in descriptors().into_iter().enumerate() {
        let mut s = key(d, i as u64);
        let words = registration_words(&s.key.verifying);
        for _ in 0..2 {
            let proof = s.proof();
            assert_eq!(proof.len(), 32 * words);
            s.check(&proof).unwrap();
        }
    }
}

/// Two models of one descriptor have proofs of one length, and share no word.
#[test]
fn nothing_of_the_model_is_in_the_length() {
    let [a, b] = [1, 2].map(|seed| key(widths(wide(3), 5, 11), seed).proof());
    assert_eq!(a.len(), b.len());
    let words: BTreeSet<_> = a.as_chunks::<32>().0.iter().collect();
    assert!(b.as_chunks::<32>().0.iter().all(|w| !words.contains(w)));
}

/// Every real position and every limb has one cell of its own, in no pad row; the closed forms, the prover's vectors and
/// sums over single positions agree.
#[test]
fn layouts_cover_every_weight_once() {
    for d in descriptors() {
        let model = Layout::new(d).unwrap();
        let layout = model.registration();
        let (blocks, ranges) = (weight_blocks(&model), layout.weight_ranges().unwrap());
        let (s, domain) = (u64::from(layout.descriptor().range_bits), layout.chunks() * layout.rows());
        let mut rng = Seeded::new(3);
        let (r, d) = (rng.one(), rng.fields(layout.c()).unwrap());
        // where each cell is, by position, shift to the right and to the left
        let (mut places, mut rows) = (BTreeMap::new(), BTreeSet::new());
        for cells in &ranges.cells {
            for offset in cells.tensor.offsets() {
                let (k, row) = (cells.tensor.start as usize + offset, cells.row + offset);
                if row < layout.active_rows() {
                    assert!(cells.column < ranges.columns && rows.insert((cells.column, row)));
                    assert!(places.insert((k, cells.right, cells.left), (cells.column, row)).is_none());
                }
            }
        }
        let mut expected = vec![vec![Fr::zero(); layout.rows()]; layout.columns()];
        let (mut constant, mut real) = (Fr::zero(), vec![false; domain]);
        let mut add = |column: usize, row: usize, v: Fr| expected[column][row] += v;
        let power = |k: usize| r.pow([k as u64]);
        for WeightBlock { tensor, bits } in &blocks {
            for offset in tensor.offsets() {
                let k = tensor.start as usize + offset;
                real[k] = true;
                constant -= power_of_two((*bits).into()) * power(k);
                add(layout.chunk(k / layout.rows()), k % layout.rows(), power(k));
                let mut rest = u64::from(*bits) + 1;
                for limb in 0.. {
                    let (column, row) = places.remove(&(k, (s * limb) as u32, 0)).expect("a limb has no cell");
                    add(column, row, -power_of_two((s * limb) as u32) * power(k));
                    if rest <= s {
                        if rest < s {
                            let left = (s - rest) as u32;
                            let copy = places.remove(&(k, (s * limb) as u32, left)).expect("no scaled limb");
                            add(copy.0, copy.1, power(2 * domain + k));
                            add(column, row, -power_of_two(left) * power(2 * domain + k));
                        }
                        break;
                    }
                    rest -= s;
                }
            }
        }
        assert!(places.is_empty());
        for k in (0..domain).filter(|k| !real[*k] && !layout.descriptor().salts.contains(&(*k as u32))) {
            add(layout.chunk(k / layout.rows()), k % layout.rows(), power(domain + k));
        }
        assert_eq!(ranges.constant(&r), constant);
        let claims = layout.claims();
        let mut weights = vec![Fr::zero(); claims.count()];
        weights[claims.links()] = Fr::one();
        let queries = Queries { layout: &layout, r, k: &d, rho_a: rng.one(), weights, outputs: &[] };
        assert!(queries.dense() == expected);
        let closed = queries.closed(&d);
        for (vector, value) in expected.iter().zip(&closed) {
            assert_eq!(evaluate(vector, &d), *value);
        }
        // and with all claims together
        let queries = Queries { weights: claims.powers(&rng.one()), ..queries };
        for (vector, value) in queries.dense().iter().zip(queries.closed(&d)) {
            assert_eq!(evaluate(vector, &d), value);
        }
    }
}

#[test]
fn few_columns() {
    let columns = |weights, biases| {
        let layout = Layout::new(widths(wide(3), weights, biases)).unwrap().registration();
        (layout.descriptor().range_bits, layout.ranges())
    };
    // 512 + 64 weights and 32 + 2 biases, 120 rows a column
    assert_eq!(columns(5, 5), (6, 6));
    assert_eq!(columns(3, 4), (4, 6));
    assert_eq!(columns(5, 20), (6, 7));
    assert_eq!(columns(11, 20), (6, 11));
}

type Edit<'a, T> = &'a dyn Fn(&mut T);
type EditLimbs<'a> = &'a dyn Fn(&Ranges, &mut Vec<Vec<Fr>>);

#[derive(Default)]
struct Attempt<'a> {
    /// Tampers with the committed weights.
    weights: Option<Edit<'a, Vec<Vec<Fr>>>>,
    /// Tampers with the limbs.
    limbs: Option<EditLimbs<'a>>,
    /// Takes something away from what is proved.
    without: Option<Edit<'a, Ranges>>,
    total: Total,
}

impl Attempt<'_> {
    fn run(self, s: &mut Registered) -> Verdict {
        let mut chunks = s.key.chunks.clone();
        if let Some(edit) = self.weights {
            edit(&mut chunks);
        }
        let key = key_of_chunks(&s.scheme, s.key.verifying.layout.clone(), vec![], chunks).unwrap();
        let mut circuit = circuit(&key.verifying);
        if let Some(edit) = self.without {
            let mut ranges = circuit.layout.weight_ranges().unwrap().clone();
            edit(&mut ranges);
            circuit.layout = Layout::of_ranges(circuit.layout.descriptor().clone(), ranges);
        }
        let mut phase1 = columns(&circuit, &key.chunks);
        if let Some(edit) = self.limbs {
            phase1.pop();
            edit(circuit.layout.weight_ranges().unwrap(), &mut phase1);
            phase1.push(multiplicities(&circuit.layout, &phase1));
        }
        let statement = &statement(&circuit);
        let (committer, chunks, total) = (&s.scheme, &key.chunks, self.total);
        let prover = Prover { committer, key: &circuit, chunks, statement, input_column: None, total };
        let (proof, secret) = prover.run(phase1, Transcript::new(DOMAIN), &mut s.rng).unwrap();
        let end = replay(&s.scheme, &circuit, &proof, statement, Transcript::new(DOMAIN)).unwrap();
        judge(&s.scheme, &circuit.layout, &secret, end)
    }
}

/// Takes the equations of one family out of the claim.
fn without_family(ranges: &mut Ranges, exponent: u64) {
    ranges.runs.iter_mut().for_each(|run| run.factors.retain(|(_, e)| *e != exponent));
}

/// Takes a block out of the claim, and that everything else is zero.
fn without_block(block: &WeightBlock, domain: u64) -> impl Fn(&mut Ranges) {
    let positions = block.tensor.offsets().into_iter().map(|offset| block.tensor.start + offset as u64);
    let positions: BTreeSet<u64> = positions.collect();
    move |ranges: &mut Ranges| {
        without_family(ranges, domain);
        ranges.blocks.retain(|b| !positions.contains(&b.tensor.start));
        ranges.runs.retain(|run| !positions.contains(&run.tensor.start));
        ranges.cells.retain(|cells| !positions.contains(&cells.tensor.start));
    }
}

/// Sets a real position of a block.
fn set(rows: usize, block: &WeightBlock, which: usize, value: Fr) -> impl Fn(&mut Vec<Vec<Fr>>) + use<> {
    let k = block.tensor.start as usize + block.tensor.offsets()[which];
    move |chunks: &mut Vec<Vec<Fr>>| chunks[k / rows][k % rows] = value
}

#[test]
fn weights_out_of_range() {
    // 6, 8 and 21 bits: one limb, limbs that fill their table, limbs that do not
    for (weights, biases) in [(5, 5), (5, 20), (7, 11)] {
        let s = &mut key(widths(wide(3), weights, biases), 4);
        assert_eq!(Attempt::default().run(s), Verdict::Accepted);
        let layout = s.key.verifying.layout.clone();
        let (blocks, rows) = (weight_blocks(&layout), layout.rows());
        let domain = (layout.chunks() * rows) as u64;
        let half = Fr::from(2u64).inverse().unwrap();
        for block in &blocks {
            let (limit, offsets) = (1i64 << block.bits, block.tensor.offsets());
            let last = offsets.len() - 1;
            // one whose limbs cannot stay in its row
            let in_pads = |offset: &usize| (block.tensor.start as usize + offset) % rows >= layout.active_rows();
            let tail = offsets.iter().position(in_pads);
            assert!(tail.is_some() || offsets.len() < rows);
            for which in [0, last / 2, last].into_iter().chain(tail) {
                for good in [-limit, limit - 1, 0] {
                    let edit = set(rows, block, which, Fr::from(good));
                    assert_eq!(Attempt { weights: Some(&edit), ..Default::default() }.run(s), Verdict::Accepted);
                }
                for bad in [Fr::from(limit), Fr::from(-limit - 1), half, -half, power_of_two(200)] {
                    let edit = set(rows, block, which, bad);
                    let attempt = || Attempt { weights: Some(&edit), ..Default::default() };
                    assert_eq!(attempt().run(s), refused("mask"));
                    assert_eq!(Attempt { total: Total::True, ..attempt() }.run(s), refused("sum"));
                    let without = without_block(block, domain);
                    assert_eq!(Attempt { without: Some(&without), ..attempt() }.run(s), Verdict::Accepted);
                }
            }
        }
    }
}

/// Everything beside the blocks and the salts is zero.
#[test]
fn weights_where_there_are_none() {
    let s = &mut key(widths(wide(3), 5, 20), 5);
    let layout = s.key.verifying.layout.clone();
    let blocks = weight_blocks(&layout);
    let mut free = vec![true; layout.chunks() * layout.rows()];
    for WeightBlock { tensor, .. } in &blocks {
        tensor.offsets().iter().for_each(|offset| free[tensor.start as usize + offset] = false);
    }
    let salts = &layout.descriptor().salts;
    salts.iter().for_each(|k| free[*k as usize] = false);
    let free: Vec<usize> = (0..free.len()).filter(|k| free[*k]).collect();
    // in the padding of a block, between blocks, at the end
    for k in [free[0], free[free.len() / 2], free[free.len() - 1]] {
        let edit = |chunks: &mut Vec<Vec<Fr>>| chunks[k / layout.rows()][k % layout.rows()] = Fr::one();
        let attempt = || Attempt { weights: Some(&edit), ..Default::default() };
        assert_eq!(attempt().run(s), refused("links"));
        let domain = (layout.chunks() * layout.rows()) as u64;
        let without = |ranges: &mut Ranges| without_family(ranges, domain);
        assert_eq!(Attempt { without: Some(&without), ..attempt() }.run(s), Verdict::Accepted);
    }
    for k in salts {
        let edit =
            |chunks: &mut Vec<Vec<Fr>>| chunks[*k as usize / layout.rows()][*k as usize % layout.rows()] = Fr::one();
        assert_eq!(Attempt { weights: Some(&edit), ..Default::default() }.run(s), Verdict::Accepted);
    }
}

/// Limbs that say something else than the weights, or that only together make one.
#[test]
fn dishonest_limbs() {
    // biases have 21 bits in limbs of 6: the top one has 3
    let s = &mut key(widths(wide(3), 5, 20), 6);
    let layout = s.key.verifying.layout.clone();
    let block = weight_blocks(&layout)[1].clone();
    let (start, which, rows) = (block.tensor.start, 7, layout.rows());
    let (bits, base) = (layout.registration().descriptor().range_bits, power_of_two(6));
    assert_eq!(bits, 6);
    let at = |ranges: &Ranges, right: u32, left: u32| {
        let mut found = ranges.cells.iter().filter(|c| c.tensor.start == start && (c.right, c.left) == (right, left));
        let cells = found.next().unwrap();
        assert!(found.next().is_none());
        (cells.column, cells.row + which)
    };
    let weight = |v: i64| set(rows, &block, which, Fr::from(v - (1 << block.bits)));
    let honest = weight(0x1a_5a5a & ((1 << 21) - 1));
    let add = |right, left, v: Fr| {
        move |ranges: &Ranges, columns: &mut Vec<Vec<Fr>>| {
            let (column, row) = at(ranges, right, left);
            columns[column][row] += v;
        }
    };
    let (one, large) = (Fr::one(), weight(1 << 21));
    // another number
    let wrong = add(0, 0, one);
    assert_eq!(Attempt { weights: Some(&honest), limbs: Some(&wrong), ..Default::default() }.run(s), refused("links"));
    // a carry that is not taken: the sum is right, a limb is beyond its table
    let carry = |ranges: &Ranges, columns: &mut Vec<Vec<Fr>>| {
        add(0, 0, base)(ranges, columns);
        add(6, 0, -one)(ranges, columns);
    };
    let attempt = || Attempt { weights: Some(&honest), limbs: Some(&carry), ..Default::default() };
    assert_eq!(attempt().run(s), refused("mask"));
    assert_eq!(Attempt { total: Total::True, ..attempt() }.run(s), refused("sum"));
    // 2^20 as a weight: 2^21 in limbs of 6 bits is 0, 0, 0, 8, but 8 has no place in a top limb of 3 bits
    let top = |ranges: &Ranges, columns: &mut Vec<Vec<Fr>>| {
        let (column, row) = at(ranges, 0, 0);
        columns[column][row] = Fr::zero();
        add(18, 0, Fr::from(8u64))(ranges, columns);
    };
    let scaled = |ranges: &Ranges, columns: &mut Vec<Vec<Fr>>| {
        top(ranges, columns);
        add(18, 3, Fr::from(64u64))(ranges, columns);
    };
    let attempt =
        |limbs| Attempt { weights: Some(&large), limbs: Some(limbs), total: Total::True, ..Default::default() };
    assert_eq!(attempt(&scaled).run(s), refused("sum"));
    assert_eq!(attempt(&top).run(s), refused("links"));
    let domain = (layout.chunks() * layout.rows()) as u64;
    let loose = |ranges: &mut Ranges| without_family(ranges, 2 * domain);
    assert_eq!(Attempt { without: Some(&loose), ..attempt(&top) }.run(s), Verdict::Accepted);
}

#[test]
fn every_word_of_a_registration() {
    let mut s = key(widths(wide(3), 5, 11), 7);
    let proof = s.proof();
    let words = proof.as_chunks::<32>().0;
    let commitments = s.key.verifying.layout.registration().phase1().len() + 2;
    for (i, word) in words.iter().enumerate() {
        let with = |word| {
            let mut words = words.to_vec();
            words[i] = word;
            s.check(words.as_flattened())
        };
        assert!(matches!(with(plus_one(word)), Err(VerifyError::Rejected(Rejection::Opening(_)))), "{i}");
        assert!(matches!(with(plus_modulus(word)), Err(VerifyError::Malformed(_))), "{i}");
        match i < commitments {
            true => {
                let expected = Rejection::IdentityCommitment { position: i };
                assert_eq!(with([0; 32]), Err(VerifyError::Rejected(expected)));
            }
            false => assert!(with([0; 32]).is_err()),
        }
        let mut swapped = words.to_vec();
        swapped.swap(i, (i + 1) % words.len());
        assert!(s.check(swapped.as_flattened()).is_err(), "swap {i}");
    }
    let expected = proof.len();
    let longer = [&proof[..], &[0; 32]].concat();
    for got in [0, 31, 32, expected - 32, expected - 1, expected + 1, expected + 32] {
        let error = VerifyError::Malformed(Malformed::Length { expected, got });
        assert_eq!(s.check(&longer[..got]), Err(error));
    }
    let (circuit, scheme) = (circuit(&s.key.verifying), &s.scheme);
    for label in ["r", "rhoA", "rhoD"] {
        let mut t = Transcript::new(DOMAIN);
        t.script = Script::Zero(label);
        let error = replay(scheme, &circuit, &proof, &statement(&circuit), t).err();
        assert_eq!(error, Some(VerifyError::Rejected(Rejection::ZeroChallenge(ZeroChallenge { label }))));
    }
}

/// Fiat-Shamir: the first challenge after a word depends on it, and no challenge before it does.
#[test]
fn every_word_is_absorbed_before_the_next_challenge() {
    let mut s = key(widths(wide(3), 5, 11), 8);
    let proof = s.proof();
    let circuit = circuit(&s.key.verifying);
    let log = |proof: &[u8]| {
        replay(&s.scheme, &circuit, proof, &statement(&circuit), Transcript::new(DOMAIN)).unwrap().transcript.log
    };
    let (honest, layout) = (log(&proof), &circuit.layout);
    let c = layout.c();
    // (words, challenges after them)
    let mut schedule = vec![(layout.phase1().len() + 2, 3), (layout.phase2().len(), 1 + c + 1)];
    schedule.extend((0..c).map(|i| (if i == 0 { 5 } else { 4 }, 1)));
    schedule.extend([(layout.evaluated(), 3), (1, 1)]);
    schedule.extend((0..c).map(|_| (2, 1)));
    let words = proof.as_chunks::<32>().0;
    assert_eq!(schedule.iter().map(|s| s.0).sum::<usize>(), words.len());
    assert_eq!(schedule.iter().map(|s| s.1).sum::<usize>(), honest.len());
    let (mut word, mut challenge) = (0, 0);
    for (n, challenges) in schedule {
        for i in word..word + n {
            let mut words = words.to_vec();
            words[i] = plus_one(&words[i]);
            let got = log(words.as_flattened());
            assert_eq!(got.iter().zip(&honest).position(|(x, y)| x != y), Some(challenge), "word {i}");
        }
        (word, challenge) = (word + n, challenge + challenges);
    }
}

#[test]
fn of_another_key() {
    let d = widths(wide(3), 5, 11);
    let mut s = key(d.clone(), 9);
    let proof = s.proof();
    let opening = |key: &VerifyingKey<Ideal>| {
        let got = check_registration(&s.scheme, key, &proof);
        assert!(matches!(got, Err(VerifyError::Rejected(Rejection::Opening(_)))), "{got:?}");
    };
    // other weights, under their id and under this one; the same weights with other salts; another id
    let layout = s.key.verifying.layout.clone();
    let model = random_model(&layout, &mut s.rng, [-3, 4], [-8, 8]);
    let mut other = salted_key(&s.scheme, layout.clone(), model, &mut s.rng).unwrap().verifying;
    opening(&other);
    other.circuit_id = s.key.verifying.circuit_id;
    opening(&other);
    let resalted = salted_key(&s.scheme, layout.clone(), s.key.model.clone(), &mut s.rng).unwrap().verifying;
    opening(&resalted);
    let mut renamed = s.key.verifying.clone();
    renamed.circuit_id[0] ^= 1;
    opening(&renamed);
    // the same commitments in another order, and with a descriptor of wider biases that has the same layout
    let mut swapped = s.key.verifying.clone();
    swapped.weights.swap(0, 1);
    opening(&swapped);
    let wider = Layout::new(widths(d, 5, 10)).unwrap();
    let wider = VerifyingKey::new(&s.scheme, wider, s.key.verifying.weights.clone()).unwrap();
    assert_eq!(registration_words(&wider), registration_words(&s.key.verifying));
    opening(&wider);
    // the right proof under the name of the protocol of inference
    let circuit = circuit(&s.key.verifying);
    let t = Transcript::new(crate::verify::DOMAIN);
    let end = replay(&s.scheme, &circuit, &proof, &statement(&circuit), t).unwrap();
    assert!(crate::verify::accept(&s.scheme, end).is_err());
    s.check(&proof).unwrap();
}

/// A key of hidden weights verifies nothing before it is registered; public weights need no registration, and may have one.
#[test]
fn keys_need_their_registration() {
    let ctx = [1; 32];
    let mut s = Setting::new(mlp(), 1);
    let key = setup(&s.scheme, mlp(), s.key.model.clone()).unwrap();
    let proven = prove(&s.scheme, &key, &s.inputs, None, &ctx).unwrap();
    let check = |key: &VerifyingKey<Ideal>| verify(&s.scheme, key, &proven.proof, &proven.public_inputs, &ctx);
    check(key.verifying_key()).unwrap();
    let layout = key.verifying_key().layout().clone();
    let received = VerifyingKey::new(&s.scheme, layout.clone(), key.verifying_key().weights().to_vec()).unwrap();
    assert!(!received.is_registered());
    assert_eq!(check(&received), Err(VerifyError::Unregistered));
    let mut damaged = key.verifying_key().registration().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(received.registered(&s.scheme, &damaged).is_err());
    assert!(received.registered(&s.scheme, &[]).is_err());
    let registered = received.registered(&s.scheme, key.verifying_key().registration()).unwrap();
    assert!(registered.is_registered() && registered.clone().is_registered());
    check(&registered).unwrap();
    // anew: another proof for the same key
    let again = register(&s.scheme, &key).unwrap();
    assert_ne!(again, key.verifying_key().registration());
    received.registered(&s.scheme, &again).unwrap();

    s = Setting::new(mixed(), 1);
    let key = setup(&s.scheme, mixed(), s.key.model.clone()).unwrap();
    assert!(key.verifying_key().registration().is_empty() && key.verifying_key().is_registered());
    let weights = key.verifying_key().weights().to_vec();
    let received = VerifyingKey::new(&s.scheme, key.verifying_key().layout().clone(), weights).unwrap();
    assert!(received.is_registered());
    let same = received.registered(&s.scheme, &register(&s.scheme, &key).unwrap()).unwrap();
    assert!(same.is_registered() && same.registration().is_empty());
}

/// Everything shown is independent but for the verification relations, which are the same for all weights: for several
/// models of one descriptor. Only `C_W` depends on salts.
#[test]
fn a_registration_shows_nothing() {
    for (d, seed) in [(widths(wide(3), 3, 6), 11), (widths(signed(), 5, 7), 12), (widths(signed(), 5, 7), 13)] {
        check_rank(d, seed);
    }
}

fn check_rank(descriptor: Descriptor, seed: u64) {
    let mut s = key(descriptor, seed);
    let layout = s.key.verifying.layout.registration();
    let [n1, g1, g2, n3] = cells(&layout);
    let n2 = g1 + g2;
    let tape = s.rng.fields(n1 + n2 + n3).unwrap();
    // what is shown, then C_W
    let view = |tape: &[Fr], chunks: &[Vec<Fr>]| -> Vec<Fr> {
        let key = key_of_chunks(&s.scheme, s.key.verifying.layout.clone(), vec![], chunks.to_vec()).unwrap();
        let mut circuit = circuit(&key.verifying);
        circuit.circuit_id = [0; 32];
        let (committer, statement, total) = (&s.scheme, &statement(&circuit), Total::Zero);
        let prover = Prover { committer, key: &circuit, chunks, statement, input_column: None, total };
        let mut out = shown(&prover, columns(&circuit, chunks), DOMAIN, tape);
        out.extend(&key.verifying.weights);
        out
    };
    let chunks = &s.key.chunks;
    let base = view(&tape, chunks);
    let minus = |v: Vec<Fr>| -> Vec<Fr> { v.iter().zip(&base).map(|(x, y)| *x - y).collect() };
    let moved = |i: usize| {
        let mut tape = tape.clone();
        tape[i] += Fr::one();
        minus(view(&tape, chunks))
    };
    let mut jacobian: Vec<Vec<Fr>> = (0..tape.len()).map(moved).collect();
    // H(d) is the last claim of sumcheck D; the commitment of H is sum_i Q_i(d) C_i
    let relations = 2;
    let count = base.len() - layout.chunks();
    let got = rank(jacobian.clone());
    println!("{} random cells, {count} functionals, rank {got}", tape.len());
    assert_eq!(count - got, relations, "something is shown that no mask hides");

    // controls
    let pads = layout.rows() - layout.active_rows();
    let in_pads = |i: usize| i < n1 || i >= n1 + n2;
    let first = |i: usize| (if i < n1 { i } else { i - n2 }) % pads == 0;
    let controls: [(&str, &dyn Fn(usize) -> bool); 3] = [
        ("no G2", &|i| !(n1 + g1..n1 + n2).contains(&i)),
        ("no pads of one column", &|i| i >= pads),
        ("one pad row per column", &|i| !in_pads(i) || first(i)),
    ];
    for (name, kept) in controls {
        let rows = jacobian.iter().enumerate().filter(|(i, _)| kept(*i));
        let leak = count - rank(rows.map(|(_, row)| row.clone()).collect()) - relations;
        println!("control, {name}: {leak} functionals too many");
        assert!(leak > 0, "{name}");
    }

    // salts move C_W and nothing else
    for k in &layout.descriptor().salts {
        let mut salted = chunks.clone();
        salted[*k as usize / layout.rows()][*k as usize % layout.rows()] += Fr::one();
        jacobian.push(minus(view(&tape, &salted)));
    }
    assert_eq!(rank(jacobian) - got, layout.chunks(), "only the commitments of the weights may depend on them");
}
