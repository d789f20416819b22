//! The switches of a copy of this crate in which every check can be taken away (tests/mutation/rust_sites.py), built with
//! `--cfg plumb_mutants`. Here, where there are none, nobody knows which site refused, and none is off.

/// Switches a site off, and the one before on again; forgets who refused.
pub(super) fn set(site: Option<u32>) {
    #[cfg(plumb_mutants)]
    crate::mutants::set(site);
    let _ = site;
}

/// The innermost site that refused: those around it pass its refusal on.
pub(super) fn refused_by() -> Option<u32> {
    #[cfg(plumb_mutants)]
    return crate::mutants::refused_by();
    #[cfg(not(plumb_mutants))]
    None
}
