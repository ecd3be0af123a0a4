//! What goes into the ledger and comes out of it.

use minicbor::{Decode, Encode};
use precinto_protocol::{hash::Hash, identity::NodeId, log::Frontier};

/// A block's place in the ledger and in the Raft log.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BlockSummary {
    /// Blocks before this one; 0 is the genesis.
    #[n(0)]
    pub height: u64,
    /// Index of the Raft entry that holds the block; 0 for the genesis.
    #[n(1)]
    pub raft_index: u64,
    /// Term of that entry.
    #[n(2)]
    pub raft_term: u64,
    /// Hash of the block's content, which the next block names.
    #[n(3)]
    pub content: Hash,
    /// Ledger time, in Unix milliseconds.
    #[n(4)]
    pub time_ms: u64,
    /// State root after the block.
    #[n(5)]
    pub state_root: Hash,
    /// Leaves of the log after the block.
    #[n(6)]
    pub log_size: u64,
    /// Root of the log after the block.
    #[n(7)]
    pub log_root: Hash,
    /// Transactions with an outcome in this block.
    #[n(8)]
    pub outcomes: u32,
    /// Events of this block.
    #[n(9)]
    pub events: u32,
}

/// The last Raft entry whose effect the ledger holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Applied {
    /// Its index.
    #[n(0)]
    pub index: u64,
    /// Its term.
    #[n(1)]
    pub term: u64,
    /// Raft's commit index when it was applied: restarts never fall below it.
    #[n(2)]
    pub commit: u64,
}

/// Where the ledger is. Written with every block, in the block's batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The newest block.
    pub block: BlockSummary,
    /// The newest Raft entry, which may be above the block's: not every entry is a block.
    pub applied: Applied,
    /// The log's frontier after the block.
    pub frontier: Frontier,
    /// Raft's membership as of `applied` (opaque; the server's encoding).
    pub membership: Vec<u8>,
}

/// The stored part of [`Head`]; the block's summary is stored once, under its height.
#[derive(Encode, Decode)]
pub(crate) struct HeadRecord {
    #[n(0)]
    pub(crate) height: u64,
    #[n(1)]
    pub(crate) applied: Applied,
    #[n(2)]
    pub(crate) frontier: Frontier,
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) membership: Vec<u8>,
}

/// Entries appended to one record log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordLogAppend {
    /// The record log's state key.
    pub key: Vec<u8>,
    /// Index of the first new entry: the count so far.
    pub first: u64,
    /// The new entries, in order.
    pub entries: Vec<Vec<u8>>,
    /// The commitment (the protocol's frontier encoding) after the append.
    pub commitment: Vec<u8>,
}

/// A record log's length and commitment, kept so that start-up need not read every entry.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RecordLogHead {
    /// Entries.
    #[n(0)]
    pub count: u64,
    /// The protocol's frontier encoding.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub commitment: Vec<u8>,
}

/// A complete node of the log's Merkle tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LogNode {
    /// 0 for leaves' hashes.
    pub level: u8,
    /// Position from the left within the level.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Everything one block changes. Byte strings are opaque to storage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockBatch {
    /// Place, time, roots and counts.
    pub summary: BlockSummary,
    /// Raft's commit index.
    pub commit_index: u64,
    /// The encoded block.
    pub block: Vec<u8>,
    /// Plain state entries set (`Some`) or removed (`None`), each key once.
    pub state_writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Record logs that grew, each once.
    pub record_logs: Vec<RecordLogAppend>,
    /// The log's new leaves; the last one's index is `summary.log_size - 1`.
    pub leaves: Vec<Vec<u8>>,
    /// The log's nodes that became complete, leaves' hashes among them, in any order.
    pub log_nodes: Vec<LogNode>,
    /// Transaction id and outcome of each executed transaction, in item order.
    pub outcomes: Vec<(Hash, Vec<u8>)>,
    /// The block's events, in order.
    pub events: Vec<Vec<u8>>,
    /// The log's frontier after the block.
    pub frontier: Frontier,
    /// Raft's membership after the block.
    pub membership: Vec<u8>,
}

/// Where something stands within the blocks; also the cursor of event streams.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// Height of the block.
    pub height: u64,
    /// Index within the block, per kind.
    pub index: u32,
}

/// The outcome of an executed transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredOutcome {
    /// The transaction's id.
    pub id: Hash,
    /// Where it was executed.
    pub position: Position,
    /// The encoded outcome.
    pub bytes: Vec<u8>,
}

/// An event with its cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// Where it was emitted.
    pub position: Position,
    /// The encoded event.
    pub bytes: Vec<u8>,
}

/// A node's signed checkpoint. The root is apart from the bytes, so that storage can refuse what
/// contradicts it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredCheckpoint {
    /// Who signed.
    pub node: NodeId,
    /// Size of the log.
    pub size: u64,
    /// Root of the log at that size.
    pub root: Hash,
    /// The encoded signed checkpoint.
    pub bytes: Vec<u8>,
}
