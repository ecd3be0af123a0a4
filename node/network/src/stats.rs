//! What the network counts, and the status view made of it.

use std::sync::atomic::{AtomicU64, Ordering};

use precinto_protocol::identity::NodeId;

use crate::{
    hello::{Refusal, StorageId},
    lane::Lane,
};

/// A number that only grows. Relaxed: it orders nothing.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds, and returns the value before.
    pub(crate) fn add(&self, amount: usize) -> u64 {
        self.0.fetch_add(amount as u64, Ordering::Relaxed)
    }

    /// Adds one; whether it was the first. What repeats is logged once and counted always.
    pub(crate) fn first(&self) -> bool {
        self.add(1) == 0
    }
}

/// Counters of the node as a whole.
#[derive(Default, Debug)]
pub struct NetworkStats {
    /// Connections of strangers dropped: authenticated, but not on the allow-list.
    pub strangers: Counter,
    /// Incoming connections that failed before they were authenticated, or above a limit.
    pub failed_incoming: Counter,
    /// Attempts to reach a peer that failed.
    pub failed_dials: Counter,
    /// Peer events dropped because nobody read them.
    pub dropped_events: Counter,
}

/// Counters of one lane of one peer.
#[derive(Default)]
pub(crate) struct LaneStats {
    pub(crate) frames_in: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) queue_full: Counter,
    pub(crate) lost: Counter,
    pub(crate) oversized: Counter,
    pub(crate) malformed: Counter,
    pub(crate) refused_requests: Counter,
    pub(crate) late_responses: Counter,
}

/// One lane of one peer as it stands: totals since the node started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneStatus {
    /// The lane.
    pub lane: Lane,
    /// Frames waiting to be sent now.
    pub queued: usize,
    /// Frames received.
    pub frames_in: u64,
    /// Bytes of their bodies and envelopes.
    pub bytes_in: u64,
    /// Frames written to a stream.
    pub frames_out: u64,
    /// Bytes of their bodies.
    pub bytes_out: u64,
    /// Frames refused because the outbound queue was full.
    pub queue_full: u64,
    /// Frames dropped from the queue because the stream broke.
    pub lost: u64,
    /// Streams closed for a frame above the lane's limit.
    pub oversized: u64,
    /// Streams closed for a malformed hello, envelope or use of a stream.
    pub malformed: u64,
    /// The peer's requests refused because it had too many open or nobody could take them.
    pub refused_requests: u64,
    /// Answers that came after their deadline.
    pub late_responses: u64,
}

impl LaneStats {
    pub(crate) fn status(&self, lane: Lane, queued: usize) -> LaneStatus {
        LaneStatus {
            lane,
            queued,
            frames_in: self.frames_in.get(),
            bytes_in: self.bytes_in.get(),
            frames_out: self.frames_out.get(),
            bytes_out: self.bytes_out.get(),
            queue_full: self.queue_full.get(),
            lost: self.lost.get(),
            oversized: self.oversized.get(),
            malformed: self.malformed.get(),
            refused_requests: self.refused_requests.get(),
            late_responses: self.late_responses.get(),
        }
    }
}

/// One peer as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// The node.
    pub node: NodeId,
    /// Its libp2p peer id, in text form.
    pub peer_id: String,
    /// Whether it is connected and its hello was accepted.
    pub connected: bool,
    /// How often it became connected.
    pub connects: u64,
    /// Why its last hello was refused; `None` after one was accepted.
    pub refusal: Option<Refusal>,
    /// The storage id it is bound to: committed, or the first one seen.
    pub storage_id: Option<StorageId>,
    /// Whether its contract engine differs from ours.
    pub engine_differs: bool,
    /// Its lanes, in the order of [`Lane::ALL`].
    pub lanes: [LaneStatus; Lane::COUNT],
}
