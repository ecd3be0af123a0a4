//! Attestation: a node signs what it computed, and compares it with what its peers signed.
//!
//! A checkpoint stands at a block boundary. Its block is committed and executed, hence synced in
//! this node's Raft log; the checkpoint itself is persisted, synced, before its signature leaves:
//! a [`Draft`] gives it away only when it is safe. Storage refuses one that lies below or beside
//! what was signed before.
//!
//! A peer's checkpoint that contradicts this node's log is kept as evidence, alarmed and counted
//! for nothing else. What more follows is decided by members: contradicted by fewer than half at
//! any one size, this node goes on; by half, it signs nothing until a majority backs it again; by
//! more, it halts.

use std::{mem, sync::Arc};

use minicbor::{Decode, Encode};
use precinto_protocol::{
    block::Origin,
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    hash::Hash,
    identity::{MemberId, NodeId},
    keys::{PublicKey, SigningKey},
    registry::Node,
};
use precinto_storage::{BlockSummary, Ledger, MAX_READ_ITEMS, StorageError, StoredCheckpoint};

use crate::{
    LedgerCell,
    boundary::{Boundary, boundary},
    compare::{Compare, Verdict},
    mutated::mutated,
};

/// Checkpoints kept per node.
const KEEP: usize = 64;

/// Two checkpoints that contradict each other: whoever signed a false one is named by it.
#[derive(Debug, Encode, Decode)]
pub struct Contradiction {
    /// This node's.
    #[n(0)]
    pub ours: SignedCheckpoint,
    /// The peer's.
    #[n(1)]
    pub theirs: SignedCheckpoint,
}

/// Who attests what.
pub struct Attester {
    /// This node.
    pub node: NodeId,
    /// This node's member.
    pub member: MemberId,
    /// Ledger and epoch.
    pub origin: Origin,
    /// This node's attestation key.
    pub key: SigningKey,
    /// What is attested.
    pub ledger: LedgerCell,
}

/// What the owner has to tell or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A peer's checkpoint was dropped.
    Dropped {
        /// Stable kebab-case kind.
        kind: &'static str,
        /// The peer.
        node: NodeId,
    },
    /// A peer signed another history than this node computed.
    Contradiction {
        /// The peer.
        node: NodeId,
        /// Leaves in the log.
        size: u64,
        /// Under which hash the evidence is kept, unless there is enough against that peer.
        evidence: Option<Hash>,
    },
    /// Half of the members contradict this node: nothing is signed, and no writes should be taken.
    Split {
        /// Leaves in the log.
        size: u64,
    },
    /// A majority backs this node again.
    Upheld,
    /// This node must halt, for this reason.
    Halt(String),
}

/// A checkpoint that is signed and not yet safe.
pub struct Draft {
    signed: SignedCheckpoint,
    ledger: Ledger,
}

impl Draft {
    /// Makes it safe. Costs an fsync.
    ///
    /// # Errors
    /// Those of storage; [`StorageError::ContradictsSigned`] if this node signed something else
    /// before.
    pub fn save(self) -> Result<Saved, StorageError> {
        let stored = stored(&self.signed);
        self.ledger.save_own_checkpoint(&stored)?;
        prune(&self.ledger, &stored)?;
        Ok(Saved(self.signed))
    }
}

/// A checkpoint of this node that no power failure can make it forget.
pub struct Saved(SignedCheckpoint);

/// Attestation under way.
pub struct Attestation {
    parts: Attester,
    nodes: Arc<Vec<Node>>,
    compare: Compare,
    /// What this node signed last, perhaps before a restart.
    newest: Option<SignedCheckpoint>,
    /// Nothing is signed while no majority can form on either side.
    suspended: bool,
    halted: bool,
    notices: Vec<Notice>,
}

impl Attestation {
    /// Goes on where the ledger says that this node was, among the registry's `nodes`.
    ///
    /// # Errors
    /// Those of storage.
    pub fn new(parts: Attester, nodes: Arc<Vec<Node>>) -> Result<Attestation, StorageError> {
        let mut compare = Compare::new(parts.member.clone(), &nodes);
        let newest = recall(&parts, &nodes, &mut compare)?;
        let (suspended, halted, notices) = (false, false, Vec::new());
        Ok(Attestation { parts, nodes, compare, newest, suspended, halted, notices })
    }

