//! The mutation campaign: damages of proof, public inputs, key and context. Each must be refused, and no check may panic.
//!
//! Half of the damages are *coherent*: the prover goes on from the damage, and everything after it is made anew, as an
//! attacker would, so that nothing but the check under attack can refuse. Each mutation follows from a seed, its class, its
//! tier and its number alone, which a failure prints.
//!
//! `cargo test` runs a short campaign on networks of these tests. The long one, over all shipped models, reads its cases
//! from a folder: tests/deep/test_plumb_mutations.py writes them, and builds a copy of this crate in which every check can
//! be switched off (tests/mutation/rust_sites.py). There, each damage is shown to the verifier again without the check that
//! has refused it: if that accepts, the check was the *only* one to refuse.

mod attempts;
mod cases;
mod coherent;
mod incoherent;
mod layouts;
mod prover;
mod sites;
mod words;
mod written;

use super::networks::*;
use crate::randomness::Seeded;
use crate::srs::Srs;
use attempts::Attempt;
use cases::{Case, TIERS, Tier};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Everything that is attacked.
struct World {
    cases: Vec<Arc<Case>>,
}

type Found = Option<Box<dyn Attempt>>;
type Make = fn(&World, &Case, &mut Seeded) -> Found;
/// Classes of damage: a name, how many mutations of each tier the full campaign has, and how one is made.
type Classes = &'static [(&'static str, [u32; 4], Make)];

/// The mutations of the full campaign.
fn planned() -> u32 {
    classes().map(|(_, (_, plan, _))| plan.iter().sum::<u32>()).sum()
}

