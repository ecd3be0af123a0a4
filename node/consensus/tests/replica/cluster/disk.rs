//! A disk that knows what was synced: writes wait in a queue, a crash empties it.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use precinto_consensus::{HardState, LogEntry, LogError, LogStore, SnapshotMark, WriteTask};

/// What survives a crash.
#[derive(Default)]
struct Durable {
    hard_state: HardState,
    truncated: SnapshotMark,
    entries: Vec<LogEntry>,
}

impl Durable {
    fn last_index(&self) -> u64 {
        self.truncated.index + self.entries.len() as u64
    }

    fn write(&mut self, task: &WriteTask) {
        if let Some(mark) = task.snapshot {
            self.truncated = mark;
            self.entries.clear();
        }
        if let Some(from) = task.truncate_from {
            assert!(from > self.truncated.index, "truncates what was compacted");
            self.entries.truncate((from - self.truncated.index - 1) as usize);
        }
        for entry in &task.entries {
            assert_eq!(entry.index, self.last_index() + 1, "leaves a hole or repeats an entry");
            self.entries.push(entry.clone());
        }
        if let Some(state) = task.hard_state {
            let former = self.hard_state;
            assert!(state.term >= former.term && state.commit >= former.commit);
            assert!(state.term > former.term || former.vote == 0 || former.vote == state.vote);
            assert!(state.commit <= self.last_index(), "commits what is not there");
            self.hard_state = state;
        }
    }
}

/// A handle shared by the node and its replica, as the log writer and the raft thread share theirs.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    durable: Rc<RefCell<Durable>>,
    pending: Rc<RefCell<VecDeque<WriteTask>>>,
}

impl Disk {
    pub(crate) fn enqueue(&self, task: WriteTask) {
        self.pending.borrow_mut().push_back(task);
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// Makes the oldest pending write durable and returns it.
    pub(crate) fn sync_one(&self) -> Option<WriteTask> {
        let task = self.pending.borrow_mut().pop_front()?;
        self.durable.borrow_mut().write(&task);
        Some(task)
    }

    pub(crate) fn crash(&self) {
        self.pending.borrow_mut().clear();
    }

    pub(crate) fn compact(&self, mark: SnapshotMark) {
        let mut durable = self.durable.borrow_mut();
        assert!(mark.index <= durable.last_index(), "compacts what is not durable");
        let dropped = mark.index - durable.truncated.index;
        durable.entries.drain(..dropped as usize);
        durable.truncated = mark;
    }

    /// Whether an entry, or a snapshot that contains it, is durable here.
    pub(crate) fn holds(&self, index: u64, term: u64) -> bool {
        let durable = self.durable.borrow();
        index <= durable.truncated.index || self.term(index).is_ok_and(|found| found == term)
    }
}

impl LogStore for Disk {
    fn hard_state(&self) -> Result<HardState, LogError> {
        Ok(self.durable.borrow().hard_state)
    }

    fn first_index(&self) -> Result<u64, LogError> {
        Ok(self.durable.borrow().truncated.index + 1)
    }

    fn last_index(&self) -> Result<u64, LogError> {
        Ok(self.durable.borrow().last_index())
    }

    fn term(&self, index: u64) -> Result<u64, LogError> {
        let durable = self.durable.borrow();
        match index.checked_sub(durable.truncated.index) {
            None => Err("compacted".into()),
            Some(0) => Ok(durable.truncated.term),
            Some(above) => {
                let entry = durable.entries.get(above as usize - 1);
                entry.map(|entry| entry.term).ok_or_else(|| "not durable".into())
            }
        }
    }

    fn entries(&self, low: u64, high: u64, max_bytes: u64) -> Result<Vec<LogEntry>, LogError> {
        let durable = self.durable.borrow();
        assert!(durable.truncated.index < low && high <= durable.last_index() + 1);
        let from = (low - durable.truncated.index - 1) as usize;
        let mut bytes = 0;
        let mut entries = Vec::new();
        for entry in &durable.entries[from..from + (high - low) as usize] {
            bytes += entry.payload.len() as u64;
            if !entries.is_empty() && bytes > max_bytes {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }
}
