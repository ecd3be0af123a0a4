//! The engine on disk.

use std::{path::Path, sync::Arc};

use rocksdb::{
    ColumnFamily, DB, Direction, IteratorMode, ReadOptions, Snapshot, WriteBatch, WriteOptions,
};

use super::{
    Batch, Durability, Engine, Op, Pair, Pairs, Reader, Scan, StoreFigures, Table, options,
};
use crate::error::StorageError;

/// A RocksDB database with one column family per table.
pub(crate) struct RocksEngine {
    db: Arc<DB>,
    tables: &'static [Table],
}

impl RocksEngine {
    /// Creates a database in a directory that holds none.
    pub(crate) fn create(
        path: &Path,
        tables: &'static [Table],
    ) -> Result<RocksEngine, StorageError> {
        if exists(path) {
            return Err(StorageError::Exists { path: path.into() });
        }
        Self::with_options(path, tables, true)
    }

    /// Opens a database that exists. Refused by RocksDB while it is open elsewhere.
    pub(crate) fn open(path: &Path, tables: &'static [Table]) -> Result<RocksEngine, StorageError> {
        if !exists(path) {
            return Err(StorageError::Missing { path: path.into() });
        }
        Self::with_options(path, tables, false)
    }

    fn with_options(
        path: &Path,
        tables: &'static [Table],
        create: bool,
    ) -> Result<RocksEngine, StorageError> {
        let families = tables.iter().map(|table| table.descriptor());
        let db = DB::open_cf_descriptors(&options::database(create), path, families)?;
        Ok(RocksEngine { db: Arc::new(db), tables })
    }
}

/// Whether `path` holds a database: `CURRENT` names the manifest and is the last file created.
pub(crate) fn exists(path: &Path) -> bool {
    path.join("CURRENT").exists()
}

fn family(db: &DB, table: Table) -> &ColumnFamily {
    db.cf_handle(table.name()).expect("a store reads and writes only the tables it was opened with")
}

impl Engine for RocksEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StorageError> {
        let mut writes = WriteBatch::default();
        for op in batch.ops {
            match op {
                Op::Put(table, key, value) => writes.put_cf(family(&self.db, table), key, value),
                Op::Delete(table, key) => writes.delete_cf(family(&self.db, table), key),
                Op::DeleteRange(table, from, to) => {
                    writes.delete_range_cf(family(&self.db, table), from, to);
                }
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        Ok(self.db.write_opt(writes, &options)?)
    }

    fn sync(&self) -> Result<(), StorageError> {
        Ok(self.db.flush_wal(true)?)
    }

    /// A property that RocksDB does not tell counts as nothing: figures never stop a node.
    fn figures(&self) -> StoreFigures {
        let property = |table: &Table, name| {
            let value = self.db.property_int_value_cf(family(&self.db, *table), name);
            value.ok().flatten().unwrap_or(0)
        };
        let sum = |name| -> u64 { self.tables.iter().map(|table| property(table, name)).sum() };
        StoreFigures {
            bytes: sum("rocksdb.total-sst-files-size"),
            write_stalled: sum("rocksdb.is-write-stopped") > 0
                || sum("rocksdb.actual-delayed-write-rate") > 0,
        }
    }

    fn is_read(&self) -> bool {
        Arc::strong_count(&self.db) > 1
    }

    fn view(&self) -> Arc<dyn Reader> {
        let snapshot = self.db.snapshot();
        // SAFETY: the snapshot borrows the database behind the `Arc`, whose address is stable.
        // `RocksView` keeps that `Arc` and drops it after the snapshot (fields drop in order of
        // declaration), so the borrow never outlives the database. The extended lifetime does not
        // escape: what `RocksView` lends borrows from itself.
        let snapshot = unsafe { std::mem::transmute::<Snapshot<'_>, Snapshot<'static>>(snapshot) };
        Arc::new(RocksView { snapshot, db: Arc::clone(&self.db) })
    }
}

/// A RocksDB snapshot together with the database it belongs to. The order of fields matters.
struct RocksView {
    snapshot: Snapshot<'static>,
    db: Arc<DB>,
}

impl Reader for RocksView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.snapshot.get_cf(family(&self.db, table), key)?)
    }

    fn get_many(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let family = family(&self.db, table);
        let values = self.snapshot.multi_get_cf(keys.iter().map(|key| (family, key)));
        values.into_iter().map(|value| Ok(value?)).collect()
    }

    fn floor(&self, table: Table, key: &[u8]) -> Result<Option<Pair>, StorageError> {
        let mut iterator = self.snapshot.raw_iterator_cf(family(&self.db, table));
        iterator.seek_for_prev(key);
        iterator.status()?;
        Ok(iterator.item().map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn scan<'a>(&'a self, scan: &Scan) -> Pairs<'a> {
        let mut options = ReadOptions::default();
        options.fill_cache(!scan.bulk);
        if let Some(upper) = &scan.upper {
            options.set_iterate_upper_bound(upper.as_slice());
        }
        let from = IteratorMode::From(&scan.lower, Direction::Forward);
        let pairs = self.snapshot.iterator_cf_opt(family(&self.db, scan.table), options, from);
        Box::new(pairs.map(|pair| {
            let (key, value) = pair?;
            Ok((key.into_vec(), value.into_vec()))
        }))
    }
}
