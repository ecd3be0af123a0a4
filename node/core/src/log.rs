//! Making the Raft log durable: several tasks of the replica with one fsync.

use precinto_consensus::WriteTask;
use precinto_storage::{HardState, LogBatch, LogEntry, RaftLog, SnapshotMark, StorageError};

use crate::mutated::mutated;

/// Tasks merged into one write at most.
const MAX_TASKS: usize = 64;

/// Payload merged into one write at most: an fsync of more takes longer than it saves.
const MAX_BYTES: usize = 1024 * 1024;

/// Write tasks that are made durable together.
pub struct Gathered {
    last: u64,
    bytes: usize,
    batches: Vec<LogBatch>,
}

impl Gathered {
    /// Begins with this task. If it starts the log anew after a snapshot
    /// ([`WriteTask::snapshot`]), that snapshot is the ledger by now.
    pub fn new(first: WriteTask) -> Gathered {
        let mut gathered = Gathered { last: 0, bytes: 0, batches: Vec::new() };
        gathered.push(first);
        gathered
    }

    /// Adds the task that follows, unless it must be written by itself: then it is handed back.
    ///
    /// # Errors
    /// The task, if there is no room for it or it starts the log anew.
    pub fn add(&mut self, task: WriteTask) -> Result<(), WriteTask> {
        if self.is_full() || task.snapshot.is_some() {
            return Err(task);
        }
        self.push(task);
        Ok(())
    }

    /// Whether nothing more should be added.
    pub fn is_full(&self) -> bool {
        self.batches.len() >= MAX_TASKS || self.bytes >= MAX_BYTES
    }

    /// Writes and syncs everything; returns the number to report with
    /// [`Input::Persisted`](precinto_consensus::Input::Persisted).
    ///
    /// # Errors
    /// The log's. Nothing more may be written then, nor anything be promised.
    pub fn write(self, log: &RaftLog) -> Result<u64, StorageError> {
        log.append(&self.batches)?;
        Ok(self.last)
    }

    fn push(&mut self, task: WriteTask) {
        self.last = task.number;
        self.bytes += task.entries.iter().map(|entry| entry.payload.len()).sum::<usize>();
        self.batches.push(batch(task));
    }
}

fn batch(task: WriteTask) -> LogBatch {
    let entry = |e: precinto_consensus::LogEntry| LogEntry {
        index: e.index,
        term: e.term,
        payload: e.payload,
    };
    LogBatch {
        snapshot: task.snapshot.map(|mark| SnapshotMark { index: mark.index, term: mark.term }),
        truncate_from: task.truncate_from,
        entries: task.entries.into_iter().map(entry).collect(),
        hard_state: task.hard_state.filter(|_| !mutated("forget-vote")).map(|state| HardState {
            term: state.term,
            vote: state.vote,
            commit: state.commit,
        }),
        sync: true,
    }
}
