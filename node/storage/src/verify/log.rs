//! The log: leaves, the nodes and roots computed from them, and what block leaves say.

use precinto_protocol::{
    cbor,
    hash::Hash,
    leaf::BlockLeaf,
    log::{Frontier, leaf_hash},
};

use super::{
    Findings, Pass, Problem,
    run::{At, Numbered, Run},
};
use crate::{
    engine::Table,
    error::StorageError,
    identity::decode,
    keys::{self, meta},
    ledger::{BlockSummary, HeadRecord},
    pages,
};

/// Walks the leaves; gives the number of leaves and nodes.
pub(super) fn check(pass: &mut Pass<'_>, head: &HeadRecord) -> Result<u64, StorageError> {
    let Some(begins_at) = pass.facts.begins_at else { return Ok(0) };
    let ledger = pass.ledger;
    let mut summaries = Numbered::new(ledger, Table::Summaries);
    let begin = summary(&mut summaries, begins_at)?
        .ok_or_else(|| unknown(begins_at, "the first summary cannot be read"))?;
    let mut walk = Walk::begin(pass, &begin)?;
    let mut checked_head = begins_at == head.height;
    for height in begins_at + 1..=head.height {
        // A boundary that is not known is told elsewhere; the next one is checked instead.
        let Some(summary) = summary(&mut summaries, height)? else { continue };
        if summary.log_size < walk.frontier.size() || summary.log_size > head.frontier.size() {
            return Err(unknown(height, "its log size is out of order"));
        }
        let last = walk.to(pass, summary.log_size)?;
        walk.check_boundary(pass, &summary, last.as_deref());
        checked_head = height == head.height;
    }
    if checked_head && walk.frontier != head.frontier {
        let detail = "the frontier is not that of the leaves";
        pass.found.add(Problem::WrongRoot, Table::Meta, meta::HEAD, detail);
    }
    walk.finish(pass)
}

fn unknown(height: u64, reason: &str) -> StorageError {
    StorageError::corrupt(Table::Summaries.name(), &keys::number(height), reason)
}

/// The summary at `height`, if it can be read; told elsewhere otherwise.
pub(super) fn summary(
    summaries: &mut Numbered<'_>,
    height: u64,
) -> Result<Option<BlockSummary>, StorageError> {
    match summaries.at(height, &mut Findings::default())? {
        At::There(bytes) => Ok(decode(Table::Summaries, &keys::number(height), &bytes).ok()),
        At::Unreadable | At::Absent => Ok(None),
    }
}

/// The tree as the leaves make it, beside the nodes as they are stored.
struct Walk<'a> {
    frontier: Frontier,
    leaves: Run<'a>,
    /// By level.
    nodes: Vec<Run<'a>>,
    rows: u64,
}

