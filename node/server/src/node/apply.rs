//! The apply thread: executes committed entries in order and tells what came of it.

use std::sync::{Arc, mpsc};

use precinto_core::{
    apply::{self, Done},
    pending::Pending,
};
use precinto_execution::{BlockEffects, Ledger as Executor};
use precinto_protocol::registry::Node;
use precinto_storage::Ledger;
use tokio::sync::watch;

use super::{disk::Disk, halt::Halt, metrics::Metrics, owner, raft::RaftHandle, waiters::Waiters};

/// Blocks between the verify thread and this one: enough to keep both busy.
pub(super) const QUEUE: usize = 64;

/// What the apply thread is asked.
pub(super) enum Job {
    /// To execute an entry.
    Entry {
        /// The entry.
        job: apply::Job,
        /// Bytes of its block.
        bytes: usize,
    },
    /// A snapshot is to become the ledger; everything before it is executed by then.
    Install(Box<Install>),
}

/// Replaces the old ledger and rebuilds what execution keeps in memory.
type Activate = dyn FnOnce(&Ledger) -> anyhow::Result<(Ledger, Executor)> + Send;

/// A staged snapshot.
pub(super) struct Install {
    /// To be called once everything before it is executed.
    pub activate: Box<Activate>,
    /// Told when it is in use.
    pub done: mpsc::Sender<()>,
}

/// What the apply thread owns and tells.
pub(super) struct Applier {
    /// Executes and commits.
    pub steps: apply::Applier,
    /// Told what is applied.
    pub raft: RaftHandle,
    /// Told what is finished.
    pub pending: Arc<Pending>,
    /// Told what is finished, after that.
    pub waiters: Arc<Waiters>,
    /// The applied height, for everybody who waits for news.
    pub heights: watch::Sender<u64>,
    /// The registry's nodes, for everybody who deals with them.
    pub registered: watch::Sender<Arc<Vec<Node>>>,
    /// Whether this node must not go on.
    pub halt: Halt,
    /// Where the ledger is.
    pub disk: Arc<Disk>,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl Applier {
    /// Starts the thread.
    pub(super) fn start(mut self, jobs: mpsc::Receiver<Job>) {
        owner::spawn("apply", move || {
            for job in jobs {
                // A halted node keeps what it has and executes nothing more; whoever waits for an
                // installation learns so from its dropped sender.
                if self.halt.reason().is_some() {
                    continue;
                }
                match job {
                    Job::Entry { job, bytes } => self.entry(job, bytes),
                    Job::Install(install) => self.install(*install),
                }
            }
        });
    }

    fn entry(&mut self, job: apply::Job, bytes: usize) {
        let started = std::time::Instant::now();
        if let Err(error) = self.disk.before_write() {
            tracing::error!(%error, "the disk cannot be looked at");
        }
        let done = match self.steps.apply(job) {
            Ok(done) => done,
            Err(error) => owner::halt(&error.to_string()),
        };
        match done.change {
            Some((change, true)) => tracing::info!(?change, "the raft group changed"),
            Some((change, false)) => {
                tracing::warn!(?change, "nobody asked for a change of the raft group");
            }
            None => {}
        }
        if let Some(effects) = &done.effects {
            self.report_blame(effects);
            let took = started.elapsed();
            self.metrics.ledger.block(effects, bytes, took);
            tracing::debug!(
                height = effects.height,
                raft_index = self.steps.last().index,
                outcomes = effects.outcomes.len(),
                took_us = took.as_micros() as u64,
                "executed"
            );
        }
        self.tell(done);
    }

    fn install(&mut self, install: Install) {
        let Install { activate, done } = install;
        let activated = activate(&self.steps.ledger());
        let (ledger, executor) = match activated {
            Ok(replacement) => replacement,
            Err(error) => owner::halt(&format!("a snapshot cannot take over: {error:#}")),
        };
        match self.steps.install(ledger, executor) {
            Ok(done) => self.tell(done),
            Err(error) => owner::halt(&error.to_string()),
        }
        // The log writer waits for it before it resets the Raft log.
        let _ = done.send(());
    }

    fn tell(&self, done: Done) {
        match done.settle(&self.pending) {
            Ok(ended) => self.waiters.wake(ended),
            Err(error) => owner::halt(&format!("the ledger cannot be read: {error}")),
        }
        for input in done.inputs() {
            self.raft.own(input);
        }
        if let Some(nodes) = done.nodes {
            self.registered.send_replace(Arc::new(nodes));
        }
        self.heights.send_replace(done.height);
    }

    fn report_blame(&self, effects: &BlockEffects) {
        for (item, reason) in effects.blamed() {
            tracing::error!(
                height = effects.height,
                item,
                reason = reason.code(),
                "the leader ordered what it should have refused: the block is evidence against it"
            );
        }
    }
}
