//! The Raft log, on both engines.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Place, for_all, on_both_engines};
use crate::{HardState, LogBatch, LogEntry, RaftLog, SnapshotMark, StorageError};

pub(crate) fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry { index, term, payload: vec![index as u8; 1 + (index % 7) as usize] }
}

pub(crate) fn entries(range: std::ops::RangeInclusive<u64>, term: u64) -> LogBatch {
    LogBatch {
        entries: range.map(|index| entry(index, term)).collect(),
        sync: true,
        ..LogBatch::default()
    }
}

pub(crate) fn committed(term: u64, commit: u64) -> LogBatch {
    let hard_state = Some(HardState { term, vote: 0, commit });
    LogBatch { hard_state, sync: true, ..LogBatch::default() }
}

#[derive(Clone, Debug)]
enum Action {
    /// Drop this many uncommitted entries, then append as many of a term this much higher.
    Append {
        dropped: u64,
        added: u64,
        term_step: u64,
    },
    Commit(u64),
    Compact(u64),
    Snapshot {
        ahead: u64,
        term_step: u64,
    },
    Reopen,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0u64..4, 0u64..6, 0u64..2).prop_map(|(dropped, added, term_step)| {
            Action::Append { dropped, added, term_step }
        }),
        3 => (0u64..6).prop_map(Action::Commit),
        2 => (0u64..6).prop_map(Action::Compact),
        1 => (0u64..4, 0u64..2).prop_map(|(ahead, term_step)| Action::Snapshot { ahead, term_step }),
        1 => Just(Action::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    entries: BTreeMap<u64, LogEntry>,
    mark: SnapshotMark,
    hard_state: HardState,
}

impl Model {
    fn last(&self) -> u64 {
        self.entries.keys().next_back().copied().unwrap_or(self.mark.index)
    }

    fn term(&self, index: u64) -> Option<u64> {
        let entry = self.entries.get(&index).map(|entry| entry.term);
        entry.or((index == self.mark.index).then_some(self.mark.term))
    }

    /// Applies the action and returns the batches that ask a log for the same.
    fn act(&mut self, action: &Action) -> Vec<LogBatch> {
        match *action {
            Action::Append { dropped, added, term_step } => {
                let first =
                    (self.last() + 1).saturating_sub(dropped).max(self.hard_state.commit + 1);
                let term = self.term(self.last()).unwrap_or_default() + term_step;
                self.entries.split_off(&first);
                let new: Vec<_> = (first..first + added).map(|index| entry(index, term)).collect();
                self.entries.extend(new.iter().map(|entry| (entry.index, entry.clone())));
                self.hard_state.term = self.hard_state.term.max(term);
                let truncate = LogBatch { truncate_from: Some(first), ..LogBatch::default() };
                let hard_state = Some(self.hard_state);
                vec![truncate, LogBatch { entries: new, hard_state, ..LogBatch::default() }]
            }
            Action::Commit(count) => {
                self.hard_state.commit = (self.hard_state.commit + count).min(self.last());
                vec![LogBatch { hard_state: Some(self.hard_state), ..LogBatch::default() }]
            }
            Action::Snapshot { ahead, term_step } => {
                let index = self.hard_state.commit + ahead;
                let term = self.hard_state.term + term_step;
                self.entries.clear();
                self.mark = SnapshotMark { index, term };
                self.hard_state = HardState { term, commit: index, ..self.hard_state };
                vec![LogBatch { snapshot: Some(self.mark), ..LogBatch::default() }]
            }
            Action::Compact(_) | Action::Reopen => Vec::new(),
        }
    }

    fn check(&self, log: &RaftLog) -> Result<(), TestCaseError> {
        prop_assert_eq!(log.mark(), self.mark);
        prop_assert_eq!(log.hard_state(), self.hard_state);
        prop_assert_eq!((log.first_index(), log.last_index()), (self.mark.index + 1, self.last()));
        let all = log.entries(log.first_index(), log.last_index() + 1, u64::MAX).unwrap();
        prop_assert!(all.iter().eq(self.entries.values()));
        for index in self.mark.index.saturating_sub(2)..self.last() + 3 {
            prop_assert_eq!(log.term(index).ok(), self.term(index), "term of {}", index);
        }
        Ok(())
    }
}

