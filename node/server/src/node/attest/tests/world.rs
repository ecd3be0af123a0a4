//! A node that attests, between peers that say what a test tells them to, on real connections.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use precinto_core::LedgerCell;
use precinto_network::{
    Frame, FrameLane, Hello, Inbox, Network, NetworkConfig, NetworkHandle, Peer, PeerEvent,
};
use precinto_protocol::{
    block::Origin,
    cbor,
    checkpoint::{Checkpoint, SignedCheckpoint},
    hash::Hash,
    identity::NodeId,
    keys::SigningKey,
    log::{Frontier, leaf_hash},
    registry::{Node, NodeRole},
};
use precinto_storage::{BlockBatch, BlockSummary, Ledger, StorageIdentity, memory::MemoryDisk};
use prometheus::Registry;
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{interval, timeout},
};

use super::super::{Attester, Gossip, Halt, Metrics, Surroundings, run};

/// Bound of every wait: never reached on a working machine, however busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Leaves of every block but the genesis: two sizes are boundaries, the one between is not.
pub(super) const LEAVES: u64 = 2;

pub(super) const ORIGIN: Origin = Origin { channel: Hash([7; 32]), epoch: 0 };

/// The node under test.
pub(super) const SUBJECT: NodeId = 1;

pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens within the bound")
}

/// Waits for a condition that no event announces.
pub(super) async fn until(mut condition: impl FnMut() -> bool) {
    let mut look = interval(Duration::from_millis(2));
    soon(async {
        while !condition() {
            look.tick().await;
        }
    })
    .await;
}

fn network_key(node: NodeId) -> SigningKey {
    SigningKey::from_seed(&[node as u8; 32])
}

pub(super) fn attestation_key(node: NodeId) -> SigningKey {
    SigningKey::from_seed(&[node as u8 + 100; 32])
}

/// Four members with a node each.
pub(super) fn nodes() -> Vec<Node> {
    let node = |(id, member): (NodeId, &str)| Node {
        id,
        member: member.into(),
        role: NodeRole::Voter,
        identity_key: [0; 32],
        network_key: network_key(id).public().to_bytes(),
        attestation_key: attestation_key(id).public().to_bytes(),
        addresses: Vec::new(),
        storage_id: [id as u8; 16],
        retired_ms: None,
    };
    (1..).zip(["uy", "br", "pe", "cl"]).map(node).collect()
}

pub(super) fn identity() -> StorageIdentity {
    StorageIdentity { storage_id: [1; 16], node: SUBJECT, genesis: ORIGIN.channel }
}

/// What `node` signs.
pub(super) fn signed(node: NodeId, checkpoint: Checkpoint) -> SignedCheckpoint {
    SignedCheckpoint::sign(checkpoint, node, 1_700_000_000, &attestation_key(node))
}

/// The same size with a root that depends on `lie`.
pub(super) fn false_root(checkpoint: Checkpoint, lie: u8) -> Checkpoint {
    Checkpoint { root: Hash([lie; 32]), ..checkpoint }
}

pub(super) fn gossip(checkpoint: SignedCheckpoint) -> Vec<u8> {
    cbor::encode(&Gossip::Checkpoint(checkpoint))
}

/// What outlives a restart: a ledger with its genesis, and what comes next.
pub(super) struct Place {
    pub(super) disk: MemoryDisk,
    pub(super) data: TempDir,
    pub(super) ledger: Ledger,
    frontier: Frontier,
    next: u64,
}

impl Place {
    pub(super) fn new() -> Place {
        let disk = MemoryDisk::new();
        let ledger = Ledger::create_in_memory(&disk, identity()).unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut place = Place { disk, data, ledger, frontier: Frontier::new(), next: 0 };
        place.commit(0);
        place
    }

    /// What is true after the next block, which is not committed.
    pub(super) fn ahead(&self) -> Checkpoint {
        let mut frontier = self.frontier.clone();
        for leaf in self.leaves(LEAVES) {
            frontier.append(leaf_hash(&leaf));
        }
        self.checkpoint(&frontier)
    }

    /// Commits the next block.
    pub(super) fn grow(&mut self) -> Checkpoint {
        self.commit(LEAVES);
        self.checkpoint(&self.frontier)
    }

    fn checkpoint(&self, frontier: &Frontier) -> Checkpoint {
        let epoch = u64::from(ORIGIN.epoch);
        Checkpoint { genesis: ORIGIN.channel, epoch, size: frontier.size(), root: frontier.root() }
    }

