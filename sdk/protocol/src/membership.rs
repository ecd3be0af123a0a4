//! Who takes part in Raft, and how that follows the registry.
//!
//! Members decide in the registry what each node is to be; consensus brings the Raft group there,
//! one change at a time. A change is an entry of the Raft log of its own, and takes effect where it
//! is executed: only if the registry as of that entry [asks for it](Membership::after). So a leader
//! cannot change the group by itself, and all nodes decide alike.

use alloc::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{
    identity::NodeId,
    registry::{Node, NodeRole},
};

/// The Raft group. CBOR `[[voter, ...], [learner, ...]]`, each in ascending order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Membership {
    /// Nodes that form the quorum.
    #[n(0)]
    pub voters: BTreeSet<NodeId>,
    /// Nodes that only replicate.
    #[n(1)]
    pub learners: BTreeSet<NodeId>,
}

/// One step from one membership to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MembershipChange {
    /// A node that was not in the group becomes a learner.
    AddLearner(NodeId),
    /// A learner becomes a voter.
    Promote(NodeId),
    /// A node leaves the group.
    Remove(NodeId),
}

impl MembershipChange {
    /// The node that is changed.
    pub fn node(self) -> NodeId {
        match self {
            MembershipChange::AddLearner(node)
            | MembershipChange::Promote(node)
            | MembershipChange::Remove(node) => node,
        }
    }
}

impl Membership {
    /// What the registry wants of `nodes`.
    pub fn wanted<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> Membership {
        let mut wanted = Membership::default();
        for node in nodes.into_iter().filter(|node| node.is_active()) {
            match node.role {
                NodeRole::Voter => wanted.voters.insert(node.id),
                NodeRole::Learner | NodeRole::Joining => wanted.learners.insert(node.id),
            };
        }
        wanted
    }

    /// Whether the node is in the group.
    pub fn contains(&self, node: NodeId) -> bool {
        self.voters.contains(&node) || self.learners.contains(&node)
    }

    /// The membership after `change`; `None` if the registry, in which the changed node is `node`,
    /// does not ask for it, or if nobody would be left to vote.
    pub fn after(&self, change: MembershipChange, node: Option<&Node>) -> Option<Membership> {
        let node = node.filter(|node| node.is_active());
        let mut after = self.clone();
        let asked = match change {
            MembershipChange::AddLearner(id) => {
                node.is_some() && !self.contains(id) && after.learners.insert(id)
            }
            MembershipChange::Promote(id) => {
                node.is_some_and(|node| node.role == NodeRole::Voter)
                    && after.learners.remove(&id)
                    && after.voters.insert(id)
            }
            MembershipChange::Remove(id) => {
                node.is_none() && (after.voters.remove(&id) || after.learners.remove(&id))
            }
        };
        (asked && !after.voters.is_empty()).then_some(after)
    }

    /// The steps that are left towards `wanted`, in the order in which they are taken: a new node
    /// can fetch the ledger as soon as it is a learner; and a retired voter leaves before its
    /// successor votes, because a dead one is no use in a larger quorum.
    pub fn steps_to<'a>(
        &'a self,
        wanted: &'a Membership,
    ) -> impl Iterator<Item = MembershipChange> + 'a {
        let added = wanted.voters.iter().chain(&wanted.learners);
        let added = added.filter(|id| !self.contains(**id));
        let removed = self.voters.iter().chain(&self.learners);
        let removed = removed.filter(|id| !wanted.contains(**id));
        let promoted = self.learners.intersection(&wanted.voters);
        let added = added.map(|id| MembershipChange::AddLearner(*id));
        let removed = removed.map(|id| MembershipChange::Remove(*id));
        added.chain(removed).chain(promoted.map(|id| MembershipChange::Promote(*id)))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;

    fn node(id: NodeId, role: NodeRole, retired_ms: Option<u64>) -> Node {
        Node {
            id,
            member: "uy".into(),
            role,
            identity_key: [1; 32],
            network_key: [2; 32],
            attestation_key: [3; 32],
            addresses: vec![],
            storage_id: [0; 16],
            retired_ms,
        }
    }

    fn group(voters: &[NodeId], learners: &[NodeId]) -> Membership {
        Membership {
            voters: voters.iter().copied().collect(),
            learners: learners.iter().copied().collect(),
        }
    }

    #[test]
    fn steps_lead_to_what_is_wanted_and_each_is_asked_for() {
        let nodes = [
            node(1, NodeRole::Voter, Some(7)),
            node(2, NodeRole::Voter, None),
            node(3, NodeRole::Voter, None),
            node(4, NodeRole::Learner, Some(7)),
            node(5, NodeRole::Voter, None),
            node(6, NodeRole::Joining, None),
        ];
        let wanted = Membership::wanted(&nodes);
        assert_eq!(wanted, group(&[2, 3, 5], &[6]));
        let mut now = group(&[1, 2, 3], &[4]);
        let mut steps = Vec::new();
        while let Some(step) = { now.steps_to(&wanted).next() } {
            let node = nodes.iter().find(|node| node.id == step.node());
            now = now.after(step, node).expect("asked for");
            steps.push(step);
        }
        assert_eq!(now, wanted);
        use MembershipChange::{AddLearner, Promote, Remove};
        assert_eq!(steps, [AddLearner(5), AddLearner(6), Remove(1), Remove(4), Promote(5)]);
    }

    #[test]
    fn what_the_registry_does_not_ask_for_changes_nothing() {
        let now = group(&[1, 2], &[3]);
        let (voter, joining) = (node(3, NodeRole::Voter, None), node(3, NodeRole::Joining, None));
        let retired = node(3, NodeRole::Voter, Some(1));
        for (change, node) in [
            (MembershipChange::AddLearner(4), None),
            (MembershipChange::AddLearner(3), Some(&voter)),
            (MembershipChange::Promote(3), Some(&joining)),
            (MembershipChange::Promote(3), Some(&retired)),
            (MembershipChange::Promote(4), Some(&voter)),
            (MembershipChange::Remove(3), Some(&voter)),
            (MembershipChange::Remove(9), None),
        ] {
            assert_eq!(now.after(change, node), None, "{change:?} {node:?}");
        }
        assert_eq!(group(&[1], &[2]).after(MembershipChange::Remove(1), None), None);
    }
}
