//! Attestation: this node signs what it computed, and compares it with what its peers signed.
//!
//! A checkpoint stands at a block boundary. Its block is committed and executed, hence synced in
//! this node's Raft log; the checkpoint itself is persisted, synced, before its signature leaves.
//! Storage refuses one that lies below or beside what was signed before.
//!
//! A peer's checkpoint that contradicts this node's log is kept as evidence, alarmed and counted
//! for nothing else. What more follows is decided by members ([`Verdict`]): contradicted by fewer
//! than half at any one size, this node goes on; by half, it signs nothing until a majority backs
//! it again; by more, it halts.

use std::{collections::BTreeSet, mem, sync::Arc, time::Duration};

use minicbor::{Decode, Encode};
use precinto_core::LedgerCell;
use precinto_network::{Frame, FrameLane, NetworkHandle};
use precinto_protocol::{
    block::Origin,
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    hash::Hash,
    identity::{MemberId, NodeId},
    keys::{PublicKey, SigningKey},
    registry::Node,
};
use precinto_storage::{
    BlockSummary, Ledger, LedgerView, MAX_READ_ITEMS, StorageError, StoredCheckpoint,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    compare::{Compare, Verdict},
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
    /// This node's member.
    pub member: MemberId,
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

impl Attester {
    /// Runs until the node ends.
    pub(super) async fn run(self, heights: watch::Receiver<u64>, gossip: mpsc::Receiver<Frame>) {
        Attestation::new(self).run(heights, gossip).await;
    }
}

/// Attestation under way.
struct Attestation {
    parts: Attester,
    compare: Compare,
    /// What this node signed last, perhaps before a restart.
    newest: Option<SignedCheckpoint>,
    /// Nothing is signed while no majority can form on either side.
    suspended: bool,
    /// Kinds of dropped gossip logged, once per peer: a peer repeats itself at will.
    logged: BTreeSet<(&'static str, NodeId)>,
}

impl Attestation {
    fn new(parts: Attester) -> Attestation {
        let mut compare = Compare::new(parts.member.clone(), &parts.nodes.borrow());
        let newest = recall(&parts, &mut compare).unwrap_or_else(|error| {
            tracing::error!(%error, "checkpoints of before cannot be read");
            None
        });
        Attestation { parts, compare, newest, suspended: false, logged: BTreeSet::new() }
    }

    async fn run(mut self, mut heights: watch::Receiver<u64>, mut gossip: mpsc::Receiver<Frame>) {
        // What was executed before a restart may not be signed yet.
        heights.mark_changed();
        let mut nodes = self.parts.nodes.clone();
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
                    self.check_waiting();
                    due = Instant::now() + PAUSE;
                }
                Some(frame) = gossip.recv() => self.hear(&frame),
                Ok(()) = nodes.changed() => self.compare.set_nodes(&nodes.borrow_and_update()),
                _ = again.tick() => {
                    if let Some(checkpoint) = &self.newest {
                        self.tell(checkpoint);
                    }
                    self.tell_nodes();
                }
            }
        }
    }

    /// Signs the newest block boundary, unless it is signed already or this node must not.
    async fn attest(&mut self) {
        if self.suspended || self.parts.halt.reason().is_some() || !self.is_registered() {
            return;
        }
        let ledger = self.parts.ledger.get();
        let Some(head) = ledger.head() else { return };
        let checkpoint = self.checkpoint(&head.block);
        // The empty log needs no signature.
        if self.newest.map_or(checkpoint.size == 0, |newest| newest.checkpoint == checkpoint) {
            return;
        }
        let signed = self.sign(checkpoint);
        let stored = stored(&signed);
        let saved = tokio::task::spawn_blocking(move || {
            ledger.save_own_checkpoint(&stored)?;
            prune(&ledger, &stored)
        });
        let saved = saved.await.expect("saving a checkpoint does not panic");
        if let Err(error @ StorageError::ContradictsSigned { .. }) = saved {
            self.parts.halt.set(format!("this node's own inconsistency: {error}"));
            return;
        }
        if written(saved).is_none() {
            return;
        }
        self.parts.metrics.checkpoints.inc();
        self.parts.metrics.attested_size.set(checkpoint.size as i64);
        self.newest = Some(signed);
        self.tell(&signed);
    }

    fn checkpoint(&self, summary: &BlockSummary) -> Checkpoint {
        Checkpoint {
            genesis: self.parts.origin.channel,
            epoch: u64::from(self.parts.origin.epoch),
            size: summary.log_size,
            root: summary.log_root,
        }
    }

    fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let time_s = wall_clock_ms() / 1000;
        SignedCheckpoint::sign(checkpoint, self.parts.node, time_s, &self.parts.key)
    }

    /// Whether this node's signature counts: one that joins may not have got there yet.
    fn is_registered(&self) -> bool {
        let own = |node: &Node| node.id == self.parts.node && node.is_active();
        self.parts.nodes.borrow().iter().any(own)
    }

    fn tell(&self, checkpoint: &SignedCheckpoint) {
        self.gossip(&Gossip::Checkpoint(*checkpoint));
    }

    fn tell_nodes(&self) {
        let nodes = self.parts.nodes.borrow();
        let newer = |node: &&Node| node.is_active() && node.id > self.parts.newest_at_genesis;
        let nodes: Vec<Node> = nodes.iter().filter(newer).cloned().collect();
        if !nodes.is_empty() {
            self.gossip(&Gossip::Nodes(nodes));
        }
    }

    fn gossip(&self, gossip: &Gossip) {
        let frame = cbor::encode(gossip);
        let nodes = self.parts.nodes.borrow();
        let others = nodes.iter().filter(|node| node.is_active() && node.id != self.parts.node);
        for node in others {
            // Who is away hears the next one.
            let _ = self.parts.network.send(node.id, FrameLane::Gossip, frame.clone());
        }
    }

    fn hear(&mut self, frame: &Frame) {
        match cbor::decode(&frame.bytes) {
            Ok(Gossip::Checkpoint(signed)) => self.hear_checkpoint(signed, frame.from),
            // Full: a peer repeats itself.
            Ok(Gossip::Nodes(nodes)) => drop(self.parts.heard.try_send(nodes)),
            Err(_) => self.dropped("malformed-gossip", frame.from),
        }
    }

    fn hear_checkpoint(&mut self, signed: SignedCheckpoint, from: NodeId) {
        let key = {
            let nodes = self.parts.nodes.borrow();
            let node = nodes.iter().find(|node| node.id == signed.node && node.is_active());
            node.and_then(|node| PublicKey::from_bytes(&node.attestation_key).ok())
        };
        let origin = self.parts.origin;
        let ours = signed.checkpoint.genesis == origin.channel
            && signed.checkpoint.epoch == u64::from(origin.epoch);
        if !ours || signed.node != from || !key.is_some_and(|key| signed.verify(&key)) {
            return self.dropped("bad-checkpoint", from);
        }
        self.check(signed);
    }

    /// Compares what had to wait until this node was as far.
    fn check_waiting(&mut self) {
        for signed in self.compare.take_waiting() {
            self.check(signed);
        }
    }

    fn check(&mut self, theirs: SignedCheckpoint) {
        let boundary = boundary(&self.parts.ledger.view(), theirs.checkpoint.size);
        match boundary {
            Ok(Boundary::At(summary)) if summary.log_root == theirs.checkpoint.root => {
                self.agreed(&theirs);
            }
            Ok(Boundary::At(summary)) => self.contradicted(&summary, theirs),
            Ok(Boundary::Ahead) => self.compare.wait(theirs),
            Ok(Boundary::Within) => self.dropped("checkpoint-within-block", theirs.node),
            Ok(Boundary::Unknown) => {}
            Err(error) => tracing::error!(%error, "a checkpoint cannot be compared"),
        }
    }

    fn agreed(&mut self, theirs: &SignedCheckpoint) {
        if !self.compare.agreed(theirs.node, theirs.checkpoint.size) {
            return;
        }
        let (ledger, stored) = (self.parts.ledger.get(), stored(theirs));
        if written(ledger.save_peer_checkpoint(&stored)).is_some()
            && let Err(error) = prune(&ledger, &stored)
        {
            tracing::error!(%error, "old checkpoints cannot be dropped");
        }
        self.judge();
    }

    fn contradicted(&mut self, summary: &BlockSummary, theirs: SignedCheckpoint) {
        let (node, size) = (theirs.node, theirs.checkpoint.size);
        if self.compare.knows(node, size) {
            return;
        }
        if self.compare.wants_evidence(node) {
            let Some(evidence) = self.keep_evidence(summary, theirs) else {
                // The peer repeats itself.
                return;
            };
            tracing::error!(node, size, %evidence, "a peer signed another history");
            self.compare.kept_evidence(node);
        }
        self.alarm("contradiction");
        self.compare.contradicted(node, size);
        self.judge();
    }

    /// This node's half repeats what its larger roots say of that size anyway; it is not told as a
    /// checkpoint.
    fn keep_evidence(&self, summary: &BlockSummary, theirs: SignedCheckpoint) -> Option<Hash> {
        let contradiction = Contradiction { ours: self.sign(self.checkpoint(summary)), theirs };
        written(self.parts.ledger.get().save_evidence(&cbor::encode(&contradiction)))
    }

    fn judge(&mut self) {
        match self.compare.verdict() {
            Verdict::Upheld => {
                if mem::take(&mut self.suspended) {
                    self.parts.halt.dispute(false);
                    tracing::info!("a majority backs this node again: attestation goes on");
                }
            }
            Verdict::Split { size } => {
                if !mem::replace(&mut self.suspended, true) {
                    self.parts.halt.dispute(true);
                    self.alarm("split");
                    tracing::error!(
                        size,
                        "half of the members contradict: attestation and writes stop"
                    );
                }
            }
            Verdict::Refuted { size, against } => {
                if self.parts.halt.reason().is_none() {
                    self.parts.halt.set(format!(
                        "the checkpoints of {against} of {} members at size {size} contradict \
                         this node's root",
                        self.compare.members()
                    ));
                }
            }
        }
    }

    fn alarm(&self, kind: &str) {
        self.parts.metrics.alarms.with_label_values(&[kind]).inc();
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

/// Reads what was signed, heard and kept as evidence before; returns what this node signed last.
fn recall(
    parts: &Attester,
    compare: &mut Compare,
) -> Result<Option<SignedCheckpoint>, StorageError> {
    let view = parts.ledger.view();
    for (_, bundle) in view.evidence(None, MAX_READ_ITEMS)? {
        // Other bundles are no business of attestation.
        if let Ok(Contradiction { theirs, .. }) = cbor::decode(&bundle) {
            compare.kept_evidence(theirs.node);
        }
    }
    for node in parts.nodes.borrow().iter().filter(|node| node.id != parts.node) {
        if let Some(checkpoint) = view.last_checkpoint(node.id)? {
            compare.agreed(node.id, checkpoint.size);
        }
    }
    let own = view.last_checkpoint(parts.node)?;
    Ok(own.and_then(|stored| cbor::decode(&stored.bytes).ok()))
}

/// What was written. `None` if the ledger takes no writes any more: a snapshot is taking its place,
/// and its height comes next; or a write failed, and whose it was ends the process.
fn written<T>(result: Result<T, StorageError>) -> Option<T> {
    match result {
        Ok(written) => Some(written),
        Err(StorageError::WritesDisabled) => None,
        Err(error) => owner::halt(&format!("a checkpoint cannot be written: {error}")),
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

/// Where a log size stands in this node's ledger.
enum Boundary {
    /// After this block.
    At(BlockSummary),
    /// Beyond the newest block.
    Ahead,
    /// Between the leaves of one block.
    Within,
    /// Below the snapshot that this ledger came by.
    Unknown,
}

/// Finds the block after which the log had `size` leaves: log sizes increase with heights.
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
    // `low` is the first block beyond `size`.
    let before = view.summary(low.saturating_sub(1))?;
    Ok(if before.is_some() { Boundary::Within } else { Boundary::Unknown })
}

#[cfg(test)]
mod tests;
