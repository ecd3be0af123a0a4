//! Attestation: the newest block boundary is signed, once that is on disk, and told to peers.

use precinto_protocol::{
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    keys::PublicKey,
};
use precinto_storage::StoredCheckpoint;

use super::Process;
use crate::{
    channel::{KeyUse, key},
    event::Body,
    stage::{Stage, Step},
};

impl Process {
    pub(super) fn attest(&mut self, stage: &mut Stage) -> Step {
        let node = self.host.node;
        let active = self.nodes.iter().any(|it| it.id == node && it.is_active());
        let ledger = self.ledger.get();
        let block = ledger.head().expect("a running node has a genesis").block;
        let signed = ledger.view().last_checkpoint(node)?;
        let signed_size = signed.map_or(0, |checkpoint| checkpoint.size);
        if !active || block.log_size == signed_size {
            return Ok(());
        }
        let origin = stage.channel.origin;
        let checkpoint = Checkpoint {
            genesis: origin.channel,
            epoch: u64::from(origin.epoch),
            size: block.log_size,
            root: block.log_root,
        };
        let time_s = self.now(stage).wall_ms / 1_000;
        let signed =
            SignedCheckpoint::sign(checkpoint, node, time_s, &key(KeyUse::Attestation, node));
        ledger.save_own_checkpoint(&StoredCheckpoint {
            node,
            size: checkpoint.size,
            root: checkpoint.root,
            bytes: cbor::encode(&signed),
        })?;
        stage.watch.checkpoint.released(node, checkpoint.size, checkpoint.root)?;
        stage.trace.event(stage.now, node, "signed", checkpoint.size, checkpoint.root.as_bytes());
        stage.count("checkpoints signed");
        self.to_all(&Body::Checkpoint(signed), stage);
        Ok(())
    }

    pub(super) fn tell(&mut self, stage: &mut Stage) {
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

    /// A checkpoint that a peer signed is kept. (Whether it contradicts this node's log is checked
    /// for all nodes at once, from outside.)
    pub(super) fn hear_checkpoint(&mut self, signed: &SignedCheckpoint) -> Step {
        let known = self.nodes.iter().find(|node| node.id == signed.node);
        let key = known.and_then(|node| PublicKey::from_bytes(&node.attestation_key).ok());
        if key.is_some_and(|key| signed.verify(&key)) {
            self.ledger.get().save_peer_checkpoint(&StoredCheckpoint {
                node: signed.node,
                size: signed.checkpoint.size,
                root: signed.checkpoint.root,
                bytes: cbor::encode(signed),
            })?;
        }
        Ok(())
    }
}
