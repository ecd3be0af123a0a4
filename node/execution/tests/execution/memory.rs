//! A store in memory, filled by what execution says is to be written.

use std::{collections::BTreeMap, ops::Bound};

use precinto_execution::{StateView, StateWrites, ViewError};
use precinto_protocol::{
    hash::Hash,
    log::Frontier,
    state::{Entry, StateKey, Trie},
};

#[derive(Clone, Default, Debug, PartialEq)]
pub(crate) struct MemoryView {
    pub(crate) plain: BTreeMap<StateKey, Vec<u8>>,
    pub(crate) logs: BTreeMap<StateKey, (Frontier, Vec<Vec<u8>>)>,
    /// Set: every read fails.
    pub(crate) broken: bool,
}

impl MemoryView {
    pub(crate) fn apply(&mut self, writes: &StateWrites) {
        for (key, value) in &writes.plain {
            match value {
                Some(value) => self.plain.insert(key.clone(), value.clone()),
                None => self.plain.remove(key),
            };
        }
        for (key, append) in &writes.record_logs {
            assert!(!self.plain.contains_key(key), "{key:?} is never both");
            let (frontier, entries) = self.logs.entry(key.clone()).or_default();
            assert_eq!(entries.len() as u64, append.first);
            entries.extend(append.entries.iter().cloned());
            *frontier = append.frontier.clone();
        }
    }

    /// The state root, from nothing but the stored entries.
    pub(crate) fn root(&self) -> Hash {
        let mut entries: BTreeMap<&StateKey, Entry> =
            self.plain.iter().map(|(key, value)| (key, Entry::plain(value))).collect();
        for (key, (_, stored)) in &self.logs {
            let mut log = Frontier::new();
            for entry in stored {
                log.append(precinto_protocol::log::leaf_hash(entry));
            }
            entries.insert(key, Entry::record_log(&log));
        }
        Trie::from_sorted(entries).expect("a map is sorted").root()
    }

    fn check(&self) -> Result<(), ViewError> {
        if self.broken { Err(ViewError::Io("the disk is gone".into())) } else { Ok(()) }
    }
}

impl StateView for MemoryView {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
        self.check()?;
        Ok(self.plain.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
        self.check()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = self.plain.range((from, Bound::Unbounded));
        let found = found.filter(|(key, _)| prefix.is_prefix_of(key)).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError> {
        self.check()?;
        Ok(self.logs.get(key).map(|(frontier, _)| frontier.clone()))
    }

    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError> {
        self.check()?;
        Ok(self.logs.get(key).and_then(|(_, entries)| entries.get(index as usize)).cloned())
    }
}
