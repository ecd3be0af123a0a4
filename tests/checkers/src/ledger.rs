//! One ledger: the same block, the same roots and the same state at the same height, on every node
//! and at every time.

use std::collections::BTreeMap;

use precinto_protocol::{hash::Hash, identity::NodeId, limits::MAX_CLOCK_AHEAD_MS};

use crate::{Verdict, ensure};

const CHECKER: &str = "ledger";

/// What a node has of one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockSeen {
    /// Blocks before this one; 0 is the genesis.
    pub height: u64,
    /// Index of its Raft entry; 0 for the genesis.
    pub raft_index: u64,
    /// Hash of its content.
    pub content: Hash,
    /// Ledger time in milliseconds since 1970.
    pub time_ms: u64,
    /// State root after it.
    pub state_root: Hash,
    /// Leaves of the log after it.
    pub log_size: u64,
    /// Root of the log after it.
    pub log_root: Hash,
}

/// The ledgers of all nodes.
#[derive(Default)]
pub struct LedgerChecker {
    /// By height from 0, as the first node that got there has it.
    blocks: Vec<(NodeId, BlockSeen)>,
    /// Digest of the state at a height, as the first node that was asked has it.
    snapshots: BTreeMap<u64, (NodeId, Hash)>,
    /// The height of each node.
    heights: BTreeMap<NodeId, u64>,
}

impl LedgerChecker {
    /// Before the first start of any node.
    pub fn new() -> LedgerChecker {
        LedgerChecker::default()
    }

    /// The highest block of any node; `None` before the genesis.
    pub fn last(&self) -> Option<&BlockSeen> {
        self.blocks.last().map(|(_, block)| block)
    }

    /// A node starts, or has installed a snapshot, with this block as its newest.
    ///
    /// # Errors
    /// Another node has another block at that height, or nobody was there.
    pub fn opened(&mut self, node: NodeId, block: &BlockSeen) -> Verdict {
        self.heights.insert(node, block.height);
        let new = block.height > 0 && block.height >= self.blocks.len() as u64;
        ensure(!new, CHECKER, || format!("node {node} opens at {block:?}, where nobody was"))?;
        self.compare(node, block)
    }

    /// A node executed a block. `latest_ms` is the latest time that voters may have let it have:
    /// [`latest_time`].
    ///
    /// # Errors
    /// A height left out or repeated; a time that does not rise or lies too far ahead; another block
    /// or root than another node has.
    pub fn executed(&mut self, node: NodeId, block: &BlockSeen, latest_ms: u64) -> Verdict {
        let height = self.heights.get(&node).map_or(0, |height| height + 1);
        ensure(block.height == height, CHECKER, || {
            format!("node {node} executed height {} after {height} blocks", block.height)
        })?;
        self.heights.insert(node, height);
        ensure(block.time_ms <= latest_ms, CHECKER, || {
            format!("block {height} has time {} ms, voters allow {latest_ms}", block.time_ms)
        })?;
        self.compare(node, block)
    }

    fn compare(&mut self, node: NodeId, block: &BlockSeen) -> Verdict {
        let index = block.height as usize;
        if let Some((other, known)) = self.blocks.get(index) {
            return ensure(known == block, CHECKER, || {
                format!("nodes {other} and {node} differ at one height: {known:?} and {block:?}")
            });
        }
        if let Some((_, before)) = self.blocks.last() {
            let follows = before.raft_index < block.raft_index
                && before.time_ms < block.time_ms
                && before.log_size < block.log_size;
            ensure(follows, CHECKER, || format!("{block:?} does not follow {before:?}"))?;
        }
        self.blocks.push((node, *block));
        Ok(())
    }

    /// A digest over all that a node's state holds at a height.
    ///
    /// # Errors
    /// Another node holds something else there.
    pub fn snapshot(&mut self, node: NodeId, height: u64, digest: Hash) -> Verdict {
        let (other, known) = *self.snapshots.entry(height).or_insert((node, digest));
        ensure(known == digest, CHECKER, || {
            format!("the states of nodes {other} and {node} differ at height {height}")
        })
    }

    /// The blocks that executing the whole history once more, from the genesis, came to.
    ///
    /// # Errors
    /// They are not those of the nodes.
    pub fn replayed(&self, blocks: impl IntoIterator<Item = BlockSeen>) -> Verdict {
        let mut heights = 0;
        for (block, (node, known)) in blocks.into_iter().zip(&self.blocks) {
            ensure(block == *known, CHECKER, || {
                format!("executed again, it is {block:?}; node {node} has {known:?}")
            })?;
            heights += 1;
        }
        ensure(heights == self.blocks.len(), CHECKER, || {
            format!("{heights} of {} blocks could be executed again", self.blocks.len())
        })
    }

