//! What must hold whatever happens; checked whenever a replica delivers, leads or answers.

use std::collections::{BTreeMap, BTreeSet};

use precinto_consensus::{Applied, Committed, ReadOutcome, SnapshotMark};
use precinto_protocol::{block::Block, identity::NodeId, membership::Membership};

use super::{
    disk::Disk,
    group::{Group, signing_key},
    node::{NOTHING, advance},
};

pub(crate) struct Checker {
    genesis: Group,
    /// After the whole history, and before its last change.
    group: Group,
    former: Group,
    /// Every entry any node delivered, by index from 1.
    history: Vec<Committed>,
    last: Applied,
    leaders: BTreeMap<u64, NodeId>,
    /// What was committed when a read was asked.
    reads: BTreeMap<(NodeId, u64), u64>,
}

impl Checker {
    pub(crate) fn new(group: &Group) -> Checker {
        Checker {
            genesis: group.clone(),
            group: group.clone(),
            former: group.clone(),
            history: Vec::new(),
            last: NOTHING,
            leaders: BTreeMap::new(),
            reads: BTreeMap::new(),
        }
    }

    pub(crate) fn history(&self) -> Vec<Committed> {
        self.history.clone()
    }

    pub(crate) fn committed(&self) -> u64 {
        self.history.len() as u64
    }

    pub(crate) fn genesis(&self) -> &Group {
        &self.genesis
    }

    pub(crate) fn group(&self) -> &Group {
        &self.group
    }

    pub(crate) fn group_at(&self, mark: SnapshotMark) -> Membership {
        let mut group = self.genesis.clone();
        self.history[..mark.index as usize].iter().for_each(|entry| group.execute(entry));
        group.membership
    }

    pub(crate) fn ledger_at(&self, mark: SnapshotMark) -> Applied {
        let applied = self.history[..mark.index as usize].iter().fold(NOTHING, advance);
        assert_eq!(applied.mark(), mark, "a snapshot of something that was not committed");
        applied
    }

    /// Agreement, commitment on a quorum's disks, and the chain of blocks.
    pub(crate) fn delivered<'a>(
        &mut self,
        entries: &[Committed],
        disks: impl Iterator<Item = (NodeId, &'a Disk)> + Clone,
    ) {
        for entry in entries {
            match self.history.get(entry.index as usize - 1) {
                Some(known) => assert_eq!(known, entry, "two histories"),
                None => {
                    let holds = |id: &NodeId| {
                        let mut disks = disks.clone();
                        let disk = disks.find(|(other, _)| other == id).map(|(_, disk)| disk);
                        disk.is_some_and(|disk| disk.holds(entry.index, entry.term))
                    };
                    // A leader may not have executed the last change when it counts.
                    let groups = [&self.group, &self.former].map(|group| &group.membership.voters);
                    let quorum = |voters: &&BTreeSet<NodeId>| {
                        2 * voters.iter().filter(|id| holds(id)).count() > voters.len()
                    };
                    assert!(
                        groups.iter().any(quorum),
                        "entry {} was committed without being on a quorum's disks",
                        entry.index,
                    );
                    self.extend(entry);
                }
            }
        }
    }

    fn extend(&mut self, entry: &Committed) {
        assert_eq!(entry.index, self.committed() + 1, "an entry was skipped");
        if !entry.block.is_empty() {
            let block = Block::decode(&entry.block).expect("a committed block decodes");
            let header = &block.header;
            assert_eq!((header.raft_index, header.term), (entry.index, entry.term));
            assert_eq!(header.previous, self.last.content, "the chain is broken");
            assert!(block.time_ms() > self.last.time_ms, "time went back");
            let keys = self.group.nodes.iter().map(|node| signing_key(node.id).public());
            let key = keys.into_iter().find(|key| key.key_id() == header.leader);
            block.verify(&key.expect("signed by a node")).expect("the signature is valid");
        }
        if entry.change.is_some() {
            self.former = self.group.clone();
        }
        self.group.execute(entry);
        self.last = advance(self.last, entry);
        self.history.push(entry.clone());
    }

    /// One leader per term.
    pub(crate) fn leads(&mut self, id: NodeId, term: u64) {
        let leader = *self.leaders.entry(term).or_insert(id);
        assert_eq!(leader, id, "two leaders in term {term}");
    }

    pub(crate) fn read_asked(&mut self, id: NodeId, read: u64) {
        self.reads.insert((id, read), self.committed());
    }

    /// A read reflects everything that was committed when it was asked.
    pub(crate) fn answered(&mut self, id: NodeId, reads: &[ReadOutcome], applied: u64) {
        for outcome in reads {
            let committed =
                self.reads.remove(&(id, outcome.read)).expect("asked, not yet answered");
            assert!(!outcome.ready || applied >= committed, "a stale read");
        }
    }

    pub(crate) fn crashed(&mut self, id: NodeId) {
        self.reads.retain(|(node, _), _| *node != id);
    }
}
