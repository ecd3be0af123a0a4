//! What a contract can reach: its own state, the context of the call, nothing else.

use alloc::{format, vec::Vec};

use minicbor::{Decode, Encode};
use precinto_protocol::{call::CallContext, cbor, hash::Hash, state::RecordLogEntry};

use crate::{Key, Rejection, Result};

/// The functions of the host. Each charges fuel before it works.
///
/// There are no errors to handle: what the host refuses (an oversized key or value, a write in a
/// query, a plain write over a record log) ends the call at once with the host's own code, and
/// nothing of the call remains.
pub trait Host {
    /// Who calls, when, on which channel.
    fn context(&self) -> CallContext;

    /// The value of a plain key.
    fn get(&self, key: &Key) -> Option<Vec<u8>>;

    /// Sets a plain key.
    fn set(&mut self, key: &Key, value: &[u8]);

    /// Removes a plain key; no effect if it is absent.
    fn remove(&mut self, key: &Key);

    /// At most `limit` plain keys that begin with the components of `prefix`, with their values, in
    /// key order, strictly after the key `after` if one is given. The host may return fewer than
    /// `limit` to bound the page; the end is reached when a page is empty.
    fn scan(&self, prefix: &Key, after: Option<&Key>, limit: u32) -> Vec<(Key, Vec<u8>)>;

    /// Appends to a record log, which is created by its first entry; returns the new number of
    /// entries. The host adds height, index, time, transaction id and member to the entry.
    fn log_append(&mut self, key: &Key, payload: &[u8]) -> u64;

    /// The entry of a record log with this index (from 0), if there is one.
    fn log_read(&self, key: &Key, index: u64) -> Option<RecordLogEntry>;

    /// The number of entries of a record log, 0 if there is none.
    fn log_len(&self, key: &Key) -> u64;

    /// Emits an event: `topic` is 1 to 64 characters of `a-z`, `0-9`, `-` and
    /// `.`, such as `operator.suspended`.
    fn emit(&mut self, topic: &str, payload: &[u8]);

    /// SHA-256, computed by the host (cheaper than in the contract).
    fn sha256(&self, data: &[u8]) -> Hash;
}

impl dyn Host + '_ {
    /// The decoded value of a plain key.
    ///
    /// # Errors
    /// [`Rejection::CORRUPT_STATE`] if the value is not the encoding of a `T`.
    pub fn read<T: for<'b> Decode<'b, ()>>(&self, key: &Key) -> Result<Option<T>> {
        self.get(key).map(|value| decode_stored(&value)).transpose()
    }

    /// Sets a plain key to the deterministic encoding of `value`.
    pub fn write<T: Encode<()>>(&mut self, key: &Key, value: &T) {
        self.set(key, &cbor::encode(value));
    }

    /// Appends the deterministic encoding of `payload` to a record log; returns the new number of
    /// entries.
    pub fn append<T: Encode<()>>(&mut self, key: &Key, payload: &T) -> u64 {
        self.log_append(key, &cbor::encode(payload))
    }

    /// The newest entry of a record log.
    pub fn log_last(&self, key: &Key) -> Option<RecordLogEntry> {
        self.log_len(key).checked_sub(1).and_then(|index| self.log_read(key, index))
    }

    /// Emits an event whose payload is the deterministic encoding of `payload`.
    pub fn publish<T: Encode<()>>(&mut self, topic: &str, payload: &T) {
        self.emit(topic, &cbor::encode(payload));
    }
}

/// Decodes what the contract itself stored: a value, or the payload of a record log's entry. That it
/// is deterministic was seen to when it was written, and is not checked again: decoding is most of
/// what a query costs.
///
/// # Errors
/// [`Rejection::CORRUPT_STATE`].
pub fn decode_stored<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T> {
    minicbor::decode(bytes)
        .map_err(|error| Rejection::new(Rejection::CORRUPT_STATE, format!("stored value: {error}")))
}
