//! The log writer: tasks gather while an fsync is under way.

use std::collections::VecDeque;

use precinto_consensus::{Input, SnapshotMark, WriteTask};
use precinto_core::log::Gathered;

use super::{Process, execute::Work};
use crate::{
    event::Wake,
    stage::{Stage, Step},
};

enum Job {
    Write(WriteTask),
    Compact(SnapshotMark),
}

/// What the log writer is at.
#[derive(Default)]
enum Busy {
    #[default]
    No,
    /// The apply thread installs a snapshot, after which the log starts anew with this task.
    Installing(WriteTask),
    /// An fsync is under way.
    Writing(Gathered),
}

/// What the log writer has to do.
#[derive(Default)]
pub(crate) struct Writer {
    jobs: VecDeque<Job>,
    busy: Busy,
}

impl Process {
    pub(super) fn write(&mut self, task: WriteTask, stage: &mut Stage) -> Step {
        self.writer.jobs.push_back(Job::Write(task));
        self.start_write(stage)
    }

    pub(super) fn compact(&mut self, mark: SnapshotMark, stage: &mut Stage) -> Step {
        self.writer.jobs.push_back(Job::Compact(mark));
        self.start_write(stage)
    }

    fn start_write(&mut self, stage: &mut Stage) -> Step {
        while matches!(self.writer.busy, Busy::No)
            && let Some(job) = self.writer.jobs.pop_front()
        {
            match job {
                Job::Compact(mark) => self.raft_log.compact_to(mark.index)?,
                Job::Write(task) => match task.snapshot {
                    Some(mark) => {
                        self.writer.busy = Busy::Installing(task);
                        self.work(Work::Install(mark), stage);
                    }
                    None => self.start_fsync(task, stage),
                },
            }
        }
        Ok(())
    }

    fn start_fsync(&mut self, task: WriteTask, stage: &mut Stage) {
        let mut gathered = Gathered::new(task);
        while let Some(Job::Write(_)) = self.writer.jobs.front()
            && let Some(Job::Write(next)) = self.writer.jobs.pop_front()
        {
            if let Err(next) = gathered.add(next) {
                self.writer.jobs.push_front(Job::Write(next));
                break;
            }
        }
        self.writer.busy = Busy::Writing(gathered);
        let fsync = stage.parameters.fsync;
        let delay = if stage.calm { fsync.min(1_000) } else { stage.random.around(fsync) };
        self.wake(delay, Wake::Written, stage);
    }

    /// The snapshot is in use: the log may start anew.
    pub(super) fn snapshot_in_use(&mut self, stage: &mut Stage) {
        if let Busy::Installing(task) = std::mem::take(&mut self.writer.busy) {
            self.start_fsync(task, stage);
        }
    }

    pub(super) fn written(&mut self, stage: &mut Stage) -> Step {
        let Busy::Writing(gathered) = std::mem::take(&mut self.writer.busy) else { return Ok(()) };
        let number = gathered.write(&self.raft_log)?;
        stage.trace.event(stage.now, self.host.node, "wrote", number, &[]);
        stage.watch.raft.promised(self.host.node, number);
        self.feed(Input::Persisted(number), stage);
        self.start_write(stage)
    }

    /// The process ends in the middle of an fsync: what it wrote may have reached the disk, and
    /// nobody was told.
    pub(crate) fn write_unheard(&mut self) {
        if let Busy::Writing(gathered) = std::mem::take(&mut self.writer.busy) {
            // If it fails, it is not on the disk.
            let _ = gathered.write(&self.raft_log);
        }
    }
}
