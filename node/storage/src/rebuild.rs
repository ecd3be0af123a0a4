//! A ledger made anew from its blocks, in the place of a damaged one.
//!
//! The Raft log stays as it is, with every vote and promise in it. From the damaged ledger comes
//! what is this node's own: what it signed last, its checkpoints and its evidence. A ledger that
//! does not agree with what was signed never takes over.

use std::{fs, path::PathBuf};

use crate::{
    channel::{ChannelDirectory, LEDGER_PREFIX, ledger_name},
    engine::{Store, options::LEDGER_TABLES, rocks::RocksEngine},
    error::StorageError,
    files,
    identity::StorageIdentity,
    ledger::Ledger,
};

/// Removed as a leftover by the next start, should it come to nothing.
const TEMPORARY: &str = "ledger-rebuild.tmp";

/// A ledger in the making.
pub struct Rebuild {
    directory: ChannelDirectory,
    identity: StorageIdentity,
    ledger: Ledger,
}

impl ChannelDirectory {
    /// Begins an empty ledger beside the one in use.
    ///
    /// # Errors
    /// I/O errors.
    pub fn begin_rebuild(&self, identity: StorageIdentity) -> Result<Rebuild, StorageError> {
        let path = self.path().join(TEMPORARY);
        files::remove_directory(&path)?;
        let ledger = Ledger::create(&path, identity)?;
        Ok(Rebuild { directory: self.clone(), identity, ledger })
    }
}

impl Rebuild {
    /// Where the blocks go.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Removes it again.
    ///
    /// # Errors
    /// I/O errors.
    pub fn discard(self) -> Result<(), StorageError> {
        let path = self.directory.path().join(TEMPORARY);
        drop(self.ledger);
        Ok(files::remove_directory(&path)?)
    }

    /// Puts it in the place of the ledger in use, which is set aside; gives where. The node does
    /// not run, and nobody else holds the ledgers. A crash leaves the one or the other in use.
    ///
    /// # Errors
    /// [`StorageError::Compacted`] if the Raft log starts after what the new ledger holds,
    /// [`StorageError::ContradictsSigned`] if it is not the one that this node signed,
    /// [`StorageError::Corrupt`] if what was signed cannot be read; I/O errors.
    pub fn activate(self) -> Result<PathBuf, StorageError> {
        let Rebuild { directory, identity, ledger } = self;
        let path = directory.path();
        let raft_log = directory.raft_log(&identity)?;
        let applied = ledger.head().map_or(0, |head| head.applied.index);
        if applied < raft_log.mark().index {
            return Err(StorageError::Compacted { first: raft_log.first_index() });
        }
        let missing = || StorageError::Missing { path: path.to_owned() };
        let current = directory.current()?.ok_or_else(missing)?;
        let damaged = Store::new(RocksEngine::open(&path.join(&current), LEDGER_TABLES)?);
        ledger.take_over(&damaged.view())?;
        drop((damaged, ledger));
        if raft_log.announced_install()?.is_some() {
            raft_log.abandon_install()?;
        }
        let free = |name: &String| !path.join(name).exists();
        let name = (applied..).map(ledger_name).find(free).ok_or_else(missing)?;
        files::publish(path, TEMPORARY, &name)?;
        directory.use_ledger(&name)?;
        let aside = |number: u64| format!("damaged-{number}-{current}");
        debug_assert!(!aside(1).starts_with(LEDGER_PREFIX), "or the next start would remove it");
        let aside = (1..).map(aside).find(free).ok_or_else(missing)?;
        fs::rename(path.join(&current), path.join(&aside))?;
        files::sync_directory(path)?;
        Ok(path.join(aside))
    }
}
