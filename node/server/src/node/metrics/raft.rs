//! The replica.

use precinto_consensus::{Leadership, RaftRole, Status};
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Result};

use super::register::{Registrar, follow};

pub(in crate::node) struct RaftMetrics {
    term: IntGauge,
    leads: IntGauge,
    leader: IntGauge,
    commit: IntGauge,
    applied: IntGauge,
    lag: IntGauge,
    unsynced: IntGauge,
    unpersisted: IntGauge,
    follower_lag: IntGaugeVec,
    queue: IntGauge,
    first_index: IntGauge,
    refused_messages: IntCounter,
    elections: IntCounter,
    leader_changes: IntCounter,
}

impl RaftMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> Result<RaftMetrics> {
        Ok(RaftMetrics {
            term: to.gauge("precinto_raft_term", "Raft term.")?,
            leads: to.gauge("precinto_raft_leads", "1 if this node leads.")?,
            leader: to.gauge("precinto_raft_leader", "Id of the leader; 0 if none is known.")?,
            commit: to.gauge("precinto_raft_commit_index", "Newest committed Raft entry.")?,
            applied: to.gauge("precinto_raft_applied_index", "Newest executed Raft entry.")?,
            lag: to.gauge("precinto_raft_lag", "Committed entries not executed yet.")?,
            unsynced: to.gauge(
                "precinto_ledger_unsynced_entries",
                "Executed entries that a power failure would make the node replay.",
            )?,
            unpersisted: to.gauge(
                "precinto_raft_unpersisted_entries",
                "Entries of the Raft log that are on their way to this node's disk.",
            )?,
            follower_lag: to.gauges(
                "precinto_raft_follower_lag",
                "Entries that a node lacks on its disk, as the leader knows; on the leader alone.",
                &["node"],
            )?,
            queue: to.gauge("precinto_raft_queue", "Transactions waiting for a block.")?,
            first_index: to.gauge(
                "precinto_raft_first_index",
                "First Raft entry kept; a follower that ends below it needs a snapshot.",
            )?,
            refused_messages: to
                .counter("precinto_refused_messages_total", "Raft messages dropped.")?,
            elections: to.counter(
                "precinto_raft_elections_total",
                "Elections in which this node was a candidate.",
            )?,
            leader_changes: to.counter(
                "precinto_raft_leader_changes_total",
                "How often another leader, or none, became known.",
            )?,
        })
    }

    /// `synced`: the newest entry that is safe in the ledger from a power failure.
    pub(in crate::node) fn observe(&self, status: &Status, synced: u64) {
        let lacks = |has: u64| status.last_index.saturating_sub(has) as i64;
        self.term.set(status.term as i64);
        self.leads.set(i64::from(status.role == RaftRole::Leader));
        self.leader.set(status.leader.unwrap_or(0) as i64);
        self.commit.set(status.commit as i64);
        self.applied.set(status.applied as i64);
        self.lag.set(status.commit.saturating_sub(status.applied) as i64);
        self.unsynced.set(status.applied.saturating_sub(synced) as i64);
        self.unpersisted.set(lacks(status.persisted));
        self.queue.set(status.queued_transactions as i64);
        self.first_index.set(status.first_index as i64);
        follow(&self.refused_messages, status.refused_messages);
        self.follower_lag.reset();
        for peer in &status.peers {
            self.follower_lag.with_label_values(&[peer.node.to_string()]).set(lacks(peer.matched));
        }
    }

    /// Role, term or leader changed.
    pub(in crate::node) fn leadership(&self, leadership: &Leadership) {
        if leadership.role == RaftRole::Candidate {
            self.elections.inc();
        }
        let leader = leadership.leader.unwrap_or(0) as i64;
        if self.leader.get() != leader {
            self.leader_changes.inc();
        }
        self.leader.set(leader);
    }
}
