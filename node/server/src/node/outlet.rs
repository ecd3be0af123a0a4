//! Where the replica's outputs go.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use precinto_consensus::{Alarm, Committed, Output, Returned, WriteTask};
use precinto_network::{FrameLane, NetworkHandle};
use precinto_protocol::identity::NodeId;

use super::{
    log_writer::LogJob, metrics::Metrics, owner, raft::Outlet, snapshots::Snapshots, verify::Work,
};

/// See the module.
pub(super) struct NodeOutlet {
    /// The peers.
    pub network: NetworkHandle,
    /// The log writer.
    pub log: mpsc::Sender<LogJob>,
    /// The way to the apply thread.
    pub work: mpsc::Sender<Work>,
    /// Makes and fetches snapshots.
    pub snapshots: Arc<Snapshots>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Where snapshot work runs.
    pub runtime: tokio::runtime::Handle,
    /// This node.
    pub node: NodeId,
    /// When an alarm of a kind about a node was logged last; bounded by kinds and peers.
    pub logged: BTreeMap<(&'static str, NodeId), Instant>,
}

/// Pause between two log lines of one kind of alarm about one node.
const ALARM_PAUSE: Duration = Duration::from_secs(10);

impl Outlet for NodeOutlet {
    fn send(&mut self, to: NodeId, bytes: Vec<u8>) -> bool {
        self.network.send(to, FrameLane::Raft, bytes).is_ok()
    }

    fn write(&mut self, task: WriteTask) {
        if self.log.send(LogJob::Write(task)).is_err() {
            owner::halt("the log writer ended");
        }
    }

    fn apply(&mut self, entry: Committed) {
        if self.work.send(Work::Entry(entry)).is_err() {
            owner::halt("the verify thread ended");
        }
    }

    fn rest(&mut self, output: Output) {
        let runtime = self.runtime.clone();
        let _runtime = runtime.enter();
        for returned in &output.returned {
            self.returned(returned);
        }
        if let Some(leadership) = output.leadership {
            let (term, leader) = (leadership.term, leadership.leader);
            self.metrics.raft.leadership(&leadership);
            tracing::info!(role = ?leadership.role, term, ?leader, "leadership");
        }
        if !output.snapshot_wanted.is_empty() {
            self.snapshots.build();
        }
        if let Some(offer) = output.snapshot_offer {
            self.snapshots.fetch(offer);
        }
        if let Some(index) = output.snapshot_discarded {
            self.snapshots.discard(index);
        }
        if let Some(mark) = output.compact
            && self.log.send(LogJob::Compact(mark)).is_err()
        {
            owner::halt("the log writer ended");
        }
        for alarm in &output.alarms {
            self.alarm(alarm);
        }
    }
}

impl NodeOutlet {
    /// The transaction stays pending at the node that accepted it, which sends it again.
    fn returned(&self, returned: &Returned) {
        tracing::debug!(reason = ?returned.reason, "a transaction was not taken into the log");
    }

    /// Counts every alarm; logs one of a kind and peer at a time, because a peer repeats what is
    /// refused with every heartbeat.
    fn alarm(&mut self, alarm: &Alarm) {
        let (kind, from) = match alarm {
            Alarm::Message { from, .. } => ("raft-message", *from),
            Alarm::Block { from, .. } => ("block", *from),
            Alarm::Stalled { .. } => ("stalled", self.node),
        };
        self.metrics.alarms.with_label_values(&[kind]).inc();
        let now = Instant::now();
        let logged = self.logged.get(&(kind, from));
        if logged.is_some_and(|at| now - *at < ALARM_PAUSE) {
            return;
        }
        self.logged.insert((kind, from), now);
        match alarm {
            Alarm::Message { reason, .. } => {
                tracing::warn!(from, %reason, "a raft message was dropped");
            }
            Alarm::Block { index, reason, .. } => {
                tracing::error!(from, index, %reason, "a block was not appended");
            }
            Alarm::Stalled { uncommitted } => {
                tracing::error!(
                    uncommitted,
                    "this leader's blocks are not accepted: stepping down"
                );
            }
        }
    }
}
