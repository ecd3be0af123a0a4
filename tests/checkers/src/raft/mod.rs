//! The invariants of Raft, and that a disk keeps what was promised.

mod disk;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use precinto_consensus::{Committed, RaftRole, ReadOutcome, SnapshotMark, Status, WriteTask};
use precinto_protocol::{
    hash::{Hash, sha256},
    identity::NodeId,
    membership::Membership,
};

use self::disk::PromisedDisk;
pub use self::disk::Restart;
use crate::{Verdict, Violation, ensure};

const CHECKER: &str = "raft";

/// Whether a node's disk, as a power failure now would leave it, covers an entry: its log holds that
/// index with that term, or begins after it.
pub type Durable<'a> = &'a dyn Fn(NodeId, SnapshotMark) -> bool;

/// What the group has done so far, and what each replica showed last.
///
/// The reports of one node must come in the order in which they happened; a write is reported as
/// asked before it is reported as promised.
pub struct RaftChecker {
    /// The committed entries from index 1: term and digest.
    history: Vec<(u64, Hash)>,
    /// The group from the entry with this index on.
    groups: BTreeMap<u64, Membership>,
    /// Who led a term.
    leaders: BTreeMap<u64, NodeId>,
    /// Digest and predecessor's term of every entry that any node was asked to write.
    entries: BTreeMap<(u64, u64), (Hash, Option<u64>)>,
    disks: BTreeMap<NodeId, PromisedDisk>,
    running: BTreeMap<NodeId, Running>,
    /// What was committed when a read was asked.
    reads: BTreeMap<(NodeId, u64), u64>,
}

/// What a running replica showed last.
#[derive(Clone, Copy, Default)]
struct Running {
    term: u64,
    commit: u64,
    applied: u64,
    /// The last entry it handed out for execution.
    delivered: u64,
}

impl RaftChecker {
    /// Before the first start of any node; `group` is that of the genesis.
    pub fn new(group: Membership) -> RaftChecker {
        RaftChecker {
            history: Vec::new(),
            groups: BTreeMap::from([(0, group)]),
            leaders: BTreeMap::new(),
            entries: BTreeMap::new(),
            disks: BTreeMap::new(),
            running: BTreeMap::new(),
            reads: BTreeMap::new(),
        }
    }

    /// Index of the last entry that any replica handed out.
    pub fn committed(&self) -> u64 {
        self.history.len() as u64
    }

    /// The group after the last change that any node executed.
    pub fn group(&self) -> &Membership {
        self.groups.values().next_back().expect("the first group stays")
    }

    /// A node starts, or starts again, from what it found on its disk.
    ///
    /// # Errors
    /// Its disk is not what it promised, followed by some of what it was asked to write since.
    pub fn started(&mut self, node: NodeId, found: &Restart) -> Verdict {
        let disk = self.disks.entry(node).or_default();
        disk.restarted(node, found)?;
        self.agreed(node, SnapshotMark { index: found.mark.index, term: found.mark.term })?;
        let applied = found.applied;
        ensure(found.mark.index <= applied, CHECKER, || {
            format!("node {node}: the log begins after {:?}, the ledger at {applied}", found.mark)
        })?;
        ensure(applied <= self.committed(), CHECKER, || {
            format!("node {node} starts at {applied}, {} are committed", self.committed())
        })?;
        let start = Running { term: found.hard_state.term, commit: 0, applied, delivered: applied };
        self.running.insert(node, start);
        Ok(())
    }

    /// A node stopped or lost power: what it had not promised may be gone.
    pub fn stopped(&mut self, node: NodeId) {
        self.running.remove(&node);
        self.reads.retain(|(reader, _), _| *reader != node);
    }

