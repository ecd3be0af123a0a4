//! Where a channel's directory lies: names, small files and databases.
//!
//! [`DiskVolume`] and [`MemoryVolume`](crate::memory::MemoryVolume) are the two volumes. What
//! [`ChannelDirectory`](crate::ChannelDirectory) does with them exists once.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    engine::{Store, Table, rocks::RocksEngine},
    error::StorageError,
    files,
};

/// A directory. Every change of a name is durable when the call returns, but for removed
/// directories, which may come back after a power failure.
pub(crate) trait Volume: fmt::Debug + Send + Sync {
    /// What errors name.
    fn path(&self) -> &Path;
    /// Makes the directory itself, if it is not there.
    fn create(&self) -> io::Result<()>;
    /// Whether there is anything of this name.
    fn exists(&self, name: &str) -> bool;
    /// The names of the directories in it, in any order.
    fn directories(&self) -> io::Result<Vec<String>>;
    /// A file's text.
    fn read(&self, name: &str) -> io::Result<String>;
    /// Replaces a file: old or new, never a mixture.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file, if it is there.
    fn remove_file(&self, name: &str) -> io::Result<()>;
    /// Removes a directory with its contents, if it is there.
    fn remove_directory(&self, name: &str) -> io::Result<()>;
    /// Gives a finished directory its final name.
    fn publish(&self, temporary: &str, name: &str) -> io::Result<()>;
    /// Creates a database in a directory that holds none.
    fn create_store(&self, name: &str, tables: &'static [Table]) -> Result<Store, StorageError>;
    /// Opens a database that exists.
    fn open_store(&self, name: &str, tables: &'static [Table]) -> Result<Store, StorageError>;
}

/// A directory of the file system.
#[derive(Debug)]
pub(crate) struct DiskVolume(pub(crate) PathBuf);

impl Volume for DiskVolume {
    fn path(&self) -> &Path {
        &self.0
    }

    fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)
    }

    fn exists(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn directories(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                // What is not named by us is not ours.
                names.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(self.0.join(name))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        files::replace(&self.0, name, bytes)
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        files::remove_file(&self.0, name)
    }

    fn remove_directory(&self, name: &str) -> io::Result<()> {
        files::remove_directory(&self.0.join(name))
    }

    fn publish(&self, temporary: &str, name: &str) -> io::Result<()> {
        files::publish(&self.0, temporary, name)
    }

    fn create_store(&self, name: &str, tables: &'static [Table]) -> Result<Store, StorageError> {
        Ok(Store::new(RocksEngine::create(&self.0.join(name), tables)?))
    }

    fn open_store(&self, name: &str, tables: &'static [Table]) -> Result<Store, StorageError> {
        Ok(Store::new(RocksEngine::open(&self.0.join(name), tables)?))
    }
}