    fn leaves(&self, count: u64) -> Vec<Vec<u8>> {
        (0..count).map(|leaf| vec![self.next as u8, leaf as u8]).collect()
    }

    fn commit(&mut self, leaves: u64) {
        let (height, leaves) = (self.next, self.leaves(leaves));
        for leaf in &leaves {
            self.frontier.append(leaf_hash(leaf));
        }
        let batch = BlockBatch {
            summary: BlockSummary {
                height,
                raft_index: height,
                raft_term: 1,
                content: Hash([height as u8; 32]),
                time_ms: height,
                state_root: Hash::ZERO,
                log_size: self.frontier.size(),
                log_root: self.frontier.root(),
                outcomes: 0,
                events: 0,
            },
            commit_index: height,
            block: Vec::new(),
            state_writes: vec![(vec![1], Some(vec![height as u8]))],
            record_logs: Vec::new(),
            leaves,
            log_nodes: Vec::new(),
            outcomes: Vec::new(),
            events: Vec::new(),
            frontier: self.frontier.clone(),
            membership: Vec::new(),
        };
        self.ledger.commit_block(&batch).unwrap();
        self.next += 1;
    }

    /// The size this node signed last, as storage has it.
    pub(super) fn last_signed(&self) -> Option<u64> {
        self.ledger.view().last_checkpoint(SUBJECT).unwrap().map(|stored| stored.size)
    }

    /// Whether a checkpoint of `node` is stored.
    pub(super) fn has(&self, node: NodeId, checkpoint: &Checkpoint) -> bool {
        let stored = self.ledger.view().checkpoint(node, checkpoint.size).unwrap();
        stored.is_some_and(|stored| stored.root == checkpoint.root)
    }

    pub(super) fn evidence(&self) -> Vec<Vec<u8>> {
        let bundles = self.ledger.view().evidence(None, 100).unwrap();
        bundles.into_iter().map(|(_, bundle)| bundle).collect()
    }
}

/// A peer: it says what it is told to.
pub(super) struct Peering {
    handle: NetworkHandle,
    inbox: Inbox,
}

impl Peering {
    async fn start(node: NodeId) -> Peering {
        let hello = Hello {
            genesis: ORIGIN.channel,
            protocol_version: 1,
            engine_fingerprint: Hash::ZERO,
            node,
            storage_id: [node as u8; 16],
        };
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let config = NetworkConfig { identity: network_key(node), listen, hello };
        let (handle, inbox) = Network::start(config, Vec::new()).await.unwrap();
        Peering { handle, inbox }
    }

    async fn meet(&mut self, all: &[Peer], others: impl Iterator<Item = NodeId>) {
        self.handle.set_peers(all.to_vec()).await.unwrap();
        let mut missing: Vec<NodeId> = others.collect();
        while !missing.is_empty() {
            let event = soon(self.inbox.events.recv()).await.unwrap();
            if let PeerEvent::Connected(node) = event {
                missing.retain(|other| *other != node);
            }
        }
    }

    /// Sends bytes on the gossip lane.
    pub(super) fn say(&self, bytes: Vec<u8>) {
        self.handle.send(SUBJECT, FrameLane::Gossip, bytes).unwrap();
    }

    /// Waits for the checkpoint of `size`. Smaller ones may come before it, never larger ones.
    pub(super) async fn hear(&mut self, size: u64) -> SignedCheckpoint {
        loop {
            let frame: Frame = soon(self.inbox.gossip.recv()).await.unwrap();
            let Gossip::Checkpoint(heard) = cbor::decode(&frame.bytes).unwrap() else {
                panic!("nobody was registered after genesis")
            };
            assert_eq!(heard.node, frame.from);
            if frame.from == SUBJECT && heard.checkpoint.size == size {
                return heard;
            }
            assert!(heard.checkpoint.size < size, "{} is above {size}", heard.checkpoint.size);
        }
    }
}

/// The node under test and its peers.
pub(super) struct World {
    pub(super) place: Place,
    pub(super) cell: LedgerCell,
    pub(super) halt: Halt,
    pub(super) peers: BTreeMap<NodeId, Peering>,
    metrics: Arc<Metrics>,
    network: NetworkHandle,
    gossip: Option<mpsc::Receiver<Frame>>,
    heights: watch::Sender<u64>,
    running: Option<JoinHandle<()>>,
}

