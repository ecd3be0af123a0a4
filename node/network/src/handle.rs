//! The way in: starting the network, and the handle to use it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use precinto_protocol::identity::NodeId;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    config::{KnownPeer, NetworkConfig, NetworkError, Peer, check_peers},
    driver::{Command, Driver},
    inbox::{Inbox, inbox},
    lane::{FrameLane, Lane, RequestLane},
    peer::Shared,
    queue::{Outgoing, SendError},
    requests::RequestError,
    stats::{NetworkStats, PeerStatus},
    swarm,
    wire::{Envelope, Kind},
};

/// Commands to the driver that wait; callers wait too when it is full.
const COMMANDS: usize = 16;

/// Starts networks.
pub struct Network;

impl Network {
    /// Listens, then dials `peers` and goes on doing so. We ourselves may be among them. Must be
    /// called within a tokio runtime, which runs the network's tasks.
    ///
    /// # Errors
    /// [`NetworkError`], if the peers are not sound or an address cannot be listened on.
    pub async fn start(
        config: NetworkConfig,
        peers: Vec<Peer>,
    ) -> Result<(NetworkHandle, Inbox), NetworkError> {
        let peers = check_peers(config.hello.node, peers)?;
        let (senders, inbox) = inbox();
        let shared = Arc::new(Shared::new(config.hello, senders));
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let swarm = swarm::build(&config.identity)?;
        let mut driver = Driver::new(swarm, Arc::clone(&shared), receiver);
        driver.set_peers(peers);
        let mut listen_addresses = Vec::with_capacity(config.listen.len());
        for address in config.listen {
            listen_addresses.push(driver.listen(address).await?);
        }
        tokio::spawn(driver.run());
        let listen_addresses = listen_addresses.into();
        Ok((NetworkHandle { shared, commands, listen_addresses }, inbox))
    }
}

/// Uses a running network. When the last clone is dropped, the network ends at once, without the
/// flushing of [`NetworkHandle::shutdown`].
#[derive(Clone)]
pub struct NetworkHandle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    listen_addresses: Arc<[SocketAddr]>,
}

impl NetworkHandle {
    /// Queues a one-way frame. Never waits; may be called from any thread. `Ok` says that it was
    /// taken, not that it arrives.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent.
    pub fn send(
        &self,
        node: NodeId,
        lane: FrameLane,
        bytes: impl Into<Bytes>,
    ) -> Result<(), SendError> {
        let peer = self.shared.peer(node).ok_or(SendError::NotConnected)?;
        peer.send(lane.into(), Outgoing { envelope: None, body: bytes.into() })
    }

    /// Asks a node and waits for its answer, at most `deadline`. Dropping the future gives up.
    ///
    /// # Errors
    /// [`RequestError`]; see [`RequestError::outcome_unknown`].
    pub async fn request(
        &self,
        node: NodeId,
        lane: RequestLane,
        body: impl Into<Bytes>,
        deadline: Duration,
    ) -> Result<Bytes, RequestError> {
        let peer = self.shared.peer(node).ok_or(RequestError::NotConnected)?;
        let lane = Lane::from(lane);
        let mut ticket = peer.lane(lane).pending.register()?;
        let envelope = Some(Envelope { kind: Kind::Request, id: ticket.id });
        peer.send(lane, Outgoing { envelope, body: body.into() })?;
        match timeout(deadline, &mut ticket.answer).await {
            Ok(Ok(answer)) => answer,
            // The table the ticket is in lives as long as the peer does.
            Ok(Err(_)) => Err(RequestError::ConnectionLost),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// Makes `peers` the allow-list, as membership changes: connections of others are closed, new
    /// ones are dialed, addresses are taken over. We ourselves may be among them.
    ///
    /// # Errors
    /// [`NetworkError::InvalidKey`] and [`NetworkError::Duplicate`], the list before then stays;
    /// [`NetworkError::Stopped`].
    pub async fn set_peers(&self, peers: Vec<Peer>) -> Result<(), NetworkError> {
        let peers: Vec<KnownPeer> = check_peers(self.shared.hello.node, peers)?;
        let (done, wait) = oneshot::channel();
        let command = Command::SetPeers { peers, done };
        self.commands.send(command).await.map_err(|_| NetworkError::Stopped)?;
        wait.await.map_err(|_| NetworkError::Stopped)
    }

    /// The peers as they stand, by node id.
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.shared.peers().iter().map(|peer| peer.status()).collect()
    }

    /// Counters of the node as a whole.
    pub fn stats(&self) -> &NetworkStats {
        &self.shared.stats
    }

    /// Where it listens, with the ports that were bound, in the order they were configured.
    pub fn listen_addresses(&self) -> &[SocketAddr] {
        &self.listen_addresses
    }

    /// Takes nothing more, gives peers half a second to read what is queued for them, and ends.
    pub async fn shutdown(&self) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(Command::Shutdown { done }).await.is_ok() {
            // An error says that the driver ended meanwhile, which is what was asked.
            let _ = wait.await;
        }
    }
}