impl<'a> Walk<'a> {
    fn begin(pass: &mut Pass<'a>, begin: &BlockSummary) -> Result<Walk<'a>, StorageError> {
        let levels = 0..=u64::BITS as u8;
        let ledger = pass.ledger;
        let mut nodes: Vec<_> =
            levels.map(|level| Run::new(ledger, Table::LogNodes, &[level])).collect();
        let size = begin.log_size;
        let mut subtrees = Vec::new();
        for level in (0..u64::BITS as u8).rev().filter(|level| size >> level & 1 == 1) {
            let index = (size >> level) - 1;
            match nodes[usize::from(level)].at(&[level], index, pass.found)? {
                At::There(hash) => subtrees.push(to_hash(&hash)),
                At::Unreadable => {}
                At::Absent => {
                    let key = keys::page(&[level], index);
                    pass.found.add(Problem::Missing, Table::LogNodes, &key, "of the snapshot");
                }
            }
        }
        let frontier: Frontier = cbor::decode(&cbor::encode(&(size, subtrees)))
            .map_err(|_| unknown(begin.height, "the nodes it began with cannot be read"))?;
        if frontier.root() != begin.log_root {
            let detail = "not the root of the nodes the ledger began with";
            let key = keys::number(begin.height);
            pass.found.add(Problem::WrongRoot, Table::Summaries, &key, detail);
        }
        Ok(Walk { frontier, leaves: Run::new(ledger, Table::Leaves, &[]), nodes, rows: 0 })
    }

    /// Appends the leaves up to `size`; gives the last one, if it can be read.
    fn to(&mut self, pass: &mut Pass<'_>, size: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let mut last = None;
        for index in self.frontier.size()..size {
            last = match self.leaves.at(&[], index, pass.found)? {
                At::There(leaf) => Some(leaf),
                At::Unreadable => None,
                At::Absent => {
                    let key = keys::page(&[], index);
                    pass.found.add(Problem::Missing, Table::Leaves, &key, "a leaf of the log");
                    None
                }
            };
            let hash = match &last {
                Some(leaf) => leaf_hash(leaf),
                // The walk goes on with what is stored as the leaf's hash.
                None => stored_leaf_hash(pass, index)?,
            };
            self.append(pass, hash)?;
        }
        Ok(last)
    }

    fn append(&mut self, pass: &mut Pass<'_>, leaf: Hash) -> Result<(), StorageError> {
        let mut completed = Vec::new();
        self.frontier.append_with(leaf, |level, index, hash| completed.push((level, index, *hash)));
        for (level, index, hash) in completed {
            self.rows += 1;
            let key = keys::page(&[level], index);
            match self.nodes[usize::from(level)].at(&[level], index, pass.found)? {
                At::There(stored) if stored == hash.as_bytes() => {}
                At::There(_) => {
                    let detail = "not the hash of what is below it";
                    pass.found.add(Problem::WrongNode, Table::LogNodes, &key, detail);
                }
                At::Absent => {
                    let detail = "a complete node of the log";
                    pass.found.add(Problem::Missing, Table::LogNodes, &key, detail);
                }
                At::Unreadable => {}
            }
        }
        Ok(())
    }

    /// At the end of a block: the root, and what the block's own leaf says.
    fn check_boundary(&self, pass: &mut Pass<'_>, summary: &BlockSummary, leaf: Option<&[u8]>) {
        let key = keys::number(summary.height);
        if self.frontier.root() != summary.log_root {
            let detail = "the log root is not that of the leaves";
            pass.found.add(Problem::WrongRoot, Table::Summaries, &key, detail);
        }
        let Some(leaf) = leaf else { return };
        let index = keys::page(&[], self.frontier.size() - 1);
        let Ok(leaf) = cbor::decode::<BlockLeaf>(leaf) else {
            let detail = "a block ends with a block leaf";
            pass.found.add(Problem::WrongLeaf, Table::Leaves, &index, detail);
            return;
        };
        let says = (leaf.height, leaf.content, leaf.time_ms, leaf.term, leaf.state_root);
        let summary_says = (
            summary.height,
            summary.content,
            summary.time_ms,
            summary.raft_term,
            summary.state_root,
        );
        let outcomes = leaf.committed.checked_add(leaf.rejected);
        if says != summary_says || outcomes != Some(summary.outcomes) {
            let detail = "height, content, time, term, state root or outcomes are not those of its \
                          block leaf";
            pass.found.add(Problem::StaleSummary, Table::Summaries, &key, detail);
        }
    }

    fn finish(self, pass: &mut Pass<'_>) -> Result<u64, StorageError> {
        let leaves = self.leaves.count;
        self.leaves.finish(pass.found)?;
        for run in self.nodes {
            run.finish(pass.found)?;
        }
        Ok(self.rows + leaves)
    }
}

fn stored_leaf_hash(pass: &Pass<'_>, index: u64) -> Result<Hash, StorageError> {
    let stored = pages::get(pass.ledger, Table::LogNodes, &[0], index)?;
    stored.map(|hash| to_hash(&hash)).ok_or_else(|| {
        let key = keys::page(&[], index);
        StorageError::corrupt(Table::Leaves.name(), &key, "neither the leaf nor its hash is there")
    })
}

/// A hash of another length is told as a wrong node: it equals none.
fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().map_or(Hash::ZERO, Hash)
}
