//! Who is let in.

use precinto_network::{FrameLane, Hello, NetworkError, Peer, PeerEvent, Refusal, SendError};
use precinto_protocol::hash::Hash;

use crate::support::{Node, connect, hello, pair, until};

#[tokio::test]
async fn a_stranger_is_turned_away_and_counted() {
    let one = Node::start(1).await;
    let two = Node::start(2).await;
    two.set_peers(&[one.as_peer()]).await;
    until(|| one.handle.stats().strangers.get() >= 2).await;
    assert!(one.handle.peers().is_empty());
    assert!(!two.status(1).connected);
    assert_eq!(two.handle.send(1, FrameLane::Raft, "let me in"), Err(SendError::NotConnected));
}

/// Starts node 2 with another hello and expects node 1 to refuse it for `reason`.
async fn refused(hello: Hello, reason: Refusal) -> (Node, Node) {
    let one = Node::start(1).await;
    // Its identity is node 2's whatever its hello says.
    let two = Node::start_as(2, hello, 0, Vec::new()).await;
    one.set_peers(&[two.as_peer()]).await;
    two.set_peers(&[one.as_peer()]).await;
    until(|| one.status(2).refusal == Some(reason)).await;
    assert!(!one.status(2).connected);
    assert_eq!(one.status(2).connects, 0);
    assert_eq!(one.handle.send(2, FrameLane::Raft, "?"), Err(SendError::NotConnected));
    (one, two)
}

#[tokio::test]
async fn another_genesis_is_refused_by_both() {
    let other = Hello { genesis: Hash([9; 32]), ..hello(2) };
    let (_one, two) = refused(other, Refusal::Genesis(Hash([9; 32]))).await;
    until(|| two.status(1).refusal == Some(Refusal::Genesis(hello(1).genesis))).await;
}

#[tokio::test]
async fn another_protocol_version_is_refused() {
    refused(Hello { protocol_version: 2, ..hello(2) }, Refusal::ProtocolVersion(2)).await;
}

#[tokio::test]
async fn a_node_that_claims_another_id_is_refused() {
    refused(Hello { node: 3, ..hello(2) }, Refusal::Node(3)).await;
}

#[tokio::test]
async fn a_node_with_another_storage_than_committed_is_refused() {
    let mut one = Node::start(1).await;
    let mut two = Node::start(2).await;
    two.set_peers(&[one.as_peer()]).await;
    one.set_peers(&[Peer { storage_id: Some([9; 16]), ..two.as_peer() }]).await;
    until(|| one.status(2).refusal == Some(Refusal::Storage)).await;
    assert_eq!(one.status(2).connects, 0);
    // Membership commits to the storage it has: the verdict is revised.
    one.set_peers(&[Peer { storage_id: Some(hello(2).storage_id), ..two.as_peer() }]).await;
    one.event(PeerEvent::Connected(2)).await;
    two.event(PeerEvent::Connected(1)).await;
    assert_eq!(one.status(2).refusal, None);
}

#[tokio::test]
async fn a_node_that_comes_back_with_another_storage_is_refused() {
    let (mut one, two) = pair().await;
    let port = two.port();
    two.handle.shutdown().await;
    one.event(PeerEvent::Disconnected(2)).await;
    let wiped = Hello { storage_id: [9; 16], ..hello(2) };
    let _two = Node::start_with(wiped, port, vec![one.as_peer()]).await;
    until(|| one.status(2).refusal == Some(Refusal::Storage)).await;
    assert_eq!(one.status(2).storage_id, Some(hello(2).storage_id));
    assert!(!one.status(2).connected);
}

#[tokio::test]
async fn another_engine_is_noted_and_let_in() {
    let mut one = Node::start(1).await;
    let other = Hello { engine_fingerprint: Hash([9; 32]), ..hello(2) };
    let mut two = Node::start_with(other, 0, Vec::new()).await;
    connect(&mut [&mut one, &mut two]).await;
    assert!(one.status(2).engine_differs && two.status(1).engine_differs);
}

#[tokio::test]
async fn a_removed_peer_is_disconnected_and_a_stranger_from_then_on() {
    let (mut one, mut two) = pair().await;
    one.set_peers(&[]).await;
    one.event(PeerEvent::Disconnected(2)).await;
    two.event(PeerEvent::Disconnected(1)).await;
    assert_eq!(one.handle.send(2, FrameLane::Raft, "?"), Err(SendError::NotConnected));
    until(|| one.handle.stats().strangers.get() >= 1).await;
    one.set_peers(&[two.as_peer()]).await;
    one.event(PeerEvent::Connected(2)).await;
    one.handle.send(2, FrameLane::Raft, "welcome back").expect("connected");
    assert_eq!(two.raft().await.1, "welcome back");
}

#[tokio::test]
async fn an_unsound_list_changes_nothing() {
    let (one, two) = pair().await;
    let twice = vec![two.as_peer(), two.as_peer()];
    let refused = one.handle.set_peers(twice).await;
    assert!(matches!(refused, Err(NetworkError::Duplicate(2))));
    assert!(one.status(2).connected);
    one.handle.shutdown().await;
    let stopped = one.handle.set_peers(Vec::new()).await;
    assert!(matches!(stopped, Err(NetworkError::Stopped)));
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let one = Node::start(1).await;
    let config = precinto_network::NetworkConfig {
        identity: crate::support::key(2),
        listen: vec![one.handle.listen_addresses()[0]],
        hello: hello(2),
    };
    let refused = precinto_network::Network::start(config, Vec::new()).await.map(|_| ());
    assert!(matches!(refused, Err(NetworkError::Listen { .. })), "{refused:?}");
}
