//! The in-memory twins of a RocksDB instance and of the directory it lies in, for simulation and
//! tests.
//!
//! A disk keeps apart what was written and what was synced, so that a simulated power failure loses
//! exactly what a real one may: some suffix of the batches since the last sync. A batch is there
//! whole or not at all, as RocksDB drops a torn record of its write-ahead log. Writes can fail from a
//! chosen one on, and a bit of what is stored can flip.

mod volume;

use std::{
    collections::BTreeMap,
    mem,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use volume::MemoryVolume;

use crate::{
    engine::{Batch, Durability, Engine, Op, Pair, Pairs, Reader, Scan, StoreFigures, Table},
    error::StorageError,
};

/// Shared bytes, so that a copied table shares its rows.
type Bytes = Arc<[u8]>;
type Rows = BTreeMap<Bytes, Bytes>;

/// One database's tables. Cloning is cheap; writing copies the tables that a clone still shares.
#[derive(Clone, Default)]
struct Contents {
    tables: BTreeMap<Table, Arc<Rows>>,
}

/// What a batch replaced: rows with their former values, oldest first.
type Undo = Vec<(Table, Bytes, Option<Bytes>)>;

impl Contents {
    fn apply(&mut self, batch: &Batch) -> Undo {
        let mut undo = Undo::new();
        for op in &batch.ops {
            match op {
                Op::Put(table, key, value) => self.set(*table, key, Some(value), &mut undo),
                Op::Delete(table, key) => self.set(*table, key, None, &mut undo),
                Op::DeleteRange(table, from, to) => {
                    let range = self.table(*table).range(Bytes::from(&from[..])..);
                    let range = range.take_while(|(key, _)| key[..] < to[..]);
                    let keys: Vec<Bytes> = range.map(|(key, _)| key.clone()).collect();
                    keys.iter().for_each(|key| self.set(*table, key, None, &mut undo));
                }
            }
        }
        undo
    }

    fn set(&mut self, table: Table, key: &[u8], value: Option<&Vec<u8>>, undo: &mut Undo) {
        let (key, rows) = (Bytes::from(key), self.table(table));
        let before = match value {
            Some(value) => rows.insert(key.clone(), Bytes::from(&value[..])),
            None => rows.remove(&key),
        };
        undo.push((table, key, before));
    }

    fn revert(&mut self, undo: Undo) {
        for (table, key, before) in undo.into_iter().rev() {
            match before {
                Some(value) => self.table(table).insert(key, value),
                None => self.table(table).remove(&key),
            };
        }
    }

    fn table(&mut self, table: Table) -> &mut Rows {
        Arc::make_mut(self.tables.entry(table).or_default())
    }
}

#[derive(Default)]
struct Disk {
    /// What a reader sees.
    current: Contents,
    /// How to take back the writes that are not synced, oldest first.
    pending: Vec<Undo>,
}

/// When writes fail.
#[derive(Default)]
struct Faults {
    /// Writes that still succeed; `None`: all of them.
    writes_left: Option<u64>,
}

/// Shared by what fails together: a disk, or all disks and files of a volume.
type SharedFaults = Arc<Mutex<Faults>>;

impl Faults {
    /// Whether the write that is about to happen goes well.
    fn check(&mut self) -> Result<(), StorageError> {
        match &mut self.writes_left {
            None => Ok(()),
            Some(0) => Err(StorageError::Io("injected failure".into())),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

/// The simulated disk of one instance. Clones are the same disk; it outlives the stores opened on
/// it, as a disk outlives a process.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    disk: Arc<Mutex<Disk>>,
    faults: SharedFaults,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn failing_with(faults: &SharedFaults) -> MemoryDisk {
        MemoryDisk { disk: Arc::default(), faults: faults.clone() }
    }

    /// How many writes a power failure now could lose.
    pub fn pending_writes(&self) -> usize {
        self.lock().pending.len()
    }

    /// A power failure that only the first `survivors` of the pending writes survive. Stores
    /// opened before are of no more use: open them again. Writes work again afterwards.
    pub fn crash(&self, survivors: usize) {
        let mut disk = self.lock();
        let kept = survivors.min(disk.pending.len());
        for undo in disk.pending.split_off(kept).into_iter().rev() {
            disk.current.revert(undo);
        }
        disk.pending.clear();
        locked(&self.faults).writes_left = None;
    }

    /// From now on every write and sync fails, until a [`crash`](MemoryDisk::crash).
    pub fn fail_writes(&self) {
        locked(&self.faults).writes_left = Some(0);
    }

    /// Flips one bit of one stored value, both counted around; `false` if nothing is stored.
    pub fn flip_bit(&self, row: usize, bit: usize) -> bool {
        let mut disk = self.lock();
        let sizes = disk.current.tables.iter().map(|(table, rows)| (*table, rows.len()));
        let sizes: Vec<(Table, usize)> = sizes.collect();
        let rows: usize = sizes.iter().map(|(_, rows)| rows).sum();
        if rows == 0 {
            return false;
        }
        let mut row = row % rows;
        for (table, rows) in sizes {
            if row < rows {
                let value = disk.current.table(table).values_mut().nth(row);
                let value = value.expect("the table has that many rows");
                let mut bytes = value.to_vec();
                let bit = bit % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                *value = bytes.into();
                return true;
            }
            row -= rows;
        }
        false
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().current.tables.values().all(|table| table.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        locked(&self.disk)
    }
}

/// A panic while the lock is held is a broken simulation; it does not excuse another.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine for MemoryDisk {
    fn figures(&self) -> StoreFigures {
        StoreFigures::default()
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        locked(&self.faults).check()?;
        let mut disk = self.lock();
        let undo = disk.current.apply(&batch);
        match durability {
            Durability::Buffered => disk.pending.push(undo),
            Durability::Synced => disk.pending.clear(),
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        locked(&self.faults).check()?;
        mem::take(&mut self.lock().pending);
        Ok(())
    }

    fn view(&self) -> Arc<dyn Reader> {
        Arc::new(self.lock().current.clone())
    }

    fn is_read(&self) -> bool {
        // A view is a copy.
        false
    }
}

fn pair((key, value): (&Bytes, &Bytes)) -> Pair {
    (key.to_vec(), value.to_vec())
}

impl Reader for Contents {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.tables.get(&table).and_then(|table| table.get(key)).map(|value| value.to_vec()))
    }

    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        keys.iter().map(|key| self.get(table, key)).collect()
    }

    fn floor(&self, table: Table, key: &[u8]) -> Result<Option<Pair>, StorageError> {
        let up_to = (Bound::Unbounded, Bound::Included(key));
        let found =
            self.tables.get(&table).and_then(|table| table.range::<[u8], _>(up_to).next_back());
        Ok(found.map(pair))
    }

    fn scan<'a>(&'a self, scan: &Scan) -> Pairs<'a> {
        let (lower, upper) = (Bytes::from(&scan.lower[..]), scan.upper.clone());
        let rows = self.tables.get(&scan.table).into_iter();
        let rows = rows.flat_map(move |table| table.range(lower.clone()..));
        let rows =
            rows.take_while(move |(key, _)| upper.as_ref().is_none_or(|end| key[..] < end[..]));
        Box::new(rows.map(|row| Ok(pair(row))))
    }
}
