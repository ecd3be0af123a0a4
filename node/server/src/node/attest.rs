//! Attestation: its steps ([`precinto_core::attest`]), with this node's clock and network.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use precinto_core::attest::{Attestation, Attester, Notice};
use precinto_network::{Frame, FrameLane, NetworkHandle};
use precinto_protocol::{cbor, checkpoint::SignedCheckpoint, identity::NodeId, registry::Node};
use precinto_storage::StorageError;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    halt::Halt,
    messages::Gossip,
    metrics::Metrics,
    owner,
    raft::wall_clock_ms,
    roster::{Heard, Registered},
};

/// Pause between two checkpoints at least: each costs an fsync.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the newest checkpoint is told again: a peer may have missed it.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// What attestation needs of the node.
pub(super) struct Surroundings {
    /// The highest id of genesis: peers that were away may not know higher ones.
    pub newest_at_genesis: NodeId,
    /// All nodes of the channel.
    pub nodes: Registered,
    /// Where peers' word of new nodes goes.
    pub heard: Heard,
    /// Where checkpoints are sent.
    pub network: NetworkHandle,
    /// Set when a majority contradicts this node.
    pub halt: Halt,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

/// Attests until the node ends.
pub(super) async fn run(
    attester: Attester,
    around: Surroundings,
    heights: watch::Receiver<u64>,
    gossip: mpsc::Receiver<Frame>,
) {
    let node = attester.node;
    let steps = Attestation::new(attester, around.nodes.borrow().clone());
    let steps = or_end(steps);
    Task { node, around, steps, logged: BTreeSet::new() }.run(heights, gossip).await;
}

/// Attestation under way.
struct Task {
    node: NodeId,
    around: Surroundings,
    steps: Attestation,
    /// Kinds of dropped gossip logged, once per peer: a peer repeats itself at will.
    logged: BTreeSet<(&'static str, NodeId)>,
}

impl Task {
    async fn run(mut self, mut heights: watch::Receiver<u64>, mut gossip: mpsc::Receiver<Frame>) {
        // What was executed before a restart may not be signed yet.
        heights.mark_changed();
        let mut nodes = self.around.nodes.clone();
        let mut due = Instant::now();
        let mut again = interval(TELL_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = changed_after(&mut heights, due) => {
                    if changed.is_err() {
                        return;
                    }
                    self.attest().await;
                    or_end(self.steps.check_waiting());
                    due = Instant::now() + PAUSE;
                }
                Some(frame) = gossip.recv() => self.hear(&frame),
                Ok(()) = nodes.changed() => self.steps.set_nodes(nodes.borrow_and_update().clone()),
                _ = again.tick() => {
                    if let Some(checkpoint) = self.steps.newest() {
                        self.tell(checkpoint);
                    }
                    self.tell_nodes();
                }
            }
            for notice in self.steps.take_notices() {
                self.act(notice);
            }
        }
    }

    async fn attest(&mut self) {
        if self.around.halt.reason().is_some() {
            return;
        }
        let Some(draft) = self.steps.draft(wall_clock_ms() / 1000) else { return };
        let saved = tokio::task::spawn_blocking(|| draft.save()).await;
        let saved = self.steps.saved(saved.expect("saving a checkpoint does not panic"));
        if let Some(signed) = or_end(saved) {
            self.around.metrics.checkpoints.inc();
            self.around.metrics.attested_size.set(signed.checkpoint.size as i64);
            self.tell(&signed);
        }
    }

    fn tell(&self, checkpoint: &SignedCheckpoint) {
        self.gossip(&Gossip::Checkpoint(*checkpoint));
    }

    fn tell_nodes(&self) {
        let nodes = self.around.nodes.borrow();
        let newer = |node: &&Node| node.is_active() && node.id > self.around.newest_at_genesis;
        let nodes: Vec<Node> = nodes.iter().filter(newer).cloned().collect();
        if !nodes.is_empty() {
            self.gossip(&Gossip::Nodes(nodes));
        }
    }

    fn gossip(&self, gossip: &Gossip) {
        let frame = cbor::encode(gossip);
        let nodes = self.around.nodes.borrow();
        let others = nodes.iter().filter(|node| node.is_active() && node.id != self.node);
        for node in others {
            // Who is away hears the next one.
            let _ = self.around.network.send(node.id, FrameLane::Gossip, frame.clone());
        }
    }

    fn hear(&mut self, frame: &Frame) {
        match cbor::decode(&frame.bytes) {
            Ok(Gossip::Checkpoint(signed)) => or_end(self.steps.hear(signed, frame.from)),
            // Full: a peer repeats itself.
            Ok(Gossip::Nodes(nodes)) => drop(self.around.heard.try_send(nodes)),
            Err(_) => self.dropped("malformed-gossip", frame.from),
        }
    }

    fn act(&mut self, notice: Notice) {
        match notice {
            Notice::Dropped { kind, node } => self.dropped(kind, node),
            Notice::Contradiction { node, size, evidence } => {
                self.alarm("contradiction");
                if let Some(evidence) = evidence {
                    tracing::error!(node, size, %evidence, "a peer signed another history");
                }
            }
            Notice::Split { size } => {
                self.around.halt.dispute(true);
                self.alarm("split");
                tracing::error!(
                    size,
                    "half of the members contradict: attestation and writes stop"
                );
            }
            Notice::Upheld => {
                self.around.halt.dispute(false);
                tracing::info!("a majority backs this node again: attestation goes on");
            }
            Notice::Halt(reason) => {
                if self.around.halt.reason().is_none() {
                    self.around.halt.set(reason);
                }
            }
        }
    }

    fn alarm(&self, kind: &str) {
        self.around.metrics.alarms.with_label_values(&[kind]).inc();
    }

    fn dropped(&mut self, kind: &'static str, node: NodeId) {
        self.alarm(kind);
        if self.logged.insert((kind, node)) {
            tracing::warn!(node, kind, "a peer's gossip was dropped");
        }
    }
}

/// The next height, not before `due`.
async fn changed_after(
    heights: &mut watch::Receiver<u64>,
    due: Instant,
) -> Result<(), watch::error::RecvError> {
    sleep_until(due).await;
    heights.changed().await
}

fn or_end<T>(result: Result<T, StorageError>) -> T {
    result.unwrap_or_else(|error| owner::halt(&format!("checkpoints cannot be kept: {error}")))
}

#[cfg(test)]
mod tests;
