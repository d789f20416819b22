//! Switches that take one check out: a module of a copy of this crate that tests/mutation/rust_sites.py makes, never of
//! the crate itself.
//!
//! One build holds every mutant. A site is a place that refuses or binds; at most one is off at a time, for all threads,
//! since rayon's ask too.

use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::SeqCst};

/// No site: they are counted from 1.
const NONE: u32 = 0;
const SITES: usize = 4096;

fn number(name: &str) -> u32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(NONE)
}

static OFF: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(number("PLUMB_MUTANT")));
static REFUSED: AtomicU32 = AtomicU32::new(NONE);
static TRACE: LazyLock<Option<std::fs::File>> = LazyLock::new(|| {
    let path = std::env::var_os("PLUMB_MUTANT_TRACE")?;
    std::fs::OpenOptions::new().create(true).append(true).open(path).ok()
});
static TRACED: [AtomicU8; SITES] = [const { AtomicU8::new(0) }; SITES];

/// Writes to the file that PLUMB_MUTANT_TRACE names which sites were asked (1) and which refused (2).
fn trace(site: u32, what: u8) {
    let Some(mut file) = TRACE.as_ref() else { return };
    let Some(seen) = TRACED.get(site as usize) else { return };
    if seen.fetch_or(what, SeqCst) & what == 0 {
        let _ = file.write_all(format!("{site} {what}\n").as_bytes());
    }
}

/// Whether a site is off.
pub fn off(site: u32) -> bool {
    trace(site, 1);
    OFF.load(SeqCst) == site
}

/// Switches a site off, and the one before on again. At first the one is off that PLUMB_MUTANT names. Forgets who
/// refused.
pub fn set(site: Option<u32>) {
    OFF.store(site.unwrap_or(NONE), SeqCst);
    REFUSED.store(NONE, SeqCst);
}

/// The site that refused first, since [`set`]: those around it pass its refusal on.
pub fn refused_by() -> Option<u32> {
    Some(REFUSED.load(SeqCst)).filter(|site| *site != NONE)
}

/// Whether a site that has found something wrong may refuse it.
pub fn refuses(site: u32) -> bool {
    if off(site) {
        return false;
    }
    trace(site, 2);
    let _ = REFUSED.compare_exchange(NONE, site, SeqCst, SeqCst);
    true
}

/// What a site says of a condition.
pub fn holds(site: u32, ok: bool) -> bool {
    let off = off(site);
    ok || off || !refuses(site)
}

/// What a site says of a condition that must not be.
pub fn fails(site: u32, bad: bool) -> bool {
    let off = off(site);
    bad && !off && refuses(site)
}

/// Notes that a site refuses, if it does.
pub fn seen<T, E>(site: u32, result: Result<T, E>) -> Result<T, E> {
    if result.is_err() {
        refuses(site);
    }
    result
}

fn labelled(sites: &[(&str, u32)], label: &str) -> bool {
    sites.iter().find(|(name, _)| *name == label).is_some_and(|(_, site)| off(*site))
}

/// Whether what has this label is to be left out of the transcript.
pub fn unabsorbed(label: &str) -> bool {
    labelled(&ABSORBED, label)
}
