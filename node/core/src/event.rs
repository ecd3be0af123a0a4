//! Events as this node keeps them.

use minicbor::{Decode, Encode};
use precinto_protocol::{identity::MemberId, outcome::Event, transaction::TransactionId};

/// An event and where it came from.
#[derive(Debug, Encode, Decode)]
pub struct EventRecord {
    /// The transaction that emitted it.
    #[n(0)]
    pub transaction: TransactionId,
    /// Index of the transaction in its block.
    #[n(1)]
    pub index: u32,
    /// The author's member.
    #[n(2)]
    pub member: MemberId,
    /// The event.
    #[n(3)]
    pub event: Event,
}
