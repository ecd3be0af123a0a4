//! Uncommitted changes over a state: one overlay per block, and one per call over that.

use std::{collections::BTreeMap, ops::Bound};

use precinto_protocol::{
    log::{Frontier, leaf_hash},
    state::{Entry, EntryKind, StateKey},
};

use crate::view::{StateView, ViewError};

/// New entries of a record log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLogAppend {
    /// Index of the first new entry.
    pub first: u64,
    /// The new entries, encoded [`precinto_protocol::state::RecordLogEntry`]s.
    pub entries: Vec<Vec<u8>>,
    /// The frontier after them.
    pub frontier: Frontier,
}

/// What becomes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A plain key is set or removed.
    Plain(Option<Vec<u8>>),
    /// A record log grows.
    RecordLog(RecordLogAppend),
}

impl Change {
    /// The key's entry in the state tree after the change.
    pub(crate) fn entry(&self) -> Option<Entry> {
        match self {
            Change::Plain(value) => value.as_deref().map(Entry::plain),
            Change::RecordLog(append) => Some(Entry::record_log(&append.frontier)),
        }
    }

    /// What the key holds after the change.
    fn kind(&self) -> Option<EntryKind> {
        match self {
            Change::Plain(value) => value.as_ref().map(|_| EntryKind::Plain),
            Change::RecordLog(_) => Some(EntryKind::RecordLog),
        }
    }
}

/// Changes by key.
pub(crate) type Changes = BTreeMap<StateKey, Change>;

