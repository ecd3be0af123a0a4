//! The Raft log as the replica sees it: what it reads from disk and what it asks to be written.

use precinto_protocol::identity::NodeId;

/// One entry of the Raft log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Raft index, from 1.
    pub index: u64,
    /// Term of the leader that appended it first.
    pub term: u64,
    /// An encoded block, or empty: what a new leader appends to commit its predecessors' entries.
    pub payload: Vec<u8>,
}

/// What a replica must not forget, besides its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HardState {
    /// Latest term seen.
    pub term: u64,
    /// Whom it voted for in that term; 0 for nobody.
    pub vote: NodeId,
    /// Highest index known to be committed when this was written; a hint, it may lag.
    pub commit: u64,
}

/// The entry a log starts after: everything up to it is in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SnapshotMark {
    /// Raft index.
    pub index: u64,
    /// Term of the entry at that index.
    pub term: u64,
}

/// Why the log could not be read. The node cannot go on without it, so the replica panics.
pub type LogError = Box<dyn std::error::Error + Send + Sync>;

/// Read side of the Raft log on disk.
///
/// The replica keeps what it asked to be written in memory until [`crate::Input::Persisted`], and
/// remembers what it asked to be compacted: the store is asked only for entries that are durable
/// and kept, and may be written by another thread at the same time.
pub trait LogStore {
    /// The hard state last written, all zero for a new log.
    ///
    /// # Errors
    /// The store cannot be read.
    fn hard_state(&self) -> Result<HardState, LogError>;

    /// Index of the first entry kept; 1 for a new log.
    ///
    /// # Errors
    /// The store cannot be read.
    fn first_index(&self) -> Result<u64, LogError>;

    /// Index of the last entry, `first_index() - 1` if there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    fn last_index(&self) -> Result<u64, LogError>;

    /// Term of the entry at `index`, from `first_index() - 1` (kept when its entry is dropped; 0 at
    /// index 0) to `last_index()`.
    ///
    /// # Errors
    /// The store cannot be read, or does not hold the index.
    fn term(&self, index: u64) -> Result<u64, LogError>;

    /// Consecutive entries from `low` to below `high`: at least one, then as many as keep the sum
    /// of payloads within `max_bytes`.
    ///
    /// # Errors
    /// The store cannot be read, or does not hold an index.
    fn entries(&self, low: u64, high: u64, max_bytes: u64) -> Result<Vec<LogEntry>, LogError>;
}

/// One atomic, synced write to the Raft log; answered by [`crate::Input::Persisted`].
///
/// A writer may merge consecutive tasks into one write and report only the last number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteTask {
    /// Increasing; report this number once everything below is on disk.
    pub number: u64,
    /// Make the staged snapshot of this index the ledger, and start the log anew after it. Comes
    /// alone: every earlier task has been persisted. Entries handed out before and not executed yet
    /// are obsolete; none is handed out until this is persisted.
    pub snapshot: Option<SnapshotMark>,
    /// Drop all entries from this index on, before the new ones are appended.
    pub truncate_from: Option<u64>,
    /// Consecutive entries to append.
    pub entries: Vec<LogEntry>,
    /// The hard state, if it changed. A change of the commit index alone is not written.
    pub hard_state: Option<HardState>,
}
