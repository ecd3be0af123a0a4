//! What a peer's bytes become, for `tests/fuzzing`: the reader of a stream without the network
//! around it.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, io::Cursor};
use libp2p::{identity::Keypair, swarm::ConnectionId};
use precinto_protocol::hash::Hash;
use tokio::sync::mpsc;

use crate::{
    hello::Hello,
    inbox::{Inbox, inbox},
    lane::Lane,
    peer::{PeerState, Shared},
    reader::Reader,
};

/// The node that reads; the peer is [`PEER`].
const NODE: u64 = 1;

/// The node that writes.
pub const PEER: u64 = 2;

/// What a node says about itself here.
pub fn hello(node: u64) -> Hello {
    Hello {
        genesis: Hash::ZERO,
        protocol_version: 1,
        engine_fingerprint: Hash::ZERO,
        node,
        storage_id: [0; 16],
    }
}

/// Reads a stream of this lane from [`PEER`] to its end, and returns the bodies of the frames and
/// requests that were delivered.
///
/// # Panics
/// If the reader waits for something else than room in the inbox.
pub fn deliver(lane: Lane, stream: &[u8]) -> Vec<Bytes> {
    let (senders, mut inbox) = inbox();
    let (driver, mut signals) = mpsc::channel(1);
    let key = Keypair::ed25519_from_bytes([PEER as u8; 32]).expect("any seed is a key's");
    let id = key.public().to_peer_id();
    let reader = Reader {
        shared: Arc::new(Shared::new(hello(NODE), senders)),
        peer: Arc::new(PeerState::new(PEER, id, None)),
        lane,
        connection: ConnectionId::new_unchecked(1),
        driver,
    };
    let mut reading = Box::pin(reader.run(Cursor::new(stream)));
    let mut delivered = Vec::new();
    loop {
        let ended = (&mut reading).now_or_never().is_some();
        let told = signals.try_recv().is_ok();
        let before = delivered.len();
        drain(&mut inbox, &mut delivered);
        if ended {
            return delivered;
        }
        assert!(told || delivered.len() > before, "the reader waits for nothing");
    }
}

fn drain(inbox: &mut Inbox, delivered: &mut Vec<Bytes>) {
    while let Ok(frame) = inbox.raft.try_recv() {
        delivered.push(frame.bytes);
    }
    while let Ok(frame) = inbox.gossip.try_recv() {
        delivered.push(frame.bytes);
    }
    for line in [&mut inbox.requests, &mut inbox.snapshots] {
        while let Ok(request) = line.try_recv() {
            delivered.push(request.body);
        }
    }
}
