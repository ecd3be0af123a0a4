//! The storage directory of one channel.
//!
//! ```text
//! raft/               the Raft log
//! ledger.current      names the ledger in use
//! ledger-<index>/     the ledger that starts at this Raft index: 0 from the genesis on, more
//!                     from a snapshot on
//! ledger-<index>.tmp/ a ledger being filled from a snapshot
//! snapshots/          snapshots to serve to peers
//! ```
//!
//! Replacing the file `ledger.current` is the moment at which another ledger takes over. Whatever
//! is not named by it is left over from an interruption and removed at the next start.

use std::{io, path::PathBuf, sync::Arc};

use precinto_protocol::{hash::Hash, identity::NodeId};

use crate::{
    engine::{
        Store,
        options::{LEDGER_TABLES, RAFT_TABLES},
    },
    error::StorageError,
    identity::StorageIdentity,
    ledger::{Ledger, LedgerView},
    memory::MemoryVolume,
    raft_log::{LogBatch, RaftLog, SnapshotMark},
    snapshot::{Manifest, SnapshotLoader},
    volume::{DiskVolume, Volume},
};

const RAFT: &str = "raft";
const RAFT_TEMPORARY: &str = "raft.tmp";
const CURRENT: &str = "ledger.current";
const LEDGER_PREFIX: &str = "ledger-";

/// The storage directory of one channel.
#[derive(Clone, Debug)]
pub struct ChannelDirectory {
    volume: Arc<dyn Volume>,
}

impl ChannelDirectory {
    /// The directory at `path`. Touches nothing.
    pub fn new(path: impl Into<PathBuf>) -> ChannelDirectory {
        ChannelDirectory { volume: Arc::new(DiskVolume(path.into())) }
    }

    /// The directory on a simulated volume. Its snapshots to serve are the simulation's part.
    pub fn in_memory(volume: MemoryVolume) -> ChannelDirectory {
        ChannelDirectory { volume: Arc::new(volume) }
    }

    /// Where snapshots to serve are kept.
    pub fn snapshots(&self) -> PathBuf {
        self.volume.path().join("snapshots")
    }

    /// Whether a node lives here. The Raft log is created last.
    pub fn exists(&self) -> bool {
        self.volume.exists(RAFT)
    }

    /// Creates the storage of a new node. What an interrupted creation left is replaced.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if a node lives here; [`StorageError::LogLost`] if one did and
    /// only its ledger is left; I/O errors.
    pub fn create(&self, identity: StorageIdentity) -> Result<(RaftLog, Ledger), StorageError> {
        let volume = &self.volume;
        if self.exists() {
            return Err(StorageError::Exists { path: volume.path().into() });
        }
        volume.create()?;
        if let Some(name) = self.current()? {
            let left = volume.open_store(&name, LEDGER_TABLES)?;
            if LedgerView::new(left.view()).head()?.is_some() {
                return Err(StorageError::LogLost { path: volume.path().into() });
            }
        }
        // Its name goes first: half a ledger that is named would stop the next attempt.
        volume.remove_file(CURRENT)?;
        let (name, temporary) = (ledger_name(0), temporary_name(0));
        volume.remove_directory(&name)?;
        volume.remove_directory(&temporary)?;
        drop(Ledger::create_on(volume.create_store(&temporary, LEDGER_TABLES)?, identity)?);
        volume.publish(&temporary, &name)?;
        volume.replace(CURRENT, name.as_bytes())?;
        volume.remove_directory(RAFT_TEMPORARY)?;
        drop(RaftLog::create_on(volume.create_store(RAFT_TEMPORARY, RAFT_TABLES)?, identity)?);
        volume.publish(RAFT_TEMPORARY, RAFT)?;
        self.open(identity.node, &identity.genesis)
    }

    /// Opens the storage of `node` on the network of `genesis`, and completes or abandons the
    /// installation of a snapshot that was interrupted.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::LogLost`], [`StorageError::Foreign`],
    /// [`StorageError::Corrupt`] and I/O errors.
    pub fn open(&self, node: NodeId, genesis: &Hash) -> Result<(RaftLog, Ledger), StorageError> {
        let current = self.current()?;
        if !self.exists() {
            let path = self.volume.path().into();
            return Err(match current {
                Some(_) => StorageError::LogLost { path },
                None => StorageError::Missing { path },
            });
        }
        let name = current
            .ok_or_else(|| StorageError::Missing { path: self.volume.path().join(CURRENT) })?;
        let raft_log = self.volume.open_store(RAFT, RAFT_TABLES)?;
        let raft_log = RaftLog::open(raft_log, &self.volume.path().join(RAFT), node, genesis)?;
        let ledger = self.open_ledger(&name, raft_log.identity())?;
        if let Some(mark) = raft_log.announced_install()? {
            if name == ledger_name(mark.index) && !holds(&raft_log, mark)? {
                let reset = LogBatch { snapshot: Some(mark), sync: true, ..LogBatch::default() };
                raft_log.append(&[reset])?;
            } else {
                raft_log.abandon_install()?;
            }
        }
        self.remove_leftovers()?;
        Ok((raft_log, ledger))
    }

    /// Starts to install a snapshot beside the ledger in use.
    ///
    /// # Errors
    /// I/O errors.
    pub fn begin_install(
        &self,
        identity: StorageIdentity,
        manifest: Manifest,
    ) -> Result<LedgerInstall, StorageError> {
        let name = temporary_name(manifest.applied.index);
        self.volume.remove_directory(&name)?;
        let store = self.volume.create_store(&name, LEDGER_TABLES)?;
        let loader = SnapshotLoader::on(store.clone(), identity, manifest)?;
        Ok(LedgerInstall { directory: self.clone(), loader, store })
    }