    /// A replica asked for a write.
    ///
    /// # Errors
    /// Two logs hold an entry of one index and term, but differ in it or before it.
    pub fn asked(&mut self, node: NodeId, task: &WriteTask) -> Verdict {
        let disk = self.disks.entry(node).or_default();
        let mut before = disk.term_before(task);
        for entry in &task.entries {
            let written = (sha256(&[&entry.payload]), before);
            let place = (entry.index, entry.term);
            let (known, known_before) = *self.entries.entry(place).or_insert(written);
            let same_past = known_before.zip(before).is_none_or(|(a, b)| a == b);
            ensure(known == written.0 && same_past, CHECKER, || {
                format!(
                    "two logs differ at or before (index, term) {place:?}; one is node {node}'s"
                )
            })?;
            before = Some(entry.term);
        }
        disk.asked(task.clone());
        Ok(())
    }

    /// A replica was told that this write, and all before it, is on disk: from now on it must be.
    pub fn promised(&mut self, node: NodeId, number: u64) {
        self.disks.entry(node).or_default().promised(number);
    }

    /// A node made its staged snapshot the ledger: entries are handed out from there.
    ///
    /// # Errors
    /// The snapshot is of something that was not committed.
    pub fn installed(&mut self, node: NodeId, mark: SnapshotMark) -> Verdict {
        self.agreed(node, mark)?;
        let running = self.running.entry(node).or_default();
        running.delivered = running.delivered.max(mark.index);
        Ok(())
    }

    /// What a replica shows after a step.
    ///
    /// # Errors
    /// Two leaders in a term; a leader that lacks what was committed; a term, commit or applied
    /// index that fell; something applied that is not committed; a group that is not the one that
    /// was executed.
    pub fn observed(&mut self, status: &Status, durable: Durable<'_>) -> Verdict {
        let node = status.node;
        let last = *self.running.entry(node).or_default();
        let now =
            Running { term: status.term, commit: status.commit, applied: status.applied, ..last };
        let rising =
            now.term >= last.term && now.commit >= last.commit && now.applied >= last.applied;
        ensure(rising, CHECKER, || {
            format!("node {node} went back in term, commit or applied: {status:?}")
        })?;
        ensure(now.applied <= now.commit && now.applied <= self.committed(), CHECKER, || {
            format!("node {node} applied {}, which is not committed", now.applied)
        })?;
        let group = self.group_at(now.applied);
        ensure(*group == *status.membership, CHECKER, || {
            let told = &status.membership;
            format!("node {node} counts with {told:?} at {}, executed is {group:?}", now.applied)
        })?;
        self.running.insert(node, now);
        if status.role == RaftRole::Leader { self.leads(node, now.term, durable) } else { Ok(()) }
    }

    fn leads(&mut self, node: NodeId, term: u64, durable: Durable<'_>) -> Verdict {
        if let Some(leader) = self.leaders.get(&term) {
            let known = *leader;
            return ensure(known == node, CHECKER, || {
                format!("nodes {known} and {node} both lead term {term}")
            });
        }
        self.leaders.insert(term, node);
        // By log matching, the last entry stands for all.
        let last = self.history.last().map(|(term, _)| (self.committed(), *term));
        let complete = last.is_none_or(|(index, term)| durable(node, SnapshotMark { index, term }));
        ensure(complete, CHECKER, || {
            format!("node {node} leads term {term} without the committed entry {last:?}")
        })
    }

    /// A replica hands out entries for execution.
    ///
    /// # Errors
    /// An entry left out or repeated; another one than a replica handed out for that index; one that
    /// is not on the disks of a quorum, or that no node was asked to write.
    pub fn committed_by(
        &mut self,
        node: NodeId,
        entries: &[Committed],
        durable: Durable<'_>,
    ) -> Verdict {
        for entry in entries {
            let running = self.running.entry(node).or_default();
            let expected = running.delivered + 1;
            running.delivered = entry.index;
            ensure(entry.index == expected, CHECKER, || {
                format!("node {node} hands out entry {} instead of {expected}", entry.index)
            })?;
            self.commit(node, entry, durable)?;
        }
        Ok(())
    }

