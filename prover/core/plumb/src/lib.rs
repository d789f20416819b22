//! Zero-knowledge proofs of quantised neural networks.
#![deny(missing_docs)]
#![forbid(unsafe_code)]