    /// These are the registry's nodes from now on.
    pub fn set_nodes(&mut self, nodes: Arc<Vec<Node>>) {
        self.compare.set_nodes(&nodes);
        self.nodes = nodes;
    }

    /// What this node signed last and may tell at any time.
    pub fn newest(&self) -> Option<&SignedCheckpoint> {
        self.newest.as_ref()
    }

    /// What there is to tell or do since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        mem::take(&mut self.notices)
    }

    /// Signs the newest block boundary, unless it is signed already or this node must not.
    /// `time_s` is the signature's, seconds since 1970. To be saved, and then reported with
    /// [`Attestation::saved`], before the next one is drafted.
    pub fn draft(&self, time_s: u64) -> Option<Draft> {
        if self.suspended || self.halted || !self.is_registered() {
            return None;
        }
        let ledger = self.parts.ledger.get();
        let mut block = ledger.head()?.block;
        if mutated("sign-below") && block.height % 2 == 1 {
            block = ledger.view().summary(block.height.saturating_sub(2)).ok()??;
        }
        let checkpoint = self.checkpoint(&block);
        // The empty log needs no signature.
        if self.newest.map_or(checkpoint.size == 0, |newest| newest.checkpoint == checkpoint) {
            return None;
        }
        Some(Draft { signed: self.sign(checkpoint, time_s), ledger })
    }

    /// What became of a draft; returns the checkpoint that may be told.
    ///
    /// # Errors
    /// Those of storage, after which the node must end.
    pub fn saved(
        &mut self,
        saved: Result<Saved, StorageError>,
    ) -> Result<Option<SignedCheckpoint>, StorageError> {
        if let Err(error @ StorageError::ContradictsSigned { .. }) = saved {
            self.halt(format!("this node's own inconsistency: {error}"));
            return Ok(None);
        }
        let Some(Saved(signed)) = written(saved)? else { return Ok(None) };
        self.newest = Some(signed);
        Ok(Some(signed))
    }

    /// Hears a checkpoint from the peer `from`.
    ///
    /// # Errors
    /// Those of storage, after which the node must end.
    pub fn hear(&mut self, signed: SignedCheckpoint, from: NodeId) -> Result<(), StorageError> {
        let node = self.nodes.iter().find(|node| node.id == signed.node && node.is_active());
        let key = node.and_then(|node| PublicKey::from_bytes(&node.attestation_key).ok());
        let origin = self.parts.origin;
        let ours = signed.checkpoint.genesis == origin.channel
            && signed.checkpoint.epoch == u64::from(origin.epoch);
        if !ours || signed.node != from || !key.is_some_and(|key| signed.verify(&key)) {
            self.dropped("bad-checkpoint", from);
            return Ok(());
        }
        self.check(signed)
    }

    /// Compares what had to wait until this node was as far.
    ///
    /// # Errors
    /// Those of storage, after which the node must end.
    pub fn check_waiting(&mut self) -> Result<(), StorageError> {
        let waiting = self.compare.take_waiting();
        waiting.into_iter().try_for_each(|signed| self.check(signed))
    }

    fn checkpoint(&self, summary: &BlockSummary) -> Checkpoint {
        Checkpoint {
            genesis: self.parts.origin.channel,
            epoch: u64::from(self.parts.origin.epoch),
            size: summary.log_size,
            root: summary.log_root,
        }
    }

    fn sign(&self, checkpoint: Checkpoint, time_s: u64) -> SignedCheckpoint {
        SignedCheckpoint::sign(checkpoint, self.parts.node, time_s, &self.parts.key)
    }

    /// Whether this node's signature counts: one that joins may not have got there yet.
    fn is_registered(&self) -> bool {
        self.nodes.iter().any(|node| node.id == self.parts.node && node.is_active())
    }

    fn check(&mut self, theirs: SignedCheckpoint) -> Result<(), StorageError> {
        match boundary(&self.parts.ledger.view(), theirs.checkpoint.size)? {
            Boundary::At(summary) if summary.log_root == theirs.checkpoint.root => {
                self.agreed(&theirs)?;
            }
            Boundary::At(summary) => self.contradicted(&summary, theirs)?,
            Boundary::Ahead => self.compare.wait(theirs),
            Boundary::Within => self.dropped("checkpoint-within-block", theirs.node),
            Boundary::Unknown => {}
        }
        Ok(())
    }

    fn agreed(&mut self, theirs: &SignedCheckpoint) -> Result<(), StorageError> {
        if !self.compare.agreed(theirs.node, theirs.checkpoint.size) {
            return Ok(());
        }
        let (ledger, stored) = (self.parts.ledger.get(), stored(theirs));
        if written(ledger.save_peer_checkpoint(&stored))?.is_some() {
            written(prune(&ledger, &stored))?;
        }
        self.judge();
        Ok(())
    }

    fn contradicted(
        &mut self,
        summary: &BlockSummary,
        theirs: SignedCheckpoint,
    ) -> Result<(), StorageError> {
        let (node, size) = (theirs.node, theirs.checkpoint.size);
        if self.compare.knows(node, size) {
            return Ok(());
        }
        let mut evidence = None;
        if self.compare.wants_evidence(node) {
            evidence = self.keep_evidence(summary, theirs)?;
            if evidence.is_none() {
                // The peer repeats itself.
                return Ok(());
            }
            self.compare.kept_evidence(node);
        }
        self.notices.push(Notice::Contradiction { node, size, evidence });
        self.compare.contradicted(node, size);
        self.judge();
        Ok(())
    }

    /// This node's half repeats what its larger roots say of that size anyway; it is not told as a
    /// checkpoint.
    fn keep_evidence(
        &self,
        summary: &BlockSummary,
        theirs: SignedCheckpoint,
    ) -> Result<Option<Hash>, StorageError> {
        let ours = self.sign(self.checkpoint(summary), theirs.time_s);
        let contradiction = Contradiction { ours, theirs };
        written(self.parts.ledger.get().save_evidence(&cbor::encode(&contradiction)))
    }

    fn judge(&mut self) {
        match self.compare.verdict() {
            Verdict::Upheld => {
                if mem::take(&mut self.suspended) {
                    self.notices.push(Notice::Upheld);
                }
            }
            Verdict::Split { size } => {
                if !mem::replace(&mut self.suspended, true) {
                    self.notices.push(Notice::Split { size });
                }
            }
            Verdict::Refuted { size, against } => self.halt(format!(
                "the checkpoints of {against} of {} members at size {size} contradict this \
                 node's root",
                self.compare.members()
            )),
        }
    }

    fn halt(&mut self, reason: String) {
        if !mem::replace(&mut self.halted, true) {
            self.notices.push(Notice::Halt(reason));
        }
    }

    fn dropped(&mut self, kind: &'static str, node: NodeId) {
        self.notices.push(Notice::Dropped { kind, node });
    }
}

