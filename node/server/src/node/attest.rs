//! Attestation: this node signs what it computed, and compares it with what its peers signed.
//!
//! A checkpoint stands at a block boundary. Its block is committed and executed, hence synced in
//! this node's Raft log; the checkpoint itself is persisted, synced, before its signature leaves.
//! Storage refuses one that lies below or beside what was signed before.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use minicbor::{Decode, Encode};
use precinto_network::{Frame, FrameLane, NetworkHandle};
use precinto_protocol::{
    block::Origin,
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    identity::{MemberId, NodeId},
    keys::{PublicKey, SigningKey},
    registry::Node,
};
use precinto_storage::{BlockSummary, Ledger, LedgerView, StorageError, StoredCheckpoint};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    compare::{Compare, is_majority},
    halt::Halt,
    ledger_cell::LedgerCell,
    messages::Gossip,
    metrics::Metrics,
    owner,
    raft::wall_clock_ms,
};

/// Pause between two checkpoints at least: each costs an fsync.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the newest checkpoint is told again: a peer may have missed it.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// Checkpoints kept per node.
const KEEP: usize = 64;

/// Two checkpoints that contradict each other: whoever signed a false one is named by it.
#[derive(Debug, Encode, Decode)]
struct Contradiction {
    #[n(0)]
    ours: SignedCheckpoint,
    #[n(1)]
    theirs: SignedCheckpoint,
}

/// What attestation needs.
pub(super) struct Attester {
    /// This node.
    pub node: NodeId,
    /// Ledger and epoch.
    pub origin: Origin,
    /// This node's attestation key.
    pub key: SigningKey,
    /// What is attested.
    pub ledger: LedgerCell,
    /// All nodes of the channel.
    pub nodes: Vec<Node>,
    /// Where checkpoints are sent.
    pub network: NetworkHandle,
    /// Set when a majority contradicts this node.
    pub halt: Halt,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

impl Attester {
    /// Runs until the node ends.
    pub(super) async fn run(
        self,
        mut heights: watch::Receiver<u64>,
        mut gossip: mpsc::Receiver<Frame>,
    ) {
        let mut compare = Compare::default();
        let mut again = interval(TELL_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut newest = self.last_signed();
        loop {
            tokio::select! {
                changed = heights.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    newest = self.attest().await.or(newest);
                    self.check_waiting(&mut compare);
                    sleep(PAUSE).await;
                }
                Some(frame) = gossip.recv() => self.hear(&frame, &mut compare),
                _ = again.tick() => {
                    if let Some(checkpoint) = &newest {
                        self.tell(checkpoint);
                    }
                }
            }
        }
    }

    /// What this node signed last, perhaps before a restart.
    fn last_signed(&self) -> Option<SignedCheckpoint> {
        match self.ledger.view().last_checkpoint(self.node) {
            Ok(stored) => cbor::decode(&stored?.bytes).ok(),
            Err(error) => {
                tracing::error!(%error, "the last checkpoint cannot be read");
                None
            }
        }
    }

    /// Signs the newest block boundary, unless it is signed already or the node halted.
    async fn attest(&self) -> Option<SignedCheckpoint> {
        if self.halt.reason().is_some() {
            return None;
        }
        let ledger = self.ledger.get();
        let head = ledger.head()?.block;
        let checkpoint = self.checkpoint(&head);
        let signed =
            SignedCheckpoint::sign(checkpoint, self.node, wall_clock_ms() / 1000, &self.key);
        let stored = stored(&signed);
        let saved = tokio::task::spawn_blocking(move || {
            ledger.save_own_checkpoint(&stored)?;
            prune(&ledger, &stored)
        });
        match saved.await.expect("saving a checkpoint does not panic") {
            Ok(()) => {}
            Err(error @ StorageError::ContradictsSigned { .. }) => {
                self.halt.set(format!("this node's own inconsistency: {error}"));
                return None;
            }
            Err(error) => owner::halt(&format!("a checkpoint cannot be written: {error}")),
        }
        self.metrics.checkpoints.inc();
        self.tell(&signed);
        Some(signed)
    }

    fn checkpoint(&self, summary: &BlockSummary) -> Checkpoint {
        Checkpoint {
            genesis: self.origin.channel,
            epoch: u64::from(self.origin.epoch),
            size: summary.log_size,
            root: summary.log_root,
        }
    }

    fn tell(&self, checkpoint: &SignedCheckpoint) {
        let frame = cbor::encode(&Gossip::Checkpoint(*checkpoint));
        for node in self.nodes.iter().filter(|node| node.id != self.node) {
            // Who is away hears the next one.
            let _ = self.network.send(node.id, FrameLane::Gossip, frame.clone());
        }
    }

