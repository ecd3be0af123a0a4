//! The log writer: makes the Raft log durable, several tasks with one fsync.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use precinto_consensus::{Input, SnapshotMark, WriteTask};
use precinto_core::log::Gathered;
use precinto_storage::RaftLog;

use super::{disk::Disk, metrics::Metrics, owner, raft::RaftHandle, snapshots::NotInstalled};

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
        if let Some(mark) = first.snapshot {
            (self.install)(mark)?;
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
        Ok(left)
    }

    fn compact(&self, mark: SnapshotMark) {
        if let Err(error) = self.parts.log.compact_to(mark.index) {
            owner::halt(&format!("the raft log cannot be compacted: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use precinto_consensus::{Config, LogEntry, Margin, Replica};
    use precinto_core::LogPort;
    use precinto_protocol::{
        block::Origin,
        hash::Hash,
        keys::SigningKey,
        membership::Membership,
        registry::{Node, NodeRole},
    };
    use precinto_storage::{StorageIdentity, memory::MemoryDisk};

    use super::{super::raft, *};

    fn replica(log: &RaftLog) -> Replica<LogPort> {
        let signing_key = SigningKey::from_seed(&[1; 32]);
        let node = Node {
            id: 1,
            member: "uy".into(),
            role: NodeRole::Voter,
            identity_key: signing_key.public().to_bytes(),
            network_key: [0; 32],
            attestation_key: [0; 32],
            addresses: Vec::new(),
            storage_id: [1; 16],
            retired_ms: None,
        };
        let config = Config {
            node: 1,
            membership: Membership { voters: [1].into(), ..Membership::default() },
            nodes: vec![node],
            contacts: Default::default(),
            signing_key,
            origin: Origin { channel: Hash::ZERO, epoch: 0 },
            seed: 1,
            margin: Margin { entries: 8, ..Margin::default() },
        };
        let nothing =
            precinto_consensus::Applied { index: 0, term: 0, content: Hash::ZERO, time_ms: 0 };
        Replica::new(config, LogPort(log.clone()), nothing).unwrap()
    }

    #[test]
    fn where_a_snapshot_cannot_take_over_the_log_ends_as_it_is() {
        let identity = StorageIdentity { storage_id: [1; 16], node: 1, genesis: Hash::ZERO };
        let log = RaftLog::create_in_memory(&MemoryDisk::new(), identity).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (raft, _inbox) = raft::channel(&replica(&log));
        let parts = LogParts {
            log: log.clone(),
            raft,
            disk: Arc::new(Disk::open(directory.path(), 1 << 16).unwrap()),
            metrics: Metrics::register(&prometheus::Registry::new()).unwrap(),
        };
        let task = |number, snapshot| WriteTask {
            number,
            snapshot,
            truncate_from: None,
            entries: match snapshot {
                None => vec![LogEntry { index: number, term: 1, payload: Vec::new() }],
                Some(_) => Vec::new(),
            },
            hard_state: None,
        };
        let (sender, jobs) = mpsc::channel();
        for task in [task(1, None), task(2, Some(SnapshotMark { index: 9, term: 1 }))] {
            sender.send(LogJob::Write(task)).unwrap();
        }
        let ended = Writer { parts, install: |_| Err(NotInstalled) }.run(&jobs);
        assert!(ended.is_err());
        assert_eq!((log.mark().index, log.last_index()), (0, 1));
    }
}
