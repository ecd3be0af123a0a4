//! The Raft log: what this node promised its peers to have persisted.
//!
//! One atomic write per call, synced when the caller asks for it; a promise leaves the node only
//! afterwards. Bounds, terms and hard state are kept in memory, entries are read from disk.
//! Handles are clones of one log: the writer thread appends while the Raft thread reads.

mod extent;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use extent::Extent;
use minicbor::{Decode, Encode};
use precinto_protocol::{cbor, hash::Hash, identity::NodeId};

use crate::{
    engine::{Batch, Durability, Store, StoreFigures, Table, View},
    error::StorageError,
    identity::{StorageId, StorageIdentity, decode},
    keys::{self, meta},
    memory::MemoryDisk,
    mutated::mutated,
};

/// One entry. The payload is the consensus engine's; storage does not look into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Position in the log, from 1.
    pub index: u64,
    /// Term of the leader that appended it.
    pub term: u64,
    /// What was proposed.
    pub payload: Vec<u8>,
}

/// What a Raft node must not forget.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct HardState {
    /// The latest term seen.
    #[n(0)]
    pub term: u64,
    /// Whom the node voted for in that term; 0 for nobody.
    #[n(1)]
    pub vote: NodeId,
    /// The highest index known to be committed. May lag behind.
    #[n(2)]
    pub commit: u64,
}

/// The last entry that a snapshot covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct SnapshotMark {
    /// Its index; 0 before the first entry.
    #[n(0)]
    pub index: u64,
    /// Its term.
    #[n(1)]
    pub term: u64,
}

/// One step of the log, applied in the order of the fields.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogBatch {
    /// Drops the whole log; it starts after the mark. Completes the installation of a snapshot.
    pub snapshot: Option<SnapshotMark>,
    /// Drops the entries from this index on: a new leader overwrites an uncommitted tail.
    pub truncate_from: Option<u64>,
    /// Entries to append, without a hole.
    pub entries: Vec<LogEntry>,
    /// The hard state to store.
    pub hard_state: Option<HardState>,
    /// Whether the call returns only once all of it is safe from a power failure.
    pub sync: bool,
}

struct Shared {
    store: Store,
    identity: StorageIdentity,
    extent: RwLock<Extent>,
    /// Held while writing. Separate from `extent`, so that readers do not wait for an fsync.
    writing: Mutex<()>,
}

/// A handle of the Raft log. Clones share it.
#[derive(Clone)]
pub struct RaftLog {
    shared: Arc<Shared>,
}

impl RaftLog {
    /// Opens the log of `node` on the network of `genesis` in the database at `path`, and verifies
    /// that it is whole.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Foreign`], [`StorageError::Corrupt`] and I/O
    /// errors.
    pub(crate) fn open(
        store: Store,
        path: &Path,
        node: NodeId,
        genesis: &Hash,
    ) -> Result<RaftLog, StorageError> {
        let identity = StorageIdentity::read(&store, Table::RaftMeta)?;
        identity.check(node, genesis, path)?;
        Self::open_on(store, identity)
    }

    /// Creates a log on an empty simulated disk.
    ///
    /// # Errors
    /// [`StorageError::Exists`] and injected failures.
    pub fn create_in_memory(
        disk: &MemoryDisk,
        identity: StorageIdentity,
    ) -> Result<RaftLog, StorageError> {
        if !disk.is_empty() {
            return Err(StorageError::Exists { path: memory_path().into() });
        }
        Self::create_on(Store::new(disk.clone()), identity)
    }

    /// Opens the log of `node` on the network of `genesis` on a simulated disk, and verifies that
    /// it is whole.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Foreign`] and [`StorageError::Corrupt`].
    pub fn open_in_memory(
        disk: &MemoryDisk,
        node: NodeId,
        genesis: &Hash,
    ) -> Result<RaftLog, StorageError> {
        if disk.is_empty() {
            return Err(StorageError::Missing { path: memory_path().into() });
        }
        Self::open(Store::new(disk.clone()), memory_path(), node, genesis)
    }

