//! What the caller gives: our own identity and addresses, and who the peers are.

use std::{collections::BTreeSet, net::SocketAddr};

use libp2p::{PeerId, identity};
use precinto_protocol::{
    identity::NodeId,
    keys::{PublicKey, SigningKey},
};

use crate::hello::{Hello, StorageId};

/// What a node needs to take part.
pub struct NetworkConfig {
    /// The node's network identity. A key of its own: never the one that signs blocks, checkpoints
    /// or transactions.
    pub identity: SigningKey,
    /// Where to accept connections; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// What we say about ourselves.
    pub hello: Hello,
}

/// Another node, as committed membership describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its id within the channel.
    pub node: NodeId,
    /// Its network identity: an Ed25519 public key.
    pub network_key: [u8; 32],
    /// Where it can be reached, as `host:port`. Names are resolved at every attempt. May be empty
    /// for a peer that only dials.
    pub addresses: Vec<String>,
    /// Its storage id where membership commits to one. Otherwise the first one seen binds it for
    /// as long as this process runs.
    pub storage_id: Option<StorageId>,
}

/// Why the network did not start, or did not take a list of peers.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A peer's network key is no canonical Ed25519 public key of full order.
    #[error("the network key of node {0} is not a canonical Ed25519 public key of full order")]
    InvalidKey(NodeId),
    /// Two peers share a node id or a network key.
    #[error("node {0} shares its id or its network key with another peer")]
    Duplicate(NodeId),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// Noise could not be set up with the node's key.
    #[error("cannot set up encryption: {0}")]
    Encryption(String),
    /// The network was shut down.
    #[error("the network was shut down")]
    Stopped,
}

/// A peer whose key was parsed.
pub(crate) struct KnownPeer {
    pub(crate) id: PeerId,
    pub(crate) peer: Peer,
}

/// Parses keys, leaves out ourselves, refuses duplicates.
pub(crate) fn check_peers(ours: NodeId, peers: Vec<Peer>) -> Result<Vec<KnownPeer>, NetworkError> {
    let (mut nodes, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let mut known = Vec::with_capacity(peers.len());
    for peer in peers.into_iter().filter(|peer| peer.node != ours) {
        let invalid = NetworkError::InvalidKey(peer.node);
        let key = PublicKey::from_bytes(&peer.network_key)
            .ok()
            .and_then(|key| identity::ed25519::PublicKey::try_from_bytes(&key.to_bytes()).ok())
            .ok_or(invalid)?;
        let id = identity::PublicKey::from(key).to_peer_id();
        if !nodes.insert(peer.node) || !ids.insert(id) {
            return Err(NetworkError::Duplicate(peer.node));
        }
        known.push(KnownPeer { id, peer });
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(node: NodeId, seed: u8) -> Peer {
        let network_key = SigningKey::from_seed(&[seed; 32]).public().to_bytes();
        Peer { node, network_key, addresses: Vec::new(), storage_id: None }
    }

    #[test]
    fn we_are_left_out_and_duplicates_and_bad_keys_are_refused() {
        let known = check_peers(1, vec![peer(1, 1), peer(2, 2), peer(3, 3)]).expect("a good list");
        assert_eq!(known.iter().map(|known| known.peer.node).collect::<Vec<_>>(), [2, 3]);
        let refused = |peers| check_peers(1, peers).map(|_| ()).expect_err("a bad list");
        let twice = refused(vec![peer(2, 2), peer(2, 3)]);
        assert!(matches!(twice, NetworkError::Duplicate(2)));
        let shared_key = refused(vec![peer(2, 2), peer(3, 2)]);
        assert!(matches!(shared_key, NetworkError::Duplicate(3)));
        let no_point = Peer { network_key: [0xff; 32], ..peer(4, 4) };
        assert!(matches!(refused(vec![no_point]), NetworkError::InvalidKey(4)));
    }
}
