//! What comparing checkpoints has to remember, and what follows from it.
//!
//! A root covers the whole log before it. So a node that signs this node's root at some size backs
//! it at every smaller size too, while one that signs another root contradicts it at that size.

use std::collections::{BTreeMap, BTreeSet};

use precinto_protocol::{
    checkpoint::SignedCheckpoint,
    identity::{MemberId, NodeId},
    registry::Node,
};

/// Sizes remembered at which one node contradicts this one, the largest ones: a liar can invent
/// any number of them, and crowds out its own only.
const MAX_SIZES: usize = 64;

/// Evidence bundles kept against one node: each names it, and more of them prove nothing new.
const MAX_EVIDENCE: usize = 16;

/// What the members' checkpoints say about this node's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Fewer than half of the members contradict it.
    Upheld,
    /// Half of them do at this size, so that no majority can form on either side; and no majority
    /// has backed this node there or beyond since.
    Split {
        /// Leaves in the log.
        size: u64,
    },
    /// A majority contradicts it at this size: this node is wrong, not they.
    Refuted {
        /// Leaves in the log.
        size: u64,
        /// Members that signed another root there.
        against: usize,
    },
}

/// Bounded by the number of nodes, [`MAX_SIZES`] and [`MAX_EVIDENCE`].
pub(crate) struct Compare {
    own: MemberId,
    members: BTreeMap<NodeId, MemberId>,
    /// Checkpoints above this node's log, one per node: the oldest, because under load newer ones
    /// would never be reached.
    waiting: BTreeMap<NodeId, SignedCheckpoint>,
    /// The largest size at which a node signed this node's root.
    agreed: BTreeMap<NodeId, u64>,
    /// Sizes at which a node signed another root.
    contradicted: BTreeMap<NodeId, BTreeSet<u64>>,
    /// Evidence bundles kept.
    evidence: BTreeMap<NodeId, usize>,
}

