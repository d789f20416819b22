//! Tests of the protocol as a whole, over an ideal commitment.

mod campaign;
mod cheats;
mod golden;
mod honest;
mod keys;
mod layouts;
mod lookups;
mod mutations;
mod networks;
mod plain;
mod products;
mod random;
mod registration;
mod sizes;
mod zero_knowledge;
