//! Storage behind the ports of consensus and execution.

use precinto_consensus::{HardState, LogEntry, LogError, LogStore};
use precinto_execution::{StateView, ViewError};
use precinto_protocol::{cbor, log::Frontier, state::StateKey};
use precinto_storage::{LedgerView, RaftLog, StorageError};

/// The Raft log as the replica reads it.
pub struct LogPort(pub RaftLog);

impl LogStore for LogPort {
    fn hard_state(&self) -> Result<HardState, LogError> {
        let stored = self.0.hard_state();
        Ok(HardState { term: stored.term, vote: stored.vote, commit: stored.commit })
    }

    fn first_index(&self) -> Result<u64, LogError> {
        Ok(self.0.first_index())
    }

    fn last_index(&self) -> Result<u64, LogError> {
        Ok(self.0.last_index())
    }

    fn term(&self, index: u64) -> Result<u64, LogError> {
        Ok(self.0.term(index)?)
    }

    fn entries(&self, low: u64, high: u64, max_bytes: u64) -> Result<Vec<LogEntry>, LogError> {
        let entries = self.0.entries(low, high, max_bytes)?;
        let entry = |e: precinto_storage::LogEntry| LogEntry {
            index: e.index,
            term: e.term,
            payload: e.payload,
        };
        Ok(entries.into_iter().map(entry).collect())
    }
}

/// The state at one height as execution, admission and queries read it.
pub struct StatePort(pub LedgerView);

impl StateView for StatePort {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, ViewError> {
        self.0.state(key.as_bytes()).map_err(view_error)
    }

    fn scan(
        &self,
        prefix: &StateKey,
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, ViewError> {
        let after = after.map(StateKey::as_bytes);
        let items = self.0.state_scan(prefix.as_bytes(), after, limit).map_err(view_error)?;
        items.into_iter().map(|(key, value)| Ok((state_key(&key)?, value))).collect()
    }

    fn record_log(&self, key: &StateKey) -> Result<Option<Frontier>, ViewError> {
        let head = self.0.record_log(key.as_bytes()).map_err(view_error)?;
        head.map(|head| frontier(&head.commitment)).transpose()
    }

    fn record_log_entry(&self, key: &StateKey, index: u64) -> Result<Option<Vec<u8>>, ViewError> {
        self.0.record_log_entry(key.as_bytes(), index).map_err(view_error)
    }
}

/// A key that storage holds.
pub(crate) fn state_key(bytes: &[u8]) -> Result<StateKey, ViewError> {
    StateKey::from_bytes(bytes).map_err(|error| ViewError::Io(format!("a stored key: {error}")))
}

/// A frontier that storage holds.
pub(crate) fn frontier(bytes: &[u8]) -> Result<Frontier, ViewError> {
    cbor::decode(bytes).map_err(|error| ViewError::Io(format!("a stored frontier: {error}")))
}

fn view_error(error: StorageError) -> ViewError {
    ViewError::Io(error.to_string())
}
