//! Record logs: histories that no contract, version or vote can rewrite.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::{
    cbor,
    hash::{Hash, tagged},
    identity::MemberId,
    log::{Frontier, leaf_hash},
};

/// One entry of a record log, as the CBOR array `[height, index, time_ms, transaction, member,
/// payload]`. Contracts give the payload, the host adds the rest. Its place in the log's RFC 6962
/// tree is the leaf hash of these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RecordLogEntry {
    /// Height of the block.
    #[n(0)]
    pub height: u64,
    /// Index of the transaction within the block.
    #[n(1)]
    pub index: u32,
    /// Ledger time of the block: milliseconds since the Unix epoch.
    #[n(2)]
    pub time_ms: u64,
    /// Id of the transaction that appended the entry.
    #[n(3)]
    pub transaction: Hash,
    /// Member that signed it.
    #[n(4)]
    pub member: MemberId,
    /// What the contract appended.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub payload: Vec<u8>,
}

impl RecordLogEntry {
    /// The entry's leaf hash in its record log.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&cbor::encode(self))
    }
}

/// What the state tree holds for a record log: tagged("precinto/record-log", entry count as u64
/// big-endian, RFC 6962 root over the entries).
pub fn record_log_digest(log: &Frontier) -> Hash {
    tagged("precinto/record-log", &[&log.size().to_be_bytes(), log.root().as_bytes()])
}
