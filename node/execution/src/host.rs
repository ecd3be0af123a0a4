//! The host of one call: the contract's own state on an overlay, context, events.

use precinto_protocol::{
    call::CallContext,
    cbor,
    host::{MAX_SCAN_BYTES, MAX_SCAN_ITEMS, Refusal, StateItem},
    log::Frontier,
    outcome::Event,
    state::{EntryKind, RecordLogEntry, StateKey},
};
use precinto_vm::{Host, HostError};

use crate::{
    overlay::{Changes, Overlay},
    view::{StateView, ViewError},
};

/// What a contract sees during one call. The keys it passes are placed under its own id, so it
/// reaches nothing else.
pub(crate) struct CallHost<'a> {
    context: CallContext,
    contract: &'a str,
    overlay: Overlay<'a>,
    events: Vec<Event>,
}

impl<'a> CallHost<'a> {
    pub(crate) fn new(
        context: CallContext,
        contract: &'a str,
        state: &'a dyn StateView,
    ) -> CallHost<'a> {
        CallHost { context, contract, overlay: Overlay::new(state), events: Vec::new() }
    }

    /// What the call changed and emitted.
    pub(crate) fn into_effects(self) -> (Changes, Vec<Event>) {
        (self.overlay.into_changes(), self.events)
    }

    fn prefix(&self, suffix: &[u8]) -> Result<StateKey, HostError> {
        StateKey::from_suffix(self.context.contract, suffix)
            .map_err(|_| HostError::Refused(Refusal::KeyInvalid))
    }

    /// The key of an entry, which has at least one component.
    fn key(&self, suffix: &[u8]) -> Result<StateKey, HostError> {
        if suffix.is_empty() {
            return Err(Refusal::KeyInvalid.into());
        }
        self.prefix(suffix)
    }

    /// The key of an entry to be written, which holds nothing of another kind.
    fn key_for(&self, suffix: &[u8], kind: EntryKind) -> Result<StateKey, HostError> {
        let key = self.key(suffix)?;
        match self.overlay.kind(&key).map_err(fatal)? {
            Some(found) if found != kind => Err(Refusal::KindMismatch.into()),
            _ => Ok(key),
        }
    }

    /// Refuses a plain key where a record log was meant. Asked only where nothing was found, so that
    /// what is there costs one look-up.
    fn check_no_plain(&self, key: &StateKey) -> Result<(), HostError> {
        match self.overlay.get(key).map_err(fatal)? {
            Some(_) => Err(Refusal::KindMismatch.into()),
            None => Ok(()),
        }
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, HostError> {
        self.overlay.record_log(key).map_err(fatal)
    }
}

fn fatal(error: ViewError) -> HostError {
    HostError::Fatal(error.to_string())
}

impl Host for CallHost<'_> {
    fn context(&self) -> &CallContext {
        &self.context
    }

    fn state_get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        let key = self.key(key)?;
        let value = self.overlay.get(&key).map_err(fatal)?;
        if value.is_none() && self.record_log(&key)?.is_some() {
            return Err(Refusal::KindMismatch.into());
        }
        Ok(value)
    }

    fn state_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), HostError> {
        let key = self.key_for(key, EntryKind::Plain)?;
        self.overlay.set(key, value.to_vec());
        Ok(())
    }

    fn state_remove(&mut self, key: &[u8]) -> Result<(), HostError> {
        let key = self.key_for(key, EntryKind::Plain)?;
        self.overlay.remove(key);
        Ok(())
    }

    fn state_scan(
        &mut self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<StateItem>, HostError> {
        let prefix = self.prefix(prefix)?;
        let after = if after.is_empty() { None } else { Some(self.prefix(after)?) };
        let limit = limit.min(MAX_SCAN_ITEMS) as usize;
        let page = self.overlay.scan(&prefix, after.as_ref(), limit).map_err(fatal)?;
        let mut bytes = 0;
        let items = page
            .into_iter()
            .map(|(key, value)| StateItem { key: key.suffix().to_vec(), value })
            .take_while(|item| {
                let first = bytes == 0;
                bytes += item.key.len() + item.value.len();
                first || bytes <= MAX_SCAN_BYTES
            });
        Ok(items.collect())
    }

    fn log_append(&mut self, key: &[u8], payload: &[u8]) -> Result<u64, HostError> {
        let key = self.key_for(key, EntryKind::RecordLog)?;
        let context = &self.context;
        let (Some(transaction), Some(author)) = (context.transaction, context.author()) else {
            return Err(Refusal::ReadOnly.into());
        };
        let entry = RecordLogEntry {
            height: context.height,
            index: context.index,
            time_ms: context.time_ms,
            transaction: transaction.0,
            member: author.member.clone(),
            payload: payload.to_vec(),
        };
        self.overlay.append(key, cbor::encode(&entry)).map_err(fatal)
    }

    fn log_read(&mut self, key: &[u8], index: u64) -> Result<Option<Vec<u8>>, HostError> {
        let key = self.key(key)?;
        let entry = self.overlay.record_log_entry(&key, index).map_err(fatal)?;
        if entry.is_none() {
            self.check_no_plain(&key)?;
        }
        Ok(entry)
    }

    fn log_len(&mut self, key: &[u8]) -> Result<u64, HostError> {
        let key = self.key(key)?;
        let Some(log) = self.record_log(&key)? else {
            self.check_no_plain(&key)?;
            return Ok(0);
        };
        Ok(log.size())
    }

    fn emit(&mut self, topic: &str, payload: &[u8]) -> Result<(), HostError> {
        self.events.push(Event {
            contract: self.contract.to_owned(),
            topic: topic.to_owned(),
            payload: payload.to_vec(),
        });
        Ok(())
    }
}
