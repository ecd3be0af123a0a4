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

#[cfg(test)]
mod tests {
    use precinto_protocol::hash::Hash;
    use precinto_storage::{StorageIdentity, memory::MemoryDisk};

    use super::*;

    fn task(number: u64, payload: usize) -> WriteTask {
        let entry =
            precinto_consensus::LogEntry { index: number, term: 1, payload: vec![7; payload] };
        WriteTask {
            number,
            snapshot: None,
            truncate_from: None,
            entries: vec![entry],
            hard_state: None,
        }
    }

    #[test]
    fn tasks_share_a_write_up_to_its_limits() {
        let disk = MemoryDisk::new();
        let identity = StorageIdentity { storage_id: [1; 16], node: 1, genesis: Hash::ZERO };
        let log = RaftLog::create_in_memory(&disk, identity).unwrap();
        let mut gathered = Gathered::new(task(1, 10));
        for number in 2..=MAX_TASKS as u64 {
            assert!(gathered.add(task(number, 10)).is_ok(), "{number}");
        }
        let refused = gathered.add(task(MAX_TASKS as u64 + 1, 10)).unwrap_err();
        assert_eq!(refused.number, MAX_TASKS as u64 + 1);
        assert_eq!(gathered.write(&log).unwrap(), MAX_TASKS as u64);
        // Safe from now on.
        assert_eq!((log.last_index(), disk.pending_writes()), (MAX_TASKS as u64, 0));

        let mut large = Gathered::new(task(65, MAX_BYTES));
        assert!(large.is_full() && large.add(task(66, 0)).is_err());
    }

    #[test]
    fn a_task_that_starts_the_log_anew_begins_a_write() {
        let mark = precinto_consensus::SnapshotMark { index: 9, term: 1 };
        let anew = || WriteTask { snapshot: Some(mark), ..task(2, 0) };
        let mut gathered = Gathered::new(task(1, 0));
        assert!(gathered.add(anew()).is_err());
        let mut gathered = Gathered::new(anew());
        assert!(gathered.add(task(3, 0)).is_ok());
    }
}
