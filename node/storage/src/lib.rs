//! What a node keeps on disk: the Raft log and the ledger.
//!
//! # Mental model
//! A channel has two RocksDB instances in one [directory](ChannelDirectory). The
//! [Raft log](RaftLog) holds what this node promised its peers; it is synced before the promise
//! leaves. The [ledger](Ledger) holds what execution made of it: one atomic batch per block, not
//! synced, because what a power failure takes is replayed from the Raft log. Readers look at a
//! [view](LedgerView) of one height. A [snapshot](snapshot) carries the state to a node that fell
//! too far behind; the ledger made from it takes the old one's place in one atomic step.
//!
//! Storage never looks into what it stores: keys, blocks, leaves and outcomes are byte strings.
//! Beneath both stores lies one small seam, ordered tables with atomic batches, with two engines:
//! RocksDB and a [simulated disk](memory::MemoryDisk) that can lose power.
//!
//! # Invariants
//! * The Raft log has no hole; committed and compacted entries are never overwritten; term, vote
//!   and commit index never go back.
//! * Blocks are committed in order; the log and record logs grow at their end only. A caller that
//!   asks for anything else is broken beyond repair, so this and the rule before it are asserted.
//! * A node never stores a checkpoint of its own below or beside one it signed.
//! * The Raft log is compacted only up to what the ledger has synced (the caller's part:
//!   [`Ledger::synced`], [`RaftLog::compact_to`]).
//! * A failed write is the last one until restart. Bytes that are not what was written are an
//!   error that says so, never an answer.
//! * A directory of another node, network or installation is refused.
//!
//! # What this crate must never depend on
//! Any crate of the workspace but `precinto-protocol`; async, clocks or randomness: the storage id
//! comes from the caller.

mod channel;
mod engine;
mod error;
mod files;
mod identity;
mod keys;
mod ledger;
pub mod memory;
mod mutated;
mod pages;
mod raft_log;
pub mod snapshot;
mod volume;

pub use channel::{ChannelDirectory, LedgerInstall};
pub use engine::StoreFigures;
pub use error::StorageError;
pub use identity::{StorageId, StorageIdentity};
pub use ledger::{
    Applied, BlockBatch, BlockSummary, Head, Ledger, LedgerView, LogNode, MAX_READ_ITEMS, Position,
    RecordLogAppend, RecordLogHead, RecordLogs, StateEntries, StateEntry, StoredCheckpoint,
    StoredEvent, StoredOutcome,
};
pub use raft_log::{HardState, LogBatch, LogEntry, RaftLog, SnapshotMark};

#[cfg(test)]
mod tests;