/// Reads what was signed, heard and kept as evidence before; returns what this node signed last.
fn recall(
    parts: &Attester,
    nodes: &[Node],
    compare: &mut Compare,
) -> Result<Option<SignedCheckpoint>, StorageError> {
    let view = parts.ledger.view();
    for (_, bundle) in view.evidence(None, MAX_READ_ITEMS)? {
        // Other bundles are no business of attestation.
        if let Ok(Contradiction { theirs, .. }) = cbor::decode(&bundle) {
            compare.kept_evidence(theirs.node);
        }
    }
    for node in nodes.iter().filter(|node| node.id != parts.node) {
        if let Some(checkpoint) = view.last_checkpoint(node.id)? {
            compare.agreed(node.id, checkpoint.size);
        }
    }
    let own = view.last_checkpoint(parts.node)?;
    Ok(own.and_then(|stored| cbor::decode(&stored.bytes).ok()))
}

/// What was written. `None` if the ledger takes no writes any more: a snapshot is taking its place,
/// and its height comes next; or a write failed, and whose it was ends the node.
fn written<T>(result: Result<T, StorageError>) -> Result<Option<T>, StorageError> {
    match result {
        Ok(written) => Ok(Some(written)),
        Err(StorageError::WritesDisabled) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A checkpoint as storage keeps it.
pub fn stored(signed: &SignedCheckpoint) -> StoredCheckpoint {
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