    /// Removes ledgers that are not in use. For use at start, and after an installation once all
    /// handles and views of the replaced ledger are dropped.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove_leftovers(&self) -> Result<(), StorageError> {
        let current = self.current()?;
        for name in self.volume.directories()? {
            if name.starts_with(LEDGER_PREFIX) && current.as_deref() != Some(&*name) {
                self.volume.remove_directory(&name)?;
            }
        }
        Ok(())
    }

    fn open_ledger(&self, name: &str, identity: &StorageIdentity) -> Result<Ledger, StorageError> {
        let store = self.volume.open_store(name, LEDGER_TABLES)?;
        Ledger::open(store, &self.volume.path().join(name), identity)
    }

    /// The name of the ledger in use.
    fn current(&self) -> Result<Option<String>, StorageError> {
        let name = match self.volume.read(CURRENT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            name => name?,
        };
        let number = name.strip_prefix(LEDGER_PREFIX).and_then(|index| index.parse().ok());
        if number.is_none_or(|index| ledger_name(index) != name) {
            return Err(StorageError::corrupt(CURRENT, b"", "does not name a ledger"));
        }
        Ok(Some(name))
    }
}

/// Whether the log holds the snapshot's last entry, or is past it. Then what follows in the log
/// was promised to peers and stays; otherwise the log is of a history that the snapshot overtook.
fn holds(raft_log: &RaftLog, mark: SnapshotMark) -> Result<bool, StorageError> {
    match raft_log.term(mark.index) {
        Ok(term) => Ok(term == mark.term),
        Err(StorageError::Compacted { .. }) => Ok(true),
        Err(StorageError::Unavailable { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn ledger_name(index: u64) -> String {
    format!("{LEDGER_PREFIX}{index}")
}

fn temporary_name(index: u64) -> String {
    format!("{LEDGER_PREFIX}{index}.tmp")
}

/// A snapshot being installed.
pub struct LedgerInstall {
    directory: ChannelDirectory,
    loader: SnapshotLoader,
    store: Store,
}

impl LedgerInstall {
    /// Where the chunks go.
    pub fn loader(&mut self) -> &mut SnapshotLoader {
        &mut self.loader
    }

    /// Completes the snapshot's ledger, lets it take the place of `old` and opens it. A crash at
    /// any point leaves the one or the other in use.
    ///
    /// The caller then resets the Raft log with a [`LogBatch`] that has the same mark; should it
    /// not get there, [`ChannelDirectory::open`] does it. `old` takes no more writes; its
    /// directory is removed by [`ChannelDirectory::remove_leftovers`] or at the next start.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] if the node is past the snapshot, and as
    /// [`SnapshotLoader::finish`]; I/O errors, after which the process starts anew.
    pub fn activate(
        self,
        raft_log: &RaftLog,
        old: &Ledger,
        check: impl FnOnce(&LedgerView) -> Result<(), StorageError>,
    ) -> Result<Ledger, StorageError> {
        let swap = self.complete(raft_log, old, check)?;
        swap.run(SWAP_STEPS.len())?;
        swap.directory.open_ledger(&ledger_name(swap.mark.index), raft_log.identity())
    }

    pub(crate) fn complete(
        self,
        raft_log: &RaftLog,
        old: &Ledger,
        check: impl FnOnce(&LedgerView) -> Result<(), StorageError>,
    ) -> Result<Swap, StorageError> {
        let LedgerInstall { directory, loader, store } = self;
        let mark = loader.manifest().applied;
        let applied = old.head().map_or(0, |head| head.applied.index);
        if mark.index <= applied || mark.index < raft_log.hard_state().commit {
            return Err(StorageError::BadSnapshot("the node is past it".into()));
        }
        loader.finish(old, check)?;
        assert!(store.is_sole(), "no view of the new ledger is kept while it is moved");
        drop(store);
        Ok(Swap { directory, raft_log: raft_log.clone(), mark })
    }
}

/// The steps by which a completed ledger takes over, each safe to be the last.
pub(crate) struct Swap {
    directory: ChannelDirectory,
    raft_log: RaftLog,
    mark: SnapshotMark,
}

pub(crate) type SwapStep = fn(&Swap) -> Result<(), StorageError>;

pub(crate) const SWAP_STEPS: [SwapStep; 3] = [Swap::announce, Swap::publish, Swap::take_over];

impl Swap {
    pub(crate) fn run(&self, steps: usize) -> Result<(), StorageError> {
        SWAP_STEPS.iter().take(steps).try_for_each(|step| step(self))
    }

    fn announce(&self) -> Result<(), StorageError> {
        self.raft_log.announce_install(self.mark)
    }

    fn publish(&self) -> Result<(), StorageError> {
        let (temporary, name) = (temporary_name(self.mark.index), ledger_name(self.mark.index));
        // A ledger of that name was published by an attempt that ended before it took over.
        self.directory.volume.remove_directory(&name)?;
        Ok(self.directory.volume.publish(&temporary, &name)?)
    }

    fn take_over(&self) -> Result<(), StorageError> {
        let name = ledger_name(self.mark.index);
        Ok(self.directory.volume.replace(CURRENT, name.as_bytes())?)
    }
}
