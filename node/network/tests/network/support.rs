//! Nodes to test with, and a libp2p client that does not keep to the rules.

use std::{future::Future, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::{AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder, identity::Keypair,
    multiaddr::Protocol, noise, swarm::dial_opts::DialOpts, tcp, yamux,
};
use precinto_network::{
    Hello, Inbox, Lane, LaneStatus, Network, NetworkConfig, NetworkHandle, Peer, PeerEvent,
    PeerStatus,
};
use precinto_protocol::{cbor, hash::Hash, identity::NodeId, keys::SigningKey};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{interval, timeout},
};

/// Bound of every wait: never reached on a working machine, however busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens within the bound")
}

/// Waits for a condition that no event announces.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let mut look = interval(Duration::from_millis(2));
    soon(async {
        while !condition() {
            look.tick().await;
        }
    })
    .await;
}

pub(crate) fn key(node: NodeId) -> SigningKey {
    SigningKey::from_seed(&[node as u8; 32])
}

pub(crate) fn hello(node: NodeId) -> Hello {
    Hello {
        genesis: Hash([1; 32]),
        protocol_version: 1,
        engine_fingerprint: Hash([2; 32]),
        node,
        storage_id: [node as u8; 16],
    }
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) handle: NetworkHandle,
    pub(crate) inbox: Inbox,
}

impl Node {
    /// A node without peers on a free port.
    pub(crate) async fn start(id: NodeId) -> Node {
        Node::start_with(hello(id), 0, Vec::new()).await
    }

    pub(crate) async fn start_with(hello: Hello, port: u16, peers: Vec<Peer>) -> Node {
        Node::start_as(hello.node, hello, port, peers).await
    }

    /// A node with the key of node `id`, whatever its hello says.
    pub(crate) async fn start_as(id: NodeId, hello: Hello, port: u16, peers: Vec<Peer>) -> Node {
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], port))];
        let config = NetworkConfig { identity: key(id), listen, hello };
        let (handle, inbox) = Network::start(config, peers).await.expect("the network starts");
        Node { id, handle, inbox }
    }

    pub(crate) fn port(&self) -> u16 {
        self.handle.listen_addresses()[0].port()
    }

    pub(crate) fn as_peer(&self) -> Peer {
        peer(self.id, vec![format!("127.0.0.1:{}", self.port())])
    }

    pub(crate) async fn set_peers(&self, peers: &[Peer]) {
        soon(self.handle.set_peers(peers.to_vec())).await.expect("the peers are sound");
    }

    /// Waits for an event and skips others.
    pub(crate) async fn event(&mut self, wanted: PeerEvent) {
        soon(async {
            while self.inbox.events.recv().await.expect("the network runs") != wanted {}
        })
        .await;
    }

    pub(crate) async fn raft(&mut self) -> (NodeId, Bytes) {
        let frame = soon(self.inbox.raft.recv()).await.expect("the network runs");
        (frame.from, frame.bytes.clone())
    }

    pub(crate) async fn gossip(&mut self) -> (NodeId, Bytes) {
        let frame = soon(self.inbox.gossip.recv()).await.expect("the network runs");
        (frame.from, frame.bytes.clone())
    }

    pub(crate) fn status(&self, node: NodeId) -> PeerStatus {
        let peers = self.handle.peers();
        peers.into_iter().find(|peer| peer.node == node).expect("the node is a peer")
    }

    pub(crate) fn lane(&self, node: NodeId, lane: Lane) -> LaneStatus {
        self.status(node).lanes[lane as usize]
    }
}

pub(crate) fn peer(node: NodeId, addresses: Vec<String>) -> Peer {
    let network_key = key(node).public().to_bytes();
    Peer { node, network_key, addresses, storage_id: None }
}

/// Makes all nodes peers of each other and waits until they are connected.
pub(crate) async fn connect(nodes: &mut [&mut Node]) {
    let peers: Vec<Peer> = nodes.iter().map(|node| node.as_peer()).collect();
    for node in nodes.iter() {
        node.set_peers(&peers).await;
    }
    for node in nodes.iter_mut() {
        let mut missing: Vec<_> =
            peers.iter().map(|peer| peer.node).filter(|&peer| peer != node.id).collect();
        while !missing.is_empty() {
            let event = soon(node.inbox.events.recv()).await.expect("the network runs");
            if let PeerEvent::Connected(peer) = event {
                missing.retain(|&other| other != peer);
            }
        }
    }
}

pub(crate) async fn pair() -> (Node, Node) {
    let (mut one, mut two) = (Node::start(1).await, Node::start(2).await);
    connect(&mut [&mut one, &mut two]).await;
    (one, two)
}

/// A libp2p client with the key of a node that writes to a stream whatever it is told.
pub(crate) struct Intruder {
    control: libp2p_stream::Control,
    target: PeerId,
}

impl Intruder {
    /// Connects to `target` with the key of node `id`.
    pub(crate) async fn connect(id: NodeId, target: &Node) -> Intruder {
        let keypair = Keypair::ed25519_from_bytes(&mut *key(id).seed()).expect("32 bytes");
        let mut swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("noise takes the key")
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .expect("the behaviour is infallible")
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        let control = swarm.behaviour().new_control();
        let mut seed = key(target.id).seed();
        let target_key = Keypair::ed25519_from_bytes(&mut *seed).expect("32 bytes");
        let target_id = target_key.public().to_peer_id();
        let address =
            Multiaddr::from(std::net::Ipv4Addr::LOCALHOST).with(Protocol::Tcp(target.port()));
        swarm
            .dial(DialOpts::peer_id(target_id).addresses(vec![address]).build())
            .expect("dialing begins");
        tokio::spawn(async move { while swarm.next().await.is_some() {} });
        Intruder { control, target: target_id }
    }

    /// Opens a stream and writes `bytes`.
    pub(crate) async fn open(&mut self, lane: &'static str, bytes: &[u8]) -> Stream {
        let protocol = StreamProtocol::new(lane);
        let stream = soon(self.control.open_stream(self.target, protocol)).await;
        let mut stream = stream.expect("the node accepts the lane");
        stream.write_all(bytes).await.expect("the stream takes them");
        stream.flush().await.expect("the stream takes them");
        stream
    }
}

/// A frame as it is on the wire.
pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short frame");
    [&length.to_be_bytes(), body].concat()
}

/// The frame of a good hello of `node`.
pub(crate) fn hello_frame(node: NodeId) -> Vec<u8> {
    frame(&cbor::encode(&hello(node)))
}

/// Forwards connections to a port until it is frozen: then it keeps them open and carries nothing,
/// as a network does that lost its way.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    frozen: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn start(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (frozen, watched) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut watched = watched.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", target)).await?;
                    tokio::select! {
                        ended = copy_bidirectional(&mut near, &mut far) => ended.map(|_| ()),
                        () = async { drop(watched.wait_for(|frozen| *frozen).await) } => std::future::pending().await,
                    }
                });
            }
        });
        Proxy { port, frozen }
    }

    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}
