//! What can go wrong, told apart by what the caller must do about it.

use std::{io, path::PathBuf};

/// A failed storage operation. A missing key is no error: reads answer `None`.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no storage where one was expected.
    #[error("no storage at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Storage was to be created where there is some already.
    #[error("there is storage at {} already: it is never overwritten", path.display())]
    Exists {
        /// The occupied place.
        path: PathBuf,
    },
    /// Another process has the storage open.
    #[error("{} is in use: stop the node first", path.display())]
    InUse {
        /// The database that is open elsewhere.
        path: PathBuf,
    },
    /// The ledger is there, but the Raft log that says what this node voted for and promised to
    /// have persisted is not. Carrying on under the same node id could vote twice in a term.
    #[error("the Raft log of {} was lost: rejoin as a new node", path.display())]
    LogLost {
        /// The channel directory.
        path: PathBuf,
    },
    /// The directory belongs to another node, network or installation.
    #[error("{} belongs to another {what}: expected {expected}, found {found}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What differs: node, network or storage id.
        what: &'static str,
        /// The configured value.
        expected: String,
        /// The value on disk.
        found: String,
    },
    /// A value was written by a newer release.
    #[error("format version {found} in table {table} is not supported by this release")]
    FormatVersion {
        /// The table.
        table: &'static str,
        /// The version found.
        found: u8,
    },
    /// Bytes on disk are not what was written. Nothing is guessed.
    #[error(
        "corrupt data in table {table}, key {key}: {reason}; stop the node and run `precinto fsck`"
    )]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The key in hex, or `?` where RocksDB does not tell.
        key: String,
        /// What does not fit.
        reason: String,
    },
    /// The file system is full: serve reads, take no writes.
    #[error("disk full: {0}")]
    DiskFull(String),
    /// The operating system or RocksDB failed.
    #[error("storage I/O: {0}")]
    Io(String),
    /// An earlier write failed. What reached the disk is not known, so nothing more is written
    /// until the process starts anew and recovers from the files.
    #[error("writes are disabled until restart because an earlier write failed")]
    WritesDisabled,
    /// Raft log entries below `first` were compacted away.
    #[error("Raft log entries below {first} were compacted away")]
    Compacted {
        /// The first index still there.
        first: u64,
    },
    /// Raft log entries above `last` do not exist.
    #[error("there are no Raft log entries above {last}")]
    Unavailable {
        /// The last index.
        last: u64,
    },
    /// A checkpoint below, or beside, one this node has signed already.
    #[error("a checkpoint of size {signed} was signed: size {requested} may not be signed now")]
    ContradictsSigned {
        /// The size signed last.
        signed: u64,
        /// The size of the refused checkpoint.
        requested: u64,
    },
    /// A snapshot's manifest or chunk is not what it should be.
    #[error("snapshot refused: {0}")]
    BadSnapshot(String),
}

impl StorageError {
    /// A corruption of `key` in `table`.
    pub(crate) fn corrupt(table: &'static str, key: &[u8], reason: impl Into<String>) -> Self {
        let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
        StorageError::Corrupt { table, key, reason: reason.into() }
    }

    /// Classifies an I/O error message: RocksDB reports the operating system's errors as text.
    fn from_message(message: String) -> Self {
        if message.contains("No space left on device") {
            StorageError::DiskFull(message)
        } else {
            StorageError::Io(message)
        }
    }
}

impl From<rocksdb::Error> for StorageError {
    fn from(error: rocksdb::Error) -> Self {
        match error.kind() {
            rocksdb::ErrorKind::Corruption => StorageError::Corrupt {
                table: "rocksdb",
                key: "?".into(),
                reason: error.into_string(),
            },
            _ => StorageError::from_message(error.into_string()),
        }
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        StorageError::from_message(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_a_broken_one() {
        let full = StorageError::from(io::Error::from_raw_os_error(28));
        assert!(matches!(full, StorageError::DiskFull(_)), "{full}");
        let broken = StorageError::from(io::Error::from_raw_os_error(5));
        assert!(matches!(broken, StorageError::Io(_)), "{broken}");
    }
}
