//! Committed entries on their way to the apply thread, never more than a window of them.

use std::collections::{BTreeMap, VecDeque};

use precinto_protocol::membership::MembershipChange;
use raft::eraftpb::Entry;

use crate::{
    chain::Applied,
    io::Committed,
    log::LogStore,
    membership::{change_in, is_block},
    replica::Replica,
    settings::{APPLY_WINDOW_BYTES, ENTRY_OVERHEAD_BYTES},
};

/// What was handed out and not yet applied.
pub(crate) struct Delivery {
    /// Last index handed out.
    handed: u64,
    /// Last index that may be: committed, and persisted here.
    committed: u64,
    /// Index and size of what is handed out.
    window: VecDeque<(u64, usize)>,
    bytes: usize,
    /// Changes of the group handed out, by index.
    changes: BTreeMap<u64, MembershipChange>,
}

impl Delivery {
    pub(crate) fn new(applied: u64) -> Delivery {
        Delivery {
            handed: applied,
            committed: applied,
            window: VecDeque::new(),
            bytes: 0,
            changes: BTreeMap::new(),
        }
    }

    /// The change handed out at `index`.
    pub(crate) fn change(&self, index: u64) -> Option<MembershipChange> {
        self.changes.get(&index).copied()
    }

    /// One entry always fits an empty window.
    fn hand(&mut self, entry: &Entry) -> bool {
        let size = entry.data.len() + ENTRY_OVERHEAD_BYTES;
        if self.bytes > 0 && self.bytes + size > APPLY_WINDOW_BYTES {
            return false;
        }
        self.handed = entry.index;
        self.bytes += size;
        self.window.push_back((entry.index, size));
        true
    }

    fn applied(&mut self, index: u64) {
        while let Some(&(first, size)) = self.window.front()
            && first <= index
        {
            self.bytes -= size;
            self.window.pop_front();
        }
        self.changes = self.changes.split_off(&(index + 1));
    }
}

impl<L: LogStore> Replica<L> {
    /// Hands out what raft reports as committed, as far as the window allows; the rest is read from
    /// the log later.
    pub(crate) fn deliver(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let next = self.delivery.handed + 1;
            self.delivery.committed = entry.index;
            if entry.index == next {
                self.hand(entry);
            }
        }
    }

    /// Hands out what did not fit the window before.
    pub(crate) fn deliver_rest(&mut self) {
        while self.delivery.handed < self.delivery.committed {
            let room = APPLY_WINDOW_BYTES.saturating_sub(self.delivery.bytes) as u64;
            if room == 0 {
                return;
            }
            let (low, high) = (self.delivery.handed + 1, self.delivery.committed + 1);
            let entries = self.raw.store().read(low, high, room);
            for entry in entries.expect("the raft log cannot be read") {
                if !self.hand(entry) {
                    return;
                }
            }
        }
    }

    fn hand(&mut self, entry: Entry) -> bool {
        let fits = self.delivery.hand(&entry);
        if fits {
            let change = change_in(&entry);
            let Entry { index, term, data, .. } = entry;
            let block = if is_block(&data) { data } else { Vec::new() };
            self.delivery.changes.extend(change.map(|change| (index, change)));
            self.output.committed.push(Committed { index, term, block, change });
        }
        fits
    }

    /// What is still executed while a snapshot replaces the ledger no longer counts.
    pub(crate) fn counts(&self, applied: &Applied) -> bool {
        !self.snapshots.is_installing() && applied.index > self.applied.index
    }

    pub(crate) fn applied(&mut self, applied: Applied) {
        if !self.counts(&applied) {
            return;
        }
        assert!(
            applied.index <= self.delivery.handed,
            "index {} was reported as applied, but only {} was handed out",
            applied.index,
            self.delivery.handed,
        );
        self.chain.forget(&applied);
        self.delivery.applied(applied.index);
        self.applied = applied;
        self.raw.advance_apply_to(applied.index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_bounded_and_moves() {
        let mut delivery = Delivery::new(3);
        let entry = |index, bytes| Entry { index, data: vec![0; bytes], ..Entry::default() };
        assert!(delivery.hand(&entry(4, 2 * APPLY_WINDOW_BYTES)), "alone, whatever its size");
        assert!(!delivery.hand(&entry(5, 0)));
        delivery.applied(4);
        assert!(delivery.hand(&entry(5, 0)));
        assert_eq!((delivery.handed, delivery.bytes), (5, ENTRY_OVERHEAD_BYTES));
    }
}