/// All classes, and whether their damage is coherent.
fn classes() -> impl Iterator<Item = (bool, (&'static str, [u32; 4], Make))> {
    let coherent = coherent::CLASSES.iter().chain(layouts::CLASSES).map(|class| (true, *class));
    incoherent::CLASSES.iter().map(|class| (false, *class)).chain(coherent)
}

/// What became of the mutations.
#[derive(Default)]
struct Report {
    /// By class and by what refused: how many, and how many of them nothing else refused.
    table: BTreeMap<(&'static str, String), [u32; 2]>,
    /// By class and tier: how many mutations, and how many seconds they took.
    costs: BTreeMap<(&'static str, bool, Tier), (u32, f64)>,
    failures: Vec<String>,
    /// Classes that found nothing to damage in a tier.
    missing: Vec<String>,
}

/// Tries for one mutation: not every case has what a class damages.
const TRIES: usize = 200;

impl World {
    /// One mutation, which its class, tier and number make, and the case that it is of.
    fn make(
        &self,
        seed: u64,
        class: (&'static str, Make),
        tier: Tier,
        number: u32,
    ) -> Option<(&Case, Box<dyn Attempt>)> {
        let (name, make) = class;
        let id = format!("{name}/{tier:?}/{number}");
        let digest = crate::transcript::keccak(&[&seed.to_be_bytes(), id.as_bytes()]);
        let mut rng = Seeded::new(u64::from_be_bytes(*digest.first_chunk().unwrap()));
        let cases: Vec<_> = self.cases.iter().filter(|case| case.tier == tier).collect();
        (0..TRIES).find_map(|_| {
            let case = cases.get(rng.below(cases.len().max(1) as u64) as usize)?;
            Some((&***case, make(self, case, &mut rng)?))
        })
    }

    /// Judges one mutation; its name makes it again.
    fn one(&self, report: &mut Report, seed: u64, class: (&'static str, Make), tier: Tier, number: u32) -> bool {
        let name = class.0;
        let id = format!("{name}/{tier:?}/{number}");
        sites::set(None);
        let Some((case, attempt)) = self.make(seed, class, tier, number) else {
            return false;
        };
        sites::set(None);
        let failure = |what: &str| format!("{what}: seed {seed}, {id} ({})", case.name);
        match catch_unwind(AssertUnwindSafe(|| attempt.judge())) {
            Err(_) => report.failures.push(failure("PANIC")),
            Ok(Ok(())) => report.failures.push(failure("ACCEPTED")),
            Ok(Err(kind)) => {
                let site = sites::refused_by();
                let mut alone = false;
                if site.is_some() {
                    sites::set(site);
                    // a verifier with a check less may do what it likes but accept
                    alone = matches!(catch_unwind(AssertUnwindSafe(|| attempt.judge())), Ok(Ok(())));
                    sites::set(None);
                }
                let refused_by = site.map_or(kind, |site| site.to_string());
                let entry = report.table.entry((name, refused_by)).or_default();
                entry[0] += 1;
                entry[1] += u32::from(alone);
            }
        }
        true
    }

    /// A campaign of about so many mutations, in the proportions of the full one. `only` names one class, or one mutation.
    fn campaign(&self, seed: u64, mutations: u32, only: Option<&str>) -> Report {
        let (mut report, planned) = (Report::default(), planned());
        let chosen = |id: &str| only.is_none_or(|only| id == only || id.starts_with(&format!("{only}/")));
        for (coherent, (name, plan, make)) in classes() {
            for (tier, plan) in TIERS.into_iter().zip(plan) {
                if plan == 0 || !self.cases.iter().any(|case| case.tier == tier) {
                    continue;
                }
                let n = (u64::from(plan) * u64::from(mutations)).div_ceil(planned.into()) as u32;
                let start = Instant::now();
                for number in 0..n {
                    let id = format!("{name}/{tier:?}/{number}");
                    if !chosen(&id) {
                        continue;
                    }
                    if !self.one(&mut report, seed, (name, make), tier, number) {
                        report.missing.push(format!("{name}/{tier:?}"));
                        break;
                    }
                    report.costs.entry((name, coherent, tier)).or_default().0 += 1;
                }
                if let Some(cost) = report.costs.get_mut(&(name, coherent, tier)) {
                    cost.1 += start.elapsed().as_secs_f64();
                }
            }
        }
        report
    }
}

impl Report {
    fn mutations(&self, coherent: bool) -> u32 {
        self.costs.iter().filter(|((_, c, _), _)| *c == coherent).map(|(_, cost)| cost.0).sum()
    }

    fn to_json(&self, seed: u64) -> Value {
        let table = self.table.iter().map(|((class, site), [refused, alone])| {
            json!({"class": class, "refused_by": site, "refused": refused, "alone": alone})
        });
        let costs = self.costs.iter().map(|((class, coherent, tier), (mutations, seconds))| {
            json!({"class": class, "coherent": coherent, "tier": format!("{tier:?}"), "mutations": mutations,
                   "seconds": seconds})
        });
        json!({
            "seed": seed,
            "incoherent": self.mutations(false),
            "coherent": self.mutations(true),
            "failures": self.failures,
            "missing": self.missing,
            "table": table.collect::<Vec<_>>(),
            "costs": costs.collect::<Vec<_>>(),
        })
    }
}

/// Networks that have what no shipped model has: committed inputs, tables, indices, batches.
fn tiny(case: impl Fn(&str, crate::descriptor::Descriptor) -> Case) -> Vec<Case> {
    let convolution = Cnn { sizes: [8, 3, 4, 5], ..SMALL_CNN };
    vec![
        case("mlp", mlp()),
        case("cnn", cnn(&convolution, false)),
        case("signed", signed()),
        case("pooled", pooled(POOLED, 2)),
        case("top-1", ending([8, 3, 4, 6], 2, 5, End::Top1)),
        case("threshold", ending([8, 3, 4, 6], 1, 5, End::Threshold)),
        case("public", public()),
    ]
}

/// Public weights, a public input.
fn public() -> crate::descriptor::Descriptor {
    use crate::descriptor::{Kind, Visibility::Public};
    let mut net = Net::new([8, 3, 4, 6], 1, Public, Public, &[(0, 31)]);
    let (x, dims) = net.input([6, 1, 1], 0, 3);
    let (h, dims) = net.linear(Kind::Dense, x, dims, 4, 3, Some(0));
    net.linear(Kind::Dense, h, dims, 3, 2, None);
    net.finish()
}

fn checked(report: &Report) {
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert!(report.missing.is_empty(), "{:#?}", report.missing);
}

#[test]
fn a_short_campaign() {
    let world =
        World { cases: tiny(|name, descriptor| Case::of(name, descriptor, 1)).into_iter().map(Arc::new).collect() };
    let report = world.campaign(1, 300, None);
    checked(&report);
    assert!(report.mutations(false) >= 60 && report.mutations(true) >= 60);
}

fn setting(name: &str) -> Option<String> {
    std::env::var(format!("PLUMB_CAMPAIGN_{name}")).ok()
}

/// The campaign that PLUMB_CAMPAIGN_CASES, _SEED, _MUTATIONS and _ONLY describe; its report goes to _REPORT.
#[test]
#[ignore = "needs the cases that tests/deep/test_plumb_mutations.py writes"]
fn the_campaign() {
    let Some(folder) = setting("CASES") else { return };
    let number = |name: &str, otherwise: u64| setting(name).map_or(otherwise, |v| v.parse().unwrap());
    let seed = number("SEED", 1);
    let folder = Path::new(&folder);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let g1 = read("srs.g1");
    let srs = Srs::from_bytes((g1.len() / 64).ilog2(), &g1, &read("srs.g2")).unwrap();
    let mut cases = tiny(|name, descriptor| Case::of(name, descriptor, seed));
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    cases.extend(folders.iter().map(|folder| Case::read(folder, &srs, seed)));
    let world = World { cases: cases.into_iter().map(Arc::new).collect() };
    let mutations = number("MUTATIONS", planned().into()) as u32;
    let report = world.campaign(seed, mutations, setting("ONLY").as_deref());
    let text = serde_json::to_string_pretty(&report.to_json(seed)).unwrap();
    match setting("REPORT") {
        Some(path) => std::fs::write(path, text).unwrap(),
        None => println!("{text}"),
    }
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
}
