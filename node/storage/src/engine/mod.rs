//! The seam between what is stored and where: ordered tables, atomic batches, consistent views.
//!
//! [`RocksEngine`](rocks::RocksEngine) and [`MemoryDisk`](crate::memory::MemoryDisk) are the two
//! engines. Everything above them exists once, so the twin differs from the real store by the
//! engine alone.

pub(crate) mod options;
pub(crate) mod rocks;
mod value;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::error::StorageError;

/// A table: a RocksDB column family. The discriminant is bound into value checksums and never
/// changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Table {
    /// Raft index -> term and payload.
    RaftEntries = 0,
    /// Identity, hard state, mark, installing.
    RaftMeta = 1,
    /// Identity, head, last signed checkpoint.
    Meta = 2,
    /// State key -> value of a plain entry.
    State = 3,
    /// State key -> count and commitment of a record log.
    RecordLogs = 4,
    /// State key, index -> entry of a record log.
    RecordEntries = 5,
    /// Height -> block.
    Blocks = 6,
    /// Height -> summary.
    Summaries = 7,
    /// Pages of log leaves.
    Leaves = 8,
    /// Level -> pages of the log's complete nodes.
    LogNodes = 9,
    /// Height -> pages of outcomes, in item order.
    Outcomes = 10,
    /// Transaction id -> height and index.
    Transactions = 11,
    /// Height -> pages of events.
    Events = 12,
    /// Node, size -> signed checkpoint.
    Checkpoints = 13,
    /// Hash -> evidence bundle.
    Evidence = 14,
}

/// A key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Pairs in key order, read as the iterator advances.
pub(crate) type Pairs<'a> = Box<dyn Iterator<Item = Result<Pair, StorageError>> + Send + 'a>;

/// A change within a [`Batch`].
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Sets a key's (sealed) value.
    Put(Table, Vec<u8>, Vec<u8>),
    /// Removes a key, if it is there.
    Delete(Table, Vec<u8>),
    /// Removes the keys from the first to before the second.
    DeleteRange(Table, Vec<u8>, Vec<u8>),
}

/// Changes that happen together or not at all, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) ops: Vec<Op>,
}

impl Batch {
    pub(crate) fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, body: &[u8]) {
        let key = key.into();
        let value = value::seal(table, &key, body);
        self.ops.push(Op::Put(table, key, value));
    }

    pub(crate) fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.ops.push(Op::Delete(table, key.into()));
    }

    pub(crate) fn delete_range(
        &mut self,
        table: Table,
        from: impl Into<Vec<u8>>,
        to: impl Into<Vec<u8>>,
    ) {
        self.ops.push(Op::DeleteRange(table, from.into(), to.into()));
    }
}

/// When a write is safe from a power failure. A crash of the process alone loses neither kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Durability {
    /// After the next synced write or [`Engine::sync`].
    Buffered,
    /// When the call returns, together with everything written before.
    Synced,
}

/// A range of keys to read. `bulk` reads pass by the block cache, so that reading a whole table
/// does not evict what queries use.
pub(crate) struct Scan {
    pub(crate) table: Table,
    pub(crate) lower: Vec<u8>,
    pub(crate) upper: Option<Vec<u8>>,
    pub(crate) bulk: bool,
}

/// Where tables are kept.
pub(crate) trait Engine: Send + Sync {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError>;
    fn sync(&self) -> Result<(), StorageError>;
    fn view(&self) -> Arc<dyn Reader>;
    fn figures(&self) -> StoreFigures;
    /// Whether a view keeps it open.
    fn is_read(&self) -> bool;
}

/// What an operator wants to know of a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoreFigures {
    /// Bytes in its sorted files; its write-ahead log comes on top.
    pub bytes: u64,
    /// Whether writes are held back because compaction is behind.
    pub write_stalled: bool,
}

/// The tables as they were at one moment. Values are sealed.
pub(crate) trait Reader: Send + Sync {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;
    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StorageError>;
    /// The pair with the greatest key that is not above `key`.
    fn floor(&self, table: Table, key: &[u8]) -> Result<Option<Pair>, StorageError>;
    fn scan<'a>(&'a self, scan: &Scan) -> Pairs<'a>;
}

/// An engine with the rule that a failed write is the last one.
#[derive(Clone)]
pub(crate) struct Store {
    engine: Arc<dyn Engine>,
    failed: Arc<AtomicBool>,
}

impl Store {
    pub(crate) fn new(engine: impl Engine + 'static) -> Store {
        Store { engine: Arc::new(engine), failed: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        self.unless_failed(|engine| engine.write(batch, durability))
    }

    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.unless_failed(|engine| engine.sync())
    }

    /// No write succeeds from now on.
    pub(crate) fn disable_writes(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    /// After a failed fsync the kernel may report the next one as good although the data is gone,
    /// so there is no retry.
    fn unless_failed(
        &self,
        write: impl FnOnce(&dyn Engine) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if self.failed.load(Ordering::SeqCst) {
            return Err(StorageError::WritesDisabled);
        }
        let result = write(&*self.engine);
        if result.is_err() {
            self.disable_writes();
        }
        result
    }

    pub(crate) fn figures(&self) -> StoreFigures {
        self.engine.figures()
    }

    /// Whether dropping this handle closes the database.
    pub(crate) fn is_sole(&self) -> bool {
        Arc::strong_count(&self.engine) == 1 && !self.engine.is_read()
    }

    pub(crate) fn view(&self) -> View {
        View { reader: self.engine.view() }
    }
}

/// A consistent view whose values are unsealed: checked and without their envelope.
#[derive(Clone)]
pub(crate) struct View {
    reader: Arc<dyn Reader>,
}

impl View {
    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let sealed = self.reader.get(table, key)?;
        sealed.map(|value| value::unseal(table, key, value)).transpose()
    }

    /// The values of `keys`, in their order. Cheaper than as many single reads.
    pub(crate) fn get_many(
        &self,
        table: Table,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let sealed = self.reader.get_many(table, keys)?;
        keys.iter()
            .zip(sealed)
            .map(|(key, value)| value.map(|value| value::unseal(table, key, value)).transpose())
            .collect()
    }

    pub(crate) fn floor(&self, table: Table, key: &[u8]) -> Result<Option<Pair>, StorageError> {
        self.reader.floor(table, key)?.map(|pair| unseal_pair(table, pair)).transpose()
    }

    /// Pairs from `lower` to before `upper` (or the table's end).
    pub(crate) fn scan(&self, table: Table, lower: Vec<u8>, upper: Option<Vec<u8>>) -> Pairs<'_> {
        self.unsealed(&Scan { table, lower, upper, bulk: false })
    }

    /// The whole table.
    pub(crate) fn scan_all(&self, table: Table) -> Pairs<'_> {
        self.unsealed(&Scan { table, lower: Vec::new(), upper: None, bulk: true })
    }

    fn unsealed(&self, scan: &Scan) -> Pairs<'_> {
        let table = scan.table;
        Box::new(self.reader.scan(scan).map(move |pair| unseal_pair(table, pair?)))
    }
}

fn unseal_pair(table: Table, (key, value): Pair) -> Result<Pair, StorageError> {
    let body = value::unseal(table, &key, value)?;
    Ok((key, body))
}
