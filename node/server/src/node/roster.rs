//! Who the channel's nodes are, while the node runs: the allow-list follows the registry.
//!
//! Peers are the registry's active nodes, those that are still in the Raft group, and *contacts*:
//! nodes of which a peer says that they were registered by now. A node that joins, or was away
//! while others were replaced, would not reach a leader it has never heard of. A contact may speak;
//! the blocks it sends must be signed by nodes of this node's own registry, which executing them
//! extends.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context;
use precinto_consensus::{Input, Status};
use precinto_network::{NetworkHandle, Peer};
use precinto_protocol::{
    cbor, identity::NodeId, keys::PublicKey, membership::Membership, registry::Node,
};
use tokio::sync::{mpsc, watch};

use super::raft::RaftHandle;

/// The registry's nodes, as of the newest executed block.
pub(super) type Registered = watch::Receiver<Arc<Vec<Node>>>;

/// Contacts at most: a peer can name any number of nodes that nobody registered.
const MAX_CONTACTS: usize = 64;

/// Lists of contacts that wait; a peer repeats itself.
const QUEUE: usize = 16;

/// Where gossip about new nodes goes.
pub(super) type Heard = mpsc::Sender<Vec<Node>>;

/// Nodes by id, of which somebody says that they are registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contacts(BTreeMap<NodeId, Node>);

impl Contacts {
    /// What a node that joins was given; none if there is no such file.
    pub(super) fn read(file: &Path) -> anyhow::Result<Contacts> {
        let bytes = match std::fs::read(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            bytes => bytes.with_context(|| format!("cannot read {}", file.display()))?,
        };
        let nodes: Vec<Node> = cbor::decode(&bytes)
            .with_context(|| format!("{} is no list of nodes", file.display()))?;
        let mut contacts = Contacts::default();
        contacts.add(nodes);
        Ok(contacts)
    }

    /// Adds sound ones while there is room.
    fn add(&mut self, nodes: Vec<Node>) {
        for node in nodes.into_iter().filter(Node::is_active) {
            let sound = PublicKey::from_bytes(&node.network_key).is_ok();
            if sound && self.0.len() < MAX_CONTACTS {
                self.0.entry(node.id).or_insert(node);
            }
        }
    }

    /// The node with this id.
    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.0.get(&id)
    }

    /// The ids.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.0.keys().copied()
    }

    /// Who may connect: the registry decides about whom it knows.
    pub(super) fn peers(&self, registered: &[Node], group: &Membership) -> Vec<Peer> {
        let known = registered.iter().filter(|node| node.is_active() || group.contains(node.id));
        let mut peers: Vec<Peer> = known.map(peer).collect();
        for node in self.0.values() {
            let listed = registered.iter().any(|known| known.id == node.id);
            if !listed && !peers.iter().any(|peer| peer.network_key == node.network_key) {
                peers.push(peer(node));
            }
        }
        peers
    }
}

fn peer(node: &Node) -> Peer {
    Peer {
        node: node.id,
        network_key: node.network_key,
        addresses: node.addresses.clone(),
        storage_id: Some(node.storage_id),
    }
}

/// Keeps peers and replica informed.
pub(super) struct Roster {
    /// This node.
    pub node: NodeId,
    /// The allow-list.
    pub network: NetworkHandle,
    /// The replica.
    pub raft: RaftHandle,
    /// The registry.
    pub registered: Registered,
    /// Told when this node was retired.
    pub retired: watch::Sender<bool>,
    /// Said to be registered.
    pub contacts: Contacts,
    heard: mpsc::Receiver<Vec<Node>>,
}

impl Roster {
    /// Of `node`, and the way to tell it of new nodes.
    pub(super) fn new(
        node: NodeId,
        (network, raft): (NetworkHandle, RaftHandle),
        registered: Registered,
        contacts: Contacts,
    ) -> (Roster, Heard, watch::Receiver<bool>) {
        let (sender, heard) = mpsc::channel(QUEUE);
        let (retired, told) = watch::channel(false);
        (Roster { node, network, raft, registered, retired, contacts, heard }, sender, told)
    }

    /// Runs until the node ends.
    pub(super) async fn run(mut self) {
        let mut status = self.raft.watch();
        let mut told = None;
        loop {
            let group = status.borrow().membership.clone();
            let registered = self.registered.borrow_and_update().clone();
            let now = (group.clone(), registered, self.contacts.clone());
            if told.as_ref() != Some(&now) {
                self.tell(&now.1, &group).await;
                told = Some(now);
            }
            let changed = |status: &Arc<Status>| status.membership != group;
            tokio::select! {
                Ok(()) = self.registered.changed() => {}
                Ok(_) = status.wait_for(changed) => {}
                Some(nodes) = self.heard.recv() => self.contacts.add(nodes),
                else => return,
            }
        }
    }

    async fn tell(&self, registered: &[Node], group: &Membership) {
        self.raft.own(Input::Contacts(self.contacts.ids().collect()));
        let peers = self.contacts.peers(registered, group);
        if let Err(error) = self.network.set_peers(peers).await {
            tracing::error!(%error, "the allow-list was not renewed");
        }
        let own = registered.iter().find(|node| node.id == self.node);
        if let Some(at_ms) = own.and_then(|node| node.retired_ms) {
            tracing::error!(at_ms, "this node was retired by its member: it ends");
            self.retired.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::{keys::SigningKey, registry::NodeRole};

    use super::*;

    fn node(id: NodeId, seed: u8) -> Node {
        Node {
            id,
            member: "uy".into(),
            role: NodeRole::Voter,
            identity_key: [0; 32],
            network_key: SigningKey::from_seed(&[seed; 32]).public().to_bytes(),
            attestation_key: [0; 32],
            addresses: Vec::new(),
            storage_id: [0; 16],
            retired_ms: None,
        }
    }

    fn ids(peers: &[Peer]) -> Vec<NodeId> {
        peers.iter().map(|peer| peer.node).collect()
    }

    #[test]
    fn the_registry_decides_about_whom_it_knows() {
        let retired = Node { retired_ms: Some(1), ..node(2, 2) };
        let registered = [node(1, 1), retired.clone(), node(3, 3)];
        let mut contacts = Contacts::default();
        // A stale word of node 2, a stranger with a key of node 3, a key that is none.
        let no_key = Node { network_key: [0; 32], ..node(7, 7) };
        contacts.add(vec![node(2, 2), node(5, 5), node(6, 3), no_key, Node { id: 8, ..retired }]);
        assert_eq!(ids(&contacts.peers(&registered, &Membership::default())), [1, 3, 5]);
        let group = Membership { voters: [1, 2, 3].into(), ..Membership::default() };
        assert_eq!(ids(&contacts.peers(&registered, &group)), [1, 2, 3, 5], "2 may hand over");
    }

    #[test]
    fn contacts_are_bounded() {
        let mut contacts = Contacts::default();
        contacts.add((1..=1_000).map(|id| node(id, id as u8)).collect());
        assert_eq!(contacts.ids().count(), MAX_CONTACTS);
    }
}
