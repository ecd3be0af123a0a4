//! The log writer: makes the Raft log durable, several tasks with one fsync.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use precinto_consensus::{Input, SnapshotMark, WriteTask};
use precinto_storage::{HardState, LogBatch, LogEntry, RaftLog};

use super::{disk::Disk, metrics::Metrics, owner, raft::RaftHandle, snapshots::NotInstalled};

/// Tasks merged into one write at most.
const MAX_TASKS: usize = 64;

/// Payload merged into one write at most: an fsync of more takes longer than it saves.
const MAX_BYTES: usize = 1024 * 1024;

/// What the log writer is asked.
pub(super) enum LogJob {
    /// A task of the replica.
    Write(WriteTask),
    /// Drop the log up to this entry.
    Compact(SnapshotMark),
}

/// Starts the thread. `install` makes a staged snapshot the ledger; it runs before the log starts
/// anew after it. Where it does not, the log ends as it is: nothing more is written, so nothing more
/// is promised to anybody, while the node goes on answering what it knows.
pub(super) fn start(
    parts: LogParts,
    install: impl FnMut(SnapshotMark) -> Result<(), NotInstalled> + Send + 'static,
) -> mpsc::Sender<LogJob> {
    let (sender, jobs) = mpsc::channel();
    let writer = Writer { parts, install };
    owner::spawn("raft-log-writer", move || {
        if writer.run(&jobs).is_err() {
            tracing::error!("the raft log ends: a snapshot cannot take over on a halted node");
            jobs.into_iter().for_each(drop);
        }
    });
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

impl<I: FnMut(SnapshotMark) -> Result<(), NotInstalled>> Writer<I> {
    fn run(mut self, jobs: &mpsc::Receiver<LogJob>) -> Result<(), NotInstalled> {
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    LogJob::Compact(mark) => self.compact(mark),
                    LogJob::Write(task) => next = self.write(task, jobs)?,
                }
            }
        }
        Ok(())
    }

    /// Writes `first` and what waits behind it; returns a job that does not belong to the batch.
    fn write(
        &mut self,
        first: WriteTask,
        jobs: &mpsc::Receiver<LogJob>,
    ) -> Result<Option<LogJob>, NotInstalled> {
        let mut number = first.number;
        let mut bytes = size(&first);
        if let Some(mark) = first.snapshot {
            (self.install)(mark)?;
        }
        let mut batches = vec![batch(first)];
        let mut left = None;
        while batches.len() < MAX_TASKS && bytes < MAX_BYTES {
            match jobs.try_recv() {
                Ok(LogJob::Write(task)) if task.snapshot.is_none() => {
                    number = task.number;
                    bytes += size(&task);
                    batches.push(batch(task));
                }
                Ok(other) => {
                    left = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        if let Err(error) = self.parts.disk.before_write() {
            tracing::error!(%error, "the disk cannot be looked at");
        }
        let started = Instant::now();
        if let Err(error) = self.parts.log.append(&batches) {
            owner::halt(&format!("the raft log cannot be written: {error}"));
        }
        self.parts.metrics.storage.log_write.observe(started.elapsed().as_secs_f64());
        self.parts.raft.own(Input::Persisted(number));
        Ok(left)
    }

    fn compact(&self, mark: SnapshotMark) {
        if let Err(error) = self.parts.log.compact_to(mark.index) {
            owner::halt(&format!("the raft log cannot be compacted: {error}"));
        }
    }
}

fn batch(task: WriteTask) -> LogBatch {
    let mark =
        |mark: SnapshotMark| precinto_storage::SnapshotMark { index: mark.index, term: mark.term };
    LogBatch {
        snapshot: task.snapshot.map(mark),
        truncate_from: task.truncate_from,
        entries: task
            .entries
            .into_iter()
            .map(|e| LogEntry { index: e.index, term: e.term, payload: e.payload })
            .collect(),
        hard_state: task.hard_state.map(|h| HardState {
            term: h.term,
            vote: h.vote,
            commit: h.commit,
        }),
        sync: true,
    }
}

fn size(task: &WriteTask) -> usize {
    task.entries.iter().map(|entry| entry.payload.len()).sum()
}
