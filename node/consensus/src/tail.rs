//! The whole log as raft-rs reads it: the store for what is durable, memory for the tail.

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    ops::RangeInclusive,
};

use precinto_protocol::identity::NodeId;
use raft::{
    GetEntriesContext, RaftState, Storage, StorageError,
    eraftpb::{ConfState, Entry, Snapshot},
};

use crate::{
    io::SnapshotSource,
    log::{LogEntry, LogError, LogStore, SnapshotMark},
    membership::{conf_state, entry_type},
    settings::{ENTRY_OVERHEAD_BYTES, TAIL_BYTES},
};

/// An entry in memory and the write task that carries it.
struct TailEntry {
    task: u64,
    entry: Entry,
}

/// Store and tail.
///
/// The tail is consecutive and ends at `last_index`. An entry leaves it only when its task is
/// persisted, so an index the tail covers is never looked up in the store, where a write under way
/// may be replacing it.
pub(crate) struct TailedLog<L> {
    store: L,
    state: RaftState,
    truncated: SnapshotMark,
    last_index: u64,
    tail: VecDeque<TailEntry>,
    tail_bytes: usize,
    /// Payload bytes of the last entries, up to `last_index`: of those appended since the start.
    sizes: VecDeque<u64>,
    persisted_task: u64,
    source: Option<SnapshotSource>,
    /// raft asks for snapshots through `&self`.
    wanted: RefCell<BTreeSet<NodeId>>,
}

impl<L: LogStore> TailedLog<L> {
    /// The log of `store`, its commit index raised to `applied`, which is executed and therefore
    /// committed.
    pub(crate) fn open(store: L, conf_state: ConfState, applied: u64) -> Result<Self, LogError> {
        let hard_state = store.hard_state()?;
        let first_index = store.first_index()?;
        let truncated = SnapshotMark { index: first_index - 1, term: store.term(first_index - 1)? };
        let last_index = store.last_index()?;
        let mut state = RaftState { conf_state, ..RaftState::default() };
        state.hard_state.term = hard_state.term;
        state.hard_state.vote = hard_state.vote;
        state.hard_state.commit = hard_state.commit.max(applied).max(truncated.index);
        Ok(TailedLog {
            store,
            state,
            truncated,
            last_index,
            tail: VecDeque::new(),
            tail_bytes: 0,
            sizes: VecDeque::new(),
            persisted_task: 0,
            source: None,
            wanted: RefCell::default(),
        })
    }

    pub(crate) fn first(&self) -> u64 {
        self.truncated.index + 1
    }

    pub(crate) fn last(&self) -> u64 {
        self.last_index
    }

    /// Appends entries that `task` will write, after dropping what they replace. Returns the first
    /// index dropped, if any.
    pub(crate) fn append(&mut self, task: u64, entries: Vec<Entry>) -> Option<u64> {
        let first = entries.first()?.index;
        assert!(
            self.truncated.index < first && first <= self.last_index + 1,
            "entries from {first} leave a hole or replace compacted ones: log is {}..={}",
            self.first(),
            self.last_index,
        );
        let replaced = (first <= self.last_index).then_some(first);
        while self.tail.back().is_some_and(|last| last.entry.index >= first) {
            let dropped = self.tail.pop_back().expect("the loop found it");
            self.tail_bytes -= size(&dropped.entry);
        }
        let replaced_sizes = self.last_index + 1 - first;
        self.sizes.truncate(self.sizes.len().saturating_sub(replaced_sizes as usize));
        for entry in entries {
            self.last_index = entry.index;
            self.sizes.push_back(entry.data.len() as u64);
            self.tail_bytes += size(&entry);
            self.tail.push_back(TailEntry { task, entry });
        }
        replaced
    }

    /// `task` and all before it are on disk: entries may leave memory, oldest first.
    pub(crate) fn persisted(&mut self, task: u64) {
        self.persisted_task = task;
        while self.tail_bytes > TAIL_BYTES
            && self.tail.front().is_some_and(|first| first.task <= self.persisted_task)
        {
            let dropped = self.tail.pop_front().expect("the loop found it");
            self.tail_bytes -= size(&dropped.entry);
        }
    }

    /// Starts the log anew after a snapshot.
    pub(crate) fn reset(&mut self, mark: SnapshotMark) {
        self.truncated = mark;
        self.last_index = mark.index;
        self.tail.clear();
        self.tail_bytes = 0;
        self.sizes.clear();
    }

    /// Forgets everything up to `mark`. The store may drop it from now on.
    pub(crate) fn compact(&mut self, mark: SnapshotMark) {
        assert!(self.truncated.index < mark.index && mark.index <= self.last_index);
        self.truncated = mark;
        let kept = (self.last_index - mark.index) as usize;
        self.sizes.drain(..self.sizes.len().saturating_sub(kept));
        while self.tail.front().is_some_and(|first| first.entry.index <= mark.index) {
            let dropped = self.tail.pop_front().expect("the loop found it");
            self.tail_bytes -= size(&dropped.entry);
        }
    }

