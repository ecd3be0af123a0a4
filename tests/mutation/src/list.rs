//! The bugs.

/// A deliberate bug.
#[derive(Debug)]
pub struct Mutation {
    /// What the place of the bug asks for.
    pub name: &'static str,
    /// What is wrong, in one sentence.
    pub bug: &'static str,
    /// Seeds, from the first on, within which the simulator must find it.
    pub seeds: u64,
}

const fn bug(name: &'static str, seeds: u64, bug: &'static str) -> Mutation {
    Mutation { name, bug, seeds }
}

/// All of them, in the order of a transaction's way.
pub const MUTATIONS: &[Mutation] = &[
    bug("skip-fsync", 20, "The Raft log's writes are not synced: a power failure takes them."),
    bug("promise-before-write", 20, "A write is reported as persisted before it is made."),
];