impl Compare {
    /// For a node of the member `own` among `nodes`.
    pub(crate) fn new(own: MemberId, nodes: &[Node]) -> Compare {
        Compare {
            own,
            members: members(nodes),
            waiting: BTreeMap::new(),
            agreed: BTreeMap::new(),
            contradicted: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
    }

    /// These are the channel's nodes from now on; what retired ones signed counts no more.
    pub(crate) fn set_nodes(&mut self, nodes: &[Node]) {
        self.members = members(nodes);
    }

    /// How many members the channel has.
    pub(crate) fn members(&self) -> usize {
        self.members.values().collect::<BTreeSet<_>>().len()
    }

    /// Keeps a checkpoint until this node's log is as long.
    pub(crate) fn wait(&mut self, checkpoint: SignedCheckpoint) {
        self.waiting.entry(checkpoint.node).or_insert(checkpoint);
    }

    /// Takes out what waited.
    pub(crate) fn take_waiting(&mut self) -> Vec<SignedCheckpoint> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// Notes that `node` signed this node's root at `size`; whether that is news.
    pub(crate) fn agreed(&mut self, node: NodeId, size: u64) -> bool {
        let news = self.agreed.get(&node).is_none_or(|agreed| *agreed < size);
        if news {
            self.agreed.insert(node, size);
        }
        news
    }

    /// Whether it was noted that `node` contradicts this node at `size`.
    pub(crate) fn knows(&self, node: NodeId, size: u64) -> bool {
        self.contradicted.get(&node).is_some_and(|sizes| sizes.contains(&size))
    }

    /// Notes that `node` signed another root than this node's at `size`.
    pub(crate) fn contradicted(&mut self, node: NodeId, size: u64) {
        let sizes = self.contradicted.entry(node).or_default();
        sizes.insert(size);
        if sizes.len() > MAX_SIZES {
            sizes.pop_first();
        }
    }

    /// Whether more evidence against `node` is worth keeping.
    pub(crate) fn wants_evidence(&self, node: NodeId) -> bool {
        self.evidence.get(&node).is_none_or(|kept| *kept < MAX_EVIDENCE)
    }

    /// Notes that evidence against `node` is kept.
    pub(crate) fn kept_evidence(&mut self, node: NodeId) {
        *self.evidence.entry(node).or_default() += 1;
    }

    /// What follows: the worst of what holds at any size.
    pub(crate) fn verdict(&self) -> Verdict {
        let members = self.members();
        let mut verdict = Verdict::Upheld;
        for size in self.contradicted.values().flatten().copied().collect::<BTreeSet<_>>() {
            let against = self.against(size);
            if 2 * against > members {
                return Verdict::Refuted { size, against };
            }
            if 2 * against == members && 2 * self.backing(size) <= members {
                verdict = Verdict::Split { size };
            }
        }
        verdict
    }

    /// Members of which a node contradicts this one at `size`, with whatever root.
    fn against(&self, size: u64) -> usize {
        let nodes = self.contradicted.iter().filter(|(_, sizes)| sizes.contains(&size));
        nodes.filter_map(|(node, _)| self.members.get(node)).collect::<BTreeSet<_>>().len()
    }

    /// Members of which a node backs this one at `size`; its own is one.
    fn backing(&self, size: u64) -> usize {
        let nodes = self.agreed.iter().filter(|(_, agreed)| **agreed >= size);
        let members = nodes.filter_map(|(node, _)| self.members.get(node));
        members.chain([&self.own]).collect::<BTreeSet<_>>().len()
    }
}

fn members(nodes: &[Node]) -> BTreeMap<NodeId, MemberId> {
    let active = nodes.iter().filter(|node| node.is_active());
    active.map(|node| (node.id, node.member.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::{
        checkpoint::Checkpoint, hash::Hash, keys::SigningKey, registry::NodeRole,
    };

    fn checkpoint(node: NodeId, size: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint { genesis: Hash::ZERO, epoch: 0, size, root: Hash([1; 32]) };
        SignedCheckpoint::sign(checkpoint, node, 1, &SigningKey::from_seed(&[1; 32]))
    }

    fn node(id: NodeId, member: &str) -> Node {
        Node {
            id,
            member: member.into(),
            role: NodeRole::Voter,
            identity_key: [0; 32],
            network_key: [0; 32],
            attestation_key: [0; 32],
            addresses: Vec::new(),
            storage_id: [0; 16],
            retired_ms: None,
        }
    }

    /// Node 1 among nodes 1, 2, ... of these members.
    fn compare(members: &[&str]) -> Compare {
        let nodes: Vec<_> = (1..).zip(members).map(|(id, member)| node(id, member)).collect();
        Compare::new(members[0].into(), &nodes)
    }

    #[test]
    fn what_a_retired_node_signed_counts_no_more() {
        let mut compare = compare(&["uy", "br", "pe"]);
        compare.contradicted(2, 7);
        compare.contradicted(3, 7);
        assert_eq!(compare.verdict(), Verdict::Refuted { size: 7, against: 2 });
        let retired = Node { retired_ms: Some(1), ..node(3, "pe") };
        compare.set_nodes(&[node(1, "uy"), node(2, "br"), retired, node(4, "pe")]);
        assert_eq!(compare.verdict(), Verdict::Upheld);
    }

    #[test]
    fn the_oldest_checkpoint_of_each_node_waits() {
        let mut compare = compare(&["uy", "br"]);
        for (node, size) in [(1, 10), (1, 20), (2, 5)] {
            compare.wait(checkpoint(node, size));
        }
        let sizes: Vec<u64> = compare.take_waiting().iter().map(|c| c.checkpoint.size).collect();
        assert_eq!(sizes, [10, 5]);
        assert!(compare.take_waiting().is_empty());
    }

    #[test]
    fn a_majority_of_members_at_one_size_refutes() {
        let mut compare = compare(&["uy", "br", "br", "pe", "cl", "co"]);
        compare.contradicted(2, 7);
        compare.contradicted(3, 7);
        compare.contradicted(4, 8);
        compare.contradicted(5, 9);
        assert_eq!(compare.verdict(), Verdict::Upheld, "one member each at three sizes");
        compare.contradicted(4, 7);
        assert_eq!(compare.verdict(), Verdict::Upheld, "two of five");
        compare.contradicted(5, 7);
        assert_eq!(compare.verdict(), Verdict::Refuted { size: 7, against: 3 });
    }

    #[test]
    fn half_of_the_members_split_until_a_majority_backs_this_node() {
        let mut compare = compare(&["uy", "br", "pe", "cl"]);
        compare.agreed(4, 9);
        compare.contradicted(2, 7);
        assert_eq!(compare.verdict(), Verdict::Upheld);
        compare.contradicted(3, 7);
        assert_eq!(compare.verdict(), Verdict::Split { size: 7 });
        compare.agreed(2, 6);
        assert_eq!(compare.verdict(), Verdict::Split { size: 7 }, "that is before it");
        compare.agreed(2, 8);
        assert_eq!(compare.verdict(), Verdict::Upheld, "uy, br, cl");
        compare.contradicted(4, 7);
        assert_eq!(compare.verdict(), Verdict::Refuted { size: 7, against: 3 });
    }

    #[test]
    fn only_larger_agreements_are_news() {
        let mut compare = compare(&["uy", "br"]);
        assert!(compare.agreed(2, 5));
        assert!(!compare.agreed(2, 5));
        assert!(!compare.agreed(2, 4));
        assert!(compare.agreed(2, 6));
    }

    #[test]
    fn a_liar_crowds_out_its_own_contradictions_only() {
        let mut compare = compare(&["uy", "br", "pe"]);
        compare.contradicted(3, 7);
        for size in 0..=2 * MAX_SIZES as u64 {
            compare.contradicted(2, size);
        }
        assert_eq!(compare.contradicted[&2].len(), MAX_SIZES);
        assert!(compare.knows(3, 7) && !compare.knows(2, 7));
        assert!(compare.knows(2, 2 * MAX_SIZES as u64));
        for _ in 0..MAX_EVIDENCE {
            assert!(compare.wants_evidence(2));
            compare.kept_evidence(2);
        }
        assert!(!compare.wants_evidence(2) && compare.wants_evidence(3));
    }
}
