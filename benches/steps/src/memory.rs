//! A state in memory, to measure execution without storage.

use std::{collections::BTreeMap, ops::Bound};

use precinto_execution::{StateView, StateWrites, ViewError};
use precinto_protocol::{log::Frontier, state::StateKey};

/// Plain keys and record logs, filled by what execution says is to be written.
#[derive(Default)]
pub struct MemoryView {
    plain: BTreeMap<StateKey, Vec<u8>>,
    logs: BTreeMap<StateKey, (Frontier, Vec<Vec<u8>>)>,
}

impl MemoryView {
    /// Takes over what a block wrote.
    pub fn apply(&mut self, writes: StateWrites) {
        for (key, value) in writes.plain {
            match value {
                Some(value) => self.plain.insert(key, value),
                None => self.plain.remove(&key),
            };
        }
        for (key, append) in writes.record_logs {
            let (frontier, entries) = self.logs.entry(key).or_default();
            entries.extend(append.entries);
            *frontier = append.frontier;
        }
    }
}

impl StateView for MemoryView {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.plain.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let found = self.plain.range((from, Bound::Unbounded));
        let found = found.take_while(|(key, _)| prefix.is_prefix_of(key)).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError> {
        Ok(self.logs.get(key).map(|(frontier, _)| frontier.clone()))
    }

    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError> {
        let at = usize::try_from(index).ok();
        Ok(at.and_then(|at| self.logs.get(key)?.1.get(at)).cloned())
    }
}
