//! The storage directory of one channel.
//!
//! ```text
//! raft/               the Raft log
//! ledger.current      names the ledger in use
//! ledger-<index>/     the ledger that starts at this Raft index: 0 from the genesis on, more
//!                     from a snapshot on; or one that was rebuilt and reached it
//! ledger-<index>.tmp/ a ledger being filled from a snapshot
//! damaged-<n>-ledger-<index>/  a ledger that was rebuilt, set aside for whoever asks why
//! snapshots/          snapshots to serve to peers
//! ```
//!
//! Replacing the file `ledger.current` is the moment at which another ledger takes over. Whatever
//! is not named by it is left over from an interruption and removed at the next start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use precinto_protocol::{hash::Hash, identity::NodeId};

use crate::{
    engine::{
        Store,
        options::{LEDGER_TABLES, RAFT_TABLES},
        rocks::RocksEngine,
    },
    error::StorageError,
    files,
    identity::StorageIdentity,
    ledger::{Ledger, LedgerView},
    raft_log::{LogBatch, RaftLog, SnapshotMark},
    snapshot::{LoadedSnapshot, Manifest, SnapshotLoader},
};

const RAFT: &str = "raft";
const CURRENT: &str = "ledger.current";
pub(crate) const LEDGER_PREFIX: &str = "ledger-";

/// What could be opened of a channel, and why the rest could not.
pub(crate) struct Parts {
    pub(crate) raft: Result<Store, StorageError>,
    pub(crate) ledger: Result<Store, StorageError>,
}

/// The storage directory of one channel.
#[derive(Clone, Debug)]
pub struct ChannelDirectory {
    path: PathBuf,
}

