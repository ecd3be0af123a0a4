//! A snapshot on its way in.
//!
//! At most one is downloaded or staged, for the replica takes no other offer meanwhile. On disk are
//! the ledger in use and at most one more: what is being filled or staged, or what a failed
//! download, a discarded snapshot or an installation left, which goes when the next download begins
//! or [some time](GRACE) after the installation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use precinto_consensus::SnapshotMark;
use precinto_protocol::identity::NodeId;
use precinto_storage::{
    ChannelDirectory, LedgerInstall, StagedLedger, StorageError, StorageIdentity,
    snapshot::Manifest,
};

/// How long a replaced ledger stays on disk: longer than any query reads it.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// How long a peer whose snapshot was refused is not asked again: a liar must not keep this node
/// busy with downloads, and a peer that was put right is to be of use again.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// A ledger that was checked, and what execution rebuilt of it meanwhile.
pub(super) struct Staged<E> {
    /// Beside the ledger in use.
    pub ledger: StagedLedger,
    /// What execution keeps in memory.
    pub executor: E,
}

/// See the module.
pub(super) struct Staging<E>(Mutex<State<E>>);

impl<E> Default for Staging<E> {
    fn default() -> Self {
        Staging(Mutex::new(State { staged: None, replaced: None }))
    }
}

struct State<E> {
    staged: Option<(SnapshotMark, Staged<E>)>,
    /// When an installation left the replaced ledger behind; `None` if it is removed or a download
    /// began since.
    replaced: Option<Instant>,
}

impl<E> Staging<E> {
    /// Makes room for a snapshot: whatever came before is over.
    ///
    /// # Errors
    /// I/O errors.
    pub(super) fn begin(
        &self,
        directory: &ChannelDirectory,
        identity: StorageIdentity,
        manifest: Manifest,
    ) -> Result<LedgerInstall, StorageError> {
        let mut state = self.state();
        // Closed before its files are removed.
        *state = State { staged: None, replaced: None };
        directory.remove_leftovers()?;
        directory.begin_install(identity, manifest)
    }

    /// Keeps a complete snapshot until the replica installs or discards it.
    pub(super) fn stage(&self, mark: SnapshotMark, staged: Staged<E>) {
        self.state().staged = Some((mark, staged));
    }

    /// Drops the staged snapshot of this index, if there is one.
    pub(super) fn discard(&self, index: u64) {
        self.state().staged.take_if(|(mark, _)| mark.index == index);
    }

    /// Hands out the staged snapshot of this mark.
    pub(super) fn take(&self, mark: SnapshotMark) -> Option<Staged<E>> {
        self.state().staged.take_if(|(at, _)| *at == mark).map(|(_, staged)| staged)
    }

    /// Notes that the snapshot handed out took the place of the ledger.
    pub(super) fn installed(&self) {
        self.state().replaced = Some(Instant::now());
    }

    /// Removes a ledger that was replaced at least `grace` ago.
    ///
    /// # Errors
    /// I/O errors.
    pub(super) fn sweep(
        &self,
        directory: &ChannelDirectory,
        grace: Duration,
    ) -> Result<(), StorageError> {
        // Held meanwhile, so that no download begins whose files would be taken for leftovers.
        let mut state = self.state();
        match state.replaced.take_if(|since| since.elapsed() >= grace) {
            Some(_) => directory.remove_leftovers(),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Peers whose snapshot was refused, and when. Bounded by the nodes of the group.
#[derive(Default)]
pub(super) struct Refused(Mutex<BTreeMap<NodeId, Instant>>);

impl Refused {
    pub(super) fn note(&self, peer: NodeId) {
        self.peers().insert(peer, Instant::now());
    }

    /// Whether it was within [`REFUSED_PAUSE`].
    pub(super) fn lately(&self, peer: NodeId) -> bool {
        self.peers().get(&peer).is_some_and(|since| since.elapsed() < REFUSED_PAUSE)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<NodeId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
