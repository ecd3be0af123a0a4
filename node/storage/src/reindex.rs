//! What can be computed from the rest of a ledger, computed anew in place: the index of
//! transactions from the outcomes, the nodes of the log from its leaves.
//!
//! A crash leaves a part of it; doing it again completes it.

use precinto_protocol::{
    cbor,
    hash::Hash,
    log::{Frontier, leaf_hash},
};

use crate::{
    BlockSummary, LogNode,
    channel::ChannelDirectory,
    engine::{Batch, Durability, Store, Table, options::LEDGER_TABLES},
    error::StorageError,
    identity::StorageIdentity,
    keys,
    ledger::{LedgerView, MAX_READ_ITEMS, put_log_nodes, put_positions},
    snapshot::subtrees,
};

impl ChannelDirectory {
    /// Computes both anew, synced. For a node that does not run and whose leaves and outcomes are
    /// whole; a leaf that is not is found before anything after it is written.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if something they are computed from is damaged; I/O errors.
    pub fn reindex(&self, identity: &StorageIdentity) -> Result<(), StorageError> {
        let missing = || StorageError::Missing { path: self.path().to_owned() };
        let name = self.current()?.ok_or_else(missing)?;
        let store = self.volume().open_store(&name, LEDGER_TABLES)?;
        identity.check_same(&StorageIdentity::read(&store, Table::Meta)?, self.path())?;
        let view = LedgerView::new(store.view());
        let first = view.summaries(0, 1)?.pop();
        let (Some(first), Some(head)) = (first, view.head()?) else { return Ok(()) };
        let mut frontier = begin_log_nodes(&store, &view, &first)?;
        for height in first.height + 1..=head.block.height {
            let summary = view.summary(height)?.ok_or_else(|| damaged(height, "no summary"))?;
            let mut batch = Batch::default();
            put_log_nodes(&mut batch, grow(&view, &mut frontier, &summary)?);
            put_positions(&mut batch, height, outcomes(&view, &summary)?);
            store.write(batch, Durability::Buffered)?;
        }
        drop_surplus(&store)?;
        store.sync()
    }
}

fn damaged(height: u64, reason: &str) -> StorageError {
    StorageError::corrupt(Table::Summaries.name(), &keys::number(height), reason)
}

/// Drops all nodes but those that the ledger began with, which no leaf of it gives.
fn begin_log_nodes(
    store: &Store,
    view: &LedgerView,
    first: &BlockSummary,
) -> Result<Frontier, StorageError> {
    let frontier = first_frontier(view, first)?;
    let mut batch = Batch::default();
    batch.delete_range(Table::LogNodes, [], [u8::MAX]);
    put_log_nodes(&mut batch, subtrees(&frontier));
    store.write(batch, Durability::Buffered)?;
    Ok(frontier)
}

fn first_frontier(view: &LedgerView, first: &BlockSummary) -> Result<Frontier, StorageError> {
    let size = first.log_size;
    let levels = (0..u64::BITS as u8).rev().filter(|level| size >> level & 1 == 1);
    let hashes = levels.map(|level| view.log_node(level, (size >> level) - 1));
    let hashes: Option<Vec<Hash>> = hashes.collect::<Result<_, _>>()?;
    let frontier = hashes.map(|hashes| cbor::encode(&(size, hashes)));
    frontier
        .and_then(|bytes| cbor::decode::<Frontier>(&bytes).ok())
        .filter(|frontier| frontier.root() == first.log_root)
        .ok_or_else(|| damaged(first.height, "the nodes the ledger began with are damaged"))
}

/// Appends a block's leaves; gives the nodes that these complete.
fn grow(
    view: &LedgerView,
    frontier: &mut Frontier,
    summary: &BlockSummary,
) -> Result<Vec<LogNode>, StorageError> {
    let mut nodes = Vec::new();
    while frontier.size() < summary.log_size {
        let left = (summary.log_size - frontier.size()).min(MAX_READ_ITEMS as u64);
        let leaves = view.leaves(frontier.size(), left as usize)?;
        if leaves.is_empty() {
            return Err(damaged(summary.height, "a leaf is missing"));
        }
        for leaf in leaves {
            frontier.append_with(leaf_hash(&leaf), |level, index, hash| {
                nodes.push(LogNode { level, index, hash: *hash });
            });
        }
    }
    if frontier.root() != summary.log_root {
        return Err(damaged(summary.height, "its log root is not that of the leaves"));
    }
    Ok(nodes)
}

fn outcomes(view: &LedgerView, summary: &BlockSummary) -> Result<Vec<Hash>, StorageError> {
    let outcomes = view.outcomes(summary.height, 0, summary.outcomes as usize)?;
    if outcomes.len() != summary.outcomes as usize {
        return Err(damaged(summary.height, "an outcome is missing"));
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.id).collect())
}

/// Drops entries of the index that do not lead to an outcome of their transaction.
fn drop_surplus(store: &Store) -> Result<(), StorageError> {
    let view = LedgerView::new(store.view());
    for row in view.tables().rows(Table::Transactions, Vec::new(), None) {
        let key = row?.key;
        let id = key.as_slice().try_into().map(Hash);
        if !id.is_ok_and(|id| view.outcome(&id).is_ok_and(|outcome| outcome.is_some())) {
            let mut batch = Batch::default();
            batch.delete(Table::Transactions, key);
            store.write(batch, Durability::Buffered)?;
        }
    }
    Ok(())
}
