//! What comparing checkpoints has to remember.

use std::collections::{BTreeMap, BTreeSet};

use precinto_protocol::{
    checkpoint::SignedCheckpoint,
    hash::Hash,
    identity::{MemberId, NodeId},
};

/// Contradicted (size, root) pairs remembered: liars can invent any number of them.
const MAX_CONTRADICTIONS: usize = 256;

/// Bounded by the number of nodes and [`MAX_CONTRADICTIONS`].
#[derive(Default)]
pub(super) struct Compare {
    /// Checkpoints above this node's log, one per node: the oldest, because under load newer ones
    /// would never be reached.
    waiting: BTreeMap<NodeId, SignedCheckpoint>,
    /// Members that signed another root, by size and that root.
    contradictions: BTreeMap<(u64, Hash), BTreeSet<MemberId>>,
}

impl Compare {
    /// Keeps a checkpoint until this node's log is as long.
    pub(super) fn wait(&mut self, checkpoint: SignedCheckpoint) {
        self.waiting.entry(checkpoint.node).or_insert(checkpoint);
    }

    /// Takes out what waited.
    pub(super) fn take_waiting(&mut self) -> Vec<SignedCheckpoint> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// Notes that `member` signed `root` at `size`, which is not this node's root there; returns
    /// how many members signed that very root.
    pub(super) fn contradicted(&mut self, size: u64, root: Hash, member: MemberId) -> usize {
        let against = self.contradictions.entry((size, root)).or_default();
        against.insert(member);
        let count = against.len();
        while self.contradictions.len() > MAX_CONTRADICTIONS {
            self.contradictions.pop_first();
        }
        count
    }
}

/// Whether `against` of `members` members are a majority: then this node is wrong, not they.
pub(super) fn is_majority(against: usize, members: usize) -> bool {
    2 * against > members
}

#[cfg(test)]
mod tests {
    use super::*;
    use precinto_protocol::{checkpoint::Checkpoint, keys::SigningKey};

    fn checkpoint(node: NodeId, size: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint { genesis: Hash::ZERO, epoch: 0, size, root: Hash([1; 32]) };
        SignedCheckpoint::sign(checkpoint, node, 1, &SigningKey::from_seed(&[1; 32]))
    }

    #[test]
    fn the_oldest_checkpoint_of_each_node_waits() {
        let mut compare = Compare::default();
        for (node, size) in [(1, 10), (1, 20), (2, 5)] {
            compare.wait(checkpoint(node, size));
        }
        let sizes: Vec<u64> = compare.take_waiting().iter().map(|c| c.checkpoint.size).collect();
        assert_eq!(sizes, [10, 5]);
        assert!(compare.take_waiting().is_empty());
    }

    #[test]
    fn members_count_once_and_for_one_root_only() {
        let mut compare = Compare::default();
        let (one, other) = (Hash([1; 32]), Hash([2; 32]));
        assert_eq!(compare.contradicted(7, one, "br".into()), 1);
        assert_eq!(compare.contradicted(7, one, "br".into()), 1);
        assert_eq!(compare.contradicted(7, other, "uy".into()), 1);
        assert_eq!(compare.contradicted(8, one, "uy".into()), 1);
        assert_eq!(compare.contradicted(7, one, "pe".into()), 2);
    }

    #[test]
    fn half_is_no_majority() {
        assert!(!is_majority(2, 4));
        assert!(is_majority(3, 4));
        assert!(is_majority(2, 3));
        assert!(!is_majority(1, 3));
    }

    #[test]
    fn invented_contradictions_are_bounded() {
        let mut compare = Compare::default();
        for size in 0..2 * MAX_CONTRADICTIONS as u64 {
            compare.contradicted(size, Hash::ZERO, "br".into());
        }
        assert_eq!(compare.contradictions.len(), MAX_CONTRADICTIONS);
    }
}
