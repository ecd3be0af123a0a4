//! What executing a block changes, for the store to keep and the node to announce.

use std::collections::BTreeMap;

use precinto_protocol::{
    hash::Hash,
    limits::MAX_LEAF_BYTES,
    log::{Frontier, leaf_hash},
    outcome::{Event, OutcomeRecord, VoidReason},
    state::{EntryKind, StateKey, Trie},
    transaction::TransactionId,
};

use crate::overlay::{Change, Changes, RecordLogAppend};

/// What became of a block's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemFate {
    /// Committed or rejected: see its [`OutcomeRecord`].
    Executed(TransactionId),
    /// Nothing is left of it, its id is not consumed.
    Void(VoidReason),
    /// Its time was over. Final.
    Expired(TransactionId),
    /// It had been executed before.
    Duplicate(TransactionId),
}

/// A complete node of the log, to make proofs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogNode {
    /// Height above the leaves.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
    /// Its hash; for level 0 the leaf hash.
    pub hash: Hash,
}

/// An event with the transaction that emitted it. Its place in the block is its place in
/// [`BlockEffects::events`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmittedEvent {
    /// The transaction.
    pub transaction: TransactionId,
    /// Index of its item in the block.
    pub index: u32,
    /// The event.
    pub event: Event,
}

/// Changes of the state. Keys of `plain` are written before record logs grow: a key may be removed
/// here and begin as a record log there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateWrites {
    /// Plain keys: set, or removed (`None`; they may be absent).
    pub plain: BTreeMap<StateKey, Option<Vec<u8>>>,
    /// Record logs that grew.
    pub record_logs: BTreeMap<StateKey, RecordLogAppend>,
}

impl StateWrites {
    /// `changes` of the state that `before` commits to.
    pub(crate) fn new(changes: Changes, before: &Trie) -> StateWrites {
        let mut writes = StateWrites::default();
        for (key, change) in changes {
            match change {
                Change::Plain(value) => {
                    writes.plain.insert(key, value);
                }
                Change::RecordLog(append) => {
                    if before.get(&key).is_some_and(|entry| entry.kind == EntryKind::Plain) {
                        writes.plain.insert(key.clone(), None);
                    }
                    writes.record_logs.insert(key, append);
                }
            }
        }
        writes
    }
}

/// What a channel starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisEffects {
    /// The first state.
    pub writes: StateWrites,
    /// Its root.
    pub state_root: Hash,
}

/// What one block changes. To be kept in one atomic write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockEffects {
    /// The block's height, from 1.
    pub height: u64,
    /// Its ledger time, milliseconds since 1970.
    pub time_ms: u64,
    /// Hash of its content: what the next block names as its previous.
    pub content: Hash,
    /// Changes of the state.
    pub writes: StateWrites,
    /// Root of the state tree after the block.
    pub state_root: Hash,
    /// Index in the log of the first of `leaves`.
    pub first_leaf: u64,
    /// The log's new leaves.
    pub leaves: Vec<Vec<u8>>,
    /// The log's nodes that these complete.
    pub log_nodes: Vec<LogNode>,
    /// The log after the block.
    pub log: Frontier,
    /// Root of the log after the block.
    pub log_root: Hash,
    /// Outcomes of the executed transactions, in order.
    pub outcomes: Vec<(TransactionId, OutcomeRecord)>,
    /// What became of each item, in order.
    pub fates: Vec<ItemFate>,
    /// Events of the committed transactions, in order.
    pub events: Vec<EmittedEvent>,
}

impl BlockEffects {
    /// The items for which the leader is to blame. If there are any, the signed block is evidence
    /// against it.
    pub fn blamed(&self) -> impl Iterator<Item = (usize, VoidReason)> + '_ {
        self.fates.iter().enumerate().filter_map(|(index, fate)| match fate {
            ItemFate::Void(reason) if reason.blames_leader() => Some((index, *reason)),
            _ => None,
        })
    }
}

/// The log's growth by one block.
pub(crate) struct LogWriter {
    pub(crate) frontier: Frontier,
    pub(crate) first_leaf: u64,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) nodes: Vec<LogNode>,
}

impl LogWriter {
    pub(crate) fn new(frontier: Frontier) -> LogWriter {
        let first_leaf = frontier.size();
        LogWriter { frontier, first_leaf, leaves: Vec::new(), nodes: Vec::new() }
    }

    /// Appends a leaf and returns its index.
    pub(crate) fn append(&mut self, leaf: Vec<u8>) -> u64 {
        assert!(
            leaf.len() <= MAX_LEAF_BYTES,
            "the limits of statements and names keep leaves small"
        );
        let index = self.frontier.size();
        self.frontier.append_with(leaf_hash(&leaf), |level, index, hash| {
            self.nodes.push(LogNode { level, index, hash: *hash });
        });
        self.leaves.push(leaf);
        index
    }
}
