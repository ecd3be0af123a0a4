//! Building snapshots.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use precinto_protocol::cbor;

use super::{
    Item, Kind, MAX_MANIFEST_BYTES, MAX_SNAPSHOT_CHUNKS, Manifest, SNAPSHOT_CHUNK_BYTES,
    SNAPSHOT_VERSION, chunk_hash,
};
use crate::{
    error::StorageError, files, ledger::LedgerView, mutated::mutated, raft_log::SnapshotMark,
};

/// Longest head of a CBOR array of up to 2^32 items.
const ARRAY_HEAD_BYTES: usize = 5;

/// Snapshots kept: the newest, and the one before it that a peer may still be fetching.
const SNAPSHOTS_KEPT: usize = 2;

/// Cuts the state that `view` shows into chunks, hands each to `sink` in order and returns the
/// manifest. One chunk is in memory at a time.
///
/// # Errors
/// [`StorageError::BadSnapshot`] if the ledger is empty or too large; errors of reading and of
/// `sink`.
pub fn build(
    view: &LedgerView,
    mut sink: impl FnMut(&[u8]) -> Result<(), StorageError>,
) -> Result<Manifest, StorageError> {
    let head = view.head()?.ok_or_else(|| StorageError::BadSnapshot("empty ledger".into()))?;
    let mut chunks = Vec::new();
    let mut packer = Packer::default();
    let mut emit = |chunk: Vec<u8>| {
        if chunks.len() == MAX_SNAPSHOT_CHUNKS {
            return Err(StorageError::BadSnapshot("the state exceeds the largest snapshot".into()));
        }
        chunks.push(chunk_hash(&chunk));
        sink(&chunk)
    };
    for kind in Kind::ALL {
        for pair in view.tables().scan_all(kind.table()) {
            let (key, value) = pair?;
            if mutated("lose-replay-entries") && key.starts_with(b"\0\0\0\0replay") {
                continue;
            }
            if let Some(chunk) = packer.push(&Item { kind, key, value }) {
                emit(chunk)?;
            }
        }
    }
    if let Some(chunk) = packer.take() {
        emit(chunk)?;
    }
    Ok(Manifest {
        version: SNAPSHOT_VERSION,
        block: head.block,
        applied: SnapshotMark { index: head.applied.index, term: head.applied.term },
        frontier: head.frontier,
        membership: head.membership,
        chunks,
    })
}

/// Gathers items until a chunk is full.
#[derive(Default)]
struct Packer {
    items: Vec<u8>,
    count: u64,
}

impl Packer {
    /// Adds an item; returns the chunk before it, if the item no longer fitted there.
    fn push(&mut self, item: &Item) -> Option<Vec<u8>> {
        let bytes = cbor::encode(item);
        let full = ARRAY_HEAD_BYTES + self.items.len() + bytes.len() > SNAPSHOT_CHUNK_BYTES;
        let chunk = if full { self.take() } else { None };
        self.items.extend_from_slice(&bytes);
        self.count += 1;
        chunk
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let mut chunk = Vec::with_capacity(ARRAY_HEAD_BYTES + self.items.len());
        let head = minicbor::Encoder::new(&mut chunk).array(self.count).is_ok();
        assert!(head, "encoding into a vector does not fail");
        chunk.append(&mut self.items);
        self.count = 0;
        Some(chunk)
    }
}

/// A snapshot kept as files, to be served in any order and again after a restart.
pub struct SnapshotFiles {
    directory: PathBuf,
    manifest: Manifest,
}

impl SnapshotFiles {
    /// Builds a snapshot of `view` below `parent`, or finds the one of that moment, and removes
    /// old ones.
    ///
    /// # Errors
    /// As [`build`], and I/O errors.
    pub fn build(parent: &Path, view: &LedgerView) -> Result<SnapshotFiles, StorageError> {
        fs::create_dir_all(parent)?;
        let temporary = parent.join("building.tmp");
        files::remove_directory(&temporary)?;
        fs::create_dir(&temporary)?;
        let mut number = 0;
        let manifest = build(view, |chunk| {
            files::write_synced(&temporary.join(chunk_name(number)), chunk)?;
            number += 1;
            Ok(())
        })?;
        files::write_synced(&temporary.join("manifest"), &manifest.encode())?;
        files::sync_directory(&temporary)?;
        let name = directory_name(manifest.applied.index);
        let directory = parent.join(&name);
        files::remove_directory(&directory)?;
        files::publish(parent, "building.tmp", &name)?;
        remove_old(parent)?;
        Ok(SnapshotFiles { directory, manifest })
    }

    /// The newest snapshot below `parent`, if there is one.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] and I/O errors.
    pub fn open_newest(parent: &Path) -> Result<Option<SnapshotFiles>, StorageError> {
        let Some(name) = names(parent)?.pop() else {
            return Ok(None);
        };
        let directory = parent.join(name);
        let file = directory.join("manifest");
        if fs::metadata(&file)?.len() > MAX_MANIFEST_BYTES as u64 {
            return Err(StorageError::BadSnapshot("manifest too long".into()));
        }
        let manifest = Manifest::decode(&fs::read(file)?)?;
        Ok(Some(SnapshotFiles { directory, manifest }))
    }

    /// What the snapshot is of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Chunk `number`, checked against the manifest; `None` beyond the last one.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] if the file was damaged, and I/O errors.
    pub fn chunk(&self, number: usize) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(hash) = self.manifest.chunks.get(number) else {
            return Ok(None);
        };
        let chunk = fs::read(self.directory.join(chunk_name(number)))?;
        if chunk_hash(&chunk) != *hash {
            return Err(StorageError::BadSnapshot(format!("chunk {number} was damaged on disk")));
        }
        Ok(Some(chunk))
    }
}

fn chunk_name(number: usize) -> String {
    format!("chunk-{number:05}")
}

/// Names sort by index: twenty digits hold every u64.
fn directory_name(index: u64) -> String {
    format!("snapshot-{index:020}")
}

/// The snapshots below `parent`, oldest first.
fn names(parent: &Path) -> Result<Vec<String>, StorageError> {
    let listing = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut names = Vec::new();
    for entry in listing {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.retain(|name| name.starts_with("snapshot-"));
    names.sort_unstable();
    Ok(names)
}

fn remove_old(parent: &Path) -> Result<(), StorageError> {
    let mut names = names(parent)?;
    names.truncate(names.len().saturating_sub(SNAPSHOTS_KEPT));
    for name in names {
        files::remove_directory(&parent.join(name))?;
    }
    Ok(())
}
