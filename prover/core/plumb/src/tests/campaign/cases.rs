//! What is attacked: circuits with keys, an input and an honest proof, over KZG and over an ideal commitment.

use super::prover::{Columns, Forged};
use crate::commit::Commitment;
use crate::descriptor::Descriptor;
use crate::field::{Fr, Word};
use crate::keys::{CommittedInput, ProvingKey, VerifyingKey, commit_input_with, setup_with};
use crate::kzg::{Kzg, KzgCommitter};
use crate::layout::Layout;
use crate::prove::Proven;
use crate::randomness::Seeded;
use crate::scheme::ideal::Ideal;
use crate::scheme::{Committer, Scheme, SchemeError};
use crate::srs::Srs;
use crate::testing::srs;
use crate::tests::networks::{Setting, registered_key};
use crate::transcript::Transcript;
use crate::verify::verify;
use crate::witness::execute;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// How much a proof of a case costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Networks of these tests, `c = 8`.
    Tiny,
    /// Shipped models of `c = 10`.
    Small,
    /// Those of `c = 12`.
    Medium,
    /// Those of `c = 14`.
    Large,
}
pub(super) const TIERS: [Tier; 4] = [Tier::Tiny, Tier::Small, Tier::Medium, Tier::Large];

/// A circuit over one commitment scheme, and an inference.
pub(super) struct Bench<P: Committer> {
    pub(super) committer: P,
    pub(super) key: ProvingKey<P::Scheme>,
    pub(super) inputs: Vec<i64>,
    pub(super) committed: Option<CommittedInput<P::Scheme>>,
    pub(super) ctx: Word,
}

impl<P: Committer> Bench<P> {
    pub(super) fn verifying(&self) -> &VerifyingKey<P::Scheme> {
        &self.key.verifying
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.key.verifying.layout
    }
}

/// The state before the opening: a proof is replayed from here.
pub(super) struct End {
    pub(super) transcript: Transcript,
    pub(super) column: Vec<Fr>,
    pub(super) point: Vec<Fr>,
    pub(super) value: Fr,
}

/// A committer that keeps the state before the opening.
struct Watch<'a> {
    committer: &'a KzgCommitter,
    end: Mutex<Option<End>>,
}

impl Committer for Watch<'_> {
    type Scheme = Kzg;

    fn scheme(&self) -> &Kzg {
        self.committer.scheme()
    }

    fn commit(&self, column: &[Fr]) -> Result<Commitment, SchemeError> {
        self.committer.commit(column)
    }

    fn open(
        &self,
        transcript: &mut Transcript,
        column: &[Fr],
        point: &[Fr],
        value: &Fr,
    ) -> Result<Vec<Word>, SchemeError> {
        *self.end.lock().unwrap() =
            Some(End { transcript: transcript.clone(), column: column.to_vec(), point: point.to_vec(), value: *value });
        self.committer.open(transcript, column, point, value)
    }
}

/// What is attacked.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) tier: Tier,
    pub(super) real: Arc<Bench<KzgCommitter>>,
    pub(super) ideal: Arc<Bench<Ideal>>,
    pub(super) key_bytes: Vec<u8>,
    /// Honest proofs of one statement.
    pub(super) proofs: [Vec<u8>; 2],
    pub(super) public: Vec<Word>,
    /// The messages of the first proof.
    pub(super) messages: Vec<(String, Vec<Word>)>,
    pub(super) end: End,
}

impl Case {
    fn new(name: String, tier: Tier, real: Bench<KzgCommitter>, seed: u64) -> Case {
        let rng = &mut Seeded::new(seed);
        let watch = Watch { committer: &real.committer, end: Mutex::new(None) };
        let columns = Columns::honest(real.layout(), &real.key.model, &real.inputs);
        let honest = |rng: &mut Seeded| {
            let forged = Forged::honest(&real, &columns);
            forged.run(&watch, rng).expect("an honest proof")
        };
        let first = honest(rng);
        let end = watch.end.lock().unwrap().take().expect("an opening");
        let second = honest(rng);
        let (layout, model) = (real.layout().clone(), real.key.model.clone());
        let scheme = Ideal::new(seed);
        let committed = layout.commits_input().then(|| commit_input_with(&scheme, &layout, &real.inputs, rng).unwrap());
        let key = registered_key(&scheme, layout, model, rng);
        let ideal = Bench { committer: scheme, key, inputs: real.inputs.clone(), committed, ctx: real.ctx };
        let case = Case {
            name,
            tier,
            key_bytes: real.verifying().to_bytes(real.committer.scheme()),
            proofs: [first.proof, second.proof],
            public: first.public,
            messages: first.messages,
            end,
            real: Arc::new(real),
            ideal: Arc::new(ideal),
        };
        let scheme = case.real.committer.scheme();
        for proof in &case.proofs {
            verify(scheme, case.real.verifying(), proof, &case.public, &case.real.ctx).expect("an honest proof");
        }
        case
    }

