//! The driver: one task that owns all connections.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, future::join_all};
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm,
    allow_block_list::NotAllowed,
    multiaddr::Protocol,
    swarm::{
        ConnectionId, ListenError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::{
    net::lookup_host,
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    config::{KnownPeer, NetworkError},
    inbox::PeerEvent,
    lane::Lane,
    link::{Link, Task},
    peer::{PeerState, Shared},
    reader::Reader,
    strangers::Strangers,
    streams::{Negotiated, Purpose, StreamEvent},
    swarm::Behaviour,
};

/// Signals of readers and writers that wait; they wait too when it is full.
const SIGNALS: usize = 256;

/// How long names are resolved before a dialing attempt fails.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a shutdown waits for peers to read what is queued for them.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A stream that was opened, and on which connection.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    pub(crate) connection: ConnectionId,
}

/// What readers, writers and resolvers tell the driver.
pub(crate) enum Signal {
    /// A writer needs a stream. No reply comes if there is no connection or it is lost.
    Open { peer: PeerId, lane: Lane, reply: oneshot::Sender<Opened> },
    /// The peer's hello is good.
    Accepted { peer: PeerId, connection: ConnectionId },
    /// The peer's hello is not.
    Refused { peer: PeerId, connection: ConnectionId },
    /// The connection carried nothing for too long.
    Silent { peer: PeerId, connection: ConnectionId },
    /// Where the peer may be reached; empty if no name resolved.
    Resolved { peer: PeerId, addresses: Vec<Multiaddr> },
}

/// What the handle asks of the driver.
pub(crate) enum Command {
    /// These are the peers from now on.
    SetPeers { peers: Vec<KnownPeer>, done: oneshot::Sender<()> },
    /// Flush and end.
    Shutdown { done: oneshot::Sender<()> },
}

/// Owns the swarm and a [`Link`] per peer.
pub(crate) struct Driver {
    swarm: Swarm<Behaviour>,
    shared: Arc<Shared>,
    links: BTreeMap<PeerId, Link>,
    signals: mpsc::Receiver<Signal>,
    signal_sender: mpsc::Sender<Signal>,
    commands: mpsc::Receiver<Command>,
    strangers: Strangers,
}

