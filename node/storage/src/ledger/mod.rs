//! The ledger of one channel: everything execution produced, one atomic batch per block.
//!
//! Not synced per block: what a power failure takes is replayed from the Raft log, which is
//! therefore compacted only below [`Ledger::synced`]. Readers take a [`LedgerView`]: one height,
//! unmoved while blocks are committed.

mod checkpoints;
mod commit;
mod types;
mod view;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    engine::{Batch, Durability, Store, StoreFigures, Table},
    error::StorageError,
    identity::StorageIdentity,
    memory::MemoryDisk,
    raft_log::memory_path,
};

pub(crate) use commit::put_snapshot_head;
use types::HeadRecord;
pub use types::{
    Applied, BlockBatch, BlockSummary, Head, LogNode, Position, RecordLogAppend, RecordLogHead,
    StoredCheckpoint, StoredEvent, StoredOutcome,
};
pub use view::{LedgerView, MAX_READ_ITEMS, RecordLogs, StateEntries, StateEntry};

/// What the writers share: the head and how much of it is safe from a power failure.
struct Progress {
    head: Option<Head>,
    synced: Applied,
}

struct Shared {
    store: Store,
    identity: StorageIdentity,
    /// Held while a block is written, so that blocks are written in order.
    progress: Mutex<Progress>,
    /// Held while a checkpoint is written: its fsync must not hold up blocks.
    signing: Mutex<()>,
}

/// A handle of the ledger. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

impl Ledger {
    /// Opens the ledger in the database at `path`, which was created together with the Raft log of
    /// `identity`.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Foreign`], [`StorageError::Corrupt`] and I/O
    /// errors.
    pub(crate) fn open(
        store: Store,
        path: &Path,
        identity: &StorageIdentity,
    ) -> Result<Ledger, StorageError> {
        let ledger = Self::open_on(store)?;
        identity.check_same(&ledger.shared.identity, path)?;
        Ok(ledger)
    }

    /// Creates an empty ledger on a simulated disk.
    ///
    /// # Errors
    /// [`StorageError::Exists`] and injected failures.
    pub fn create_in_memory(
        disk: &MemoryDisk,
        identity: StorageIdentity,
    ) -> Result<Ledger, StorageError> {
        if !disk.is_empty() {
            return Err(StorageError::Exists { path: memory_path().into() });
        }
        Self::create_on(Store::new(disk.clone()), identity)
    }

    /// Opens the ledger of a simulated disk.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Foreign`] and [`StorageError::Corrupt`].
    pub fn open_in_memory(
        disk: &MemoryDisk,
        identity: &StorageIdentity,
    ) -> Result<Ledger, StorageError> {
        if disk.is_empty() {
            return Err(StorageError::Missing { path: memory_path().into() });
        }
        Self::open(Store::new(disk.clone()), memory_path(), identity)
    }

    /// Creates an empty ledger in an empty database. Its first batch is the genesis, height 0.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_on(
        store: Store,
        identity: StorageIdentity,
    ) -> Result<Ledger, StorageError> {
        identity.write(&store, Table::Meta)?;
        Self::open_on(store)
    }

    fn open_on(store: Store) -> Result<Ledger, StorageError> {
        let identity = StorageIdentity::read(&store, Table::Meta)?;
        // What recovery replayed from the write-ahead log may never have been synced.
        store.sync()?;
        let head = LedgerView::new(store.view()).head()?;
        let synced = head.as_ref().map(|head| head.applied).unwrap_or_default();
        let shared = Shared {
            store,
            identity,
            progress: Mutex::new(Progress { head, synced }),
            signing: Mutex::new(()),
        };
        Ok(Ledger { shared: Arc::new(shared) })
    }

    /// Whose ledger it is.
    pub fn identity(&self) -> &StorageIdentity {
        &self.shared.identity
    }

    /// A consistent view of this moment. Cheap; but an old one keeps replaced values on disk.
    pub fn view(&self) -> LedgerView {
        LedgerView::new(self.shared.store.view())
    }

    /// Figures of its database.
    pub fn figures(&self) -> StoreFigures {
        self.shared.store.figures()
    }

    /// Where the ledger is; `None` before the genesis.
    pub fn head(&self) -> Option<Head> {
        self.progress().head.clone()
    }

    /// The newest Raft entry that is safe in the ledger even from a power failure: the Raft log
    /// may be compacted up to its index.
    pub fn synced(&self) -> Applied {
        self.progress().synced
    }

    /// Makes everything committed so far safe from a power failure, and returns the newest Raft
    /// entry of it.
    ///
    /// # Errors
    /// I/O errors. After one, nothing can be written until restart.
    pub fn sync(&self) -> Result<Applied, StorageError> {
        self.write_synced(None)
    }

    /// Writes `batch`, if any, and makes it and everything before it durable. Not one synced
    /// write, behind which the next block would have to wait for the fsync.
    fn write_synced(&self, batch: Option<Batch>) -> Result<Applied, StorageError> {
        let head = self.head();
        let reached = head.map(|head| head.applied).unwrap_or_default();
        if let Some(batch) = batch {
            self.shared.store.write(batch, Durability::Buffered)?;
        }
        self.shared.store.sync()?;
        let mut progress = self.progress();
        if reached.index > progress.synced.index {
            progress.synced = reached;
        }
        Ok(progress.synced)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // A panic under the lock is a broken invariant and ends the process.
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
