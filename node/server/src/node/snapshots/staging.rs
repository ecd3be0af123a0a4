//! A snapshot on its way in.
//!
//! At most one is downloaded or staged, for the replica takes no other offer meanwhile. On disk are
//! the ledger in use and at most one more: what is being filled or staged, or what a failed
//! download, a discarded snapshot or an installation left, which goes when the next download begins
//! or [some time](GRACE) after the installation.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use precinto_consensus::SnapshotMark;
use precinto_storage::{
    ChannelDirectory, LedgerInstall, StorageError, StorageIdentity, snapshot::Manifest,
};

/// How long a replaced ledger stays on disk: longer than any query reads it.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub(super) struct Staging(Mutex<State>);

#[derive(Default)]
struct State {
    staged: Option<(SnapshotMark, LedgerInstall)>,
    /// When an installation left the replaced ledger behind; `None` if it is removed or a download
    /// began since.
    replaced: Option<Instant>,
}

impl Staging {
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
        *state = State::default();
        directory.remove_leftovers()?;
        directory.begin_install(identity, manifest)
    }

    /// Keeps a complete snapshot until the replica installs or discards it.
    pub(super) fn stage(&self, mark: SnapshotMark, install: LedgerInstall) {
        self.state().staged = Some((mark, install));
    }

    /// Drops the staged snapshot of this index, if there is one.
    pub(super) fn discard(&self, index: u64) {
        self.state().staged.take_if(|(mark, _)| mark.index == index);
    }

    /// Hands out the staged snapshot of this mark.
    pub(super) fn take(&self, mark: SnapshotMark) -> Option<LedgerInstall> {
        self.state().staged.take_if(|(staged, _)| *staged == mark).map(|(_, install)| install)
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
