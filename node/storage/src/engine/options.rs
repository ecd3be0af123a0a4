//! RocksDB options of both instances, in one table.

use std::sync::LazyLock;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel,
    Options,
};

use super::Table;

/// Blocks, indexes and filters of all databases of the process: an idle node stays below 150 MB.
const BLOCK_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Unflushed writes of one database, over all its tables.
const WRITE_BUFFER_BYTES: usize = 32 * 1024 * 1024;

/// Write-ahead log kept before RocksDB flushes tables that hold it back: bounds replay at start.
const WAL_BYTES: u64 = 128 * 1024 * 1024;

/// Open files of one database. RocksDB reopens on demand; the default of all files would grow
/// with the ledger.
const OPEN_FILES: i32 = 512;

/// RocksDB's own diagnostic log: two files of a mebibyte.
const INFO_LOG_BYTES: usize = 1024 * 1024;
const INFO_LOG_FILES: usize = 2;

/// One filter false positive in a hundred.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

const KIB: usize = 1024;

static BLOCK_CACHE: LazyLock<Cache> = LazyLock::new(|| {
    Cache::new_lru_cache(BLOCK_CACHE_BYTES)
        .expect("allocating an empty cache fails only without memory")
});

/// Which tables a database has.
pub(crate) const RAFT_TABLES: &[Table] = &[Table::RaftEntries, Table::RaftMeta];
pub(crate) const LEDGER_TABLES: &[Table] = &[
    Table::Meta,
    Table::State,
    Table::RecordLogs,
    Table::RecordEntries,
    Table::Blocks,
    Table::Summaries,
    Table::Leaves,
    Table::LogNodes,
    Table::Outcomes,
    Table::Transactions,
    Table::Events,
    Table::Checkpoints,
    Table::Evidence,
];

/// How a table is laid out.
struct Layout {
    name: &'static str,
    /// A filter pays where keys that do not exist are asked for: new state keys, unknown ids.
    bloom: bool,
    /// About the size read at once: a few values where they are read singly, more where in order.
    block_bytes: usize,
}

impl Table {
    const fn layout(self) -> Layout {
        let (name, bloom, block_bytes) = match self {
            Table::RaftEntries => ("raft-entries", false, 64 * KIB),
            Table::RaftMeta => ("raft-meta", false, 4 * KIB),
            Table::Meta => ("meta", false, 4 * KIB),
            Table::State => ("state", true, 4 * KIB),
            Table::RecordLogs => ("record-logs", true, 4 * KIB),
            Table::RecordEntries => ("record-entries", false, 4 * KIB),
            Table::Blocks => ("blocks", false, 64 * KIB),
            Table::Summaries => ("summaries", false, 4 * KIB),
            Table::Leaves => ("leaves", false, 4 * KIB),
            Table::LogNodes => ("log-nodes", false, 4 * KIB),
            Table::Outcomes => ("outcomes", false, 4 * KIB),
            Table::Transactions => ("transactions", true, 4 * KIB),
            Table::Events => ("events", false, 4 * KIB),
            Table::Checkpoints => ("checkpoints", false, 4 * KIB),
            Table::Evidence => ("evidence", false, 4 * KIB),
        };
        Layout { name, bloom, block_bytes }
    }

    /// The column family's name.
    pub(crate) const fn name(self) -> &'static str {
        self.layout().name
    }

    pub(crate) fn descriptor(self) -> ColumnFamilyDescriptor {
        let layout = self.layout();
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&BLOCK_CACHE);
        blocks.set_block_size(layout.block_bytes);
        blocks.set_format_version(5);
        // Indexes and filters count against the cache, so that memory stays bounded as files grow.
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        if layout.bloom {
            blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
        }
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_level_compaction_dynamic_level_bytes(true);
        // Hashes and signatures do not shrink, but there is as much around them that repeats itself:
        // files get half as large, for some 3 us per KiB written.
        options.set_compression_type(DBCompressionType::Lz4);
        ColumnFamilyDescriptor::new(layout.name, options)
    }
}

/// Options of a database as a whole.
pub(crate) fn database(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_error_if_exists(create);
    options.set_paranoid_checks(true);
    // A torn tail is what a crash leaves and is dropped; both stores check what remains at open.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_db_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_total_wal_size(WAL_BYTES);
    options.set_max_open_files(OPEN_FILES);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_keep_log_file_num(INFO_LOG_FILES);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}
