//! What nodes ask each other, as deterministic CBOR. Raft messages are not among them: consensus
//! encodes its own.

use minicbor::{Decode, Encode, bytes::ByteVec};
use precinto_protocol::{checkpoint::SignedCheckpoint, registry::Node};

/// A request on the request lane.
#[derive(Debug, Encode, Decode)]
pub(super) enum PeerRequest {
    /// Order these encoded transactions, if you lead. The answer is a [`SubmitAnswer`].
    #[n(0)]
    Submit(#[n(0)] Vec<ByteVec>),
}

/// What the leader did with forwarded transactions.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(super) struct SubmitAnswer {
    /// How many were taken into its queue; the others may be sent again.
    #[n(0)]
    pub taken: u64,
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
