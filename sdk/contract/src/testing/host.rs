//! The host's side of one call, in memory.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{cell::Cell, ops::Bound};

use precinto_protocol::{
    call::CallContext,
    cbor,
    hash::{Hash, sha256},
    host::{MAX_SCAN_BYTES, MAX_SCAN_ITEMS, Refusal, StateItem, is_topic},
    keys::PublicKey,
    limits::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_STATE_VALUE_BYTES},
    state::{RecordLogEntry, StateKey},
};

use super::Failure;
use crate::{Host, Key, Rejection};

#[derive(Clone, PartialEq)]
enum Entry {
    Plain(Vec<u8>),
    Log(Vec<Vec<u8>>),
}

/// State, context and events of a call, with the limits and checks of a node.
///
/// A contract reaches it as a [`Host`]; there a refusal is remembered, the function answers as if
/// the key were absent, and the call fails when the contract returns. The functions named as the
/// module's imports ([`MockHost::state_get`] and so on) return refusals: an adapter for a WASM
/// engine uses them.
#[derive(Clone)]
pub struct MockHost {
    context: CallContext,
    read_only: bool,
    entries: BTreeMap<Vec<u8>, Entry>,
    events: Vec<(String, Vec<u8>)>,
    refused: Cell<Option<Refusal>>,
}

impl MockHost {
    /// An empty state.
    pub fn new(context: CallContext) -> MockHost {
        MockHost {
            context,
            read_only: false,
            entries: BTreeMap::new(),
            events: Vec::new(),
            refused: Cell::new(None),
        }
    }

    /// The same state, without events, as the host of another call.
    #[must_use]
    pub fn next_call(&self, context: CallContext, read_only: bool) -> MockHost {
        MockHost {
            context,
            read_only,
            entries: self.entries.clone(),
            events: Vec::new(),
            refused: Cell::new(None),
        }
    }

    /// Whether both hold the same keys, values and record logs.
    pub fn has_state_of(&self, other: &MockHost) -> bool {
        self.entries == other.entries
    }

    /// What was emitted in this call: (topic, payload).
    pub fn events(&self) -> &[(String, Vec<u8>)] {
        &self.events
    }

    /// The call's result once the contract returned: its own, unless the host refused something.
    ///
    /// # Errors
    /// The first refusal, or the contract's rejection.
    pub fn finish(&self, result: Result<Vec<u8>, Rejection>) -> Result<Vec<u8>, Failure> {
        match self.refused.get() {
            Some(refusal) => Err(refusal.into()),
            None => result.map_err(Failure::from),
        }
    }

    /// The context of the call.
    pub fn call_context(&self) -> &CallContext {
        &self.context
    }

