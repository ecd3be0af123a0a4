//! The libp2p stack: TCP, noise, yamux, the allow-list, connection limits, and our streams.

use std::time::Duration;

use libp2p::{
    Swarm, SwarmBuilder,
    allow_block_list::{self, AllowedPeers},
    connection_limits::{self, ConnectionLimits},
    identity::Keypair,
    noise,
    swarm::NetworkBehaviour,
    tcp, yamux,
};
use precinto_protocol::keys::SigningKey;

use crate::{
    config::NetworkError,
    lane::Lane,
    streams::{self, StreamEvent},
};

/// Connections with one peer. Two arise when both dial at once; two more leave room for a peer
/// that is back before its old ones are known to be lost.
const MAX_CONNECTIONS_PER_PEER: u32 = 4;

/// Incoming connections not yet authenticated: what an unknown sender can make us hold.
const MAX_PENDING_INCOMING: u32 = 64;

/// TCP and handshakes together; a slow link needs some round trips.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Streams on one connection: each lane and the pulse in both directions, with room for streams
/// that are being replaced.
const MAX_STREAMS: usize = 8 * (Lane::COUNT + 1);

/// The behaviours, in the order in which they may deny a connection.
#[derive(NetworkBehaviour)]
#[behaviour(to_swarm = "StreamEvent")]
pub(crate) struct Behaviour {
    pub(crate) allowed: allow_block_list::Behaviour<AllowedPeers>,
    limits: connection_limits::Behaviour,
    pub(crate) streams: streams::Behaviour,
}

/// Builds the stack for a network identity.
pub(crate) fn build(identity: &SigningKey) -> Result<Swarm<Behaviour>, NetworkError> {
    let keypair = Keypair::ed25519_from_bytes(&mut *identity.seed())
        .expect("any 32 bytes are an Ed25519 private key (RFC 8032)");
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING_INCOMING))
        .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
    let multiplexer = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(MAX_STREAMS);
        config
    };
    let Ok(builder) = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, multiplexer)
        .map_err(|error| NetworkError::Encryption(error.to_string()))?
        .with_behaviour(|_| Behaviour {
            allowed: allow_block_list::Behaviour::default(),
            limits: connection_limits::Behaviour::new(limits),
            streams: streams::Behaviour::default(),
        });
    Ok(builder
        .with_swarm_config(|config| config.with_max_negotiating_inbound_streams(MAX_STREAMS))
        .with_connection_timeout(CONNECT_TIMEOUT)
        .build())
}
