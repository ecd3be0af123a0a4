//! Writing blocks.

use precinto_protocol::cbor;

use super::{Applied, BlockBatch, Head, HeadRecord, Ledger, LogNode, RecordLogHead};
use crate::{
    engine::{Batch, Durability, Table},
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    mutated::mutated,
    pages,
};

impl Ledger {
    /// Commits a block: one atomic write, not synced.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] and I/O errors. After an I/O error nothing can be written until
    /// restart.
    ///
    /// # Panics
    /// If the block does not follow the head: another height than the next (0 if the ledger is
    /// empty), a Raft index not above the applied one, leaves or record log entries that do not
    /// start where the log and the record log end.
    pub fn commit_block(&self, block: &BlockBatch) -> Result<(), StorageError> {
        let mut progress = self.progress();
        check_follows(progress.head.as_ref(), block);
        let summary = &block.summary;
        let height = keys::number(summary.height);
        let mut batch = Batch::default();
        batch.put(Table::Blocks, height, &block.block);
        batch.put(Table::Summaries, height, &cbor::encode(summary));
        for (key, value) in &block.state_writes {
            match value {
                Some(value) => batch.put(Table::State, key.as_slice(), value),
                None => batch.delete(Table::State, key.as_slice()),
            }
        }
        self.put_record_logs(&mut batch, block)?;
        let first_leaf = summary.log_size - block.leaves.len() as u64;
        pages::put(&mut batch, Table::Leaves, &[], first_leaf, &block.leaves);
        put_log_nodes(&mut batch, block.log_nodes.clone());
        put_outcomes(&mut batch, block);
        pages::put(&mut batch, Table::Events, &height, 0, &block.events);
        let head = Head {
            block: summary.clone(),
            applied: Applied {
                index: summary.raft_index,
                term: summary.raft_term,
                commit: block.commit_index,
            },
            frontier: block.frontier.clone(),
            membership: block.membership.clone(),
        };
        put_head(&mut batch, &head);
        if mutated("split-commit") {
            let ops = batch.ops.split_off(batch.ops.len() - 1);
            self.shared.store.write(Batch { ops }, Durability::Buffered)?;
        }
        self.shared.store.write(batch, Durability::Buffered)?;
        progress.head = Some(head);
        Ok(())
    }

    /// Notes that a Raft entry without a block was applied, and the membership as of it.
    ///
    /// # Errors
    /// I/O errors, as [`commit_block`](Ledger::commit_block).
    ///
    /// # Panics
    /// If the ledger is empty or has applied that index already.
    pub fn advance(&self, applied: Applied, membership: &[u8]) -> Result<(), StorageError> {
        let mut progress = self.progress();
        let mut head = progress.head.clone().expect("the genesis comes before any Raft entry");
        assert!(applied.index > head.applied.index, "Raft entries are applied once and in order");
        head.applied = applied;
        head.membership = membership.to_vec();
        let mut batch = Batch::default();
        put_head(&mut batch, &head);
        self.shared.store.write(batch, Durability::Buffered)?;
        progress.head = Some(head);
        Ok(())
    }

    /// Record logs are never overwritten, whatever a faulty execution asks for: each append is
    /// checked against the stored count.
    fn put_record_logs(&self, batch: &mut Batch, block: &BlockBatch) -> Result<(), StorageError> {
        if block.record_logs.is_empty() {
            return Ok(());
        }
        let table = Table::RecordLogs;
        let state_keys: Vec<&[u8]> =
            block.record_logs.iter().map(|log| log.key.as_slice()).collect();
        let stored = self.shared.store.view().get_many(table, &state_keys)?;
        for (append, stored) in block.record_logs.iter().zip(stored) {
            let count = match stored {
                Some(bytes) => decode::<RecordLogHead>(table, &append.key, &bytes)?.count,
                None => 0,
            };
            assert_eq!(append.first, count, "a record log grows at its end only");
            for (index, entry) in (append.first..).zip(&append.entries) {
                batch.put(Table::RecordEntries, keys::record_entry(&append.key, index), entry);
            }
            let head = RecordLogHead {
                count: count + append.entries.len() as u64,
                commitment: append.commitment.clone(),
            };
            batch.put(table, append.key.as_slice(), &cbor::encode(&head));
        }
        Ok(())
    }
}

fn check_follows(head: Option<&Head>, block: &BlockBatch) {
    let summary = &block.summary;
    let (height, first_leaf) = match head {
        Some(head) => {
            assert!(
                summary.raft_index > head.applied.index,
                "Raft entries are applied once and in order"
            );
            (head.block.height + 1, head.block.log_size)
        }
        None => (0, 0),
    };
    assert_eq!(summary.height, height, "blocks are committed in order, the genesis first");
    let leaves = block.leaves.len() as u64;
    assert_eq!(summary.log_size, first_leaf + leaves, "leaves are appended at the log's end");
    assert_eq!(summary.log_size, block.frontier.size(), "the frontier is the log's");
    assert_eq!(summary.outcomes as usize, block.outcomes.len(), "the summary counts the outcomes");
    assert_eq!(summary.events as usize, block.events.len(), "the summary counts the events");
}

/// The head of a ledger that starts with a snapshot: its newest block has a summary, but no bytes.
pub(crate) fn put_snapshot_head(batch: &mut Batch, head: &Head, subtrees: Vec<LogNode>) {
    let height = keys::number(head.block.height);
    batch.put(Table::Summaries, height, &cbor::encode(&head.block));
    put_log_nodes(batch, subtrees);
    put_head(batch, head);
}

fn put_head(batch: &mut Batch, head: &Head) {
    let record = HeadRecord {
        height: head.block.height,
        applied: head.applied,
        frontier: head.frontier.clone(),
        membership: head.membership.clone(),
    };
    batch.put(Table::Meta, meta::HEAD, &cbor::encode(&record));
}

/// The nodes that a block completes are consecutive within each level.
fn put_log_nodes(batch: &mut Batch, mut nodes: Vec<LogNode>) {
    nodes.sort_unstable();
    let consecutive =
        |a: &LogNode, b: &LogNode| a.level == b.level && a.index.checked_add(1) == Some(b.index);
    for run in nodes.chunk_by(consecutive) {
        let hashes: Vec<&[u8]> = run.iter().map(|node| node.hash.as_bytes().as_slice()).collect();
        pages::put(batch, Table::LogNodes, &[run[0].level], run[0].index, &hashes);
    }
}

/// Outcomes in item order, each with its id in front; and where to find it, by id.
fn put_outcomes(batch: &mut Batch, block: &BlockBatch) {
    let height = keys::number(block.summary.height);
    let items: Vec<Vec<u8>> = block
        .outcomes
        .iter()
        .map(|(id, bytes)| [id.as_bytes(), bytes.as_slice()].concat())
        .collect();
    pages::put(batch, Table::Outcomes, &height, 0, &items);
    for (index, (id, _)) in (0u32..).zip(&block.outcomes) {
        let position = [&height[..], &index.to_be_bytes()].concat();
        batch.put(Table::Transactions, id.as_bytes().as_slice(), &position);
    }
}
