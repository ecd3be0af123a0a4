//! Results of the benchmarks: the form in which they are kept, and the tables made of them.
//!
//! # Mental model
//! `precinto-load` measures and writes [`results`] as JSON, one file per run; criterion keeps those of
//! the single steps in its own directory ([`steps`]). [`tables`] makes Markdown of them, and
//! [`document`] puts each table between its markers in docs/BENCHMARKS.md, so that no figure there is
//! typed by hand. [`targets`] holds what is to be reached, and is the one place for it.
//!
//! # Invariants
//! * A figure that was not measured is shown as missing, never as the one of an earlier run.
//! * What misses its target is marked.
#![forbid(unsafe_code)]

pub mod document;
pub mod results;
pub mod steps;
pub mod tables;
pub mod targets;
