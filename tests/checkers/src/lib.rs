//! What happened, and whether it may have.
//!
//! # Mental model
//! Whoever runs nodes (the simulator, or a test with real processes) tells each checker what it saw:
//! a replica's state, a block that was executed, what a client was told. A checker keeps only what
//! it needs and answers every report with nothing or with a [`Violation`]. No checker looks at a
//! node by itself, and none shares code with what it checks beyond the formats.
//!
//! | checker | asks |
//! |---|---|
//! | [`raft`] | one leader per term, one history, on a quorum's disks; after a crash, what was promised |
//! | [`ledger`] | the same block, roots and state at the same height on every node |
//! | [`model`] | does a naive model of the contract and of replay protection come to the same state |
//! | [`root`] | does a naive state tree have the root that the block names |
//! | [`client`] | is anything acknowledged lost, applied twice, contradicted or taken back |
//! | [`linear`] | is each key's history of calls that of one register |
//! | [`checkpoint`] | are all signatures of one log, and does no node sign below what it signed |
//!
//! # Invariants
//! Same reports, same answers: no clock, no randomness, no I/O. Times are the owner's, in any unit.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod client;
pub mod ledger;
pub mod linear;
pub mod model;
pub mod raft;
pub mod root;

/// Something that may not have happened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{checker}: {what}")]
pub struct Violation {
    /// Which checker found it: the name of its module.
    pub checker: &'static str,
    /// What happened, in words, with the nodes, indices and hashes that tell where to look.
    pub what: String,
}

impl Violation {
    /// A violation found by `checker`.
    pub fn new(checker: &'static str, what: impl Into<String>) -> Violation {
        Violation { checker, what: what.into() }
    }
}

/// What a report is answered with.
pub type Verdict = Result<(), Violation>;

/// [`Verdict`] of a condition that must hold.
fn ensure(holds: bool, checker: &'static str, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Violation::new(checker, what())) }
}