    /// Payload bytes of these entries, as far as they are known.
    pub(crate) fn bytes(&self, indices: RangeInclusive<u64>) -> u64 {
        indices.map(|index| self.size_of(index)).sum()
    }

    /// The last entry that must go so that those after it, up to `last`, have at most `bytes`; 0 if
    /// none must.
    pub(crate) fn within(&self, last: u64, bytes: u64) -> u64 {
        let mut kept = 0;
        let sized = self.last_index + 1 - self.sizes.len() as u64;
        (sized..=last)
            .rev()
            .find(|index| {
                kept += self.size_of(*index);
                kept > bytes
            })
            .unwrap_or(0)
    }

    fn size_of(&self, index: u64) -> u64 {
        let sized = self.last_index + 1 - self.sizes.len() as u64;
        let at = index.checked_sub(sized).and_then(|at| self.sizes.get(at as usize));
        at.copied().unwrap_or(0)
    }

    pub(crate) fn set_source(&mut self, source: SnapshotSource) {
        self.source = Some(source);
    }

    pub(crate) fn take_wanted(&mut self) -> BTreeSet<NodeId> {
        self.wanted.take()
    }

    /// Entries from `low` to below `high`: at least one, then as many as fit `max_bytes`.
    pub(crate) fn read(&self, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>, LogError> {
        let tail_start = self.last_index + 1 - self.tail.len() as u64;
        let mut entries = Vec::new();
        let mut bytes = 0;
        if low < tail_start {
            let stored_high = high.min(tail_start);
            entries
                .extend(self.store.entries(low, stored_high, max_bytes)?.into_iter().map(to_raft));
            bytes = entries.iter().map(|entry| entry.data.len() as u64).sum();
            if entries.last().is_none_or(|last| last.index + 1 < stored_high) {
                return Ok(entries);
            }
        }
        let from = low.max(tail_start) - tail_start;
        for TailEntry { entry, .. } in self.tail.range(from as usize..) {
            bytes += entry.data.len() as u64;
            if entry.index >= high || (bytes > max_bytes && !entries.is_empty()) {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }
}

fn size(entry: &Entry) -> usize {
    entry.data.len() + ENTRY_OVERHEAD_BYTES
}

fn to_raft(entry: LogEntry) -> Entry {
    let entry_type = entry_type(&entry.payload) as i32;
    let LogEntry { index, term, payload: data } = entry;
    Entry { entry_type, index, term, data, ..Entry::default() }
}

impl<L: LogStore> Storage for TailedLog<L> {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.state.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.truncated.index {
            return Err(StorageError::Compacted.into());
        }
        if high > self.last_index + 1 {
            return Err(StorageError::Unavailable.into());
        }
        let max_bytes = max_size.into().unwrap_or(u64::MAX);
        self.read(low, high, max_bytes).map_err(|error| StorageError::Other(error).into())
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.truncated.index {
            return Ok(self.truncated.term);
        }
        if index < self.truncated.index {
            return Err(StorageError::Compacted.into());
        }
        let from_end = match self.last_index.checked_sub(index) {
            Some(from_end) => from_end as usize,
            None => return Err(StorageError::Unavailable.into()),
        };
        if from_end < self.tail.len() {
            return Ok(self.tail[self.tail.len() - 1 - from_end].entry.term);
        }
        self.store.term(index).map_err(|error| StorageError::Other(error).into())
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last_index)
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        // A snapshot from before the log's start would leave a gap after it; one from before the
        // node joined is no use to it.
        let usable = |source: &&SnapshotSource| {
            source.mark.index >= request_index.max(self.truncated.index)
                && source.membership.contains(to)
        };
        let Some(source) = self.source.as_ref().filter(usable) else {
            self.wanted.borrow_mut().insert(to);
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        };
        let mut snapshot = Snapshot { data: source.manifest.clone(), ..Snapshot::default() };
        let metadata = snapshot.mut_metadata();
        metadata.index = source.mark.index;
        metadata.term = source.mark.term;
        metadata.set_conf_state(conf_state(&source.membership));
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::membership::Membership;

    use super::*;
    use crate::log::HardState;

    /// A store that holds entries 1..=4 of term 1 and refuses everything else.
    struct Store;

    impl LogStore for Store {
        fn hard_state(&self) -> Result<HardState, LogError> {
            Ok(HardState { term: 1, vote: 0, commit: 1 })
        }
        fn first_index(&self) -> Result<u64, LogError> {
            Ok(1)
        }
        fn last_index(&self) -> Result<u64, LogError> {
            Ok(4)
        }
        fn term(&self, index: u64) -> Result<u64, LogError> {
            if index <= 4 { Ok(u64::from(index > 0)) } else { Err("beyond the store".into()) }
        }
        fn entries(&self, low: u64, high: u64, max: u64) -> Result<Vec<LogEntry>, LogError> {
            assert!(low >= 1 && high <= 5);
            let entry = |index| LogEntry { index, term: 1, payload: vec![index as u8; 10] };
            Ok((low..high).map(entry).take(((max / 10) as usize).max(1)).collect())
        }
    }

    fn entry(index: u64, term: u64, bytes: usize) -> Entry {
        Entry { index, term, data: vec![term as u8; bytes], ..Entry::default() }
    }

    fn log() -> TailedLog<Store> {
        TailedLog::open(Store, ConfState::default(), 2).expect("opens")
    }

    fn terms(log: &TailedLog<Store>, low: u64, high: u64, max: u64) -> Vec<(u64, u64)> {
        let entries = log.read(low, high, max).expect("readable");
        entries.iter().map(|entry| (entry.index, entry.term)).collect()
    }

    #[test]
    fn commit_is_raised_to_applied() {
        assert_eq!(log().initial_state().expect("state").hard_state.commit, 2);
    }

    #[test]
    fn unpersisted_entries_hide_what_they_replace() {
        let mut log = log();
        assert_eq!(log.append(1, vec![entry(5, 1, 10)]), None);
        let replacing = vec![entry(3, 2, TAIL_BYTES), entry(4, 2, TAIL_BYTES)];
        assert_eq!(log.append(2, replacing), Some(3));
        assert_eq!(log.last(), 4);
        assert_eq!(terms(&log, 1, 5, u64::MAX), [(1, 1), (2, 1), (3, 2), (4, 2)]);
        assert_eq!(log.term(4), Ok(2));
        // The first of two tasks being persisted says nothing about the second.
        log.persisted(1);
        assert_eq!(terms(&log, 3, 5, u64::MAX), [(3, 2), (4, 2)]);
    }

    #[test]
    fn size_limits_hold_across_store_and_tail() {
        let mut log = log();
        log.append(1, vec![entry(5, 1, 10), entry(6, 1, 10)]);
        assert_eq!(terms(&log, 3, 7, 20), [(3, 1), (4, 1)]);
        assert_eq!(terms(&log, 3, 7, 35), [(3, 1), (4, 1), (5, 1)]);
        assert_eq!(terms(&log, 5, 7, 0), [(5, 1)]);
        assert_eq!(terms(&log, 5, 6, 1_000), [(5, 1)]);
    }

    #[test]
    fn only_persisted_entries_leave_memory() {
        let mut log = log();
        log.append(1, vec![entry(5, 1, TAIL_BYTES)]);
        log.append(2, vec![entry(6, 1, TAIL_BYTES)]);
        log.persisted(1);
        assert_eq!(log.tail.len(), 1, "the first is on disk, the second is not");
        assert_eq!(log.term(6), Ok(1));
        assert!(log.term(5).is_err(), "this test's store does not hold it");
    }

    #[test]
    fn compaction_and_reset_move_the_start() {
        let mut log = log();
        log.compact(SnapshotMark { index: 3, term: 1 });
        assert_eq!(log.term(3), Ok(1));
        assert_eq!(log.term(2), Err(StorageError::Compacted.into()));
        log.reset(SnapshotMark { index: 9, term: 2 });
        assert_eq!((log.first(), log.last(), log.term(9)), (10, 9, Ok(2)));
    }

    #[test]
    fn sizes_follow_the_log() {
        let mut log = log();
        assert_eq!(
            (log.bytes(1..=4), log.within(4, 0)),
            (0, 0),
            "sizes in the store are not known"
        );
        log.append(1, vec![entry(5, 1, 10), entry(6, 1, 20), entry(7, 1, 30)]);
        assert_eq!((log.bytes(5..=6), log.bytes(3..=9)), (30, 60));
        assert_eq!([60, 59, 30, 29, 0].map(|bytes| log.within(7, bytes)), [0, 5, 6, 7, 7]);
        assert_eq!(log.within(6, 20), 5, "what comes after does not count");
        log.append(2, vec![entry(6, 2, 5)]);
        assert_eq!((log.last(), log.bytes(1..=7)), (6, 15));
        log.append(3, vec![entry(3, 3, 7)]);
        assert_eq!((log.last(), log.bytes(1..=6)), (3, 7), "older than all whose size is known");
        log.append(4, vec![entry(4, 3, 8)]);
        log.compact(SnapshotMark { index: 3, term: 3 });
        assert_eq!(log.bytes(1..=4), 8);
        log.reset(SnapshotMark { index: 9, term: 3 });
        assert_eq!(log.within(9, 0), 0);
    }

    #[test]
    fn a_snapshot_from_before_the_log_is_not_offered() {
        let mut log = log();
        log.compact(SnapshotMark { index: 3, term: 1 });
        let source = |index| SnapshotSource {
            mark: SnapshotMark { index, term: 1 },
            membership: Membership { voters: [7].into(), ..Membership::default() },
            manifest: vec![],
        };
        log.set_source(source(2));
        assert!(log.snapshot(0, 7).is_err());
        assert_eq!(log.take_wanted(), BTreeSet::from([7]));
        log.set_source(source(3));
        assert_eq!(log.snapshot(0, 7).expect("usable").get_metadata().index, 3);
        assert!(log.take_wanted().is_empty());
        assert!(log.snapshot(0, 8).is_err(), "node 8 joined later");
        assert_eq!(log.take_wanted(), BTreeSet::from([8]));
    }
}
