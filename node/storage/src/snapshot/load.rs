//! Loading a snapshot into an empty ledger.

use precinto_protocol::{
    cbor,
    hash::Hash,
    log::{Frontier, leaf_hash},
};

use super::{Item, Kind, Manifest, SNAPSHOT_CHUNK_BYTES, chunk_hash};
use crate::{
    engine::{Batch, Durability, Store, Table, View},
    error::StorageError,
    identity::{StorageIdentity, decode},
    keys,
    ledger::{Applied, Head, Ledger, LedgerView, LogNode, RecordLogHead, put_snapshot_head},
    memory::MemoryDisk,
    raft_log::SnapshotMark,
};

/// Fills an empty ledger from the chunks of one snapshot.
///
/// Checks what the manifest promises: every chunk's hash, the order of items, and that each
/// record log has exactly the entries that its commitment names.
pub struct SnapshotLoader {
    store: Store,
    manifest: Manifest,
    loaded: usize,
    last: Option<(Kind, Vec<u8>)>,
    entries: EntryCheck,
}

impl SnapshotLoader {
    /// Starts loading onto an empty simulated disk.
    ///
    /// # Errors
    /// Injected failures.
    ///
    /// # Panics
    /// If the disk is not empty.
    pub fn in_memory(
        disk: &MemoryDisk,
        identity: StorageIdentity,
        manifest: Manifest,
    ) -> Result<SnapshotLoader, StorageError> {
        assert!(disk.is_empty(), "a snapshot is loaded onto an empty disk");
        Self::on(Store::new(disk.clone()), identity, manifest)
    }

    pub(crate) fn on(
        store: Store,
        identity: StorageIdentity,
        manifest: Manifest,
    ) -> Result<SnapshotLoader, StorageError> {
        identity.write(&store, Table::Meta)?;
        let entries = EntryCheck::default();
        Ok(SnapshotLoader { store, manifest, loaded: 0, last: None, entries })
    }

    /// What is being loaded.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The number of the chunk to put next; `None` when all are there.
    pub fn next_chunk(&self) -> Option<usize> {
        (self.loaded < self.manifest.chunks.len()).then_some(self.loaded)
    }

    /// Puts the [next](SnapshotLoader::next_chunk) chunk. A refused chunk changes nothing: fetch
    /// it again, from another peer.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] if it is not the chunk the manifest lists, or if the
    /// manifest lists chunks that are no snapshot; I/O errors.
    pub fn put_chunk(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        let bad = |reason: &str| StorageError::BadSnapshot(reason.into());
        let hash = self.manifest.chunks.get(self.loaded).ok_or_else(|| bad("surplus chunk"))?;
        if chunk.len() > SNAPSHOT_CHUNK_BYTES || chunk_hash(chunk) != *hash {
            return Err(bad("a chunk is not the one its manifest lists"));
        }
        let items: Vec<Item> = cbor::decode(chunk).map_err(|error| bad(&error.to_string()))?;
        let mut batch = Batch::default();
        for Item { kind, key, value } in items {
            if kind == Kind::RecordEntry {
                self.entries.entry(&key, &value)?;
            }
            batch.put(kind.table(), key.as_slice(), &value);
            let item = Some((kind, key));
            if item <= self.last {
                return Err(bad("items are out of order"));
            }
            self.last = item;
        }
        self.store.write(batch, Durability::Buffered)?;
        // Record logs come before entries, so those of the finished entries are written by now.
        self.entries.check_finished(&self.store.view())?;
        self.loaded += 1;
        Ok(())
    }

    /// Completes the ledger, checks it and syncs it: the long part of the work, done while the
    /// node goes on with the ledger it has.
    ///
    /// `check` builds the state tree from the loaded ledger and compares its root.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] if chunks are missing or record logs incomplete; errors of
    /// `check`; I/O errors.
    pub fn verify(
        mut self,
        check: impl FnOnce(&LedgerView) -> Result<(), StorageError>,
    ) -> Result<LoadedSnapshot, StorageError> {
        if self.next_chunk().is_some() {
            return Err(StorageError::BadSnapshot("chunks are missing".into()));
        }
        self.entries.finish(&self.store.view())?;
        let Manifest { block, applied, frontier, membership, .. } = &self.manifest;
        let head = Head {
            block: block.clone(),
            applied: Applied { index: applied.index, term: applied.term, commit: applied.index },
            frontier: frontier.clone(),
            membership: membership.clone(),
        };
        let mut batch = Batch::default();
        put_snapshot_head(&mut batch, &head, subtrees(&self.manifest.frontier));
        self.store.write(batch, Durability::Synced)?;
        check(&LedgerView::new(self.store.view()))?;
        Ok(LoadedSnapshot { store: self.store, mark: self.manifest.applied })
    }
}

