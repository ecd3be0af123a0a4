//! A ledger made anew from its blocks, in the place of a damaged one.
//!
//! The Raft log stays as it is, with every vote and promise in it. From the damaged ledger comes
//! what is this node's own: what it signed last, its checkpoints and its evidence. A ledger that
//! does not agree with what was signed never takes over.

use std::path::PathBuf;

use crate::{
    channel::{ChannelDirectory, LEDGER_PREFIX, ledger_name},
    engine::options::LEDGER_TABLES,
    error::StorageError,
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
        self.volume().remove_directory(TEMPORARY)?;
        let store = self.volume().create_store(TEMPORARY, LEDGER_TABLES)?;
        let ledger = Ledger::create_on(store, identity)?;
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
        drop(self.ledger);
        Ok(self.directory.volume().remove_directory(TEMPORARY)?)
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
        let volume = directory.volume();
        let raft_log = directory.raft_log(&identity)?;
        let applied = ledger.head().map_or(0, |head| head.applied.index);
        if applied < raft_log.mark().index {
            return Err(StorageError::Compacted { first: raft_log.first_index() });
        }
        let missing = || StorageError::Missing { path: volume.path().to_owned() };
        let current = directory.current()?.ok_or_else(missing)?;
        let damaged = volume.open_store(&current, LEDGER_TABLES)?;
        ledger.take_over(&damaged.view())?;
        drop((damaged, ledger));
        if raft_log.announced_install()?.is_some() {
            raft_log.abandon_install()?;
        }
        let free = |name: &String| !volume.exists(name);
        let name = (applied..).map(ledger_name).find(free).ok_or_else(missing)?;
        volume.publish(TEMPORARY, &name)?;
        directory.use_ledger(&name)?;
        let aside = |number: u64| format!("damaged-{number}-{current}");
        debug_assert!(!aside(1).starts_with(LEDGER_PREFIX), "or the next start would remove it");
        let aside = (1..).map(aside).find(free).ok_or_else(missing)?;
        volume.publish(&current, &aside)?;
        Ok(volume.path().join(aside))
    }
}