    /// A network of these tests.
    pub(super) fn of(name: &str, descriptor: Descriptor, seed: u64) -> Case {
        Case::on(name, descriptor, seed, srs, |_| [0xc7; 32])
    }

    /// A network of these tests on parameters of a size, with a context for its circuit id.
    pub(super) fn on(
        name: &str,
        descriptor: Descriptor,
        seed: u64,
        srs: fn(u32) -> Srs,
        context: fn(&Word) -> Word,
    ) -> Case {
        let mut s = Setting::new(descriptor, seed);
        let layout = s.layout().clone();
        let committer = KzgCommitter::new(srs(layout.c() as u32));
        let committed =
            layout.commits_input().then(|| commit_input_with(&committer, &layout, &s.inputs, &mut s.rng).unwrap());
        let key = setup_with(&committer, layout, s.key.model.clone(), &mut s.rng).unwrap();
        let ctx = context(&key.verifying.circuit_id);
        let real = Bench { committer, key, inputs: s.inputs.clone(), committed, ctx };
        Case::new(name.to_string(), Tier::Tiny, real, seed)
    }

    /// A case that tests/deep/test_plumb_mutations.py has written: `pk`, `inputs` (each 8 bytes, big-endian), `ctx`, and a
    /// proof by the package itself.
    pub(super) fn read(folder: &Path, srs: &Srs, seed: u64) -> Case {
        let file = |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{folder:?}/{name}: {e}"));
        let (scheme, key) = ProvingKey::from_bytes(&file("pk")).unwrap();
        let committer = KzgCommitter::new(srs.truncated(key.verifying.layout.c() as u32).unwrap());
        assert_eq!(committer.scheme(), &scheme);
        let inputs = file("inputs").as_chunks::<8>().0.iter().map(|b| i64::from_be_bytes(*b)).collect();
        let ctx: Word = file("ctx").try_into().unwrap();
        let proven = Proven { proof: file("proof"), public_inputs: file("public").as_chunks().0.to_vec() };
        assert_eq!(verify(&scheme, &key.verifying, &proven.proof, &proven.public_inputs, &ctx), Ok(()));
        let tier = match key.verifying.layout.c() {
            0..=10 => Tier::Small,
            11..=12 => Tier::Medium,
            _ => Tier::Large,
        };
        let real = Bench { committer, key, inputs, committed: None, ctx };
        let case = Case::new(folder.file_name().unwrap().to_string_lossy().into_owned(), tier, real, seed);
        assert_eq!(case.public, proven.public_inputs);
        case
    }

    pub(super) fn scheme(&self) -> &Kzg {
        self.real.committer.scheme()
    }

    pub(super) fn layout(&self) -> &Layout {
        self.real.layout()
    }

    pub(super) fn hidden_weights(&self) -> bool {
        !self.real.verifying().registration.is_empty()
    }

    /// Where the parts of the verifying key begin: [tau]_1, [tau]_2, descriptor, commitments, registration, end.
    pub(super) fn key_parts(&self) -> [usize; 6] {
        let registration = self.key_bytes.len() - self.real.verifying().registration.len();
        let commitments = registration - self.layout().chunks() * 64;
        [6, 70, 198 + 4, commitments, registration, self.key_bytes.len()]
    }
}

/// Whether traces can be made of it.
pub(super) fn runs<S: Scheme>(key: &ProvingKey<S>, inputs: &[i64]) -> bool {
    execute(&key.verifying.layout, &key.model, inputs).is_ok()
}