impl ChannelDirectory {
    /// The directory at `path`. Touches nothing.
    pub fn new(path: impl Into<PathBuf>) -> ChannelDirectory {
        ChannelDirectory { path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where snapshots to serve are kept.
    pub fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Whether a node lives here. The Raft log is created last.
    pub fn exists(&self) -> bool {
        self.path.join(RAFT).exists()
    }

    /// Creates the storage of a new node. What an interrupted creation left is replaced.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if a node lives here; [`StorageError::LogLost`] if one did and
    /// only its ledger is left; I/O errors.
    pub fn create(&self, identity: StorageIdentity) -> Result<(RaftLog, Ledger), StorageError> {
        if self.exists() {
            return Err(StorageError::Exists { path: self.path.clone() });
        }
        fs::create_dir_all(&self.path)?;
        if let Some(name) = self.current()? {
            let left = RocksEngine::open(&self.path.join(name), LEDGER_TABLES)?;
            if LedgerView::new(Store::new(left).view()).head()?.is_some() {
                return Err(StorageError::LogLost { path: self.path.clone() });
            }
        }
        // Its name goes first: half a ledger that is named would stop the next attempt.
        files::remove_file(&self.path, CURRENT)?;
        let (name, temporary) = (ledger_name(0), temporary_name(0));
        files::remove_directory(&self.path.join(&name))?;
        files::remove_directory(&self.path.join(&temporary))?;
        drop(Ledger::create(&self.path.join(&temporary), identity)?);
        files::publish(&self.path, &temporary, &name)?;
        files::replace(&self.path, CURRENT, name.as_bytes())?;
        files::remove_directory(&self.path.join("raft.tmp"))?;
        drop(RaftLog::create(&self.path.join("raft.tmp"), identity)?);
        files::publish(&self.path, "raft.tmp", RAFT)?;
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
            let path = self.path.clone();
            return Err(match current {
                Some(_) => StorageError::LogLost { path },
                None => StorageError::Missing { path },
            });
        }
        let name =
            current.ok_or_else(|| StorageError::Missing { path: self.path.join(CURRENT) })?;
        let raft_log = RaftLog::open(&self.path.join(RAFT), node, genesis)?;
        let ledger = Ledger::open(&self.path.join(&name), raft_log.identity())?;
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
        let path = self.path.join(temporary_name(manifest.applied.index));
        files::remove_directory(&path)?;
        let engine = RocksEngine::create(&path, LEDGER_TABLES)?;
        let loader = SnapshotLoader::on(Store::new(engine.clone()), identity, manifest)?;
        Ok(LedgerInstall { directory: self.clone(), loader, engine })
    }

    /// Removes ledgers that are not in use. For use at start, and after an installation once all
    /// handles and views of the replaced ledger are dropped.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove_leftovers(&self) -> Result<(), StorageError> {
        let current = self.current()?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_ledger = name.starts_with(LEDGER_PREFIX) && entry.file_type()?.is_dir();
            if is_ledger && current.as_deref() != Some(&*name) {
                files::remove_directory(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Both stores as they are, each opened by itself.
    pub(crate) fn parts(&self) -> Result<Parts, StorageError> {
        let current = self.current();
        if !self.exists() && matches!(current, Ok(None)) {
            return Err(StorageError::Missing { path: self.path.clone() });
        }
        let raft = RocksEngine::open(&self.path.join(RAFT), RAFT_TABLES).map(Store::new);
        let missing = || StorageError::Missing { path: self.path.join(CURRENT) };
        let ledger = current.and_then(|name| {
            let path = self.path.join(name.ok_or_else(missing)?);
            RocksEngine::open(&path, LEDGER_TABLES).map(Store::new)
        });
        Ok(Parts { raft, ledger })
    }

    /// The Raft log of a directory that is not otherwise opened.
    pub(crate) fn raft_log(&self, identity: &StorageIdentity) -> Result<RaftLog, StorageError> {
        RaftLog::open(&self.path.join(RAFT), identity.node, &identity.genesis)
    }

    /// From here on the ledger of this name is the one in use.
    pub(crate) fn use_ledger(&self, name: &str) -> Result<(), StorageError> {
        Ok(files::replace(&self.path, CURRENT, name.as_bytes())?)
    }

    /// The name of the ledger in use.
    pub(crate) fn current(&self) -> Result<Option<String>, StorageError> {
        let name = match fs::read_to_string(self.path.join(CURRENT)) {
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

pub(crate) fn ledger_name(index: u64) -> String {
    format!("{LEDGER_PREFIX}{index}")
}

fn temporary_name(index: u64) -> String {
    format!("{LEDGER_PREFIX}{index}.tmp")
}

/// A snapshot on its way in.
pub struct LedgerInstall {
    directory: ChannelDirectory,
    loader: SnapshotLoader,
    engine: RocksEngine,
}

impl LedgerInstall {
    /// Where the chunks go.
    pub fn loader(&mut self) -> &mut SnapshotLoader {
        &mut self.loader
    }

    /// Completes the snapshot's ledger, checks it and syncs it; see [`SnapshotLoader::verify`].
    ///
    /// # Errors
    /// As [`SnapshotLoader::verify`].
    pub fn verify(
        self,
        check: impl FnOnce(&LedgerView) -> Result<(), StorageError>,
    ) -> Result<StagedLedger, StorageError> {
        let LedgerInstall { directory, loader, engine } = self;
        Ok(StagedLedger { directory, loaded: loader.verify(check)?, engine })
    }
}

/// The ledger of a snapshot, checked and synced, beside the one in use.
pub struct StagedLedger {
    directory: ChannelDirectory,
    loaded: LoadedSnapshot,
    engine: RocksEngine,
}

impl StagedLedger {
    /// Lets the snapshot's ledger take the place of `old` and opens it: a copy of what is this
    /// node's own and a few renames. A crash at any point leaves the one or the other in use.
    ///
    /// The caller then resets the Raft log with a [`LogBatch`] that has the same mark; should it
    /// not get there, [`ChannelDirectory::open`] does it. `old` takes no more writes; its
    /// directory is removed by [`ChannelDirectory::remove_leftovers`] or at the next start.
    ///
    /// # Errors
    /// [`StorageError::BadSnapshot`] if the node is past the snapshot; I/O errors, after which the
    /// process starts anew.
    pub fn activate(self, raft_log: &RaftLog, old: &Ledger) -> Result<Ledger, StorageError> {
        let swap = self.complete(raft_log, old)?;
        swap.run(SWAP_STEPS.len())?;
        let ledger = swap.directory.path.join(ledger_name(swap.mark.index));
        Ledger::open(&ledger, raft_log.identity())
    }

    pub(crate) fn complete(self, raft_log: &RaftLog, old: &Ledger) -> Result<Swap, StorageError> {
        let StagedLedger { directory, loaded, engine } = self;
        let mark = loaded.mark();
        let applied = old.head().map_or(0, |head| head.applied.index);
        if mark.index <= applied || mark.index < raft_log.hard_state().commit {
            return Err(StorageError::BadSnapshot("the node is past it".into()));
        }
        loaded.take_over(old)?;
        assert_eq!(engine.holders(), 1, "no view of the new ledger is kept while it is moved");
        drop(engine);
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
        let path = &self.directory.path;
        // A ledger of that name was published by an attempt that ended before it took over.
        files::remove_directory(&path.join(&name))?;
        Ok(files::publish(path, &temporary, &name)?)
    }

    fn take_over(&self) -> Result<(), StorageError> {
        self.directory.use_ledger(&ledger_name(self.mark.index))
    }
}
