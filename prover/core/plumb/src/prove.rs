//! The prover: the same messages, in the same order.

use crate::closed_forms::eq_table;
use crate::descriptor::Visibility;
use crate::field::{Fr, Word, power_of_two, powers};
use crate::functionals::Queries;
use crate::gather::gather;
use crate::keys::{CommittedInput, ProvingKey, VerifyingKey};
use crate::layout::Layout;
use crate::lookup::{Gates, helpers, multiplicities, table};
use crate::masks;
use crate::progress::{Cancelled, Stage, Step};
use crate::proof::Writer;
use crate::randomness::{Randomness, RandomnessError, System};
use crate::scheme::{Committer, Scheme, SchemeError};
use crate::statement::{Statement, StatementError};
use crate::sumcheck::{InnerProduct, Rounds, inner};
use crate::transcript::{Transcript, ZeroChallenge};
use crate::verify::DOMAIN;
use crate::witness::{WitnessError, columns, execute};
use ark_ff::{One, Zero};
use rayon::prelude::*;
use std::fmt;
use zeroize::Zeroizing;

/// A proof, and the public inputs that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The proof.
    pub proof: Vec<u8>,
    /// The commitment of the input or the input, where it is not hidden, then the outputs.
    pub public_inputs: Vec<Word>,
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProveError {
    /// The input does not fit the circuit.
    Witness(WitnessError),
    /// The public inputs do not fit the circuit.
    Statement(StatementError),
    /// A committed input was given where the circuit has none, or the other way round, or it commits to another input.
    CommittedInput,
    /// The commitment scheme failed.
    Scheme(SchemeError),
    /// The random generator failed.
    Randomness(RandomnessError),
    /// A challenge was zero: try again.
    ZeroChallenge(ZeroChallenge),
    /// The caller wants no more.
    Cancelled(Cancelled),
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProveError::Witness(e) => e.fmt(f),
            ProveError::Statement(e) => e.fmt(f),
            ProveError::CommittedInput => write!(f, "the committed input is not this input, or not this circuit's"),
            ProveError::Scheme(e) => e.fmt(f),
            ProveError::Randomness(e) => e.fmt(f),
            ProveError::ZeroChallenge(e) => e.fmt(f),
            ProveError::Cancelled(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for ProveError {}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for ProveError {
            fn from(e: $error) -> Self {
                ProveError::$variant(e)
            }
        }
    )*};
}
from!(WitnessError => Witness, StatementError => Statement, SchemeError => Scheme,
      RandomnessError => Randomness, ZeroChallenge => ZeroChallenge, Cancelled => Cancelled);

/// Proves one batch of inferences. `committed` is the opening of C_in, for circuits whose input is committed. All masks
/// come from the operating system's generator.
pub fn prove<P: Committer>(
    committer: &P,
    key: &ProvingKey<P::Scheme>,
    inputs: &[i64],
    committed: Option<&CommittedInput<P::Scheme>>,
    ctx: &Word,
) -> Result<Proven, ProveError> {
    prove_with(committer, key, inputs, committed, ctx, &mut System)
}

/// [`prove`] with masks that anybody who knows the seed can recompute: **not zero-knowledge**. For comparing
/// implementations message by message; exists only under `--cfg plumb_insecure_seed`.
#[cfg(plumb_insecure_seed)]
pub fn prove_with_insecure_seed<P: Committer>(
    committer: &P,
    key: &ProvingKey<P::Scheme>,
    inputs: &[i64],
    committed: Option<&CommittedInput<P::Scheme>>,
    ctx: &Word,
    seed: u64,
) -> Result<Proven, ProveError> {
    prove_with(committer, key, inputs, committed, ctx, &mut crate::randomness::Seeded::new(seed))
}