impl Driver {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
    ) -> Driver {
        let (signal_sender, signals) = mpsc::channel(SIGNALS);
        Driver {
            swarm,
            shared,
            links: BTreeMap::new(),
            signals,
            signal_sender,
            commands,
            strangers: Strangers::default(),
        }
    }

    /// Listens on `address`; returns it with the port that was bound.
    pub(crate) async fn listen(&mut self, address: SocketAddr) -> Result<SocketAddr, NetworkError> {
        let failed = |reason: String| NetworkError::Listen { address, reason };
        // libp2p sets SO_REUSEPORT, with which two nodes would share a port without a word.
        if address.port() != 0 {
            TcpListener::bind(address).map_err(|error| failed(error.to_string()))?;
        }
        let listener =
            self.swarm.listen_on(multiaddr(address)).map_err(|error| failed(error.to_string()))?;
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { listener_id, address: bound }
                    if listener_id == listener =>
                {
                    let port = bound.iter().find_map(|part| match part {
                        Protocol::Tcp(port) => Some(port),
                        _ => None,
                    });
                    return Ok(SocketAddr::new(address.ip(), port.unwrap_or(address.port())));
                }
                SwarmEvent::ListenerClosed { listener_id, reason, .. }
                    if listener_id == listener =>
                {
                    return Err(failed(format!("{reason:?}")));
                }
                other => self.on_swarm_event(other),
            }
        }
    }

    /// Runs until it is told to end or every handle is gone.
    pub(crate) async fn run(mut self) {
        loop {
            let dial_at = self.links.values().filter_map(Link::dial_at).min();
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some(signal) = self.signals.recv() => self.on_signal(signal),
                () = at(dial_at) => self.dial_due(),
                command = self.commands.recv() => match command {
                    Some(Command::SetPeers { peers, done }) => {
                        self.set_peers(peers);
                        // A caller that no longer waits needs no word.
                        let _ = done.send(());
                    }
                    Some(Command::Shutdown { done }) => {
                        self.flush().await;
                        self.set_peers(Vec::new());
                        drop(self);
                        // As above.
                        let _ = done.send(());
                        return;
                    }
                    None => return self.set_peers(Vec::new()),
                },
            }
        }
    }

    /// Makes `peers` the allow-list: ends what is no longer in it, adds what is new.
    pub(crate) fn set_peers(&mut self, peers: Vec<KnownPeer>) {
        let mut wanted: BTreeMap<_, _> =
            peers.into_iter().map(|known| (known.id, known.peer)).collect();
        let gone: Vec<PeerId> = self
            .links
            .iter()
            .filter(|(id, link)| {
                !wanted.get(id).is_some_and(|peer| {
                    peer.node == link.peer.node && peer.storage_id == link.peer.storage_id
                })
            })
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove(id);
        }
        for (id, link) in &mut self.links {
            if let Some(peer) = wanted.remove(id) {
                link.peer = peer;
            }
        }
        for (id, peer) in wanted {
            let state = Arc::new(PeerState::new(peer.node, id, peer.storage_id));
            self.shared.add(Arc::clone(&state));
            self.swarm.behaviour_mut().allowed.allow_peer(id);
            self.links.insert(id, Link::new(state, peer, &self.shared, &self.signal_sender));
        }
    }

    fn remove(&mut self, id: PeerId) {
        let Some(link) = self.links.remove(&id) else {
            return;
        };
        self.swarm.behaviour_mut().allowed.disallow_peer(id);
        self.shared.remove(link.state.node);
        for lane in Lane::ALL {
            link.state.lane(lane).pending.connection_lost();
        }
        disconnected(&self.shared, &link.state);
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<StreamEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_stream(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                match self.links.get_mut(&peer_id) {
                    Some(link) => {
                        link.established(connection_id, endpoint.is_dialer(), &self.signal_sender);
                    }
                    // Removed while the connection was made.
                    None => {
                        self.swarm.close_connection(connection_id);
                    }
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.lost(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.dial_failed(peer, &error.to_string());
            }
            SwarmEvent::IncomingConnectionError { peer_id, error, send_back_addr, .. } => {
                self.incoming_failed(peer_id, &error, &send_back_addr);
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::error!("the listener reports: {error}");
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(?addresses, ?reason, "the listener closed");
            }
            _ => {}
        }
    }

    fn on_stream(&mut self, StreamEvent { peer, connection, negotiated }: StreamEvent) {
        let Some(link) = self.links.get_mut(&peer) else {
            return;
        };
        match negotiated {
            Negotiated::Outbound(Purpose::Lane(lane), stream) => {
                link.opened(lane, connection, Some(stream));
            }
            Negotiated::Failed(Purpose::Lane(lane)) => link.opened(lane, connection, None),
            Negotiated::Outbound(Purpose::Pulse, stream) => link.beat(connection, stream),
            Negotiated::Inbound(Purpose::Pulse, stream) => link.listen(connection, stream),
            // The peer will hear no beat and give the connection up.
            Negotiated::Failed(Purpose::Pulse) => {}
            Negotiated::Inbound(Purpose::Lane(lane), stream) => {
                let reader = Reader {
                    shared: Arc::clone(&self.shared),
                    peer: Arc::clone(&link.state),
                    lane,
                    connection,
                    driver: self.signal_sender.clone(),
                };
                link.read(reader, stream);
            }
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::Open { peer, lane, reply } => {
                let Some(link) = self.links.get_mut(&peer) else {
                    return;
                };
                if let Some(connection) = link.newest() {
                    link.opening(lane, connection, reply);
                    self.swarm.behaviour_mut().streams.open(peer, connection, lane);
                }
            }
            Signal::Accepted { peer, connection } => {
                let Some(link) = self.links.get_mut(&peer) else {
                    return;
                };
                if link.accepted(connection) && link.state.connected() {
                    tracing::info!(node = link.state.node, "connected");
                    self.shared.event(PeerEvent::Connected(link.state.node));
                }
            }
            Signal::Refused { peer, connection } => {
                self.give_up(peer, connection);
                if let Some(link) = self.links.get_mut(&peer) {
                    link.refused();
                }
            }
            Signal::Silent { peer, connection } => self.give_up(peer, connection),
            Signal::Resolved { peer, addresses } => self.dial(peer, addresses),
        }
    }

    /// Treats a connection as lost now: closing one whose other end is gone can take TCP minutes.
    fn give_up(&mut self, peer: PeerId, connection: ConnectionId) {
        self.lost(peer, connection);
        self.swarm.close_connection(connection);
    }

    fn lost(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(link) = self.links.get_mut(&peer) else {
            return;
        };
        if link.lost(connection) {
            disconnected(&self.shared, &link.state);
        }
    }

    fn incoming_failed(&mut self, peer: Option<PeerId>, error: &ListenError, from: &Multiaddr) {
        let stranger = match error {
            ListenError::Denied { cause } if cause.downcast_ref::<NotAllowed>().is_some() => peer,
            _ => None,
        };
        let Some(id) = stranger else {
            self.shared.stats.failed_incoming.add(1);
            tracing::debug!(%from, "incoming connection failed: {error}");
            return;
        };
        self.shared.stats.strangers.add(1);
        if self.strangers.is_news(id) {
            tracing::warn!(peer = %id, %from, "a stranger was turned away");
        }
    }

    /// Resolves the names of every peer whose time has come.
    fn dial_due(&mut self) {
        let now = Instant::now();
        for (&peer, link) in &mut self.links {
            if link.dial_at().is_some_and(|at| at <= now) {
                link.dial_started();
                let names = link.peer.addresses.clone();
                let driver = self.signal_sender.clone();
                tokio::spawn(async move {
                    let resolved = timeout(RESOLVE_TIMEOUT, resolve(names)).await;
                    let addresses = resolved.unwrap_or_default();
                    // A driver that is gone dials nobody.
                    let _ = driver.send(Signal::Resolved { peer, addresses }).await;
                });
            }
        }
    }

    fn dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if addresses.is_empty() {
            self.dial_failed(peer, "no address resolved");
            return;
        }
        // From a new port: two nodes that dial each other from their listening ports at once
        // would share one TCP connection on which both take the dialer's part. Unconditionally:
        // a connection given up may linger.
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(addresses)
            .allocate_new_port()
            .build();
        if let Err(error) = self.swarm.dial(options) {
            self.dial_failed(peer, &error.to_string());
        }
    }

    fn dial_failed(&mut self, peer: PeerId, reason: &str) {
        let Some(link) = self.links.get_mut(&peer) else {
            return;
        };
        self.shared.stats.failed_dials.add(1);
        tracing::debug!(node = link.state.node, "dialing failed: {reason}");
        link.dial_failed();
    }

    /// Lets the writers of connected peers finish, within a bound.
    async fn flush(&mut self) {
        let mut writers = Vec::new();
        for link in self.links.values_mut().filter(|link| link.state.is_connected()) {
            for lane in Lane::ALL {
                link.state.lane(lane).queue.finish();
            }
            writers.append(&mut link.writers);
        }
        let finished = join_all(writers.iter_mut().map(|Task(writer)| writer));
        let finished = timeout(FLUSH_TIMEOUT, finished);
        tokio::pin!(finished);
        loop {
            tokio::select! {
                _ = &mut finished => return,
                // Nothing new matters now, but the connections must move on.
                _ = self.swarm.select_next_some() => {}
            }
        }
    }
}

/// Takes no more frames for the peer and says so if it was connected.
fn disconnected(shared: &Shared, peer: &PeerState) {
    if peer.disconnected() {
        tracing::info!(node = peer.node, "disconnected");
        shared.event(PeerEvent::Disconnected(peer.node));
    }
}

/// Returns at `instant`; never, without one.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn resolve(names: Vec<String>) -> Vec<Multiaddr> {
    let lookups = join_all(names.iter().map(lookup_host)).await;
    lookups.into_iter().flatten().flatten().map(multiaddr).collect()
}

fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}