    /// Import `state_get`.
    ///
    /// # Errors
    /// [`Refusal`], as of all these functions.
    pub fn state_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        match self.entries.get(self.checked(key)?) {
            None => Ok(None),
            Some(Entry::Plain(value)) => Ok(Some(value.clone())),
            Some(Entry::Log(_)) => Err(Refusal::KindMismatch),
        }
    }

    /// Import `state_set`.
    pub fn state_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        self.check_write(value.len())?;
        self.state_get(key)?;
        self.entries.insert(key.into(), Entry::Plain(value.into()));
        Ok(())
    }

    /// Import `state_remove`.
    pub fn state_remove(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.check_write(0)?;
        self.state_get(key)?;
        self.entries.remove(key);
        Ok(())
    }

    /// Import `state_scan`.
    pub fn state_scan(
        &self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<StateItem>, Refusal> {
        for key in [prefix, after] {
            if !key.is_empty() {
                self.checked(key)?;
            }
        }
        let from = match after.is_empty() || after < prefix {
            true => Bound::Included(prefix),
            false => Bound::Excluded(after),
        };
        let mut bytes = 0;
        let page = self
            .entries
            .range::<[u8], _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(key, entry)| match entry {
                Entry::Plain(value) => Some(StateItem { key: key.clone(), value: value.clone() }),
                Entry::Log(_) => None,
            })
            .take(limit.min(MAX_SCAN_ITEMS) as usize)
            .take_while(|item| {
                let first = bytes == 0;
                bytes += item.key.len() + item.value.len();
                first || bytes <= MAX_SCAN_BYTES
            });
        Ok(page.collect())
    }

    /// Import `log_append`.
    pub fn log_append(&mut self, key: &[u8], payload: &[u8]) -> Result<u64, Refusal> {
        self.check_write(payload.len())?;
        self.log_len(key)?;
        let entry = cbor::encode(&self.record_log_entry(payload));
        let log = self.entries.entry(key.into()).or_insert_with(|| Entry::Log(Vec::new()));
        match log {
            Entry::Log(entries) => {
                entries.push(entry);
                Ok(entries.len() as u64)
            }
            Entry::Plain(_) => Err(Refusal::KindMismatch),
        }
    }

    /// Import `log_read`: the encoded entry.
    pub fn log_read(&self, key: &[u8], index: u64) -> Result<Option<Vec<u8>>, Refusal> {
        let entries = self.log(key)?;
        Ok(usize::try_from(index).ok().and_then(|index| entries.get(index)).cloned())
    }

    /// Import `log_len`.
    pub fn log_len(&self, key: &[u8]) -> Result<u64, Refusal> {
        self.log(key).map(|entries| entries.len() as u64)
    }

    /// Import `emit`.
    pub fn emit_event(&mut self, topic: &str, payload: &[u8]) -> Result<(), Refusal> {
        self.check_write(0)?;
        if !is_topic(topic.as_bytes()) {
            return Err(Refusal::TopicInvalid);
        }
        if payload.len() > MAX_EVENT_BYTES {
            return Err(Refusal::EventTooLarge);
        }
        if self.events.len() >= MAX_EVENTS {
            return Err(Refusal::TooManyEvents);
        }
        self.events.push((topic.to_string(), payload.into()));
        Ok(())
    }

    fn log(&self, key: &[u8]) -> Result<&[Vec<u8>], Refusal> {
        match self.entries.get(self.checked(key)?) {
            None => Ok(&[]),
            Some(Entry::Log(entries)) => Ok(entries),
            Some(Entry::Plain(_)) => Err(Refusal::KindMismatch),
        }
    }

    fn record_log_entry(&self, payload: &[u8]) -> RecordLogEntry {
        let author = self.context.author();
        RecordLogEntry {
            height: self.context.height,
            index: self.context.index,
            time_ms: self.context.time_ms,
            transaction: self.context.transaction.map(|id| id.0).unwrap_or_default(),
            member: author.map(|signer| signer.member.clone()).unwrap_or_default(),
            payload: payload.into(),
        }
    }

    fn checked<'k>(&self, key: &'k [u8]) -> Result<&'k [u8], Refusal> {
        if key.is_empty() {
            return Err(Refusal::KeyInvalid);
        }
        StateKey::from_suffix(self.context.contract, key).map_err(|_| Refusal::KeyInvalid)?;
        Ok(key)
    }

    fn check_write(&self, value_bytes: usize) -> Result<(), Refusal> {
        if self.read_only {
            return Err(Refusal::ReadOnly);
        }
        if value_bytes > MAX_STATE_VALUE_BYTES {
            return Err(Refusal::ValueTooLarge);
        }
        Ok(())
    }

    /// Remembers the first refusal of the call.
    fn settled<T: Default>(&self, result: Result<T, Refusal>) -> T {
        result.unwrap_or_else(|refusal| {
            self.refused.set(self.refused.get().or(Some(refusal)));
            T::default()
        })
    }
}

impl Host for MockHost {
    fn context(&self) -> CallContext {
        self.context.clone()
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.settled(self.state_get(key.as_bytes()))
    }

    fn set(&mut self, key: &Key, value: &[u8]) {
        let result = self.state_set(key.as_bytes(), value);
        self.settled(result);
    }

    fn remove(&mut self, key: &Key) {
        let result = self.state_remove(key.as_bytes());
        self.settled(result);
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, limit: u32) -> Vec<(Key, Vec<u8>)> {
        let after = after.map_or(&[][..], Key::as_bytes);
        let page = self.settled(self.state_scan(prefix.as_bytes(), after, limit));
        page.into_iter().map(|item| (Key::from_encoded(item.key), item.value)).collect()
    }

    fn log_append(&mut self, key: &Key, payload: &[u8]) -> u64 {
        let result = MockHost::log_append(self, key.as_bytes(), payload);
        self.settled(result)
    }

    fn log_read(&self, key: &Key, index: u64) -> Option<RecordLogEntry> {
        let entry = self.settled(MockHost::log_read(self, key.as_bytes(), index))?;
        Some(cbor::decode(&entry).expect("encoded by this host"))
    }

    fn log_len(&self, key: &Key) -> u64 {
        self.settled(MockHost::log_len(self, key.as_bytes()))
    }

    fn emit(&mut self, topic: &str, payload: &[u8]) {
        let result = self.emit_event(topic, payload);
        self.settled(result);
    }

    fn sha256(&self, data: &[u8]) -> Hash {
        sha256(&[data])
    }

    fn verify_signature(&self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        PublicKey::from_bytes(key).is_ok_and(|key| key.verify(message, signature))
    }
}
