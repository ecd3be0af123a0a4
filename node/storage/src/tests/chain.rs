//! Blocks that follow one another, from a description of what they do.

use std::collections::{BTreeMap, BTreeSet};

use precinto_protocol::{
    cbor,
    hash::{Hash, sha256},
    log::{Frontier, leaf_hash},
};
use proptest::prelude::*;

use crate::{BlockBatch, BlockSummary, LogNode, RecordLogAppend};

/// What a block does. Keys are small numbers, so that they collide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) writes: BTreeMap<u8, Option<Vec<u8>>>,
    pub(crate) appends: BTreeMap<u8, u8>,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) outcomes: u8,
    pub(crate) events: u8,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 2000usize..6000).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    (
        prop::collection::btree_map(0u8..24, prop::option::weighted(0.7, bytes()), 0..6),
        prop::collection::btree_map(0u8..6, 1u8..4, 0..3),
        prop::collection::vec(bytes(), 1..9),
        0u8..7,
        0u8..7,
    )
        .prop_map(|(writes, appends, leaves, outcomes, events)| Step {
            writes,
            appends,
            leaves,
            outcomes,
            events,
        })
}

/// State keys, among them one that is a prefix of the next.
pub(crate) fn state_key(number: u8) -> Vec<u8> {
    [vec![number / 4], vec![0; usize::from(number % 4)]].concat()
}

pub(crate) fn log_key(number: u8) -> Vec<u8> {
    [vec![0xee, number / 2], vec![number; usize::from(number % 2) * 9]].concat()
}

/// What a record log with these entries commits to.
pub(crate) fn commitment(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut frontier = Frontier::new();
    entries.iter().for_each(|entry| frontier.append(leaf_hash(entry)));
    cbor::encode(&frontier)
}

pub(crate) fn transaction_id(height: u64, index: u32) -> Hash {
    sha256(&[b"transaction", &height.to_be_bytes(), &index.to_be_bytes()])
}

/// Makes blocks and remembers, naively, everything that was in them.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    pub(crate) blocks: Vec<BlockBatch>,
    pub(crate) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) record_logs: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) nodes: BTreeSet<LogNode>,
    frontier: Frontier,
}

impl Chain {
    /// The block that `step` describes; the first is the genesis.
    pub(crate) fn next(&mut self, step: &Step) -> BlockBatch {
        let height = self.blocks.len() as u64;
        let state_writes = self.write_state(step);
        let record_logs = self.append_records(step);
        let log_nodes = self.append_leaves(step);
        let outcomes: Vec<_> = (0..u32::from(step.outcomes))
            .map(|index| (transaction_id(height, index), vec![height as u8, index as u8]))
            .collect();
        let events: Vec<_> = (0..step.events).map(|index| vec![height as u8, index]).collect();
        let block = BlockBatch {
            summary: BlockSummary {
                height,
                // Some Raft entries hold no block.
                raft_index: height * 2,
                raft_term: height / 3,
                content: sha256(&[b"content", &height.to_be_bytes()]),
                time_ms: 1_000 * height,
                state_root: sha256(&[b"state", &height.to_be_bytes()]),
                log_size: self.frontier.size(),
                log_root: self.frontier.root(),
                outcomes: outcomes.len() as u32,
                events: events.len() as u32,
            },
            commit_index: height * 2 + 1,
            block: vec![height as u8; 50],
            state_writes,
            record_logs,
            leaves: step.leaves.clone(),
            log_nodes,
            outcomes,
            events,
            frontier: self.frontier.clone(),
            membership: vec![height as u8, 1],
        };
        self.blocks.push(block.clone());
        block
    }

    fn write_state(&mut self, step: &Step) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let writes = step.writes.iter().map(|(number, value)| (state_key(*number), value.clone()));
        let writes: Vec<_> = writes.collect();
        for (key, value) in &writes {
            match value {
                Some(value) => self.state.insert(key.clone(), value.clone()),
                None => self.state.remove(key),
            };
        }
        writes
    }

    fn append_records(&mut self, step: &Step) -> Vec<RecordLogAppend> {
        let appends = step.appends.iter().map(|(number, count)| {
            let log = self.record_logs.entry(log_key(*number)).or_default();
            let first = log.len() as u64;
            let entries: Vec<_> =
                (0..*count).map(|index| vec![*number, first as u8, index]).collect();
            log.extend(entries.iter().cloned());
            let commitment = commitment(log);
            RecordLogAppend { key: log_key(*number), first, entries, commitment }
        });
        appends.collect()
    }

    fn append_leaves(&mut self, step: &Step) -> Vec<LogNode> {
        let mut nodes = Vec::new();
        for leaf in &step.leaves {
            self.frontier.append_with(leaf_hash(leaf), |level, index, hash| {
                nodes.push(LogNode { level, index, hash: *hash });
            });
            self.leaves.push(leaf.clone());
        }
        self.nodes.extend(nodes.iter().copied());
        nodes
    }
}

/// A chain of `length` blocks that all do something, the genesis included.
pub(crate) fn chain(length: u8) -> Chain {
    let mut chain = Chain::default();
    for number in 0..length {
        chain.next(&Step {
            writes: BTreeMap::from([
                (number % 24, Some(vec![number; 3])),
                ((number + 7) % 24, None),
            ]),
            appends: BTreeMap::from([(number % 6, 1)]),
            leaves: vec![vec![number; 4], vec![number; 90]],
            outcomes: 2,
            events: 1,
        });
    }
    chain
}