    fn hear(&self, frame: &Frame, compare: &mut Compare) {
        let Ok(Gossip::Checkpoint(signed)) = cbor::decode(&frame.bytes) else {
            return self.alarm("malformed-gossip", frame.from);
        };
        let node = self.nodes.iter().find(|node| node.id == signed.node);
        let key = node.and_then(|node| PublicKey::from_bytes(&node.attestation_key).ok());
        let origin = self.origin;
        let ours = signed.checkpoint.genesis == origin.channel
            && signed.checkpoint.epoch == u64::from(origin.epoch);
        if !ours || signed.node != frame.from || !key.is_some_and(|key| signed.verify(&key)) {
            return self.alarm("bad-checkpoint", frame.from);
        }
        self.check(signed, compare);
    }

    /// Compares what had to wait until this node was as far.
    fn check_waiting(&self, compare: &mut Compare) {
        for signed in compare.take_waiting() {
            self.check(signed, compare);
        }
    }

    fn check(&self, theirs: SignedCheckpoint, compare: &mut Compare) {
        let size = theirs.checkpoint.size;
        let summary = match boundary(&self.ledger.view(), size) {
            Ok(Boundary::At(summary)) => summary,
            Ok(Boundary::Ahead) => {
                compare.wait(theirs);
                return;
            }
            Ok(Boundary::None) => return self.alarm("checkpoint-within-block", theirs.node),
            Err(error) => return tracing::error!(%error, "a checkpoint cannot be compared"),
        };
        if summary.log_root == theirs.checkpoint.root {
            let (ledger, stored) = (self.ledger.get(), stored(&theirs));
            let saved = ledger.save_peer_checkpoint(&stored);
            if let Err(error) = saved.and_then(|()| prune(&ledger, &stored)) {
                tracing::error!(%error, "a peer's checkpoint cannot be kept");
            }
            return;
        }
        self.contradicted(&summary, theirs, compare);
    }

    /// Keeps the evidence; halts when a majority of the members contradicts this node at one size.
    fn contradicted(
        &self,
        summary: &BlockSummary,
        theirs: SignedCheckpoint,
        compare: &mut Compare,
    ) {
        let time_s = wall_clock_ms() / 1000;
        let ours = SignedCheckpoint::sign(self.checkpoint(summary), self.node, time_s, &self.key);
        let (node, size, root) = (theirs.node, theirs.checkpoint.size, theirs.checkpoint.root);
        match self.ledger.get().save_evidence(&cbor::encode(&Contradiction { ours, theirs })) {
            Ok(hash) => {
                tracing::error!(node, size, evidence = %hash, "a peer signed another history")
            }
            Err(error) => tracing::error!(%error, "evidence cannot be kept"),
        }
        self.metrics.alarms.with_label_values(&["contradiction"]).inc();
        let Some(member) = self.member(node) else { return };
        let against = compare.contradicted(size, root, member);
        let members: BTreeSet<&str> = self.nodes.iter().map(|n| n.member.as_str()).collect();
        if is_majority(against, members.len()) {
            self.halt.set(format!(
                "the checkpoints of {against} of {} members at size {size} contradict this node's root",
                members.len()
            ));
        }
    }

    fn member(&self, node: NodeId) -> Option<MemberId> {
        self.nodes.iter().find(|n| n.id == node).map(|n| n.member.clone())
    }

    fn alarm(&self, kind: &str, node: NodeId) {
        self.metrics.alarms.with_label_values(&[kind]).inc();
        tracing::warn!(node, kind, "a peer's checkpoint was dropped");
    }
}

fn stored(signed: &SignedCheckpoint) -> StoredCheckpoint {
    StoredCheckpoint {
        node: signed.node,
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
        bytes: cbor::encode(signed),
    }
}

/// Drops all but the newest [`KEEP`] checkpoints of the node, once there are twice as many.
fn prune(ledger: &Ledger, newest: &StoredCheckpoint) -> Result<(), StorageError> {
    let kept = ledger.view().checkpoints(newest.node, 0, 2 * KEEP)?;
    match kept.len() {
        n if n == 2 * KEEP => ledger.prune_checkpoints(newest.node, kept[KEEP].size),
        _ => Ok(()),
    }
}

enum Boundary {
    At(BlockSummary),
    Ahead,
    None,
}

/// The block after which the log had `size` leaves: log sizes increase with heights.
fn boundary(view: &LedgerView, size: u64) -> Result<Boundary, StorageError> {
    let Some(head) = view.head()? else { return Ok(Boundary::Ahead) };
    if size > head.block.log_size {
        return Ok(Boundary::Ahead);
    }
    let (mut low, mut high) = (0, head.block.height + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match view.summary(middle)? {
            Some(summary) if summary.log_size == size => return Ok(Boundary::At(summary)),
            Some(summary) if summary.log_size > size => high = middle,
            // A ledger that came by snapshot lacks the oldest blocks.
            Some(_) | None => low = middle + 1,
        }
    }
    Ok(Boundary::None)
}
