//! What nodes ask each other, as deterministic CBOR. Raft messages are not among them: consensus
//! encodes its own.

use minicbor::{Decode, Encode, bytes::ByteVec};
use precinto_protocol::{
    checkpoint::SignedCheckpoint, host::is_code, registry::Node, transaction::Endorsement,
};

/// A request on the request lane.
#[derive(Debug, Encode, Decode)]
pub(super) enum PeerRequest {
    /// Order these encoded transactions, if you lead. The answer is a [`ForwardAnswer`](precinto_core::intake::ForwardAnswer).
    #[n(0)]
    Submit(#[n(0)] Vec<ByteVec>),
    /// Endorse these transactions. The answer is an array of [`EndorseAnswer`], in their order.
    #[n(1)]
    Endorse(#[n(0)] EndorseRequest),
    /// What time is it? The answer is a [`super::clock::ClockAnswer`].
    #[n(2)]
    Clock,
}

/// Transactions to be endorsed.
#[derive(Debug, Encode, Decode)]
pub(super) struct EndorseRequest {
    /// What the asker has executed: judge on a state that is not older.
    #[n(0)]
    pub height: u64,
    /// Encoded transactions, with the endorsements they have already.
    #[n(1)]
    pub transactions: Vec<ByteVec>,
}

/// What an endorser says to one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) enum EndorseAnswer {
    /// Its member agrees.
    #[n(0)]
    Endorsed(#[n(0)] Endorsement),
    /// Its member does not.
    #[n(1)]
    Refused {
        /// Stable kebab-case code: that of the call's failure, or of the member's own rules.
        #[n(0)]
        code: String,
        /// For people.
        #[n(1)]
        message: String,
    },
}

/// A refusal's message, in characters: what a person reads in an error that names several.
const MAX_REFUSAL_CHARS: usize = 200;

impl EndorseAnswer {
    /// A refusal that says no more than people read.
    pub(super) fn refused(code: &str, message: &str) -> EndorseAnswer {
        let (code, message) = readable(code, message);
        EndorseAnswer::Refused { code, message }
    }
}

/// Code and message as they may stand in an error, whoever wrote them.
pub(super) fn readable(code: &str, message: &str) -> (String, String) {
    let code = if is_code(code.as_bytes()) { code } else { "refused" };
    let message = message.chars().filter(|c| !c.is_control()).take(MAX_REFUSAL_CHARS).collect();
    (code.to_owned(), message)
}

/// A request on the snapshot lane.
#[derive(Debug, Encode, Decode)]
pub(super) enum SnapshotRequest {
    /// The chunk with this number of the snapshot at this raft index. The answer is the chunk; an
    /// empty one says that the snapshot is gone.
    #[n(0)]
    Chunk {
        /// Raft index of the snapshot.
        #[n(0)]
        index: u64,
        /// Number of the chunk, from 0.
        #[n(1)]
        chunk: u32,
    },
}

/// A frame on the gossip lane.
#[derive(Debug, Encode, Decode)]
pub(super) enum Gossip {
    /// The sender's newest checkpoint.
    #[n(0)]
    Checkpoint(#[n(0)] SignedCheckpoint),
    /// Active nodes that were registered after genesis: whoever was away may not know them.
    #[n(1)]
    Nodes(#[n(0)] Vec<Node>),
}