    fn commit(&mut self, node: NodeId, entry: &Committed, durable: Durable<'_>) -> Verdict {
        let (index, term) = (entry.index, entry.term);
        let written = self.entries.get(&(index, term)).map(|(digest, _)| *digest);
        let digest = match entry.change {
            // Its payload is raft's encoding, which is not handed out.
            Some(_) => written,
            None => written.filter(|digest| *digest == sha256(&[&entry.block])),
        };
        let Some(digest) = digest else {
            let what = format!("node {node} hands out ({index}, {term}), which nobody wrote");
            return Err(Violation::new(CHECKER, what));
        };
        if index <= self.committed() {
            let known = self.history[index as usize - 1];
            return ensure(known == (term, digest), CHECKER, || {
                format!("two histories: node {node} has another entry {index}, of term {term}")
            });
        }
        ensure(index == self.committed() + 1, CHECKER, || {
            format!("entry {index} is handed out, {} are committed", self.committed())
        })?;
        self.history.push((term, digest));
        ensure(self.is_on_a_quorum(SnapshotMark { index, term }, durable), CHECKER, || {
            format!("entry ({index}, {term}) is committed, but not on a quorum's disks")
        })
    }

    /// A leader counts with the group that it executed, which may lack the last change.
    fn is_on_a_quorum(&self, entry: SnapshotMark, durable: Durable<'_>) -> bool {
        self.groups.values().rev().take(2).any(|group| {
            let holders = group.voters.iter().filter(|voter| durable(**voter, entry)).count();
            2 * holders > group.voters.len()
        })
    }

    /// A node executed the entry at `index`, a change, and this is the group from there on.
    ///
    /// # Errors
    /// Another node came to another group.
    pub fn changed(&mut self, node: NodeId, index: u64, group: &Membership) -> Verdict {
        let known = self.group_at(index);
        let news = self.groups.keys().next_back().is_some_and(|last| *last < index);
        if known != group && news {
            self.groups.insert(index, group.clone());
            return Ok(());
        }
        ensure(known == group, CHECKER, || {
            format!("node {node} has the group {group:?} at {index}, others have {known:?}")
        })
    }

    /// A node's log drops entries up to `mark` while the ledger is on disk up to `synced`.
    ///
    /// # Errors
    /// A power failure would now leave a hole between ledger and log.
    pub fn compacted(&self, node: NodeId, mark: SnapshotMark, synced: u64) -> Verdict {
        self.agreed(node, mark)?;
        ensure(mark.index <= synced, CHECKER, || {
            format!(
                "node {node} drops its log up to {mark:?}, its ledger is on disk up to {synced}"
            )
        })
    }

    /// A linearizable read is asked at a node.
    pub fn read_asked(&mut self, node: NodeId, read: u64) {
        self.reads.insert((node, read), self.committed());
    }

    /// A node that executed up to `applied` answers reads.
    ///
    /// # Errors
    /// An answer that does not reflect what was committed when it was asked.
    pub fn read_answered(&mut self, node: NodeId, reads: &[ReadOutcome], applied: u64) -> Verdict {
        for outcome in reads {
            let committed = self.reads.remove(&(node, outcome.read)).unwrap_or_default();
            ensure(!outcome.ready || applied >= committed, CHECKER, || {
                format!(
                    "node {node} answers a read at {applied}, {committed} were committed before"
                )
            })?;
        }
        Ok(())
    }

    /// The group in force after the entry at `index`.
    fn group_at(&self, index: u64) -> &Membership {
        let (_, group) = self.groups.range(..=index).next_back().expect("the first group is at 0");
        group
    }

    /// `mark` is of a committed entry.
    fn agreed(&self, node: NodeId, mark: SnapshotMark) -> Verdict {
        let known = match mark.index {
            0 => Some(0),
            index => self.history.get(index as usize - 1).map(|(term, _)| *term),
        };
        ensure(known == Some(mark.term), CHECKER, || {
            format!("node {node} begins after {mark:?}, which was not committed")
        })
    }

    /// Who led, by term: to see that there were elections.
    pub fn leaders(&self) -> BTreeSet<NodeId> {
        self.leaders.values().copied().collect()
    }

    /// Number of terms that had a leader.
    pub fn elections(&self) -> usize {
        self.leaders.len()
    }
}
