//! What each fuzz target does with its bytes, as plain functions.
//!
//! # Mental model
//! A target is a function of bytes that returns, whatever the bytes: it fails by panicking. The
//! programs in `fuzz/` hand it what libFuzzer makes up; the tests of this crate hand it every file
//! of the corpus (`fuzz/corpus/<target>/`), so that each finding stays found. Two kinds: *decoders*
//! take the bytes as they are; *models* read a small program out of them (a tree and a proof, a
//! sequence of calls, a module) and compare the code with something simpler or with itself.
//!
//! # What this crate must never depend on
//! Clocks, randomness or the network: the same bytes must do the same thing again.

mod contracts;
mod formats;
mod modules;
mod peers;
mod policy;
mod proofs;
mod snapshot;
mod take;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// Every target with its name: that of its program in `fuzz/fuzz_targets` and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("transaction", formats::transaction),
    ("block", formats::block),
    ("leaf", formats::leaf),
    ("registry", formats::registry),
    ("checkpoint", formats::checkpoint),
    ("contract_messages", formats::contract_messages),
    ("policy", policy::policy),
    ("log_proof", proofs::log_proof),
    ("state_proof", proofs::state_proof),
    ("raft_message", peers::raft_message),
    ("frames", peers::frames),
    ("snapshot", snapshot::snapshot),
    ("module", modules::module),
    ("aeo", contracts::aeo),
    ("governance", contracts::governance),
    ("probe", contracts::probe),
];

/// Runs the target of this name.
///
/// # Panics
/// If the bytes break it, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("no target {name:?}"));
    target(bytes);
}
