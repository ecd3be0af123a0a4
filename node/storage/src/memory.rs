//! The in-memory twin of a RocksDB instance, for simulation and tests.
//!
//! It keeps apart what was written and what was synced, so that a simulated power failure loses
//! exactly what a real one may: some suffix of the writes since the last sync.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    engine::{Batch, Durability, Engine, Op, Pair, Pairs, Reader, Scan, StoreFigures, Table},
    error::StorageError,
};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// One database's tables. Cloning is cheap; writing copies the tables that a clone still shares.
#[derive(Clone, Default)]
struct Contents {
    tables: BTreeMap<Table, Arc<Rows>>,
}

impl Contents {
    fn apply(&mut self, batch: &Batch) {
        for op in &batch.ops {
            match op {
                Op::Put(table, key, value) => {
                    self.table(*table).insert(key.clone(), value.clone());
                }
                Op::Delete(table, key) => {
                    self.table(*table).remove(key);
                }
                Op::DeleteRange(table, from, to) => {
                    self.table(*table).retain(|key, _| key < from || key >= to);
                }
            }
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
    /// What a power failure leaves for certain.
    durable: Contents,
    /// The writes between the two, oldest first.
    pending: Vec<Batch>,
    failing: bool,
}

impl Disk {
    fn check(&self) -> Result<(), StorageError> {
        if self.failing { Err(StorageError::Io("injected failure".into())) } else { Ok(()) }
    }

    fn make_durable(&mut self) {
        self.durable = self.current.clone();
        self.pending.clear();
    }
}

/// The simulated disk of one instance. Clones are the same disk; it outlives the stores opened on
/// it, as a disk outlives a process.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    disk: Arc<Mutex<Disk>>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// How many writes a power failure now could lose.
    pub fn pending_writes(&self) -> usize {
        self.lock().pending.len()
    }

    /// A power failure that only the first `survivors` of the pending writes survive. Stores
    /// opened before are of no more use: open them again.
    pub fn crash(&self, survivors: usize) {
        let mut disk = self.lock();
        let mut left = disk.durable.clone();
        for batch in disk.pending.iter().take(survivors) {
            left.apply(batch);
        }
        disk.current = left;
        disk.failing = false;
        disk.make_durable();
    }

    /// From now on every write and sync fails, until a [`crash`](MemoryDisk::crash).
    pub fn fail_writes(&self) {
        self.lock().failing = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().current.tables.values().all(|table| table.is_empty())
    }

    /// A panic while the lock is held is a broken simulation; it does not excuse another.
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryDisk {
    fn figures(&self) -> StoreFigures {
        StoreFigures::default()
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let mut disk = self.lock();
        disk.check()?;
        disk.current.apply(&batch);
        match durability {
            Durability::Buffered => disk.pending.push(batch),
            Durability::Synced => disk.make_durable(),
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        let mut disk = self.lock();
        disk.check()?;
        disk.make_durable();
        Ok(())
    }

    fn view(&self) -> Arc<dyn Reader> {
        Arc::new(self.lock().current.clone())
    }
}

impl Reader for Contents {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.tables.get(&table).and_then(|table| table.get(key)).cloned())
    }

    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        keys.iter().map(|key| self.get(table, key)).collect()
    }

    fn floor(&self, table: Table, key: &[u8]) -> Result<Option<Pair>, StorageError> {
        let up_to = (Bound::Unbounded, Bound::Included(key));
        let pair =
            self.tables.get(&table).and_then(|table| table.range::<[u8], _>(up_to).next_back());
        Ok(pair.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn scan<'a>(&'a self, scan: &Scan) -> Pairs<'a> {
        let upper = scan.upper.clone();
        let pairs = self.tables.get(&scan.table).into_iter().flat_map({
            let lower = scan.lower.clone();
            move |table| table.range(lower.clone()..)
        });
        let pairs = pairs.take_while(move |(key, _)| upper.as_ref().is_none_or(|end| *key < end));
        Box::new(pairs.map(|(key, value)| Ok((key.clone(), value.clone()))))
    }
}
