//! The port to the state that execution, admission and queries read.

use precinto_protocol::{
    log::Frontier,
    state::{Entry, EntryKind, StateKey, Trie},
};

/// Why the state could not be read. Never a property of a transaction: whoever meets it stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The store failed.
    #[error("the state could not be read: {0}")]
    Io(String),
    /// What the store holds is not what the state tree commits to.
    #[error("the state holds something else under key {0:?} than the state tree")]
    Corrupt(StateKey),
}

/// The state at one height, as a store keeps it. Plain keys and record logs are apart: a key is
/// never both.
pub trait StateView {
    /// The value of a plain key.
    ///
    /// # Errors
    /// [`ViewError`], as of all these functions.
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError>;

    /// At most `limit` plain keys that begin with `prefix` and are greater than `after`, with
    /// their values, in key order. Fewer than `limit` only if there are no more.
    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError>;

    /// The frontier over a record log's entries; its size is their number.
    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError>;

    /// An encoded entry of a record log, by index from 0.
    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError>;

    /// What a key holds, if anything.
    fn kind(&self, key: &StateKey) -> Result<Option<EntryKind>, ViewError> {
        if self.get(key)?.is_some() {
            return Ok(Some(EntryKind::Plain));
        }
        Ok(self.record_log(key)?.map(|_| EntryKind::RecordLog))
    }
}

/// A store read through the state tree: what is absent costs no read, and a value or frontier
/// that the tree does not commit to is never used. (Not checked: single entries of record logs,
/// which would need their log's inner nodes, and that a scan leaves nothing out. A store that
/// lies there leads to another root than the other nodes'.)
pub(crate) struct CheckedView<'a> {
    pub(crate) trie: &'a Trie,
    pub(crate) view: &'a dyn StateView,
}

impl CheckedView<'_> {
    fn committed(&self, key: &StateKey, kind: EntryKind) -> Option<Entry> {
        self.trie.get(key).filter(|entry| entry.kind == kind)
    }

    /// `found` if it is what the tree commits to.
    fn checked<T>(
        key: &StateKey,
        committed: Entry,
        found: Option<T>,
        entry: impl Fn(&T) -> Entry,
    ) -> Result<Option<T>, ViewError> {
        match found {
            Some(found) if entry(&found) == committed => Ok(Some(found)),
            _ => Err(ViewError::Corrupt(key.clone())),
        }
    }
}

impl StateView for CheckedView<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
        let Some(committed) = self.committed(key, EntryKind::Plain) else {
            return Ok(None);
        };
        Self::checked(key, committed, self.view.get(key)?, |value| Entry::plain(value))
    }

    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
        let nothing = match after {
            None => self.trie.iter_prefix(prefix).next().is_none(),
            Some(after) => self.trie.iter_after(prefix, after).next().is_none(),
        };
        if nothing {
            return Ok(Vec::new());
        }
        let items = self.view.scan(prefix, after, limit)?;
        for (key, value) in &items {
            if self.trie.get(key) != Some(Entry::plain(value)) {
                return Err(ViewError::Corrupt(key.clone()));
            }
        }
        Ok(items)
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError> {
        let Some(committed) = self.committed(key, EntryKind::RecordLog) else {
            return Ok(None);
        };
        Self::checked(key, committed, self.view.record_log(key)?, Entry::record_log)
    }

    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError> {
        match self.committed(key, EntryKind::RecordLog) {
            Some(_) => self.view.record_log_entry(key, index),
            None => Ok(None),
        }
    }

    fn kind(&self, key: &StateKey) -> Result<Option<EntryKind>, ViewError> {
        Ok(self.trie.get(key).map(|entry| entry.kind))
    }
}