impl World {
    /// Everybody is connected; the node does not attest yet.
    pub(super) async fn connected(place: Place, peers: &[NodeId]) -> World {
        let mut all = BTreeMap::new();
        for node in [SUBJECT].iter().chain(peers) {
            all.insert(*node, Peering::start(*node).await);
        }
        let addresses: Vec<Peer> = all.iter().map(|(node, peer)| address(*node, peer)).collect();
        let ids: Vec<NodeId> = all.keys().copied().collect();
        // All lists first: a node refuses whom it does not know yet, and leaves it alone then.
        for peering in all.values() {
            peering.handle.set_peers(addresses.clone()).await.unwrap();
        }
        for (node, peering) in &mut all {
            peering.meet(&addresses, ids.iter().copied().filter(|id| id != node)).await;
        }
        let subject = all.remove(&SUBJECT).unwrap();
        World {
            cell: LedgerCell::new(place.ledger.clone()),
            halt: Halt::open(place.data.path()).unwrap(),
            metrics: Metrics::register(&Registry::new()).unwrap(),
            heights: watch::Sender::new(place.ledger.head().unwrap().block.height),
            place,
            peers: all,
            network: subject.handle,
            gossip: Some(subject.inbox.gossip),
            running: None,
        }
    }

    /// Connected and attesting.
    pub(super) async fn start(place: Place, peers: &[NodeId]) -> World {
        let mut world = World::connected(place, peers).await;
        world.run();
        world
    }

    pub(super) fn run(&mut self) {
        let attester = Attester {
            node: SUBJECT,
            member: "uy".into(),
            origin: ORIGIN,
            key: attestation_key(SUBJECT),
            ledger: self.cell.clone(),
        };
        let around = Surroundings {
            newest_at_genesis: 4,
            nodes: watch::channel(Arc::new(nodes())).1,
            heard: mpsc::channel(1).0,
            network: self.network.clone(),
            halt: self.halt.clone(),
            metrics: self.metrics.clone(),
        };
        let gossip = self.gossip.take().expect("it runs once");
        let run = run(attester, around, self.heights.subscribe(), gossip);
        self.running = Some(tokio::spawn(run));
    }

    /// Stops; what outlives it is returned.
    pub(super) async fn stop(self) -> Place {
        drop(self.heights);
        soon(self.running.expect("it runs")).await.unwrap();
        self.place
    }

    /// Commits the next block and tells of it.
    pub(super) fn grow(&mut self) -> Checkpoint {
        let checkpoint = self.place.grow();
        self.announce();
        checkpoint
    }

    /// Tells of the newest height.
    pub(super) fn announce(&self) {
        let height = self.cell.get().head().unwrap().block.height;
        self.heights.send_replace(height);
    }

    /// Commits the next block and waits until attestation dealt with it: `node`, whose checkpoint
    /// of it waits for that, is compared after this node would have signed.
    pub(super) async fn grow_attended(&mut self, node: NodeId) -> Checkpoint {
        let ahead = self.place.ahead();
        self.say(node, ahead);
        self.heard(node).await;
        assert_eq!(self.grow(), ahead);
        until(|| self.place.has(node, &ahead)).await;
        ahead
    }

    /// Waits until what `node` said was heard: a frame behind it is dropped by then.
    pub(super) async fn heard(&self, node: NodeId) {
        let dropped = self.alarms("malformed-gossip");
        self.peers[&node].say(b"?".to_vec());
        until(|| self.alarms("malformed-gossip") > dropped).await;
    }

    /// `node` signs `checkpoint` and tells it.
    pub(super) fn say(&self, node: NodeId, checkpoint: Checkpoint) {
        self.peers[&node].say(gossip(signed(node, checkpoint)));
    }

    pub(super) async fn hear(&mut self, node: NodeId, size: u64) -> SignedCheckpoint {
        self.peers.get_mut(&node).unwrap().hear(size).await
    }

    pub(super) fn alarms(&self, kind: &str) -> u64 {
        self.metrics.alarms.with_label_values(&[kind]).get()
    }

    pub(super) fn signed(&self) -> u64 {
        self.metrics.checkpoints.get()
    }
}

fn address(node: NodeId, peering: &Peering) -> Peer {
    Peer {
        node,
        network_key: network_key(node).public().to_bytes(),
        addresses: vec![peering.handle.listen_addresses()[0].to_string()],
        storage_id: None,
    }
}