pub(crate) fn prove_with<P: Committer>(
    committer: &P,
    key: &ProvingKey<P::Scheme>,
    inputs: &[i64],
    committed: Option<&CommittedInput<P::Scheme>>,
    ctx: &Word,
    rng: &mut impl Randomness,
) -> Result<Proven, ProveError> {
    let layout = &key.verifying.layout;
    if layout.commits_input() != committed.is_some() {
        return Err(ProveError::CommittedInput);
    }
    committer.reached(Step::whole(Stage::Execute))?;
    let trace = execute(layout, &key.model, inputs)?;
    let mut phase1 = Secret::new(columns(layout, &trace));
    if let (Some(committed), Some(block)) = (committed, layout.input_block()) {
        let looked_up = &phase1[layout.column(block.column)];
        let mut rows = crate::gather::indices(block.dims).map(|index| crate::gather::row(block, index));
        if !rows.all(|q| committed.column[q] == looked_up[q]) {
            return Err(ProveError::CommittedInput);
        }
    }
    let multiplicities = multiplicities(layout, &phase1);
    phase1.push(multiplicities);
    let public = layout.descriptor().input_visibility == Visibility::Public;
    let field = |values: &[i64]| values.iter().map(|v| Fr::from(*v)).collect();
    let statement = Statement {
        circuit_id: key.verifying.circuit_id,
        ctx: *ctx,
        commitment: committed.map(|c| c.commitment.clone()),
        inputs: if public { field(inputs) } else { vec![] },
        outputs: field(&trace.outputs),
    };
    let public_inputs = statement.to_words(committer.scheme());
    let column = committed.map(|c| &c.column[..]);
    let (statement, chunks) = (&statement, &key.chunks);
    let key = &key.verifying;
    let prover = Prover { committer, key, chunks, statement, input_column: column, total: Total::Zero };
    let (proof, _) = prover.run(phase1, Transcript::new(DOMAIN), rng)?;
    Ok(Proven { proof, public_inputs })
}

/// What the prover claims as the sum of the gates.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Total {
    /// Zero, as it is for an honest prover.
    #[default]
    Zero,
    /// Whatever it is: a dishonest prover whose rounds are consistent.
    #[cfg(test)]
    True,
    /// What makes the claim about the sum true, whatever the products are: another dishonest prover.
    #[cfg(test)]
    Fitting,
}

/// What the products of weights and inputs have to sum to: the other side of all linear layers.
#[cfg(test)]
pub(crate) fn linear_side(layout: &Layout, r: Fr, columns: &[Vec<Fr>], outputs: &[Fr]) -> Fr {
    let (claims, k) = (layout.claims(), vec![Fr::zero(); layout.weight_variables()]);
    let mut weights = vec![Fr::zero(); claims.count()];
    weights[claims.sum()] = Fr::one();
    let queries = Queries { layout, r, k: &k, rho_a: Fr::zero(), weights, outputs };
    let cells: Fr = columns.iter().zip(queries.dense_but_weights()).map(|(f, q)| inner(f, &q)).sum();
    cells + crate::functionals::linear_constant(layout, &r, outputs)
}

/// Columns, which are wiped when they are dropped: at the end of a proof, and where there is none.
pub(crate) type Secret = Zeroizing<Vec<Vec<Fr>>>;

type CommitmentOf<P> = <<P as Committer>::Scheme as Scheme>::Commitment;

/// One run of the protocol over given columns, honest or not.
pub(crate) struct Prover<'a, P: Committer> {
    pub(crate) committer: &'a P,
    pub(crate) key: &'a VerifyingKey<P::Scheme>,
    /// The weights.
    pub(crate) chunks: &'a [Vec<Fr>],
    pub(crate) statement: &'a Statement<CommitmentOf<P>>,
    pub(crate) input_column: Option<&'a [Fr]>,
    pub(crate) total: Total,
}

/// `sum_i scalar_i * column_i`.
fn combination(scalars: &[Fr], columns: &[Vec<Fr>], rows: usize) -> Vec<Fr> {
    let row = |cells: &mut Vec<Fr>, x: usize| {
        cells.clear();
        cells.extend(columns.iter().map(|column| column[x]));
        inner(scalars, cells)
    };
    (0..rows).into_par_iter().with_min_len(1024).map_init(Vec::new, row).collect()
}

