//! The sending half of one lane to one peer: keeps a stream open and drains the queue into it.

use std::{io, sync::Arc};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, io::BufWriter};
use libp2p::{Stream, swarm::ConnectionId};
use precinto_protocol::cbor;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep},
};

use crate::{
    backoff::{self, Backoff},
    driver::{Opened, Signal},
    inbox::PeerEvent,
    lane::Lane,
    peer::{PeerState, Shared},
    queue::Outgoing,
    wire,
};

/// Buffer of a writer: small frames that wait together leave together.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// Writes one lane to one peer.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Arc<PeerState>,
    pub(crate) lane: Lane,
    pub(crate) driver: mpsc::Sender<Signal>,
    /// The peer's connections, newest last.
    pub(crate) connections: watch::Receiver<Vec<ConnectionId>>,
}

enum End {
    /// The queue was finished and everything in it was read by the peer.
    Finished,
    Broken,
}

impl Writer {
    /// Runs until the queue is finished or the driver is gone.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        while self.connections.wait_for(|live| !live.is_empty()).await.is_ok() {
            if let Some(opened) = self.open().await {
                let since = Instant::now();
                if let End::Finished = self.session(opened).await {
                    return;
                }
                self.broken();
                if since.elapsed() > backoff::LONGEST {
                    backoff.reset();
                }
            }
            tokio::select! {
                () = sleep(backoff.next()) => {}
                // The next connection deserves an attempt at once.
                () = none_left(&mut self.connections) => backoff.reset(),
            }
        }
    }

    async fn open(&self) -> Option<Opened> {
        let (reply, opened) = oneshot::channel();
        let order = Signal::Open { peer: self.peer.id, lane: self.lane, reply };
        self.driver.send(order).await.ok()?;
        opened.await.ok()
    }

    async fn session(&self, Opened { stream, connection }: Opened) -> End {
        let mut connections = self.connections.clone();
        let (mut back, out) = Stream::split(stream);
        let mut out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, out);
        tokio::select! {
            pumped = self.pump(&mut out) => if pumped.is_err() {
                return End::Broken;
            },
            () = self.closed_by_peer(&mut back) => return End::Broken,
            () = lost(&mut connections, connection) => return End::Broken,
        }
        // The peer closes its half when it has read all of ours. The driver bounds the wait.
        self.closed_by_peer(&mut back).await;
        End::Finished
    }

    /// Writes the hello, then frames until the queue is finished.
    async fn pump(&self, out: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let hello = cbor::encode(&self.shared.hello);
        wire::write_frame(out, &Outgoing { envelope: None, body: hello.into() }).await?;
        out.flush().await?;
        let queue = &self.peer.lane(self.lane).queue;
        loop {
            let Some(mut frame) = queue.pop().await else {
                return out.close().await;
            };
            loop {
                wire::write_frame(out, &frame).await?;
                self.count(&frame);
                match queue.try_pop() {
                    Some(more) => frame = more,
                    None => break,
                }
            }
            out.flush().await?;
        }
    }

    fn count(&self, frame: &Outgoing) {
        let stats = &self.peer.lane(self.lane).stats;
        stats.frames_out.add(1);
        stats.bytes_out.add(frame.body.len());
    }

    /// Returns when the peer closes or resets the stream, which it never writes to.
    async fn closed_by_peer(&self, back: &mut (impl AsyncRead + Unpin)) {
        if let Ok(1) = back.read(&mut [0]).await
            && self.peer.lane(self.lane).stats.malformed.first()
        {
            let lane = self.lane.name();
            tracing::warn!(node = self.peer.node, lane, "the peer wrote to a stream it reads");
        }
    }

    /// What was queued for the stream that broke is stale: who sent it is told and decides.
    fn broken(&self) {
        let lane = self.peer.lane(self.lane);
        lane.stats.lost.add(lane.queue.clear());
        lane.pending.connection_lost();
        if self.lane == Lane::Raft {
            self.shared.event(PeerEvent::Unreachable(self.peer.node));
        }
    }
}

/// Returns when the peer has no connection, or the driver is gone.
async fn none_left(connections: &mut watch::Receiver<Vec<ConnectionId>>) {
    // An error says that the driver is gone, and with it every connection.
    let _ = connections.wait_for(Vec::is_empty).await;
}

/// Returns when the connection is lost, or the driver is gone.
async fn lost(connections: &mut watch::Receiver<Vec<ConnectionId>>, connection: ConnectionId) {
    // As above.
    let _ = connections.wait_for(|live| !live.contains(&connection)).await;
}
