//! The twin of a channel's directory.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{MemoryDisk, SharedFaults, locked};
use crate::{
    engine::{Store, Table},
    error::StorageError,
    raft_log::memory_path,
    volume::Volume,
};

#[derive(Default)]
struct Names {
    files: BTreeMap<String, Vec<u8>>,
    disks: BTreeMap<String, MemoryDisk>,
}

/// The simulated directory of a channel, with a [`MemoryDisk`] for each database in it. Clones are
/// the same directory; it outlives the processes that work in it. All of it fails together.
#[derive(Clone, Default)]
pub struct MemoryVolume {
    names: Arc<Mutex<Names>>,
    faults: SharedFaults,
}

impl MemoryVolume {
    /// An empty directory.
    pub fn new() -> MemoryVolume {
        MemoryVolume::default()
    }

    /// Whether nothing was ever put here.
    pub fn is_empty(&self) -> bool {
        let names = self.lock();
        names.files.is_empty() && names.disks.is_empty()
    }

    /// How many writes a power failure now could lose.
    pub fn pending_writes(&self) -> usize {
        self.lock().disks.values().map(MemoryDisk::pending_writes).sum()
    }

    /// A power failure: of each database's pending writes only the first survive, as many as
    /// `survivors` says when it is told how many there are. Writes work again afterwards.
    pub fn crash(&self, mut survivors: impl FnMut(usize) -> usize) {
        for disk in self.lock().disks.values() {
            disk.crash(survivors(disk.pending_writes()));
        }
        self.work_again();
    }

    /// Every write, sync and change of a name but the next `writes` fails, until a
    /// [`crash`](MemoryVolume::crash) or [`work_again`](MemoryVolume::work_again).
    pub fn fail_writes_after(&self, writes: u64) {
        locked(&self.faults).writes_left = Some(writes);
    }

    /// Ends [`fail_writes_after`](MemoryVolume::fail_writes_after); what is unsynced stays so.
    pub fn work_again(&self) {
        locked(&self.faults).writes_left = None;
    }

    /// Flips one bit of what is stored: in a database, of a row, of its value, each counted around;
    /// `false` if nothing is stored there.
    pub fn flip_bit(&self, database: usize, row: usize, bit: usize) -> bool {
        let names = self.lock();
        let count = names.disks.len().max(1);
        names.disks.values().nth(database % count).is_some_and(|disk| disk.flip_bit(row, bit))
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        locked(&self.names)
    }

    /// Locked for a change, unless changes fail.
    fn change(&self) -> io::Result<MutexGuard<'_, Names>> {
        locked(&self.faults).check().map_err(io::Error::other)?;
        Ok(self.lock())
    }
}

impl fmt::Debug for MemoryVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.lock();
        f.debug_set().entries(names.files.keys()).entries(names.disks.keys()).finish()
    }
}

impl Volume for MemoryVolume {
    fn path(&self) -> &Path {
        memory_path()
    }

    fn create(&self) -> io::Result<()> {
        Ok(())
    }

    fn exists(&self, name: &str) -> bool {
        let names = self.lock();
        names.files.contains_key(name) || names.disks.contains_key(name)
    }

    fn directories(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().disks.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<String> {
        let bytes = self.lock().files.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change()?.files.insert(name.into(), bytes.into());
        Ok(())
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        self.change()?.files.remove(name);
        Ok(())
    }

    fn remove_directory(&self, name: &str) -> io::Result<()> {
        self.change()?.disks.remove(name);
        Ok(())
    }

    fn publish(&self, temporary: &str, name: &str) -> io::Result<()> {
        let mut names = self.change()?;
        let disk = names.disks.remove(temporary).ok_or(io::ErrorKind::NotFound)?;
        names.disks.insert(name.into(), disk);
        Ok(())
    }

    fn create_store(&self, name: &str, _: &'static [Table]) -> Result<Store, StorageError> {
        let mut names = self.change()?;
        if names.disks.contains_key(name) {
            return Err(StorageError::Exists { path: memory_path().join(name) });
        }
        let disk = MemoryDisk::failing_with(&self.faults);
        names.disks.insert(name.into(), disk.clone());
        Ok(Store::new(disk))
    }

    fn open_store(&self, name: &str, _: &'static [Table]) -> Result<Store, StorageError> {
        let disk = self.lock().disks.get(name).cloned();
        let disk = disk.ok_or_else(|| StorageError::Missing { path: memory_path().join(name) })?;
        Ok(Store::new(disk))
    }
}