/// A state with changes on top; reads see them.
pub(crate) struct Overlay<'a> {
    base: &'a dyn StateView,
    changes: Changes,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(base: &'a dyn StateView) -> Overlay<'a> {
        Overlay { base, changes: Changes::new() }
    }

    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(crate) fn into_changes(self) -> Changes {
        self.changes
    }

    pub(crate) fn set(&mut self, key: StateKey, value: Vec<u8>) {
        self.changes.insert(key, Change::Plain(Some(value)));
    }

    pub(crate) fn remove(&mut self, key: StateKey) {
        self.changes.insert(key, Change::Plain(None));
    }

    /// Appends an encoded entry to a record log and returns the new number of entries.
    pub(crate) fn append(&mut self, key: StateKey, entry: Vec<u8>) -> Result<u64, ViewError> {
        if !matches!(self.changes.get(&key), Some(Change::RecordLog(_))) {
            let frontier = self.base.record_log(&key)?.unwrap_or_default();
            let append = RecordLogAppend { first: frontier.size(), entries: Vec::new(), frontier };
            self.changes.insert(key.clone(), Change::RecordLog(append));
        }
        let Some(Change::RecordLog(append)) = self.changes.get_mut(&key) else {
            unreachable!("the record log was opened above");
        };
        append.frontier.append(leaf_hash(&entry));
        append.entries.push(entry);
        Ok(append.frontier.size())
    }

    /// Takes over what a call changed on top of this overlay.
    pub(crate) fn absorb(&mut self, changes: Changes) {
        for (key, change) in changes {
            match (self.changes.get_mut(&key), change) {
                (Some(Change::RecordLog(old)), Change::RecordLog(new)) => {
                    old.entries.extend(new.entries);
                    old.frontier = new.frontier;
                }
                (_, change) => {
                    self.changes.insert(key, change);
                }
            }
        }
    }

    /// The changes of keys that begin with `prefix` and lie in `after..=until`, on top of `page`.
    fn merged(
        &self,
        page: Vec<(StateKey, Vec<u8>)>,
        prefix: &StateKey,
        (after, until): (Option<&StateKey>, Option<&StateKey>),
    ) -> impl Iterator<Item = (StateKey, Vec<u8>)> {
        let mut merged: BTreeMap<StateKey, Option<Vec<u8>>> =
            page.into_iter().map(|(key, value)| (key, Some(value))).collect();
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let changed = self.changes.range((from, Bound::Unbounded));
        for (key, change) in changed
            .take_while(|(key, _)| prefix.is_prefix_of(key) && until.is_none_or(|end| *key <= end))
        {
            let value = match change {
                Change::Plain(value) => value.clone(),
                Change::RecordLog(_) => None,
            };
            merged.insert(key.clone(), value);
        }
        merged.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

impl StateView for Overlay<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
        match self.changes.get(key) {
            Some(Change::Plain(value)) => Ok(value.clone()),
            Some(Change::RecordLog(_)) => Ok(None),
            None => self.base.get(key),
        }
    }

    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
        let mut items = Vec::new();
        let mut after = after.cloned();
        while items.len() < limit {
            let page = self.base.scan(prefix, after.as_ref(), limit)?;
            // A full page says nothing of what lies beyond its last key.
            let until = (page.len() == limit).then(|| page[limit - 1].0.clone());
            items.extend(self.merged(page, prefix, (after.as_ref(), until.as_ref())));
            match until {
                Some(until) => after = Some(until),
                None => break,
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError> {
        match self.changes.get(key) {
            Some(Change::RecordLog(append)) => Ok(Some(append.frontier.clone())),
            Some(Change::Plain(_)) => Ok(None),
            None => self.base.record_log(key),
        }
    }

    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError> {
        match self.changes.get(key) {
            Some(Change::Plain(_)) => Ok(None),
            Some(Change::RecordLog(append)) if index >= append.first => {
                let at = usize::try_from(index - append.first).ok();
                Ok(at.and_then(|at| append.entries.get(at)).cloned())
            }
            _ => self.base.record_log_entry(key, index),
        }
    }

    fn kind(&self, key: &StateKey) -> Result<Option<EntryKind>, ViewError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.kind()),
            None => self.base.kind(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Map = BTreeMap<StateKey, Vec<u8>>;

    impl StateView for Map {
        fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
            Ok(self.get(key).cloned())
        }

        fn scan(
            &self,
            prefix: &StateKey,
            after: Option<&StateKey>,
            limit: usize,
        ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
            let found = self.iter().filter(|(key, _)| {
                prefix.is_prefix_of(key) && after.is_none_or(|after| *key > after)
            });
            Ok(found.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
        }

        fn record_log(&self, _: &StateKey) -> Result<Option<Frontier>, ViewError> {
            Ok(None)
        }

        fn record_log_entry(&self, _: &StateKey, _: u64) -> Result<Option<Vec<u8>>, ViewError> {
            Ok(None)
        }
    }

    /// Keys of one or two components, so that some are prefixes of others.
    fn key() -> impl Strategy<Value = StateKey> {
        prop::collection::vec(0..4_u8, 1..3).prop_map(|components| {
            let parts = components.iter();
            parts.fold(StateKey::new(7), |key, part| key.component(&[*part]).expect("short"))
        })
    }

    proptest! {
        /// Two overlays over a map read as the map with all changes made.
        #[test]
        fn an_overlay_reads_as_if_its_changes_were_made(
            base in prop::collection::btree_map(key(), any::<[u8; 1]>().prop_map(Vec::from), 0..12),
            below in prop::collection::vec((key(), any::<Option<u8>>()), 0..8),
            above in prop::collection::vec((key(), any::<Option<u8>>()), 0..8),
            (prefix, deep) in (key(), any::<bool>()),
            after in prop::option::of(key()),
            limit in 0..6_usize,
        ) {
            let mut model = base.clone();
            let mut first = Overlay::new(&base);
            change(&mut first, &mut model, &below);
            let mut second = Overlay::new(&first);
            change(&mut second, &mut model, &above);
            let prefix = if deep { prefix } else { StateKey::new(7) };
            let expected = model.scan(&prefix, after.as_ref(), limit);
            prop_assert_eq!(second.scan(&prefix, after.as_ref(), limit), expected);
            prop_assert_eq!(second.get(&prefix), Ok(model.get(&prefix).cloned()));
            let changes = second.into_changes();
            first.absorb(changes);
            prop_assert_eq!(first.scan(&StateKey::new(7), None, 100), model.scan(&StateKey::new(7), None, 100));
        }
    }

    fn change(overlay: &mut Overlay<'_>, model: &mut Map, changes: &[(StateKey, Option<u8>)]) {
        for (key, value) in changes {
            match value {
                Some(value) => {
                    overlay.set(key.clone(), vec![*value]);
                    model.insert(key.clone(), vec![*value]);
                }
                None => {
                    overlay.remove(key.clone());
                    model.remove(key);
                }
            }
        }
    }
}
