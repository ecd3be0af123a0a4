//! Signatures over the log: all of one log, and no node below or beside what it signed.

use std::collections::BTreeMap;

use precinto_protocol::{hash::Hash, identity::NodeId};

use crate::{Verdict, ensure};

const CHECKER: &str = "checkpoint";

/// Every checkpoint that left a node.
#[derive(Default)]
pub struct CheckpointChecker {
    /// The root of each size, and who released the first checkpoint of it.
    released: BTreeMap<u64, (NodeId, Hash)>,
    /// The largest size that each node ever released.
    largest: BTreeMap<NodeId, u64>,
}

impl CheckpointChecker {
    /// Before the first start of any node.
    pub fn new() -> CheckpointChecker {
        CheckpointChecker::default()
    }

    /// A checkpoint leaves a node.
    ///
    /// # Errors
    /// The node released a larger one before, even if it crashed in between; or another root was
    /// released for this size.
    pub fn released(&mut self, node: NodeId, size: u64, root: Hash) -> Verdict {
        let largest = self.largest.entry(node).or_insert(size);
        let before = *largest;
        *largest = before.max(size);
        ensure(before <= size, CHECKER, || {
            format!("node {node} signed size {size} after it had signed {before}")
        })?;
        let (other, known) = *self.released.entry(size).or_insert((node, root));
        ensure(known == root, CHECKER, || {
            format!("nodes {other} and {node} signed roots {known} and {root} of size {size}")
        })
    }

    /// A node starts and remembers this as the largest size that it signed (0 for none).
    ///
    /// # Errors
    /// It released a larger one: it could now sign beside it.
    pub fn restarted(&self, node: NodeId, remembered: u64) -> Verdict {
        let released = self.largest.get(&node).copied().unwrap_or_default();
        ensure(released <= remembered, CHECKER, || {
            format!("node {node} released size {released} and remembers {remembered}")
        })
    }

    /// Every signature is of the log that these blocks end at, by size of the log and root: as
    /// one node has them, or all nodes if they agree.
    ///
    /// # Errors
    /// A size was signed at which no block ends, or with another root.
    pub fn of_one_log(&self, blocks: impl IntoIterator<Item = (u64, Hash)>) -> Verdict {
        let log: BTreeMap<u64, Hash> = blocks.into_iter().collect();
        self.released.iter().try_for_each(|(size, (node, root))| {
            let known = log.get(size);
            ensure(known == Some(root), CHECKER, || {
                format!("node {node} signed root {root} of size {size}; the log has {known:?}")
            })
        })
    }

    /// Number of sizes that were signed.
    pub fn sizes(&self) -> usize {
        self.released.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Hash = Hash([1; 32]);
    const B: Hash = Hash([2; 32]);

    fn signed() -> CheckpointChecker {
        let mut checker = CheckpointChecker::new();
        checker.released(1, 10, A).expect("the first");
        checker.released(2, 10, A).expect("the same");
        checker.released(1, 20, B).expect("larger");
        checker.released(1, 20, B).expect("sent again");
        checker
    }

    #[test]
    fn signatures_of_one_log_pass() {
        let checker = signed();
        assert_eq!(checker.restarted(1, 20), Ok(()));
        assert_eq!(checker.restarted(3, 0), Ok(()));
        assert_eq!(checker.of_one_log([(5, B), (10, A), (20, B), (30, A)]), Ok(()));
        assert_eq!(checker.sizes(), 2);
    }

    #[test]
    fn a_smaller_size_or_another_root_is_found() {
        assert!(signed().released(1, 10, A).is_err());
        assert!(signed().released(2, 20, A).is_err());
        assert!(signed().restarted(1, 10).is_err());
    }

    #[test]
    fn a_signature_beside_the_log_is_found() {
        assert!(signed().of_one_log([(10, A), (20, A)]).is_err());
        assert!(signed().of_one_log([(10, A), (19, B)]).is_err());
    }
}
