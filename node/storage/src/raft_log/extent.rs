//! What the log holds, kept in memory: bounds, terms and hard state.

use super::{HardState, SnapshotMark};

/// Bounds and terms of the log. Terms never decrease and change with elections only, so a few
/// runs tell the term of every entry without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The log starts after this.
    pub(super) mark: SnapshotMark,
    pub(super) last: u64,
    pub(super) hard_state: HardState,
    /// (first index, term) of each run of entries of one term, ascending in both. The first run
    /// may begin before the log does.
    runs: Vec<(u64, u64)>,
}

impl Extent {
    pub(super) fn new(mark: SnapshotMark, hard_state: HardState) -> Extent {
        Extent { mark, last: mark.index, hard_state, runs: Vec::new() }
    }

    pub(super) fn first(&self) -> u64 {
        self.mark.index + 1
    }

    /// The term of the entry at `index`, or of the mark; `None` outside the log.
    pub(super) fn term(&self, index: u64) -> Option<u64> {
        if index == self.mark.index {
            return Some(self.mark.term);
        }
        if index < self.mark.index || index > self.last {
            return None;
        }
        let run = self.runs.partition_point(|&(first, _)| first <= index).checked_sub(1);
        Some(self.runs[run.expect("the first run starts no later than the first entry")].1)
    }

    pub(super) fn last_term(&self) -> u64 {
        self.runs.last().map_or(self.mark.term, |&(_, term)| term)
    }

    pub(super) fn push(&mut self, index: u64, term: u64) {
        assert_eq!(index, self.last + 1, "a Raft log has no holes");
        assert!(term >= self.last_term(), "terms never decrease along a Raft log");
        if self.runs.is_empty() || term > self.last_term() {
            self.runs.push((index, term));
        }
        self.last = index;
    }

    /// Forgets the entries from `index` on.
    pub(super) fn truncate(&mut self, index: u64) {
        assert!(index > self.mark.index, "compacted Raft log entries are never overwritten");
        assert!(index > self.hard_state.commit, "committed Raft log entries are never overwritten");
        self.last = self.last.min(index - 1);
        self.runs.retain(|&(first, _)| first < index);
    }

    /// Forgets the entries up to and including `index`.
    pub(super) fn compact(&mut self, index: u64) {
        let term = self.term(index).expect("only entries of the log are compacted");
        assert!(index <= self.hard_state.commit, "only committed Raft log entries are compacted");
        self.mark = SnapshotMark { index, term };
        let covered = self.runs.partition_point(|&(first, _)| first <= index + 1);
        self.runs.drain(..covered.saturating_sub(1));
    }

    /// Everything up to `mark` is in a snapshot. Whoever took it committed that far in a term at
    /// least the mark's, so a lower hard state is behind what the ledger holds. A vote is synced
    /// before it is sent: below the mark's term none was given in that term.
    pub(super) fn restart_after(&mut self, mark: SnapshotMark) {
        assert!(mark.index >= self.hard_state.commit, "a snapshot never takes back a commit");
        let mut hard_state = self.hard_state;
        if hard_state.term < mark.term {
            hard_state = HardState { term: mark.term, vote: 0, commit: 0 };
        }
        hard_state.commit = mark.index;
        *self = Extent::new(mark, hard_state);
    }

    pub(super) fn set_hard_state(&mut self, next: HardState) {
        let old = self.hard_state;
        assert!(next.term >= old.term, "a Raft term never decreases");
        assert!(
            next.term > old.term || old.vote == 0 || next.vote == old.vote,
            "a node votes once per term"
        );
        assert!(next.commit >= old.commit, "a commit is never taken back");
        assert!(next.commit <= self.last, "only entries of the log are committed");
        self.hard_state = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A log of the given terms after index `base`, everything committed that is compacted.
    fn log(base: u64, terms: &[u64]) -> Extent {
        let mut extent = Extent::new(SnapshotMark { index: base, term: 1 }, HardState::default());
        for (offset, term) in terms.iter().enumerate() {
            extent.push(base + 1 + offset as u64, *term);
        }
        extent
    }

    proptest! {
        #[test]
        fn terms_are_those_of_the_entries(
            base in 0u64..5,
            mut terms in prop::collection::vec(1u64..5, 0..20),
            cut in 0usize..25,
            compact in 0usize..25,
        ) {
            terms.sort_unstable();
            let mut extent = log(base, &terms);
            terms.truncate(cut);
            extent.truncate(base + 1 + cut as u64);
            let last = base + terms.len() as u64;
            let compact = (base + compact as u64).min(last);
            extent.hard_state.commit = last;
            extent.compact(compact);
            for index in 0..last + 3 {
                let expected = if index == base && compact == base {
                    Some(1)
                } else if index >= compact && index <= last {
                    Some(terms[(index - base - 1) as usize])
                } else {
                    None
                };
                prop_assert_eq!(extent.term(index), expected, "index {}", index);
            }
            let next_term = extent.last_term() + 1;
            extent.push(last + 1, next_term);
            prop_assert_eq!(extent.term(last + 1), Some(next_term));
        }
    }

    #[test]
    #[should_panic(expected = "no holes")]
    fn a_hole_is_refused() {
        log(3, &[1]).push(6, 1);
    }

    #[test]
    #[should_panic(expected = "committed Raft log entries are never overwritten")]
    fn a_committed_entry_is_not_truncated() {
        let mut extent = log(0, &[1, 1]);
        extent.set_hard_state(HardState { term: 1, vote: 1, commit: 2 });
        extent.truncate(2);
    }

    #[test]
    #[should_panic(expected = "compacted Raft log entries are never overwritten")]
    fn a_compacted_entry_is_not_truncated() {
        log(3, &[1]).truncate(3);
    }

    #[test]
    #[should_panic(expected = "votes once per term")]
    fn a_second_vote_in_a_term_is_refused() {
        let mut extent = log(0, &[]);
        extent.set_hard_state(HardState { term: 4, vote: 1, commit: 0 });
        extent.set_hard_state(HardState { term: 4, vote: 2, commit: 0 });
    }

    #[test]
    #[should_panic(expected = "only entries of the log are committed")]
    fn a_commit_beyond_the_log_is_refused() {
        log(0, &[1]).set_hard_state(HardState { term: 1, vote: 0, commit: 2 });
    }

    #[test]
    fn a_snapshot_raises_term_and_commit_and_keeps_the_vote_of_its_own_term() {
        let mark = SnapshotMark { index: 9, term: 3 };
        for (term, vote, expected) in [(2, 1, (3, 0)), (3, 1, (3, 1)), (5, 2, (5, 2))] {
            let mut extent = log(0, &[1]);
            extent.set_hard_state(HardState { term, vote, commit: 1 });
            extent.restart_after(mark);
            let HardState { term, vote, commit } = extent.hard_state;
            assert_eq!(((term, vote), commit), (expected, 9));
            assert_eq!((extent.first(), extent.last, extent.last_term()), (10, 9, 3));
        }
    }
}
