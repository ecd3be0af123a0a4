//! Figures of the node for Prometheus.

use std::{sync::Arc, time::Duration};

use precinto_consensus::{RaftRole, Status};
use precinto_execution::{BlockEffects, ItemFate};
use precinto_network::NetworkHandle;
use precinto_protocol::outcome::Outcome;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// See the module. Gauges are refreshed by [`Metrics::observe`].
pub(super) struct Metrics {
    transactions: IntCounterVec,
    blocks: IntCounter,
    block_seconds: Histogram,
    height: IntGauge,
    ledger_time_seconds: IntGauge,
    log_size: IntGauge,
    pending: IntGauge,
    raft_term: IntGauge,
    raft_leads: IntGauge,
    raft_lag: IntGauge,
    raft_queue: IntGauge,
    raft_first_index: IntGauge,
    peer_connected: IntGaugeVec,
    strangers: IntGauge,
    refused_messages: IntGauge,
    /// Endorsements that this node was asked for, by what it said.
    pub endorsements: IntCounterVec,
    /// Alarms by kind.
    pub alarms: IntCounterVec,
    /// Checkpoints of this node.
    pub checkpoints: IntCounter,
}

impl Metrics {
    /// Registers everything in `registry`.
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Arc<Metrics>> {
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let counters = |name: &str, help: &str, label: &str| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        let block_seconds = Histogram::with_opts(
            HistogramOpts::new("precinto_block_seconds", "Time to execute and commit a block.")
                .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5]),
        )?;
        registry.register(Box::new(block_seconds.clone()))?;
        let peer_connected = IntGaugeVec::new(
            Opts::new("precinto_peer_connected", "Whether the node is connected."),
            &["node"],
        )?;
        registry.register(Box::new(peer_connected.clone()))?;
        Ok(Arc::new(Metrics {
            transactions: counters(
                "precinto_transactions_total",
                "Items of executed blocks by what became of them.",
                "outcome",
            )?,
            blocks: counter("precinto_blocks_total", "Executed blocks.")?,
            block_seconds,
            height: gauge("precinto_height", "Height of the newest executed block.")?,
            ledger_time_seconds: gauge("precinto_ledger_time_seconds", "Time of that block.")?,
            log_size: gauge("precinto_log_size", "Leaves in the log.")?,
            pending: gauge("precinto_pending_transactions", "Accepted and unfinished.")?,
            raft_term: gauge("precinto_raft_term", "Raft term.")?,
            raft_leads: gauge("precinto_raft_leads", "1 if this node leads.")?,
            raft_lag: gauge("precinto_raft_lag", "Committed entries not executed yet.")?,
            raft_queue: gauge("precinto_raft_queue", "Transactions waiting for a block.")?,
            raft_first_index: gauge(
                "precinto_raft_first_index",
                "First Raft entry kept; a follower that ends below it needs a snapshot.",
            )?,
            peer_connected,
            strangers: gauge("precinto_strangers", "Connections of strangers dropped.")?,
            refused_messages: gauge("precinto_refused_messages", "Raft messages dropped.")?,
            endorsements: counters(
                "precinto_endorsements_total",
                "Transactions that this node was asked to endorse, by its answer.",
                "answer",
            )?,
            alarms: counters("precinto_alarms_total", "What an operator should know.", "kind")?,
            checkpoints: counter("precinto_checkpoints_total", "Checkpoints signed.")?,
        }))
    }

    /// A block was executed and committed.
    pub(super) fn block(&self, effects: &BlockEffects, took: Duration) {
        self.blocks.inc();
        self.block_seconds.observe(took.as_secs_f64());
        self.height.set(effects.height as i64);
        self.ledger_time_seconds.set((effects.time_ms / 1000) as i64);
        self.log_size.set(effects.log.size() as i64);
        for (_, record) in &effects.outcomes {
            let outcome = match record.outcome {
                Outcome::Committed => "committed",
                Outcome::Rejected { .. } => "rejected",
            };
            self.transactions.with_label_values(&[outcome]).inc();
        }
        for fate in &effects.fates {
            let left_nothing = match fate {
                ItemFate::Executed(_) => continue,
                ItemFate::Void(_) => "void",
                ItemFate::Expired(_) => "expired",
                ItemFate::Duplicate(_) => "duplicate",
            };
            self.transactions.with_label_values(&[left_nothing]).inc();
        }
    }

    /// Reads what changes by itself.
    pub(super) fn observe(&self, raft: &Status, pending: usize, network: &NetworkHandle) {
        self.pending.set(pending as i64);
        self.raft_term.set(raft.term as i64);
        self.raft_leads.set(i64::from(raft.role == RaftRole::Leader));
        self.raft_lag.set(raft.commit.saturating_sub(raft.applied) as i64);
        self.raft_queue.set(raft.queued_transactions as i64);
        self.raft_first_index.set(raft.first_index as i64);
        self.refused_messages.set(raft.refused_messages as i64);
        self.strangers.set(network.stats().strangers.get() as i64);
        for peer in network.peers() {
            let connected = i64::from(peer.connected);
            self.peer_connected.with_label_values(&[&peer.node.to_string()]).set(connected);
        }
    }
}
