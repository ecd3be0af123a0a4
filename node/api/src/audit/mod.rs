//! The audit trail: who read which records at this node, and who changed accounts.
//!
//! # Mental model
//! A handler that answers with records hands an [`Act`] to the [`Trail`] before it answers; the
//! queue is bounded, and when it is full or lines cannot be written the read is refused, because an
//! unaudited read must not happen. The [`TrailWriter`], on a thread of its own, numbers the acts,
//! chains them by hashes and appends them as JSON Lines to files in one directory, named after
//! their first line. Files are synced shortly after; a power failure can lose the last moments, a
//! crash of the process the last milliseconds. Nothing here ever removes a file: retention is the operator's.

mod entry;
mod search;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool, atomic::Ordering, mpsc},
};

pub use entry::{Act, BrokenTrail, Entry, Head, Kind, verify};
pub(crate) use search::Search;
pub use writer::TrailWriter;

/// Acts that wait for the writer: what arrives during the sync of a slow disk, some hundred bytes
/// each.
const QUEUE: usize = 8_192;

/// The trail cannot take an act: what it tells of must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail cannot be written at the moment")]
pub struct Unavailable;

/// The trail cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Its directory or newest file cannot be used.
    #[error("audit trail in {}: {error}", .directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The end of the newest file is not what the node wrote.
    #[error("{}: {reason}; look at it with `precinto audit verify`, and move it away to begin a new trail", .file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong with its last line.
        reason: &'static str,
    },
}

/// Takes acts. Clones share everything.
#[derive(Clone)]
pub struct Trail {
    acts: mpsc::SyncSender<Act>,
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    head: Mutex<Head>,
    /// The last write failed.
    failing: AtomicBool,
}

impl Trail {
    /// Opens the trail in `directory`, which is made if it is not there. The writer must be run on
    /// a thread of its own; it ends when every clone of the trail is gone.
    ///
    /// # Errors
    /// See [`TrailError`].
    pub fn open(directory: &Path) -> Result<(Trail, TrailWriter), TrailError> {
        let (acts, inbox) = mpsc::sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            directory: directory.into(),
            head: Mutex::new(Head::EMPTY),
            failing: AtomicBool::new(false),
        });
        let writer = TrailWriter::open(inbox, shared.clone())?;
        Ok((Trail { acts, shared }, writer))
    }

    /// Takes an act, or says that it must not happen. Never waits.
    ///
    /// # Errors
    /// If the queue is full or lines cannot be written.
    pub(crate) fn record(&self, act: Act) -> Result<(), Unavailable> {
        if self.shared.failing.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        self.acts.try_send(act).map_err(|_| Unavailable)
    }

    /// The last line that was written.
    pub(crate) fn head(&self) -> Head {
        *self.shared.head()
    }

    /// Where its files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.shared.directory
    }
}

impl Shared {
    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name of the file that begins with line `seq`; names sort as numbers do.
fn file_name(seq: u64) -> String {
    format!("trail-{seq:020}.jsonl")
}

/// The trail's files by the number of their first line.
fn files(directory: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("trail-")?.strip_suffix(".jsonl")?.parse::<u64>().ok()
        });
        found.extend(number.filter(|first| name.to_str() == Some(&file_name(*first))));
    }
    found.sort_unstable();
    Ok(found)
}