fn any_history_reads_back_as_the_model_has_it<P: Place>() {
    for_all(P::CASES, prop::collection::vec(action(), 1..30), |actions| {
        let place = P::default();
        let (mut log, _) = place.new_node();
        let mut model = Model::default();
        for action in &actions {
            match action {
                Action::Compact(count) => {
                    let index = (model.mark.index + count).min(model.hard_state.commit);
                    model.mark = SnapshotMark { index, term: model.term(index).unwrap() };
                    model.entries = model.entries.split_off(&(index + 1));
                    log.compact_to(index).unwrap();
                }
                Action::Reopen => {
                    drop(log);
                    log = place.reopen().0;
                }
                other => log.append(&model.act(other)).unwrap(),
            }
            model.check(&log)?;
        }
        drop(log);
        model.check(&place.reopen().0)
    });
}

fn entries_stop_at_the_byte_limit_but_never_before_the_first<P: Place>() {
    let place = P::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=6, 1)]).unwrap();
    let read = |low, high, max| -> Vec<u64> {
        let entries = log.entries(low, high, max).unwrap();
        entries.iter().map(|entry| entry.index).collect()
    };
    // Payloads are 2, 3, 4, 5, 6 and 7 bytes long.
    assert_eq!(read(1, 7, 9), [1, 2, 3]);
    assert_eq!(read(1, 7, 8), [1, 2]);
    assert_eq!(read(4, 7, 0), [4]);
    assert_eq!(read(2, 4, 100), [2, 3]);
    assert_eq!(read(3, 3, 100), [0u64; 0]);
}

fn what_is_compacted_is_told_from_what_is_not_there_yet<P: Place>() {
    let place = P::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=5, 1), committed(1, 4)]).unwrap();
    log.compact_to(3).unwrap();
    log.compact_to(2).unwrap();
    assert!(matches!(log.term(2), Err(StorageError::Compacted { first: 4 })));
    assert!(matches!(log.term(6), Err(StorageError::Unavailable { last: 5 })));
    assert!(matches!(log.entries(3, 5, 9), Err(StorageError::Compacted { first: 4 })));
    assert!(matches!(log.entries(4, 7, 9), Err(StorageError::Unavailable { last: 5 })));
}

fn another_handle_reads_what_was_appended<P: Place>() {
    let place = P::default();
    let (writer, _) = place.new_node();
    let reader = writer.clone();
    writer.append(&[entries(1..=2, 1)]).unwrap();
    assert_eq!(reader.entries(1, 3, 99).unwrap(), [entry(1, 1), entry(2, 1)]);
}

fn a_refused_batch_leaves_the_log_as_it_was<P: Place>() {
    let place = P::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=2, 1), committed(1, 2)]).unwrap();
    let (before, bad) = (log.hard_state(), [entries(3..=3, 1), entries(5..=5, 1)]);
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| log.append(&bad)));
    assert!(refused.is_err());
    assert_eq!((log.last_index(), log.hard_state()), (2, before));
    drop(log);
    assert_eq!(place.reopen().0.last_index(), 2);
}

fn a_committed_entry_is_never_overwritten<P: Place>() {
    let place = P::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=2, 1), committed(1, 2)]).unwrap();
    let _ = log.append(&[LogBatch { truncate_from: Some(2), ..entries(2..=2, 2) }]);
}

fn an_uncommitted_entry_is_never_compacted<P: Place>() {
    let place = P::default();
    let (log, _) = place.new_node();
    log.append(&[entries(1..=2, 1), committed(1, 1)]).unwrap();
    let _ = log.compact_to(2);
}

on_both_engines! {
    any_history_reads_back_as_the_model_has_it;
    entries_stop_at_the_byte_limit_but_never_before_the_first;
    what_is_compacted_is_told_from_what_is_not_there_yet;
    another_handle_reads_what_was_appended;
    a_refused_batch_leaves_the_log_as_it_was;
    a_committed_entry_is_never_overwritten panics "committed Raft log entries are never overwritten";
    an_uncommitted_entry_is_never_compacted panics "only committed Raft log entries are compacted";
}
