//! The registry and the group of a scenario: what executing its entries makes of them.

use precinto_consensus::Committed;
use precinto_protocol::{
    block::Block,
    identity::NodeId,
    keys::SigningKey,
    membership::Membership,
    registry::{Node, NodeRole},
};

/// Who is registered and who takes part, as of some entry. A transaction `@1=retired+5=joining`
/// retires node 1 and registers node 5 in its place (`5=learner` in that of a learner), if the rules
/// of the governance contract allow it; `@5=voter` promotes node 5.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Group {
    pub(crate) membership: Membership,
    pub(crate) nodes: Vec<Node>,
}

impl Group {
    pub(crate) fn new(voters: &[NodeId], learners: &[NodeId]) -> Group {
        let voters = voters.iter().map(|id| node(*id, NodeRole::Voter));
        let learners = learners.iter().map(|id| node(*id, NodeRole::Learner));
        let nodes: Vec<_> = voters.chain(learners).collect();
        Group { membership: Membership::wanted(&nodes), nodes }
    }

    pub(crate) fn registers(&self, id: NodeId) -> bool {
        self.nodes.iter().any(|node| node.id == id)
    }

    pub(crate) fn execute(&mut self, entry: &Committed) {
        if let Some(change) = entry.change {
            let node = self.nodes.iter().find(|node| node.id == change.node());
            if let Some(after) = self.membership.after(change, node) {
                self.membership = after;
            }
        }
        if !entry.block.is_empty() {
            let block = Block::decode(&entry.block).expect("a committed block decodes");
            for item in block.content().items {
                self.register(core::str::from_utf8(&item).expect("tests submit text"));
            }
        }
    }

    fn register(&mut self, transaction: &str) {
        let Some(changes) = transaction.strip_prefix('@') else { return };
        for change in changes.split('+') {
            let (id, to) = change.split_once('=').expect("a node and what it becomes");
            let id = id.parse().expect("a node id");
            if to == "retired" && !self.may_retire(id) {
                return;
            }
            if !self.registers(id) {
                self.nodes.push(node(id, NodeRole::Learner));
            }
            let node = self.nodes.iter_mut().find(|node| node.id == id).expect("it is there");
            match to {
                "retired" => node.retired_ms = Some(1),
                "voter" => node.role = NodeRole::Voter,
                "joining" => node.role = NodeRole::Joining,
                "learner" => node.role = NodeRole::Learner,
                other => panic!("a node cannot become {other}"),
            }
        }
    }

    /// No change is under way, and a majority of the seats is left.
    fn may_retire(&self, id: NodeId) -> bool {
        let active = || self.nodes.iter().filter(|node| node.is_active());
        let in_force = |node: &Node| self.membership.contains(node.id);
        let settled = self.nodes.iter().all(|node| in_force(node) == node.is_active());
        let seats = active().filter(|node| node.role != NodeRole::Learner).count();
        let voters = active().filter(|node| node.role == NodeRole::Voter);
        let voters = voters.filter(|node| self.membership.voters.contains(&node.id));
        let left = voters.filter(|node| node.id != id).count();
        active().any(|node| node.id == id) && settled && 2 * left > seats
    }
}

fn node(id: NodeId, role: NodeRole) -> Node {
    Node {
        id,
        member: "uy".into(),
        role,
        identity_key: signing_key(id).public().to_bytes(),
        network_key: [0; 32],
        attestation_key: [0; 32],
        addresses: Vec::new(),
        storage_id: [0; 16],
        retired_ms: None,
    }
}

pub(crate) fn signing_key(id: NodeId) -> SigningKey {
    SigningKey::from_seed(&[id as u8; 32])
}
