//! Snapshots as files, for followers to fetch.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use precinto_consensus::{SnapshotMark, SnapshotSource};
use precinto_protocol::cbor;
use precinto_storage::{
    LedgerView, StorageError,
    snapshot::{Manifest, SnapshotFiles},
};

/// Snapshots served: storage keeps the files of the two newest.
const SERVED: usize = 2;

/// The snapshots this node serves, by Raft index.
#[derive(Default)]
pub(super) struct Serving(Mutex<BTreeMap<u64, Arc<SnapshotFiles>>>);

/// What a request for a chunk gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// The chunk.
    Chunk {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether it is the last one.
        last: bool,
    },
    /// There is no such snapshot any more, or it has no such chunk.
    Gone,
}

impl Serving {
    /// Makes a snapshot of what `view` shows, unless the newest one is of that moment.
    ///
    /// # Errors
    /// As [`SnapshotFiles::build`].
    pub(super) fn build(
        &self,
        parent: &Path,
        view: &LedgerView,
    ) -> Result<SnapshotSource, StorageError> {
        let applied = view.head()?.map(|head| head.applied.index);
        let newest = self.files().last_key_value().map(|(_, files)| files.clone());
        if let Some(files) = newest
            && Some(files.manifest().applied.index) == applied
        {
            return source(files.manifest());
        }
        self.serve(SnapshotFiles::build(parent, view)?)
    }

    /// Serves the newest snapshot of before a restart, so that a download goes on where it was.
    ///
    /// # Errors
    /// As [`SnapshotFiles::open_newest`].
    pub(super) fn reopen(&self, parent: &Path) -> Result<Option<SnapshotSource>, StorageError> {
        SnapshotFiles::open_newest(parent)?.map(|files| self.serve(files)).transpose()
    }

    fn serve(&self, files: SnapshotFiles) -> Result<SnapshotSource, StorageError> {
        let source = source(files.manifest())?;
        let mut serving = self.files();
        serving.insert(source.mark.index, Arc::new(files));
        while serving.len() > SERVED {
            serving.pop_first();
        }
        Ok(source)
    }

    /// A chunk of the snapshot at `index`.
    ///
    /// # Errors
    /// As [`SnapshotFiles::chunk`]; the snapshot is served no longer.
    pub(super) fn chunk(&self, index: u64, number: usize) -> Result<Served, StorageError> {
        let files = self.files().get(&index).cloned();
        let Some(files) = files else { return Ok(Served::Gone) };
        match files.chunk(number) {
            Ok(Some(bytes)) => {
                let last = number + 1 == files.manifest().chunks.len();
                Ok(Served::Chunk { bytes, last })
            }
            Ok(None) => Ok(Served::Gone),
            // A newer one took its place, and its files with it, while this one was read.
            Err(_) if self.files().remove(&index).is_none() => Ok(Served::Gone),
            Err(error) => Err(error),
        }
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<SnapshotFiles>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn source(manifest: &Manifest) -> Result<SnapshotSource, StorageError> {
    let mark = SnapshotMark { index: manifest.applied.index, term: manifest.applied.term };
    let membership = cbor::decode(&manifest.membership);
    let membership = membership.map_err(|error| StorageError::BadSnapshot(error.to_string()))?;
    Ok(SnapshotSource { mark, membership, manifest: manifest.encode() })
}