    /// All these nodes stand at the highest block.
    ///
    /// # Errors
    /// One is behind.
    pub fn converged(&self, nodes: impl IntoIterator<Item = NodeId>) -> Verdict {
        let last = self.blocks.len().saturating_sub(1) as u64;
        nodes.into_iter().try_for_each(|node| {
            let height = self.heights.get(&node).copied();
            ensure(height == Some(last), CHECKER, || {
                format!("node {node} is at height {height:?}, the newest is {last}")
            })
        })
    }
}

/// The latest time a block may have that these voters let pass, when these are the most advanced
/// times that their clocks ever showed, in milliseconds since 1970: a majority saw it at most
/// [`MAX_CLOCK_AHEAD_MS`] ahead. 0 if there are none.
pub fn latest_time(clocks_ms: impl IntoIterator<Item = u64>) -> u64 {
    let mut clocks: Vec<u64> = clocks_ms.into_iter().collect();
    clocks.sort_unstable_by(|a, b| b.cmp(a));
    let majority = clocks.get(clocks.len() / 2);
    majority.map_or(0, |clock| clock + MAX_CLOCK_AHEAD_MS)
}

#[cfg(test)]
mod tests {
    use precinto_protocol::hash::tagged;

    use super::*;

    fn block(height: u64) -> BlockSeen {
        let hash = |what: &str| tagged(what, &[&height.to_be_bytes()]);
        BlockSeen {
            height,
            raft_index: 2 * height,
            content: hash("content"),
            time_ms: 1_000 + height,
            state_root: hash("state"),
            log_size: 3 * height + 1,
            log_root: hash("log"),
        }
    }

    const LATEST: u64 = 10_000;

    /// Nodes 1 to 3 with blocks 0 to 2.
    fn ledgers() -> LedgerChecker {
        let mut checker = LedgerChecker::new();
        for node in 1..=3 {
            checker.opened(node, &block(0)).expect("the genesis");
            for height in 1..=2 {
                checker.executed(node, &block(height), LATEST).expect("the same everywhere");
            }
        }
        checker
    }

    #[test]
    fn a_good_history_passes() {
        let mut checker = ledgers();
        checker.opened(3, &block(1)).expect("a power failure took a block");
        assert!(checker.converged([1, 2]).is_ok());
        assert!(checker.converged([1, 2, 3]).is_err());
        checker.executed(3, &block(2), LATEST).expect("executed again");
        checker.opened(4, &block(2)).expect("by snapshot");
        assert_eq!(checker.converged(1..=4), Ok(()));
        checker.replayed((0..=2).map(block)).expect("the same");
        checker.snapshot(1, 2, Hash([1; 32])).expect("the first");
        checker.snapshot(2, 2, Hash([1; 32])).expect("the same");
    }

    #[test]
    fn whatever_differs_in_a_block_is_found() {
        let changes: [fn(&mut BlockSeen); 6] = [
            |block| block.content = Hash::ZERO,
            |block| block.state_root = Hash::ZERO,
            |block| block.log_root = Hash::ZERO,
            |block| block.log_size += 1,
            |block| block.time_ms += 1,
            |block| block.raft_index += 1,
        ];
        for change in changes {
            let mut checker = ledgers();
            checker.executed(1, &block(3), LATEST).expect("the first there");
            let mut other = block(3);
            change(&mut other);
            assert!(checker.executed(2, &other, LATEST).is_err(), "{other:?}");
            assert!(checker.replayed([block(0), block(1), block(2), other]).is_err());
            assert!(checker.opened(3, &other).is_err());
        }
    }

    #[test]
    fn a_block_left_out_repeated_or_out_of_nowhere_is_found() {
        assert!(ledgers().executed(1, &block(4), LATEST).is_err());
        assert!(ledgers().executed(1, &block(2), LATEST).is_err());
        assert!(ledgers().opened(1, &block(3)).is_err());
        assert!(ledgers().replayed((0..=1).map(block)).is_err());
    }

    #[test]
    fn a_block_must_follow_the_one_before() {
        let changes: [fn(&mut BlockSeen); 3] = [
            |block| block.time_ms = 1_002,
            |block| block.raft_index = 4,
            |block| block.log_size = 7,
        ];
        for change in changes {
            let mut next = block(3);
            change(&mut next);
            assert!(ledgers().executed(1, &next, LATEST).is_err(), "{next:?}");
        }
    }

    #[test]
    fn a_time_that_no_majority_of_clocks_allows_is_found() {
        let majority = 1_003;
        let latest = latest_time([9_000_000, majority, 5]);
        assert_eq!(latest, majority + MAX_CLOCK_AHEAD_MS);
        let mut ahead = block(3);
        ahead.time_ms = latest + 1;
        assert!(ledgers().executed(1, &ahead, latest).is_err());
        ahead.time_ms = latest;
        assert_eq!(ledgers().executed(1, &ahead, latest), Ok(()));
        assert_eq!(latest_time([]), 0);
    }

    #[test]
    fn another_state_under_one_height_is_found() {
        let mut checker = ledgers();
        checker.snapshot(1, 2, Hash([1; 32])).expect("the first");
        assert!(checker.snapshot(3, 2, Hash([2; 32])).is_err());
    }
}
