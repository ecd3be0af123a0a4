//! What a contract reaches: implemented by execution over its overlay of the state.

use precinto_protocol::{
    call::CallContext,
    host::{Refusal, StateItem},
};

/// Why a host function does not return to the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The call fails, on every node alike.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This node cannot go on (its storage failed): no outcome.
    #[error("{0}")]
    Fatal(String),
}

/// The state of the called contract, its context and events.
///
/// Keys are encoded components without the contract's id, as the contract passed them: the
/// implementation checks them and refuses with [`Refusal::KeyInvalid`], and a plain key used as a
/// record log or the other way round with [`Refusal::KindMismatch`]. All other limits (sizes,
/// number and form of events, no writes in queries) are checked before it is called.
pub trait Host {
    /// Who calls, when, on which channel.
    fn context(&self) -> &CallContext;

    /// The value of a plain key.
    fn state_get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, HostError>;

    /// Sets a plain key.
    fn state_set(&mut self, key: &[u8], value: &[u8]) -> Result<(), HostError>;

    /// Removes a plain key; no effect if it is absent.
    fn state_remove(&mut self, key: &[u8]) -> Result<(), HostError>;

    /// At most `limit` plain keys with this prefix (which may be empty), in order, strictly after
    /// `after` if it is not empty. The page also ends, after at least one item, before the one with
    /// which its keys and values would exceed `MAX_SCAN_BYTES`.
    fn state_scan(
        &mut self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<StateItem>, HostError>;

    /// Appends to a record log, adding height, index, time, transaction id and member; returns the
    /// new number of entries.
    fn log_append(&mut self, key: &[u8], payload: &[u8]) -> Result<u64, HostError>;

    /// The encoded `RecordLogEntry` with this index, if there is one.
    fn log_read(&mut self, key: &[u8], index: u64) -> Result<Option<Vec<u8>>, HostError>;

    /// The number of entries of a record log, 0 if there is none.
    fn log_len(&mut self, key: &[u8]) -> Result<u64, HostError>;

    /// Emits an event.
    fn emit(&mut self, topic: &str, payload: &[u8]) -> Result<(), HostError>;
}
