//! The rules of the house that a compiler does not check.

mod cargo;
mod dependencies;
mod determinism;
mod operation;
mod shape;
mod sources;