impl<P: Committer> Prover<'_, P> {
    fn layout(&self) -> &Layout {
        &self.key.layout
    }

    fn commit(
        &self,
        columns: &[Vec<Fr>],
        t: &mut Transcript,
        (label, stage): (&str, Stage),
        proof: &mut Writer,
    ) -> Result<(), ProveError> {
        let mut words: Vec<Word> = Vec::new();
        for (part, column) in columns.iter().enumerate() {
            self.committer.reached(Step { stage, part, parts: columns.len() })?;
            words.extend(self.committer.scheme().to_words(&self.committer.commit(column)?));
        }
        t.absorb_words(label, &words);
        proof.words(&words);
        Ok(())
    }

    /// `columns` are those of phase 1, M included, without masks. Returns the proof and all columns.
    pub(crate) fn run(
        &self,
        columns: impl Into<Secret>,
        mut t: Transcript,
        rng: &mut impl Randomness,
    ) -> Result<(Vec<u8>, Secret), ProveError> {
        let (layout, t, mut columns) = (self.layout(), &mut t, columns.into());
        let mut proof = Writer::default();
        // 0
        self.statement.absorb(self.committer.scheme(), layout, t);
        // 1: every mask is drawn before any challenge
        for column in columns.iter_mut() {
            masks::pad(layout, column, rng)?;
        }
        columns.extend([masks::sparse(layout, rng)?, rng.fields(layout.rows())?]);
        self.commit(&columns, t, ("phase 1", Stage::Commit), &mut proof)?;
        let mut random = Secret::new(columns.split_off(layout.phase1().len()));
        let r = t.nonzero_challenge("r")?;
        let (alpha, gamma) = (t.challenge("alpha"), t.challenge("gamma"));
        // 2
        let table = table(layout, &gamma);
        let mut phase2 = Secret::new(helpers(&Gates::new(layout, alpha, gamma, Fr::zero()), &columns, &table));
        for column in phase2.iter_mut() {
            masks::pad(layout, column, rng)?;
        }
        self.commit(&phase2, t, ("phase 2", Stage::CommitHelpers), &mut proof)?;
        let lambda = t.challenge("lambda");
        let tau = t.challenges("tau", layout.c());
        let rho_a = t.nonzero_challenge("rhoA")?;
        columns.append(&mut phase2);
        columns.append(&mut random);
        columns.extend(self.chunks.iter().cloned());
        columns.extend(self.input_column.map(<[Fr]>::to_vec));

        // 3: sumcheck A; in the variables of chunks there are only products, as the gates do not depend on them
        self.committer.reached(Step::whole(Stage::Weights))?;
        let gates = Gates::new(layout, alpha, gamma, lambda);
        let active = layout.active_rows();
        let only_active = |mut v: Vec<Fr>| {
            v[active..].fill(Fr::zero());
            v
        };
        let gate_tables = || {
            let mut tables = vec![only_active(eq_table(&tau)), only_active(vec![Fr::one(); layout.rows()])];
            tables.extend(columns[..layout.evaluated()].iter().cloned());
            tables.push(table.clone());
            tables
        };
        let gate_sum: Fr = match self.total {
            Total::Zero => Fr::zero(),
            #[cfg(test)]
            Total::Fitting => Fr::zero(),
            #[cfg(test)]
            Total::True => {
                let tables = gate_tables();
                let row = |x: usize| tables.iter().map(|t| t[x]).collect::<Vec<_>>();
                (0..layout.rows()).map(|x| crate::sumcheck::Combination::at(&gates, &row(x))).sum()
            }
        };
        let chunk_variables = layout.chunk_variables();
        let mut products = if layout.has_products() { Vec::from(self.products(&r, &columns)) } else { vec![] };
        let mask = masks::libra(layout, &columns[layout.masks()[0]], rho_a);
        let sum = product_sum(&products) + gate_sum * power_of_two(chunk_variables as u32);
        #[cfg(test)]
        let sum = match self.total {
            Total::Fitting => linear_side(layout, r, &columns, &self.statement.outputs),
            _ => sum,
        };
        let h_a = sum + rho_a * inner(&mask.coefficients, &layout.degrees_a().mask_sum());
        send(t, &mut proof, "H_A", &[h_a]);
        let mut rounds = Rounds::new(t, "sumcheck A", layout.weight_variables(), Some(&mask));
        rounds.bind(chunk_variables, &mut products, &InnerProduct, gate_sum, &mut proof);
        products.iter_mut().for_each(Vec::shrink_to_fit);
        self.committer.reached(Step::whole(Stage::Lookups))?;
        let mut tables = gate_tables();
        tables.extend(products);
        rounds.bind(layout.c(), &mut tables, &gates, Fr::zero(), &mut proof);
        let k = rounds.point();
        let at_k: Vec<Fr> = tables.iter().map(|t| t[0]).collect();
        let (e, products) = at_k[crate::lookup::BEFORE_COLUMNS..].split_at(layout.evaluated());
        send(t, &mut proof, "values at k", &[e, &products[1..]].concat());
        drop(tables);

        // 4: sumcheck D
        self.committer.reached(Step::whole(Stage::Claims))?;
        let eta = t.challenge("eta");
        let z = [t.challenge("z1"), t.challenge("z2")].map(|z| powers(&z, layout.rows() as u32));
        let weights = layout.claims().powers(&eta);
        let queries = Queries { layout, r, k: &k, rho_a, weights, outputs: &self.statement.outputs };
        let mut q = queries.dense_but_weights();
        let mu = layout.masks().iter().zip(&z).map(|(g, z)| inner(&columns[*g], z)).sum();
        send(t, &mut proof, "mu", &[mu]);
        let rho_d = t.nonzero_challenge("rhoD")?;
        for (g, z) in layout.masks().iter().zip(&z) {
            q[*g].iter_mut().zip(z).for_each(|(q, z)| *q += rho_d * z);
        }
        let chunks = layout.chunk(0)..layout.chunk(layout.chunks());
        // the functionals of the chunks are multiples of one vector, so one table stands for all chunks:
        // sum_k <W_k, c_k v> = <sum_k c_k W_k, v>
        let common = layout.has_products().then(|| queries.weights());
        let mut tables = match &common {
            Some((coefficients, vector)) => {
                let sum = combination(coefficients, &columns[chunks.clone()], layout.rows());
                q.splice(chunks.clone(), [vector.clone()]);
                [&columns[..chunks.start], &[sum], &columns[chunks.end..]].concat()
            }
            None => columns.to_vec(),
        };
        tables.extend(q);
        let mut rounds = Rounds::new(t, "sumcheck D", layout.c(), None);
        rounds.bind(layout.c(), &mut tables, &InnerProduct, Fr::zero(), &mut proof);
        let d = rounds.point();

        // 5: the one column that is opened, H = sum_i Q_i(d) f_i
        self.committer.reached(Step::whole(Stage::Open))?;
        let ends: Vec<Fr> = tables.iter().map(|t| t[0]).collect();
        let (at_d, at_q) = ends.split_at(ends.len() / 2);
        let value = inner(at_d, at_q);
        let mut functionals = at_q.to_vec();
        if let Some((coefficients, _)) = common {
            let weights = coefficients.iter().map(|coefficient| *coefficient * at_q[chunks.start]);
            functionals.splice(chunks.start..chunks.start + 1, weights);
        }
        let h = Zeroizing::new(combination(&functionals, &columns, layout.rows()));
        let opening = self.committer.open(t, &h, &d, &value)?;
        proof.words(&opening);
        Ok((proof.into_bytes(), columns))
    }

    /// Wtot and Xtot.
    fn products(&self, r: &Fr, columns: &[Vec<Fr>]) -> [Vec<Fr>; 2] {
        let layout = self.layout();
        let mut x = gather(layout, r, columns);
        // at its final size at once, as it is most of what a proof of many weights holds
        let mut w = Vec::with_capacity(x.len());
        self.chunks.iter().for_each(|chunk| w.extend_from_slice(chunk));
        w.resize(x.len(), Fr::zero());
        masks::hide(layout, &columns[layout.multiplicities()], &mut w, &mut x);
        [w, x]
    }
}

/// `sum_k Wtot(k) Xtot(k)`, zero where there is nothing.
fn product_sum(tables: &[Vec<Fr>]) -> Fr {
    let [w, x] = tables else { return Fr::zero() };
    w.par_chunks(1024).zip(x.par_chunks(1024)).map(|(w, x)| inner(w, x)).sum()
}

fn send(t: &mut Transcript, proof: &mut Writer, label: &str, values: &[Fr]) {
    proof.scalars(values);
    t.absorb(label, values);
}