/// A snapshot that was loaded, checked and synced, and is not in use yet.
pub struct LoadedSnapshot {
    store: Store,
    mark: SnapshotMark,
}

impl LoadedSnapshot {
    /// The newest Raft entry in it.
    pub fn mark(&self) -> SnapshotMark {
        self.mark
    }

    /// Takes over, synced, from the ledger it replaces what is this node's own: signed checkpoints
    /// and evidence. The old ledger takes no writes any more, so that nothing is signed there that
    /// the new one does not know of.
    ///
    /// # Errors
    /// I/O errors.
    pub fn take_over(self, old: &Ledger) -> Result<(), StorageError> {
        old.hand_over(&self.store)
    }
}

/// The complete subtrees of the frontier, as nodes of the log: proofs of later leaves need them.
pub(crate) fn subtrees(frontier: &Frontier) -> Vec<LogNode> {
    let (size, hashes): (u64, Vec<Hash>) = cbor::decode(&cbor::encode(frontier))
        .expect("a frontier is encoded as its size and the hashes of its subtrees");
    let levels = (0..u64::BITS as u8).rev().filter(|level| size >> level & 1 == 1);
    levels
        .zip(hashes)
        .map(|(level, hash)| LogNode { level, index: (size >> level) - 1, hash })
        .collect()
}

/// Checks that the entries of each record log are those that its commitment names, which is under
/// the state root: a false entry would be served and read by contracts, and found only when this
/// node's roots differ from everybody's.
#[derive(Default)]
struct EntryCheck {
    /// The record log being read and the commitment to its entries so far.
    current: Option<(Vec<u8>, Frontier)>,
    /// Record logs read to their end since the last check.
    finished: Vec<(Vec<u8>, Frontier)>,
    /// Record logs checked.
    logs: usize,
}

impl EntryCheck {
    fn entry(&mut self, key: &[u8], entry: &[u8]) -> Result<(), StorageError> {
        let (log, index) = keys::parse_record_entry(key)
            .ok_or_else(|| StorageError::BadSnapshot("not a record log entry's key".into()))?;
        if self.current.as_ref().is_none_or(|(current, _)| current != log) {
            self.finished.extend(self.current.take());
            self.current = Some((log.to_vec(), Frontier::new()));
        }
        match &mut self.current {
            Some((_, frontier)) if frontier.size() == index => frontier.append(leaf_hash(entry)),
            _ => {
                return Err(StorageError::BadSnapshot("a record log lacks an entry".into()));
            }
        }
        Ok(())
    }

    fn check_finished(&mut self, view: &View) -> Result<(), StorageError> {
        let table = Table::RecordLogs;
        let log_keys: Vec<&[u8]> = self.finished.iter().map(|(key, _)| key.as_slice()).collect();
        let heads = view.get_many(table, &log_keys)?;
        for ((key, frontier), head) in self.finished.iter().zip(heads) {
            let head = head.map(|bytes| decode::<RecordLogHead>(table, key, &bytes)).transpose()?;
            let named =
                RecordLogHead { count: frontier.size(), commitment: cbor::encode(frontier) };
            if head != Some(named) {
                let reason = "a record log's commitment is not that of its entries";
                return Err(StorageError::BadSnapshot(reason.into()));
            }
        }
        self.logs += self.finished.len();
        self.finished.clear();
        Ok(())
    }

    fn finish(&mut self, view: &View) -> Result<(), StorageError> {
        self.finished.extend(self.current.take());
        self.check_finished(view)?;
        // Each of the logs with entries was found and counted: none may be left without.
        if view.scan_all(Table::RecordLogs).count() != self.logs {
            return Err(StorageError::BadSnapshot("a record log without its entries".into()));
        }
        Ok(())
    }
}
