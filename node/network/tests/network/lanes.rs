//! What the lanes promise between honest nodes.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use precinto_network::{FrameLane, Lane, PeerEvent, RequestLane, SendError};
use tokio::time::Instant;

use crate::support::{Node, connect, pair, peer, soon};

#[tokio::test]
async fn two_nodes_exchange_on_every_lane() {
    let (one, mut two) = pair().await;
    one.handle.send(2, FrameLane::Raft, "vote").expect("connected");
    one.handle.send(2, FrameLane::Gossip, Bytes::new()).expect("connected");
    assert_eq!(two.raft().await, (1, Bytes::from("vote")));
    assert_eq!(two.gossip().await, (1, Bytes::new()), "an empty frame is a frame");
    for lane in [RequestLane::Request, RequestLane::Snapshot] {
        let asking = one.handle.request(2, lane, "ping", Duration::from_secs(20));
        let answering = async {
            let line = match lane {
                RequestLane::Request => &mut two.inbox.requests,
                RequestLane::Snapshot => &mut two.inbox.snapshots,
            };
            let request = soon(line.recv()).await.expect("the network runs");
            assert_eq!((request.from, &request.body), (1, &Bytes::from("ping")));
            request.respond.respond("pong").expect("connected");
        };
        let (answer, ()) = tokio::join!(asking, answering);
        assert_eq!(answer, Ok(Bytes::from("pong")));
    }
    for lane in Lane::ALL {
        let (sent, received) = (one.lane(2, lane), two.lane(1, lane));
        assert_eq!((sent.frames_out, received.frames_in), (1, 1), "{lane:?}");
    }
}

#[tokio::test]
async fn three_nodes_hear_each_other_in_order_and_without_loss() {
    const FRAMES: u32 = 600;
    let (mut one, mut two, mut three) =
        (Node::start(1).await, Node::start(2).await, Node::start(3).await);
    connect(&mut [&mut one, &mut two, &mut three]).await;
    for from in [&one, &two, &three] {
        for to in (1..=3).filter(|&to| to != from.id) {
            for number in 0..FRAMES {
                // Sizes from four bytes to some kilobytes, so that frames straddle buffers.
                let mut body = vec![0; 4 + (number as usize * 37) % 9000];
                body[..4].copy_from_slice(&number.to_be_bytes());
                from.handle.send(to, FrameLane::Raft, body).expect("the queue holds them");
            }
        }
    }
    for node in [&mut one, &mut two, &mut three] {
        let mut next: BTreeMap<_, u32> = BTreeMap::new();
        for _ in 0..2 * FRAMES {
            let (from, body) = node.raft().await;
            let expected = next.entry(from).or_default();
            let number = u32::from_be_bytes(*body.first_chunk().expect("four bytes"));
            assert_eq!(number, *expected, "from {from} to {}", node.id);
            assert_eq!(body.len(), 4 + (number as usize * 37) % 9000);
            *expected += 1;
        }
    }
}

#[tokio::test]
async fn the_largest_frame_passes_and_a_larger_one_is_not_taken() {
    let (one, mut two) = pair().await;
    let largest = vec![7; Lane::Raft.max_body()];
    one.handle.send(2, FrameLane::Raft, largest).expect("it fits");
    let larger = vec![7; Lane::Raft.max_body() + 1];
    assert_eq!(one.handle.send(2, FrameLane::Raft, larger), Err(SendError::TooLarge));
    assert_eq!(two.raft().await.1.len(), Lane::Raft.max_body());
}

#[tokio::test]
async fn a_peer_that_does_not_read_fills_its_own_lane_only() {
    const FRAME: usize = 1024 * 1024;
    let (one, mut two) = pair().await;
    let mut taken: u32 = 0;
    let refused = loop {
        let mut body = vec![0; FRAME];
        body[..4].copy_from_slice(&taken.to_be_bytes());
        match one.handle.send(2, FrameLane::Raft, body) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1000, "the queue is bounded");
    };
    assert_eq!(refused, SendError::QueueFull);
    assert_eq!(one.lane(2, Lane::Raft).queue_full, 1);
    one.handle.send(2, FrameLane::Gossip, "still here").expect("another lane");
    assert_eq!(two.gossip().await.1, "still here");
    for number in 0..taken {
        assert_eq!(two.raft().await.1.first_chunk(), Some(&number.to_be_bytes()));
    }
    one.handle.send(2, FrameLane::Raft, "after").expect("there is room again");
    assert_eq!(two.raft().await.1, "after");
}

#[tokio::test]
async fn bulk_on_the_snapshot_lane_does_not_hold_up_raft() {
    const CHUNKS: usize = 20;
    let (one, mut two) = pair().await;
    let chunk = Bytes::from(vec![3; 4 * 1024 * 1024]);
    let mut snapshots =
        std::mem::replace(&mut two.inbox.snapshots, tokio::sync::mpsc::channel(1).1);
    let sent = chunk.clone();
    let serving = tokio::spawn(async move {
        for _ in 0..CHUNKS {
            let request = soon(snapshots.recv()).await.expect("the network runs");
            request.respond.respond(sent.clone()).expect("room for a chunk");
        }
    });
    let handle = one.handle.clone();
    let fetching = tokio::spawn(async move {
        for _ in 0..CHUNKS {
            let deadline = Duration::from_secs(30);
            let got = handle.request(2, RequestLane::Snapshot, "next", deadline).await;
            assert_eq!(got, Ok(chunk.clone()));
        }
    });
    let mut slowest = Duration::ZERO;
    let mut beats = 0;
    while !fetching.is_finished() {
        let sent = Instant::now();
        two.handle.send(1, FrameLane::Raft, "beat").expect("connected");
        one_beat(&one, &mut two, &mut beats).await;
        slowest = slowest.max(sent.elapsed());
    }
    soon(fetching).await.expect("every chunk arrived");
    soon(serving).await.expect("every chunk was served");
    assert!(beats >= 3, "beats passed while chunks did: {beats}");
    assert!(slowest < Duration::from_secs(2), "slowest beat: {slowest:?}");
}

/// A beat in the other direction, so that the wait covers both.
async fn one_beat(one: &Node, two: &mut Node, beats: &mut u32) {
    one.handle.send(2, FrameLane::Raft, "beat").expect("connected");
    assert_eq!(two.raft().await.1, "beat");
    *beats += 1;
}

#[tokio::test]
async fn one_side_with_an_address_is_enough_and_names_are_resolved() {
    let (mut one, mut two) = (Node::start(1).await, Node::start(2).await);
    two.set_peers(&[peer(1, Vec::new())]).await;
    let unresolvable = "no-such-host.invalid:1".to_owned();
    let name = format!("localhost:{}", two.port());
    one.set_peers(&[peer(2, vec![unresolvable, name])]).await;
    one.event(PeerEvent::Connected(2)).await;
    two.event(PeerEvent::Connected(1)).await;
}

#[tokio::test]
async fn a_shutdown_lets_peers_read_what_was_queued() {
    const FRAMES: u32 = 500;
    let (one, mut two) = pair().await;
    for number in 0..FRAMES {
        one.handle.send(2, FrameLane::Raft, number.to_be_bytes().to_vec()).expect("connected");
    }
    let reading = async {
        for number in 0..FRAMES {
            assert_eq!(two.raft().await.1, number.to_be_bytes()[..]);
        }
        two.event(PeerEvent::Disconnected(1)).await;
    };
    tokio::join!(one.handle.shutdown(), reading);
    assert_eq!(one.handle.send(2, FrameLane::Raft, "late"), Err(SendError::NotConnected));
    soon(one.handle.shutdown()).await;
}
