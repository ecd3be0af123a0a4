//! What arrives: one bounded queue per lane, and events about peers.

use bytes::Bytes;
use precinto_protocol::identity::NodeId;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::requests::Request;

/// A one-way frame. Its bytes count against the sender's budget on that lane until it is dropped.
#[derive(Debug)]
pub struct Frame {
    /// Who sent it: the node of the authenticated connection.
    pub from: NodeId,
    /// Its body.
    pub bytes: Bytes,
    pub(crate) _budget: OwnedSemaphorePermit,
}

/// What happened to the link with a node. Events are hints: when nobody reads them they are
/// dropped and counted, and [`crate::NetworkHandle::peers`] tells the present state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PeerEvent {
    /// Connected, hello accepted: frames to it are taken from now on.
    Connected(NodeId),
    /// No connection left: frames to it are refused from now on.
    Disconnected(NodeId),
    /// The Raft lane to it broke; frames already taken may be lost.
    Unreachable(NodeId),
}

/// The receiving ends. Each queue is filled by its own tasks, so that an unread one holds up no
/// other.
pub struct Inbox {
    /// Frames of [`crate::FrameLane::Raft`].
    pub raft: mpsc::Receiver<Frame>,
    /// Frames of [`crate::FrameLane::Gossip`].
    pub gossip: mpsc::Receiver<Frame>,
    /// Requests on [`crate::RequestLane::Request`].
    pub requests: mpsc::Receiver<Request>,
    /// Requests on [`crate::RequestLane::Snapshot`].
    pub snapshots: mpsc::Receiver<Request>,
    /// Peers coming and going.
    pub events: mpsc::Receiver<PeerEvent>,
}

/// The sending ends of an [`Inbox`].
pub(crate) struct InboxSenders {
    pub(crate) raft: mpsc::Sender<Frame>,
    pub(crate) gossip: mpsc::Sender<Frame>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) snapshots: mpsc::Sender<Request>,
    pub(crate) events: mpsc::Sender<PeerEvent>,
}

/// Frames or requests waiting per lane, of all peers together: some milliseconds of work. Bytes
/// are bounded per peer (`Limits::inbound_bytes`).
const INBOX_FRAMES: usize = 256;

/// Peer events waiting: many times what a network of some dozen nodes produces at once.
const INBOX_EVENTS: usize = 1024;

pub(crate) fn inbox() -> (InboxSenders, Inbox) {
    let (raft, raft_receiver) = mpsc::channel(INBOX_FRAMES);
    let (gossip, gossip_receiver) = mpsc::channel(INBOX_FRAMES);
    let (requests, requests_receiver) = mpsc::channel(INBOX_FRAMES);
    let (snapshots, snapshots_receiver) = mpsc::channel(INBOX_FRAMES);
    let (events, events_receiver) = mpsc::channel(INBOX_EVENTS);
    let senders = InboxSenders { raft, gossip, requests, snapshots, events };
    let inbox = Inbox {
        raft: raft_receiver,
        gossip: gossip_receiver,
        requests: requests_receiver,
        snapshots: snapshots_receiver,
        events: events_receiver,
    };
    (senders, inbox)
}