    /// Creates a log in an empty database, synced.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_on(
        store: Store,
        identity: StorageIdentity,
    ) -> Result<RaftLog, StorageError> {
        identity.write(&store, Table::RaftMeta)?;
        Self::open_on(store, identity)
    }

    fn open_on(store: Store, identity: StorageIdentity) -> Result<RaftLog, StorageError> {
        let extent = read_extent(&store.view())?;
        let shared =
            Shared { store, identity, extent: RwLock::new(extent), writing: Mutex::new(()) };
        Ok(RaftLog { shared: Arc::new(shared) })
    }

    /// Whose log it is.
    pub fn identity(&self) -> &StorageIdentity {
        &self.shared.identity
    }

    /// Figures of its database.
    pub fn figures(&self) -> StoreFigures {
        self.shared.store.figures()
    }

    /// Id of this installation's storage.
    pub fn storage_id(&self) -> StorageId {
        self.shared.identity.storage_id
    }

    /// Applies `batches` in order as one atomic write, synced if any of them asks for it.
    ///
    /// # Errors
    /// I/O errors. After one, nothing can be written until restart, and what was not reported as
    /// written must be taken as lost.
    ///
    /// # Panics
    /// If the batches break a rule of Raft: a hole, an overwritten committed or compacted entry,
    /// a term or commit index that goes back, a second vote in a term.
    pub fn append(&self, batches: &[LogBatch]) -> Result<(), StorageError> {
        let sync = batches.iter().any(|batch| batch.sync);
        self.write(sync, |extent, writes| {
            for batch in batches {
                stage(extent, writes, batch);
            }
        })
    }

    /// Drops the entries up to and including `index`. Not synced: losing it costs disk, not data.
    ///
    /// The caller compacts only what the ledger has synced, because the log is what an unsynced
    /// ledger is replayed from.
    ///
    /// # Errors
    /// I/O errors, as [`append`](RaftLog::append).
    ///
    /// # Panics
    /// If the entry is not in the log or not committed.
    pub fn compact_to(&self, index: u64) -> Result<(), StorageError> {
        if index <= self.mark().index {
            return Ok(());
        }
        self.write(false, |extent, writes| {
            let (first, next) = (extent.first(), index + 1);
            extent.compact(index);
            writes.delete_range(Table::RaftEntries, keys::number(first), keys::number(next));
            writes.put(Table::RaftMeta, meta::MARK, &cbor::encode(&extent.mark));
        })
    }

    /// Announces, synced, that the ledger is about to be replaced by the snapshot at `mark`.
    ///
    /// Should the process end between the replacement and the [`LogBatch`] with the same mark,
    /// the ledger is ahead of the log; the announcement tells that from a lost log.
    ///
    /// # Errors
    /// I/O errors, as [`append`](RaftLog::append).
    pub fn announce_install(&self, mark: SnapshotMark) -> Result<(), StorageError> {
        self.write(true, |_, writes| {
            writes.put(Table::RaftMeta, meta::INSTALLING, &cbor::encode(&mark));
        })
    }

    /// Takes the announcement back: the ledger was not replaced.
    ///
    /// # Errors
    /// I/O errors, as [`append`](RaftLog::append).
    pub fn abandon_install(&self) -> Result<(), StorageError> {
        self.write(true, |_, writes| writes.delete(Table::RaftMeta, meta::INSTALLING))
    }

    /// The installation that was announced and not completed.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] and I/O errors.
    pub fn announced_install(&self) -> Result<Option<SnapshotMark>, StorageError> {
        read_meta(&self.shared.store.view(), meta::INSTALLING)
    }

    fn write(
        &self,
        sync: bool,
        stage: impl FnOnce(&mut Extent, &mut Batch),
    ) -> Result<(), StorageError> {
        // A panic under the lock is a broken invariant and ends the process.
        let _writing = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut extent = self.extent(Clone::clone);
        let mut writes = Batch::default();
        stage(&mut extent, &mut writes);
        let sync = sync && !mutated("skip-fsync");
        let durability = if sync { Durability::Synced } else { Durability::Buffered };
        self.shared.store.write(writes, durability)?;
        *self.shared.extent.write().unwrap_or_else(PoisonError::into_inner) = extent;
        Ok(())
    }

    fn extent<T>(&self, read: impl FnOnce(&Extent) -> T) -> T {
        read(&self.shared.extent.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The stored hard state.
    pub fn hard_state(&self) -> HardState {
        self.extent(|extent| extent.hard_state)
    }

    /// What the log starts after.
    pub fn mark(&self) -> SnapshotMark {
        self.extent(|extent| extent.mark)
    }

    /// The first index; above [`last_index`](RaftLog::last_index) if the log is empty.
    pub fn first_index(&self) -> u64 {
        self.extent(Extent::first)
    }

    /// The last index; the mark's if the log is empty.
    pub fn last_index(&self) -> u64 {
        self.extent(|extent| extent.last)
    }

    /// The term of the entry at `index`, or of the mark.
    ///
    /// # Errors
    /// [`StorageError::Compacted`] and [`StorageError::Unavailable`].
    pub fn term(&self, index: u64) -> Result<u64, StorageError> {
        self.extent(|extent| {
            extent.term(index).ok_or(if index < extent.mark.index {
                StorageError::Compacted { first: extent.first() }
            } else {
                StorageError::Unavailable { last: extent.last }
            })
        })
    }

    /// The entries from `low` to before `high`, as many as their payloads fit into `max_bytes`,
    /// but at least one.
    ///
    /// # Errors
    /// [`StorageError::Compacted`], [`StorageError::Unavailable`], [`StorageError::Corrupt`] and
    /// I/O errors.
    pub fn entries(
        &self,
        low: u64,
        high: u64,
        max_bytes: u64,
    ) -> Result<Vec<LogEntry>, StorageError> {
        self.extent(|extent| {
            if low < extent.first() {
                return Err(StorageError::Compacted { first: extent.first() });
            }
            if high > extent.last + 1 {
                return Err(StorageError::Unavailable { last: extent.last });
            }
            Ok(())
        })?;
        let view = self.shared.store.view();
        let mut entries = Vec::new();
        let mut bytes = 0;
        let (lower, upper) = (keys::number(low).to_vec(), keys::number(high).to_vec());
        for pair in view.scan(Table::RaftEntries, lower, Some(upper)) {
            let (key, value) = pair?;
            let entry = decode_entry(&key, value)?;
            bytes += entry.payload.len() as u64;
            if bytes > max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn stage(extent: &mut Extent, writes: &mut Batch, batch: &LogBatch) {
    let before = extent.hard_state;
    if let Some(mark) = batch.snapshot {
        if !mutated("keep-log-at-install") {
            drop_entries(writes, extent.first(), extent.last);
        }
        extent.restart_after(mark);
        writes.put(Table::RaftMeta, meta::MARK, &cbor::encode(&mark));
        writes.delete(Table::RaftMeta, meta::INSTALLING);
    }
    if let Some(index) = batch.truncate_from {
        if !mutated("keep-tail") {
            drop_entries(writes, index, extent.last);
        }
        extent.truncate(index);
    }
    for entry in &batch.entries {
        extent.push(entry.index, entry.term);
        let mut body = entry.term.to_be_bytes().to_vec();
        body.extend_from_slice(&entry.payload);
        writes.put(Table::RaftEntries, keys::number(entry.index), &body);
    }
    if let Some(hard_state) = batch.hard_state {
        extent.set_hard_state(hard_state);
    }
    if extent.hard_state != before {
        writes.put(Table::RaftMeta, meta::HARD_STATE, &cbor::encode(&extent.hard_state));
    }
}

fn drop_entries(writes: &mut Batch, first: u64, last: u64) {
    if first <= last {
        writes.delete_range(Table::RaftEntries, keys::number(first), keys::number(last + 1));
    }
}

fn decode_entry(key: &[u8], mut body: Vec<u8>) -> Result<LogEntry, StorageError> {
    match (keys::parse_number(key), body.first_chunk::<8>()) {
        (Some(index), Some(term)) => {
            let term = u64::from_be_bytes(*term);
            body.drain(..8);
            Ok(LogEntry { index, term, payload: body })
        }
        _ => Err(StorageError::corrupt(Table::RaftEntries.name(), key, "not a log entry")),
    }
}

fn read_meta<T>(view: &View, key: &[u8]) -> Result<Option<T>, StorageError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let bytes = view.get(Table::RaftMeta, key)?;
    bytes.map(|bytes| decode(Table::RaftMeta, key, &bytes)).transpose()
}

/// Reads the whole log once, so that a hole or a lost tail is found at start and not when a peer
/// asks for it.
fn read_extent(view: &View) -> Result<Extent, StorageError> {
    let mark = read_meta(view, meta::MARK)?.unwrap_or_default();
    let hard_state: HardState = read_meta(view, meta::HARD_STATE)?.unwrap_or_default();
    let mut extent = Extent::new(mark, hard_state);
    for pair in view.scan_all(Table::RaftEntries) {
        let (key, body) = pair?;
        let entry = decode_entry(&key, body)?;
        if entry.index != extent.last + 1 || entry.term < extent.last_term() {
            let reason = format!("does not follow entry {} of the log", extent.last);
            return Err(StorageError::corrupt(Table::RaftEntries.name(), &key, reason));
        }
        extent.push(entry.index, entry.term);
    }
    if hard_state.commit > extent.last {
        let reason = format!(
            "entry {} is committed, but the log ends at {}: its tail was lost, rejoin as a new node",
            hard_state.commit, extent.last
        );
        return Err(StorageError::corrupt(Table::RaftMeta.name(), meta::HARD_STATE, reason));
    }
    Ok(extent)
}

/// What errors name where there is no directory.
pub(crate) fn memory_path() -> &'static Path {
    Path::new("memory")
}
