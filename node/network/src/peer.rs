//! What all tasks share: the peers and what is known of each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, RwLock},
};

use libp2p::PeerId;
use precinto_protocol::identity::NodeId;
use tokio::sync::Semaphore;

use crate::{
    hello::{Hello, Refusal, StorageId},
    inbox::{InboxSenders, PeerEvent},
    lane::Lane,
    queue::{Outgoing, SendError, SendQueue},
    requests::Pending,
    stats::{LaneStats, NetworkStats, PeerStatus},
};

/// Shared by the handle, the driver and every reader and writer.
pub(crate) struct Shared {
    pub(crate) hello: Hello,
    pub(crate) stats: NetworkStats,
    pub(crate) inbox: InboxSenders,
    peers: RwLock<BTreeMap<NodeId, Arc<PeerState>>>,
}

impl Shared {
    pub(crate) fn new(hello: Hello, inbox: InboxSenders) -> Shared {
        let peers = RwLock::new(BTreeMap::new());
        Shared { hello, stats: NetworkStats::default(), inbox, peers }
    }

    pub(crate) fn peer(&self, node: NodeId) -> Option<Arc<PeerState>> {
        self.peers.read().expect(NEVER_POISONED).get(&node).cloned()
    }

    pub(crate) fn peers(&self) -> Vec<Arc<PeerState>> {
        self.peers.read().expect(NEVER_POISONED).values().cloned().collect()
    }

    pub(crate) fn add(&self, peer: Arc<PeerState>) {
        self.peers.write().expect(NEVER_POISONED).insert(peer.node, peer);
    }

    pub(crate) fn remove(&self, node: NodeId) {
        self.peers.write().expect(NEVER_POISONED).remove(&node);
    }

    pub(crate) fn event(&self, event: PeerEvent) {
        if self.inbox.events.try_send(event).is_err() && self.stats.dropped_events.first() {
            tracing::warn!("nobody reads the peer events: some are dropped");
        }
    }
}

const NEVER_POISONED: &str = "no code panics while it holds this lock";

/// One lane of one peer.
pub(crate) struct LaneState {
    pub(crate) queue: SendQueue,
    /// Requests of ours that wait for their answer.
    pub(crate) pending: Pending,
    /// Bytes the peer may have delivered and not yet consumed here.
    pub(crate) budget: Arc<Semaphore>,
    pub(crate) stats: LaneStats,
}

struct Link {
    connected: bool,
    connects: u64,
    refusal: Option<Refusal>,
    storage_id: Option<StorageId>,
    engine_differs: bool,
}

/// One peer.
pub(crate) struct PeerState {
    pub(crate) node: NodeId,
    pub(crate) id: PeerId,
    lanes: [LaneState; Lane::COUNT],
    link: Mutex<Link>,
}

impl PeerState {
    pub(crate) fn new(node: NodeId, id: PeerId, storage_id: Option<StorageId>) -> PeerState {
        let lanes = Lane::ALL.map(|lane| LaneState {
            queue: SendQueue::new(lane.limits()),
            pending: Pending::default(),
            budget: Arc::new(Semaphore::new(lane.limits().inbound_bytes)),
            stats: LaneStats::default(),
        });
        let link = Link {
            connected: false,
            connects: 0,
            refusal: None,
            storage_id,
            engine_differs: false,
        };
        PeerState { node, id, lanes, link: Mutex::new(link) }
    }

    pub(crate) fn lane(&self, lane: Lane) -> &LaneState {
        &self.lanes[lane.index()]
    }

    /// Queues a frame and counts a refusal for want of room.
    pub(crate) fn send(&self, lane: Lane, frame: Outgoing) -> Result<(), SendError> {
        let lane = self.lane(lane);
        let sent = lane.queue.push(frame);
        if sent == Err(SendError::QueueFull) {
            lane.stats.queue_full.add(1);
        }
        sent
    }

    /// Judges a hello of the peer and keeps the result. Warns when it is news.
    pub(crate) fn judge(&self, ours: &Hello, hello: Option<Hello>) -> Result<(), Refusal> {
        let mut link = self.link();
        let judged = hello.ok_or(Refusal::Malformed).and_then(|hello| {
            hello.check(ours, self.node, link.storage_id)?;
            Ok(hello)
        });
        match judged {
            Ok(hello) => {
                let differs = hello.engine_fingerprint != ours.engine_fingerprint;
                if differs && !link.engine_differs {
                    tracing::warn!(node = self.node, "the peer runs another contract engine");
                }
                link.engine_differs = differs;
                link.storage_id = Some(hello.storage_id);
                link.refusal = None;
                Ok(())
            }
            Err(refusal) => {
                if link.refusal != Some(refusal) {
                    tracing::warn!(node = self.node, "peer refused: {refusal}");
                }
                link.refusal = Some(refusal);
                Err(refusal)
            }
        }
    }

    /// From now on frames are taken for it. Whether that is news.
    pub(crate) fn connected(&self) -> bool {
        let mut link = self.link();
        if link.connected {
            return false;
        }
        link.connected = true;
        link.connects += 1;
        self.lanes.iter().for_each(|lane| lane.queue.open());
        true
    }

    /// From now on frames to it are refused. Whether that is news.
    pub(crate) fn disconnected(&self) -> bool {
        let mut link = self.link();
        for lane in &self.lanes {
            lane.stats.lost.add(lane.queue.close());
        }
        std::mem::replace(&mut link.connected, false)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link().connected
    }

    pub(crate) fn status(&self) -> PeerStatus {
        let link = self.link();
        PeerStatus {
            node: self.node,
            peer_id: self.id.to_base58(),
            connected: link.connected,
            connects: link.connects,
            refusal: link.refusal,
            storage_id: link.storage_id,
            engine_differs: link.engine_differs,
            lanes: Lane::ALL.map(|lane| {
                let queues = self.lane(lane);
                queues.stats.status(lane, queues.queue.len())
            }),
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().expect(NEVER_POISONED)
    }
}
