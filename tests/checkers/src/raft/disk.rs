//! What one node's Raft log must hold after a power failure.

use std::collections::{BTreeMap, VecDeque};

use precinto_consensus::{HardState, SnapshotMark, WriteTask};
use precinto_protocol::identity::NodeId;

use super::CHECKER;
use crate::{Verdict, ensure};

/// What a node found on its disk when it started.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restart {
    /// Term, vote and commit index.
    pub hard_state: HardState,
    /// What the log begins after.
    pub mark: SnapshotMark,
    /// Terms of the entries that follow the mark, in order.
    pub terms: Vec<u64>,
    /// The last entry that the ledger has executed.
    pub applied: u64,
}

/// Term, vote and log of a node.
#[derive(Clone, Default)]
struct State {
    term: u64,
    vote: NodeId,
    mark: SnapshotMark,
    /// Term by index.
    log: BTreeMap<u64, u64>,
}

/// What a node promised, and what it was asked to write since.
#[derive(Default)]
pub(super) struct PromisedDisk {
    promised: State,
    /// In order; a power failure leaves any number of the first.
    asked: VecDeque<WriteTask>,
    /// After all of `asked`.
    tip: State,
}

impl State {
    fn write(&mut self, task: &WriteTask) {
        if let Some(mark) = task.snapshot {
            self.mark = mark;
            self.log.clear();
        }
        if let Some(from) = task.truncate_from {
            self.log.split_off(&from);
        }
        self.log.extend(task.entries.iter().map(|entry| (entry.index, entry.term)));
        if let Some(hard_state) = task.hard_state {
            (self.term, self.vote) = (hard_state.term, hard_state.vote);
        }
    }

    fn term_at(&self, index: u64) -> Option<u64> {
        let marked = (self.mark.index == index).then_some(self.mark.term);
        self.log.get(&index).copied().or(marked)
    }

    /// Whether this is what was found. Compaction may have moved the beginning of the log.
    fn is(&self, found: &Restart) -> bool {
        let hard_state = &found.hard_state;
        let kept = self.log.range(found.mark.index + 1..).map(|(_, term)| term);
        (self.term, self.vote) == (hard_state.term, hard_state.vote)
            && self.mark.index <= found.mark.index
            && kept.eq(&found.terms)
    }
}

impl PromisedDisk {
    /// Term of the entry that the task's first one follows, if it is known.
    pub(super) fn term_before(&self, task: &WriteTask) -> Option<u64> {
        let first = task.entries.first()?.index;
        match task.snapshot {
            Some(mark) => (mark.index + 1 == first).then_some(mark.term),
            None if first == 1 => Some(0),
            None => self.tip.term_at(first - 1),
        }
    }

    pub(super) fn asked(&mut self, task: WriteTask) {
        self.tip.write(&task);
        self.asked.push_back(task);
    }

    pub(super) fn promised(&mut self, number: u64) {
        while let Some(task) = self.asked.pop_front_if(|task| task.number <= number) {
            self.promised.write(&task);
        }
    }

    /// What was found is from now on all there is.
    pub(super) fn restarted(&mut self, node: NodeId, found: &Restart) -> Verdict {
        let mut state = self.promised.clone();
        let mut is_there = state.is(found);
        for task in &self.asked {
            if is_there {
                break;
            }
            state.write(task);
            is_there = state.is(found);
        }
        ensure(is_there, CHECKER, || {
            let State { term, vote, mark, log } = &self.promised;
            format!(
                "node {node} does not find what it promised: term {term}, vote {vote}, after \
                 {mark:?} up to {:?}; it finds {found:?}",
                log.last_key_value(),
            )
        })?;
        self.asked.clear();
        self.promised = state.clone();
        self.tip = state;
        Ok(())
    }
}
