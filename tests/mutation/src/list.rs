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
    bug("apply-void", 100, "An item with a forged signature is admitted and executed."),
    bug("execute-expired", 100, "A transaction is executed after its time."),
    bug("ignore-revocation", 100, "A revoked key may go on signing."),
    bug("execute-twice", 100, "A transaction that was executed before is executed again."),
    bug("keep-rejected-writes", 100, "What a refused call wrote stays in the state."),
    bug("forget-replay-early", 100, "Replay entries are removed a second before their time."),
    bug("forward-once", 100, "A transaction whose way to the leader failed is never sent again."),
    bug(
        "time-goes-back",
        100,
        "A leader stamps blocks with its clock, whatever the last block's time.",
    ),
    bug("accept-far-time", 1_000, "A block is appended however far its time is ahead."),
    bug(
        "promise-before-write",
        100,
        "What promises that a write is on disk is sent before the write is.",
    ),
    bug(
        "count-unwritten-log",
        100,
        "A replica counts entries as persisted that it has only asked to be written.",
    ),
    bug("count-learner", 100, "A learner that was there at the start counts in the quorum."),
    bug(
        "change-when-proposed",
        100,
        "A change of the group is in force for a leader that proposed it.",
    ),
    bug("skip-fsync", 100, "The Raft log's writes are not synced."),
    bug("forget-vote", 100, "Term and vote are not written."),
    bug("keep-tail", 500, "Entries that another leader's replace stay on disk behind them."),
    bug(
        "skip-ledger-fsync",
        100,
        "The ledger is reported as synced, and the log dropped below it, but is not.",
    ),
    bug("split-commit", 100, "A block's head is written apart from what the block changes."),
    bug("apply-twice", 100, "A node that starts executes its last entry again."),
    bug("lose-replay-entries", 100, "A snapshot is built without the replay entries."),
    bug(
        "keep-log-at-install",
        100,
        "A snapshot is installed, the entries before it stay in the log.",
    ),
    bug(
        "read-without-quorum",
        100,
        "A read waits for what this node knows to be committed, and no quorum is asked.",
    ),
    bug(
        "leader-reads-alone",
        1_000,
        "A leader answers a read with what it knows to be committed, and asks no quorum.",
    ),
    bug("read-before-applied", 100, "A read is answered before its state is executed."),
    bug("sign-before-durable", 100, "A checkpoint is told before it is synced."),
    bug("sign-below", 100, "A node signs a checkpoint below one that it signed."),
];
