//! The log writer: makes the Raft log durable, several tasks with one fsync.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use precinto_consensus::{Input, SnapshotMark, WriteTask};
use precinto_core::log::Gathered;
use precinto_storage::RaftLog;

use super::{disk::Disk, metrics::Metrics, owner, raft::RaftHandle};

/// What the log writer is asked.
pub(super) enum LogJob {
    /// A task of the replica.
    Write(WriteTask),
    /// Drop the log up to this entry.
    Compact(SnapshotMark),
}

/// Starts the thread. `install` makes a staged snapshot the ledger; it runs before the log starts
/// anew after it.
pub(super) fn start(
    parts: LogParts,
    install: impl FnMut(SnapshotMark) + Send + 'static,
) -> mpsc::Sender<LogJob> {
    let (sender, jobs) = mpsc::channel();
    let writer = Writer { parts, install };
    owner::spawn("raft-log-writer", move || writer.run(&jobs));
    sender
}

/// What the log writer owns and tells.
pub(super) struct LogParts {
    /// The log.
    pub log: RaftLog,
    /// Told what is on disk.
    pub raft: RaftHandle,
    /// Where the log is.
    pub disk: Arc<Disk>,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

struct Writer<I> {
    parts: LogParts,
    install: I,
}

impl<I: FnMut(SnapshotMark)> Writer<I> {
    fn run(mut self, jobs: &mpsc::Receiver<LogJob>) {
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    LogJob::Compact(mark) => self.compact(mark),
                    LogJob::Write(task) => next = self.write(task, jobs),
                }
            }
        }
    }

    /// Writes `first` and what waits behind it; returns a job that does not belong to the batch.
    fn write(&mut self, first: WriteTask, jobs: &mpsc::Receiver<LogJob>) -> Option<LogJob> {
        if let Some(mark) = first.snapshot {
            (self.install)(mark);
        }
        let mut gathered = Gathered::new(first);
        let mut left = None;
        while !gathered.is_full() && left.is_none() {
            left = match jobs.try_recv() {
                Ok(LogJob::Write(task)) => gathered.add(task).err().map(LogJob::Write),
                Ok(other) => Some(other),
                Err(_) => break,
            };
        }
        if let Err(error) = self.parts.disk.before_write() {
            tracing::error!(%error, "the disk cannot be looked at");
        }
        let started = Instant::now();
        let number = match gathered.write(&self.parts.log) {
            Ok(number) => number,
            Err(error) => owner::halt(&format!("the raft log cannot be written: {error}")),
        };
        self.parts.metrics.storage.log_write.observe(started.elapsed().as_secs_f64());
        self.parts.raft.own(Input::Persisted(number));
        left
    }

    fn compact(&self, mark: SnapshotMark) {
        if let Err(error) = self.parts.log.compact_to(mark.index) {
            owner::halt(&format!("the raft log cannot be compacted: {error}"));
        }
    }
}
