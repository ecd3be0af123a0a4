//! Attestation: the newest block boundary is signed, and told to peers once it is safe.

use std::sync::Arc;

use precinto_checkers::Violation;
use precinto_core::{
    LedgerCell,
    attest::{Attestation, Attester, Notice},
};
use precinto_protocol::{checkpoint::SignedCheckpoint, identity::NodeId, registry::Node};
use precinto_storage::StorageError;

use super::Process;
use crate::{
    channel::{KeyUse, key, member_of},
    event::Body,
    stage::{Stage, Step},
};

/// Attestation of a process that starts.
pub(super) fn attestation(
    node: NodeId,
    ledger: LedgerCell,
    nodes: &[Node],
    stage: &Stage,
) -> Result<Attestation, StorageError> {
    let attester = Attester {
        node,
        member: member_of(node, &stage.channel.genesis, nodes),
        origin: stage.channel.origin,
        key: key(KeyUse::Attestation, node),
        ledger,
    };
    Attestation::new(attester, Arc::new(nodes.to_vec()))
}

impl Process {
    pub(super) fn attest(&mut self, stage: &mut Stage) -> Step {
        let time_s = self.now(stage).wall_ms / 1_000;
        if let Some(draft) = self.attestation.draft(time_s)
            && let Some(signed) = self.attestation.saved(draft.save())?
        {
            let (node, SignedCheckpoint { checkpoint, .. }) = (self.host.node, signed);
            stage.watch.checkpoint.released(node, checkpoint.size, checkpoint.root)?;
            let root = checkpoint.root.as_bytes();
            stage.trace.event(stage.now, node, "signed", checkpoint.size, root);
            stage.count("checkpoints signed");
            self.to_all(&Body::Checkpoint(signed), stage);
        }
        self.attestation.check_waiting()?;
        self.heed_notices(stage)
    }

    pub(super) fn tell(&mut self, stage: &mut Stage) {
        if let Some(newest) = self.attestation.newest() {
            self.to_all(&Body::Checkpoint(*newest), stage);
        }
        let active = self.nodes.iter().filter(|node| node.is_active());
        let nodes = active.map(|node| node.id).collect();
        self.to_all(&Body::Nodes(nodes), stage);
    }

    fn to_all(&self, body: &Body, stage: &mut Stage) {
        let peers = self.nodes.iter().filter(|it| it.is_active() && it.id != self.host.node);
        for peer in peers {
            stage.send(self.host.node, peer.id, body.clone());
        }
    }

    pub(super) fn hear_checkpoint(
        &mut self,
        signed: SignedCheckpoint,
        from: NodeId,
        stage: &mut Stage,
    ) -> Step {
        self.attestation.hear(signed, from)?;
        self.heed_notices(stage)
    }

    /// Nobody lies here: whoever is contradicted, or contradicts itself, shows a bug.
    fn heed_notices(&mut self, stage: &mut Stage) -> Step {
        for notice in self.attestation.take_notices() {
            match notice {
                // A peer may know nodes that this one has not heard of.
                Notice::Dropped { .. } => stage.count("gossip dropped"),
                Notice::Upheld => {}
                notice => {
                    let what = format!("node {}: {notice:?}", self.host.node);
                    return Err(Violation::new("checkpoint", what).into());
                }
            }
        }
        Ok(())
    }
}
