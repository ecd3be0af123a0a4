//! Whether this node must not go on: it found itself inconsistent, or a majority of the members
//! signed another history than the one it computed. And, passing by themselves, a full disk and a
//! wrong clock.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, bail};
use precinto_consensus::Fitness;

use super::boot::HALTED_FILE as FILE;

/// Set once, kept on disk: a restart must not make a node forget that it was wrong.
#[derive(Clone)]
pub(super) struct Halt {
    directory: PathBuf,
    reason: Arc<OnceLock<String>>,
    disputed: Arc<AtomicBool>,
    disk_full: Arc<AtomicBool>,
    clock_off: Arc<AtomicBool>,
}

/// Why a node takes no transactions in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WritesStopped {
    /// It does not execute any more.
    #[error("the node halted and executes nothing more")]
    Halted,
    /// Half of the members signed another history: nobody knows yet whose is true.
    #[error("half of the members signed another history than this node computed")]
    Disputed,
    /// There is no room for more on its disk.
    #[error("this node's disk is full")]
    DiskFull,
}

impl Halt {
    /// Of the channel in `data`. Refuses a channel that halted before, and one of which it cannot
    /// tell.
    pub(super) fn open(data: &Path) -> anyhow::Result<Halt> {
        let file = data.join(FILE);
        match std::fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
            Ok(reason) => bail!(
                "this node halted: {}\nCompare its evidence with the other members before you \
                 remove {} or let it join again as a new node",
                String::from_utf8_lossy(&reason).trim(),
                file.display()
            ),
        }
        Ok(Halt {
            directory: data.to_owned(),
            reason: Arc::default(),
            disputed: Arc::default(),
            disk_full: Arc::default(),
            clock_off: Arc::default(),
        })
    }

    /// Why the node halted, if it did.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Notes whether half of the members contradict this node.
    pub(super) fn dispute(&self, disputed: bool) {
        self.disputed.store(disputed, Ordering::Relaxed);
    }

    /// Notes whether the disk is full; whether that is news.
    pub(super) fn set_disk_full(&self, full: bool) -> bool {
        self.disk_full.swap(full, Ordering::SeqCst) != full
    }

    /// Whether the disk is full.
    pub(super) fn disk_full(&self) -> bool {
        self.disk_full.load(Ordering::SeqCst)
    }

    /// Notes whether this node's clock is wrong; whether that is news.
    pub(super) fn set_clock_off(&self, off: bool) -> bool {
        self.clock_off.swap(off, Ordering::SeqCst) != off
    }

    /// Whether this node's clock is wrong.
    pub(super) fn clock_off(&self) -> bool {
        self.clock_off.load(Ordering::SeqCst)
    }

    /// What the replica may do at the moment.
    pub(super) fn fitness(&self) -> Fitness {
        match (self.disk_full(), self.clock_off()) {
            (true, _) => Fitness::Serve,
            (false, true) => Fitness::Follow,
            (false, false) => Fitness::Lead,
        }
    }

    /// Why this node must not take transactions in, if so.
    pub(super) fn writes_stopped(&self) -> Option<WritesStopped> {
        if self.reason().is_some() {
            return Some(WritesStopped::Halted);
        }
        if self.disputed.load(Ordering::Relaxed) {
            return Some(WritesStopped::Disputed);
        }
        self.disk_full().then_some(WritesStopped::DiskFull)
    }

    /// Halts execution and attestation. The node goes on answering what it knows. The first reason
    /// stays.
    pub(super) fn set(&self, reason: String) {
        tracing::error!(%reason, "halted");
        if self.reason.set(reason.clone()).is_err() {
            return;
        }
        if let Err(error) = self.note(&reason) {
            tracing::error!(%error, "the halt could not be noted on disk");
        }
    }

    /// Synced, with the directory that names it.
    fn note(&self, reason: &str) -> io::Result<()> {
        let mut file = File::create(self.directory.join(FILE))?;
        file.write_all(reason.as_bytes())?;
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dispute_stops_writes_until_it_is_settled_and_a_halt_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let halt = Halt::open(dir.path()).unwrap();
        assert_eq!(halt.writes_stopped(), None);
        halt.dispute(true);
        assert_eq!(halt.writes_stopped(), Some(WritesStopped::Disputed));
        halt.dispute(false);
        assert_eq!(halt.writes_stopped(), None);
        halt.set("roots differ".into());
        assert_eq!(halt.writes_stopped(), Some(WritesStopped::Halted));
    }

    #[test]
    fn a_full_disk_and_a_wrong_clock_pass() {
        let dir = tempfile::tempdir().unwrap();
        let halt = Halt::open(dir.path()).unwrap();
        assert_eq!(halt.fitness(), Fitness::Lead);
        assert!(halt.set_clock_off(true) && !halt.set_clock_off(true), "news once");
        assert_eq!((halt.fitness(), halt.writes_stopped()), (Fitness::Follow, None));
        assert!(halt.set_disk_full(true));
        let stopped = Some(WritesStopped::DiskFull);
        assert_eq!((halt.fitness(), halt.writes_stopped()), (Fitness::Serve, stopped));
        assert!(halt.set_disk_full(false) && halt.set_clock_off(false));
        assert_eq!((halt.fitness(), halt.writes_stopped()), (Fitness::Lead, None));
    }

    fn refusal(data: &Path) -> String {
        format!("{:#}", Halt::open(data).err().unwrap())
    }

    #[test]
    fn a_halt_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let halt = Halt::open(dir.path()).unwrap();
        assert_eq!(halt.reason(), None);
        halt.set("roots differ".into());
        halt.set("later".into());
        assert_eq!(halt.reason(), Some("roots differ"));
        let refused = refusal(dir.path());
        assert!(refused.contains("roots differ") && !refused.contains("later"), "{refused}");
    }

    #[test]
    fn a_note_that_says_nothing_still_halts() {
        let dir = tempfile::tempdir().unwrap();
        for garbage in [&b""[..], b"\xff\xfe"] {
            std::fs::write(dir.path().join(FILE), garbage).unwrap();
            assert!(refusal(dir.path()).contains("halted"));
        }
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(refusal(dir.path()).contains("cannot read"));
    }
}
