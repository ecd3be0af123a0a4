//! Figures of the node for Prometheus. `docs/METRICS.md` says of each what it means, what is healthy
//! and what to do; a test compares that table with the names here.

mod clock;
mod ledger;
mod network;
mod process;
mod raft;
mod register;
mod storage;

use std::sync::Arc;

use precinto_protocol::{identity::NodeId, registry::Identity};
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, Registry};

use self::{
    clock::ClockMetrics, ledger::LedgerMetrics, network::NetworkMetrics, process::ProcessMetrics,
    raft::RaftMetrics, register::Registrar, storage::StorageMetrics,
};

/// Kinds of alarms, there from the start so that the first one is seen as an increase.
const ALARMS: [&str; 9] = [
    "raft-message",
    "block",
    "stalled",
    "snapshot",
    "contradiction",
    "split",
    "bad-checkpoint",
    "disk-full",
    "clock",
];

const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// See the module.
pub(super) struct Metrics {
    /// Endorsements that this node was asked for, by what it said.
    pub endorsements: IntCounterVec,
    /// Alarms by kind.
    pub alarms: IntCounterVec,
    /// Checkpoints of this node.
    pub checkpoints: IntCounter,
    /// Leaves that this node's newest checkpoint covers.
    pub attested_size: IntGauge,
    /// Submissions at this node by what became of them.
    pub submissions: IntCounterVec,
    /// Accepted and unfinished transactions.
    pub pending: IntGauge,
    /// Blocks and transactions.
    pub ledger: LedgerMetrics,
    /// The replica.
    pub raft: RaftMetrics,
    /// The peers.
    pub network: NetworkMetrics,
    /// Databases and disk.
    pub storage: StorageMetrics,
    /// Clocks.
    pub clock: ClockMetrics,
    /// The process.
    pub process: ProcessMetrics,
    identity_days_left: GaugeVec,
    info: prometheus::IntGaugeVec,
}

impl Metrics {
    /// Registers everything in `registry`.
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Arc<Metrics>> {
        let to = Registrar(registry);
        let alarms =
            to.counters("precinto_alarms_total", "What an operator should know.", &["kind"])?;
        for kind in ALARMS {
            alarms.with_label_values(&[kind]);
        }
        let endorsements = to.counters(
            "precinto_endorsements_total",
            "Transactions that this node was asked to endorse, by its answer.",
            &["answer"],
        )?;
        // There from the start, so that the first one is seen as an increase.
        endorsements.with_label_values(&["endorsed"]);
        Ok(Arc::new(Metrics {
            alarms,
            checkpoints: to.counter("precinto_checkpoints_total", "Checkpoints signed.")?,
            attested_size: to.gauge(
                "precinto_attested_size",
                "Leaves that this node's newest checkpoint covers.",
            )?,
            submissions: to.counters(
                "precinto_submissions_total",
                "Transactions submitted at this node: accepted, or the code of the refusal.",
                &["result"],
            )?,
            pending: to.gauge("precinto_pending_transactions", "Accepted and unfinished.")?,
            ledger: LedgerMetrics::register(&to)?,
            raft: RaftMetrics::register(&to)?,
            network: NetworkMetrics::register(&to)?,
            storage: StorageMetrics::register(&to)?,
            clock: ClockMetrics::register(&to)?,
            process: ProcessMetrics::register(&to)?,
            identity_days_left: to.float_gauges(
                "precinto_identity_days_left",
                "Days until a key of this node's member expires.",
                &["key", "roles"],
            )?,
            info: to.gauges(
                "precinto_info",
                "Which program runs as which node; always 1.",
                &["version", "network", "node", "member"],
            )?,
            endorsements,
        }))
    }

    /// Which node this is.
    pub(super) fn introduce(&self, network: &str, node: NodeId, member: &str) {
        let node = node.to_string();
        let labels = [env!("CARGO_PKG_VERSION"), network, &node, member];
        self.info.with_label_values(&labels).set(1);
    }

    /// The keys of this node's member that are in force or will be, as of `now_ms`.
    pub(super) fn identities(&self, identities: &[Identity], now_ms: u64) {
        self.identity_days_left.reset();
        for identity in identities {
            let key = precinto_protocol::identity::KeyId::of(&identity.public_key).to_string();
            let roles: Vec<String> = identity.roles.iter().map(ToString::to_string).collect();
            let left_ms = identity.valid_until_ms as f64 - now_ms as f64;
            // Eight bytes tell the keys of a member apart; the whole would only be longer.
            let labels = [&key[..16], &roles.join("+")];
            self.identity_days_left.with_label_values(&labels).set(left_ms / DAY_MS);
        }
    }
}
