//! What the host of a contract and the contract agree on beyond one call's input and output.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::limits::MAX_NAME_BYTES;

/// Items of one page of a state scan: bounds what one host call holds in memory.
pub const MAX_SCAN_ITEMS: u32 = 256;

/// Encoded page of a state scan, in bytes, above which it ends early (after at least one item).
pub const MAX_SCAN_BYTES: usize = 256 * 1024;

/// An entry of a page of a state scan. Encoding of a page: CBOR array of [key, value].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct StateItem {
    /// The key's encoded components, without the contract's id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub key: Vec<u8>,
    /// The value.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub value: Vec<u8>,
}

/// Why the host ends a call. Each is the same on every node, and its code is the outcome's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A key that is empty, longer than the limit, or not a sequence of escaped components.
    #[error("a key is empty, too long, or not a sequence of escaped components")]
    KeyInvalid,
    /// A value or record-log entry above the limit.
    #[error("a value or record-log entry is too large")]
    ValueTooLarge,
    /// A plain key used as a record log, or a record log as a plain key.
    #[error("a plain key was used as a record log, or a record log as a plain key")]
    KindMismatch,
    /// A write or an event in a query.
    #[error("a query cannot write or emit")]
    ReadOnly,
    /// A topic that is not 1 to 64 characters of `a-z`, `0-9`, `-` and `.`.
    #[error("a topic has 1 to 64 characters of a-z, 0-9, hyphen and full stop")]
    TopicInvalid,
    /// An event's payload above the limit.
    #[error("an event's payload is too large")]
    EventTooLarge,
    /// More events than one transaction may emit.
    #[error("too many events")]
    TooManyEvents,
}

impl Refusal {
    /// The stable code of the outcome.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::KeyInvalid => "key-invalid",
            Refusal::ValueTooLarge => "value-too-large",
            Refusal::KindMismatch => "kind-mismatch",
            Refusal::ReadOnly => "read-only",
            Refusal::TopicInvalid => "topic-invalid",
            Refusal::EventTooLarge => "event-too-large",
            Refusal::TooManyEvents => "too-many-events",
        }
    }
}

/// Whether `text` may be a rejection's code: 1 to 64 characters of `a-z`, `0-9` and `-`.
pub fn is_code(text: &[u8]) -> bool {
    is_name(text, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Whether `text` may be an event's topic: 1 to 64 characters of `a-z`, `0-9`, `-` and `.`.
pub fn is_topic(text: &[u8]) -> bool {
    is_name(text, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

fn is_name(text: &[u8], allowed: fn(u8) -> bool) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.iter().all(|&byte| allowed(byte))
}
