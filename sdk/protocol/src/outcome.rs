//! What became of a transaction.

use alloc::{string::String, vec::Vec};
use core::fmt;

use minicbor::{Decode, Encode};

use crate::identity::{KeyId, MemberId};

/// Final outcome of an executed transaction.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Outcome {
    /// Executed; its writes are in the state.
    #[n(0)]
    Committed,
    /// Executed and refused; no writes.
    #[n(1)]
    Rejected {
        /// Stable kebab-case code: one of [`code`] or the contract's own.
        #[n(0)]
        code: String,
    },
}

/// Codes of rejections that execution itself gives. Contracts add their own.
pub mod code {
    /// No contract of this name is active.
    pub const UNKNOWN_CONTRACT: &str = "unknown-contract";
    /// The active contract version is not the one the author expected.
    pub const CONTRACT_CHANGED: &str = "contract-changed";
    /// The contract has no policy for this method, so nobody may call it.
    pub const UNKNOWN_METHOD: &str = "unknown-method";
    /// The author's identity is revoked.
    pub const IDENTITY_REVOKED: &str = "identity-revoked";
    /// The author's identity is not valid yet, or no longer, at the block's time.
    pub const IDENTITY_EXPIRED: &str = "identity-expired";
    /// `on_behalf` was stated by an identity that is not a node.
    pub const NOT_A_NODE: &str = "not-a-node";
    /// The contract trapped.
    pub const CONTRACT_TRAPPED: &str = "contract-trapped";
    /// The call used up its fuel.
    pub const OUT_OF_FUEL: &str = "out-of-fuel";
}

/// Why an item of a block leaves nothing behind: no leaf, its id not consumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum VoidReason {
    /// Not a canonical transaction.
    #[n(0)]
    Malformed,
    /// Signed for another channel.
    #[n(1)]
    WrongChannel,
    /// The author's key id names no identity.
    #[n(2)]
    UnknownIdentity,
    /// The author's signature is invalid.
    #[n(3)]
    BadSignature,
    /// Expires further ahead than the channel allows.
    #[n(4)]
    ExpiryTooFar,
    /// Endorsements do not meet the policy, are invalid or more than it needs.
    #[n(5)]
    Endorsements,
}

impl VoidReason {
    /// Whether the leader should have known: the signed block is then evidence against it.
    pub fn blames_leader(self) -> bool {
        match self {
            VoidReason::Malformed
            | VoidReason::WrongChannel
            | VoidReason::UnknownIdentity
            | VoidReason::BadSignature => true,
            VoidReason::ExpiryTooFar | VoidReason::Endorsements => false,
        }
    }

    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            VoidReason::Malformed => "malformed",
            VoidReason::WrongChannel => "wrong-channel",
            VoidReason::UnknownIdentity => "unknown-identity",
            VoidReason::BadSignature => "bad-signature",
            VoidReason::ExpiryTooFar => "expiry-too-far",
            VoidReason::Endorsements => "endorsements-do-not-meet-policy",
        }
    }
}

/// What a node keeps of every executed transaction, to answer status queries.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OutcomeRecord {
    /// The outcome.
    #[n(0)]
    pub outcome: Outcome,
    /// Height of the block.
    #[n(1)]
    pub height: u64,
    /// Index of the item in the block.
    #[n(2)]
    pub index: u32,
    /// The block's time, milliseconds since 1970.
    #[n(3)]
    pub time_ms: u64,
    /// The author's key.
    #[n(4)]
    pub author: KeyId,
    /// The author's member.
    #[n(5)]
    pub member: MemberId,
    /// The contract's encoded result; empty when rejected.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub result: Vec<u8>,
    /// What the contract said about a rejection, for people. Not part of any hash.
    #[n(7)]
    pub message: String,
    /// Index of the outcome leaf in the log.
    #[n(8)]
    pub leaf: u64,
    /// Fuel used.
    #[n(9)]
    pub fuel: u64,
}

/// Status of a transaction as one node knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The node has never seen it.
    Unknown,
    /// Accepted, not yet final.
    Pending,
    /// Executed; its writes are in the state.
    Committed,
    /// Executed and refused, with a code.
    Rejected,
    /// Ledger time passed its expiry without it being executed. Final.
    Expired,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Unknown => "unknown",
            Status::Pending => "pending",
            Status::Committed => "committed",
            Status::Rejected => "rejected",
            Status::Expired => "expired",
        })
    }
}

/// What a committed transaction announces.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Event {
    /// Name of the contract that emitted it.
    #[n(0)]
    pub contract: String,
    /// What kind of event, defined by the contract (`aeo.suspended`).
    #[n(1)]
    pub topic: String,
    /// Encoded payload, defined by contract and topic.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub payload: Vec<u8>,
}
