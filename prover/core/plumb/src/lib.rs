//! Zero-knowledge proofs of quantised neural networks: the proof system Plumb.
//!
//! A prover shows that it knows an input (and weights, where they are hidden) such that a quantised network gives the
//! public outputs. Every activation is a cell of a committed column; one sumcheck settles all look-ups and all linear
//! layers, one all linear claims about columns, and one opening of one combined column ends the proof.
//!
//! The modules follow the protocol: [`transcript`], [`field`] and [`closed_forms`] are its arithmetic; [`descriptor`],
//! [`layout`] and [`checker`] say what a model is and what a sound layout is; [`witness`], `masks`, `lookup`,
//! `functionals`, `gather` and [`sumcheck`] are the parts of a proof, and [`keys`], [`mod@prove`] and [`mod@verify`] put
//! them together over any commitment that offers the traits in [`scheme`]. Hidden weights are registered once, by the same
//! protocol on another layout: `ranges` and [`mod@register`].
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod checker;
pub mod closed_forms;
pub mod commit;
pub mod descriptor;
mod encoding;
pub mod field;
mod functionals;
mod gather;
pub mod keys;
pub mod kzg;
pub mod layout;
mod lookup;
mod masks;
mod msm;
pub mod opening;
pub mod progress;
pub mod proof;
pub mod prove;
mod randomness;
mod ranges;
pub mod register;
pub mod scheme;
pub mod srs;
pub mod statement;
pub mod sumcheck;
pub mod transcript;
pub mod verify;
pub mod witness;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
