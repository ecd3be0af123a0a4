//! Links that break and peers that misbehave.

use futures::AsyncReadExt;
use libp2p::Stream;
use precinto_network::{FrameLane, Lane, PeerEvent, Refusal};

use crate::support::{Intruder, Node, Proxy, frame, hello, hello_frame, pair, peer, soon, until};

/// A node that knows node 2, and a client with node 2's key connected to it.
async fn intruder() -> (Node, Intruder) {
    let one = Node::start(1).await;
    one.set_peers(&[peer(2, Vec::new())]).await;
    let intruder = Intruder::connect(2, &one).await;
    (one, intruder)
}

/// Waits until the node has closed the stream.
async fn closed(mut stream: Stream) {
    let read = soon(stream.read(&mut [0])).await;
    assert!(!matches!(read, Ok(1..)), "the node writes nothing back");
}

#[tokio::test]
async fn an_oversized_frame_closes_the_stream_and_is_counted() {
    let (mut one, mut two) = intruder().await;
    let announced = u32::try_from(Lane::Gossip.max_body() + 1).expect("a small number");
    let bytes = [hello_frame(2), announced.to_be_bytes().to_vec()].concat();
    closed(two.open("/precinto/gossip/1", &bytes).await).await;
    assert_eq!(one.lane(2, Lane::Gossip).oversized, 1);
    // The next stream is judged by itself.
    let good = [hello_frame(2), frame(b"sorry")].concat();
    let _open = two.open("/precinto/gossip/1", &good).await;
    assert_eq!(one.gossip().await.1, "sorry");
    assert!(one.status(2).connected);
}

#[tokio::test]
async fn a_malformed_frame_closes_the_stream_and_is_counted() {
    let (one, mut two) = intruder().await;
    for (count, garbage) in [&[9; 20][..], &[0; 3]].into_iter().enumerate() {
        let bytes = [hello_frame(2), frame(garbage)].concat();
        closed(two.open("/precinto/request/1", &bytes).await).await;
        assert_eq!(one.lane(2, Lane::Request).malformed, count as u64 + 1);
    }
}

#[tokio::test]
async fn garbage_instead_of_a_hello_is_refused() {
    let trailing = {
        let mut hello = hello_frame(2);
        hello.push(0);
        let length = u32::try_from(hello.len() - 4).expect("a short frame");
        hello[..4].copy_from_slice(&length.to_be_bytes());
        hello
    };
    for garbage in [frame(b"GET / HTTP/1.1"), frame(&[0; 5000]), frame(b""), trailing] {
        let (one, mut two) = intruder().await;
        closed(two.open("/precinto/raft/1", &garbage).await).await;
        until(|| one.status(2).refusal == Some(Refusal::Malformed)).await;
        assert_eq!(one.lane(2, Lane::Raft).malformed, 1);
        assert!(!one.status(2).connected);
    }
}

#[tokio::test]
async fn a_newer_stream_replaces_the_older_one() {
    let (mut one, mut two) = intruder().await;
    let older = two.open("/precinto/raft/1", &[hello_frame(2), frame(b"1")].concat()).await;
    assert_eq!(one.raft().await.1, "1");
    let _newer = two.open("/precinto/raft/1", &[hello_frame(2), frame(b"2")].concat()).await;
    assert_eq!(one.raft().await.1, "2");
    closed(older).await;
    // It was not the connection that ended.
    assert!(one.status(2).connected);
}

#[tokio::test]
async fn a_peer_that_never_beats_is_disconnected() {
    let (mut one, mut two) = intruder().await;
    let _open = two.open("/precinto/raft/1", &hello_frame(2)).await;
    one.event(PeerEvent::Connected(2)).await;
    one.event(PeerEvent::Disconnected(2)).await;
}

#[tokio::test]
async fn a_link_that_carries_nothing_more_is_given_up_by_both_and_an_idle_one_is_kept() {
    let (mut one, mut two) = (Node::start(1).await, Node::start(2).await);
    let three = Node::start(3).await;
    three.set_peers(&[one.as_peer()]).await;
    let proxy = Proxy::start(two.port()).await;
    two.set_peers(&[peer(1, Vec::new())]).await;
    let detour = peer(2, vec![format!("127.0.0.1:{}", proxy.port)]);
    one.set_peers(&[detour, three.as_peer()]).await;
    until(|| one.status(2).connected && one.status(3).connected).await;
    two.event(PeerEvent::Connected(1)).await;
    proxy.freeze();
    one.event(PeerEvent::Disconnected(2)).await;
    two.event(PeerEvent::Disconnected(1)).await;
    assert!(one.status(3).connected && one.status(3).connects == 1);
    one.set_peers(&[two.as_peer(), three.as_peer()]).await;
    one.event(PeerEvent::Connected(2)).await;
    one.handle.send(2, FrameLane::Raft, "another way").expect("connected");
    assert_eq!(two.raft().await.1, "another way");
}

#[tokio::test]
async fn a_restarted_peer_is_connected_again() {
    let (mut one, two) = pair().await;
    let port = two.port();
    two.handle.shutdown().await;
    drop(two);
    one.event(PeerEvent::Disconnected(2)).await;
    // It knows no address of ours: we have to find it again.
    let mut two = Node::start_with(hello(2), port, vec![peer(1, Vec::new())]).await;
    one.event(PeerEvent::Connected(2)).await;
    two.event(PeerEvent::Connected(1)).await;
    one.handle.send(2, FrameLane::Raft, "again").expect("connected");
    assert_eq!(two.raft().await.1, "again");
    assert_eq!(one.status(2).connects, 2);
}

#[tokio::test]
async fn a_crash_is_noticed_and_the_raft_lane_reported_unreachable() {
    let (mut one, two) = pair().await;
    let port = two.port();
    while one.handle.send(2, FrameLane::Raft, vec![0; 1024 * 1024]).is_ok() {}
    // No shutdown: its tasks and connections just end.
    drop(two);
    let (mut unreachable, mut disconnected) = (false, false);
    while !(unreachable && disconnected) {
        match soon(one.inbox.events.recv()).await.expect("the network runs") {
            PeerEvent::Unreachable(2) => unreachable = true,
            PeerEvent::Disconnected(2) => disconnected = true,
            other => panic!("unexpected {other:?}"),
        }
    }
    // Back at once, and dialing us this time.
    let mut two = Node::start_with(hello(2), port, vec![one.as_peer()]).await;
    two.event(PeerEvent::Connected(1)).await;
    one.event(PeerEvent::Connected(2)).await;
    two.handle.send(1, FrameLane::Gossip, "back").expect("connected");
    assert_eq!(one.gossip().await.1, "back");
    // What was queued for the one that crashed is stale.
    assert!(one.lane(2, Lane::Raft).lost > 0);
    one.handle.send(2, FrameLane::Raft, "fresh").expect("connected");
    assert_eq!(two.raft().await.1, "fresh");
}
