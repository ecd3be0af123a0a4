//! The receiving half of one lane from one peer: checks the hello and delivers frames.

use std::sync::Arc;

use bytes::Bytes;
use futures::AsyncRead;
use libp2p::swarm::ConnectionId;
use precinto_protocol::cbor;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    driver::Signal,
    hello::MAX_HELLO_BYTES,
    inbox::Frame,
    lane::{FRAME_COST, Lane},
    peer::{PeerState, Shared},
    requests,
    wire::{Envelope, FrameReader, ReadError},
};

/// Reads one lane from one peer.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Arc<PeerState>,
    pub(crate) lane: Lane,
    pub(crate) connection: ConnectionId,
    pub(crate) driver: mpsc::Sender<Signal>,
}

enum End {
    Closed,
    Oversized(u32),
    Malformed,
    Refused,
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> End {
        match error {
            ReadError::Closed => End::Closed,
            ReadError::Oversized(length) => End::Oversized(length),
        }
    }
}

impl Reader {
    /// Runs until the stream ends or must be ended; dropping it resets it.
    pub(crate) async fn run(self, stream: impl AsyncRead + Unpin) {
        let mut frames = FrameReader::new(stream);
        let end = match self.greet(&mut frames).await {
            Ok(()) => self.read(&mut frames).await,
            Err(end) => end,
        };
        self.conclude(end).await;
    }

    async fn greet(&self, frames: &mut FrameReader<impl AsyncRead + Unpin>) -> Result<(), End> {
        let hello = match frames.length(MAX_HELLO_BYTES).await {
            Ok(length) => cbor::decode(&frames.body(length).await?).ok(),
            Err(ReadError::Oversized(_)) => None,
            Err(other) => return Err(other.into()),
        };
        if hello.is_none() {
            self.peer.lane(self.lane).stats.malformed.add(1);
        }
        self.peer.judge(&self.shared.hello, hello).map_err(|_| End::Refused)?;
        self.tell(Signal::Accepted { peer: self.peer.id, connection: self.connection }).await;
        Ok(())
    }

    async fn read(&self, frames: &mut FrameReader<impl AsyncRead + Unpin>) -> End {
        loop {
            if let Err(end) = self.next(frames).await {
                return end;
            }
        }
    }

    async fn next(&self, frames: &mut FrameReader<impl AsyncRead + Unpin>) -> Result<(), End> {
        match self.lane {
            Lane::Raft => self.deliver(frames, &self.shared.inbox.raft).await,
            Lane::Gossip => self.deliver(frames, &self.shared.inbox.gossip).await,
            Lane::Request | Lane::Snapshot => {
                let length = frames.length(self.lane.limits().body + Envelope::BYTES).await?;
                let frame = self.body(frames, length).await?;
                requests::receive(&self.shared.inbox, &self.peer, self.lane, frame)
                    .ok_or(End::Malformed)
            }
        }
    }

    /// Room first, bytes then: a peer whose frames nobody consumes waits on its own lane.
    async fn deliver(
        &self,
        frames: &mut FrameReader<impl AsyncRead + Unpin>,
        line: &mpsc::Sender<Frame>,
    ) -> Result<(), End> {
        let length = frames.length(self.lane.limits().body).await?;
        let _budget = self.budget(length).await;
        let bytes = self.body(frames, length).await?;
        let frame = Frame { from: self.peer.node, bytes, _budget };
        line.send(frame).await.map_err(|_| End::Closed)
    }

    async fn budget(&self, length: usize) -> OwnedSemaphorePermit {
        let cost = u32::try_from(length + FRAME_COST)
            .expect("a frame within its lane's limit is far below 4 GiB");
        let budget = Arc::clone(&self.peer.lane(self.lane).budget);
        budget.acquire_many_owned(cost).await.expect("a budget is never closed")
    }

    async fn body(
        &self,
        frames: &mut FrameReader<impl AsyncRead + Unpin>,
        length: usize,
    ) -> Result<Bytes, End> {
        let body = frames.body(length).await?;
        let stats = &self.peer.lane(self.lane).stats;
        stats.frames_in.add(1);
        stats.bytes_in.add(length);
        Ok(body)
    }

    async fn conclude(self, end: End) {
        let (peer, connection) = (self.peer.id, self.connection);
        let (node, lane) = (self.peer.node, self.lane.name());
        let stats = &self.peer.lane(self.lane).stats;
        match end {
            End::Closed => {}
            End::Refused => self.tell(Signal::Refused { peer, connection }).await,
            End::Oversized(length) => {
                if stats.oversized.first() {
                    tracing::warn!(node, lane, length, "frame above the limit: stream closed");
                }
            }
            End::Malformed => {
                if stats.malformed.first() {
                    tracing::warn!(node, lane, "malformed frame: stream closed");
                }
            }
        }
    }

    async fn tell(&self, signal: Signal) {
        // A driver that is gone takes every connection with it: nobody needs to be told.
        let _ = self.driver.send(signal).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hello::Hello, inbox::inbox, queue::Outgoing, wire::write_frame};
    use futures::{FutureExt, io::Cursor};
    use libp2p::PeerId;
    use precinto_protocol::hash::Hash;

    const FRAME: usize = 1024 * 1024;

    fn hello(node: u64) -> Hello {
        Hello {
            genesis: Hash::ZERO,
            protocol_version: 1,
            engine_fingerprint: Hash::ZERO,
            node,
            storage_id: [0; 16],
        }
    }

    async fn written(bodies: impl IntoIterator<Item = Bytes>) -> Cursor<Vec<u8>> {
        let mut bytes = Vec::new();
        for body in bodies {
            let frame = Outgoing { envelope: None, body };
            write_frame(&mut bytes, &frame).await.expect("a vector takes everything");
        }
        Cursor::new(bytes)
    }

    #[tokio::test]
    async fn a_peer_whose_frames_nobody_consumes_waits_until_somebody_does() {
        let room = Lane::Raft.limits().inbound_bytes / (FRAME + FRAME_COST);
        let (senders, mut inbox) = inbox();
        let (driver, mut signals) = mpsc::channel(1);
        let reader = Reader {
            shared: Arc::new(Shared::new(hello(1), senders)),
            peer: Arc::new(PeerState::new(2, PeerId::random(), None)),
            lane: Lane::Raft,
            connection: ConnectionId::new_unchecked(1),
            driver,
        };
        let frames = vec![Bytes::from(vec![0; FRAME]); room + 2];
        let hello = Bytes::from(cbor::encode(&hello(2)));
        let mut reading = Box::pin(reader.run(written([hello].into_iter().chain(frames)).await));
        assert!((&mut reading).now_or_never().is_none(), "it waits");
        assert!(matches!(signals.try_recv(), Ok(Signal::Accepted { .. })));
        assert_eq!(inbox.raft.len(), room);
        drop(inbox.raft.recv().await);
        assert!((&mut reading).now_or_never().is_none(), "it waits again");
        assert_eq!(inbox.raft.len(), room);
        drop(inbox.raft.recv().await);
        assert!(reading.now_or_never().is_some(), "all is delivered");
        assert_eq!(inbox.raft.len(), room);
    }
}
